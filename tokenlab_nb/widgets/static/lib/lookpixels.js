// The pixels that are looked at: decoded originals of what is on screen, and differences between two of them.

const LOOK_BYTES = 400e6; // decoded pixels that are kept; a picture of 4096 × 4096 takes 67 MB
const LOOK_LOADING = 2; // at once; the store keeps four originals, so none goes before it is decoded
const LOOK_BUSY_AFTER = 1500;
const LOOK_SLICE = 12; // ms of work between two breaths of the page
const LOOK_STRIPE = 65536; // pixels that are subtracted at once

async function lookImage(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** Decoded pictures by hash. `changed()` is called when one came, or cannot. */
class LookPixels {
  constructor(store, changed, limit = LOOK_BYTES) {
    this.store = store;
    this.changed = changed;
    this.limit = limit;
    this.full = new Map(); // hash -> ImageBitmap, least recently used first
    this.small = new Map(); // hash -> {url, image}
    this.failed = new Map(); // hash -> why
    this.left = new Set(); // hashes that the limit leaves as previews
    this.wanted = []; // what is on screen, most important first: [{hash, width, height}]
    this.loading = new Set();
    this.busy = false; // whether the kernel takes long
    this.timer = 0;
    this.closed = true;
    this.hear = () => this.closed || this.preview();
  }

  open() {
    this.closed = false;
    this.failed.clear(); // one may try again
    this.store.listeners.add(this.hear);
  }

  /** Free everything; what is on its way is dropped when it comes. */
  close() {
    this.closed = true;
    this.store.listeners.delete(this.hear);
    this.wanted = [];
    for (const bitmap of this.full.values()) bitmap.close();
    this.full.clear();
    this.small.clear();
    this.setBusy(false);
  }

  /** The best that is here: {source, full} or null. */
  get(hash) {
    const bitmap = this.full.get(hash);
    if (bitmap) return { source: bitmap, full: true };
    const small = this.small.get(hash)?.image;
    return small ? { source: small, full: false } : null;
  }

  /** What is on screen now. */
  want(tiles) {
    this.wanted = tiles;
    this.preview();
    this.pump();
  }

  /** Thumbnails first: they are here or come in a moment. */
  preview() {
    for (const { hash } of this.wanted) {
      if (this.full.has(hash)) continue;
      const url = this.store.thumbs.get(hash);
      if (!url) this.store.want(hash);
      if (!url || this.small.has(hash)) continue;
      this.small.set(hash, { url, image: null });
      lookImage(url).then(
        (image) => {
          this.small.set(hash, { url, image });
          if (!this.closed) this.changed();
        },
        () => this.small.delete(hash),
      );
    }
    const wanted = new Set(this.wanted.map((each) => each.hash));
    for (const hash of this.small.keys()) if (!wanted.has(hash)) this.small.delete(hash);
  }

  /** Load what is missing, and say of what does not fit that it stays a preview. */
  pump() {
    this.left.clear();
    let bytes = 0;
    for (const { hash, width, height } of this.wanted) {
      bytes += width * height * 4;
      if (bytes > this.limit && bytes > width * height * 4) {
        bytes -= width * height * 4;
        this.left.add(hash);
      } else if (this.full.has(hash)) this.touch(hash);
      else if (this.loading.size < LOOK_LOADING && !this.loading.has(hash) && !this.failed.has(hash)) this.load(hash);
    }
    this.trim();
    if (!this.loading.size) this.setBusy(false);
  }

  touch(hash) {
    const bitmap = this.full.get(hash);
    this.full.delete(hash);
    this.full.set(hash, bitmap);
  }

  async load(hash) {
    this.loading.add(hash);
    this.timer ||= setTimeout(() => this.setBusy(true), LOOK_BUSY_AFTER);
    try {
      const { url } = await this.store.original(hash);
      const bitmap = await createImageBitmap(await lookImage(url));
      if (this.closed) bitmap.close();
      else this.full.set(hash, bitmap);
    } catch (error) {
      this.failed.set(hash, error.message || "it cannot be read");
    }
    this.loading.delete(hash);
    this.setBusy(false);
    if (this.closed) return;
    this.pump();
    this.changed();
  }

  setBusy(busy) {
    clearTimeout(this.timer);
    this.timer = 0;
    if (this.loading.size && !busy && !this.closed) this.timer = setTimeout(() => this.setBusy(true), LOOK_BUSY_AFTER);
    if (this.busy === busy) return;
    this.busy = busy;
    if (!this.closed) this.changed();
  }

  /** Close the oldest that nobody looks at, down to the limit. */
  trim() {
    const wanted = new Set(this.wanted.map((each) => each.hash).filter((hash) => !this.left.has(hash)));
    let bytes = 0;
    for (const bitmap of this.full.values()) bytes += bitmap.width * bitmap.height * 4;
    for (const [hash, bitmap] of this.full) {
      if (bytes <= this.limit) break;
      if (wanted.has(hash)) continue;
      bytes -= bitmap.width * bitmap.height * 4;
      this.full.delete(hash);
      bitmap.close();
    }
  }
}

/**
 * Subtract pixels (RGBA bytes as a canvas gives them) from others: the absolute difference of each channel into `out`.
 * Where pixels are transparent, colours count as far as they are seen, and the transparency itself counts for all channels.
 * Returns {differing, largest, sum}: of each pixel, its channel that differs most counts.
 */
function lookSubtract(a, b, out) {
  let differing = 0;
  let largest = 0;
  let sum = 0;
  for (let at = 0; at < a.length; at += 4) {
    const [alphaA, alphaB] = [a[at + 3], b[at + 3]];
    const veil = Math.abs(alphaA - alphaB);
    let most = 0;
    for (let channel = at; channel < at + 3; channel++) {
      const apart =
        alphaA === 255 && alphaB === 255
          ? Math.abs(a[channel] - b[channel])
          : Math.max(veil, Math.round(Math.abs(a[channel] * alphaA - b[channel] * alphaB) / 255));
      out[channel] = apart;
      if (apart > most) most = apart;
    }
    out[at + 3] = 255;
    if (!most) continue;
    differing += 1;
    sum += most;
    if (most > largest) largest = most;
  }
  return { differing, largest, sum };
}

/** The difference between the base and one picture. It is worked out in slices; `changed()` is called when it is there. */
class LookDifference {
  constructor(base, size, source, frame, changed) {
    this.area = lookOverlap(size, frame);
    this.raw = null; // ImageData
    this.facts = null; // {differing, largest, mean, count}
    this.canvas = null;
    this.gain = 0;
    this.dropped = false;
    if (this.area) this.work(base, size, source, frame, changed);
  }

  async work(base, size, source, frame, changed) {
    const { x, y, width, height } = this.area;
    const rows = Math.max(1, Math.floor(LOOK_STRIPE / width));
    const pens = [0, 1].map(() => h("canvas", { width, height: Math.min(rows, height) }).getContext("2d", { willReadFrequently: true }));
    const raw = new ImageData(width, height);
    const total = { differing: 0, largest: 0, sum: 0 };
    let since = performance.now();
    for (let top = 0; top < height; top += rows) {
      const many = Math.min(rows, height - top);
      const [a, b] = [
        [base, { x: 0, y: 0, ...size }],
        [source, frame],
      ].map(([image, at], place) => {
        pens[place].clearRect(0, 0, width, many);
        pens[place].imageSmoothingQuality = "high";
        pens[place].drawImage(image, at.x - x, at.y - y - top, at.width, at.height);
        return pens[place].getImageData(0, 0, width, many).data;
      });
      const some = lookSubtract(a, b, raw.data.subarray(top * width * 4, (top + many) * width * 4));
      total.differing += some.differing;
      total.sum += some.sum;
      total.largest = Math.max(total.largest, some.largest);
      if (performance.now() - since < LOOK_SLICE) continue;
      await new Promise((go) => setTimeout(go));
      if (this.dropped) return;
      since = performance.now();
    }
    this.raw = raw;
    this.facts = { ...total, mean: total.sum / (width * height), count: width * height };
    changed();
  }

  /** A canvas of it, every channel so many times as strong; null while it is not there. */
  shown(gain) {
    if (!this.raw) return null;
    if (this.gain === gain) return this.canvas;
    const { width, height } = this.area;
    this.canvas ||= h("canvas", { width, height });
    const table = Uint8ClampedArray.from({ length: 256 }, (_, value) => value * gain);
    const image = new ImageData(width, height);
    for (let at = 0; at < image.data.length; at += 4) {
      for (let channel = at; channel < at + 3; channel++) image.data[channel] = table[this.raw.data[channel]];
      image.data[at + 3] = 255;
    }
    this.canvas.getContext("2d").putImageData(image, 0, 0);
    this.gain = gain;
    return this.canvas;
  }

  /** It in words. */
  words() {
    if (!this.area) return "nothing of the two lies on each other";
    if (!this.facts) return "being worked out";
    const { differing, largest, mean, count } = this.facts;
    if (!differing) return "no pixel differs";
    const share = (100 * differing) / count;
    const much = share < 0.1 ? `${differing} of ${count}` : `${share.toFixed(1)} % of the`;
    return `${much} pixels differ: mean ${mean.toFixed(1)}, largest ${largest} of 255`;
  }
}
