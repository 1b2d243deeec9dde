"""A picture file without what somebody wrote into it: metadata go, every pixel and every colour stays as it is. Pure.

Only the container is taken apart and put together again; nothing is decoded. What remains beside pixels is what they
need to be shown right: colour profile, transparency, density, animation, and whether they are to be turned.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator

__all__ = ["metadata_text", "stripped"]

Part = tuple[bytes, bytes, bytes]
"""A part of a file: its name, what it holds, and all of its bytes."""

_PNG, _JPEG, _RIFF = b"\x89PNG\r\n\x1a\n", b"\xff\xd8", b"RIFF"
_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_EXIF, _XMP = 0x08, 0x04  # flags of a WebP's head
_EOI, _SOS, _COM, _TEM = 0xD9, 0xDA, 0xFE, 0x01
_BARE = frozenset((_TEM, *range(0xD0, 0xD8)))  # JPEG markers without a length
_SCAN_END = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
_MOST_TEXT = 4_000_000
_ORIENTATION = 0x0112


def stripped(data: bytes) -> bytes:
    """Return the same picture without metadata, and without what stands behind its end.

    Raises:
        ValueError: If it is no PNG, JPEG or WebP, or not whole.
    """
    if data.startswith(_PNG):
        kept, dropped = _sorted(_png_parts(data), _is_kept_png)
        turned = _turned(dropped.get(b"eXIf", b""))
        chunks = [_chunk(b"eXIf", turned)] if turned else []
        return b"".join((_PNG, kept[0], *chunks, *kept[1:]))
    if data.startswith(_JPEG):
        kept, dropped = _sorted(_jpeg_parts(data), _is_kept_jpeg)
        turned = _turned(dropped.get(b"\xe1Exif\0\0", b""))
        segments = [_segment(b"\xe1", b"Exif\0\0" + turned)] if turned else []
        return b"".join((_JPEG, *segments, *kept))
    if data.startswith(_RIFF):
        return _webp(data)
    raise ValueError("no PNG, JPEG or WebP")


def metadata_text(data: bytes) -> str:
    """Return what a picture file holds beside its pixels, as one text, to be searched.

    Raises:
        ValueError: As `stripped`.
    """
    if data.startswith(_PNG):
        parts, is_kept = _png_parts(data), _is_kept_png
    elif data.startswith(_JPEG):
        parts, is_kept = _jpeg_parts(data), _is_kept_jpeg
    elif data.startswith(_RIFF):
        parts, is_kept = _webp_parts(data), _is_kept_webp
    else:
        raise ValueError("no PNG, JPEG or WebP")
    found = b"\n".join(_unpacked(name, body) for name, body, _ in parts if not is_kept(name))
    # Texts of two bytes a letter (Exif's own) read as plain ones once the empty bytes are gone.
    return found.replace(b"\0", b"").decode("utf-8", "replace")


def _sorted(parts: Iterator[Part], is_kept: object) -> tuple[list[bytes], dict[bytes, bytes]]:
    """The parts that stay, whole; and those that go, by name."""
    kept: list[bytes] = []
    dropped: dict[bytes, bytes] = {}
    for name, body, whole in parts:
        if is_kept(name):  # type: ignore[operator]
            kept.append(whole)
        else:
            dropped.setdefault(name, body)
    return kept, dropped


def _unpacked(name: bytes, body: bytes) -> bytes:
    """A part's text: PNG packs some of them."""
    keyword, _, rest = body.partition(b"\0")
    if name == b"zTXt":
        packed = rest[1:]
    elif name == b"iTXt" and rest[:1] == b"\x01":
        packed = rest[2:].split(b"\0", 2)[-1]
    else:
        return body
    try:
        return keyword + b" " + zlib.decompressobj().decompress(packed, _MOST_TEXT)
    except zlib.error:
        return body


# ------------------------------------------------------------------------------------------- PNG


def _is_kept_png(name: bytes) -> bool:
    return name in _PNG_KEPT


def _png_parts(data: bytes) -> Iterator[Part]:
    at, name = len(_PNG), b""
    while name != b"IEND":
        size = int.from_bytes(data[at : at + 4])
        name, end = data[at + 4 : at + 8], at + 12 + size
        if end > len(data):
            raise ValueError("the PNG is cut short")
        yield name, data[at + 8 : at + 8 + size], data[at:end]
        at = end


def _chunk(name: bytes, body: bytes) -> bytes:
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


# ------------------------------------------------------------------------------------------ JPEG


def _is_kept_jpeg(name: bytes) -> bool:
    """Every segment that pixels need; of the applications' own, size, colour profile and colour model."""
    marker = name[0]
    if 0xE0 <= marker <= 0xEF:
        return name in (b"\xe0JFIF\0", b"\xe2ICC_PROFILE\0", b"\xeeAdobe")
    return marker not in (_COM, _TEM)


def _jpeg_parts(data: bytes) -> Iterator[Part]:
    at = len(_JPEG)
    while True:
        while data[at : at + 2] == b"\xff\xff":  # a marker may be led by any number of these
            at += 1
        if at + 2 > len(data) or data[at] != 0xFF:
            raise ValueError("the JPEG is damaged or cut short")
        marker, start = data[at + 1], at
        at += 2
        if marker == _EOI:
            yield b"\xd9", b"", data[start:at]
            return
        if marker not in _BARE:
            at += int.from_bytes(data[at : at + 2])
        body = data[start + 4 : at]
        if marker == _SOS:
            end = _SCAN_END.search(data, at)
            at = end.start() if end else len(data)
        yield _jpeg_name(marker, body), _after(body), data[start:at]


def _jpeg_name(marker: int, body: bytes) -> bytes:
    """The marker; of the applications' own, with the name that they begin with."""
    names = (b"JFIF\0", b"ICC_PROFILE\0", b"Adobe", b"Exif\0\0")
    own = next((each for each in names if body.startswith(each)), b"")
    return bytes((marker,)) + (own if 0xE0 <= marker <= 0xEF else b"")


def _after(body: bytes) -> bytes:
    return body.removeprefix(b"Exif\0\0")


def _segment(marker: bytes, body: bytes) -> bytes:
    return b"\xff" + marker + (len(body) + 2).to_bytes(2) + body


# ------------------------------------------------------------------------------------------ WebP


def _is_kept_webp(name: bytes) -> bool:
    return name in _WEBP_KEPT


def _webp_parts(data: bytes) -> Iterator[Part]:
    end = 8 + int.from_bytes(data[4:8], "little")
    if data[8:12] != b"WEBP" or end > len(data):
        raise ValueError("the WebP is damaged or cut short")
    at = 12
    while at + 8 <= end:
        size = int.from_bytes(data[at + 4 : at + 8], "little")
        after = at + 8 + size + size % 2
        if after > end + size % 2:
            raise ValueError("the WebP is damaged or cut short")
        yield data[at : at + 4], data[at + 8 : at + 8 + size], data[at:after]
        at = after


def _webp(data: bytes) -> bytes:
    kept, dropped = _sorted(_webp_parts(data), _is_kept_webp)
    turned = _turned(dropped.get(b"EXIF", b"").removeprefix(b"Exif\0\0"))
    if kept and kept[0].startswith(b"VP8X"):
        head = bytearray(kept[0])
        head[8] = (head[8] & ~(_EXIF | _XMP)) | (_EXIF if turned else 0)
        kept[0] = bytes(head)
        kept += [b"EXIF" + len(turned).to_bytes(4, "little") + turned] if turned else []
    body = b"WEBP" + b"".join(kept)
    return _RIFF + len(body).to_bytes(4, "little") + body


# ------------------------------------------------------------------------------------------ EXIF


def _turned(exif: bytes) -> bytes:
    """EXIF data that say how the picture is turned, and nothing else; empty where it stands upright."""
    order = {b"II": "little", b"MM": "big"}.get(exif[:2])
    if order is None:
        return b""
    at = int.from_bytes(exif[4:8], order)  # type: ignore[arg-type]
    count = int.from_bytes(exif[at : at + 2], order)  # type: ignore[arg-type]
    for each in range(count):
        entry = exif[at + 2 + 12 * each : at + 14 + 12 * each]
        if int.from_bytes(entry[:2], order) == _ORIENTATION:  # type: ignore[arg-type]
            turn = int.from_bytes(entry[8:10], order)  # type: ignore[arg-type]
            tag = b"".join(value.to_bytes(size) for value, size in ((_ORIENTATION, 2), (3, 2), (1, 4), (turn, 2)))
            return b"MM\0*\0\0\0\x08\0\x01" + tag + b"\0\0\0\0\0\0" if turn in range(2, 9) else b""
    return b""
