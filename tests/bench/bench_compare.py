"""A grid of 100 results against 100 cards of ipywidgets, in JupyterLab: `python tests/bench/bench_compare.py`.

Both show the same thumbnails, made beforehand; a bare anywidget, which shows nothing else, is the floor. Time is from
before the widgets are made until every picture is painted, Python time is the kernel's processor time in between, and
messages are what comes to the page.
"""

from __future__ import annotations

import statistics
import sys
import tempfile
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from tests.browser.grids import LARGE
from tests.browser.harness import CHROMIUM_ARGS, Harness, Notebook, chromium
from tests.browser.test_compare_large import FRAMES
from tests.jupyter_server import OPTIONS, serving

TARGETS = {"seconds": 0.25, "python": 0.05, "messages": 0.03}
ROUNDS = 5

COMMON = (
    LARGE
    + """
import time
import ipywidgets as w
from tokenlab_nb.widgets.compare import CompareGrid

grid = Grid(10, 10)
thumbs = {job.images[0].sha256: job.images[0].thumbnail(512, 48_000) for job in grid.jobs}
CompareGrid._thumbnail = lambda self, sha256: thumbs[sha256]
painted = 0.0  # processor time when the page had the last picture
on_got = CompareGrid._on_got


def noting(self, message, buffers):
    global painted
    painted = time.process_time() - copying
    return on_got(self, message, buffers)


def apart(name):  # the copy that is saved with the notebook is made beside: cards have none
    made = getattr(CompareGrid, name)

    def timed(self, *args):
        global copying
        begun = time.thread_time()
        try:
            return made(self, *args)
        finally:
            copying += time.thread_time() - begun

    setattr(CompareGrid, name, timed)


apart("_shrink")
apart("_refreeze")
CompareGrid._on_got = noting
CompareGrid(Grid(1, 1)).frozen()  # what is done once in a kernel is not what is measured
w.VBox([w.Image(value=b""), w.HBox([w.Label("x"), w.Button(description="x")])])
"""
)
CARDS = """
painted = copying = 0.0
start = time.process_time()
cards = w.GridBox(
    [
        w.VBox(
            [
                w.Image(value=thumb, format="jpeg", width=120, height=120),
                w.HBox([w.Label("prompt · seed"), w.Button(description="Open")]),
            ]
        )
        for thumb in thumbs.values()
    ],
    layout=w.Layout(grid_template_columns="repeat(10, 150px)"),
)
display(cards)
"""
WIDGET = """
painted = copying = 0.0
start = time.process_time()
shown = CompareGrid(grid)
display(shown)
"""
BARE = '''
import anywidget


class Bare(anywidget.AnyWidget):  # the least that can show a hundred pictures
    _esm = """
function render({ model, el }) {
  el.style.cssText = "display: grid; grid-template-columns: repeat(10, 150px)";
  const images = Array.from({ length: 100 }, () => Object.assign(new Image(120, 120), { className: "bare" }));
  el.append(...images);
  model.on("msg:custom", (_message, buffers) => {
    images.forEach((image, place) => (image.src = URL.createObjectURL(new Blob([buffers[place]]))));
    model.send({ got: true });
  });
  model.send({ ready: true });
}
export default { render };
"""

    def __init__(self):
        super().__init__()
        self.on_msg(self.heard)

    def heard(self, _widget, message, _buffers):
        global painted
        if "ready" in message:
            self.send({}, list(thumbs.values()))
        else:
            painted = time.process_time()


painted = copying = 0.0
start = time.process_time()
display(Bare())
'''
SPENT = "(painted or time.process_time()) - start"
COPY = "copying"

COUNT = """() => {
  window.testMessages = 0;
  const Real = window.WebSocket;
  window.WebSocket = class extends Real {
    constructor(...args) {
      super(...args);
      this.addEventListener("message", () => { window.testMessages += 1; });
    }
  };
}"""

PAINTED = """async ([selector, count]) => {
  const done = () => {
    const found = [...document.querySelectorAll(selector)].filter((img) => img.complete && img.naturalWidth);
    return found.length >= count;
  };
  while (!done()) await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  await new Promise(requestAnimationFrame);
  return performance.now();
}"""


def one(lab: Harness, code: str, selector: str) -> dict[str, float]:
    """Show it once on a fresh page and kernel."""
    page = lab.page(width=2000, height=2900, known=("Could not restore",))
    page.add_init_script(f"({COUNT})()")
    notebook = _opened(lab, page, [COMMON, code])
    notebook.run(0)
    page.evaluate("window.testMessages = 0")
    begun = page.evaluate("performance.now()")
    notebook.start(1)
    painted = page.evaluate(PAINTED, [selector, 100])
    messages = page.evaluate("window.testMessages")
    notebook.wait_done()
    python = notebook.value(SPENT)
    copy = notebook.value(COPY)
    page.close()
    lab.clear()
    return {"seconds": (painted - begun) / 1000, "python": python, "messages": messages, "copy": copy}


def _opened(lab: Harness, page: Any, cells: list[str]) -> Notebook:
    from tests.browser.harness import write_cells  # noqa: PLC0415

    write_cells(lab.server.folder / "bench.ipynb", cells)
    page.goto(lab.server.address("/lab/tree/bench.ipynb?reset"))
    notebook = Notebook(lab, page, lab.server.folder / "bench.ipynb")
    notebook.wait_ready()
    return notebook


def main() -> None:
    """Measure, and print each figure with its ratio and the target."""
    home = Path(tempfile.mkdtemp())
    (work := home / "work").mkdir()
    with serving(["jupyterlab", "--no-browser", *OPTIONS], work, home) as server, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium(), args=list(CHROMIUM_ARGS))
        lab = Harness("lab", server, browser, home)
        runs: dict[str, list[dict[str, float]]] = {"cards": [], "grid": [], "bare": []}
        for _ in range(ROUNDS):
            runs["cards"].append(one(lab, CARDS, ".jp-OutputArea img"))
            runs["grid"].append(one(lab, WIDGET, ".tlnb-cell img"))
            runs["bare"].append(one(lab, BARE, "img.bare"))
        for name, target in TARGETS.items():
            medians = {kind: statistics.median(each[name] for each in found) for kind, found in runs.items()}
            figures = "  ".join(f"{kind} {figure:8.3f}" for kind, figure in medians.items())
            ratios = [medians[kind] / medians["cards"] for kind in ("grid", "bare")]
            sys.stdout.write(f"{name:9} {figures}  ratio {ratios[0]:.3f} (target {target}), bare {ratios[1]:.3f}\n")
        copy = statistics.median(each["copy"] for each in runs["grid"])
        sys.stdout.write(f"beside it, the copy that is saved with the notebook: {copy:.3f} s of Python\n")
        scrolled = lab.open_cells([LARGE, "tl.CompareGrid(Grid(100, 10))"])
        scrolled.run_all()
        scrolled.page.wait_for_selector(".tlnb-cell img[src^=blob]")
        sys.stdout.write(f"scrolling 1,000 cells: {scrolled.page.evaluate(FRAMES, [4, 60])}\n")
        browser.close()


if __name__ == "__main__":
    main()
