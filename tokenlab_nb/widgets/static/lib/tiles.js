// The grid of tiles: patched by key and never rebuilt, so focus, selection and scrolling survive every update.

/**
 * Put a grid into `el`.
 * `open(key, place)` is called for a tile to be looked at in full (place 0), or what went into it (place 1); `brief` leaves out what the surroundings already say.
 * Returns `{update(rows), close(), focus(key), point(key)}`.
 */
function tileGrid(model, store, el, { open, brief = false }) {
  const grid = h("ul", { class: "tlnb-grid", role: "list", "aria-label": "Pictures" });
  const tiles = new Map();
  let active = "";
  el.append(grid);

  const watcher = new IntersectionObserver(
    (entries) => {
      for (const { target, isIntersecting } of entries) {
        const tile = tiles.get(target.dataset.key);
        if (tile) tile.visible = isIntersecting;
      }
      look();
    },
    { rootMargin: "300px" },
  );

  function look() {
    for (const tile of tiles.values()) {
      if (!tile.hash) continue;
      if (tile.visible) {
        store.seen.add(tile.hash);
        store.want(tile.hash);
      } else store.seen.delete(tile.hash);
    }
  }

  function paint(hash) {
    for (const tile of tiles.values()) if (!hash || tile.hash === hash) tile.paint();
  }
  store.listeners.add(paint);

  function update(rows) {
    const wanted = rows.flatMap((row) => row.tiles.filter((data) => !brief || isPictorial(data)).map((data) => [row, data]));
    setFrame(grid, rows);
    const keys = new Set(wanted.map(([, data]) => data.key));
    const lost = active && !keys.has(active);
    const hadFocus = lost && tiles.get(active)?.li.contains(el.getRootNode().activeElement);
    const stood = lost ? [...grid.children].indexOf(tiles.get(active)?.li) : 0;
    for (const [key, tile] of tiles) {
      if (keys.has(key)) continue;
      watcher.unobserve(tile.li);
      tile.li.remove();
      tiles.delete(key);
    }
    wanted.forEach(([row, data], place) => {
      let tile = tiles.get(data.key);
      if (!tile) {
        tile = makeTile(model, store, data.key, brief);
        tiles.set(data.key, tile);
        watcher.observe(tile.li);
      }
      if (grid.children[place] !== tile.li) grid.insertBefore(tile.li, grid.children[place] || null);
      tile.update(row, data);
    });
    const next = wanted[Math.max(0, Math.min(stood, wanted.length - 1))];
    activate(lost || !active ? (next ? next[1].key : "") : active); // also the buttons that came with this update
    if (hadFocus) (tiles.get(active)?.main || home()).focus();
    look();
    tick();
  }

  /** Where the focus goes when the last tile is gone. */
  function home() {
    el.tabIndex = -1;
    return el;
  }

  function activate(key) {
    active = key;
    for (const [each, tile] of tiles) tile.setActive(each === key);
  }

  function focus(key) {
    if (!tiles.has(key)) return;
    activate(key);
    tiles.get(key).main.focus();
  }

  /** Bring a tile into view, focused and marked until the focus goes on. */
  function point(key) {
    focus(key);
    const tile = tiles.get(key);
    if (!tile) return;
    tile.main.scrollIntoView({ block: "nearest" });
    tile.main.dataset.pointed = "";
    tile.main.addEventListener("blur", () => delete tile.main.dataset.pointed, { once: true });
  }

  grid.addEventListener("focusin", (event) => {
    const key = event.target.closest(".tlnb-tile")?.dataset.key;
    if (key && key !== active) activate(key);
  });
  grid.addEventListener("click", (event) => {
    const place = event.target.closest(".tlnb-main, .tlnb-read");
    const tile = tiles.get(event.target.closest(".tlnb-tile")?.dataset.key);
    if (place && opens(tile.main) && !String(getSelection())) open(tile.li.dataset.key, 0);
    if (event.target.closest("button.tlnb-lineage")) open(tile.li.dataset.key, 1);
  });
  grid.addEventListener("dragstart", (event) => {
    const hash = tiles.get(event.target.closest?.(".tlnb-tile")?.dataset.key)?.hash;
    if (hash) event.dataTransfer.setData("application/x-tokenlab-picture", hash); // a ReferencePicker takes it
  });
  grid.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !event.target.matches(".tlnb-main")) return;
    const list = [...grid.children];
    const at = list.indexOf(event.target.parentElement);
    const columns = list.filter((li) => li.offsetTop === list[0].offsetTop).length;
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, ArrowDown: at + columns, ArrowUp: at - columns, Home: 0, End: list.length - 1 };
    const tile = tiles.get(event.target.parentElement.dataset.key);
    if (event.key in moves) {
      const next = list[moves[event.key]];
      if (next) focus(next.dataset.key);
    } else if (event.key === "Enter" || event.key === " ") {
      if (opens(event.target)) open(tile.li.dataset.key, 0);
    } else if (event.key === "d" && tile.hash) tile.download();
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  function tick() {
    clearTimeout(ticking);
    const running = [...tiles.values()].filter((tile) => tile.tick());
    if (running.length) ticking = setTimeout(tick, 1000);
  }
  let ticking = 0;

  return {
    update,
    focus,
    point,
    close() {
      clearTimeout(ticking);
      watcher.disconnect();
      store.listeners.delete(paint);
      for (const tile of tiles.values()) store.seen.delete(tile.hash);
    },
  };
}

function isPictorial(data) {
  return data.kind === "picture" || data.kind === "waiting";
}

function opens(main) {
  return main.dataset.kind === "picture" || main.dataset.kind === "failed" || main.dataset.kind === "unknown";
}

/** One shape for all frames, decided by the requests alone, so that nothing jumps when pictures come. */
function setFrame(grid, rows) {
  const shapes = new Set(rows.map((row) => row.aspect));
  const shape = shapes.size === 1 ? Math.min(16 / 9, Math.max(3 / 4, [...shapes][0])) : 1;
  grid.style.setProperty("--tlnb-frame", shape.toFixed(4));
}

function makeTile(model, store, key, brief) {
  const img = h("img", { hidden: true, decoding: "async" });
  const state = h("div", { class: "tlnb-state" });
  const asked = h("div", { class: "tlnb-asked", hidden: true }); // what one is about to decide on
  const time = h("div", { class: "tlnb-time" });
  const bar = h("progress", { max: 100, hidden: true });
  const ground = h("div", { class: "tlnb-ground" }, img);
  const trouble = troubleBlock(true);
  const act = actionButtons(model, store);
  const say = h("div", { class: "tlnb-say" }, state, asked, time, bar, act.node, trouble.node);
  const main = h("div", { class: "tlnb-main", tabindex: "-1" }, ground, say);
  const name = h("div", { class: "tlnb-model" });
  const facts = h("div", { class: "tlnb-facts" });
  const read = h("button", { class: "tlnb-button tlnb-read", type: "button", text: "Read in full", hidden: true });
  const line = lineageLine();
  const use = useButton(model, () => tile.hash);
  const caption = h("div", { class: "tlnb-caption" }, name, facts, ...line.nodes, read, use.node);
  const li = h("li", { class: "tlnb-tile" }, main, caption);
  li.dataset.key = key;
  let row = null;
  let data = null;

  const tile = {
    li,
    main,
    hash: "",
    visible: false,
    update(newRow, newData) {
      [row, data] = [newRow, newData];
      tile.hash = data.hash || "";
      li.dataset.kind = main.dataset.kind = data.kind;
      ground.style.setProperty("--tlnb-shape", data.width ? (data.width / data.height).toFixed(4) : row.aspect);
      setText(name, row.model);
      setShown(name, !brief);
      setText(facts, factWords(row, data, brief));
      line.update(row, data);
      const first = data.key === row.tiles.find((each) => each.kind === data.kind).key;
      const below = Object.keys(row.questions).length > 0; // choices and their question need more room than a frame has
      const acting = act.node.contains(li.getRootNode().activeElement); // what is moved loses the focus
      if (act.node.parentElement !== (below ? caption : say)) below ? caption.append(act.node) : trouble.node.before(act.node);
      setText(asked, row.prompt);
      setShown(asked, below && !brief && Boolean(row.prompt));
      act.update(row, !brief && first && data.kind !== "picture" ? row.actions : [], below);
      if (acting && !li.contains(li.getRootNode().activeElement)) main.focus();
      const failed = data.kind !== "picture" && data.kind !== "waiting";
      trouble.update(row.error, failed);
      setAttr(main, "role", data.kind === "picture" ? "button" : "group");
      setAttr(main, "aria-label", label(row, data));
      tile.paint();
      tile.tick();
      setShown(read, failed && Boolean(row.error));
      use.update(!brief && Boolean(data.hash));
    },
    paint() {
      const url = tile.hash ? store.thumbs.get(tile.hash) : undefined;
      const lost = tile.hash ? store.lost.get(tile.hash) : undefined;
      if (url && img.getAttribute("src") !== url) img.src = url;
      if (!url) img.removeAttribute("src");
      setAttr(img, "alt", row.prompt || row.model);
      setShown(img, Boolean(url));
      const waiting = data.kind === "waiting" || (data.kind === "picture" && !url);
      setShown(say, !url && !(brief && data.kind === "waiting"));
      const alive = data.kind === "waiting" && !store.dead;
      const words = data.kind === "picture" ? "Loading the picture" : data.kind === "waiting" && store.dead ? "No longer followed" : row.words;
      setText(state, lost || words);
      setShown(time, alive);
      setShown(bar, alive && row.progress !== null);
      if (row.progress !== null) bar.value = row.progress;
      li.toggleAttribute("data-waiting", waiting && !lost && !store.dead);
    },
    tick() {
      const running = data.kind === "waiting" && row.running && !store.dead;
      if (running) setText(time, timeWords(row));
      return running;
    },
    setActive(is) {
      setAttr(main, "tabindex", is ? "0" : "-1");
      for (const button of li.querySelectorAll("button")) button.tabIndex = is ? 0 : -1;
    },
    download: () => download(store, data, li).catch((error) => setText(facts, error.message)),
  };
  return tile;
}

/** A button that hands the picture on, to whoever asked for it, and says what came of it. */
function useButton(model, hash) {
  const button = h("button", { class: "tlnb-button", type: "button" });
  const said = h("span", { class: "tlnb-said", role: "status" });
  const node = h("div", { class: "tlnb-use", hidden: true }, button, said);
  button.addEventListener("click", async () => {
    setText(said, "");
    try {
      setText(said, (await ask(model, "use", { hash: hash() })).result.said);
    } catch (error) {
      setText(said, error.message);
    }
  });
  return {
    node,
    update(possible) {
      setText(button, model.get("use"));
      setShown(node, possible && Boolean(model.get("use")));
    },
  };
}

function label(row, data) {
  const place = row.tiles.length > 1 ? `, ${row.tiles.findIndex((each) => each.key === data.key) + 1} of ${row.tiles.length}` : "";
  if (data.kind === "picture") return `${row.prompt || "Picture"} (${row.model}${place})`;
  return `${row.model}${place}: ${row.words}`;
}

function factWords(row, data, brief) {
  const parts = [
    data.width ? `${data.width} × ${data.height}` : "",
    row.seed && `seed ${row.seed}`,
    !brief && row.ended && data.kind === "picture" ? seconds(row.elapsed) : "",
    !brief && data.key === row.tiles[0].key && row.price,
    !brief && row.counts,
    !brief && row.repeats && `runs ${shortId(row.repeats)} again`,
    !brief && row.repeated && `run again as ${shortId(row.repeated)}`,
    !brief && row.mends && `mends ${shortId(row.mends)}`,
    !brief && row.mended && `mended as ${shortId(row.mended)}`,
    !brief && (data.kind === "waiting" || data.kind === "stopped") && row.note,
  ];
  return parts.filter(Boolean).join(" · ");
}

/** The line with an arrow that no line break takes apart. */
function lineWords(row) {
  return row.lineage.replaceAll(" -> ", " \u2192 ");
}

/** Where a picture comes from, in one line; a button where what went in can be looked at. */
function lineageLine() {
  const [words, still] = [h("span", { class: "tlnb-linewords" }), h("span", { class: "tlnb-linewords" })];
  const button = h("button", { class: "tlnb-lineage", type: "button", hidden: true }, words);
  const plain = h("div", { class: "tlnb-lineage", hidden: true }, still);
  return {
    nodes: [button, plain],
    update(row, data) {
      const compares = data.kind === "picture" && row.inputs.length > 0;
      for (const [node, text, shown] of [[button, words, compares], [plain, still, !compares]]) {
        setText(text, lineWords(row));
        setAttr(node, "title", lineWords(row));
        setShown(node, shown && Boolean(row.lineage));
      }
      setAttr(button, "aria-label", `Compare with what went in: ${lineWords(row)}`);
    },
  };
}

/** Enough of an id to tell jobs apart; the whole one stands among the facts in full size. */
function shortId(id) {
  return id.length > 14 ? `${id.slice(0, 12)}…` : id;
}

/** An error in parts: title, text, what is wrong field by field, what to do, and the id to quote. */
function troubleBlock(compact) {
  const title = h("strong");
  const text = h("div");
  const issues = h("ul");
  const hint = h("div", { class: "tlnb-hint" });
  const near = h("div");
  const copy = copyLine("Request id");
  const parts = [title, text, issues, hint, near, copy.node];
  const node = h("div", { class: "tlnb-trouble", "data-compact": compact, hidden: true }, ...parts);
  return {
    node,
    update(error, shown) {
      setShown(node, Boolean(error) && shown);
      if (!error) return;
      setText(title, error.title);
      setText(text, error.text);
      setText(hint, error.hint);
      setText(near, error.did_you_mean && `Did you mean ${error.did_you_mean}?`);
      copy.update(error.request_id);
      const lines = error.issues.map((issue) => `${issue.field}: ${issue.message} ${issue.remedy}`.trim());
      if (JSON.stringify(lines) !== node.dataset.lines) {
        node.dataset.lines = JSON.stringify(lines);
        issues.replaceChildren(...lines.map((line) => h("li", { text: line })));
      }
      setShown(issues, lines.length > 0);
    },
  };
}
