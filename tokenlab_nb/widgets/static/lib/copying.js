// Code that can be copied, behind a line that unfolds it; where it is told in several languages, with a choice of them.

const CODE_LANGUAGES = { code: "Python", curl: "curl", openai: "OpenAI client" };
const CODE_KEPT = "tokenlab-nb-code"; // the browser's note of what was chosen last
let codeChosen = "code";
let codeBlocks = 0;

/** What was chosen last, in this page or an earlier one: in some pages there is no place to keep it. */
function codeLanguage() {
  try {
    return localStorage.getItem(CODE_KEPT) ?? codeChosen;
  } catch {
    return codeChosen;
  }
}

function chooseCode(language) {
  codeChosen = language;
  try {
    localStorage.setItem(CODE_KEPT, language);
  } catch {
    // it holds until the page is left
  }
}

/** Radio buttons for the languages that there are: {node, show(languages, language)}. */
function codeChoice(on) {
  const group = `tlnb-code-${++codeBlocks}-${Math.random().toString(36).slice(2)}`;
  const inputs = {};
  const segments = {};
  for (const [language, text] of Object.entries(CODE_LANGUAGES)) {
    inputs[language] = h("input", { type: "radio", name: group, value: language, on: { change: () => on(language) } });
    segments[language] = h("label", { class: "tlnb-code-segment" }, inputs[language], h("span", { text }));
  }
  const node = h("div", { class: "tlnb-code-choice", role: "radiogroup", "aria-label": "Language", hidden: true }, ...Object.values(segments));
  return {
    node,
    show(languages, language) {
      for (const each of Object.keys(inputs)) {
        inputs[each].checked = each === language;
        setShown(segments[each], languages.includes(each));
      }
      setShown(node, languages.length > 1);
    },
  };
}

/**
 * Put code behind a line called `name`. With `load`, a promise of it, it is asked for when the line is unfolded.
 * Code is a text (Python), or texts by language. Returns `{node, update(code), renew(shown)}`: `update` shows code, or
 * nothing where there is none; `renew` folds the line and forgets what was asked for, since another one is meant now.
 */
function codeBlock(name, load = null) {
  const code = h("code");
  const button = h("button", { class: "tlnb-code-copy", type: "button", text: "Copy", "aria-label": `Copy: ${name}` });
  const said = h("span", { class: "tlnb-code-said", role: "status" });
  const pre = h("pre", { class: "tlnb-code-text", tabindex: "0", "aria-label": name }, code);
  const choice = codeChoice((language) => {
    chooseCode(language);
    setText(said, "");
    draw();
  });
  const body = h("div", {}, choice.node, pre, button);
  const node = h("details", { class: "tlnb-code", hidden: true }, h("summary", { text: name }), body, said);
  let texts = {};
  let turn = 0;
  button.addEventListener("click", async () => setText(said, (await copyText(code.textContent, code)) ? "Copied" : "Press Ctrl+C"));

  function draw() {
    const languages = Object.keys(CODE_LANGUAGES).filter((each) => texts[each]);
    const language = languages.includes(codeLanguage()) ? codeLanguage() : languages[0];
    choice.show(languages, language);
    const text = texts[language] ?? "";
    if (code.textContent !== text) setText(said, "");
    setText(code, text);
    if (languages.length > 1) setAttr(pre, "aria-label", `${name}: ${CODE_LANGUAGES[language]}`);
    setShown(body, Boolean(text));
  }

  function fill(given) {
    texts = typeof given === "string" ? { code: given } : given;
    draw();
  }

  async function unfolded() {
    if (node.open) draw(); // another one may have been chosen elsewhere meanwhile
    if (!load || !node.open || code.textContent) return;
    const mine = ++turn;
    setText(said, "Asking Python; it answers when no cell runs.");
    try {
      const given = await load();
      if (mine === turn) fill(given);
    } catch (error) {
      if (mine === turn) setText(said, error.message);
    }
  }
  node.addEventListener("toggle", unfolded);

  return {
    node,
    update(given) {
      fill(given);
      setShown(node, Boolean(code.textContent));
    },
    renew(shown) {
      turn += 1;
      node.open = false;
      fill("");
      setText(said, "");
      setShown(node, shown);
    },
  };
}
