"""Masks in every kind that people have, what is said about those that cannot be meant, and what is sent."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import PIL
import pytest
from PIL import Image, ImageDraw, ImageOps

from tests.unit.pictures import animated, encoded, gradient, noise, opened, result, turned
from tokenlab_nb import masks
from tokenlab_nb.errors import ImageError
from tokenlab_nb.sandbox.codecs import decode_mask

SIZE = (64, 48)
BOX = (10, 5, 30, 20)
AREA = Image.new("L", SIZE)
AREA.paste(255, BOX)
HOLE = Image.merge("RGBA", (AREA, AREA, AREA, ImageOps.invert(AREA)))
TRUE = np.asarray(AREA) > 0


def transparent(image: Image.Image) -> Image.Image:
    """A palette whose first colour is transparent."""
    found = ImageOps.invert(image).convert("P")
    found.info["transparency"] = found.getpixel((BOX[0], BOX[1]))
    return found


READ: dict[str, Callable[[], object]] = {
    "1": lambda: AREA.convert("1"),
    "L": lambda: AREA,
    "L, soft": lambda: AREA.point(lambda v: 128 if v else 127),
    "I;16": lambda: AREA.convert("I").point(lambda v: v * 257).convert("I;16"),
    "I": lambda: AREA.convert("I"),
    "F": lambda: AREA.convert("F").point(lambda v: v * (1 / 255) + 0),
    "RGB": lambda: AREA.convert("RGB"),
    "opaque P": lambda: AREA.convert("P"),
    "CMYK": lambda: AREA.convert("RGB").convert("CMYK"),
    "RGBA": lambda: HOLE,
    "RGBA, almost clear is kept": lambda: Image.merge("RGBA", (AREA, AREA, AREA, AREA.point([1] * 255 + [0]))),
    "LA": lambda: Image.merge("LA", (AREA, ImageOps.invert(AREA))),
    "P with transparency": lambda: transparent(AREA),
    "PNG": lambda: encoded(HOLE),
    "grey PNG": lambda: bytearray(encoded(AREA)),
    "palette PNG": lambda: encoded(transparent(AREA), transparency=transparent(AREA).info["transparency"]),
    "JPEG": lambda: encoded(AREA.convert("RGB"), "JPEG", quality=100),
    "WebP": lambda: encoded(HOLE, "WEBP", lossless=True, exact=True),
    "lossy WebP": lambda: encoded(AREA.convert("RGB"), "WEBP", quality=100),
    "turned": lambda: turned(AREA.transpose(Image.Transpose.ROTATE_90), 6, "PNG"),
    "turned in memory": lambda: opened(turned(AREA.transpose(Image.Transpose.ROTATE_90), 6, "PNG")),
    "a result": lambda: result(encoded(HOLE)),
    "booleans": lambda: TRUE,
    "booleans, x 1": lambda: TRUE[..., None],
    "not contiguous": lambda: np.asfortranarray(TRUE),
    "uint8": lambda: np.where(TRUE, 128, 127).astype("uint8"),
    "float64": lambda: np.where(TRUE, 0.5, 0.4999),
    "float32, x 1": lambda: TRUE[..., None].astype("float32"),
    "float16": lambda: TRUE.astype("float16"),
    "RGBA array": lambda: np.asarray(HOLE),
}  # fmt: skip


@pytest.mark.parametrize("what", READ)
def test_a_mask_is_read_whatever_it_is(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    area = masks.read(READ[what](), SIZE)
    assert (area.mode, area.size) == ("L", SIZE)
    assert area.tobytes() == AREA.tobytes()
    assert masks.box(area) == BOX
    assert masks.share(area) == 20 * 15 / (64 * 48)


def test_a_mask_is_read_from_a_file(tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(encoded(HOLE))
    for path in (tmp_path / "mask.png", str(tmp_path / "mask.png")):
        assert masks.read(path).tobytes() == AREA.tobytes()


COLOURED = Image.new("RGB", SIZE, (255, 240, 255))
OPAQUE = gradient(mode="RGBA")
INVERT_L, INVERT_A = "PIL.ImageOps.invert(mask.convert('L'))", "mask.convert('RGBA').getchannel('A')"

REFUSED: dict[str, tuple[object, str, str]] = {
    "smaller": (AREA.crop((0, 0, 32, 48)), "The mask has 32x48 pixels, the picture 64x48.", "Make the mask 64x48."),
    "on its side": (AREA.rotate(90, expand=True), "The mask has 48x64 pixels, the picture 64x48.", "Make the mask"),
    "no pixels": (Image.new("L", (0, 0)), "The mask has no pixels.", "as large as the picture"),
    "opaque": (OPAQUE, "The mask is opaque everywhere: nothing would change.", "Make what may change fully"),
    "opaque, black and white": (
        AREA.convert("RGBA"),
        "The mask is opaque everywhere",
        "Its colours are black and white: if white is what may change, hand it in as L: mask.convert('L').",
    ),
    "opaque and white": (Image.new("RGBA", SIZE, "white"), "opaque everywhere", "Make what may change"),
    "half transparent": (
        Image.new("RGBA", SIZE, (0, 0, 0, 3)),
        "its most transparent pixel has alpha 3 of 255.",
        "Erase what may change completely",
    ),
    "black": (Image.new("L", SIZE), "Nothing is painted in the mask: nothing would change.", "Paint what may change"),
    "too dark": (
        AREA.point(lambda v: v // 255),
        "its lightest pixel is 1 of 255, and 128 is needed.",
        "mask.convert('L').point(lambda v: 255 if v else 0)",
    ),
    "zeros and ones": (TRUE.astype("uint8"), "its lightest pixel is 1 of 255", "mask.astype(bool)"),
    "nothing true": (np.zeros((48, 64), bool), "Nothing is painted", "Paint what may change"),
    "white": (Image.new("L", SIZE, 255), "The mask covers everything: the whole picture would change.", INVERT_L),
    "all clear": (Image.new("RGBA", SIZE), "covers everything", INVERT_A),
    "all true": (np.ones((48, 64), bool), "covers everything", "invert it: ~mask."),
    "colours": (COLOURED, "The mask has colours (mode RGB): it does not say what may change.", "black and white"),
    "a GIF": (encoded(AREA, "GIF"), "This is a GIF picture", "PNG"),
    "a web page": (b"<html>", "This is a web page", "address"),
    "animated": (animated("WEBP"), "is animated (3 frames)", "Take one frame"),
    "cut short": (encoded(noise(64))[:-300], "damaged or cut short", "again"),
    "an address": ("https://example.com/mask.png", "The mask is an address", "Hand in its file."),
    "a number": (7, "a value of type int", "PIL.Image"),
    "integers": (TRUE.astype("int64"), "An array of shape (48, 64) and type int64", "mask.astype(bool)"),
    "three channels": (np.asarray(AREA.convert("RGB")), "shape (48, 64, 3) and type uint8", "height x width"),
    "four float channels": (np.zeros((48, 64, 4)), "shape (48, 64, 4) and type float64", "height x width"),
    "one row": (np.ones(64, bool), "shape (64,) and type bool", "height x width"),
    "an empty array": (np.ones((0, 64), bool), "shape (0, 64) and type bool", "height x width"),
    "numbers over 1": (np.asarray(AREA, float), "numbers go from 0 to 255, and 0 to 1 is taken.", "threshold"),
    "no numbers": (np.full((48, 64), np.nan), "go from nan to nan", "threshold"),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_mask_that_cannot_be_meant_is_refused_with_a_way_out(what: str) -> None:
    mask, message, hint = REFUSED[what]
    with pytest.raises(ImageError) as caught:
        masks.read(mask, SIZE)
    assert message in caught.value.message
    assert hint in caught.value.hint


def test_a_mask_for_the_picture_as_it_lay_before_is_called_that() -> None:
    lying = AREA.rotate(90, expand=True)
    with pytest.raises(ImageError, match=r"So had the picture before EXIF turned it upright\. .*exif_transpose"):
        masks.read(lying, SIZE, turned=True)
    with pytest.raises(ImageError) as caught:
        masks.read(AREA.crop((0, 0, 9, 9)), SIZE, turned=True)
    assert "EXIF" not in str(caught.value)


def invertible() -> dict[str, tuple[object, str]]:
    most = ImageOps.invert(AREA)
    alpha = Image.merge("RGBA", (AREA, AREA, AREA, AREA))
    array = np.asarray(most)
    return {
        "L": (most, INVERT_L),
        "RGBA": (alpha, INVERT_A),
        "booleans": (array > 0, "~mask"),
        "uint8": (array, "255 - mask"),
        "floats": (array / 255, "1 - mask"),
        "RGBA array": (np.asarray(alpha), "mask[..., 3]"),
    }


@pytest.mark.parametrize("what", invertible())
def test_a_mask_of_almost_everything_is_doubted_and_the_code_that_inverts_it_is_right(what: str) -> None:
    mask, code = invertible()[what]
    taken = masks.take(mask, SIZE)
    assert masks.share(taken.area) == 1 - masks.share(AREA)
    assert taken.doubts == (
        ("90 % of the picture would change by this mask.", f"If it is the other way round, invert it: {code}."),
    )
    inverted = eval(code, {"mask": mask, "PIL": PIL})
    assert masks.take(inverted, SIZE).doubts == ()
    assert masks.read(inverted, SIZE).tobytes() == AREA.tobytes()


def test_hardly_less_than_everything_is_not_called_everything() -> None:
    mask = Image.new("L", (64, 64), 255)
    mask.putpixel((0, 0), 0)
    assert masks.take(mask).doubts[0][0].startswith("99 % ")


@pytest.mark.parametrize(
    ("part", "value", "doubted"),
    [(0.04, 100, False), (0.06, 100, True), (0.06, 63, False), (0.06, 192, False), (0.06, 64, True), (0.06, 191, True)],
)
def test_a_mask_of_greys_is_doubted(part: float, value: int, doubted: bool) -> None:
    mask = Image.new("L", (100, 100))
    mask.paste(255, (0, 0, 50, 10))
    mask.paste(value, (0, 50, 100, 50 + round(part * 100)))
    assert bool(masks.take(mask).doubts) is doubted
    if doubted:
        assert masks.take(mask).doubts[0][0] == "6 % of the mask is neither black nor white: it is cut in the middle."


def painted(roll: random.Random) -> Image.Image:
    """A mask as somebody may paint it."""
    size = (roll.randint(2, 90), roll.randint(2, 90))
    area = Image.new("L", size)
    draw = ImageDraw.Draw(area)
    for _ in range(roll.randint(1, 6)):
        x, y, radius = roll.randrange(size[0]), roll.randrange(size[1]), roll.randint(0, 20)
        roll.choice((draw.ellipse, draw.rectangle))(
            (x - radius, y - radius, x + radius, y + radius), roll.choice((0, 255))
        )
    area.putpixel((0, 0), 255)
    area.putpixel((1, 1), 0)
    return area


@pytest.mark.parametrize("seed", range(60))
def test_what_was_painted_is_what_the_service_reads(seed: int) -> None:
    area = painted(random.Random(seed))
    data = masks.to_png(area)
    assert data == masks.to_png(area.copy())
    assert opened(data).mode == "RGBA"
    assert decode_mask(data, area.size).tobytes() == area.tobytes()
    assert masks.read(data, area.size).tobytes() == area.tobytes()
    assert masks.read(opened(data).convert("L")).tobytes() == area.tobytes()
    assert masks.share(area) == np.mean(np.asarray(area) == 255)


def test_a_mask_of_nothing_has_no_box() -> None:
    assert (masks.box(Image.new("L", SIZE)), masks.share(Image.new("L", SIZE))) == (None, 0)


class TestPreview:
    @pytest.mark.parametrize("ground", [0, 64, 128, 192, 255])
    def test_the_part_that_changes_stands_out_on_every_picture(self, ground: int) -> None:
        picture = encoded(Image.new("RGB", SIZE, (ground,) * 3))
        shown = np.asarray(masks.preview(picture, AREA), int)
        inside, outside = shown[12, 20], shown[40, 50]
        assert abs(inside - outside).max() > 40
        assert inside[0] > inside[1] + 60
        assert np.ptp(outside) <= 2
        edge = shown[12, BOX[2] - 3 : BOX[2] + 4]
        assert (edge == 255).all(axis=1).any()
        assert (edge == 0).all(axis=1).any()

    def test_the_rest_is_dimmed(self) -> None:
        shown = np.asarray(masks.preview(encoded(gradient()), AREA), int)
        assert np.ptp(shown[25:, 35:]) < np.ptp(np.asarray(gradient())[25:, 35:]) * 0.5

    def test_a_big_picture_becomes_smaller_and_a_thin_line_does_not_vanish(self) -> None:
        mask = Image.new("L", (2000, 1000))
        mask.paste(255, (999, 0, 1000, 1000))
        shown = masks.preview(encoded(Image.new("RGB", (2000, 1000), "white")), mask, edge=100)
        assert (shown.mode, shown.size) == ("RGB", (100, 50))
        assert len({shown.getpixel((x, 25)) for x in range(100)}) > 2

    def test_it_stands_upright_and_shows_transparency_as_a_ground(self) -> None:
        lying = gradient(48, 64, "RGBA")
        lying.putalpha(0)
        assert masks.preview(turned(lying, 6, "PNG"), AREA).size == SIZE
        with pytest.raises(ImageError, match="The mask has 64x48 pixels, the picture 48x64"):
            masks.preview(encoded(lying), AREA)
