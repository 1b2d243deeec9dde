"""Drafts that are written down and wait for their turn: jobs that everybody sees, though nothing of them runs yet."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Protocol, TypeVar

import anyio.lowlevel

from tokenlab_nb.errors import SessionClosedError, TokenLabError
from tokenlab_nb.jobs.board import Board
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ledger import MOST_AT_ONCE, Ledger
from tokenlab_nb.jobs.runner import Run
from tokenlab_nb.jobs.verdicts import cancelled

_STEP = 20  # jobs for which the loop is held at once
_T = TypeVar("_T")


class Start(Protocol):
    """Starts a draft. `Engine.start` is the real one."""

    def __call__(self, snapshot: JobSnapshot, *, concurrency: int | None, per_minute: float | None) -> None:
        """Put it on the loop, within the limits of its model."""


class Line:
    """What was reserved and is not started.

    Args:
        lock: The engine's own, which may be taken again by whoever holds it.
        board: Where jobs are seen.
        ledger: Where they are written.
        runs: What runs, by id.
        ends: What who waits for a job waits for, by id.
        start: Starts a draft.
        now: Seconds since 1970.

    Attributes:
        waiting: What stands in line, by id: a future that is done once the job is at rest.
    """

    def __init__(
        self,
        lock: AbstractContextManager[object],
        board: Board,
        ledger: Ledger,
        runs: Mapping[str, Run],
        ends: dict[str, Future[None]],
        start: Start,
        now: Callable[[], float],
    ) -> None:
        self._lock = lock
        self._board = board
        self._ledger = ledger
        self._runs = runs
        self._ends = ends
        self._start = start
        self._now = now
        self._starts: dict[str, Callable[[JobSnapshot], None]] = {}
        self._is_over = False
        self.waiting: dict[str, Future[None]] = {}

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._starts

    def up(
        self, drafts: Iterable[JobSnapshot], *, concurrency: int | None = None, per_minute: float | None = None
    ) -> None:
        """Have reserved drafts of a model wait for `begin`.

        Args:
            drafts: Rows of the ledger that are ours.
            concurrency: Most creates of the model at once, where its contract states it.
            per_minute: Most of them in any minute, where its contract states it.

        Raises:
            SessionClosedError: If the engine is closed: nobody would ever end them.
        """
        start = partial(self._start, concurrency=concurrency, per_minute=per_minute)
        for draft in drafts:
            with self._lock:
                if self._is_over:
                    raise SessionClosedError("This session is closed.")
                self._ends[draft.id] = self.waiting[draft.id] = Future()
                self._starts[draft.id] = start
            self._board.publish(draft)

    def begin(self, job_id: str) -> bool:
        """Start what waits: of all that ask, one does.

        Returns:
            Whether it was started; False where it does not wait any more.

        Raises:
            SessionClosedError: If the engine is closed.
        """
        with self._lock:
            start = self._starts.pop(job_id, None)
            if start is None:
                return False
            first = self.waiting.pop(job_id)
            try:
                start(self._board[job_id])
            except TokenLabError:
                first.set_result(None)
                raise
            self._ends[job_id].add_done_callback(lambda _: first.set_result(None))
        return True

    async def call_off(self, job_ids: Collection[str], error: TokenLabError | None = None) -> None:
        """End jobs that were not sent, at no cost; what was sent goes on. Use it on the loop.

        Args:
            job_ids: Those of them that wait in line, and without ``error`` also those that run and were not sent yet.
            error: Why they fail; by default they are cancelled.
        """
        for run in (self._runs.get(each) for each in job_ids if error is None):
            if run and run.snapshot.status is JobStatus.DRAFT:  # it looks for this wish once more before it sends
                run.stop_waiting()
        with self._lock:
            called_off = [each for each in job_ids if self._starts.pop(each, None)]
        for first in range(0, len(called_off), MOST_AT_ONCE):
            await self._end(called_off[first : first + MOST_AT_ONCE], error)

    async def _end(self, job_ids: Sequence[str], error: TokenLabError | None) -> None:
        status, now = JobStatus.FAILED if error else JobStatus.CANCELLED, self._now()
        ended: list[JobSnapshot] = []
        async for name in _in_steps(job_ids):
            draft = self._board[name]
            ended.append(draft.move(status, now, error=error or cancelled(draft), note=""))
        try:
            await self._ledger.keep(*ended)
        except TokenLabError as trouble:  # there it stays a draft, which nobody sends by itself
            ended = [replace(each, note=f"Not written to the ledger: {trouble.message}") for each in ended]
        async for each in _in_steps(ended):
            self._board.publish(each)
            with self._lock:
                end = self.waiting.pop(each.id, None)
            if end:
                end.set_result(None)

    def others(self) -> list[Future[None]]:
        """What is waited for besides those that stand in line."""
        return [end for name, end in self._ends.items() if name not in self.waiting]

    @contextmanager
    def closing(self, call: Callable[..., object]) -> Iterator[None]:
        """Call all off before the engine closes in here, and keep nobody waiting afterwards.

        Args:
            call: Runs a coroutine function on the loop.
        """
        try:
            if self._starts:
                with suppress(SessionClosedError):
                    call(self.call_off, list(self._starts))
        finally:
            try:
                yield
            finally:
                self._give_up()

    def _give_up(self) -> None:
        with self._lock:
            self._is_over = True
            ends = list(self.waiting.values())
            self.waiting.clear()
            self._starts.clear()
        for end in ends:
            end.set_result(None)


async def _in_steps(many: Iterable[_T]) -> AsyncIterator[_T]:
    """Hand out one after the other, and let the loop do other work in between."""
    for count, each in enumerate(many, 1):
        yield each
        if count % _STEP == 0:
            await anyio.lowlevel.checkpoint()
