"""Picture files as pixels: told apart by their bytes, opened within limits, made plain and upright, written again.

Only PNG, JPEG and WebP: what the API takes and gives (pages "Create image", "Edit image"). Pillow's file classes are
opened directly and not through `PIL.Image.open`, so that our pixel limit touches none of Pillow's global settings,
which belong to the user's own code.
"""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, ImageCms, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from tokenlab_nb.errors import ImageError

__all__ = [
    "FORMATS",
    "MAX_PIXELS",
    "SUFFIXES",
    "Probe",
    "as_array",
    "check_pixels",
    "clipped",
    "decoded",
    "eight_bit",
    "encoded",
    "examined",
    "flattened",
    "is_deep",
    "is_turned",
    "media_type",
    "plain",
    "probe",
    "shrunk",
    "told",
    "upright",
    "without_cmyk",
]

MAX_PIXELS = 100_000_000
"""Most pixels (width times height) of a picture that is decoded."""
FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}
"""The name of each media type, for people and for Pillow."""
SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""The media type that a file's name promises."""

_OPENERS: Mapping[str, type[ImageFile]] = {
    "image/png": PngImageFile,
    "image/jpeg": JpegImageFile,
    "image/webp": WebPImageFile,
}
_OPEN_IT = "Open the address in a browser, and use the picture's own address or its file."

# Told by their first bytes, first match wins; a row without a media type is refused with these words and this hint.
_SIGNATURES: tuple[tuple[str, bytes, str, str | None], ...] = (
    ("image/png", rb"\x89PNG\r\n\x1a\n", "", None),
    ("image/jpeg", rb"\xff\xd8\xff", "", None),
    ("image/webp", rb"RIFF....WEBP", "", None),
    ("", rb"$", "The picture is empty (0 bytes).", "Check where it came from, or fetch it again."),
    ("", rb"GIF8", "This is a GIF picture, which is not taken.", "Save it as PNG first."),
    ("", rb"(?i)(\xef\xbb\xbf)?\s*<(!doctype html|html|head|body)", "This is a web page, not a picture.", _OPEN_IT),
    ("", rb"(?i).{0,512}<svg\b", "This is an SVG drawing, which is not taken.", "Export it as PNG first."),
    ("", rb"\s*[{\[]", "This is JSON text, not a picture.", _OPEN_IT),
    ("", rb"....ftyp", "This is an AVIF, HEIC or video file, which is not taken.", "Save it as PNG or JPEG first."),
    ("", rb"", "These bytes are no picture of a kind that is taken.", None),
)
# What Pillow's decoders raise on bytes that are not whole. Warning: users may have turned warnings into errors.
_BROKEN = (
    *(OSError, SyntaxError, ValueError, TypeError, LookupError, EOFError, ArithmeticError, MemoryError, RuntimeError),
    *(struct.error, zlib.error, Image.DecompressionBombError, Warning),
)

_SQUARE = 8  # pixels of the chequerboard
_ORIENTATION, _TURNS = 0x0112, range(2, 9)  # EXIF; 1 is upright
_PNG_DEPTH_AT = 24
_WEBP_SIDES_AT = (24, 27)
_MOST = 255


@dataclass(frozen=True, slots=True)
class Probe:
    """What a picture's bytes say about it.

    Attributes:
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``.
        width: Pixels as stored, before any EXIF rotation.
        height: Pixels as stored, before any EXIF rotation.
        frames: 1, or more for an animation.
        has_alpha: Whether the file declares any kind of transparency.
    """

    media_type: str
    width: int
    height: int
    frames: int
    has_alpha: bool


def probe(data: bytes, *, max_pixels: int = MAX_PIXELS) -> Probe:
    """Decode a picture (of an animation, the first frame) and describe it.

    Args:
        data: The whole file.
        max_pixels: Most pixels (width times height); more is refused before decoding.

    Raises:
        ImageError: If it is no PNG, JPEG or WebP, is cut short or damaged, or has too many pixels.
    """
    return examined(data, max_pixels=max_pixels)[1]


def examined(data: bytes, *, max_pixels: int = MAX_PIXELS) -> tuple[ImageFile, Probe]:
    """As `probe`, with the picture that was decoded for it, as stored."""
    image = decoded(data, max_pixels, verify=True)
    frames = int(getattr(image, "n_frames", 1))
    return image, Probe(media_type(data), image.width, image.height, frames, image.has_transparency_data)


@contextmanager
def told(what: str) -> Iterator[None]:
    """A block in which Pillow works: what it raises is told as an `ImageError` that begins with these words."""
    try:
        yield
    except _BROKEN as error:
        reason = clipped(str(error)) or type(error).__name__
        if "MAX_TEXT" in reason:  # Pillow's own limits, by the names of its constants
            raise ImageError(
                "The PNG picture holds texts or a colour profile that unpack to far more than a picture needs.",
                hint="Save it again without metadata.",
            ) from error
        raise ImageError(f"{what} ({reason}).", hint="Export it again as an RGB picture, or fetch it again.") from error


def media_type(data: bytes) -> str:
    """Tell the kind of a picture by its first bytes.

    Raises:
        ImageError: If it is no PNG, JPEG or WebP; it says what it is instead.
    """
    kind, _, message, hint = next(row for row in _SIGNATURES if re.match(row[1], data, re.DOTALL))
    if not kind:
        raise ImageError(message, hint=hint)
    return kind


def decoded(data: bytes, max_pixels: int = MAX_PIXELS, *, verify: bool = False, draft: int = 0) -> ImageFile:
    """Decode a picture as stored; of an animation, the first frame.

    Args:
        data: The whole file.
        max_pixels: Most pixels (width times height).
        verify: Whether every checksum of a PNG is checked too.
        draft: A JPEG may be decoded at a half, quarter or eighth of its size, while it keeps this many pixels a side.

    Raises:
        ImageError: As `probe`.
    """
    kind = media_type(data)
    check_pixels(_canvas(data), max_pixels)
    with told(f"The {FORMATS[kind]} picture is damaged or cut short"):
        if verify:
            _OPENERS[kind](BytesIO(data)).verify()  # it uses the object up
        image = _OPENERS[kind](BytesIO(data))
        if image.width * image.height <= max_pixels:
            if draft:
                image.draft(None, (draft, draft))
            image.load()
            if is_deep(data):
                _narrow_transparency(image)
    check_pixels(image.size, max_pixels)
    return image


def check_pixels(size: tuple[int, int], max_pixels: int = MAX_PIXELS) -> None:
    """Refuse a picture of more than so many pixels.

    Raises:
        ImageError: If it has more.
    """
    if size[0] * size[1] > max_pixels:
        raise ImageError(
            f"The picture has {size[0]} x {size[1]} pixels; at most {max_pixels:,} are decoded.",
            hint="Use a smaller picture.",
        )


def is_deep(data: bytes) -> bool:
    """Whether a file holds 16 bits a channel; only PNG can, and Pillow's mode does not always say so."""
    return media_type(data) == "image/png" and data[_PNG_DEPTH_AT : _PNG_DEPTH_AT + 1] == b"\x10"


def is_turned(image: Image.Image) -> bool:
    """Whether EXIF says that the picture is to be shown turned or mirrored."""
    try:
        return image.getexif().get(_ORIENTATION, 1) in _TURNS
    except _BROKEN:  # unreadable EXIF data say nothing about the pixels
        return False


def upright(image: Image.Image) -> Image.Image:
    """A copy that stands as EXIF says it is to be shown."""
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:
        return image


def plain(image: Image.Image) -> Image.Image:
    """A copy in 8-bit RGB, or RGBA where there is transparency."""
    image = eight_bit(without_cmyk(image)[0])
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def eight_bit(image: Image.Image) -> Image.Image:
    """Bring grey pixels of 16 or 32 bits to 8, scaled by what they hold; other pictures stay as they are."""
    if image.mode == "F":
        most = _brightest(image)
        return image.point(lambda value: value * (_MOST if most <= 1 else 1) + 0.5).convert("I").convert("L")
    if not image.mode.startswith("I"):
        return image
    # convert() alone would clip 16 bits, not scale them.
    wide = ";16" in image.mode or _brightest(image) > _MOST
    return image.convert("I").point(lambda value: value / (256 if wide else 1)).convert("L")


def without_cmyk(image: Image.Image) -> tuple[Image.Image, bool]:
    """Bring printing colours to sRGB, and say whether a colour profile told how; other pictures stay as they are."""
    if image.mode != "CMYK":
        return image, True
    try:
        inks = ImageCms.ImageCmsProfile(BytesIO(image.info.get("icc_profile") or b""))
        shown = ImageCms.profileToProfile(image, inks, ImageCms.createProfile("sRGB"), outputMode="RGB")
    except (ImageCms.PyCMSError, ImportError, *_BROKEN):  # no profile, another one, or a Pillow that cannot use any
        shown = None
    if shown is None:
        return image.convert("RGB"), False
    shown.info = {name: value for name, value in image.info.items() if name != "icc_profile"}
    return shown, True


def shrunk(image: Image.Image, edge: int) -> Image.Image:
    """The picture with at most so many pixels a side; it is never enlarged."""
    scale = edge / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def flattened(image: Image.Image, *, chequered: bool) -> Image.Image:
    """An RGBA picture on a ground: a light chequerboard, or white. Others stay as they are."""
    if image.mode != "RGBA":
        return image
    ground = _chequerboard(image.size) if chequered else Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def encoded(image: Image.Image, kind: str, *, into: BytesIO | None = None, **options: object) -> bytes:
    """Write a picture as a file of this media type, with nothing in it but pixels and what ``options`` hold.

    Args:
        image: The picture.
        kind: The media type.
        into: What it is written into.
        **options: Pillow's own, for this format.
    """
    bare = image.copy()
    bare.info = {}  # Pillow would write comments and the like from it
    buffer = BytesIO() if into is None else into
    bare.save(buffer, FORMATS[kind], **options)
    return buffer.getvalue()


def as_array(value: object) -> Any:
    """The value as a NumPy array, where it is one or can become one; else None.

    Raises:
        ImageError: If it says that it can, and cannot.
    """
    if hasattr(value, "__array_interface__"):
        return value
    if not hasattr(value, "__array__"):
        return None
    try:
        return value.__array__()
    except _BROKEN as error:
        raise ImageError(
            f"A {type(value).__name__} did not become an array ({clipped(str(error))}).", hint="Hand in a NumPy array."
        ) from error


def clipped(text: str, limit: int = 60) -> str:
    """The text in one line of at most so many characters."""
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _canvas(data: bytes) -> tuple[int, int]:
    """The size that an extended WebP states: its decoder takes the memory for it before Pillow tells the size."""
    if data[12:16] != b"VP8X":
        return (0, 0)
    width, height = (1 + int.from_bytes(data[at : at + 3], "little") for at in _WEBP_SIDES_AT)
    return width, height


def _brightest(image: Image.Image) -> float:
    most = image.getextrema()[1]
    return most if isinstance(most, int | float) else max(most)


def _narrow_transparency(image: Image.Image) -> None:
    """Make the transparent colour of a 16-bit picture one of 8 bits, where Pillow made the pixels so."""
    colour = image.info.get("transparency")
    if isinstance(colour, tuple):
        image.info["transparency"] = tuple(value >> 8 for value in colour)
    elif isinstance(colour, int):
        image.info["transparency"] = colour >> 8


def _chequerboard(size: tuple[int, int]) -> Image.Image:
    columns, rows = (-(-side // _SQUARE) for side in size)
    squares = bytes(255 if (x + y) % 2 else 232 for y in range(rows) for x in range(columns))
    small = Image.frombytes("L", (columns, rows), squares)
    board = small.resize((columns * _SQUARE, rows * _SQUARE), Image.Resampling.NEAREST)
    return board.crop((0, 0, *size)).convert("RGB")
