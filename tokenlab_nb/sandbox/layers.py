"""What a scene is made of, back to front: plain values in pixels, drawn by `canvas.py`."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from random import Random

from .colour import RGB

Point = tuple[float, float]
Points = tuple[Point, ...]


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled outline, or with `line` > 0 a stroke of that many pixels."""

    points: Points
    colour: RGB
    line: float = 0


@dataclass(frozen=True, slots=True)
class Sky:
    """The whole picture as a vertical gradient."""

    top: RGB
    middle: RGB
    low: RGB
    horizon: float


@dataclass(frozen=True, slots=True)
class Glow:
    """A soft round light."""

    x: float
    y: float
    radius: float
    colour: RGB
    strength: float


@dataclass(frozen=True, slots=True)
class Haze:
    """A soft horizontal veil, strongest at `low`."""

    top: float
    low: float
    colour: RGB
    strength: float


@dataclass(frozen=True, slots=True)
class Plane:
    """Land, cloud or building masses: outlines filled as one, shaded from `top` to `low` colour."""

    outlines: tuple[Points, ...]
    top: RGB
    low: RGB
    ridge: bool = True


@dataclass(frozen=True, slots=True)
class Sprite:
    """Shapes drawn one over the other; a `subject` is what a cut-out keeps."""

    shapes: tuple[Shape, ...]
    opacity: float = 1
    subject: bool = False


@dataclass(frozen=True, slots=True)
class Mirror:
    """Water from `top` to `low`: what stands above it, upside down, darker and rippled."""

    top: float
    low: float
    tint: RGB
    strength: float


Layer = Sky | Glow | Haze | Plane | Sprite | Mirror


@dataclass(frozen=True, slots=True)
class Scene:
    """A composed picture before any manner: layers back to front."""

    width: int
    height: int
    layers: tuple[Layer, ...]


def oval(x: float, y: float, rx: float, ry: float, corners: int = 28) -> Points:
    """An ellipse as a polygon."""
    steps = (math.tau * step / corners for step in range(corners))
    return tuple((x + rx * math.cos(angle), y + ry * math.sin(angle)) for angle in steps)


def smooth(points: Sequence[Point], steps: int = 6) -> Points:
    """The closed Catmull-Rom curve through `points`."""
    out: list[Point] = []
    count = len(points)
    for i in range(count):
        a, b, c, d = (points[(i + k) % count] for k in (-1, 0, 1, 2))
        out.extend(_between(a, b, c, d, step / steps) for step in range(steps))
    return tuple(out)


def _between(a: Point, b: Point, c: Point, d: Point, t: float) -> Point:
    def axis(k: int) -> float:
        linear, square = c[k] - a[k], 2 * a[k] - 5 * b[k] + 4 * c[k] - d[k]
        return b[k] + 0.5 * t * (linear + t * (square + t * (3 * (b[k] - c[k]) + d[k] - a[k])))

    return axis(0), axis(1)


def rolling(roll: Random, width: float, base: float, swing: float, waves: float, rough: float = 0.5) -> Points:
    """A gentle ridge from left to right: a few sine waves of shrinking height, around `base`."""
    parts = [(waves * 1.9**k, rough**k, roll.uniform(0, math.tau)) for k in range(5)]
    total = sum(height for _, height, _ in parts)
    count = 72
    out = []
    for i in range(count + 1):
        t = i / count
        rise = sum(height * math.sin(math.tau * wave * t + phase) for wave, height, phase in parts)
        out.append((t * width, base - swing * rise / total))
    return tuple(out)


def jagged(roll: Random, ends: tuple[Point, Point], swing: float, depth: int) -> Points:
    """A broken line between two points by midpoint displacement; `depth` halvings."""
    points = [*ends]
    for _ in range(depth):
        middles = [
            ((a[0] + b[0]) / 2 + roll.uniform(-0.4, 0.4) * swing, (a[1] + b[1]) / 2 + roll.uniform(-1, 1) * swing)
            for a, b in pairwise(points)
        ]
        points = [point for pair in zip(points, middles, strict=False) for point in pair] + [points[-1]]
        swing *= 0.5
    return tuple(points)


def down_to(ridge: Points, low: float) -> Points:
    """The area below a ridge."""
    return (*ridge, (ridge[-1][0], low), (ridge[0][0], low))
