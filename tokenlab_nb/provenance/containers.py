"""Notes inside picture files: read and written by editing the container. The pixels' own bytes are never touched.

Pillow writes notes only while it encodes a picture anew, which costs a JPEG or WebP some of what was paid for. So the
few rules are here: chunks of PNG (W3C "PNG", 5.3 and 11.3.3), segments of JPEG (ITU-T T.81, B.1) and chunks of WebP
(RFC 9649, 2.3 to 2.7), and where XMP goes in each (Adobe's "XMP Specification Part 3", 1.1.3, 1.1.5 and 1.1.7).
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

__all__ = ["MOST_TEXT", "ContainerError", "Notes", "is_sealed", "keywords", "read_notes", "with_notes", "without_notes"]

MOST_TEXT = 1_000_000
"""Most bytes of one note that is read, unpacked."""

_PNG_HEAD, _JPEG_HEAD = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_XMP_KEYWORD = "XML:com.adobe.xmp"
_XMP_HEAD, _EXIF_HEAD = b"http://ns.adobe.com/xap/1.0/\0", b"Exif\0\0"
_APP0, _APP1, _APP11, _SCAN, _END = 0xE0, 0xE1, 0xEB, 0xDA, 0xD9
_BARE = frozenset({0x01, *range(0xD0, 0xD8)})  # markers without a length
_MOST_SEGMENT = 65_533
_XMP_FLAG, _ALPHA_FLAG = 0x04, 0x10


class ContainerError(ValueError):
    """A file that is not whole, or that cannot take a note; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Notes:
    """What a file holds beside its pixels, as far as it matters here.

    Attributes:
        text: The text of the keyword that was asked for, in UTF-8; only a PNG has keywords.
        xmp: The XMP packet.
    """

    text: bytes | None = None
    xmp: bytes | None = None


@dataclass(frozen=True, slots=True)
class _Part:
    """A stretch of a file: ``kind`` is empty for what is no chunk or segment."""

    kind: bytes
    raw: bytes


class _Format(Protocol):
    def split(self, data: bytes) -> Iterator[_Part]: ...
    def join(self, parts: list[_Part]) -> bytes: ...
    def text(self, part: _Part, keyword: str, /) -> bytes | None: ...
    def xmp(self, part: _Part) -> bytes | None: ...
    def text_parts(self, keyword: str, text: bytes, /) -> list[_Part]: ...
    def xmp_part(self, packet: bytes) -> _Part: ...
    def place(self, _parts: list[_Part], /) -> int: ...
    def seals(self, part: _Part) -> bool: ...


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
    named = (part.raw[8:87].partition(b"\0")[0] for part in form.split(data) if part.kind in _Png.TEXTS)
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
    TEXTS = (b"tEXt", b"zTXt", b"iTXt")

    def split(self, data: bytes) -> Iterator[_Part]:
        yield _Part(b"", data[: len(_PNG_HEAD)])
        at, kind = len(_PNG_HEAD), b""
        while kind != b"IEND":
            end = at + 12 + int.from_bytes(data[at : at + 4])
            if len(data) < end:
                raise ContainerError("the PNG file is cut short")
            kind = data[at + 4 : at + 8]
            yield _Part(kind, data[at:end])
            at = end
        yield _Part(b"", data[at:])

    def join(self, parts: list[_Part]) -> bytes:
        return b"".join(part.raw for part in parts)

    def text(self, part: _Part, keyword: str) -> bytes | None:
        if part.kind not in self.TEXTS:
            return None
        name, _, rest = part.raw[8:-4].partition(b"\0")
        if name != keyword.encode("latin-1"):
            return None
        if part.kind == b"tEXt":
            return _short(rest.decode("latin-1").encode())
        if part.kind == b"zTXt":
            return _unpacked(rest[1:])
        packed, text = rest[:1] == b"\1", rest[2:].split(b"\0", 2)[-1]  # behind two flags, language and translation
        return _unpacked(text) if packed else _short(text)

    def xmp(self, part: _Part) -> bytes | None:
        return self.text(part, _XMP_KEYWORD)

    def text_parts(self, keyword: str, text: bytes) -> list[_Part]:
        body = b"iTXt" + keyword.encode("latin-1") + b"\0\0\0\0\0" + text
        return [_Part(b"iTXt", (len(body) - 4).to_bytes(4) + body + zlib.crc32(body).to_bytes(4))]

    def xmp_part(self, packet: bytes) -> _Part:
        return self.text_parts(_XMP_KEYWORD, packet)[0]

    def place(self, _parts: list[_Part]) -> int:
        return 2  # behind the file's head and IHDR: before the pixels, where readers find it without decoding

    def seals(self, part: _Part) -> bool:
        return part.kind == b"caBX"


# ------------------------------------------------------------------------------------------------------------- JPEG


class _Jpeg:
    def split(self, data: bytes) -> Iterator[_Part]:
        """Segments up to the first scan; from there on, all is one part."""
        yield _Part(b"", data[:2])
        at = 2
        while data[at : at + 1] == b"\xff":
            start = at
            while data[at : at + 1] == b"\xff":  # any number of them may stand before a marker
                at += 1
            marker = data[at] if at < len(data) else 0
            if marker in (_SCAN, _END):
                yield _Part(b"", data[start:])
                return
            end = at + 1 + (0 if marker in _BARE else int.from_bytes(data[at + 1 : at + 3]))
            if not marker or len(data) < end:
                break
            yield _Part(bytes([marker]), data[start:end])
            at = end
        raise ContainerError("the JPEG file is cut short or damaged")

    def join(self, parts: list[_Part]) -> bytes:
        return b"".join(part.raw for part in parts)

    def text(self, _part: _Part, _keyword: str) -> bytes | None:
        return None

    def xmp(self, part: _Part) -> bytes | None:
        body = self._body(part, _APP1)
        return body[len(_XMP_HEAD) :] if body.startswith(_XMP_HEAD) else None

    def text_parts(self, _keyword: str, _text: bytes) -> list[_Part]:
        return []

    def xmp_part(self, packet: bytes) -> _Part:
        body = _XMP_HEAD + packet
        if len(body) > _MOST_SEGMENT:
            raise ContainerError("a JPEG file has no room for so long a text")
        return _Part(bytes([_APP1]), bytes([0xFF, _APP1]) + (len(body) + 2).to_bytes(2) + body)

    def place(self, parts: list[_Part]) -> int:
        """Behind JFIF and EXIF, whose readers look for them first."""
        at = 1
        while self._body(parts[at], _APP0) or self._body(parts[at], _APP1).startswith(_EXIF_HEAD):
            at += 1
        return at

    def seals(self, part: _Part) -> bool:
        return self._body(part, _APP11).startswith(b"JP") and b"c2pa" in part.raw

    def _body(self, part: _Part, marker: int) -> bytes:
        return part.raw.lstrip(b"\xff")[3:] if part.kind == bytes([marker]) else b""


# ------------------------------------------------------------------------------------------------------------- WebP


class _Webp:
    def split(self, data: bytes) -> Iterator[_Part]:
        at, whole = 12, 8 + int.from_bytes(data[4:8], "little")
        if len(data) != whole:
            raise ContainerError("the WebP file is cut short, or longer than it says")
        while at < whole:
            size = int.from_bytes(data[at + 4 : at + 8], "little")
            end = at + 8 + size + size % 2
            if whole < end:
                raise ContainerError("the WebP file is damaged")
            yield _Part(data[at : at + 4], data[at:end])
            at = end

    def join(self, parts: list[_Part]) -> bytes:
        """The file with a header that says what is in it; one is made where notes need it."""
        noted = any(part.kind == b"XMP " for part in parts)
        head = next((part.raw for part in parts if part.kind == b"VP8X"), b"")
        if noted and not head:
            head = _canvas(parts[0])
        if head:
            flags = head[8] | _XMP_FLAG if noted else head[8] & ~_XMP_FLAG
            head = head[:8] + bytes([flags]) + head[9:]
        body = b"WEBP" + head + b"".join(part.raw for part in parts if part.kind != b"VP8X")
        return b"RIFF" + len(body).to_bytes(4, "little") + body

    def text(self, _part: _Part, _keyword: str) -> bytes | None:
        return None

    def xmp(self, part: _Part) -> bytes | None:
        size = int.from_bytes(part.raw[4:8], "little")
        return _short(part.raw[8 : 8 + size]) if part.kind == b"XMP " else None

    def text_parts(self, _keyword: str, _text: bytes) -> list[_Part]:
        return []

    def xmp_part(self, packet: bytes) -> _Part:
        return _Part(b"XMP ", b"XMP " + len(packet).to_bytes(4, "little") + packet + b"\0" * (len(packet) % 2))

    def place(self, parts: list[_Part]) -> int:
        return len(parts)

    def seals(self, part: _Part) -> bool:
        return part.kind == b"C2PA"


def _canvas(first: _Part) -> bytes:
    """The header that a WebP of one bare frame lacks: it repeats size and transparency (RFC 9649, 2.5 to 2.7)."""
    body = first.raw[8:]
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
    return b"VP8X" + (10).to_bytes(4, "little") + bytes([flags, 0, 0, 0]) + sizes


# ---------------------------------------------------------------------------------------------------------- details


def _form(data: bytes) -> _Format:
    if data.startswith(_PNG_HEAD):
        return _Png()
    if data.startswith(_JPEG_HEAD):
        return _Jpeg()
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP" and len(data) > 20:  # head and one chunk's
        return _Webp()
    raise ContainerError("only PNG, JPEG and WebP files hold notes that are read here")


def _short(text: bytes) -> bytes:
    if len(text) > MOST_TEXT:
        raise ContainerError(f"a text in it has more than {MOST_TEXT:,} bytes")
    return text


def _unpacked(packed: bytes) -> bytes:
    """A compressed text. No more is unpacked than may be kept: a few bytes may stand for very many."""
    try:
        return _short(zlib.decompressobj().decompress(packed, MOST_TEXT + 1))
    except zlib.error as error:
        raise ContainerError("a compressed text in it is damaged") from error
