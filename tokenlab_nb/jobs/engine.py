"""The engine: every job of a session, on one loop in one thread.

It never prints and never displays: it hands frozen snapshots to whoever subscribed.
"""

from __future__ import annotations

import logging
import uuid
from collections import ChainMap
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterable, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import anyio

from tokenlab_nb.api.replies import Reply
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.board import Board, Listener
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.leases import Hands, claimed, give_signs, seen
from tokenlab_nb.jobs.ledger import Ledger
from tokenlab_nb.jobs.line import Line
from tokenlab_nb.jobs.loop import Answer, Loop, done, until_done
from tokenlab_nb.jobs.pace import Pace
from tokenlab_nb.jobs.ports import Ports, TakenError
from tokenlab_nb.jobs.runner import Run, off_loop
from tokenlab_nb.jobs.uploads import Uploads
from tokenlab_nb.jobs.verdicts import after_fault

__all__ = ["MAX_SENDS", "Answer", "Engine"]

MAX_SENDS = 8
"""Creates that are being sent at once. Tasks that are only waited for do not count."""

_EXIT_GRACE = 2.0  # seconds for answers that are on their way when the script is over
_T = TypeVar("_T")
Reserve = Callable[[Sequence[JobSnapshot], Collection[Budget]], None]

_log = logging.getLogger(__name__)


class Engine:
    """Runs jobs in the background. Methods may be called from any thread; those that block, from any but its own.

    Args:
        ports: Service, ledger, blob store and clock.
        on_close: Awaited on the loop when the engine closes, to end connections.
        longest_create: Seconds that a create may take at most; `close` waits as long for those on their way.
        documented: Seconds that a picture takes by the vendor's word, told where nothing was measured.

    Attributes:
        uploads: The pictures that were uploaded; use it on the loop.
        line: The drafts that wait for their turn.
        hands: Takes jobs at rest in hand.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        on_close: Callable[[], Awaitable[None]] | None = None,
        longest_create: float = 300.0,
        documented: float | None = None,
    ) -> None:
        self._ports = ports
        self._on_close = on_close
        self._longest_create = longest_create
        self._documented = documented
        self._ledger = Ledger(partial(off_loop, ports.journal.save), self._made_good)
        self._pace = Pace(ports.clock)
        self.uploads = Uploads(ports, self._pace, off_loop)
        self._loop = Loop(self._end, partial(self.close, _EXIT_GRACE))
        self._lock = self._loop.lock
        self._board = Board(self._lock)
        self._beating = False
        self._reserved: set[str] = set()
        self._runs: dict[str, Run] = {}
        self._ends: dict[str, Future[None]] = {}
        self.line = Line(self._lock, self._board, self._ledger, self._runs, self._ends, self.start, self.now)
        self._in_hand = ChainMap[str, Any](self._runs, self.line.waiting)
        self.hands = Hands(ports.journal, self._lock, self._in_hand, self.refresh)
        self._wishes: dict[str, bool] = {}  # of running jobs: whether to go on after a stop that is on its way
        self._sends = anyio.CapacityLimiter(MAX_SENDS)
        self._model_limits: dict[str, anyio.CapacityLimiter] = {}

    # --------------------------------------------------------------------------------------- jobs

    def draft(
        self,
        request: ImageRequest,
        *,
        estimate: Estimate | None = None,
        repeats: str | None = None,
        since: float = 0.0,
        take: int = 0,
    ) -> JobSnapshot:
        """Make a job that is not started yet; it is written nowhere.

        Args:
            request: What to ask.
            estimate: What it may cost.
            repeats: The job of unknown outcome that this one is run again for.
            since: It is dated no earlier: a clock that was set back must hide it from no budget.
            take: Which of several equal requests of a grid; by default the one of the job that it repeats.
        """
        take = take or (self._board[repeats].take if repeats and repeats in self._board else 0)
        name, origin = f"job_{uuid.uuid4().hex}", self._ports.api.origin
        made = JobSnapshot(id=name, request=request, origin=origin, estimate=estimate, repeats=repeats, take=take)
        return made.move(JobStatus.DRAFT, max(self.now(), since))

    def reserve(self, drafts: Sequence[JobSnapshot], budgets: Collection[Budget], write: Reserve | None = None) -> None:
        """Write drafts down (by default by `Journal.reserve`), if all budgets allow all of them. Blocks for the ledger.

        Raises:
            BudgetExceededError: If they do not; nothing is written then.
            TokenLabError: If the ledger cannot be read or written.
        """
        self._loop.refuse_fork()
        self._reserved |= (names := {draft.id for draft in drafts})  # about to be started here: no orphans
        try:
            (write or self._ports.journal.reserve)(drafts, budgets)
        except BaseException:
            self.let_go(names)
            raise

    def let_go(self, job_ids: Iterable[str]) -> None:
        """Have `recover` take what was reserved, and is not to be started, for what it is: drafts that are left."""
        self._reserved.difference_update(job_ids)

    def start(self, snapshot: JobSnapshot, *, concurrency: int | None = None, per_minute: float | None = None) -> None:
        """Start a draft.

        Args:
            snapshot: The draft.
            concurrency: Most creates of its model at once, where a contract states it.
            per_minute: Most of them in any minute, where a contract states it.

        Raises:
            SessionClosedError: If the engine is closed.
        """
        self._loop.refuse_fork()
        model = snapshot.request.model
        with self._lock:
            if concurrency and model not in self._model_limits:
                self._model_limits[model] = anyio.CapacityLimiter(concurrency)
            self._pace.limit(model, per_minute)
            self._start(snapshot)
            self._reserved.discard(snapshot.id)

    def resume(self, job_id: str) -> None:
        """Go on waiting for a job, or fetch its pictures again. Nothing is sent; without a reason nothing happens.

        Never blocks: a job that is just being stopped goes on once it is.

        Raises:
            SessionClosedError: If there is something to go on with and the engine is closed.
        """
        self._loop.refuse_fork()
        with self._lock:
            snapshot = self._board[job_id]
            if job_id not in self._runs:
                if snapshot.can_resume or snapshot.can_fetch_again:
                    self._start(snapshot.going_on(self.now()), is_ours=False)
            elif job_id in self._wishes or snapshot.is_at_rest:
                self._wishes[job_id] = True

    def stop_waiting(self, job_id: str) -> None:
        """Stop waiting for a job. The task itself goes on at the service, and is still paid for."""
        self._loop.refuse_fork()
        with self._lock:
            run = self._runs.get(job_id)
            if job_id in self.line and not self._loop.closed:
                self.call_soon(self.line.call_off, [job_id])
            elif run and not self._loop.closed:
                self._wishes[job_id] = False
                self._loop.post(run.stop_waiting)

    def now(self) -> float:
        """The time that snapshots go by, in seconds since 1970."""
        return self._ports.clock.now()

    def snapshot(self, job_id: str) -> JobSnapshot:
        """The newest snapshot of a job that this engine knows."""
        return self._board[job_id]

    def subscribe(self, job_id: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with the present snapshot, and on the engine's thread with each new one; see `Board`."""
        return self._board.subscribe(job_id, listener)

    def wait(self, job_id: str, timeout: float | None) -> bool:
        """Block until a job is at rest, at most ``timeout`` seconds; Ctrl-C is heard at once.

        Returns:
            Whether it is at rest.
        """
        self._loop.refuse_fork()
        self._loop.refuse_own_thread()
        end = self._ends.get(job_id)
        return end is None or done([end], timeout)

    async def wait_async(self, job_id: str) -> None:
        """Wait on the caller's loop until a job is at rest; cancelling it only ends the waiting."""
        self._loop.refuse_fork()
        await until_done(self._ends.get(job_id))

    # --------------------------------------------------------------------- what an earlier kernel left

    def know(self, *snapshots: JobSnapshot) -> None:
        """Take jobs from the ledger as they stand there. Those that run here are known better."""
        for snapshot in map(seen, snapshots):
            self._board.publish(snapshot, partial(self._is_news, snapshot))

    def _is_news(self, snapshot: JobSnapshot) -> bool:
        """Whether the ledger knows better than we; what was read there may be older by now than what we know."""
        name = snapshot.id
        if name in self._in_hand or self._ledger.complaint(name):
            return False
        return self._board.is_behind(snapshot)

    def keep(self, *snapshots: JobSnapshot) -> None:
        """Write jobs at rest down as they now stand, and tell of them. Blocks for the ledger.

        Raises:
            TokenLabError: If one cannot be written; it is not tried again.
        """
        self.call(self._ledger.keep, *snapshots)
        for snapshot in snapshots:
            self._board.publish(snapshot)

    def refresh(self, job_id: str) -> None:
        """Look at a job in the ledger again: another kernel may have news. Blocks for the ledger.

        Raises:
            TokenLabError: If it cannot be read.
        """
        if stands := self._ports.journal.load(job_id):
            self.know(stands)

    def holding(self, job_id: str, status: JobStatus) -> AbstractContextManager[JobSnapshot]:
        """Hold a job that rests in this state, so that nobody else acts on it; see `Hands`. Blocks for the ledger."""
        self._loop.refuse_fork()
        if self._ledger.complaint(job_id) and job_id not in self._runs:  # the ledger is behind us
            self.keep(self._board[job_id])
        return self.hands.holding(self._ports.api.origin, job_id, status)

    def forget(self, job_id: str) -> None:
        """Set aside what waits for the user; see `JobSnapshot.set_aside`. Blocks for the ledger.

        Raises:
            TokenLabError: If it is nothing of the kind or somebody else has it, or the ledger cannot be written.
        """
        known = self._board[job_id]
        known.set_aside(self.now())  # refused where it is neither
        with self.holding(job_id, known.status) as stands:
            self.keep(stands.set_aside(self.now()))

    def recover(self) -> list[str]:
        """Take up what an earlier kernel left: tasks go on, what was being sent is unknown, drafts wait for the user.

        Nothing is sent. What another living kernel follows is left to it. Blocks for the ledger.

        Returns:
            The ids of all unfinished jobs that are at hand now, oldest first.

        Raises:
            TokenLabError: If the ledger cannot be read or written.
        """
        self._loop.refuse_fork()
        claims = self._ports.journal.claim(self._ports.api.origin)
        left = [claim.snapshot for claim in claims if claim.mine and claim.snapshot.id not in self._reserved]
        ours = [snapshot for snapshot in left if not snapshot.forgotten]
        if changed := [left for snapshot in ours for left in self._take_up(snapshot)]:
            with suppress(TakenError):  # an owner was not dead after all, and is further by now
                self.keep(*changed)
        return [snapshot.id for snapshot in ours]

    def _take_up(self, snapshot: JobSnapshot) -> list[JobSnapshot]:
        """Take a job up; return it where it has to be written down."""
        if snapshot.id in self._ends:  # it ran here, so what was read in the ledger may be older than what we know
            if self._board[snapshot.id].goes_on:
                self.resume(snapshot.id)
            return []
        left = snapshot.orphaned(self.now())
        if left.is_at_rest and not left.goes_on:
            self.know(left)
            return [] if left is snapshot else [left]
        with self._lock:
            if left.id not in self._runs:
                self._start(left.going_on(self.now()))
        return []

    # --------------------------------------------------------------------------------------- loop

    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """Run a coroutine function on the loop and return its result; blocks, and Ctrl-C is heard."""
        return self._loop.call(function, *args)

    def call_soon(self, function: Callable[..., Awaitable[_T]], *args: Any) -> Answer[_T]:
        """Start a coroutine function on the loop; never blocks.

        Raises:
            SessionClosedError: If the engine is closed; the future holds one if it is closed meanwhile.
        """
        return self._loop.call_soon(function, *args)

    def close(self, grace: float | None = None) -> None:
        """Stop: drafts are cancelled, tasks go on at the service. Closing twice is fine.

        Args:
            grace: Most seconds to wait for answers to creates that are on their way, and may be paid for; by default
                as long as a create may take. Ctrl-C ends this waiting; what had no answer by then is *unknown*.
        """
        seconds = self._longest_create if grace is None else grace
        with self.line.closing(self.call):
            # No run is added any more once it winds down.
            self._loop.close(lambda: [*map(Run.shut_down, [*self._runs.values()])], self.line.others, seconds)

    async def ask(self, snapshot: JobSnapshot) -> Reply:
        """Ask for a job's task once, in this session's turn. Use it on the loop."""
        await self._pace.turn()
        return await self._pace.hearing(self._ports.api.task(snapshot.task_id, snapshot.poll_url))

    async def _end(self) -> None:
        await self._ledger.close()
        if self._on_close:
            await self._on_close()

    def _start(self, snapshot: JobSnapshot, *, is_ours: bool = True) -> None:
        """Put a job on the loop; the lock is held. ``is_ours``: it is known that nobody else follows it."""
        if not self._beating:
            self._beating = True
            self.call_soon(give_signs, self._ports.journal, lambda: list(self._runs.values()))
        run = self._run(snapshot)
        self._ends[snapshot.id] = self.call_soon(self._live, run, is_ours)
        self._board.put(snapshot)

    def _run(self, snapshot: JobSnapshot) -> Run:
        shared = (self._ledger, self._pace, self.uploads)
        run = Run(snapshot, self._ports, self._board.publish, *shared, documented=self._documented)
        self._runs[snapshot.id] = run
        return run

    async def _live(self, run: Run, is_ours: bool) -> None:  # noqa: FBT001  # `call_soon` hands on positions only
        """Live a job until it is at rest, and on from there where that was asked for meanwhile."""
        going: Run | None = run
        try:
            while going:
                if is_ours or await self._claimed(going):
                    await self._live_once(going)
                is_ours = False  # at rest it was let go of
                going = self._next(going)
        finally:
            if going:  # broken off; else `_next` has made room, and perhaps another thread taken it
                with self._lock:
                    self._runs.pop(run.snapshot.id, None)

    async def _claimed(self, run: Run) -> bool:
        """Whether a job that is gone on with is ours: not followed elsewhere, and not finished there meanwhile."""
        if self._ledger.complaint(run.snapshot.id):  # the ledger is behind us
            return True
        run.snapshot, mine = await claimed(self._ports.journal, run.snapshot, self.now())
        self._board.publish(run.snapshot)
        return mine

    def _next(self, run: Run) -> Run | None:
        """The run that takes over from one that has ended, if any; else the job is no longer a running one."""
        rest = run.snapshot
        with self._lock:
            wish = self._wishes.pop(rest.id, False)
            if self._loop.closed or not (wish and (rest.can_resume or rest.can_fetch_again)):
                del self._runs[rest.id]
                return None
            return self._run(rest.going_on(self.now()))

    async def _live_once(self, run: Run) -> None:
        try:
            self._board.publish(run.snapshot)
            await run.go(partial(self._gate, run.snapshot.request.model))
        except Exception as error:  # noqa: BLE001  # a fault of ours must end on the job, not in a dead thread
            _log.exception("tokenlab_nb itself failed in job %s.", run.snapshot.id)
            run.snapshot = after_fault(run.snapshot, error, self.now())
            self._board.publish(run.snapshot)

    @asynccontextmanager
    async def _gate(self, model: str) -> AsyncIterator[None]:
        async with self._model_limits.get(model) or nullcontext(), self._sends:
            yield

    def _made_good(self, saved: JobSnapshot) -> None:
        """The ledger has now what it owed: nobody needs to be told of it any more."""
        with self._lock:
            run = self._runs.get(saved.id)
            present = run.snapshot if run else replace(self._board[saved.id], note=saved.note)
        self._board.publish(present)
