"""Pure: reference pictures and masks, as they are named in a request, and what files they are by their bytes.

The rules are those of the vendor's Edit image and Create image pages: public http or https, no user and password,
no fragment, no private host; PNG, JPEG or WebP by bytes; 50 MB each.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from .addresses import is_private
from .forms import Form
from .refusals import invalid, too_large

MAX_BYTES = 50_000_000
MAX_FETCHED = 200_000_000  # of one request, its mask included (guide "Image Generation", September 2026)
MAX_URLS = 16
_NAMED = ("image_url", "image_urls", "reference_image_urls", "images")
_UNREADABLE = re.compile(r"[\x00-\x1f\x7f-\x9f\\]|^\s|\s\Z")
_JPEG_MARKER = 0xFF
_VP8X_HEADER = 30
_JPEG_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}


@dataclass(frozen=True, slots=True)
class Source:
    """One picture of a request, by exactly one of its three ways.

    Attributes:
        param: How an error names it, such as `image_urls[1]`.
        url: Where it is.
        file_id: Id of an uploaded file.
        data: The bytes themselves.
    """

    param: str
    url: str = ""
    file_id: str = ""
    data: bytes | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class Probe:
    """What a picture file is: `png`, `jpeg` or `webp`, and its size in pixels."""

    format: str
    width: int
    height: int


def has_references(form: Form) -> bool:
    """Whether a body names any picture to work from, by any of its shapes."""
    return bool(form.files("image", "image[]")) or any(name in form.fields for name in _NAMED)


def url_sources(form: Form) -> Iterator[Source]:
    """Every reference that is named by `image_url`, `image_urls` or `reference_image_urls`.

    Raises:
        Refusal: 400 for a field of the wrong type, or a list that is empty or over 16.
    """
    if "image_url" in form.fields:
        yield Source("image_url", url=_string(form.fields["image_url"], "image_url"))
    for name in ("image_urls", "reference_image_urls"):
        if name not in form.fields:
            continue
        value = form.fields[name]
        if form.multipart:
            value = [part.strip() for part in str(value).split(",") if part.strip()]
        for place, item in enumerate(_list(value, name)):
            param = f"{name}[{place}]"
            yield Source(param, url=_string(item, param))


def object_sources(value: Any) -> Iterator[Source]:
    """Every reference of the JSON edit's `images[]`.

    Raises:
        Refusal: 400 for a wrong shape.
    """
    for place, item in enumerate(_list(value, "images")):
        yield object_source(item, f"images[{place}]")


def object_source(value: Any, param: str) -> Source:
    """One object of `images[]`, or the JSON `mask`: exactly one of `image_url` and `file_id`, nothing else.

    Raises:
        Refusal: 400 for anything else.
    """
    if not isinstance(value, dict) or set(value) not in ({"image_url"}, {"file_id"}):
        raise invalid("Provide exactly one of image_url or file_id.", param=param, code="invalid_image_reference")
    if "file_id" in value:
        return Source(f"{param}.file_id", file_id=_string(value["file_id"], f"{param}.file_id"))
    return Source(f"{param}.image_url", url=_string(value["image_url"], f"{param}.image_url"))


def upload_sources(form: Form, *names: str) -> Iterator[Source]:
    """Every uploaded file of these form fields."""
    files = form.files(*names)
    for place, upload in enumerate(files):
        yield Source(upload.name if len(files) == 1 else f"{upload.name}[{place}]", data=upload.data)


def check_url(source: Source) -> None:
    """Refuse what is no public http or https address, before anything is fetched.

    Raises:
        Refusal: 400 that names the input.
    """
    try:
        parts = urlsplit(source.url)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise _bad_url(source, "Not a valid URL.") from None
    if _UNREADABLE.search(source.url) or port == 0 or ("[" in parts.netloc and ":" not in host):
        raise _bad_url(source, "Not a valid URL.")
    if parts.scheme not in ("http", "https") or not host:
        raise _bad_url(source, "Only public http and https URLs are accepted.")
    if parts.username is not None or parts.password is not None:
        raise _bad_url(source, "A URL with a user name or password is not accepted.")
    if "#" in source.url:
        raise _bad_url(source, "A URL with a fragment is not accepted.")
    if is_private(host):
        raise _bad_url(source, "The host is local, private or reserved.")


def unreachable(source: Source) -> Exception:
    """400 for a reference that could not be fetched: the sandbox has no network."""
    return invalid(
        "The image could not be fetched.",
        param=source.param,
        code="image_fetch_failed",
        hint="The sandbox has no network: use its sample pictures, its results, or an upload.",
    )


def probe(data: bytes) -> Probe | None:
    """Read format and pixel size from the first bytes of a PNG, JPEG or WebP file; None for anything else."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return Probe("png", *struct.unpack(">II", data[16:24]))
        if data.startswith(b"\xff\xd8\xff"):
            return _probe_jpeg(data)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _probe_webp(data)
    except (struct.error, IndexError):
        return None
    return None


def check_bytes(data: bytes, param: str) -> Probe:
    """What a reference is, by its bytes.

    Raises:
        Refusal: 413 over 50 MB; 400 when it is no PNG, JPEG or WebP.
    """
    if len(data) > MAX_BYTES:
        raise too_large(param, "50 MB")
    found = probe(data)
    if found is None or not (found.width and found.height):
        raise invalid("The file is not a PNG, JPEG or WebP image.", param=param, code="invalid_image")
    return found


def _probe_jpeg(data: bytes) -> Probe | None:
    at = 2
    while data[at] == 0xFF:
        marker = data[at + 1]
        length, _, height, width = struct.unpack(">HBHH", data[at + 2 : at + 9])
        if marker in _JPEG_FRAMES:
            return Probe("jpeg", width, height)
        at += 2 + length
    return None


def _probe_webp(data: bytes) -> Probe | None:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack("<HH", data[26:30])
            return Probe("webp", width & 0x3FFF, height & 0x3FFF)
        case b"VP8L":
            (bits,) = struct.unpack("<I", data[21:25])
            return Probe("webp", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            sides = (int.from_bytes(data[at : at + 3], "little") + 1 for at in (24, 27))
            return Probe("webp", *sides) if len(data) > 30 else None
    return None


def _bad_url(source: Source, message: str) -> Exception:
    return invalid(message, param=source.param, code="invalid_image_url")


def _string(value: Any, param: str) -> str:
    if not isinstance(value, str):
        raise invalid("Expected a string.", param=param, code="invalid_type")
    return value


def _list(value: Any, param: str) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise invalid("Expected a list of URLs or objects.", param=param, code="invalid_type")
    if len(value) > 16:
        raise invalid("At most 16 images are accepted.", param=param, code="too_many_images")
    return value
