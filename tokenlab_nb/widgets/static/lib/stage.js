// The picture with its mask on two canvases: zoom, pan, and drawing only what changed.
// The mask is drawn as it falls on the screen's pixels, so its edge is equally clear at every zoom.

const TINT = [227, 0, 140];
const DIM = [70, 70, 70, 215];
const HATCH_GAP = 9; // CSS pixels
const ZOOM_STEP = 1.4;
const MOST_ZOOM = 24; // CSS pixels for each pixel of the picture

/** A colour as one number of an ImageData's memory. */
function pixelOf(red, green, blue, alpha = 255) {
  return new Uint32Array(new Uint8ClampedArray([red, green, blue, alpha]).buffer)[0];
}

/**
 * Where stretches of screen pixels fall on a row or column of the mask: [from, to) for each; to = from outside of it.
 * `scale` is screen pixels for each pixel of the mask.
 */
function stretches(first, count, origin, scale, length) {
  const from = new Int32Array(count);
  const to = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const start = (first + i - origin) / scale;
    const low = scale >= 1 ? Math.floor(start + 0.5 / scale) : Math.floor(start);
    const high = scale >= 1 ? low + 1 : Math.floor(start + 1 / scale);
    from[i] = Math.max(0, low);
    to[i] = Math.max(from[i], Math.min(length, high));
  }
  return { from, to };
}

/** One byte for each screen pixel of a rectangle: whether any pixel of the mask under it is set. */
function sampleMask(mask, width, columns, rows) {
  const wide = columns.from.length;
  const flags = new Uint8Array(wide * rows.from.length);
  for (let j = 0; j < rows.from.length; j++) {
    for (let y = rows.from[j]; y < rows.to[j]; y++) {
      const row = y * width;
      for (let i = 0, at = j * wide; i < wide; i++, at++) {
        if (flags[at]) continue;
        for (let x = columns.from[i]; x < columns.to[i]; x++) {
          if (mask[row + x]) {
            flags[at] = 1;
            break;
          }
        }
      }
    }
  }
  return flags;
}

class MaskStage {
  constructor(store, node) {
    this.store = store;
    this.node = node;
    this.picture = h("canvas", { class: "tlnb-mask-canvas", "aria-hidden": "true" });
    this.overlay = h("canvas", { class: "tlnb-mask-canvas", "aria-hidden": "true" });
    node.prepend(this.picture, this.overlay);
    this.strength = 0.5;
    this.only = false; // whether only what will change is shown
    this.fitted = true;
    this.zoom = 1; // CSS pixels for each pixel of the picture
    this.left = 0; // CSS pixels
    this.top = 0;
    this.frame = 0;
    this.dirty = null; // in pixels of the mask
    this.all = true;
    this.moved = () => {}; // called after each drawing that changed the view
    this.sizes = new ResizeObserver(() => this.resize());
    this.sizes.observe(node);
  }

  get dense() {
    return this.picture.width / (this.node.clientWidth || 1) || 1;
  }

  get isReady() {
    return Boolean(this.store.mask && this.store.bitmap);
  }

  resize() {
    const { clientWidth, clientHeight } = this.node;
    if (!clientWidth || !clientHeight) return;
    const wide = Math.round(clientWidth * devicePixelRatio);
    const high = Math.round(clientHeight * devicePixelRatio);
    for (const canvas of [this.picture, this.overlay]) {
      if (canvas.width !== wide) canvas.width = wide;
      if (canvas.height !== high) canvas.height = high;
    }
    if (this.fitted) this.fit();
    else this.place(this.left, this.top);
  }

  // ---- the view

  get fitZoom() {
    const { width, height } = this.store;
    if (!width) return 1;
    return Math.min(this.node.clientWidth / width, this.node.clientHeight / height, MOST_ZOOM);
  }

  fit() {
    this.fitted = true;
    this.zoom = this.fitZoom;
    this.place(0, 0);
  }

  /** Zoom so that the point of the stage at (x, y) stays where it is; by default its middle. */
  zoomTo(zoom, x = this.node.clientWidth / 2, y = this.node.clientHeight / 2) {
    const next = Math.max(this.fitZoom / 2, Math.min(Math.max(MOST_ZOOM, this.fitZoom), zoom));
    const ratio = next / this.zoom;
    this.fitted = false;
    this.zoom = next;
    this.place(x - (x - this.left) * ratio, y - (y - this.top) * ratio);
  }

  pan(dx, dy) {
    this.fitted = false;
    this.place(this.left + dx, this.top + dy);
  }

  /** Put the picture's corner there; what is smaller than the stage stays in its middle. */
  place(left, top) {
    const within = (at, size, room) => (size <= room ? (room - size) / 2 : Math.min(0, Math.max(room - size, at)));
    this.left = within(left, this.store.width * this.zoom, this.node.clientWidth);
    this.top = within(top, this.store.height * this.zoom, this.node.clientHeight);
    this.redraw();
  }

  /** Bring a pixel of the picture into view. */
  reveal({ x, y }) {
    const margin = 24;
    const [atX, atY] = [this.left + x * this.zoom, this.top + y * this.zoom];
    const step = (at, room) => (at < margin ? margin - at : at > room - margin ? room - margin - at : 0);
    const [dx, dy] = [step(atX, this.node.clientWidth), step(atY, this.node.clientHeight)];
    if ((dx || dy) && this.zoom > this.fitZoom) this.pan(dx, dy);
  }

  /** A place on the page as a place in the picture, in its pixels. */
  toPicture({ clientX, clientY }) {
    const frame = this.node.getBoundingClientRect();
    const [x, y] = [clientX - frame.left - this.node.clientLeft, clientY - frame.top - this.node.clientTop];
    return { x: (x - this.left) / this.zoom, y: (y - this.top) / this.zoom };
  }

  // ---- drawing

  redraw() {
    this.all = true;
    this.drawSoon();
  }

  /** Draw a box of the mask again. */
  mark(box) {
    this.dirty = joinBoxes(this.dirty, box);
    this.drawSoon();
  }

  drawSoon() {
    this.frame ||= requestAnimationFrame(() => {
      this.frame = 0;
      const { all, dirty } = this;
      this.all = false;
      this.dirty = null;
      if (all) this.drawPicture();
      if (all || dirty) this.drawMask(all ? null : dirty);
      if (all) this.moved();
    });
  }

  drawPicture() {
    const context = this.picture.getContext("2d");
    context.clearRect(0, 0, this.picture.width, this.picture.height);
    const { bitmap, width, height } = this.store;
    if (!bitmap) return;
    const scale = this.zoom * this.dense;
    // Enlarged so much, single pixels are what one wants to see.
    context.imageSmoothingEnabled = (scale * width) / bitmap.width < 3;
    context.imageSmoothingQuality = "high";
    context.drawImage(bitmap, this.left * this.dense, this.top * this.dense, width * scale, height * scale);
  }

  /** The part of the overlay that a box of the mask (null: all of it) falls on, its edge included; in screen pixels. */
  screenBox(box) {
    const { dense } = this;
    const scale = this.zoom * dense;
    const rim = Math.ceil(dense) + 1;
    const { x0, y0, x1, y1 } = box || this.store.full;
    const area = {
      x0: Math.floor(this.left * dense + x0 * scale) - rim,
      y0: Math.floor(this.top * dense + y0 * scale) - rim,
      x1: Math.ceil(this.left * dense + x1 * scale) + rim,
      y1: Math.ceil(this.top * dense + y1 * scale) + rim,
    };
    return clipBox(area, this.overlay.width, this.overlay.height);
  }

  drawMask(box) {
    const context = this.overlay.getContext("2d");
    if (!box) context.clearRect(0, 0, this.overlay.width, this.overlay.height);
    const area = this.isReady && this.screenBox(box);
    if (!area) return;
    const image = context.createImageData(area.x1 - area.x0, area.y1 - area.y0);
    this.colour(new Uint32Array(image.data.buffer), area);
    context.putImageData(image, area.x0, area.y0);
  }

  /** Tint with a hatch, and an edge of two lines, a black one inside and a white one outside: seen on any picture. */
  colour(pixels, area) {
    const { mask, width, height } = this.store;
    const { dense } = this;
    const scale = this.zoom * dense;
    const [originX, originY] = [this.left * dense, this.top * dense];
    const rim = Math.max(1, Math.round(dense));
    const wide = area.x1 - area.x0;
    const high = area.y1 - area.y0;
    const columns = stretches(area.x0 - rim, wide + 2 * rim, originX, scale, width);
    const rows = stretches(area.y0 - rim, high + 2 * rim, originY, scale, height);
    const flags = sampleMask(mask, width, columns, rows);
    const across = wide + 2 * rim;
    const down = across * rim;
    const tint = this.only ? 0 : pixelOf(...TINT, Math.round(255 * this.strength));
    const hatch = this.only ? 0 : pixelOf(255, 255, 255, Math.round(255 * Math.min(1, this.strength + 0.15)));
    const dim = this.only ? pixelOf(...DIM) : 0;
    const inner = pixelOf(0, 0, 0);
    const outer = pixelOf(255, 255, 255);
    const gap = Math.round(HATCH_GAP * dense);
    const slope = Math.round(area.x0 - originX + area.y0 - originY) + gap * 10000;
    const inColumn = columns.from.map((from, i) => (columns.to[i] > from ? 1 : 0));
    for (let j = 0, to = 0; j < high; j++) {
      const inRow = rows.to[j + rim] > rows.from[j + rim];
      for (let i = 0, at = (j + rim) * across + rim; i < wide; i++, at++, to++) {
        const set = flags[at];
        // prettier-ignore
        const around = flags[at - rim] + flags[at + rim] + flags[at - down] + flags[at + down] +
          flags[at - down - rim] + flags[at - down + rim] + flags[at + down - rim] + flags[at + down + rim];
        if (set) pixels[to] = around < 8 ? inner : (slope + i + j) % gap < rim ? hatch : tint;
        else if (around) pixels[to] = outer;
        else if (dim && inRow && inColumn[i + rim]) pixels[to] = dim;
      }
    }
  }

  close() {
    cancelAnimationFrame(this.frame);
    this.sizes.disconnect();
  }
}
