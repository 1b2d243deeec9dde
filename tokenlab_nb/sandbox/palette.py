"""Harmonious colours for a scene: by time of day and weather, bent by the prompt's colours and the manner."""

from __future__ import annotations

from dataclasses import dataclass, fields
from random import Random

from .colour import RGB, WHITE, from_hex, hsl, mix, tint, turn
from .wording import Wish

# sky top, sky middle, sky low (the horizon), sun or moon
_SKIES = {
    "dawn": ("#4a6299 #d3a3bd #ffdcb4 #fff3d6", "#5f9bb5 #f3c9b6 #fff0d0 #fffae6", "#6f6aa8 #f0a8a8 #ffd9a8 #fff0d0"),
    "noon": ("#2a83c6 #7fc2e6 #e6f4ee #fffbe8", "#3a9fb0 #9dd6cf #fbf4da #fffdf0", "#3f74c4 #9cc4ea #f4ecdc #fffbe8"),
    "dusk": ("#2b2456 #bb4a7c #ffab60 #ffe3a0", "#33305e #dd6360 #ffcd78 #fff0c0", "#1d3b62 #8a719f #f9bda4 #ffe6c8"),
    "night": ("#081030 #1b2f64 #4d6da3 #f4f0dc", "#0b1a2a #153b52 #42858a #f0f4e4", "#150f33 #3a2a68 #7a5a98 #fbeedd"),
    "golden": ("#79b0b4 #f3d99c #fbbb6e #fff6d8", "#8fa6b8 #f2d3b0 #f7a977 #fff0cc"),
}
_LANDS = {  # hue, saturation of the land; picked by chance
    "meadow": (112, 0.34), "pine": (158, 0.36), "teal": (188, 0.40), "violet": (262, 0.30), "rust": (18, 0.46),
    "indigo": (228, 0.36), "olive": (72, 0.36), "rose": (340, 0.30),
}  # fmt: skip
_LIGHT: dict[str, float] = {"dawn": 0.27, "noon": 0.32, "dusk": 0.19, "night": 0.11, "golden": 0.27}


@dataclass(frozen=True, slots=True)
class Palette:
    """The colours of one scene. `dark` says how much night lies on things, 0 to 1."""

    top: RGB
    middle: RGB
    low: RGB
    sun: RGB
    far: RGB
    near: RGB
    water: RGB
    accent: RGB
    leaf: RGB
    dark: float = 0

    def light(self, colour: RGB) -> RGB:
        """How a thing of that colour looks in this scene's light."""
        return mix(mix(colour, self.low, 0.10), mix(self.top, self.near, 0.5), 0.12 + 0.30 * self.dark)

    def bent(self, hue: float, saturation: float) -> Palette:
        """The same palette with hues turned (degrees) and saturation multiplied."""
        turned = {
            field.name: turn(getattr(self, field.name), hue, saturation)
            for field in fields(self)
            if field.name != "dark"
        }
        return Palette(**turned, dark=self.dark)


def choose(wish: Wish, roll: Random) -> Palette:
    """Colours for a wish; what it leaves open is decided by `roll`."""
    time = wish.time or roll.choice(("dawn", "noon", "dusk", "golden", "golden", "dusk"))
    if wish.weather == "sun" and wish.time is None:
        time = roll.choice(("noon", "golden"))
    if wish.weather == "snow" and wish.time is None:
        time = roll.choice(("noon", "dawn", "dusk"))
    top, middle, low, sun = (from_hex(code) for code in roll.choice(_SKIES[time]).split())
    hue: float
    hue, saturation = _LANDS[roll.choice(tuple(_LANDS))]
    if "desert" in wish.features:
        hue, saturation = roll.uniform(18, 36), 0.5
    light: float = _LIGHT[time] + (0.22 if "desert" in wish.features else 0)
    near = hsl(hue + roll.uniform(-10, 10), saturation, light)
    palette = Palette(
        top=top,
        middle=middle,
        low=low,
        sun=sun,
        far=mix(mix(near, middle, 0.5), low, 0.45),
        near=near,
        water=mix(mix(middle, top, 0.5), hsl(200, 0.4, 0.35), 0.3),
        accent=hsl(hue + roll.choice((150, 180, 210)), 0.58, 0.57),
        leaf=hsl(roll.uniform(90, 150), 0.36, 0.36),
        dark={"night": 1.0, "dusk": 0.45, "dawn": 0.15}.get(time, 0.0),
    )
    return _dyed(_weathered(palette, wish.weather), wish.colours)


def _weathered(palette: Palette, weather: str | None) -> Palette:
    if weather in (None, "sun"):
        return palette
    dim = 1 - 0.36 * palette.dark
    veil = {"snow": (214, 0.30, 0.84), "rain": (212, 0.20, 0.50), "fog": (205, 0.10, 0.80), "storm": (222, 0.28, 0.26)}
    hue, saturation, lightness = veil[weather or ""]
    grey = hsl(hue, saturation, lightness * dim)
    heavy = {"snow": 0.42, "rain": 0.55, "fog": 0.5, "storm": 0.72}[weather or ""]
    white = weather == "snow"
    return Palette(
        top=mix(palette.top, grey, heavy),
        middle=mix(palette.middle, grey, heavy),
        low=mix(palette.low, mix(grey, WHITE, 0.3), heavy * 0.6),
        sun=palette.sun,
        far=mix(palette.far, mix(palette.middle, WHITE, 0.6), 0.55) if white else mix(palette.far, grey, heavy * 0.6),
        near=mix(mix(palette.top, WHITE, 0.80), palette.middle, 0.35 * palette.dark + 0.08) if white else palette.near,
        water=mix(palette.water, grey, 0.4),
        accent=palette.accent,
        leaf=mix(palette.leaf, grey, 0.35),
        dark=max(palette.dark, 0.4 if weather == "storm" else 0),
    )


def _dyed(palette: Palette, colours: tuple[RGB, ...]) -> Palette:
    """The first colour of the prompt dyes the light, the second (or the first) the land."""
    if not colours:
        return palette
    sky, land = colours[0], colours[min(1, len(colours) - 1)]
    return Palette(
        top=tint(palette.top, sky, 0.8),
        middle=tint(palette.middle, sky, 0.8),
        low=tint(palette.low, sky, 0.45),
        sun=mix(palette.sun, sky, 0.1),
        far=tint(palette.far, land, 0.7),
        near=tint(palette.near, land, 0.75),
        water=tint(palette.water, sky, 0.7),
        accent=colours[-1],
        leaf=palette.leaf,
        dark=palette.dark,
    )
