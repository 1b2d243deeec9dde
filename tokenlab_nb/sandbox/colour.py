"""Colours as RGB triples, mixed in RGB and turned in HSL."""

from __future__ import annotations

import colorsys

RGB = tuple[int, int, int]

WHITE: RGB = (255, 255, 255)
BLACK: RGB = (0, 0, 0)


def from_hex(code: str) -> RGB:
    """`#rrggbb` as a triple of 0 to 255."""
    red, green, blue = bytes.fromhex(code.removeprefix("#"))
    return red, green, blue


def mix(first: RGB, second: RGB, amount: float) -> RGB:
    """From `first` (amount 0) to `second` (amount 1)."""
    a, b, c = (round(x + (y - x) * amount) for x, y in zip(first, second, strict=True))
    return a, b, c


def hsl(hue: float, saturation: float, lightness: float) -> RGB:
    """Hue in degrees, saturation and lightness 0 to 1 (held inside)."""
    parts = colorsys.hls_to_rgb(hue / 360 % 1, min(1.0, max(0.0, lightness)), min(1.0, max(0.0, saturation)))
    red, green, blue = (round(part * 255) for part in parts)
    return red, green, blue


def to_hsl(colour: RGB) -> tuple[float, float, float]:
    """Hue in degrees, saturation and lightness 0 to 1."""
    hue, lightness, saturation = colorsys.rgb_to_hls(*(part / 255 for part in colour))
    return hue * 360, saturation, lightness


def turn(colour: RGB, degrees: float = 0, saturation: float = 1, lightness: float = 1) -> RGB:
    """Shift the hue by degrees; multiply saturation and lightness."""
    h, s, light = to_hsl(colour)
    return hsl(h + degrees, s * saturation, light * lightness)


def tint(colour: RGB, towards: RGB, amount: float) -> RGB:
    """Give a colour another's hue, keeping most of its lightness, so that a scene keeps its light."""
    _, saturation, lightness = to_hsl(colour)
    hue, target_saturation, target_lightness = to_hsl(towards)
    dyed = hsl(hue, 0.3 * saturation + 0.7 * target_saturation, 0.75 * lightness + 0.25 * target_lightness)
    return mix(colour, dyed, amount)
