// JobView: one job in words, what can be done about it, its ids, and its pictures.

function render({ model, el }) {
  const store = storeOf(model);
  const root = h("section", { class: "tlnb-job tlnb-gallery" });
  const title = h("h3", { class: "tlnb-title" });
  const state = h("strong", { class: "tlnb-jobstate", role: "status" });
  const time = h("span", { class: "tlnb-jobtime" });
  const bar = h("progress", { max: 100, hidden: true, "aria-label": "Progress" });
  const note = h("p", { class: "tlnb-jobnote" });
  const prompt = h("p", { class: "tlnb-prompt" });
  const trouble = troubleBlock(false);
  const act = actionButtons(model, store);
  const ids = h("dl", { class: "tlnb-allfacts" });
  const details = h("details", { class: "tlnb-ids" }, h("summary", { text: "Ids of this job" }), ids);
  root.append(h("header", { class: "tlnb-head" }, title, state, time, bar));
  alertRegion(model, root);
  root.append(prompt, note, trouble.node, act.node);
  keepKeys(root);
  el.append(root);

  const box = lightbox(model, store, root, { closed: (key) => grid.focus(key) });
  const grid = tileGrid(model, store, root, { open: (key) => box.open(key), brief: true });
  root.append(details);
  const leave = besideTwin(model, store, el);
  let ticking = 0;

  function tick() {
    clearTimeout(ticking);
    const [row] = model.get("rows");
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
    setText(note, row.note || (row.running && row.error ? row.error.text : ""));
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
