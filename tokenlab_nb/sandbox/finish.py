"""What happens to a drawn scene at the end: facets, dots, strokes, pixels, paper, grain."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from random import Random
from typing import cast

from PIL import Image, ImageChops, ImageDraw, ImageFilter

from .colour import RGB
from .layers import Point, smooth
from .picture import dice

SHARP = 2_600_000  # pictures of up to this many pixels are drawn at twice the size
Size = tuple[int, int]
Box = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class Work:
    """What a finish is to bring the scene to: full size in pixels, its dice, and detail 0 low to 2 high."""

    size: Size
    roll: Random
    detail: int


Finish = Callable[[Image.Image, Work], Image.Image]


def _plain(image: Image.Image, _work: Work) -> Image.Image:
    return image


def _lowpoly(image: Image.Image, work: Work) -> Image.Image:
    """Triangles of a jittered grid, each in the colour at its middle."""
    width, height = work.size
    cell = math.sqrt(width * height / (600, 1600, 2800)[work.detail])
    columns, rows = math.ceil(width / cell) + 2, math.ceil(height / cell) + 2
    over = 2 if width * height <= SHARP else 1
    out = Image.new("RGB", (width * over, height * over))
    pen = ImageDraw.Draw(out)
    small = image.resize((columns * 3, rows * 3), Image.Resampling.BOX)
    for triangle in _triangles(work.roll, columns, rows):
        x, y = (sum(point[k] for point in triangle) / 3 * cell for k in (0, 1))
        at = (_held(x / width, small.width), _held(y / height, small.height))
        pen.polygon(
            [(a * cell * over, b * cell * over) for a, b in triangle],
            _lifted(small.getpixel(at), work.roll.randint(-6, 6)),
        )
    return out.reduce(over) if over > 1 else out


def _triangles(roll: Random, columns: int, rows: int) -> Iterator[tuple[Point, Point, Point]]:
    """A grid of triangles with shaken corners, in cells, covering a little more than the picture."""

    def knot(i: int, j: int) -> Point:
        shift = 0.5 if j % 2 else 0.0
        return i - 1 + shift + roll.uniform(-0.3, 0.3), j - 0.5 + roll.uniform(-0.3, 0.3)

    grid = [[knot(i, j) for i in range(columns + 1)] for j in range(rows + 1)]
    for j in range(rows):
        for i in range(columns):
            a, b, c, d = grid[j][i], grid[j][i + 1], grid[j + 1][i], grid[j + 1][i + 1]
            yield from ((a, b, d), (a, d, c)) if j % 2 else ((a, b, c), (b, d, c))


def _held(share: float, length: int) -> int:
    return min(length - 1, max(0, int(share * length)))


def _lifted(colour: object, lift: int) -> RGB:
    red, green, blue = (max(0, min(255, value + lift)) for value in cast("RGB", colour))
    return red, green, blue


def _brush(image: Image.Image, work: Work) -> Image.Image:
    """Strokes along a flow, large first, then small."""
    out = image.resize(work.size, Image.Resampling.BILINEAR)
    box = (0, 0, *work.size)
    for thick, share in ((0.024, 700), (0.012, 1500), (0.006, 2200))[: work.detail + 1]:
        strokes(out, image, box, work.roll, (min(work.size) * thick, share))
    return out


def strokes(out: Image.Image, source: Image.Image, box: Box, roll: Random, pen_size: tuple[float, int]) -> None:
    """Paint short strokes of the colours of `source` over a box of `out`.

    `pen_size` is their width in pixels and their number per square of the shorter side.
    """
    thick, share = pen_size
    width, height = out.size
    pen = ImageDraw.Draw(out)
    bend, turned = roll.uniform(2, 4), roll.uniform(0, 6)
    area = (box[2] - box[0]) * (box[3] - box[1]) / min(out.size) ** 2
    for _ in range(int(share * area)):
        x, y = roll.uniform(box[0], box[2]), roll.uniform(box[1], box[3])
        colour = source.getpixel((_held(x / width, source.width), _held(y / height, source.height)))
        angle = 0.5 * math.sin(bend * x / width * 3 + turned) + 0.5 * math.cos(bend * y / height * 2 + turned)
        length = thick * roll.uniform(0.8, 1.7)
        dx, dy = length * math.cos(angle), length * math.sin(angle)
        pen.line([(x - dx, y - dy), (x + dx, y + dy)], _lifted(colour, roll.randint(-13, 13)), max(1, int(thick)))


def _pixel(image: Image.Image, work: Work) -> Image.Image:
    """Few colours in large squares."""
    few = image.quantize((12, 24, 40)[work.detail], Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE).convert("RGB")
    return few.resize(work.size, Image.Resampling.NEAREST)


_INKS = (
    ((22, 74, 122), (255, 92, 92)),
    ((0, 98, 104), (255, 116, 70)),
    ((64, 48, 128), (255, 104, 134)),
    ((38, 66, 58), (242, 152, 40)),
)


def _riso(image: Image.Image, work: Work) -> Image.Image:
    """Two inks on paper: dots for the shadows in one, warmth in the other, printed a little off."""
    cold, warm = work.roll.choice(_INKS)
    pitch = max(4, round(min(work.size) / (90, 130, 170)[work.detail]))
    red, _, blue = image.split()
    shadows = ImageChops.invert(image.convert("L")).point(lambda v: int(255 * (v / 255) ** 1.25))
    warmth = ImageChops.subtract(red, blue, 0.75, 70)
    out = Image.new("RGB", work.size, (250, 245, 230))
    for cover, ink, turned in ((warmth, warm, (1, 3)), (shadows, cold, (3, 1))):
        dots = ImageChops.add(cover, _screen(work.size, pitch, turned), 1, -255).point(lambda v: min(255, v * 7))
        dots = ImageChops.offset(dots, work.roll.randint(-2, 2), work.roll.randint(-2, 2))
        sheet = Image.new("RGB", work.size, "white")
        sheet.paste(ink, None, dots)
        out = ImageChops.multiply(out, sheet)
    return out


def _screen(size: Size, pitch: int, turned: tuple[int, int]) -> Image.Image:
    """A turned dot screen, bright at the dots' middles: its steps are whole, so that a small tile repeats."""
    a, b = turned
    side = round(pitch * math.hypot(a, b))
    angles = [
        (math.tau * (a * x + b * y) / side, math.tau * (a * y - b * x) / side) for y in range(side) for x in range(side)
    ]
    tile = Image.frombytes(
        "L", (side, side), bytes(round(127.5 + 63.5 * (math.cos(u) + math.cos(v))) for u, v in angles)
    )
    return _tiled(tile, size)


def _tiled(tile: Image.Image, size: Size) -> Image.Image:
    """A tile repeated over a picture of `size`, by doubling."""
    sheet = Image.new("L", size)
    sheet.paste(tile)
    wide, high = tile.size
    while wide < size[0]:
        sheet.paste(sheet.crop((0, 0, min(wide, size[0] - wide), high)), (wide, 0))
        wide *= 2
    while high < size[1]:
        sheet.paste(sheet.crop((0, 0, size[0], min(high, size[1] - high))), (0, high))
        high *= 2
    return sheet


def _bloom(image: Image.Image, work: Work) -> Image.Image:
    """Light spreads from what is bright."""
    lit = image.reduce(8).point(lambda v: max(0, v - 70) * 3 // 2)
    soft = lit.filter(ImageFilter.GaussianBlur(min(work.size) / 8 * 0.016)).resize(work.size, Image.Resampling.BILINEAR)
    return ImageChops.screen(image, soft)


def _watercolour(image: Image.Image, work: Work) -> Image.Image:
    """Blooms of pigment, darker where washes meet, and paper left white at a ragged border."""
    half = ((work.size[0] + 1) // 2, (work.size[1] + 1) // 2)
    unit = min(half)
    pigment = _blots(half, work.roll, unit * 0.22, 26)
    if work.detail:
        pigment = ImageChops.multiply(pigment, _blots(half, work.roll, unit * 0.05, 22))
    seams = image.convert("L").reduce(2).filter(ImageFilter.FIND_EDGES).filter(ImageFilter.BoxBlur(1))
    pigment = ImageChops.multiply(pigment, seams.point(lambda v: max(196, 255 - v)))
    pigment = pigment.resize(work.size, Image.Resampling.BILINEAR)
    out = ImageChops.multiply(image, Image.merge("RGB", (pigment,) * 3))
    return Image.composite(out, Image.new("RGB", work.size, (251, 248, 240)), _ragged(work.size, work.roll))


def _blots(size: Size, roll: Random, span: float, depth: int) -> Image.Image:
    """Soft random lightness, 255 - depth to 255, with blots about `span` pixels wide."""
    cells = (math.ceil(size[0] / span) + 2, math.ceil(size[1] / span) + 2)
    raw = bytes(roll.randint(255 - depth, 255) for _ in range(cells[0] * cells[1]))
    small = Image.frombytes("L", cells, raw).resize((cells[0] * 4, cells[1] * 4), Image.Resampling.BICUBIC)
    return small.resize(size, Image.Resampling.BILINEAR)


def _ragged(size: Size, roll: Random) -> Image.Image:
    """A mask with an unsteady edge, a little inside the picture."""
    scale = max(1, min(size) // 400)
    w, h = max(8, size[0] // scale), max(8, size[1] // scale)
    inset = min(w, h) * 0.022
    rim = [(w * k / 60, inset) for k in range(1, 60)] + [(w - inset, h * k / 60) for k in range(1, 60)]
    rim += [(w * k / 60, h - inset) for k in range(59, 0, -1)] + [(inset, h * k / 60) for k in range(59, 0, -1)]
    mask = Image.new("L", (w, h))
    shaken = [(x + roll.uniform(-0.5, 0.5) * inset, y + roll.uniform(-0.5, 0.5) * inset) for x, y in rim]
    ImageDraw.Draw(mask).polygon(smooth(shaken, 3), 255)
    return mask.filter(ImageFilter.GaussianBlur(0.8)).resize(size, Image.Resampling.BICUBIC)


FINISHES: dict[str, Finish] = {
    "plain": _plain,
    "lowpoly": _lowpoly,
    "brush": _brush,
    "pixel": _pixel,
    "riso": _riso,
    "bloom": _bloom,
    "watercolour": _watercolour,
}


def grain(image: Image.Image, strength: float) -> Image.Image:
    """Paper: light and dark specks of up to `strength` levels."""
    if strength <= 0:
        return image
    sheet = _tiled(_noise(round(strength)), image.size)
    return ImageChops.add(image, Image.merge("RGB", (sheet,) * 3), 1, -128)


@lru_cache(maxsize=32)
def _noise(strength: int) -> Image.Image:
    """Specks two pixels wide: as much to see as single ones, and a quarter of the work for the PNG encoder."""
    side = 160
    raw = Image.frombytes("L", (side, side), dice("grain").randbytes(side * side))
    levels = (-strength, 0, 0, 0, 0, strength)
    specks = raw.point([128 + levels[value * 6 // 256] for value in range(256)])
    return specks.resize((2 * side, 2 * side), Image.Resampling.NEAREST)


def touch(image: Image.Image, finish: str, box: Box, roll: Random) -> None:
    """Give a subject that was drawn over a finished ground the same handling, inside its box."""
    if finish == "brush":
        strokes(image, image.copy(), box, roll, (min(image.size) * 0.0055, 6500))
    elif finish == "lowpoly":
        _facets(image, box, roll)


def _facets(image: Image.Image, box: Box, roll: Random) -> None:
    """Light and dark triangles over a box."""
    cell = min(image.size) * 0.03
    light = Image.new("L", (box[2] - box[0], box[3] - box[1]), 128)
    pen = ImageDraw.Draw(light)
    for triangle in _triangles(roll, math.ceil(light.width / cell) + 2, math.ceil(light.height / cell) + 2):
        pen.polygon([(x * cell, y * cell) for x, y in triangle], 128 + roll.randint(-13, 13))
    part = ImageChops.add(image.crop(box), Image.merge("RGB", (light,) * 3), 1, -128)
    image.paste(part, box[:2])
