// One picture in full size. A modal <dialog>: the browser traps focus, makes the page inert and closes on Escape.

const BUSY_AFTER = 1500;

/** Returns `{open(key, place), update(rows), close()}`: place 0 is the picture, from 1 on what went into it; `closed(key)` is called with the tile that was shown last. */
function lightbox(model, store, root, { closed }) {
  const place = h("span", { class: "tlnb-place" });
  const button = (text, label, on) => h("button", { class: "tlnb-button", type: "button", text, "aria-label": label, on: { click: on } });
  const fit = button("Fit", "Fit into the window", () => setZoom(0));
  const full = button("100 %", "100 %, at full size", () => setZoom(1));
  const save = button("Download", "Download the original", () => download(store, inside.current() || shown.data, box).catch((error) => setText(note, error.message)));
  const use = useButton(model, () => shown.data.hash);
  const leave = button("Close", "Close", () => box.close());
  const back = button("‹", "Previous picture", () => step(-1));
  const on = button("›", "Next picture", () => step(1));
  back.classList.add("tlnb-step");
  on.classList.add("tlnb-step");
  const img = h("img", { draggable: "false" });
  const inside = comparison(store, img, { changed: tell });
  const trouble = troubleBlock(false);
  const stage = h("div", { class: "tlnb-stage", tabindex: "0", role: "group" }, img, inside.layer, h("div", { class: "tlnb-words" }, trouble.node));
  const note = h("div", { class: "tlnb-note", role: "status" });
  const facts = h("dl", { class: "tlnb-allfacts" });
  const box = h(
    "dialog",
    { class: "tlnb-lightbox", "aria-label": "Picture in full size" },
    h("div", { class: "tlnb-bar" }, place, inside.tabs, fit, full, save, use.node, leave),
    h("div", { class: "tlnb-middle" }, back, stage, on),
    note,
    facts,
  );
  root.append(box);
  let items = [];
  let shown = null;
  let zoom = 0; // 0 fits; otherwise device pixels for each pixel of the picture
  let turn = 0;

  function update(rows) {
    items = rows.flatMap((row) => row.tiles.filter((data) => data.kind !== "waiting").map((data) => ({ row, data })));
    if (!box.open) return;
    const same = items.find((item) => item.data.key === shown.data.key);
    if (same) show(same);
    else box.close();
  }

  function open(key, at = 0) {
    const item = items.find((each) => each.data.key === key);
    if (!item) return;
    if (!box.open) box.showModal();
    show(item);
    inside.select(at);
    stage.focus();
  }

  /** Say what is shown and what is awaited. */
  function tell(text) {
    setText(note, text);
    if (!shown) return;
    const view = inside.label();
    if (inside.current() && use.node.contains(root.getRootNode().activeElement)) stage.focus();
    use.update(Boolean(shown.data.hash) && !inside.current()); // it is the result that would be used
    setAttr(stage, "role", view ? "tabpanel" : "group");
    setAttr(stage, "aria-label", `${view ? `${view}: ` : ""}${label(shown.row, shown.data)}`);
  }

  function step(by) {
    const at = items.findIndex((item) => item.data.key === shown.data.key);
    const next = items[at + by];
    if (next) show(next);
  }

  function show(item) {
    const changed = shown?.data.key !== item.data.key || shown?.data.hash !== item.data.hash || !img.hasAttribute("src");
    shown = item;
    const { row, data } = item;
    const at = items.indexOf(item);
    setText(place, `${at + 1} of ${items.length}`);
    back.disabled = at === 0;
    on.disabled = at === items.length - 1;
    for (const each of [fit, full, save]) each.disabled = !data.hash;
    setShown(img, Boolean(data.hash));
    trouble.update(row.error, !data.hash);
    inside.update(row, Boolean(data.hash));
    if (changed) inside.reset();
    tell(note.textContent);
    setFacts(facts, row, data);
    if (changed) load(row, data);
  }

  async function load(row, data) {
    const mine = ++turn;
    setZoom(0);
    setText(note, "");
    img.removeAttribute("src");
    setAttr(img, "alt", row.prompt || row.model);
    if (!data.hash) return;
    img.width = data.width;
    img.height = data.height;
    const thumb = store.thumbs.get(data.hash);
    if (thumb) img.src = thumb;
    setText(note, "Loading the full picture.");
    const busy = setTimeout(() => {
      if (mine === turn && !inside.current()) setText(note, "The kernel is busy: the full picture comes when the running cell has ended.");
    }, BUSY_AFTER);
    try {
      const { url } = await store.original(data.hash);
      if (mine !== turn) return;
      img.src = url;
      if (!inside.current()) setText(note, "");
    } catch (error) {
      if (mine === turn) setText(note, `The full picture cannot be shown: ${error.message}`);
    } finally {
      clearTimeout(busy);
    }
  }

  function setZoom(value) {
    zoom = value;
    stage.toggleAttribute("data-zoomed", zoom !== 0);
    setAttr(fit, "aria-pressed", String(zoom === 0));
    setAttr(full, "aria-pressed", String(zoom === 1));
    img.style.width = zoom && shown ? `${(shown.data.width * zoom) / devicePixelRatio}px` : "";
    img.style.height = zoom && shown ? `${(shown.data.height * zoom) / devicePixelRatio}px` : "";
    if (!zoom) return;
    stage.scrollLeft = (stage.scrollWidth - stage.clientWidth) / 2;
    stage.scrollTop = (stage.scrollHeight - stage.clientHeight) / 2;
  }

  /** The zoom that fitting amounts to right now. */
  const fitted = () => (img.clientWidth * devicePixelRatio) / (shown.data.width || 1);
  const scaled = (factor) => setZoom(Math.min(8, Math.max(0.05, (zoom || fitted()) * factor)));
  const keys = {
    ArrowLeft: () => step(-1),
    ArrowRight: () => step(1),
    Home: () => items.length && show(items[0]),
    End: () => items.length && show(items.at(-1)),
    "+": () => scaled(1.25),
    "=": () => scaled(1.25),
    "-": () => scaled(0.8),
    0: () => setZoom(0),
    1: () => setZoom(1), // where nothing is to be compared
    z: () => setZoom(zoom === 1 ? 0 : 1),
    d: () => save.click(),
  };
  box.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (shown.row.inputs.length && shown.data.hash && /^[1-9]$/.test(event.key)) {
      inside.select(Number(event.key) - 1);
      event.preventDefault();
      return;
    }
    const pan = { ArrowLeft: [-80, 0], ArrowRight: [80, 0], ArrowUp: [0, -80], ArrowDown: [0, 80] }[event.key];
    const inText = !shown.data.hash && event.key.startsWith("Arrow") && !keys[event.key];
    if (pan && zoom && event.shiftKey) stage.scrollBy(...pan);
    else if (keys[event.key] && !inText) keys[event.key]();
    else return;
    event.preventDefault();
  });
  box.addEventListener("close", () => {
    turn += 1;
    if (shown) closed(shown.data.key);
  });
  box.addEventListener("click", (event) => {
    if (event.target === box) box.close(); // the backdrop
  });
  stage.addEventListener("dblclick", () => shown.data.hash && setZoom(zoom ? 0 : 1));
  stage.addEventListener("pointerdown", (event) => {
    if (!zoom || event.button !== 0) return;
    const [x, y, left, top] = [event.clientX, event.clientY, stage.scrollLeft, stage.scrollTop];
    const move = (at) => stage.scrollTo(left + x - at.clientX, top + y - at.clientY);
    stage.setPointerCapture(event.pointerId);
    stage.addEventListener("pointermove", move);
    const end = () => stage.removeEventListener("pointermove", move);
    stage.addEventListener("pointerup", end, { once: true });
    stage.addEventListener("pointercancel", end, { once: true });
  });

  const close = () => {
    inside.close();
    box.remove();
  };
  return { open, update, close };
}

/** Everything that is known about one tile. */
function setFacts(list, row, data) {
  const known = [
    ["Model", row.model],
    ["Operation", row.operation],
    ["Prompt", row.prompt],
    ["Prompt as the model rewrote it", data.revised],
    ["Comes from", lineWords(row)],
    ["Size", data.width ? `${data.width} × ${data.height}, ${data.type.slice(6).toUpperCase()}, ${fileSize(data.size)}` : ""],
    ["Seed", row.seed],
    ["Time", row.ended ? seconds(row.elapsed) : ""],
    ["Price", row.price],
    ["Pictures", row.counts],
    ...Object.entries(row.ids),
  ].filter(([, value]) => value);
  const text = JSON.stringify(known);
  if (list.dataset.known === text) return;
  list.dataset.known = text;
  list.replaceChildren(...known.map(([name, value]) => h("div", {}, h("dt", { text: name }), h("dd", { text: value }))));
}
