"""A task that was made elsewhere, or whose create was lost: as a job of ours that can be asked for."""

from __future__ import annotations

import re
import uuid
from dataclasses import replace
from typing import Protocol

from tokenlab_nb.api import wire
from tokenlab_nb.contract.model import GENERATIONS
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ServiceError, ValidationError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus

ADOPTED = "adopted"
"""In place of an operation: what was asked is not known."""

_NAMESPACE = uuid.UUID("6f0d8e0e-6a0b-5b57-9a43-3a8e6c1c2f10")  # of our own, for ids made from tasks
_NAME = r"\w[\w.:-]{0,199}"  # it begins with a letter or digit, so it is never a step up in the path
_ID = re.compile(_NAME, re.ASCII)
_STATUS_ROUTE = re.compile(rf"/v1/(?:tasks|images|images/generations)/({_NAME})", re.ASCII)
_HINT = "Give the task's id (ldtask_...) or its poll_url, as the create's answer or the dashboard shows it."


class Known(Protocol):
    """The part of the ledger that is asked."""

    def load(self, job_id: str) -> JobSnapshot | None:
        """The job of this id."""

    def by_task(self, origin: str, task_id: str | None, poll_url: str | None) -> JobSnapshot | None:
        """The job that follows this task."""


def adopted(task: str, origin: str, unknown: str | None, ledger: Known, now: float) -> JobSnapshot:
    """Find or make the job that follows a task.

    Args:
        task: Its id, or its ``poll_url``.
        origin: API origin.
        unknown: Id of the job of unknown outcome that turned out to be this task; None for a new job.
        ledger: Where jobs are known.
        now: Seconds since 1970.

    Returns:
        The job, not waited for yet.

    Raises:
        ValidationError: If it is no task of this API, or ``unknown`` is not the id of such a job.
        TokenLabError: If the ledger cannot be read.
    """
    task_id, poll_url = _names(task.strip(), origin)
    known = ledger.by_task(origin, task_id, poll_url)
    if unknown:
        return _settled(unknown, known, ledger, origin, task_id, poll_url)
    if known:
        return known
    # The same task has the same id in every kernel, so that two that adopt it at once follow one job.
    name = uuid.uuid5(_NAMESPACE, f"{origin} {task_id or poll_url}").hex
    made = JobSnapshot(f"job_{name}", ImageRequest("", ADOPTED, GENERATIONS), origin, adopted=True)
    return made.move(JobStatus.PENDING, now, task_id=task_id, poll_url=poll_url, waiting_stopped=True)


def _settled(
    job_id: str, known: JobSnapshot | None, ledger: Known, origin: str, task_id: str | None, poll_url: str | None
) -> JobSnapshot:
    if known and known.id != job_id:
        raise ValidationError(f"Job {known.id} follows this task already.", hint="It is in session.history().")
    lost = ledger.load(job_id)
    if lost is None or lost.status is not JobStatus.UNKNOWN or lost.origin != origin:
        raise ValidationError(
            f"{job_id} is no job of unknown outcome at {origin}.", hint='session.history(status="unknown") lists those.'
        )
    return replace(lost, task_id=task_id or lost.task_id, poll_url=poll_url or lost.poll_url, forgotten=False)


def _names(task: str, origin: str) -> tuple[str | None, str | None]:
    """Id and ``poll_url``. The key travels to the latter, so it must lie on the API's own origin."""
    if "/" not in task:
        if not _ID.fullmatch(task):
            raise ValidationError("This is no id of a task.", hint=_HINT)
        return task, None
    try:
        path = wire.task(None, task, origin).path
    except ServiceError as error:
        raise ValidationError(f"This address is not on {origin}, where the key may go.", hint=_HINT) from error
    found = _STATUS_ROUTE.fullmatch(path)
    return (found[1] if found else None), path
