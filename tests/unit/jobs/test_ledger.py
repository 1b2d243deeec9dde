"""The ledger of an engine: what waits is written together and in order; nobody takes for written what was not."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from tests.unit.jobs.fakes import SOON, draft
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.jobs.ledger import MOST_AT_ONCE, Ledger
from tokenlab_nb.jobs.ports import TakenError


def job(name: str, note: str = "") -> JobSnapshot:
    return replace(draft(), id=name, note=note)


class Disk:
    """Keeps batches; ``trouble`` may raise."""

    def __init__(self) -> None:
        self.batches: list[list[str]] = []
        self.kept: dict[str, JobSnapshot] = {}
        self.trouble: Callable[[list[str]], None] = lambda names: None

    async def __call__(self, *snapshots: JobSnapshot) -> None:
        await anyio.lowlevel.checkpoint()
        names = [snapshot.id for snapshot in snapshots]
        self.batches.append(names)
        self.trouble(names)
        self.kept.update({snapshot.id: snapshot for snapshot in snapshots})


async def saved(ledger: Ledger, *snapshots: JobSnapshot) -> list[str]:
    """Save all at once; return the messages of those that could not be."""
    failures: list[str] = []

    async def one(snapshot: JobSnapshot) -> None:
        try:
            await ledger.save(snapshot)
        except TokenLabError as error:
            failures.append(f"{snapshot.id}: {error.message}")

    async with anyio.create_task_group() as tasks:
        for snapshot in snapshots:
            tasks.start_soon(one, snapshot)
    return failures


def full(names: list[str]) -> None:
    raise TokenLabError("The disk is full.")


def odd(names: list[str]) -> None:
    if "odd" in names:
        raise ValueError("what is this?")


def test_a_thousand_waiting_saves_need_few_writes_and_keep_their_order() -> None:
    disk = Disk()
    names = [f"j{n}" for n in range(1000)]
    assert anyio.run(saved, Ledger(disk), *map(job, names)) == []
    assert [name for batch in disk.batches for name in batch] == names
    assert len(disk.batches) <= 1 + -(-1000 // MOST_AT_ONCE)
    assert max(map(len, disk.batches)) <= MOST_AT_ONCE


def test_of_two_states_of_a_job_the_later_one_stays() -> None:
    disk = Disk()
    anyio.run(saved, Ledger(disk), job("a"), job("b", "old"), job("b", "new"))
    assert disk.kept["b"].note == "new"


def test_a_batch_that_fails_is_told_to_all_and_owed_until_the_next_write() -> None:
    disk, made_good = Disk(), []
    ledger = Ledger(disk, made_good.append)
    disk.trouble = full
    failures = anyio.run(saved, ledger, job("a"), job("b"), job("c"))
    assert sorted(failures) == [f"{name}: The disk is full." for name in "abc"]
    assert len(disk.batches) == 1  # not tried one by one: each might wait for the lock as long
    assert ledger.complaint("c") == "Not written to the ledger: The disk is full."
    disk.trouble = lambda names: None
    assert anyio.run(saved, ledger, job("d")) == []
    assert set(disk.kept) == set("abcd")
    assert [snapshot.id for snapshot in made_good] == ["a", "b", "c"]
    assert ledger.complaint("c") == ""


def test_one_that_cannot_be_written_takes_no_other_with_it() -> None:
    disk = Disk()
    ledger = Ledger(disk)
    disk.trouble = odd
    failures = anyio.run(saved, ledger, job("first"), job("a"), job("odd"), job("b"))
    assert failures == ["odd: tokenlab_nb itself failed to write (ValueError: what is this?)."]
    assert set(disk.kept) == {"first", "a", "b"}
    assert ledger.complaint("odd")
    assert anyio.run(saved, ledger, job("later")) == []
    assert ledger.complaint("odd")


def test_what_another_kernel_took_is_not_owed() -> None:
    disk = Disk()
    ledger = Ledger(disk)

    def taken(names: list[str]) -> None:
        if "mine no more" in names:
            raise TakenError("Another kernel took this job over.")

    disk.trouble = taken
    failures = anyio.run(saved, ledger, job("first"), job("a"), job("mine no more"))
    assert failures == ["mine no more: Another kernel took this job over."]
    assert set(disk.kept) == {"first", "a"}
    assert ledger.complaint("mine no more") == ""


def test_what_somebody_asked_for_is_not_tried_again() -> None:
    disk = Disk()
    ledger = Ledger(disk)
    disk.trouble = full
    with pytest.raises(TokenLabError, match="full"):
        anyio.run(ledger.keep, job("a"))
    disk.trouble = lambda names: None
    anyio.run(saved, ledger, job("b"))
    assert set(disk.kept) == {"b"}
    assert ledger.complaint("a") == ""
    anyio.run(ledger.keep, job("a"))
    assert "a" in disk.kept


def test_what_is_kept_together_is_written_together() -> None:
    disk = Disk()
    names = [f"j{n}" for n in range(MOST_AT_ONCE + 1)]
    anyio.run(Ledger(disk).keep, *map(job, names))
    assert disk.batches == [names[:-1], names[-1:]]
    disk.trouble = odd
    with pytest.raises(TokenLabError, match="what is this"):
        anyio.run(Ledger(disk).keep, job("a"), job("odd"))
    assert "a" in disk.kept


def test_who_breaks_off_takes_no_others_write_with_it() -> None:
    kept: list[str] = []
    told: list[bool] = []
    scopes: list[anyio.CancelScope] = []

    async def write(*snapshots: JobSnapshot) -> None:
        scopes[0].cancel()
        await anyio.lowlevel.checkpoint()
        kept.extend(snapshot.id for snapshot in snapshots)

    async def other(ledger: Ledger) -> None:
        await ledger.save(job("b"))
        told.append("b" in kept)

    async def scenario() -> None:
        ledger = Ledger(write)
        with anyio.fail_after(SOON):
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(other, ledger)
                with anyio.CancelScope() as scope:
                    scopes.append(scope)
                    await ledger.keep(job("a"))

    anyio.run(scenario)
    assert sorted(kept) == ["a", "b"]
    assert told == [True]


def test_at_the_end_all_that_is_owed_is_written() -> None:
    disk = Disk()
    ledger = Ledger(disk)
    disk.trouble = full
    names = [f"j{n}" for n in range(MOST_AT_ONCE + 5)]
    anyio.run(saved, ledger, *map(job, names))
    disk.trouble = lambda names: None
    anyio.run(ledger.close)
    assert set(disk.kept) == set(names)
    disk.trouble = full
    anyio.run(ledger.close)
