// Python to be copied.

function render({ model, el }) {
  const block = codeBlock("The same in Python");
  const update = () => block.update(model.get("code"));
  el.append(block.node);
  keepKeys(block.node);
  model.on("change:code", update);
  update();
  return () => model.off("change:code", update);
}

export default { render };
