// The grid as a whole: its bar, the table of cells, looking closely, judging.

function initialize({ model }) {
  return openStore({ model });
}

function render({ model, el }) {
  const store = storeOf(model);
  const state = new GridState(model, store);
  const root = h("div", { class: "tlnb-compare" });
  el.append(root);
  keepKeys(root);
  alertRegion(model, root);
  const look = closeLook(model, store, state, root);
  const view = gridView(model, store, state, root, { open: (index) => look.open(index) });
  const votes = blindVote(model, store, state, root);
  root.prepend(votes.button);
  return () => {
    view.close();
    look.close();
    votes.close();
  };
}

export default { initialize, render };
