// The grid as a whole: its head and bar, the table of cells, details, looking closely, judging.

function initialize({ model }) {
  const close = openStore({ model });
  const onMessage = (message) => message?.type === "cells" && patchTable(model, message);
  model.on("msg:custom", onMessage);
  return () => {
    model.off("msg:custom", onMessage);
    close();
  };
}

/** Cells are patched here and not by the kernel's trait, which would send all of them every time. */
function patchTable(model, { jobs, head }) {
  const table = model.get("table");
  const cells = Object.keys(jobs).length ? table.cells.map((cell, index) => (index in jobs ? [...cell.slice(0, 5), jobs[index]] : cell)) : table.cells;
  model.set("table", { ...table, cells, head });
}

function render({ model, el }) {
  const store = storeOf(model);
  const state = new GridState(model, store);
  const root = h("section", { class: "tlnb-compare", "aria-label": model.get("title") || "Comparison" });
  el.append(root);
  keepKeys(root);
  const look = closeLook(model, store, state, root, {
    closed: (index) => view.focus(index),
    details: ({ closed }) => cellDetails(model, store, state, { closed }),
  });
  const votes = model.get("offline") ? null : blindVote(model, store, state, root); // votes need somebody who counts them
  const bar = gridBar(model, store, state, root, votes ? [votes.button] : []);
  alertRegion(model, root);
  const body = h("div", { class: "tlnb-gridbody" });
  root.append(body);
  const details = cellDetails(model, store, state, { closed: (index) => view.focus(index) });
  const view = gridView(model, store, state, body, { open: (index) => look.open(index), info: (index) => details.show(index) });
  body.append(details.node);
  state.on(details.update);
  details.update();
  const leave = besideTwin(model, store, el);
  return () => {
    leave();
    view.close();
    bar.close();
    look.close();
    votes?.close();
    state.close();
  };
}

export default { initialize, render };
