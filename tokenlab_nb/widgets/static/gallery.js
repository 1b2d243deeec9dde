// Gallery: a heading with counts, the grid, and the picture in full size.

function render({ model, el }) {
  const store = storeOf(model);
  const root = h("section", { class: "tlnb-gallery" });
  const title = h("h3", { class: "tlnb-title" });
  const counts = h("span", { class: "tlnb-counts", role: "status" });
  const empty = h("p", { class: "tlnb-empty", text: "No pictures yet: they appear here as jobs run." });
  root.append(h("header", { class: "tlnb-head" }, title, counts));
  alertRegion(model, root);
  root.append(empty);
  keepKeys(root);
  el.append(root);

  const box = lightbox(model, store, root, { closed: (key) => grid.focus(key) });
  const grid = tileGrid(model, store, root, { open: (key, place) => box.open(key, place) });
  const leave = besideTwin(model, store, el);

  function update() {
    const rows = model.get("rows");
    setText(title, model.get("title") || "");
    setShown(title, Boolean(model.get("title")));
    setAttr(root, "aria-label", model.get("title") || "TokenLab pictures");
    setText(counts, countWords(rows));
    setShown(empty, rows.length === 0);
    grid.update(rows);
    box.update(rows);
    point();
  }

  let pointed = ""; // a job to bring into view; its row may still be on its way
  function point() {
    const row = model.get("rows").find((each) => each.id === pointed);
    if (!row) return;
    pointed = "";
    grid.point(row.tiles[0].key);
  }
  const onMessage = (message) => {
    if (message?.type !== "point") return;
    pointed = message.job;
    point();
  };
  model.on("msg:custom", onMessage);
  model.on("change:rows", update);
  model.on("change:title change:use", update);
  update();

  return () => {
    model.off("msg:custom", onMessage);
    leave();
    grid.close();
    box.close();
  };
}

export default { initialize: openStore, render };
