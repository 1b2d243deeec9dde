// The frozen twin is an output beside the live widget: hidden while a view lives, and looked at for its age.

const LAG_MS = 4000;

/** Hide the twin while this view lives, and say what is wrong with it or with the kernel. Returns the clean-up. */
function besideTwin(model, store, el) {
  const page = el.ownerDocument;
  const gone = h("p", { class: "tlnb-notice", role: "status", hidden: true });
  const line = copyLine("Line");
  const stale = h(
    "div",
    { class: "tlnb-notice", hidden: true },
    "The copy of this output that is saved with the notebook is older than what you see here. To renew it, run this line in a new cell, then save.",
    line.node,
  );
  el.prepend(gone, stale);

  const style = page.createElement("style");
  let twin = "";
  const find = () => {
    twin = `.tlnb-twin-${model.get("place")}`;
    style.textContent = `${twin}, .jp-OutputArea-child:has(> .jp-OutputArea-output > ${twin}) { display: none !important; }`;
  };
  find();

  // The widget manager marks a view that was restored without a kernel; one that loses its kernel later is not marked.
  const isDead = () => store.dead || el.classList.contains("jupyter-widgets-disconnected");
  let timer = 0;
  const compare = () => {
    const found = [...page.querySelectorAll(twin)].map((node) => Number(node.dataset.revision));
    line.update(model.get("again"));
    // Voila's page has no notebook that could be saved.
    setShown(stale, !isDead() && !page.body.dataset.voila && found.length > 0 && Math.max(...found) < model.get("twin_revision"));
    if (!stale.hidden) compareLater();
  };
  const compareLater = () => {
    clearTimeout(timer);
    timer = setTimeout(compare, LAG_MS);
  };
  const live = () => {
    const dead = isDead();
    const empty = dead && store.thumbs.size === 0;
    setText(
      gone,
      !dead
        ? ""
        : empty
          ? "The kernel that made this has gone. A saved copy of its pictures stands below."
          : "The kernel that made this has gone: what is here stays until the page is reloaded, but buttons no longer answer.",
    );
    setShown(gone, dead);
    el.toggleAttribute("data-dead", dead);
    el.toggleAttribute("data-empty", empty);
    if (dead) setShown(stale, false);
    if (empty) style.remove();
    else if (!style.isConnected) page.head.append(style);
  };
  const probe = () => store.probe();
  model.on("comm_live_update", probe);
  store.listeners.add(live);
  model.on("change:twin_revision", compareLater);
  model.on("change:place", find);
  live();
  compareLater();
  return () => {
    clearTimeout(timer);
    model.off("change:twin_revision", compareLater);
    model.off("change:place", find);
    model.off("comm_live_update", probe);
    store.listeners.delete(live);
    style.remove();
  };
}
