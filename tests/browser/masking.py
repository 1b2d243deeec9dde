"""A mask editor in a notebook, and the hands to paint with."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Locator, expect

from tests.browser.harness import Harness, Notebook

PICTURE = """
import tokenlab_nb as tl
from PIL import Image, ImageDraw

picture = Image.linear_gradient("L").resize((640, 400)).convert("RGB")
draw = ImageDraw.Draw(picture)
draw.ellipse((200, 80, 440, 320), fill=(200, 60, 40))
draw.rectangle((20, 20, 150, 380), fill=(245, 245, 240))
editor = tl.MaskEditor(picture)
"""
SHOWN = PICTURE + "editor"

VIEW = """() => {
    const stage = document.querySelector('.tlnb-mask-stage');
    const {width, height} = stage.getBoundingClientRect();
    const zoom = Math.min((width - 2) / 640, (height - 2) / 400);
    return {zoom, left: (width - 640 * zoom) / 2, top: (height - 400 * zoom) / 2};
}"""
"""How the picture lies in the stage while it fits."""


def opened(harness: Harness, code: str = SHOWN, **size: int) -> Notebook:
    """A notebook with an editor whose picture is there."""
    nb = harness.open_cells([code], "mask.ipynb", **size)
    nb.run_all()
    ready(nb)
    return nb


def ready(nb: Notebook) -> None:
    expect(nb.page.locator(".tlnb-mask-empty")).to_be_hidden()
    nb.page.locator(".tlnb-mask-bar").first.scroll_into_view_if_needed()


def stage(nb: Notebook) -> Locator:
    return nb.page.locator(".tlnb-mask-stage").first


def share(nb: Notebook) -> Locator:
    return nb.page.locator(".tlnb-mask-share")


def press(nb: Notebook, name: str) -> None:
    nb.page.locator(".tlnb-mask").get_by_role("button", name=name).first.click()


def at(nb: Notebook, x: float, y: float) -> tuple[float, float]:
    """Where a place in the picture is on the page."""
    view, box = nb.page.evaluate(VIEW), stage(nb).bounding_box()
    assert box
    return box["x"] + view["left"] + x * view["zoom"], box["y"] + view["top"] + y * view["zoom"]


def drag(nb: Notebook, start: tuple[float, float], end: tuple[float, float]) -> None:
    """Drag the mouse from one place in the picture to another."""
    nb.page.mouse.move(*at(nb, *start))
    nb.page.mouse.down()
    nb.page.mouse.move(*at(nb, *end), steps=8)
    nb.page.mouse.up()


def resize(nb: Notebook, size: int) -> None:
    """Bring the brush to a size, in pixels of the picture, by its keys."""
    stage(nb).focus()
    value = nb.page.locator(".tlnb-mask-value").first
    while (now := int((value.text_content() or "").split()[0])) != size:
        nb.page.keyboard.press("[" if now > size else "]")


def held(nb: Notebook, expression: str) -> Any:
    """Return the value of a Python expression once the kernel has all that was painted."""
    expect(nb.page.locator(".tlnb-mask[data-unsaved]")).to_have_count(0)
    return nb.value(expression)


def bounds(nb: Notebook) -> list[int] | None:
    found: list[int] | None = held(nb, "editor.mask and editor.mask.getbbox()")
    return found
