"""The requests of grids in the ledger: a later kernel finds them again by request and number, and makes none twice."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.jobs.ports import TakenError
from tokenlab_nb.store import statements
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.spent import fit

_MOST_NAMES = 5000  # hashes in one question


class Found(NamedTuple):
    """A job that answers a take.

    Attributes:
        request_hash: `ImageRequest.hash`.
        take: The number.
        snapshot: As it stands in the ledger.
        owner: Who follows it, or has it in hand; None where nobody does.
        is_ours: Whether that is this ledger.
    """

    request_hash: str
    take: int
    snapshot: JobSnapshot
    owner: str | None
    is_ours: bool


def found(journal: Journal, origin: str, hashes: Iterable[str]) -> list[Found]:
    """Read every job of these requests that a grid made at this API, oldest first.

    Raises:
        TokenLabError: If the ledger cannot be read, or one of them is of a newer version: it may be paid for.
    """
    with journal._using() as connection:
        rows = _rows(connection, origin, hashes)
    me = journal._owner
    return [
        Found(name, int(take), journal._read(job_id, text), owner, owner == me)
        for job_id, owner, name, take, text in rows
    ]


def made(journal: Journal, origin: str, hashes: Iterable[str]) -> set[tuple[str, int]]:
    """Tell of which requests, and under which numbers, the pictures are there already.

    Raises:
        TokenLabError: If the ledger cannot be read.
    """
    with journal._using() as connection:
        return {
            (name, take)
            for names in _parts(hashes)
            for name, take in connection.execute(statements.MADE_TAKES, {"origin": origin, "hashes": names})
        }


def reserve(
    journal: Journal,
    seen: Sequence[Found],
    keys: Collection[str],
    drafts: Sequence[JobSnapshot],
    budgets: Collection[Budget],
) -> None:
    """As `Journal.reserve`, if nothing came between: of two kernels that run the same grid at once, one makes a take.

    Args:
        journal: The ledger.
        seen: What `found` found.
        keys: Those of the drafts' takes. Jobs of other takes may move meanwhile, as those of a running grid do.
        drafts: What is to be sent.
        budgets: Those that it has to fit in.

    Raises:
        TakenError: If there are other jobs than were seen, or somebody has one of the drafts: look again.
        BudgetExceededError: If they might go over a budget.
        TokenLabError: If the ledger cannot be read or written.
    """
    wanted = set(keys)
    before = {
        (each.snapshot.id, each.snapshot.status.value, each.owner)
        for each in seen
        if f"{each.request_hash}:{each.take}" in wanted
    }
    hashes = {key.rpartition(":")[0] for key in wanted}
    with journal._writing() as connection:
        rows = _rows(connection, drafts[0].origin, hashes, statements.STAND_OF_TAKES)
        now = {(job_id, status, owner) for job_id, status, owner, name, take in rows if f"{name}:{take}" in wanted}
        if now != before:
            raise TakenError("Another kernel is at work on the same requests. Nothing was sent.")
        fit(connection, drafts, budgets)
        journal._put(connection, drafts)


def _rows(
    connection: sqlite3.Connection, origin: str, hashes: Iterable[str], statement: str = statements.TAKES
) -> list[tuple[str, ...]]:
    parts = (connection.execute(statement, {"origin": origin, "hashes": names}) for names in _parts(hashes))
    return [row for part in parts for row in part]


def _parts(hashes: Iterable[str]) -> list[str]:
    names = sorted(set(hashes))
    return [json.dumps(names[start : start + _MOST_NAMES]) for start in range(0, len(names), _MOST_NAMES)]
