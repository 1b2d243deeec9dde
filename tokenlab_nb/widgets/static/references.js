// The reference picker: pictures come by drop, paste, file, address or from earlier results, and stand in an order.
// Python holds the cards (trait `cards`); what is still on its way here is held by `lib/uploads.js`.

const PICTURE_TYPE = "application/x-tokenlab-picture"; // a hash, set where one of our own pictures is dragged
const CARD_TYPE = "application/x-tokenlab-card";
const IS_HASH = /^[0-9a-f]{64}$/;

/** What a drop or a paste brings: `{hash}`, `{files}` or `{texts}`; files first, since they need no address. */
function brought(data) {
  const hash = data.getData(PICTURE_TYPE);
  if (IS_HASH.test(hash)) return { hash };
  if (data.files.length) return { files: [...data.files] };
  const html = data.getData("text/html");
  const source = html && new DOMParser().parseFromString(html, "text/html").querySelector("img")?.getAttribute("src");
  if (source && /^(https?:|data:image\/)/i.test(source)) return { texts: [source] };
  const listed = data.getData("text/uri-list").split(/\r?\n/).filter((line) => line && !line.startsWith("#"));
  return { texts: listed.length ? listed : data.getData("text/plain").split(/\s+/).filter(Boolean) };
}

/** The file in a data: address, or null. */
function fileOf(text) {
  const found = /^data:image\/([a-z+]+);base64,([A-Za-z0-9+/=\s]+)$/i.exec(text);
  if (!found) return null;
  const bytes = Uint8Array.from(atob(found[2].replace(/\s/g, "")), (letter) => letter.charCodeAt(0));
  return new File([bytes], `pasted.${found[1].replace("+xml", "")}`);
}

function hostOf(text) {
  try {
    return new URL(text).hostname || "address";
  } catch {
    return "address";
  }
}

const plural = (count, one, many) => (count === 1 ? `1 ${one}` : `${count} ${many}`);

/** The parts that stand still. */
function buildFrame(model, el) {
  const uid = model.get("uid");
  const action = (text, props = {}) => h("button", { class: "tlnb-button", type: "button", text, ...props });
  const field = { id: `tlnb-refs-address-${uid}`, type: "text", inputmode: "url", autocomplete: "off", spellcheck: "false" };
  const parts = {
    root: h("section", { class: "tlnb-refs", "aria-label": "Reference pictures" }),
    files: h("input", { type: "file", multiple: true, accept: "image/png,image/jpeg,image/webp", hidden: true }),
    choose: action("Choose files"),
    results: action("From results", { "aria-expanded": "false", "aria-controls": `tlnb-refs-strip-${uid}` }),
    form: h("form", { class: "tlnb-refs-form" }),
    address: h("input", { ...field, placeholder: "Address of a picture", "aria-describedby": `tlnb-refs-problem-${uid}` }),
    problem: h("p", { class: "tlnb-refs-problem", id: `tlnb-refs-problem-${uid}`, role: "alert" }),
    strip: h("div", { class: "tlnb-refs-strip", id: `tlnb-refs-strip-${uid}`, role: "group", "aria-label": "Earlier results", hidden: true }),
    limits: h("ul", { class: "tlnb-refs-limits", "aria-label": "What the chosen models take" }),
    notes: h("ul", { class: "tlnb-refs-notes", "aria-label": "About all pictures" }),
    status: h("span", { class: "tlnb-refs-status", role: "status" }),
    all: h("span", { class: "tlnb-refs-all", hidden: true }),
    clear: action("Remove all", { hidden: true }),
    cards: h("ol", { class: "tlnb-refs-cards", role: "list", "aria-label": "Pictures, in the order in which they are sent" }),
    said: h("div", { class: "tlnb-refs-said", role: "status" }),
  };
  const label = h("label", { class: "tlnb-refs-said", for: field.id, text: "Address of a picture" });
  parts.form.append(label, parts.address, action("Add", { type: "submit" }));
  const words = h("span", { class: "tlnb-refs-words", text: "Drop pictures here, paste them with Ctrl+V, or" });
  const ways = h("div", { class: "tlnb-refs-ways" }, words, parts.choose, parts.results, parts.files);
  const zone = h("div", { class: "tlnb-refs-zone" }, ways, parts.form, parts.problem);
  const bar = h("div", { class: "tlnb-refs-bar" }, parts.status, parts.all, parts.clear);
  keepKeys(parts.root);
  alertRegion(model, parts.root);
  parts.root.append(zone, parts.strip, parts.limits, parts.notes, bar, parts.cards, parts.said);
  el.classList.add("tlnb-refs-host");
  el.append(parts.root);
  return parts;
}

class References {
  constructor(model, el) {
    this.model = model;
    this.store = storeOf(model);
    this.uploads = uploadsOf(model);
    this.parts = buildFrame(model, el);
    this.nodes = new Map(); // key -> card
    this.states = null; // key -> state, to tell what is new; null before the first drawing
    this.dragged = "";
    this.listen();
    this.buildBulk();
    this.draw();
  }

  // ---- the data

  /** Everything there is a card for, in order, with its place among those that count (0: it does not). */
  entries() {
    const rows = this.model.get("cards");
    const known = new Set(rows.map((row) => row.key));
    const own = [...this.uploads.items.values()];
    const local = own.filter((item) => !known.has(item.key)).map((item) => ({ key: item.key, item }));
    const all = [...rows.map((row) => ({ key: row.key, row, item: this.uploads.items.get(row.key) })), ...local];
    let place = 0;
    for (const entry of all) {
      const isOut = entry.row ? entry.row.state === "refused" : entry.item.state === "failed";
      entry.place = isOut ? 0 : ++place;
    }
    for (const entry of all) entry.count = place;
    return all;
  }

  /** Files that Python code removed are not sent any further. */
  dropGone() {
    const keys = new Set(this.model.get("cards").map((row) => row.key));
    for (const item of [...this.uploads.items.values()]) {
      if (keys.has(item.key)) item.known = true;
      else if (item.known && item.state !== "failed") this.uploads.items.delete(item.key);
    }
    for (const key of [...this.uploads.previews.keys()]) {
      const row = this.model.get("cards").find((each) => each.key === key);
      if ((!row && !this.uploads.items.has(key)) || this.store.thumbs.has(row?.thumb)) this.uploads.forget(key);
    }
  }

  // ---- drawing

  draw() {
    this.dropGone();
    const { cards, root, clear } = this.parts;
    const entries = this.entries();
    const focused = root.getRootNode().activeElement;
    const place = [...cards.children].findIndex((li) => li.contains(focused));
    const keys = new Set(entries.map((entry) => entry.key));
    for (const [key, card] of this.nodes) {
      if (keys.has(key)) continue;
      card.li.remove();
      this.nodes.delete(key);
    }
    entries.forEach((entry, at) => {
      if (!this.nodes.has(entry.key)) {
        this.nodes.set(entry.key, makeCard(entry.key, this.uploads, (what) => this.act(entry.key, what)));
      }
      const { li } = this.nodes.get(entry.key);
      if (cards.children[at] !== li) cards.insertBefore(li, cards.children[at] ?? null);
    });
    this.paint(entries);
    this.drawBars(entries);
    setShown(clear, entries.length > 1);
    if (place >= 0) this.keepFocus(focused, place);
    this.tellNews(entries);
  }

  paint(entries = this.entries()) {
    for (const entry of entries) {
      const hash = entry.row?.thumb;
      if (hash) {
        this.store.seen.add(hash);
        this.store.want(hash);
      }
      const url = this.store.thumbs.get(hash) ?? this.uploads.previews.get(entry.key);
      const lost = hash ? this.store.lost.get(hash) : "";
      const canCheck = this.model.get("can_check");
      this.nodes.get(entry.key)?.update({ ...entry, url, lost, canCheck });
    }
    for (const button of this.parts.strip.querySelectorAll("[data-hash]")) {
      const url = this.store.thumbs.get(button.dataset.hash);
      const img = button.querySelector("img");
      if (url && img.getAttribute("src") !== url) img.src = url;
      setShown(img, Boolean(url));
    }
  }

  /** What moved keeps the focus; where a card is gone, the next one gets it. */
  keepFocus(focused, place) {
    const { cards, choose, root } = this.parts;
    if (focused.isConnected) {
      const hidden = focused.closest("[hidden]");
      if (root.getRootNode().activeElement !== focused || hidden) (hidden ? focused.closest(".tlnb-refs-body") : focused).focus();
      return;
    }
    const next = cards.children[Math.min(place, cards.children.length - 1)];
    (next ? next.firstElementChild : choose).focus();
  }

  drawBars(entries) {
    const { root, status, all, limits, notes } = this.parts;
    const items = [...this.uploads.items.values()].filter((item) => item.state !== "failed");
    const asking = items.filter((item) => item.state === "asking").length;
    const busy = entries.filter(({ row, item }) => (item ? item.state !== "failed" : ["coming", "taking"].includes(row.state)));
    const moving = busy.length - asking;
    const words = [
      !entries.length && "No pictures yet.",
      asking && `${plural(asking, "large picture waits", "large pictures wait")} for your answer.`,
      moving && `${plural(moving, "picture is", "pictures are")} still on ${moving === 1 ? "its" : "their"} way.`,
      items.some((item) => item.slow) && "Python is at work, and goes on with them when the running cell ends.",
      !busy.length && entries.length && this.countWords(entries),
    ];
    setAttr(root, "data-busy", busy.length ? "true" : null);
    setAttr(root, "data-empty", !entries.length);
    // Every step of a countdown read out would drown the news of what was added.
    setAttr(status, "aria-live", moving && !asking && !items.some((item) => item.slow) ? "off" : null);
    setText(status, words.filter(Boolean).join(" "));
    setShown(all, asking > 1);
    fill(limits, this.model.get("limits").map((each) => [`${each.models}: `, each.words, false]));
    const isThere = entries.some(({ row }) => row?.state === "ready"); // before that, nobody has done anything wrong
    fill(notes, this.model.get("notes").map((note) => [isThere ? noteWord(note) : "", note.text, note.bad && isThere]));
  }

  countWords(entries) {
    const count = entries[0].count;
    if (!count) return "";
    return count === 1 ? "1 picture." : `${count} pictures, sent in this order.`;
  }

  /** The two answers for all large pictures at once. */
  buildBulk() {
    const answer = (smaller) => () => {
      for (const item of [...this.uploads.items.values()]) this.uploads.decide(item, smaller);
    };
    const button = (text, smaller) => h("button", { class: "tlnb-button", type: "button", text, on: { click: answer(smaller) } });
    this.parts.all.append(button("Scale all down", true), button("Keep all as they are", false));
  }

  /** Tell a screen reader what has become of pictures. */
  tellNews(entries) {
    const states = new Map(entries.map(({ key, row, item }) => [key, row?.state ?? item.state]));
    if (this.states) {
      for (const { key, row, item, place, count } of entries) {
        const [was, is] = [this.states.get(key), states.get(key)];
        if (was === is) continue;
        if (is === "ready") this.say(`${row.name} added: ${ordinal(place)} of ${count}.`);
        if (is === "refused") this.say(`${row.name} cannot be used. ${row.notes.map((note) => note.text).join(" ")}`);
        if (is === "failed") this.say(`${item.name} was not added. ${item.problem}`);
      }
    }
    this.states = states;
  }

  say(text) {
    setText(this.parts.said, text);
  }

  // ---- what people do

  act(key, what) {
    if (what === "remove") this.remove(key);
    else if (what === "check") this.tell("check", { key });
    else if (what === "recall") this.recall(key);
    else this.step(key, what === "later" ? 1 : -1);
  }

  tell(type, fields) {
    ask(this.model, type, fields).catch((error) => {
      this.store.probe();
      if (this.store.dead) this.trouble("The kernel of this picker is gone: run its cell again.");
      else if (type !== "resync") this.tell("resync");
      this.say(error.message);
    });
  }

  /** What a file says of how it was made becomes the form: nothing is sent. */
  async recall(key) {
    try {
      const { said, lacking } = (await ask(this.model, "recall", { key })).result;
      this.say(said);
      this.trouble(lacking);
    } catch (error) {
      this.trouble(error.message);
    }
  }

  remove(key) {
    const name = this.entries().find((entry) => entry.key === key)?.row?.name ?? this.uploads.items.get(key)?.name;
    const rows = this.model.get("cards");
    if (rows.some((row) => row.key === key) || this.uploads.items.get(key)?.file) this.tell("remove", { key });
    this.model.set("cards", rows.filter((row) => row.key !== key));
    this.uploads.remove(key);
    this.say(`${name} removed.`);
  }

  /** Move by places among the cards of Python's; files on their way come after them. */
  step(key, by) {
    const rows = this.model.get("cards");
    const at = rows.findIndex((row) => row.key === key);
    const to = at + by;
    if (at < 0 || to < 0 || to >= rows.length) return;
    this.move(key, rows[by > 0 ? to + 1 : to]?.key ?? null);
  }

  /** Put a card right before another one, or at the end. Shown at once; Python has the last word. */
  move(key, before) {
    const rows = this.model.get("cards");
    const row = rows.find((each) => each.key === key);
    if (!row || key === before) return;
    const rest = rows.filter((each) => each.key !== key);
    const at = before === null ? rest.length : rest.findIndex((each) => each.key === before);
    rest.splice(at < 0 ? rest.length : at, 0, row);
    this.tell("move", { key, before });
    this.model.set("cards", rest);
    const entry = this.entries().find((each) => each.key === key);
    this.say(`${row.name} is now ${ordinal(entry.place)} of ${entry.count}.`);
  }

  trouble(text) {
    setText(this.parts.problem, text);
    setAttr(this.parts.address, "aria-invalid", null);
  }

  take({ hash, files, texts }) {
    this.trouble("");
    if (hash) this.uploads.request("Earlier result", "result", { hash });
    else if (files) this.uploads.add(files);
    else this.takeTexts(texts);
  }

  takeTexts(texts) {
    const isPicture = (text) => /^(https?:|data:image\/)/i.test(text);
    const found = texts.filter(isPicture);
    if (!found.length) this.trouble("That is neither a picture nor an http or https address of one.");
    for (const text of found) {
      const file = fileOf(text);
      if (file) this.uploads.add([file]);
      else this.uploads.request(hostOf(text), "address", { text });
    }
  }

  /** The address field: what is wrong stays in it, to be mended. */
  async submit() {
    const { address } = this.parts;
    const text = address.value.trim();
    this.trouble(text ? "" : "Write the address of a picture first.");
    if (!text) return;
    const { key, problem } = await this.uploads.request(hostOf(text), "address", { text });
    if (!problem) {
      if (address.value.trim() === text) address.value = "";
      return;
    }
    this.uploads.remove(key); // it is told at the field, and not on a card
    this.trouble(problem);
    setAttr(address, "aria-invalid", "true");
  }

  // ---- earlier results

  async openResults() {
    const { results, strip } = this.parts;
    const opens = strip.hidden;
    setShown(strip, opens);
    setAttr(results, "aria-expanded", String(opens));
    if (!opens) return;
    const words = h("p", { role: "status", text: "Asking Python" });
    strip.replaceChildren(words);
    const slow = setTimeout(() => setText(words, "Python is at work: they are shown when the running cell ends."), SLOW_AFTER);
    try {
      const { result } = await ask(this.model, "results");
      if (result.rows.length) strip.replaceChildren(...result.rows.map((row) => this.resultButton(row)));
      else setText(words, "This session has no results yet.");
      for (const row of result.rows) {
        this.store.seen.add(row.hash);
        this.store.want(row.hash);
      }
      this.paint();
    } catch (error) {
      setText(words, error.message);
    } finally {
      clearTimeout(slow);
    }
  }

  resultButton({ hash, caption, model }) {
    const img = h("img", { alt: "", hidden: true });
    const words = h("span", { class: "tlnb-refs-caption" }, h("bdi", { text: caption }), h("small", { text: model }));
    const props = { class: "tlnb-refs-result", type: "button", title: caption, "aria-label": `Add: ${caption} (${model})` };
    const button = h("button", props, h("span", { class: "tlnb-refs-thumb" }, img), words);
    button.dataset.hash = hash;
    button.addEventListener("click", () => this.uploads.request(caption, "result", { hash }));
    button.addEventListener("dragstart", (event) => event.dataTransfer.setData(PICTURE_TYPE, hash));
    return button;
  }

  // ---- dragging

  onDragStart(event) {
    const li = event.target.closest(".tlnb-refs-card");
    if (!li) return;
    this.dragged = li.dataset.key;
    const row = this.model.get("cards").find((each) => each.key === this.dragged);
    event.dataTransfer.effectAllowed = "copyMove";
    event.dataTransfer.setData(CARD_TYPE, this.dragged);
    if (row?.kind === "picture" && row.thumb) event.dataTransfer.setData(PICTURE_TYPE, row.thumb);
    event.dataTransfer.setDragImage(li, 20, 20);
    li.dataset.dragged = "";
  }

  onDragOver(event) {
    event.preventDefault();
    event.stopPropagation();
    event.dataTransfer.dropEffect = this.dragged ? "move" : "copy";
    if (!this.dragged) this.parts.root.dataset.over = "";
    else this.mark(this.placeAt(event));
  }

  /** Where a dragged card would go: the card under the pointer, and on which side of it. */
  placeAt(event) {
    const cards = [...this.parts.cards.querySelectorAll(".tlnb-refs-card")];
    const over = cards.find((li) => {
      const box = li.getBoundingClientRect();
      return event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    });
    if (!over) return null;
    const box = over.getBoundingClientRect();
    const stacked = this.isStacked();
    const after = stacked ? event.clientY > box.top + box.height / 2 : event.clientX > box.left + box.width / 2;
    return { li: over, after, stacked };
  }

  /** Whether the cards stand in one column, as they do in the Studio: a place is above or below another then. */
  isStacked() {
    return getComputedStyle(this.parts.cards).gridTemplateColumns.split(" ").length === 1;
  }

  mark(place) {
    const side = place && (place.stacked ? ["above", "below"] : ["before", "after"])[Number(place.after)];
    for (const { li } of this.nodes.values()) {
      setAttr(li, "data-drop", place?.li === li && li.dataset.key !== this.dragged ? side : null);
    }
  }

  onDrop(event) {
    event.preventDefault();
    event.stopPropagation();
    delete this.parts.root.dataset.over;
    if (!this.dragged) {
      this.take(brought(event.dataTransfer));
      return;
    }
    const place = this.placeAt(event);
    const rows = this.model.get("cards");
    const at = rows.findIndex((row) => row.key === place?.li.dataset.key);
    if (place && place.li.dataset.key !== this.dragged) this.move(this.dragged, rows[at < 0 ? rows.length : at + place.after]?.key ?? null);
    this.endDrag();
  }

  endDrag() {
    this.mark(null);
    const card = this.nodes.get(this.dragged);
    if (card) delete card.li.dataset.dragged;
    this.dragged = "";
  }

  // ---- keys and the clipboard

  onKey(event) {
    const li = event.target.matches?.(".tlnb-refs-body") ? event.target.parentElement : null;
    const steps = { ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1 };
    if (event.altKey && !event.ctrlKey && event.key in steps && event.target.closest(".tlnb-refs-card")) {
      this.step(event.target.closest(".tlnb-refs-card").dataset.key, steps[event.key]);
    } else if (li && (event.key === "Delete" || event.key === "Backspace")) this.remove(li.dataset.key);
    else if (event.key === "Escape" && !this.parts.strip.hidden && !event.target.closest(".tlnb-refs-card")) {
      this.openResults();
      this.parts.results.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /** The page hears of a paste wherever its selection is, so who has the focus decides. */
  onPaste(event) {
    const { root, address } = this.parts;
    const focused = root.getRootNode().activeElement;
    if (!root.contains(focused)) return;
    const found = brought(event.clipboardData);
    if (focused === address && !found.files) return; // a text is written into the field
    event.preventDefault();
    event.stopPropagation();
    this.take(found);
  }

  listen() {
    const { root, choose, files, results, form, clear, address } = this.parts;
    choose.addEventListener("click", () => files.click());
    files.addEventListener("change", () => {
      this.take({ files: [...files.files] });
      files.value = ""; // the same file may be chosen again
    });
    results.addEventListener("click", () => this.openResults());
    address.addEventListener("input", () => this.trouble(""));
    const send = (event) => {
      event.preventDefault();
      event.stopPropagation();
      this.submit();
    };
    form.addEventListener("submit", send);
    // JupyterLab keeps the browser from submitting a form by Enter.
    address.addEventListener("keydown", (event) => event.key === "Enter" && !event.isComposing && send(event));
    clear.addEventListener("click", () => this.removeAll());
    root.addEventListener("keydown", (event) => this.onKey(event));
    root.addEventListener("dragstart", (event) => this.onDragStart(event));
    for (const name of ["dragenter", "dragover"]) root.addEventListener(name, (event) => this.onDragOver(event));
    root.addEventListener("dragleave", (event) => {
      if (!root.contains(event.relatedTarget)) delete root.dataset.over;
    });
    root.addEventListener("drop", (event) => this.onDrop(event));
    root.addEventListener("dragend", () => this.endDrag());
    this.onAnyPaste = (event) => this.onPaste(event);
    document.addEventListener("paste", this.onAnyPaste, true);
    this.onNews = () => this.draw();
    this.onThumb = () => {
      this.dropGone();
      this.paint();
    };
    this.model.on("change:cards change:limits change:notes change:can_check", this.onNews);
    this.uploads.listeners.add(this.onNews);
    this.store.listeners.add(this.onThumb);
  }

  removeAll() {
    this.tell("clear");
    this.model.set("cards", []);
    for (const key of [...this.uploads.items.keys()]) this.uploads.remove(key);
    this.say("All pictures removed.");
    this.parts.choose.focus();
  }

  close() {
    document.removeEventListener("paste", this.onAnyPaste, true);
    this.model.off(null, this.onNews);
    this.uploads.listeners.delete(this.onNews);
    this.store.listeners.delete(this.onThumb);
  }
}

/** A list of lines, each with a word in front; built anew only where something changed. */
function fill(list, lines) {
  const text = JSON.stringify(lines);
  setShown(list, lines.length > 0);
  if (list.dataset.lines === text) return;
  list.dataset.lines = text;
  list.replaceChildren(...lines.map(([word, words, bad]) => h("li", { "data-bad": bad }, h("strong", { text: word }), words)));
}

function initialize({ model }) {
  const ends = [openStore({ model }), openUploads({ model })];
  return () => ends.forEach((end) => end());
}

function render({ model, el }) {
  const view = new References(model, el);
  return () => view.close();
}

export default { initialize, render };
