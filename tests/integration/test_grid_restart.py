"""A grid outlives its kernel: whoever runs the plan again finds each take by request and number, and sends the rest."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.integration.grids import FOXES, ONE, Gate, beside, prompts_sent, waits
from tests.integration.harness import Rig
from tests.integration.kernels import Kernel, Place
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.errors import BudgetExceededError, TokenLabError
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

Make = Callable[..., Rig]
RUNS = """
grid = session.sweep("flux-2-pro", [f"fox {n}" for n in range(12)], repeats=2, async_=True).run(concurrency=4)
until(lambda: [cell.status for cell in grid.cells].count("running") == 4)
until(lambda: all(job.snapshot.task_id for job in grid.jobs[:4]))
tell([job.id for job in grid.jobs])
"""
RUNS_ON_A_WORD = """
sweep = session.sweep("flux-2-pro", [f"fox {n}" for n in range(12)], repeats=2, async_=True)
tell("ready")
told()
try:
    grid = sweep.run(concurrency=24)
except tl.TokenLabError as error:
    tell(str(error))
else:
    grid.wait(30)
    tell("ran")
"""


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place()
    yield made
    made.close()


def planned(session: Session) -> object:
    return session.sweep("flux-2-pro", [f"fox {n}" for n in range(12)], repeats=2, async_=True)


def test_a_killed_kernel_loses_nothing_and_each_take_is_sent_once(place: Place, tmp_path: Path) -> None:
    with Kernel(place.url, tmp_path, RUNS) as kernel:
        [jobs] = kernel.hear()
    assert place.accepted == 4
    place.let_time_pass()
    with place.session(tmp_path) as session:
        session.recover()
        assert "20 jobs never sent" in session.notice
        assert "\n" not in session.notice
        sweep = planned(session)
        grid = sweep.run()  # type: ignore[attr-defined]
        assert [job.id for job in grid.jobs] == jobs
        assert len(grid.wait(3 * SOON)) == 24
    assert place.accepted == place.posts == 24
    assert set(Counter(record.order.prompt for record in place.world.records.values()).values()) == {2}
    with place.session(tmp_path) as session:
        assert len(session.made_takes(sweep.plan.takes)) == 24  # type: ignore[attr-defined]
        assert len(planned(session).run().images) == 24  # type: ignore[attr-defined]
    assert place.posts == 24


def test_what_a_kernel_left_that_died_since_we_connected_is_taken_up(place: Place, tmp_path: Path) -> None:
    place.let_time_pass()
    with place.session(tmp_path) as session:
        with Kernel(place.url, tmp_path, RUNS) as kernel:
            kernel.hear()
        grid = planned(session).run()  # type: ignore[attr-defined]
        assert len(grid.wait(3 * SOON)) == 24
    assert place.posts == 24


def test_two_kernels_that_run_a_plan_at_once_send_each_take_once(place: Place, tmp_path: Path) -> None:
    place.let_time_pass()
    with Kernel(place.url, tmp_path, RUNS_ON_A_WORD) as one, Kernel(place.url, tmp_path, RUNS_ON_A_WORD) as two:
        assert one.hear() == two.hear() == ["ready"]
        for kernel in (one, two):
            kernel.say()
        told = [*one.hear(), *two.hear()]
        assert "ran" in told
    with place.session(tmp_path) as session:
        session.recover()
        assert len(planned(session).run().wait(3 * SOON)) == 24  # type: ignore[attr-defined]
    assert place.posts == place.accepted == 24


def test_what_another_living_kernel_sends_is_not_sent_from_here(rig: Make) -> None:
    world = rig(wire=Gate)
    world.wire.places = 0
    ours = world.session.sweep(ONE, FOXES).run(concurrency=2)
    waits(world, 2)
    session, wire = beside(world)
    with session:
        theirs = session.sweep(ONE, FOXES).run()
        assert [job.id for job in theirs.jobs] == [job.id for job in ours.jobs]
        assert theirs.wait(SOON) == []
        assert theirs.to_retry() == ()
        world.wire.places = 10**9
        assert len(ours.wait(SOON)) == 6
        again = session.sweep(ONE, FOXES).run()
        assert len(again.images) == 6
    assert not [request for request in wire.requests if request.method == "POST"]
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


def test_a_job_that_came_between_looking_and_writing_is_seen(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = rig()
    session, wire = beside(world)
    first = []

    def meanwhile(*args: object) -> object:
        if not first:
            first.append(session.sweep(ONE, FOXES).run())
            first[0].wait(SOON)
        return read(*args)

    read = world.session._read_models
    monkeypatch.setattr(world.session, "_read_models", meanwhile)
    with session:
        grid = world.session.sweep(ONE, FOXES).run()
        assert len(grid.images) == 6
    assert world.posts == 0
    assert sum(request.method == "POST" for request in wire.requests) == 6


def test_a_plan_that_others_keep_running_is_given_up_unsent(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = rig()
    session, _ = beside(world)
    again = session.sweep(ONE, FOXES)

    def meanwhile(*args: object) -> object:
        again.run(anew=True).wait(SOON)
        return read(*args)

    read = world.session._read_models
    monkeypatch.setattr(world.session, "_read_models", meanwhile)
    with session, pytest.raises(TokenLabError, match="at work on the same"):
        world.session.sweep(ONE, FOXES).run(anew=True)
    assert world.posts == 0
    assert world.session.jobs == []


def leave(world: Rig, count: int) -> None:
    """Drafts of a grid as a killed kernel leaves them."""
    session = world.session
    takes = session.sweep(ONE, [f"fox {n}" for n in range(count)]).plan.takes.values()
    drafts = [session._engine.draft(take.request, estimate=take.price, take=take.number) for take in takes]
    session._journal.save(*(replace(draft, waiting_stopped=True) for draft in drafts))


def test_a_thousand_drafts_are_taken_up_fast_and_told_in_a_line(rig: Make) -> None:
    world = rig()
    leave(world, 1000)
    begun = time.monotonic()
    assert len(world.session.recover()) == 1000
    assert time.monotonic() - begun < SOON
    assert world.session.notice == "From an earlier kernel: 1,000 jobs never sent. session.recover() lists them."


def test_drafts_of_an_earlier_kernel_are_revived_under_the_budget(rig: Make) -> None:
    world = rig()
    leave(world, 6)
    sweep = world.session.sweep(ONE, FOXES)
    with pytest.raises(BudgetExceededError):
        sweep.run(0.001)
    assert {job.snapshot.is_parked for job in world.session.history()} == {True}
    left = {job.id for job in world.session.history()}
    grid = sweep.run(sweep.price.high)
    assert {job.id for job in grid.jobs} == left
    assert len(grid.wait(SOON)) == 6
    assert world.posts == 6


def test_a_draft_that_is_run_by_hand_at_the_same_time_is_sent_once(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = rig()
    leave(world, 6)
    [by_hand] = [job for job in world.session.history() if job.request.prompt == FOXES[0]]
    done = []

    def meanwhile(*args: object) -> object:
        if not done:
            done.append(by_hand.run())
        return read(*args)

    read = world.session._read_models
    monkeypatch.setattr(world.session, "_read_models", meanwhile)
    grid = world.session.sweep(ONE, FOXES).run()
    assert len(grid.wait(SOON)) == 6
    assert by_hand.id in {job.id for job in grid.jobs}
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


def test_a_lost_ledger_does_not_make_a_session_forget_its_own_grid(rig: Make, tmp_path: Path) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    sweep.run().wait(SOON)
    for file in (tmp_path / "data").glob("ledger.sqlite3*"):
        file.unlink()
    assert len(sweep.run().images) == 6
    assert world.posts == 6


def test_an_answer_that_was_lost_with_the_kernel_is_not_sent_again(place: Place, tmp_path: Path) -> None:
    slow = Fault("delay", method="POST", path="/v1/images", seconds=600.0)
    held = Place(slow)
    try:
        code = RUNS.replace("until(lambda: all(job.snapshot.task_id for job in grid.jobs[:4]))", "")
        with Kernel(held.url, tmp_path, code) as kernel:
            kernel.hear()
            until(lambda: sum(held.world.received.values()) == 4)
        held.let_time_pass()
        with held.session(tmp_path) as session:
            session.recover()
            grid = planned(session).run()  # type: ignore[attr-defined]
            assert len(grid.wait(3 * SOON)) == 20
            assert Counter(job.status for job in grid.jobs) == {JobStatus.COMPLETED: 20, JobStatus.UNKNOWN: 4}
        assert held.posts == 24
    finally:
        held.close()
