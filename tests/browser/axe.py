"""axe-core in a page: what it finds wrong for people who use a screen reader, a keyboard, or little contrast."""

from __future__ import annotations

from importlib.resources import files

from playwright.sync_api import Locator

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]

# Of the page around a widget: an output has no say in landmarks and headings of a notebook.
NOT_OURS = ("region", "heading-order", "page-has-heading-one", "landmark-one-main")

_RUN = """async ([node, tags, off]) => {
  const rules = Object.fromEntries(off.map((id) => [id, { enabled: false }]));
  const found = await axe.run(node, { runOnly: { type: "tag", values: tags }, rules, resultTypes: ["violations"] });
  const told = (id, node) => `${id}: ${node.target} ${node.failureSummary}`;
  return found.violations.flatMap((each) => each.nodes.map((node) => told(each.id, node)));
}"""


def violations(part: Locator) -> list[str]:
    """What axe-core finds in a part of the page, one sentence a node."""
    page = part.page
    if not page.evaluate("() => 'axe' in window"):
        script = (files("axe_playwright_python") / "axe.min.js").read_text("utf-8")
        # As an expression: a script element may be forbidden by the page, and module loaders take over `define`.
        page.evaluate(f"(() => {{ const define = undefined, module = undefined, exports = undefined; {script} }})()")
    return list(page.evaluate(_RUN, [part.element_handle(), RULES, list(NOT_OURS)]))
