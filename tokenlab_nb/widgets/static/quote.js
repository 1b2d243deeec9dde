// Below the Studio's Run button: what a run costs, what may be spent, and what was made before.

function render({ model, el }) {
  const uid = model.get("uid");
  const root = h("section", { class: "tlnb-quote", "aria-label": "Costs" });
  const price = h("p", { class: "tlnb-quote-price", role: "status" });
  const spentId = `tlnb-spent-${uid}`;
  const limit = h("input", {
    class: "tlnb-quote-limit",
    id: `tlnb-limit-${uid}`,
    type: "text",
    inputmode: "decimal",
    autocomplete: "off",
    placeholder: "none",
    "aria-describedby": spentId,
  });
  const spent = h("span", { class: "tlnb-quote-spent", id: spentId, role: "status" });
  const allow = h("input", { type: "checkbox" });
  const allowLine = h("label", { class: "tlnb-quote-allow" }, allow, h("span", { text: "Send also what has no stated price" }));
  const twins = h("span", { role: "status" });
  const reveal = h("button", { class: "tlnb-quote-reveal", type: "button" });
  const twinLine = h("div", { class: "tlnb-quote-line tlnb-quote-twins" }, twins, reveal);
  const label = h("label", { for: limit.id, text: "Budget (US $)" });
  alertRegion(model, root).classList.add("tlnb-quote-problem");
  root.append(price, h("div", { class: "tlnb-quote-line" }, label, limit, spent), allowLine, twinLine);
  el.append(root);

  // Sent at once, and marked until Python has it, so that a click on Run cannot overtake it.
  let unheard = 0;
  const hand = async (type, fields) => {
    unheard += 1;
    setAttr(root, "data-busy", "true");
    try {
      await ask(model, type, fields);
    } catch {
      // what is wrong with it stands in the alert region
    } finally {
      unheard -= 1;
      setAttr(root, "data-busy", unheard ? "true" : null);
    }
  };
  let told = model.get("limit");
  const tell = () => {
    if (limit.value === told) return;
    told = limit.value;
    hand("budget", { text: told });
  };
  limit.addEventListener("change", tell);
  limit.addEventListener("keydown", (event) => event.key === "Enter" && tell());
  allow.addEventListener("change", () => hand("allow", { on: allow.checked }));
  reveal.addEventListener("click", () => ask(model, "show").catch(() => {}));

  const update = () => {
    setText(price, model.get("price"));
    setText(spent, model.get("spent"));
    setText(twins, model.get("twins"));
    setText(reveal, model.get("reveal"));
    setShown(price, Boolean(model.get("price")));
    setShown(allowLine, model.get("can_allow"));
    setShown(twinLine, Boolean(model.get("twins")));
    allow.checked = model.get("allow");
    setAttr(limit, "aria-invalid", model.get("error") && limit.value.trim() ? "true" : null);
  };
  const fill = () => {
    limit.value = told = model.get("limit");
  };
  const news = "change:price change:spent change:twins change:reveal change:can_allow change:allow change:error";
  model.on(news, update);
  model.on("change:limit", fill);
  fill();
  update();
  return () => {
    model.off(null, update);
    model.off(null, fill);
  };
}

export default { render };
