// What all parts of a grid share: axes, cells, how they are laid out, what is chosen. No nodes here.

class GridState {
  constructor(model, store) {
    this.model = model;
    this.store = store;
    this.listeners = new Set();
    this.layout = { rows: 0, columns: 1, pages: {} }; // axes by index; `pages`: axis -> place of its value
    this.reference = null; // index of the cell that others are held against
    this.focus = 0; // index of the cell that the keyboard is in
    this.read();
    model.on("change:table", () => this.read());
    model.on("change:rows", () => this.note());
    this.note();
  }

  read() {
    const table = this.model.get("table");
    this.axes = table.axes ?? []; // [{name, label, values: [text]}]
    this.cells = table.cells ?? []; // [{index, at: [place], status, differences: [text], reason, price, jobs: [id]}]
    this.tell();
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
    for (const listener of this.listeners) listener();
  }

  change(patch) {
    Object.assign(this, patch);
    this.tell();
  }

  /** The jobs' rows of a cell (see `_tiles.row`). */
  rowsOf(cell) {
    return cell.jobs.map((id) => this.jobs.get(id)).filter(Boolean);
  }

  /** Its pictures: [{row, data}], where `data` is a tile with hash, width, height, type, size, name. */
  picturesOf(cell) {
    return this.rowsOf(cell).flatMap((row) => row.tiles.filter((data) => data.kind === "picture").map((data) => ({ row, data })));
  }

  /** picture, waiting, failed, unknown, stopped, draft, cancelled or impossible. */
  kindOf(cell) {
    if (cell.status === "impossible") return "impossible";
    const kinds = this.rowsOf(cell).map((row) => row.kind);
    for (const kind of ["waiting", "unknown", "failed", "stopped", "draft", "cancelled"]) if (kinds.includes(kind)) return kind;
    return "picture";
  }

  /** Where a cell stands, in words: "gpt-image-2 · a fox · n 2". */
  nameOf(cell) {
    return cell.at.map((place, axis) => this.axes[axis].values[place]).join(" · ");
  }

  /** The cells that are shown now, in reading order. */
  shown() {
    return this.cells;
  }
}
