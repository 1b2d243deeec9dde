"""`CompareGrid` in a real notebook."""

from __future__ import annotations

from playwright.sync_api import expect

GRID = """
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir="state")
grid = session.compare(["nano-banana-2", "gpt-image-2"], ["A red fox in deep snow", "A teal teapot at noon"], n=[1, 2])
grid
"""


def test_a_grid_fills_itself(lab):
    notebook = lab.open_cells([GRID])
    notebook.run_all()
    grid = notebook.cell(0).locator(".tlnb-compare")
    expect(grid.locator("img[src^=blob]")).to_have_count(8, timeout=30_000)
    notebook.shot("compare", grid)
