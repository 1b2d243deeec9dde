"""A picture file taken apart into what its format calls chunks or segments, and such parts made. Nothing is decoded.

The rules are those of PNG (W3C "PNG", 5.3 and 11.3.3), JPEG (ITU-T T.81, B.1) and WebP (RFC 9649, 2.3 to 2.7).
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "JPEG_HEAD",
    "PNG_HEAD",
    "PNG_TEXTS",
    "ContainerError",
    "Kind",
    "Part",
    "jpeg_parts",
    "jpeg_segment",
    "kind_of",
    "png_chunk",
    "png_parts",
    "png_text",
    "webp_chunk",
    "webp_file",
    "webp_parts",
]

Kind = Literal["PNG", "JPEG", "WebP", ""]

PNG_HEAD, JPEG_HEAD = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
PNG_TEXTS = frozenset((b"tEXt", b"zTXt", b"iTXt"))
_SCAN, _END = 0xDA, 0xD9
_BARE = frozenset((0x01, _END, *range(0xD0, 0xD8)))  # JPEG markers without a length
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MOST_SEGMENT = 65_533


class ContainerError(ValueError):
    """A file that is not whole, or that cannot take a note; the text says why, for people."""


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of a file.

    Attributes:
        kind: The name of a chunk, or the byte of a JPEG marker; empty for what stands behind the file's end.
        raw: All of its bytes; a JPEG scan's with its pixels.
        before: How many of them stand before what it holds.
        after: How many stand behind that.
    """

    kind: bytes
    raw: bytes
    before: int = 0
    after: int = 0

    @property
    def body(self) -> bytes:
        """What it holds; of a JPEG scan, its header and its pixels."""
        return self.raw[self.before : len(self.raw) - self.after]


def kind_of(data: bytes) -> Kind:
    """Which of the formats a file begins as; empty for another one."""
    if data.startswith(PNG_HEAD):
        return "PNG"
    if data.startswith(JPEG_HEAD):
        return "JPEG"
    return "WebP" if data[:4] == b"RIFF" and data[8:12] == b"WEBP" else ""


# -------------------------------------------------------------------------------------------------------------- PNG


def png_parts(data: bytes) -> Iterator[Part]:
    """The chunks of a PNG file, its head left out.

    Raises:
        ContainerError: If it is cut short.
    """
    at, kind = len(PNG_HEAD), b""
    while kind != b"IEND":
        end = at + 12 + int.from_bytes(data[at : at + 4])
        if len(data) < end:
            raise ContainerError("the PNG file is cut short")
        kind = data[at + 4 : at + 8]
        yield Part(kind, data[at:end], 8, 4)
        at = end
    yield from _tail(data, at)


def png_chunk(kind: bytes, body: bytes) -> Part:
    """Make a chunk of a PNG file."""
    return Part(kind, len(body).to_bytes(4) + kind + body + zlib.crc32(kind + body).to_bytes(4), 8, 4)


def png_text(part: Part, most: int) -> tuple[bytes, bytes]:
    """Return what a text of a PNG begins with (its keyword, and what belongs to that), and the text as it is read.

    Args:
        part: A chunk among `PNG_TEXTS`.
        most: Most bytes that are unpacked: a few bytes may stand for very many.

    Raises:
        ContainerError: If it is compressed, and damaged.
    """
    body = part.body
    keyword, _, rest = body.partition(b"\0")
    if part.kind == b"tEXt":
        return keyword, rest
    # Behind a byte for the way of packing; or behind two flags, language and translation.
    text = rest[1:] if part.kind == b"zTXt" else rest[2:].split(b"\0", 2)[-1]
    head = body[: len(body) - len(text)]
    if part.kind == b"iTXt" and rest[:1] != b"\1":
        return head, text
    try:
        return head, zlib.decompressobj().decompress(text, most)
    except zlib.error as error:
        raise ContainerError("a compressed text in it is damaged") from error


# ------------------------------------------------------------------------------------------------------------- JPEG


def jpeg_parts(data: bytes) -> Iterator[Part]:
    """The segments of a JPEG file, its head left out; one after the other, so that a reader may stop at the pixels.

    Raises:
        ContainerError: If it is cut short, or no marker stands where one has to.
    """
    at, marker = len(JPEG_HEAD), 0
    while marker != _END:
        start = at
        while data[at : at + 2] == b"\xff\xff":  # any number of them may stand before a marker
            at += 1
        end, before = _segment_end(data, at), at + 4 - start
        marker = data[at + 1]
        if marker == _SCAN:
            after = _AFTER_SCAN.search(data, end)
            end = after.start() if after else len(data)
        yield Part(bytes((marker,)), data[start:end], before)
        at = end
    yield from _tail(data, at)


def _segment_end(data: bytes, at: int) -> int:
    """Where the segment ends that begins here; a scan's header."""
    lead, marker = data[at : at + 1], data[at + 1 : at + 2]
    if lead == b"\xff" and marker not in (b"", b"\0"):
        size = 0 if marker[0] in _BARE else int.from_bytes(data[at + 2 : at + 4])
        if at + 2 + size <= len(data) and (size >= 2 or marker[0] in _BARE):  # a length counts itself
            return at + 2 + size
    raise ContainerError("the JPEG file is cut short or damaged")


def jpeg_segment(kind: bytes, body: bytes) -> Part:
    """Make a segment of a JPEG file.

    Raises:
        ContainerError: If it holds more than a segment can.
    """
    if len(body) > _MOST_SEGMENT:
        raise ContainerError("a JPEG file has no room for so long a text")
    return Part(kind, b"\xff" + kind + (len(body) + 2).to_bytes(2) + body, 4)


# ------------------------------------------------------------------------------------------------------------- WebP


def webp_parts(data: bytes) -> Iterator[Part]:
    """The chunks of a WebP file, its head left out. Where the last is not filled up to an even length, it stays so.

    Raises:
        ContainerError: If it is cut short, or a chunk is longer than the file.
    """
    whole, at = 8 + int.from_bytes(data[4:8], "little"), 12
    if len(data) < whole or whole < at + 8:
        raise ContainerError("the WebP file is cut short")
    while at + 8 <= whole:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        end = min(at + 8 + size + size % 2, whole)
        if end < at + 8 + size:
            raise ContainerError("the WebP file is cut short or damaged")
        yield Part(data[at : at + 4], data[at:end], 8, end - at - 8 - size)
        at = end
    yield from _tail(data, at)


def webp_chunk(kind: bytes, body: bytes) -> Part:
    """Make a chunk of a WebP file."""
    fill = len(body) % 2
    return Part(kind, kind + len(body).to_bytes(4, "little") + body + bytes(fill), 8, fill)


def webp_file(chunks: Iterable[Part]) -> bytes:
    """Make a WebP file of its chunks."""
    body = b"WEBP" + b"".join(each.raw for each in chunks)
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def _tail(data: bytes, at: int) -> Iterator[Part]:
    if at < len(data):
        yield Part(b"", data[at:])
