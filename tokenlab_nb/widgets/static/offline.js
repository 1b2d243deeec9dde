// A page without a kernel: what the grid's script asks Python for, is answered from what the page itself holds.
// It is put behind the script of `CompareGrid`, whose `initialize` and `render` it calls.

const OFFLINE_REFUSAL = "This page has no kernel: it shows what was there when it was written.";

/** The part of a widget's model that scripts use. `pictures` are the images of the plain table by hash. */
class OfflineModel {
  constructor(facts, pictures) {
    this.facts = facts;
    this.pictures = pictures;
    this.values = { uid: "page", error: "", again: "", use: "", recall: "", twin_revision: 0, ...facts.values, offline: true };
    this.heard = new Map(); // name of an event -> listeners
  }

  get(name) {
    return this.values[name];
  }

  set(name, value) {
    this.values[name] = value;
    this.tell(`change:${name}`);
  }

  save_changes() {}

  on(name, listener) {
    if (!this.heard.has(name)) this.heard.set(name, new Set());
    this.heard.get(name).add(listener);
  }

  off(name, listener) {
    this.heard.get(name)?.delete(listener);
  }

  tell(name, ...told) {
    for (const listener of [...(this.heard.get(name) ?? [])]) listener(...told);
  }

  send(message) {
    if (message.type === "want" || message.type === "visible") this.give(message.hashes);
    if (message.id !== undefined) queueMicrotask(() => this.answer(message));
  }

  /** Thumbnails, as Python would push them. */
  give(hashes) {
    const here = hashes.filter((hash) => this.pictures.has(hash));
    if (here.length) this.tell("msg:custom", { type: "thumbs", hashes: here }, here.map((hash) => this.bytes(hash)));
    for (const hash of hashes) if (!this.pictures.has(hash)) this.tell("msg:custom", { type: "lost", hash, text: this.facts.lost[hash] ?? "This picture is not in the page." }, []);
  }

  answer({ id, ...message }) {
    try {
      const [result, buffers] = this.found(message);
      this.tell("msg:custom", { type: "answer", id, ok: true, result }, buffers);
    } catch (error) {
      this.tell("msg:custom", { type: "answer", id, ok: false, error: error.message }, []);
    }
  }

  found({ type, hash, cell }) {
    if (type === "full" && this.pictures.has(hash)) {
      const media = this.pictures.get(hash).src.slice("data:".length).split(";")[0];
      return [{ type: media, name: this.facts.names[hash] }, [this.bytes(hash)]];
    }
    if (type === "code" && this.facts.codes[cell] !== undefined) return [this.facts.codes[cell], []];
    throw new Error(type === "full" ? "This picture is not in the page." : OFFLINE_REFUSAL);
  }

  bytes(hash) {
    const { src } = this.pictures.get(hash);
    return Uint8Array.from(atob(src.slice(src.indexOf(",") + 1)), (letter) => letter.charCodeAt(0));
  }
}

/** Show the grid in place of the plain table; where that fails, the table stays. */
function openOffline() {
  const root = document.documentElement;
  const facts = JSON.parse(document.getElementById("tlnb-facts").textContent);
  const pictures = new Map([...document.querySelectorAll("img[data-picture]")].map((image) => [image.dataset.picture, image]));
  const model = new OfflineModel(facts, pictures);
  root.toggleAttribute("data-live", true);
  try {
    initialize({ model });
    render({ model, el: document.getElementById("tlnb-live") });
  } catch (error) {
    root.toggleAttribute("data-live", false);
    throw error;
  }
}

openOffline();
