// Python that can be copied, behind a line that unfolds it.

/** Returns `{node, update(text)}`; nothing is shown where there is no text. */
function codeBlock(name) {
  const code = h("code");
  const pre = h("pre", { class: "tlnb-code-text", tabindex: "0", "aria-label": name }, code);
  const said = h("span", { class: "tlnb-code-said", role: "status" });
  const button = h("button", { class: "tlnb-code-copy", type: "button", text: "Copy", "aria-label": `Copy ${name}` });
  const node = h("details", { class: "tlnb-code", hidden: true }, h("summary", { text: name }), pre, button, said);
  button.addEventListener("click", async () => setText(said, (await copyText(code.textContent, code)) ? "Copied" : "Press Ctrl+C"));
  return {
    node,
    update(text) {
      if (code.textContent !== text) setText(said, "");
      setText(code, text);
      setShown(node, Boolean(text));
    },
  };
}
