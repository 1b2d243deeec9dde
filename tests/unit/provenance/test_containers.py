"""Notes go into files and out again; the pixels never change, and no file can hurt."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable

import pytest

from tests.unit.pictures import encoded, gradient, opened
from tests.unit.provenance.samples import FILES, FOREIGN, chunk, foreign, webp, with_chunk
from tokenlab_nb.images import probe
from tokenlab_nb.provenance.containers import (
    MOST_TEXT,
    ContainerError,
    is_sealed,
    keywords,
    read_notes,
    with_notes,
    without_notes,
)

KEY, TEXT, XMP = "some tool", "some text \u72d0".encode(), b"<x:xmpmeta>some packet</x:xmpmeta>"

every_file = pytest.mark.parametrize("kind", FILES)


@every_file
@pytest.mark.parametrize("xmp", [XMP, XMP + b" "])  # an odd length, and an even one
def test_notes_come_back_and_the_pixels_are_the_same(kind: str, xmp: bytes) -> None:
    data = FILES[kind]
    noted = with_notes(data, KEY, TEXT, xmp)
    notes = read_notes(noted, KEY)
    assert notes.xmp == xmp
    assert notes.text == (TEXT if kind.startswith("png") else None)
    assert probe(noted) == probe(data)  # with every checksum of a PNG
    before, after = opened(data), opened(noted)
    assert (after.mode, after.size, after.getexif()) == (before.mode, before.size, before.getexif())
    assert after.info.get("icc_profile") == before.info.get("icc_profile")
    for frame in range(getattr(before, "n_frames", 1)):
        before.seek(frame)
        after.seek(frame)
        assert after.tobytes() == before.tobytes()


@every_file
def test_what_was_put_in_comes_out_to_the_byte(kind: str) -> None:
    data = FILES[kind]
    assert data in list(without_notes(with_notes(data, KEY, TEXT, XMP), KEY, None))


@every_file
def test_pillow_reads_the_packet(kind: str) -> None:
    assert opened(with_notes(FILES[kind], KEY, TEXT, XMP)).info["xmp"] == XMP


@every_file
def test_notes_replace_those_of_the_same_kind(kind: str) -> None:
    twice = with_notes(with_notes(FILES[kind], KEY, b"old", b"old"), KEY, TEXT, XMP)
    assert twice == with_notes(FILES[kind], KEY, TEXT, XMP)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_anothers_packet_is_read_replaced_and_put_back(kind: str) -> None:
    data = foreign(kind)
    assert read_notes(data, KEY).xmp == FOREIGN
    noted = with_notes(data, KEY, TEXT, XMP)
    assert read_notes(noted, KEY).xmp == XMP
    (back,) = without_notes(noted, KEY, FOREIGN)
    assert read_notes(back, KEY).xmp == FOREIGN
    assert opened(back).tobytes() == opened(data).tobytes()


def test_a_text_alone_leaves_the_packet_as_it_is_and_only_a_png_takes_one() -> None:
    assert read_notes(with_notes(foreign("PNG"), KEY, TEXT, None), KEY).xmp == FOREIGN
    for kind in ("JPEG", "WEBP"):
        with pytest.raises(ContainerError, match="leave no room"):
            with_notes(foreign(kind), KEY, TEXT, None)


def test_exif_and_jfif_stay_in_front() -> None:
    noted = with_notes(FILES["jpeg, turned"], KEY, TEXT, XMP)
    assert noted.index(b"JFIF") < noted.index(b"Exif") < noted.index(XMP)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"tEXt", b"some tool\0caf\xe9"),
        (b"zTXt", b"some tool\0\0" + zlib.compress("caf\xe9".encode())),
        (b"iTXt", b"some tool\0\0\0en\0un outil\0" + "caf\xe9".encode()),
        (b"iTXt", b"some tool\0\1\0\0\0" + zlib.compress("caf\xe9".encode())),
    ],
)
def test_every_kind_of_png_text_is_read(name: bytes, body: bytes) -> None:
    data = with_chunk(name, body)
    assert read_notes(data, KEY).text == "caf\xe9".encode()
    assert read_notes(data, "another").text is None
    assert keywords(data) == (KEY,)


def test_texts_have_names_in_png_only() -> None:
    assert keywords(FILES["jpeg"]) == keywords(FILES["webp"]) == keywords(FILES["png"]) == ()


@pytest.mark.parametrize("head", [b"zTXt" + b"some tool\0\0", b"iTXt" + b"some tool\0\1\0\0\0"])
def test_a_text_that_unpacks_to_much_is_refused_before_it_is_unpacked(head: bytes) -> None:
    bomb = with_chunk(head[:4], head[4:] + zlib.compress(bytes(200_000_000), 9))
    assert len(bomb) < 250_000
    with pytest.raises(ContainerError, match=f"more than {MOST_TEXT:,} bytes"):
        read_notes(bomb, KEY)


@pytest.mark.parametrize(
    "data",
    [
        with_chunk(b"tEXt", b"some tool\0" + bytes(MOST_TEXT + 1)),
        with_notes(FILES["webp"], KEY, b"", bytes(MOST_TEXT + 1)),
    ],
)
def test_a_long_text_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError, match="more than"):
        read_notes(data, KEY)


def test_a_damaged_packed_text_is_refused() -> None:
    with pytest.raises(ContainerError, match="compressed text in it is damaged"):
        read_notes(with_chunk(b"zTXt", b"some tool\0\0no zlib"), KEY)


def test_a_packet_that_a_jpeg_has_no_room_for_is_refused() -> None:
    with pytest.raises(ContainerError, match="no room"):
        with_notes(FILES["jpeg"], KEY, TEXT, bytes(65_505))
    assert probe(with_notes(FILES["jpeg"], KEY, TEXT, bytes(65_504)))


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp", "jpeg, turned", "webp, transparent"])
def test_a_file_that_is_cut_short_is_refused(kind: str) -> None:
    whole = FILES[kind]
    scan = whole.index(b"\xff\xda") if kind.startswith("jpeg") else len(whole) - 1
    for length in [*range(min(scan, 200)), scan]:
        with pytest.raises(ContainerError):
            read_notes(whole[:length], KEY)


def test_a_jpeg_that_ends_before_its_pixels_is_read_for_what_it_is() -> None:
    assert read_notes(b"\xff\xd8\xff\x01\xff\xff\xd9", KEY).xmp is None


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\xff\xd8\xff\xe1\0\x08Exif\0\0no marker",
        webp((b"VP8 ", bytes(8)))[:-1] + b"\0\0",
        b"RIFF\x18\0\0\0WEBPVP8 \xff\xff\xff\xff" + bytes(12),
    ],
)
def test_what_is_no_picture_is_refused(data: bytes) -> None:
    with pytest.raises(ContainerError):
        read_notes(data, KEY)


@pytest.mark.parametrize("name", [b"VP8 ", b"VP8L", b"ABCD"])
def test_a_webp_frame_that_is_none_takes_no_notes(name: bytes) -> None:
    with pytest.raises(ContainerError, match="damaged"):
        with_notes(webp((name, bytes(12))), KEY, TEXT, XMP)


def test_what_follows_a_png_stays() -> None:
    noted = with_notes(FILES["png"] + b"more", KEY, TEXT, XMP)
    assert noted.endswith(b"more")
    assert FILES["png"] + b"more" in list(without_notes(noted, KEY, None))


def test_content_credentials_are_recognised() -> None:
    jumbf = b"JP\0\1\0\0\0\1" + struct.pack(">I", 30) + b"jumb\0\0c2pa"
    segment = b"\xff\xeb" + (len(jumbf) + 2).to_bytes(2) + jumbf
    jpeg = FILES["jpeg"]
    assert is_sealed(with_chunk(b"caBX", b"jumb"))
    assert is_sealed(jpeg[:2] + segment + jpeg[2:])
    assert is_sealed(webp((b"VP8 ", bytes(12)), (b"C2PA", b"jumb")))
    assert not any(is_sealed(data) for data in FILES.values())
    other = b"\xff\xeb\0\x06HDRi"
    assert not is_sealed(jpeg[:2] + other + jpeg[2:])


def test_a_chunk_is_written_as_pillow_writes_it() -> None:
    assert chunk(b"IEND", b"") == encoded(gradient())[-12:]


def test_a_jpeg_is_read_up_to_its_pixels_and_what_follows_stays_as_it_is() -> None:
    jpeg, later = FILES["jpeg"], b"\xff\xe1" + (31 + 6).to_bytes(2) + b"http://ns.adobe.com/xap/1.0/\0" + b"later!"
    for data in (jpeg[:-2] + later + jpeg[-2:], jpeg[:-20], jpeg + b"more"):  # a packet behind a scan; no end; a tail
        assert read_notes(data, KEY).xmp is None
        noted = with_notes(data, KEY, TEXT, XMP)
        assert read_notes(noted, KEY).xmp == XMP
        assert data in list(without_notes(noted, KEY, None))


@pytest.mark.parametrize("act", [is_sealed, lambda data: with_notes(data, KEY, TEXT, XMP)])
@pytest.mark.parametrize(
    "data",
    [
        FILES["webp"] + b"more",  # a chunk behind it would not be found
        b"RIFF\x0f\0\0\0WEBPVP8 \x03\0\0\0odd",  # nor one behind a chunk that is not filled up
        b"\xff\xd8\xff\xe1\0\0\xff\xd9",
    ],
)
def test_odd_files_take_no_notes(act: Callable[[bytes], object], data: bytes) -> None:
    with pytest.raises(ContainerError, match="damaged"):
        act(data)


def test_the_name_of_a_text_without_an_end_is_its_own_alone() -> None:
    assert keywords(with_chunk(b"tEXt", b"some tool")) == (KEY,)


def test_a_webp_frame_without_a_size_takes_no_notes() -> None:
    at = FILES["webp"].index(b"\x9d\x01\x2a") + 3
    none = FILES["webp"][:at] + bytes(4) + FILES["webp"][at + 4 :]
    with pytest.raises(ContainerError, match="damaged"):
        with_notes(none, KEY, b"x", b"<y/>")
