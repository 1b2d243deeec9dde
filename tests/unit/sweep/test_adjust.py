"""What was asked against what one operation takes: each difference named, nothing invented."""

from __future__ import annotations

import pytest

from tokenlab_nb.contract.model import GENERATIONS, Contract, Json, Model, Operation, Param, SizeRule
from tokenlab_nb.sweep.adjust import MOST_REQUESTS, Adjusted, adjust, chosen_operation, reasons, without_prompt

RATIO = Param("aspect_ratio", "choice", choices=("1:1", "16:9", "4:3"))
CLASS = Param("resolution", "choice", choices=("1k", "2k"))
RULED = Param("size", "string", suggestions=("auto", "1024x1024", "3840x2160"),
              size_rule=SizeRule(16, 3840, 3, 655_360, 8_294_400, ("auto",)))  # fmt: skip
SIZE = Param("size", "string", suggestions=("1024x1024", "1536x1024"))
QUALITY = Param("quality", "choice", label="Quality", choices=("low", "medium", "high"))
SEED = Param("seed", "integer")
N = Param("n", "integer", minimum=1, maximum=4)
FORMAT = Param("output_format", "choice", choices=("png", "jpeg"))
BACKGROUND = Param("background", "choice", choices=("transparent", "opaque"))
TASK, ANSWER = Param("async", "boolean"), Param("response_format", "choice", choices=("url", "b64_json"))


def fit(values: dict[str, Json], *params: Param) -> Adjusted:
    return adjust("m", Operation("text-to-image", GENERATIONS, {param.name: param for param in params}), values)


def told(adjusted: Adjusted) -> list[str]:
    return [str(difference) for difference in adjusted.differences]


def test_what_is_taken_is_sent_as_it_is() -> None:
    assert fit({"seed": 7, "quality": "high", "n": 3}, SEED, QUALITY, N) == Adjusted(
        {"seed": 7, "quality": "high"}, (3,)
    )
    assert fit({}, SEED) == Adjusted({})


def test_a_setting_that_the_model_lacks_is_left_out() -> None:
    adjusted = fit({"seed": 7}, QUALITY)
    assert adjusted.values == {}
    (difference,) = adjusted.differences
    assert (difference.field, difference.asked, difference.sent) == ("seed", 7, None)
    assert str(difference) == "seed 7 is left out: not taken here."


def test_a_slip_of_the_pen_is_left_out_with_a_hint() -> None:
    assert told(fit({"qualty": "high"}, QUALITY)) == ["qualty high is left out: not taken here. Did you mean quality?"]


def test_a_long_value_is_cut_in_the_words_only() -> None:
    (difference,) = fit({"negative_prompt": "x" * 500}).differences
    assert difference.asked == "x" * 500
    assert len(str(difference)) < 120
    assert told(fit({"weird": {"a": [1, None]}})) == ['weird {"a": [1, null]} is left out: not taken here.']


@pytest.mark.parametrize(
    ("size", "params", "sent", "text"),
    [
        ("1024x1024", (RATIO,), {"aspect_ratio": "1:1"}, "size 1024x1024 is sent as aspect_ratio 1:1."),
        (
            "2048x1536",
            (RATIO, CLASS),
            {"aspect_ratio": "4:3", "resolution": "2k"},
            "size 2048x1536 is sent as aspect_ratio 4:3, resolution 2k.",
        ),
        (
            "1600x1200",
            (RATIO, CLASS),
            {"aspect_ratio": "4:3", "resolution": "1k"},
            "size 1600x1200 is sent as aspect_ratio 4:3, resolution 1k.",
        ),
        (
            "1536x1024",
            (RATIO, CLASS),
            {"aspect_ratio": "4:3", "resolution": "1k"},
            "size 1536x1024 is sent as aspect_ratio 4:3, resolution 1k, the nearest that is listed.",
        ),
        (
            "1536x1024",
            (RATIO,),
            {"aspect_ratio": "4:3"},
            "size 1536x1024 is sent as aspect_ratio 4:3, the nearest that is listed.",
        ),
        ("wide", (RATIO,), {}, "size wide is left out: not taken here."),
        (7, (RATIO,), {}, "size 7 is left out: not taken here."),
        ("1536x1024", (), {}, "size 1536x1024 is left out: not taken here."),
    ],
)
def test_a_size_is_said_as_a_ratio_exactly_or_nearly(
    size: Json, params: tuple[Param, ...], sent: dict[str, Json], text: str
) -> None:
    adjusted = fit({"size": size}, *params)
    assert (adjusted.values, told(adjusted)) == (sent, [text])
    assert adjusted.differences[0].sent == (sent or None)


def test_a_size_never_overrules_a_ratio_that_was_asked_for() -> None:
    adjusted = fit({"size": "1600x1200", "aspect_ratio": "16:9", "resolution": "2k"}, RATIO, CLASS)
    assert adjusted.values == {"aspect_ratio": "16:9", "resolution": "2k"}
    assert told(adjusted) == ["size 1600x1200 is left out: not taken here."]


def test_a_ratio_is_a_size_of_that_shape_and_never_a_larger_one_than_was_asked() -> None:
    adjusted = fit({"aspect_ratio": "16:9"}, RULED)
    assert (adjusted.values, told(adjusted)) == ({"size": "1280x720"}, ["aspect_ratio 16:9 is sent as size 1280x720."])
    both = fit({"aspect_ratio": "16:9", "resolution": "4k"}, RULED)
    assert both.values == {"size": "3840x2160"}
    (difference,) = both.differences
    assert difference.asked == {"aspect_ratio": "16:9", "resolution": "4k"}
    assert str(difference) == "aspect_ratio 16:9, resolution 4k is sent as size 3840x2160."


def test_a_resolution_that_is_taken_stays_beside_the_size() -> None:
    adjusted = fit({"aspect_ratio": "1:1", "resolution": "2k"}, RULED, CLASS)
    assert adjusted.values == {"size": "2048x2048", "resolution": "2k"}
    assert [each.field for each in adjusted.differences] == ["aspect_ratio"]


def test_a_shape_without_a_ruled_size_is_left_out() -> None:
    assert told(fit({"aspect_ratio": "square"}, RULED)) == ["aspect_ratio square is left out: not taken here."]
    assert fit({"aspect_ratio": "16:9", "size": "1024x1024"}, RULED).values == {"size": "1024x1024"}


def test_a_ratio_is_the_nearest_listed_size() -> None:
    adjusted = fit({"aspect_ratio": "16:9"}, SIZE)
    assert adjusted.values == {"size": "1536x1024"}
    assert told(adjusted) == ["aspect_ratio 16:9 is sent as size 1536x1024, the nearest that is listed."]
    assert fit({"aspect_ratio": 5}, SIZE).values == {}


def test_a_value_that_is_refused_becomes_the_nearest_one() -> None:
    adjusted = fit({"quality": "hd", "aspect_ratio": "21:9"}, QUALITY, RATIO)
    assert adjusted.values == {"quality": "high", "aspect_ratio": "16:9"}
    assert told(adjusted) == [
        "quality high instead of hd, the nearest that is taken here.",
        "aspect_ratio 16:9 instead of 21:9, the nearest that is taken here.",
    ]


def test_a_value_without_a_near_one_is_impossible_in_the_words_of_the_issue() -> None:
    adjusted = fit({"quality": "ultra"}, QUALITY)
    assert reasons(adjusted.issues) == '"ultra" is not taken here as quality. Choose one of low, medium, high.'
    assert not adjusted.differences


def test_a_listed_size_with_no_near_one_may_still_be_said_as_a_ratio() -> None:
    words = Param("size", "choice", choices=("small", "large"))
    assert fit({"size": "1536x1024"}, words, RATIO).values == {"aspect_ratio": "4:3"}


def test_the_same_setting_under_its_other_name() -> None:
    adjusted = fit({"compression": 80}, Param("output_compression", "integer", minimum=0, maximum=100))
    assert adjusted.values == {"output_compression": 80}
    assert told(adjusted) == ["compression 80 is sent as output_compression 80."]


def test_values_that_do_not_go_together_are_mended_where_one_is_at_hand() -> None:
    adjusted = fit({"background": "transparent", "output_format": "jpeg"}, BACKGROUND, FORMAT)
    assert adjusted.values == {"background": "transparent", "output_format": "png"}
    assert told(adjusted) == ["output_format png instead of jpeg. JPEG has no transparency."]
    twice = fit({"background": "transparent", "output_format": "jpg"}, BACKGROUND, FORMAT)
    assert told(twice) == ["output_format png instead of jpg. JPEG has no transparency."]
    only = Param("output_format", "choice", choices=("jpeg",))
    refused = fit({"background": "transparent", "output_format": "jpeg"}, BACKGROUND, only)
    assert [issue.field for issue in refused.issues] == ["output_format"]
    task = fit({"async": True, "response_format": "b64_json"}, TASK, ANSWER)
    assert task.values == {"async": True, "response_format": "url"}


def test_what_a_model_needs_and_nobody_gave_is_not_invented() -> None:
    needed = Param("resolution", "choice", choices=("2k", "4k"), required=True)
    assert fit({"seed": 1}, needed, SEED) == Adjusted({"seed": 1})


@pytest.mark.parametrize(
    ("n", "params", "counts", "text"),
    [
        (1, (), (None,), None),
        (3, (), (None, None, None), "3 pictures in 3 requests: one picture each."),
        (4, (N,), (4,), None),
        (10, (N,), (4, 4, 2), "10 pictures in 3 requests: 2 of 4 and 1 of 2."),
        (8, (N,), (4, 4), "8 pictures in 2 requests: 2 of 4."),
        (500, (Param("n", "integer"),), (500,), None),
    ],
)
def test_more_pictures_than_one_request_makes_are_several_requests(
    n: int, params: tuple[Param, ...], counts: tuple[int | None, ...], text: str | None
) -> None:
    adjusted = fit({"n": n}, *params)
    assert adjusted.counts == counts
    assert told(adjusted) == ([text] if text else [])
    assert not adjusted.values


def test_several_requests_with_one_seed_may_look_alike_and_that_is_said() -> None:
    assert told(fit({"n": 2, "seed": 7}, SEED)) == [
        "2 pictures in 2 requests: one picture each. With one seed they may look alike."
    ]
    assert "look alike" not in told(fit({"n": 2, "seed": 7}))[1]


@pytest.mark.parametrize("n", [0, -1, True, "two", 2.5])
def test_what_is_no_number_of_pictures_is_impossible(n: Json) -> None:
    (issue,) = fit({"n": n}, N).issues
    assert issue.field == "n"


def test_a_cell_is_not_split_without_end() -> None:
    assert len(fit({"n": MOST_REQUESTS}).counts) == MOST_REQUESTS
    (issue,) = fit({"n": 401}, N).issues
    assert str(issue) == (
        "n: 401 pictures would take 101 requests; 100 at most in one cell. Ask for 400 at most, or use repeats."
    )


T2I, I2I, EDIT = (Operation(name, GENERATIONS, {}) for name in ("text-to-image", "image-to-image", "image-edit"))
MASKED = Operation("image-edit", GENERATIONS, {"mask": Param("mask", "json", role="mask")})
VARY = Operation("image-variation", GENERATIONS, {})


@pytest.mark.parametrize(
    ("offered", "asked", "has_mask", "found"),
    [
        ([T2I, EDIT], "image-edit", False, "image-edit"),
        ([T2I, EDIT], "image-to-image", False, "image-edit"),
        ([T2I, I2I], "image-edit", False, "image-to-image"),
        ([I2I, MASKED], "image-to-image", True, "image-to-image"),
        ([T2I, MASKED], "image-to-image", True, "image-edit"),
        ([T2I, EDIT], "image-to-image", True, None),
        ([T2I], "image-edit", False, None),
        ([EDIT], "text-to-image", False, None),
        ([T2I, EDIT], "image-variation", False, None),
        ([VARY], "image-variation", False, "image-variation"),
        ([T2I, EDIT], "upscale", False, None),
    ],
)
def test_an_operation_stands_in_for_another_of_the_same_work_only(
    offered: list[Operation], asked: str, has_mask: bool, found: str | None
) -> None:
    model = Model("m", Contract({each.name: each for each in offered}))
    operation, differences, issues = chosen_operation(model, asked, has_mask=has_mask)
    assert (operation and operation.name) == found
    assert bool(issues) == (found is None)
    assert [(each.field, each.asked, each.sent) for each in differences] == (
        [("operation", asked, found)] if found and found != asked else []
    )
    assert found or reasons(issues).startswith(f"m does not offer {asked}. It offers: {offered[0].name}")


def test_a_prompt_that_nothing_takes_is_left_out() -> None:
    assert str(without_prompt(VARY, "a fox")) == "The prompt is left out: image-variation takes none."
