"""Drafts that wait for their turn: each is started or called off once, and nobody waits for ever."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import pytest

from tests.unit.jobs.fakes import DONE, REQUEST, SOON, Held, Make, World, until
from tokenlab_nb.errors import NotFoundError, SessionClosedError, TokenLabError
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import TakenError


def lined_up(engine: Engine, count: int = 3) -> list[JobSnapshot]:
    drafts = [engine.draft(REQUEST, take=number) for number in range(1, count + 1)]
    engine.reserve(drafts, [])
    engine.line.up(drafts)
    return drafts


def states(engine: Engine, drafts: Sequence[JobSnapshot]) -> list[JobStatus]:
    return [engine.snapshot(draft.id).status for draft in drafts]


def test_a_draft_is_started_once_however_many_ask(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    [draft] = lined_up(engine, 1)
    assert not engine.wait(draft.id, 0.01)
    told: list[bool] = []
    threads = [threading.Thread(target=lambda: told.append(engine.line.begin(draft.id))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(told) == [False] * 7 + [True]
    assert engine.wait(draft.id, SOON)
    assert (engine.snapshot(draft.id).status, engine.snapshot(draft.id).take) == (JobStatus.COMPLETED, 1)
    assert world.posts == 1


def test_who_waits_from_before_its_start_waits_until_its_end(make: Make) -> None:
    held = Held(DONE)
    world = World(creates=[held])
    engine = make(world)
    [draft] = lined_up(engine, 1)
    done: list[bool] = []
    thread = threading.Thread(target=lambda: done.append(engine.wait(draft.id, SOON)))
    thread.start()
    engine.line.begin(draft.id)
    assert held.asked.wait(SOON)
    assert done == []
    held.let_go()
    thread.join()
    assert done == [True]
    assert engine.snapshot(draft.id).status is JobStatus.COMPLETED


def test_what_is_called_off_is_cancelled_durably_and_never_sent(make: Make) -> None:
    world = World()
    engine = make(world)
    drafts = lined_up(engine, 450)
    engine.call(engine.line.call_off, [draft.id for draft in drafts])
    assert set(states(engine, drafts)) == {JobStatus.CANCELLED}
    assert {world.ledger.load(draft.id).status for draft in drafts} == {JobStatus.CANCELLED}  # type: ignore[union-attr]
    assert all(engine.wait(draft.id, 0) for draft in drafts)
    assert not any(engine.line.begin(draft.id) for draft in drafts)
    assert world.posts == 0


def test_what_is_called_off_for_a_reason_fails_with_it(make: Make) -> None:
    world = World()
    engine = make(world)
    drafts, gone = lined_up(engine), NotFoundError("No such model.")
    engine.call(engine.line.call_off, [drafts[0].id], gone)
    assert states(engine, drafts) == [JobStatus.FAILED, JobStatus.DRAFT, JobStatus.DRAFT]
    assert engine.snapshot(drafts[0].id).error is gone


def test_a_started_draft_is_called_off_before_it_is_sent_but_a_sent_one_goes_on(make: Make) -> None:
    held = Held(DONE)
    world = World(creates=[held])
    engine = make(world)
    drafts = lined_up(engine, 12)
    for draft in drafts:
        engine.line.begin(draft.id)
    until(lambda: states(engine, drafts).count(JobStatus.SENDING) == 8)  # so many are sent at once
    engine.call(engine.line.call_off, [draft.id for draft in drafts])
    until(lambda: states(engine, drafts).count(JobStatus.CANCELLED) == 4)
    held.let_go()
    assert all(engine.wait(draft.id, SOON) for draft in drafts)
    assert states(engine, drafts).count(JobStatus.COMPLETED) == world.posts == 8


def test_what_cannot_be_written_is_not_sent_all_the_same(make: Make) -> None:
    world = World()
    engine = make(world)
    [draft] = lined_up(engine, 1)
    world.ledger.fails = lambda snapshot: snapshot.status is JobStatus.CANCELLED
    engine.stop_waiting(draft.id)
    assert engine.wait(draft.id, SOON)
    assert engine.snapshot(draft.id).note.startswith("Not written to the ledger")
    assert not engine.line.begin(draft.id)


def test_what_the_ledger_tells_of_it_changes_nothing(make: Make) -> None:
    engine = make(World())
    [draft] = lined_up(engine, 1)
    engine.know(draft)
    engine.refresh(draft.id)
    assert engine.recover() == []
    assert not engine.snapshot(draft.id).waiting_stopped
    with pytest.raises(TokenLabError, match="in hand"), engine.holding(draft.id, JobStatus.DRAFT):
        pass


def test_nobody_takes_what_is_being_written(make: Make) -> None:
    world = World()
    engine = make(world)
    parked = engine.draft(REQUEST)
    world.ledger.save(parked)
    with (
        engine.hands.taking([parked.id]),
        pytest.raises(TokenLabError, match="in hand"),
        engine.holding(parked.id, JobStatus.DRAFT),
    ):
        pass
    with (
        engine.holding(parked.id, JobStatus.DRAFT),
        pytest.raises(TakenError),
        engine.hands.taking(["job_of_nobody", parked.id]),
    ):
        pass
    with engine.hands.taking(["job_of_nobody", parked.id]):
        pass


def test_closing_cancels_what_waits_and_keeps_nobody_waiting(make: Make) -> None:
    world = World()
    engine = make(world)
    drafts = lined_up(engine)
    engine.close()
    assert set(states(engine, drafts)) == {JobStatus.CANCELLED}
    assert all(engine.wait(draft.id, 0) for draft in drafts)
    late = engine.draft(REQUEST)
    with pytest.raises(SessionClosedError):
        engine.line.up([late])  # nobody would ever end it
    assert engine.wait(late.id, 0)
    assert not engine.line.begin(late.id)
    engine.close()
    assert world.posts == 0


def test_a_job_that_is_run_again_answers_the_same_take(make: Make) -> None:
    engine = make(World())
    drafts = lined_up(engine)
    assert engine.draft(REQUEST, repeats=drafts[2].id).take == 3
    assert engine.draft(REQUEST, repeats="job_of_another_time").take == 0
