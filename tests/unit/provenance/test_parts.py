"""Files are taken apart without a byte lost, and damaged ones are refused."""

from __future__ import annotations

import zlib

import pytest

from tests.unit.provenance.samples import FILES, chunk, webp
from tokenlab_nb.provenance.parts import (
    JPEG_HEAD,
    PNG_HEAD,
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

SPLITS = {"PNG": (len(PNG_HEAD), png_parts), "JPEG": (len(JPEG_HEAD), jpeg_parts), "WebP": (12, webp_parts)}


@pytest.mark.parametrize("tail", [b"", b"behind the end"])
@pytest.mark.parametrize("name", FILES)
def test_the_parts_of_a_file_are_all_of_it(name: str, tail: bytes) -> None:
    data = FILES[name] + tail
    head, split = SPLITS[kind_of(data)]
    parts = list(split(data))
    assert data[:head] + b"".join(part.raw for part in parts) == data
    behind = [part for part in parts if not part.kind]
    assert [part.body for part in behind] == ([tail] if tail else [])


def test_every_scan_of_a_jpeg_is_a_part_with_its_pixels() -> None:
    kinds = [part.kind for part in jpeg_parts(FILES["jpeg, grey, progressive"])]
    assert kinds.count(b"\xda") > 1
    assert kinds[-1] == b"\xd9"


@pytest.mark.parametrize("body", [b"", b"odd", b"even"])
def test_what_is_made_is_read_as_such(body: bytes) -> None:
    png, jpeg, riff = png_chunk(b"teSt", body), jpeg_segment(b"\xe5", body), webp_chunk(b"TEST", body)
    assert next(png_parts(PNG_HEAD + png.raw + chunk(b"IEND", b""))) == png
    assert next(jpeg_parts(JPEG_HEAD + jpeg.raw + b"\xff\xd9")) == jpeg
    assert list(webp_parts(webp_file([riff, riff]))) == [riff, riff]
    assert {each.body for each in (png, jpeg, riff)} == {body}
    assert png.raw == chunk(b"teSt", body)
    assert webp_file([riff]) == webp((b"TEST", body))


def test_fill_bytes_belong_to_the_marker_behind_them() -> None:
    fill, bare, end = jpeg_parts(JPEG_HEAD + b"\xff\xff\xff\xe5\0\x04ab\xff\x01\xff\xff\xd9")
    assert (fill.kind, fill.body, fill.raw) == (b"\xe5", b"ab", b"\xff\xff\xff\xe5\0\x04ab")
    assert (bare.kind, bare.body) == (b"\x01", b"")
    assert (end.kind, end.body, end.raw) == (b"\xd9", b"", b"\xff\xff\xd9")


def test_a_segment_holds_no_more_than_its_length_can_say() -> None:
    assert len(jpeg_segment(b"\xe1", bytes(65_533)).raw) == 65_537
    with pytest.raises(ContainerError, match="no room"):
        jpeg_segment(b"\xe1", bytes(65_534))


@pytest.mark.parametrize(
    "rest",
    [
        b"",
        b"\xff",
        b"\xff\xff",
        b"no marker",
        b"\xff\0\0\x02\xff\xd9",  # no marker has this number
        b"\xff\xe1\0\0\xff\xd9",  # a length counts its own two bytes
        b"\xff\xe1\0\x01\xff\xd9",
        b"\xff\xe1\0",
        b"\xff\xe1\0\x09short",
        b"\xff\xda\0\x03x pixels without an end",
    ],
)
def test_a_damaged_jpeg_is_refused(rest: bytes) -> None:
    with pytest.raises(ContainerError, match="cut short or damaged"):
        list(jpeg_parts(JPEG_HEAD + rest))


@pytest.mark.parametrize("rest", [b"", b"\0\0\0\0IEN", chunk(b"IDAT", b"x"), b"\xff\xff\xff\xffIDATx"])
def test_a_png_without_an_end_is_refused(rest: bytes) -> None:
    with pytest.raises(ContainerError, match="cut short"):
        list(png_parts(PNG_HEAD + rest))


@pytest.mark.parametrize(
    "data",
    [webp(), webp((b"VP8 ", b"even"))[:-1], b"RIFF\x10\0\0\0WEBPVP8 \x05\0\0\0abcd", b"RIFF\xff\xff\xff\xffWEBP"],
)
def test_a_damaged_webp_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError, match="cut short"):
        list(webp_parts(data))


def test_a_last_chunk_that_is_not_filled_up_is_told_apart_and_a_rest_belongs_to_none() -> None:
    assert [part.raw for part in webp_parts(b"RIFF\x0f\0\0\0WEBPVP8 \x03\0\0\0odd")] == [b"VP8 \x03\0\0\0odd"]
    assert list(webp_parts(b"RIFF\x12\0\0\0WEBPVP8 \x04\0\0\0evenrest"))[1:] == [Part(b"", b"rest")]


@pytest.mark.parametrize("data", [b"", b"GIF89a", b"RIFF\x04\0\0\0WAVE"])
def test_other_files_are_of_no_kind(data: bytes) -> None:
    assert kind_of(data) == ""


def test_a_png_text_is_told_apart_from_what_it_begins_with() -> None:
    packed = zlib.compress(b"text")
    assert png_text(png_chunk(b"tEXt", b"key\0text"), 9) == (b"key", b"text")
    assert png_text(png_chunk(b"zTXt", b"key\0\0" + packed), 9) == (b"key\0\0", b"text")
    assert png_text(png_chunk(b"iTXt", b"key\0\0\0en\0cl\0text"), 9) == (b"key\0\0\0en\0cl\0", b"text")
    assert png_text(png_chunk(b"iTXt", b"key\0\1\0en\0cl\0" + packed), 9) == (b"key\0\1\0en\0cl\0", b"text")


def test_no_more_of_a_packed_text_is_made_than_is_wanted() -> None:
    bomb = png_chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(50_000_000)))
    assert len(png_text(bomb, 1000)[1]) == 1000
    with pytest.raises(ContainerError, match="damaged"):
        png_text(png_chunk(b"zTXt", b"key\0\0no zlib"), 1000)
