"""One small JPEG of all pictures of a twin, numbered: for what takes pictures and no HTML, such as a PDF by LaTeX."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from io import BytesIO
from typing import Any

from PIL import Image, ImageDraw, ImageFont

__all__ = ["overview"]

_EDGES = (224, 192, 160, 128, 96, 64, 48)
_QUALITIES = (75, 60, 45, 30)
_GAP, _LINE = 8, 16
_BYTES_A_PIXEL = 0.05  # of the plainest JPEG: larger ones are not even tried


def overview(jpegs: Sequence[bytes], names: Sequence[str], most: int) -> bytes:
    """Draw the pictures in rows, each with its name below.

    Args:
        jpegs: What `tokenlab_nb.images.thumbnail` makes.
        names: One for each, such as ``1. some-model``. What the built-in font cannot write is left out.
        most: Bytes.

    Returns:
        A JPEG; empty where there is no picture, or none so small.
    """
    tiles = [Image.open(BytesIO(jpeg)).convert("RGB") for jpeg in jpegs]
    edges = [edge for edge in _EDGES if edge * edge * len(tiles) * _BYTES_A_PIXEL <= most] if tiles else []
    attempts = (attempt for edge in edges for attempt in _attempts(tiles, names, edge))
    return next((attempt for attempt in attempts if len(attempt) <= most), b"")


def _attempts(tiles: Sequence[Image.Image], names: Sequence[str], edge: int) -> Iterator[bytes]:
    sheet = _sheet(tiles, names, edge)
    for quality in _QUALITIES:
        file = BytesIO()
        sheet.save(file, "JPEG", quality=quality, optimize=True)
        yield file.getvalue()


def _sheet(tiles: Sequence[Image.Image], names: Sequence[str], edge: int) -> Image.Image:
    columns = min(len(tiles), max(4, math.ceil(math.sqrt(len(tiles)))))
    small = [_shrunk(tile, edge) for tile in tiles]
    rows = [small[at : at + columns] for at in range(0, len(small), columns)]
    heights = [max(tile.height for tile in row) + _LINE + _GAP for row in rows]
    sheet = Image.new("RGB", (columns * (edge + _GAP) + _GAP, sum(heights) + _GAP), "white")
    draw, font = ImageDraw.Draw(sheet), ImageFont.load_default(11)
    for place, (tile, name) in enumerate(zip(small, names, strict=True)):
        row, column = divmod(place, columns)
        left, top = _GAP + column * (edge + _GAP), _GAP + sum(heights[:row])
        sheet.paste(tile, (left, top))
        draw.text((left, top + tile.height + 2), _fitting(name, edge, font), fill="black", font=font)
    return sheet


def _shrunk(tile: Image.Image, edge: int) -> Image.Image:
    small = tile.copy()
    small.thumbnail((edge, edge))
    return small


def _fitting(name: str, width: int, font: Any) -> str:
    """The name, as far as the built-in font has its letters and the width goes."""
    text = " ".join("".join(char for char in name if " " <= char <= "~").split())
    while text and font.getlength(text) > width:
        text = text[:-1]
    return text
