import pytest

from tokenlab_nb.contract.carry import Carried, Dropped, Mapped, carry
from tokenlab_nb.contract.model import GENERATIONS, Operation, Param, SizeRule

RATIO = Param("aspect_ratio", "choice", choices=("1:1", "3:2", "16:9", "21:9"))
FREE_RATIO = Param("aspect_ratio", "string", suggestions=("1:1", "16:9"))
CLASS = Param("resolution", "choice", choices=("1k", "2k", "4K"))
SIZE = Param(
    "size",
    "string",
    suggestions=("auto", "1024x1024", "1536x1024", "2048x2048", "3840x2160"),
    size_rule=SizeRule(16, 3840, 3, 655_360, 8_294_400, ("auto",)),
)
SEED = Param("seed", "integer")
QUALITY = Param("quality", "choice", label="Quality", choices=("low", "high"))


def model(name: str, *params: Param) -> tuple[str, Operation]:
    return name, Operation("text-to-image", GENERATIONS, {param.name: param for param in params})


def test_what_the_new_model_takes_is_kept() -> None:
    carried = carry({"seed": 7, "quality": "high"}, [model("x", SEED, QUALITY)])
    assert carried == Carried({"seed": 7, "quality": "high"})
    assert carried.line == "kept: seed, quality"


def test_one_line_says_kept_mapped_and_dropped() -> None:
    values = {"seed": 7, "size": "1536x1024", "quality": "high"}
    carried = carry(values, [model("x", SEED, RATIO)])
    assert carried.line == (
        "kept: seed   mapped: size 1536x1024 -> aspect_ratio 3:2   dropped: quality (not taken by x)"
    )
    assert carried.values == {"seed": 7, "aspect_ratio": "3:2"}


def test_nothing_to_carry_gives_an_empty_line() -> None:
    assert carry({}, [model("x", SEED)]).line == ""


def test_one_of_several_models_is_enough_to_keep_a_value() -> None:
    assert carry({"seed": 7}, [model("x", RATIO), model("y", SEED)]).kept == {"seed": 7}


def test_a_refused_value_is_dropped_with_the_reason_and_never_bent() -> None:
    carried = carry({"quality": "ultra"}, [model("x", QUALITY)])
    assert carried.values == {}
    assert carried.dropped == (Dropped("quality", "ultra", '"ultra" is not taken here as quality'),)


def test_every_model_that_does_not_take_it_is_named() -> None:
    assert carry({"seed": 7}, [model("x"), model("y")]).dropped[0].reason == "not taken by x or y"


def test_without_models_nothing_is_kept() -> None:
    assert carry({"seed": 7}, []).line == "dropped: seed (not taken by any model)"


def test_a_field_that_is_no_option_there_is_not_taken() -> None:
    reference = Param("image_url", "string", role="reference")
    assert carry({"image_url": "x"}, [model("x", reference)]).values == {}


@pytest.mark.parametrize(
    ("size", "params", "into"),
    [
        ("3840x1645", (RATIO,), {}),
        ("2560x1097", (RATIO,), {}),
        ("2016x864", (RATIO,), {"aspect_ratio": "21:9"}),
        ("1920x1080", (RATIO, CLASS), {"aspect_ratio": "16:9"}),
        ("3840x2160", (RATIO, CLASS), {"aspect_ratio": "16:9", "resolution": "4K"}),
        ("1024x1024", (RATIO, CLASS), {"aspect_ratio": "1:1", "resolution": "1k"}),
        ("1024x768", (FREE_RATIO,), {"aspect_ratio": "4:3"}),
        ("1000x1024", (FREE_RATIO,), {}),
        ("2048x2048", (CLASS,), {"resolution": "2k"}),
        ("2048x1024", (CLASS,), {}),
        ("2048x2048", (Param("aspect_ratio", "choice", choices=("16:9",)), CLASS), {}),
        ("300x300", (CLASS,), {}),
        ("auto", (RATIO,), {}),
        (1024, (RATIO,), {}),
    ],
)
def test_a_size_becomes_a_ratio_only_where_both_say_the_same(
    size: str, params: tuple[Param, ...], into: dict[str, str]
) -> None:
    assert carry({"size": size}, [model("x", *params)]).values == into


@pytest.mark.parametrize(
    ("values", "into", "line"),
    [
        ({"aspect_ratio": "3:2"}, "1536x1024", "mapped: aspect_ratio 3:2 -> size 1536x1024"),
        ({"aspect_ratio": "1:1"}, "1024x1024", "mapped: aspect_ratio 1:1 -> size 1024x1024"),
        (
            {"aspect_ratio": "1:1", "resolution": "2k"},
            "2048x2048",
            "mapped: aspect_ratio 1:1, resolution 2k -> size 2048x2048",
        ),
        (
            {"aspect_ratio": "3:2", "resolution": "4k"},
            "1536x1024",
            "mapped: aspect_ratio 3:2 -> size 1536x1024   dropped: resolution (not taken by x)",
        ),
        ({"resolution": "4k"}, "3840x2160", "mapped: resolution 4k -> size 3840x2160"),
    ],
)
def test_a_ratio_becomes_a_listed_size_of_that_shape(values: dict[str, str], into: str, line: str) -> None:
    carried = carry(values, [model("x", SIZE)])
    assert carried.values == {"size": into}
    assert carried.line == line


@pytest.mark.parametrize("values", [{"aspect_ratio": "5:4"}, {"aspect_ratio": "wide"}, {"resolution": "8k"}])
def test_a_shape_that_no_listed_size_has_is_dropped(values: dict[str, str]) -> None:
    carried = carry(values, [model("x", SIZE)])
    assert carried.values == {}
    assert [drop.name for drop in carried.dropped] == list(values)


def test_a_size_class_that_fits_several_sizes_is_dropped() -> None:
    sizes = Param("size", "choice", choices=("1024x1024", "1024x768"))
    assert carry({"resolution": "1k"}, [model("x", sizes)]).values == {}


def test_there_and_back_is_the_same_size() -> None:
    there = carry({"size": "1536x1024"}, [model("x", RATIO)])
    assert carry(there.values, [model("y", SIZE)]).values == {"size": "1536x1024"}


@pytest.mark.parametrize(("old", "new"), [("compression", "output_compression"), ("output_compression", "compression")])
def test_the_two_names_of_compression_are_one(old: str, new: str) -> None:
    carried = carry({old: 80}, [model("x", Param(new, "integer", minimum=0, maximum=100))])
    assert carried.mapped == (Mapped({old: 80}, {new: 80}),)


def test_a_synonym_that_is_refused_is_dropped() -> None:
    assert carry({"compression": 800}, [model("x", Param("output_compression", "integer", maximum=100))]).values == {}


def test_a_mapping_never_overwrites_a_kept_value() -> None:
    carried = carry({"size": "1536x1024", "aspect_ratio": "16:9"}, [model("x", RATIO)])
    assert carried.values == {"aspect_ratio": "16:9"}
    assert carried.line == "kept: aspect_ratio   dropped: size (not taken by x)"
