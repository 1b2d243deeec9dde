"""Opening the SQLite file: durable on any disk, and never stopped by a damaged one."""

from __future__ import annotations

import os
import re
import sqlite3
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.store import statements
from tokenlab_nb.store.failures import explained, is_damage
from tokenlab_nb.store.migrations import migrate

__all__ = ["COMPANIONS", "Database", "check_shape", "is_network", "open_database"]

BUSY_SECONDS = 10.0
"""How long a call waits for another process to finish its write."""

_MODE_TRIES = 100

_MOUNTS = Path("/proc/mounts")
# WAL needs memory shared between processes, which these file systems do not give or do not keep coherent. FUSE is
# counted in, since sshfs, cloud drives and container desktops all hide behind it.
_NETWORK_TYPES = re.compile(
    r"nfs\d?|cifs|smb\d?|smbfs|9p|afs|ceph|glusterfs|lustre|gpfs|beegfs|ncpfs|vboxsf|virtiofs|fuse(\..*)?"
)
COMPANIONS = ("", "-wal", "-shm", "-journal")
"""What SQLite appends to the name of a database for the files beside it."""


class Database(NamedTuple):
    """An open database.

    Attributes:
        connection: In autocommit mode, usable from any thread (one at a time).
        newer_steps: Steps in its record that this version does not know.
        notice: What the user should be told about the opening; empty when all was well.
        damaged: The file that was set aside, if one was.
    """

    connection: sqlite3.Connection
    newer_steps: frozenset[str]
    notice: str = ""
    damaged: Path | None = None


def open_database(path: Path) -> Database:
    """Open the file, making it (and its folder, for the owner only) where there is none.

    A damaged file is set aside beside itself, never deleted, and a new one begun.

    Args:
        path: The database file.

    Raises:
        sqlite3.Error: If it is locked, read-only or cannot be read.
        OSError: If the folder cannot be made or written.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    path.touch(mode=0o600)
    before = path.stat()
    try:
        return Database(*_connect(path))
    except sqlite3.Error as error:
        if not is_damage(error):
            raise
        reason = str(error)
    # Another kernel may have mended it meanwhile: its new file must not be set aside as well.
    aside = _set_aside(path) if os.path.samestat(before, path.stat()) else None
    kept = f"; it was kept as {aside.name}" if aside else ""
    notice = f"The ledger {path} was damaged ({reason}){kept}. A new one was begun."
    return Database(*_connect(path), notice, aside)


def check_shape(connection: sqlite3.Connection, path: Path, newer: frozenset[str]) -> None:
    """Refuse a shape that our own statements do not fit: SQLite compiles each, without running it.

    Args:
        connection: To the database.
        path: Its file, for the message.
        newer: Steps in its record that this version does not know.

    Raises:
        TokenLabError: If one of them does not fit.
    """
    try:
        with explained(path):
            for statement in statements.ALL:
                connection.execute(f"EXPLAIN {statement}", defaultdict(type(None)))
    except TokenLabError as error:
        if not newer:
            raise
        raise TokenLabError(
            f"{path} was written by a newer tokenlab_nb (steps {', '.join(sorted(newer))}).",
            hint="Upgrade tokenlab_nb, or keep this version's data elsewhere: connect(data_dir=...).",
        ) from error


def _connect(path: Path) -> tuple[sqlite3.Connection, frozenset[str]]:
    connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
    try:
        _prepare(connection, wal=not is_network(path))
        newer = migrate(connection)
        _try_to_write(connection)
    except BaseException:
        connection.close()
        raise
    return connection, newer


def _prepare(connection: sqlite3.Connection, *, wal: bool) -> None:
    (verdict,) = connection.execute("PRAGMA quick_check(1)").fetchone()
    if verdict != "ok":
        damage = sqlite3.DatabaseError(str(verdict))
        damage.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise damage
    mode = _set_mode(connection, "WAL" if wal else "DELETE")
    if wal and mode != "wal":
        connection.execute("PRAGMA journal_mode=DELETE")
    connection.execute("PRAGMA synchronous=FULL")


def _set_mode(connection: sqlite3.Connection, wanted: str) -> str:
    """Set the journal mode and return it.

    Unlike elsewhere SQLite does not wait here for another kernel, which may be just making the file: a write does.
    """
    statement = f"PRAGMA journal_mode={wanted}"
    for _ in range(_MODE_TRIES):
        try:
            return str(connection.execute(statement).fetchone()[0])
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                raise
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("ROLLBACK")
    return str(connection.execute(statement).fetchone()[0])


def _try_to_write(connection: sqlite3.Connection) -> None:
    """Refuse a file that cannot be written now, and not when the first job is to be sent."""
    connection.execute("BEGIN IMMEDIATE")  # tells of a lock, but a read-only file lets it pass
    try:
        connection.execute("DELETE FROM migrations WHERE 0")
    finally:
        connection.execute("ROLLBACK")


def is_network(path: Path, mounts: str | None = None) -> bool:
    """Whether the path lies on a network (or FUSE) file system; False where the system does not say.

    Args:
        path: Any path, existing or not.
        mounts: The text of ``/proc/mounts``; by default the real one, where there is one (Linux).
    """
    if mounts is None:
        mounts = _MOUNTS.read_text(encoding="utf-8", errors="replace") if _MOUNTS.exists() else ""
    place = path.absolute().resolve()
    found = [(len(point.parts), kind) for point, kind in _mount_points(mounts) if place.is_relative_to(point)]
    # Of several mounts on one point the last one counts: it hides the others.
    kind = max(reversed(found), key=lambda row: row[0], default=(0, ""))[1]
    return _NETWORK_TYPES.fullmatch(kind) is not None


def _mount_points(mounts: str) -> list[tuple[Path, str]]:
    rows = [line.split() for line in mounts.splitlines()]
    return [(Path(_unescaped(row[1])), row[2]) for row in rows if len(row) > 2]


def _unescaped(field: str) -> str:
    """Undo the octal escapes of ``/proc/mounts``, which writes a space as a backslash and 040."""
    return re.sub(r"\\([0-7]{3})", lambda match: chr(int(match[1], 8)), field)


def _set_aside(path: Path) -> Path:
    number = 1
    while (aside := path.with_name(f"{path.name}.damaged-{number}")).exists():
        number += 1
    # The companions keep the names that SQLite expects beside the file, so that its own tools can still read it all.
    for suffix in COMPANIONS:
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    return aside
