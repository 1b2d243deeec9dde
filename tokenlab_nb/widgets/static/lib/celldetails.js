// All about one cell: what it asks against the base, what came of it, what it cost, and what can be done.

/** Returns `{node, show(index), update(), close()}`; `closed(index)` is called when the user closes it. */
function cellDetails(model, store, state, { closed }) {
  const name = h("h4", { class: "tlnb-detail-name", tabindex: "-1" });
  const leave = h("button", { class: "tlnb-button", type: "button", text: "Close", "aria-label": "Close the details", on: { click: () => shut() } });
  const status = h("div", { class: "tlnb-detail-status" });
  const against = h("div", { class: "tlnb-detail-against" });
  const result = h("div", { class: "tlnb-detail-result" });
  const jobs = h("div", { class: "tlnb-detail-jobs" });
  const code = codeBlock("Show as code", async () => {
    try {
      const { text, ...more } = (await ask(model, "code", { cell: state.details })).result;
      return { code: text, ...more };
    } catch (error) {
      store.probe();
      throw error;
    }
  });
  let coded = ""; // what the code is of
  const recall = recallButton(model, () => state.details);
  const node = h("aside", { class: "tlnb-details", "aria-label": "Details of a cell", hidden: true }, h("div", { class: "tlnb-detail-head" }, name, leave), status, jobs, result, against, recall.node, code.node);
  const blocks = new Map(); // id of a job -> its buttons
  let told = "";

  function shut() {
    const index = state.details;
    state.change({ details: null });
    if (index !== null) closed(index);
  }

  function update() {
    const cell = state.details === null ? null : state.cells[state.details];
    setShown(node, Boolean(cell));
    if (!cell) return;
    const base = state.reference === null || state.reference === cell.index ? null : state.cells[state.reference];
    setText(name, state.nameOf(cell));
    const rows = state.rowsOf(cell);
    updateJobs(rows);
    const meant = JSON.stringify([cell.index, rows.map((row) => row.id)]);
    if (meant !== coded) code.renew(rows.length > 0);
    coded = meant;
    recall.update(cell.index, rows.length > 0);
    const text = JSON.stringify([cell.index, base?.index, state.kindOf(cell), rows.map((row) => [row.id, row.kind, row.tiles.length, row.ids]), base && state.rowsOf(base).map((row) => row.id)]);
    if (text === told) return;
    told = text;
    status.replaceChildren(...statusLines(state, cell));
    result.replaceChildren(...rows.flatMap((row) => resultOf(model, store, state, cell, row, node)));
    against.replaceChildren(...comparisonWith(state, cell, base));
  }

  function updateJobs(rows) {
    for (const [id, block] of blocks) {
      if (rows.some((row) => row.id === id)) continue;
      block.node.remove();
      blocks.delete(id);
    }
    for (const row of rows) {
      if (!blocks.has(row.id)) {
        const trouble = troubleBlock(false);
        const buttons = actionButtons(model, store);
        const block = h("div", {}, trouble.node, buttons.node);
        blocks.set(row.id, { node: block, trouble, buttons });
        jobs.append(block);
      }
      const { trouble, buttons } = blocks.get(row.id);
      trouble.update(row.error, row.kind !== "picture" && row.kind !== "waiting");
      buttons.update(row, row.actions);
    }
  }

  node.addEventListener("keydown", (event) => {
    event.stopPropagation();
    if (event.key !== "Escape" || event.defaultPrevented) return;
    event.preventDefault();
    shut();
  });

  return {
    node,
    update,
    show(index) {
      state.change({ details: index });
      node.scrollTop = 0;
      name.focus({ preventScroll: true });
      if (node.previousElementSibling.offsetTop < node.offsetTop) node.scrollIntoView({ block: "nearest" }); // below the grid, where there is no room beside it
    },
  };
}

/** A button that sets up elsewhere what a cell asked, where somebody offers to take it. */
function recallButton(model, index) {
  const button = h("button", { class: "tlnb-button", type: "button" });
  const said = h("span", { class: "tlnb-said", role: "status" });
  const node = h("div", { class: "tlnb-detail-buttons", hidden: true }, button, said);
  let shown = -1;
  button.addEventListener("click", async () => {
    try {
      setText(said, (await ask(model, "recall", { cell: index() })).result.said);
    } catch (error) {
      setText(said, error.message);
    }
  });
  return {
    node,
    update(cell, possible) {
      if (cell !== shown) setText(said, "");
      shown = cell;
      setText(button, model.get("recall"));
      setShown(node, possible && Boolean(model.get("recall")));
    },
  };
}

function statusLines(state, cell) {
  const kind = state.kindOf(cell);
  const lines = [h("p", {}, h("strong", { text: kind === "impossible" ? "Impossible" : CELL_KINDS[kind] }), kind === "impossible" ? `: ${cell.reason}` : ` · ${planWords(cell, state.rowsOf(cell)).replace(/^./, (first) => first.toLowerCase())}`)];
  if (cell.differences.length) lines.push(h("ul", {}, ...cell.differences.map((text) => h("li", { text }))));
  const cost = priceWords(state, cell);
  if (cost) lines.push(h("p", { text: /^(price|would|nothing)/.test(cost) ? `${cost[0].toUpperCase()}${cost.slice(1)}` : `Price: ${cost}` }));
  return lines;
}

/** What came of one request: asked against got, the prompt as it was rewritten, ids, and its pictures. */
function resultOf(model, store, state, cell, row, root) {
  const pictures = row.tiles.filter((data) => data.kind === "picture");
  const facts = h("dl", { class: "tlnb-detail-facts" });
  const add = (term, text, differs = false) => text && facts.append(h("div", { "data-differs": String(differs) }, h("dt", { text: term }), h("dd", { text })));
  add("Time", row.ended ? seconds(row.elapsed) : "");
  add("Pictures", row.ended && pictures.length ? row.counts || `asked ${pictures.length}, got ${pictures.length}` : "", Boolean(row.counts));
  pictures.forEach((data, place) => {
    const number = pictures.length > 1 ? ` ${place + 1}` : "";
    const size = askedAgainstGot(sentValue(state, cell, "size"), `${data.width}x${data.height}`, `${data.width} × ${data.height} pixels`);
    const type = data.type.slice(6);
    const format = askedAgainstGot(sentValue(state, cell, "output_format"), type, `${type.toUpperCase()}, ${fileSize(data.size)}`);
    add(`Pixels${number}`, size.text, size.differs);
    add(`Format${number}`, format.text, format.differs);
    if (data.revised) facts.append(h("div", {}, h("dt", { text: `Prompt${number} as the model rewrote it` }), h("dd", {}, wordDiff(row.prompt, data.revised))));
  });
  const ids = Object.entries(row.ids).filter(([, id]) => id);
  const lines = ids.map(([term, id]) => {
    const line = copyLine(term);
    line.update(id);
    return line.node;
  });
  const said = h("span", { class: "tlnb-said", role: "status" });
  const saves = pictures.map((data, place) => {
    if (data.preview) return null; // the original is not here
    const text = pictures.length > 1 ? `Download ${place + 1}` : "Download";
    return h("button", { class: "tlnb-button", type: "button", text, title: data.name, on: { click: () => download(store, data, root).catch((error) => setText(said, error.message)) } });
  });
  const use = useButton(model, () => (state.pictureOf(cell) ?? { data: pictures[0] }).data.hash);
  use.update(pictures.length > 0);
  return [facts, h("div", { class: "tlnb-detail-buttons" }, ...saves, use.node, said), ...lines];
}

/** What was sent for a field: what was asked, unless a difference says otherwise; undefined where it is not known. */
function sentValue(state, cell, field) {
  const change = cell.changes.find((each) => each.field === field);
  if (change) return change.sent;
  const axis = state.axes.findIndex((each) => each.name === field);
  return axis >= 0 ? state.axes[axis].values[cell.at[axis]] : state.table.fixed[field];
}

function askedAgainstGot(asked, got, words) {
  const text = String(asked ?? "").toLowerCase().replace("\u00d7", "x").replace("jpg", "jpeg");
  if (!text || text === "auto" || text === "none" || !/^(\d+x\d+|png|jpeg|webp)$/.test(text)) return { text: words, differs: false };
  return text === got ? { text: `${words}, as asked`, differs: false } : { text: `${words}; asked was ${asked}`, differs: true };
}

/** The cell against the base: words of the prompts, and a table of all fields. */
function comparisonWith(state, cell, base) {
  const prompt = promptOf(state, cell);
  const parts = [];
  if (prompt) parts.push(h("h5", { text: base && promptOf(state, base) !== prompt ? "Prompt, against the base" : "Prompt" }), h("p", { class: "tlnb-detail-prompt" }, base ? wordDiff(promptOf(state, base), prompt) : prompt));
  const fields = [...new Set([...state.axes.map((axis) => axis.name), ...Object.keys(state.table.fixed), ...cell.changes.map((each) => each.field)])].filter((field) => field !== "prompt");
  const rows = fields.map((field) => ({ label: labelOf(state, field), mine: askedWords(state, cell, field), theirs: base ? askedWords(state, base, field) : "" }));
  rows.sort((a, b) => Number(Boolean(base) && b.mine !== b.theirs) - Number(Boolean(base) && a.mine !== a.theirs));
  const head = h("tr", {}, h("th", { scope: "col", text: "Field" }), h("th", { scope: "col", text: "This" }), base ? h("th", { scope: "col", text: "Base" }) : null);
  const body = rows.map(({ label, mine, theirs }) => {
    const differs = base && mine !== theirs;
    return h("tr", { "data-differs": String(Boolean(differs)) }, h("th", { scope: "row", text: label }), h("td", { text: mine }), base ? h("td", { text: differs ? theirs : "the same" }) : null);
  });
  parts.push(h("h5", { text: base ? `Settings, against ${state.nameOf(base)}` : "Settings" }), h("table", { class: "tlnb-detail-table" }, h("thead", {}, head), h("tbody", {}, ...body)));
  if (!base) parts.push(h("p", { class: "tlnb-quiet", text: "Make another cell the base (b) to see what differs." }));
  return parts;
}

function promptOf(state, cell) {
  const axis = state.axes.findIndex((each) => each.name === "prompt");
  if (axis < 0) return plainWords(state.table.fixed.prompt ?? "");
  return state.axes[axis].texts?.[cell.at[axis]] || state.axes[axis].values[cell.at[axis]];
}

function labelOf(state, field) {
  return state.axes.find((axis) => axis.name === field)?.label ?? state.table.labels[field] ?? field;
}

/** "1024x1024, sent as 1:1" */
function askedWords(state, cell, field) {
  const axis = state.axes.findIndex((each) => each.name === field);
  const asked = axis >= 0 ? state.axes[axis].values[cell.at[axis]] : field in state.table.fixed ? plainWords(state.table.fixed[field]) : "";
  const change = cell.changes.find((each) => each.field === field);
  if (!change || (change.asked === change.sent && change.asked !== null)) return asked || "not set";
  return `${asked || "not asked"}, ${change.sent === null ? "not sent" : `sent as ${plainWords(change.sent)}`}`;
}

const MOST_WORDS = 1200;

/** A text with what changed from `before` to `after` marked, word by word. */
function wordDiff(before, after) {
  const split = (text) => text.match(/\s+|[^\s]+/g) ?? [];
  const [a, b] = [split(before), split(after)];
  const out = h("span", { class: "tlnb-diff" });
  if (before === after || a.length > MOST_WORDS || b.length > MOST_WORDS) {
    out.textContent = after;
    return out;
  }
  for (const [kind, words] of alike(a, b)) out.append(kind === "same" ? words : h(kind, { text: words }));
  return out;
}

/** The longest common words of two lists as runs: [["same" | "del" | "ins", text]]. */
function alike(a, b) {
  const wide = b.length + 1;
  const most = new Uint16Array((a.length + 1) * wide);
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const at = i * wide + j;
      most[at] = a[i] === b[j] ? most[at + wide + 1] + 1 : Math.max(most[at + wide], most[at + 1]);
    }
  }
  const runs = [];
  const put = (kind, word) => {
    if (runs.at(-1)?.[0] === kind) runs.at(-1)[1] += word;
    else runs.push([kind, word]);
  };
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      put("same", a[i]);
      i += 1;
      j += 1;
    } else if (i < a.length && (j === b.length || most[(i + 1) * wide + j] >= most[i * wide + j + 1])) put("del", a[i++]);
    else put("ins", b[j++]);
  }
  return runs;
}
