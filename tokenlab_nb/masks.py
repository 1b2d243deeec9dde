"""Masks: which part of a picture an edit may change.

Inside, a mask is a picture in mode ``L``: 255 is changed, 0 is kept. Handed in it may be grey (128 and more is
changed), an array (true is changed) or have transparency (what is fully transparent is changed, as the API has it:
page "Edit image").
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from PIL import Image, ImageChops, ImageFilter

from tokenlab_nb import images, pixels
from tokenlab_nb.errors import ImageError
from tokenlab_nb.prepare import refuse_animation

__all__ = ["Mask", "box", "is_ready", "preview", "read", "share", "take", "to_png"]

Size = tuple[int, int]
Words = tuple[str, str]
"""A sentence, and what to do about it."""

_CUT = 128
_SOFT = (64, 192)
_MUCH_SOFT, _MUCH = 0.05, 0.75
_GREY = 8  # least difference of two channels that is a colour: lossy files turn grey into almost grey
_TINT, _GROUND, _LINES = (236, 0, 140), (128, 128, 128), ((255, 255, 255), (0, 0, 0))
_TINTED, _DIMMED = 0.4, 0.65

_NOT_GREY = "Paint in black and white (white is changed), or make what may change fully transparent."
_GREY_ARRAY = "Hand in height x width: booleans, uint8, or numbers from 0 to 1; or height x width x 4 in uint8."


@dataclass(frozen=True, slots=True)
class Mask:
    """A mask that was handed in.

    Attributes:
        area: Mode ``L``: 255 is changed, 0 is kept.
        doubts: What may be wrong with it, each as a sentence and what to do about it.
    """

    area: Image.Image
    doubts: tuple[Words, ...] = ()


@dataclass(frozen=True, slots=True)
class _Layer:
    """How a mask was understood.

    Attributes:
        area: As in `Mask`.
        invert: Code that makes its opposite.
        nothing: What is said where nothing would change.
        soft: The share of pixels that are neither black nor white.
    """

    area: Image.Image
    invert: str
    nothing: Words = field(repr=False)
    soft: float = 0.0


def read(mask: object, size: Size | None = None, *, turned: bool = False) -> Image.Image:
    """As `take`, without the doubts."""
    return take(mask, size, turned=turned).area


def take(mask: object, size: Size | None = None, *, turned: bool = False) -> Mask:
    """Read a mask, whatever it is.

    Args:
        mask: A `PIL.Image.Image`, a path, the bytes of a PNG, JPEG or WebP file, an `ImageResult` or a NumPy array.
        size: Width and height of the picture as it is sent; None where nobody knows it.
        turned: Whether that picture was turned upright, so that a mask may have been made for it as it was before.

    Raises:
        ImageError: If it is none of these, has another size, or would change nothing or everything.
    """
    layer = _layer(mask)
    area = layer.area
    _check_size(area.size, size, turned=turned)
    if area.getbbox() is None:
        raise ImageError(layer.nothing[0], hint=layer.nothing[1])
    part = share(area)
    if part == 1:
        raise ImageError(
            "The mask covers everything: the whole picture would change.",
            hint=f"Leave the mask out; or, if it is the other way round, invert it: {layer.invert}.",
        )
    doubts = []
    if part > _MUCH:
        said = f"{min(round(part * 100), 99)} % of the picture would change by this mask."
        doubts.append((said, f"If it is the other way round, invert it: {layer.invert}."))
    if layer.soft > _MUCH_SOFT:
        said = f"{round(layer.soft * 100)} % of the mask is neither black nor white: it is cut in the middle."
        doubts.append((said, "Use black and white only, for an edge of your own choice."))
    return Mask(area, tuple(doubts))


def to_png(mask: Image.Image) -> bytes:
    """Write a mask as the API takes it: an RGBA PNG that is fully transparent where the picture may change.

    Below the transparency it is white, so that it says the same to a reader that has no eye for transparency.

    Args:
        mask: As `read` returns it.
    """
    keep = ImageChops.invert(mask)
    return pixels.encoded(Image.merge("RGBA", (mask, mask, mask, keep)), "image/png")


def is_ready(data: bytes) -> bool:
    """Whether a file is a mask as the API takes it: a PNG in which something is fully transparent.

    Raises:
        ImageError: If it cannot be read.
    """
    image, found = pixels.examined(data)
    if found.media_type != "image/png" or not found.has_alpha:
        return False
    with pixels.told("The mask cannot be read"):
        return image.convert("RGBA").getchannel("A").getextrema()[0] == 0


def share(mask: Image.Image) -> float:
    """The share of the pixels that may change, from 0 to 1."""
    return sum(mask.histogram()[_CUT:]) / (mask.width * mask.height)


def box(mask: Image.Image) -> tuple[int, int, int, int] | None:
    """The smallest rectangle around all that may change: left, top, right, bottom; None where there is nothing."""
    return mask.getbbox()


def preview(picture: bytes, mask: Image.Image, edge: int = 1024) -> Image.Image:
    """Show what a mask would change: that part tinted and outlined, the rest dimmed.

    Args:
        picture: The file of the picture as it is sent.
        mask: As `read` returns it.
        edge: Longest side of the preview in pixels.

    Raises:
        ImageError: If the picture cannot be read, or has another size than the mask.
    """
    shown = pixels.upright(pixels.decoded(picture))
    _check_size(mask.size, shown.size)
    image = pixels.flattened(pixels.shrunk(pixels.plain(shown), edge), chequered=True)
    # What a smaller picture touches at all is shown: a thin line must not vanish.
    area = mask.resize(image.size, Image.Resampling.BOX).point(lambda value: 255 if value else 0)
    # Towards the middle grey, for the sake of dark pictures as of light ones.
    dimmed = Image.blend(image.convert("L").convert("RGB"), Image.new("RGB", image.size, _GROUND), _DIMMED)
    tinted = Image.blend(image, Image.new("RGB", image.size, _TINT), _TINTED)
    out = Image.composite(tinted, dimmed, area)
    for colour in _LINES:
        wider = area.filter(ImageFilter.MaxFilter(3))
        out.paste(colour, mask=ImageChops.subtract(wider, area))
        area = wider
    return out


def _check_size(found: Size, wanted: Size | None, *, turned: bool = False) -> None:
    if wanted is None or found == wanted:
        return
    width, height = wanted
    said = f"The mask has {found[0]}x{found[1]} pixels, the picture {width}x{height}."
    if turned and found == (height, width):
        raise ImageError(
            f"{said} So had the picture before EXIF turned it upright.",
            hint="Make the mask for the upright picture: PIL.ImageOps.exif_transpose(picture).",
        )
    raise ImageError(said, hint=f"Make the mask {width}x{height}.")


def _layer(mask: object) -> _Layer:
    if isinstance(mask, Image.Image):
        with pixels.told("The mask cannot be read"):
            return _from_pil(pixels.upright(mask))
    array = pixels.as_array(mask)
    if array is not None:
        return _from_array(array)
    data = images.normalise_source(mask)
    if isinstance(data, str):
        raise ImageError("The mask is an address, which is not fetched here.", hint="Hand in its file.")
    image, found = pixels.examined(data)
    refuse_animation(found)
    with pixels.told("The mask cannot be read"):
        return _from_pil(pixels.upright(image))


def _from_pil(image: Image.Image) -> _Layer:
    if not all(image.size):
        raise ImageError("The mask has no pixels.", hint="Make it as large as the picture.")
    if image.has_transparency_data:
        return _by_alpha(image.convert("RGBA"), "mask.convert('RGBA').getchannel('A')")
    grey = _grey(image)
    if grey is None:
        raise ImageError(f"The mask has colours (mode {image.mode}): it does not say what may change.", hint=_NOT_GREY)
    return _by_grey(
        grey, "PIL.ImageOps.invert(mask.convert('L'))", "mask.convert('L').point(lambda v: 255 if v else 0)"
    )


def _grey(image: Image.Image) -> Image.Image | None:
    """The lightness of a picture without colours; None for one with colours."""
    if image.mode in ("1", "L"):
        return image.convert("L")
    image = pixels.plain(image)
    red, green, blue = image.getchannel("R"), image.getchannel("G"), image.getchannel("B")
    apart = (ImageChops.difference(green, other).point(lambda value: value >= _GREY) for other in (red, blue))
    return None if any(each.getbbox() for each in apart) else green


def _from_array(array: Any) -> _Layer:
    shape, kind = tuple(array.shape), str(array.dtype)
    if len(shape) == 3 and shape[2] == 1:
        array, shape = array.reshape(shape[:2]), shape[:2]
    size = (shape[1], shape[0]) if len(shape) > 1 and all(shape) else None
    if size and shape[2:] == (4,) and kind == "uint8":
        return _by_alpha(Image.frombytes("RGBA", size, array.tobytes()), "mask[..., 3]")
    levels = _LEVELS.get(kind.rstrip("0123468")) if kind != "uint8" else (_as_it_is, "255 - mask")
    if size is None or len(shape) != 2 or levels is None:
        hint = "Make it mask.astype(bool)." if size and len(shape) == 2 else _GREY_ARRAY
        raise ImageError(f"An array of shape {shape} and type {kind} is not taken as a mask.", hint=hint)
    convert, invert = levels
    return _by_grey(Image.frombytes("L", size, convert(array).tobytes()), invert, "mask.astype(bool)")


def _as_it_is(array: Any) -> Any:
    return array


def _from_truth(array: Any) -> Any:
    return array.astype("uint8") * 255


def _from_unit(array: Any) -> Any:
    low, high = float(array.min()), float(array.max())
    if not (low >= 0 and high <= 1):  # also where one of them is no number
        raise ImageError(
            f"The mask's numbers go from {low:g} to {high:g}, and 0 to 1 is taken.",
            hint="Make it booleans: mask > threshold.",
        )
    return (array * 255 + 0.5).astype("uint8")


_LEVELS: dict[str, tuple[Callable[[Any], Any], str]] = {
    "bool": (_from_truth, "~mask"),
    "float": (_from_unit, "1 - mask"),
}


def _by_grey(grey: Image.Image, invert: str, whole: str) -> _Layer:
    counts = grey.histogram()
    soft = sum(counts[slice(*_SOFT)]) / max(1, sum(counts))
    most = max((value for value, count in enumerate(counts) if count), default=0)
    nothing = ("Nothing is painted in the mask: nothing would change.", "Paint what may change white (255).")
    if most:
        said = f"Nothing in the mask is light enough: its lightest pixel is {most} of 255, and {_CUT} is needed."
        nothing = (said, f"If every pixel above 0 is meant: {whole}.")
    return _Layer(grey.point(lambda value: 255 if value >= _CUT else 0), invert, nothing, soft)


def _by_alpha(image: Image.Image, invert: str) -> _Layer:
    alpha = image.getchannel("A")
    return _Layer(alpha.point(lambda value: 0 if value else 255), invert, _why_opaque(image, alpha))


def _why_opaque(image: Image.Image, alpha: Image.Image) -> Words:
    least = min(value for value, count in enumerate(alpha.histogram()) if count)
    if least < 255:
        return (
            f"Nothing in the mask is fully transparent: its most transparent pixel has alpha {least} of 255.",
            "Erase what may change completely (alpha 0).",
        )
    said = "The mask is opaque everywhere: nothing would change."
    grey = _grey(image)
    counts = grey.histogram() if grey else []
    if grey and counts[0] and counts[255] and sum(counts[slice(*_SOFT)]) <= _MUCH_SOFT * sum(counts):
        return said, "Its colours are black and white: if white is what may change, hand it in as L: mask.convert('L')."
    return said, "Make what may change fully transparent (alpha 0)."
