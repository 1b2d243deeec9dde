"""What an unanswered request is told about the nearest recording."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.store.replays import asked
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.store.nearest import clipped, difference, listed

ONE, TWO = Source(url="https://a.example/1.png"), Source(url="https://a.example/2.png")
LONG = "a fox " * 40


@pytest.mark.parametrize(
    ("mine", "recorded", "told"),
    [
        (asked(size="512x512"), asked(size="1024x1024"), "size='1024x1024' instead of '512x512'"),
        (asked(n=1), asked(n=True), "n=True instead of 1"),
        (asked(seed=7), asked(), "no seed instead of 7"),
        (asked(), asked(seed=7), "seed=7 (not set here)"),
        (asked(n=2, size="a"), asked(n=1, size="b"), "n=1 instead of 2 and size='b' instead of 'a'"),
        (asked(**{"odd name\x1b": 1}), asked(), "no 'odd name\\x1b' instead of 1"),
        (asked(mode="\x1b[31m"), asked(mode="\u202ex"), "mode='\\u202ex' instead of '\\x1b[31m'"),
        (replace(asked(), references=(ONE,)), replace(asked(), references=(TWO,)), "other reference pictures"),
        (replace(asked(), mask=replace(ONE, url=f"{ONE.url}?v=1")), replace(asked(), mask=ONE), "another mask"),
        (asked(), replace(asked(), references=(ONE, TWO)), "2 reference pictures instead of 0"),
        (replace(asked(), mask=ONE), asked(), "no mask"),
        (asked(), replace(asked(), mask=ONE), "a mask"),
        (replace(asked(), mask=TWO), replace(asked(), mask=ONE), "another mask"),
        (replace(asked(), delivery_policy="x"), asked(), "no delivery_policy instead of 'x'"),
        (replace(asked(), multipart=True), asked(), "other details of how it was sent"),
        (
            replace(asked(), operation="image-edit"),
            replace(asked(), endpoint="/v1/x"),
            "operation='text-to-image' instead of 'image-edit'",
        ),
        (
            asked(prompt=f"{LONG}b"),
            asked(prompt=f"{LONG}c"),
            "prompt='…ox a fox a fox c' instead of '…ox a fox a fox b'",
        ),
        (
            asked(prompt=f"red {LONG}"),
            asked(prompt=f"blue {LONG}"),
            f"prompt={('blue ' + LONG)[:50] + '…'!r} instead of {('red ' + LONG)[:50] + '…'!r}",
        ),
        (
            asked(a=1, b=1, c=1, d=1, e=1, f=1),
            asked(a=2, b=2, c=2, d=2, e=2, f=2),
            "a=2 instead of 1, b=2 instead of 1, c=2 instead of 1, d=2 instead of 1 and 2 more differences",
        ),
    ],
)
def test_the_difference_is_said_in_words(mine: ImageRequest, recorded: ImageRequest, told: str) -> None:
    assert difference(mine, [recorded]) == told


def test_the_order_of_an_objects_fields_is_no_difference() -> None:
    mine, other = asked(extra={"a": 1, "b": 2}, n=1), asked(extra={"b": 2, "a": 1}, n=2)
    assert difference(mine, [other]) == "n=2 instead of 1"


def test_the_one_with_the_fewest_differences_counts() -> None:
    recorded = [asked(size="b", n=2), asked(size="c"), asked(prompt="other", size="d", n=3)]
    assert difference(asked(size="a"), recorded) == "size='c' instead of 'a'"


def test_among_equals_the_likest_prompt_counts() -> None:
    recorded = [asked(prompt="a street at night"), asked(prompt="a red fox in snow"), asked(prompt="fog")]
    assert difference(asked(prompt="a red fox in the snow"), recorded).startswith("prompt='a red fox in snow'")


def test_a_value_is_shown_short_and_plain() -> None:
    assert clipped("x" * 60) == repr("x" * 50 + "…")
    assert clipped(["y" * 60]) == "['" + "y" * 48 + "…"
    assert clipped("<b>") == "'<b>'"


def test_parts_of_a_sentence() -> None:
    assert [listed(list(parts)) for parts in ("", "a", "ab", "abc")] == ["", "a", "a and b", "a, b and c"]
