"""What an error means for a job: whether to try again, whether the task is over, and what it says when it stops."""

from __future__ import annotations

from tokenlab_nb.errors import (
    Facts,
    JobFailedError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    WaitTimeoutError,
)
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus

_TOO_MANY_REQUESTS, _UNAVAILABLE = 429, 503


class StoppedError(TokenLabError):
    """`stop_waiting` was called. It never leaves the run."""


def may_send_again(error: TokenLabError) -> bool:
    """Whether a create that ended so was provably not accepted."""
    if isinstance(error, TransportError):
        return True
    if isinstance(error, RateLimitError):
        return error.status == _TOO_MANY_REQUESTS
    return isinstance(error, ServiceError) and error.status == _UNAVAILABLE and error.retryable is True


def may_ask_again(error: BaseException) -> bool:
    """Whether a failed status call or download may work at the next try; they cost nothing, so most may."""
    if isinstance(error, TransportError | RateLimitError):
        return True
    return isinstance(error, ServiceError) and error.retryable is not False


def ends_the_task(error: TokenLabError) -> bool:
    """Whether the service says that the task is over.

    That it knows none of this id does not: it may be another key's, or too new, or only a proxy said so; it was
    accepted and is perhaps paid for, so it stays to be asked for.
    """
    return isinstance(error, JobFailedError)


def is_cancelled(error: TokenLabError) -> bool:
    """Whether the task was cancelled at the service."""
    return isinstance(error, JobFailedError) and error.code == "cancelled"


def cancelled(snapshot: JobSnapshot) -> JobFailedError:
    """What a job says that was stopped before it was accepted."""
    what = f"Job {snapshot.id} ({snapshot.request.model}) was cancelled before it was accepted: nothing was paid."
    return JobFailedError(what, facts=Facts(code="cancelled"), hint="Submit it again to have it made.")


def too_long(snapshot: JobSnapshot) -> WaitTimeoutError:
    """What a job says whose task does not end."""
    hours = schedule.LONGEST_WAIT / 3600
    return WaitTimeoutError(f"The task of job {snapshot.id} did not end within {hours:g} hours of asking.")


def after_fault(snapshot: JobSnapshot, error: Exception, now: float) -> JobSnapshot:
    """Where a job rests after a fault of ours: in the state that promises least and loses nothing."""
    what = f"tokenlab_nb itself failed ({type(error).__name__})."
    if snapshot.status is JobStatus.SENDING:
        return snapshot.move(JobStatus.UNKNOWN, now, error=UnknownOutcomeError(what), note="")
    if snapshot.status is JobStatus.DRAFT:
        return snapshot.move(JobStatus.FAILED, now, error=TokenLabError(what, hint="Please report it."))
    told = ServiceError(what, hint="Please report it.")
    return snapshot.move(snapshot.status, now, error=told, waiting_stopped=True, note="")


def alone(error: TokenLabError) -> TokenLabError:
    """The error without the frames and causes that led to it: they hold whole pictures, and a job keeps its error."""
    error.__cause__ = error.__context__ = None
    return error.with_traceback(None)
