"""Refused jobs against the sandbox: what is offered works, is sent once, and only when somebody says so."""

from __future__ import annotations

from typing import Any

import pytest

from tests.unit.jobs.fakes import SOON
from tokenlab_nb import errors
from tokenlab_nb.contract.model import GENERATIONS
from tokenlab_nb.contract.repair import Repair
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

CREATES = "/v1/images"


def send(session: Session, model: str, task: str = "text-to-image", /, **values: Any) -> Job:
    """Send what no check of ours would let pass, and wait until it is refused."""
    job = session.send(ImageRequest(model, task, GENERATIONS, {"prompt": "A red fox", **values}))
    with pytest.raises(errors.TokenLabError):
        job.wait(SOON)
    return job


def answer(status: int, **error: Any) -> Fault:
    body = {"error": {"message": "No.", "type": "invalid_request_error", **error}}
    return Fault("answer", method="POST", path=CREATES, times=1, status=status, body=body)


@pytest.mark.parametrize(
    ("model", "values", "label", "mended"),
    [
        ("nano-banana-2", {"aspect_ratio": "7:5"}, "Use 3:2 instead", {"aspect_ratio": "3:2"}),
        (
            "gpt-image-2",
            {"style": "vivid", "seed": 3, "quality": "low"},
            "Leave style and seed out",
            {"quality": "low"},
        ),
        ("gpt-image-2", {"quality": "ultra"}, "Use auto instead", {"quality": "auto"}),
        ("gpt-image-2", {"size": "1000x1000"}, "Use 992x992 instead", {"size": "992x992"}),
        ("gpt-image-2", {"n": 11}, "Use n = 10 instead", {"n": 10}),
    ],
)
def test_the_first_repair_is_taken_by_the_service(rig, model, values, label, mended):
    made = rig()
    job = send(made.session, model, **values)
    first = made.session.repairs(job)[0]
    assert first.label == label
    assert made.session.repaired(job, first).settings == {"prompt": "A red fox", **mended}
    assert made.posts == 1
    new = made.session.repair(job, first)
    assert len(new.wait(SOON)) == mended.get("n", 1)
    assert (made.posts, made.accepted) == (2, 1)
    assert job.status is JobStatus.FAILED


def test_another_operation_is_offered_only_where_it_can_do_with_what_went_in(rig):
    made = rig()
    job = send(made.session, "gpt-image-2", "image-to-image", operation="image-to-image")
    # Without a picture an edit, which comes closest, would be refused.
    assert [each.operation for each in made.session.repairs(job)] == ["text-to-image"]


def test_what_the_contract_would_refuse_is_not_offered(rig):
    made = rig(answer(400, param="aspect_ratio", allowed_aspect_ratios=["8:5"]))
    job = send(made.session, "nano-banana-2", aspect_ratio="3:2")
    assert [each.label for each in made.session.repairs(job)] == ["Leave aspect_ratio out"]


def test_another_model_gets_the_settings_in_its_own_words(rig):
    near = {"did_you_mean": "stable-image-core", "suggestions": [{"id": "no-such-model"}]}
    made = rig(answer(400, code="model_not_found", param="model", **near))
    job = send(made.session, "gpt-image-2", size="1024x1024", quality="low", **{"async": True})
    (only,) = made.session.repairs(job)
    assert only.label == "Use stable-image-core instead"
    assert only.changes == {"size": None, "quality": None, "async": None, "aspect_ratio": "1:1"}
    (image,) = made.session.repair(job, only).wait(SOON)
    assert image.metadata["model"] == "stable-image-core"


def test_a_model_that_is_refused_is_not_asked_about_for_each_of_its_jobs(rig):
    gone = {"message": "Gone.", "type": "x", "code": "model_not_found", "did_you_mean": "nano-banana-2"}
    made = rig(Fault("answer", method="POST", path=CREATES, status=404, body={"error": gone}))
    jobs = [send(made.session, "z-image", seed=seed) for seed in range(3)]
    made.clock.time += 3600  # nothing that was read is fresh any more
    before = len(made.sent("GET", "/models/z-image"))
    for job in jobs:
        assert [each.model for each in made.session.repairs(job)] == ["nano-banana-2"]
    assert len(made.sent("GET", "/models/z-image")) == before


def test_a_repair_of_ones_own_is_checked_like_any_request(rig):
    made = rig()
    job = send(made.session, "nano-banana-2", aspect_ratio="7:5")
    with pytest.raises(errors.ValidationError, match='"9:8" is not taken here'):
        made.session.repair(job, Repair("Mine", {"aspect_ratio": "9:8"}))
    with pytest.raises(errors.NotFoundError):
        made.session.repair(job, Repair("Mine", model="no-such-model"))
    assert made.posts == 1
    made.session.repair(job, Repair("Mine", {"aspect_ratio": "16:9", "resolution": "1k"})).wait(SOON)
    assert made.posts == 2


def test_what_was_not_refused_is_not_mended(rig):
    made = rig(Fault("drop", method="POST", path=CREATES, times=1, after=True))
    lost = send(made.session, "nano-banana-2", aspect_ratio="3:2")
    done = made.session.submit(model="nano-banana-2", prompt="A red fox")
    done.wait(SOON)
    assert lost.status is JobStatus.UNKNOWN
    posts = made.posts
    for job in (lost, done):
        assert made.session.repairs(job) == []
        with pytest.raises(errors.ValidationError, match="was not refused"):
            made.session.repair(job, Repair("Mine", {"aspect_ratio": "1:1"}))
    assert made.posts == posts


@pytest.mark.parametrize("fault", ["insufficient_balance", "invalid_api_key", "server_error"])
def test_no_other_request_mends_a_key_a_balance_or_a_service(rig, fault):
    made = rig(Fault(fault, method="POST", path=CREATES, times=1))
    job = send(made.session, "nano-banana-2", aspect_ratio="3:2")
    assert made.session.repairs(job) == []


def test_a_repair_keeps_within_the_budget(rig):
    made = rig(base_url="https://api.tokenlab.sh")
    job = send(made.session, "nano-banana-2", aspect_ratio="7:5")
    first = made.session.repairs(job)[0]
    with pytest.raises(errors.BudgetExceededError):
        made.session.repair(job, first, budget=made.session.budget_of(0.0))
    with pytest.raises(errors.BudgetExceededError):
        job.repair(first, budget=made.session.budget_of(0.0))
    assert made.posts == 1


def test_repairs_come_without_blocking_and_with_what_they_cost(rig):
    made = rig()
    job = send(made.session, "nano-banana-2", aspect_ratio="7:5")
    first = job.fetch_repairs().result(SOON)[0]
    assert first.request == made.session.repaired(job, first.repair)
    assert first.price == made.session.price(first.request)


def test_a_job_of_an_earlier_kernel_can_be_mended(rig):
    job = send(rig().session, "nano-banana-2", aspect_ratio="7:5")
    later = rig()
    (again,) = later.session.history(status="failed")
    assert again.id == job.id
    assert later.session.repairs(again)[0].changes == {"aspect_ratio": "3:2"}


def test_the_code_of_a_job_asks_the_same_once_more(rig):
    made = rig()
    job = made.session.submit(model="gpt-image-2", prompt="A red fox", size="1024x1024")
    again = eval(job.code, {"session": made.session})
    assert again.request == job.request
    assert again.id != job.id


def test_the_code_of_a_grid_finds_what_it_made(rig):
    made = rig()
    grid = made.session.compare(["nano-banana-2", "gpt-image-2"], "A red fox", n=[1, 2])
    grid.wait(SOON)
    posts = made.posts
    assert grid.code == 'session.compare(["nano-banana-2", "gpt-image-2"], "A red fox", n=[1, 2])'
    again = eval(grid.code, {"session": made.session})
    again.wait(SOON)
    assert [job.id for job in again.jobs] == [job.id for job in grid.jobs]
    assert made.posts == posts
