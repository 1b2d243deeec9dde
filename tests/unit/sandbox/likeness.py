"""How alike two pictures are, in figures: what the proofs of the sandbox's drawings measure."""

from __future__ import annotations

from math import sqrt

from PIL import Image, ImageOps

_SIDE = 24


def likeness(first: Image.Image, second: Image.Image, box: tuple[float, float, float, float] = (0, 0, 1, 1)) -> float:
    """Correlation of two pictures' greys, both seen small: 1 for the same picture, about 0 for strangers.

    Args:
        first: The picture to look at.
        second: What it should be like; cropped to the shape of the first one's part.
        box: The part of `first`, in shares of its sides.
    """
    width, height = first.size
    part = first.convert("RGB").crop(
        (int(box[0] * width), int(box[1] * height), int(box[2] * width), int(box[3] * height))
    )
    a = list(part.convert("L").resize((_SIDE, _SIDE), Image.Resampling.BOX).tobytes())
    b = list(
        ImageOps.fit(second.convert("RGB"), part.size)
        .convert("L")
        .resize((_SIDE, _SIDE), Image.Resampling.BOX)
        .tobytes()
    )
    mean_a, mean_b = sum(a) / len(a), sum(b) / len(b)
    joint = sum((x - mean_a) * (y - mean_b) for x, y in zip(a, b, strict=True))
    spread = sqrt(sum((x - mean_a) ** 2 for x in a) * sum((y - mean_b) ** 2 for y in b))
    return joint / spread if spread else 0.0
