"""`CompareGrid` in a real notebook: the plan at once, pictures as they come, and a layout of one's own."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.cells import HASTY

PROMPTS = '["A red fox in deep snow", "A teal teapot at noon"]'
GRID = f"""
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir="state")
grid = session.compare(["nano-banana-2", "gpt-image-2"], {PROMPTS}, n=[1, 2])
widget = tl.CompareGrid(grid)
widget
"""
TROUBLED = (
    HASTY
    + """
answer = {"error": {"message": "The service had a hiccup.", "type": "server_error"}}
session = session_with(Fault("answer", method="POST", model="gpt-image-2", times=1, status=500, body=answer))
grid = session.compare(["nano-banana-2", "gpt-image-2", "no-such-model"], "A red fox in deep snow", seed=[1, 2])
grid.wait(60)
tl.CompareGrid(grid)
"""
)


def shown(notebook):
    return notebook.cell(0).locator(".tlnb-compare")


def cells(grid):
    return grid.locator(".tlnb-cell")


def headers(grid, side):
    return grid.locator(f"[role={side}header][data-side] .tlnb-head-words")


def names(grid, side):
    """The headers of a side, top to bottom or left to right, as they stand now."""
    return [text.replace("\n", " ") for text in headers(grid, side).all_inner_texts()]


def named(grid, side, wanted):
    """The headers of a side come to be these."""
    expect(headers(grid, side)).to_have_text(wanted, use_inner_text=True, timeout=30_000)


@pytest.fixture
def full(lab):
    """A grid whose eight cells have their pictures, on a page that shows all of them."""
    notebook = lab.open_cells([GRID], width=1600, height=2000)
    notebook.run_all()
    grid = shown(notebook)
    expect(grid.locator(".tlnb-cell img[src^=blob]")).to_have_count(8, timeout=60_000)
    return notebook, grid


def test_a_grid_fills_itself_and_does_not_jump(full):
    notebook, grid = full
    expect(grid.locator(".tlnb-gridstate")).to_have_text("Finished", timeout=30_000)
    expect(grid.locator(".tlnb-counts")).to_have_text("8 done", timeout=30_000)
    named(grid, "column", ["nano-banana-2", "gpt-image-2"])
    assert names(grid, "row")[0] == "A red fox in deep snow Pictures 1"
    notebook.shot("compare", grid)


def test_axe_finds_nothing(full):
    notebook, grid = full
    cells(grid).first.focus()
    notebook.page.keyboard.press("b")
    notebook.page.keyboard.press("ArrowRight")
    notebook.page.keyboard.press("i")
    expect(grid.locator(".tlnb-gridbody > .tlnb-details")).to_be_visible(timeout=30_000)
    for theme in ("light", "dark"):
        notebook.theme(theme)
        assert violations(grid) == []
        notebook.shot(f"compare-details-{theme}", grid)


def test_every_axis_can_be_rows_columns_or_pages(full):
    _notebook, grid = full
    select = lambda name: grid.get_by_label(name, exact=True)  # noqa: E731
    grid.get_by_role("button", name="Swap").click()
    expect(grid.locator(".tlnb-corner")).to_contain_text("Prompt →", timeout=30_000)
    named(grid, "column", ["A red fox in deep snow", "A teal teapot at noon"])
    select("Columns").select_option(label="Pictures")
    named(grid, "column", ["Pictures 1", "Pictures 2"])
    select("Prompt").select_option(label="A teal teapot at noon")
    named(grid, "row", ["nano-banana-2", "gpt-image-2"])
    assert "A teal teapot at noon" in (cells(grid).first.get_attribute("aria-label") or "")
    select("Prompt").select_option(label="all, in rows")
    expect(cells(grid)).to_have_count(8, timeout=30_000)


def test_rows_are_ordered_filtered_hidden_and_pinned(full):
    notebook, grid = full
    press = notebook.page.keyboard.press
    grid.get_by_label("Order", exact=True).select_option(label="by price")
    named(grid, "row", [re.compile(f"{last}$") for last in "1122"])
    grid.get_by_label("Order", exact=True).select_option(label="as asked")
    grid.get_by_label("Show cells with this text").fill("teapot")
    expect(cells(grid)).to_have_count(4, timeout=30_000)
    grid.get_by_label("Show cells with this text").fill("")
    expect(cells(grid)).to_have_count(8, timeout=30_000)
    grid.locator(".tlnb-layout").get_by_label("Show", exact=True).select_option(label="failed")
    expect(grid.get_by_text("No cell is like that.")).to_be_visible(timeout=30_000)
    grid.locator(".tlnb-layout").get_by_label("Show", exact=True).select_option(label="all")
    expect(cells(grid)).to_have_count(8, timeout=30_000)
    before = names(grid, "row")
    grid.locator("[role=rowheader]").last.focus()
    press("p")
    named(grid, "row", [f"{before[-1]} Pinned", *before[:-1]])
    press("p")
    press("h")
    named(grid, "row", before[:-1])
    cells(grid).first.focus()
    press("h")
    expect(cells(grid).first).to_have_attribute("data-kind", "hidden", timeout=30_000)
    expect(cells(grid).first).to_be_focused(timeout=30_000)
    grid.get_by_role("button", name="Show 2 hidden").click()
    expect(grid.locator(".tlnb-cell img[src^=blob]")).to_have_count(8, timeout=30_000)


def test_the_keyboard_moves_looks_and_comes_back(full):
    notebook, grid = full
    press = notebook.page.keyboard.press
    cells(grid).first.focus()
    press("ArrowDown")
    focused = grid.locator(".tlnb-cell:focus")
    expect(focused).to_have_attribute("aria-label", re.compile("picture 1 of 2"), timeout=30_000)
    press(".")
    expect(focused).to_have_attribute("aria-label", re.compile("picture 2 of 2"), timeout=30_000)
    press("ArrowLeft")
    expect(grid.locator("[role=rowheader]:focus")).to_have_count(1, timeout=30_000)
    press("Control+Home")
    press("ArrowUp")
    expect(grid.locator("[role=columnheader]:focus")).to_have_text(re.compile("nano-banana-2"), timeout=30_000)
    press("Control+End")
    press("Enter")
    expect(grid.locator("dialog[open]")).to_be_visible(timeout=30_000)
    press("Escape")
    expect(cells(grid).last).to_be_focused(timeout=30_000)
    assert grid.locator("[tabindex='0']:is(.tlnb-cell, .tlnb-head, .tlnb-corner)").count() == 1


def test_details_hold_a_cell_against_the_base(full):
    notebook, grid = full
    press = notebook.page.keyboard.press
    cells(grid).first.focus()
    press("b")
    expect(cells(grid).first).to_contain_text("Base", timeout=30_000)
    press("Control+End")
    press("i")
    details = grid.locator(".tlnb-gridbody > .tlnb-details")
    expect(details.locator("ins").first).to_have_text(re.compile("teal"), timeout=30_000)
    expect(details.locator("del").first).to_be_visible(timeout=30_000)
    expect(details.locator("tr[data-differs=true]")).to_have_count(2, timeout=30_000)
    details.locator("summary", has_text="Show as code").click()
    expect(details.locator("pre")).to_contain_text("session.submit(", timeout=30_000)
    details.get_by_role("radio", name="curl").check()
    expect(details.locator("pre")).to_contain_text("/v1/images/generations", timeout=30_000)
    with notebook.page.expect_download() as download:
        details.get_by_role("button", name="Download 1").click()
    assert download.value.suggested_filename.endswith(".png")
    press("Escape")
    expect(details).to_be_hidden(timeout=30_000)
    expect(cells(grid).last).to_be_focused(timeout=30_000)


def test_what_failed_is_sent_once_more_after_a_question_with_the_price(lab):
    notebook = lab.open_cells([TROUBLED])
    notebook.run_all()
    grid = shown(notebook)
    expect(cells(grid).filter(has_text="The service failed")).to_have_count(2, timeout=30_000)
    expect(cells(grid).filter(has_text="There is no model 'no-such-model'").first).to_be_visible(timeout=30_000)
    expect(cells(grid).filter(has_text="The service failed").first).to_contain_text("nothing charged")
    notebook.shot("compare-troubled", grid)
    grid.get_by_role("button", name="Retry failed").click()
    expect(grid.locator(".tlnb-gridask")).to_contain_text("This sends 1 request once more.", timeout=30_000)
    expect(grid.get_by_role("button", name="Leave it")).to_be_focused(timeout=30_000)
    notebook.page.keyboard.press("Escape")
    expect(grid.get_by_role("button", name="Retry failed")).to_be_focused(timeout=30_000)
    assert notebook.value("len(grid.failed)") == 2  # cells that share one request
    grid.get_by_role("button", name="Retry failed").click()
    grid.get_by_role("button", name=re.compile("^Retry and pay|^Retry$")).click()
    expect(grid.locator(".tlnb-counts")).to_have_text("4 done, 2 impossible", timeout=60_000)
    expect(grid.get_by_role("button", name="Retry failed")).to_be_hidden(timeout=30_000)


OTHERWISE = """
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir="state")
grid = session.compare("nano-banana-2", "A red fox in deep snow", size="1536x1024")
grid.wait()
grid
"""


def test_one_cell_says_what_came_otherwise_what_it_costs_and_that_nothing_can_be_judged(lab):
    notebook = lab.open_cells([OTHERWISE, 'free = session.compare("z-image", "A red fox")\nfree.wait()\nfree'])
    notebook.run_all()
    grid = shown(notebook)
    expect(cells(grid).first).to_contain_text("Came otherwise: asked 1536x1024", timeout=30_000)  # not "As asked"
    grid.get_by_role("button", name="Judge blind").click()
    dialog = notebook.page.get_by_role("dialog", name="Judge blind")
    expect(dialog).to_contain_text("nothing varies between the cells but repeats", timeout=30_000)
    expect(dialog.get_by_label("Judge between")).to_be_hidden()
    notebook.page.keyboard.press("Escape")
    free = notebook.cell(1).locator(".tlnb-money")
    expect(free).to_have_text("sandbox: nothing is billed; at the service: free", timeout=30_000)


def test_after_a_reload_all_is_there_again(full):
    notebook, _ = full
    notebook.save()
    notebook.reload()
    expect(shown(notebook).locator(".tlnb-cell img[src^=blob]")).to_have_count(8, timeout=60_000)


@pytest.mark.parametrize("width", [420, 700])
def test_a_narrow_page_does_not_scroll_sideways(lab, width):
    notebook = lab.open_cells([GRID], width=width + 330)
    notebook.run_all()
    grid = shown(notebook)
    expect(grid.locator(".tlnb-cell img[src^=blob]").first).to_be_visible(timeout=60_000)
    assert grid.evaluate("(node) => node.scrollWidth <= node.clientWidth")
    assert grid.locator(".tlnb-scroller").evaluate("(node) => node.clientWidth > 150")
    notebook.shot(f"compare-narrow-{width}", grid)
