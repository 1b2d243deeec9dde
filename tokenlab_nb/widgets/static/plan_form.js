// What varies in a comparison: prompts, settings, repeats; what that comes to; and Run.

const MOST_RANGE = 1000;

/** Whole numbers as people write lists of them: "1, 2, 5-8". Throws what is wrong, in words. */
function readNumbers(text) {
  const found = [];
  for (const part of text.split(/[\s,;]+/).filter(Boolean)) {
    const match = /^(-?\d+)(?:(?:-|\.\.)(\d+))?$/.exec(part);
    if (!match) throw new Error(`${part} is no whole number and no range such as 1-4.`);
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (last < first || last - first >= MOST_RANGE) throw new Error(`${part} is no range that can be used.`);
    for (let each = first; each <= last; each++) found.push(each);
  }
  return [...new Set(found)];
}

/** Texts, one a line; commas and braces are taken as they are. */
function readLines(text) {
  return [...new Set(text.split("\n").map((line) => line.trim()).filter(Boolean))];
}

/** JSON values, one a line. */
function readJson(text) {
  return readLines(text).map((line) => {
    try {
      return JSON.parse(line);
    } catch {
      throw new Error(`${line} is not JSON: texts stand in "quotes".`);
    }
  });
}

const READERS = {
  integer: [readNumbers, "Values, such as 1, 2, 5-8", "input"],
  json: [readJson, "Values as JSON, one a line", "textarea"],
  text: [readLines, "Values, one a line", "textarea"],
  string: [readLines, "Values, one a line", "textarea"],
  choice: [readLines, "Other values, one a line", "textarea"],
};

function words(value) {
  if (value === "auto") return "auto (sent)";
  return value === null ? "auto (not sent)" : typeof value === "string" ? value : JSON.stringify(value);
}

/** One setting that varies: values to tick, and where there is no closed list, more to type. */
function axisEditor(field, values, { changed, remove }) {
  const same = (one, other) => JSON.stringify(one) === JSON.stringify(other);
  const id = `tlnb-axis-${Math.random().toString(36).slice(2)}`;
  const boxes = [...field.values, null].map((value) => {
    const box = h("input", { type: "checkbox", on: { change: tell } });
    box.checked = values.some((each) => same(each, value));
    return { value, box, node: h("label", { class: "tlnb-plan-tick" }, box, words(value)) };
  });
  const more = values.filter((value) => !boxes.some((each) => same(each.value, value)));
  const [read, hint, tag] = READERS[field.kind] ?? READERS.json;
  const shown = more.map((value) => (read === readJson ? JSON.stringify(value) : String(value)));
  const text = field.closed ? null : h(tag, { class: "tlnb-plan-text", "aria-label": `${field.label}: ${hint}`, placeholder: hint, on: { input: tell } });
  if (text) text.value = shown.join(tag === "input" ? ", " : "\n");
  const wrong = h("p", { class: "tlnb-plan-wrong", id, role: "alert", hidden: true });
  const none = h("p", { class: "tlnb-plan-quiet tlnb-plan-none", text: "No value yet: it is not sent.", hidden: values.length > 0 });
  const gone = h("button", { class: "tlnb-button", type: "button", text: "Remove", "aria-label": `Remove ${field.label}`, on: { click: remove } });

  function tell() {
    let typed = [];
    let problem = "";
    try {
      typed = text ? read(text.value) : [];
    } catch (error) {
      problem = error.message;
    }
    setText(wrong, problem);
    setShown(wrong, Boolean(problem));
    if (text) {
      setAttr(text, "aria-invalid", problem ? "true" : null);
      setAttr(text, "aria-describedby", problem ? id : null);
    }
    const ticked = boxes.filter((each) => each.box.checked).map((each) => each.value);
    const found = [...ticked.filter((value) => value !== null), ...typed.filter((value) => !ticked.some((each) => same(each, value))), ...ticked.filter((value) => value === null)];
    setShown(none, !problem && !found.length);
    changed(problem ? null : found);
  }

  return h(
    "fieldset",
    { class: "tlnb-plan-axis", data: undefined },
    h("legend", { text: field.label }),
    h("div", { class: "tlnb-plan-ticks" }, ...boxes.map((each) => each.node)),
    text,
    wrong,
    none,
    h("p", { class: "tlnb-plan-quiet", text: [field.limits, field.takers].filter(Boolean).join(". ") }),
    gone,
  );
}

function render({ model, el }) {
  const root = h("section", { class: "tlnb-planform", "aria-label": "What is compared" });
  const prompts = h("div", { class: "tlnb-plan-prompts" });
  const axes = h("div", { class: "tlnb-plan-axes" });
  const add = h("select", { class: "tlnb-plan-add", "aria-label": "Add a setting" });
  const another = h("button", { class: "tlnb-button", type: "button", text: "Add a prompt" });
  const times = h("input", { type: "number", min: 1, max: 100, class: "tlnb-plan-number" });
  const timesWrong = h("p", { class: "tlnb-plan-wrong", id: `tlnb-times-${model.get("uid")}`, role: "alert", text: "Whole numbers from 1 to 100.", hidden: true });
  const strict = h("input", { type: "checkbox" });
  const apart = h("input", { type: "checkbox" });
  const apartLine = h("label", { class: "tlnb-plan-tick" }, apart, "Each picture in cells of its own");
  const summary = h("p", { class: "tlnb-plan-summary", role: "status" });
  const problem = h("p", { class: "tlnb-plan-wrong", role: "alert" });
  const run = h("button", { class: "tlnb-plan-run", type: "button", "aria-disabled": "true" });
  const said = h("span", { class: "tlnb-plan-quiet", role: "status" });
  const promptPart = h("div", { class: "tlnb-plan-part" }, h("h4", { text: "Prompts" }), prompts, another);
  let unread = new Set(); // settings whose text cannot be read
  let sending = false;
  let dead = false; // whether the kernel's end is gone
  let known = "";

  /** Tell Python of a change: until its plan is here, what is shown may not be run. */
  function set(name, value) {
    model.set(name, value);
    model.set("revision", model.get("revision") + 1);
    setText(said, "");
    model.save_changes();
    tell();
  }

  /** Find out whether Python is still there: without it no plan comes, however long one waits. */
  function probe() {
    try {
      model.send({ type: "heard" });
    } catch {
      dead = true;
    }
    tell();
  }

  /** A button that is pressed keeps the focus while it cannot be pressed. */
  const canRun = () => run.getAttribute("aria-disabled") !== "true";

  function setPrompt(place, text) {
    const next = [...model.get("prompts")];
    next[place] = text;
    set("prompts", next);
  }

  function drawPrompts() {
    const texts = model.get("prompts").length ? model.get("prompts") : [""];
    if (prompts.children.length !== texts.length) {
      prompts.replaceChildren(
        ...texts.map((_, place) => {
          const box = h("textarea", { rows: 2, placeholder: "What the picture shows", "aria-label": `Prompt ${place + 1}`, on: { input: () => setPrompt(place, box.value) } });
          const gone = h("button", { class: "tlnb-button", type: "button", text: "Remove", "aria-label": `Remove prompt ${place + 1}` });
          gone.addEventListener("click", () => {
            set("prompts", model.get("prompts").filter((_, each) => each !== place));
            drawPrompts();
            prompts.querySelectorAll("textarea")[Math.max(0, place - 1)]?.focus();
          });
          setShown(gone, texts.length > 1);
          return h("div", { class: "tlnb-plan-prompt" }, box, gone);
        }),
      );
    }
    prompts.querySelectorAll("textarea").forEach((box, place) => box.value !== texts[place] && box !== document.activeElement && (box.value = texts[place]));
  }

  function drawAxes() {
    const fields = model.get("fields");
    const chosen = model.get("axes");
    const now = JSON.stringify([fields, Object.keys(chosen)]);
    if (now === known) return;
    known = now;
    const shown = Object.keys(chosen).map((name) => fields.find((field) => field.name === name) ?? { name, label: name, kind: "json", values: [], closed: false, limits: "", takers: "None of the chosen models takes it" });
    unread = new Set([...unread].filter((name) => name === "repeats"));
    axes.replaceChildren(
      ...shown.map((field) =>
        axisEditor(field, chosen[field.name], {
          changed: (values) => {
            unread[values === null ? "add" : "delete"](field.name);
            if (values !== null) set("axes", { ...model.get("axes"), [field.name]: values });
            else tell();
          },
          remove: () => {
            const { [field.name]: _, ...rest } = model.get("axes");
            unread.delete(field.name);
            set("axes", rest);
            drawAxes();
            add.focus();
          },
        }),
      ),
    );
    const rest = fields.filter((field) => !(field.name in chosen));
    add.replaceChildren(h("option", { value: "", text: "Add a setting…" }), ...rest.map((field) => h("option", { value: field.name, text: field.takers ? `${field.label} (${field.takers})` : field.label })));
    setShown(add, rest.length > 0);
  }

  function tell() {
    const told = model.get("told");
    const fresh = told.revision === model.get("revision") && unread.size === 0;
    setText(summary, dead ? "" : fresh ? told.summary || "" : unread.size ? "" : "Planning…");
    setText(problem, dead ? KERNEL_GONE : fresh ? told.problem || "" : unread.size ? "Mend the values above first." : "");
    setShown(problem, Boolean(problem.textContent));
    setText(run, told.button || "Run");
    setAttr(run, "data-token", told.token || null);
    setAttr(run, "aria-disabled", dead || !fresh || !told.token || sending ? "true" : null);
  }

  function update() {
    drawPrompts();
    drawAxes();
    setShown(promptPart, model.get("with_prompt"));
    setShown(apartLine, model.get("pictures") > 1);
    if (times !== document.activeElement) times.value = model.get("repeats");
    strict.checked = model.get("strict");
    apart.checked = model.get("apart");
    tell();
  }

  another.addEventListener("click", () => {
    const texts = model.get("prompts");
    set("prompts", [...(texts.length ? texts : [""]), ""]);
    drawPrompts();
    prompts.lastElementChild.querySelector("textarea").focus();
  });
  add.addEventListener("change", () => {
    const name = add.value;
    if (!name) return;
    set("axes", { ...model.get("axes"), [name]: [] });
    drawAxes();
    axes.lastElementChild.querySelector("input, textarea")?.focus();
  });
  times.addEventListener("input", () => {
    const count = times.valueAsNumber;
    const right = Number.isInteger(count) && count >= 1 && count <= 100;
    unread[right ? "delete" : "add"]("repeats");
    setShown(timesWrong, !right);
    setAttr(times, "aria-invalid", right ? null : "true");
    setAttr(times, "aria-describedby", right ? null : timesWrong.id);
    if (right) set("repeats", count);
    else tell();
  });
  strict.addEventListener("change", () => set("strict", strict.checked));
  apart.addEventListener("change", () => set("apart", apart.checked));
  run.addEventListener("keydown", (event) => event.repeat && event.preventDefault()); // a held key is one press
  run.addEventListener("click", async (event) => {
    if (!canRun() || event.detail > 1) return; // the second half of a double click is no second run
    sending = true;
    setText(said, "Sending…");
    tell();
    try {
      setText(said, (await ask(model, "run", { token: model.get("told").token })).result.said);
    } catch (error) {
      setText(said, error.message);
    } finally {
      sending = false;
      tell();
    }
  });

  root.append(
    promptPart,
    h("div", { class: "tlnb-plan-part" }, h("h4", { text: "Settings" }), h("p", { class: "tlnb-plan-quiet", text: "One value holds in every cell; several are tried one by one." }), axes, add),
    h(
      "div",
      { class: "tlnb-plan-line" },
      h("label", { class: "tlnb-plan-tick" }, "Make each cell", times, "times"),
      h("label", { class: "tlnb-plan-tick" }, strict, "Adjust nothing: what cannot be sent as asked is left out"),
      apartLine,
    ),
    timesWrong,
    summary,
    problem,
    h("div", { class: "tlnb-plan-line" }, run, said),
  );
  keepKeys(root);
  el.append(root);
  alertRegion(model, el);
  const names = ["fields", "prompts", "axes", "repeats", "strict", "apart", "pictures", "with_prompt", "revision", "told"];
  const events = names.map((name) => `change:${name}`).join(" ");
  model.on(events, update);
  model.on("comm_live_update", probe);
  update();
  return () => {
    model.off(events, update);
    model.off("comm_live_update", probe);
  };
}

export default { render };
