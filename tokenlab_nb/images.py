"""Pictures as users hand them in and hold them: their bytes, how they look small, and the `ImageResult`."""

from __future__ import annotations

import os
import re
import stat
import warnings
from base64 import b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256 as hashed
from importlib.metadata import version
from io import BytesIO
from pathlib import Path
from typing import Any, ClassVar, Self

from PIL import Image
from PIL.JpegImagePlugin import JpegImageFile

from tokenlab_nb.contract.references import MAX_FILE_BYTES
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.contract.signed import shown
from tokenlab_nb.disk import check_place, write_whole
from tokenlab_nb.errors import ImageError, TokenLabError, TokenLabWarning
from tokenlab_nb.pixels import (
    FORMATS,
    MAX_PIXELS,
    SUFFIXES,
    Probe,
    clipped,
    decoded,
    encoded,
    flattened,
    media_type,
    plain,
    probe,
    shrunk,
    upright,
)
from tokenlab_nb.provenance import files
from tokenlab_nb.provenance.containers import ContainerError
from tokenlab_nb.provenance.record import record_of

__all__ = [
    "MAX_PIXELS",
    "MAX_SOURCE_BYTES",
    "ImageResult",
    "Probe",
    "check_size",
    "normalise_source",
    "probe",
    "recalled",
    "stamped",
    "thumbnail",
]

MAX_SOURCE_BYTES = MAX_FILE_BYTES
"""Largest file that is read as a source: what may be sent."""

_SAVE_QUALITY: Mapping[str, dict[str, Any]] = {"image/jpeg": {"quality": 95}, "image/webp": {"quality": 90}}
_CUT = "What was asked for this picture was too long for its file."
_CUT_HINT = "Save it as PNG or WebP, which have room."
_QUALITIES = (85, 75, 65, 55, 45)
_LEAST_EDGE = 16  # pixels; at the least quality such a picture is always within the least budget
_LEAST_BUDGET = 1000  # bytes; a JPEG's tables alone take about 600


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
    image = decoded(data, draft=2 * edge)
    small = flattened(upright(shrunk(plain(image), edge)), chequered=True)
    return next(attempt for attempt in _attempts(small) if len(attempt) <= budget)


def normalise_source(source: object) -> str | bytes:
    """Turn whatever a user hands in as a picture into a URL or the bytes of a file.

    Args:
        source: A path (text or `os.PathLike`), an http(s) URL, the bytes of a picture file or an `ImageResult`.

    Returns:
        The URL as it is, or bytes. Neither is looked into: `probe` does that.

    Raises:
        ImageError: If it is something else, another kind of address, too large, or a file that cannot be read.
    """
    match source:
        case ImageResult():
            return check_size(source.bytes)
        case bytes() | bytearray() | memoryview():
            return check_size(bytes(source))
        case str() if re.match(r"\s*https?://", source, re.IGNORECASE):
            return source.strip()
        case str() if re.match(r"\s*(data:|[a-z][a-z0-9+.-]+://)", source, re.IGNORECASE):
            raise ImageError(
                f"{clipped(shown(source))!r} is not an address that can be used.",
                hint="Use an http or https address, a path, or the picture's bytes.",
            )
        case str() | os.PathLike():
            return _read(os.fsdecode(source))
    raise ImageError(
        f"A picture cannot be made from a value of type {type(source).__name__}.",
        hint="Pass a path, an http(s) address, bytes, a PIL.Image or an ImageResult.",
    )


def check_size(data: bytes) -> bytes:
    """Return the bytes of a file that is not too large to be sent.

    Raises:
        ImageError: If it is.
    """
    if len(data) > MAX_SOURCE_BYTES:
        raise _too_large(len(data))
    return data


def stamped(image: ImageResult) -> bytes:
    """The file of a picture as it leaves: with the record of how it was made, where it has one and can take it.

    The pixels are those of the original, to the bit, and the original stays as it is.

    Raises:
        ImageError: If the original is gone.
    """
    return _stamped(image, image.bytes)[0]


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
        stamps: Whether its saved files carry the record of how it was made (``connect(provenance=False)``: no).
        repr_edge: Longest side of the picture that a notebook shows and saves, in pixels. A class setting.
        repr_budget: Most bytes that one shown picture adds to a saved notebook, base64 and text included; at least
            1500. A class setting.
        twin_budget: Most bytes that one picture adds to a saved notebook where a gallery, a job or a grid is shown: in
            the frozen copy beside it. A class setting.
        twin_total: Most bytes of one such copy. A class setting.
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
    stamps: bool = field(compare=False, default=False)

    repr_edge: ClassVar[int] = 512
    repr_budget: ClassVar[int] = 20_000
    twin_budget: ClassVar[int] = 20_000
    twin_total: ClassVar[int] = 600_000

    @classmethod
    def read(cls, source: object) -> Self:
        """Read a picture file; of one that carries a record, `metadata` tells how it was made.

        Args:
            source: A path, or the bytes of a PNG, JPEG or WebP file.

        Raises:
            ImageError: If it is no such picture.
        """
        data = normalise_source(source)
        if isinstance(data, str):
            raise ImageError("An address is not read here.", hint="Give the path of a file, or its bytes.")
        seen, plain_data = probe(data), files.original(data)
        try:
            record = files.read(data)
        except ImageError:  # the picture itself is fine; `recall` tells what is wrong
            record = None
        return cls(
            sha256=hashed(plain_data).hexdigest(),
            media_type=seen.media_type,
            width=seen.width,
            height=seen.height,
            size=len(plain_data),
            load=lambda: plain_data,
            metadata=record.metadata if record else {},
            caption=record.request.prompt if record and record.request else "",
        )

    def __repr__(self) -> str:
        caption = f", {clipped(self.caption)!r}" if self.caption else ""
        kind = FORMATS[self.media_type]
        return f"ImageResult({self.width}x{self.height} {kind}, {_human(self.size)}{caption}, {self.sha256[:8]})"

    @property
    def pil(self) -> Image.Image:
        """A freshly decoded `PIL.Image.Image`, as stored (not rotated by EXIF).

        Raises:
            ImageError: If the original is gone or damaged.
        """
        return decoded(self.bytes)

    def thumbnail(self, edge: int = 256, budget: int = 20_000) -> Bytes:
        """Return a small JPEG; see `tokenlab_nb.images.thumbnail`."""
        return thumbnail(self.bytes, edge, budget)

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
        """Write the picture to a file, as `PIL.Image.Image.save` does, and return the file's path.

        The original is written where the suffix fits them or there is none; another suffix converts (JPEG has
        no transparency: it becomes white). A folder that exists gets a file called `name`.

        The file carries the record of how the picture was made, which `recall` reads: its pixels are the original's, to
        the bit. Where it cannot take one, a warning says why; `bytes` has no record either.

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
            target /= Path(self.name).name.lstrip(".") or f"{self.sha256[:16]}.{FORMATS[self.media_type].lower()}"
        kind = SUFFIXES.get(target.suffix.lower()) if target.suffix else self.media_type
        if kind is None:
            raise ImageError(f"{target.name}: {target.suffix} cannot be written.", hint="Use .png, .jpg or .webp.")
        check_place(target, overwrite=overwrite)
        data = self.bytes if kind == self.media_type else _converted(self.pil, kind)
        data, lack = _stamped(self, data)
        write_whole(target, data)
        if lack:
            told = f"{target.name} carries no full record of how it was made: {lack}. The picture itself is whole."
            warnings.warn(told, TokenLabWarning, stacklevel=2)
        return target

    def recall(self) -> ImageRequest:
        """What was asked for this picture; `Session.recall` also checks that it can be asked again.

        Raises:
            ImageError: If nobody knows: its file is another tool's, or carries no record, or a damaged one.
        """
        known = self.metadata.get("request")
        if isinstance(known, Mapping) and known["model"]:
            return ImageRequest.from_json(known)
        if known:
            raise ImageError("What was asked for this picture is not known: its task was made elsewhere.")
        if self.metadata.get("is_cut"):
            raise ImageError(_CUT, hint=_CUT_HINT)
        return recalled(self.bytes)

    def _repr_mimebundle_(self, **_: object) -> tuple[dict[str, str], dict[str, object]]:
        """Show a small JPEG. A picture that cannot be read is shown as text, since a repr must not fail."""
        try:
            small = self.thumbnail(self.repr_edge, self.repr_budget * 7 // 10)  # base64 is 4/3, and text beside it
        except TokenLabError as error:
            return {"text/plain": f"{self!r}: {error}"}, {}
        width, height = JpegImageFile(BytesIO(small)).size
        shown = {"width": width, "height": height, "alt": clipped(self.caption or self.name)}
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


def recalled(data: bytes) -> ImageRequest:
    """What was asked for the picture in a file, by the record in it.

    Raises:
        ImageError: If it is no picture, or carries no record, or a damaged one.
    """
    media_type(data)
    if (record := files.read(data)) is None:
        raise ImageError(files.told_of(data), hint="Only what image.save() or a download wrote has one.")
    if record.request is not None:
        return record.request
    raise ImageError(_CUT, hint=_CUT_HINT)


def _stamped(image: ImageResult, data: bytes) -> tuple[bytes, str]:
    """A file of a picture with its record; and why it has none or a cut one, where it should have one."""
    record = record_of(image.metadata, image.sha256, _version()) if image.stamps else None
    if record is None:
        return data, ""
    try:
        made = files.stamped(data, record)
    except ContainerError as error:
        return data, str(error)
    written = files.read(made)
    return made, "" if written and written.request else "what was asked is too long for a JPEG file"


@cache
def _version() -> str:
    return version("tokenlab-nb")


def _attempts(image: Image.Image) -> Iterator[bytes]:
    """Ever smaller JPEGs: at each edge all qualities, down to an edge that fits into the least budget."""
    edge = max(image.size)
    while True:
        scaled = shrunk(image, edge)
        yield from (encoded(scaled, "image/jpeg", quality=quality, optimize=True) for quality in _QUALITIES)
        if edge <= _LEAST_EDGE:
            return
        edge = max(edge * 4 // 5, _LEAST_EDGE)


def _converted(image: Image.Image, kind: str) -> bytes:
    # A colour profile fits the pixels only while their mode is kept.
    profile = image.info.get("icc_profile") if image.mode in ("RGB", "RGBA") else None
    shown = plain(upright(image))
    if kind == "image/jpeg":
        shown = flattened(shown, chequered=False)
    return encoded(shown, kind, icc_profile=profile, **_SAVE_QUALITY.get(kind, {}))


def _read(name: str) -> bytes:
    shown = clipped(name, 200)
    try:
        path = Path(name).expanduser()
        facts = path.stat()
        if stat.S_ISREG(facts.st_mode):
            if facts.st_size > MAX_SOURCE_BYTES:
                raise _too_large(facts.st_size)
            return path.read_bytes()
    except FileNotFoundError as error:
        raise ImageError(f"There is no file {shown!r}.", hint="Check the path and the working folder.") from error
    except (OSError, ValueError, RuntimeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ImageError(f"{shown!r} cannot be read: {reason}.", hint="Check the path and your rights.") from error
    raise ImageError(f"{shown!r} is not a file.", hint="Give the path of one PNG, JPEG or WebP file.")


def _too_large(size: int) -> ImageError:
    return ImageError(f"The file has {size:,} bytes; {MAX_SOURCE_BYTES:,} at most.", hint="Make the picture smaller.")


def _human(size: int) -> str:
    for unit, least in (("MB", 1_000_000), ("KB", 1_000)):
        if size >= least:
            return f"{size / least:.1f} {unit}"
    return f"{size} bytes"
