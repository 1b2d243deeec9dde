// The table of cells.

/** Put the table into `el`; `open(index)` is called for a cell to be looked at closely. Returns `{close()}`. */
function gridView(model, store, state, el, { open }) {
  const table = h("div", { class: "tlnb-cells" });
  el.append(table);
  function update() {
    table.replaceChildren(
      ...state.cells.map((cell) => {
        const picture = state.picturesOf(cell)[0];
        const url = picture && store.thumbs.get(picture.data.hash);
        if (picture && !url) store.want(picture.data.hash);
        return h("button", { type: "button", text: `${state.nameOf(cell)}: ${state.kindOf(cell)}`, on: { click: () => open(cell.index) } }, url ? h("img", { src: url, width: 120, alt: "" }) : null);
      }),
    );
  }
  store.listeners.add(update);
  const off = state.on(update);
  update();
  return {
    close() {
      off();
      store.listeners.delete(update);
    },
  };
}
