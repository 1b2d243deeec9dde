"""Reopened: what a saved notebook shows without its kernel, and that nothing is shown twice or piles up."""

from __future__ import annotations

import copy

import nbformat
from playwright.sync_api import expect

from tests.browser import elsewhere
from tests.browser.cells import HASTY
from tests.browser.harness import Notebook

MAKE = (
    HASTY
    + """
from IPython.display import display

session = session_with()
models = [model.id for model in session.models(operation="text-to-image")][:2]
jobs = [session.submit(model=model, prompt="A red fox in deep snow") for model in models]
for job in jobs:
    job.wait()
"""
)
CELLS = [
    MAKE,
    "gallery = tl.Gallery(jobs)\ngallery",
    "jobs[0]",
    "grid = session.compare(models, 'A teal teapot at noon', quality=['low', 'high'])\ngrid.wait()\ngrid",
    "studio = tl.Studio(session)\nstudio",
    "studio.compare._put_first(studio.compare._made(grid))",
]
PICTURES = {1: 2, 2: 1, 3: 4, 4: 5 + 4}
"""By cell, how many pictures it shows: two cells of the grid are one request, and the Studio shows both tabs' twins."""
BUDGET = 20_000

LIVE = """counts => Object.entries(counts).every(([cell, count]) => {
  const node = document.querySelector(`[data-test-cell='${cell}']`);
  const shown = image => image.complete && image.naturalWidth > 0;
  return node && [...node.querySelectorAll('img[src^=blob]')].filter(shown).length === count;
})"""

TWINS = """counts => Object.entries(counts).every(([cell, count]) => {
  const node = document.querySelector(`[data-test-cell='${cell}']`);
  const shown = image => image.checkVisibility() && image.complete && image.naturalWidth > 0;
  return node && [...node.querySelectorAll('.tlnb-twin img')].filter(shown).length === count;
})"""

PAGE_MODELS = """const renderer = panel.content.rendermime.createRenderer('application/vnd.jupyter.widget-view+json');
const manager = await renderer._manager.promise;
return Object.keys(manager._models).length;"""

COMMS = "len(get_ipython().kernel.comm_manager.comms)"


def mark(nb: Notebook) -> None:
    """Bring every cell into the page, and name it."""
    for index in range(len(CELLS)):
        nb.cell(index)


def is_live(nb: Notebook) -> None:
    """The live widgets are looked at, and their twins are not, though they are there with all their pictures."""
    mark(nb)
    nb.wait_for(LIVE, {cell: count for cell, count in PICTURES.items() if cell != 4})  # one tab of the Studio is hidden
    nb.wait_for("() => document.querySelectorAll('.tlnb-twin img').length === 16")
    expect(nb.page.locator(".tlnb-twin").filter(visible=True)).to_have_count(0)


def is_frozen(nb: Notebook) -> None:
    """The twins are looked at, all their pictures are painted, and no live picture is."""
    mark(nb)
    nb.wait_for(TWINS, PICTURES)
    expect(nb.page.locator("img[src^=blob]")).to_have_count(0)
    expect(nb.page.locator(".tlnb-twin", has_text="0 of 0")).to_have_count(0)


def twins(saved: nbformat.NotebookNode) -> dict[int, list[nbformat.NotebookNode]]:
    """By cell, the outputs that are frozen twins."""
    return {
        cell: [each for each in saved.cells[cell].outputs if "tlnb-twin" in each.get("data", {}).get("text/html", "")]
        for cell in PICTURES
    }


def size(outputs: list[nbformat.NotebookNode]) -> int:
    """Bytes in the notebook file."""
    return len(nbformat.writes(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(outputs=outputs)])).encode())


def without_model(nb: Notebook) -> None:
    """JupyterLab complains of each widget whose kernel has gone; no page of ours does."""
    errors = nb.harness.errors
    errors[:] = [each for each in errors if "widget model not found" not in each]


def test_reopened_restarted_and_run_again_twice(front_end):
    nb = front_end.open_cells(CELLS, "reopened.ipynb", height=1400)
    nb.run_all()
    is_live(nb)
    saved = nb.save()
    for cell, outputs in twins(saved).items():
        assert size(outputs) < PICTURES[cell] * BUDGET, cell
        assert all("image/jpeg" in each.data for each in outputs), cell  # and HTML is what is shown
    assert "widgets" not in saved.metadata
    nb.path.with_name("theirs.ipynb").write_text(nbformat.writes(unsigned(saved)))
    counts = []
    for _ in range(2):
        nb.restart()
        nb.cell(4)
        expect(nb.page.locator(".tlnb-bar-gone")).to_contain_text("run the cell again", timeout=30_000)
        expect(nb.page.locator(".tlnb-twin").filter(visible=True)).to_have_count(0)  # live pictures are still here
        nb.reload()
        is_frozen(nb)
        nb.shot("reopened")
        nb.run_all()
        is_live(nb)
        counts.append((nb.value(COMMS), nb.js(PAGE_MODELS)))
        nb.save()
    nb.run_all()
    is_live(nb)
    counts.append((nb.value(COMMS), nb.js(PAGE_MODELS)))
    comms, models = counts[0]
    assert counts == [(comms, comms)] * 3, "comms without a model, or models without a comm"
    assert models > 50
    without_model(nb)
    stranger_sees_pictures(nb)
    if front_end.kind == "lab":
        html = [each.data["text/html"] for outputs in twins(saved).values() for each in outputs]
        count = sum(PICTURES.values())
        elsewhere.is_converted_and_printed(front_end.browser, saved, count, front_end.shots)
        elsewhere.is_clean(front_end.browser, html, count, front_end.shots)


def unsigned(notebook: nbformat.NotebookNode) -> nbformat.NotebookNode:
    """The notebook as somebody else's: its outputs are not those that were signed here."""
    theirs = copy.deepcopy(notebook)
    theirs.cells[0].outputs = [nbformat.v4.new_output("stream", text="Hello.")]
    return theirs


def stranger_sees_pictures(nb: Notebook) -> None:
    """Not trusted, no script may run: widgets are told by their repr, and the twins are all there."""
    theirs = nb.harness.open("theirs.ipynb", height=1400)
    assert theirs.js("return [...panel.content.model.cells].some(cell => cell.trusted);") is False
    is_frozen(theirs)
    theirs.shot("stranger")
    expect(theirs.cell(3)).to_contain_text("CompareGrid(4 cells)")
    expect(theirs.page.get_by_text("model not found")).to_have_count(0)
