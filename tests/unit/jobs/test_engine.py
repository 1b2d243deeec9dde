"""Many jobs on one loop: limits, listeners, threads, and the end."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import anyio
import pytest

from tests.unit.jobs.fakes import (
    ACCEPTED,
    DONE,
    ORIGIN,
    REQUEST,
    SOON,
    URLS,
    WORKING,
    Held,
    Make,
    World,
    facts,
    forever,
    submit,
    until,
)
from tests.unit.pictures import PNG
from tokenlab_nb.errors import AuthenticationError, ImageError, RateLimitError, TransportError
from tokenlab_nb.jobs.engine import MAX_SENDS
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.jobs.schedule import LONGEST_PAUSE

# ------------------------------------------------------------------------------------------------- jobs


def test_twenty_jobs_at_once_all_come_home(make: Make) -> None:
    world = World(tasks=[WORKING, DONE])
    engine = make(world)
    ids = [submit(engine, REQUEST) for _ in range(20)]
    assert len(set(ids)) == 20
    assert all(engine.wait(each, SOON) for each in ids)
    assert {engine.snapshot(each).status for each in ids} == {JobStatus.COMPLETED}
    assert {engine.snapshot(each).origin for each in ids} == {ORIGIN}
    assert world.posts == 20


def test_many_threads_may_submit_while_the_loop_is_busy(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    with ThreadPoolExecutor(8) as threads:
        ids = list(threads.map(lambda _: submit(engine, REQUEST), range(200)))
    assert all(engine.wait(each, SOON) for each in ids)
    assert {engine.snapshot(each).status for each in ids} == {JobStatus.COMPLETED}


def test_eight_creates_are_sent_at_once_however_many_tasks_are_waited_for(make: Make) -> None:
    answer = Held(ACCEPTED)
    world = World(creates=[answer], tasks=[forever])
    engine = make(world)
    for _ in range(100):
        submit(engine, REQUEST)
    until(lambda: world.api.sending == MAX_SENDS)
    answer.let_go()
    until(lambda: world.api.count("ask") == 100)
    assert (world.posts, world.api.most_sending) == (100, MAX_SENDS)


def test_a_model_may_have_a_lower_limit_which_holds_back_no_other_model(make: Make) -> None:
    answer = Held(ACCEPTED)
    world = World(creates=[answer], tasks=[forever])
    engine = make(world)
    for _ in range(20):
        submit(engine, REQUEST, concurrency=2)
    until(lambda: world.api.sending == 2)
    submit(engine, replace(REQUEST, model="model-b"))
    until(lambda: world.api.sending == 3)
    answer.let_go()
    until(lambda: world.api.count("ask") == 21)
    assert world.api.most_sending == 3


def test_a_model_may_have_a_limit_of_creates_a_minute_and_its_waiting_jobs_take_nobodys_place(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    ids = [submit(engine, REQUEST, per_minute=2) for _ in range(5)]
    assert all(engine.wait(each, SOON) for each in ids)
    times = sorted(engine.snapshot(each).sent_at or 0.0 for each in ids)
    assert min(later - earlier for earlier, later in zip(times, times[2:], strict=False)) >= 60
    assert world.posts == 5


def test_a_429_slows_all_jobs_of_the_engine(make: Make) -> None:
    busy = RateLimitError("Tomorrow.", facts=facts(429, retry_after=86_400.0))
    world = World(creates=[busy, DONE])
    engine = make(world)
    refused = submit(engine, REQUEST)
    assert engine.wait(refused, SOON)
    job = submit(engine, replace(REQUEST, model="model-b"))
    assert engine.wait(job, SOON)
    assert (engine.snapshot(refused).status, engine.snapshot(job).status) == (JobStatus.FAILED, JobStatus.COMPLETED)
    assert world.elapsed == LONGEST_PAUSE


@pytest.mark.parametrize("limit", [None, 1])
def test_a_create_goes_through_the_gate_again_when_it_is_sent_again(make: Make, limit: int | None) -> None:
    world = World(creates=[TransportError("No connection."), TransportError("No connection."), DONE])
    engine = make(world)
    job = submit(engine, REQUEST, concurrency=limit)
    assert engine.wait(job, SOON)
    assert (engine.snapshot(job).status, world.posts) == (JobStatus.COMPLETED, 3)


def test_a_fault_of_ours_ends_on_the_job_and_the_others_go_on(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    world = World(creates=[lambda: ZeroDivisionError("a bug"), DONE])
    engine = make(world)
    bad, good = submit(engine, REQUEST), None
    assert engine.wait(bad, SOON)
    good = submit(engine, REQUEST)
    assert engine.wait(good, SOON)
    assert engine.snapshot(bad).status is JobStatus.UNKNOWN
    assert "tokenlab_nb itself failed (ZeroDivisionError)" in str(engine.snapshot(bad).error)
    assert "a bug" in caplog.text
    assert engine.snapshot(good).status is JobStatus.COMPLETED


def test_a_fault_before_sending_has_sent_nothing(make: Make) -> None:
    world = World()
    world.ledger.latencies = lambda *_: 1 / 0  # type: ignore[method-assign] # the fault
    engine = make(world)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    assert (engine.snapshot(job).status, world.posts) == (JobStatus.FAILED, 0)


def test_a_fault_while_asking_leaves_the_task_resumable(make: Make) -> None:
    world = World(tasks=[lambda: ZeroDivisionError("a bug"), DONE])
    engine = make(world)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    assert (engine.snapshot(job).status, engine.snapshot(job).waiting_stopped) == (JobStatus.PENDING, True)
    engine.resume(job)
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).status is JobStatus.COMPLETED


# ------------------------------------------------------------------------------------------------- stop and resume


def test_a_stopped_job_rests_and_goes_on_when_it_is_asked_to(make: Make) -> None:
    world = World(tasks=[forever, DONE])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask") == 1)
    engine.stop_waiting(job)
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).waiting_stopped
    engine.resume(job)
    assert not engine.snapshot(job).waiting_stopped
    assert engine.wait(job, SOON)
    assert (engine.snapshot(job).status, world.posts) == (JobStatus.COMPLETED, 1)


def test_resuming_from_many_threads_at_once_asks_once(make: Make) -> None:
    world = World(tasks=[TransportError("Down.")] * 8 + [Held(DONE)])
    engine = make(world)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(engine.resume, [job] * 8))
    until(lambda: world.api.count("ask") == 9)
    engine.stop_waiting(job)
    assert engine.wait(job, SOON)
    assert world.api.count("ask") == 9


def test_the_last_wish_counts_while_a_stop_is_on_its_way(make: Make) -> None:
    world = World(tasks=[forever])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask") == 1)

    async def on_the_loop(*wishes: Callable[[str], None]) -> None:
        for wish in wishes:
            wish(job)

    engine.call(on_the_loop, engine.stop_waiting, engine.resume)  # nothing has ended in between
    until(lambda: world.api.count("ask") == 2)
    assert not engine.wait(job, 0)
    engine.call(on_the_loop, engine.stop_waiting, engine.resume, engine.stop_waiting)
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).waiting_stopped
    assert (world.api.count("ask"), world.posts) == (2, 1)


def test_resuming_in_a_listener_goes_on_and_blocks_nobody(make: Make) -> None:
    world = World(tasks=[AuthenticationError("Wrong key."), DONE])
    engine = make(world)
    held = Held(ACCEPTED)
    world.api.creates = [held]
    job = submit(engine, REQUEST)
    engine.subscribe(job, lambda snapshot: engine.resume(job) if snapshot.waiting_stopped else None)
    held.let_go()
    assert engine.wait(job, SOON)
    assert (engine.snapshot(job).status, world.posts) == (JobStatus.COMPLETED, 1)


def test_resuming_without_a_reason_does_nothing(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    before = list(world.diary)
    engine.resume(job)
    engine.stop_waiting(job)
    assert engine.wait(job, 0)
    assert world.diary == before


def test_a_running_job_needs_no_resuming(make: Make) -> None:
    world = World(tasks=[forever])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask") == 1)
    engine.resume(job)
    assert world.api.count("ask") == 1


def test_failed_pictures_are_fetched_again_without_asking_or_sending(make: Make) -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [ImageError("Refused."), PNG]
    engine = make(world)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).can_fetch_again
    engine.resume(job)
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).status is JobStatus.COMPLETED
    assert (world.posts, world.api.count("ask"), world.api.count("fetch")) == (1, 0, 2)


# ------------------------------------------------------------------------------------------------- waiting


def test_waiting_takes_no_longer_than_it_may(make: Make) -> None:
    engine = make(World(tasks=[forever]))
    job = submit(engine, REQUEST)
    assert not engine.wait(job, 0.01)


def test_blocking_and_awaiting_go_together(make: Make) -> None:
    answer = Held(ACCEPTED)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)

    async def awaiting() -> JobStatus:
        loop = asyncio.get_running_loop()
        blocking = loop.run_in_executor(None, engine.wait, job, SOON)
        waits = [engine.wait_async(job) for _ in range(3)]
        answer.let_go()
        await asyncio.gather(*waits, blocking)
        return engine.snapshot(job).status

    assert asyncio.run(awaiting()) is JobStatus.COMPLETED


def test_a_cancelled_await_ends_the_waiting_only(make: Make, capfd: pytest.CaptureFixture[str]) -> None:
    answer = Held(ACCEPTED)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)

    async def impatient() -> None:
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(engine.wait_async(job), 0.01)

    asyncio.run(impatient())
    answer.let_go()  # after that loop is closed
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).status is JobStatus.COMPLETED
    assert capfd.readouterr().err == ""


def test_a_coroutine_function_runs_on_the_loop_and_its_failure_comes_back(make: Make) -> None:
    engine = make(World())

    async def where(word: str) -> tuple[str, str]:
        return word, threading.current_thread().name

    async def failing() -> None:
        raise ValueError("no")

    assert engine.call(where, "here") == ("here", "tokenlab-nb")
    assert engine.call_soon(where, "there").result(SOON)[0] == "there"
    with pytest.raises(ValueError, match="no"):
        engine.call(failing)


def test_a_result_that_nobody_wants_any_more_is_not_worked_for(make: Make) -> None:
    engine = make(World())
    ran: list[int] = []

    async def work() -> None:
        ran.append(1)

    async def hold() -> None:
        engine.call_soon(work).cancel()

    engine.call(hold)
    engine.call(anyio.sleep, 0)
    assert not ran
