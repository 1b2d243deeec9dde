// One pane: what it is, in words, and its canvas.

const LOOK_TILE = 12; // CSS pixels of a square of the chequerboard
const LOOK_CRISP = 3; // enlarged so much, single pixels are what one wants to see

const LOOK_BOARDS = new Map();

/** Four squares of a chequerboard, light and dark enough to see either. */
function lookBoard(size) {
  if (!LOOK_BOARDS.has(size)) {
    const tile = h("canvas", { width: 2 * size, height: 2 * size });
    const pen = tile.getContext("2d");
    pen.fillStyle = "#ffffff";
    pen.fillRect(0, 0, 2 * size, 2 * size);
    pen.fillStyle = "#e4e4e4";
    pen.fillRect(0, 0, size, size);
    pen.fillRect(size, size, size, size);
    LOOK_BOARDS.set(size, tile);
  }
  return LOOK_BOARDS.get(size);
}

/** Draws onto a pane's canvas; `dense` is screen pixels for each CSS pixel. */
class LookBrush {
  constructor(canvas, view, dense) {
    this.pen = canvas.getContext("2d");
    this.view = view;
    this.dense = dense;
    this.wide = canvas.width;
    this.high = canvas.height;
  }

  clear() {
    this.pen.clearRect(0, 0, this.wide, this.high);
  }

  /** Only between two shares of the width. */
  within(from, to, draw) {
    this.pen.save();
    this.pen.beginPath();
    this.pen.rect(Math.round(from * this.wide), 0, Math.round(to * this.wide) - Math.round(from * this.wide), this.high);
    this.pen.clip();
    draw();
    this.pen.restore();
  }

  /** A picture on its chequerboard, which only what is transparent lets through. */
  picture(source, frame) {
    const { x, y, width, height } = this.view.onScreen(frame, this.wide, this.high);
    const { pen } = this;
    pen.save();
    pen.translate(x, y);
    pen.fillStyle = this.board();
    pen.fillRect(0, 0, width, height);
    pen.translate(-x, -y);
    this.image(source, { x, y, width, height });
    pen.restore();
  }

  board() {
    return this.pen.createPattern(lookBoard(Math.round(LOOK_TILE * this.dense)), "repeat");
  }

  image(source, { x, y, width, height }) {
    const wide = source.naturalWidth || source.width;
    this.pen.imageSmoothingEnabled = width / wide < LOOK_CRISP;
    this.pen.imageSmoothingQuality = "high";
    this.pen.drawImage(source, x, y, width, height);
  }

  difference(canvas, area, base, frame) {
    this.image(canvas, this.view.onScreen(area, this.wide, this.high));
    const isSame = ["x", "y", "width", "height"].every((each) => base[each] === frame[each]);
    for (const each of isSame ? [] : [base, frame]) this.outline(each);
  }

  /** The edge of a picture that is not shown itself: dashed, light on dark. */
  outline(frame) {
    const { x, y, width, height } = this.view.onScreen(frame, this.wide, this.high);
    const { pen } = this;
    pen.save();
    pen.lineWidth = Math.max(1, Math.round(this.dense));
    for (const [colour, shift] of [
      ["#000000", 0],
      ["#ffffff", 4 * this.dense],
    ]) {
      pen.strokeStyle = colour;
      pen.setLineDash([4 * this.dense, 4 * this.dense]);
      pen.lineDashOffset = shift;
      pen.strokeRect(x - 0.5, y - 0.5, width + 1, height + 1);
    }
    pen.restore();
  }
}

/** A pane's nodes; `tell` sets its words. `item` is what it shows, kept by whoever made it. */
class LookPane {
  constructor() {
    this.item = null;
    this.visible = false;
    this.mark = h("span", { class: "tlnb-look-mark" });
    this.name = h("span", { class: "tlnb-look-name" });
    this.facts = h("span", { class: "tlnb-look-facts" });
    this.canvas = h("canvas", { class: "tlnb-look-canvas", role: "img" });
    this.left = h("span", { class: "tlnb-look-badge", "aria-hidden": "true" });
    this.right = h("span", { class: "tlnb-look-badge", "data-right": true, "aria-hidden": "true" });
    this.line = h("div", { class: "tlnb-look-line", "aria-hidden": "true" });
    this.words = h("div", { class: "tlnb-look-words" });
    this.cross = h("div", { class: "tlnb-look-cross", "aria-hidden": "true" });
    this.ground = h("div", { class: "tlnb-look-ground" }, this.canvas, this.line, this.left, this.right, this.words, this.cross);
    const title = h("div", { class: "tlnb-look-title" }, this.mark, this.name);
    this.node = h("figure", { class: "tlnb-look-pane" }, h("figcaption", {}, title, this.facts), this.ground);
  }

  /** `said`: {mark, name, full, facts, alt, words, line, isMarked}; `words` stand in place of a picture. */
  tell(said) {
    setText(this.mark, said.mark);
    setShown(this.mark, Boolean(said.mark));
    setText(this.name, said.name);
    setText(this.facts, said.facts);
    setAttr(this.name, "title", said.full);
    setAttr(this.canvas, "aria-label", said.alt);
    setShown(this.canvas, !said.words);
    setText(this.words, said.words);
    setShown(this.words, Boolean(said.words));
    setShown(this.line, said.line);
    setAttr(this.node, "aria-current", said.isMarked ? "true" : null);
  }

  /** Which is which, on the picture itself. */
  badge(left, right) {
    setText(this.left, left);
    setShown(this.left, Boolean(left));
    setText(this.right, right);
    setShown(this.right, Boolean(right));
  }

  /** Give the canvas its ground's pixels; none while it is out of sight. Returns whether there is anything to draw on. */
  size(dense) {
    const [wide, high] = this.visible ? [this.ground.clientWidth * dense, this.ground.clientHeight * dense].map(Math.round) : [0, 0];
    if (this.canvas.width !== wide) this.canvas.width = wide;
    if (this.canvas.height !== high) this.canvas.height = high;
    return wide > 0 && high > 0;
  }
}
