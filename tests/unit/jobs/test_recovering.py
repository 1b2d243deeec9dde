"""What an earlier kernel left, what other kernels follow, and who may act on it: the engine on fake ports."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import (
    DONE,
    REQUEST,
    SOON,
    TASK_ID,
    URLS,
    Held,
    Make,
    World,
    draft,
    forever,
    submit,
    until,
    waiting,
)
from tokenlab_nb.errors import TokenLabError, TransportError, UnknownOutcomeError, ValidationError
from tokenlab_nb.jobs import leases
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, Origin
from tokenlab_nb.jobs.leases import ELSEWHERE
from tokenlab_nb.jobs.ports import TakenError

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus


def sending() -> JobSnapshot:
    return draft().move(SENDING, 1.0)


def lost() -> JobSnapshot:
    return sending().move(UNKNOWN, 2.0, error=UnknownOutcomeError("Gone."))


def parked() -> JobSnapshot:
    return replace(draft(), waiting_stopped=True)


def left(*jobs: JobSnapshot) -> World:
    world = World()
    world.ledger.saved.extend(jobs)
    return world


@pytest.mark.parametrize(
    ("stood", "status", "rests"),
    [
        (draft(), DRAFT, True),
        (sending(), UNKNOWN, True),
        (lost(), UNKNOWN, True),
        (waiting(), COMPLETED, True),
        (waiting(waiting_stopped=True), PENDING, True),
        (waiting(waiting_stopped=True, error=TransportError("No network.")), COMPLETED, True),
        (waiting(FAILED, error=TransportError("No network."), origins=(Origin(URLS[0]),)), COMPLETED, True),
        (waiting(FAILED, error=ValidationError("No picture."), origins=(Origin(URLS[0]),)), FAILED, True),
    ],
)
def test_each_state_is_taken_up_as_it_should_be(stood: JobSnapshot, status: JobStatus, rests: bool, make: Make) -> None:
    world = left(stood)
    engine = make(world)
    assert engine.recover() == ["job_1"]
    engine.wait("job_1", SOON)
    assert (engine.snapshot("job_1").status, engine.snapshot("job_1").is_at_rest) == (status, rests)
    assert engine.recover() == ([] if status is COMPLETED else ["job_1"])
    assert world.posts == 0


def test_what_was_put_away_and_what_another_follows_is_left_alone(make: Make) -> None:
    world = left(replace(lost(), id="put away", forgotten=True), waiting(id="theirs"))
    world.ledger.elsewhere = {"theirs"}
    assert make(world).recover() == []
    assert world.api.count("ask") == 0


def test_a_parked_draft_is_not_written_again(make: Make) -> None:
    world = left(parked())
    engine = make(world)
    assert (engine.recover(), engine.recover()) == (["job_1"], ["job_1"])
    assert len(world.ledger.saved) == 1


def test_recovering_does_not_take_back_a_job_that_ended_meanwhile(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    job = submit(engine, REQUEST)
    engine.wait(job, SOON)
    old = next(each for each in world.ledger.saved if each.status is SENDING)
    world.ledger.saved.append(old)  # what a look at the ledger just before the end would have shown
    engine.recover()
    assert engine.snapshot(job).status is COMPLETED
    engine.know(old)
    assert engine.snapshot(job).status is COMPLETED


def test_a_parked_draft_that_many_threads_run_is_sent_once(make: Make) -> None:
    held = Held(DONE)
    world = left(parked())
    world.api.creates = [held]
    engine = make(world)
    engine.recover()
    start = threading.Barrier(8)

    def run(_: int) -> bool:
        start.wait(SOON)
        try:
            with engine.holding("job_1", DRAFT) as stands:
                engine.start(replace(stands, waiting_stopped=False))
        except TokenLabError:
            return False
        return True

    with ThreadPoolExecutor(8) as threads:
        assert sum(threads.map(run, range(8))) == 1
    held.let_go()
    engine.wait("job_1", SOON)
    assert (engine.snapshot("job_1").status, world.posts) == (COMPLETED, 1)


def test_what_is_held_is_given_back_after_trouble(make: Make) -> None:
    world = left(parked())
    engine = make(world)
    engine.recover()
    for _ in range(2):
        with pytest.raises(ValidationError), engine.holding("job_1", DRAFT):
            raise ValidationError("Over the budget.")
    assert world.ledger.saved == [parked()] * 3


@pytest.mark.parametrize(
    ("stood", "ended"),
    [(parked(), CANCELLED), (lost(), UNKNOWN), (waiting(waiting_stopped=True), PENDING)],
)
def test_forgetting_puts_away_what_rests(stood: JobSnapshot, ended: JobStatus, make: Make) -> None:
    world = left(stood)
    engine = make(world)
    engine.recover()
    engine.forget("job_1")
    now = engine.snapshot("job_1")
    assert (now.status, now.forgotten) == (ended, ended is not CANCELLED)
    assert world.ledger.load("job_1") == now


def test_nothing_else_is_forgotten(make: Make) -> None:
    world = left(waiting(COMPLETED))
    engine = make(world)
    engine.know(*world.ledger.saved)
    with pytest.raises(ValidationError, match="only what waits for you can be set aside"):
        engine.forget("job_1")


def test_what_was_settled_elsewhere_is_not_forgotten_but_shown(make: Make) -> None:
    world = left(lost())
    engine = make(world)
    engine.recover()
    world.ledger.saved.append(lost().move(COMPLETED, 9.0))
    with pytest.raises(TokenLabError, match="is not unknown any more"):
        engine.forget("job_1")
    assert engine.snapshot("job_1").status is COMPLETED


def test_a_draft_that_waits_for_its_turn_is_not_forgotten_but_stopped(make: Make) -> None:
    held = Held(DONE)
    world = World(creates=[held])
    engine = make(world)
    submit(engine, REQUEST, concurrency=1)
    assert held.asked.wait(SOON)
    second = submit(engine, REQUEST, concurrency=1)
    until(lambda: world.ledger.load(second))
    with pytest.raises(TokenLabError, match="somebody has it"):
        engine.forget(second)
    engine.stop_waiting(second)
    engine.wait(second, SOON)
    held.let_go()
    assert engine.snapshot(second).status is CANCELLED


def test_a_job_that_another_kernel_took_over_is_let_go_and_can_be_asked_for_later(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    world = World(tasks=[forever])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask"))
    saved = len(world.ledger.saved)
    world.ledger.elsewhere = {job}
    until(lambda: engine.snapshot(job).waiting_stopped)
    assert engine.snapshot(job).note == ELSEWHERE
    assert len(world.ledger.saved) == saved
    engine.resume(job)
    engine.wait(job, SOON)
    assert engine.snapshot(job).note == ELSEWHERE
    world.ledger.elsewhere, world.api.tasks = set(), [DONE]
    engine.resume(job)
    engine.wait(job, SOON)
    assert engine.snapshot(job).status is COMPLETED


def test_a_row_that_the_ledger_lost_is_written_again_and_the_job_goes_on(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    held = Held(DONE)
    world = World(tasks=[held])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask"))
    world.ledger.saved.clear()
    until(lambda: world.ledger.load(job))
    found = world.ledger.load(job)
    assert found
    assert (found.status, found.task_id) == (PENDING, TASK_ID)
    held.let_go()
    engine.wait(job, SOON)
    assert engine.snapshot(job).status is COMPLETED


@pytest.mark.parametrize("fails", ["beat", "claim", "load"])
def test_an_unreadable_ledger_ends_no_waiting(fails: str, make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    held = Held(DONE)
    world = World(tasks=[held])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask"))
    called = threading.Event()

    def broken(*args: object) -> None:
        called.set()
        raise TokenLabError("It is locked.")

    monkeypatch.setattr(world.ledger, fails, broken)
    if fails != "beat":
        monkeypatch.setattr(world.ledger, "beat", set)
        monkeypatch.setattr(world.ledger, "saved", [] if fails == "load" else world.ledger.saved)
    assert called.wait(SOON)
    held.let_go()
    engine.wait(job, SOON)
    assert engine.snapshot(job).status is COMPLETED


def test_what_another_kernel_took_before_it_was_sent_is_not_sent_and_not_written() -> None:
    world = World()
    save = world.ledger.save

    def taken(*snapshots: JobSnapshot) -> None:
        if any(snapshot.status is SENDING for snapshot in snapshots):
            raise TakenError("Another kernel took this job over. Nothing was sent from here.")
        save(*snapshots)

    world.ledger.save = taken  # type: ignore[method-assign]
    final = world.live()
    assert (final.status, final.waiting_stopped, world.posts) == (DRAFT, True, 0)
    assert final.note.startswith("Another kernel took this job over")
    assert {each.status for each in world.ledger.saved} == {DRAFT}


def test_going_on_with_what_ended_elsewhere_shows_how_it_stands(make: Make) -> None:
    world = left(waiting(waiting_stopped=True))
    engine = make(world)
    engine.recover()
    world.ledger.saved.append(waiting().move(COMPLETED, 9.0))
    engine.resume("job_1")
    engine.wait("job_1", SOON)
    assert engine.snapshot("job_1").status is COMPLETED
    assert world.api.count("ask") == 0
