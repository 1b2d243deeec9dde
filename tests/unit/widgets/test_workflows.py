"""The workflow bar: what is offered, why not, and what it goes on to."""

from __future__ import annotations

import pytest

from tests.unit.contract.test_workflows import EDIT, EDIT_MASK, T2I, VARIATION, model
from tokenlab_nb.widgets.workflows import WorkflowBar

TALKER, EDITOR, PAINTER = model(T2I, name="talker"), model(EDIT, name="editor"), model(T2I, EDIT_MASK, name="painter")
LEGACY = model(VARIATION, name="legacy")


@pytest.fixture
def bar():
    made = WorkflowBar()
    yield made
    made.close()


def test_without_models_everything_is_offered(bar):
    assert bar.offered == ["create", "change", "inpaint", "vary"]


@pytest.mark.parametrize(
    ("models", "offered", "value"),
    [
        ([TALKER], ["create"], "create"),
        ([PAINTER], ["create", "change", "inpaint"], "create"),
        ([EDITOR], ["change"], "change"),
        ([EDITOR, PAINTER], ["change"], "change"),
        ([LEGACY], ["vary"], "vary"),
        ([TALKER, LEGACY], [], "create"),
    ],
)
def test_it_follows_the_models(bar, models, offered, value):
    bar.follow(models)
    assert (bar.offered, bar.value) == (offered, value)


def test_it_says_what_it_went_on_to_and_why(bar):
    bar.follow([EDITOR])
    assert bar.note == "editor makes no picture from a prompt alone. Now: from pictures."
    bar.follow([PAINTER])
    assert (bar.value, bar.note) == ("change", "")


@pytest.mark.parametrize(
    ("was", "models", "value"),
    [
        ("inpaint", [model(T2I, EDIT)], "change"),
        ("vary", [PAINTER], "change"),
        ("change", [LEGACY, model(T2I, VARIATION)], "vary"),
        ("inpaint", [TALKER], "create"),
        ("create", [model(EDIT, VARIATION)], "change"),
    ],
)
def test_pictures_that_are_handed_in_stay_in_use_where_they_can(bar, was, models, value):
    bar.value = was
    bar.follow(models)
    assert bar.value == value


def test_a_choice_that_is_offered_stays(bar):
    bar.value = "inpaint"
    bar.follow([PAINTER])
    assert (bar.value, bar.note) == ("inpaint", "")


@pytest.mark.parametrize(("models", "said"), [([TALKER, EDITOR], "in common"), ([model(name="odd")], "odd does none")])
def test_nothing_in_common_is_said(bar, models, said):
    bar.follow(models)
    assert said in bar.note


def test_each_choice_that_is_not_offered_has_its_reason(bar):
    bar.follow([PAINTER])
    assert {row["name"]: row["why"] for row in bar._rows if row["why"]} == {"vary": "painter makes no variations."}


def test_whoever_works_with_pictures_goes_on_with_them(bar):
    bar.value = "inpaint"
    bar.follow([model(T2I, EDIT, name="plain")])
    assert (bar.value, bar.note) == ("change", "plain takes no mask. Now: from pictures.")
    bar.follow([TALKER])
    assert bar.value == "create"
