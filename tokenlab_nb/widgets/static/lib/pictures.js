// What a model's views share: its rows, its thumbnails and a few originals. One store for each model, not for each view.

const THUMBS_KEPT = 300;
const FULL_KEPT = 4;
const ASK_AFTER = 300; // ms: a push that is under way gets the chance to arrive
const ASK_AGAIN = 10000;
const IMAGE_TYPES = ["image/png", "image/jpeg", "image/webp"];
const STORES = new Map();

class PictureStore {
  constructor(model) {
    this.model = model;
    this.thumbs = new Map(); // hash -> object URL, least recently used first
    this.full = new Map(); // hash -> promise of {url, name}
    this.lost = new Map(); // hash -> why there is no picture
    this.asked = new Map(); // hash -> when
    this.seen = new Set(); // hashes that some view shows right now
    this.listeners = new Set();
    this.wanted = new Set();
    this.got = [];
    this.timers = new Map();
    this.dead = false; // whether the kernel's end is gone
    this.onMessage = (message, buffers) => this.receive(message, buffers || []);
    model.on("msg:custom", this.onMessage);
    stamp(model.get("rows") ?? []);
  }

  receive(message, buffers) {
    if (message?.type === "rows") this.merge(message.rows);
    else if (message?.type === "gone") {
      this.model.set("rows", this.model.get("rows").filter((row) => !message.jobs.includes(row.id)));
    } else if (message?.type === "lost") this.tell(message.hash, () => this.lost.set(message.hash, message.text));
    else if (message?.type === "thumbs") {
      message.hashes.forEach((hash, place) => this.keep(hash, buffers[place]));
      this.got.push(...message.hashes);
      this.once("got", 50, () => this.send({ type: "got", hashes: this.got.splice(0) }));
    }
  }

  /** Rows are patched here and not by the kernel's trait, which would send all of them every time. */
  merge(news) {
    const fresh = new Map(stamp(news).map((row) => [row.id, row]));
    const rows = this.model.get("rows").map((row) => {
      const newer = fresh.get(row.id);
      fresh.delete(row.id);
      return newer || row;
    });
    for (const row of fresh.values()) {
      const first = rows.findIndex((each) => each.id === (row.mends || row.repeats));
      rows.splice(first < 0 ? rows.length : first + 1, 0, row); // as Python orders them
    }
    this.model.set("rows", rows);
  }

  keep(hash, bytes) {
    if (this.thumbs.has(hash) || !bytes) return;
    this.tell(hash, () => {
      this.thumbs.set(hash, URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" })));
      this.lost.delete(hash);
    });
    for (const old of this.thumbs.keys()) {
      if (this.thumbs.size <= THUMBS_KEPT) break;
      if (this.seen.has(old)) continue;
      URL.revokeObjectURL(this.thumbs.get(old));
      this.asked.delete(old); // it may be asked for again at once
      this.tell(old, () => this.thumbs.delete(old));
    }
  }

  tell(hash, change) {
    change();
    for (const listener of this.listeners) listener(hash);
  }

  /** A view shows this picture now: ask for it unless it is here or on its way. */
  want(hash) {
    const url = this.thumbs.get(hash);
    if (url !== undefined) {
      this.thumbs.delete(hash);
      this.thumbs.set(hash, url);
      return;
    }
    if (Date.now() - (this.asked.get(hash) ?? -Infinity) < ASK_AGAIN) return;
    this.wanted.add(hash);
    this.once("want", ASK_AFTER, () => {
      const hashes = [...this.wanted].filter((each) => !this.thumbs.has(each));
      this.wanted.clear();
      for (const each of hashes) this.asked.set(each, Date.now());
      if (hashes.length) this.send({ type: "want", hashes });
    });
  }

  /** Those of some pictures that are neither here nor asked for; from now on they count as asked for. */
  missing(hashes) {
    const now = Date.now();
    const found = [...hashes].filter((hash) => !this.thumbs.has(hash) && now - (this.asked.get(hash) ?? -Infinity) >= ASK_AGAIN);
    for (const hash of found) this.asked.set(hash, now);
    return found;
  }

  /** The original: a promise of `{url, name}`; a failure is not kept, so that one can try again. */
  original(hash) {
    const kept = this.full.get(hash);
    const promise = kept || this.fetchOriginal(hash);
    this.full.delete(hash);
    this.full.set(hash, promise);
    if (this.full.size > FULL_KEPT) {
      const [oldest, old] = this.full.entries().next().value;
      this.full.delete(oldest);
      old.then(({ url }) => URL.revokeObjectURL(url), () => {});
    }
    return promise;
  }

  fetchOriginal(hash) {
    const promise = ask(this.model, "full", { hash }).then(({ result, buffers }) => {
      const type = IMAGE_TYPES.includes(result.type) ? result.type : "application/octet-stream";
      return { url: URL.createObjectURL(new Blob([buffers[0]], { type })), name: result.name };
    });
    promise.catch(() => this.full.get(hash) === promise && this.full.delete(hash));
    return promise;
  }

  /** Send; a comm without its kernel throws, which is the one sure sign that all front ends give. */
  send(message) {
    try {
      this.model.send(message);
    } catch {
      this.dead = true;
      for (const listener of this.listeners) listener();
    }
  }

  /** Find out whether the kernel's end is still there. */
  probe() {
    this.send({ type: "got", hashes: [] });
  }

  once(name, delay, action) {
    if (this.timers.has(name)) return;
    this.timers.set(
      name,
      setTimeout(() => {
        this.timers.delete(name);
        action();
      }, delay),
    );
  }

  close() {
    this.model.off("msg:custom", this.onMessage);
    for (const timer of this.timers.values()) clearTimeout(timer);
    for (const url of this.thumbs.values()) URL.revokeObjectURL(url);
    for (const promise of this.full.values()) promise.then(({ url }) => URL.revokeObjectURL(url), () => {});
    this.thumbs.clear();
    this.full.clear();
  }
}

/** Kernel and browser may have different clocks: note when a running row began, on ours. */
function stamp(rows) {
  for (const row of rows) row.since ??= Date.now() - row.elapsed * 1000;
  return rows;
}

/** For `initialize`: make the store before any view, so that early pushes are kept. Returns the clean-up. */
function openStore({ model }) {
  const uid = model.get("uid");
  const store = new PictureStore(model);
  STORES.set(uid, store);
  return () => {
    store.close();
    if (STORES.get(uid) === store) STORES.delete(uid);
  };
}

function storeOf(model) {
  if (!STORES.has(model.get("uid"))) openStore({ model });
  return STORES.get(model.get("uid"));
}

/** Save the original under its name. */
async function download(store, tile, root) {
  const { url, name } = await store.original(tile.hash);
  const link = h("a", { href: url, download: name || tile.name, hidden: true });
  root.append(link);
  link.click();
  link.remove();
}

function seconds(value) {
  if (value < 9.95) return `${value.toFixed(1)} s`;
  return value < 120 ? `${Math.round(value)} s` : `${Math.floor(value / 60)} min ${Math.round(value % 60)} s`;
}

/** Elapsed time of a job in words, with the expectation beside it where there is one. */
function timeWords(row) {
  const elapsed = row.running ? Math.max(0, (Date.now() - row.since) / 1000) : row.elapsed;
  if (!row.running) return seconds(elapsed);
  const whole = elapsed < 120 ? `${Math.floor(elapsed)} s` : seconds(elapsed);
  if (!row.expected) return whole;
  return elapsed > row.expected * 1.5
    ? `${whole}, longer than the usual ${seconds(row.expected)}`
    : `${whole} of about ${seconds(row.expected)}`;
}

function fileSize(bytes) {
  return bytes < 1e6 ? `${Math.max(1, Math.round(bytes / 1e3))} kB` : `${(bytes / 1e6).toFixed(1)} MB`;
}

/** How many pictures stand how, in words. */
function countWords(rows) {
  const names = [
    ["picture", "done"],
    ["waiting", "running"],
    ["failed", "failed"],
    ["unknown", "unknown"],
    ["stopped", "not waited for"],
    ["draft", "not sent"],
    ["cancelled", "cancelled"],
  ];
  const kinds = rows.flatMap((row) => row.tiles.map((tile) => tile.kind));
  const parts = names.map(([kind, words]) => [kinds.filter((each) => each === kind).length, words]);
  return parts.filter(([count]) => count).map(([count, words]) => `${count} ${words}`).join(", ");
}
