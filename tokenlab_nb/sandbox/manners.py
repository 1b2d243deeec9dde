"""How a model paints: technique and palette, decided by a hash of its id."""

from __future__ import annotations

from dataclasses import dataclass, replace
from random import Random

from .colour import RGB, hsl, mix, to_hsl, turn
from .layers import Points
from .picture import dice


@dataclass(frozen=True, slots=True)
class Manner:
    """A technique, as numbers.

    Attributes:
        name: For people.
        finish: Key of `finish.FINISHES`, applied to the drawn scene.
        scale: The scene is drawn at this share of the size; the finish brings it to full size.
        gradient: How far planes shade towards their lower colour, 0 flat to 1.
        bands: Flat steps of the sky; 0 is a smooth gradient.
        shadow: Strength of drop shadows, 0 to 1.
        outline: Width of contour lines, as a share of the shorter side.
        wash: Opacity of planes.
        wobble: Unsteadiness of edges, as a share of the shorter side.
        paper: How much of the paper shows through fills, 0 to 1.
        grain: Strength of the grain, in levels of 255.
        hue: Degrees by which the palette is turned.
        saturation: Factor on the palette's saturation.
        dark: Draw everything as night, with glowing lines.
        redraw: The finish is for the ground only; the subject is drawn over it afterwards, sharp.
    """

    name: str
    finish: str = "plain"
    scale: float = 1
    gradient: float = 1
    bands: int = 0
    shadow: float = 0
    outline: float = 0
    wash: float = 1
    wobble: float = 0
    paper: float = 0
    grain: float = 3
    hue: float = 0
    saturation: float = 1
    dark: bool = False
    redraw: bool = False

    def ground(self, colour: RGB) -> RGB:
        """A plane's colour in this manner."""
        if self.dark:
            return turn(mix(colour, (14, 10, 40), 0.72), 0, 1.5, 1)
        return mix(colour, (250, 245, 232), self.paper)

    def ink(self, colour: RGB) -> RGB:
        """A drawn thing's colour in this manner."""
        if self.dark:
            return turn(mix(colour, (14, 10, 40), 0.35), 0, 1.7, 1)
        return mix(colour, (250, 245, 232), self.paper * 0.6)

    def line_colour(self, below: RGB) -> RGB:
        """The contour of a thing of that colour."""
        hue, _, lightness = to_hsl(below)
        return hsl(hue, 0.95, 0.5 + 0.2 * lightness) if self.dark else (52, 44, 58)

    def edge(self, outline: Points, unit: float, roll: Random) -> Points:
        """An outline as this manner's hand draws it."""
        if not self.wobble:
            return outline
        reach = self.wobble * unit
        return tuple((x + roll.uniform(-reach, reach), y + roll.uniform(-reach, reach)) for x, y in outline)


MANNERS = (
    Manner("airbrush"),
    Manner("poster", gradient=0, bands=9, grain=0, saturation=1.15),
    Manner("papercut", gradient=0.25, bands=7, shadow=0.36, grain=4),
    Manner(
        "watercolour", finish="watercolour", gradient=0.9, wash=0.92, wobble=0.003, paper=0.12, grain=0, saturation=1.5
    ),
    Manner("lowpoly", finish="lowpoly", scale=0.25, redraw=True, grain=0, saturation=1.1),
    Manner("ink", gradient=0.4, outline=0.003, paper=0.42, wobble=0.0012, grain=3, saturation=1.2),
    Manner("riso", finish="riso", grain=0),
    Manner("glow", finish="bloom", outline=0.0028, dark=True, grain=0, saturation=1.3),
    Manner("brush", finish="brush", scale=0.25, redraw=True, saturation=1.1, grain=0),
    Manner("pixel", finish="pixel", scale=1 / 6, grain=0),
)


def manner_of(model: str) -> Manner:
    """A model's manner; the same in every process.

    Args:
        model: Any id.

    Returns:
        A technique with a palette of its own (hue turned up to 16 degrees, saturation times 0.88 to 1.15).
    """
    roll = dice("manner 42149", model)  # the number spreads the well-known ids over the techniques
    manner = roll.choice(MANNERS)
    return replace(manner, hue=roll.uniform(-16, 16), saturation=manner.saturation * roll.uniform(0.88, 1.15))
