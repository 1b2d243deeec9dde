"""The ledger: every job with its diary, in SQLite, durable before money can move."""

from __future__ import annotations

import json
import os
import sqlite3
import threading
import warnings
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.store.database import open_database
from tokenlab_nb.store.failures import explained

__all__ = ["Journal"]

_SAVE_JOB = """
INSERT INTO jobs (
    id, origin, request_hash, model, endpoint, status, request_id, task_id, poll_url, billing_transaction_id,
    created_at, sent_at, ended_at, updated_at, snapshot
) VALUES (
    :id, :origin, :request_hash, :model, :endpoint, :status, :request_id, :task_id, :poll_url, :billing_transaction_id,
    :created_at, :sent_at, :ended_at, :updated_at, :snapshot
) ON CONFLICT (id) DO UPDATE SET
    origin = excluded.origin, request_hash = excluded.request_hash, model = excluded.model,
    endpoint = excluded.endpoint, status = excluded.status, request_id = excluded.request_id,
    task_id = excluded.task_id, poll_url = excluded.poll_url,
    billing_transaction_id = excluded.billing_transaction_id, created_at = excluded.created_at,
    sent_at = excluded.sent_at, ended_at = excluded.ended_at, updated_at = excluded.updated_at,
    snapshot = excluded.snapshot
"""
_SAVE_MOVE = "INSERT OR IGNORE INTO moves (job_id, seq, status, at) VALUES (:job_id, :seq, :status, :at)"
_LOAD = "SELECT snapshot FROM jobs WHERE id = :id"
_LIST = """
SELECT snapshot FROM jobs WHERE :origin IS NULL OR origin = :origin ORDER BY created_at DESC, rowid DESC LIMIT :limit
"""
# A job that once failed or was lost was ended by somebody's "fetch again", so its time says nothing about the model.
_LATENCIES = """
SELECT ended_at - sent_at FROM jobs
WHERE origin = :origin AND model = :model AND status = 'completed' AND ended_at >= sent_at
  AND NOT EXISTS (SELECT 1 FROM moves WHERE job_id = jobs.id AND moves.status IN ('failed', 'unknown'))
ORDER BY ended_at DESC, rowid DESC LIMIT :limit
"""
_STATEMENTS = (_SAVE_JOB, _SAVE_MOVE, _LOAD, _LIST, _LATENCIES)


class Journal:
    """Jobs in one SQLite file. Any thread may call it; several processes may share the file.

    Args:
        path: The database file. It and its folder are made where missing, for the owner only.

    Attributes:
        path: The database file.
        notice: What the user should be told about the opening, such as that a damaged file was set aside; else empty.

    Raises:
        TokenLabError: If the file is locked, read-only, on a full disk, or of a newer version that this one cannot
            read. The message names the path, the hint says what to do.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        with explained(path):
            connection, newer, self.notice = open_database(path)
            self._file = path.stat()
        self._connection: sqlite3.Connection | None = connection
        try:
            self._check(newer)
        except TokenLabError:
            self.close()
            raise

    def save(self, snapshot: JobSnapshot) -> None:
        """Make this state of the job durable before returning.

        Args:
            snapshot: The job; an earlier state of it is replaced, its diary only grows.

        Raises:
            TokenLabError: If it cannot be written; what was recorded before still stands.
        """
        row, moves = _row(snapshot), _diary(snapshot)
        with self._using() as held, self._still_there(held) as connection:
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(_SAVE_JOB, row)
            connection.executemany(_SAVE_MOVE, moves)

    def load(self, job_id: str) -> JobSnapshot | None:
        """Return the job as it was last saved, or None if there is none of this id.

        Raises:
            TokenLabError: If the row cannot be read, or was written by a version that this one does not understand.
        """
        with self._using() as connection:
            row = connection.execute(_LOAD, {"id": job_id}).fetchone()
        if row is None:
            return None
        if (snapshot := _snapshot(row[0])) is None:
            raise TokenLabError(
                f"Job {job_id} in {self.path} cannot be read by this version.", hint="Upgrade tokenlab_nb."
            )
        return snapshot

    def jobs(self, origin: str | None = None, limit: int = 1000) -> list[JobSnapshot]:
        """List jobs, newest first. Rows that this version cannot read are left out, with a warning that counts them.

        Args:
            origin: Only jobs of this API origin; by default of all.
            limit: At most so many.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        with self._using() as connection:
            rows = connection.execute(_LIST, {"origin": origin, "limit": limit}).fetchall()
        found = [snapshot for (text,) in rows if (snapshot := _snapshot(text))]
        if unread := len(rows) - len(found):
            warnings.warn(
                f"{unread} jobs in {self.path} cannot be read by this version and are not listed. Upgrade tokenlab_nb.",
                stacklevel=2,
            )
        return found

    def latencies(self, origin: str, model: str, limit: int = 100) -> list[float]:
        """Seconds from sending to completion of this model's last completed jobs, newest first.

        Args:
            origin: API origin; sandbox and service never mix.
            model: Model id.
            limit: At most so many.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        wanted = {"origin": origin, "model": model, "limit": limit}
        with self._using() as connection:
            return [float(seconds) for (seconds,) in connection.execute(_LATENCIES, wanted)]

    def close(self) -> None:
        """Close the file; calling it again does nothing."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                connection.close()

    @contextmanager
    def _using(self) -> Iterator[sqlite3.Connection]:
        with self._lock, explained(self.path):
            if self._connection is None:
                raise TokenLabError(f"The ledger {self.path} is closed.", hint="Connect again.")
            yield self._connection

    def _still_there(self, held: sqlite3.Connection) -> sqlite3.Connection:
        """The connection, or one to a new file where the file was removed or set aside, which SQLite does not notice.

        It would go on writing into a file without a name, and the row before a POST would be lost with it.
        """
        if self.path.exists() and os.path.samestat(self.path.stat(), self._file):
            return held
        opened = open_database(self.path).connection
        self._connection, self._file = opened, self.path.stat()
        held.close()
        return opened

    def _check(self, newer: frozenset[str]) -> None:
        """Refuse a shape that our own statements do not fit: SQLite compiles each, without running it."""
        try:
            with self._using() as connection:
                for statement in _STATEMENTS:
                    connection.execute(f"EXPLAIN {statement}", defaultdict(type(None)))
        except TokenLabError as error:
            if not newer:
                raise
            raise TokenLabError(
                f"{self.path} was written by a newer tokenlab_nb (steps {', '.join(sorted(newer))}).",
                hint="Upgrade tokenlab_nb, or keep this version's data elsewhere: connect(data_dir=...).",
            ) from error


def _row(snapshot: JobSnapshot) -> dict[str, object]:
    return {
        "id": snapshot.id,
        "origin": snapshot.origin,
        "request_hash": snapshot.request.hash,
        "model": snapshot.request.model,
        "endpoint": snapshot.request.endpoint,
        "status": snapshot.status.value,
        "request_id": snapshot.request_id,
        "task_id": snapshot.task_id,
        "poll_url": snapshot.poll_url,
        "billing_transaction_id": snapshot.billing_transaction_id,
        "created_at": snapshot.created_at,
        "sent_at": snapshot.sent_at,
        "ended_at": snapshot.ended_at,
        "updated_at": snapshot.moves[-1].at if snapshot.moves else snapshot.created_at,
        "snapshot": json.dumps(snapshot.to_record(), separators=(",", ":")),
    }


def _diary(snapshot: JobSnapshot) -> list[dict[str, object]]:
    return [
        {"job_id": snapshot.id, "seq": seq, "status": move.status.value, "at": move.at}
        for seq, move in enumerate(snapshot.moves)
    ]


def _snapshot(text: str) -> JobSnapshot | None:
    try:
        return JobSnapshot.from_record(json.loads(text))
    except (TypeError, ValueError, KeyError):
        return None
