"""A picture file without what somebody wrote into it: metadata go, every pixel and every colour stays as it is. Pure.

Only the container is taken apart and put together again; nothing is decoded. What remains beside pixels is what they
need to be shown right: colour profile, transparency, density, animation, and whether they are to be turned.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

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

__all__ = ["metadata_text", "stripped"]

_PNG_KEPT = frozenset(
    b"IHDR PLTE IDAT IEND tRNS cHRM gAMA iCCP sBIT sRGB cICP mDCV cLLI bKGD pHYs acTL fcTL fdAT".split()
)
_WEBP_KEPT = frozenset((b"VP8 ", b"VP8L", b"VP8X", b"ALPH", b"ANIM", b"ANMF", b"ICCP"))
_JPEG_KEPT = {b"\xe0": b"JFIF\0", b"\xe2": b"ICC_PROFILE\0", b"\xee": b"Adobe"}  # size, profile and model of colours
_JPEG_DROPPED = frozenset((b"", b"\xfe", b"\x01"))  # behind the end, comments, and a marker that means nothing here
_EXIF_HEAD = b"Exif\0\0"
_EXIF_PARTS = {b"eXIf": b"", b"EXIF": b"", b"\xe1": _EXIF_HEAD}
_EXIF, _XMP = 0x08, 0x04  # flags of a WebP's head
_MOST_TEXT = 4_000_000
_WIDE = re.compile(rb"(?:[^\0]\0){4,}|(?:\0[^\0]){4,}")
_ORIENTATION = 0x0112


def stripped(data: bytes) -> bytes:
    """Return the same picture without metadata, and without what stands behind its end.

    Raises:
        ContainerError: If it is no PNG, JPEG or WebP, or not whole.
    """
    kept, dropped = _sorted(data)
    exif = (part.body for part in dropped if part.kind in _EXIF_PARTS and part.body.startswith(_EXIF_PARTS[part.kind]))
    return _JOINS[kind_of(data)](kept, _turned(next(exif, b"").removeprefix(_EXIF_HEAD)))


def metadata_text(data: bytes) -> str:
    """Return what a picture file holds beside its pixels and behind its end, as one text, to be searched.

    Raises:
        ContainerError: As `stripped`.
    """
    return b"\n".join(map(_searched, _sorted(data)[1])).decode("utf-8", "replace")


def _sorted(data: bytes) -> tuple[list[Part], list[Part]]:
    """The parts that stay, and those that go."""
    kind = kind_of(data)
    if not kind:
        raise ContainerError("no PNG, JPEG or WebP")
    split, is_kept = _SPLITS[kind]
    kept: list[Part] = []
    dropped: list[Part] = []
    for part in split(data):
        (kept if is_kept(part) else dropped).append(part)
    return kept, dropped


def _is_kept_jpeg(part: Part) -> bool:
    """Every segment that pixels need; of the applications' own, only some."""
    if b"\xe0" <= part.kind <= b"\xef":
        return part.kind in _JPEG_KEPT and part.body.startswith(_JPEG_KEPT[part.kind])
    return part.kind not in _JPEG_DROPPED


def _searched(part: Part) -> bytes:
    """A part's text: PNG packs some of them."""
    body = part.body
    if part.kind in PNG_TEXTS:
        try:
            head, text = png_text(part, _MOST_TEXT)
        except ContainerError:
            pass
        else:
            return head.replace(b"\0", b" ").rstrip() + b" " + text
    # Texts of two bytes a letter (Exif's own) read as plain ones once the empty bytes are gone; others end with one.
    return _WIDE.sub(lambda found: found[0].replace(b"\0", b""), body).replace(b"\0", b" ")


# ------------------------------------------------------------------------------------- put together


def _png(kept: list[Part], exif: bytes) -> bytes:
    head, *rest = kept
    parts = [head, *([png_chunk(b"eXIf", exif)] if exif else []), *rest]
    return PNG_HEAD + b"".join(part.raw for part in parts)


def _jpeg(kept: list[Part], exif: bytes) -> bytes:
    parts = [*([jpeg_segment(b"\xe1", _EXIF_HEAD + exif)] if exif else []), *kept]
    return JPEG_HEAD + b"".join(b"\xff" + part.raw.lstrip(b"\xff") for part in parts)


def _webp(kept: list[Part], exif: bytes) -> bytes:
    """Chunks are written anew: the last one may not have been filled up."""
    chunks = [webp_chunk(part.kind, _webp_body(part, exif)) for part in kept]
    if exif and any(chunk.kind == b"VP8X" for chunk in chunks):
        chunks.append(webp_chunk(b"EXIF", exif))
    return webp_file(chunks)


def _webp_body(part: Part, exif: bytes) -> bytes:
    body = part.body
    if part.kind != b"VP8X":
        return body
    return bytes(((int.from_bytes(body[:1]) & ~(_EXIF | _XMP)) | (_EXIF if exif else 0),)) + body[1:]


_SPLITS: dict[str, tuple[Callable[[bytes], Iterator[Part]], Callable[[Part], bool]]] = {
    "PNG": (png_parts, lambda part: part.kind in _PNG_KEPT),
    "JPEG": (jpeg_parts, _is_kept_jpeg),
    "WebP": (webp_parts, lambda part: part.kind in _WEBP_KEPT),
}
_JOINS: dict[str, Callable[[list[Part], bytes], bytes]] = {"PNG": _png, "JPEG": _jpeg, "WebP": _webp}


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
