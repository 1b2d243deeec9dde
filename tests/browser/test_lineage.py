"""Where a picture comes from stands under it, and what went in is looked at in its place."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY
from tests.browser.harness import Notebook
from tests.browser.test_pictures import pictures

CHAIN = (
    HASTY
    + """
from PIL import Image, ImageDraw
session = session_with()
first = session.submit(model="gpt-image-2", prompt="A red fox in a green forest", size="1536x1024")
first.wait()
mask = Image.new("RGBA", (1536, 1024), "white")
ImageDraw.Draw(mask).ellipse((500, 200, 1100, 800), (0, 0, 0, 0))
edited = session.submit(model="gpt-image-2", prompt="a purple balloon", references=first, mask=mask)
edited.wait()
third = session.submit(model="nano-banana-2", prompt="at night", references=edited)
third.wait()
gallery = tl.Gallery([first, edited, third])
"""
)
TOLD = 'gpt-image-2 text-to-image "A red fox in a green forest" -> gpt-image-2 masked edit "a purple balloon"'
LINE = TOLD.replace("->", "\u2192")
EDITED = 1

BOX = """() => { const box = document.querySelector('.tlnb-lightbox');
  const of = node => { const r = node.getBoundingClientRect(); return [r.x, r.y, r.width, r.height].map(Math.round); };
  const layer = box.querySelector('.tlnb-layer');
  return [of(box.querySelector('.tlnb-stage > img')), layer.hidden ? null : of(layer)]; }"""

SAME = f"() => {{ const [result, layer] = ({BOX})(); return JSON.stringify(result) === JSON.stringify(layer); }}"

COLOURS = """([left, top]) => {  // how many colours the tint has there: none where it lets the picture through
  const canvas = document.querySelector('.tlnb-layer canvas');
  const size = 60, pen = canvas.getContext('2d');
  const data = pen.getImageData(left * canvas.width - size / 2, top * canvas.height - size / 2, size, size).data;
  let opaque = 0;
  for (let at = 3; at < data.length; at += 4) opaque += data[at] > 0;
  return opaque / (size * size); }"""


def tile(nb: Notebook, place: int) -> Locator:
    return nb.page.locator(".tlnb-tile").nth(place)


def tab(nb: Notebook, name: str) -> Locator:
    return nb.page.get_by_role("tab", name=name, exact=True)


@pytest.fixture
def nb(lab) -> Notebook:
    nb = lab.open_cells([CHAIN, "gallery"])
    nb.run_all()
    pictures(nb, 3)
    return nb


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_line_is_read_and_what_went_in_is_compared_in_its_place(nb, theme):
    nb.theme(theme)
    line = tile(nb, EDITED).locator("button.tlnb-lineage")
    expect(line).to_have_text(LINE)
    expect(line).to_have_attribute("title", LINE)
    expect(tile(nb, 0).locator("button.tlnb-lineage")).to_be_hidden()
    nb.shot(f"lineage-tiles-{theme}", nb.page.locator(".tlnb-gallery"))
    line.click()
    expect(tab(nb, "Reference 1")).to_have_attribute("aria-selected", "true")
    seen = nb.page.locator(".tlnb-layer img")
    expect(seen).to_be_visible()
    nb.wait_for("() => document.querySelector('.tlnb-stage > img').naturalWidth === 1536")
    nb.wait_for(SAME)
    nb.shot(f"lineage-reference-{theme}")
    nb.page.keyboard.press("3")
    expect(tab(nb, "Mask")).to_have_attribute("aria-selected", "true")
    expect(nb.page.locator(".tlnb-layer canvas")).to_be_visible()
    expect(nb.page.locator(".tlnb-note")).to_have_text("Striped: the area that was to change.")
    assert nb.page.evaluate(COLOURS, [0.52, 0.49]) == 1
    assert nb.page.evaluate(COLOURS, [0.1, 0.1]) == 0
    nb.shot(f"lineage-mask-{theme}")
    nb.page.keyboard.press("1")
    expect(tab(nb, "Result")).to_have_attribute("aria-selected", "true")
    expect(nb.page.locator(".tlnb-layer")).to_be_hidden()
    nb.shot(f"lineage-result-{theme}")


def test_it_is_compared_at_the_same_zoom_and_place_by_keyboard_alone(nb):
    tile(nb, EDITED).locator(".tlnb-main").focus()
    nb.page.keyboard.press("Tab")
    expect(tile(nb, EDITED).locator("button.tlnb-lineage")).to_be_focused()
    nb.page.keyboard.press("Enter")
    stage = nb.page.locator(".tlnb-stage")
    expect(stage).to_be_focused()
    expect(stage).to_have_attribute("aria-label", "Reference 1: a purple balloon (gpt-image-2)")
    nb.wait_for("() => document.querySelector('.tlnb-stage > img').naturalWidth === 1536")
    for key in ("z", "+", "Shift+ArrowRight", "Shift+ArrowDown"):
        nb.page.keyboard.press(key)
    nb.wait_for(SAME)
    before = nb.page.evaluate(BOX)
    assert before[0][2] > 1536
    for key in ("3", "2", "1", "2"):
        nb.page.keyboard.press(key)
    expect(nb.page.locator(".tlnb-layer img")).to_be_visible()
    assert nb.page.evaluate(BOX) == before
    tab(nb, "Reference 1").focus()
    nb.page.keyboard.press("ArrowRight")
    expect(tab(nb, "Mask")).to_be_focused()
    nb.page.keyboard.press("Home")
    expect(tab(nb, "Result")).to_have_attribute("aria-selected", "true")
    stage.focus()
    nb.page.keyboard.press("0")
    nb.page.keyboard.press("ArrowRight")
    expect(nb.page.locator(".tlnb-place")).to_have_text("3 of 3")
    expect(nb.page.locator(".tlnb-tab")).to_have_text(["Result", "Reference 1"])
    nb.page.keyboard.press("Home")
    expect(nb.page.locator(".tlnb-tabs")).to_be_hidden()
    nb.page.keyboard.press("Escape")
    expect(tile(nb, 0).locator(".tlnb-main")).to_be_focused()


def test_narrow_pages_and_the_saved_copy_tell_the_line_too(nb):
    nb.resize(640)
    tile(nb, EDITED).locator("button.tlnb-lineage").scroll_into_view_if_needed()
    assert nb.js("const line = document.querySelector('.tlnb-linewords'); return line.scrollWidth <= line.clientWidth;")
    nb.shot("lineage-narrow")
    saved = nb.save()
    twin = next("".join(out.data["text/html"]) for out in saved.cells[1].outputs if "text/html" in out.get("data", {}))
    assert TOLD.replace(">", "&gt;").replace('"', "&#34;") in twin
