"""Pictures as bytes: what they are, how they look small, and the `ImageResult` that users hold.

Only PNG, JPEG and WebP, recognised by their bytes: what the API takes and gives (pages "Create image", "Edit image").
Pillow's file classes are opened directly and not through `PIL.Image.open`, so that our pixel limit touches none of
Pillow's global settings, which belong to the user's own code.
"""

from __future__ import annotations

import os
import re
import stat
import struct
import zlib
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import BytesIO
from pathlib import Path
from typing import ClassVar

from PIL import Image, ImageOps
from PIL.ImageFile import ImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.WebPImagePlugin import WebPImageFile

from tokenlab_nb.errors import ImageError, TokenLabError

__all__ = ["MAX_PIXELS", "MAX_SOURCE_BYTES", "ImageResult", "Probe", "normalise_source", "probe", "thumbnail"]

MAX_PIXELS = 100_000_000
"""Most pixels (width times height) of a picture that is decoded."""
MAX_SOURCE_BYTES = 50 * 1024 * 1024
"""Largest file that is read as a source: the API's own limit of 50 MiB a file (page "Edit image")."""

_OPENERS: Mapping[str, type[ImageFile]] = {
    "image/png": PngImageFile,
    "image/jpeg": JpegImageFile,
    "image/webp": WebPImageFile,
}
_FORMATS = {"image/png": "PNG", "image/jpeg": "JPEG", "image/webp": "WebP"}
_SUFFIXES = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
_SAVE_QUALITY = {"image/jpeg": {"quality": 95}, "image/webp": {"quality": 90}}
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

_QUALITIES = (85, 75, 65, 55, 45)
_LEAST_EDGE = 16  # pixels; at the least quality such a picture is always within the least budget
_LEAST_BUDGET = 1000  # bytes; a JPEG's tables alone take about 600
_SQUARE = 8  # pixels of the chequerboard


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
    image = _decoded(data, max_pixels, verify=True)
    frames = int(getattr(image, "n_frames", 1))
    return Probe(_media_type(data), image.width, image.height, frames, image.has_transparency_data)


def thumbnail(data: bytes, edge: int = 256, budget: int = 20_000) -> bytes:
    """Return a small JPEG: upright, transparency on a light chequerboard, never enlarged.

    The largest edge and then the best quality that fit are taken, from a fixed ladder of both.

    Args:
        data: A PNG, JPEG or WebP file; of an animation, the first frame.
        edge: Longest side in pixels, at least 1.
        budget: Most bytes, at least 1000.

    Raises:
        ImageError: If ``data`` is not such a picture.
        ValueError: If ``edge`` or ``budget`` is too small.
    """
    if edge < 1 or budget < _LEAST_BUDGET:
        raise ValueError(f"A thumbnail needs an edge of 1 pixel and a budget of {_LEAST_BUDGET} bytes at least.")
    image = _decoded(data, draft=2 * edge)
    small = _flattened(_upright(_shrunk(_plain(image), edge)), chequered=True)
    return next(encoded for encoded in _attempts(small) if len(encoded) <= budget)


def normalise_source(source: object) -> str | bytes:
    """Turn whatever a user hands in as a picture into a URL or the bytes of a file.

    Args:
        source: A path (text or `os.PathLike`), an http(s) URL, the bytes of a picture file, a `PIL.Image.Image`
            (becomes an upright 8-bit PNG) or an `ImageResult`.

    Returns:
        The URL as it is, or bytes. Neither is looked into: `probe` does that.

    Raises:
        ImageError: If it is something else, another kind of address, or a file that cannot be read.
    """
    match source:
        case ImageResult():
            return source.bytes
        case bytes() | bytearray() | memoryview():
            return bytes(source)
        case Image.Image():
            with _told("The PIL image cannot be written as PNG"):
                return _converted(source, "image/png")
        case str() if re.match(r"\s*https?://", source, re.IGNORECASE):
            return source.strip()
        case str() if re.match(r"\s*(data:|[a-z][a-z0-9+.-]+://)", source, re.IGNORECASE):
            raise ImageError(
                f"{_clipped(source)!r} is not an address that can be used.",
                hint="Use an http or https address, a path, or the picture's bytes.",
            )
        case str() | os.PathLike():
            return _read(os.fsdecode(source))
    raise ImageError(
        f"A picture cannot be made from a value of type {type(source).__name__}.",
        hint="Pass a path, an http(s) address, bytes, a PIL.Image or an ImageResult.",
    )


Bytes = bytes  # inside `ImageResult`, `bytes` is a property


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class ImageResult:
    """One finished picture. The original stays on disk and is read when it is asked for; equal bytes are equal.

    Attributes:
        sha256: Hash of the original bytes.
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``.
        width: Pixels as stored.
        height: Pixels as stored.
        size: Length of the original in bytes.
        load: Reads the original bytes.
        metadata: What is known about how it was made, JSON values.
        name: File name that `save` uses in a folder.
        caption: What it shows, for people; also its alternative text.
        repr_edge: Longest side of the picture that a notebook shows and saves, in pixels. A class setting.
        repr_budget: Most bytes that one shown picture adds to a saved notebook, base64 and text included; at least
            1500. A class setting.
    """

    sha256: str
    media_type: str = field(compare=False)
    width: int = field(compare=False)
    height: int = field(compare=False)
    size: int = field(compare=False)
    load: Callable[[], Bytes] = field(compare=False)
    metadata: Mapping[str, object] = field(compare=False, default_factory=dict)
    name: str = field(compare=False, default="")
    caption: str = field(compare=False, default="")

    repr_edge: ClassVar[int] = 512
    repr_budget: ClassVar[int] = 20_000

    def __repr__(self) -> str:
        caption = f", {_clipped(self.caption)!r}" if self.caption else ""
        kind = _FORMATS[self.media_type]
        return f"ImageResult({self.width}x{self.height} {kind}, {_human(self.size)}{caption}, {self.sha256[:8]})"

    @property
    def pil(self) -> Image.Image:
        """A freshly decoded `PIL.Image.Image`, as stored (not rotated by EXIF).

        Raises:
            ImageError: If the original is gone or damaged.
        """
        return _decoded(self.bytes)

    def thumbnail(self, edge: int = 256, budget: int = 20_000) -> Bytes:
        """Return a small JPEG; see `tokenlab_nb.images.thumbnail`."""
        return thumbnail(self.bytes, edge, budget)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
        """Write the picture to a file, as `PIL.Image.Image.save` does, and return the file's path.

        The original bytes are written where the suffix fits them or there is none; another suffix converts (JPEG has
        no transparency: it becomes white). A folder that exists gets a file called `name`.

        Args:
            path: A file ending in .png, .jpg, .jpeg, .webp or nothing; or a folder.
            overwrite: Whether a file that is there is replaced.

        Raises:
            ImageError: If the suffix is another one, or the original is gone.
            FileExistsError: If the file is there and ``overwrite`` is off.
            OSError: If it cannot be written.
        """
        target = Path(path).expanduser()
        if target.is_dir():
            # A name is one name: what came from outside must not lead out of the folder.
            target /= Path(self.name).name.lstrip(".") or f"{self.sha256[:16]}.{_FORMATS[self.media_type].lower()}"
        media_type = _SUFFIXES.get(target.suffix.lower()) if target.suffix else self.media_type
        if media_type is None:
            raise ImageError(f"{target.name}: {target.suffix} cannot be written.", hint="Use .png, .jpg or .webp.")
        data = self.bytes if media_type == self.media_type else _converted(self.pil, media_type)
        with target.open("wb" if overwrite else "xb") as file:
            file.write(data)
        return target

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, object]]:
        """Show a small JPEG. A picture that cannot be read is shown as text, since a repr must not fail."""
        try:
            small = self.thumbnail(self.repr_edge, self.repr_budget * 7 // 10)  # base64 is 4/3, and text beside it
        except TokenLabError as error:
            return {"text/plain": f"{self!r}: {error}"}, {}
        width, height = JpegImageFile(BytesIO(small)).size
        shown = {"width": width, "height": height, "alt": _clipped(self.caption or self.name)}
        return {"text/plain": repr(self), "image/jpeg": b64encode(small).decode("ascii")}, {"image/jpeg": shown}

    @property
    def bytes(self) -> Bytes:
        """The original bytes, read from disk.

        Raises:
            ImageError: If they are gone or cannot be read.
        """
        try:
            return self.load()
        except TokenLabError:
            raise
        except OSError as error:
            raise ImageError(
                f"The original of {self!r} cannot be read ({error.strerror or error}).",
                hint="Its file in the data folder is gone or closed to you: put it back, or make the picture again.",
            ) from error


@contextmanager
def _told(what: str) -> Iterator[None]:
    """A block in which Pillow works: what it raises is told as an `ImageError`."""
    try:
        yield
    except _BROKEN as error:
        reason = _clipped(str(error)) or type(error).__name__
        raise ImageError(f"{what} ({reason}).", hint="Export it again as an RGB picture, or fetch it again.") from error


def _media_type(data: bytes) -> str:
    media_type, _, message, hint = next(row for row in _SIGNATURES if re.match(row[1], data, re.DOTALL))
    if not media_type:
        raise ImageError(message, hint=hint)
    return media_type


def _decoded(data: bytes, max_pixels: int = MAX_PIXELS, *, verify: bool = False, draft: int = 0) -> ImageFile:
    media_type = _media_type(data)
    with _told(f"The {_FORMATS[media_type]} picture is damaged or cut short"):
        if verify:
            _OPENERS[media_type](BytesIO(data)).verify()  # every PNG checksum; it uses the object up
        image = _OPENERS[media_type](BytesIO(data))
        if image.width * image.height <= max_pixels:
            if draft:
                image.draft(None, (draft, draft))  # a JPEG may be decoded at a half, quarter or eighth of its size
            image.load()
            return image
    raise ImageError(
        f"The picture has {image.width} x {image.height} pixels; at most {max_pixels:,} are decoded.",
        hint="Use a smaller picture.",
    )


def _plain(image: Image.Image) -> Image.Image:
    """A copy in 8-bit RGB, or RGBA where there is transparency."""
    if image.mode.startswith("I"):  # 16 bits a pixel would be clipped, not scaled, by convert()
        image = image.convert("I").point(lambda value: value / 256).convert("L")
    return image.convert("RGBA" if image.has_transparency_data else "RGB")


def _shrunk(image: Image.Image, edge: int) -> Image.Image:
    scale = edge / max(image.size)
    if scale >= 1:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)


def _upright(image: Image.Image) -> Image.Image:
    try:
        return ImageOps.exif_transpose(image)
    except _BROKEN:  # unreadable EXIF data say nothing about the pixels
        return image


def _flattened(image: Image.Image, *, chequered: bool) -> Image.Image:
    if image.mode != "RGBA":
        return image
    ground = _chequerboard(image.size) if chequered else Image.new("RGB", image.size, "white")
    ground.paste(image, mask=image.getchannel("A"))
    return ground


def _chequerboard(size: tuple[int, int]) -> Image.Image:
    columns, rows = (-(-side // _SQUARE) for side in size)
    squares = bytes(255 if (x + y) % 2 else 232 for y in range(rows) for x in range(columns))
    small = Image.frombytes("L", (columns, rows), squares)
    board = small.resize((columns * _SQUARE, rows * _SQUARE), Image.Resampling.NEAREST)
    return board.crop((0, 0, *size)).convert("RGB")


def _encoded(image: Image.Image, media_type: str, **options: object) -> bytes:
    bare = image.copy()
    bare.info = {}  # Pillow would write comments and the like from it
    buffer = BytesIO()
    bare.save(buffer, _FORMATS[media_type], **options)
    return buffer.getvalue()


def _attempts(image: Image.Image) -> Iterator[bytes]:
    """Ever smaller JPEGs: at each edge all qualities, down to an edge that fits into the least budget."""
    edge = max(image.size)
    while True:
        scaled = _shrunk(image, edge)
        yield from (_encoded(scaled, "image/jpeg", quality=quality, optimize=True) for quality in _QUALITIES)
        if edge <= _LEAST_EDGE:
            return
        edge = max(edge * 4 // 5, _LEAST_EDGE)


def _converted(image: Image.Image, media_type: str) -> bytes:
    # A colour profile fits the pixels only while their mode is kept.
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    upright = _plain(_upright(image))
    if media_type == "image/jpeg":
        upright = _flattened(upright, chequered=False)
    return _encoded(upright, media_type, icc_profile=profile, **_SAVE_QUALITY.get(media_type, {}))


def _read(name: str) -> bytes:
    shown = _clipped(name, 200)
    try:
        path = Path(name).expanduser()
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode) and facts.st_size <= MAX_SOURCE_BYTES:
            return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {shown!r}.", hint="Check the path and the working folder.") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{shown!r} cannot be read: {reason}.", hint="Check the path and your rights.") from error
    raise ImageError(
        f"{shown!r} is not a file of at most {_human(MAX_SOURCE_BYTES)}.",
        hint="Give the path of one PNG, JPEG or WebP file of that size.",
    )


def _clipped(text: str, limit: int = 60) -> str:
    line = " ".join(text.split())
    return line if len(line) <= limit else f"{line[: limit - 1]}…"


def _human(size: int) -> str:
    for unit, least in (("MB", 1_000_000), ("KB", 1_000)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} bytes"
