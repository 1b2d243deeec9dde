// What to do, as a group of radio buttons. What is not offered can be focused and read, but not chosen.

function render({ model, el }) {
  const id = `tlnb-flow-${model.get("uid")}`;
  const group = h("div", { class: "tlnb-flows", role: "radiogroup", "aria-label": "What to do" });
  const help = h("div", { class: "tlnb-flows-help", id: `${id}-help` });
  const note = h("div", { class: "tlnb-flows-note", role: "status" });
  const why = h("div", { class: "tlnb-flows-why" });
  const buttons = new Map();
  let told = "";
  let drawn = "";

  const choose = (name) => {
    if (buttons.get(name).getAttribute("aria-disabled") === "true") return;
    model.set("note", "");
    model.set("value", name);
    model.save_changes();
  };
  const move = (event) => {
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const names = [...buttons.keys()];
    const here = names.indexOf(document.activeElement?.dataset.name ?? event.target.dataset.name);
    const next = names[(here + step + names.length) % names.length];
    focusOn(next);
    choose(next); // as radio buttons do; one that is not offered is only read out, with its reason
  };
  const focusOn = (name) => {
    for (const [each, button] of buttons) setAttr(button, "tabindex", each === name ? "0" : "-1");
    buttons.get(name).focus();
  };

  for (const row of model.get("_rows")) {
    const button = h("button", {
      class: "tlnb-flow",
      type: "button",
      role: "radio",
      text: row.label,
      "data-name": row.name,
      on: { click: () => choose(row.name) },
    });
    buttons.set(row.name, button);
    group.append(button);
  }
  group.addEventListener("keydown", move);
  // Whoever comes back by Tab comes to what is on, also after a look at what is not offered, or a click.
  group.addEventListener("focusout", (event) => group.contains(event.relatedTarget) || update());
  keepKeys(group);

  const update = () => {
    const value = model.get("value");
    const rows = model.get("_rows");
    for (const row of rows) {
      const button = buttons.get(row.name);
      setAttr(button, "aria-checked", String(row.name === value));
      setAttr(button, "aria-disabled", row.why ? "true" : null);
      setAttr(button, "title", row.why || row.help);
      setAttr(button, "aria-description", row.why || row.help);
      if (!group.contains(document.activeElement) || value !== drawn) setAttr(button, "tabindex", row.name === value ? "0" : "-1");
    }
    drawn = value;
    setText(help, rows.find((row) => row.name === value)?.help ?? "");
    // Why something is greyed out stands there to be read: a tooltip is for who has a mouse.
    const reasons = rows.filter((row) => row.why && row.name !== value).map((row) => `${row.label}: ${row.why}`);
    if (reasons.join("\n") !== told) {
      told = reasons.join("\n");
      why.replaceChildren(...reasons.map((text) => h("div", { text })));
    }
    setShown(why, reasons.length > 0);
    setText(note, model.get("note"));
    setShown(note, Boolean(model.get("note")));
  };
  el.append(h("div", { class: "tlnb-flows-box" }, group, help, note, why));
  alertRegion(model, el);
  model.on("change:value change:_rows change:note", update);
  update();
  return () => model.off(null, update);
}

export default { render };
