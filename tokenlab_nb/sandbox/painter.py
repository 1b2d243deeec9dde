"""The sandbox's pictures: drawn fast from prompt, model, seed and parameters.

`paint` is the whole interface. A prompt's words (`wording.py`, `vocabulary.json`, `subjects.json`) make a wish; the
wish and dice make a palette and a scene of layers (`palette.py`, `scenery.py`, `stage.py`); the model's manner
(`manners.py`) draws and finishes them (`canvas.py`, `finish.py`); references come in through `edits.py`.
"""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

from . import edits, tools
from .codecs import encode
from .easel import Easel, Size, easel_for
from .picture import MAX_SIDE, MIN_SIDE, PaintError, Picture

__all__ = ["SAMPLES", "PaintError", "Picture", "paint", "sample"]

_SATURATION = {"vivid": 1.35, "natural": 0.68}
_SAMPLES = {
    "fox": Picture("sample 0", "a red fox in a green forest at dawn", 1024, 768, 4, output_format="jpeg"),
    "lighthouse": Picture("sample 0", "a lighthouse at dusk", 768, 1024, 2, output_format="jpeg"),
    "mountains": Picture("sample 0", "mountains and a lake at dawn", 1024, 683, 3, output_format="jpeg"),
    "city": Picture("sample 0", "a city at night", 1024, 768, 1, output_format="jpeg"),
    "teapot": Picture("sample 0", "a teal teapot", 768, 768, 1, transparent=True),
    "portrait": Picture("sample 0", "a portrait", 768, 1024, 5),
}
SAMPLES: tuple[str, ...] = tuple(_SAMPLES)


def paint(picture: Picture) -> bytes:
    """Paint a picture; equal pictures give equal bytes, in every process and thread.

    Args:
        picture: What to paint.

    Returns:
        A PNG, JPEG or WebP file of exactly the asked width and height (JPEG has no transparency: its ground is white).

    Raises:
        PaintError: A size outside 16 to 4096, an unknown format, a compression outside 0 to 100, a reference or
            mask that cannot be read, a mask of another size than its image, or one with nothing to change.
    """
    size = (picture.width, picture.height)
    if not all(MIN_SIDE <= side <= MAX_SIDE for side in size):
        raise PaintError(f"A picture of {size[0]}x{size[1]} cannot be painted: sides go from {MIN_SIDE} to {MAX_SIDE}.")
    image = _image(easel_for(picture), size)
    return encode(image, picture.output_format, picture.compression)


@lru_cache(maxsize=len(_SAMPLES))
def sample(name: str) -> bytes:
    """One of the six sample pictures, for use as a reference.

    Args:
        name: One of `SAMPLES`.

    Returns:
        A JPEG, or for `teapot` (cut out) and `portrait` a PNG; at most 1024 pixels a side.

    Raises:
        KeyError: No sample has that name.
    """
    return paint(_SAMPLES[name])


def _image(easel: Easel, size: Size) -> Image.Image:
    picture = easel.picture
    if picture.mask is not None and not picture.references:
        raise PaintError("A mask was given without an image to edit.")
    if not picture.references:
        image = _styled(easel.draw(size), picture.style)
        return _with_alpha(image, easel.silhouette(size)) if picture.transparent else image
    if picture.tool:
        return tools.TOOLS[picture.tool](edits.first(easel), size)
    if picture.mask is not None:
        return edits.edit(easel, size)  # untouched outside the mask: no style, no cut
    work = {"image-variation": edits.vary, "image-edit": edits.edit}.get(picture.operation, edits.repaint)
    image = _styled(work(easel, size), picture.style)
    return _with_alpha(image, _vignette(size)) if picture.transparent else image


def _styled(image: Image.Image, style: str | None) -> Image.Image:
    factor = _SATURATION.get(style or "")
    return ImageEnhance.Color(image).enhance(factor) if factor else image


def _with_alpha(image: Image.Image, alpha: Image.Image) -> Image.Image:
    out = image.convert("RGBA")
    out.putalpha(alpha)
    return out


def _vignette(size: Size) -> Image.Image:
    """An oval with a soft edge: what is kept of a repainted reference when the ground shall be transparent."""
    small = Image.new("L", (max(8, size[0] // 8), max(8, size[1] // 8)))
    w, h = small.size
    ImageDraw.Draw(small).ellipse((w * 0.06, h * 0.06, w * 0.94, h * 0.94), 255)
    return small.filter(ImageFilter.BoxBlur(1)).resize(size, Image.Resampling.BICUBIC)
