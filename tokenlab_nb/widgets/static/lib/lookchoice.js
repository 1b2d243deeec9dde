// Which pictures are looked at, and which one the others are held against. No nodes here.

const LOOK_PANES = 400; // a filter of the table chooses better than so many panes

/**
 * An item is {index, nth}: a cell and which of its pictures. A cell without pictures has one item, which says why.
 * The items shown keep the table's order; the base always stands first.
 */
class LookChoice {
  constructor(state) {
    this.state = state;
    this.base = null;
    this.items = [];
    this.current = null;
    this.cut = 0; // how many items there would have been, where they were too many
    this.solo = false; // whether only one is to be shown, whichever that is
  }

  cellOf(item) {
    return this.state.cells[item.index];
  }

  /** Its row and tile {row, data}; undefined where there is no such picture (yet). */
  pictureOf(item) {
    return this.state.picturesOf(this.cellOf(item))[item.nth];
  }

  countOf(item) {
    return this.state.picturesOf(this.cellOf(item)).length;
  }

  itemsOf(cell) {
    const count = Math.max(1, this.state.picturesOf(cell).length);
    return Array.from({ length: count }, (_, nth) => ({ index: cell.index, nth }));
  }

  /** Everything that can be looked at now, in reading order. */
  sequence() {
    return this.state.shown().flatMap((cell) => this.itemsOf(cell));
  }

  same(a, b) {
    return Boolean(a && b) && a.index === b.index && a.nth === b.nth;
  }

  has(item) {
    return this.items.some((each) => this.same(each, item));
  }

  isBase(item) {
    return this.same(item, this.base);
  }

  /** Look at a cell: beside the base, which is the reference, or the first cell with a picture where none was chosen. */
  open(index, nth = 0) {
    const { state } = this;
    const chosen = state.reference ?? state.shown().find((cell) => state.picturesOf(cell).length)?.index ?? index;
    this.base = { index: chosen, nth: chosen === index ? nth : 0 };
    this.current = { index, nth };
    this.pair();
  }

  show(items) {
    const others = items.filter((each) => !this.isBase(each));
    this.solo = false;
    this.cut = others.length >= LOOK_PANES ? items.length : 0;
    this.items = [this.base, ...others.slice(0, LOOK_PANES - 1)];
    if (!this.has(this.current)) this.current = this.base;
  }

  only() {
    this.cut = 0;
    this.solo = true;
    this.items = [this.current];
  }

  pair() {
    this.show([this.current]);
  }

  /** All cells that differ from the current one along one axis at most; of each, the picture of the same number. */
  along(axis) {
    const { at } = this.cellOf(this.current);
    const isNear = (cell) => cell.at.every((place, each) => each === axis || place === at[each]);
    const near = this.state.shown().filter(isNear);
    this.show(near.map((cell) => this.itemsOf(cell)[this.current.nth] ?? { index: cell.index, nth: 0 }));
  }

  all() {
    this.show(this.sequence());
  }

  /** Go on by one; the next picture takes the current one's pane, unless it has one of its own or the current is the base. */
  step(by) {
    const next = this.neighbour(by);
    if (!next) return false;
    const place = this.items.findIndex((each) => this.same(each, this.current));
    if (this.solo) this.items = [next];
    else if (!this.has(next)) this.items.splice(this.isBase(this.current) ? 1 : place, 1, next);
    this.current = next;
    return true;
  }

  /** Show the next picture beside those that are shown. */
  add() {
    const line = this.sequence();
    const start = line.findIndex((each) => this.same(each, this.current));
    const next = [...line.slice(start + 1), ...line.slice(0, Math.max(0, start))].find((each) => !this.has(each));
    if (!next || this.items.length >= LOOK_PANES) return false;
    this.solo = false;
    this.items.push(next);
    this.current = next;
    return true;
  }

  neighbour(by) {
    const line = this.sequence();
    const at = line.findIndex((each) => this.same(each, this.current));
    return line[at + by];
  }

  /** Take the current one out of view; the base stays. */
  canRemove() {
    return this.items.length > 1 && !this.isBase(this.current);
  }

  remove() {
    const place = this.items.findIndex((each) => this.same(each, this.current));
    this.items.splice(place, 1);
    this.current = this.items[Math.min(place, this.items.length - 1)];
  }

  makeBase() {
    this.base = this.current;
    if (!this.solo) this.show(this.items);
  }

  /** After news: what has gone is not looked at any more. */
  refresh() {
    const isThere = (item) => item && this.cellOf(item) && (item.nth === 0 || item.nth < this.countOf(item));
    this.items = this.items.filter(isThere);
    if (!isThere(this.base)) this.base = this.items[0];
    if (!this.items.length) this.items = [this.base].filter(Boolean);
    if (!this.has(this.current)) this.current = this.items[0];
  }

  /** The axes whose values differ among the cells that are looked at. */
  varying() {
    const cells = this.items.map((item) => this.cellOf(item));
    return this.state.axes.map((_, axis) => axis).filter((axis) => new Set(cells.map((cell) => cell.at[axis])).size > 1);
  }

  /** A value in words: one of a setting needs the setting's name. */
  valueOf(item, axis) {
    const { name, label, values } = this.state.axes[axis];
    const value = values[this.cellOf(item).at[axis]];
    return ["model", "prompt", "references", "operation"].includes(name) ? value : `${label.toLowerCase()} ${value}`;
  }

  /** What tells an item from the others that are shown: what they have in common is said once, above. */
  nameOf(item, varying = this.varying()) {
    const count = this.countOf(item);
    const parts = varying.map((axis) => this.valueOf(item, axis));
    if (!parts.length && this.items.length === 1) parts.push(this.state.nameOf(this.cellOf(item)));
    if (count > 1) parts.push(`picture ${item.nth + 1} of ${count}`);
    return parts.join(" · ") || this.state.nameOf(this.cellOf(item));
  }

  /** What all have in common, in words; empty for a single one. */
  commonWords() {
    if (this.items.length < 2) return "";
    const varying = this.varying();
    const parts = this.state.axes.flatMap((_, axis) => (varying.includes(axis) ? [] : [this.valueOf(this.items[0], axis)]));
    return parts.length ? `In all of them: ${parts.join(" · ")}` : "";
  }
}
