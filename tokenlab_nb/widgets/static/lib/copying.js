// Python that can be copied, behind a line that unfolds it.

/**
 * Put a text behind a line called `name`. With `load`, a promise of the text, it is asked for when the line is unfolded.
 * Returns `{node, update(text), renew(shown)}`: `update` shows a text, or nothing where there is none; `renew` folds the
 * line and forgets the text that was asked for, since another one is meant now.
 */
function codeBlock(name, load = null) {
  const code = h("code");
  const button = h("button", { class: "tlnb-code-copy", type: "button", text: "Copy", "aria-label": `Copy: ${name}` });
  const said = h("span", { class: "tlnb-code-said", role: "status" });
  const body = h("div", {}, h("pre", { class: "tlnb-code-text", tabindex: "0", "aria-label": name }, code), button);
  const node = h("details", { class: "tlnb-code", hidden: true }, h("summary", { text: name }), body, said);
  let turn = 0;
  button.addEventListener("click", async () => setText(said, (await copyText(code.textContent, code)) ? "Copied" : "Press Ctrl+C"));

  function fill(text) {
    if (code.textContent !== text) setText(said, "");
    setText(code, text);
    setShown(body, Boolean(text));
  }

  async function fetchText() {
    if (!load || !node.open || code.textContent) return;
    const mine = ++turn;
    setText(said, "Asking Python; it answers when no cell runs.");
    try {
      const text = await load();
      if (mine === turn) fill(text);
    } catch (error) {
      if (mine === turn) setText(said, error.message);
    }
  }
  node.addEventListener("toggle", fetchText);

  return {
    node,
    update(text) {
      fill(text);
      setShown(node, Boolean(text));
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
