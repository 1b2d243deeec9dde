"""Picture files without metadata: the same pixels, the same colours, and nothing that somebody wrote into them."""

import io
import zlib

import pytest
from PIL import Image, ImageCms, ImageSequence
from PIL.PngImagePlugin import PngInfo

from tokenlab_nb.export.stripped import metadata_text, stripped
from tokenlab_nb.provenance.parts import ContainerError, webp_chunk, webp_file, webp_parts

CANARY = "CANARY of a prompt \u2603"
PROFILE = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def drawing(mode="RGB", size=(40, 30), shade=0):
    image = Image.effect_noise(size, 60).convert("RGB")
    image.paste((200, shade, 40), (5, 5, 20, 20))
    return image.convert(mode)


def exif(turn=None):
    found = Image.Exif()
    found[0x010E] = CANARY
    found[0x9286] = b"UNICODE\0" + CANARY.encode("utf-16")
    if turn is not None:
        found[0x0112] = turn
    return found


def png_info():
    info = PngInfo()
    info.add_text("plain", CANARY.encode("ascii", "replace").decode())
    info.add_text("packed", "packed CANARY", zip=True)
    info.add_itxt("international", CANARY)
    info.add_itxt("packed international", CANARY, zip=True)
    return info


def saved(image, kind, **options):
    file = io.BytesIO()
    image.save(file, kind, **options)
    return file.getvalue()


def shown(data):
    """Pixels, colours and turn of every frame."""
    image = Image.open(io.BytesIO(data))
    frames = [frame.convert("RGBA").tobytes() for frame in ImageSequence.Iterator(image)]
    return frames, image.mode, image.info.get("icc_profile"), image.getexif().get(0x0112, 1)


FILES = {
    "png": lambda: saved(drawing(), "PNG", pnginfo=png_info(), icc_profile=PROFILE, exif=exif()),
    "png, turned": lambda: saved(drawing("RGBA"), "PNG", pnginfo=png_info(), exif=exif(6)),
    "png, palette": lambda: saved(drawing("P"), "PNG", pnginfo=png_info(), transparency=3, dpi=(300, 300)),
    "png, frames": lambda: saved(
        drawing(), "PNG", save_all=True, append_images=[drawing(shade=200)], pnginfo=png_info(), duration=90
    ),
    "jpeg": lambda: saved(drawing(), "JPEG", exif=exif(), comment=CANARY.encode(), icc_profile=PROFILE),
    "jpeg, turned": lambda: saved(drawing(), "JPEG", exif=exif(8), xmp=CANARY.encode(), progressive=True),
    "jpeg, upright": lambda: saved(drawing(), "JPEG", exif=exif(1)),
    "jpeg, printing": lambda: saved(drawing("CMYK"), "JPEG", exif=exif(), restart_marker_blocks=2),
    "webp": lambda: saved(drawing(), "WEBP", exif=exif(), xmp=CANARY.encode(), icc_profile=PROFILE),
    "webp, turned": lambda: saved(drawing("RGBA"), "WEBP", lossless=True, exif=exif(3)),
    "webp, frames": lambda: saved(
        drawing(), "WEBP", save_all=True, append_images=[drawing(shade=200)], xmp=CANARY.encode()
    ),
}


@pytest.mark.parametrize("kind", FILES)
def test_pixels_colours_and_turn_stay_and_all_words_go(kind):
    data = FILES[kind]()
    assert "CANARY" in metadata_text(data)
    bare = stripped(data + b"CANARY behind the end")
    assert shown(bare) == shown(data)
    assert b"CANARY" not in bare
    assert "CANARY" not in metadata_text(bare)
    assert len(bare) < len(data)
    assert stripped(bare) == bare


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_file_without_metadata_stays_as_it_is(kind):
    data = saved(drawing(), kind)
    assert stripped(data) == data
    assert metadata_text(data) == ""


def chunk(name, body):
    return len(body).to_bytes(4) + name + body + zlib.crc32(name + body).to_bytes(4)


@pytest.mark.parametrize("body", [b"k\0\0no zlib CANARY", b"k\0\x01\0\0\0no zlib CANARY", b"CANARY"])
def test_texts_that_cannot_be_unpacked_are_searched_as_they_are_and_dropped(body):
    data = saved(drawing(), "PNG")
    name = b"iTXt" if body[2:3] == b"\x01" else b"zTXt"
    hostile = data[:33] + chunk(name, body) + data[33:]
    assert "CANARY" in metadata_text(hostile) or body == b"CANARY"
    assert stripped(hostile) == data


def test_a_text_that_unpacks_to_a_gigabyte_is_read_within_a_limit():
    packed = zlib.compress(b"CANARY" + bytes(30_000_000).replace(b"\0", b"x"))
    data = saved(drawing(), "PNG")
    found = metadata_text(data[:33] + chunk(b"zTXt", b"k\0\0" + packed) + data[33:])
    assert found.startswith("k CANARY")
    assert len(found) < 5_000_000


@pytest.mark.parametrize("order", ["little", "big"])
@pytest.mark.parametrize("turn", [0, 9, 6])
def test_turns_are_read_in_both_byte_orders_and_impossible_ones_dropped(order, turn):
    mark = b"II*\0" if order == "little" else b"MM\0*"
    entry = b"".join(value.to_bytes(size, order) for value, size in ((0x0112, 2), (3, 2), (1, 4), (turn, 2), (0, 2)))
    ifd = mark + (8).to_bytes(4, order) + (1).to_bytes(2, order) + entry + bytes(4)
    data = saved(drawing(), "PNG")
    bare = stripped(data[:33] + chunk(b"eXIf", ifd) + data[33:])
    assert Image.open(io.BytesIO(bare)).getexif().get(0x0112, 1) == (6 if turn == 6 else 1)


@pytest.mark.parametrize("act", [stripped, metadata_text])
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_is_not_whole_is_refused(act, kind):
    data = saved(drawing(), kind)
    for broken in (data[: len(data) // 2], data[:20]):
        with pytest.raises(ValueError, match="cut short"):
            act(broken)


@pytest.mark.parametrize("act", [stripped, metadata_text])
@pytest.mark.parametrize(
    "data",
    [
        b"GIF89a",
        b"RIFF\x04\0\0\0WAVE",
        b"\xff\xd8\xff\xe1",
        b"\xff\xd8\x00\x00",
        b"RIFF\x0c\0\0\0WEBPVP8 \xff\0\0\0",
    ],
)
def test_what_is_no_picture_is_refused(act, data):
    with pytest.raises(ValueError, match=r"PNG, JPEG or WebP|cut short"):
        act(data)


def test_markers_may_be_filled_up_and_stand_alone():
    data = saved(drawing(), "JPEG", comment=b"CANARY")
    filled = data[:2] + b"\xff\xff\xff" + data[2:].replace(b"\xff\xfe", b"\xff\x01\xff\xff\xfe", 1)
    assert shown(stripped(filled))[0] == shown(data)[0]
    assert b"CANARY" not in stripped(filled)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_what_stands_behind_the_end_is_searched_and_dropped(kind):
    data = saved(drawing(), kind)
    assert "CANARY" in metadata_text(data + b"CANARY")
    assert stripped(data + b"CANARY") == data


def test_segments_between_the_scans_of_a_jpeg_are_searched_and_dropped():
    data = saved(drawing(), "JPEG", progressive=True)
    at = data.rindex(b"\xff\xda")
    odd = data[:at] + b"\xff\xfe\0\x08CANARY" + data[at:]
    assert "CANARY" in metadata_text(odd)
    assert stripped(odd) == data


@pytest.mark.parametrize(
    ("name", "body"),
    [
        (b"tEXt", b"key\0CANARY"),
        (b"iTXt", b"key\0\0\0\0\0CANARY"),
        (b"iTXt", b"key\0\1\0CANARY\0\0" + zlib.compress(b"x")),
        (b"eXIf", b"II*\0model\0CANARY\0"),
        (b"eXIf", b"II*\0model\0\0" + "CANARY".encode("utf-16-le") + b"\0\0more"),
        (b"eXIf", b"MM\0*model\0" + "CANARY".encode("utf-16-be") + b"\0\0more"),
    ],
)
def test_a_word_in_metadata_does_not_grow_together_with_its_neighbour(name, body):
    data = saved(drawing(), "PNG")
    assert metadata_text(data[:33] + chunk(name, body) + data[33:]).split().count("CANARY") == 1


def test_a_webp_whose_last_chunk_is_not_filled_up_is_mended():
    whole = saved(drawing(), "WEBP", exif=exif(6))
    parts = {each.kind: each.body for each in webp_parts(whole)}
    frame = parts[b"VP8 "] if len(parts[b"VP8 "]) % 2 else parts[b"VP8 "] + b"\0"
    odd = webp_file(
        [webp_chunk(b"VP8X", parts[b"VP8X"]), webp_chunk(b"EXIF", parts[b"EXIF"]), webp_chunk(b"VP8 ", frame)]
    )
    cut = b"RIFF" + (len(odd) - 9).to_bytes(4, "little") + odd[8:-1]
    bare = stripped(cut)
    assert Image.open(io.BytesIO(bare)).getexif().get(0x0112) == 6
    assert shown(bare)[0] == shown(whole)[0]
    assert stripped(bare) == bare


@pytest.mark.parametrize("data", [b"RIFF\x04\0\0\0WEBP", b"\xff\xd8\xff\xe1\0\0\xff\xd9"])
def test_a_file_of_nothing_and_a_length_that_is_none_are_refused(data):
    with pytest.raises(ContainerError, match="cut short"):
        stripped(data)


def test_a_webp_head_without_flags_and_one_that_is_not_there_do_no_harm():
    frame = saved(drawing(), "WEBP")[12:]
    for head in (b"VP8X\0\0\0\0", b""):
        body = b"WEBP" + head + frame + webp_chunk(b"EXIF", exif(6).tobytes()).raw
        assert b"CANARY" not in stripped(b"RIFF" + len(body).to_bytes(4, "little") + body)
