"""The empty stage a scene is built on, and the pieces that many scenes share."""

from __future__ import annotations

import math
from dataclasses import dataclass
from random import Random

from .colour import RGB, WHITE, mix, turn
from .figures import Spot, figure
from .layers import (
    Glow,
    Haze,
    Layer,
    Mirror,
    Plane,
    Point,
    Points,
    Shape,
    Sky,
    Sprite,
    down_to,
    jagged,
    oval,
    rolling,
    smooth,
)
from .palette import Palette
from .wording import Mention, Wish, subjects


@dataclass(frozen=True, slots=True)
class Stage:
    """What every part of a scene needs to know.

    Attributes:
        width: Pixels.
        height: Pixels.
        detail: 0 low, 1 medium, 2 high.
        side: 1 if the subject stands right of the middle, -1 if left.
    """

    width: float
    height: float
    wish: Wish
    palette: Palette
    roll: Random
    detail: int
    side: int

    @property
    def unit(self) -> float:
        """The shorter side."""
        return min(self.width, self.height)

    @property
    def ratio(self) -> float:
        """How much wider than high, at least 0.6."""
        return max(0.6, self.width / self.height)

    def third(self, side: int) -> float:
        """A vertical line of the rule of thirds, right (1) or left (-1), a little off."""
        return self.width * (0.5 + side * self.roll.uniform(0.14, 0.2))

    def many(self, low: int, medium: int, high: int) -> int:
        """A number by detail."""
        return (low, medium, high)[self.detail]


def sky(stage: Stage, horizon: float) -> list[Layer]:
    """Gradient, sun or moon with its glow, stars, clouds."""
    p = stage.palette
    layers: list[Layer] = [Sky(p.top, p.middle, p.low, horizon)]
    night = p.dark > 0.9
    if night:
        layers.append(stars(stage, horizon))
    if stage.wish.weather not in ("storm", "rain") or "moon" in stage.wish.features:
        layers.extend(_sun(stage, horizon, moon=night or "moon" in stage.wish.features))
    if stage.wish.weather != "fog":
        layers.extend(_clouds(stage, horizon))
    if stage.wish.weather == "storm":
        layers.append(_lightning(stage, horizon))
    return layers


def stars(stage: Stage, low: float) -> Sprite:
    """Small lights down to `low`, thinning out."""
    roll, count = stage.roll, stage.many(30, 90, 170)
    shapes = []
    for _ in range(count):
        x, y = roll.uniform(0, stage.width), low * roll.random() ** 1.6
        size = stage.unit * roll.choice((0.0011, 0.0014, 0.0022))
        shapes.append(Shape(oval(x, y, size, size, 6), mix(stage.palette.top, (255, 250, 230), roll.uniform(0.5, 1))))
    return Sprite(tuple(shapes))


def _sun(stage: Stage, horizon: float, *, moon: bool) -> list[Layer]:
    roll, p, unit = stage.roll, stage.palette, stage.unit
    large = 1.5 if stage.wish.weather == "sun" or "moon" in stage.wish.features else 1
    radius = unit * roll.uniform(0.05, 0.075) * large
    x = stage.third(-stage.side)
    y = horizon * (roll.uniform(0.24, 0.42) if moon or p.dark == 0 else roll.uniform(0.6, 0.86))
    veiled = 0.55 if stage.wish.weather in ("fog", "snow") else 1
    layers: list[Layer] = [
        Glow(x, y, radius * 7, p.sun, 0.5 * veiled),
        Glow(x, y, radius * 2.6, p.sun, 0.65 * veiled),
    ]
    if stage.wish.weather == "sun":
        layers.append(_rays(stage, (x, y), radius))
    disc = [Shape(oval(x, y, radius, radius, 64), p.sun)]
    if moon:
        shade = mix(p.sun, p.top, 0.16)
        spots = ((-0.35, -0.2, 0.26), (0.3, 0.25, 0.2), (0.12, -0.45, 0.13), (-0.2, 0.48, 0.15))
        disc += [Shape(oval(x + radius * a, y + radius * b, radius * c, radius * c), shade) for a, b, c in spots]
    layers.append(Sprite(tuple(disc), veiled))
    return layers


def _rays(stage: Stage, centre: Point, radius: float) -> Sprite:
    x, y = centre
    shapes = []
    count, turned = 16, stage.roll.uniform(0, 1)
    for k in range(count):
        angle, far = math.tau * (k + turned) / count, radius * (2.3 if k % 2 else 3.1)
        edge = [(angle - 0.06, radius * 1.35), (angle, far), (angle + 0.06, radius * 1.35)]
        shapes.append(Shape(tuple((x + r * math.cos(a), y + r * math.sin(a)) for a, r in edge), stage.palette.sun))
    return Sprite(tuple(shapes), 0.6)


def _clouds(stage: Stage, horizon: float) -> list[Layer]:
    roll, p = stage.roll, stage.palette
    heavy = stage.wish.weather in ("rain", "storm")
    count = stage.many(1, 3, 4) + (4 if heavy else 0)
    shapes: list[Shape] = []
    for _ in range(count):
        x, y = roll.uniform(0, stage.width), horizon * (roll.uniform(0.0, 0.4) if heavy else roll.uniform(0.12, 0.7))
        length = stage.unit * roll.uniform(0.16, 0.34) * (1.6 if heavy else 1)
        colour = mix(p.top, (40, 44, 60), 0.35) if heavy else mix(mix(p.middle, p.low, 0.5), WHITE, 0.5 - 0.42 * p.dark)
        shapes.extend(_cloud(roll, (x, y), length, colour, heavy=heavy))
    return [Sprite(tuple(shapes), 0.8 if heavy else 0.72)]


def _cloud(roll: Random, centre: Point, length: float, colour: RGB, *, heavy: bool) -> list[Shape]:
    x, y = centre
    thick = length * (0.16 if heavy else 0.1)
    bumps = [(roll.uniform(-0.55, 0.55), roll.uniform(0.6, 1.5)) for _ in range(6)]
    out = [Shape(_lozenge(x, y, length, thick * 0.5), colour)]
    for across, size in bumps:
        r = thick * size * (1 - abs(across))
        out.append(Shape(oval(x + across * length, y - r * 0.5, r * 1.5, r), colour))
    return out


def _lozenge(x: float, y: float, rx: float, ry: float) -> Points:
    """A long body with rounded ends."""
    ends = [(math.tau * k / 24, 1 if math.cos(math.tau * k / 24) > 0 else -1) for k in range(24)]
    return tuple((x + s * (rx - ry) + ry * math.cos(a), y + ry * math.sin(a)) for a, s in ends)


def _lightning(stage: Stage, horizon: float) -> Sprite:
    x = stage.third(-stage.side)
    path = jagged(stage.roll, ((x, 0), (x + stage.unit * stage.roll.uniform(-0.1, 0.1), horizon)), stage.unit * 0.06, 5)
    fork = path[len(path) // 2]
    branch = jagged(
        stage.roll, (fork, (fork[0] + stage.unit * 0.14, fork[1] + stage.unit * 0.16)), stage.unit * 0.03, 4
    )
    bolt = (255, 250, 214)
    return Sprite((Shape(path, bolt, stage.unit * 0.007), Shape(branch, bolt, stage.unit * 0.004)))


def hill(stage: Stage, base: float, swing: float, nearness: float, waves: float = 1.3) -> tuple[Plane, Points]:
    """A rolling ridge in the colour of its distance (nearness 0 far, 1 near), and its top line."""
    p = stage.palette
    ridge = rolling(stage.roll, stage.width, base, swing, waves * stage.ratio * 0.7)
    colour = mix(p.far, p.near, nearness)
    low = mix(colour, p.low, 0.42 * (1 - nearness)) if nearness < 0.95 else turn(colour, -8, 1.05, 0.62)
    return Plane((down_to(ridge, stage.height + 4),), mix(colour, p.low, 0.06), low), ridge


def conifers(stage: Stage, ridge: Points, count: int, tall: float) -> tuple[Points, ...]:
    """Fir outlines standing on a ridge."""
    roll, out = stage.roll, []
    for _ in range(count):
        x, y = ridge[min(len(ridge) - 1, int(roll.random() * len(ridge)))]
        x += roll.uniform(-0.5, 0.5) * stage.width / len(ridge)
        out.append(_fir(x, y + tall * 0.1, tall * roll.uniform(0.55, 1.1)))
    return tuple(out)


def _fir(x: float, y: float, tall: float) -> Points:
    right = [
        (0.0, 1.0),
        (0.1, 0.74),
        (0.05, 0.74),
        (0.16, 0.46),
        (0.09, 0.46),
        (0.23, 0.12),
        (0.03, 0.12),
        (0.03, -0.05),
    ]
    half = [(x + a * tall, y - b * tall) for a, b in right]
    return (*half, *((2 * x - a, b) for a, b in reversed(half)))


def bushes(stage: Stage, ridge: Points, count: int, size: float) -> tuple[Points, ...]:
    """Round tree crowns along a ridge."""
    roll, out = stage.roll, []
    for _ in range(count):
        x, y = ridge[min(len(ridge) - 1, int(roll.random() * len(ridge)))]
        r = size * roll.uniform(0.5, 1)
        out.append(oval(x, y - r * 0.5, r * 1.1, r, 16))
    return tuple(out)


def peaks(stage: Stage, base: float, tall: float, nearness: float, count: int) -> list[Layer]:
    """Mountains with a lit and a shaded side and snow on top."""
    roll, p = stage.roll, stage.palette
    colour = mix(p.far, mix(p.near, p.top, 0.5), 0.25 + 0.5 * nearness)
    shade = mix(turn(colour, 10, 1.1, 0.74), p.top, 0.12)
    snow = mix(mix(WHITE, p.low, 0.2), p.top, 0.45 * p.dark)
    order = sorted((roll.uniform(0.55, 1.0), k) for k in range(count))
    layers: list[Layer] = []
    for height, k in order:
        x = stage.width * (k + roll.uniform(0.25, 0.75)) / count
        top = (x, base - tall * height)
        half = tall * height * roll.uniform(0.75, 1.05)
        layers.extend(_peak(stage, top, (base, half), (colour, shade, snow)))
    return layers


def _peak(stage: Stage, top: Point, foot: tuple[float, float], tones: tuple[RGB, RGB, RGB]) -> list[Layer]:
    roll, (base, half), (colour, shade, snow) = stage.roll, foot, tones
    x, y = top
    depth, swing = stage.many(2, 4, 5), half * 0.07
    left = jagged(roll, ((x - half, base), top), swing, depth)
    right = jagged(roll, (top, (x + half, base)), swing, depth)
    spine = jagged(roll, (top, (x + half * roll.uniform(-0.1, 0.3), base)), half * 0.13, depth)
    lit_left = stage.side > 0  # the sun stands on the other side of the subject
    whole = Plane(
        ((*left, *right[1:], (x + half, base + half), (x - half, base + half)),),
        colour,
        mix(colour, stage.palette.low, 0.55),
    )
    dark_side = (*right, *reversed(spine)) if lit_left else (*left, *spine[1:])
    shapes = [Shape(dark_side, shade)]
    if y < base - half * 0.45:
        shapes += _snowcap(stage, left, right, spine, (snow, mix(snow, shade, 0.4)), lit_left=lit_left)
    return [whole, Sprite(tuple(shapes), 0.85)]


def _snowcap(
    stage: Stage, left: Points, right: Points, spine: Points, tones: tuple[RGB, RGB], *, lit_left: bool
) -> list[Shape]:
    """The top fifth to third of a peak, with a ragged lower edge."""
    share = stage.roll.uniform(0.22, 0.38)
    cut = max(2, round(len(spine) * share))
    a, b, s = left[-cut:], right[:cut], spine[: round(cut * 1.25) + 1]
    ragged_a = jagged(stage.roll, (s[-1], a[0]), stage.unit * 0.02, 3)
    ragged_b = jagged(stage.roll, (b[-1], s[-1]), stage.unit * 0.02, 3)
    first, second = tones if lit_left else tones[::-1]
    return [Shape((*a, *s[1:], *ragged_a[1:]), first), Shape((*b, *ragged_b[1:], *reversed(s[:-1])), second)]


def water(stage: Stage, top: float, low: float) -> list[Layer]:
    """A sheet of water with reflections and glints."""
    p, roll = stage.palette, stage.roll
    layers: list[Layer] = [Mirror(top, low, p.water, 0.42)]
    glint, shapes = mix(p.low, WHITE, 0.5 - 0.2 * p.dark), []
    for _ in range(stage.many(10, 34, 60)):
        t = roll.random()
        y, half = top + (low - top) * (0.03 + 0.94 * t * t), stage.unit * (0.01 + 0.06 * t) * roll.uniform(0.4, 1)
        x, thick = roll.uniform(0, stage.width), stage.unit * (0.0007 + 0.0022 * t)
        shapes.append(Shape(oval(x, y, half, thick, 10), glint))
    return [*layers, Sprite(tuple(shapes), 0.5)]


def cast(stage: Stage, mention: Mention, ground: float, *, x: float | None = None, scale: float = 1) -> list[Layer]:
    """A subject, as often as it was asked for, with a soft shadow at its foot."""
    entry, roll = subjects()[mention.name], stage.roll
    side = stage.unit * entry["size"] * scale
    middle = stage.third(stage.side) if x is None else x
    count = min(mention.count, 7)
    layers: list[Layer] = []
    for k in range(count):
        rank = (k + 1) // 2 * (1 if k % 2 else -1)
        size = side * (1 if k == 0 else roll.uniform(0.62, 0.86)) * (1 if count < 4 else 0.8)
        floats = entry["place"] in ("sky", "deep")
        drop = roll.uniform(-0.5, 0.4) * side if floats and k else -abs(rank) * side * 0.05
        spot = Spot(middle - stage.side * rank * side * 0.72, ground + drop, size, flip=stage.side > 0)
        shapes = figure(mention.name, spot, stage.palette, mention.colour, details=stage.detail > 0)
        if not floats:
            shade = oval(spot.x, spot.y, size * 0.46, size * 0.035)
            layers.insert(0, Sprite((Shape(shade, mix(stage.palette.near, (10, 12, 24), 0.6)),), 0.5))
        layers.insert(len(layers) if k == 0 else 0, Sprite(shapes, subject=True))
    return layers


def standing(stage: Stage, mention: Mention, rank: int) -> list[Layer]:
    """A subject on the near ground or above it; `rank` 0 is the main one."""
    entry, h = subjects()[mention.name], stage.height
    x = None if rank == 0 else stage.width * (0.5 - stage.side * (0.24, 0.02, 0.38)[rank - 1])
    scale = 1 if rank == 0 else 0.72
    place = entry["place"]
    if place == "sky":
        return cast(stage, mention, h * stage.roll.uniform(0.48, 0.6), x=x, scale=scale)
    return cast(stage, mention, h * (0.9 if place != "hill" else 0.87), x=x, scale=scale)


def weather(stage: Stage) -> list[Layer]:
    """What falls or hangs in front of everything."""
    kind, p = stage.wish.weather, stage.palette
    if kind == "snow":
        return [_flakes(stage)]
    if kind in ("rain", "storm"):
        return [_streaks(stage)]
    if kind == "fog":
        veil = mix(p.low, WHITE, 0.3 * (1 - p.dark))
        return [
            Haze(stage.height * 0.3, stage.height * 0.72, veil, 0.62),
            Haze(stage.height * 0.55, stage.height, veil, 0.4),
        ]
    return []


def _flakes(stage: Stage) -> Sprite:
    roll, shapes = stage.roll, []
    for _ in range(stage.many(50, 170, 300)):
        r = stage.unit * (0.0014 + 0.006 * roll.random() ** 4)
        shapes.append(
            Shape(oval(roll.uniform(0, stage.width), roll.uniform(0, stage.height), r, r, 10), (252, 252, 255))
        )
    return Sprite(tuple(shapes), 0.85)


def _streaks(stage: Stage) -> Sprite:
    roll, shapes, slant = stage.roll, [], stage.roll.uniform(0.12, 0.3)
    tone = mix(stage.palette.low, WHITE, 0.5)
    for _ in range(stage.many(60, 180, 320)):
        x, y, length = (
            roll.uniform(-0.1, 1.1) * stage.width,
            roll.uniform(-0.1, 1) * stage.height,
            stage.unit * roll.uniform(0.02, 0.06),
        )
        shapes.append(Shape(((x, y), (x - slant * length, y + length)), tone, stage.unit * 0.0016))
    return Sprite(tuple(shapes), 0.42)


def blob(roll: Random, x: float, y: float, radius: float) -> Points:
    """A soft pebble."""
    corners = 9
    spokes = [(math.tau * k / corners, radius * roll.uniform(0.75, 1.2)) for k in range(corners)]
    return smooth([(x + r * math.cos(a), y + r * math.sin(a)) for a, r in spokes])
