"""A refused job offers what could be done about it: by button and by key, with the price, and never by itself."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.harness import Notebook
from tests.browser.test_acting import FOCUS, apart
from tests.browser.test_money import COUNTED
from tests.browser.test_pictures import pictures

SLOW = 30_000  # milliseconds; the machine may be busy

REFUSED = (
    COUNTED
    + """
from tokenlab_nb.contract.request import ImageRequest


def refused(**values):
    values = {"prompt": "A red fox in deep snow", **values}
    return session.send(ImageRequest("nano-banana-2", "text-to-image", "/v1/images/generations", values))


"""
)
"""Defines `refused(**values)`: a job with values that no check of ours would let pass."""

GALLERY = f"{REFUSED}gallery = tl.Gallery([refused(aspect_ratio='7:5'), refused(seed=3, style='vivid')])\ngallery"
CUT = """return [...document.querySelectorAll('.tlnb-say')].filter((node) => node.checkVisibility())
  .filter((node) => node.getBoundingClientRect().right > node.parentElement.getBoundingClientRect().right + 1)
  .map((node) => node.textContent);"""
"""Words that a tile's frame cuts off at the side."""

VIEW = f"{REFUSED}view = tl.JobView(refused(aspect_ratio='7:5', resolution='2k'))\nview"


def shown(lab, code: str) -> Notebook:
    nb = lab.open_cells([code])
    nb.run_all()
    return nb


def tile(nb: Notebook, place: int) -> Locator:
    return nb.page.locator(".tlnb-tile").nth(place)


def button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def test_a_repair_is_asked_about_with_its_price_and_its_picture_stands_right_after(lab):
    nb = shown(lab, GALLERY)
    first = tile(nb, 0)
    expect(button(first, "Use 3:2 instead")).to_be_visible(timeout=SLOW)
    expect(button(first, "Leave aspect_ratio out")).to_be_visible()
    expect(button(tile(nb, 1), "Leave seed and style out")).to_be_visible(timeout=SLOW)
    for theme in ("light", "dark"):
        nb.theme(theme)
        first.scroll_into_view_if_needed()
        nb.shot(f"repairs-{theme}")
    assert nb.js(CUT) == []
    button(first, "Use 3:2 instead").click()
    question = first.get_by_role("group", name="Use 3:2 instead")
    expect(question).to_contain_text("Taken are 1:1, 16:9, 9:16, 3:2, 2:3. Sending it may cost $0.0225 - $0.0755.")
    nb.shot("repairs-question")
    button(question, "Keep as it is").click()
    expect(button(first, "Use 3:2 instead")).to_be_focused()
    assert nb.value("len(POSTS)") == 2
    button(first, "Use 3:2 instead").click()
    button(question, "Send and pay").click()
    pictures(nb, 1)
    expect(tile(nb, 1).locator(".tlnb-facts")).to_contain_text("mends job_", timeout=SLOW)
    expect(first.locator(".tlnb-facts")).to_contain_text("mended as job_")
    expect(first.locator(".tlnb-actions button")).to_have_count(0)
    assert nb.js(FOCUS) != "body"
    assert nb.value("len(POSTS)") == 3
    assert nb.value("[job.request.values.get('aspect_ratio') for job in gallery.jobs]") == ["7:5", "3:2", None]
    nb.shot("repairs-done")


def test_a_repair_is_made_by_keyboard_and_a_job_view_goes_on_with_it(lab):
    nb = shown(lab, VIEW)
    view = nb.page.get_by_role("region", name="Job: nano-banana-2")
    repair = button(view, "Use 3:2 instead")
    expect(repair).to_be_visible(timeout=SLOW)
    expect(view).to_contain_text("Taken are 1:1, 16:9, 9:16, 3:2, 2:3.")
    apart(nb, ".tlnb-choice > *", 4)
    for theme in ("light", "dark"):
        nb.theme(theme)
        nb.shot(f"repairs-view-{theme}")
    repair.focus()
    repair.press("Enter")
    expect(button(view, "Keep as it is")).to_be_focused()
    nb.page.keyboard.press("Escape")
    expect(repair).to_be_focused()
    repair.press("Enter")
    nb.page.keyboard.press("Shift+Tab")
    expect(button(view, "Send and pay")).to_be_focused()
    nb.page.keyboard.press("Enter")
    pictures(nb, 1)
    expect(view.get_by_text("It mends job_")).to_be_visible(timeout=SLOW)
    assert nb.value("len(POSTS)") == 2
    assert nb.value("view.job.request.settings['aspect_ratio']") == "3:2"


GRID = (
    COUNTED
    + """
session.close()
allowed = {"param": "aspect_ratio", "allowed_aspect_ratios": ["16:9", "9:16"], "message": "No.", "type": "x"}
fault = Fault("answer", method="POST", path="/v1/images", times=1, status=400, body={"error": allowed})
session = session_with(fault, kind=Counted)
grid = session.compare("nano-banana-2", "A red fox in deep snow", aspect_ratio=["3:2", "1:1"])
tl.CompareGrid(grid)
"""
)
"""Defines `grid`: two cells, one of them refused."""


def test_in_a_grid_the_picture_of_a_repair_stands_in_the_cell_that_was_refused(lab):
    nb = shown(lab, GRID)
    grid = nb.cell(0).locator(".tlnb-compare")
    expect(grid.locator("img[src^=blob]")).to_have_count(1, timeout=SLOW)
    refused = nb.value("[cell.status for cell in grid.cells].index('failed')")
    cell = grid.get_by_role("gridcell").nth(refused)
    expect(button(cell, "Use 16:9 instead")).to_be_visible(timeout=SLOW)
    nb.shot("repairs-grid", grid)
    button(cell, "Use 16:9 instead").click()
    expect(cell).to_contain_text("Taken are 16:9, 9:16. Sending it may cost $0.0225 - $0.0755.")
    button(cell, "Send and pay").click()
    expect(cell.locator("img[src^=blob]")).to_be_visible(timeout=SLOW)
    expect(cell).to_contain_text("Repaired: Use 16:9 instead")
    nb.shot("repairs-grid-done", grid)
    assert nb.value("len(POSTS)") == 3
    assert nb.value(f"[job.request.values['aspect_ratio'] for job in grid.cells[{refused}].jobs]") == ["16:9"]
    assert nb.value("[cell.status for cell in grid.cells]") == ["done", "done"]
