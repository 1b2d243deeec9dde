"""`Sweep`: a plan in the user's hands. It shows itself as a table, tells its price, and runs."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import Any, Protocol

from tokenlab_nb.contract.pricing import Total
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.sweep.plan import Axis, Cell, Plan
from tokenlab_nb.sweep.run import GridRun


class Runner(Protocol):
    """Runs a plan. `tokenlab_nb.comparing.Comparing` is the real one."""

    def run_plan(
        self, plan: Plan, *, budget: float | Budget | None, concurrency: int | Mapping[str, int] | None, anew: bool
    ) -> GridRun:
        """Start the jobs of a plan; see `Sweep.run`."""


class Sweep:
    """A plan: what each cell will do and cost. Nothing is sent before `run`.

    Attributes:
        plan: The plan as a value.
    """

    def __init__(self, plan: Plan, runner: Runner) -> None:
        self.plan = plan
        self._runner = runner

    def __repr__(self) -> str:
        count = len(self.plan.cells)
        told = ", ".join(f"{number:,} {status}" for status, number in self.plan.counts().items() if number)
        price = self.price.words
        return f"Sweep({count:,} cell{'' if count == 1 else 's'}: {told}" + (f"; {price})" if price else ")")

    def _repr_html_(self) -> str:
        html: str = self.show()._repr_html_()
        return html

    @property
    def axes(self) -> tuple[Axis, ...]:
        """What varies."""
        return self.plan.axes

    @property
    def cells(self) -> tuple[Cell, ...]:
        """Every cell: what it asks, what is sent for it, what it costs."""
        return self.plan.cells

    @property
    def price(self) -> Total:
        """What `run` will cost now."""
        return self.plan.price

    @property
    def price_anew(self) -> Total:
        """What ``run(anew=True)`` will cost: what is made already counts, too."""
        return self.plan.price_anew

    @property
    def seconds(self) -> float | None:
        """About how long it will take; None where nobody knows."""
        return self.plan.seconds

    @property
    def code(self) -> str:
        """Python that plans the same once more."""
        code: str = import_module("tokenlab_nb.export.code").python_of_plan(self.plan, runs=False)
        return code

    def show(self) -> Any:
        """The plan as a table, in a notebook and in a terminal: what each cell will do and cost, or why it cannot."""
        return import_module("tokenlab_nb.export.plans").PlanTable(self.plan)

    def run(
        self,
        budget: float | Budget | None = None,
        *,
        concurrency: int | Mapping[str, int] | None = None,
        anew: bool = False,
    ) -> GridRun:
        """Start it in the background.

        Args:
            budget: US dollars (or what `Desk.budget_of` made of them), beside the session's own limit.
            concurrency: Most requests of one model that go on at once; by default what its contract states.
            anew: Make also those pictures once more that are there already; see `price_anew`.

        Raises:
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        return self._runner.run_plan(self.plan, budget=budget, concurrency=concurrency, anew=anew)
