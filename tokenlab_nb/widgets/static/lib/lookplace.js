// Where pictures lie when they are held against each other, and what of that a pane shows. No nodes here.
// One world for all panes: its unit is a pixel of the base, its corner the base's corner.

const LOOK_MOST = 32; // screen pixels for each pixel of the base
const LOOK_LEAST = 0.02;

/**
 * Where a picture lies in the world, its middle on the base's: {x, y, width, height, factor}.
 * By pixels nothing is scaled; by frame it is scaled, as a whole, into the base's frame.
 */
function lookFrame(base, size, byFrame) {
  const factor = byFrame ? Math.min(base.width / size.width, base.height / size.height) : 1;
  const [width, height] = [Math.round(size.width * factor), Math.round(size.height * factor)];
  return { x: Math.floor((base.width - width) / 2), y: Math.floor((base.height - height) / 2), width, height, factor };
}

/** The part of the base that a frame covers: {x, y, width, height}; null where it covers none. */
function lookOverlap(base, frame) {
  const [x, y] = [Math.max(0, frame.x), Math.max(0, frame.y)];
  const width = Math.min(base.width, frame.x + frame.width) - x;
  const height = Math.min(base.height, frame.y + frame.height) - y;
  return width > 0 && height > 0 ? { x, y, width, height } : null;
}

/** What two sizes mean for a comparison, in words; empty where they are the same. */
function lookSizeWords(base, size, byFrame) {
  if (base.width === size.width && base.height === size.height) return "";
  if (!byFrame) return "another size than the base: not scaled, middle on middle";
  const { factor } = lookFrame(base, size, true);
  const sameShape = Math.abs(base.width * size.height - base.height * size.width) <= Math.max(base.width, base.height);
  const share = `${Number((factor * 100).toPrecision(3))} %`;
  const scaled = factor === 1 ? "not scaled: it fits" : `scaled to ${share} to fit`;
  return `${scaled} the base's ${base.width} × ${base.height}${sameShape ? "" : ", another shape"}`;
}

/** What all panes show: one zoom and one place. Lengths on the screen are in its own pixels. */
class LookView {
  constructor() {
    this.scale = 1; // screen pixels for each pixel of the base
    this.x = 0; // the place of the world that is in the middle of every pane
    this.y = 0;
    this.fitted = true;
    this.world = { x: 0, y: 0, width: 1, height: 1 };
    this.room = { width: 1, height: 1 };
  }

  /** All of these frames make the world. */
  setWorld(frames) {
    const left = Math.min(...frames.map((each) => each.x));
    const top = Math.min(...frames.map((each) => each.y));
    const right = Math.max(...frames.map((each) => each.x + each.width));
    const bottom = Math.max(...frames.map((each) => each.y + each.height));
    this.world = { x: left, y: top, width: right - left, height: bottom - top };
    this.settle();
  }

  /** The size of every pane. */
  setRoom(width, height) {
    this.room = { width, height };
    this.settle();
  }

  settle() {
    if (this.fitted) this.fit();
    else this.place(this.x, this.y);
  }

  get fitScale() {
    return Math.min(LOOK_MOST, this.room.width / this.world.width, this.room.height / this.world.height);
  }

  fit() {
    this.fitted = true;
    this.scale = this.fitScale;
    this.place(this.world.x + this.world.width / 2, this.world.y + this.world.height / 2);
  }

  /** Zoom so that what lies at (dx, dy) from the panes' middle stays there. */
  zoomTo(scale, dx = 0, dy = 0) {
    const next = Math.max(Math.min(LOOK_LEAST, this.fitScale), Math.min(LOOK_MOST, scale));
    const by = 1 / this.scale - 1 / next;
    this.fitted = false;
    this.scale = next;
    this.place(this.x + dx * by, this.y + dy * by);
  }

  /** Move what is shown by so many pixels of the screen. */
  pan(dx, dy) {
    this.fitted = false;
    this.place(this.x - dx / this.scale, this.y - dy / this.scale);
  }

  /** Put a place of the world in the middle; what is smaller than a pane stays in its middle. */
  place(x, y) {
    const within = (at, start, length, room) => {
      const half = Math.min(length, room / this.scale) / 2;
      return Math.min(start + length - half, Math.max(start + half, at));
    };
    this.x = within(x, this.world.x, this.world.width, this.room.width);
    this.y = within(y, this.world.y, this.world.height, this.room.height);
  }

  /** Where a frame falls in a pane of this size; its corner on a whole pixel of the screen, so 100 % is exact. */
  onScreen(frame, width, height) {
    return {
      x: Math.round(width / 2 + (frame.x - this.x) * this.scale),
      y: Math.round(height / 2 + (frame.y - this.y) * this.scale),
      width: frame.width * this.scale,
      height: frame.height * this.scale,
    };
  }
}
