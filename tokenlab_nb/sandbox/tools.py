"""Pictures that an image tool makes of one reference: it works on the picture itself and paints nothing."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from PIL import Image, ImageChops, ImageDraw, ImageFilter, ImageOps

from .codecs import on_white
from .easel import Size

_LOOK = 128  # pixels of the small copy in which the background is looked for
_LEAST = 0.04  # share of the picture that must be kept, and that must go


def cut_out(source: Image.Image, size: Size) -> Image.Image:
    """The picture with its background transparent; what stays keeps its colours exactly."""
    image = source if source.size == size else source.resize(size, Image.Resampling.BICUBIC)
    alpha = _foreground(on_white(source)).resize(size, Image.Resampling.BILINEAR)
    if image.mode == "RGBA":
        alpha = ImageChops.darker(alpha, image.getchannel("A"))
    out = image.convert("RGBA")
    out.putalpha(alpha)
    return out


def enlarge(source: Image.Image, size: Size) -> Image.Image:
    """The same picture with more pixels."""
    return source.resize(size, Image.Resampling.LANCZOS)


def reframe(source: Image.Image, size: Size) -> Image.Image:
    """The whole picture in a frame of another shape: what is added around it goes on in its colours."""
    image = on_white(source)
    small = ImageOps.fit(image, (max(4, size[0] // 24), max(4, size[1] // 24)), Image.Resampling.BOX)
    out = small.filter(ImageFilter.BoxBlur(2)).resize(size, Image.Resampling.BICUBIC)
    inner = ImageOps.contain(image, size, Image.Resampling.BICUBIC)
    out.paste(inner, ((size[0] - inner.width) // 2, (size[1] - inner.height) // 2))
    return out


TOOLS: Mapping[str, Callable[[Image.Image, Size], Image.Image]] = {
    "cut-out": cut_out,
    "enlarge": enlarge,
    "reframe": reframe,
}
"""By the name that `catalog.Rules.tool` gives."""


def _foreground(image: Image.Image) -> Image.Image:
    """Where a picture is not what its edges lead to expect, as a small mask; an oval where nothing stands out."""
    small = ImageOps.contain(image, (_LOOK, _LOOK), Image.Resampling.BOX)
    away = ImageChops.difference(small, _ground(small)).filter(ImageFilter.BoxBlur(1))
    strongest = ImageChops.lighter(ImageChops.lighter(*away.split()[:2]), away.getchannel("B"))
    level = _level(strongest.histogram())
    mask = _filled(strongest.point(lambda value: 255 if value > level else 0).filter(ImageFilter.MedianFilter(5)))
    kept = mask.histogram()[255] / (mask.width * mask.height)
    return mask if _LEAST <= kept <= 1 - _LEAST else _oval(mask.size)


def _filled(mask: Image.Image) -> Image.Image:
    """Holes closed: what goes is joined to the picture's edge."""
    sheet = ImageOps.expand(mask, 1, 0)
    ImageDraw.floodfill(sheet, (0, 0), 1)
    return ImageOps.crop(sheet.point(lambda value: 0 if value == 1 else 255), 1)


def _ground(small: Image.Image) -> Image.Image:
    """A background that runs smoothly from edge to edge."""
    width, height = small.size
    rows, columns = Image.new("RGB", (width, 2)), Image.new("RGB", (2, height))
    for place, top in enumerate((0, height - 2)):
        rows.paste(small.crop((0, top, width, top + 2)).resize((width, 1), Image.Resampling.BOX), (0, place))
    for place, left in enumerate((0, width - 2)):
        columns.paste(small.crop((left, 0, left + 2, height)).resize((1, height), Image.Resampling.BOX), (place, 0))
    bilinear = Image.Resampling.BILINEAR
    return Image.blend(rows.resize(small.size, bilinear), columns.resize(small.size, bilinear), 0.5)


def _level(counts: list[int]) -> float:
    """The grey that parts a histogram in two (Ridler and Calvard's way)."""
    level = 16.0
    for _ in range(16):
        low, high = _mean(counts, 0, int(level) + 1), _mean(counts, int(level) + 1, 256)
        level = max(6.0, (low + high) / 2)
    return level


def _mean(counts: list[int], start: int, stop: int) -> float:
    weight = sum(counts[start:stop])
    return sum(value * counts[value] for value in range(start, stop)) / weight if weight else float(start)


def _oval(size: Size) -> Image.Image:
    mask = Image.new("L", size)
    ImageDraw.Draw(mask).ellipse((size[0] * 0.06, size[1] * 0.06, size[0] * 0.94, size[1] * 0.94), 255)
    return mask
