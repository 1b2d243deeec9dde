"""Drawings prove what arrived: each reference is seen in its place, and only what may change does."""

from __future__ import annotations

from dataclasses import replace

import pytest
from PIL import Image, ImageChops, ImageStat

from tokenlab_nb.sandbox.manners import MANNERS
from tokenlab_nb.sandbox.painter import SAMPLES, Picture, paint, sample

from .likeness import likeness
from .test_painter import BY_MANNER, mask, opened, png

STRANGERS = ("fox", "city", "portrait")  # samples that are not like each other
LEFT, RIGHT = (0.02, 0.04, 0.49, 0.96), (0.51, 0.04, 0.98, 0.96)
FORMATS = ("png", "jpeg", "webp")
manners = pytest.mark.parametrize("manner", [manner.name for manner in MANNERS])


def painted(**fields: object) -> Image.Image:
    return opened(paint(replace(Picture("maker-one", "a balloon", 512, 384), **fields)))


def seen(name: str) -> Image.Image:
    return opened(sample(name))


@pytest.mark.parametrize("operation", ["image-to-image", "image-edit", "image-variation"])
@manners
def test_a_result_is_like_its_reference_and_no_other(manner: str, operation: str) -> None:
    for name in STRANGERS:
        result = painted(model=BY_MANNER[manner], operation=operation, references=(sample(name),))
        others = max(likeness(result, seen(other)) for other in STRANGERS if other != name)
        assert likeness(result, seen(name)) > max(0.4, others + 0.1)


@pytest.mark.parametrize("output_format", FORMATS)
@manners
def test_two_references_stand_in_their_order(manner: str, output_format: str) -> None:
    for first, second in (("fox", "city"), ("city", "fox")):
        result = painted(
            model=BY_MANNER[manner],
            height=256,
            operation="image-to-image",
            output_format=output_format,
            references=(sample(first), sample(second)),
        )
        assert likeness(result, seen(first), LEFT) > likeness(result, seen(second), LEFT) + 0.3
        assert likeness(result, seen(second), RIGHT) > likeness(result, seen(first), RIGHT) + 0.3


def test_the_order_of_an_edits_further_references_is_seen() -> None:
    base, *prints = (sample(name) for name in ("mountains", "fox", "city"))
    there = painted(operation="image-edit", references=(base, *prints))
    back = painted(operation="image-edit", references=(base, *reversed(prints)))
    assert ImageChops.difference(there, back).getbbox() is not None


@pytest.mark.parametrize(("output_format", "most"), [("png", 0.0), ("jpeg", 4.0), ("webp", 6.0)])
def test_outside_the_mask_nothing_changes_but_what_the_format_costs(output_format: str, most: float) -> None:
    source = seen("city").convert("RGB").resize((256, 192))
    hole = (40, 40, 159, 139)
    result = painted(
        width=256,
        height=192,
        operation="image-edit",
        output_format=output_format,
        references=(png(source),),
        mask=mask((256, 192), hole),
    ).convert("RGB")
    change = ImageChops.difference(result, source)
    inside = sum(ImageStat.Stat(change.crop((40, 40, 160, 140))).mean) / 3
    away = change.copy()
    away.paste(0, (32, 32, 168, 148))  # a lossy format smears the area's edge by a block
    assert sum(ImageStat.Stat(away).mean) / 3 <= most
    assert inside > 20
    if output_format == "png":
        change.paste(0, (40, 40, 160, 140))
        assert change.getbbox() is None


@manners
def test_a_variation_is_close_to_its_source_and_another_each_time(manner: str) -> None:
    source = seen("mountains").convert("RGB").resize((512, 384))
    fields = {"model": BY_MANNER[manner], "operation": "image-variation", "references": (png(source),)}
    pictures = [painted(index=index, **fields) for index in range(3)]
    assert all(likeness(each, source) > 0.75 for each in pictures)
    assert len({each.tobytes() for each in (source, *pictures)}) == 4


def cut(name: str, output_format: str = "png") -> tuple[Image.Image, Image.Image]:
    source = seen(name)
    size = {"width": source.width, "height": source.height}
    return source, painted(
        **size, operation="image-edit", tool="cut-out", output_format=output_format, references=(sample(name),)
    )


@pytest.mark.parametrize("name", SAMPLES)
def test_a_background_is_cut_away_and_the_rest_is_untouched(name: str) -> None:
    source, result = cut(name)
    assert result.mode == "RGBA"
    shares = result.getchannel("A").histogram()
    pixels = result.width * result.height
    assert shares[0] > 0.1 * pixels
    assert shares[255] > 0.1 * pixels
    kept = result.getchannel("A").point(lambda alpha: 255 if alpha == 255 else 0)
    change = ImageChops.difference(result.convert("RGB"), source.convert("RGB"))
    assert ImageStat.Stat(change, kept).sum == [0, 0, 0]


def test_what_was_transparent_stays_so() -> None:
    source, result = cut("teapot", "webp")
    assert ImageChops.subtract(result.getchannel("A"), source.getchannel("A")).getbbox() is None


def test_a_picture_in_which_nothing_stands_out_is_cut_to_an_oval() -> None:
    flat = png(Image.new("RGB", (64, 64), "teal"))
    alpha = painted(width=64, height=64, operation="image-edit", tool="cut-out", references=(flat,)).getchannel("A")
    assert (alpha.getpixel((0, 0)), alpha.getpixel((32, 32))) == (0, 255)


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_an_upscaler_only_adds_pixels(mode: str) -> None:
    source = seen("fox").convert(mode).resize((256, 192))
    result = painted(width=1024, height=768, operation="image-to-image", tool="enlarge", references=(png(source),))
    assert (result.size, result.mode) == ((1024, 768), mode)
    assert likeness(result, source) > 0.995
    back = ImageChops.difference(result.convert("RGB").resize(source.size, Image.Resampling.BOX), source.convert("RGB"))
    assert sum(ImageStat.Stat(back).mean) / 3 < 3


@pytest.mark.parametrize(("width", "height"), [(640, 360), (360, 640), (512, 512)])
def test_a_new_frame_keeps_the_whole_picture(width: int, height: int) -> None:
    source = seen("portrait")
    result = painted(
        width=width, height=height, operation="image-to-image", tool="reframe", references=(sample("portrait"),)
    )
    scale = min(width / source.width, height / source.height)
    inner = (source.width * scale / width, source.height * scale / height)
    box = (0.5 - inner[0] / 2, 0.5 - inner[1] / 2, 0.5 + inner[0] / 2, 0.5 + inner[1] / 2)
    assert result.size == (width, height)
    assert likeness(result, source, box) > 0.99


@pytest.mark.parametrize("size", [(3000, 2000), (2000, 3000)])
def test_a_large_photograph_is_read_at_a_part_of_its_size_and_looks_the_same(size: tuple[int, int]) -> None:
    photograph = seen("fox").convert("RGB").resize(size)
    jpeg = paint(
        Picture("m", "x", *size, operation="x", tool="enlarge", output_format="jpeg", references=(png(photograph),))
    )
    fields = {"operation": "image-edit", "width": 512, "height": 512}
    assert likeness(painted(references=(jpeg,), **fields), painted(references=(png(photograph),), **fields)) > 0.99
