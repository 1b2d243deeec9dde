"""Feeding a grid's jobs to the engine: in the plan's order, of each model so many at once, no further than sense."""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import Any, Literal, Protocol

import anyio
import anyio.lowlevel

from tokenlab_nb.errors import (
    AuthenticationError,
    InsufficientBalanceError,
    NotFoundError,
    PermissionDeniedError,
    SessionClosedError,
    TokenLabError,
)
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.sweep.plan import AT_ONCE

GridState = Literal["running", "paused", "stopped", "done"]

_LOOK = 0.5  # seconds after which a waiting coroutine looks whether the grid was paused
_AT_A_TIME = 16  # starts between two looks of the loop at other work
_SILENT = (JobStatus.COMPLETED, JobStatus.CANCELLED)
_OF_THE_MODEL = frozenset({"model_not_found", "model_not_allowed", "model_disabled", "model_unavailable"})


class Line(Protocol):
    """The drafts that wait for their turn. `tokenlab_nb.jobs.line.Line` is the real one."""

    def begin(self, job_id: str) -> bool:
        """Start one, if it waits still."""

    async def call_off(self, job_ids: Collection[str], error: TokenLabError | None = None) -> None:
        """End those that were not sent."""

    def __contains__(self, job_id: object) -> bool: ...


class Engine(Protocol):
    """The engine of a session. `tokenlab_nb.jobs.engine.Engine` is the real one."""

    @property
    def line(self) -> Line:
        """The drafts that wait for their turn."""

    def call(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Run a coroutine function on the loop; blocks."""

    def call_soon(self, function: Callable[..., Awaitable[Any]], *args: Any) -> Any:
        """Start a coroutine function on the loop."""

    def wait(self, job_id: str, timeout: float | None) -> bool:
        """Block until a job is at rest."""

    async def wait_async(self, job_id: str) -> None:
        """Wait until a job is at rest."""


@dataclass(frozen=True)
class Started:
    """Jobs that a grid was given.

    Attributes:
        jobs: By key of their takes, in the order in which they are sent.
        waiting: Ids of those that wait in line to be started.
        concurrency: By model id, the most at once that the contract states.
    """

    jobs: Mapping[str, Job]
    waiting: frozenset[str] = frozenset()
    concurrency: Mapping[str, int] = field(default_factory=dict)


class _Queue:
    """The jobs of one model: those to start, in order, and those that were started and go on."""

    def __init__(self) -> None:
        self.waiting: deque[tuple[int, Job]] = deque()
        self.going: set[Job] = set()

    def count(self) -> int:
        self.going = {job for job in self.going if not job.snapshot.is_at_rest}
        return len(self.going)


class Feed:
    """Starts what waits, as places become free. Queues are touched on the engine's loop only.

    A refused key or an empty account holds it, since every further request would end the same way; a model that there
    is not (any more), or that the key may not use, fails what is left of that model unsent.

    Args:
        engine: Where the jobs run; None where nothing is to be started.
        most: Most requests of a model at once, of all or by model id; by default what its contract states.

    Attributes:
        trouble: What holds it, in words; else empty.
    """

    def __init__(self, engine: Engine | None = None, most: int | Mapping[str, int] | None = None) -> None:
        self._engine = engine
        self._most = most
        self._stated: dict[str, int] = {}
        self._queues: dict[str, _Queue] = {}
        self._placed = 0
        self._open: dict[str, Job] = {}
        self._ended: deque[Job] = deque()
        self._woken = False
        self._held = self._stopped = False
        self._listeners: list[Callable[[], object]] = []
        self.trouble = ""

    # ------------------------------------------------------------------------------- from any thread

    @property
    def state(self) -> GridState:
        """Whether it goes on."""
        if self._stopped:
            return "stopped"
        if not self._open:
            return "done"
        return "paused" if self._held else "running"

    def take(self, started: Started) -> None:
        """Follow jobs, and start those that wait for it. After `stop`, this begins anew."""
        jobs = list(started.jobs.values())
        self._stated.update(started.concurrency)
        self._stopped = False
        self._open.update({job.id: job for job in jobs if not job.snapshot.is_at_rest})
        # What has ended for good says nothing more, and would only keep this feed for as long as the session lives.
        for job in (each for each in dict.fromkeys(jobs) if each.snapshot.status not in _SILENT):
            job.subscribe(partial(self._heard, job))
        self._soon(self._enqueue, [job for job in dict.fromkeys(jobs) if job.id in self._open], started.waiting)
        self.tell()

    def hold(self) -> None:
        """Start nothing more for now."""
        self._held = True
        self.tell()

    def go_on(self) -> None:
        """Start again what waits."""
        self._held, self.trouble = False, ""
        self._soon(self._fill)
        self.tell()

    def stop(self) -> None:
        """Start nothing more, and cancel what was not sent. Blocks for the ledger."""
        self._stopped, self._held, self.trouble = True, False, ""  # `take` begins anew, whatever held it before
        self.tell()
        if self._engine and self._open:
            with suppress(SessionClosedError):
                self._engine.call(self._engine.line.call_off, list(self._open))

    def subscribe(self, callback: Callable[[], object]) -> Callable[[], None]:
        """Call back when `state` may have changed; return the unsubscriber."""
        self._listeners.append(callback)

        def unsubscribe() -> None:
            with suppress(ValueError):
                self._listeners.remove(callback)

        return unsubscribe

    def tell(self) -> None:
        """Call back whoever listens."""
        for listener in [*self._listeners]:
            listener()

    def wait(self, seconds: float) -> bool:
        """Block until nothing moves by itself any more, at most so many seconds for one job; tell whether it is so."""
        over: set[str] = set()
        while self._engine and (name := self._next_to_wait_for(over)):
            if not self._engine.wait(name, seconds):
                return False
            over.add(name)  # it ended, whatever its snapshot says
        return True

    async def wait_async(self) -> None:
        """As `wait`, on the caller's loop, for as long as it takes."""
        over: set[str] = set()
        while self._engine and (name := self._next_to_wait_for(over)):
            with anyio.move_on_after(_LOOK) as look:
                await self._engine.wait_async(name)
            if not look.cancelled_caught:
                over.add(name)

    def _next_to_wait_for(self, over: Collection[str]) -> str | None:
        """A job to wait for; None where nothing will move by itself."""
        line = self._engine.line if self._engine else ()
        left = (name for name in [*self._open] if name not in over)
        going = next((name for name in left if name not in line), None)
        if going or self._held or self._stopped:
            return going
        return next((name for name in [*self._open] if name not in over), None)

    def _heard(self, job: Job, _snapshot: JobSnapshot) -> None:
        # The newest one counts: two threads may tell of two moments in the wrong order.
        before = self.state
        if not job.snapshot.is_at_rest:
            self._open[job.id] = job
        elif self._open.pop(job.id, None):
            self._ended.append(job)
            if not self._woken:  # else whoever was woken for another one sees to this one, too
                self._woken = True
                self._soon(self._see_to_ended)
        if self.state != before:
            self.tell()

    def _soon(self, function: Callable[..., Awaitable[None]], *args: Any) -> None:
        if self._engine:
            with suppress(SessionClosedError):  # then all has come to rest
                self._engine.call_soon(function, *args)

    # ---------------------------------------------------------------------------------- on the loop

    async def _enqueue(self, jobs: Sequence[Job], waiting: Collection[str]) -> None:
        for job in jobs:
            queue = self._queues.setdefault(job.request.model, _Queue())
            if job.id in waiting:
                self._placed += 1
                queue.waiting.append((self._placed, job))
            else:
                queue.going.add(job)
        await self._fill()

    async def _fill(self) -> None:
        """Start as many as there are places, the first in the plan's order first."""
        started = 0
        while (queue := self._next()) and self._engine:
            _, job = queue.waiting.popleft()
            try:
                if self._engine.line.begin(job.id):
                    started += 1
            except SessionClosedError:
                return
            queue.going.add(job)
            if started % _AT_A_TIME == 0:
                await anyio.lowlevel.checkpoint()

    def _next(self) -> _Queue | None:
        if self._held or self._stopped:
            return None
        free = [queue for model, queue in self._queues.items() if queue.waiting and queue.count() < self._limit(model)]
        return min(free, key=lambda queue: queue.waiting[0][0], default=None)

    def _limit(self, model: str) -> int:
        asked = self._most.get(model) if isinstance(self._most, Mapping) else self._most
        return asked or self._stated.get(model) or AT_ONCE

    async def _see_to_ended(self) -> None:
        """Jobs came to rest: see whether the trouble of one is that of others, and use their places."""
        self._woken = False
        while self._ended:
            await self._judge(self._ended.popleft().snapshot)
        await self._fill()

    async def _judge(self, snapshot: JobSnapshot) -> None:
        if isinstance(snapshot.error, AuthenticationError | InsufficientBalanceError) and not self._held:
            self._held, self.trouble = True, str(snapshot.error)
            self.tell()
        elif self._engine and snapshot.error and is_of_the_model(snapshot):
            queue = self._queues.get(snapshot.request.model) or _Queue()
            left = [waiting.id for _, waiting in queue.waiting]
            queue.waiting.clear()
            await self._engine.line.call_off(left, snapshot.error)


def is_of_the_model(snapshot: JobSnapshot) -> bool:
    """Whether a create was refused for its model, so that every other one of it would be."""
    error = snapshot.error
    if error is None or snapshot.status is not JobStatus.FAILED or snapshot.task_id:
        return False
    return error.code in _OF_THE_MODEL or (
        isinstance(error, NotFoundError | PermissionDeniedError) and error.param in (None, "model")
    )
