"""Leases in the ledger: one owner a job, which ends with its process; and drafts that two want to send."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.test_journal import HERE, THERE, job
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.errors import BudgetExceededError, TransportError
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import TakenError
from tokenlab_nb.store import owners
from tokenlab_nb.store.journal import Journal

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
Two = tuple[Journal, Journal]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "ledger.sqlite3"


@pytest.fixture
def two(path: Path) -> Iterator[Two]:
    with closing(Journal(path)) as one, closing(Journal(path)) as other:
        yield one, other


def dies(path: Path, journal: Journal) -> None:
    """Its process is gone, as far as the others can see."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE owners SET started = 'long ago' WHERE id = ?", (journal._owner,))


def parked(name: str = "j") -> JobSnapshot:
    return replace(job(name, (DRAFT, 1.0)), waiting_stopped=True)


def pending(name: str = "j", **where: str) -> JobSnapshot:
    return replace(job(name, (DRAFT, 1.0), (SENDING, 2.0), (PENDING, 3.0), **where), task_id=f"ldtask_{name}")


def mine(journal: Journal, job_id: str | None = None) -> list[bool]:
    return [claim.mine for claim in journal.claim(HERE, job_id)]


def test_what_a_living_owner_follows_is_left_to_it(two: Two, path: Path) -> None:
    one, other = two
    one.save(pending())
    assert (mine(one), mine(other), mine(other, "j")) == ([True], [False], [False])
    assert (one.beat(), other.beat()) == ({"j"}, set())
    dies(path, one)
    assert mine(other) == [True]
    assert (one.beat(), other.beat()) == (set(), {"j"})
    assert mine(one) == [False]


def test_an_owner_that_closes_lets_go_at_once(two: Two) -> None:
    one, other = two
    one.save(pending())
    one.close()
    assert mine(other) == [True]


def test_what_rests_is_followed_by_nobody_until_somebody_wants_it(two: Two) -> None:
    one, other = two
    one.save(replace(pending(), waiting_stopped=True))
    assert (mine(one), mine(other), other.beat()) == ([True], [True], set())
    assert (mine(other, "j"), mine(one, "j")) == ([True], [False])


def test_other_origins_and_ended_jobs_are_not_claimed(two: Two) -> None:
    one, other = two
    one.save(pending("there", origin=THERE), job("done", (SENDING, 1.0), (COMPLETED, 2.0)), job("x", (CANCELLED, 1.0)))
    one.close()
    assert other.claim(HERE) == []


def test_of_two_that_take_a_draft_one_gets_it(two: Two, path: Path) -> None:
    one, other = two
    one.save(parked())
    assert one.take(HERE, "j", [DRAFT]) == parked()
    assert other.take(HERE, "j", [DRAFT]) is None
    dies(path, one)
    assert other.take(HERE, "j", [DRAFT]) == parked()


@pytest.mark.parametrize(
    ("origin", "name", "statuses"), [(THERE, "j", [DRAFT]), (HERE, "other", [DRAFT]), (HERE, "j", [UNKNOWN])]
)
def test_nothing_else_is_taken(origin: str, name: str, statuses: list[JobStatus], two: Two) -> None:
    two[0].save(parked())
    assert two[1].take(origin, name, statuses) is None
    assert two[0].take(HERE, "j", [DRAFT, UNKNOWN]) == parked()


def parked_elsewhere(two: Two, path: Path) -> JobSnapshot:
    """A draft of the first one, which the second one took for dead."""
    one, other = two
    queued = job("j", (DRAFT, 1.0))
    one.save(queued)
    dies(path, one)
    assert mine(other) == [True]
    other.save(replace(queued, waiting_stopped=True))
    return queued


STATES_ELSEWHERE: dict[str, Callable[[Journal], object]] = {
    "it took it": lambda other: other.take(HERE, "j", [DRAFT]),
    "it is sending it": lambda other: other.save(job("j", (DRAFT, 1.0), (SENDING, 2.0))),
    "it has sent it": lambda other: other.save(pending()),
    "it is done with it": lambda other: other.save(job("j", (DRAFT, 1.0), (SENDING, 2.0), (COMPLETED, 3.0))),
    "it lost it": lambda other: other.save(job("j", (DRAFT, 1.0), (SENDING, 2.0), (UNKNOWN, 3.0))),
    "it discarded it": lambda other: other.save(job("j", (DRAFT, 1.0), (CANCELLED, 2.0))),
}


@pytest.mark.parametrize("what", STATES_ELSEWHERE)
def test_a_kernel_that_was_taken_for_dead_does_not_send_what_another_one_has(what: str, two: Two, path: Path) -> None:
    one, other = two
    queued = parked_elsewhere(two, path)
    STATES_ELSEWHERE[what](other)
    stands = other.load("j")
    with pytest.raises(TakenError, match="Nothing was sent from here"):
        one.save(job("before", (DRAFT, 1.0)), queued.move(SENDING, 9.0))
    assert one.load("j") == stands
    assert one.load("before") is None


def test_a_draft_that_was_only_parked_may_be_sent_by_who_wakes(two: Two, path: Path) -> None:
    one, other = two
    queued = parked_elsewhere(two, path)
    one.save(queued)
    one.save(queued.move(SENDING, 2.0))
    assert other.take(HERE, "j", [DRAFT]) is None


@pytest.mark.parametrize("what", STATES_ELSEWHERE)
def test_nor_does_it_take_back_what_the_other_one_wrote(what: str, two: Two, path: Path) -> None:
    """Before a draft is sent it is written once more: that must not make the row its own again."""
    one, other = two
    queued = parked_elsewhere(two, path)
    STATES_ELSEWHERE[what](other)
    stands = other.load("j")
    for state in (queued, queued.move(SENDING, 9.0), queued.move(CANCELLED, 9.0)):
        if state.status is CANCELLED and what == "it discarded it":
            continue  # so did the other one
        with pytest.raises(TakenError):
            one.save(state)
    assert one.load("j") == stands


def test_a_create_that_is_being_sent_is_never_parked_by_its_own_kernel(two: Two) -> None:
    one, _ = two
    one.save(pending())
    with pytest.raises(TakenError):
        one.save(parked())
    assert one.load("j") == pending()


def test_what_was_learned_of_a_task_is_news_from_whomever_it_comes(two: Two, path: Path) -> None:
    one, other = two
    sending = job("j", (DRAFT, 1.0), (SENDING, 2.0))
    one.save(sending)
    dies(path, one)
    [claim] = other.claim(HERE)
    one.save(pending())  # it lived, and the answer came
    with pytest.raises(TakenError):
        other.save(claim.snapshot.orphaned(3.0))
    assert other.load("j") == pending()


def test_a_kernel_that_followed_nothing_for_long_is_alive_with_its_first_job(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host cannot see the process, only its signs."""
    clock = [1_000.0]
    with closing(Journal(path, lambda: clock[0])) as idle:
        clock[0] += 3_600.0
        idle.save(job("j", (DRAFT, 1.0), (SENDING, 2.0)))
        monkeypatch.setattr(owners, "_host", lambda: "elsewhere")
        with closing(Journal(path, lambda: clock[0])) as other:
            assert mine(other) == [False]
            clock[0] += 61.0
            assert mine(other) == [True]


def test_a_forked_copy_that_closes_lets_go_of_nothing(two: Two, monkeypatch: pytest.MonkeyPatch) -> None:
    one, other = two
    one.save(pending())
    monkeypatch.setattr(os, "getpid", lambda: -1)
    one.close()
    monkeypatch.undo()
    assert mine(other) == [False]


def test_a_forgotten_job_is_followed_by_nobody(two: Two) -> None:
    one, other = two
    one.save(replace(pending(), waiting_stopped=True, forgotten=True, error=TransportError("No network.")))
    assert mine(one) == [True]
    assert mine(other, "j") == [True]


def test_a_create_may_be_sent_again_though_the_pause_was_not_written(two: Two) -> None:
    one, _ = two
    sending = job("j", (DRAFT, 1.0), (SENDING, 2.0))
    one.save(sending)
    one.save(sending.move(DRAFT, 3.0).move(SENDING, 4.0))
    assert mine(one) == [True]


def test_a_job_is_added_once(two: Two) -> None:
    one, other = two
    assert one.add(pending()) == pending()
    later = pending().move(PROCESSING, 9.0)
    one.save(later)
    assert other.add(pending()) == later
    assert one.load("j") == later


def test_an_address_that_was_noted_whole_is_found_by_its_path(two: Two) -> None:
    one, _ = two
    for name, url in (("whole", f"{HERE}/v1/poll?t=1"), ("path", "/v1/poll?t=2")):
        one.save(replace(pending(name), task_id=None, poll_url=url))
    found = [one.by_task(HERE, None, f"/v1/poll?t={n}") for n in (1, 2, 3)]
    assert [each and each.id for each in found] == ["whole", "path", None]
    assert one.by_task(THERE, None, "/v1/poll?t=1") is None


def test_two_that_reserve_cannot_both_take_what_is_left(two: Two) -> None:
    drafts = [replace(job(name, (DRAFT, 5.0)), estimate=Estimate(0.05, 0.08)) for name in "ab"]
    budget = Budget(0.10, since=5.0)
    two[0].reserve(drafts[:1], [budget])
    with pytest.raises(BudgetExceededError):
        two[1].reserve(drafts[1:], [budget])
    assert two[1].load("b") is None
    assert two[1].spending(HERE, 5.0).reserved.high == 0.08
    assert two[1].spending(THERE, 0.0).most == 0.0
    two[0].save(replace(drafts[0], waiting_stopped=True))
    two[1].reserve(drafts[1:], [budget])
