"""Tasks that were made elsewhere: which spellings name one, and which job follows it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import ORIGIN, POLL_URL, START, TASK_ID, draft, waiting
from tokenlab_nb.errors import UnknownOutcomeError, ValidationError
from tokenlab_nb.jobs.adopt import adopted
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus


class Rows:
    """Jobs that are known."""

    def __init__(self, *jobs: JobSnapshot) -> None:
        self.jobs = jobs

    def load(self, job_id: str) -> JobSnapshot | None:
        return next((job for job in self.jobs if job.id == job_id), None)

    def by_task(self, origin: str, task_id: str | None, poll_url: str | None) -> JobSnapshot | None:
        return next((job for job in self.jobs if task_id and job.task_id == task_id), None)


def adopt(task: str, unknown: str | None = None, *known: JobSnapshot) -> JobSnapshot:
    return adopted(task, ORIGIN, unknown, Rows(*known), START)


def lost(**changes: object) -> JobSnapshot:
    gone = draft().move(JobStatus.SENDING, START).move(JobStatus.UNKNOWN, START, error=UnknownOutcomeError("Gone."))
    return replace(gone, **{"forgotten": True, **changes})


@pytest.mark.parametrize(
    ("spelling", "task_id", "poll_url"),
    [
        (TASK_ID, TASK_ID, None),
        (f"  {TASK_ID}\n", TASK_ID, None),
        (POLL_URL, TASK_ID, POLL_URL),
        (f"{ORIGIN}{POLL_URL}", TASK_ID, POLL_URL),
        (f"{ORIGIN.upper()}{POLL_URL}", TASK_ID, POLL_URL),
        (f"/v1/images/{TASK_ID}", TASK_ID, f"/v1/images/{TASK_ID}"),
        (f"/v1/images/generations/{TASK_ID}", TASK_ID, f"/v1/images/generations/{TASK_ID}"),
        ("/v1/poll?token=abc", None, "/v1/poll?token=abc"),
    ],
)
def test_ids_and_addresses_name_a_task(spelling: str, task_id: str | None, poll_url: str | None) -> None:
    job = adopt(spelling)
    assert (job.task_id, job.poll_url) == (task_id, poll_url)
    assert (job.status, job.adopted, job.waiting_stopped, job.can_resume) == (JobStatus.PENDING, True, True, True)
    assert adopt(spelling).id == job.id


@pytest.mark.parametrize(
    "spelling",
    [
        "",
        "   ",
        ".",
        "..",
        "-x",
        "two words",
        "ldtask_é",
        "ldtask_\N{FULLWIDTH DIGIT ONE}",
        "a" * 201,
        "ldtask_a?b=c",
        "ldtask_a\nb",
    ],
)
def test_what_is_no_id_is_refused(spelling: str) -> None:
    with pytest.raises(ValidationError, match="no id of a task") as caught:
        adopt(spelling)
    assert "ldtask_" in caught.value.hint


@pytest.mark.parametrize(
    "spelling",
    [
        f"https://evil.example{POLL_URL}",
        f"//evil.example{POLL_URL}",
        f"http://api.tokenlab.sh{POLL_URL}",
        f"https://api.tokenlab.sh:444{POLL_URL}",
        f"https://api.tokenlab.sh@evil.example{POLL_URL}",
        f"https://user:word@api.tokenlab.sh{POLL_URL}",
        f"https://api.tokenlab.sh.evil.example{POLL_URL}",
        "https://[",
        "/\\evil.example/x",
        "file:///etc/passwd",
    ],
)
def test_no_key_goes_to_another_origin(spelling: str) -> None:
    with pytest.raises(ValidationError, match=r"not on https://api\.tokenlab\.sh"):
        adopt(spelling)


def test_steps_up_stay_on_the_origin_and_name_no_task() -> None:
    assert adopt("/v1/tasks/../models").task_id is None


def test_a_task_that_is_followed_already_keeps_its_job() -> None:
    known = waiting()
    assert adopt(POLL_URL, None, known) is known


def test_a_lost_job_is_settled_and_remembered_again() -> None:
    settled = adopt(POLL_URL, "job_1", lost())
    assert (settled.id, settled.task_id, settled.poll_url) == ("job_1", TASK_ID, POLL_URL)
    assert (settled.forgotten, settled.adopted, settled.status) == (False, False, JobStatus.UNKNOWN)
    assert adopt(TASK_ID, "job_1", lost(poll_url="/v1/own")).poll_url == "/v1/own"
    assert adopt("/v1/poll?token=abc", "job_1", lost(task_id=TASK_ID)).task_id == TASK_ID


def test_a_task_of_another_job_settles_nothing() -> None:
    with pytest.raises(ValidationError, match="Job job_2 follows this task already"):
        adopt(TASK_ID, "job_1", lost(), waiting(id="job_2"))


@pytest.mark.parametrize(
    "job", [None, waiting(task_id=None), lost(origin="http://sandbox.local")], ids=["none", "pending", "elsewhere"]
)
def test_only_a_lost_job_of_this_api_can_be_settled(job: JobSnapshot | None) -> None:
    with pytest.raises(ValidationError, match="job_1 is no job of unknown outcome at https://") as caught:
        adopt(TASK_ID, "job_1", *([job] if job else []))
    assert "session.history" in caught.value.hint
