"""Subjects as shapes: `subjects.json` scaled, lit and placed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .colour import RGB, WHITE, from_hex, hsl, mix, to_hsl, turn
from .layers import Point, Points, Shape, oval, smooth
from .palette import Palette
from .wording import subjects


@dataclass(frozen=True, slots=True)
class Spot:
    """Where a subject stands: the middle of its foot, its side length in pixels, and which way it looks."""

    x: float
    y: float
    side: float
    flip: bool = False

    def place(self, point: Point) -> Point:
        """From the subject's own 0..100 square to the picture."""
        across = (50 - point[0]) if self.flip else (point[0] - 50)
        return self.x + across * self.side / 100, self.y + (point[1] - 100) * self.side / 100


def figure(name: str, spot: Spot, palette: Palette, colour: RGB | None, *, details: bool) -> tuple[Shape, ...]:
    """A subject's shapes.

    Args:
        name: A key of `subjects.json`.
        spot: Where, and how large.
        palette: The light it stands in.
        colour: Its main colour, or None for its own.
        details: With the fine parts (eyes, windows, rigging).

    Returns:
        Shapes in drawing order.
    """
    entry = subjects()[name]
    tones = _tones(colour or from_hex(entry["colour"]), palette)
    rows = entry["shapes"] + (entry["details"] if details else [])
    return tuple(_shape(row, spot, tones) for row in rows)


def _shape(row: list[Any], spot: Spot, tones: dict[str, RGB]) -> Shape:
    tone, kind, numbers, *rest = row
    points: Points
    if kind == "oval":
        x, y, rx, ry = numbers
        points = oval(x, y, rx, ry)
    else:
        points = tuple(zip(numbers[::2], numbers[1::2], strict=True))
    if kind == "smooth":
        points = smooth(points)
    line = rest[0] * spot.side / 100 if rest else 0
    return Shape(tuple(spot.place(point) for point in points), tones[tone], line)


def _tones(main: RGB, palette: Palette) -> dict[str, RGB]:
    hue, _, lightness = to_hsl(main)
    apart = abs((to_hsl(palette.accent)[0] - hue + 180) % 360 - 180)
    accent = palette.accent if apart > 40 else turn(palette.accent, 150)
    roof = hsl(hue - 24 if lightness > 0.6 else hue + 160, 0.5, 0.42)
    raw = {
        "main": main,
        "dark": turn(mix(main, palette.top, 0.25), 0, 1, 0.72),
        "light": mix(main, WHITE, 0.62),
        "accent": accent,
        "accentdark": turn(accent, 0, 1, 0.72),
        "roof": roof,
        "roofdark": turn(roof, 0, 1, 0.72),
        "ink": (38, 34, 44),
        "white": (250, 248, 240),
        "bark": (104, 76, 58),
        "leaf": palette.leaf,
        "pot": (96, 128, 150),
        "potdark": (66, 92, 116),
        "potlight": (160, 186, 200),
        "skin": (232, 186, 152),
        "skindark": (204, 148, 120),
        "lips": (186, 84, 84),
        "blush": (226, 162, 136),
        "hair": (74, 50, 46),
        "glass": (164, 206, 222),
        "steam": (236, 236, 236),
    }
    lit = {tone: palette.light(colour) for tone, colour in raw.items()}
    lamp = mix((255, 206, 110), (255, 236, 170), palette.dark)
    return {**lit, "glow": lamp}
