"""Axes and models -> cells, each asked, adjusted or impossible, with its requests, its price and its place in line."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.sweep.models import (
    CENT,
    DIME,
    IMAGE,
    PROMPT,
    QUALITY,
    SEED,
    TASK,
    N,
    axes,
    doing,
    known,
    model,
    operation,
)
from tokenlab_nb.contract.model import Param, Price
from tokenlab_nb.contract.references import Source
from tokenlab_nb.sweep.plan import Cell, Plan, axis
from tokenlab_nb.sweep.planner import Known, make_plan

PICTURE = Source(url="https://example.com/a.png")
EDIT = operation("image-edit", PROMPT, IMAGE, Param("image", "string", role="reference"), SEED)
TEXT = operation("text-to-image", PROMPT, SEED)
VARY = operation("image-variation", Param("image", "string", role="reference"))


def told(cell: Cell) -> list[str]:
    return [str(difference) for difference in cell.differences]


def fields(cell: Cell) -> list[str]:
    return [difference.field for difference in cell.differences]


def sent(plan: Plan) -> list[list[dict[str, object]]]:
    return [[dict(take.request.values) for take in cell.takes] for cell in plan.cells]


def test_cells_stand_in_the_order_of_the_product_the_last_axis_fastest() -> None:
    plan = make_plan(axes(["a", "b"], ["x", "y"], seed=[1, 2]), known(model("a", SEED), model("b", SEED)))
    assert [cell.at for cell in plan.cells[:4]] == [(0, 0, 0), (0, 0, 1), (0, 1, 0), (0, 1, 1)]
    assert [cell.index for cell in plan.cells] == list(range(8))
    assert dict(plan.cells[3].values) == {"prompt": "y", "seed": 2}
    assert {cell.status for cell in plan.cells} == {"asked"}
    assert plan.cells[5].takes[0].request.values == {"prompt": "x", "seed": 2}
    assert plan.counts() == {"asked": 8, "adjusted": 0, "impossible": 0}


def test_values_are_what_was_asked_and_requests_what_is_sent() -> None:
    plan = make_plan(axes(["a"], seed=[7, None]), known(model("a", QUALITY)), fixed={"quality": "hd"})
    first, second = plan.cells
    assert dict(first.values) == {"quality": "hd", "prompt": "a fox", "seed": 7}
    assert dict(second.values) == {"quality": "hd", "prompt": "a fox"}
    assert first.takes[0].request.values == {"prompt": "a fox", "quality": "high"}
    assert fields(first) == ["seed", "quality", "shared"]
    assert (first.differences[1].asked, first.differences[1].sent) == ("hd", "high")


def test_cells_that_come_down_to_one_request_share_its_job_and_price() -> None:
    plan = make_plan(axes(["a"], seed=[1, 2, 3, None]), known(model("a")))
    assert [cell.status for cell in plan.cells] == ["adjusted", "adjusted", "adjusted", "asked"]
    assert len(plan.takes) == 1
    assert plan.price.high == pytest.approx(0.01)
    assert told(plan.cells[0])[-1] == "Same request as seed 2 and 2 more cells: made and paid once."
    assert told(plan.cells[3]) == ["Same request as seed 1 and 2 more cells: made and paid once."]
    two = make_plan(axes(["a"], seed=[1, 2]), known(model("a")))
    assert told(two.cells[1])[-1] == "Same request as seed 1: made and paid once."
    three = make_plan(axes(["a"], seed=[1, 2, 3]), known(model("a")))
    assert told(three.cells[1])[-1] == "Same request as seed 1 and 1 more cell: made and paid once."


def test_a_long_prompt_is_cut_where_it_names_another_cell() -> None:
    vary = known(doing("a", VARY))
    prompts = axis("prompt", ["x" * 100, "y"])
    plan = make_plan([axis("model", ["a"]), prompts], vary, references=(PICTURE_FILE,), operation="image-variation")
    assert told(plan.cells[1])[-1] == f"Same request as prompt {'x' * 39}…: made and paid once."


PICTURE_FILE = Source(sha256="a" * 64, media_type="image/png", size=9, width=8, height=8)


def test_more_pictures_than_one_request_makes_are_several_with_numbers_of_their_own() -> None:
    plan = make_plan([*axes(["a"], n=[10]), axis("repeat", [1, 2])], known(model("a", N)))
    first, second = plan.cells
    numbered = [[(take.request.count, take.number) for take in cell.takes] for cell in plan.cells]
    assert numbered == [[(4, 1), (4, 2), (2, 1)], [(4, 3), (4, 4), (2, 2)]]
    assert first.takes[0].key == f"{first.takes[0].request.hash}:1"
    assert len(plan.takes) == 6
    assert (first.price.high, second.price.high) == (pytest.approx(0.1), pytest.approx(0.1))
    assert first.price.basis == "3 requests: 4 pictures at $0.01; 2 pictures at $0.01"


def test_requests_without_n_are_numbered_over_the_repeats() -> None:
    plan = make_plan([*axes(["a"], n=[1, 3]), axis("repeat", [1, 2])], known(model("a")))
    assert [[take.number for take in cell.takes] for cell in plan.cells] == [[1], [2], [1, 2, 3], [4, 5, 6]]
    assert all("n" not in take.request.values for take in plan.takes.values())
    assert told(plan.cells[2])[-1] == "2 of 3 requests the same as n 1: made and paid once."
    assert (plan.cells[0].status, plan.cells[2].status) == ("asked", "adjusted")


def test_a_whole_cell_of_several_requests_may_be_shared() -> None:
    plan = make_plan(axes(["a"], seed=[1, 2]), known(model("a")), fixed={"n": 2})
    assert told(plan.cells[0])[-1] == "The same 2 requests as seed 2: made and paid once."


def test_strict_adjusts_nothing_and_tells_what_it_would_have() -> None:
    plan = make_plan(axes(["a"], seed=[7, None]), known(model("a", QUALITY)), fixed={"quality": "low"}, strict=True)
    refused, asked = plan.cells
    assert (refused.status, refused.reason) == (
        "impossible",
        "Strict: nothing is adjusted. seed 7 is left out: not taken here.",
    )
    assert (refused.takes, refused.differences, refused.price.high) == ((), (), 0.0)
    assert (asked.status, asked.differences) == ("asked", ())
    assert plan.order == (1,)


def test_a_model_that_is_not_to_be_had_makes_its_cells_impossible_and_no_others() -> None:
    plan = make_plan(axes(["a", "gone"], ["x", "y"]), known(model("a"), "gone"))
    assert [cell.status for cell in plan.cells] == ["asked", "asked", "impossible", "impossible"]
    assert (plan.cells[2].model, plan.cells[2].operation) == ("gone", "")
    assert plan.cells[2].reason == "There is no model 'gone'."


def test_an_alias_is_planned_under_the_models_own_id() -> None:
    real = model("a")
    plan = make_plan(axes(["maker/a", "a"]), replace(known(), models={"maker/a": real, "a": real}))
    assert [cell.model for cell in plan.cells] == ["a", "a"]
    assert told(plan.cells[0]) == ["Same request as model a: made and paid once."]


def test_a_retired_model_is_impossible_and_one_on_its_way_out_is_noted_once() -> None:
    plan = make_plan(
        axes(["old", "gone"], ["x", "y"]), known(model("old", stage="deprecated"), model("gone", stage="retired"))
    )
    assert [cell.status for cell in plan.cells] == ["asked", "asked", "impossible", "impossible"]
    assert plan.cells[2].reason == "gone is retired. Choose another model."
    assert [note.message for note in plan.notes] == ["old is deprecated."]


def test_a_prompt_that_is_too_long_for_a_model_is_impossible_there() -> None:
    roomy = doing("roomy", operation("text-to-image", replace(PROMPT, max_length=4000)))
    plan = make_plan(axes(["a", "roomy"], ["x", "y" * 50]), known(model("a"), roomy))
    assert [cell.status for cell in plan.cells] == ["asked", "impossible", "asked", "asked"]
    assert plan.cells[1].reason == "Prompt has 50 characters; 40 at most. Shorten it by 10."


def test_a_missing_prompt_is_impossible_where_one_is_needed() -> None:
    plan = make_plan(axes(["a"], ["x", None]), known(model("a")))
    assert [cell.status for cell in plan.cells] == ["asked", "impossible"]
    assert plan.cells[1].reason == "text-to-image needs prompt. Give a prompt."
    assert "prompt" not in plan.cells[1].values


def test_what_a_model_needs_and_nobody_gave_is_impossible() -> None:
    needed = Param("resolution", "choice", choices=("2k",), required=True)
    (cell,) = make_plan(axes(["a"]), known(model("a", needed))).cells
    assert cell.reason == "text-to-image needs resolution. Choose one of 2k."


def test_a_value_without_a_near_one_is_impossible_and_the_operation_is_named() -> None:
    (cell,) = make_plan(axes(["a"]), known(model("a", QUALITY)), fixed={"quality": "ultra"}).cells
    assert (cell.status, cell.operation) == ("impossible", "text-to-image")
    assert cell.reason == '"ultra" is not taken here as quality. Choose one of low, high.'


def test_pictures_decide_the_operation_and_may_be_an_axis() -> None:
    pictures = axis("references", [(), (PICTURE,)], ["none", "a.png"])
    plan = make_plan([*axes(["both", "text"]), pictures], known(doing("both", TEXT, EDIT), doing("text", TEXT)))
    assert [cell.operation for cell in plan.cells] == ["text-to-image", "image-edit", "text-to-image", ""]
    assert plan.cells[1].takes[0].request.references == (PICTURE,)
    assert plan.cells[3].reason == "text does not offer image-to-image. It offers: text-to-image."
    assert all("references" not in cell.values for cell in plan.cells)


def test_an_operation_of_the_same_work_stands_in_and_another_one_does_not() -> None:
    wanted = axis("operation", ["image-to-image", "text-to-image", None])
    plan = make_plan([*axes(["a"]), wanted], known(doing("a", EDIT)), references=(PICTURE,))
    stood_in, other, by_itself = plan.cells
    assert (stood_in.status, stood_in.operation) == ("adjusted", "image-edit")
    assert told(stood_in)[0] == "image-edit instead of image-to-image, which this model does not offer."
    assert other.reason == "a does not offer text-to-image. It offers: image-edit."
    assert (by_itself.status, by_itself.operation) == ("asked", "image-edit")


def test_pictures_without_a_prompt_are_varied_where_the_model_does_that() -> None:
    both = doing("a", EDIT, VARY)
    plan = make_plan(axes(["a", "b"], [None]), known(both, doing("b", EDIT)), references=(PICTURE_FILE,))
    assert [cell.operation for cell in plan.cells] == ["image-variation", "image-edit"]
    assert plan.cells[1].reason == "image-edit needs prompt. Give a prompt."
    (cell,) = make_plan(axes(["a"], ["x"]), known(both), references=(PICTURE_FILE,), operation="image-variation").cells
    assert told(cell) == ["The prompt is left out: image-variation takes none."]
    assert "prompt" not in cell.takes[0].request.values


def test_a_task_is_asked_for_where_the_contract_lists_it_and_that_is_no_difference() -> None:
    tasked = known(model("a", TASK))
    (cell,) = make_plan(axes(["a"]), tasked).cells
    assert (cell.status, cell.takes[0].request.values["async"]) == ("asked", True)
    assert sent(make_plan(axes(["a"]), replace(tasked, prefer_tasks=False))) == [[{"prompt": "a fox"}]]


def test_what_is_made_already_costs_and_takes_nothing() -> None:
    basis = known(model("a", SEED), seconds={"a": 10.0})
    before = make_plan(axes(["a"], seed=[1, 2]), basis)
    asked: list[str] = []

    def made(keys: object) -> set[str]:
        asked.extend(keys)  # type: ignore[call-overload]
        return {before.cells[0].takes[0].key}

    plan = make_plan(axes(["a"], seed=[1, 2]), replace(basis, made=made))
    assert asked == [take.key for cell in before.cells for take in cell.takes]
    assert (before.price.high, plan.price.high) == (pytest.approx(0.02), pytest.approx(0.01))
    assert plan.price_anew == before.price
    assert plan.made == {before.cells[0].takes[0].key}
    assert plan.hash == before.hash


def test_an_unknown_price_is_unknown_and_never_nothing() -> None:
    plan = make_plan(axes(["a", "b"], n=[2]), known(model("a", price=Price()), model("b")))
    unknown, priced = plan.cells
    assert (unknown.price.is_known, unknown.price.basis) == (False, "no price is stated")
    assert str(plan.price) == "$0.02 + 2 unknown prices"
    assert priced.price.words == "$0.02"
    half = make_plan(axes(["a"], n=[2]), known(model("a", price=Price("per_image", None, 0.01)))).cells[0]
    assert (half.price.low, half.price.high) == (None, pytest.approx(0.02))


def test_equal_plans_have_one_hash_in_whatever_order_they_were_asked() -> None:
    basis = known(model("a", SEED), model("b", SEED))
    one = make_plan(axes(["a", "b"], seed=[1, 2]), basis)
    other = make_plan(axes(["b", "a"], seed=[2, 1]), basis)
    assert one.hash == other.hash
    assert one.hash != make_plan(axes(["a"], seed=[1, 2]), basis).hash


def test_a_plan_of_nothing_possible_is_empty_and_whole() -> None:
    plan = make_plan(axes(["gone"]), known("gone"))
    assert (plan.order, dict(plan.takes), plan.seconds, str(plan.price)) == ((), {}, 0.0, "")


def test_repeats_need_not_be_the_last_axis() -> None:
    plan = make_plan([axis("model", ["a"]), axis("repeat", [1, 2]), axis("prompt", ["x", "y"])], known(model("a")))
    assert [(cell.values["prompt"], cell.takes[0].number) for cell in plan.cells] == [
        ("x", 1),
        ("y", 1),
        ("x", 2),
        ("y", 2),
    ]


def test_the_price_is_asked_once_for_all_prompts() -> None:
    asked: list[str] = []
    basis = known(model("a"), model("b", price=DIME))

    def price(request, found):  # type: ignore[no-untyped-def]
        asked.append(found.id)
        return basis.price(request, found)

    make_plan(axes(["a", "b"], [f"prompt {n}" for n in range(50)]), Known(basis.models, price))
    assert asked == ["a", "b"]
    assert CENT != DIME


@pytest.mark.parametrize(
    ("seed", "repeats", "is_noted"), [([7], [1, 2], True), ([None], [1, 2], False), ([7], [1], False)]
)
def test_repeats_with_one_seed_are_noted(seed: list[int | None], repeats: list[int], is_noted: bool) -> None:
    plan = make_plan([*axes(["a"], seed=seed), axis("repeat", repeats)], known(model("a", SEED)))
    assert [note.field for note in plan.notes] == (["repeat"] if is_noted else [])
    assert {cell.status for cell in plan.cells} == {"asked"}
