"""`GridRun`: a plan that runs, under a budget. Cells fill themselves; a partial grid can always be used."""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Literal, Protocol

from tokenlab_nb.contract.model import Json
from tokenlab_nb.contract.pricing import Estimate, Total, total
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, ValidationError, WaitTimeoutError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.budget import Budget, Spending
from tokenlab_nb.jobs.coded import Coded
from tokenlab_nb.jobs.handle import Job, watch, ways_out
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.sweep.away import TakenAway
from tokenlab_nb.sweep.feed import Feed, GridState, Started
from tokenlab_nb.sweep.plan import Cell, Plan, Take
from tokenlab_nb.sweep.standing import may_retry
from tokenlab_nb.sweep.votes import Judge, Judged

__all__ = ["CellStatus", "Desk", "GridCell", "GridRun", "GridState"]

CellStatus = Literal["impossible", "waiting", "running", "done", "unknown", "failed", "cancelled", "stopped"]

_ENDED: tuple[tuple[JobStatus, CellStatus], ...] = (
    (JobStatus.UNKNOWN, "unknown"),
    (JobStatus.FAILED, "failed"),
    (JobStatus.CANCELLED, "cancelled"),
    (JobStatus.COMPLETED, "done"),
)


class Desk(Judge, Protocol):
    """Starts and keeps the jobs of a grid. `tokenlab_nb.comparing.Comparing` is the real one."""

    def run_takes(
        self,
        takes: Sequence[Take],
        *,
        budget: float | Budget | None = None,
        beside: Budget | None = None,
        anew: bool = False,
    ) -> Started:
        """Make what is not there yet, if both budgets and the session's own allow all of it."""


@dataclass(frozen=True)
class GridCell(Coded):
    """One cell of a running grid, as it stands now.

    Attributes:
        planned: The cell of the plan.
        jobs: Its jobs, in the order of its takes; several cells may share one.
    """

    planned: Cell
    jobs: tuple[Job, ...]

    @property
    def model(self) -> str:
        """Its model."""
        return self.planned.model

    @property
    def values(self) -> Mapping[str, Json]:
        """What was asked, by field name, the prompt included."""
        return self.planned.values

    @property
    def status(self) -> CellStatus:
        """How it stands: ``done`` once all its jobs are; else what is the matter with the first that is not."""
        found = [job.snapshot for job in self.jobs]
        live = [snapshot for snapshot in found if not snapshot.is_at_rest]
        if live:
            return "waiting" if all(_is_unsent(snapshot) for snapshot in live) else "running"
        states = {snapshot.status for snapshot in found}
        if states - {JobStatus.UNKNOWN, JobStatus.FAILED, JobStatus.CANCELLED, JobStatus.COMPLETED}:
            return "stopped"
        return next((words for status, words in _ENDED if status in states), "impossible")

    @property
    def images(self) -> list[ImageResult]:
        """Its pictures that are on disk."""
        return [image for job in self.jobs for image in job.images]

    @property
    def error(self) -> TokenLabError | None:
        """What went wrong, if anything did."""
        return next((job.error for job in self.jobs if job.error), None)

    def coded(self) -> tuple[tuple[ImageRequest, ...], str]:
        """What `code`, `curl` and `openai` are made of: each request once, and the API's address."""
        told = [job.coded() for job in self.jobs]
        return tuple(dict.fromkeys(each for requests, _ in told for each in requests)), told[0][1] if told else ""


class GridRun(Judged, TakenAway):
    """A grid that fills itself while its jobs run in the background. Nothing here blocks but `wait`.

    Attributes:
        plan: What it does.
        budget: A limit beside the session's own; None where there is none.
        anew: Whether pictures that were there were made once more.
    """

    def __init__(
        self,
        plan: Plan,
        desk: Desk,
        jobs: Mapping[str, Job] | Started,
        budget: Budget | None = None,
        feed: Feed | None = None,
        *,
        anew: bool = False,
    ) -> None:
        started = jobs if isinstance(jobs, Started) else Started(jobs)
        self.plan = plan
        self.budget = budget
        self.anew = anew
        self._desk: Desk = desk
        self._jobs = dict(started.jobs)
        self._former: list[Job] = []
        self._feed = feed or Feed()
        self._feed.take(started)

    def __repr__(self) -> str:
        return f"GridRun({len(self.plan.cells)} cells, {self.state}: {self._told()})"

    # ------------------------------------------------------------------------------------ looking

    @property
    def jobs(self) -> list[Job]:
        """Every job once, in the order in which they are sent."""
        return list(dict.fromkeys(self._jobs.values()))

    @property
    def cells(self) -> tuple[GridCell, ...]:
        """Every cell of the plan with its jobs, in the plan's order."""
        return tuple(GridCell(cell, tuple(self._jobs[take.key] for take in cell.takes)) for cell in self.plan.cells)

    @property
    def failed(self) -> tuple[GridCell, ...]:
        """The cells that failed. Those of unknown outcome are none: they may be paid for."""
        return tuple(cell for cell in self.cells if cell.status == "failed")

    @property
    def state(self) -> GridState:
        """Whether it goes on: ``running``, ``paused``, ``stopped``, or ``done`` where nothing is left to wait for."""
        return self._feed.state

    @property
    def trouble(self) -> str:
        """What paused it by itself, such as a refused key or an empty account; else empty. `resume` tries again."""
        return self._feed.trouble

    @property
    def images(self) -> list[ImageResult]:
        """All pictures on disk, cell by cell."""
        return [image for cell in self.cells for image in cell.images]

    @property
    def spent(self) -> Spending:
        """What its jobs cost so far, those included that others have taken the place of."""
        by_charge: dict[str, list[Estimate]] = {}
        for job in dict.fromkeys((*self._former, *self._jobs.values())):
            snapshot = job.snapshot
            by_charge.setdefault(snapshot.charge.value, []).append(snapshot.estimate or Estimate())
        return Spending.read({charge: total(estimates) for charge, estimates in by_charge.items()})

    @property
    def code(self) -> str:
        """Python that plans and runs the same once more; what is made already costs nothing then."""
        code: str = import_module("tokenlab_nb.export.code").python_of_plan(self.plan)
        return code

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back on any thread when `state` changes or a cell gets another job; return the unsubscriber."""
        return self._feed.subscribe(callback)

    # ------------------------------------------------------------------------------------- acting

    def pause(self) -> None:
        """Send nothing more for now. What was sent goes on, and so do the few whose turn had come."""
        self._feed.hold()

    def resume(self) -> None:
        """Go on sending."""
        self._feed.go_on()

    def stop(self) -> None:
        """Send nothing more: what was not sent is cancelled, at no cost. What was sent goes on, and is paid for.

        `retry` brings back what was cancelled.
        """
        self._feed.stop()

    def to_retry(self, cells: Sequence[int] | None = None) -> tuple[Take, ...]:
        """What `retry` would send.

        Args:
            cells: Indices of cells; by default all.

        Returns:
            The requests of failed and cancelled jobs that cost nothing, each once, in the order in which they are sent.

        Raises:
            ValidationError: If there is no such cell.
        """
        count = len(self.plan.cells)
        if odd := [index for index in cells or () if not (isinstance(index, int) and 0 <= index < count)]:
            raise ValidationError(f"There is no cell {odd[0]!r}.", hint=f"The cells are 0 to {count - 1}.")
        wanted = set(self.plan.takes)
        if cells is not None:
            wanted = {take.key for index in cells for take in self.plan.cells[index].takes}
        takes = (take for key, take in self.plan.takes.items() if key in wanted)
        return tuple(take for take in takes if may_retry(self._jobs[take.key].snapshot))

    def retry_price(self, cells: Sequence[int] | None = None) -> Total:
        """What `retry` would cost."""
        return total(take.price for take in self.to_retry(cells))

    def retry(self, cells: Sequence[int] | None = None, *, budget: float | Budget | None = None) -> list[Job]:
        """Send once more what failed or was cancelled, and cost nothing. This is paid for.

        What is of unknown outcome, or may be paid for in another way, is never among it: see `Job.run_again`.

        Args:
            cells: Indices of cells; by default all.
            budget: A limit beside the session's and the grid's own.

        Returns:
            The jobs that took the place of those.

        Raises:
            ValidationError: If there is no such cell, or a price has risen since the plan was made.
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        takes = self.to_retry(cells)
        if not takes:
            return []
        started = self._desk.run_takes(takes, budget=budget, beside=self.budget, anew=self.anew)
        for key, job in started.jobs.items():
            self._put(key, job)
        if self.trouble:
            self._feed.go_on()
        self._feed.take(started)
        return list(dict.fromkeys(started.jobs.values()))

    def adopt_job(self, key: str, job: Job) -> None:
        """Have a job stand for a take from now on, as one that was repaired or run again by hand.

        Args:
            key: `Take.key`.
            job: The job.

        Raises:
            ValidationError: If the plan has no such take.
        """
        if key not in self._jobs:
            raise ValidationError(f"The plan has no take {key!r}.", hint="Those of a cell are in cell.planned.takes.")
        self._put(key, job)
        self._feed.take(Started({key: job}))

    def _put(self, key: str, job: Job) -> None:
        if self._jobs[key] is not job:
            self._former.append(self._jobs[key])
            self._jobs[key] = job

    # ------------------------------------------------------------------------------------ waiting

    def wait(self, timeout: float | None = None) -> list[ImageResult]:
        """Block until nothing goes on any more, or the rest is paused; a progress line tells how it goes.

        Ctrl-C only ends the waiting.

        Args:
            timeout: Most seconds to wait; None waits for as long as it takes.

        Returns:
            All pictures that are there. Failures stay in their cells, and are not raised.

        Raises:
            WaitTimeoutError: If the time ran out; the grid goes on.
        """
        if not watch(self._feed.wait, timeout, lambda: f"{self._told()}. {ways_out('grid')}"):
            raise WaitTimeoutError(
                f"{self!r} was not ready within {timeout:g} s.", hint="It goes on: wait again with grid.wait()."
            )
        return self.images

    def __await__(self) -> Generator[Any, None, list[ImageResult]]:
        return self._awaited().__await__()

    async def _awaited(self) -> list[ImageResult]:
        await self._feed.wait_async()
        return self.images

    def _told(self) -> str:
        """How it goes, in a few words."""
        counts: dict[CellStatus, int] = {}
        for cell in self.cells:
            counts[cell.status] = counts.get(cell.status, 0) + 1
        order: Collection[CellStatus] = CellStatus.__args__  # type: ignore[attr-defined]
        return ", ".join(f"{counts[each]:,} {each}" for each in order if each in counts) or "nothing to do"

    def _ipython_display_(self) -> None:
        import_module("tokenlab_nb").CompareGrid(self)._ipython_display_()


def _is_unsent(snapshot: JobSnapshot) -> bool:
    return snapshot.status is JobStatus.DRAFT
