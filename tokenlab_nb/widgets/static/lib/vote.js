// Judging blind: two pictures at a time and one question; names, sizes and captions stay away until the results.

const VOTE_CHOICES = [
  // choice, words on the button, keys
  ["left", "A is better", ["a", "ArrowLeft"], "A or ←"],
  ["tie", "Tie", ["t"], "T"],
  ["bad", "Both bad", ["x"], "X"],
  ["right", "B is better", ["b", "ArrowRight"], "B or →"],
  ["skip", "Skip", ["s"], "S"],
];
const VOTE_GUARD = 250; // ms after a pair appears in which no press counts: it was meant for the one before

/** Returns `{button, open(), close()}`; the dialog is put into `el`, the button is for the caller to place. */
function blindVote(model, store, state, el) {
  const sitting = new VoteSitting(model, () => update());
  const button = h("button", { class: "tlnb-button", type: "button", text: "Judge blind", "aria-haspopup": "dialog", on: { click: () => open() } });
  const start = voteStart({ begin, learn, see });
  const duel = voteDuel(sitting, { results: () => results() });
  const told = voteResults(model, store, sitting, { back: judge, other: open });
  const screens = { start, duel, told };
  const title = h("h2", { class: "tlnb-judge-title", text: "Judge blind" });
  const note = h("p", { class: "tlnb-judge-note", role: "alert" });
  const busy = h("p", { class: "tlnb-judge-busy", role: "status" });
  const leave = h("button", { class: "tlnb-button", type: "button", text: "Close", on: { click: () => box.close() } });
  const box = h(
    "dialog",
    { class: "tlnb-judge", "aria-label": "Judge blind", tabindex: "-1" }, // a click beside everything leaves the keys in here
    h("div", { class: "tlnb-judge-bar" }, title, duel.bar, leave),
    h("div", {}, note, busy),
    ...Object.values(screens).map((screen) => screen.node),
  );
  el.append(box);
  let screen = "start";
  let away = null; // what had the focus before
  let learning = null; // until it is known what there is to judge

  async function attempt(promise) {
    setText(note, "");
    try {
      await promise;
    } catch (error) {
      setText(note, error.message);
    }
    update();
  }

  function open() {
    if (!box.open) {
      away = el.getRootNode().activeElement;
      box.showModal();
    }
    turn("start");
    start.focus();
    learn();
  }

  function learn() {
    learning = attempt(sitting.open(start.question(), start.by()));
  }

  async function begin() {
    const awaited = learning;
    await awaited;
    if (awaited === learning && box.open && sitting.facts?.ready) judge();
  }

  async function see() {
    const awaited = learning;
    await awaited;
    if (awaited === learning && box.open && sitting.facts) results();
  }

  function judge() {
    turn("duel");
    sitting.retry();
    sitting.fill();
    duel.focus();
  }

  function results() {
    turn("told");
    attempt(told.load());
  }

  function turn(to) {
    screen = to;
    setText(note, "");
    update();
  }

  function update() {
    for (const [name, each] of Object.entries(screens)) setShown(each.node, name === screen);
    setShown(duel.bar, screen === "duel");
    setText(busy, sitting.busy && screen !== "duel" ? `The kernel is busy: ${screen === "told" ? "the results come" : "it goes on"} when the running cell has ended.` : "");
    setText(title, screen === "told" ? "Results" : "Judge blind");
    start.update(sitting.facts);
    duel.update();
  }

  let there = 0; // pictures in the grid
  const off = state.on(() => {
    const count = box.open ? state.cells.reduce((sum, cell) => sum + state.picturesOf(cell).length, 0) : there;
    if (count !== there && screen === "duel") sitting.retry();
    there = count;
  });
  box.addEventListener("keydown", (event) => {
    event.stopPropagation(); // the grid behind has keys of its own
    if (screen !== "duel" || event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
    if (duel.key(event)) event.preventDefault();
  });
  box.addEventListener("close", () => {
    sitting.close();
    (away?.isConnected ? away : button).focus();
  });
  update();
  return {
    button,
    open,
    close() {
      off();
      sitting.close();
      duel.close();
      told.close();
      box.remove();
    },
  };
}

/** What is asked, and between what. */
function voteStart({ begin, learn, see }) {
  const question = h("input", { class: "tlnb-judge-question", type: "text", maxlength: "200", autocomplete: "off" });
  const by = h("select", { class: "tlnb-judge-by" });
  const between = h("div", { class: "tlnb-judge-field" }, h("label", {}, h("span", { text: "Judge between" }), by));
  const ideas = h("div", { class: "tlnb-judge-ideas", role: "group", "aria-label": "Questions to choose from" });
  const facts = h("p", { class: "tlnb-judge-facts", role: "status" });
  const go = h("button", { class: "tlnb-button tlnb-judge-go", type: "submit", text: "Start judging" });
  const look = h("button", { class: "tlnb-button", type: "button", text: "Show results", on: { click: () => see() } });
  const keys = h(
    "dl",
    { class: "tlnb-judge-keys" },
    ...[...VOTE_CHOICES.map(([, words, , key]) => [key, words]), ["U", "Undo"], ["+ − 0", "Zoom both"], ["Shift with arrows, or drag", "Move both"]].map(([key, words]) =>
      h("div", {}, h("dt", { text: key }), h("dd", { text: words })),
    ),
  );
  const node = h(
    "form",
    { class: "tlnb-judge-start" },
    h("p", { class: "tlnb-judge-lead", text: "You see two pictures at a time, A and B, and say which one answers the question better. Which side is which is shuffled; names, sizes and prices stay hidden until you ask for the results. Nothing is sent to the service, and nothing costs anything." }),
    h("div", { class: "tlnb-judge-field" }, h("label", {}, h("span", { text: "Question" }), question), ideas),
    between,
    facts,
    h("div", { class: "tlnb-judge-row" }, go, look),
    h("h3", { class: "tlnb-judge-sub", text: "Keys" }),
    keys,
  );
  let known = null;
  node.addEventListener("submit", (event) => {
    event.preventDefault();
    begin();
  });
  question.addEventListener("change", () => ask());
  question.addEventListener("input", () => allow());
  by.addEventListener("change", () => ask());

  function allow() {
    go.disabled = !question.value.trim() || (known && !known.ready);
  }
  function ask() {
    if (question.value.trim()) learn();
  }
  function setQuestion(text) {
    question.value = text;
    ask();
  }
  function update(news) {
    known = news;
    if (news) {
      question.value ||= news.question;
      const asked = JSON.stringify(news.questions);
      if (ideas.dataset.asked !== asked) {
        ideas.dataset.asked = asked;
        ideas.replaceChildren(...news.questions.map((text) => h("button", { class: "tlnb-button", type: "button", text, on: { click: () => setQuestion(text) } })));
      }
      const axes = JSON.stringify(news.axes);
      if (by.dataset.axes !== axes) {
        by.dataset.axes = axes;
        by.replaceChildren(...news.axes.map((axis) => h("option", { value: axis.name, text: axis.words })));
      }
      by.value = news.by;
      setShown(between, news.axes.length > 0);
    }
    setText(facts, news ? news.words : "Looking at what there is to judge.");
    allow();
    look.disabled = Boolean(news && !news.votes);
  }
  return {
    node,
    update,
    question: () => question.value.trim(),
    by: () => by.value,
    focus: () => question.focus(),
  };
}

/** The pair, and what can be said of it. */
function voteDuel(sitting, { results }) {
  const pair = pairStage();
  const question = h("h3", { class: "tlnb-judge-asked" });
  const common = h("p", { class: "tlnb-judge-common", tabindex: "0", role: "group", "aria-label": "Prompt of both" });
  const inputs = h("div", { class: "tlnb-judge-inputs", role: "group", "aria-label": "What went into both" });
  const count = h("span", { class: "tlnb-judge-count", role: "status" });
  const meter = h("progress", { class: "tlnb-judge-meter", "aria-label": "Pairs judged" });
  const undo = h(
    "button",
    { class: "tlnb-button tlnb-judge-choice", type: "button", "aria-keyshortcuts": "U", on: { click: () => sitting.undo() } },
    h("span", { text: "Undo" }),
    h("kbd", { "aria-hidden": "true", text: "U" }),
  );
  const see = h("button", { class: "tlnb-button", type: "button", text: "Show results", on: { click: () => results() } });
  const bar = h("div", { class: "tlnb-judge-progress" }, meter, count, see);
  const again = h("button", { class: "tlnb-button", type: "button", text: "Try again", on: { click: () => sitting.retry() } });
  const note = h("p", { class: "tlnb-judge-said", role: "status" });
  const choices = VOTE_CHOICES.map(([choice, text, keys, shown]) =>
    h(
      "button",
      {
        class: "tlnb-button tlnb-judge-choice",
        type: "button",
        "aria-keyshortcuts": keys.map((key) => (key.length === 1 ? key.toUpperCase() : key)).join(" "),
        "data-choice": choice,
        on: { click: (event) => event.detail < 2 && choose(choice) },
      },
      h("span", { text }),
      h("kbd", { "aria-hidden": "true", text: shown }),
    ),
  );
  const sides = h("div", { class: "tlnb-judge-choices", role: "group", "aria-label": "Your answer" }, ...choices.slice(0, 4));
  const rest = h("div", { class: "tlnb-judge-rest" }, choices[4], undo, again, pair.tools, note);
  const node = h("div", { class: "tlnb-judge-duel" }, h("div", { class: "tlnb-judge-head" }, inputs, h("div", {}, question, common)), pair.node, sides, rest);
  let drawn = null;
  let since = 0;

  function choose(choice) {
    if (performance.now() - since < VOTE_GUARD) return;
    sitting.choose(choice);
  }

  function coming() {
    if (sitting.busy) return "The kernel is busy: the next pair comes when the running cell has ended.";
    return sitting.ended || "The next pair is coming.";
  }

  function said() {
    if (sitting.trouble) return sitting.shown ? sitting.trouble : "";
    if (sitting.busy && sitting.shown) return "The kernel is busy: answers are kept when the running cell has ended.";
    return sitting.shown?.shrunk ? "Large pictures are shown at 2,048 pixels a side here." : "";
  }

  function update() {
    const { facts, shown } = sitting;
    setText(question, facts?.question ?? "");
    setText(count, facts?.progress ?? "");
    meter.max = facts?.pairs || 1;
    meter.value = facts?.done ?? 0;
    for (const each of choices) setAttr(each, "aria-disabled", shown ? null : "true");
    setAttr(undo, "aria-disabled", sitting.past.length ? null : "true");
    see.disabled = !facts?.votes;
    setShown(again, Boolean(sitting.trouble) && !shown);
    setText(note, said());
    if (shown && shown !== drawn) {
      since = performance.now();
      pair.show(shown.pictures);
      setText(common, shown.common);
      setShown(common, Boolean(shown.common));
      inputs.replaceChildren(...shown.inputs);
      shown.inputs.forEach((image, place) => setAttr(image, "alt", `Picture ${place + 1} that went in`));
      setShown(inputs, shown.inputs.length > 0);
    } else if (!shown) pair.wait(coming());
    drawn = shown;
  }

  /** Take a key; returns whether it meant something. */
  function key(event) {
    if (event.shiftKey && event.key.startsWith("Arrow")) return pair.key(event);
    const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    const found = VOTE_CHOICES.find(([, , keys]) => keys.includes(name));
    if (found) {
      if (!event.repeat) choose(found[0]); // a key that is held down is one answer
    } else if (name === "u") event.repeat || sitting.undo();
    else return pair.key(event);
    return true;
  }
  return { node, bar, update, key, focus: () => pair.node.focus(), close: () => pair.close() };
}
