"""The order in which a plan is sent: failures early and cheap, the costly axis outermost, unknown prices last."""

from __future__ import annotations

import pytest

from tests.unit.sweep.models import CENT, DIME, IMAGE, PROMPT, SEED, N, axes, doing, known, model, operation
from tokenlab_nb.contract.model import Price
from tokenlab_nb.contract.references import Source
from tokenlab_nb.sweep.plan import AT_ONCE, axis
from tokenlab_nb.sweep.planner import make_plan

DOLLAR = Price("per_image", 1.0, 1.0)


def test_the_cheapest_cell_of_each_model_is_sent_first_and_the_cheapest_of_these_before_the_others() -> None:
    basis = known(model("dear", N, price=DOLLAR), model("cheap", N, price=CENT), model("middle", N, price=DIME))
    plan = make_plan(axes(["dear", "cheap", "middle"], n=[4, 1]), basis)
    assert plan.order[:3] == (3, 5, 1)
    assert [(plan.cells[index].model, plan.cells[index].values["n"]) for index in plan.order] == [
        ("cheap", 1),
        ("middle", 1),
        ("dear", 1),
        ("cheap", 4),
        ("middle", 4),
        ("dear", 4),
    ]


def test_the_axis_along_which_the_price_varies_most_is_outermost() -> None:
    plan = make_plan(axes(["a"], ["x", "y"], n=[3, 1]), known(model("a", N, price=DIME)))
    asked = [(plan.cells[index].values["n"], plan.cells[index].values["prompt"]) for index in plan.order]
    assert asked == [(1, "x"), (1, "y"), (3, "x"), (3, "y")]


def test_without_any_difference_in_price_the_order_is_that_of_the_cells() -> None:
    plan = make_plan(axes(["a", "b"], ["x", "y"], seed=[1, 2]), known(model("a", SEED), model("b", SEED)))
    assert plan.order == (0, 4, 1, 2, 3, 5, 6, 7)


def test_unknown_prices_come_last_also_among_the_first_ones() -> None:
    basis = known(model("unknown", price=Price()), model("a", price=DIME))
    plan = make_plan(axes(["unknown", "a"], ["x", "y"]), basis)
    assert [plan.cells[index].model for index in plan.order] == ["a", "unknown", "a", "unknown"]
    only = make_plan(axes(["unknown"], ["x", "y"]), basis)
    assert only.order == (0, 1)


def test_each_operation_of_a_model_is_tried_early() -> None:
    both = doing("a", operation("text-to-image", PROMPT), operation("image-edit", PROMPT, IMAGE))
    pictures = axis("references", [(), (Source(url="https://example.com/a.png"),)])
    plan = make_plan([*axes(["a"], ["x", "y"]), pictures], known(both))
    assert [plan.cells[index].operation for index in plan.order[:2]] == ["text-to-image", "image-edit"]


def test_impossible_cells_are_not_sent() -> None:
    plan = make_plan(axes(["gone", "a"]), known("gone", model("a")))
    assert plan.order == (1,)


@pytest.mark.parametrize(
    ("limits", "concurrency", "seconds"),
    [
        ({}, {}, 10.0 * 3),  # 20 requests, AT_ONCE of them at a time
        ({"concurrency": 5}, {}, 10.0 * 4),
        ({"concurrency": 5}, {"a": 20}, 10.0),
        ({"concurrency": 0}, {}, 10.0 * 3),
        ({"requests_per_minute": 6.0}, {}, 19 * 10.0 + 10.0),
    ],
)
def test_the_time_is_that_of_the_rounds_of_the_slowest_model(
    limits: dict[str, int], concurrency: dict[str, int], seconds: float
) -> None:
    assert AT_ONCE == 8
    slow, fast = model("a", SEED, **limits), model("b", SEED)
    basis = known(slow, fast, seconds={"a": 10.0, "b": 1.0}, concurrency=concurrency)
    plan = make_plan(axes(["a", "b"], seed=list(range(20))), basis)
    assert plan.seconds == pytest.approx(seconds)
    assert (plan.cells[0].seconds, plan.cells[-1].seconds) == (10.0, 1.0)


def test_the_time_is_unknown_where_that_of_one_model_is_and_impossible_ones_take_none() -> None:
    basis = known(model("a"), model("b"), "gone", seconds={"a": 10.0})
    assert make_plan(axes(["a", "b"]), basis).seconds is None
    assert make_plan(axes(["a", "gone"]), basis).seconds == 10.0
    assert make_plan(axes(["b"]), basis).cells[0].seconds is None


def test_what_is_made_already_takes_no_time() -> None:
    basis = known(model("a"), model("b"), seconds={"a": 10.0}, made=lambda keys: keys)
    assert make_plan(axes(["a", "b"]), basis).seconds == 0.0


def test_shared_requests_take_their_time_once() -> None:
    basis = known(model("a", concurrency=1), seconds={"a": 10.0})
    assert make_plan(axes(["a"], seed=list(range(20))), basis).seconds == 10.0
