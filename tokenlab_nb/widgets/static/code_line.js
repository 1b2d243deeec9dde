// Code to be copied, in the languages that there are.

function render({ model, el }) {
  const block = codeBlock(model.get("name"));
  const update = () => block.update({ code: model.get("code"), curl: model.get("curl"), openai: model.get("openai") });
  const news = ["change:code", "change:curl", "change:openai"];
  el.append(block.node);
  keepKeys(block.node);
  for (const each of news) model.on(each, update);
  update();
  return () => news.forEach((each) => model.off(each, update));
}

export default { render };
