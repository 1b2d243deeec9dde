"""A grid of known pictures, looked at closely: opening it, and reading the pixels that its panes show."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.harness import Notebook

Places = list[tuple[int, int]]

SESSION = """
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir="state")
"""
NINE = SESSION + 'grid = session.compare("z-image", "A red fox in deep snow", size="768x768", seed=[*range(1, 10)])\n'
"""Nine cells in one axis, all of one size."""

MIXED = (
    SESSION
    + """
grid = session.compare(
    "z-image", ["A red fox in deep snow", "A teal teapot at noon"], size=["768x768", "1024x768"], seed=[1, 2]
)
"""
)
"""Eight cells: prompt, then size, then seed changes fastest."""

SIDE, OFFSET = 768, -128
"""The base's width and height; where a picture of 1024 x 768 begins when its middle lies on the base's."""

PLACES = [(12, 20), (200, 700), (384, 384), (501, 250), (640, 90), (755, 760)]

_PICTURES = "[[list(each.images[0].pil.convert('RGB').getpixel(at)) for at in {places}] for each in grid.cells]"

_READ = """([places, offsets]) => [...document.querySelectorAll('.tlnb-look-canvas')].map((canvas, pane) => {
  const [scale, x, y] = JSON.parse(document.querySelector('.tlnb-look-stage').dataset.view);
  const pen = canvas.getContext('2d');
  const left = Math.round(canvas.width / 2 + ((offsets[pane] ?? 0) - x) * scale);
  const top = Math.round(canvas.height / 2 - y * scale);
  return places.map(([column, row]) => {
    const at = [left + Math.floor((column + 0.5) * scale), top + Math.floor((row + 0.5) * scale)];
    const inside = at[0] >= 0 && at[1] >= 0 && at[0] < canvas.width && at[1] < canvas.height;
    return inside ? [...pen.getImageData(...at, 1, 1).data].slice(0, 3) : null;
  });
})"""

_LOADED = """() => {
  const stage = document.querySelector('.tlnb-look-stage').getBoundingClientRect();
  const isInSight = pane => pane.getBoundingClientRect().top < stage.bottom;
  const all = [...document.querySelectorAll('.tlnb-look-pane')].filter(isInSight);
  const isDone = pane => pane.querySelector('canvas').width > 0 && !/preview|worked out/.test(pane.textContent);
  return all.length > 0 && all.every(isDone);
}"""


def opened(lab: Any, code: str = NINE, cell: int = 1, **size: int) -> Notebook:
    """A notebook whose grid is finished, one of its cells looked at closely; the keyboard alone was used."""
    nb: Notebook = lab.open_cells([code + "grid.wait()", "grid"], **size)
    nb.run_all()
    look_at(nb, cell)
    return nb


def look_at(nb: Notebook, cell: int) -> None:
    place = nb.cell(1).locator(f".tlnb-cell[data-index='{cell}']")
    place.focus(timeout=30_000)
    nb.page.keyboard.press("Enter")
    expect(dialog(nb)).to_be_visible(timeout=30_000)
    loaded(nb)


def dialog(nb: Notebook) -> Locator:
    return nb.page.locator("dialog.tlnb-look")


def panes(nb: Notebook) -> Locator:
    return nb.page.locator(".tlnb-look-pane")


def facts(nb: Notebook, pane: int = 0) -> Locator:
    return nb.page.locator(".tlnb-look-facts").nth(pane)


def loaded(nb: Notebook) -> None:
    """Wait until every pane in sight shows the full picture, and no difference is being worked out."""
    nb.wait_for(_LOADED)


def keys(nb: Notebook, *names: str) -> None:
    for name in names:
        nb.page.keyboard.press(name)


def view(nb: Notebook) -> list[float]:
    """Zoom and place: screen pixels for each of the base's, and which of its pixels is in the middle."""
    nb.page.evaluate("() => new Promise(requestAnimationFrame)")
    found: list[float] = nb.js("return JSON.parse(document.querySelector('.tlnb-look-stage').dataset.view);")
    return found


def shown(nb: Notebook, places: Places, offsets: list[int] | None = None) -> list[list[list[int] | None]]:
    """The colours that each pane shows where these pixels of its picture must be; None for those out of sight."""
    nb.page.evaluate("() => new Promise(requestAnimationFrame)")
    found: list[list[list[int] | None]] = nb.page.evaluate(_READ, [places, offsets or []])
    return found


def true_colours(nb: Notebook, places: Places) -> list[list[list[int]]]:
    """The colours that Python finds there, cell by cell."""
    found: list[list[list[int]]] = nb.value(_PICTURES.format(places=places))
    return found
