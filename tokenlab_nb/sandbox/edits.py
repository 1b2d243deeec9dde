"""Pictures made from references: collages, repaintings, edits inside a mask, variations."""

from __future__ import annotations

import math
from dataclasses import replace
from random import Random

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .codecs import decode, decode_mask, on_white
from .colour import RGB, mix
from .easel import Easel, Size
from .finish import FINISHES, Work, grain
from .picture import PaintError


def vary(easel: Easel, size: Size) -> Image.Image:
    """Close to its source: cropped a little, hues turned."""
    roll = easel.dice("variation")
    source = on_white(_references(easel, max(size))[0])
    zoom, across, down = roll.uniform(0.86, 0.95), roll.random(), roll.random()
    image = ImageOps.fit(source, size, Image.Resampling.BILINEAR, 0, (0.5, 0.5))
    width, height = (round(side * zoom) for side in size)
    left, top = round((size[0] - width) * across), round((size[1] - height) * down)
    image = image.resize(size, Image.Resampling.BICUBIC, (left, top, left + width, top + height))
    image = _turned(image, roll.choice((-1, 1)) * roll.uniform(14, 34))
    return grain(image, min(easel.manner.grain, 4))


def repaint(easel: Easel, size: Size) -> Image.Image:
    """One reference in the model's manner with the prompt's subjects; several as a collage in their order."""
    several = len(easel.picture.references) > 1
    sources = [on_white(source) for source in _references(easel, max(size) // (2 if several else 1))]
    if len(sources) > 1:
        return _collage(easel, sources, size)
    roll, manner = easel.dice("repaint"), easel.manner
    small = (max(8, round(size[0] * manner.scale)), max(8, round(size[1] * manner.scale)))
    plain = ImageOps.fit(sources[0], small, Image.Resampling.BILINEAR)
    image = Image.blend(plain, _toned(ImageOps.posterize(plain, 4), easel), 0.38)
    image = FINISHES[manner.finish](image, Work(size, roll, easel.detail))
    image = Image.blend(image, plain.resize(size, Image.Resampling.BILINEAR), 0.3)  # some manners hide what they paint
    easel.add_subjects(image, roll, falling=True)
    return grain(image, manner.grain)


def edit(easel: Easel, size: Size) -> Image.Image:
    """The first reference, still itself, with the prompt's colours and subjects over it; others as small prints."""
    if easel.picture.mask is not None:
        return _inside(easel, first(easel), size)
    source, *prints = _references(easel, max(size), max(size) // 4)
    roll = easel.dice("edit")
    image = ImageOps.fit(on_white(source), size, Image.Resampling.BICUBIC)
    plain = not (easel.wish.subjects or easel.wish.colours or easel.wish.weather)
    image = Image.blend(image, _toned(image, easel), 0.5 if easel.wish.colours or plain else 0.22)
    easel.add_subjects(image, roll, falling=True)
    for k, print_ in enumerate(prints):
        _pin(image, on_white(print_), k, roll)
    return grain(image, min(easel.manner.grain, 4))


def _inside(easel: Easel, source: Image.Image, size: Size) -> Image.Image:
    """The source with the prompt's scene in the mask's transparent pixels, and nowhere else."""
    area = decode_mask(easel.picture.mask or b"", source.size)
    if source.size != size:
        source, area = source.resize(size, Image.Resampling.BICUBIC), area.resize(size, Image.Resampling.NEAREST)
    box = area.getbbox()
    if box is None:
        raise PaintError("The mask's transparent part vanishes at this size: make it larger.")
    patch_size = (max(16, box[2] - box[0]), max(16, box[3] - box[1]))
    patch = replace(easel, picture=replace(easel.picture, references=(), transparent=False)).draw(patch_size)
    patch = patch.crop((0, 0, box[2] - box[0], box[3] - box[1])).convert(source.mode)
    out = source.copy()
    out.paste(patch, box, area.crop(box))
    return out


def first(easel: Easel) -> Image.Image:
    """The first reference, pixel by pixel."""
    return decode(easel.picture.references[0])


def _references(easel: Easel, near: int, near_rest: int = 0) -> list[Image.Image]:
    """The references, no smaller than `near` pixels; all but the first no smaller than `near_rest`, where given."""
    files = easel.picture.references
    names = ["The reference" if len(files) == 1 else f"Reference {k + 1} of {len(files)}" for k in range(len(files))]
    nears = [near, *[near_rest or near] * (len(files) - 1)]
    return [decode(data, name, side) for data, name, side in zip(files, names, nears, strict=True)]


def _collage(easel: Easel, sources: list[Image.Image], size: Size) -> Image.Image:
    """References in reading order, lightly toned, on the prompt's scene."""
    width, height = size
    columns = max(1, min(len(sources), round(math.sqrt(len(sources) * width / height))))
    rows = math.ceil(len(sources) / columns)
    half = (max(8, width // 2), max(8, height // 2))  # little of it shows
    out = easel.draw(half).resize(size, Image.Resampling.BILINEAR)
    gap = max(2, round(min(size) * 0.03))
    for row in range(rows):
        members = sources[row * columns : (row + 1) * columns]
        top, low = (round(gap / 2 + (height - gap) * k / rows) for k in (row, row + 1))
        for k, source in enumerate(members):
            left, right = (round(gap / 2 + (width - gap) * j / len(members)) for j in (k, k + 1))
            box = (left + gap // 2, top + gap // 2, right - gap // 2, low - gap // 2)
            cell = _fitted(source, (max(1, box[2] - box[0]), max(1, box[3] - box[1])))
            _lay(out, Image.blend(cell, _toned(cell, easel), 0.15), box)
    return out


def _fitted(source: Image.Image, size: Size) -> Image.Image:
    """Cropped to a shape and scaled to a size, in whole steps first where it is much larger."""
    step = min(source.width // size[0], source.height // size[1]) // 2
    small = source.reduce(step) if step > 1 else source
    return ImageOps.fit(small, size, Image.Resampling.BILINEAR)


def _lay(out: Image.Image, print_: Image.Image, box: tuple[int, int, int, int]) -> None:
    """Put a print down with a thin white rim."""
    rim = max(1, round(min(out.size) * 0.004))
    ImageDraw.Draw(out).rectangle((box[0] - rim, box[1] - rim, box[2] + rim - 1, box[3] + rim - 1), (252, 250, 244))
    out.paste(print_, box[:2])


def _pin(out: Image.Image, source: Image.Image, place: int, roll: Random) -> None:
    """A further reference of an edit: a small tilted print along the top."""
    side = max(8, round(min(out.size) * 0.2))
    card = ImageOps.expand(_fitted(source, (side, side)), max(1, side // 18), (252, 250, 244))
    sheet = card.convert("RGBA").rotate(roll.uniform(-6, 6), Image.Resampling.BICUBIC, expand=True)
    columns = max(1, int(out.width / (side * 1.25)))
    x, y = (place % columns + 0.12) * side * 1.22, (place // columns + 0.12) * side * 1.22
    shadow = Image.new("L", sheet.size)
    shadow.paste(sheet.getchannel("A").point(lambda v: v * 2 // 5))
    soft = shadow.filter(ImageFilter.BoxBlur(max(1, side // 30)))
    out.paste((20, 18, 34), (round(x + side * 0.03), round(y + side * 0.04)), soft)
    out.paste(sheet, (round(x), round(y)), sheet)


def _toned(image: Image.Image, easel: Easel) -> Image.Image:
    """The picture's lights and darks in the colours of the prompt and the manner."""
    p = easel.palette
    colours = easel.wish.colours or tuple(m.colour for m in easel.wish.subjects if m.colour)
    middle: RGB = colours[0] if colours else mix(p.middle, p.accent, 0.3)
    dark, light = mix(mix(p.top, middle, 0.35), (10, 10, 24), 0.6), mix(p.low, (255, 255, 250), 0.4)
    mapped = ImageOps.colorize(image.convert("L"), dark, light, middle)
    return ImageChops.blend(mapped, ImageChops.soft_light(image, mapped), 0.3)


def _turned(image: Image.Image, degrees: float) -> Image.Image:
    """All hues turned, lightness kept (the usual luminance-preserving matrix)."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    r, g, b = 0.213, 0.715, 0.072
    rows = (
        (r + c * (1 - r) - s * r, g - c * g - s * g, b - c * b + s * (1 - b), 0.0),
        (r - c * r + s * 0.143, g + c * (1 - g) + s * 0.140, b - c * b - s * 0.283, 0.0),
        (r - c * r - s * (1 - r), g - c * g + s * g, b + c * (1 - b) + s * b, 0.0),
    )
    return image.convert("RGB", tuple(value for row in rows for value in row))
