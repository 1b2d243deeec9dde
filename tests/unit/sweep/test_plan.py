"""A plan as a value."""

from __future__ import annotations

from tests.unit.sweep.models import SEED, axes, known, model
from tokenlab_nb.sweep.plan import Difference, axis, key_of
from tokenlab_nb.sweep.planner import make_plan


def test_an_axis_is_labelled_by_its_values_unless_labels_are_given() -> None:
    assert axis("seed", [1, 2]).labels == ("1", "2")
    assert axis("seed", [1, 2], ["one", "two"]).labels == ("one", "two")


def test_a_key_is_the_hash_and_the_number() -> None:
    assert key_of("abc", 3) == "abc:3"


def test_a_difference_reads_as_its_sentence() -> None:
    assert str(Difference("seed", 7, None, "seed 7 is left out.")) == "seed 7 is left out."


def test_takes_stand_in_the_order_of_sending_each_once() -> None:
    plan = make_plan(axes(["a", "b"], seed=[1, 2]), known(model("a"), model("b", SEED)))
    assert [take.request.model for take in plan.takes.values()] == ["a", "b", "b"]
    assert list(plan.takes) == [take.key for take in plan.takes.values()]
    assert plan.counts() == {"asked": 2, "adjusted": 2, "impossible": 0}
    assert plan.price.known == 3
