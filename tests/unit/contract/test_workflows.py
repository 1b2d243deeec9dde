"""What people want to do -> the operation of a model that does it, or why it does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import tokenlab_nb.sandbox
from tests.unit.contract.models import G, operation
from tokenlab_nb.contract.model import Contract, Model, Operation
from tokenlab_nb.contract.workflows import (
    CHANGE,
    CREATE,
    INPAINT,
    VARY,
    WORKFLOWS,
    default_operation,
    obstacle,
    operation_for,
)


def model(*operations: Operation, name: str = "m") -> Model:
    return Model(name, Contract({each.name: each for each in operations}))


T2I = operation("text-to-image", "prompt")
I2I = operation("image-to-image", "prompt", "image_url", endpoint=G)
I2I_MASK = operation("image-to-image", "prompt", "image_url", "mask_url", endpoint=G)
EDIT = operation("image-edit", "prompt", "image")
EDIT_MASK = operation("image-edit", "prompt", "image", "mask")
VARIATION = operation("image-variation", "image")


@pytest.mark.parametrize(
    ("operations", "workflow", "found"),
    [
        ([T2I], CREATE, "text-to-image"),
        ([EDIT], CREATE, None),
        ([T2I], CHANGE, None),
        ([EDIT], CHANGE, "image-edit"),
        ([EDIT, I2I], CHANGE, "image-to-image"),
        ([EDIT], INPAINT, None),
        ([EDIT_MASK], INPAINT, "image-edit"),
        ([EDIT, I2I_MASK], INPAINT, "image-to-image"),
        ([EDIT_MASK, I2I_MASK], INPAINT, "image-edit"),
        ([VARIATION], VARY, "image-variation"),
        ([EDIT_MASK], VARY, None),
        ([], CREATE, None),
    ],
)
def test_the_operation_that_does_it(operations: list[Operation], workflow: str, found: str | None) -> None:
    did = operation_for(model(*operations), workflow)
    assert (did.name if did else None) == found


@pytest.mark.parametrize(
    ("workflow", "said"),
    [
        (CREATE, "editor makes no picture from a prompt alone."),
        (CHANGE, "talker takes no pictures."),
        (INPAINT, "talker takes no mask."),
        (VARY, "talker and editor make no variations."),
    ],
)
def test_those_that_do_not_are_named(workflow: str, said: str) -> None:
    assert obstacle([model(T2I, name="talker"), model(EDIT_MASK, name="editor")], workflow) == said


def test_three_that_do_not_are_a_list() -> None:
    assert obstacle([model(T2I, name=name) for name in "abc"], INPAINT) == "a, b and c take no mask."


def test_what_all_of_them_do_has_no_obstacle() -> None:
    assert obstacle([model(T2I), model(T2I, EDIT)], CREATE) == ""


def test_only_a_new_picture_starts_from_none() -> None:
    assert [name for name, each in WORKFLOWS.items() if not each.needs_pictures] == [CREATE]


def test_every_operation_of_the_sandbox_has_its_workflow() -> None:
    """An operation that no workflow reaches could not be used in the Studio."""
    catalogue = Path(tokenlab_nb.sandbox.__file__).with_name("catalog.json")
    models = json.loads(catalogue.read_text(encoding="utf-8"))["models"]
    offered = {name for each in models if each["category"] == "image" for name in each["operations"]}
    assert offered <= {name for each in WORKFLOWS.values() for name in each.operations}


@pytest.mark.parametrize(
    ("operations", "has_pictures", "has_mask", "found"),
    [
        ([T2I, EDIT], False, False, "text-to-image"),
        ([EDIT], False, False, "image-edit"),
        ([T2I, EDIT, I2I], True, False, "image-to-image"),
        ([T2I, EDIT], True, False, "image-edit"),
        ([T2I], True, False, "image-to-image"),
        ([EDIT, I2I_MASK], True, True, "image-to-image"),
        ([EDIT_MASK, I2I], True, True, "image-edit"),
    ],
)
def test_without_a_name_an_operation_is_chosen_by_what_goes_in(
    operations: list[Operation], has_pictures: bool, has_mask: bool, found: str
) -> None:
    assert default_operation(model(*operations), has_pictures=has_pictures, has_mask=has_mask) == found
