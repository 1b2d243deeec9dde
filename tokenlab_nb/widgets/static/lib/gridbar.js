// What stands above the grid: title, counts, price and state, what can be done to all of it; and how it is laid out.

/** Put head and bar into `el`. `extra` are further buttons. Returns `{close()}`. */
function gridBar(model, store, state, el, extra = []) {
  const head = gridHead(model, store, state, extra);
  const common = h("p", { class: "tlnb-common", hidden: true });
  const layout = layoutBar(state);
  const keys = h("p", { class: "tlnb-keys", id: `tlnb-keys-${model.get("uid")}`, text: "Arrows move, Enter opens, i tells all, b is the base, p pins, h hides, comma and full stop go through a cell's pictures." });
  el.append(head.node, common, layout.node, keys);
  function update() {
    head.update();
    layout.update();
    const words = commonWords(state);
    setText(common, words);
    setShown(common, Boolean(words));
  }
  const off = state.on(update);
  model.on("change:title", update);
  store.listeners.add(head.live);
  update();
  return {
    close() {
      off();
      model.off("change:title", update);
      store.listeners.delete(head.live);
    },
  };
}

const SIZE_WORDS = ["small", "medium", "large", "very large"];
const STATE_WORDS = { running: "Running", paused: "Paused", stopped: "Stopped", done: "Finished" };

function gridHead(model, store, state, extra) {
  const title = h("h3", { class: "tlnb-title" });
  const status = h("span", { class: "tlnb-gridstate" });
  const counts = h("span", { class: "tlnb-counts", role: "status" });
  const money = h("span", { class: "tlnb-money" });
  const trouble = h("p", { class: "tlnb-gridtrouble", role: "alert", hidden: true });
  const said = h("span", { class: "tlnb-said", role: "status" });
  const buttons = {};
  for (const [action, text, told] of [
    ["pause", "Pause", "Sends nothing more for now; what was sent goes on"],
    ["resume", "Go on", "Asks first, with the price"],
    ["stop", "Stop", "Cancels what was not sent, at no cost; what was sent goes on"],
    ["retry", "Retry failed", "Asks first, with the price"],
  ]) {
    buttons[action] = h("button", { class: "tlnb-button", type: "button", text, title: told, on: { click: () => press(action) } });
  }
  const bar = h("div", { class: "tlnb-gridactions" }, ...Object.values(buttons), ...extra);
  const asked = h("div", { class: "tlnb-gridask", role: "group", "aria-label": "Before it is sent", hidden: true });
  const node = h("header", { class: "tlnb-gridhead" }, h("div", { class: "tlnb-gridtitle" }, title, status, counts, money), bar, asked, trouble, said);
  let asking = "";
  let busy = false;

  function press(action) {
    if (busy) return;
    if (action in state.table.head.questions) turn(action);
    else act(action);
  }

  async function act(action) {
    if (busy) return;
    setBusy(true);
    setText(said, "");
    try {
      await ask(model, "grid", { action, told: state.table.head.questions[action]?.text ?? "" });
    } catch (error) {
      store.probe();
      setText(said, error.message);
    }
    setBusy(false);
    turn("");
  }

  function setBusy(is) {
    busy = is;
    for (const each of node.querySelectorAll("button")) setAttr(each, "aria-disabled", is ? "true" : null);
  }

  function turn(action) {
    const from = asking;
    asking = action;
    draw();
    const question = asked.querySelector(".tlnb-safe");
    if (asking) question?.focus();
    else if (from) (buttons[from].hidden ? Object.values(buttons).find((each) => !each.hidden) : buttons[from])?.focus();
  }

  function draw() {
    const question = state.table.head.questions[asking];
    if (asking && !question) asking = "";
    const text = asking ? JSON.stringify(question) : "";
    setShown(asked, Boolean(asking));
    if (asked.dataset.text === text) return;
    asked.dataset.text = text;
    if (!asking) return asked.replaceChildren();
    const id = `tlnb-gridask-${model.get("uid")}`;
    const yes = h("button", { class: "tlnb-button", type: "button", text: question.button, "aria-describedby": id, on: { click: () => act(asking) } });
    const no = h("button", { class: "tlnb-button tlnb-safe", type: "button", text: "Leave it", "aria-describedby": id, on: { click: () => busy || turn("") } });
    asked.replaceChildren(h("span", { id, text: question.text }), yes, no);
  }

  asked.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || busy) return;
    event.preventDefault();
    event.stopPropagation();
    turn("");
  });

  function live() {
    setShown(bar, !store.dead);
  }

  return {
    node,
    live,
    update() {
      const { head } = state.table;
      setText(title, model.get("title") || "Comparison");
      setText(status, STATE_WORDS[head.state] ?? head.state);
      status.dataset.state = head.state;
      setText(counts, state.counts());
      setText(money, moneyWords(head));
      setText(trouble, head.trouble);
      setShown(trouble, Boolean(head.trouble));
      setShown(buttons.pause, head.state === "running" && head.unsent > 0);
      setShown(buttons.resume, head.state === "paused" && Boolean(head.questions.resume));
      setShown(buttons.stop, (head.state === "running" || head.state === "paused") && head.unsent > 0);
      setShown(buttons.retry, Boolean(head.questions.retry));
      draw();
    },
  };
}

function moneyWords(head) {
  if (!head.billed) return head.price ? `sandbox: nothing is billed; at the service: ${head.price}` : "";
  return [head.price && `planned: ${head.price}`, head.spent && `sent so far: ${head.spent}`].filter(Boolean).join(", ");
}

/** What is the same in all cells: axes with one value, and fixed values. */
function commonWords(state) {
  const single = state.axes.filter((axis) => axis.values.length === 1 && axis.name !== "repeat").map((axis) => [axis.label, axis.texts?.[0] || axis.values[0]]);
  const fixed = Object.entries(state.table.fixed ?? {}).map(([field, value]) => [state.table.labels[field] ?? field, plainWords(value)]);
  return [...single, ...fixed].map(([label, value]) => `${label}: ${value}`).join(" · ");
}

function plainWords(value) {
  return value === null || value === undefined ? "not sent" : typeof value === "string" ? value : JSON.stringify(value);
}

/** Selects for the layout, order and filter. They are patched, so one that is open stays so. */
function layoutBar(state) {
  const rows = labelledSelect("Rows", () => axisOptions(state), (value) => state.place("rows", Number(value)));
  const swap = h("button", { class: "tlnb-button", type: "button", text: "Swap", title: "Exchange rows and columns", on: { click: () => state.swap() } });
  const columns = labelledSelect("Columns", () => axisOptions(state), (value) => state.place("columns", Number(value)));
  const pages = h("span", { class: "tlnb-pages" });
  const sort = labelledSelect("Order", () => Object.entries(SORTS), (value) => state.sortBy(value));
  const again = h("button", { class: "tlnb-button", type: "button", text: "Order anew", title: "Results came that change the order", hidden: true, on: { click: () => state.resort() } });
  const kind = labelledSelect("Show", () => [["", "all"], ["adjusted", "adjusted"], ...Object.entries(CELL_KINDS).map(([name, words]) => [name, words.toLowerCase()])], (value) => state.change({ kind: value }));
  const text = h("input", { class: "tlnb-field", type: "search", placeholder: "any text", "aria-label": "Show cells with this text", on: { input: () => state.change({ text: text.value.trim() }) } });
  const size = h("input", { type: "range", min: 0, max: 3, step: 1, value: state.size, "aria-label": "Size of the cells", on: { input: () => resize() } });
  const hidden = h("button", { class: "tlnb-button", type: "button", hidden: true, on: { click: () => state.change({ hidden: new Set() }) } });
  const field = (name, node) => h("label", { class: "tlnb-labelled" }, h("span", { text: name }), node);
  const node = h(
    "div",
    { class: "tlnb-layout", role: "group", "aria-label": "How the grid is laid out" },
    rows.node,
    swap,
    columns.node,
    pages,
    sort.node,
    again,
    kind.node,
    field("Find", text),
    field("Cell size", size),
    hidden,
  );
  const turns = new Map();

  function resize() {
    state.change({ size: Number(size.value) });
  }

  function update() {
    const several = state.axes.length > 1;
    rows.update(state.layout.rows);
    columns.update(state.layout.columns);
    for (const each of [rows.node, swap, columns.node]) setShown(each, several);
    const axes = Object.keys(state.layout.pages).map(Number);
    for (const [axis, select] of turns) {
      if (axes.includes(axis)) continue;
      select.node.remove();
      turns.delete(axis);
    }
    for (const axis of axes) {
      if (!turns.has(axis)) {
        const made = labelledSelect(state.axes[axis].label, () => [...state.axes[axis].values.map((label, place) => [String(place), label]), [String(ALL_PLACES), "all, in rows"]], (value) => state.turn(axis, Number(value)));
        turns.set(axis, made);
        pages.append(made.node);
      }
      turns.get(axis).update(state.layout.pages[axis]);
    }
    sort.update(state.sort);
    setShown(again, state.isStale());
    kind.update(state.kind);
    size.value = state.size;
    setAttr(size, "aria-valuetext", SIZE_WORDS[state.size]);
    setText(hidden, `Show ${state.hidden.size} hidden`);
    setShown(hidden, state.hidden.size > 0);
  }

  return { node, update };
}

function axisOptions(state) {
  return state.axes.map((axis, place) => [String(place), axis.label]).filter(([place]) => state.axes[place].values.length > 1 || [state.layout.rows, state.layout.columns].includes(Number(place)));
}

/** A labelled select. Returns `{node, update(value)}`. */
function labelledSelect(name, options, chosen) {
  const select = h("select", { class: "tlnb-field", "aria-label": name, on: { change: () => chosen(select.value) } });
  const node = h("label", { class: "tlnb-labelled" }, h("span", { text: name }), select);
  return {
    node,
    update(value) {
      const wanted = options();
      const text = JSON.stringify(wanted);
      if (select.dataset.options !== text) {
        select.dataset.options = text;
        select.replaceChildren(...wanted.map(([key, label]) => h("option", { value: key, text: label.length > 60 ? `${label.slice(0, 59)}…` : label })));
      }
      if (select.value !== String(value)) select.value = String(value ?? "");
    },
  };
}
