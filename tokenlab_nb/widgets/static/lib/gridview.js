// The table of cells. Only what is in view is in the page: rows and cells stand at places that are computed.

const CELL_WIDTHS = [132, 200, 288, 420]; // of a cell, in CSS pixels, by `state.size`
const MOST_WIDER = 1.4; // how far cells grow to fill the room
const CELL_PAD = 6;
const TELL_LINE = 17.4; // px of a line in a cell without a picture
const TELL_AFTER = 150; // ms between two messages on what is in view

/**
 * Put the table into `el`; `open(index)` is called for a cell to be looked at closely, `info(index)` for all about it.
 * Returns `{close(), focus(index)}`.
 */
function gridView(model, store, state, el, { open, info }) {
  const heads = h("div", { class: "tlnb-heads", role: "row", "aria-rowindex": 1 });
  const cornerText = h("div", { class: "tlnb-corner-words" });
  const corner = h("div", { class: "tlnb-corner", role: "columnheader", "aria-colindex": 1, tabindex: "-1" }, cornerText);
  const sheet = h("div", { class: "tlnb-sheet", role: "grid", "aria-label": "Cells", "aria-describedby": `tlnb-keys-${model.get("uid")}` }, heads);
  const scroller = h("div", { class: "tlnb-scroller" }, sheet);
  const empty = h("p", { class: "tlnb-none", text: "No cell is like that.", hidden: true });
  const ruler = h("div", { class: "tlnb-head tlnb-ruler", "aria-hidden": "true" });
  heads.append(corner);
  el.append(h("div", { class: "tlnb-table" }, scroller, empty, ruler));
  const page = Math.random().toString(36).slice(2);
  const rows = new Map(); // key of a line -> {node, head, cells: Map(key of a column -> part)}
  const columnHeads = new Map();
  const spare = []; // cells that are used again
  let active = { row: "", column: "" }; // keys of lines; "" is the header
  let size = null; // measures, see `measure`
  let seen = new Set();
  let told = "";
  let lines = { rows: [], columns: [] };
  const acts = {
    open: (cell) => open(cell.index),
    info: (cell) => info(cell.index),
    base: (cell) => state.change({ reference: state.reference === cell.index ? null : cell.index }),
    pin: (cell) => state.toggle("pinned", rowOf(cell)),
    hide: (cell) => state.toggle("hidden", `cell:${cell.index}`),
    back: (cell) => state.step(cell, -1),
    on: (cell) => state.step(cell, 1),
  };

  const rowOf = (cell) => lines.rows.find((row) => Object.entries(row.places).every(([axis, place]) => cell.at[axis] === place))?.key ?? "";
  const columnOf = (cell) => lines.columns.find((column) => Object.entries(column.places).every(([axis, place]) => cell.at[axis] === place))?.key ?? "";

  // Measures.

  /** Everything that decides where cells stand. Read once, not while scrolling: reading costs a layout. */
  function measure() {
    const room = scroller.clientWidth;
    if (!room) return;
    const head = Math.round(Math.min(240, Math.max(104, room * 0.17)));
    const count = Math.max(1, lines.columns.length);
    const least = Math.min(CELL_WIDTHS[state.size], Math.max(120, room - head));
    const width = Math.floor(Math.min(least * MOST_WIDER, Math.max(least, (room - head) / count)));
    const aspect = frameShape(state);
    const frame = Math.round((width - 2 * CELL_PAD) / aspect);
    const caption = width >= 330 ? 46 : width >= 190 ? 64 : 82; // two, three or four lines
    const next = { room, head, width, frame, height: frame + caption + 2 * CELL_PAD, top: headHeight(width, head) };
    const same = size && Object.keys(next).every((key) => next[key] === size[key]);
    if (same) return;
    const at = size ? scroller.scrollTop / size.height : 0; // the row on top stays there
    size = next;
    const linesIn = (room) => Math.max(1, Math.floor(room / TELL_LINE)); // of what a cell without a picture says
    sheet.style.setProperty("--tlnb-lines", linesIn(frame - 40));
    sheet.style.setProperty("--tlnb-acting-lines", linesIn(frame - 120));
    for (const [name, value] of Object.entries({ head, width, frame, height: size.height, top: size.top })) sheet.style.setProperty(`--tlnb-${name}`, `${value}px`);
    if (at) scroller.scrollTop = at * size.height;
  }

  /** One height for all headers, that of the longest: they are not cut, and nothing jumps while scrolling. */
  function headHeight(width, head) {
    const longest = lines.columns.map((line) => state.labels(line)).sort((a, b) => labelLength(b) - labelLength(a)).slice(0, 8);
    ruler.style.width = `${head}px`;
    ruler.replaceChildren(h("div", { class: "tlnb-corner-words", text: cornerWords(state) }));
    let most = ruler.offsetHeight;
    ruler.style.width = `${width}px`;
    for (const labels of longest) {
      ruler.replaceChildren(...headTexts(labels));
      most = Math.max(most, ruler.offsetHeight);
    }
    return Math.min(150, Math.max(44, most));
  }

  // Drawing.

  function update() {
    lines = { rows: state.lines("rows"), columns: state.lines("columns") };
    setShown(empty, !lines.rows.length || !lines.columns.length);
    setAttr(sheet, "aria-rowcount", lines.rows.length + 1);
    setAttr(sheet, "aria-colcount", lines.columns.length + 1);
    setText(cornerText, cornerWords(state));
    measure();
    if (!size) return;
    sheet.style.width = `${size.head + size.width * lines.columns.length}px`;
    sheet.style.height = `${size.top + size.height * lines.rows.length}px`;
    settle();
    draw(true);
    tick();
  }

  /** The keyboard stays where it was; where that line is gone, at the nearest one. */
  function settle() {
    for (const [side, list] of [["row", lines.rows], ["column", lines.columns]]) {
      if (active[side] && list.some((line) => line.key === active[side])) continue;
      if (active[side] === "" && placed) continue;
      const at = Math.min(stood[side] ?? 0, list.length - 1);
      active[side] = list[at]?.key ?? "";
    }
    placed = true;
    stood = { row: lines.rows.findIndex((line) => line.key === active.row), column: lines.columns.findIndex((line) => line.key === active.column) };
  }
  let placed = false;
  let stood = { row: 0, column: 0 };

  /** Bring into the page what is in view. `all` also renews what is there already. */
  function draw(all = false) {
    if (!size) return;
    const held = holder();
    const columns = range(lines.columns, scroller.scrollLeft / size.width, (scroller.scrollLeft + size.room - size.head) / size.width, 1, active.column);
    const shown = range(lines.rows, scroller.scrollTop / size.height, (scroller.scrollTop + view - size.top) / size.height, 1, active.row);
    drawHeads(columns, all);
    const keys = new Set(shown.map(({ line }) => line.key));
    for (const [key, row] of rows) if (!keys.has(key)) drop(key, row);
    for (const { line, place } of shown) {
      const row = rows.get(line.key) ?? addRow(line);
      drawRow(row, line, place, columns, all);
    }
    keepOrder(sheet, [heads, ...shown.map(({ line }) => rows.get(line.key).node)]);
    setTabs();
    if (held && !sheet.contains(el.getRootNode().activeElement)) current()?.focus({ preventScroll: true });
    note();
  }

  /** The lines in view, and the one that the keyboard is in: [{line, place}]. */
  function range(list, from, to, more, key) {
    const first = Math.max(0, Math.floor(from) - more);
    const last = Math.min(list.length - 1, Math.floor(to) + more);
    const found = [];
    for (let place = first; place <= last; place++) found.push({ line: list[place], place });
    const at = key ? list.findIndex((line) => line.key === key) : -1;
    if (at >= 0 && at < first) found.unshift({ line: list[at], place: at });
    if (at > last) found.push({ line: list[at], place: at });
    return found;
  }

  function drawHeads(columns, all) {
    const keys = new Set(columns.map(({ line }) => line.key));
    for (const [key, head] of columnHeads) {
      if (keys.has(key)) continue;
      head.node.remove();
      columnHeads.delete(key);
    }
    for (const { line, place } of columns) {
      let head = columnHeads.get(line.key);
      const isNew = !head;
      if (isNew) columnHeads.set(line.key, (head = lineHead(state, "column")));
      if (isNew || all) head.bind(line, place);
      head.node.style.left = `${size.head + place * size.width}px`;
    }
    keepOrder(heads, [corner, ...columns.map(({ line }) => columnHeads.get(line.key).node)]);
  }

  function addRow(line) {
    const head = lineHead(state, "row");
    const row = { node: h("div", { class: "tlnb-row", role: "row" }, head.node), head, cells: new Map(), fresh: true };
    rows.set(line.key, row);
    return row;
  }

  function drawRow(row, line, place, columns, all) {
    row.node.style.top = `${size.top + place * size.height}px`;
    setAttr(row.node, "aria-rowindex", place + 2);
    if (all || row.fresh) row.head.bind(line, place);
    row.fresh = false;
    const keys = new Set(columns.map((each) => each.line.key));
    for (const [key, part] of row.cells) if (!keys.has(key)) free(row, key, part);
    for (const { line: column, place: number } of columns) {
      let part = row.cells.get(column.key);
      const isNew = !part;
      if (isNew) row.cells.set(column.key, (part = spare.pop() ?? gridCell(model, store, state, acts)));
      part.node.style.left = `${size.head + number * size.width}px`;
      if (isNew || all) part.bind(state.cellOf(line, column), { row: place, column: number });
    }
    keepOrder(row.node, [row.head.node, ...columns.map((each) => row.cells.get(each.line.key).node)]);
  }

  function drop(key, row) {
    for (const [column, part] of row.cells) free(row, column, part);
    row.node.remove();
    rows.delete(key);
  }

  function free(row, key, part) {
    part.node.remove();
    row.cells.delete(key);
    if (spare.length < 60) spare.push(part);
  }

  function parts() {
    return [...rows.values()].flatMap((row) => [...row.cells.values()]);
  }

  /** Ask for what is in view and not here; say what is in view, so that it is sent as it comes. */
  function note() {
    const now = new Set();
    for (const part of parts()) {
      const hash = part.hash();
      if (hash) now.add(hash);
    }
    for (const hash of seen) if (!now.has(hash)) store.seen.delete(hash);
    for (const hash of now) store.seen.add(hash);
    seen = now;
    telling ||= setTimeout(tellView, Math.max(0, quiet - Date.now()));
  }
  let telling = 0;
  let quiet = 0;

  function tellView() {
    telling = 0;
    const jobs = [...new Set(parts().flatMap((part) => part.cell().jobs))];
    const text = jobs.join();
    if (text !== told) store.send({ type: "visible", page, jobs, hashes: store.missing(seen) });
    else for (const hash of seen) store.want(hash);
    told = text;
    quiet = Date.now() + TELL_AFTER;
  }

  function paint(hash) {
    for (const part of parts()) if (!hash || part.hash() === hash) part.paint();
  }

  function tick() {
    clearTimeout(ticking);
    if (parts().filter((part) => part.tick()).length) ticking = setTimeout(tick, 1000);
  }
  let ticking = 0;

  // The keyboard.

  function current() {
    if (active.row === "") return active.column === "" ? corner : columnHeads.get(active.column)?.node;
    const row = rows.get(active.row);
    return active.column === "" ? row?.head.node : row?.cells.get(active.column)?.node;
  }

  /** Whether the focus is in the table. */
  const holder = () => sheet.contains(el.getRootNode().activeElement);

  function setTabs() {
    const here = current();
    for (const node of sheet.querySelectorAll("[tabindex], button")) {
      const is = node === here || (node.localName === "button" && here?.contains(node));
      if (node.tabIndex !== (is ? 0 : -1)) node.tabIndex = is ? 0 : -1;
    }
  }

  /** Move the keyboard to a line of each side; -1 is the header. */
  function go(row, column, focus = true) {
    const most = { row: lines.rows.length - 1, column: lines.columns.length - 1 };
    stood = { row: Math.max(-1, Math.min(row, most.row)), column: Math.max(-1, Math.min(column, most.column)) };
    active = { row: lines.rows[stood.row]?.key ?? "", column: lines.columns[stood.column]?.key ?? "" };
    reveal();
    draw();
    const part = rows.get(active.row)?.cells.get(active.column);
    if (part) {
      part.tools();
      state.focus = part.cell().index;
    }
    setTabs();
    if (focus) current()?.focus({ preventScroll: true });
  }

  /** Scroll so that the active cell lies beside the headers and not under them. */
  function reveal() {
    const { scrollLeft, scrollTop } = scroller;
    if (stood.row >= 0) {
      const top = stood.row * size.height;
      const most = view - size.top - size.height;
      if (top < scrollTop || most < 0) scroller.scrollTop = top;
      else if (top > scrollTop + most) scroller.scrollTop = top - most;
    }
    if (stood.column >= 0) {
      const left = stood.column * size.width;
      const most = size.room - size.head - size.width;
      if (left < scrollLeft || most < 0) scroller.scrollLeft = left;
      else if (left > scrollLeft + most) scroller.scrollLeft = left - most;
    }
  }

  function keys(event) {
    if (event.altKey || event.metaKey || (event.ctrlKey && !["Home", "End"].includes(event.key))) return;
    if (event.target !== current()) return; // a button in a cell has keys of its own
    const { row, column } = stood;
    const far = Math.max(1, Math.floor((view - size.top) / size.height));
    const last = [lines.rows.length - 1, lines.columns.length - 1];
    const moves = {
      ArrowUp: [row - 1, column],
      ArrowDown: [row + 1, column],
      ArrowLeft: [row, column - 1],
      ArrowRight: [row, column + 1],
      PageUp: [Math.max(0, row - far), column],
      PageDown: [row + far, column],
      Home: event.ctrlKey ? [0, 0] : [row, 0],
      End: event.ctrlKey ? last : [row, last[1]],
    };
    if (moves[event.key]) go(...moves[event.key]);
    else if (!(row >= 0 && column >= 0 ? cellKey(event.key) : lineKeys(event.key))) return;
    event.preventDefault();
    event.stopPropagation();
  }

  function cellKey(key) {
    const cell = rows.get(active.row)?.cells.get(active.column)?.cell();
    const act = { Enter: "open", i: "info", b: "base", p: "pin", h: "hide", ",": "back", ".": "on" }[key];
    if (!cell || !act) return false;
    const picture = !state.isHidden(cell) && state.pictureOf(cell);
    if (act === "open" && !picture) acts.info(cell);
    else if (act !== "base" || picture) acts[act](cell);
    return true;
  }

  function lineKeys(key) {
    const line = active.row || active.column;
    const set = { p: "pinned", h: "hidden" }[key];
    if (!line || !set) return false;
    state.toggle(set, line);
    return true;
  }

  const partOf = (target) => {
    const node = target.closest?.(".tlnb-cell");
    return node ? parts().find((part) => part.node === node) : null;
  };
  sheet.addEventListener("keydown", keys);
  sheet.addEventListener("focusin", (event) => {
    const part = partOf(event.target);
    const head = event.target.closest(".tlnb-head");
    if (part) {
      const cell = part.cell();
      active = { row: rowOf(cell), column: columnOf(cell) };
      part.tools();
      state.focus = cell.index;
    } else if (head) active = head.dataset.side === "row" ? { row: head.dataset.key, column: "" } : { row: "", column: head.dataset.key };
    else active = { row: "", column: "" };
    stood = { row: lines.rows.findIndex((line) => line.key === active.row), column: lines.columns.findIndex((line) => line.key === active.column) };
    setTabs();
  });
  sheet.addEventListener("pointerover", (event) => partOf(event.target)?.tools());
  sheet.addEventListener("click", (event) => {
    const part = partOf(event.target);
    if (!part || event.target.closest("button, .tlnb-actions, .tlnb-cell-caption") || String(getSelection())) return;
    if (part.hash()) acts.open(part.cell());
  });

  // Scrolling and sizes.

  let view = 0; // height of what is seen
  let drawing = 0;
  scroller.addEventListener("scroll", () => {
    drawing ||= requestAnimationFrame(() => {
      drawing = 0;
      draw();
    });
  }, { passive: true });
  const sizes = new ResizeObserver(() => {
    view = scroller.clientHeight;
    if (scroller.clientWidth !== size?.room) update();
    else draw();
  });
  sizes.observe(scroller);
  store.listeners.add(paint);
  const off = state.on(update);
  update();

  return {
    /** Put the keyboard into a cell. */
    focus(index) {
      const cell = state.cells[index];
      if (cell) go(lines.rows.findIndex((line) => line.key === rowOf(cell)), lines.columns.findIndex((line) => line.key === columnOf(cell)));
    },
    close() {
      clearTimeout(ticking);
      clearTimeout(telling);
      cancelAnimationFrame(drawing);
      sizes.disconnect();
      off();
      store.listeners.delete(paint);
      for (const hash of seen) store.seen.delete(hash);
      store.send({ type: "visible", page, jobs: [], hashes: [] });
    },
  };
}

/** A header, with what can be done to its line. Returns `{node, bind(line, place)}`. */
function lineHead(state, side) {
  const words = h("div", { class: "tlnb-head-words" });
  const pin = h("button", { class: "tlnb-tool", type: "button", tabindex: "-1", text: "Pin" });
  const hide = h("button", { class: "tlnb-tool", type: "button", tabindex: "-1", text: "Hide", title: `Hide this ${side} (h)` });
  const tools = h("div", { class: "tlnb-tools" }, pin, hide);
  const node = h("div", { class: "tlnb-head", role: `${side}header`, tabindex: "-1" }, words, tools);
  let key = "";
  node.dataset.side = side;
  pin.addEventListener("click", () => state.toggle("pinned", key));
  hide.addEventListener("click", () => state.toggle("hidden", key));
  return {
    node,
    bind(line, place) {
      key = node.dataset.key = line.key;
      const pinned = state.pinned.has(key);
      const name = state.lineName(line);
      const text = JSON.stringify([name, pinned]);
      setAttr(node, "aria-colindex", side === "row" ? 1 : place + 2);
      if (node.dataset.text === text) return;
      node.dataset.text = text;
      words.replaceChildren(...headTexts(state.labels(line)), ...(pinned ? [h("div", { class: "tlnb-head-pinned", text: "Pinned" })] : []));
      setAttr(node, "aria-label", `${name}${pinned ? ", pinned" : ""}`);
      setText(pin, pinned ? "Unpin" : "Pin");
      setAttr(pin, "title", pinned ? "Back to its place (p)" : `Put this ${side} first (p)`);
      setAttr(pin, "aria-label", `${pinned ? "Unpin" : "Pin"} ${name}`);
      setAttr(hide, "aria-label", `Hide ${name}`);
    },
  };
}

function headTexts(labels) {
  return labels.map(({ axis, text, wordy }) => h("div", {}, wordy ? null : h("span", { class: "tlnb-head-axis", text: `${axis} ` }), h("span", { class: "tlnb-head-text", text })));
}

function labelLength(labels) {
  return labels.reduce((sum, { axis, text }) => sum + axis.length + text.length + 4, 0);
}

function cornerWords(state) {
  const name = (axis) => (axis === null ? "" : state.axes[axis]?.label ?? "");
  const rows = [state.layout.rows, ...state.unfolded()].map(name).filter(Boolean).join(", ");
  const columns = name(state.layout.columns);
  return [rows && `${rows} ↓`, columns && `${columns} →`].filter(Boolean).join("\n");
}

/** One shape for all frames, decided by the requests alone, so that nothing jumps when pictures come. */
function frameShape(state) {
  const shapes = new Set([...state.jobs.values()].map((row) => row.aspect));
  return shapes.size === 1 ? Math.min(16 / 9, Math.max(3 / 4, [...shapes][0])) : 1;
}

/** Put nodes into this order; those that stand right already are not touched, so the focus stays. */
function keepOrder(parent, nodes) {
  nodes.forEach((node, place) => {
    if (parent.children[place] !== node) parent.insertBefore(node, parent.children[place] ?? null);
  });
}
