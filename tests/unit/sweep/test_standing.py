"""Which job stands for a request that was made before."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import START, draft, waiting
from tokenlab_nb.api.replies import NO_PICTURE
from tokenlab_nb.errors import Facts, JobFailedError, ServiceError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, Origin
from tokenlab_nb.sweep.standing import is_doubtful, may_retry, standing

S = JobStatus


def job(name: str, status: JobStatus, **changes: object) -> JobSnapshot:
    made = draft()
    if status is not S.DRAFT:
        made = made.move(S.SENDING, START) if status not in (S.CANCELLED, S.FAILED) else made
        made = made.move(status, START)
    return replace(made, id=name, **changes)


DONE, FAILED, CANCELLED = job("done", S.COMPLETED), job("failed", S.FAILED), job("cancelled", S.CANCELLED)
LOST, TASK, SENT = job("lost", S.UNKNOWN), replace(waiting(), id="task"), job("sent", S.SENDING)
DRAFT, PARKED = job("draft", S.DRAFT), job("parked", S.DRAFT, waiting_stopped=True)
UNFETCHED = job("unfetched", S.FAILED, origins=(Origin("https://cdn.example.com/1.png"),), error=ServiceError("No."))
EMPTY = job("empty", S.FAILED, error=JobFailedError("None came.", facts=Facts(code=NO_PICTURE)))
CHARGED = job("charged", S.FAILED, billing_transaction_id="billtxn_1")
STOPPED = replace(TASK, id="stopped", waiting_stopped=True)
REVIVED = replace(job("revived", S.DRAFT).move(S.SENDING, START + 9).move(S.UNKNOWN, START + 9))  # written long before
AGAIN = replace(job("again", S.DRAFT).move(S.SENDING, START).move(S.FAILED, START), repeats="lost")
CALLED_OFF = replace(CANCELLED, id="called off", repeats="lost")


@pytest.mark.parametrize("anew", [False, True])
@pytest.mark.parametrize(
    ("jobs", "stands"),
    [
        ([], None),
        ([FAILED], None),
        ([CANCELLED], None),
        ([PARKED], PARKED),
        ([FAILED, PARKED, CANCELLED], PARKED),
        ([DRAFT], DRAFT),
        ([SENT], SENT),
        ([TASK], TASK),
        ([STOPPED], STOPPED),
        ([LOST], LOST),
        ([UNFETCHED], UNFETCHED),
        ([EMPTY], EMPTY),
        ([CHARGED], CHARGED),
        ([LOST, PARKED], LOST),
        ([LOST, FAILED], LOST),
        ([replace(LOST, forgotten=True)], replace(LOST, forgotten=True)),
        ([LOST, AGAIN], None),
        ([LOST, CALLED_OFF], LOST),
        ([TASK, LOST], TASK),
        ([DONE, TASK], {False: DONE, True: TASK}),
        ([DONE, LOST], {False: DONE, True: LOST}),
        ([LOST, DONE], {False: DONE, True: None}),
        ([DONE], {False: DONE, True: None}),
        ([DONE, FAILED], {False: DONE, True: None}),
        ([REVIVED, DONE], {False: DONE, True: REVIVED}),
        ([PARKED, DONE], {False: DONE, True: PARKED}),
    ],
)
def test_what_stands(jobs: list[JobSnapshot], stands: object, anew: bool) -> None:
    wanted = stands[anew] if isinstance(stands, dict) else stands
    assert standing(jobs, anew=anew) == wanted


def test_what_is_doubtful_is_never_retried() -> None:
    assert [each.id for each in (LOST, UNFETCHED, EMPTY, CHARGED) if not is_doubtful(each) or may_retry(each)] == []
    assert [each.id for each in (FAILED, CANCELLED) if is_doubtful(each) or not may_retry(each)] == []
    assert [each.id for each in (DONE, TASK, SENT, DRAFT, PARKED) if is_doubtful(each) or may_retry(each)] == []
