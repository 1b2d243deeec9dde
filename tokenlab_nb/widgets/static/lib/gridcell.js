// One cell of the grid: a frame with its picture or what stands for it, its facts, and what can be done. Cells that
// leave the view are used again for others, so a node is bound to a cell and never belongs to one.

/**
 * `acts`: {open, info, base, pin, hide, step}, each called with a cell.
 * Returns `{node, bind(cell, at), paint(), tick(), tools(), cell(), hash()}`.
 */
function gridCell(model, store, state, acts) {
  const img = h("img", { alt: "", hidden: true, decoding: "async" });
  const title = h("strong", { class: "tlnb-cell-state" });
  const time = h("div", { class: "tlnb-cell-time" });
  const bar = h("progress", { max: 100, hidden: true, "aria-label": "Progress" });
  const tell = h("div", { class: "tlnb-cell-tell" });
  const say = h("div", { class: "tlnb-cell-say" }, title, time, bar, tell);
  const marks = h("div", { class: "tlnb-cell-marks" });
  const frame = h("div", { class: "tlnb-cell-frame" }, img, say, marks);
  const facts = h("div", { class: "tlnb-cell-facts" });
  const plan = h("div", { class: "tlnb-cell-plan" });
  const node = h("div", { class: "tlnb-cell", role: "gridcell", tabindex: "-1" }, frame, h("div", { class: "tlnb-cell-caption" }, facts, plan));
  let cell = null;
  let picture = null;
  let kind = "";
  let actions = null;
  let tools = null;

  function bind(newCell, { row, column }) {
    if (cell?.index !== newCell.index) setAttr(img, "src", null);
    cell = newCell;
    kind = state.isHidden(cell) ? "hidden" : state.passes(cell) ? state.kindOf(cell) : "filtered";
    picture = kind === "hidden" || kind === "filtered" ? null : state.pictureOf(cell);
    node.dataset.index = cell.index;
    node.dataset.kind = kind;
    node.dataset.status = cell.status;
    node.toggleAttribute("data-base", state.reference === cell.index);
    setAttr(node, "aria-colindex", column + 2);
    setAttr(node, "aria-selected", String(state.details === cell.index));
    setAttr(node, "aria-label", cellLabel(state, cell, kind, picture));
    setMarks();
    setText(facts, picture ? pictureFacts(state, cell, picture) : kind === "hidden" || kind === "filtered" ? "" : priceWords(state, cell));
    setPlan();
    setActions();
    if (tools) tools.update(cell, kind, picture);
    paint();
    tick();
  }

  function setMarks() {
    const words = [];
    if (state.reference === cell.index) words.push("Base");
    if (picture?.count > 1) words.push(`${picture.place + 1} of ${picture.count}`);
    if (picture && kind !== "picture") words.push(kind === "waiting" ? "More to come" : CELL_KINDS[kind]);
    const text = words.join("|");
    if (marks.dataset.words === text) return;
    marks.dataset.words = text;
    marks.replaceChildren(...words.map((word) => h("span", { class: "tlnb-cell-mark", text: word })));
  }

  function setPlan() {
    const told = kind === "hidden" || kind === "filtered" ? "" : planWords(cell, state.rowsOf(cell));
    const other = cell.status === "asked" && picture ? otherSize(state, cell, picture.data) : "";
    setText(plan, other || told);
    node.toggleAttribute("data-otherwise", Boolean(other));
    setAttr(plan, "title", cell.differences.join("\n") || null);
  }

  /** What a job allows stands in the frame of a cell without a picture; the details have it for all. */
  function setActions() {
    const row = picture || kind === "waiting" ? null : state.rowsOf(cell).find((each) => each.actions.length && each.kind === kind);
    if (row && !actions) say.append((actions = actionButtons(model, store)).node);
    if (!actions) return;
    setShown(actions.node, Boolean(row));
    if (row) actions.update(row, row.actions, true);
  }

  function paint() {
    if (!cell) return;
    const hash = picture?.data.hash;
    const url = hash ? store.thumbs.get(hash) : undefined;
    const lost = hash ? store.lost.get(hash) : undefined;
    if (url) setAttr(img, "src", url);
    else setAttr(img, "src", null);
    setShown(img, Boolean(url));
    setShown(say, !url);
    frame.toggleAttribute("data-shown", Boolean(url));
    if (url) return frame.removeAttribute("data-waiting");
    const row = state.rowsOf(cell).find((each) => each.kind === kind) ?? state.rowsOf(cell)[0];
    const words = { hidden: "Hidden", filtered: "Not among what is shown", impossible: "Impossible" }[kind];
    const alive = kind === "waiting" && !store.dead;
    const error = kind === "failed" || kind === "unknown" ? row?.error : null;
    setText(title, lost || words || (picture ? "Loading the picture" : error ? error.title : kind === "waiting" && store.dead ? "No longer followed" : row ? row.words : "Getting ready"));
    const told = picture || kind === "hidden" || kind === "filtered" ? "" : kind === "impossible" ? cell.reason : error ? [error.text, error.hint].filter(Boolean).join(" ") : cell.differences.join(" ");
    setText(tell, told);
    setAttr(tell, "title", told || null);
    setShown(time, alive && row?.running === true);
    setShown(bar, alive && Boolean(row) && row.progress !== null);
    if (row?.progress) bar.value = row.progress;
    frame.toggleAttribute("data-waiting", alive && !picture && !lost);
  }

  function tick() {
    const row = kind === "waiting" && !picture && !store.dead ? state.rowsOf(cell).find((each) => each.running) : null;
    if (row) setText(time, timeWords(row));
    return Boolean(row);
  }

  node.addEventListener("dragstart", (event) => {
    if (picture) event.dataTransfer.setData("application/x-tokenlab-picture", picture.data.hash); // a ReferencePicker takes it
  });

  return {
    node,
    bind,
    paint,
    tick,
    /** The buttons come with the pointer or the focus: a grid of a thousand cells does not hold five thousand. */
    tools() {
      if (tools || !cell) return;
      tools = cellTools(acts, () => cell);
      frame.append(tools.node);
      tools.update(cell, kind, picture);
    },
    cell: () => cell,
    hash: () => picture?.data.hash ?? "",
  };
}

function cellTools(acts, current) {
  const button = (name, text, label, key) => {
    const act = (event) => {
      event.stopPropagation();
      acts[name](current());
    };
    return h("button", { class: "tlnb-tool", type: "button", tabindex: "-1", text, "aria-label": label, title: key ? `${label} (${key})` : label, on: { click: act } });
  };
  const back = button("back", "‹", "Previous picture of this cell", ",");
  const on = button("on", "›", "Next picture of this cell", ".");
  const open = button("open", "Open", "Look closely", "Enter");
  const info = button("info", "Info", "Tell all about this cell", "i");
  const base = button("base", "Base", "Hold the others against this one", "b");
  const pin = button("pin", "Pin", "Keep this row on top", "p");
  const hide = button("hide", "Hide", "Hide this cell", "h");
  const node = h("div", { class: "tlnb-tools" }, back, on, open, info, base, pin, hide);
  return {
    node,
    update(cell, kind, picture) {
      for (const each of [back, on]) setShown(each, picture?.count > 1);
      setShown(open, Boolean(picture));
      setShown(base, Boolean(picture));
      for (const each of [info, pin]) setShown(each, kind !== "hidden");
      setText(hide, kind === "hidden" ? "Show" : "Hide");
      setAttr(hide, "aria-label", kind === "hidden" ? "Show this cell" : "Hide this cell");
    },
  };
}

/** "1024 × 1024 · 4.1 s · $0.04 charged" */
function pictureFacts(state, cell, { row, data }) {
  const parts = [data.width ? `${data.width} × ${data.height}` : "", row.ended ? seconds(row.elapsed) : "", priceWords(state, cell)];
  return parts.filter(Boolean).join(" · ");
}

/** Where another size came than the one that was sent: "as asked" alone would hide that. */
function otherSize(state, cell, data) {
  const asked = sentValue(state, cell, "size");
  return data.width && askedAgainstGot(asked, `${data.width}x${data.height}`, "").differs ? `Came otherwise: asked ${asked}` : "";
}

/** What a cell costs: as its jobs say, where there are some; as planned before. */
function priceWords(state, cell) {
  const rows = state.rowsOf(cell);
  const sold = rows.filter((row) => row.kind !== "failed" && row.kind !== "cancelled");
  if (rows.length && !sold.length) return state.table.head.billed ? rows.map((row) => row.price).find(Boolean) || "nothing charged" : "";
  if (rows.length === 1 && rows[0].price) return rows[0].price;
  return cell.price.startsWith("$") && !state.table.head.billed ? `would cost ${cell.price}` : cell.price;
}

function planWords(cell, rows) {
  const repair = rows.map((row) => row.repair).find(Boolean);
  if (repair) return `Repaired: ${repair}`;
  if (cell.status === "impossible") return "Nothing is sent";
  const count = cell.changes.length;
  if (cell.status === "asked") return count ? "As asked, shared" : "As asked";
  return count === 1 ? "Adjusted" : `Adjusted in ${count} ways`;
}

function cellLabel(state, cell, kind, picture) {
  const words = { hidden: "hidden", filtered: "not among what is shown", impossible: `impossible: ${cell.reason}` }[kind];
  const row = state.rowsOf(cell).find((each) => each.kind === kind);
  const parts = [
    state.nameOf(cell),
    words ?? (kind === "picture" ? (picture?.count > 1 ? `picture ${picture.place + 1} of ${picture.count}` : "picture") : (row?.words ?? "getting ready")),
    cell.status === "adjusted" && !words ? `adjusted: ${cell.differences.join(" ")}` : "",
    state.reference === cell.index ? "base" : "",
  ];
  return parts.filter(Boolean).join("; ");
}
