// Files on their way to Python: one store for each model, not for each view, so that scrolling a view away stops nothing.
// A file is announced the moment it comes, then looked at, asked about where it is large, and sent in pieces in order.

const PIECE_BYTES = 1000000;
const LARGE_EDGE = 4096;
const LARGE_BYTES = 10e6;
const SLOW_AFTER = 1200; // ms without an answer: the kernel is at work on something else
const MOST_PREVIEWED = 40e6; // pixels: more would make the page slow before Python's thumbnail comes
const UPLOADS = new Map();

class Uploads {
  constructor(model) {
    this.model = model;
    this.items = new Map(); // key -> item: what Python has not got yet, in order of coming
    this.previews = new Map(); // key -> object URL, until the thumbnail is there
    this.listeners = new Set();
    this.line = Promise.resolve();
    this.announced = Promise.resolve(); // until Python knows of all pictures so far
    this.onLeave = () => {
      for (const key of this.items.keys()) this.tell("remove", { key });
    };
    addEventListener("pagehide", this.onLeave);
  }

  /** Take files, in order. */
  add(files) {
    const items = [...files].map((file) => this.enter(file.name || "Pasted picture", { file, size: file.size }));
    // All in one message, and nothing about them before it is answered: a kernel may take messages in out of turn.
    const told = this.announced.then(() => this.announce(items));
    this.announced = told;
    for (const item of items) this.bring(Object.assign(item, { told }));
    return items;
  }

  async announce(items) {
    const alive = items.filter((item) => this.items.has(item.key) && item.state !== "failed");
    const files = alive.map(({ key, name }) => ({ key, name }));
    try {
      if (files.length) await this.asked(alive, "add", { files });
    } catch (error) {
      for (const item of alive) this.fail(item, error.message);
    }
  }

  /** Ask Python for a picture that is no file of this page; resolves to `{key, problem}`, with an empty text for none. */
  async request(name, type, fields) {
    const item = this.enter(name, {});
    try {
      const asked = this.announced.then(() => this.asked([item], type, { ...fields, key: item.key }));
      this.announced = asked.catch(() => {}); // what comes next stands behind it
      const { result } = await asked;
      if (result?.problem) this.fail(item, result.problem);
      else this.leave(item);
    } catch (error) {
      this.fail(item, error.message);
    }
    return { key: item.key, problem: item.problem };
  }

  enter(name, facts) {
    const key = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2, 10)}`;
    const item = { key, name, state: "looking", sent: 0, slow: false, problem: "", ...facts };
    this.items.set(key, item);
    this.news();
    return item;
  }

  async bring(item) {
    const most = this.model.get("most_bytes");
    if (item.size > most) {
      this.fail(item, `It has ${fileSize(item.size)}; ${fileSize(most)} at most. Make it smaller first.`);
      return;
    }
    item.facts = await pictureFacts(item.file);
    if (item.facts.problem) {
      this.fail(item, item.facts.problem);
      return;
    }
    const { type, width, height } = item.facts;
    if (!this.items.has(item.key)) return;
    if (width * height <= MOST_PREVIEWED) {
      this.previews.set(item.key, URL.createObjectURL(new Blob([item.file], { type })));
    }
    const edge = Math.max(width, height);
    if (edge > LARGE_EDGE || item.size > LARGE_BYTES) this.set(item, { state: "asking" });
    else this.queue(item);
  }

  /** What the user wants of a large picture. */
  async decide(item, smaller) {
    if (item.state !== "asking") return;
    if (!smaller) {
      this.queue(item);
      return;
    }
    this.set(item, { state: "scaling" });
    try {
      const copy = await scaledDown(item.file, item.facts);
      item.scaled = [item.facts.width, item.facts.height];
      this.set(item, { file: copy, size: copy.size });
      this.queue(item);
    } catch (error) {
      this.set(item, { state: "asking", problem: `It could not be scaled down here (${error.message}).` });
    }
  }

  queue(item) {
    this.set(item, { state: "waiting" });
    this.line = this.line.then(() => this.send(item)).catch((error) => this.fail(item, error.message));
  }

  async send(item) {
    await item.told;
    if (!this.items.has(item.key)) return;
    const buffer = await item.file.arrayBuffer();
    const told = { key: item.key, size: buffer.byteLength, sha256: await sha256Of(buffer), scaled: item.scaled ?? null };
    const { result } = await this.asked([item], "begin", told);
    let at = result.have || result.gone ? buffer.byteLength : 0;
    if (at === 0) this.set(item, { state: "travelling" });
    while (at < buffer.byteLength && this.items.has(item.key)) {
      const piece = buffer.slice(at, at + PIECE_BYTES);
      const answer = await this.asked([item], "chunk", { key: item.key, at }, [piece]);
      at = answer.result.gone ? buffer.byteLength : answer.result.here;
      this.set(item, { sent: at });
    }
    this.leave(item);
  }

  /** Ask Python; where the answer takes long, the items say so. */
  async asked(items, type, fields, buffers = []) {
    const slow = (is) => items.filter((item) => item.slow !== is).forEach((item) => this.set(item, { slow: is }));
    const timer = setTimeout(() => slow(true), SLOW_AFTER);
    try {
      return await ask(this.model, type, fields, buffers);
    } finally {
      clearTimeout(timer);
      slow(false);
    }
  }

  /** It cannot be used: Python forgets it, and its card says why until it is put away. */
  fail(item, problem) {
    if (!this.items.has(item.key)) return;
    if (item.file) this.tell("remove", { key: item.key });
    this.set(item, { state: "failed", problem });
  }

  /** Python has got it, or it was removed. */
  leave(item) {
    this.items.delete(item.key);
    this.news();
  }

  remove(key) {
    this.items.delete(key);
    this.forget(key);
    this.news();
  }

  forget(key) {
    URL.revokeObjectURL(this.previews.get(key) ?? "");
    this.previews.delete(key);
  }

  set(item, changes) {
    Object.assign(item, changes);
    if (this.items.has(item.key)) this.news();
  }

  tell(type, fields) {
    ask(this.model, type, fields).catch(() => {}); // with its kernel gone, there is nobody left to tell
  }

  news() {
    for (const listener of this.listeners) listener();
  }

  close() {
    removeEventListener("pagehide", this.onLeave);
    for (const key of [...this.previews.keys()]) this.forget(key);
    this.items.clear();
  }
}

function openUploads({ model }) {
  const uploads = new Uploads(model);
  UPLOADS.set(model.get("uid"), uploads);
  return () => {
    uploads.close();
    if (UPLOADS.get(model.get("uid")) === uploads) UPLOADS.delete(model.get("uid"));
  };
}

function uploadsOf(model) {
  if (!UPLOADS.has(model.get("uid"))) openUploads({ model });
  return UPLOADS.get(model.get("uid"));
}
