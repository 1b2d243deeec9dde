"""What is done to a picture before it is sent: nothing, a copy that is said, or one clear refusal."""

from __future__ import annotations

import io
import random
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageCms

from tests.unit.pictures import (
    JPEG,
    PNG,
    WEBP,
    animated,
    bomb,
    cmyk,
    cmyk_profile,
    deep_png,
    encoded,
    gradient,
    noise,
    opened,
    packed_png,
    turned,
)
from tokenlab_nb import images, masks, prepare
from tokenlab_nb.errors import ImageError
from tokenlab_nb.pixels import probe

UNTOUCHED = {
    "PNG": PNG,
    "JPEG": JPEG,
    "WebP": WEBP,
    "grey JPEG": encoded(gradient(mode="L"), "JPEG"),
    "upright by EXIF": turned(gradient(), 1),
    "senseless EXIF": turned(gradient(), 9),
    "metadata": encoded(gradient(), "JPEG", comment=b"a comment", icc_profile=b"a profile"),
    **{f"PNG in {mode}": encoded(gradient(mode=mode)) for mode in ("1", "L", "LA", "P", "RGBA")},
}


@pytest.mark.parametrize("what", UNTOUCHED)
def test_bytes_to_which_nothing_is_to_be_done_stay_the_same(what: str) -> None:
    data = UNTOUCHED[what]
    prepared = prepare.reference(data)
    assert prepared.data is data
    assert (prepared.probe, prepared.changes) == (probe(data), ())


WARM, GREEN = (200, 100, 50), (0, 170, 0)
DEEP_WARM = tuple(value * 257 for value in WARM)
QUARTERS = Image.new("RGB", (64, 48), "red")
QUARTERS.paste("blue", (32, 0, 64, 24))  # the right half of the top

CONVERTED: dict[str, tuple[bytes, tuple[str, ...], str, tuple[int, ...]]] = {
    "16 bits, RGB": (deep_png(2, *DEEP_WARM), (prepare.DEEP,), "RGB", WARM),
    "16 bits, RGBA": (deep_png(6, *DEEP_WARM, 0x8000), (prepare.DEEP,), "RGBA", (*WARM, 128)),
    "16 bits, grey": (deep_png(0, 156 * 257), (prepare.DEEP,), "L", (156,)),
    "16 bits, almost black": (deep_png(0, 200), (prepare.DEEP,), "L", (0,)),
    "CMYK by its profile": (cmyk(255, 0, 0, 0, profile=cmyk_profile()), (prepare.PRINTED,), "RGB", GREEN),
    "CMYK without one": (cmyk(255, 0, 0, 0), (prepare.PRINTED_FREELY,), "RGB", (0, 255, 255)),
    "CMYK with another's": (
        cmyk(0, 0, 255, 0, profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()),
        (prepare.PRINTED_FREELY,),
        "RGB",
        (255, 255, 0),
    ),
    "turned and CMYK": (
        turned(Image.new("CMYK", (48, 64), (0, 0, 0, 255)), quality=100),
        (prepare.TURNED, prepare.PRINTED_FREELY),
        "RGB",
        (0, 0, 0),
    ),
}


@pytest.mark.parametrize("what", CONVERTED)
def test_another_picture_is_sent_as_a_copy_that_looks_the_same(what: str) -> None:
    data, changes, mode, colour = CONVERTED[what]
    prepared = prepare.reference(data)
    assert prepared.changes == changes
    assert prepared.probe == probe(prepared.data)
    assert (prepared.probe.media_type, prepared.probe.width, prepared.probe.height) == ("image/png", 64, 48)
    shown = opened(prepared.data)
    assert (shown.mode, "icc_profile" in shown.info) == (mode, False)
    found = shown.getpixel((5, 5))
    assert np.allclose(found, colour if len(colour) > 1 else colour[0], atol=6), found
    assert prepare.reference(data).data == prepared.data
    assert prepare.reference(prepared.data).changes == ()


# Where the blue quarter of QUARTERS stands after each turn, by the corner: x and y.
CORNERS = {2: (0, 0), 3: (0, 1), 4: (1, 1), 5: (0, 1), 6: (1, 1), 7: (1, 0), 8: (0, 0)}


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", CORNERS)
def test_a_picture_turned_by_exif_is_sent_upright(kind: str, orientation: int) -> None:
    prepared = prepare.reference(turned(QUARTERS, orientation, kind))
    assert prepared.changes == (prepare.TURNED,)
    assert (prepared.probe.width, prepared.probe.height) == ((48, 64) if orientation > 4 else (64, 48))
    shown = opened(prepared.data)
    assert not shown.getexif()
    size = shown.size
    blue = [
        (x, y)
        for x in (0, 1)
        for y in (0, 1)
        if shown.getpixel((size[0] * x * 3 // 4 + 5, size[1] * y * 3 // 4 + 5))[2] > 200
    ]
    assert blue == [CORNERS[orientation]]


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA"])
def test_an_upright_copy_keeps_its_kind_of_pixels_its_transparency_and_its_profile(mode: str) -> None:
    image = gradient(mode=mode)
    options: dict[str, Any] = {"transparency": 3} if mode == "P" else {}
    shown = opened(prepare.reference(turned(image, 3, "PNG", icc_profile=b"a profile", **options)).data)
    assert (shown.mode, shown.info["icc_profile"]) == (mode, b"a profile")
    assert shown.info.get("transparency") == options.get("transparency")
    image.info.update(options)
    assert shown.convert("RGBA").tobytes() == image.rotate(180).convert("RGBA").tobytes()


def test_the_transparent_colour_of_a_deep_picture_stays_transparent() -> None:
    for colour, samples in ((2, (0x1020, 0x3040, 0x5060)), (0, (0x1020,))):
        more = b"tRNS" + b"".join(value.to_bytes(2, "big") for value in samples)
        shown = opened(prepare.reference(deep_png(colour, *samples, more=(more,))).data)
        assert shown.convert("RGBA").getpixel((5, 5))[3] == 0


def test_a_copy_that_is_too_large_as_png_becomes_a_jpeg(monkeypatch: pytest.MonkeyPatch) -> None:
    """And no more of the PNG is written than may be sent."""
    monkeypatch.setattr(images, "MAX_SOURCE_BYTES", 150_000)
    image = noise(250)
    data = turned(image, 3, quality=80, icc_profile=b"a profile")
    prepared = prepare.reference(data)
    assert prepared.changes == (prepare.TURNED, prepare.AS_JPEG)
    assert (prepared.probe, prepared.probe.media_type) == (probe(prepared.data), "image/jpeg")
    shown = opened(prepared.data)
    assert (shown.layer[0][1:3], shown.info["icc_profile"]) == ((1, 1), b"a profile")
    assert prepare.reference(data).data == prepared.data


def test_transparency_that_a_jpeg_cannot_have_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_SOURCE_BYTES", 100_000)
    image = noise(200).convert("RGBA")
    image.putalpha(0)
    prepared = prepare.in_memory(image)
    assert prepared is not None
    assert prepared.changes == (prepare.ON_WHITE,)
    assert not prepared.probe.has_alpha
    assert opened(prepared.data).getpixel((9, 9)) == (255, 255, 255)


def test_what_is_too_large_in_every_way_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(images, "MAX_SOURCE_BYTES", 1000)
    with pytest.raises(ImageError, match="at most") as caught:
        prepare.in_memory(noise(200))
    assert caught.value.hint == "Make the picture smaller."


REFUSED = {
    "empty": (b"", "The picture is empty"),
    "animated PNG": (animated("PNG"), r"is animated \(3 frames\), and a still one is needed\. Take one frame: .*seek"),
    "animated WebP": (animated("WEBP", 2), r"is animated \(2 frames\)"),
    "cut PNG": (PNG[:-40], "PNG picture is damaged or cut short"),
    "cut JPEG": (JPEG[: len(JPEG) // 2], "JPEG picture is damaged or cut short"),
    "cut WebP": (WEBP[:-40], "WebP picture is damaged or cut short"),
    "SVG": (b"<svg xmlns='x'/>", "This is an SVG drawing"),
    "GIF": (encoded(gradient(), "GIF"), "This is a GIF picture"),
    "AVIF": (b"\0\0\0\x1cftypavif", "AVIF"),
    "HTML": (b"<!doctype html>", "web page"),
    "JSON": (b'{"a": 1}', "JSON"),
    "bomb": (bomb(), "50000 x 50000 pixels"),
    **{f"bomb in {name}": (packed_png(name), "unpack to far more") for name in ("zTXt", "iTXt", "iCCP")},
    "too large": (bytes(50_000_001), "The file has 50,000,001 bytes; 50,000,000 at most. Make the picture smaller."),
}


@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_sent_is_refused_in_one_sentence(what: str) -> None:
    data, words = REFUSED[what]
    with pytest.raises(ImageError, match=words) as caught:
        prepare.reference(data)
    assert caught.value.hint


@pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
@pytest.mark.parametrize("exif", [b"II*\x00\xff\xff\xff\xff" + bytes(20), b"no such thing as a TIFF header"])
def test_damaged_exif_data_do_not_matter(exif: bytes) -> None:
    data = encoded(gradient(), "JPEG", exif=b"Exif\x00\x00" + exif)
    assert prepare.reference(data).data is data


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "data",
    [turned(gradient()), turned(gradient(), 6, "PNG"), deep_png(2, 1, 2, 3), cmyk(9, 9, 9, 9, profile=cmyk_profile())],
    ids=["JPEG", "PNG", "16 bits", "CMYK"],
)
def test_flipped_bytes_never_raise_anything_else(data: bytes) -> None:
    chance = random.Random(3)
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(chance.choice((1, 5, 40))):
            changed[chance.randrange(min(len(changed), 900))] = chance.randrange(256)
        for use in (prepare.reference, masks.take):
            with suppress(ImageError):
                use(bytes(changed))


def test_one_frame_of_an_animation_is_a_picture() -> None:
    """As the refusal says."""
    image = Image.open(io.BytesIO(animated("WEBP")))
    image.seek(1)
    prepared = prepare.in_memory(image)
    assert prepared is not None
    assert (prepared.probe.frames, prepared.changes) == (1, ())


class TestInMemory:
    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA"])
    def test_a_pil_image_becomes_a_png_of_the_same_pixels(self, mode: str) -> None:
        image = gradient(mode=mode)
        prepared = prepare.in_memory(image)
        assert prepared is not None
        assert (prepared.probe, prepared.changes) == (probe(prepared.data), ())
        assert opened(prepared.data).tobytes() == image.tobytes()

    @pytest.mark.parametrize("mode", ["YCbCr", "HSV", "CMYK", "I;16", "I", "F"])
    def test_other_pixels_look_the_same_and_that_is_said(self, mode: str) -> None:
        grey = Image.new("L", (64, 48), 156)
        image = grey.convert("I").point(lambda v: v * 257).convert("I;16") if mode == "I;16" else None
        prepared = prepare.in_memory(image or (grey if mode in "IF" else grey.convert("RGB")).convert(mode))
        assert prepared is not None
        assert len(prepared.changes) == 1
        assert abs(opened(prepared.data).convert("L").getpixel((9, 9)) - 156) < 3

    @pytest.mark.parametrize(("mode", "factor"), [("F", 1 / 255), ("I", 257)])
    def test_numbers_of_another_scale_are_scaled(self, mode: str, factor: float) -> None:
        image = Image.new(mode, (64, 48), 0)
        image.paste(156 * factor if mode == "F" else int(156 * factor), (0, 0, 64, 40))
        prepared = prepare.in_memory(image)
        assert prepared is not None
        assert opened(prepared.data).convert("L").getpixel((9, 9)) == 156

    def test_it_keeps_transparency_and_profile_and_stands_upright_and_the_users_own_stays_as_it_is(self) -> None:
        image = gradient(60, 30, "RGBA")
        image.putalpha(100)
        image.getexif()[0x0112] = 6
        image.info["icc_profile"] = b"a profile"
        prepared = prepare.in_memory(image)
        assert prepared is not None
        assert prepared.changes == (prepare.TURNED,)
        found = opened(prepared.data)
        assert (found.mode, found.size, found.info["icc_profile"]) == ("RGBA", (30, 60), b"a profile")
        assert found.getpixel((3, 3))[3] == 100
        assert (image.size, image.info["icc_profile"]) == ((60, 30), b"a profile")

    def test_what_cannot_be_written_is_refused(self) -> None:
        cut = Image.open(io.BytesIO(JPEG[:700]))
        for image in (Image.new("RGB", (0, 0)), cut):
            with pytest.raises(ImageError, match="cannot be written as PNG"):
                prepare.in_memory(image)

    def test_more_pixels_than_are_taken_from_a_file_are_not_taken_from_memory(self) -> None:
        with pytest.raises(ImageError, match="10001 x 10000 pixels"):
            prepare.in_memory(Image.new("1", (10_001, 10_000)))

    @pytest.mark.parametrize("mode", ["L", "RGB", "RGBA"])
    def test_an_array_becomes_a_png_of_the_same_pixels(self, mode: str) -> None:
        image = gradient(mode=mode)
        for array in (np.asarray(image), np.asfortranarray(np.asarray(image)), Becoming(np.asarray(image))):
            prepared = prepare.in_memory(array)
            assert prepared is not None
            assert opened(prepared.data).tobytes() == image.tobytes()

    @pytest.mark.parametrize(
        ("shape", "kind"),
        [((48, 64, 3), "float64"), ((3, 48, 64), "uint8"), ((1, 48, 64, 3), "uint8"), ((), "uint8"), ((0, 9), "uint8")],
    )
    def test_an_array_of_another_shape_or_type_is_refused_with_a_way_out(self, shape: tuple[int], kind: str) -> None:
        with pytest.raises(ImageError, match="is not taken as a picture") as caught:
            prepare.in_memory(np.zeros(shape, kind))
        assert str(shape) in caught.value.message
        assert "astype('uint8')" in caught.value.hint

    def test_what_promises_an_array_and_has_none_is_refused(self) -> None:
        with pytest.raises(ImageError, match=r"A Becoming did not become an array .*on another device"):
            prepare.in_memory(Becoming(None))

    @pytest.mark.parametrize("thing", [b"", "a.png", None, 3, [1]])
    def test_anything_else_is_none(self, thing: object) -> None:
        assert prepare.in_memory(thing) is None


class Becoming:
    """A tensor, say."""

    def __init__(self, array: Any) -> None:
        self.array = array

    def __array__(self) -> Any:
        if self.array is None:
            raise TypeError("it is on another device")
        return self.array
