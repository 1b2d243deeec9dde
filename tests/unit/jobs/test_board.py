"""The board: the newest snapshot of each job, and who hears of it."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import draft
from tokenlab_nb.jobs.board import Board
from tokenlab_nb.jobs.job import JobSnapshot

JOB = draft()


@pytest.fixture
def board() -> Board:
    made = Board(threading.RLock())
    made.put(JOB)
    return made


def test_it_knows_what_was_put(board: Board) -> None:
    assert JOB.id in board
    assert "other" not in board
    assert board[JOB.id] is JOB
    with pytest.raises(KeyError):
        board["other"]


def test_listeners_hear_the_present_and_every_later_one_until_they_end_it(board: Board) -> None:
    heard: list[JobSnapshot] = []
    end = board.subscribe(JOB.id, heard.append)
    later = replace(JOB, note="later")
    board.publish(later)
    end()
    end()
    board.publish(JOB)
    assert heard == [JOB, later]
    assert board[JOB.id] is JOB


def test_what_is_no_news_is_neither_noted_nor_told(board: Board) -> None:
    heard: list[JobSnapshot] = []
    board.subscribe(JOB.id, heard.append)
    board.publish(replace(JOB, note="old"), lambda: False)
    assert heard == [JOB]
    assert board[JOB.id] is JOB


def test_a_failing_listener_keeps_nothing_from_the_others(board: Board, caplog: pytest.LogCaptureFixture) -> None:
    heard: list[JobSnapshot] = []

    def fails(snapshot: JobSnapshot) -> None:
        if snapshot.note:
            raise ValueError("mine")

    board.subscribe(JOB.id, fails)
    board.subscribe(JOB.id, heard.append)
    later = replace(JOB, note="later")
    board.publish(later)
    assert heard[-1] is later
    assert "A listener of job job_1 failed" in caplog.text


def test_one_that_comes_while_somebody_subscribes_is_heard_last(board: Board) -> None:
    heard: list[JobSnapshot] = []
    later = replace(JOB, note="later")

    def listen(snapshot: JobSnapshot) -> None:
        if not heard:
            board.put(later)
        heard.append(snapshot)

    board.subscribe(JOB.id, listen)
    assert heard == [JOB, later]
