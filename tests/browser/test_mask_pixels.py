"""The mask's plain functions against slow and obvious ones: every pixel counts."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.resources import files
from itertools import pairwise
from math import hypot
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Browser, Page

from tokenlab_nb import canvas

BITS = files("tokenlab_nb.widgets").joinpath("static/lib/bits.js").read_text("utf-8")
WIDTH, HEIGHT = 40, 30


@pytest.fixture(scope="module")
def script(browser: Browser) -> Iterator[Page]:
    """A page that has the functions and nothing else."""
    page = browser.new_page()
    page.add_script_tag(content=BITS)
    yield page
    page.close()


def run(page: Page, body: str, **values: object) -> Any:
    names = ", ".join(values)
    return page.evaluate(f"({{{names}}}) => {{ {body} }}", values)


def capsule(a: tuple[float, float], b: tuple[float, float], radius: float) -> list[int]:
    """Every pixel on its own: is its centre near enough to the way from a to b?"""

    def near(x: float, y: float) -> bool:
        dx, dy = b[0] - a[0], b[1] - a[1]
        along = ((x - a[0]) * dx + (y - a[1]) * dy) / (dx * dx + dy * dy or 1)
        along = min(1.0, max(0.0, along))
        return hypot(x - a[0] - along * dx, y - a[1] - along * dy) <= radius + 1e-7

    return [int(near(x + 0.5, y + 0.5)) for y in range(HEIGHT) for x in range(WIDTH)]


PAINT = """
const mask = new Uint8Array(width * height).fill(1 - value);
const point = ([x, y]) => ({x, y});
const box = paintSegment(mask, width, height, point(a), point(b), radius, value);
return [Array.from(mask), box];
"""


@pytest.mark.parametrize("value", [1, 0], ids=["paints", "erases"])
@pytest.mark.parametrize(
    ("a", "b", "radius"),
    [
        ((10.5, 10.5), (10.5, 10.5), 4.0),
        ((10.5, 10.5), (10.5, 10.5), 0.5),
        ((5.2, 20.7), (33.1, 8.4), 3.5),
        ((5.2, 8.4), (33.1, 20.7), 2.0),
        ((6.0, 15.0), (30.0, 15.0), 5.0),
        ((20.0, 4.0), (20.0, 26.0), 2.5),
        ((2.5, 2.5), (37.5, 27.5), 0.5),
        ((-6.0, 10.0), (50.0, 40.0), 6.0),
        ((-20.0, -20.0), (-9.0, -9.0), 3.0),
        ((20.0, 15.0), (20.5, 15.25), 100.0),
    ],
    ids=["dab", "pixel", "rising", "falling", "level", "upright", "thin", "across the edge", "outside", "huge"],
)
def test_a_stroke_is_exactly_what_lies_within_reach(script, a, b, radius, value):
    pixels, box = run(script, PAINT, width=WIDTH, height=HEIGHT, a=a, b=b, radius=radius, value=value)
    expected = capsule(a, b, radius)
    assert pixels == [value if near else 1 - value for near in expected]
    touched = [(at % WIDTH, at // WIDTH) for at, near in enumerate(expected) if near]
    assert box is not None or not touched
    assert all(box["x0"] <= x < box["x1"] and box["y0"] <= y < box["y1"] for x, y in touched)


def test_a_thin_line_has_no_gaps(script):
    pixels, _ = run(script, PAINT, width=WIDTH, height=HEIGHT, a=(2.5, 3.5), b=(36.5, 24.5), radius=0.5, value=1)
    columns = [[y for y in range(HEIGHT) if pixels[y * WIDTH + x]] for x in range(2, 37)]
    assert all(columns)
    assert all(min(right) - max(left) <= 1 for left, right in pairwise(columns))


def test_boxes_are_painted_cut_and_put_back(script):
    body = """
    const mask = new Uint8Array(width * height);
    const box = paintBox(mask, width, height, {x0: -3, y0: 4, x1: 6, y1: 9}, 1);
    const cut = cutBox(mask, width, box);
    mask.fill(0);
    pasteBox(mask, width, box, cut);
    const nothing = paintBox(mask, width, height, {x0: 90, y0: 0, x1: 95, y1: 5}, 1);
    const count = countSet(mask);
    invertAll(mask);
    return [box, count, countSet(mask), nothing, mask[4 * width], mask[4 * width + 6]];
    """
    box, count, rest, nothing, inside, beside = run(script, body, width=WIDTH, height=HEIGHT)
    assert box == {"x0": 0, "y0": 4, "x1": 6, "y1": 9}
    assert (count, rest, nothing, inside, beside) == (30, WIDTH * HEIGHT - 30, None, 0, 1)


def squares(width: int, height: int, step: int) -> Image.Image:
    """A chequerboard: of single pixels it is shorter as bits, of large squares as runs."""
    rows = [255 * ((x // step + y // step) % 2) for y in range(height) for x in range(width)]
    return Image.frombytes("L", (width, height), bytes(rows))


@pytest.mark.parametrize(
    ("mask", "form"),
    [
        (squares(37, 20, 1), "bits"),
        (squares(64, 64, 32), "runs"),
        (Image.new("L", (37, 20), 255), "runs"),
        (Image.new("L", (37, 20), 0), "runs"),
        (Image.new("L", (1, 1), 255), "bits"),
    ],
    ids=["noise", "squares", "all", "nothing", "one pixel"],
)
def test_python_and_the_page_pack_a_mask_alike(script, mask, form):
    packed, data = canvas.pack(mask)
    body = """
    const pixels = unpackMask({form, bytes: new Uint8Array(data)}, width, height);
    const again = packMask(pixels, width, height);
    return [Array.from(pixels), again.form, Array.from(again.bytes)];
    """
    pixels, again, repacked = run(script, body, form=packed, data=list(data), width=mask.width, height=mask.height)
    assert bytes(value * 255 for value in pixels) == mask.tobytes()
    assert (packed, again, bytes(repacked)) == (form, form, data)
