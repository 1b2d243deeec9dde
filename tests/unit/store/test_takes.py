"""The requests of grids in the ledger: found by request and number, and reserved only as long as they stand as seen."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.jobs.fakes import ORIGIN, REQUEST, START, draft
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.errors import BudgetExceededError, TokenLabError
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import TakenError
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.takes import found, made, reserve


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    opened = Journal(tmp_path / "ledger.sqlite3", lambda: START)
    yield opened
    opened.close()


def take(name: str, number: int, **changes: object) -> JobSnapshot:
    return replace(draft(), id=name, take=number, **changes)


def done(name: str, number: int) -> JobSnapshot:
    return take(name, number).move(JobStatus.SENDING, START).move(JobStatus.COMPLETED, START)


def test_jobs_are_found_by_request_and_number_oldest_first(journal: Journal) -> None:
    other = replace(REQUEST, model="model-b")
    jobs = [
        done("job_b", 1),
        take("job_a", 2),
        take("job_c", 2, waiting_stopped=True),
        take("job_0", 0),  # of no grid
        take("job_d", 1, request=other),
        take("job_e", 1, origin="http://elsewhere"),
    ]
    journal.save(*jobs)
    here = found(journal, ORIGIN, [REQUEST.hash, REQUEST.hash, "0" * 64])
    assert [(each.take, each.snapshot.id, each.is_ours) for each in here] == [
        (2, "job_a", True),
        (1, "job_b", False),
        (2, "job_c", False),
    ]
    assert {each.request_hash for each in here} == {REQUEST.hash}
    assert made(journal, ORIGIN, [REQUEST.hash, other.hash]) == {(REQUEST.hash, 1)}
    assert found(journal, ORIGIN, []) == []


def test_a_row_that_cannot_be_read_stands_in_the_way(journal: Journal) -> None:
    journal.save(take("job_a", 1))
    with journal._writing() as connection:
        connection.execute("UPDATE jobs SET snapshot = json_set(snapshot, '$.status', 'of a newer version')")
    with pytest.raises(TokenLabError, match="cannot be read"):
        found(journal, ORIGIN, [REQUEST.hash])
    with journal._writing() as connection:
        connection.execute("UPDATE jobs SET snapshot = 'no JSON'")
    assert found(journal, ORIGIN, [REQUEST.hash]) == []


def key(number: int) -> str:
    return f"{REQUEST.hash}:{number}"


def test_nothing_is_written_once_it_stands_otherwise_than_seen(journal: Journal) -> None:
    hashes = {REQUEST.hash}
    reserve(journal, [], [key(1)], [take("job_a", 1)], [])
    with pytest.raises(TakenError):
        reserve(journal, [], [key(1)], [take("job_b", 1)], [])
    assert journal.load("job_b") is None
    seen = found(journal, ORIGIN, hashes)
    reserve(journal, seen, [key(2)], [take("job_b", 2)], [])
    journal.save(take("job_a", 1, waiting_stopped=True))  # let go of
    with pytest.raises(TakenError):
        reserve(journal, seen, [key(1)], [take("job_a", 1)], [])
    assert {each.snapshot.id for each in found(journal, ORIGIN, hashes)} == {"job_a", "job_b"}


def test_other_takes_of_the_same_request_may_move_meanwhile(journal: Journal) -> None:
    journal.save(take("job_a", 1))
    seen = found(journal, ORIGIN, {REQUEST.hash})
    journal.save(done("job_a", 1), take("job_b", 2))
    reserve(journal, seen, [key(3)], [take("job_c", 3)], [])
    assert journal.load("job_c")


def test_what_does_not_fit_a_budget_is_not_written(journal: Journal) -> None:
    dear = take("job_a", 1, estimate=Estimate(1.0, 2.0))
    with pytest.raises(BudgetExceededError):
        reserve(journal, [], [key(1)], [dear], [Budget(1.5)])
    assert journal.load("job_a") is None
    reserve(journal, [], [key(1)], [dear], [Budget(2.0)])
    assert journal.load("job_a") == dear
