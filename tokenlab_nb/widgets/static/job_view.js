// JobView: one job in words, what can be done about it, its ids, and its pictures.

function render({ model, el }) {
  const store = storeOf(model);
  const root = h("section", { class: "tlnb-job tlnb-gallery" });
  const title = h("h3", { class: "tlnb-title" });
  const state = h("strong", { class: "tlnb-jobstate", role: "status" });
  const time = h("span", { class: "tlnb-jobtime" });
  const bar = h("progress", { max: 100, hidden: true, "aria-label": "Progress" });
  const price = h("span", { class: "tlnb-jobprice" });
  const note = h("p", { class: "tlnb-jobnote" });
  const prompt = h("p", { class: "tlnb-prompt" });
  const trouble = troubleBlock(false);
  const act = actionButtons(model, store);
  const ids = h("dl", { class: "tlnb-allfacts" });
  const details = h("details", { class: "tlnb-ids" }, h("summary", { text: "Ids of this job" }), ids, packetButton(model));
  root.append(h("header", { class: "tlnb-head" }, title, state, time, price, bar));
  alertRegion(model, root);
  root.append(prompt, note, trouble.node, act.node);
  keepKeys(root);
  el.append(root);

  const box = lightbox(model, store, root, { closed: (key) => grid.focus(key) });
  const grid = tileGrid(model, store, root, { open: (key, place) => box.open(key, place), brief: true });
  root.append(details);
  const leave = besideTwin(model, store, el);
  let ticking = 0;

  function tick() {
    clearTimeout(ticking);
    const [row] = model.get("rows");
    if (!row) return;
    setText(time, row.ended || (row.running && !store.dead) ? timeWords(row) : "");
    if (row.running && !store.dead) ticking = setTimeout(tick, 1000);
  }

  function update() {
    const [row] = model.get("rows");
    if (!row) return;
    const resting = row.kind !== "picture" && row.kind !== "waiting";
    setText(title, model.get("title") || row.model);
    setAttr(root, "aria-label", `Job: ${model.get("title") || row.model}`);
    root.dataset.kind = row.kind;
    setText(state, row.counts ? `${row.words} (${row.counts})` : row.words);
    setText(prompt, row.prompt);
    setShown(prompt, Boolean(row.prompt));
    setShown(bar, row.running && row.progress !== null);
    if (row.progress !== null) bar.value = row.progress;
    setText(price, row.price);
    setText(note, noteWords(row));
    setShown(note, Boolean(note.textContent));
    trouble.update(row.error, resting);
    act.update(row, row.actions);
    setIds(ids, row);
    grid.update([row]);
    box.update([row]);
    tick();
  }
  model.on("change:rows", update);
  model.on("change:title", update);
  update();

  return () => {
    clearTimeout(ticking);
    leave();
    grid.close();
    box.close();
  };
}

function noteWords(row) {
  const parts = [
    row.note || (row.running && row.error ? row.error.text : ""),
    row.repeats && `It runs ${row.repeats} again, which stays in session.history().`,
    row.repeated && `It was run again as ${row.repeated}.`,
    row.mends && `It mends ${row.mends}, which stays in session.history().`,
  ];
  return parts.filter(Boolean).join(" ");
}

/** A button that copies what the service's support needs, and shows it: selected, where the page may not copy. */
function packetButton(model) {
  const button = h("button", { class: "tlnb-button", type: "button", text: "Copy support packet" });
  const told = h("span", { class: "tlnb-consequence", role: "status" });
  const text = h("pre", { class: "tlnb-packet", tabindex: "0", "aria-label": "Support packet", hidden: true });
  button.addEventListener("click", async () => {
    if (button.hasAttribute("aria-disabled")) return;
    setAttr(button, "aria-disabled", "true");
    try {
      const { result } = await ask(model, "packet", { job: model.get("rows")[0].id });
      setText(text, result.text);
      setShown(text, true);
      const copied = await copyText(result.text, text);
      setText(told, copied ? "Copied: ids, times and states; no prompt, no key, no picture." : "Press Ctrl+C to copy it.");
    } catch (error) {
      setText(told, error.message);
    }
    setAttr(button, "aria-disabled", null);
  });
  return h("div", { class: "tlnb-support" }, h("div", { class: "tlnb-actions" }, button, told), text);
}

/** The ids, each selectable and with a button that copies it; a line that is there is patched. */
function setIds(list, row) {
  for (const [name, value] of Object.entries(row.ids)) {
    let line = [...list.children].find((node) => node.dataset.name === name);
    if (!line) {
      const copy = copyLine(name);
      line = h("div", {}, copy.node);
      line.dataset.name = name;
      line.update = copy.update;
      list.append(line);
    }
    line.update(value);
  }
}

export default { initialize: openStore, render };
