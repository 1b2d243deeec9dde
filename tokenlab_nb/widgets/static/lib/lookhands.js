// Pointers on the panes: drag, pinch, wheel, double click, and the line of a wipe. What they mean is up to `act`.

/** `act`: zoomBy(factor, {dx, dy} from the pane's middle), pan(dx, dy), toggle({dx, dy}), wipe(share), mark(node). CSS pixels. */
class LookHands {
  constructor(stage, act) {
    this.stage = stage;
    this.act = act;
    this.held = new Map(); // pointers that are down: id -> its last event
    this.line = 0; // the pointer that holds the line of a wipe
    const on = (name, listener, options) => stage.addEventListener(name, (event) => listener.call(this, event), options);
    on("wheel", this.onWheel, { passive: false });
    on("dblclick", (event) => this.ground(event) && act.toggle(this.fromMiddle(event, this.ground(event))));
    on("pointerdown", this.onDown);
    on("pointermove", this.onMove);
    on("pointerup", this.onUp);
    on("pointercancel", this.onUp);
    on("pointerleave", () => delete stage.dataset.pointing);
  }

  ground(event) {
    return event.target.closest(".tlnb-look-ground");
  }

  fromMiddle({ clientX, clientY }, ground) {
    const { left, top, width, height } = ground.getBoundingClientRect();
    return { dx: clientX - left - width / 2, dy: clientY - top - height / 2 };
  }

  onWheel(event) {
    const ground = this.ground(event);
    if (!ground) return; // beside the pictures it scrolls the panes
    event.preventDefault();
    this.act.zoomBy(Math.exp(-event.deltaY / (event.deltaMode ? 12 : event.ctrlKey ? 100 : 400)), this.fromMiddle(event, ground));
  }

  onDown(event) {
    const ground = this.ground(event);
    if (!ground || event.button !== 0) return;
    this.act.mark(ground);
    if (event.target.closest(".tlnb-look-line")) this.line = event.pointerId;
    this.held.set(event.pointerId, event);
    ground.setPointerCapture(event.pointerId); // it goes on past the edge
  }

  onMove(event) {
    const ground = this.ground(event);
    if (ground) this.point(event, ground);
    const last = this.held.get(event.pointerId);
    if (!last) return;
    if (this.line === event.pointerId) this.slide(event, ground);
    else if (this.held.size === 1) this.act.pan(event.clientX - last.clientX, event.clientY - last.clientY);
    else this.pinch(event, last, ground);
    this.held.set(event.pointerId, event);
  }

  onUp(event) {
    this.held.delete(event.pointerId);
    if (this.line === event.pointerId) this.line = 0;
  }

  slide(event, ground) {
    const { left, width } = ground.getBoundingClientRect();
    this.act.wipe((event.clientX - left) / width);
  }

  /** One of two fingers moved: the place between them stays under them. */
  pinch(event, last, ground) {
    const other = [...this.held].find(([id]) => id !== event.pointerId)[1];
    const apart = (a) => Math.hypot(a.clientX - other.clientX, a.clientY - other.clientY) || 1;
    const between = (a) => ({ clientX: (a.clientX + other.clientX) / 2, clientY: (a.clientY + other.clientY) / 2 });
    this.act.pan((event.clientX - last.clientX) / 2, (event.clientY - last.clientY) / 2);
    this.act.zoomBy(apart(event) / apart(last), this.fromMiddle(between(event), ground));
  }

  /** A cross at the same place in the other panes. */
  point(event, ground) {
    const { dx, dy } = this.fromMiddle(event, ground);
    this.stage.dataset.pointing = "";
    this.stage.style.setProperty("--tlnb-look-x", `${dx}px`);
    this.stage.style.setProperty("--tlnb-look-y", `${dy}px`);
  }
}
