"""What `sweep` is handed -> axes and fixed values."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep.axes import MOST_CELLS, Asked, read


def take(picture: Any, name: str) -> Source:
    if isinstance(picture, Source):
        return picture
    text = str(picture)
    if text.startswith("https:"):
        return Source(url=text)
    return Source(sha256=f"{text}!{name if text == 'told' else ''}".ljust(64, "0"), media_type="image/png", size=1)


def asked(models: Any = "a", prompts: Any = "x", **more: Any) -> Asked:
    beside = {name: more.pop(name) for name in ("references", "operations", "repeats") if name in more}
    return read(models, prompts, more, take=take, **beside)


def shape(found: Asked) -> dict[str, tuple[object, ...]]:
    return {each.name: each.values for each in found.axes}


def test_lists_are_axes_in_order_and_model_and_prompt_are_always_there() -> None:
    found = asked(["a", "b"], ["x", "y"], seed=[1, 2], quality="low", size=("s", "m"), repeats=2, n=range(1, 3))
    assert list(shape(found)) == ["model", "prompt", "seed", "size", "n", "repeat"]
    assert shape(found)["n"] == (1, 2)
    assert shape(found)["repeat"] == (1, 2)
    assert found.fixed == {"quality": "low"}
    assert found.models == ("a", "b")
    assert shape(asked("a", "x")) == {"model": ("a",), "prompt": ("x",)}


def test_pictures_and_operations_stand_before_the_settings() -> None:
    found = asked(references=["p.png", None], operations=["image-edit", None], seed=[1, 2])
    assert list(shape(found)) == ["model", "prompt", "references", "operation", "seed"]
    assert found.axes[3].labels == ("image-edit", "auto")


def test_a_prompt_is_taken_literally() -> None:
    assert shape(asked(prompts="a, b {c|d} [e]"))["prompt"] == ("a, b {c|d} [e]",)


def test_prompts_by_label_and_none_at_all() -> None:
    found = asked(prompts={"short": "a fox", "long": "a red fox", "again": "a fox"})
    assert found.axes[1].values == ("a fox", "a red fox", "a fox")
    assert found.axes[1].labels == ("short", "long", "again")
    assert asked(prompts=None).axes[1].values == (None,)
    assert asked(prompts=["x", None]).axes[1].labels == ("x", "no prompt")


def test_equal_values_are_taken_once_in_order() -> None:
    found = asked(["a", "b", "a"], ["x", "x", "y"], seed=[2, 1, 2], style=["vivid", "vivid"])
    assert shape(found) == {"model": ("a", "b"), "prompt": ("x", "y"), "seed": (2, 1)}
    assert found.fixed == {"style": "vivid"}


def test_values_that_json_tells_apart_stay_apart_and_their_labels_too() -> None:
    found = asked(weird=[1, True, 1.0, "1", None, {"b": 1, "a": 2}, {"a": 2, "b": 1}])
    assert found.axes[2].values == (1, True, 1.0, "1", None, {"b": 1, "a": 2})
    assert found.axes[2].labels == ("1", "true", "1.0", "1 (2)", "auto", '{"b": 1, "a": 2}')


def test_one_value_is_fixed_none_is_not_given_and_a_list_in_a_list_is_a_value() -> None:
    found = asked(seed=[7], user=None, style=[None], async_=True, tags=[["a", "b"]])
    assert found.fixed == {"seed": 7, "async": True, "tags": ["a", "b"]}
    assert list(shape(found)) == ["model", "prompt"]


def test_what_goes_in_is_nothing_one_picture_or_an_axis() -> None:
    one, two = "one.png", "https://example.com/two.png?sig=secret"
    assert asked().references == ()
    assert len(asked(references=one).references) == 1
    assert len(asked(references=[[one, two]]).references) == 2
    found = asked(references=(one, [one, two], None, Path("x") / "one.png", one))
    entries = found.axes[2]
    assert [len(each) for each in found.pictures] == [1, 2, 0, 1]
    assert entries.labels == (
        "one.png",
        "one.png + https://example.com/two.png",
        "no picture",
        "one.png (2)",
    )
    assert found.references == ()
    assert asked(references=one).pictures == (asked(references=one).references,)


def test_pictures_by_label_stay_even_if_they_are_equal() -> None:
    found = asked(references={"before": "a.png", "after": "a.png", "without": None})
    assert found.axes[2].labels == ("before", "after", "without")
    assert len(asked(references={"only": "a.png"}).references) == 1


def test_pictures_without_a_name_are_called_by_the_first_letters_of_their_hash() -> None:
    copied = Source(sha256="b" * 64, media_type="image/png", size=1, of="c" * 64)
    found = asked(references=[b"bytes", copied, Source(file_id="file_1234567890")])
    assert found.axes[2].labels == ("picture b'bytes'", "picture cccccccc", "picture file_123")


def test_a_picture_that_is_refused_is_called_by_its_place() -> None:
    found = asked(references=["told", ["x.png", "told"]])
    names = [str(each[-1].sha256).strip("0") for each in found.pictures]
    assert names == ["told!references[0]", "told!references[1][1]"]


@pytest.mark.parametrize(
    ("arguments", "field", "words"),
    [
        ({"models": []}, "models", "models is an empty list: there is nothing to compare."),
        ({"models": [""]}, "models", "No model is chosen."),
        ({"models": [3]}, "models", "A model is named by its id, not by a value of type int."),
        ({"models": {"a", "b"}}, "models", "models comes as a set, whose values have no order that lasts."),
        ({"prompts": []}, "prompts", "prompts is an empty list"),
        ({"prompts": {}}, "prompts", "prompts is an empty list"),
        ({"prompts": ["x", 3]}, "prompts", "A prompt is a text, not a value of type int."),
        ({"references": []}, "references", "references is an empty list"),
        ({"operations": []}, "operations", "operations is an empty list"),
        ({"operations": [3]}, "operations", "An operation is a name, not a value of type int."),
        ({"seed": []}, "seed", "seed is an empty list"),
        ({"seed": iter([1, 2])}, "seed", "seed comes as a list_iterator"),
        ({"prompt": "x"}, "prompt", "prompt is called prompts here. Write prompts=..."),
        ({"operation": "image-edit"}, "operation", "operation is called operations here."),
        (
            {"image_url": "https://x"},
            "image_url",
            "image_url is not set by hand. Hand the picture in as references=...",
        ),
        ({"mask_url": "https://x"}, "mask_url", "mask_url is not set by hand. Hand the picture in as mask=..."),
        ({"budget": 1}, "budget", "budget is no setting of a request. Hand it to run(budget=...)."),
        ({"repeats": 0}, "repeats", "0 repeats cannot be made."),
        ({"repeats": True}, "repeats", "True repeats cannot be made."),
        ({"repeats": "2"}, "repeats", "'2' repeats cannot be made."),
    ],
)
def test_what_cannot_be_read_is_refused_at_once(arguments: dict[str, Any], field: str, words: str) -> None:
    with pytest.raises(ValidationError) as caught:
        asked(**{"models": "a", "prompts": "x", **arguments})
    assert [issue.field for issue in caught.value.issues] == [field]
    assert str(caught.value).startswith(words)


def test_a_grid_without_end_is_refused_before_it_is_planned() -> None:
    assert MOST_CELLS == 100_000
    with pytest.raises(ValidationError, match=r"grid of 1,000,000 cells \(1 of model x 1 of prompt x 1,000 of seed"):
        asked(seed=range(1000), n=range(1000))
    with pytest.raises(ValidationError, match="100,000 at most"):
        asked(repeats=10**12)
