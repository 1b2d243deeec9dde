// What can be done about a job: buttons with their consequence, the question before what sends, and what came of it.

const ACTIONS = {
  cancel: ["Cancel", "It was not accepted yet: it costs nothing."],
  stop: ["Stop waiting", "The task goes on at the service."],
  resume: ["Wait again", "Asks for the task that was sent; nothing is sent twice."],
  fetch: ["Fetch again", "The pictures are made; only fetching them failed."],
  look: ["Look again", "Nothing is sent."],
  again: ["Run again", "Asks you first: it may cost again."],
  forget: ["Forget", "Sets it aside; it stays in the ledger."],
  run: ["Run", "Asks you first: nothing was sent yet."],
  discard: ["Discard", "It was not sent: it costs nothing."],
};

/** A way to mend what was refused, where the action is one. */
function repairOf(row, action) {
  return (row.repairs || []).find((each) => each.action === action);
}

function actionWords(row, action) {
  const repair = repairOf(row, action);
  if (repair) return [repair.label, repair.why || "Asks you first: nothing was sent yet."];
  if (action === "stop" && row.billed) return ["Stop waiting", "The task goes on at the service and is billed."];
  if (action === "again" && !row.billed) return ["Run again", "Asks you first."];
  return ACTIONS[action === "forget" && row.kind === "draft" ? "discard" : action];
}

/**
 * The buttons that a job allows. `compact` leaves the consequences to the buttons' descriptions.
 * What sends is asked about in place first; while a question to Python is on its way, no button does anything.
 */
function actionButtons(model, store) {
  const bar = h("div", { class: "tlnb-actions" });
  const said = h("p", { class: "tlnb-said", role: "status" });
  const node = h("div", { class: "tlnb-act" }, bar, said);
  let row = null;
  let actions = [];
  let asking = ""; // the action that is asked about
  let compact = false;
  let kindSaid = "";
  let busy = false; // whether a question to Python is on its way

  async function act(action) {
    if (busy) return;
    setBusy(true);
    try {
      const repair = repairOf(row, action);
      const plain = { job: row.id, action, repeated: row.repeated };
      const { result } = await (repair ? ask(model, "repair", { job: row.id, repair: repair.label }) : ask(model, "act", plain));
      say(result.said);
    } catch (error) {
      store.probe();
      say(store.dead ? "" : error.message);
    }
    setBusy(false);
    turn("");
  }

  /** Not by `disabled`: the button would lose the focus to the page. */
  function setBusy(is) {
    busy = is;
    for (const each of bar.querySelectorAll("button")) setAttr(each, "aria-disabled", busy ? "true" : null);
  }

  function say(text) {
    kindSaid = row.kind;
    setText(said, text);
  }

  /** Ask about an action, or go back to the buttons. */
  function turn(to) {
    const from = asking;
    asking = to;
    draw(from);
  }

  function draw(from) {
    setShown(bar, actions.length > 0);
    const state = JSON.stringify([row.id, actions, asking, asking && row.questions[asking]]);
    if (bar.dataset.state === state) return;
    bar.dataset.state = state;
    const focused = bar.contains(bar.getRootNode().activeElement);
    bar.replaceChildren(...(asking ? question() : actions.flatMap(choice)));
    setBusy(busy);
    setAttr(bar, "role", asking ? "group" : null);
    setAttr(bar, "aria-label", asking ? actionWords(row, asking)[0] : null);
    if (!focused) return;
    const before = [...bar.querySelectorAll("button")].find((each) => each.dataset.action === from);
    const back = asking ? bar.querySelector(".tlnb-safe") : before;
    (back || bar.querySelector("button") || bar.closest("[tabindex]") || bar.closest(".tlnb-tile")?.querySelector(".tlnb-main"))?.focus();
  }

  function choice(action) {
    const [text, told] = actionWords(row, action);
    const button = h("button", { class: "tlnb-button", type: "button", text, title: told });
    button.dataset.action = action;
    button.addEventListener("click", () => {
      if (busy) return;
      if (action in row.questions) turn(action);
      else act(action);
    });
    return compact ? [button] : [h("div", { class: "tlnb-choice" }, button, h("span", { class: "tlnb-consequence", text: told }))];
  }

  function question() {
    const { text, button } = row.questions[asking];
    const id = `tlnb-q-${model.get("uid")}-${row.id}`;
    const yes = h("button", { class: "tlnb-button", type: "button", text: button, "aria-describedby": id });
    const no = h("button", { class: "tlnb-button tlnb-safe", type: "button", text: "Keep as it is", "aria-describedby": id });
    yes.addEventListener("click", () => act(asking));
    no.addEventListener("click", () => busy || turn(""));
    return [h("p", { class: "tlnb-question", id, text }), yes, no];
  }

  bar.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || !asking) return;
    event.preventDefault();
    event.stopPropagation();
    if (!busy) turn("");
  });

  return {
    node,
    update(newRow, newActions, isCompact = false) {
      const other = row && row.id !== newRow.id;
      [row, actions, compact] = [newRow, newActions, isCompact];
      if (other || row.kind !== kindSaid) setText(said, "");
      if (other || !actions.includes(asking)) asking = "";
      draw("");
    },
  };
}

/** An id with a button that copies it. */
function copyLine(name) {
  const code = h("code");
  const button = h("button", { class: "tlnb-button", type: "button", text: "Copy", "aria-label": `Copy ${name.toLowerCase()}` });
  const node = h("div", { class: "tlnb-copy", hidden: true }, h("span", { text: `${name} ` }), code, button);
  button.addEventListener("click", async () => {
    setText(button, (await copyText(code.textContent, code)) ? "Copied" : "Press Ctrl+C");
    setTimeout(() => setText(button, "Copy"), 2000);
  });
  return {
    node,
    update(text) {
      setText(code, text);
      setShown(node, Boolean(text));
    },
  };
}
