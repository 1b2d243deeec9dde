// One reference picture on the page: what Python knows of it (`row`) and what is still on its way here (`item`).

/** `1st`, `2nd`, `3rd`, `4th`, `11th`. */
function ordinal(number) {
  const teen = [11, 12, 13].includes(number % 100);
  return `${number}${teen ? "th" : ({ 1: "st", 2: "nd", 3: "rd" }[number % 10] ?? "th")}`;
}

/** How a file that is still here stands, in words. */
function itemWords(item) {
  if (item.slow) return "Python is at work: it takes this when the running cell ends.";
  const words = {
    looking: item.file ? "Looking at the file" : "Asking Python",
    scaling: "Scaling down",
    waiting: "Waits for its turn",
    travelling: `On its way: ${fileSize(item.sent)} of ${fileSize(item.size)}`,
  };
  return words[item.state] ?? item.problem;
}

function rowWords(row) {
  if (row.state === "coming") return "On its way from another page. Remove it if that page was closed.";
  if (row.state === "taking") return "Python looks at it";
  return row.checking ? "Fetching the address, to look at it" : "";
}

function noteWord(note) {
  return note.bad ? "Problem: " : "Note: ";
}

/** The question about a large picture, with both answers. */
function sizeQuestion(uploads) {
  const text = h("p", { class: "tlnb-refs-ask" });
  const answer = (smaller) => ({ click: () => uploads.decide(item, smaller) });
  const yes = h("button", { class: "tlnb-button", type: "button", on: answer(true) });
  const no = h("button", { class: "tlnb-button", type: "button", text: "Keep as it is", on: answer(false) });
  const node = h("div", { class: "tlnb-refs-question", role: "group", hidden: true }, text, yes, no);
  let item = null;
  return {
    node,
    update(newItem) {
      item = newItem;
      const asks = item?.state === "asking";
      setShown(node, asks);
      if (!asks) return;
      const { width, height } = item.facts;
      const pixels = width ? `${width.toLocaleString("en")} × ${height.toLocaleString("en")} pixels, ` : "";
      setText(text, `Large: ${pixels}${fileSize(item.size)}.`);
      setText(yes, `Scale down to ${SCALED_EDGE} px (about ${fileSize(scaledBytes(item.file, item.facts))})`);
      setAttr(node, "aria-label", `${item.name} is large`);
    },
  };
}

/**
 * Make a card. `act(name)` is called for its buttons: recall, earlier, later, check, remove.
 * Returns `{li, body, update({row, item, place, count, url, lost, canCheck})}`.
 */
function makeCard(key, uploads, act) {
  const place = h("span", { class: "tlnb-refs-place" });
  const img = h("img", { alt: "", draggable: "false", decoding: "async", hidden: true });
  const blank = h("span", { class: "tlnb-refs-blank" });
  const frame = h("div", { class: "tlnb-refs-frame" }, img, blank);
  const name = h("bdi", { class: "tlnb-refs-name" });
  const facts = h("div", { class: "tlnb-refs-facts" });
  const address = h("code", { class: "tlnb-refs-address", hidden: true });
  const bar = h("progress", { max: 1, hidden: true });
  const state = h("p", { class: "tlnb-refs-state" });
  const notes = h("ul", { class: "tlnb-refs-notes" });
  const question = sizeQuestion(uploads);
  const button = (text, what) => h("button", { class: "tlnb-button", type: "button", text, on: { click: () => press(what) } });
  const buttons = { recall: button("Set up as it was made", "recall"), earlier: button("Earlier", "earlier"), later: button("Later", "later"), check: button("Check", "check") };
  buttons.remove = button("Remove", "remove");
  const acts = h("div", { class: "tlnb-refs-acts" }, ...Object.values(buttons));
  const head = h("div", { class: "tlnb-refs-cardhead" }, place, name);
  const parts = [head, frame, facts, address, bar, state, question.node, notes, acts];
  const body = h("div", { class: "tlnb-refs-body", role: "group", tabindex: "0" }, ...parts);
  const li = h("li", { class: "tlnb-refs-card" }, body);
  li.dataset.key = key;

  /** Not by `disabled`: the button would lose the focus to the page. */
  function press(what) {
    if (!buttons[what].hasAttribute("aria-disabled")) act(what);
  }

  function setNotes(told) {
    const text = JSON.stringify(told);
    if (notes.dataset.told === text) return;
    notes.dataset.told = text;
    const line = (note) => h("li", { "data-bad": note.bad }, h("strong", { text: noteWord(note) }), note.text);
    notes.replaceChildren(...told.map(line));
  }

  function setButtons({ row, place: at, count, canCheck }, label) {
    const placed = at > 0 && count > 1 && Boolean(row);
    setShown(buttons.earlier, placed);
    setShown(buttons.later, placed);
    setAttr(buttons.earlier, "aria-disabled", at <= 1 ? "true" : null);
    setAttr(buttons.later, "aria-disabled", at >= count ? "true" : null);
    setShown(buttons.recall, Boolean(row?.made) && row.state === "ready");
    setShown(buttons.check, canCheck && row?.kind === "address" && row.state === "ready");
    setAttr(buttons.check, "aria-disabled", row?.checking ? "true" : null);
    for (const each of Object.values(buttons)) setAttr(each, "aria-label", `${each.textContent}: ${label}`);
  }

  function paint({ row, url, lost }) {
    if (url && img.getAttribute("src") !== url) img.src = url;
    if (!url) img.removeAttribute("src");
    setShown(img, Boolean(url));
    setShown(blank, !url);
    const words = row?.kind === "address" ? row.host : row?.kind === "file" ? "Uploaded file" : "";
    setText(blank, lost || words);
    setAttr(frame, "draggable", row && row.state !== "refused" ? "true" : null);
  }

  return {
    li,
    body,
    update(data) {
      const { row, item, place: at, count } = data;
      const shown = row?.name ?? item.name;
      const out = item?.state === "failed" ? "Not added" : "Not used";
      li.dataset.state = item?.state ?? row.state;
      setText(place, at ? ordinal(at) : out);
      setText(name, shown);
      setAttr(name, "title", shown);
      setText(facts, row?.facts ?? "");
      setText(address, row?.address ?? "");
      setShown(address, Boolean(row?.address));
      setShown(bar, item?.state === "travelling");
      if (item?.size) bar.value = item.sent / item.size;
      setAttr(bar, "aria-label", `${shown} on its way`);
      setText(state, item ? itemWords(item) : rowWords(row));
      question.update(item);
      const made = row?.made ? [{ text: row.made, bad: false }] : [];
      setNotes([...(row?.notes ?? []), ...made]);
      paint(data);
      setButtons(data, shown);
      const where = at ? `${ordinal(at)} of ${count}: ` : `${out}: `;
      setAttr(body, "aria-label", `${where}${shown}${row?.facts ? `, ${row.facts}` : ""}`);
      setAttr(body, "aria-keyshortcuts", row ? "Alt+ArrowLeft Alt+ArrowRight Delete" : "Delete");
    },
  };
}
