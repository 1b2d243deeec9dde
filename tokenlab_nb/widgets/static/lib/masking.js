// The mask of one editor, shared by its views: pixels, undo, and what goes to Python and comes from it.
// A finished stroke is sent in the same turn of the event loop, so no later click can overtake it.

const PART_BYTES = 1 << 20; // the server drops a page whose messages are too long
const STEPS_KEPT = 50;
const STEP_BYTES_KEPT = 64 << 20;
const LOAD_AFTER = 300; // ms: what Python pushes gets the chance to arrive
const SLOW_AFTER = 2000;
const FILE_BYTES = 50 << 20;
const EDITORS = new Map();

class MaskStore {
  constructor(model) {
    this.model = model;
    this.id = Math.random().toString(36).slice(2);
    this.listeners = new Set(); // each gets ("scene" | "paint" | "said", box)
    this.timers = new Map();
    this.turn = 0; // strokes sent
    this.kept = 0; // strokes that Python has said to have
    this.dead = false; // whether the kernel's end is gone
    this.waiting = ""; // what is waited for, in words
    this.empty();
    this.onNow = () => this.compare();
    this.onMessage = (message, buffers) => this.receive(message, buffers || []);
    model.on("change:_now", this.onNow);
    model.on("msg:custom", this.onMessage);
    this.compare();
  }

  empty() {
    this.bitmap?.close();
    Object.assign(this, { picture: 0, version: 0, width: 0, height: 0, bitmap: null, mask: null, before: null });
    Object.assign(this, { marked: 0, open: null, past: [], future: [], kept: this.turn });
  }

  get full() {
    return { x0: 0, y0: 0, x1: this.width, y1: this.height };
  }

  tell(kind, box) {
    for (const listener of [...this.listeners]) listener(kind, box);
  }

  // ---- painting

  /** Note that pixels in a box may have changed. */
  touch(box) {
    if (!box) return;
    this.open = joinBoxes(this.open, box);
    this.tell("paint", box);
  }

  segment(a, b, diameter, value) {
    // So thin a line has no pixel centre within reach everywhere: it goes from centre to centre.
    const at = diameter < 2 ? (point) => ({ x: Math.floor(point.x) + 0.5, y: Math.floor(point.y) + 0.5 }) : (point) => point;
    this.touch(paintSegment(this.mask, this.width, this.height, at(a), at(b), diameter / 2, value));
  }

  box(box, value) {
    this.touch(paintBox(this.mask, this.width, this.height, box, value));
  }

  invert() {
    invertAll(this.mask);
    this.touch(this.full);
    this.commit();
  }

  clear() {
    this.mask.fill(0);
    this.touch(this.full);
    this.commit();
  }

  /** Take back what was painted since the last commit. */
  revert() {
    const box = this.open;
    if (!box) return;
    pasteBox(this.mask, this.width, box, cutBox(this.before, this.width, box));
    this.open = null;
    this.tell("paint", box);
  }

  /** End a stroke: it becomes one step of undo and goes to Python. Returns whether anything changed. */
  commit({ send = true } = {}) {
    const box = this.open;
    this.open = null;
    if (!box) return false;
    const before = cutBox(this.before, this.width, box);
    const after = cutBox(this.mask, this.width, box);
    if (before.every((value, at) => value === after[at])) return false;
    this.past.push(this.step(box, before));
    this.future = [];
    this.forgetOldSteps();
    this.settle(box, before, after, send);
    return true;
  }

  undo() {
    this.replay(this.past, this.future);
  }

  redo() {
    this.replay(this.future, this.past);
  }

  replay(from, to) {
    if (this.open || !from.length) return;
    const { box, packed } = from.pop();
    const before = cutBox(this.mask, this.width, box);
    const after = unpackMask(packed, box.x1 - box.x0, box.y1 - box.y0);
    to.push(this.step(box, before));
    pasteBox(this.mask, this.width, box, after);
    this.tell("paint", box);
    this.settle(box, before, after, true);
  }

  step(box, pixels) {
    return { box, packed: packMask(pixels, box.x1 - box.x0, box.y1 - box.y0) };
  }

  forgetOldSteps() {
    let bytes = 0;
    let first = this.past.length;
    while (first > 0 && this.past.length - first < STEPS_KEPT) {
      bytes += this.past[first - 1].packed.bytes.length;
      if (bytes > STEP_BYTES_KEPT) break;
      first -= 1;
    }
    this.past.splice(0, first);
  }

  settle(box, before, after, send) {
    this.marked += countSet(after) - countSet(before);
    pasteBox(this.before, this.width, box, after);
    if (send) this.sendMask();
    this.tell("said");
  }

  // ---- to Python

  sendMask() {
    const { form, bytes } = packMask(this.mask, this.width, this.height);
    this.turn += 1;
    const size = { picture: this.picture, width: this.width, height: this.height };
    const facts = { form, ...size, by: this.id, turn: this.turn };
    const [last, fields] = this.sendParts(bytes);
    this.send({ type: "mask", ...facts, ...fields }, [last]);
    this.slow("mask", () => this.turn > this.kept && "Not in Python yet: it waits until the running cell has ended.");
  }

  /** Send all but the last part; returns the last one, and the fields of the message that is to carry it. */
  sendParts(bytes) {
    const parts = [];
    // Copies: a view of a longer buffer would be sent as the whole buffer.
    for (let at = 0; at === 0 || at < bytes.length; at += PART_BYTES) parts.push(bytes.slice(at, at + PART_BYTES).buffer);
    const batch = Math.random().toString(36).slice(2);
    for (const part of parts.slice(0, -1)) this.send({ type: "part", batch }, [part]);
    return [parts.at(-1), { batch, parts: parts.length }];
  }

  /** Send; a comm without its kernel throws, which is the one sure sign that all front ends give. */
  send(message, buffers = []) {
    try {
      this.model.send(message, undefined, buffers);
    } catch {
      this.dead = true;
      this.tell("said");
    }
  }

  /** Hand a mask's file to Python, which reads it and sends the mask back; resolves to what to tell the user. */
  async importFile(file) {
    if (file.size > FILE_BYTES) throw new Error("This file is larger than 50 MB: no mask is.");
    const bytes = new Uint8Array(await file.arrayBuffer());
    const [last, fields] = this.sendParts(bytes);
    const busy = "The kernel is busy: the mask is read when the running cell has ended.";
    let answered = false;
    this.slow("import", () => !answered && busy);
    try {
      const { result } = await ask(this.model, "import", { ...fields, name: file.name }, [last]);
      return result.said;
    } finally {
      answered = true;
      this.waiting = "";
      this.tell("said");
    }
  }

  /** Say so where something takes long; `words` returns what to say, or something false once it is done. */
  slow(name, words) {
    this.later(name, SLOW_AFTER, () => {
      this.waiting = (!this.dead && words()) || "";
      this.tell("said");
    });
  }

  later(name, delay, action) {
    clearTimeout(this.timers.get(name));
    this.timers.set(name, setTimeout(action, delay));
  }

  // ---- from Python

  /** Compare what Python says it has with what is here; load what is missing, unless it is pushed just now. */
  compare() {
    const now = this.model.get("_now");
    if (!now.picture && this.picture) {
      this.empty();
      this.tell("scene");
    }
    this.later("load", LOAD_AFTER, () => this.isBehind() && this.load());
  }

  isBehind() {
    const now = this.model.get("_now");
    // What was painted here and is still on its way is newer than whatever Python has. Numbers only ever grow; a
    // smaller one is on its way, too.
    return now.picture > this.picture || (now.mask > this.version && this.kept === this.turn && !this.open);
  }

  async load() {
    this.slow("load", () => this.isBehind() && "The kernel is busy: the picture comes when the running cell has ended.");
    try {
      const { result, buffers } = await ask(this.model, "load");
      if (result.picture) this.takeScene(result, buffers);
    } catch (error) {
      this.waiting = `The picture did not come: ${error.message}`;
      this.tell("said");
    }
  }

  receive(message, buffers) {
    if (message?.type === "scene") {
      this.send({ type: "got", picture: message.picture });
      this.takeScene(message, buffers);
    } else if (message?.type === "kept" && message.by === this.id) {
      this.kept = Math.max(this.kept, message.turn);
      this.version = message.mask;
      this.waiting = "";
      this.tell("said");
    } else if (message?.type === "mask" && message.picture === this.picture) {
      this.takeMask(message, buffers[0], { undoable: true });
    }
  }

  /** A picture with its mask. */
  takeScene(scene, [jpeg, packed]) {
    if (scene.picture < this.picture) return;
    const isNew = scene.picture !== this.picture;
    if (isNew) {
      const sameSize = scene.width === this.width && scene.height === this.height;
      this.revert();
      const { version, mask, before, marked, past, future, kept } = this;
      this.empty();
      if (sameSize) Object.assign(this, { version, mask, before, marked, past, future, kept });
      Object.assign(this, { picture: scene.picture, width: scene.width, height: scene.height });
      this.show(jpeg);
    }
    this.takeMask(scene, packed, { undoable: false });
    this.waiting = "";
    this.tell(isNew ? "scene" : "said");
  }

  async show(jpeg) {
    const { picture } = this;
    const bitmap = await createImageBitmap(new Blob([jpeg], { type: "image/jpeg" }));
    if (picture !== this.picture) return bitmap.close();
    this.bitmap?.close();
    this.bitmap = bitmap;
    this.tell("scene");
  }

  takeMask({ form, mask: version }, buffer, { undoable }) {
    if (this.mask && (this.version === version || this.kept < this.turn)) return;
    this.revert();
    this.version = version;
    const bytes = ArrayBuffer.isView(buffer)
      ? new Uint8Array(buffer.buffer, buffer.byteOffset, buffer.byteLength)
      : new Uint8Array(buffer);
    const pixels = unpackMask({ form, bytes }, this.width, this.height);
    if (undoable && this.mask) {
      this.mask.set(pixels);
      this.touch(this.full);
      this.commit({ send: false });
      return;
    }
    Object.assign(this, { mask: pixels, before: pixels.slice(), marked: countSet(pixels), past: [], future: [] });
    this.tell("paint", this.full);
    this.tell("said");
  }

  close() {
    this.model.off("change:_now", this.onNow);
    this.model.off("msg:custom", this.onMessage);
    for (const timer of this.timers.values()) clearTimeout(timer);
    this.bitmap?.close();
    this.bitmap = null;
  }
}

/** How much will change, in words. */
function shareWords(store) {
  const { marked, width, height } = store;
  const share = (100 * marked) / (width * height);
  if (!marked) return "Nothing is painted yet: paint over what should change.";
  if (marked === width * height) return "The whole picture is marked, which no edit takes: erase what should stay.";
  if (share < 0.1) return "Less than 0.1 % of the picture will change.";
  return `${Math.min(99.9, share).toFixed(1)} % of the picture will change.`;
}

/** For `initialize`: make the store before any view, so that what is pushed early is kept. Returns the clean-up. */
function openMask({ model }) {
  const uid = model.get("uid");
  const store = new MaskStore(model);
  EDITORS.set(uid, store);
  return () => {
    store.close();
    if (EDITORS.get(uid) === store) EDITORS.delete(uid);
  };
}

function maskOf(model) {
  if (!EDITORS.has(model.get("uid"))) openMask({ model });
  return EDITORS.get(model.get("uid"));
}
