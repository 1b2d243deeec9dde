// What went into a picture, shown in its place: the references, and the mask over the first of them.

/**
 * Tabs that switch between a result and what went in, and the layer that covers the result meanwhile.
 * `img` is the result: it keeps its size and place, and the layer lies on it, so zoom and scrolling stay as they are.
 * Returns `{tabs, layer, update(row, hasResult), select(place), current(), label(), reset(), close()}`.
 */
function comparison(store, img, { changed }) {
  const seen = h("img", { draggable: "false" });
  const tint = h("canvas", { "aria-hidden": "true", hidden: true });
  const layer = h("div", { class: "tlnb-layer", hidden: true });
  const tabs = h("div", { class: "tlnb-tabs", role: "tablist", "aria-label": "Compare", hidden: true });
  let inputs = [];
  let at = 0; // 0 is the result
  let turn = 0;
  let known = "";

  const follow = new ResizeObserver(() => {
    layer.style.width = `${img.clientWidth}px`;
    layer.style.height = `${img.clientHeight}px`;
  });
  follow.observe(img);

  function update(row, hasResult) {
    inputs = hasResult ? row.inputs : [];
    const text = JSON.stringify([row.id, inputs]);
    if (text === known) return;
    known = text;
    tabs.replaceChildren(...["Result", ...inputs.map((input) => input.label)].map(tab));
    setShown(tabs, inputs.length > 0);
    select(0);
  }

  function tab(name, place) {
    const keys = place < 9 ? { "aria-keyshortcuts": place + 1, title: `Key ${place + 1}` } : {};
    return h("button", { class: "tlnb-button tlnb-tab", type: "button", role: "tab", text: name, ...keys, on: { click: () => select(place) } });
  }

  /** Show the result (0) or one of the inputs; returns whether there is one. */
  function select(place) {
    if (place < 0 || place > inputs.length) return false;
    at = place;
    [...tabs.children].forEach((each, number) => {
      setAttr(each, "aria-selected", String(number === at));
      each.tabIndex = number === at ? 0 : -1;
    });
    paint();
    return true;
  }

  async function paint() {
    const mine = ++turn;
    const input = inputs[at - 1];
    const isMask = input?.kind === "mask";
    const under = isMask ? inputs.find((each) => each.kind === "reference") : input;
    setShown(layer, Boolean(input));
    layer.replaceChildren(...(input ? [seen, tint] : []));
    img.toggleAttribute("data-covered", Boolean(input));
    setShown(seen, false);
    setShown(tint, false);
    if (!input) return changed("");
    setAttr(seen, "alt", isMask && under ? under.label : input.label);
    changed("Loading the picture.");
    try {
      if (under) {
        seen.src = (await store.original(under.hash)).url;
        await seen.decode();
      }
      const mask = isMask ? await loaded((await store.original(input.hash)).url) : null;
      if (mine !== turn) return;
      setShown(seen, Boolean(under));
      if (mask) drawArea(tint, mask);
      setShown(tint, isMask);
      changed(isMask ? "Striped: the area that was to change." : "");
    } catch (error) {
      if (mine === turn) changed(`It cannot be shown: ${error.message}`);
    }
  }

  tabs.addEventListener("keydown", (event) => {
    const moves = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: inputs.length };
    if (!(event.key in moves) || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    if (select(moves[event.key])) tabs.children[at].focus();
  });

  return {
    tabs,
    layer,
    update,
    select,
    current: () => inputs[at - 1],
    label: () => (inputs.length ? ["Result", ...inputs.map((input) => input.label)][at] : ""),
    /** For another picture: its result first. */
    reset: () => select(0),
    close: () => follow.disconnect(),
  };
}

async function loaded(url) {
  const image = new Image();
  image.src = url;
  await image.decode();
  return image;
}

/** Stripes where the mask is transparent, which marks what was to change: a pattern and not a colour alone. */
function drawArea(canvas, mask) {
  const [width, height] = [mask.naturalWidth, mask.naturalHeight];
  canvas.width = width;
  canvas.height = height;
  const pen = canvas.getContext("2d");
  const step = Math.max(6, Math.round(Math.max(width, height) / 60));
  for (const [colour, alpha, shift] of [["#000000", 0.55, 0], ["#ffffff", 0.7, step]]) {
    pen.globalAlpha = alpha;
    pen.strokeStyle = colour;
    pen.lineWidth = step * 0.7;
    pen.beginPath();
    for (let x = shift - height; x < width; x += 2 * step) {
      pen.moveTo(x, 0);
      pen.lineTo(x + height, height);
    }
    pen.stroke();
  }
  pen.globalAlpha = 0.4;
  pen.fillStyle = getComputedStyle(canvas).color;
  pen.fillRect(0, 0, width, height);
  pen.globalAlpha = 1;
  pen.globalCompositeOperation = "destination-out";
  pen.drawImage(mask, 0, 0);
}
