import io

import pytest
from PIL import Image

from tests.unit.pictures import encoded, gradient, opened
from tokenlab_nb import canvas, errors


def grain(width, height):
    """Single pixels: no run is long."""
    return Image.frombytes(
        "L", (width, height), bytes(255 * ((x + y) % 2) for y in range(height) for x in range(width))
    )


def area(size, box):
    mask = Image.new("L", size)
    mask.paste(255, box)
    return mask


def numbers(data):
    return [int.from_bytes(data[at : at + 4], "little") for at in range(0, len(data), 4)]


@pytest.mark.parametrize(
    ("mask", "runs"),
    [
        (area((4, 3), (1, 1, 3, 2)), [5, 2, 5]),
        (area((4, 3), (0, 0, 2, 1)), [0, 2, 10]),
        (area((4, 3), (0, 1, 4, 3)), [4, 8]),
        (Image.new("L", (4, 3), 255), [0, 12]),
        (Image.new("L", (4, 3)), [12]),
    ],
    ids=["inside", "from the first pixel", "to the last pixel", "all", "nothing"],
)
def test_runs_alternate_and_begin_with_what_stays(mask, runs):
    data = canvas.to_runs(mask)
    assert numbers(data) == runs
    assert canvas.from_runs(data, mask.size).tobytes() == mask.tobytes()


@pytest.mark.parametrize(
    ("mask", "form"),
    [
        (area((640, 400), (100, 50, 300, 200)), "runs"),
        (Image.new("L", (37, 20), 255), "runs"),
        (grain(37, 20), "bits"),
        (area((16, 8), (7, 0, 8, 8)), "bits"),
    ],
    ids=["rectangle", "all", "grain", "a line in a small picture"],
)
def test_the_shorter_form_is_taken_and_can_be_read_again(mask, form):
    packed, data = canvas.pack(mask)
    assert packed == form
    assert len(data) <= -(-mask.width // 8) * mask.height
    assert canvas.unpack(packed, data, mask.size).tobytes() == mask.tobytes()


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("runs", b""),
        ("runs", b"\x0b\0\0"),
        ("runs", b"\x0b\0\0\0"),
        ("runs", b"\xff\xff\xff\xff"),
        ("bits", b"\0" * 4),
        ("text", b"\0" * 3),
    ],
    ids=["empty", "cut", "too short", "too long", "too many bits", "no form"],
)
def test_what_is_no_mask_is_refused_in_words(form, data):
    with pytest.raises(errors.ImageError, match=r"not one of 4 x 3 pixels\. Paint once more"):
        canvas.unpack(form, data, (4, 3))


def turned():
    exif = Image.Exif()
    exif[0x0112] = 6
    return encoded(gradient(640, 480), "JPEG", exif=exif)


@pytest.mark.parametrize(
    ("picture", "size", "shown"),
    [
        (gradient(640, 480), (640, 480), (640, 480)),
        (encoded(gradient(3000, 1500)), (3000, 1500), (2048, 1024)),
        (turned(), (480, 640), (480, 640)),
        (encoded(gradient(64, 48).convert("RGBA"), "WEBP"), (64, 48), (64, 48)),
    ],
    ids=["PIL image", "large file", "turned by EXIF", "WebP"],
)
def test_a_canvas_is_upright_and_its_picture_small(picture, size, shown):
    found = canvas.stretch(picture)
    assert found.size == size
    assert opened(found.data).size == size
    assert (opened(found.jpeg).format, opened(found.jpeg).size) == ("JPEG", shown)
    assert len(found.jpeg) < 2_000_000


def test_a_file_that_is_sent_as_it_is_is_no_copy():
    data = encoded(gradient())
    assert canvas.stretch(data).data == data
    assert not canvas.stretch(data).turned
    assert canvas.stretch(turned()).turned


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("https://example.com/a.png", "An address cannot be painted on"),
        (b"GIF89a", "GIF"),
        (io.BytesIO(), "BytesIO"),
    ],
    ids=["address", "gif", "stream"],
)
def test_what_is_no_picture_is_refused(picture, words):
    with pytest.raises(errors.ImageError, match=words):
        canvas.stretch(picture)


def test_a_blank_mask_marks_nothing():
    assert canvas.blank((5, 4)).getbbox() is None
    assert (canvas.blank((5, 4)).mode, canvas.blank((5, 4)).size) == ("L", (5, 4))
