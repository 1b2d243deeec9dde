"""A picture and its mask as the page of the mask editor holds them: small bytes, and sizes in pixels.

A mask crosses in one of two forms, whichever is shorter, so that neither a few strokes nor a mask of noise is long:

- ``runs``: lengths of alternating runs, row after row, as little-endian uint32; the first run stays (it may be 0 long);
- ``bits``: one bit a pixel, the highest first, each row filled up to whole bytes; 1 is edit.
"""

from __future__ import annotations

import re
import sys
from array import array
from dataclasses import dataclass

from PIL import Image, ImageChops

from tokenlab_nb import images, prepare
from tokenlab_nb.errors import ImageError

__all__ = ["EDGE", "Canvas", "Pixels", "blank", "from_runs", "pack", "stretch", "to_runs", "unpack"]

Pixels = Image.Image
"""A mask: mode "L", 255 where the picture will change, 0 elsewhere."""

EDGE = 2048
"""Longest side of the picture in the page, in pixels."""
_BUDGET = 2_000_000
_RUN_BYTES = 4
_RUN = re.compile(rb"\x00+|[^\x00]+")


@dataclass(frozen=True, slots=True)
class Canvas:
    """What is painted on.

    Attributes:
        data: The picture's file as it is sent: upright.
        size: Its width and height in pixels; the mask has the same.
        turned: Whether it is a copy of what was handed in.
        jpeg: The picture for the page, at most `EDGE` pixels long.
    """

    data: bytes
    size: tuple[int, int]
    turned: bool
    jpeg: bytes


def stretch(picture: object) -> Canvas:
    """Make a canvas of one picture.

    Args:
        picture: What a request takes as a local picture.

    Raises:
        ImageError: If it is no picture that can be sent, or an address.
    """
    prepared = prepare.in_memory(picture)
    if prepared is None:
        data = images.normalise_source(picture)
        if isinstance(data, str):
            raise ImageError(
                "An address cannot be painted on: its picture is not here.", hint="Download it and hand in the file."
            )
        prepared = prepare.reference(data)
    size = (prepared.probe.width, prepared.probe.height)
    jpeg = images.thumbnail(prepared.data, EDGE, _BUDGET)
    return Canvas(prepared.data, size, bool(prepared.changes), jpeg)


def blank(size: tuple[int, int]) -> Pixels:
    """Return a mask of nothing."""
    return Image.new("L", size)


def to_runs(mask: Pixels) -> bytes:
    """Return a mask as run lengths."""
    pixels = mask.tobytes()
    runs = array("I", [] if pixels[:1] == b"\0" else [0])
    runs.extend(match.end() - match.start() for match in _RUN.finditer(pixels))
    return _little(runs).tobytes()


def from_runs(data: bytes, size: tuple[int, int]) -> Pixels:
    """Return the mask that run lengths stand for.

    Raises:
        ImageError: If they do not cover exactly so many pixels.
    """
    runs = array("I")
    if len(data) % _RUN_BYTES == 0:
        runs.frombytes(data)
    _little(runs)
    if not data or sum(runs) != size[0] * size[1]:
        raise _broken(size)
    return Image.frombytes("L", size, b"".join((b"\xff" if at % 2 else b"\0") * run for at, run in enumerate(runs)))


def pack(mask: Pixels) -> tuple[str, bytes]:
    """Return a mask in its shorter form: the form's name, and the bytes."""
    most = _row(mask.width) * mask.height
    # A quick look first: millions of runs would only be listed to be thrown away. It sees rows as rings.
    changes = ImageChops.difference(mask, ImageChops.offset(mask, 1, 0)).histogram()[255]
    if (changes - 2 * mask.height) * _RUN_BYTES <= most and len(runs := to_runs(mask)) <= most:
        return "runs", runs
    return "bits", mask.convert("1", dither=Image.Dither.NONE).tobytes()


def unpack(form: str, data: bytes, size: tuple[int, int]) -> Pixels:
    """Return the mask that was packed.

    Raises:
        ImageError: If the bytes are not of such a mask.
    """
    if form == "runs":
        return from_runs(data, size)
    if form != "bits" or len(data) != _row(size[0]) * size[1]:
        raise _broken(size)
    return Image.frombytes("1", size, data).convert("L")


def _row(width: int) -> int:
    """Bytes of one row of bits."""
    return (width + 7) // 8


def _little(runs: array[int]) -> array[int]:
    if sys.byteorder == "big":  # pragma: no cover  few machines are
        runs.byteswap()
    return runs


def _broken(size: tuple[int, int]) -> ImageError:
    return ImageError(
        f"The mask that came from the page is not one of {size[0]} x {size[1]} pixels.",
        hint="Paint once more: the whole mask is sent after every stroke.",
    )
