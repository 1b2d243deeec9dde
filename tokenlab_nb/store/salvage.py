"""What can still be read of a damaged ledger, so that what it was following goes on in the new one."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from contextlib import closing, suppress
from pathlib import Path
from typing import NamedTuple

from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.store import rows, statements

__all__ = ["Salvaged", "salvage"]

# From both ends: a damaged page stops the reading, and what lies behind it is reached from the other side.
_READ = ("SELECT * FROM jobs ORDER BY rowid", "SELECT * FROM jobs ORDER BY rowid DESC")
_VOTES = tuple(f"SELECT rowid AS place, * FROM votes ORDER BY rowid {end}" for end in ("", "DESC"))  # noqa: S608


class Salvaged(NamedTuple):
    """What could be read.

    Attributes:
        jobs: Each with its owner, oldest first.
        owners: Rows of the table ``owners``: some may be alive, and follow their jobs still.
        votes: Rows of the table ``votes``, those that were taken back included, in the order in which they were given.
    """

    jobs: list[tuple[JobSnapshot, str | None]]
    owners: list[dict[str, object]]
    votes: list[dict[str, object]]


def salvage(damaged: Path, companions: tuple[str, ...]) -> Salvaged:
    """Read what a ledger that was set aside still tells. The file itself is only copied from.

    Args:
        damaged: The file.
        companions: What SQLite appends to its name for the files beside it, the newest rows among them.

    Returns:
        What can be read; nothing where there is nothing to be read, or no room to look.
    """
    found: dict[str, tuple[JobSnapshot, str | None]] = {}
    owners: list[dict[str, object]] = []
    votes: list[dict[str, object]] = []
    with suppress(OSError, sqlite3.Error), tempfile.TemporaryDirectory() as room:
        copy = _copied(damaged, companions, Path(room))
        with closing(sqlite3.connect(copy)) as connection:
            connection.row_factory = sqlite3.Row
            for statement in _READ:
                with suppress(sqlite3.Error):
                    for row in connection.execute(statement):
                        _note(found, dict(row))
            votes += _votes(connection)
            with suppress(sqlite3.Error):
                owners += [dict(row) for row in connection.execute(statements.OWNERS)]
    return Salvaged(sorted(found.values(), key=lambda entry: entry[0].created_at), owners, votes)


def _copied(damaged: Path, companions: tuple[str, ...], room: Path) -> Path:
    for suffix in companions:
        part = damaged.with_name(damaged.name + suffix)
        if part.exists():
            shutil.copyfile(part, room / f"copy{suffix}")
    return room / "copy"


def _votes(connection: sqlite3.Connection) -> list[dict[str, object]]:
    found: dict[int, dict[str, object]] = {}
    for statement in _VOTES:
        with suppress(sqlite3.Error):
            for row in connection.execute(statement):  # one by one, since it may stop at any
                found[row["place"]] = dict(row)
    return [found[place] for place in sorted(found)]


def _note(found: dict[str, tuple[JobSnapshot, str | None]], row: dict[str, object]) -> None:
    text, owner = row.get("snapshot"), row.get("owner")
    job = rows.read(text) if isinstance(text, str) else None
    if job and job.id not in found:
        found[job.id] = (job, owner if isinstance(owner, str) else None)
