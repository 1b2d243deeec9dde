"""Who hears of a job, in which order, and what they may do."""

from __future__ import annotations

import logging
import threading
from dataclasses import replace

import anyio
import pytest

from tests.unit.jobs.fakes import ACCEPTED, DONE, REQUEST, SOON, Held, Make, World, forever, submit, until
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus


def test_a_listener_hears_the_present_state_and_every_one_after_it(make: Make) -> None:
    answer = Held(ACCEPTED)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)
    assert answer.asked.wait(SOON)
    heard: list[JobSnapshot] = []
    engine.subscribe(job, heard.append)
    assert [snapshot.status for snapshot in heard] == [JobStatus.SENDING]
    answer.let_go()
    assert engine.wait(job, SOON)
    assert list(dict.fromkeys(snapshot.status for snapshot in heard)) == [
        JobStatus.SENDING,
        JobStatus.PENDING,
        JobStatus.PROCESSING,
        JobStatus.COMPLETED,
    ]


def test_the_last_word_that_a_listener_hears_is_the_newest(make: Make) -> None:
    answer = Held(DONE)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)
    assert answer.asked.wait(SOON)
    heard: list[JobSnapshot] = []

    def slow(snapshot: JobSnapshot) -> None:
        if threading.current_thread() is threading.main_thread() and not heard:
            answer.let_go()
            assert engine.wait(job, SOON)
        heard.append(snapshot)

    engine.subscribe(job, slow)
    assert heard[-1].status is JobStatus.COMPLETED


def test_an_unsubscribed_listener_hears_no_more(make: Make) -> None:
    answer = Held(DONE)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)
    heard: list[JobSnapshot] = []
    unsubscribe = engine.subscribe(job, heard.append)
    assert answer.asked.wait(SOON)
    unsubscribe()
    unsubscribe()
    until(lambda: engine.snapshot(job).status is JobStatus.SENDING)
    before = len(heard)
    answer.let_go()
    assert engine.wait(job, SOON)
    assert len(heard) == before


def test_a_listener_that_fails_harms_nobody(make: Make, caplog: pytest.LogCaptureFixture) -> None:
    answer = Held(DONE)
    engine = make(World(creates=[answer]))
    job = submit(engine, REQUEST)
    assert answer.asked.wait(SOON)
    heard: list[JobSnapshot] = []

    def bad(snapshot: JobSnapshot) -> None:
        if snapshot.status is not JobStatus.SENDING:
            raise ValueError("a listener's bug")

    engine.subscribe(job, bad)
    engine.subscribe(job, heard.append)
    with caplog.at_level(logging.WARNING):
        answer.let_go()
        assert engine.wait(job, SOON)
    assert heard[-1].status is JobStatus.COMPLETED
    assert "A listener of job" in caplog.text


def test_a_listener_may_call_another_session(make: Make) -> None:
    other = make(World())
    threads: list[threading.Thread] = []

    async def where() -> None:
        threads.append(threading.current_thread())

    def listener(snapshot: JobSnapshot) -> None:
        if snapshot.status is JobStatus.COMPLETED and threading.current_thread() is not threading.main_thread():
            other.call(where)

    held = Held(DONE)
    engine = make(World(creates=[held]))
    job = submit(engine, REQUEST)
    engine.subscribe(job, listener)
    held.let_go()
    assert engine.wait(job, SOON)
    assert len(threads) == 1


def test_a_listener_may_submit_and_stop_but_not_block(make: Make) -> None:
    world = World(creates=[ACCEPTED], tasks=[forever])
    engine = make(world)
    caught: list[BaseException] = []
    others: list[str] = []

    def listener(snapshot: JobSnapshot) -> None:
        if snapshot.status is not JobStatus.PENDING or snapshot.waiting_stopped:
            return
        for blocking in (lambda: engine.wait(job, 1), lambda: engine.call(anyio.sleep, 0), engine.close):
            try:
                blocking()
            except RuntimeError as error:
                caught.append(error)
        others.append(submit(engine, replace(REQUEST, model="model-b")))
        engine.stop_waiting(job)

    held = Held(ACCEPTED)
    world.api.creates = [held, ACCEPTED]
    job = submit(engine, REQUEST)
    engine.subscribe(job, listener)
    held.let_go()
    assert engine.wait(job, SOON)
    assert engine.snapshot(job).waiting_stopped
    assert len(caught) == 3
    assert all("wait for itself" in str(error) for error in caught)
    until(lambda: engine.snapshot(others[0]).status is JobStatus.PENDING)
