"""A job that the ledger knows: whether it is ours to go on with, and where it stands there."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import anyio

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Claim, Journal
from tokenlab_nb.jobs.runner import off_loop

BEAT_SECONDS = 15.0
"""How often the ledger is given a sign that somebody follows its jobs."""
ELSEWHERE = "Another kernel follows this job."
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


def take_draft(journal: Journal, origin: str, job_id: str) -> Claim:
    """Claim a parked draft to send it. Blocks for the ledger.

    Args:
        journal: The ledger.
        origin: API origin.
        job_id: Of the draft.

    Returns:
        The draft, ready to be started; ``mine`` is False where it is none any more, or another kernel has it.

    Raises:
        TokenLabError: If the ledger does not know it, or cannot be read or written.
    """
    claims = journal.claim(origin, job_id)
    stands = claims[0].snapshot if claims else journal.load(job_id)
    if stands is None:
        raise TokenLabError(f"The ledger knows no job {job_id}.")
    mine = bool(claims) and claims[0].mine and stands.status is JobStatus.DRAFT
    return Claim(replace(stands, waiting_stopped=False, note="", error=None) if mine else seen(stands), mine)


def seen(snapshot: JobSnapshot) -> JobSnapshot:
    """A job of the ledger as it is shown where nobody follows it from here."""
    return snapshot if snapshot.is_at_rest else replace(snapshot, waiting_stopped=True, note=_NOT_HERE)


async def give_signs(journal: Journal, heard: Callable[[set[str]], None]) -> None:
    """Give the ledger signs of life for as long as the loop runs.

    Args:
        journal: The ledger.
        heard: Called with the ids of the jobs that are followed from here, after each sign.
    """
    end = anyio.Event()  # it never comes: the loop breaks this off
    while True:
        with anyio.move_on_after(BEAT_SECONDS):  # in real time, whatever clock the jobs live by
            await end.wait()
        with suppress(TokenLabError):  # without signs, others may take the jobs over; nothing is lost by that
            heard(await off_loop(journal.beat))
