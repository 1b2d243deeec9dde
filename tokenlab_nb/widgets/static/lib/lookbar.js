// The viewer's controls. They hold no state: `update` shows it, `act` changes it.

const LOOK_MODES = [
  ["side", "Side by side", "s"],
  ["wipe", "Wipe", "w"],
  ["flicker", "Flicker", "f"],
  ["difference", "Difference", "d"],
];
const LOOK_MATCHES = [
  ["pixels", "By pixels", "Nothing is scaled: a pixel is as large in every picture"],
  ["frame", "By frame", "Pictures of another size are scaled to fit the base's frame; each says so"],
];
const LOOK_SHOWS = [
  ["only", "Only this", "o"],
  ["pair", "With base", "v"],
  ["row", "Its row", "r"],
  ["column", "Its column", "c"],
  ["all", "All", "a"],
];
const LOOK_MOST_GAIN = 6; // as a power of two
const LOOK_KEYS = [
  ["S W F D", "side by side, wipe, flicker, difference"],
  ["[ ]", "previous, next picture"],
  ["N", "the next picture beside these"],
  ["Delete", "take the marked one out of view"],
  ["B", "make the marked one the base"],
  ["I", "details of the marked one"],
  ["O V R C A", "show only this, with the base, its row, its column, all"],
  ["M", "match by pixels or by frame"],
  ["+ − 0 1", "zoom, fit, 100 %"],
  ["Arrows", "move; with Shift in small steps"],
  [", .", "move the wipe, change speed or gain"],
  ["Space P", "flip by hand, play or pause"],
  ["Escape", "back to the table"],
];

/** Radio buttons in a row: {node, update(value)}. */
function lookRadios(label, name, choices, on) {
  const inputs = choices.map(([value]) => h("input", { type: "radio", name, value, on: { change: () => on(value) } }));
  const segments = choices.map(([, text, key], place) => {
    const isKey = key.length === 1;
    if (isKey) setAttr(inputs[place], "aria-keyshortcuts", key.toUpperCase());
    const title = isKey ? `${text} (${key.toUpperCase()})` : key;
    return h("label", { class: "tlnb-look-segment", title }, inputs[place], h("span", { text }));
  });
  return {
    node: h("div", { class: "tlnb-look-radios", role: "radiogroup", "aria-label": label }, ...segments),
    update(value) {
      for (const input of inputs) if (input.checked !== (input.value === value)) input.checked = input.value === value;
    },
  };
}

/** A slider with its value in words: {node, input, update(value, words)}. */
function lookRange(label, { min, max, step }, on) {
  const input = h("input", { type: "range", min, max, step, "aria-label": label, on: { input: () => on(Number(input.value)) } });
  const output = h("output", { class: "tlnb-look-value", "aria-hidden": "true" });
  return {
    node: h("div", { class: "tlnb-look-range" }, h("span", { text: label, "aria-hidden": "true" }), input, output),
    input,
    update(value, words) {
      if (Number(input.value) !== value) input.value = value;
      setAttr(input, "aria-valuetext", words);
      setText(output, words);
    },
  };
}

/**
 * All controls. `act`: mode, match, show, wipe, period, gain (each with a value); play, flip, fit, full, closer, farther,
 * back, on, add, base, remove, info, save, leave. `use` is the button that hands a picture on.
 */
function lookBar(name, act, use) {
  const button = (text, label, key, on, more = {}) =>
    h("button", {
      class: "tlnb-button",
      type: "button",
      text,
      "aria-label": label,
      title: key ? `${label} (${key})` : label,
      ...more,
      on: { click: on },
    });
  const place = h("span", { class: "tlnb-look-place" });
  const modes = lookRadios("How to compare", `${name}-mode`, LOOK_MODES, act.mode);
  const matches = lookRadios("Match pictures of different sizes", `${name}-match`, LOOK_MATCHES, act.match);
  const wipe = lookRange("Wipe", { min: 0, max: 100, step: 1 }, (value) => act.wipe(value / 100));
  const period = lookRange("Each for", { min: 0.4, max: 3, step: 0.1 }, act.period);
  const play = button("Pause", "Pause", "P", act.play);
  const flip = button("Flip", "Flip by hand", "Space", act.flip);
  const flicker = h("div", { class: "tlnb-look-group" }, play, flip, period.node);
  const gain = lookRange("Gain", { min: 0, max: LOOK_MOST_GAIN, step: 1 }, act.gain);
  const fit = button("Fit", "Fit into the panes", "0", act.fit, { "aria-pressed": "true" });
  const full = button("100 %", "100 %: one pixel of the base is one of the screen", "1", act.full, { "aria-pressed": "false" });
  const zoom = h("span", { class: "tlnb-look-zoom" });
  const back = button("‹", "Previous picture", "[", act.back);
  const on = button("›", "Next picture", "]", act.on);
  const add = button("Add next", "Add the next picture beside these", "N", act.add);
  const base = button("Make base", "Hold the others against the marked picture", "B", act.base);
  const remove = button("Remove", "Take the marked picture out of view", "Delete", act.remove);
  const info = button("Details", "Details of the marked cell", "I", act.info, { "aria-pressed": "false" });
  const shows = LOOK_SHOWS.map(([value, text, key]) => button(text, `Show: ${text.toLowerCase()}`, key.toUpperCase(), () => act.show(value), { "aria-pressed": "false" }));
  const save = button("Download", "Download the original of the marked picture", "", act.save);
  const leave = button("Close", "Close", "Escape", act.leave);
  const keys = h("details", { class: "tlnb-look-keys" }, h("summary", { text: "Keys", title: "All keys (?)" }), lookKeyList());
  const zooms = h("div", { class: "tlnb-look-group" }, button("−", "Smaller", "−", act.farther), zoom, button("+", "Larger", "+", act.closer), fit, full);
  const node = h(
    "div",
    { class: "tlnb-look-bars" },
    h("div", { class: "tlnb-look-bar" }, modes.node, zooms, h("div", { class: "tlnb-look-slot" }, wipe.node, flicker, gain.node), keys, leave),
    h(
      "div",
      { class: "tlnb-look-bar" },
      h("div", { class: "tlnb-look-group" }, back, place, on),
      h("div", { class: "tlnb-look-group", role: "group", "aria-label": "Show" }, ...shows, add),
      h("div", { class: "tlnb-look-group", role: "group", "aria-label": "The marked picture" }, base, remove, info, save, use),
      h("div", { class: "tlnb-look-group" }, h("span", { text: "Sizes differ. Match" }), matches.node),
    ),
  );
  return {
    node,
    keys,
    update(said) {
      for (const [each, off] of [[back, said.isFirst], [on, said.isLast], [base, said.isBase], [remove, !said.canRemove], [save, !said.canSave]]) {
        setAttr(each, "aria-disabled", off ? "true" : null);
      }
      setShown(save, said.mayHold);
      setShown(info, said.details !== null);
      setAttr(info, "aria-pressed", String(Boolean(said.details)));
      setText(place, said.place);
      modes.update(said.mode);
      matches.update(said.match);
      setShown(matches.node.parentElement, said.sizesDiffer);
      setShown(wipe.node, said.mode === "wipe");
      wipe.update(Math.round(said.wipe * 100), `${Math.round(said.wipe * 100)} % is A`);
      setShown(flicker, said.mode === "flicker");
      period.update(said.period, `${said.period.toFixed(1)} s`);
      setText(play, said.playing ? "Pause" : "Play");
      setAttr(play, "aria-label", said.playing ? "Pause" : "Play: flip by itself");
      setShown(gain.node, said.mode === "difference");
      gain.update(said.gain, `× ${2 ** said.gain}`);
      LOOK_SHOWS.forEach(([value], at) => setAttr(shows[at], "aria-pressed", String(said.show === value)));
    },
    zoomed(words, isFitted, isFull) {
      setText(zoom, words);
      setAttr(fit, "aria-pressed", String(isFitted));
      setAttr(full, "aria-pressed", String(isFull));
    },
  };
}

function lookKeyList() {
  const rows = LOOK_KEYS.map(([keys, what]) => h("div", {}, h("dt", {}, h("kbd", { text: keys })), h("dd", { text: what })));
  return h("dl", { class: "tlnb-look-keylist" }, ...rows);
}
