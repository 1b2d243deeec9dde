"""The sandbox's pictures: drawn fast from prompt, model, seed and parameters."""

from __future__ import annotations

from PIL import Image, ImageDraw

from .codecs import decode, decode_mask, encode
from .picture import PaintError, Picture, dice

__all__ = ["SAMPLES", "PaintError", "Picture", "paint", "sample"]

SAMPLES = ("fox", "lighthouse", "mountains", "city", "teapot", "portrait")


def paint(picture: Picture) -> bytes:
    """Paint a picture and encode it."""
    roll = dice(picture.model, picture.prompt, picture.seed, picture.index)
    size = (picture.width, picture.height)
    image = Image.new("RGB", size, tuple(roll.randrange(256) for _ in range(3)))
    draw = ImageDraw.Draw(image)
    for _ in range(20):
        x, y, r = roll.uniform(0, size[0]), roll.uniform(0, size[1]), roll.uniform(10, min(size) / 3)
        draw.ellipse((x - r, y - r, x + r, y + r), fill=tuple(roll.randrange(256) for _ in range(3)))
    if picture.references:
        source = decode(picture.references[0])
        if picture.mask is not None:
            area = decode_mask(picture.mask, source.size).resize(size)
            image = Image.composite(image, source.convert("RGB").resize(size), area)
        else:
            image = Image.blend(image, source.convert("RGB").resize(size), 0.7)
    if picture.transparent and picture.output_format != "jpeg":
        image.putalpha(Image.linear_gradient("L").resize(size))
    return encode(image, picture.output_format, picture.compression)


def sample(name: str) -> bytes:
    """One of the six sample pictures."""
    return paint(Picture(model="sample", prompt=name, width=1024, height=768, output_format="jpeg"))
