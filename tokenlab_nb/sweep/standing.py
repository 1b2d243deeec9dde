"""Which of the jobs that were made for a request already stands for it now. Pure.

What is there is not made again, what may be paid for is never sent again by itself, and what cost nothing is made anew.
"""

from __future__ import annotations

from collections.abc import Sequence

from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus

_UNDER_WAY = (JobStatus.SENDING, JobStatus.PENDING, JobStatus.PROCESSING)


def standing(jobs: Sequence[JobSnapshot], *, anew: bool = False) -> JobSnapshot | None:
    """Choose the job that stands for a take.

    Args:
        jobs: All that were made for it, in any kernel; of two of the same moment, the older one first.
        anew: Whether pictures that are there are to be made once more.

    Returns:
        One that goes on, is done, is perhaps paid for, or is a draft; None where it is to be made anew.
    """
    newest = sorted(jobs, key=_begun)[::-1]
    done = next((job for job in newest if job.status is JobStatus.COMPLETED), None)
    if done and not anew:
        return done
    under_way = next((job for job in newest if _is_under_way(job)), None)
    if under_way:
        return under_way
    # An unknown one that the user ran again is settled by that, but not where it was called off before it was sent.
    repeated = {job.repeats for job in newest if job.sent_at is not None}
    since_done = newest[: newest.index(done)] if done else newest  # and what is older than a picture, by the picture
    doubtful = (job for job in since_done if is_doubtful(job) and job.id not in repeated)
    return next(doubtful, None) or next((job for job in newest if job.is_parked), None)


def _begun(job: JobSnapshot) -> float:
    """When it was sent: a draft may have been written long before. Else when it was written down."""
    return job.created_at if job.sent_at is None else job.sent_at


def _is_under_way(job: JobSnapshot) -> bool:
    return job.status in _UNDER_WAY or (job.status is JobStatus.DRAFT and not job.is_parked)


def is_doubtful(job: JobSnapshot) -> bool:
    """Whether it has no picture to show and is, or may be, paid for all the same: it is never sent again by itself."""
    return job.status is not JobStatus.COMPLETED and job.is_at_rest and job.charge is not Charge.NONE


def may_retry(job: JobSnapshot) -> bool:
    """Whether it ended without a picture and without a cost, so that sending it once more is all that is left."""
    return job.status in (JobStatus.FAILED, JobStatus.CANCELLED) and job.charge is Charge.NONE
