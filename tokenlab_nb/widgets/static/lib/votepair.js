// Two pictures beside each other, at one zoom and place, with nothing about them that tells where they come from.

const PAIR_MOST_ZOOM = 16;
const PAIR_STEP = 1.25;
const PAIR_PAN = 0.12; // of what a pane shows, for each press of an arrow

/**
 * Returns `{node, tools, show(pictures), wait(text), key(event), reset()}`: `pictures` are two decoded images.
 * The place is a share of each picture, not a pixel: pictures of different sizes show the same part.
 */
function pairStage() {
  const view = { zoom: 1, x: 0.5, y: 0.5 };
  const panes = ["A", "B"].map((letter) => makePane(letter));
  const waiting = h("p", { class: "tlnb-pair-waiting", role: "status", hidden: true });
  const node = h("div", { class: "tlnb-pair", tabindex: "0", role: "group", "aria-label": "Pictures A and B" }, ...panes.map((pane) => pane.node), waiting);
  const said = h("output", { class: "tlnb-pair-zoom", "aria-label": "Zoom" });
  const button = (text, label, on) => h("button", { class: "tlnb-button", type: "button", text, "aria-label": label, title: label, on: { click: on } });
  const fit = button("Fit", "Fit both pictures (0)", () => reset());
  const tools = h(
    "div",
    { class: "tlnb-pair-tools", role: "group", "aria-label": "Zoom of both pictures" },
    button("−", "Smaller (−)", () => zoomTo(view.zoom / PAIR_STEP)),
    said,
    button("+", "Larger (+)", () => zoomTo(view.zoom * PAIR_STEP)),
    fit,
  );
  const watcher = new ResizeObserver(() => draw());
  for (const pane of panes) watcher.observe(pane.frame);

  function makePane(letter) {
    const frame = h("div", { class: "tlnb-pair-frame" });
    const node = h("figure", { class: "tlnb-pair-side" }, h("figcaption", { class: "tlnb-pair-letter", text: letter }), frame);
    const pane = { letter, frame, node, img: null };
    const pointers = new Map();
    frame.addEventListener(
      "wheel",
      (event) => {
        event.preventDefault();
        zoomTo(view.zoom * Math.exp(-event.deltaY * (event.deltaMode ? 0.05 : 0.0015)), pane, event);
      },
      { passive: false },
    );
    frame.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      frame.setPointerCapture(event.pointerId);
      pointers.set(event.pointerId, { x: event.clientX, y: event.clientY });
    });
    frame.addEventListener("pointermove", (event) => {
      const from = pointers.get(event.pointerId);
      if (!from) return;
      const others = [...pointers].filter(([id]) => id !== event.pointerId).map(([, at]) => at);
      const at = { x: event.clientX, y: event.clientY };
      pointers.set(event.pointerId, at);
      if (others.length) {
        const apart = (point) => Math.max(1, Math.hypot(point.x - others[0].x, point.y - others[0].y));
        zoomTo((view.zoom * apart(at)) / apart(from), pane, event);
      } else {
        const { width, height } = fitted(pane);
        moveTo(view.x - (at.x - from.x) / (width * view.zoom), view.y - (at.y - from.y) / (height * view.zoom));
      }
    });
    for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, (event) => pointers.delete(event.pointerId));
    frame.addEventListener("dblclick", (event) => (view.zoom > 1 ? reset() : zoomTo(3, pane, event)));
    return pane;
  }

  /** How large a pane's picture stands there when it fits. */
  function fitted({ frame, img }) {
    const [width, height] = [img?.naturalWidth || 1, img?.naturalHeight || 1];
    const scale = Math.min(frame.clientWidth / width, frame.clientHeight / height) || 1;
    return { width: width * scale, height: height * scale };
  }

  /** Zoom; the part of the picture under the pointer, or in the middle, stays where it is. */
  function zoomTo(zoom, pane = null, event = null) {
    const next = Math.min(PAIR_MOST_ZOOM, Math.max(1, zoom));
    let [x, y] = [view.x, view.y];
    if (pane) {
      const box = pane.frame.getBoundingClientRect();
      const { width, height } = fitted(pane);
      const still = 1 / view.zoom - 1 / next;
      x += ((event.clientX - box.left - box.width / 2) / width) * still;
      y += ((event.clientY - box.top - box.height / 2) / height) * still;
    }
    view.zoom = next;
    moveTo(x, y);
  }

  function moveTo(x, y) {
    // As far as the pane that shows least of its picture needs: both stay at the same place.
    const half = (side) => Math.min(0.5, ...panes.map((pane) => pane.frame[side === "width" ? "clientWidth" : "clientHeight"] / (2 * fitted(pane)[side] * view.zoom)));
    const within = (value, least) => Math.min(1 - least, Math.max(least, value));
    view.x = within(x, half("width"));
    view.y = within(y, half("height"));
    draw();
  }

  function draw() {
    for (const pane of panes) {
      if (!pane.img) continue;
      const { width, height } = fitted(pane);
      pane.img.style.width = `${width}px`;
      pane.img.style.height = `${height}px`;
      pane.img.style.transform = `translate(${(0.5 - view.x) * width * view.zoom}px, ${(0.5 - view.y) * height * view.zoom}px) scale(${view.zoom})`;
    }
    node.toggleAttribute("data-zoomed", view.zoom > 1);
    setText(said, `×${view.zoom.toFixed(1)}`);
    setAttr(fit, "aria-pressed", String(view.zoom === 1));
  }

  function reset() {
    Object.assign(view, { zoom: 1, x: 0.5, y: 0.5 });
    draw();
  }

  function show(pictures) {
    panes.forEach((pane, place) => {
      pane.img = pictures[place];
      setAttr(pane.img, "alt", `Picture ${pane.letter}`);
      setAttr(pane.img, "draggable", "false"); // a drag moves both, and would carry the file away
      pane.frame.replaceChildren(pane.img);
    });
    setShown(waiting, false);
    node.removeAttribute("data-waiting");
    reset();
  }

  /** Show words and no pictures. */
  function wait(text) {
    for (const pane of panes) {
      pane.img = null;
      pane.frame.replaceChildren();
    }
    setText(waiting, text);
    setShown(waiting, true);
    setAttr(node, "data-waiting", true);
  }

  /** Take a key; returns whether it was one of these. */
  function key(event) {
    const step = PAIR_PAN / view.zoom;
    const pan = { ArrowLeft: [-step, 0], ArrowRight: [step, 0], ArrowUp: [0, -step], ArrowDown: [0, step] }[event.key];
    if (pan && view.zoom > 1 && (event.shiftKey || pan[1])) moveTo(view.x + pan[0], view.y + pan[1]);
    else if (event.key === "+" || event.key === "=") zoomTo(view.zoom * PAIR_STEP);
    else if (event.key === "-" || event.key === "_") zoomTo(view.zoom / PAIR_STEP);
    else if (event.key === "0") reset();
    else return false;
    return true;
  }

  reset();
  return { node, tools, show, wait, key, reset, close: () => watcher.disconnect() };
}
