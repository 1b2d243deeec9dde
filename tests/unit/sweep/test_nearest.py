"""Near values: by shape, by pixels, by rank, by what a format can hold; and none where nothing is near."""

from __future__ import annotations

import pytest

from tokenlab_nb.contract.model import Json, Param, SizeRule
from tokenlab_nb.contract.validate import check_value
from tokenlab_nb.sweep.nearest import near_value, ratio_near, resolution_near, size_near, size_of_shape

RULE = SizeRule(16, 3840, 3, 655_360, 8_294_400, ("auto",))
SIZES = ("256x256", "1024x1024", "1024x1536", "1536x1024")
RATIOS = ("1:1", "16:9", "9:16", "4:3", "3:4")


def choice(name: str, *choices: str) -> Param:
    return Param(name, "choice", choices=choices)


@pytest.mark.parametrize(
    ("param", "value", "near"),
    [
        (choice("quality", "low", "medium", "high"), "hd", "high"),
        (choice("quality", "low", "medium", "high"), "standard", "medium"),
        (choice("quality", "standard", "hd"), "low", "standard"),
        (choice("quality", "standard", "hd"), "high", "hd"),
        (choice("quality", "low", "high"), "medium", "low"),  # as near on both sides: what costs less
        (choice("quality", "auto", "draft"), "high", None),
        (choice("quality", "low", "high"), "ultra", None),
        (choice("quality", "low", "high"), "HIGH", "high"),
        (choice("quality", "low", "high"), "hihg", "high"),  # almost the same spelling
        (choice("quality", "low", "high"), 3, None),
        (choice("output_format", "png", "jpeg"), "webp", "png"),
        (choice("output_format", "jpeg", "webp"), "png", "webp"),
        (choice("output_format", "png", "webp"), "jpeg", "webp"),
        (choice("output_format", "png", "jpeg"), "jpg", "jpeg"),
        (choice("output_format", "png", "jpeg"), "tiff", None),
        (choice("resolution", "1k", "2k"), "4k", "2k"),
        (choice("resolution", "1K", "2K"), "1k", "1K"),
        (choice("aspect_ratio", *RATIOS), "21:9", "16:9"),
        (choice("size", *SIZES), "1536x1000", "1536x1024"),
        (choice("style", "vivid", "natural"), "vividd", "vivid"),
        (choice("background", "auto", "opaque"), "transparent", None),
        (Param("n", "integer", minimum=1, maximum=4), 9, 4),
        (Param("output_compression", "integer", minimum=0, maximum=100), -5, 0),
        (
            Param("size", "string", size_rule=RULE, suggestions=SIZES),
            "1000x1000",
            "992x992",
        ),  # not the next one of a list
        (Param("user", "string"), 7, None),
    ],
)
def test_the_nearest_value_is_one_that_is_taken(param: Param, value: Json, near: Json) -> None:
    assert near_value(param, value) == near
    assert near is None or check_value(param, near) is None


def test_a_size_is_near_by_shape_first_and_then_by_pixels() -> None:
    assert size_near("1792x1024", SIZES) == "1536x1024"
    assert size_near("512x512", SIZES) == "256x256"
    assert size_near("800x800", SIZES) == "1024x1024"
    assert size_near("wide", SIZES) is None
    assert size_near("512x512", ("auto",)) is None


def test_a_ratio_is_near_to_sizes_and_to_ratios() -> None:
    assert ratio_near("1536x1024", RATIOS) == "4:3"
    assert ratio_near("9:21", RATIOS) == "9:16"
    assert ratio_near("square", RATIOS) is None


def test_a_size_class_is_near_by_pixels_and_of_two_it_is_the_smaller() -> None:
    assert resolution_near("1536x1024", ("1k", "2k", "4k")) == "1k"
    assert resolution_near("3000x2000", ("4k", "2k", "1k")) == "2k"
    assert resolution_near("2k", ("4k", "1k")) == "1k"
    assert resolution_near("large", ("1k",)) is None
    assert resolution_near("2k", ("small",)) is None


@pytest.mark.parametrize(
    ("ratio", "resolution", "size"),
    [
        ("1:1", None, "1024x1024"),
        ("16:9", None, "1280x720"),
        ("16:9", "1k", "1280x720"),
        ("16:9", "4k", "3840x2160"),  # the bounds end there
        ("1:1", "2k", "2048x2048"),
        ("32:18", 7, "1280x720"),
        ("3:1", None, "1776x592"),
        ("1:4", None, None),
        ("square", None, None),
    ],
)
def test_within_bounds_a_ratio_is_a_size_of_exactly_that_shape(ratio: str, resolution: Json, size: str | None) -> None:
    found = size_of_shape(RULE, ratio, resolution)
    if size is None and found:  # the shape is cut to the narrowest that there is
        width, height = map(int, found.split("x"))
        assert height / width <= RULE.max_ratio
    else:
        assert found == size
    assert found is None or check_value(Param("size", "string", size_rule=RULE), found) is None


def test_a_shape_that_no_multiple_has_is_about_kept() -> None:
    found = size_of_shape(RULE, "701:499", None)
    assert found
    width, height = map(int, found.split("x"))
    assert width / height == pytest.approx(701 / 499, rel=0.03)
    assert width * height == pytest.approx(1024 * 1024, rel=0.1)
