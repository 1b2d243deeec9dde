"""Grids: plans over models, prompts and settings, running them, and what people say of the pictures."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tokenlab_nb.ballots import Ballots
from tokenlab_nb.contract.model import Json
from tokenlab_nb.intake import Picture
from tokenlab_nb.sweep.plan import Plan, axis
from tokenlab_nb.sweep.planner import Known, make_plan
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.sweep.sweep import Sweep


class Comparing(Ballots):
    """Plans and runs grids. `Session` is what users hold."""

    def sweep(
        self,
        models: str | Sequence[str],
        prompts: str | Sequence[str] | Mapping[str, str] | None = None,
        *,
        references: Any = None,
        mask: Picture | None = None,
        operations: str | Sequence[str] | None = None,
        repeats: int = 1,
        strict: bool = False,
        **params: Any,
    ) -> Sweep:
        """Plan a grid. Nothing is sent."""
        listed = {
            name.rstrip("_"): value if isinstance(value, list | tuple) else [value] for name, value in params.items()
        }
        names = [models] if isinstance(models, str) else list(models)
        texts = [prompts] if isinstance(prompts, str) else list(prompts or [])
        axes = [axis("model", names), axis("prompt", texts)]
        axes += [axis(name, values) for name, values in listed.items() if len(values) > 1]
        fixed: dict[str, Json] = {name: values[0] for name, values in listed.items() if len(values) == 1}
        axes += [axis("repeat", range(1, repeats + 1))] if repeats > 1 else []
        known = Known({name: self.model(name) for name in names}, self.price, origin=self.origin, now=self._clock.now())
        return Sweep(make_plan(axes, known, fixed=fixed, strict=strict), self)

    def compare(
        self,
        models: str | Sequence[str],
        prompts: str | Sequence[str] | Mapping[str, str] | None = None,
        *,
        budget: float | None = None,
        **axes: Any,
    ) -> GridRun:
        """Plan a grid and run it: `sweep` and `Sweep.run` in one."""
        return self.sweep(models, prompts, **axes).run(budget)

    def run_plan(
        self,
        plan: Plan,
        *,
        budget: float | None = None,
        concurrency: int | Mapping[str, int] | None = None,
        anew: bool = False,
    ) -> GridRun:
        """Start the jobs of a plan; see `Sweep.run`."""
        limit = None if budget is None else self.budget_of(budget)
        jobs = self.send_all([take.request for take in plan.takes.values()], budget=limit)
        return GridRun(plan, self, dict(zip(plan.takes, jobs, strict=True)), limit)
