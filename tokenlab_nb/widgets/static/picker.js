// The model picker. Python prepares every text and sort key (trait `_rows`); this script filters, sorts, draws, and
// hands back the chosen ids (trait `value`). Text reaches the page through textContent only.

const SORTS = {
  recommended: { label: "recommended", key: (row) => [row.rank ?? Infinity] },
  price: { label: "price", key: (row) => row.price_rank },
  success: { label: "success rate", key: (row) => [-(row.success_rank ?? -1)] },
  name: { label: "name", key: () => [] },
};
const PAGE = 10;

/** Compares sort keys part by part; equal ones by name, except in the order that Python gave (recommended). */
function compare(a, b) {
  for (let i = 0; i < a.key.length; i++) {
    if (a.key[i] !== b.key[i]) return a.key[i] < b.key[i] ? -1 : 1;
  }
  return a.tie < b.tie ? -1 : a.tie > b.tie ? 1 : 0;
}

function sorted(rows, sort) {
  const key = SORTS[sort].key;
  const tie = (row, index) => (sort === "recommended" ? index : row.id.toLowerCase());
  return rows
    .map((row, index) => ({ row, key: key(row), tie: tie(row, index) }))
    .sort(compare)
    .map((entry) => entry.row);
}

function haystack(row) {
  return [row.id, ...row.aliases, row.provider, ...row.operations].join("\n").toLowerCase();
}

function option(value, label) {
  return h("option", { value, text: label });
}

/** A native select whose first entry means "any". Keeps its choice when the entries change, if it is still there. */
function fillSelect(select, anyLabel, counts) {
  const before = select.value;
  const names = [...counts.keys()].sort();
  select.replaceChildren(option("", anyLabel), ...names.map((name) => option(name, `${name} (${counts.get(name)})`)));
  select.value = counts.has(before) ? before : "";
}

function countBy(rows, namesOf) {
  const counts = new Map();
  for (const row of rows) {
    for (const name of namesOf(row)) if (name) counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

/** The parts that stand still: built once, filled later. */
function buildFrame(model, el) {
  const select = (label, ...options) => h("select", { "aria-label": label }, ...options);
  const parts = {
    search: h("input", {
      class: "tlnb-picker-search",
      type: "search",
      placeholder: "Search models",
      "aria-label": "Search models by name, provider or operation",
      autocomplete: "off",
      spellcheck: "false",
    }),
    operation: select("Operation"),
    provider: select("Provider"),
    sort: h("select", {}, ...Object.entries(SORTS).map(([value, { label }]) => option(value, label))),
    chosen: h("div", { class: "tlnb-picker-chosen", role: "group", "aria-label": "Chosen models" }),
    advice: h("div", { class: "tlnb-picker-advice" }),
    list: h("div", { class: "tlnb-picker-list", role: "grid", "aria-label": "Models to choose from" }),
    empty: h("div", { class: "tlnb-picker-empty" }),
    count: h("div", { class: "tlnb-picker-count", role: "status" }),
  };
  const frame = { class: "tlnb-picker", role: "group", "aria-label": "Models" };
  const root = h("div", frame);
  keepKeys(root);
  alertRegion(model, root);
  const tools = h("div", { class: "tlnb-picker-tools" }, parts.search, parts.operation, parts.provider);
  const order = h("label", { class: "tlnb-picker-order" }, "sort by ", parts.sort);
  const bar = h("div", { class: "tlnb-picker-bar" }, parts.count, order);
  root.append(tools, parts.chosen, parts.advice, bar, parts.list, parts.empty);
  el.classList.add("tlnb-picker-host");
  el.append(root);
  return parts;
}

function button(text, props = {}) {
  return h("button", { type: "button", text, ...props });
}

/** One row of the grid. Its texts never change: another text makes another row. */
function buildRow(row, replacement, multiple) {
  const cell = (kind, text = "") => h("span", { class: `tlnb-picker-${kind}`, role: "gridcell", text });
  const name = cell("name");
  name.append(h("span", { class: "tlnb-picker-id", text: row.id }));
  name.append(" ", h("span", { class: "tlnb-picker-provider", text: row.provider }));
  const wordClass = row.leaving ? "tlnb-picker-word tlnb-picker-leaving" : "tlnb-picker-word";
  for (const word of row.life) name.append(" ", h("span", { class: wordClass, text: word }));
  const swap = cell("swap-cell");
  if (replacement) {
    swap.append(button(`use ${replacement}`, { class: "tlnb-picker-swap", tabindex: "-1", "data-swap": replacement }));
  }
  return h(
    "div",
    { class: "tlnb-picker-row", role: "row", tabindex: "-1", "data-id": row.id },
    h("span", { class: `tlnb-picker-mark${multiple ? "" : " tlnb-picker-mark-one"}`, "aria-hidden": "true" }),
    name,
    cell("price", row.price),
    cell("record", row.record),
    cell("operations", row.operations.join(", ") || "operations unknown"),
    replacement ? swap : null,
  );
}

class Picker {
  constructor(model, el) {
    this.model = model;
    this.parts = buildFrame(model, el);
    this.nodes = new Map(); // id -> { text, node }: a row is built again only when something of it changed
    this.visible = [];
    this.active = null; // the row that Tab reaches
    this.listen();
    this.readRows();
  }

  // ---- the data

  get chosen() {
    return this.model.get("value");
  }

  set chosen(ids) {
    this.model.set("value", ids);
    this.model.save_changes();
  }

  readRows() {
    this.rows = this.model.get("_rows");
    this.byId = new Map(this.rows.map((row) => [row.id, row]));
    this.haystacks = new Map(this.rows.map((row) => [row.id, haystack(row)]));
    fillSelect(this.parts.operation, "any operation", countBy(this.rows, (row) => row.operations));
    fillSelect(this.parts.provider, "any provider", countBy(this.rows, (row) => [row.provider]));
    this.parts.list.setAttribute("aria-multiselectable", String(this.model.get("multiple")));
    this.draw();
    this.drawChosen();
  }

  matches() {
    const words = this.parts.search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const operation = this.parts.operation.value;
    const provider = this.parts.provider.value;
    return this.rows.filter((row) => {
      const text = this.haystacks.get(row.id);
      return (
        (!operation || row.operations.includes(operation)) &&
        (!provider || row.provider === provider) &&
        words.every((word) => text.includes(word))
      );
    });
  }

  // ---- drawing

  nodeOf(row) {
    const multiple = this.model.get("multiple");
    const replacement = this.byId.has(row.replacement) ? row.replacement : "";
    const text = JSON.stringify([row, replacement, multiple]);
    const old = this.nodes.get(row.id);
    if (old?.text === text) return old.node;
    const node = buildRow(row, replacement, multiple);
    this.nodes.set(row.id, { text, node });
    return node;
  }

  draw() {
    const { list, empty } = this.parts;
    const focused = list.contains(list.getRootNode().activeElement);
    this.visible = sorted(this.matches(), this.parts.sort.value);
    list.replaceChildren(...this.visible.map((row) => this.nodeOf(row)));
    for (const id of this.nodes.keys()) if (!this.byId.has(id)) this.nodes.delete(id);
    const kept = this.visible.some((row) => row.id === this.active) ? this.active : this.visible[0]?.id;
    this.mark();
    this.activate(kept, focused);
    setShown(list, this.visible.length > 0);
    setShown(empty, this.visible.length === 0);
    if (this.visible.length) return;
    const filtered = this.rows.length > 0;
    const clear = button("show all models", { on: { click: () => this.clear() } });
    empty.replaceChildren(...(filtered ? ["No model matches. ", clear] : ["There are no models to choose from."]));
    if (focused) this.parts.search.focus();
  }

  /** Ticks on rows, and the count. */
  mark() {
    const chosen = new Set(this.chosen);
    for (const row of this.visible) {
      this.nodes.get(row.id).node.setAttribute("aria-selected", String(chosen.has(row.id)));
    }
    const models = this.rows.length === 1 ? "model" : "models";
    setText(this.parts.count, `${this.visible.length} of ${this.rows.length} ${models}, ${chosen.size} chosen`);
  }

  /** Chosen models stay on the screen whatever the filters hide. */
  drawChosen() {
    const { chosen, advice, search } = this.parts;
    const at = [...chosen.children].indexOf(chosen.getRootNode().activeElement);
    chosen.replaceChildren(...this.chosen.map((id) => this.chip(id)));
    setShown(chosen, this.chosen.length > 0);
    if (at >= 0) (chosen.children[Math.min(at, chosen.children.length - 1)] ?? search).focus();
    const lines = this.chosen.map((id) => this.byId.get(id)).filter((row) => row?.leaving);
    advice.replaceChildren(...lines.map((row) => this.adviceOn(row)));
    setShown(advice, lines.length > 0);
  }

  chip(id) {
    const cross = h("span", { class: "tlnb-picker-cross", "aria-hidden": "true", text: "\u00d7" });
    const props = { class: "tlnb-picker-chip", "aria-label": `Remove ${id}`, on: { click: () => this.toggle(id) } };
    const chip = button("", props);
    chip.append(h("span", { text: id }), cross);
    return chip;
  }

  adviceOn(row) {
    const line = h("div", { text: `${row.id}: ${row.life.join(", ")}. ` });
    if (this.byId.has(row.replacement)) {
      const swap = () => this.swap(row.id, row.replacement);
      line.append(button(`use ${row.replacement}`, { class: "tlnb-picker-swap", on: { click: swap } }));
    }
    return line;
  }

  activate(id, focus) {
    const old = this.nodes.get(this.active)?.node;
    if (old) old.tabIndex = -1;
    this.active = id;
    const node = this.nodes.get(id)?.node;
    if (!node) return;
    node.tabIndex = 0;
    if (focus) node.focus();
  }

  // ---- what people do

  toggle(id) {
    const has = this.chosen.includes(id);
    if (has) this.chosen = this.chosen.filter((other) => other !== id);
    else this.chosen = this.model.get("multiple") ? [...this.chosen, id] : [id];
  }

  swap(id, replacement) {
    const others = this.chosen.filter((other) => other !== replacement);
    this.chosen = others.includes(id)
      ? others.map((other) => (other === id ? replacement : other))
      : this.model.get("multiple") ? [...others, replacement] : [replacement];
  }

  clear() {
    this.parts.search.value = "";
    this.parts.operation.value = "";
    this.parts.provider.value = "";
    this.draw();
    this.parts.search.focus();
  }

  move(step) {
    const at = this.visible.findIndex((row) => row.id === this.active);
    const to = Math.max(0, Math.min(this.visible.length - 1, at + step));
    if (this.visible[to]) this.activate(this.visible[to].id, true);
  }

  onListKey(event) {
    const row = event.target.closest("[role=row]");
    const swap = row?.querySelector("[data-swap]");
    const onSwap = event.target === swap;
    const actions = {
      ArrowDown: () => this.move(1),
      ArrowUp: () => this.move(-1),
      PageDown: () => this.move(PAGE),
      PageUp: () => this.move(-PAGE),
      Home: () => this.move(-Infinity),
      End: () => this.move(Infinity),
      ArrowRight: () => swap?.focus(),
      ArrowLeft: () => row.focus(),
      Escape: () => this.escape(),
      Backspace: () => this.parts.search.focus(),
      " ": () => (onSwap ? swap.click() : this.toggle(row.dataset.id)),
      Enter: () => (onSwap ? swap.click() : (this.chosen = [row.dataset.id])),
    };
    if (event.ctrlKey || event.metaKey || event.altKey || !row) return;
    if (actions[event.key]) actions[event.key]();
    else if (event.key.length === 1) this.typeAhead(event.key);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  typeAhead(letter) {
    this.parts.search.focus();
    this.parts.search.value += letter;
    this.draw();
  }

  escape() {
    this.parts.search.value = "";
    this.draw();
  }

  onSearchKey(event) {
    if (event.key === "Escape" && this.parts.search.value) this.escape();
    else if ((event.key === "ArrowDown" || event.key === "Enter") && this.visible.length) this.activate(this.active, true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  onListClick(event) {
    const row = event.target.closest("[role=row]");
    if (!row) return;
    const swap = event.target.closest("[data-swap]");
    this.activate(row.dataset.id, !swap);
    if (swap) this.swap(row.dataset.id, swap.dataset.swap);
    else this.toggle(row.dataset.id);
  }

  listen() {
    const { search, operation, provider, sort, list } = this.parts;
    search.addEventListener("input", () => this.draw());
    search.addEventListener("keydown", (event) => this.onSearchKey(event));
    for (const select of [operation, provider, sort]) select.addEventListener("change", () => this.draw());
    list.addEventListener("keydown", (event) => this.onListKey(event));
    list.addEventListener("click", (event) => this.onListClick(event));
    this.onRows = () => this.readRows();
    this.onValue = () => {
      this.mark();
      this.drawChosen();
    };
    this.model.on("change:_rows", this.onRows);
    this.model.on("change:multiple", this.onRows);
    this.model.on("change:value", this.onValue);
  }

  close() {
    this.model.off("change:_rows", this.onRows);
    this.model.off("change:multiple", this.onRows);
    this.model.off("change:value", this.onValue);
  }
}

function render({ model, el }) {
  const picker = new Picker(model, el);
  return () => picker.close();
}

export default { render };
