"""A plan in the user's hands."""

from __future__ import annotations

from typing import Any

from tests.unit.sweep.models import SEED, axes, known, model
from tokenlab_nb.sweep.planner import make_plan
from tokenlab_nb.sweep.sweep import Sweep


class Runner:
    """Keeps what it was asked to run."""

    def __init__(self) -> None:
        self.asked: list[tuple[Any, dict[str, Any]]] = []

    def run_plan(self, plan: Any, **how: Any) -> Any:
        self.asked.append((plan, how))
        return "the grid"


def test_it_tells_what_the_plan_tells() -> None:
    plan = make_plan(axes(["a", "b"], seed=[1, 2]), known(model("a", SEED), model("b"), seconds={"a": 3.0, "b": 1.0}))
    sweep = Sweep(plan, Runner())
    assert (sweep.axes, sweep.cells, sweep.price, sweep.seconds) == (plan.axes, plan.cells, plan.price, 3.0)
    assert repr(sweep) == "Sweep(4 cells: 2 asked, 2 adjusted; about $0.03)"
    assert sweep._repr_html_() == sweep.show()._repr_html_()
    assert repr(sweep.show()).splitlines()[0].startswith("4 cells (2 as asked, 2 adjusted)")


def test_without_anything_to_pay_no_price_is_told() -> None:
    assert repr(Sweep(make_plan(axes(["gone"]), known("gone")), Runner())) == "Sweep(1 cell: 1 impossible)"


def test_running_is_the_sessions_work() -> None:
    plan, runner = make_plan(axes(["a"]), known(model("a"))), Runner()
    assert Sweep(plan, runner).run(2.5, concurrency=3, anew=True) == "the grid"
    assert runner.asked == [(plan, {"budget": 2.5, "concurrency": 3, "anew": True})]
