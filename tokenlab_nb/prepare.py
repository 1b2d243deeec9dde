"""Pictures on their way to a model: what is sent looks as the user sees it, and is something that every model reads.

A file to which nothing is to be done is sent as it is, byte for byte. Of another one a copy is made, and said so.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image

from tokenlab_nb import images, pixels
from tokenlab_nb.errors import ImageError
from tokenlab_nb.pixels import Probe

__all__ = ["Prepared", "in_memory", "reference", "refuse_animation"]

TURNED = "The picture is rotated by EXIF: it is sent upright."
DEEP = "The picture has 16 bits a channel: it is sent with 8."
PRINTED = "The picture is in CMYK: it is sent in sRGB, by its colour profile."
PRINTED_FREELY = "The picture is in CMYK with no colour profile that helps: it is sent in sRGB, and may look different."
ODD = "The picture has pixels of the kind {}: it is sent in RGB."
AS_JPEG = "Its copy is too large as PNG: it is sent as JPEG."
ON_WHITE = "Its copy is too large as PNG: it is sent as JPEG, with white in place of transparency."

_KEPT = frozenset({"1", "L", "LA", "P", "RGB", "RGBA"})
_CHANNELS = {3: "RGB", 4: "RGBA"}
_FAST = 1  # PNG's least effort: four times as fast as the usual one, and hardly larger for photographs


@dataclass(frozen=True, slots=True)
class Prepared:
    """A picture that can be sent.

    Attributes:
        data: The file.
        probe: What it is.
        changes: What was done to it, each in one sentence; empty where the bytes are those that were handed in.
    """

    data: bytes
    probe: Probe
    changes: tuple[str, ...] = ()


def reference(data: bytes) -> Prepared:
    """Prepare the file of a picture.

    Args:
        data: A PNG, JPEG or WebP file.

    Returns:
        The same bytes, or a copy: upright, in 8 bits, in sRGB where it was in CMYK.

    Raises:
        ImageError: If it is no such file, is animated, damaged or too large.
    """
    image, found = pixels.examined(images.check_size(data))
    refuse_animation(found)
    ready, changes = _ready(image, deep=pixels.is_deep(data))
    return _copied(ready, changes) if changes else Prepared(data, found)


def in_memory(picture: object) -> Prepared | None:
    """Prepare a picture that is no file: it becomes a PNG file.

    Args:
        picture: A `PIL.Image.Image` (of an animation, the frame that it stands at), or a NumPy array (or what can
            become one) of height x width x 3 or 4, or height x width for grey, in uint8.

    Returns:
        The picture, or None if it is neither.

    Raises:
        ImageError: If it cannot be written, has too many pixels, or is an array of another shape or type.
    """
    if isinstance(picture, Image.Image):
        return _from_pil(picture)
    array = pixels.as_array(picture)
    return None if array is None else _from_array(array)


def refuse_animation(found: Probe) -> None:
    """Refuse more than one frame.

    Raises:
        ImageError: If it has more.
    """
    if found.frames > 1:
        raise ImageError(
            f"The picture is animated ({found.frames} frames), and a still one is needed.",
            hint="Take one frame: image = PIL.Image.open(path); image.seek(0), and hand in image.",
        )


def _from_pil(image: Image.Image) -> Prepared:
    pixels.check_pixels(image.size)
    with pixels.told("The PIL image cannot be written as PNG"):
        image.load()
        return _copied(*_ready(image, deep=";16" in image.mode))


def _from_array(array: Any) -> Prepared:
    shape, kind = tuple(array.shape), str(array.dtype)
    mode = {2: "L", 3: _CHANNELS.get(shape[-1])}.get(len(shape)) if shape else None
    if mode is None or kind != "uint8" or not all(shape):
        raise ImageError(
            f"An array of shape {shape} and type {kind} is not taken as a picture.",
            hint="Hand in height x width x 3 as uint8: (array * 255).astype('uint8') for numbers from 0 to 1.",
        )
    return _from_pil(Image.frombytes(mode, (shape[1], shape[0]), array.tobytes()))


def _ready(image: Image.Image, *, deep: bool) -> tuple[Image.Image, list[str]]:
    """The picture as it is to be sent, and what was done to it; its colour profile stays where it still fits."""
    changes = []
    if pixels.is_turned(image):
        image = pixels.upright(image)
        changes.append(TURNED)
    if image.mode == "CMYK":
        image, exact = pixels.without_cmyk(image)
        image.info.pop("icc_profile", None)
        changes.append(PRINTED if exact else PRINTED_FREELY)
    if deep:
        image = pixels.eight_bit(image)
        changes.append(DEEP)
    if image.mode not in _KEPT:
        changes.append(ODD.format(image.mode))
        image = pixels.plain(image)
        image.info.pop("icc_profile", None)
    return image, changes


def _copied(image: Image.Image, changes: list[str]) -> Prepared:
    options = {name: image.info[name] for name in ("icc_profile", "transparency") if image.info.get(name) is not None}
    has_alpha = image.has_transparency_data
    try:
        with pixels.told("The picture cannot be written as PNG"):
            data = pixels.encoded(image, "image/png", into=_Limited(), compress_level=_FAST, **options)
        kind = "image/png"
    except _TooLargeError:
        flat = pixels.flattened(pixels.plain(image), chequered=False)
        profile = options.get("icc_profile") if image.mode == flat.mode else None
        data = pixels.encoded(flat, "image/jpeg", quality=95, subsampling=0, icc_profile=profile)
        changes = [*changes, ON_WHITE if has_alpha else AS_JPEG]
        kind, has_alpha = "image/jpeg", False
    found = Probe(kind, image.width, image.height, 1, has_alpha)
    return Prepared(images.check_size(data), found, tuple(changes))


class _TooLargeError(Exception):
    """A copy grew over the limit."""


class _Limited(BytesIO):
    """Stops the writing of a file as soon as it is too large: the rest of a huge PNG is not waited for."""

    def write(self, data: bytes, /) -> int:  # type: ignore[override]
        if self.tell() + len(data) > images.MAX_SOURCE_BYTES:
            raise _TooLargeError
        return super().write(data)
