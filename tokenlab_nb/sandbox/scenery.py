"""Composes a scene from a wish: which setting, where the horizon lies, what stands where."""

from __future__ import annotations

import math
from collections.abc import Callable
from random import Random

from . import interiors
from . import stage as st
from .colour import mix, turn
from .layers import Glow, Haze, Layer, Plane, Points, Scene, Shape, Sprite, smooth
from .palette import Palette
from .stage import Stage
from .wording import Mention, Wish, subjects

_QUIET = ("space", "underwater", "abstract", "city", "sea", "room")  # features that decide the setting by themselves


def compose(size: tuple[int, int], wish: Wish, palette: Palette, roll: Random, detail: int) -> Scene:
    """Build the scene.

    Args:
        size: Width and height in pixels; the same `roll` gives the same scene at every size of one ratio.
        wish: What the prompt asks for.
        palette: Its colours.
        roll: Decides what the wish leaves open.
        detail: 0 low, 1 medium, 2 high.

    Returns:
        The layers, back to front.
    """
    stage = Stage(size[0], size[1], wish, palette, roll, detail, roll.choice((-1, 1)))
    layers = _SETTINGS[_setting(wish, roll)](stage)
    return Scene(size[0], size[1], (*layers, *st.weather(stage)))


def _setting(wish: Wish, roll: Random) -> str:
    for feature in _QUIET:
        if feature in wish.features:
            return feature
    if wish.subjects:
        return str(subjects()[wish.subjects[0].name]["setting"])
    if not wish.features and wish.time is None and wish.weather is None and roll.random() < 0.25:
        return "abstract"
    return "land"


def _land(stage: Stage) -> list[Layer]:
    roll, h, features = stage.roll, stage.height, stage.wish.features
    horizon = h * roll.uniform(0.5, 0.6)
    lake = "lake" in features or (not stage.wish.subjects and roll.random() < 0.45)
    layers = st.sky(stage, horizon)
    mountains = "mountain" in features or (not features & {"desert", "field"} and roll.random() < 0.4)
    if mountains:
        tall = h * (0.4 if "mountain" in features else 0.26) * min(1.0, 1.2 * stage.width / h)
        layers += st.peaks(stage, horizon + h * 0.03, tall, 0.2, max(2, round(2.4 * stage.ratio)))
    layers += _hills(stage, horizon, lake=lake)
    return layers + _foreground(stage)


def _hills(stage: Stage, horizon: float, *, lake: bool) -> list[Layer]:
    """Ridges from far to near, with mist between and perhaps a lake in the middle."""
    roll, h, p = stage.roll, stage.height, stage.palette
    forest = "forest" in stage.wish.features
    count = stage.many(2, 4, 5)
    wooded = forest or ("desert" not in stage.wish.features and roll.random() < 0.55)
    round_trees = wooded and not forest and roll.random() < 0.4
    layers: list[Layer] = []
    for k in range(count):
        t = k / count
        base = horizon + (h * 0.78 - horizon) * t
        plane, ridge = st.hill(stage, base, h * (0.05 + 0.02 * k), 0.1 + 0.7 * t, 0.9 + 0.35 * k)
        layers.append(plane)
        if wooded and k:
            number = int((stage.many(8, 26, 44) + (24 if forest else 0)) * stage.ratio)
            tall = stage.unit * (0.035 + 0.09 * t) * (1.7 if forest else 1)
            trees = (st.bushes if round_trees else st.conifers)(
                stage, ridge, number, tall * (0.5 if round_trees else 1)
            )
            tone = mix(mix(plane.top, turn(p.top, -40, 0.8, 0.55), 0.2 + 0.35 * t), p.low, 0.12 * (1 - t))
            layers.append(Plane(trees, tone, mix(tone, plane.top, 0.8)))
        if stage.detail:
            layers.append(Haze(base - h * 0.04, base + h * 0.1, mix(p.low, p.middle, 0.2), 0.16 * (1 - t)))
        if lake and k == count // 2:
            layers += st.water(stage, base + h * 0.03, h)
            break  # open water up to the near shore
    return layers


def _foreground(stage: Stage) -> list[Layer]:
    """The near ground, what stands on it or flies above it, and grass."""
    h, p, wish = stage.height, stage.palette, stage.wish
    plane, _ = st.hill(stage, h * 0.84, h * 0.03, 1.0, 0.7)
    layers: list[Layer] = [plane]
    for k, mention in enumerate(wish.subjects[:4]):
        layers += st.standing(stage, mention, k)
    if not wish.subjects and wish.weather != "snow" and stage.roll.random() < 0.5:
        layers += _birds(stage)
    tufts = _grass(stage) if "desert" not in wish.features else ()
    return [*layers, Plane(tufts, turn(p.near, 0, 1, 0.72), turn(p.near, 0, 1, 0.5), ridge=False)] if tufts else layers


def _grass(stage: Stage) -> tuple[Points, ...]:
    roll, out, u = stage.roll, [], stage.unit
    for _ in range(int(stage.many(0, 60, 120) * stage.ratio)):
        x, tall = roll.uniform(0, stage.width), u * roll.uniform(0.02, 0.06)
        y, lean = stage.height + u * 0.012, roll.uniform(-0.4, 0.4) * tall
        out.append(((x - u * 0.003, y), (x + lean, y - tall), (x + u * 0.003, y)))
    return tuple(out)


def _birds(stage: Stage) -> list[Layer]:
    roll, u = stage.roll, stage.unit
    cx, cy = stage.third(stage.side), stage.height * roll.uniform(0.2, 0.36)
    tone = mix(stage.palette.top, stage.palette.near, 0.7)
    shapes = []
    for _ in range(roll.randint(3, 6)):
        x, y, s = cx + roll.uniform(-0.14, 0.14) * u, cy + roll.uniform(-0.07, 0.07) * u, u * roll.uniform(0.008, 0.016)
        wing = ((x - 2 * s, y - s), (x - s, y - s * 0.9), (x, y), (x + s, y - s * 0.9), (x + 2 * s, y - s))
        shapes.append(Shape(wing, tone, max(1.0, s * 0.22)))
    return [Sprite(tuple(shapes))]


def _sea(stage: Stage) -> list[Layer]:
    roll, h = stage.roll, stage.height
    horizon = h * roll.uniform(0.52, 0.6)
    layers = st.sky(stage, horizon)
    for k in range(stage.many(1, 2, 3)):
        far, _ = st.hill(stage, horizon - h * (0.012 - 0.008 * k), h * (0.05 - 0.012 * k), 0.1 + 0.2 * k, 0.8)
        layers.append(far)
    if "mountain" in stage.wish.features:
        layers += st.peaks(stage, horizon, h * 0.34, 0.2, max(2, round(2 * stage.ratio)))
    layers += st.water(stage, horizon, h)
    for k, mention in enumerate(stage.wish.subjects[:4]):
        layers += _afloat(stage, mention, horizon, k)
    return layers if stage.wish.subjects else [*layers, *_birds(stage), *_headland(stage, h * 0.9, 0.5)]


def _afloat(stage: Stage, mention: Mention, horizon: float, rank: int) -> list[Layer]:
    entry, h = subjects()[mention.name], stage.height
    x = None if rank == 0 else stage.width * (0.5 - stage.side * (0.22, 0.02, 0.36)[rank - 1])
    place = entry["place"]
    if place == "water":
        y = horizon + (h - horizon) * (0.42 if rank == 0 else 0.22)
        return _rippled(stage, st.cast(stage, mention, y, x=x, scale=1 if rank == 0 else 0.6), y)
    if place == "sky":
        return st.cast(stage, mention, h * 0.42, x=x, scale=0.8)
    land = _headland(stage, h * 0.8, 0.34)
    return [*land, *st.cast(stage, mention, h * 0.815, x=stage.width * (0.5 + stage.side * 0.25) if rank == 0 else x)]


def _rippled(stage: Stage, layers: list[Layer], line: float) -> list[Layer]:
    """Floating subjects with their upside-down image in the water below them."""
    images: list[Layer] = []
    for layer in layers:
        if isinstance(layer, Sprite) and layer.subject:
            turned = tuple(
                Shape(
                    tuple((x, line + (line - y) * 0.55 - 2) for x, y in s.points),
                    mix(s.colour, stage.palette.water, 0.45),
                    s.line,
                )
                for s in layer.shapes
            )
            images.append(Sprite(turned, 0.5))
    return [*images, *(layer for layer in layers if isinstance(layer, Sprite) and layer.subject)]


def _headland(stage: Stage, top: float, reach: float) -> list[Layer]:
    """A rocky point of land coming in from the subject's side."""
    w, h, p, side = stage.width, stage.height, stage.palette, stage.side
    tip, edge = w * (0.5 - side * (reach - 0.42)), w * (0.5 + side * 0.52)
    inner = w * (0.5 + side * 0.1)
    line = [
        (edge, top - h * 0.02),
        (w * (0.5 + side * 0.3), top - h * 0.005),
        (inner, top + h * 0.02),
        (tip, top + h * 0.1),
        (tip - side * w * 0.06, h * 1.02),
    ]
    coast = smooth([*line, (edge, h * 1.02)], 8)
    rock = mix(p.near, p.water, 0.15)
    return [Plane((coast,), rock, turn(rock, 0, 1, 0.55))]


def _city(stage: Stage) -> list[Layer]:
    roll, h, p = stage.roll, stage.height, stage.palette
    horizon = h * roll.uniform(0.66, 0.74)
    layers = st.sky(stage, horizon * 0.95)
    rows = stage.many(2, 3, 4)
    layers.append(
        Glow(stage.width / 2, horizon, stage.width * 0.6, mix(p.low, (255, 170, 110), 0.6), 0.15 + 0.55 * p.dark)
    )
    for k in range(rows):
        t = k / (rows - 1)
        colour = mix(mix(p.far, p.middle, 0.35), mix(p.near, p.top, 0.55), 0.12 + 0.8 * t)
        houses, lights = _row(stage, horizon, h * (0.46 - 0.2 * t), t)
        layers.append(Plane(houses, colour, mix(colour, p.low, 0.35 * (1 - 0.6 * t))))
        lamp = mix((255, 208, 120), p.low, 0.35 * (1 - t))
        layers.append(Sprite(tuple(Shape(window, lamp) for window in lights), 0.35 + 0.55 * min(1.0, p.dark + 0.1)))
    if stage.wish.subjects and subjects()[stage.wish.subjects[0].name]["place"] != "water":
        quay, _ = st.hill(stage, horizon + h * 0.02, h * 0.002, 1.0)
        layers.append(quay)
        return layers + [layer for k, m in enumerate(stage.wish.subjects[:4]) for layer in st.standing(stage, m, k)]
    layers += st.water(stage, horizon, h)
    return layers + [layer for k, m in enumerate(stage.wish.subjects[:4]) for layer in _afloat(stage, m, horizon, k)]


def _row(stage: Stage, foot: float, tall: float, near: float) -> tuple[tuple[Points, ...], list[Points]]:
    """A row of houses and their lit windows."""
    roll, x, w = stage.roll, -0.02 * stage.width, stage.width
    houses: list[Points] = []
    lights: list[Points] = []
    while x < w:
        wide = stage.unit * roll.uniform(0.045, 0.1) * (0.7 + 0.5 * near)
        high = tall * roll.uniform(0.35, 1) ** 1.4 * (0.7 + 0.5 * math.sin(math.pi * min(1.0, max(0.0, x / w))))
        top, right = foot - high, x + wide
        crown = {
            0: ((x + wide / 2, top - wide * 0.4),),
            1: ((x, top - wide * 0.3),),
            2: ((x + wide * 0.5, top), (x + wide * 0.5, top - wide * 0.9), (x + wide * 0.54, top)),
        }
        houses.append(((x, foot + 2), (x, top), *crown.get(roll.randint(0, 5), ()), (right, top), (right, foot + 2)))
        lights += _windows(stage, (x, top, wide, high), near)
        x += wide * roll.uniform(0.92, 1.25)
    return tuple(houses), lights


def _windows(stage: Stage, box: tuple[float, float, float, float], near: float) -> list[Points]:
    x, top, wide, high = box
    roll = stage.roll
    out: list[Points] = []
    if not stage.detail or near < 0.3:
        return []
    columns, step = max(2, int(wide / (stage.unit * 0.02))), stage.unit * 0.026
    cell = wide / columns
    for row in range(int(high / step) - 1):
        for column in range(columns):
            if roll.random() < 0.34:
                a, b = x + cell * (column + 0.28), top + step * (row + 0.6)
                out.append(((a, b), (a + cell * 0.45, b), (a + cell * 0.45, b + step * 0.5), (a, b + step * 0.5)))
    return out


_SETTINGS: dict[str, Callable[[Stage], list[Layer]]] = {
    "land": _land,
    "sea": _sea,
    "city": _city,
    "room": interiors.room,
    "portrait": interiors.portrait,
    "abstract": interiors.abstract,
    "space": interiors.space,
    "underwater": interiors.underwater,
}
