// The bar on top of the Studio: where pictures come from, how to use a key, and what went wrong.

const NOT_ALL_CAME = "Nothing was sent: a picture that was on its way when you pressed Run is not among those that are sent.";

/** Ctrl+Enter in the prompt runs. On the way in, since ipywidgets lets no key out of its text boxes. */
function runOnKeys(box) {
  const onKey = (event) => {
    if (event.key !== "Enter") return;
    const inPrompt = (event.ctrlKey || event.metaKey) && event.target.tagName === "TEXTAREA";
    const held = event.repeat && (inPrompt || event.target.closest(".tlnb-studio-run"));
    if (inPrompt || held) event.preventDefault();
    if (inPrompt && !held) box.querySelector(".tlnb-studio-run")?.click(); // a key that is held down runs once
  };
  box.addEventListener("keydown", onKey, true);
}

const WAITS = "Run waits for the pictures on their way.";
const COUNTS = "Run waits until the budget is taken in.";
const PASSED = "Something has changed since this plan was shown. Nothing was sent: look, and press Run again.";
const ASKS = "Run waits for your answer about a large picture, and goes on then.";
const AT_WORK = "Python is at work: Run is heard when the running cell ends.";
const SLOW = 1000; // ms, after which the wait for Python is told
const TURNS = { subtree: true, childList: true, attributes: true, attributeFilter: ["data-busy", "data-state"] };

/** Say what Run waits for, as long as pictures are on their way; returns a function that ends it. */
function tellWait(box, told) {
  const tell = () => {
    const asks = box.querySelector(".tlnb-refs-card[data-state='asking']");
    const counts = box.querySelector(".tlnb-quote[data-busy='true']");
    setText(told, asks ? ASKS : counts ? COUNTS : box.querySelector("[data-busy='true']") ? WAITS : "");
  };
  const watch = new MutationObserver(tell);
  watch.observe(box, TURNS);
  tell();
  return () => watch.disconnect();
}

/** What is wrong stands in labels, which have no role of their own: it is to be heard, too. */
function tellProblems(box) {
  const mark = () => {
    for (const line of box.querySelectorAll(".tlnb-studio-line")) {
      setAttr(line, "role", line.classList.contains("tlnb-studio-problem") ? "alert" : null);
    }
  };
  new MutationObserver(mark).observe(box, { subtree: true, childList: true, attributes: true, attributeFilter: ["class"] });
  mark();
}

/**
 * Wait until no picture and no budget is on its way to Python: a run without it would be another run. The first message
 * of a widget may reach Python on another thread than those of others, and so be overtaken.
 * Returns whether all of them came; one may be refused or removed meanwhile, or another workflow be chosen.
 */
async function arrived(box) {
  const busy = () => box.querySelector("[data-busy='true']");
  const cards = () => [...box.querySelectorAll(".tlnb-refs-card")];
  const here = ["ready", "refused", "failed"];
  const awaited = cards().filter((card) => busy() && !here.includes(card.dataset.state)).map((card) => card.dataset.key);
  await new Promise((resolve) => {
    if (!busy()) return resolve();
    const watch = new MutationObserver(() => {
      if (busy()) return;
      watch.disconnect();
      resolve();
    });
    watch.observe(box, { subtree: true, childList: true, attributes: true, attributeFilter: ["data-busy"] });
  });
  const ready = cards().filter((card) => card.dataset.state === "ready").map((card) => card.dataset.key);
  return awaited.every((key) => ready.includes(key));
}

/**
 * Let a click on Run, in either tab, through only when Python has heard all that was typed and painted and has all pictures that are
 * on their way to it, and once only. What it waits for stands beside it.
 * ipywidgets holds text back while an earlier change is on its way, so a click could overtake the end of the prompt.
 * Python answers a question after those changes; by then the text that was held back is sent, and the click follows it.
 */
function runWhenHeard(box, model) {
  let state = "ready";
  const told = h("span", { class: "tlnb-studio-wait", role: "status" });
  const onClick = async (event) => {
    const button = event.target.closest(".tlnb-studio-run, .tlnb-plan-run");
    if (!button || state === "passing" || button.ariaDisabled === "true") return;
    event.preventDefault();
    event.stopPropagation();
    if (state === "asking" || event.detail > 1) return; // the second half of a double click is no second run
    state = "asking";
    const shown = button.dataset.token;
    let end = "";
    button.closest(".tlnb-studio-foot, .tlnb-plan-line")?.append(told);
    const endTelling = tellWait(box, told);
    let slow = 0;
    try {
      if (!(await arrived(box))) {
        model.set("error", NOT_ALL_CAME);
        return;
      }
      endTelling();
      slow = setTimeout(() => setText(told, AT_WORK), SLOW);
      await ask(model, "heard");
      if (button.dataset.token !== shown) {
        end = PASSED;
        return;
      }
      state = "passing";
      button.click();
    } catch (error) {
      end = error.message;
    } finally {
      endTelling();
      clearTimeout(slow);
      setText(told, end);
      state = "ready";
    }
  };
  box.addEventListener("click", onClick, true);
}

const TABS = [["create", "Create"], ["compare", "Compare"]];

/** The tabs: what belongs to the other one is hidden by the box's mark `data-tab`, and stays as it is meanwhile. */
function tabBar(model) {
  const uid = model.get("uid");
  const go = (name, focus) => {
    model.set("tab", name);
    model.save_changes();
    if (focus) node.querySelector("[aria-selected=true]").focus();
  };
  const tabs = TABS.map(([name, label]) => h("button", { class: "tlnb-bar-tab", type: "button", role: "tab", id: `tlnb-tab-${name}-${uid}`, text: label, "aria-controls": `tlnb-panel-${uid}`, on: { click: () => go(name) } }));
  const node = h("div", { class: "tlnb-bar-tabs", role: "tablist", "aria-label": "What to do" }, ...tabs);
  node.addEventListener("keydown", (event) => {
    const at = TABS.findIndex(([name]) => name === model.get("tab"));
    const to = { ArrowRight: (at + 1) % TABS.length, ArrowLeft: (at + TABS.length - 1) % TABS.length, Home: 0, End: TABS.length - 1 }[event.key];
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    event.stopPropagation();
    go(TABS[to][0], true);
  });
  return {
    node,
    update(box) {
      tabs.forEach((tab, place) => {
        const is = TABS[place][0] === model.get("tab");
        setAttr(tab, "aria-selected", String(is));
        tab.tabIndex = is ? 0 : -1;
      });
      if (!box) return;
      box.dataset.tab = model.get("tab");
      const panel = box.querySelector(".tlnb-studio-columns");
      setAttr(panel, "id", `tlnb-panel-${uid}`);
      setAttr(panel, "role", "tabpanel");
      setAttr(panel, "aria-labelledby", `tlnb-tab-${model.get("tab")}-${uid}`);
    },
  };
}

function render({ model, el }) {
  const root = h("section", { class: "tlnb-bar", "aria-label": "TokenLab Studio" });
  const place = h("span", { class: "tlnb-bar-place", role: "status" });
  const help = h(
    "div",
    { class: "tlnb-bar-help", id: `tlnb-key-${model.get("uid")}` },
    h("span", { text: "Keys are never typed here. Run this line in a cell, then run the Studio's cell again:" }),
    h("code", { text: "tl.login()" }),
    h("span", { text: "or set the environment variable TOKENLAB_API_KEY before Jupyter starts." }),
  );
  help.hidden = true;
  const button = h("button", {
    class: "tlnb-bar-key",
    type: "button",
    text: model.get("has_key") ? "Change key" : "Use a key",
    "aria-expanded": "false",
    "aria-controls": help.id,
    on: {
      click: () => {
        help.hidden = !help.hidden;
        setAttr(button, "aria-expanded", String(!help.hidden));
      },
    },
  });
  const notice = h("div", { class: "tlnb-bar-notice", role: "status" });
  const update = () => {
    setText(place, model.get("place"));
    setAttr(root, "data-sandbox", String(model.get("sandbox")));
    setText(notice, model.get("notice"));
    setShown(notice, Boolean(model.get("notice")));
  };
  const gone = h("div", { class: "tlnb-bar-gone", role: "alert", hidden: true });
  const probe = () => {
    let dead = el.classList.contains("jupyter-widgets-disconnected"); // restored without a kernel
    try {
      if (!dead) model.send({ type: "heard" });
    } catch {
      dead = true; // what a comm without its kernel does in all front ends
    }
    setText(gone, dead ? `${KERNEL_GONE} What stands here stays until the page is reloaded, but nothing is sent any more.` : "");
    setShown(gone, dead);
  };
  let frame = 0;
  const bar = tabBar(model);
  const turn = () => bar.update(el.closest(".tlnb-studio"));
  const settle = () => {
    const box = el.closest(".tlnb-studio");
    turn();
    if (el.classList.contains("jupyter-widgets-disconnected")) probe();
    if (!box && !el.isConnected) frame = requestAnimationFrame(settle); // not in the page yet
    if (!box || box.dataset.keys) return;
    box.dataset.keys = "kept";
    keepKeys(box);
    runOnKeys(box);
    runWhenHeard(box, model);
    tellProblems(box);
  };
  frame = requestAnimationFrame(settle);
  root.append(h("div", { class: "tlnb-bar-line" }, h("strong", { text: "TokenLab Studio" }), place, button), help, gone, notice, bar.node);
  el.append(root);
  alertRegion(model, el);
  model.on("change:place change:sandbox change:notice", update);
  model.on("change:tab", turn);
  model.on("comm_live_update", probe);
  update();
  return () => {
    cancelAnimationFrame(frame);
    model.off(null, update);
    model.off("change:tab", turn);
    model.off("comm_live_update", probe);
  };
}

export default { render };
