// Shared by every script: building nodes, asking Python, and showing its failures.
// Text from outside reaches the page through textContent and attributes only.

/** Make an element. `props`: `class`, `text`, `on` ({event: fn}), `data`, anything else becomes an attribute. */
function h(tag, props = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(props)) {
    if (name === "text") node.textContent = value;
    else if (name === "on") for (const [event, fn] of Object.entries(value)) node.addEventListener(event, fn);
    else setAttr(node, name, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined));
  return node;
}

/** Set an attribute; false, null and undefined remove it. Nothing happens where nothing changes. */
function setAttr(node, name, value) {
  const text = value === true ? "" : value === false || value === null || value === undefined ? null : String(value);
  if (node.getAttribute(name) === text) return;
  if (text === null) node.removeAttribute(name);
  else node.setAttribute(name, text);
}

/** Set an element's text; a selection in it survives where nothing changes. */
function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

/** Show or hide. */
function setShown(node, shown) {
  if (node.hidden === shown) node.hidden = !shown;
}

const KERNEL_GONE = "The kernel that made this has gone: run the cell again.";

/** Ask Python; resolves to `{result, buffers}`, rejects with its text. It waits while a cell blocks the kernel. */
function ask(model, type, fields = {}, buffers = []) {
  const id = `${Date.now().toString(36)}-${Math.random().toString(36).slice(2)}`;
  return new Promise((resolve, reject) => {
    const listen = (message, buffers) => {
      if (!message || message.type !== "answer" || message.id !== id) return;
      model.off("msg:custom", listen);
      if (message.ok) resolve({ result: message.result, buffers: buffers || [] });
      else reject(new Error(message.error));
    };
    model.on("msg:custom", listen);
    try {
      model.send({ ...fields, type, id }, undefined, buffers);
    } catch {
      model.off("msg:custom", listen); // what a comm without its kernel throws is no word for people
      reject(new Error(KERNEL_GONE));
    }
  });
}

/** Put an alert region that shows the trait `error` into `el`; returns the node. */
function alertRegion(model, el) {
  const node = h("div", { class: "tlnb-alert", role: "alert" });
  const update = () => {
    setText(node, model.get("error") || "");
    setShown(node, Boolean(model.get("error")));
  };
  model.on("change:error", update);
  update();
  el.append(node);
  return node;
}

/** Keep Jupyter's shortcuts from taking keys typed in `root`: it looks for this mark on the focused element itself first. */
function keepKeys(root) {
  root.addEventListener("focusin", (event) => event.target.setAttribute("data-lm-suppress-shortcuts", "true"));
}

/** Copy a text; where the page may not, select it so that the user can. Resolves to whether it was copied. */
async function copyText(text, source) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(source);
    const selection = getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return false;
  }
}
