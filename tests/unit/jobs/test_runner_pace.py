"""One job that keeps to the pace of its session, on virtual time."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import anyio
import pytest

from tests.unit.jobs.fakes import DONE, REQUEST, START, WORKING, World, draft, facts, waiting
from tokenlab_nb.api.replies import Meta
from tokenlab_nb.errors import RateLimitError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.pace import Pace
from tokenlab_nb.jobs.runner import Run

BUSY = RateLimitError("Slow down.", facts=facts(429, retry_after=8.0))
SLOWED = "The service asked this session to slow down; goes on in {} s."


class Session(World):
    """A world whose job shares its pace with others."""

    def __init__(self, snapshot: JobSnapshot | None = None, **scripts: list[object]) -> None:
        super().__init__(**scripts)
        self.pace = Pace(self.clock)
        self.run = Run(snapshot or draft(), self.ports, self.seen.append, pace=self.pace)

    @property
    def notes(self) -> list[str]:
        return [snapshot.note for snapshot in self.seen if snapshot.note]


def test_a_create_waits_while_the_session_is_slowed_and_says_why() -> None:
    world = Session(creates=[DONE])
    world.pace.slow(7.0)
    final = world.live_prepared()
    assert (final.status, world.elapsed, final.note) == (JobStatus.COMPLETED, 7.0, "")
    assert set(world.notes) == {SLOWED.format(7)}
    assert final.sent_at == START + 7


def test_so_does_a_question_which_writes_nothing_for_it() -> None:
    world = Session(waiting(JobStatus.PROCESSING, progress=40), tasks=[WORKING, DONE])
    world.pace.slow(7.0)
    assert world.live_prepared().status is JobStatus.COMPLETED
    assert world.notes == [SLOWED.format(7)]
    before = [snapshot.status for snapshot in world.ledger.saved if not snapshot.origins]
    assert before == [JobStatus.PROCESSING]  # for the id of the answer; the note alone is not worth a write


@pytest.mark.parametrize("scripts", [{"creates": [BUSY, DONE]}, {"tasks": [BUSY, DONE]}], ids=["create", "question"])
def test_a_429_of_this_job_slows_the_session(scripts: dict[str, list[object]]) -> None:
    world = Session(**scripts)
    moments: list[float] = []
    world.at(2.0, lambda: moments.append(world.pace.paused_for(world.clock.time)))
    assert world.live_prepared().status is JobStatus.COMPLETED
    assert 6.0 <= moments[0] <= 8.0


def test_answers_tell_how_many_calls_are_left() -> None:
    world = Session(creates=[DONE])
    spent = Meta(calls_left=0, calls_renewed_at=world.clock.time + 30)
    world.api.creates = [replace(WORKING, meta=spent)]
    assert world.live_prepared().status is JobStatus.COMPLETED
    assert world.elapsed == 30.0


def test_stopping_while_it_waits_for_its_turn_costs_nothing() -> None:
    world = Session()
    world.pace.slow(7.0)
    world.at(3.0, world.stop)
    final = world.live_prepared()
    assert (final.status, world.posts, world.elapsed) == (JobStatus.CANCELLED, 0, 3.0)
    assert world.pace.paused_for(world.clock.time) == 4.0


def test_stopping_while_a_question_waits_for_its_turn_is_resumable() -> None:
    world = Session(waiting())
    world.pace.slow(7.0)
    world.at(3.0, world.stop)
    final = world.live_prepared()
    assert (final.status, final.waiting_stopped, final.note) == (JobStatus.PENDING, True, "")
    assert world.api.count("ask") == 0


def test_a_create_waits_for_its_model_outside_the_gate() -> None:
    world = Session(creates=[DONE])
    world.pace.limit(REQUEST.model, 1)
    entered: list[float] = []

    @asynccontextmanager
    async def gate() -> AsyncIterator[None]:
        entered.append(world.elapsed)
        if len(entered) == 1:  # another job was faster
            assert await world.pace.turn(REQUEST.model)
        yield

    anyio.run(world.run.go, gate)
    assert (world.run.snapshot.status, world.posts) == (JobStatus.COMPLETED, 1)
    assert entered == [0.0, 60.0]
    assert any("limit of 1 a minute" in note for note in world.notes)
