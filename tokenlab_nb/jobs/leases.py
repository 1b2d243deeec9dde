"""A job that the ledger knows: whether it is ours to go on with, and where it stands there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Container, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import replace

import anyio

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Claim, Journal, TakenError
from tokenlab_nb.jobs.runner import Run, off_loop

BEAT_SECONDS = 15.0
"""How often the ledger is given a sign that somebody follows its jobs."""
ELSEWHERE = "Another kernel follows this job."
_ASKED_FOR = (JobStatus.PENDING, JobStatus.PROCESSING)
_NOT_HERE = "Not followed here: job.resume() asks for it, at no cost."


async def claimed(journal: Journal, ours: JobSnapshot, now: float) -> Claim:
    """Claim a job to go on with.

    Args:
        journal: The ledger.
        ours: The job as it is known here, about to go on.
        now: Seconds since 1970.

    Returns:
        How it stands; ``mine`` is False where another kernel follows it, or finished it meanwhile.
    """
    try:
        claims = await off_loop(journal.claim, ours.origin, ours.id)
        stands = claims[0].snapshot if claims else await off_loop(journal.load, ours.id)
    except TokenLabError:  # asking costs nothing: an unreadable ledger must not stop it
        return Claim(ours, mine=True)
    if stands is None:
        return Claim(ours, mine=True)
    if not claims:
        return Claim(stands, mine=False)
    if not claims[0].mine:
        return Claim(replace(stands, waiting_stopped=True, note=ELSEWHERE), mine=False)
    return Claim(stands.going_on(now), mine=True)


def seen(snapshot: JobSnapshot) -> JobSnapshot:
    """A job of the ledger as it is shown where nobody follows it from here."""
    return snapshot if snapshot.is_at_rest else replace(snapshot, waiting_stopped=True, note=_NOT_HERE)


class Hands:
    """Jobs at rest that are taken in hand here, so that nobody else acts on them: of all that ask, one gets one.

    Args:
        journal: The ledger, where the other kernels look.
        lock: Guards what the threads of this one have in hand.
        running: What runs here or is about to, by id.
        refused: Called with the id of a job that is not to be had.
    """

    def __init__(
        self,
        journal: Journal,
        lock: AbstractContextManager[object],
        running: Container[str],
        refused: Callable[[str], None],
    ) -> None:
        self._journal = journal
        self._lock = lock
        self._running = running
        self._refused = refused
        self._held: set[str] = set()

    def are_on(self, job_id: str) -> bool:
        """Whether somebody in this kernel has a job in hand, or it runs here or is about to."""
        return job_id in self._held or job_id in self._running

    @contextmanager
    def taking(self, job_ids: Collection[str]) -> Iterator[None]:
        """Keep jobs from `holding` in this kernel, while they are written to the ledger as taken in hand.

        Raises:
            TakenError: If somebody has one of them.
        """
        names = set(job_ids)
        with self._lock:
            if not names.isdisjoint(self._held) or any(name in self._running for name in names):
                raise TakenError("Somebody has this job in hand. Nothing was sent.")
            self._held |= names
        try:
            yield
        finally:
            self._held -= names

    @contextmanager
    def holding(self, origin: str, job_id: str, status: JobStatus) -> Iterator[JobSnapshot]:
        """Hold a job that rests in this state. Blocks for the ledger.

        Raises:
            TokenLabError: If it is in another state, or somebody else has it; or the ledger cannot be used.
        """
        with self._lock:
            free = job_id not in self._held and job_id not in self._running
            if free:
                self._held.add(job_id)
        try:
            stands = self._journal.take(origin, job_id, [status]) if free else None
            if stands is None:
                self._refused(job_id)
                what = f"Job {job_id} is not {status} any more, or somebody has it in hand. Nothing was sent."
                raise TokenLabError(what, hint="session.history() tells how it stands.")
            with self._given_back(stands):
                yield stands
        finally:
            if free:
                self._held.discard(job_id)

    @contextmanager
    def _given_back(self, stands: JobSnapshot) -> Iterator[None]:
        """Where something goes wrong in here, whoever comes next may have the job."""
        try:
            yield
        except BaseException:
            if stands.id not in self._running:
                with suppress(TokenLabError):
                    self._journal.save(stands)
            raise


async def give_signs(journal: Journal, running: Callable[[], Collection[Run]]) -> None:
    """Give the ledger signs of life for as long as the loop runs.

    Args:
        journal: The ledger.
        running: Tells what runs here.
    """
    end = anyio.Event()  # it never comes: the loop breaks this off
    while True:
        with anyio.move_on_after(BEAT_SECONDS):  # in real time, whatever clock the jobs live by
            await end.wait()
        with suppress(TokenLabError):  # without signs, others may take the jobs over; nothing is lost by that
            ours = await off_loop(journal.beat)
            for run in running():
                if run.snapshot.status in _ASKED_FOR and run.snapshot.id not in ours:
                    await _look_after(journal, run)


async def _look_after(journal: Journal, run: Run) -> None:
    """Let go of a task that another kernel took over, believing this one dead; write down what the ledger only lost."""
    ours = run.snapshot
    stands, mine = await claimed(journal, ours, ours.moves[-1].at)
    if not mine:
        run.let_go(ELSEWHERE)
    elif stands is ours:
        await off_loop(journal.add, ours)
