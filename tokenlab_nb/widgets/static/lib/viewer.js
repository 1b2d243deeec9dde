// Looking closely: several pictures at one zoom and place, and ways to hold each against the base.
// A modal <dialog>: the browser traps focus, makes the page inert and closes on Escape.

const LOOK_ZOOM = 1.25;
const LOOK_STEP = 80; // CSS pixels that an arrow moves
const LOOK_NARROW = 190; // CSS pixels: no pane is narrower or lower, the dialog scrolls instead
const LOOK_CAPTION = 64; // about what a pane's words take

/**
 * `closed(index)` is called with the cell that was marked last. `details({closed})` makes a panel {node, update()} that
 * tells all about the cell `state.details`. Returns `{open(index, nth), close()}`.
 */
function closeLook(model, store, state, root, { closed = () => {}, details = null } = {}) {
  return new CloseLook(model, store, state, root, closed, details);
}

class CloseLook {
  constructor(model, store, state, root, closed, details) {
    Object.assign(this, { model, store, state, closed });
    this.details = details?.({ closed: () => this.stage.focus() }) ?? null;
    this.choice = new LookChoice(state);
    this.view = new LookView();
    this.pixels = new LookPixels(store, () => this.updateSoon());
    this.differences = new Map();
    this.panes = new Map();
    this.mode = "side";
    this.byFrame = false;
    this.wipe = 0.5;
    this.gain = 2;
    this.period = 1;
    this.phase = 0; // of a flicker: 0 shows A, the base; 1 shows B
    this.playing = false;
    this.calm = matchMedia("(prefers-reduced-motion: reduce)");
    this.said = ""; // what has to be told beside what is loading
    this.build(root);
    this.listen();
    this.off = state.on(() => this.updateSoon());
  }

  build(root) {
    const act = {
      mode: (mode) => this.setMode(mode),
      match: (match) => this.change({ byFrame: match === "frame" }),
      show: (which) => this.show(which),
      wipe: (wipe) => this.setWipe(wipe),
      period: (period) => this.setPeriod(period),
      gain: (gain) => this.change({ gain }),
      play: () => this.play(!this.playing),
      flip: () => this.flip(),
      fit: () => this.zoom(() => this.view.fit()),
      full: () => this.zoom(() => this.view.zoomTo(1)),
      closer: () => this.zoomBy(LOOK_ZOOM),
      farther: () => this.zoomBy(1 / LOOK_ZOOM),
      back: () => this.step(-1),
      on: () => this.step(1),
      add: () => this.add(),
      base: () => this.makeBase(),
      remove: () => this.remove(),
      info: () => this.inform(this.state.details === null),
      save: () => this.save(),
      leave: () => this.box.close(),
    };
    this.act = act;
    this.use = useButton(this.model, () => this.choice.pictureOf(this.choice.current)?.data.hash);
    this.bar = lookBar(`tlnb-look-${this.model.get("uid")}-${Math.random().toString(36).slice(2)}`, act, this.use.node);
    this.common = h("p", { class: "tlnb-look-common" });
    this.stage = h("div", { class: "tlnb-look-stage", tabindex: "0", role: "group" });
    const middle = h("div", { class: "tlnb-look-middle" }, this.stage, this.details?.node);
    this.note = h("div", { class: "tlnb-look-note", role: "status" });
    this.box = h("dialog", { class: "tlnb-look", "aria-label": "Look closely" }, this.bar.node, this.common, middle, this.note);
    root.append(this.box);
  }

  listen() {
    this.watcher = new IntersectionObserver(
      (entries) => {
        for (const { target, isIntersecting } of entries) {
          const pane = this.paneOf(target);
          if (pane) pane.visible = isIntersecting;
        }
        this.updateSoon();
      },
      { root: this.stage, rootMargin: "100px" },
    );
    this.sizes = new ResizeObserver(() => this.updateSoon());
    this.sizes.observe(this.stage);
    this.box.addEventListener("keydown", (event) => this.onKey(event));
    this.box.addEventListener("close", () => this.onClose());
    this.hands = new LookHands(this.stage, {
      zoomBy: (factor, at) => this.zoomBy(factor, at),
      pan: (dx, dy) => this.zoom(() => this.view.pan(dx * devicePixelRatio, dy * devicePixelRatio)),
      toggle: (at) => this.zoom(() => (this.view.fitted ? this.view.zoomTo(1, ...this.fromMiddle(at)) : this.view.fit())),
      wipe: (share) => this.setWipe(share),
      mark: (node) => this.mark(this.paneOf(node)?.item),
    });
  }

  // ---- opening and closing

  open(index, nth = this.state.pictureOf?.(this.state.cells[index])?.place ?? 0) {
    if (!this.state.cells[index]) return;
    this.choice.open(index, nth);
    this.followDetails();
    this.shown = "pair";
    this.known = JSON.stringify(this.choice.items);
    this.view.fitted = true;
    this.said = "";
    if (!this.box.open) {
      this.pixels.open();
      this.box.showModal();
    }
    this.stage.focus();
    this.update();
  }

  onClose() {
    this.play(false);
    this.pixels.close();
    this.dropDifferences();
    for (const pane of this.panes.values()) this.dropPane(pane);
    this.panes.clear();
    if (this.choice.current) this.closed(this.choice.current.index);
  }

  close() {
    this.off();
    if (this.box.open) this.box.close();
    this.pixels.close();
    clearInterval(this.beat);
    cancelAnimationFrame(this.frame);
    this.watcher.disconnect();
    this.sizes.disconnect();
    this.box.remove();
  }

  // ---- what the controls do

  change(patch) {
    Object.assign(this, patch);
    this.update();
  }

  setMode(mode) {
    this.mode = mode;
    this.view.fitted ||= this.view.scale <= this.view.fitScale * 1.001;
    this.said = "";
    if (mode === "flicker" && this.calm.matches) this.said = "Your system asks for less motion: Space flips by hand, P plays.";
    this.play(mode === "flicker" && !this.calm.matches);
  }

  play(playing) {
    this.playing = playing;
    clearInterval(this.beat);
    if (playing) this.beat = setInterval(() => this.turn(), this.period * 1000);
    if (this.box.open) this.update();
  }

  setPeriod(period) {
    this.period = Math.min(3, Math.max(0.4, Math.round(period * 10) / 10)); // never more than three flashes a second
    this.play(this.playing);
  }

  /** The other picture of each pane. */
  turn() {
    this.phase = 1 - this.phase;
    for (const pane of this.panes.values()) this.badge(pane);
    this.draw();
  }

  flip() {
    if (this.mode !== "flicker") return;
    if (this.playing) this.play(false);
    this.turn();
    this.tell(this.phase ? "B is shown." : "A, the base, is shown.");
  }

  setWipe(share) {
    this.wipe = Math.min(1, Math.max(0, share));
    this.tellBar();
    this.draw();
  }

  show(which) {
    const { layout } = this.state;
    const shows = {
      only: () => this.choice.only(),
      pair: () => this.choice.pair(),
      row: () => this.choice.along(layout.columns),
      column: () => this.choice.along(layout.rows),
      all: () => this.choice.all(),
    };
    shows[which]();
    this.shown = which;
    this.known = JSON.stringify(this.choice.items);
    this.changed();
  }

  step(by) {
    if (this.choice.step(by)) this.changed();
  }

  add() {
    if (this.choice.add()) this.changed();
    else this.tell("All pictures are in view.");
  }

  remove() {
    if (!this.choice.canRemove()) return this.tell("The base stays in view: make another one the base first.");
    this.choice.remove();
    this.changed();
  }

  /** Tell all about the marked cell, or no more. */
  inform(on) {
    if (!this.details) return;
    // What is told is told against the base, also against one that nobody chose.
    const reference = this.state.reference ?? (on ? this.choice.base.index : null);
    this.state.change({ details: on ? this.choice.current.index : null, reference });
    this.update();
  }

  /** What is told in full is about the marked cell, also where another one was told about before. */
  followDetails() {
    if (this.details && this.state.details !== null) this.state.change({ details: this.choice.current.index });
  }

  mark(item) {
    if (!item || this.choice.same(item, this.choice.current)) return;
    this.choice.current = item;
    this.changed();
  }

  makeBase() {
    if (this.choice.isBase(this.choice.current)) return;
    this.choice.makeBase();
    this.changed();
    this.state.change({ reference: this.choice.base.index });
    this.tell(`Base: ${this.state.nameOf(this.choice.cellOf(this.choice.base))}`);
  }

  /** Another choice of pictures: words, zoom and marks follow. */
  changed() {
    const { choice } = this;
    if (this.known !== JSON.stringify(choice.items)) this.shown = choice.solo ? "only" : choice.items.length === 2 ? "pair" : "";
    this.said = choice.cut ? `The first ${LOOK_PANES} of ${choice.cut} are shown: a filter of the table chooses others.` : "";
    this.followDetails();
    this.update();
    this.panes.get(this.keyOf(choice.current))?.node.scrollIntoView({ block: "nearest" });
  }

  async save() {
    const picture = this.choice.pictureOf(this.choice.current);
    if (!picture) return;
    await download(this.store, picture.data, this.box).catch((error) => this.tell(error.message));
  }

  zoom(move) {
    move();
    this.drawSoon();
  }

  zoomBy(factor, at = null) {
    this.zoom(() => this.view.zoomTo(this.view.scale * factor, ...this.fromMiddle(at)));
  }

  /** A place in a pane as its distance from the pane's middle, in pixels of the screen. */
  fromMiddle(at) {
    return at ? [at.dx * devicePixelRatio, at.dy * devicePixelRatio] : [0, 0];
  }

  // ---- keys

  onKey(event) {
    event.stopPropagation();
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { target, key } = event;
    const isInput = target.matches("input");
    if (isInput && (key.startsWith("Arrow") || ["Home", "End", "PageUp", "PageDown", " "].includes(key))) return;
    if (key === " " && target.matches("button, summary")) return;
    const by = event.shiftKey ? LOOK_STEP / 10 : LOOK_STEP;
    const pan = { ArrowLeft: [by, 0], ArrowRight: [-by, 0], ArrowUp: [0, by], ArrowDown: [0, -by] }[key];
    const action = pan ? () => this.zoom(() => this.view.pan(...pan.map((each) => each * devicePixelRatio))) : this.keyed(key);
    if (!action) return;
    action();
    event.preventDefault();
  }

  keyed(key) {
    const { act } = this;
    const mode = LOOK_MODES.find(([, , each]) => each === key.toLowerCase());
    if (mode) return () => this.setMode(mode[0]);
    const show = LOOK_SHOWS.find(([, , each]) => each === key.toLowerCase());
    if (show) return () => this.show(show[0]);
    const actions = {
      "[": act.back,
      "]": act.on,
      n: act.add,
      b: act.base,
      i: act.info,
      m: () => this.change({ byFrame: !this.byFrame }),
      delete: act.remove,
      backspace: act.remove,
      "+": act.closer,
      "=": act.closer,
      "-": act.farther,
      0: act.fit,
      1: act.full,
      ",": () => this.adjust(-1),
      ".": () => this.adjust(1),
      " ": act.flip,
      p: () => this.mode === "flicker" && act.play(),
      "?": () => (this.bar.keys.open = !this.bar.keys.open),
    };
    return actions[key.toLowerCase()];
  }

  adjust(by) {
    if (this.mode === "wipe") this.setWipe(this.wipe + by * 0.05);
    if (this.mode === "flicker") this.setPeriod(this.period + by * 0.2);
    if (this.mode === "difference") this.change({ gain: Math.min(LOOK_MOST_GAIN, Math.max(0, this.gain + by)) });
  }

  // ---- from state to nodes

  updateSoon() {
    if (!this.box.open || this.waiting) return;
    this.waiting = requestAnimationFrame(() => {
      this.waiting = 0;
      if (this.box.open) this.update();
    });
  }

  update() {
    this.choice.refresh();
    if (!this.choice.items.length) return this.box.close();
    this.varying = this.choice.varying();
    this.syncPanes();
    this.layWorld();
    this.layPanes();
    this.tellBar();
    setText(this.common, this.choice.commonWords());
    setShown(this.common, Boolean(this.common.textContent));
    this.wantPixels();
    this.syncDifferences();
    for (const pane of this.panes.values()) this.tellPane(pane);
    this.details?.update();
    this.tell(this.said);
    this.draw();
  }

  keyOf({ index, nth }) {
    return `${index}/${nth}`;
  }

  paneOf(node) {
    return [...this.panes.values()].find((pane) => pane.node.contains(node));
  }

  /** The items that have a pane: in the modes that hold against the base, the base has none of its own. */
  paned() {
    const { items } = this.choice;
    if (this.mode === "side") return items;
    const others = items.filter((item) => !this.choice.isBase(item));
    return others.length ? others : items;
  }

  syncPanes() {
    const items = this.paned();
    const keys = new Set(items.map((item) => this.keyOf(item)));
    for (const [key, pane] of this.panes) {
      if (keys.has(key)) continue;
      this.dropPane(pane);
      this.panes.delete(key);
    }
    items.forEach((item, place) => {
      const key = this.keyOf(item);
      if (!this.panes.has(key)) this.panes.set(key, this.makePane());
      const pane = this.panes.get(key);
      pane.item = item;
      if (this.stage.children[place] !== pane.node) this.stage.insertBefore(pane.node, this.stage.children[place] || null);
    });
  }

  makePane() {
    const pane = new LookPane();
    this.watcher.observe(pane.node);
    return pane;
  }

  dropPane(pane) {
    this.watcher.unobserve(pane.node);
    pane.canvas.width = pane.canvas.height = 0; // a canvas that nobody holds may keep its memory for long
    pane.node.remove();
  }

  /** The base's size, which is the world's measure; that of the first picture where the base has none or is not looked at. */
  layWorld() {
    const { choice } = this;
    const tiles = choice.items.map((item) => choice.pictureOf(item)?.data).filter(Boolean);
    this.baseTile = choice.pictureOf(choice.base)?.data ?? null;
    const measure = this.mode !== "side" || choice.has(choice.base) ? this.baseTile : null;
    const { width, height } = measure ?? tiles[0] ?? { width: 1, height: 1 };
    this.size = { width, height };
    this.sizesDiffer = tiles.some((tile) => tile.width !== width || tile.height !== height);
    const shown = this.mode === "side" || !this.baseTile ? tiles : [this.baseTile, ...tiles];
    this.view.setWorld((shown.length ? shown : [this.size]).map((tile) => this.frameOf(tile)));
  }

  frameOf(tile) {
    return lookFrame(this.size, tile, this.byFrame);
  }

  /** As many columns as show most. */
  layPanes() {
    const count = this.panes.size;
    const { clientWidth: wide, clientHeight: high } = this.stage;
    const { width, height } = this.view.world;
    const worth = (columns) => {
      const paneWide = wide / columns;
      const rows = Math.ceil(count / columns);
      const paneHigh = Math.max(LOOK_NARROW, high / rows - LOOK_CAPTION);
      const inView = Math.min(1, high / (rows * (paneHigh + LOOK_CAPTION)));
      const isSmall = paneWide < LOOK_NARROW && columns > 1;
      return isSmall ? 0 : Math.min(paneWide / width, paneHigh / height) * Math.sqrt(inView); // large, and many at once
    };
    let best = 1;
    for (let columns = 2; columns <= count; columns++) if (worth(columns) > worth(best) * 1.001) best = columns;
    this.stage.style.setProperty("--tlnb-look-columns", best);
    this.stage.style.setProperty("--tlnb-look-rows", Math.ceil(count / best));
    this.measure();
  }

  /** The panes are of one size; the first one tells. */
  measure() {
    const ground = this.panes.values().next().value?.ground;
    if (ground?.clientWidth) this.view.setRoom(Math.round(ground.clientWidth * devicePixelRatio), Math.round(ground.clientHeight * devicePixelRatio));
  }

  tellBar() {
    const { choice } = this;
    const line = choice.sequence();
    const at = line.findIndex((item) => choice.same(item, choice.current));
    const picture = choice.pictureOf(choice.current);
    this.use.update(Boolean(picture));
    this.bar.update({
      place: `${at + 1} of ${line.length}`,
      isFirst: at <= 0,
      isLast: at === line.length - 1,
      mode: this.mode,
      match: this.byFrame ? "frame" : "pixels",
      sizesDiffer: this.sizesDiffer,
      wipe: this.wipe,
      period: this.period,
      playing: this.playing,
      gain: this.gain,
      show: this.shown,
      isBase: choice.isBase(choice.current),
      canRemove: choice.canRemove(),
      canSave: Boolean(picture),
      mayHold: !picture?.data.preview,
      details: this.details && this.state.details !== null,
    });
    for (const pane of this.panes.values()) pane.line.style.left = `${this.wipe * 100}%`;
    const names = Object.fromEntries(LOOK_MODES);
    setAttr(this.stage, "aria-label", `${names[this.mode]}, ${this.panes.size} ${this.panes.size === 1 ? "pane" : "panes"}`);
  }

  /** What is on screen, most important first: the base, the marked one, the others in their order. */
  wantPixels() {
    const seen = [...this.panes.values()].filter((pane) => pane.visible).map((pane) => pane.item);
    const first = [...(this.mode === "side" && !seen.some((item) => this.choice.isBase(item)) ? [] : [this.choice.base])];
    const current = seen.filter((item) => this.choice.same(item, this.choice.current));
    const tiles = [...first, ...current, ...seen].map((item) => this.choice.pictureOf(item)?.data).filter(Boolean);
    this.pixels.want([...new Map(tiles.map((tile) => [tile.hash, tile])).values()]);
  }

  /** Work out the differences that are on screen, drop the others. */
  syncDifferences() {
    const base = this.mode === "difference" && this.baseTile && this.pixels.get(this.baseTile.hash);
    const wanted = new Map();
    for (const pane of base?.full ? this.panes.values() : []) {
      const tile = this.choice.pictureOf(pane.item)?.data;
      const picture = tile && this.pixels.get(tile.hash);
      if (pane.visible && picture?.full) wanted.set(this.pairOf(tile), { tile, picture });
    }
    for (const [key, each] of this.differences) {
      if (wanted.has(key)) continue;
      each.dropped = true;
      this.differences.delete(key);
    }
    for (const [key, { tile, picture }] of wanted) {
      if (this.differences.has(key)) continue;
      const changed = () => this.updateSoon();
      this.differences.set(key, new LookDifference(base.source, this.size, picture.source, this.frameOf(tile), changed));
    }
  }

  pairOf(tile) {
    return `${this.baseTile.hash} ${tile.hash} ${this.byFrame}`;
  }

  dropDifferences() {
    for (const each of this.differences.values()) each.dropped = true;
    this.differences.clear();
  }

  // ---- words

  tellPane(pane) {
    const { choice, mode } = this;
    const { item } = pane;
    const isBase = choice.isBase(item);
    const name = choice.nameOf(item, this.varying);
    const tile = choice.pictureOf(item)?.data;
    const held = mode !== "side" && !isBase;
    const baseName = choice.nameOf(choice.base, this.varying);
    pane.tell({
      mark: isBase ? "Base" : held ? "B" : "",
      name,
      full: this.state.nameOf(choice.cellOf(item)),
      facts: this.factsOf(pane, tile, held).join(" · "),
      alt: held ? `${Object.fromEntries(LOOK_MODES)[mode]} of A, the base: ${baseName}, and B: ${name}` : `${isBase ? "Base: " : ""}${name}`,
      words: this.absenceOf(item, tile, held),
      line: held && mode === "wipe" && Boolean(tile && this.baseTile),
      isMarked: this.panes.size > 1 && choice.same(item, choice.current),
    });
    this.badge(pane);
  }

  /** Which is which, on the picture itself: always there. */
  badge(pane) {
    const held = this.mode !== "side" && !this.choice.isBase(pane.item) && pane.words.hidden;
    const a = `A · ${this.choice.nameOf(this.choice.base, this.varying)}`;
    const b = `B · ${this.choice.nameOf(pane.item, this.varying)}`;
    if (!held) pane.badge("", "");
    else if (this.mode === "wipe") pane.badge(a, b);
    else if (this.mode === "flicker") pane.badge(this.phase ? "" : a, this.phase ? b : "");
    else pane.badge("|A − B|", "");
  }

  factsOf({ item, visible }, tile, held) {
    if (!tile) return [];
    const against = held && this.baseTile ? `A ${this.baseTile.width} × ${this.baseTile.height}, B ` : "";
    const sizes = this.size && !this.choice.isBase(item) ? lookSizeWords(this.size, tile, this.byFrame) : "";
    const difference = held && this.mode === "difference" && this.baseTile ? this.differences.get(this.pairOf(tile)) : null;
    const overlap = difference?.area && sizes && !this.byFrame ? `only the ${difference.area.width} × ${difference.area.height} that lie on each other are compared` : "";
    return [
      `${sizes ? against : ""}${tile.width} × ${tile.height} ${tile.type.slice(6).toUpperCase()}`,
      sizes,
      overlap,
      difference ? difference.words() : "",
      visible ? this.stateOf(tile) : "",
    ].filter(Boolean);
  }

  /** How much of a picture is here. */
  stateOf(tile) {
    if (this.pixels.failed.has(tile.hash)) return `preview: the full picture cannot be shown (${this.pixels.failed.get(tile.hash)})`;
    if (this.pixels.left.has(tile.hash)) return "preview: too many large pictures in view";
    if (this.pixels.get(tile.hash)?.full) return tile.preview ?? ""; // a page without a kernel may hold no originals
    return "preview, the full picture is loading";
  }

  /** Why there is no picture in a pane; empty where there is one. */
  absenceOf(item, tile, held) {
    const cell = this.choice.cellOf(item);
    if (!tile) return this.reasonOf(cell);
    if (this.mode !== "side" && !held) return "This is the base. Go on with ] to hold another picture against it.";
    if (held && !this.baseTile) return "The base has no picture: make another one the base.";
    const lost = this.store.lost.get(tile.hash);
    if (lost && !this.pixels.get(tile.hash)) return lost;
    return held && this.mode === "difference" ? this.obstacleOf(tile) : "";
  }

  /** Why there is no difference. */
  obstacleOf(tile) {
    const missing = [this.baseTile, tile].find((each) => this.pixels.failed.has(each.hash) || this.pixels.left.has(each.hash));
    if (missing) return "A difference needs both full pictures, and one of them is not here.";
    const difference = this.differences.get(this.pairOf(tile));
    return difference?.raw ? "" : difference && !difference.area ? "Nothing of the two lies on each other." : "The difference comes when both full pictures are here.";
  }

  reasonOf(cell) {
    const kind = this.state.kindOf(cell);
    if (kind === "impossible") return `Impossible: ${cell.reason}`;
    const rows = this.state.rowsOf(cell);
    const row = rows.find((each) => each.kind !== "picture") ?? rows[0];
    if (!row) return "Nothing was sent yet.";
    if (row.error) return `${row.error.title}: ${row.error.text}`;
    return row.running ? `${row.words}: ${timeWords(row)}` : row.words;
  }

  /** Say what has to be said; what is loading comes first. */
  tell(text) {
    setText(this.note, this.pixels.busy ? "The kernel is busy: full pictures come when the running cell has ended." : text);
  }

  // ---- pixels

  drawSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      this.draw();
    });
  }

  draw() {
    if (!this.box.open) return;
    for (const pane of this.panes.values()) if (pane.size(devicePixelRatio)) this.drawPane(pane);
    const percent = this.view.scale * 100;
    this.bar.zoomed(`${percent < 10 ? percent.toFixed(1) : Math.round(percent)} %`, this.view.fitted, this.view.scale === 1);
    this.stage.dataset.view = JSON.stringify([this.view.scale, this.view.x, this.view.y]);
  }

  drawPane(pane) {
    const brush = new LookBrush(pane.canvas, this.view, devicePixelRatio);
    brush.clear();
    if (!pane.words.hidden) return;
    const tile = this.choice.pictureOf(pane.item).data;
    const one = () => this.drawPicture(brush, tile);
    const base = () => this.drawPicture(brush, this.baseTile);
    if (this.mode === "side") one();
    else if (this.mode === "flicker") this.phase ? one() : base();
    else if (this.mode === "wipe") {
      brush.within(0, this.wipe, base);
      brush.within(this.wipe, 1, one);
    } else {
      const difference = this.differences.get(this.pairOf(tile));
      const canvas = difference?.shown(2 ** this.gain);
      if (canvas) brush.difference(canvas, difference.area, { x: 0, y: 0, ...this.size }, this.frameOf(tile));
    }
  }

  drawPicture(brush, tile) {
    const picture = this.pixels.get(tile.hash);
    if (picture) brush.picture(picture.source, this.frameOf(tile));
  }
}
