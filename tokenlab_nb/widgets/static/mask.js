// The mask editor: tools, pointers and keys. The mask itself is in lib/masking.js, its drawing in lib/stage.js.

const ICONS = {
  brush: "M10.5 2.5l3 3-6 6-3-3zM4.2 9.3c-1.8.4-1.2 2.7-2.7 4 1.9 .5 4.6 .2 5-1.7",
  eraser: "M9 2.5l4.5 4.5-6 6.5H5L2 10.5zM5.3 6.5l4.5 4.5M5 13.5h9",
  rectangle: "M2.5 3.5h11v9h-11z",
  move: "M8 1.5v13M1.5 8h13M6 3.5l2-2 2 2M6 12.5l2 2 2-2M3.5 6l-2 2 2 2M12.5 6l2 2-2 2",
  undo: "M5.5 3L2.5 6l3 3M2.5 6h7a4 3.7 0 010 7.5H6",
  redo: "M10.5 3l3 3-3 3M13.5 6h-7a4 3.7 0 000 7.5H10",
  invert: "M2.5 2.5h11v11h-11zM13.5 2.5v11h-11zM13.5 6l-7.5 7.5M13.5 10l-3.5 3.5",
  clear: "M3 4.5h10M6.5 4.5v-2h3v2M4.5 4.5l.7 9h5.6l.7-9M7 7v4M9 7v4",
  show: "M1.5 8c3-5.5 10-5.5 13 0-3 5.5-10 5.5-13 0zM8 5.8a2.2 2.2 0 100 4.4 2.2 2.2 0 000-4.4z",
  file: "M8 2v8M5 7l3 3 3-3M2.5 11v2.5h11V11",
  out: "M3 8h10",
  in: "M3 8h10M8 3v10",
};
const TOOLS = {
  brush: ["Brush", "b", "paints what will change; with Shift it erases"],
  eraser: ["Eraser", "e", "takes paint away"],
  rectangle: ["Rectangle", "r", "drag from corner to corner; with Shift it erases"],
  move: ["Move", "m", "drags the picture; so do Space and the middle button, and two fingers always"],
};
const TYPES = "image/png,image/jpeg,image/webp";
const KEYS = "Keys: arrows move the brush, with Shift further. Hold Space to paint, or press Enter to put it down and again to lift it.";
const MORE_KEYS =
  "With the rectangle, Space sets one corner and then the other; Escape takes back. B brush, E eraser, R rectangle, M move, " +
  "[ and ] brush size, + and − zoom, 0 fits, 1 is 100 %, I inverts, P shows what will change, Ctrl+Z undoes, " +
  "Ctrl+Shift+Z redoes. Ctrl and the wheel zoom; a drag with Space or the middle button moves the picture, two fingers do both.";
const SVG = "http://www.w3.org/2000/svg";
const QUIET = 600; // ms without a move, after which the place of the brush is told
const SIZE_STEPS = 100;

function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  const path = document.createElementNS(SVG, "path");
  const facts = { viewBox: "0 0 16 16", class: "tlnb-mask-icon", "aria-hidden": "true", focusable: "false" };
  for (const [key, value] of Object.entries(facts)) svg.setAttribute(key, value);
  path.setAttribute("d", ICONS[name]);
  svg.append(path);
  return svg;
}

/** A button with an icon; `text` may be left out, `label` never. */
function tool(name, { text = "", label, key = "", pressed = null, on }) {
  const title = key ? `${label} (${key})` : label;
  const props = { class: "tlnb-mask-button", type: "button", title, "aria-label": label, "aria-pressed": pressed };
  if (text) props["aria-label"] = label.startsWith(text) ? text : `${text}: ${label}`;
  const press = (event) => event.currentTarget.getAttribute("aria-disabled") !== "true" && on();
  const shown = [name ? icon(name) : null, text ? h("span", { text }) : null];
  return h("button", { ...props, tabindex: "-1", on: { click: press } }, ...shown);
}

/** A group of controls that is one stop of Tab; the arrows go on inside. */
function toolbar(label, ...buttons) {
  const bar = h("div", { class: "tlnb-mask-tools", role: "toolbar", "aria-label": label }, ...buttons);
  buttons[0].tabIndex = 0;
  bar.addEventListener("focusin", (event) => {
    for (const button of buttons) button.tabIndex = button === event.target ? 0 : -1;
  });
  bar.addEventListener("keydown", (event) => {
    const at = buttons.indexOf(event.target);
    const last = buttons.length - 1;
    const next = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: last }[event.key];
    if (next === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    buttons[Math.max(0, Math.min(last, next))].focus();
    event.preventDefault();
    event.stopPropagation();
  });
  return bar;
}

function slider(label, max, on) {
  const input = h("input", { type: "range", min: "0", max: String(max), "aria-label": label, on: { input: on } });
  const value = h("span", { class: "tlnb-mask-value" });
  const node = h("label", { class: "tlnb-mask-slider" }, h("span", { text: label }), input, value);
  return { node, input, value };
}

class MaskEditor {
  constructor(model, el) {
    this.model = model;
    this.store = maskOf(model);
    this.tool = "brush";
    this.size = 0; // the brush's diameter in pixels of the picture
    this.cursor = { x: 0, y: 0 }; // the pixel under the brush
    this.act = null; // what a pointer or key is doing: {kind, ...}
    this.touches = new Map();
    this.space = ""; // "held": Space is down and may become a dab; "used": it moves or paints
    this.said = "";
    this.build(el);
    this.stage = new MaskStage(this.store, this.parts.stage);
    this.stage.moved = () => this.drawView();
    this.hear = (kind, box) => this.onStore(kind, box);
    this.store.listeners.add(this.hear);
    this.onNote = () => this.drawWords();
    model.on("change:note", this.onNote);
    this.listen();
    this.onScene();
  }

  build(el) {
    const { store } = this;
    const on = (action) => () => this.store.mask && action();
    const pick = ([name, [text, key, what]]) =>
      tool(name, { text, label: `${text}: ${what}`, key: key.toUpperCase(), pressed: "false", on: () => this.choose(name) });
    const plain = (name, label, key, action, text = "") => tool(name, { label, key, text, on: on(action) });
    const buttons = {
      ...Object.fromEntries(Object.entries(TOOLS).map((entry) => [entry[0], pick(entry)])),
      undo: plain("undo", "Undo", "Ctrl+Z", () => this.undo()),
      redo: plain("redo", "Redo", "Ctrl+Shift+Z", () => this.redo()),
      invert: plain("invert", "Invert: what changes stays, and what stays changes", "I", () => this.whole("invert"), "Invert"),
      clear: plain("clear", "Clear: take all paint away", "", () => this.whole("clear"), "Clear"),
      open: plain("file", "Import a mask from a file of the picture's size", "", () => this.parts.file.click(), "Import"),
      show: plain("show", "Show what will change, and dim all that stays", "P", () => this.toggleOnly(), "Preview"),
      out: plain("out", "Zoom out", "-", () => this.zoomBy(1 / ZOOM_STEP)),
      in: plain("in", "Zoom in", "+", () => this.zoomBy(ZOOM_STEP)),
      fit: plain("", "Fit the whole picture in", "0", () => this.stage.fit(), "Fit"),
      full: plain("", "100 %: one pixel of the picture on one of the screen", "1", () => this.stage.zoomTo(1 / devicePixelRatio), "100 %"),
    };
    const { brush, eraser, rectangle, move, undo, redo, invert, clear, show, out, fit, full } = buttons;
    const parts = {
      buttons,
      size: slider("Brush size", SIZE_STEPS, () => this.readSize()),
      strength: slider("See-through", 90, () => this.readStrength()),
      zoom: h("span", { class: "tlnb-mask-zoom" }),
      file: h("input", { type: "file", accept: TYPES, hidden: true, tabindex: "-1", "aria-hidden": "true" }),
      ring: h("div", { class: "tlnb-mask-ring", hidden: true }),
      frame: h("div", { class: "tlnb-mask-frame", hidden: true }),
      empty: h("p", { class: "tlnb-mask-empty" }),
      share: h("span", { class: "tlnb-mask-share", role: "status" }),
      note: h("span", { class: "tlnb-mask-note", role: "status" }),
      place: h("span", { class: "tlnb-mask-place", role: "status" }),
      help: h(
        "details",
        { class: "tlnb-mask-help" },
        h("summary", { id: `tlnb-mask-keys-${this.model.get("uid")}`, text: KEYS }),
        h("p", { text: MORE_KEYS }),
      ),
    };
    parts.stage = h(
      "div",
      { class: "tlnb-mask-stage", tabindex: "0", role: "application", "aria-roledescription": "mask to paint", "aria-describedby": parts.help.firstChild.id },
      parts.frame,
      parts.ring,
      parts.empty,
    );
    this.parts = parts;
    const group = (...nodes) => h("div", { class: "tlnb-mask-bar" }, ...nodes);
    const root = h("section", { class: "tlnb-mask", "aria-label": "Mask editor" });
    keepKeys(root);
    alertRegion(this.model, root);
    root.append(
      group(
        toolbar("Tools", brush, eraser, rectangle, move),
        toolbar("Steps", undo, redo, invert, clear, buttons.open),
      ),
      group(toolbar("View", out, buttons.in, fit, full, show), parts.size.node, parts.strength.node),
      parts.stage,
      h("div", { class: "tlnb-mask-foot" }, parts.share, parts.note, parts.zoom),
      parts.help,
      parts.place,
      parts.file,
    );
    this.root = root;
    el.classList.add("tlnb-mask-host");
    el.append(root);
    parts.strength.input.value = "50";
    this.store = store;
  }

  // ---- what is shown

  onStore(kind, box) {
    if (kind === "paint") this.stage.mark(box);
    else if (kind === "scene") this.onScene();
    else this.drawWords();
  }

  onScene() {
    const { store, parts } = this;
    this.cancel();
    // The room is kept from the start: the page does not jump when the picture comes.
    const { width, height } = store.picture ? store : this.model.get("_now");
    parts.stage.style.aspectRatio = width ? `${width} / ${height}` : "";
    this.root.toggleAttribute("data-empty", !width);
    if (store.width && `${store.width} ${store.height}` !== this.sized) {
      this.sized = `${store.width} ${store.height}`;
      this.cursor = { x: store.width >> 1, y: store.height >> 1 };
      this.setSize(Math.round(Math.min(store.width, store.height) / 12));
      this.stage.fitted = true;
    }
    this.choose(this.tool);
    this.readStrength();
    this.stage.resize();
    this.stage.redraw();
    this.drawWords();
  }

  drawWords() {
    const { store, parts } = this;
    const { buttons } = parts;
    const has = Boolean(store.mask);
    const off = (button, value) => setAttr(button, "aria-disabled", value ? "true" : null);
    for (const button of Object.values(buttons)) off(button, !has);
    off(buttons.undo, !has || !store.past.length);
    off(buttons.redo, !has || !store.future.length);
    off(buttons.clear, !has || !store.marked);
    parts.size.input.disabled = parts.strength.input.disabled = !has;
    const now = this.model.get("_now");
    setText(parts.share, has ? shareWords(store) : "");
    const dead = store.dead && "Mask not saved: the kernel is gone. Run the cell again; what you painted is only in this page.";
    setText(parts.note, dead || store.waiting || this.said || this.model.get("note") || "");
    parts.note.toggleAttribute("data-bad", store.dead);
    this.root.toggleAttribute("data-unsaved", store.turn > store.kept);
    setShown(parts.empty, !this.stage.isReady);
    setText(parts.empty, now.picture ? "The picture is on its way." : 'No picture yet. Give it one: editor.image = "picture.png"');
    const label = has ? `Mask over a picture of ${store.width} by ${store.height} pixels` : "Mask without a picture";
    setAttr(parts.stage, "aria-label", label);
  }

  /** What follows the view: the zoom in words, the brush, the rectangle. */
  drawView() {
    const percent = Math.round(this.stage.zoom * devicePixelRatio * 100);
    setText(this.parts.zoom, this.store.width ? `Zoom ${percent} %` : "");
    this.drawRing();
    this.drawFrame();
  }

  drawRing(at = this.hover || { x: this.cursor.x + 0.5, y: this.cursor.y + 0.5 }) {
    const { ring, stage } = this.parts;
    const keyed = stage.matches(":focus-visible") && !this.hover;
    const shown = this.stage.isReady && (this.hover || keyed || this.act?.kind === "keys") && this.tool !== "move";
    setShown(ring, Boolean(shown));
    if (!shown) return;
    const size = this.tool === "rectangle" ? 0 : Math.max(3, this.size * this.stage.zoom);
    ring.style.width = ring.style.height = `${size}px`;
    ring.style.transform = `translate(${this.stage.left + at.x * this.stage.zoom - size / 2}px, ${this.stage.top + at.y * this.stage.zoom - size / 2}px)`;
    ring.toggleAttribute("data-cross", Boolean(keyed || size < 8));
    ring.toggleAttribute("data-down", this.act?.kind === "keys");
  }

  drawFrame() {
    const { frame } = this.parts;
    const act = this.act?.kind === "box" ? this.act : null;
    setShown(frame, Boolean(act));
    if (!act) return;
    const { zoom, left, top } = this.stage;
    const box = this.boxOf(act);
    frame.style.transform = `translate(${left + box.x0 * zoom}px, ${top + box.y0 * zoom}px)`;
    frame.style.width = `${(box.x1 - box.x0) * zoom}px`;
    frame.style.height = `${(box.y1 - box.y0) * zoom}px`;
  }

  say(text) {
    this.said = text;
    this.drawWords();
  }

  /** Tell the place of the brush, once it rests. */
  tellPlace() {
    clearTimeout(this.telling);
    this.telling = setTimeout(() => {
      const { x, y } = this.cursor;
      const state = this.store.mask?.[y * this.store.width + x] ? "will change" : "stays";
      const doing = { keys: "Painting, ", box: "First corner is set, " }[this.act?.kind] || "";
      setText(this.parts.place, `${doing}x ${x}, y ${y}: ${state}`);
    }, QUIET);
  }

  // ---- settings

  choose(name) {
    this.finish();
    this.tool = name;
    for (const key of Object.keys(TOOLS)) setAttr(this.parts.buttons[key], "aria-pressed", String(key === name));
    this.parts.stage.dataset.tool = name;
    this.drawRing();
  }

  get most() {
    return Math.max(1, Math.min(this.store.width, this.store.height));
  }

  /** The slider's steps grow with the size: from 1 pixel to the picture's shorter side. */
  readSize() {
    this.setSize(Math.round(this.most ** (Number(this.parts.size.input.value) / SIZE_STEPS)), { move: false });
  }

  setSize(size, { move = true } = {}) {
    this.size = Math.max(1, Math.min(this.most, size));
    const { input, value } = this.parts.size;
    if (move) input.value = String(Math.round((SIZE_STEPS * Math.log(this.size)) / Math.log(this.most)) || 0);
    setText(value, `${this.size} px`);
    setAttr(input, "aria-valuetext", `${this.size} pixels`);
    this.drawRing();
  }

  resizeBy(sign) {
    this.setSize(this.size + sign * Math.max(1, Math.round(this.size / 6)));
  }

  readStrength() {
    const { input, value } = this.parts.strength;
    setText(value, `${input.value} %`);
    setAttr(input, "aria-valuetext", `${input.value} %`);
    this.stage.strength = 1 - Number(input.value) / 100;
    this.stage.redraw();
  }

  toggleOnly() {
    this.stage.only = !this.stage.only;
    setAttr(this.parts.buttons.show, "aria-pressed", String(this.stage.only));
    this.stage.redraw();
  }

  zoomBy(factor) {
    this.stage.zoomTo(this.stage.zoom * factor);
  }

  // ---- steps

  undo() {
    this.finish();
    this.store.undo();
    this.say("");
  }

  redo() {
    this.finish();
    this.store.redo();
    this.say("");
  }

  whole(what) {
    this.finish();
    this.store[what]();
    this.say("");
  }

  async take(file) {
    if (!file || !this.store.mask) return;
    this.finish();
    this.say("Reading the mask.");
    try {
      this.say(await this.store.importFile(file));
    } catch (error) {
      // What Python says of it stands above already.
      this.say(this.model.get("error") === error.message ? "Not imported." : `Not imported: ${error.message}`);
    }
  }

  /** End what is being done, and keep it. */
  finish() {
    const { act } = this;
    this.act = null;
    if (act?.kind === "brush" || act?.kind === "keys") this.store.commit();
    this.drawRing();
    this.drawFrame();
  }

  /** End what is being done, and take it back. */
  cancel() {
    this.act = null;
    this.store.revert();
    if (this.stage) this.drawRing();
    this.drawFrame();
  }

  /** Whole pixels, both corners included. */
  boxOf({ from, to }) {
    const low = (a, b) => Math.floor(Math.min(a, b));
    const high = (a, b) => Math.floor(Math.max(a, b)) + 1;
    return { x0: low(from.x, to.x), y0: low(from.y, to.y), x1: high(from.x, to.x), y1: high(from.y, to.y) };
  }

  finishBox() {
    const { act } = this;
    this.act = null;
    this.store.box(this.boxOf(act), act.value);
    this.store.commit();
    this.drawFrame();
  }

  // ---- pointers

  onDown(event) {
    if (!this.stage.isReady || event.button === 2) return;
    this.parts.stage.setPointerCapture(event.pointerId);
    if (event.pointerType === "touch") {
      this.touches.set(event.pointerId, event);
      if (this.touches.size > 1) return this.startPinch();
    }
    if (this.act?.kind === "keys") this.finish();
    if (this.act) return; // one pointer at a time, but for two fingers
    this.say("");
    const erases = event.shiftKey || event.button === 5 || this.tool === "eraser"; // 5: a pen's other end
    const value = erases ? 0 : 1;
    if (this.tool === "move" || this.space || event.button === 1) {
      if (this.space) this.space = "used";
      this.act = { kind: "pan", id: event.pointerId, last: event };
    } else if (this.tool === "rectangle") {
      const at = this.inside(this.stage.toPicture(event));
      this.act = { kind: "box", id: event.pointerId, from: at, to: at, value };
    } else {
      const at = this.stage.toPicture(event);
      this.act = { kind: "brush", id: event.pointerId, last: at, value };
      this.store.segment(at, at, this.size, value);
    }
    this.follow(event);
    this.drawFrame();
  }

  onMove(event) {
    if (this.touches.has(event.pointerId)) this.touches.set(event.pointerId, event);
    if (this.act?.kind === "pinch") return this.pinch();
    this.follow(event);
    const { act } = this;
    if (!act || act.id !== event.pointerId) return;
    if (act.kind === "pan") {
      this.stage.pan(event.clientX - act.last.clientX, event.clientY - act.last.clientY);
      act.last = event;
    } else if (act.kind === "box") {
      act.to = this.inside(this.stage.toPicture(event));
      this.drawFrame();
    } else {
      const between = event.getCoalescedEvents?.() || [];
      for (const each of between.length ? between : [event]) {
        const at = this.stage.toPicture(each);
        this.store.segment(act.last, at, this.size, act.value);
        act.last = at;
      }
    }
  }

  onUp(event) {
    this.touches.delete(event.pointerId);
    const { act } = this;
    if (act?.kind === "pinch" && this.touches.size < 2) this.act = { kind: "rest" };
    if (this.act?.kind === "rest" && !this.touches.size) this.act = null;
    if (!act || act.id !== event.pointerId) return;
    if (act.kind === "box") this.finishBox();
    else this.finish();
    if (event.pointerType === "touch") this.hover = null;
    this.drawRing();
  }

  onCancel(event) {
    const mine = this.act?.id === event.pointerId;
    if (mine) this.cancel();
    this.onUp(event);
  }

  /** The brush is where the pointer is; so it is there, too, when the keys take over. */
  follow(event) {
    const at = this.stage.toPicture(event);
    const inside = this.inside(at);
    this.cursor = { x: Math.floor(inside.x), y: Math.floor(inside.y) };
    this.hover = event.pointerType === "touch" && !this.act ? null : at;
    this.drawRing();
  }

  inside({ x, y }) {
    const within = (at, most) => Math.max(0, Math.min(most - 0.01, at));
    return { x: within(x, this.store.width), y: within(y, this.store.height) };
  }

  /** A second finger: what the first one began was no stroke. */
  startPinch() {
    this.cancel();
    this.hover = null;
    this.act = { kind: "pinch", ...this.fingers() };
    this.drawRing();
  }

  fingers() {
    const [a, b] = [...this.touches.values()];
    const frame = this.parts.stage.getBoundingClientRect();
    return {
      x: (a.clientX + b.clientX) / 2 - frame.left,
      y: (a.clientY + b.clientY) / 2 - frame.top,
      apart: Math.hypot(a.clientX - b.clientX, a.clientY - b.clientY) || 1,
    };
  }

  pinch() {
    const before = this.act;
    const now = this.fingers();
    this.stage.pan(now.x - before.x, now.y - before.y);
    this.stage.zoomTo((this.stage.zoom * now.apart) / before.apart, now.x, now.y);
    this.act = { kind: "pinch", ...now };
  }

  onWheel(event) {
    if (!(event.ctrlKey || event.metaKey) || !this.stage.isReady) return; // a plain wheel scrolls the notebook
    event.preventDefault();
    const frame = this.parts.stage.getBoundingClientRect();
    const factor = Math.exp(-event.deltaY / (event.deltaMode ? 12 : 300));
    this.stage.zoomTo(this.stage.zoom * factor, event.clientX - frame.left, event.clientY - frame.top);
  }

  // ---- keys

  onKey(event) {
    if (!this.store.mask || event.target.matches("input")) return;
    const onStage = event.target === this.parts.stage;
    const command = event.ctrlKey || event.metaKey;
    const steps = { z: event.shiftKey ? "redo" : "undo", y: "redo" };
    const step = command && !event.altKey && steps[event.key.toLowerCase()];
    if (step) this[step]();
    else if (command || event.altKey) return;
    else if (!(onStage && this.onStageKey(event)) && !this.onLetter(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  }

  onLetter(key) {
    const name = Object.keys(TOOLS).find((each) => TOOLS[each][1] === key.toLowerCase());
    const actions = {
      "[": () => this.resizeBy(-1),
      "]": () => this.resizeBy(1),
      "+": () => this.zoomBy(ZOOM_STEP),
      "=": () => this.zoomBy(ZOOM_STEP),
      "-": () => this.zoomBy(1 / ZOOM_STEP),
      0: () => this.stage.fit(),
      1: () => this.stage.zoomTo(1 / devicePixelRatio),
      i: () => this.whole("invert"),
      p: () => this.toggleOnly(),
    };
    const action = name ? () => this.choose(name) : actions[key.toLowerCase()];
    if (action) action();
    return Boolean(action);
  }

  /** Keys that mean something on the picture only; returns whether this was one. */
  onStageKey(event) {
    const way = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] }[event.key];
    if (way) this.step(way, event.shiftKey ? 10 : 1);
    else if (event.key === " ") this.onSpace(event.repeat);
    else if (event.key === "Enter") this.onEnter(event.repeat);
    else if (event.key === "Escape" && this.act) this.cancel();
    else return false;
    this.tellPlace();
    return true;
  }

  step([dx, dy], times) {
    const { store, stage, cursor } = this;
    const pace = Math.max(1, Math.round(4 / stage.zoom)) * times;
    const from = { ...cursor };
    cursor.x = Math.max(0, Math.min(store.width - 1, cursor.x + dx * pace));
    cursor.y = Math.max(0, Math.min(store.height - 1, cursor.y + dy * pace));
    this.hover = null;
    if (this.space === "held") {
      this.space = "used";
      this.penDown(from);
    }
    if (this.act?.kind === "keys") store.segment(this.middle(from), this.middle(cursor), this.size, this.act.value);
    if (this.act?.kind === "box" && this.act.id === undefined) this.act.to = { ...cursor };
    stage.reveal(cursor);
    this.drawRing();
    this.drawFrame();
  }

  middle({ x, y }) {
    return { x: x + 0.5, y: y + 0.5 };
  }

  penDown(at) {
    if (this.act || this.tool === "move") return;
    this.say("");
    this.act = { kind: "keys", value: this.tool === "eraser" ? 0 : 1 };
    this.store.segment(this.middle(at), this.middle(at), this.size, this.act.value);
    this.drawRing();
  }

  onSpace(repeat) {
    if (repeat) return;
    if (this.tool === "rectangle") this.corner();
    else if (!this.act) this.space = "held";
  }

  onEnter(repeat) {
    if (repeat) return;
    if (this.tool === "rectangle") this.corner();
    else if (this.act?.kind === "keys") this.finish();
    else this.penDown(this.cursor);
  }

  corner() {
    if (this.act?.kind === "box") return this.finishBox();
    if (this.act) return;
    this.say("");
    this.hover = null;
    this.act = { kind: "box", from: { ...this.cursor }, to: { ...this.cursor }, value: 1 };
    this.drawFrame();
    this.drawRing();
  }

  onKeyUp(event) {
    if (event.key !== " " || !this.space) return;
    const was = this.space;
    this.space = "";
    if (was === "held") this.penDown(this.cursor); // a tap is a dab
    if (this.act?.kind === "keys") this.finish();
  }

  /** The keys' end of a stroke may go elsewhere. */
  onBlur() {
    this.space = "";
    if (this.act?.kind === "keys") this.finish();
    else if (this.act?.kind === "box" && this.act.id === undefined) this.cancel();
    this.drawRing();
  }

  // ----

  listen() {
    const { stage, file } = this.parts;
    const on = (name, handler, options) => stage.addEventListener(name, (event) => handler.call(this, event), options);
    on("pointerdown", this.onDown);
    on("pointermove", this.onMove);
    on("pointerup", this.onUp);
    on("pointercancel", this.onCancel);
    on("pointerleave", () => {
      this.hover = null;
      this.drawRing();
    });
    on("mousedown", (event) => event.button === 1 && event.preventDefault()); // no scrolling by itself
    on("wheel", this.onWheel, { passive: false });
    on("keyup", this.onKeyUp);
    on("focus", () => this.drawRing());
    on("blur", this.onBlur);
    on("dragover", (event) => {
      event.preventDefault();
      event.stopPropagation();
      stage.dataset.drop = "";
    });
    on("dragleave", () => delete stage.dataset.drop);
    on("drop", (event) => {
      event.preventDefault();
      event.stopPropagation();
      delete stage.dataset.drop;
      this.take(event.dataTransfer.files[0]);
    });
    this.root.addEventListener("keydown", (event) => this.onKey(event));
    file.addEventListener("change", () => {
      this.take(file.files[0]);
      file.value = "";
    });
  }

  close() {
    this.cancel();
    clearTimeout(this.telling);
    this.store.listeners.delete(this.hear);
    this.model.off("change:note", this.onNote);
    this.stage.close();
  }
}

function render({ model, el }) {
  const editor = new MaskEditor(model, el);
  return () => editor.close();
}

export default { initialize: openMask, render };
