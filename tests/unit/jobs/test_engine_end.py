"""How an engine ends: what it waits for, what it cancels, and what the ledger still gets."""

from __future__ import annotations

import _thread
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import anyio
import pytest
import sniffio

from tests.unit.jobs.fakes import (
    ACCEPTED,
    DONE,
    REQUEST,
    SOON,
    TASK_ID,
    Held,
    Make,
    World,
    forever,
    submit,
    until,
)
from tokenlab_nb.errors import SessionClosedError, TransportError
from tokenlab_nb.jobs import loop as loops
from tokenlab_nb.jobs.clock import RealClock
from tokenlab_nb.jobs.engine import MAX_SENDS
from tokenlab_nb.jobs.job import JobStatus


def test_closing_twice_is_fine_and_an_unused_engine_has_no_thread(make: Make) -> None:
    threads = threading.active_count()
    closed: list[str] = []

    async def on_close() -> None:
        closed.append(threading.current_thread().name)

    unused = make(World(), on_close=on_close)
    unused.close()
    unused.close()
    assert threading.active_count() == threads
    used = make(World(creates=[DONE]), on_close=on_close)
    job = submit(used, REQUEST)
    used.wait(job, SOON)
    used.close()
    used.close()
    assert closed == ["tokenlab-nb"]
    assert used.snapshot(job).status is JobStatus.COMPLETED
    assert used._loop not in loops.open_loops


def test_where_sniffio_is_installed_a_call_begins_too(make: Make) -> None:
    """Many packages bring it; where it is, anyio asks it which loop runs, and it knows of tasks and contexts only."""

    async def library() -> str:
        return sniffio.current_async_library()

    assert make(World()).call_soon(library).result(SOON) == "asyncio"


def test_a_closed_engine_says_so(make: Make) -> None:
    engine = make(World())
    engine.close()
    for use in (lambda: submit(engine, REQUEST), lambda: engine.call(anyio.sleep, 0)):
        with pytest.raises(SessionClosedError, match=r"This session is closed\. Make a new one with tl\.connect\(\)"):
            use()


def test_closing_lets_an_answer_on_its_way_arrive_and_sends_nothing_new(make: Make) -> None:
    answer = Held(ACCEPTED)
    world = World(creates=[answer], tasks=[forever])
    engine = make(world)
    ids = [submit(engine, REQUEST) for _ in range(30)]
    until(lambda: world.api.sending == MAX_SENDS)
    threading.Timer(0.05, answer.let_go).start()
    engine.close()
    ends = [engine.snapshot(each) for each in ids]
    assert world.posts == MAX_SENDS
    assert sum(end.task_id == TASK_ID for end in ends) == MAX_SENDS
    assert sum(end.status is JobStatus.CANCELLED for end in ends) == 30 - MAX_SENDS
    assert all(end.is_at_rest for end in ends)


def test_closing_does_not_wait_for_ever(make: Make) -> None:
    world = World(creates=[forever, ACCEPTED], tasks=[forever])
    engine = make(world)
    lost, kept = submit(engine, REQUEST), submit(engine, REQUEST)
    until(lambda: world.api.count("ask") == 1)
    calling = engine.call_soon(anyio.sleep_forever)
    begin = time.monotonic()
    engine.close(grace=0.05)
    assert time.monotonic() - begin < SOON / 2
    states = {engine.snapshot(each).status for each in (lost, kept)}
    assert states == {JobStatus.UNKNOWN, JobStatus.PENDING}
    assert all(engine.wait(each, 0) for each in (lost, kept))
    with pytest.raises(SessionClosedError, match="closed meanwhile"):
        calling.result(SOON)


@pytest.mark.parametrize(("longest", "status"), [(SOON, JobStatus.PROCESSING), (0.01, JobStatus.UNKNOWN)])
def test_closing_waits_for_a_paid_answer_as_long_as_a_create_may_take(
    make: Make, longest: float, status: JobStatus
) -> None:
    answer = Held(DONE)
    engine = make(World(creates=[answer]), longest_create=longest)
    job = submit(engine, REQUEST)
    assert answer.asked.wait(SOON)
    if longest == SOON:
        threading.Timer(0.1, answer.let_go).start()
    engine.close()
    assert (engine.snapshot(job).status, bool(engine.snapshot(job).origins)) == (status, longest == SOON)


def test_ctrl_c_ends_the_waiting_of_closing_and_the_outcome_is_unknown(make: Make) -> None:
    world = World(creates=[forever])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.sending == 1)
    threading.Timer(0.1, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        engine.close()
    assert engine.snapshot(job).status is JobStatus.UNKNOWN
    assert world.ledger.saved[-1].status is JobStatus.UNKNOWN


def test_what_the_ledger_owes_is_written_with_another_jobs_row_and_no_longer_told(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    world.ledger.fails = lambda snapshot: snapshot.status in (JobStatus.PROCESSING, JobStatus.COMPLETED)
    first = submit(engine, REQUEST)
    assert engine.wait(first, SOON)
    assert engine.snapshot(first).note == "Not written to the ledger: The disk is full."
    heard: list[str] = []
    engine.subscribe(first, lambda snapshot: heard.append(snapshot.note))
    world.ledger.fails = lambda snapshot: False
    assert engine.wait(submit(engine, REQUEST), SOON)
    assert engine.snapshot(first).status is JobStatus.COMPLETED
    assert heard[-1] == ""
    assert JobStatus.COMPLETED in {saved.status for saved in world.ledger.saved if saved.id == first}


def test_what_the_ledger_owes_is_written_at_the_end(make: Make) -> None:
    world = World(creates=[DONE])
    engine = make(world)
    world.ledger.fails = lambda snapshot: snapshot.status in (JobStatus.PROCESSING, JobStatus.COMPLETED)
    job = submit(engine, REQUEST)
    assert engine.wait(job, SOON)
    world.ledger.fails = lambda snapshot: False
    engine.close()
    assert world.ledger.saved[-1] == replace(engine.snapshot(job), note="")


def test_a_note_on_the_ledger_stands_for_as_long_as_it_is_true(make: Make) -> None:
    world = World(tasks=[TransportError("The network is down."), forever])
    world.ledger.fails = lambda snapshot: snapshot.status is JobStatus.PENDING
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: "network" in engine.snapshot(job).note)
    assert engine.snapshot(job).note.startswith("Not written to the ledger: The disk is full. The network is down.")


def test_who_waits_in_another_thread_is_let_go_when_it_closes(make: Make) -> None:
    world = World(tasks=[forever])
    engine = make(world)
    job = submit(engine, REQUEST)
    until(lambda: world.api.count("ask") == 1)
    with ThreadPoolExecutor(1) as threads:
        waiting = threads.submit(engine.wait, job, SOON)
        engine.close()
        assert waiting.result(SOON)


def test_the_real_clock_is_the_worlds() -> None:
    clock = RealClock()
    assert abs(clock.now() - time.time()) < 5
    assert 0 <= clock.random() < 1
    anyio.run(clock.sleep, 0)
