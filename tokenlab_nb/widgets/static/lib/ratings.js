// What the votes say: a table with an interval plot, and every judged pair with its names.

const SVG_SPACE = "http://www.w3.org/2000/svg";
const RATINGS_MORE = 24; // judged pairs that are shown before one asks for more

function svgNode(tag, props = {}, ...children) {
  const node = document.createElementNS(SVG_SPACE, tag);
  for (const [name, value] of Object.entries(props)) setAttr(node, name, value);
  node.append(...children);
  return node;
}

const ratingsPercent = (share) => `${Math.round(share * 100)} %`;

/** A contestant's interval on a scale from 0 to 1; the table's words say the same. */
function intervalPlot({ chance, chance_low: low, chance_high: high }) {
  const at = (value) => `${100 * value}%`;
  const line = (kind, x1, x2, y1, y2) => svgNode("line", { class: `tlnb-plot-${kind}`, x1, x2, y1, y2 });
  return svgNode(
    "svg",
    { class: "tlnb-plot", "aria-hidden": "true", width: "100%", height: "24" },
    ...[0, 0.25, 0.75, 1].map((tick) => line("tick", at(tick), at(tick), 0, 24)),
    line("middle", at(0.5), at(0.5), 0, 24),
    line("range", at(low), at(high), 12, 12),
    ...[low, high].map((end) => line("range", at(end), at(end), 7, 17)),
    svgNode("circle", { class: "tlnb-plot-dot", cx: at(chance), cy: 12, r: 5 }),
  );
}

/** The table of ratings. Returns `{node, update(ratings, what)}`: what `Ratings.to_json` gives, and what is rated. */
function ratingsPanel() {
  const verdict = h("p", { class: "tlnb-ratings-verdict" });
  const body = h("tbody");
  const scale = h("span", { class: "tlnb-ratings-scale", "aria-hidden": "true" }, ...["0 %", "50 %", "100 %"].map((text) => h("span", { text })));
  const column = (text, kind) => h("th", { scope: "col", class: `tlnb-ratings-${kind}`, text });
  const range = column("Wins against the average", "range");
  range.append(scale);
  const head = [column("", "name"), range, column("Votes", "votes"), column("Cost", "cost"), column("Wins for $1", "worth"), column("Time", "time")];
  const table = h("table", { class: "tlnb-ratings-table" }, h("thead", {}, h("tr", {}, ...head)), body);
  const basis = h("p", { class: "tlnb-ratings-basis" });
  const node = h("div", { class: "tlnb-ratings" }, verdict, table, basis);

  function row(each) {
    const cell = (kind, label, ...children) => h("td", { class: `tlnb-ratings-${kind}`, "data-label": label }, ...children);
    const words = () => h("span", { class: "tlnb-ratings-words" }, h("strong", { text: ratingsPercent(each.chance) }), ` (${ratingsPercent(each.chance_low)} to ${ratingsPercent(each.chance_high)})`);
    const heading = head[1].firstChild.textContent;
    const tally = [`${each.wins} won`, `${each.losses} lost`, each.ties && `${each.ties} tied`, each.bad && `${each.bad} both bad`].filter(Boolean).join(", ");
    return h(
      "tr",
      {},
      h("th", { scope: "row", class: "tlnb-ratings-name", text: each.contestant }),
      each.votes ? cell("range", heading, intervalPlot(each), words()) : cell("range", heading, h("span", { text: "no votes yet" })),
      cell("votes", "Votes", h("span", { text: String(each.votes) }), h("small", { text: tally })),
      cell("cost", "Cost", h("span", { text: each.cost })),
      cell("worth", "Wins for $1", h("span", { text: each.per_dollar })),
      cell("time", "Time", h("span", { text: each.latency })),
    );
  }

  function update(ratings, what) {
    setText(verdict, ratings.verdict);
    setText(head[0], what);
    setAttr(table, "aria-label", `Ratings: ${ratings.question}`);
    body.replaceChildren(...ratings.rows.map(row));
    setText(
      basis,
      `The line is the interval that holds 95 % of ${ratings.rounds.toLocaleString("en")} resamples of the votes. A tie, or both bad, is half a win for each. ` +
        "Cost: of the requests whose pictures are here, by the price list. Time: the median of these requests.",
    );
  }
  return { node, update };
}

/** The screen with the results. Returns `{node, load(), close()}`. */
function voteResults(model, store, sitting, { back, other }) {
  const asked = h("h3", { class: "tlnb-judge-asked" });
  const panel = ratingsPanel();
  const sides = h("p", { class: "tlnb-ratings-basis" });
  const said = h("span", { class: "tlnb-judge-said", role: "status" });
  const code = copyLine("Python");
  const list = h("ol", { class: "tlnb-past" });
  const more = h("button", { class: "tlnb-button", type: "button", on: { click: () => grow() } });
  const none = h("p", { class: "tlnb-judge-none", role: "status" });
  const button = (text, on) => h("button", { class: "tlnb-button", type: "button", text, on: { click: on } });
  const goOn = button("Go on judging", () => back());
  const row = h("div", { class: "tlnb-judge-row" }, goOn, button("Another question", () => other()), button("Download CSV", () => save()), said);
  const past = h("details", { class: "tlnb-past-all" }, h("summary", { text: "Reveal the pairs" }), list, more);
  const whole = h("div", { class: "tlnb-judge-whole" }, panel.node, sides, past);
  const node = h("div", { class: "tlnb-judge-told" }, asked, row, none, whole, code.node);
  let pairs = [];
  let length = RATINGS_MORE;
  const pictures = new Map(); // hash -> nodes that show it

  function empty(text) {
    setText(none, text);
    setShown(none, Boolean(text));
    setShown(whole, !text);
    setShown(code.node, !text);
  }

  async function load() {
    empty("Reading the votes.");
    setText(asked, sitting.facts.question);
    const { result } = await sitting.ask("results", { question: sitting.facts.question, by: sitting.facts.by });
    setText(asked, result.ratings.question);
    panel.update(result.ratings, result.by);
    setText(sides, result.sides);
    code.update(result.code);
    empty(result.votes ? "" : "No votes on this question yet.");
    setText(said, "");
    pairs = result.past;
    length = RATINGS_MORE;
    draw();
    goOn.focus();
  }

  async function save() {
    setText(said, "");
    try {
      const { result } = await sitting.ask("csv");
      const url = URL.createObjectURL(new Blob([result.text], { type: "text/csv" }));
      const link = h("a", { href: url, download: result.name, hidden: true });
      node.append(link);
      link.click();
      link.remove();
      setTimeout(() => URL.revokeObjectURL(url), 60000);
      setText(said, `Saved as ${result.name}.`);
    } catch (error) {
      setText(said, error.message);
    }
  }

  function grow() {
    length += RATINGS_MORE;
    const first = list.children.length;
    draw();
    list.children[first]?.querySelector("img")?.scrollIntoView({ block: "nearest" });
  }

  function draw() {
    pictures.clear();
    list.replaceChildren(...pairs.slice(0, length).map(judged));
    const rest = pairs.length - list.children.length;
    setText(more, `Show ${Math.min(rest, RATINGS_MORE)} more`);
    setShown(more, rest > 0);
    if (past.open) wantPictures();
  }

  function judged(pair) {
    const side = (which, letter) => {
      const won = pair.choice === which;
      const image = h("img", { alt: `${letter}: ${pair[which].label}`, loading: "lazy" });
      const { hash } = pair[which];
      if (!pictures.has(hash)) pictures.set(hash, []);
      pictures.get(hash).push(image);
      return h(
        "figure",
        { class: "tlnb-past-side", "data-won": won },
        h("div", { class: "tlnb-past-frame" }, image),
        h("figcaption", {}, h("strong", { text: `${letter} ` }), pair[which].label, won ? h("span", { class: "tlnb-past-won", text: " chosen" }) : null),
      );
    };
    const words = { left: "", right: "", tie: "Tie", bad: "Both bad" }[pair.choice];
    return h("li", { class: "tlnb-past-pair" }, side("left", "A"), side("right", "B"), h("p", { class: "tlnb-past-words", text: [words, pair.common].filter(Boolean).join(" · ") }));
  }

  function wantPictures() {
    for (const hash of pictures.keys()) {
      store.want(hash);
      paint(hash);
    }
  }

  function paint(hash) {
    for (const image of pictures.get(hash) ?? []) if (store.thumbs.has(hash)) setAttr(image, "src", store.thumbs.get(hash));
  }

  past.addEventListener("toggle", () => past.open && wantPictures());
  store.listeners.add(paint);
  return {
    node,
    load,
    close: () => store.listeners.delete(paint),
  };
}
