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

HOLD = """
import pathlib, time


def hold(name):  # the kernel, as a long computation would, until the test has seen what it wants to see
    end = time.monotonic() + 60
    while not pathlib.Path(name).exists() and time.monotonic() < end:
        time.sleep(0.05)
"""

PAINTED = """n => [...document.querySelectorAll('.tlnb-tile img')]
    .filter(image => image.checkVisibility() && image.complete && image.naturalWidth > 0).length === n"""


def pictures(nb: Notebook, count: int) -> None:
    """Wait until so many thumbnails are painted."""
    nb.wait_for(PAINTED, count)


def let_go(nb: Notebook, name: str) -> None:
    """End a `hold` of the cell that runs; it must still be holding."""
    assert nb.js("return window.testDone;") is False
    nb.path.with_name(name).touch()


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
    nb = front_end.open_cells([CONNECT + HOLD + "display(tl.Gallery(jobs))\nhold('first')"])
    nb.start(0)
    pictures(nb, 2)
    let_go(nb, "first")
    nb.wait_done()


SAID = """window.said = [];
const gallery = document.querySelector('.tlnb-gallery');
const note = () => window.said.push(...[...gallery.querySelectorAll('.tlnb-state')].map(state => state.textContent));
new MutationObserver(note).observe(gallery, {childList: true, characterData: true, subtree: true});
return null;"""

SLOW = """
import httpx
from tokenlab_nb.sandbox.app import create_app

# So slow that no picture is ready when its task is asked for first, after a second.
app = create_app(base_url="http://sandbox.tokenlab.localhost", latency_scale=0.25)
session = tl.connect(sandbox=True, data_dir="slow", transport=httpx.ASGITransport(app))
"""

BEING_MADE = "() => window.said.includes('In the queue') && window.said.includes('Being made')"


def test_progress_is_shown_while_a_cell_blocks(front_end):
    """The words are the kernel's: the page by itself only counts seconds."""
    cell = """
gallery = tl.Gallery([])
display(gallery)
hold("shown")
gallery.add(session.submit(model="gpt-image-2", prompt="A lighthouse at night"))
hold("painted")
"""
    nb = front_end.open_cells([CONNECT + SLOW + HOLD, cell])
    nb.run(0)
    nb.start(1)
    nb.page.locator(".tlnb-gallery").wait_for()
    nb.js(SAID)
    let_go(nb, "shown")
    nb.wait_for(BEING_MADE)
    pictures(nb, 1)
    let_go(nb, "painted")
    nb.wait_done()


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


def test_voila_shows_pictures(lab):
    page = lab.open_voila([CONNECT + "for job in jobs:\n    job.wait()\ntl.Gallery(jobs)"])
    page.wait_for_function(PAINTED, arg=2)
    expect(page.locator(".tlnb-twin")).to_have_count(1)
    expect(page.locator(".tlnb-twin")).to_be_hidden()  # what lives is not shown twice
