"""One small JPEG of all pictures: for what takes pictures and no HTML."""

import io
import random

import pytest
from PIL import Image, ImageChops

from tokenlab_nb.export.overview import overview
from tokenlab_nb.export.room import Room


def jpeg(color="red", size=(256, 256)):
    file = io.BytesIO()
    Image.new("RGB", size, color).save(file, "JPEG")
    return file.getvalue()


def noise(seed):
    file = io.BytesIO()
    Image.frombytes("RGB", (256, 256), random.Random(seed).randbytes(256 * 256 * 3)).save(file, "JPEG", quality=40)
    return file.getvalue()


def opened(data):
    return Image.open(io.BytesIO(data)).convert("RGB")


def test_every_picture_is_in_it_in_rows():
    colors = ["red", "lime", "blue", "black", "red"]
    image = opened(overview([jpeg(each) for each in colors], ["n"] * 5, 40_000))
    step = (image.width - 8) // 4
    found = [image.getpixel((8 + step * (n % 4) + 40, 40 + (0 if n < 4 else image.height // 2))) for n in range(5)]
    wanted = [(255, 0, 0), (0, 255, 0), (0, 0, 255), (0, 0, 0), (255, 0, 0)]
    assert all(
        abs(a - b) < 12 for pixel, want in zip(found, wanted, strict=True) for a, b in zip(pixel, want, strict=True)
    )


def test_names_stand_below_and_what_the_font_has_not_is_left_out():
    plain, named, foreign = (overview([jpeg()], [name], 9_000) for name in ("", "1. some-model", "\u4e00\U0001f98a"))
    assert plain == foreign
    box = ImageChops.difference(opened(plain), opened(named)).point(lambda value: 255 * (value > 90)).getbbox()
    assert box[1] >= 232  # pixels: nothing is written over the picture
    long = opened(overview([jpeg()], ["m" * 500], 9_000))
    assert long.size == opened(plain).size


@pytest.mark.parametrize("count", [1, 7, 30, 100])
def test_it_keeps_to_its_bytes_even_of_pictures_that_hardly_compress(count):
    most = Room().overview(count)
    made = overview([noise(n % 5) for n in range(count)], ["n"] * count, most)
    assert 0 < len(made) <= most


def test_nothing_and_no_room_are_no_picture():
    assert overview([], [], 1000) == b""
    assert overview([noise(1)], ["n"], 300) == b""


def test_a_wide_picture_keeps_its_shape():
    assert opened(overview([jpeg(size=(256, 64))], ["n"], 9_000)).height < 100
