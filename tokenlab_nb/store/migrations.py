"""The shape of the database, as named steps. Each runs once, in one transaction with its own record.

A step that was released is never edited: a new shape is a new step at the end of `STEPS`.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

__all__ = ["STEPS", "Step", "migrate"]


@dataclass(frozen=True, slots=True)
class Step:
    """One change of the database's shape.

    Attributes:
        name: Its name in the record; unique for ever.
        statements: SQL, run in order.
    """

    name: str
    statements: tuple[str, ...]


# `snapshot` is the truth; the columns beside it are copies of what is searched for, so a later step can add a column
# and fill it with json_extract(). Times are seconds since 1970 (UTC).
_JOBS = """
CREATE TABLE jobs (
    id                     TEXT PRIMARY KEY,
    origin                 TEXT NOT NULL,
    request_hash           TEXT NOT NULL,
    model                  TEXT NOT NULL,
    endpoint               TEXT NOT NULL,
    status                 TEXT NOT NULL,
    request_id             TEXT,
    task_id                TEXT,
    poll_url               TEXT,
    billing_transaction_id TEXT,
    created_at             REAL NOT NULL,
    sent_at                REAL,
    ended_at               REAL,
    updated_at             REAL NOT NULL,
    snapshot               TEXT NOT NULL
)
"""
# The key holds the whole row: should two kernels ever write different diaries for one job, both are kept.
_MOVES = """
CREATE TABLE moves (
    job_id TEXT NOT NULL REFERENCES jobs (id),
    seq    INTEGER NOT NULL,
    status TEXT NOT NULL,
    at     REAL NOT NULL,
    PRIMARY KEY (job_id, seq, status, at)
) WITHOUT ROWID
"""

_OWNERS = """
CREATE TABLE owners (
    id      TEXT PRIMARY KEY,
    host    TEXT NOT NULL,
    pid     INTEGER NOT NULL,
    started TEXT NOT NULL,
    seen_at REAL NOT NULL
)
"""
# A job that once failed or was lost was ended by somebody's "fetch again", so its time says nothing about the model.
_OLD_LATENCIES = """
UPDATE jobs SET latency = ended_at - sent_at
WHERE status = 'completed' AND ended_at >= sent_at
  AND NOT EXISTS (SELECT 1 FROM moves WHERE job_id = jobs.id AND moves.status IN ('failed', 'unknown'))
"""
_OLD_CHARGES = """
UPDATE jobs SET charge = CASE
    WHEN billing_transaction_id IS NOT NULL THEN 'settled'
    WHEN status IN ('sending', 'unknown') THEN 'unknown'
    WHEN status IN ('pending', 'processing', 'completed') THEN 'reserved'
    WHEN status = 'failed' AND CASE WHEN json_valid(snapshot) THEN json_array_length(snapshot, '$.origins') > 0 END
        THEN 'reserved'
    ELSE 'none' END
"""

# Which job made which picture: parents are found by the hash of what went into a job.
_PICTURES = """
CREATE TABLE pictures (
    sha256 TEXT NOT NULL,
    job_id TEXT NOT NULL REFERENCES jobs (id),
    place  INTEGER NOT NULL,
    PRIMARY KEY (sha256, job_id, place)
) WITHOUT ROWID
"""
_OLD_PICTURES = """
INSERT OR IGNORE INTO pictures (sha256, job_id, place)
SELECT json_extract(found.image, '$.sha256'), found.id, COALESCE(json_extract(found.image, '$.index'), 0) FROM (
    SELECT jobs.id AS id, CASE WHEN each.type = 'object' THEN each.value ELSE '{}' END AS image
    FROM jobs, json_each(CASE WHEN json_valid(jobs.snapshot) THEN jobs.snapshot ELSE '{}' END, '$.images') AS each
) AS found
"""

# `record` is the truth. A vote that was taken back stays, marked with the time.
_VOTES = """
CREATE TABLE votes (
    id        TEXT PRIMARY KEY,
    origin    TEXT NOT NULL,
    grid      TEXT NOT NULL,
    at        REAL NOT NULL,
    record    TEXT NOT NULL,
    undone_at REAL
)
"""

STEPS: tuple[Step, ...] = (
    Step(
        "0001_jobs_and_moves",
        (
            _JOBS,
            _MOVES,
            "CREATE INDEX jobs_by_time ON jobs (created_at)",
            "CREATE INDEX jobs_by_latency ON jobs (origin, model, ended_at) WHERE status = 'completed'",
        ),
    ),
    Step(
        "0002_owners_prices_and_twins",
        (
            _OWNERS,
            "ALTER TABLE jobs ADD COLUMN owner TEXT",  # who follows it now; nobody where it is at rest
            "ALTER TABLE jobs ADD COLUMN latency REAL",
            "ALTER TABLE jobs ADD COLUMN charge TEXT NOT NULL DEFAULT 'none'",
            "ALTER TABLE jobs ADD COLUMN estimate_low REAL",
            "ALTER TABLE jobs ADD COLUMN estimate_high REAL",
            _OLD_LATENCIES,
            _OLD_CHARGES,
            "CREATE INDEX jobs_by_request ON jobs (origin, request_hash)",
            "CREATE INDEX jobs_by_task ON jobs (origin, task_id)",
            "CREATE INDEX jobs_unfinished ON jobs (origin) WHERE status NOT IN ('completed', 'cancelled')",
        ),
    ),
    Step("0003_pictures", (_PICTURES, _OLD_PICTURES)),
    Step("0004_votes", (_VOTES, "CREATE INDEX votes_by_grid ON votes (origin, grid)")),
)

_RECORD = """
CREATE TABLE IF NOT EXISTS migrations (name TEXT PRIMARY KEY, applied_at TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP)
"""


def migrate(connection: sqlite3.Connection, steps: Iterable[Step] = STEPS) -> frozenset[str]:
    """Run the steps that this database has not had yet.

    Several processes may do so at once: the record is read again under the write lock.

    Args:
        connection: A connection in autocommit mode (``isolation_level=None``).
        steps: The steps, oldest first.

    Returns:
        Names in the record that ``steps`` does not list: a newer version of the package has been here.

    Raises:
        sqlite3.Error: If a step fails; it then left nothing behind, and those before it stay done.
    """
    known = tuple(steps)
    connection.execute(_RECORD)
    for step in known:
        if step.name not in _recorded(connection):
            with connection:
                connection.execute("BEGIN IMMEDIATE")
                _run_once(connection, step)
    return _recorded(connection) - {step.name for step in known}


def _run_once(connection: sqlite3.Connection, step: Step) -> None:
    if step.name in _recorded(connection):
        return
    for statement in step.statements:
        connection.execute(statement)
    connection.execute("INSERT INTO migrations (name) VALUES (?)", (step.name,))


def _recorded(connection: sqlite3.Connection) -> frozenset[str]:
    return frozenset(name for (name,) in connection.execute("SELECT name FROM migrations"))
