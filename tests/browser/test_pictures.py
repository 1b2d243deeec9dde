"""Pictures on the screen: they arrive whatever the kernel does, survive a reload, and can be looked through."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.harness import Notebook

CONNECT = """
import tokenlab_nb as tl

session = tl.connect(data_dir="state")
models = [model.id for model in session.models(operation="text-to-image")][:2]
jobs = [session.submit(model=model, prompt="A red fox in deep snow") for model in models]
"""

BLOCK = """
import pathlib, time

end = time.monotonic() + 60
while not pathlib.Path("go").exists() and time.monotonic() < end:
    time.sleep(0.05)
"""
"""Holds the kernel as a long computation would, until the test has seen what it wants to see."""

PAINTED = """n => [...document.querySelectorAll('.tlnb-tile img')]
    .filter(image => image.checkVisibility() && image.complete && image.naturalWidth > 0).length === n"""


def pictures(nb: Notebook, count: int) -> None:
    """Wait until so many thumbnails are painted."""
    nb.wait_for(PAINTED, count)


def let_go(nb: Notebook) -> None:
    """End the cell that blocks; it must still be blocking."""
    assert nb.js("return panel.sessionContext.session.kernel.status;") == "busy"
    go = nb.path.with_name("go")
    go.touch()
    nb.wait_done()
    go.unlink()


def test_pictures_appear_and_come_back_after_a_reload(front_end):
    nb = front_end.open_cells([CONNECT, "tl.Gallery(jobs)"])
    nb.run_all()
    pictures(nb, 2)
    nb.shot("gallery")
    nb.save()
    nb.reload()
    nb.cell(1)
    pictures(nb, 2)


def test_pictures_arrive_while_the_first_cell_blocks(front_end):
    nb = front_end.open_cells([CONNECT + "display(tl.Gallery(jobs))" + BLOCK])
    nb.start(0)
    pictures(nb, 2)
    let_go(nb)


def test_progress_goes_on_while_a_cell_blocks(front_end):
    nb = front_end.open_cells(["print('first')", CONNECT + "display(tl.JobView(jobs[0]))" + BLOCK])
    nb.run(0)
    nb.start(1)
    for words in ("Being made", "Done"):
        nb.page.locator(".tlnb-jobstate", has_text=words).wait_for()
    pictures(nb, 1)
    let_go(nb)


def test_a_picture_is_looked_at_in_full_size_by_keyboard(lab):
    nb = lab.open_cells([CONNECT, "tl.Gallery(jobs)"])
    nb.run_all()
    pictures(nb, 2)
    first = nb.page.locator(".tlnb-tile .tlnb-main").first
    first.focus()
    first.press("Enter")
    full = nb.page.locator(".tlnb-lightbox img")
    expect(full).to_be_visible()
    nb.wait_for("() => document.querySelector('.tlnb-lightbox img').naturalWidth >= 1000")
    nb.shot("lightbox")
    nb.page.keyboard.press("ArrowRight")
    expect(nb.page.locator(".tlnb-place")).to_contain_text("2")
    nb.page.keyboard.press("Escape")
    expect(nb.page.locator(".tlnb-lightbox")).to_be_hidden()
    expect(nb.page.locator(".tlnb-tile .tlnb-main").nth(1)).to_be_focused()


def test_a_saved_notebook_holds_small_pictures_that_need_no_kernel(lab):
    nb = lab.open_cells([CONNECT, "gallery = tl.Gallery(jobs)\ngallery", "for job in jobs:\n    job.wait()"])
    nb.run_all()
    pictures(nb, 2)
    saved = nb.save()
    twins = [out.data["text/html"] for out in saved.cells[1].outputs if "text/html" in out.get("data", {})]
    assert len(twins) == 1
    assert "".join(twins[0]).count("<img") == 2
    assert nb.path.stat().st_size < 100_000
    assert not nb.page.locator("[class*='tlnb-twin-']").first.is_visible()


def test_voila_shows_pictures(lab):
    page = lab.open_voila([CONNECT + "for job in jobs:\n    job.wait()\ntl.Gallery(jobs)"])
    page.wait_for_function(PAINTED, arg=2)
