"""Values + operation -> issues: each names the field, what is allowed, and how to mend it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.contract.models import contract, model, operation
from tokenlab_nb.contract.model import Issue, Operation, Param, SizeRule
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.contract.validate import check_lifecycle, check_operation, check_value, check_values, nearest_size

SILENT = operation("text-to-image")
GPT = operation("text-to-image", "prompt", "size", "quality", "background", "n", "async", model_id="gpt-image-2")
RULE = GPT.params["size"].size_rule
assert RULE is not None


def issues(what: Operation, **values: Any) -> list[Issue]:
    """What is wrong with these values, a prompt given; ``async_`` stands for ``async``."""
    return check_values(what, {"prompt": "A fox.", **{name.rstrip("_"): value for name, value in values.items()}})


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"n": 1},
        {"n": 10},
        {"seed": 0},
        {"seed": -(2**63)},
        {"style": "vivid"},
        {"expand_prompt": False},
        {"output_compression": 0},
        {"compression": 100},
        {"stream": False},
        {"async_": True, "response_format": "url"},
        {"response_format": "b64_json"},
        {"async_": False, "response_format": "b64_json"},
        {"background": "transparent", "output_format": "webp"},
        {"aspect_ratio": "any text", "resolution": "8k", "size": "whatever", "quality": "ultra"},
        {"negative_prompt": "fog", "user": "u-1", "delivery_policy": "official"},
        {"prompt": "x" * 4000},
    ],
)
def test_good_values_have_no_issues(values: dict[str, Any]) -> None:
    assert issues(SILENT, **values) == []


@pytest.mark.parametrize(
    ("values", "field", "message", "suggestion"),
    [
        ({"prompt": ""}, "prompt", "Prompt is empty.", None),
        ({"prompt": " \n"}, "prompt", "Prompt is empty.", None),
        ({"prompt": "x" * 4001}, "prompt", "Prompt has 4,001 characters; 4,000 at most.", None),
        ({"prompt": 5}, "prompt", "prompt must be a text, not 5.", None),
        ({"prompt": None}, "prompt", "prompt must be a text, not null.", None),
        ({"prompt": "half a pair \ud800"}, "prompt", "prompt holds something that JSON cannot carry (str).", None),
        ({"n": 0}, "n", "n cannot be 0.", 1),
        ({"n": 11}, "n", "n cannot be 11.", 10),
        ({"n": 2.5}, "n", "n cannot be 2.5.", 2),
        ({"n": True}, "n", "n cannot be true.", 1),
        ({"n": "two"}, "n", 'n cannot be "two".', None),
        ({"n": float("nan")}, "n", "n holds something that JSON cannot carry (float).", None),
        ({"n": float("inf")}, "n", "n holds something that JSON cannot carry (float).", None),
        ({"seed": 1.5}, "seed", "seed cannot be 1.5.", None),
        ({"seed": 10**5000}, "seed", "seed holds something that JSON cannot carry (int).", None),
        ({"seed": object()}, "seed", "seed holds something that JSON cannot carry (object).", None),
        ({"style": "vivit"}, "style", '"vivit" is not taken here as style.', "vivid"),
        ({"style": ["vivid"]}, "style", '["vivid"] is not taken here as style.', "vivid"),
        ({"style": "a" * 90}, "style", f'"{"a" * 56}... is not taken here as style.', None),
        ({"expand_prompt": 1}, "expand_prompt", "expand_prompt is either true or false, not 1.", None),
        ({"output_compression": 101}, "output_compression", "output_compression cannot be 101.", 100),
        ({"stream": True}, "stream", "The service does not stream pictures.", False),
        ({"stream": "yes"}, "stream", 'stream is either true or false, not "yes".', None),
        ({"user": " "}, "user", "End user is empty.", None),
        ({"sise": "1024x1024"}, "sise", "text-to-image of this model does not take sise.", None),
        ({"zzz": 1}, "zzz", "text-to-image of this model does not take zzz.", None),
        ({"images": [{}]}, "images", "images is not set by hand.", None),
        ({"image_url": "http://127.0.0.1"}, "image_url", "image_url is not set by hand.", None),
        ({"mask_url": "https://example.com"}, "mask_url", "mask_url is not set by hand.", None),
        ({"model": "x"}, "model", "The model is chosen beside the settings, not among them.", None),
        (
            {"operation": "image-edit"},
            "operation",
            "The operation is chosen beside the settings, not among them.",
            None,
        ),
        ({"background": "transparent", "output_format": "jpeg"}, "output_format", "JPEG has no transparency.", "png"),
        (
            {"async_": True, "response_format": "b64_json"},
            "response_format",
            "A task (async: true) always answers with addresses, never with b64_json.",
            "url",
        ),
    ],
)
def test_a_bad_value_is_one_issue_with_its_remedy(
    values: dict[str, Any], field: str, message: str, suggestion: object
) -> None:
    (issue,) = issues(SILENT, **values)
    assert (issue.field, issue.message, issue.suggestion) == (field, message, suggestion)
    assert issue.remedy.endswith((".", "?"))
    assert str(issue) == f"{field}: {message} {issue.remedy}"


def test_a_slip_of_the_pen_is_named_and_a_stranger_gets_the_list() -> None:
    (slip,) = issues(SILENT, sise="1024x1024")
    assert slip.remedy == "Did you mean size?"
    (stranger,) = issues(GPT, zzz=1)
    assert stranger.remedy == "Leave it out. Taken are: prompt, size, quality, n, background, async, delivery_policy."
    assert stranger.allowed == ("prompt", "size", "quality", "n", "background", "async", "delivery_policy")


def test_a_value_that_json_cannot_carry_is_refused_wherever_it_is_hidden() -> None:
    circle: list[Any] = []
    circle.append(circle)
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    free = operation("text-to-image", "tempo")
    for value in (circle, deep, {"a": {1, 2}}, {"a": [float("nan")]}, [b"x"], {"\udc00": 1}):
        (issue,) = issues(free, tempo=value)
        assert "JSON cannot carry" in issue.message
    assert issues(free, tempo={"a": [1, None, {"b": "c"}]}) == []


def test_what_is_required_is_missed_in_the_order_of_the_controls() -> None:
    body = {**contract(), "required_selectors": ["resolution", "aspect_ratio", "operation", "image_url"]}
    made = model(body).contract.operations["text-to-image"]
    found = check_values(made, {})
    assert [issue.field for issue in found] == ["prompt", "aspect_ratio", "resolution"]
    assert [issue.remedy for issue in found] == ["Give a prompt.", "Choose one of 1:1, 16:9.", "Choose one of 1k, 2k."]
    assert [issue.suggestion for issue in found] == [None, "1:1", "1k"]


def test_issues_come_in_the_order_of_the_controls_and_strangers_last() -> None:
    found = check_values(SILENT, {"zzz": 1, "user": "", "n": 0, "prompt": ""})
    assert [issue.field for issue in found] == ["prompt", "n", "user", "zzz"]


def test_a_contract_s_values_are_the_only_ones() -> None:
    made = model(contract()).contract.operations["text-to-image"]
    (issue,) = check_values(made, {"prompt": "x", "aspect_ratio": "16:10"})
    assert (issue.allowed, issue.suggestion, issue.remedy) == (("1:1", "16:9"), "16:9", "Choose one of 1:1, 16:9.")


@pytest.mark.parametrize(
    ("low", "high", "value", "span"),
    [(None, None, "x", "a whole number"), (1, 10, 0, "1 to 10"), (1, None, 0, "a whole number")],
)
def test_a_whole_number_s_span_is_told(low: int | None, high: int | None, value: Any, span: str) -> None:
    issue = check_value(Param("k", "integer", minimum=low, maximum=high), value)
    assert issue is not None
    assert issue.allowed == (span,)


def test_a_choice_without_a_list_takes_any_text() -> None:
    assert check_value(Param("k", "choice"), "x") is None
    assert check_value(Param("k", "choice"), 5)


# ------------------------------------------------------------------------------------------------ size


@pytest.mark.parametrize("size", ["auto", "1024x1024", "1536x1024", "1024x1536", "3840x2160", "3840x1280", "2160x3840"])
def test_sizes_of_gpt_image_2_that_are_taken(size: str) -> None:
    assert issues(GPT, size=size) == []


@pytest.mark.parametrize(
    ("size", "fault", "suggestion"),
    [
        ("512x512", "512x512 has 262,144 pixels, fewer than 655,360.", "816x816"),
        ("1000x1000", "1000x1000 has a side that is not a multiple of 16.", "992x992"),
        ("3840x1264", "3840x1264 is narrower than 3:1.", "3792x1264"),
        ("3856x2160", "3856x2160 is longer than 3840 pixels.", "3824x2144"),
        ("3840x2176", "3840x2176 has 8,355,840 pixels, more than 8,294,400.", "3808x2160"),
        ("4096x4096", "4096x4096 is longer than 3840 pixels.", "2880x2880"),
        ("16x16000", "16x16000 is longer than 3840 pixels.", "480x1424"),
        ("large", '"large" is not a size.', None),
        ("1024X1024", '"1024X1024" is not a size.', None),
        ("0x1024", '"0x1024" is not a size.', None),
        ("01024x1024", '"01024x1024" is not a size.', None),
        ("1024x1024\n", '"1024x1024\\n" is not a size.', None),
        ("\u0661024x1024", '"\u0661024x1024" is not a size.', None),
        (1024, "1024 is not a size.", None),
        (["1024", "1024"], '["1024", "1024"] is not a size.', None),
    ],
)
def test_sizes_of_gpt_image_2_that_are_refused(size: Any, fault: str, suggestion: str | None) -> None:
    (issue,) = issues(GPT, size=size)
    assert issue.message == fault
    assert issue.allowed == (RULE.describe(),)
    assert issue.suggestion == suggestion
    assert not suggestion or issues(GPT, size=suggestion) == []


def test_every_nearest_size_keeps_the_rule() -> None:
    edges = (1, 15, 16, 300, 512, 817, 1000, 1279, 1280, 2160, 2881, 3839, 3841, 5000, 99_999)
    for width in edges:
        for height in edges:
            near = nearest_size(RULE, width, height)
            assert near is not None, (width, height)
            assert issues(GPT, size=near) == []


def test_a_hopeless_rule_or_shape_has_no_nearest_size() -> None:
    assert nearest_size(RULE, 0, 100) is None
    assert nearest_size(RULE, 100, -1) is None
    hopeless = SizeRule(multiple=1000, max_edge=900, max_ratio=1, min_pixels=1, max_pixels=10)
    assert nearest_size(hopeless, 100, 100) is None
    issue = check_value(Param("size", "string", size_rule=hopeless), "50x50")
    assert issue is not None
    assert (issue.suggestion, issue.remedy) == (None, "Choose another size.")
    assert hopeless.describe().startswith("WIDTHxHEIGHT")


# ------------------------------------------------------------------------------------------------ model


def test_an_operation_that_is_not_offered_is_refused_with_those_that_are() -> None:
    found = model({"public_operations": ["text-to-image", "image-edit"]})
    assert check_operation(found, "image-edit") is None
    issue = check_operation(found, "upscale")
    assert issue is not None
    assert (issue.allowed, issue.suggestion) == (("text-to-image", "image-edit"), None)
    assert issue.remedy == "It offers: text-to-image, image-edit."
    only = check_operation(model({"public_operations": ["image-edit"]}), "text-to-image")
    assert only is not None
    assert only.suggestion == "image-edit"
    none = check_operation(parse({"id": "m"}), "text-to-image")
    assert none is not None
    assert none.remedy == "It names no image operation; choose another model."


@pytest.mark.parametrize(
    ("life", "severity", "said"),
    [
        ({"stage": "active"}, None, ""),
        ({"stage": "preview"}, None, ""),
        ({"stage": "retired"}, "error", "model: m is retired. Choose another model."),
        (
            {"stage": "deprecated", "sunset_at": "2026-12-01T00:00:00Z", "replacement_model": "n"},
            "warning",
            "model: m is deprecated and ends on 2026-12-01. Use n instead.",
        ),
    ],
)
def test_a_model_on_its_way_out_is_a_warning_and_one_that_is_gone_an_error(
    life: dict[str, Any], severity: str | None, said: str
) -> None:
    issue = check_lifecycle(parse({"id": "m", "tokenlab": {"lifecycle": life}}))
    assert (issue and issue.severity, str(issue) if issue else "") == (severity, said)
