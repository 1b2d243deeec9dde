"""What is known of a job's cost, and what may become of a job that its kernel left: by its state."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import START, NoDesk, World, draft, waiting
from tokenlab_nb.api.replies import NO_PICTURE
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.errors import Facts, JobFailedError, TokenLabError, UnknownOutcomeError
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus, Origin

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
LOST = draft().move(SENDING, START).move(UNKNOWN, START + 2.0, error=UnknownOutcomeError("Gone."))


@pytest.mark.parametrize(
    ("job", "charge"),
    [
        (draft(), Charge.RESERVED),
        (replace(draft(), waiting_stopped=True), Charge.NONE),
        (draft().move(SENDING, 1.0), Charge.RESERVED),
        (LOST, Charge.UNKNOWN),
        (replace(LOST, billing_transaction_id="b"), Charge.SETTLED),
        (waiting(), Charge.RESERVED),
        (waiting(waiting_stopped=True), Charge.RESERVED),
        (waiting(COMPLETED), Charge.RESERVED),
        (waiting(COMPLETED, billing_transaction_id="b"), Charge.SETTLED),
        (waiting(FAILED), Charge.NONE),
        (waiting(FAILED, origins=(Origin("https://cdn.example.com/1.png"),)), Charge.RESERVED),
        (waiting(CANCELLED), Charge.NONE),
        (waiting(FAILED, error=JobFailedError("Done, but empty.", facts=Facts(code=NO_PICTURE))), Charge.UNKNOWN),
        (waiting(FAILED, error=JobFailedError("Policy.", facts=Facts(code="policy"))), Charge.NONE),
    ],
)
def test_each_state_says_what_is_known_of_its_cost(job: JobSnapshot, charge: Charge) -> None:
    assert job.charge is charge


def test_a_parked_draft_is_left_as_it_is() -> None:
    parked = draft().orphaned(5.0)
    assert parked.is_parked
    assert parked.orphaned(6.0) is parked
    assert waiting().orphaned(5.0) == waiting()


def held(world: World, snapshot: JobSnapshot) -> tuple[Job, NoDesk, Engine]:
    world.ledger.saved.append(snapshot)
    engine, desk = Engine(world.ports), NoDesk()
    engine.know(snapshot)
    return Job(snapshot.id, engine, world.blobs, desk), desk, engine


def test_looking_again_says_where_to_look() -> None:
    job, desk, _ = held(World(), LOST)
    words = job.look_again()
    assert "a request to model-a, sent 2027-01-15 08:00:00 UTC" in words
    assert "session.adopt(task, settles='job_1')" in words
    job, desk, _ = held(World(), replace(LOST, request_id="req_1"))
    assert "for request req_1, sent" in job.look_again()
    job.run()
    assert job.run_again() is job
    assert [what for what, _ in desk.asked] == ["run_draft", "run_again"]


def test_looking_again_finds_what_another_kernel_found() -> None:
    world = World()
    job, _, engine = held(world, LOST)
    world.ledger.saved.append(replace(LOST, task_id="ldtask_1"))
    assert "Asking for its task" in job.look_again()
    engine.wait(job.id, 10)
    assert job.status is COMPLETED
    assert job.look_again() == "It is not unknown any more: completed."
    assert job.support_packet()["task_id"]
    engine.close()


def test_a_job_that_the_ledger_does_not_know_stays_as_it_is() -> None:
    world = World()
    job, _, engine = held(world, LOST)
    world.ledger.saved.clear()
    job.look_again()
    with pytest.raises(TokenLabError):
        job.forget()
    assert job.status is UNKNOWN
    engine.close()


def test_a_parked_draft_is_sent_at_todays_price_and_dated_anew() -> None:
    """So that a budget counts it, however old it is and whatever the clock says."""
    parked = draft().orphaned(5.0)
    revived = parked.revived(START + 60.0, Estimate(0.02, 0.02))
    assert (revived.is_parked, revived.charge, revived.estimate) == (False, Charge.RESERVED, Estimate(0.02, 0.02))
    assert revived.move(SENDING, 1.0).sent_at == START + 60.0


def test_no_move_is_dated_before_the_one_that_led_to_it() -> None:
    moved = draft().move(SENDING, START + 10.0).move(PENDING, START - 3_600.0).move(COMPLETED, START + 12.0)
    assert [move.at - START for move in moved.moves] == [0.0, 10.0, 10.0, 12.0]
