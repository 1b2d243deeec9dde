"""`GridRun`: a plan that runs, under a budget. Cells fill themselves; a partial grid can always be used."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.sweep.plan import Cell, Plan
from tokenlab_nb.sweep.votes import Judge, Judged

GridState = Literal["running", "paused", "stopped", "done"]


class Desk(Judge, Protocol):
    """Starts and keeps the jobs of a grid. `tokenlab_nb.comparing.Comparing` is the real one."""


@dataclass(frozen=True)
class GridCell:
    """One cell of a running grid, as it stands now.

    Attributes:
        planned: The cell of the plan.
        jobs: Its jobs, in the order of its takes; several cells may share one.
    """

    planned: Cell
    jobs: tuple[Job, ...]

    @property
    def images(self) -> list[ImageResult]:
        """Its pictures that are on disk."""
        return [image for job in self.jobs for image in job.images]

    @property
    def error(self) -> TokenLabError | None:
        """What went wrong, if anything did."""
        return next((job.error for job in self.jobs if job.error), None)


class GridRun(Judged):
    """A grid that fills itself while its jobs run in the background. Nothing here blocks but `wait`."""

    def __init__(self, plan: Plan, desk: Desk, jobs: Mapping[str, Job], budget: Budget | None = None) -> None:
        self.plan = plan
        self._desk: Desk = desk
        self._jobs = dict(jobs)
        self.budget = budget

    @property
    def jobs(self) -> list[Job]:
        """Every job once, in the order in which they are sent."""
        return list(dict.fromkeys(self._jobs.values()))

    @property
    def cells(self) -> tuple[GridCell, ...]:
        """Every cell of the plan with its jobs, in the plan's order."""
        return tuple(GridCell(cell, tuple(self._jobs[take.key] for take in cell.takes)) for cell in self.plan.cells)

    @property
    def state(self) -> GridState:
        """Whether it goes on."""
        return "running"

    @property
    def images(self) -> list[ImageResult]:
        """All pictures on disk, cell by cell."""
        return [image for cell in self.cells for image in cell.images]

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back on any thread when `state` changes or a cell gets another job; return the unsubscriber."""
        return lambda: None

    def pause(self) -> None:
        """Send nothing more for now; what is sent goes on."""

    def resume(self) -> None:
        """Go on sending."""

    def stop(self) -> None:
        """Send nothing more: what was not sent is cancelled, at no cost. What was sent goes on."""

    def retry(self, cells: Sequence[int] | None = None, *, budget: Budget | None = None) -> list[Job]:
        """Send what failed once more. This may be paid for."""
        return []

    def wait(self, timeout: float | None = None) -> list[ImageResult]:
        """Block until nothing goes on any more; failures stay in their cells."""
        for job in self.jobs:
            job.wait(timeout)
        return self.images

    def __await__(self) -> Generator[Any, None, list[ImageResult]]:
        raise NotImplementedError

    def _ipython_display_(self) -> None:
        import_module("tokenlab_nb").CompareGrid(self)._ipython_display_()
