"""Scenes that are no landscape: a still life, a portrait, shapes, space, the sea floor."""

from __future__ import annotations

import math

from . import stage as st
from .colour import RGB, WHITE, hsl, mix, turn
from .layers import Glow, Layer, Plane, Points, Shape, Sky, Sprite, down_to, oval, rolling
from .stage import Stage
from .wording import Mention


def room(stage: Stage) -> list[Layer]:
    """A still life: wall, a large calm shape behind, a table."""
    w, h, u, p = stage.width, stage.height, stage.unit, stage.palette
    edge, x = h * stage.roll.uniform(0.68, 0.74), stage.third(stage.side)
    wall = mix(p.middle, p.low, 0.5)
    layers: list[Layer] = [Sky(mix(wall, p.top, 0.45), wall, mix(wall, WHITE, 0.25 * (1 - p.dark)), edge)]
    layers += _backdrop(stage, x, edge)
    wood = mix(p.near, hsl(26, 0.4, 0.42), 0.45)
    table = ((-2, edge), (w + 2, edge), (w + 2, h + 4), (-2, h + 4))
    layers.append(Plane((table,), mix(wood, p.low, 0.3), turn(wood, 0, 1, 0.68)))
    layers.append(Glow(x, edge + u * 0.1, u * 0.5, p.low, 0.25))
    for k, mention in enumerate(stage.wish.subjects[:4]):
        place = x if k == 0 else w * (0.5 - stage.side * (0.2, 0.02, 0.36)[k - 1])
        layers += st.cast(stage, mention, edge + u * (0.08 if k else 0.13), x=place, scale=0.7 if k else 1.15)
    return layers if stage.wish.subjects else layers + _pebbles(stage, edge)


def _backdrop(stage: Stage, x: float, edge: float) -> list[Layer]:
    """An arch or a disc on the wall, and light falling in from a window."""
    w, h, u, p = stage.width, stage.height, stage.unit, stage.palette
    halo, r = mix(p.sun, p.low, 0.45), u * 0.3
    bow = [(x - r * math.cos(math.pi * k / 20), edge - u * 0.42 - r * math.sin(math.pi * k / 20)) for k in range(21)]
    arch = ((x - r, edge + 2), *bow, (x + r, edge + 2))
    form = arch if stage.roll.random() < 0.5 else oval(x, edge - u * 0.34, u * 0.36, u * 0.36, 60)
    layers: list[Layer] = [Plane((form,), halo, mix(halo, p.middle, 0.35))]
    if stage.detail:
        corners = ((0.34, 0.06), (0.12, 0.14), (0.06, 0.56), (0.28, 0.48))
        slant = tuple((w * (0.5 - stage.side * a), h * b) for a, b in corners)
        layers.append(Sprite((Shape(slant, mix(p.sun, WHITE, 0.4)),), 0.34))
    return layers


def _pebbles(stage: Stage, edge: float) -> list[Layer]:
    """Three vessels for an empty table."""
    mentions = [Mention("teapot"), Mention("apple"), Mention("flower")]
    spots = [(0.5 + stage.side * 0.18, 1.0), (0.5 - stage.side * 0.04, 0.55), (0.5 - stage.side * 0.22, 0.8)]
    return [
        layer
        for mention, (at, scale) in zip(mentions, spots, strict=True)
        for layer in st.cast(stage, mention, edge + stage.unit * 0.1, x=stage.width * at, scale=scale)
    ]


def portrait(stage: Stage) -> list[Layer]:
    """A head and shoulders before a disc of light."""
    w, h, u, p, roll = stage.width, stage.height, stage.unit, stage.palette, stage.roll
    layers: list[Layer] = [Sky(p.top, p.middle, p.low, h * 0.9)]
    x = w * (0.5 + stage.side * roll.uniform(0.02, 0.08))
    for k in range(stage.many(1, 3, 5)):
        tone = mix(p.accent if k % 2 else p.leaf, p.middle, 0.45)
        layers.append(
            Sprite(
                (Shape(st.blob(roll, roll.uniform(0, w), roll.uniform(0, h), u * roll.uniform(0.12, 0.26)), tone),), 0.6
            )
        )
    layers.append(Glow(x, h * 0.42, u * 0.7, p.sun, 0.5))
    layers.append(Sprite((Shape(oval(x, h * 0.44, u * 0.36, u * 0.36, 72), mix(p.sun, p.low, 0.4)),), 0.9))
    return layers + st.cast(
        stage, Mention("portrait", stage.wish.subjects[0].colour if stage.wish.subjects else None), h * 0.985, x=x
    )


def abstract(stage: Stage) -> list[Layer]:
    """Calm shapes: either stacked waves or circles and arcs."""
    w, h, p, roll = stage.width, stage.height, stage.palette, stage.roll
    layers: list[Layer] = [Sky(p.top, p.middle, p.low, h * 0.8)]
    tones = (p.near, p.accent, p.far, p.water, mix(p.accent, p.low, 0.5), p.sun)
    if roll.random() < 0.5:
        layers += [Glow(w * 0.5, h * 0.3, stage.unit * 0.5, p.sun, 0.7), *_discs(stage, tones, 2)]
        count = stage.many(5, 9, 13)
        for k in range(count):
            tone = mix(tones[k % 4], p.low, 0.5 * (1 - k / count))
            ridge = rolling(roll, w, h * (0.34 + 0.66 * k / count), h * 0.09, 0.8 + roll.random() * 0.8, 0.35)
            layers.append(Plane((down_to(ridge, h + 4),), tone, mix(tone, p.top, 0.5)))
    else:
        layers += [layer for _ in range(2) for layer in _discs(stage, tones, stage.many(2, 4, 6))]
    return layers + [layer for k, m in enumerate(stage.wish.subjects[:3]) for layer in st.standing(stage, m, k)]


def _discs(stage: Stage, tones: tuple[RGB, ...], count: int) -> list[Layer]:
    roll, u = stage.roll, stage.unit
    layers: list[Layer] = []
    for k in range(count):
        x, y, r = (
            roll.uniform(0.08, 0.92) * stage.width,
            roll.uniform(0.1, 0.85) * stage.height,
            u * roll.uniform(0.08, 0.28),
        )
        tone = tones[(k + roll.randint(0, 2)) % len(tones)]
        rings = [
            Shape(oval(x, y, r * s, r * s, 64), mix(tone, stage.palette.low, 0.5 * j))
            for j, s in enumerate((1, 0.72, 0.44))
        ]
        start = roll.choice((0, 90, 180, 270))
        half = tuple(
            (x + r * math.cos(math.radians(start + a)), y + r * math.sin(math.radians(start + a)))
            for a in range(0, 181, 6)
        )
        layers.append(
            Sprite(tuple(rings) if roll.random() < 0.5 else (rings[0], Shape(half, turn(tone, 0, 1, 0.7))), 0.92)
        )
    return layers


def space(stage: Stage) -> list[Layer]:
    """Nebula light, stars, a ringed planet, and what flies there."""
    w, h, u, p, roll = stage.width, stage.height, stage.unit, stage.palette, stage.roll
    deep = mix(hsl(roll.uniform(220, 285), 0.5, 0.09), p.top, 0.12)
    layers: list[Layer] = [Sky(deep, mix(deep, p.accent, 0.12), mix(deep, p.middle, 0.4), h)]
    lights = (p.accent, p.middle, p.low)
    layers += [
        Glow(roll.uniform(0, w), roll.uniform(0, h), u * roll.uniform(0.3, 0.6), roll.choice(lights), 0.34)
        for _ in range(stage.many(2, 4, 6))
    ]
    layers.append(st.stars(stage, h))
    x, y, r = stage.third(-stage.side), h * roll.uniform(0.34, 0.62), u * roll.uniform(0.16, 0.24)
    layers += _planet(stage, x, y, r)
    return layers + [layer for m in stage.wish.subjects[:3] for layer in st.cast(stage, m, h * 0.74)]


def _planet(stage: Stage, x: float, y: float, r: float) -> list[Layer]:
    """A banded ball in half shadow, its ring behind and before it."""
    p = stage.palette
    body = mix(p.accent, p.low, 0.3)
    trim, pale, dark = mix(p.sun, body, 0.3), mix(body, p.sun, 0.3), turn(body, 14, 1, 0.55)
    ball, inner = oval(x, y, r, r, 72), oval(x, y, r * 0.45, r, 72)

    def ring(first: int, last: int) -> Shape:
        angles = [math.pi * k / 30 for k in range(first, last)]
        path = [(x + r * 1.8 * math.cos(a), y + r * (0.42 * math.sin(a) + 0.2 * math.cos(a))) for a in angles]
        return Shape(tuple(path), trim, r * 0.09)

    bands = [Shape(oval(x, y + r * k, r * math.sqrt(1 - k * k) * 0.985, r * 0.07), pale) for k in (-0.5, -0.12, 0.34)]
    shade = Shape((*ball[18:54], *reversed(inner[18:54])), dark)
    return [Glow(x, y, r * 2.2, body, 0.45), Sprite((ring(30, 61), Shape(ball, body), *bands, shade, ring(0, 31)))]


def underwater(stage: Stage) -> list[Layer]:
    """Light from above, weeds below, fish between."""
    w, h, u, p, roll = stage.width, stage.height, stage.unit, stage.palette, stage.roll
    sea = mix(hsl(roll.uniform(178, 212), 0.6, 0.4), p.water, 0.35)
    layers: list[Layer] = [Sky(mix(sea, WHITE, 0.5 - 0.3 * p.dark), sea, turn(sea, 12, 1, 0.45), h * 0.95)]
    for _ in range(stage.many(2, 5, 7)):
        x, wide = roll.uniform(0, w), u * roll.uniform(0.03, 0.09)
        ray = ((x, -2), (x + wide, -2), (x + wide * 3 - u * 0.3, h * 0.9), (x - u * 0.36, h * 0.9))
        layers.append(Sprite((Shape(ray, mix(sea, WHITE, 0.75)),), 0.16))
    for k in range(stage.many(1, 3, 3)):
        tone = mix(turn(sea, 10, 0.8, 0.7), mix(p.accent, p.near, 0.5), 0.25 * k)
        ridge = rolling(roll, w, h * (0.8 + 0.07 * k), h * 0.04, 1.4)
        layers.append(
            Plane((down_to(ridge, h + 4), *_weeds(stage, ridge, k)), turn(tone, 0, 1, 0.9), turn(tone, 0, 1, 0.5))
        )
    school = stage.wish.subjects or (Mention("fish", None, 5),)
    for k, mention in enumerate(school[:3]):
        layers += st.cast(stage, mention, h * (0.64 - 0.16 * k), x=None if k == 0 else stage.third(-stage.side))
    bubbles = tuple(
        Shape(oval(roll.uniform(0, w), roll.uniform(0, h), r, r), mix(sea, WHITE, 0.7))
        for r in (u * roll.uniform(0.003, 0.012) for _ in range(stage.many(8, 24, 40)))
    )
    return [*layers, Sprite(bubbles, 0.45)]


def _weeds(stage: Stage, ridge: Points, rank: int) -> tuple[Points, ...]:
    roll, out, u = stage.roll, [], stage.unit
    for _ in range(int(stage.many(4, 12, 18) * stage.ratio)):
        x, y = ridge[roll.randrange(len(ridge))]
        tall, wide, phase = u * roll.uniform(0.08, 0.2) * (0.7 + 0.3 * rank), u * 0.011, roll.uniform(0, 6)
        stem = [
            (x + u * 0.016 * math.sin(phase + 5 * t / 9), y + u * 0.03 - tall * t / 9, wide * (1 - t / 9))
            for t in range(10)
        ]
        out.append((*((a - c, b) for a, b, c in stem), *((a + c, b) for a, b, c in reversed(stem))))
    return tuple(out)
