// What all parts of a grid share: axes, cells, how they are laid out, what is chosen. No nodes here.

const ALL_PLACES = -1; // in place of a page: every value of the axis, as further rows
const MOST_AT_ONCE = 24; // rows that a grid may have by itself; beyond it further axes are pages
const MANY_COLUMNS = 6; // from there on cells are small at first
const CELL_STATUSES = ["asked", "adjusted", "impossible"];
const CELL_KINDS = {
  picture: "Done",
  waiting: "Waiting",
  failed: "Failed",
  unknown: "Outcome unknown",
  stopped: "Not waited for",
  draft: "Not sent",
  cancelled: "Cancelled",
  impossible: "Impossible",
};
const SORTS = { asked: "as asked", label: "by name", price: "by price", time: "by time", status: "by status" };
const RANKS = ["failed", "unknown", "stopped", "draft", "cancelled", "waiting", "picture", "impossible"]; // what needs looking at first

class GridState {
  constructor(model, store) {
    this.model = model;
    this.store = store;
    this.listeners = new Set();
    this.layout = { rows: null, columns: null, pages: {} }; // axes by index, null for none; `pages`: axis -> place, or ALL_PLACES
    this.reference = null; // index of the cell that others are held against
    this.focus = 0; // index of the cell that the keyboard is in
    this.details = null; // index of the cell that is told about in full
    this.text = ""; // shown are cells that say this
    this.kind = ""; // ... and are of this kind, or ADJUSTED
    this.sort = "asked"; // how rows are ordered; `order` holds their keys as they stood then
    this.size = 1;
    this.hidden = new Set(); // "cell:12", and lines as `lineKey` names them
    this.pinned = new Set();
    this.places = new Map(); // index of a cell -> which of its pictures is shown
    this.jobs = new Map();
    this.onTable = () => this.read();
    this.onRows = () => this.note();
    model.on("change:table", this.onTable);
    model.on("change:rows", this.onRows);
    this.note();
    this.read();
  }

  read() {
    const table = this.model.get("table");
    this.table = table;
    const axes = table.axes ?? []; // [{name, label, values: [text], texts: [text in full]}]
    const other = JSON.stringify(axes) !== JSON.stringify(this.axes);
    this.axes = axes;
    this.cells = (table.cells ?? []).map((cell, index) => this.unpack(cell, index));
    if (other) this.arrange();
    this.tell();
  }

  /** A cell: {index, at, status, differences: [text], changes: [{field, asked, sent, text}], reason, price, cost, jobs}. */
  unpack([status, price, cost, changes, reason, jobs], index) {
    const { table } = this;
    const told = changes.map((place) => table.changes[place]);
    return {
      index,
      at: this.placesOf(index),
      status: CELL_STATUSES[status],
      changes: told,
      differences: told.map((each) => each.text),
      reason: table.texts[reason] ?? "",
      price: table.texts[price] ?? "",
      cost,
      jobs,
    };
  }

  /** Cells stand in the order of a product: the last axis changes fastest. */
  placesOf(index) {
    const places = [];
    for (const axis of this.axes.toReversed()) {
      places.unshift(index % axis.values.length);
      index = Math.floor(index / axis.values.length);
    }
    return places;
  }

  note() {
    this.jobs = new Map((this.model.get("rows") ?? []).map((row) => [row.id, row]));
    this.tell();
  }

  /** Call back after every change; returns the unsubscriber. */
  on(listener) {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell() {
    this.known = new Map();
    for (const listener of this.listeners) listener();
  }

  change(patch) {
    Object.assign(this, patch);
    this.tell();
  }

  close() {
    this.model.off("change:table", this.onTable);
    this.model.off("change:rows", this.onRows);
    this.listeners.clear();
  }

  // Layout.

  /** What varies most usefully: models side by side, the next axis below, and as much of the rest as fits. */
  arrange() {
    const varied = this.axes.map((_, axis) => axis).filter((axis) => this.axes[axis].values.length > 1);
    const columns = varied.find((axis) => this.axes[axis].name === "model") ?? varied.at(-1) ?? 0;
    const rows = varied.find((axis) => axis !== columns) ?? this.axes.findIndex((_, axis) => axis !== columns);
    this.layout = { rows: rows < 0 ? null : rows, columns: this.axes.length ? columns : null, pages: {} };
    let count = rows < 0 ? 1 : this.axes[rows].values.length;
    for (const axis of varied) {
      if (axis === rows || axis === columns) continue;
      count *= this.axes[axis].values.length;
      this.layout.pages[axis] = count <= MOST_AT_ONCE ? ALL_PLACES : 0;
    }
    this.order = null;
    this.size = this.axes.length && this.axes[columns].values.length > MANY_COLUMNS ? 0 : 1;
  }

  /** Put an axis on "rows" or "columns"; the one that was there goes where this one was. */
  place(side, axis) {
    const other = side === "rows" ? "columns" : "rows";
    const { pages } = this.layout;
    const before = this.layout[side];
    if (before === axis) return;
    if (this.layout[other] === axis) this.layout[other] = before;
    else {
      delete pages[axis];
      if (before !== null && this.axes[before].values.length > 1) pages[before] = 0;
    }
    this.layout[side] = axis;
    this.resort();
  }

  swap() {
    const { rows, columns } = this.layout;
    Object.assign(this.layout, { rows: columns, columns: rows });
    this.resort();
  }

  turn(axis, place) {
    this.layout.pages[axis] = place;
    this.resort();
  }

  /** The lines of a side, hidden ones and those without a cell that is shown left out: [{key, places: {axis: place}}]. */
  lines(side) {
    if (!this.known.has(side)) this.known.set(side, this.findLines(side));
    return this.known.get(side);
  }

  findLines(side) {
    let lines = this.allLines(side).filter((line) => !this.hidden.has(line.key));
    if (this.isFiltered()) {
      const others = this.allLines(side === "rows" ? "columns" : "rows").filter((line) => !this.hidden.has(line.key));
      lines = lines.filter((line) => others.some((other) => this.isShown(this.cellOf(line, other))));
    }
    if (side === "rows" && this.order) {
      const at = new Map(this.order.map((key, place) => [key, place]));
      lines.sort((a, b) => (at.get(a.key) ?? Infinity) - (at.get(b.key) ?? Infinity));
    }
    const pinned = lines.filter((line) => this.pinned.has(line.key));
    return pinned.length ? [...pinned, ...lines.filter((line) => !this.pinned.has(line.key))] : lines;
  }

  allLines(side) {
    const { layout } = this;
    const axes = side === "columns" ? [layout.columns] : [layout.rows, ...this.unfolded()];
    let lines = [{}];
    for (const axis of axes) {
      if (axis === null) continue;
      lines = lines.flatMap((line) => this.axes[axis].values.map((_, place) => ({ ...line, [axis]: place })));
    }
    return lines.map((places) => ({ key: lineKey(places), places }));
  }

  /** The axes that go on in rows instead of on pages. */
  unfolded() {
    return Object.keys(this.layout.pages).map(Number).filter((axis) => this.layout.pages[axis] === ALL_PLACES);
  }

  cellOf(row, column) {
    const places = { ...this.layout.pages, ...row.places, ...column.places };
    return this.cells[this.axes.reduce((index, axis, number) => index * axis.values.length + (places[number] ?? 0), 0)];
  }

  /** The labels of a line, one for each of its axes: [{axis, text, wordy}]. */
  labels(line) {
    return Object.entries(line.places).map(([axis, place]) => {
      const { label, values } = this.axes[axis];
      return { axis: label, text: values[place], wordy: isWordy(this.axes[axis]) };
    });
  }

  lineName(line) {
    return this.labels(line).map(({ text }) => text).join(" · ");
  }

  // Order.

  sortBy(how) {
    this.sort = how;
    this.resort();
  }

  resort() {
    this.order = this.sort === "asked" ? null : this.sorted();
    this.tell();
  }

  /** Whether what came meanwhile would change the order: rows do not move under the user's hands. */
  isStale() {
    return this.order !== null && this.order.join("\n") !== this.sorted().join("\n");
  }

  sorted() {
    const columns = this.allLines("columns").filter((line) => !this.hidden.has(line.key));
    const rows = this.allLines("rows").map((line) => ({ line, value: this.valueOf(line, columns) }));
    const compare = (a, b) => (typeof a === "string" ? a.localeCompare(b, undefined, { numeric: true }) : a - b);
    return rows.sort((a, b) => compare(a.value, b.value) || 0).map(({ line }) => line.key);
  }

  /** What a row is sorted by: unknown prices and times come last. */
  valueOf(row, columns) {
    if (this.sort === "label") return this.lineName(row);
    const cells = columns.map((column) => this.cellOf(row, column)).filter((cell) => cell.status !== "impossible");
    if (this.sort === "price") return cells.reduce((sum, cell) => sum + (cell.cost ?? Infinity), 0);
    if (this.sort === "status") return Math.min(...cells.map((cell) => RANKS.indexOf(this.kindOf(cell))), RANKS.length);
    const times = cells.map((cell) => this.timeOf(cell)).filter((time) => time !== null);
    return times.length ? times.reduce((sum, time) => sum + time, 0) / times.length : Number.MAX_VALUE;
  }

  // What is shown.

  isFiltered() {
    return Boolean(this.text || this.kind) || [...this.hidden].some((key) => key.startsWith("cell:"));
  }

  isHidden(cell) {
    return this.hidden.has(`cell:${cell.index}`);
  }

  /** Whether text and kind let a cell through. */
  passes(cell) {
    if (this.kind && this.kind !== (this.kind === "adjusted" ? cell.status : this.kindOf(cell))) return false;
    return !this.text || this.wordsOf(cell).includes(this.text.toLowerCase());
  }

  isShown(cell) {
    return this.passes(cell) && !this.isHidden(cell);
  }

  wordsOf(cell) {
    const values = cell.at.map((place, axis) => this.axes[axis].texts?.[place] || this.axes[axis].values[place]);
    const errors = this.rowsOf(cell).map((row) => (row.error ? `${row.error.title} ${row.error.text}` : ""));
    return [this.nameOf(cell), ...values, CELL_KINDS[this.kindOf(cell)], cell.reason, ...cell.differences, ...errors].join("\n").toLowerCase();
  }

  toggle(set, key) {
    this[set].delete(key) || this[set].add(key);
    this.tell();
  }

  /** The cells that are shown now, in reading order. */
  shown() {
    const columns = this.lines("columns");
    return this.lines("rows").flatMap((row) => columns.map((column) => this.cellOf(row, column))).filter((cell) => this.isShown(cell));
  }

  // Cells.

  /** The jobs' rows of a cell (see `_tiles.row`). */
  rowsOf(cell) {
    return cell.jobs.map((id) => this.jobs.get(id)).filter(Boolean);
  }

  /** Its pictures: [{row, data}], where `data` is a tile with hash, width, height, type, size, name. */
  picturesOf(cell) {
    return this.rowsOf(cell).flatMap((row) => row.tiles.filter((data) => data.kind === "picture").map((data) => ({ row, data })));
  }

  /** The one of its pictures that stands in the grid: {row, data, place, count}; null where there is none. */
  pictureOf(cell) {
    const all = this.picturesOf(cell);
    if (!all.length) return null;
    const place = Math.min(this.places.get(cell.index) ?? 0, all.length - 1);
    return { ...all[place], place, count: all.length };
  }

  step(cell, by) {
    const picture = this.pictureOf(cell);
    if (!picture || picture.count < 2) return;
    this.places.set(cell.index, (picture.place + by + picture.count) % picture.count);
    this.tell();
  }

  /** picture, waiting, failed, unknown, stopped, draft, cancelled or impossible. */
  kindOf(cell) {
    if (cell.status === "impossible") return "impossible";
    const kinds = this.rowsOf(cell).map((row) => row.kind);
    for (const kind of ["waiting", "unknown", "failed", "stopped", "draft", "cancelled"]) if (kinds.includes(kind)) return kind;
    return kinds.length ? "picture" : "waiting";
  }

  /** Seconds that its slowest request took; null while one goes on. */
  timeOf(cell) {
    const rows = this.rowsOf(cell);
    if (!rows.length || this.kindOf(cell) !== "picture") return null;
    return Math.max(...rows.map((row) => row.elapsed));
  }

  /** Where a cell stands, in words: "gpt-image-2 · a fox · n 2". Axes of one value tell nothing. */
  nameOf(cell) {
    const told = cell.at.map((place, axis) => [this.axes[axis], place]).filter(([axis]) => axis.values.length > 1 || axis.name === "model");
    return told.map(([axis, place]) => (isWordy(axis) ? axis.values[place] : `${axis.label.toLowerCase()} ${axis.values[place]}`)).join(" · ");
  }

  /** How many cells are of which kind, in words. */
  counts() {
    const found = new Map();
    for (const cell of this.cells) {
      const kind = this.kindOf(cell);
      found.set(kind, (found.get(kind) ?? 0) + 1);
    }
    const parts = Object.entries(CELL_KINDS).filter(([kind]) => found.has(kind));
    return parts.map(([kind, words]) => `${found.get(kind)} ${words.toLowerCase()}`).join(", ");
  }
}

/** A line's name among hidden and pinned ones: the same after rows and columns were exchanged. */
function lineKey(places) {
  return Object.entries(places).map(([axis, place]) => `${axis}:${place}`).join("|");
}

/** Whether an axis' values need no name in front of them. */
function isWordy(axis) {
  return ["model", "prompt", "references", "operation"].includes(axis.name);
}
