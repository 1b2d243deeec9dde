"""A grid of a thousand cells, and of ten thousand: what is not in view is not in the page, and not on its way."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.grids import LARGE

COUNTING = """
from tokenlab_nb.widgets.compare import CompareGrid

SENT = set()  # hashes of thumbnails; a repeated push counts once
send = CompareGrid.send


def counting(self, content, buffers=None):
    SENT.update(content["hashes"] if content["type"] == "thumbs" else ())
    send(self, content, buffers)


CompareGrid.send = counting
"""
STRAY = """[job.take.number for job in widget.grid.jobs[100:]
 if job.images[0].sha256 in SENT and job.take.number not in {ever}]"""

FRAMES = """async ([seconds, pixels]) => {
  const scroller = document.querySelector(".tlnb-scroller");
  const gaps = [];
  window.testEver = new Set();
  let most = 0;
  let last = performance.now();
  const end = last + seconds * 1000;
  while (last < end) {
    scroller.scrollTop += pixels;
    const now = await new Promise(requestAnimationFrame);
    gaps.push(now - last);
    last = now;
    const cells = [...scroller.querySelectorAll(".tlnb-cell")];
    most = Math.max(most, cells.length);
    for (const cell of cells) window.testEver.add(Number(cell.dataset.index));
  }
  gaps.sort((a, b) => a - b);
  const at = (part) => Math.round(gaps[Math.min(gaps.length - 1, Math.floor(gaps.length * part))] * 10) / 10;
  return {frames: gaps.length, median: at(0.5), p95: at(0.95), worst: at(1), most, top: scroller.scrollTop};
}"""

EVER = """() => {
  for (const cell of document.querySelectorAll(".tlnb-cell")) window.testEver.add(Number(cell.dataset.index));
  return [...window.testEver];
}"""


def opened(lab, rows, columns):
    notebook = lab.open_cells([LARGE + COUNTING, f"widget = tl.CompareGrid(Grid({rows}, {columns}))\nwidget"])
    notebook.run_all()
    grid = notebook.cell(1).locator(".tlnb-compare")
    expect(grid.locator(".tlnb-cell img[src^=blob]").first).to_be_visible(timeout=30_000)
    return notebook, grid


@pytest.mark.parametrize(("rows", "columns"), [(100, 10), (1000, 10)])
def test_only_what_is_in_view_is_in_the_page_and_asked_for(lab, rows, columns):
    notebook, grid = opened(lab, rows, columns)
    measured = notebook.page.evaluate(FRAMES, [3, 60])
    assert measured["most"] < 90
    assert measured["top"] > 1000
    last = grid.locator(".tlnb-cell").last
    index = int(last.get_attribute("data-index"))
    expect(grid.locator(f'.tlnb-cell[data-index="{index}"] img[src^=blob]')).to_have_count(1, timeout=30_000)
    ever = notebook.page.evaluate(EVER)
    assert len(ever) < rows * columns
    assert notebook.value(STRAY.format(ever=set(ever))) == []
    assert notebook.value("len(widget._thumbs)") <= 400
    notebook.shot(f"compare-large-{rows}")


def test_the_keyboard_goes_from_one_corner_to_the_other(lab):
    notebook, grid = opened(lab, 100, 10)
    first = grid.locator('.tlnb-cell[data-index="0"]')
    first.focus()
    notebook.page.keyboard.press("Control+End")
    last = grid.locator('.tlnb-cell[data-index="999"]')
    expect(last).to_be_focused(timeout=30_000)
    expect(last.locator("img[src^=blob]")).to_be_visible(timeout=30_000)
    notebook.page.keyboard.press("PageUp")
    notebook.page.keyboard.press("Home")
    assert int(grid.locator(":focus").get_attribute("data-index")) % 10 == 0
    notebook.page.keyboard.press("Control+Home")
    expect(first).to_be_focused(timeout=30_000)
