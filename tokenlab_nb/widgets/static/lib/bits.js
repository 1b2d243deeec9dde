// A mask as pixels: one byte each, 1 = will change. Plain functions, exact to the pixel, no antialiasing.
// A box is {x0, y0, x1, y1} in pixels, its far sides not included.

/** The part of a box that lies in the mask; null where nothing does. */
function clipBox(box, width, height) {
  const [x0, y0] = [Math.max(0, box.x0), Math.max(0, box.y0)];
  const [x1, y1] = [Math.min(width, box.x1), Math.min(height, box.y1)];
  return x0 < x1 && y0 < y1 ? { x0, y0, x1, y1 } : null;
}

/** The box around two boxes, either of which may be null. */
function joinBoxes(a, b) {
  if (!a || !b) return a || b;
  return { x0: Math.min(a.x0, b.x0), y0: Math.min(a.y0, b.y0), x1: Math.max(a.x1, b.x1), y1: Math.max(a.y1, b.y1) };
}

/**
 * Set all pixels whose centres lie within `radius` of the way from `a` to `b`: a disc that is drawn along it.
 * Returns the box that it may have touched, or null.
 */
function paintSegment(mask, width, height, a, b, radius, value) {
  const box = clipBox(
    {
      x0: Math.floor(Math.min(a.x, b.x) - radius),
      y0: Math.floor(Math.min(a.y, b.y) - radius),
      x1: Math.ceil(Math.max(a.x, b.x) + radius) + 1,
      y1: Math.ceil(Math.max(a.y, b.y) + radius) + 1,
    },
    width,
    height,
  );
  if (!box) return null;
  const length = Math.hypot(b.x - a.x, b.y - a.y);
  const nx = length ? (-(b.y - a.y) / length) * radius : 0;
  const ny = length ? ((b.x - a.x) / length) * radius : 0;
  const corners = [
    [a.x + nx, a.y + ny],
    [b.x + nx, b.y + ny],
    [b.x - nx, b.y - ny],
    [a.x - nx, a.y - ny],
  ];
  const slack = 1e-7; // a centre that lies on the rim belongs to the disc
  for (let y = box.y0; y < box.y1; y++) {
    // The shape is convex: what it covers of a row is one stretch.
    let low = Infinity;
    let high = -Infinity;
    const row = y + 0.5;
    for (const end of [a, b]) {
      const rest = radius * radius - (row - end.y) * (row - end.y);
      if (rest < -slack) continue;
      const half = Math.sqrt(Math.max(0, rest));
      low = Math.min(low, end.x - half);
      high = Math.max(high, end.x + half);
    }
    for (let i = 0; i < 4; i++) {
      const [px, py] = corners[i];
      const [qx, qy] = corners[(i + 1) % 4];
      if (py === qy || (row - py) * (row - qy) > 0) continue;
      const x = px + ((row - py) / (qy - py)) * (qx - px);
      low = Math.min(low, x);
      high = Math.max(high, x);
    }
    const from = Math.max(box.x0, Math.ceil(low - 0.5 - slack));
    const to = Math.min(box.x1, Math.floor(high - 0.5 + slack) + 1);
    if (from < to) mask.fill(value, y * width + from, y * width + to);
  }
  return box;
}

/** Set all pixels of a box; returns what of it lies in the mask, or null. */
function paintBox(mask, width, height, box, value) {
  const inside = clipBox(box, width, height);
  if (!inside) return null;
  for (let y = inside.y0; y < inside.y1; y++) mask.fill(value, y * width + inside.x0, y * width + inside.x1);
  return inside;
}

/** Turn every pixel round. */
function invertAll(mask) {
  for (let i = 0; i < mask.length; i++) mask[i] ^= 1;
}

/** A copy of the pixels in a box. */
function cutBox(mask, width, box) {
  const wide = box.x1 - box.x0;
  const pixels = new Uint8Array(wide * (box.y1 - box.y0));
  for (let y = box.y0, at = 0; y < box.y1; y++, at += wide) {
    pixels.set(mask.subarray(y * width + box.x0, y * width + box.x1), at);
  }
  return pixels;
}

/** Put pixels back into their box. */
function pasteBox(mask, width, box, pixels) {
  const wide = box.x1 - box.x0;
  for (let y = box.y0, at = 0; y < box.y1; y++, at += wide) {
    mask.set(pixels.subarray(at, at + wide), y * width + box.x0);
  }
}

/** How many pixels are set. */
function countSet(pixels) {
  let count = 0;
  for (let i = 0; i < pixels.length; i++) count += pixels[i];
  return count;
}

/** Lengths of alternating runs, the first one of pixels that stay; null where there are more than `most`. */
function toRuns(pixels, most) {
  const runs = [];
  let value = 0;
  for (let at = 0; at < pixels.length; value ^= 1) {
    const found = pixels.indexOf(value ^ 1, at);
    const end = found < 0 ? pixels.length : found;
    if (runs.length >= most) return null;
    runs.push(end - at);
    at = end;
  }
  return runs;
}

/**
 * A mask in the shorter of the two forms that `canvas.py` describes: `{form, bytes}`.
 * Numbers are little-endian whatever the machine is.
 */
function packMask(pixels, width, height) {
  const wide = Math.ceil(width / 8);
  const runs = toRuns(pixels, (wide * height) / 4);
  if (runs) {
    const view = new DataView(new ArrayBuffer(runs.length * 4));
    runs.forEach((run, at) => view.setUint32(at * 4, run, true));
    return { form: "runs", bytes: new Uint8Array(view.buffer) };
  }
  const bytes = new Uint8Array(wide * height);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) if (pixels[at]) bytes[y * wide + (x >> 3)] |= 0x80 >> (x & 7);
  }
  return { form: "bits", bytes };
}

/** The pixels of a packed mask. */
function unpackMask({ form, bytes }, width, height) {
  const pixels = new Uint8Array(width * height);
  if (form === "runs") {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let i = 0, at = 0; i * 4 < bytes.byteLength; i++) {
      const end = at + view.getUint32(i * 4, true);
      if (i % 2) pixels.fill(1, at, end);
      at = end;
    }
    return pixels;
  }
  const wide = Math.ceil(width / 8);
  for (let y = 0, at = 0; y < height; y++) {
    for (let x = 0; x < width; x++, at++) pixels[at] = (bytes[y * wide + (x >> 3)] >> (7 - (x & 7))) & 1;
  }
  return pixels;
}
