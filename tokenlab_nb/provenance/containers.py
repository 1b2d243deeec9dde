"""Notes inside picture files: read and written by editing the container. The pixels' own bytes are never touched.

Pillow writes notes only while it encodes a picture anew, which costs a JPEG or WebP some of what was paid for. Where
XMP goes in each format is said in Adobe's "XMP Specification Part 3", 1.1.3, 1.1.5 and 1.1.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import takewhile
from typing import Protocol

from tokenlab_nb.provenance.parts import (
    JPEG_HEAD,
    PNG_HEAD,
    PNG_TEXTS,
    ContainerError,
    Part,
    jpeg_parts,
    jpeg_segment,
    kind_of,
    png_chunk,
    png_parts,
    png_text,
    webp_chunk,
    webp_file,
    webp_parts,
)

__all__ = ["MOST_TEXT", "ContainerError", "Notes", "is_sealed", "keywords", "read_notes", "with_notes", "without_notes"]

MOST_TEXT = 1_000_000
"""Most bytes of one note that is read, unpacked."""

_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_HEAD, _EXIF_HEAD = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
_APP0, _APP1, _APP11, _SCAN, _END = b"\xe0", b"\xe1", b"\xeb", b"\xda", b"\xd9"
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10


@dataclass(frozen=True, slots=True)
class Notes:
    """What a file holds beside its pixels, as far as it matters here.

    Attributes:
        text: The text of the keyword that was asked for, in UTF-8; only a PNG has keywords.
        xmp: The XMP packet.
    """

    text: bytes | None = None
    xmp: bytes | None = None


class _Format(Protocol):
    def split(self, data: bytes) -> Iterator[Part]: ...
    def join(self, parts: list[Part]) -> bytes: ...
    def text(self, part: Part, keyword: str, /) -> bytes | None: ...
    def xmp(self, part: Part) -> bytes | None: ...
    def text_parts(self, keyword: str, text: bytes, /) -> list[Part]: ...
    def xmp_part(self, packet: bytes) -> Part: ...
    def place(self, _parts: list[Part], /) -> int: ...
    def seals(self, part: Part) -> bool: ...


def read_notes(data: bytes, keyword: str) -> Notes:
    """Return what a picture file holds.

    Args:
        data: A PNG, JPEG or WebP file.
        keyword: The name of the text that is wanted.

    Raises:
        ContainerError: If the file is not whole, or a note in it is too long.
    """
    form = _form(data)
    parts = list(form.split(data))
    return Notes(
        next((text for part in parts if (text := form.text(part, keyword)) is not None), None),
        next((xmp for part in parts if (xmp := form.xmp(part)) is not None), None),
    )


def keywords(data: bytes) -> tuple[str, ...]:
    """The names of all texts in a PNG file; none of another one.

    Raises:
        ContainerError: If the file is not whole.
    """
    form = _form(data)
    named = (part.body[:79].partition(b"\0")[0] for part in form.split(data) if part.kind in PNG_TEXTS)
    return tuple(name.decode("latin-1") for name in named)


def is_sealed(data: bytes) -> bool:
    """Whether a signature covers the whole file (C2PA content credentials), which any note would break.

    Raises:
        ContainerError: If the file is not whole.
    """
    form = _form(data)
    return any(form.seals(part) for part in form.split(data))


def with_notes(data: bytes, keyword: str, text: bytes, xmp: bytes | None) -> bytes:
    """Put notes into a file, in place of those of the same kind.

    Args:
        data: A PNG, JPEG or WebP file.
        keyword: The name of the text.
        text: The text, in UTF-8; only a PNG takes it.
        xmp: The XMP packet; None leaves it as it is.

    Raises:
        ContainerError: If the file is not whole, or has no room for them.
    """
    form = _form(data)
    parts = [part for part in form.split(data) if form.text(part, keyword) is None]
    news = form.text_parts(keyword, text)
    if xmp is not None:
        parts = [part for part in parts if form.xmp(part) is None]
        news.append(form.xmp_part(xmp))
    if not news:
        raise ContainerError("its own metadata leave no room for more")
    at = form.place(parts)
    return form.join([*parts[:at], *news, *parts[at:]])


def without_notes(data: bytes, keyword: str, xmp: bytes | None) -> Iterator[bytes]:
    """Take out what `with_notes` put in.

    Args:
        data: A PNG, JPEG or WebP file.
        keyword: The name of the text.
        xmp: The XMP packet that was there before; None for none.

    Yields:
        The files that it may have been made of: of a WebP without a header for notes, one was made.

    Raises:
        ContainerError: If the file is not whole.
    """
    form = _form(data)
    parts = [part for part in form.split(data) if form.text(part, keyword) is None]
    bare = [part for part in parts if form.xmp(part) is None]
    if xmp is None:
        yield form.join(bare)
        yield form.join([part for part in bare if part.kind != b"VP8X"])
    else:
        yield form.join([form.xmp_part(xmp) if form.xmp(part) is not None else part for part in parts])


# -------------------------------------------------------------------------------------------------------------- PNG


class _Png:
    def split(self, data: bytes) -> Iterator[Part]:
        return png_parts(data)

    def join(self, parts: list[Part]) -> bytes:
        return PNG_HEAD + b"".join(part.raw for part in parts)

    def text(self, part: Part, keyword: str) -> bytes | None:
        if part.kind not in PNG_TEXTS or part.body.partition(b"\0")[0] != keyword.encode("latin-1"):
            return None
        text = png_text(part, MOST_TEXT + 1)[1]
        return _short(text.decode("latin-1").encode() if part.kind == b"tEXt" else text)

    def xmp(self, part: Part) -> bytes | None:
        return self.text(part, _XMP_KEYWORD)

    def text_parts(self, keyword: str, text: bytes) -> list[Part]:
        return [png_chunk(b"iTXt", keyword.encode("latin-1") + b"\0\0\0\0\0" + text)]

    def xmp_part(self, packet: bytes) -> Part:
        return self.text_parts(_XMP_KEYWORD, packet)[0]

    def place(self, _parts: list[Part]) -> int:
        return 1  # behind IHDR: before the pixels, where readers find it without decoding

    def seals(self, part: Part) -> bool:
        return part.kind == b"caBX"


# ------------------------------------------------------------------------------------------------------------- JPEG


class _Jpeg:
    def split(self, data: bytes) -> Iterator[Part]:
        """Segments up to the first scan; from there on, all is one part, whatever it is: notes stand before it."""
        at = len(JPEG_HEAD)
        for part in takewhile(lambda each: each.kind not in (_SCAN, _END), jpeg_parts(data)):
            yield part
            at += len(part.raw)
        yield Part(b"", data[at:])

    def join(self, parts: list[Part]) -> bytes:
        return JPEG_HEAD + b"".join(part.raw for part in parts)

    def text(self, _part: Part, _keyword: str) -> bytes | None:
        return None

    def xmp(self, part: Part) -> bytes | None:
        is_xmp = part.kind == _APP1 and part.body.startswith(_XMP_HEAD)
        return part.body[len(_XMP_HEAD) :] if is_xmp else None

    def text_parts(self, _keyword: str, _text: bytes) -> list[Part]:
        return []

    def xmp_part(self, packet: bytes) -> Part:
        return jpeg_segment(_APP1, _XMP_HEAD + packet)

    def place(self, parts: list[Part]) -> int:
        """Behind JFIF and EXIF, whose readers look for them first."""
        firsts = (part.kind == _APP0 or (part.kind == _APP1 and part.body.startswith(_EXIF_HEAD)) for part in parts)
        return list(firsts).index(False)  # the pixels are neither

    def seals(self, part: Part) -> bool:
        return part.kind == _APP11 and part.body.startswith(b"JP") and b"c2pa" in part.body


# ------------------------------------------------------------------------------------------------------------- WebP


class _Webp:
    def split(self, data: bytes) -> Iterator[Part]:
        """Chunks; of a file that is as long as it says, so that a note stands where readers look for it."""
        for part in webp_parts(data):
            if not part.kind or len(part.raw) % 2:
                raise ContainerError("the WebP file is damaged, or longer than it says")
            yield part

    def join(self, parts: list[Part]) -> bytes:
        """The file with a header that says what is in it; one is made where notes need it."""
        noted = any(part.kind == b"XMP " for part in parts)
        head = next((part.body for part in parts if part.kind == b"VP8X"), b"")
        if noted and not head:
            head = _canvas(parts[0])
        heads: list[Part] = []
        if head:
            flags = head[0] | _XMP_FLAG if noted else head[0] & ~_XMP_FLAG
            heads = [webp_chunk(b"VP8X", bytes((flags,)) + head[1:])]
        return webp_file([*heads, *(part for part in parts if part.kind != b"VP8X")])

    def text(self, _part: Part, _keyword: str) -> bytes | None:
        return None

    def xmp(self, part: Part) -> bytes | None:
        return _short(part.body) if part.kind == b"XMP " else None

    def text_parts(self, _keyword: str, _text: bytes) -> list[Part]:
        return []

    def xmp_part(self, packet: bytes) -> Part:
        return webp_chunk(b"XMP ", packet)

    def place(self, parts: list[Part]) -> int:
        return len(parts)

    def seals(self, part: Part) -> bool:
        return part.kind == b"C2PA"


def _canvas(first: Part) -> bytes:
    """The header that a WebP of one bare frame lacks: it repeats size and transparency (RFC 9649, 2.5 to 2.7)."""
    body = first.body
    if first.kind == b"VP8L" and body[:1] == b"\x2f":
        bits = int.from_bytes(body[1:5], "little")
        width, height, flags = bits & 0x3FFF, bits >> 14 & 0x3FFF, _ALPHA_FLAG * (bits >> 28 & 1)
    elif first.kind == b"VP8 " and body[3:6] == b"\x9d\x01\x2a":
        sides = (int.from_bytes(body[at : at + 2], "little") & 0x3FFF for at in (6, 8))
        (width, height), flags = (side - 1 for side in sides), 0
    else:
        width = height = flags = -1
    if min(width, height) < 0:
        raise ContainerError("the WebP file is damaged")
    sizes = width.to_bytes(3, "little") + height.to_bytes(3, "little")
    return bytes((flags, 0, 0, 0)) + sizes


# ---------------------------------------------------------------------------------------------------------- details


def _form(data: bytes) -> _Format:
    forms: dict[str, _Format] = {"PNG": _Png(), "JPEG": _Jpeg(), "WebP": _Webp()}
    kind = kind_of(data)
    if not kind:
        raise ContainerError("only PNG, JPEG and WebP files hold notes that are read here")
    return forms[kind]


def _short(text: bytes) -> bytes:
    if len(text) > MOST_TEXT:
        raise ContainerError(f"a text in it has more than {MOST_TEXT:,} bytes")
    return text
