"""axe-core finds nothing wrong with any widget, in the light and in the dark theme."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.axe import violations
from tests.browser.harness import Notebook
from tests.browser.test_compare_vote import pair, press
from tests.browser.test_studio import opened, run_button, studio, write


def test_the_studio(lab):
    nb = opened(lab)
    write(nb, "A red fox in deep snow")
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-tile img[src^=blob]")).to_have_count(1, timeout=30_000)
    for theme in ("light", "dark"):
        nb.theme(theme)
        assert violations(studio(nb)) == []


def test_it_finds_what_is_wrong(lab):
    nb = lab.open_cells(["import ipywidgets as w\nw.HTML('<img src=x><button></button>')"])
    nb.run_all()
    found = " ".join(violations(nb.cell(0).locator(".jupyter-widgets")))
    assert "image-alt" in found
    assert "button-name" in found


GRID = """
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir="state")
grid = session.compare(["nano-banana-2", "seedream-5.0"], "A red fox in deep snow", size=["1024x1024", "1536x1024"])
grid
"""


def filled(lab) -> tuple[Notebook, Locator]:
    """A grid with three pictures, and a cell that was refused."""
    nb = lab.open_cells([GRID], width=1360, height=1000)
    nb.run_all()
    grid = nb.page.locator(".tlnb-compare")
    expect(grid).to_contain_text("3 done", timeout=60_000)
    expect(grid).to_contain_text("1 failed", timeout=60_000)
    expect(grid.locator("img[src^=blob]")).to_have_count(3, timeout=60_000)
    return nb, grid


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_grid_its_details_looking_closely_and_judging(lab, theme):
    nb, grid = filled(lab)
    nb.theme(theme)
    nb.cell(0)
    assert violations(grid) == []
    grid.get_by_role("gridcell").first.focus()
    nb.page.keyboard.press("i")
    assert violations(grid) == []
    nb.page.keyboard.press("Escape")
    grid.get_by_role("gridcell").first.focus()
    nb.page.keyboard.press("Enter")
    look = grid.get_by_role("dialog").filter(visible=True)
    look.wait_for()
    for key in ("s", "w", "f", "d"):
        nb.page.keyboard.press(key)
        assert violations(look) == []
    nb.page.keyboard.press("Escape")
    grid.get_by_role("button", name="Judge blind").click()
    judge = grid.get_by_role("dialog").filter(visible=True)
    judge.wait_for()
    expect(judge.get_by_role("button", name="Start judging")).to_be_enabled(timeout=30_000)
    assert violations(judge) == []
    judge.get_by_role("button", name="Start judging").click()
    pair(nb, 0)
    assert violations(judge) == []
    press(nb, "t")
    see = judge.get_by_role("button", name="Show results").filter(visible=True)
    expect(see).to_be_enabled(timeout=30_000)
    see.click()
    expect(judge.get_by_role("table")).to_be_visible(timeout=30_000)
    assert violations(judge) == []


def test_the_tab_compare(lab):
    nb = opened(lab)
    write(nb, "A red fox in deep snow")
    studio(nb).get_by_role("tab", name="Compare").click()
    form = studio(nb).locator(".tlnb-planform")
    form.get_by_label("Add a setting").select_option("n")
    form.get_by_label("auto (not sent)").check()
    expect(form.locator(".tlnb-plan-run")).to_be_enabled(timeout=30_000)
    for theme in ("light", "dark"):
        nb.theme(theme)
        assert violations(studio(nb)) == []
