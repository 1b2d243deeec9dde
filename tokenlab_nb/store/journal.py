"""The ledger: every job with its diary, in SQLite, durable before money can move."""

from __future__ import annotations

import json
import math
import os
import sqlite3
import threading
import time
import uuid
import warnings
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict
from pathlib import Path

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.budget import Budget, Spending
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.lineage import Maker
from tokenlab_nb.jobs.ports import Claim, TakenError
from tokenlab_nb.store import owners, rows, statements
from tokenlab_nb.store.database import COMPANIONS, check_shape, open_database
from tokenlab_nb.store.failures import explained
from tokenlab_nb.store.salvage import salvage
from tokenlab_nb.store.spent import fit, spending

__all__ = ["Journal"]

_FRESH = 5.0  # seconds for which a sign of life stands


class Journal:
    """Jobs in one SQLite file. Any thread may call it; several processes may share the file.

    An open ledger is an *owner*: a job that it saves is followed by it until the job is at rest. See `owners`.

    Args:
        path: The database file. It and its folder are made where missing, for the owner only.
        clock: Seconds since 1970.

    Attributes:
        path: The database file.
        notice: What the user should be told about the opening, such as that a damaged file was set aside; else empty.

    Raises:
        TokenLabError: If the file is locked, read-only, on a full disk, or of a newer version that this one cannot
            read. The message names the path, the hint says what to do.
    """

    def __init__(self, path: Path, clock: Callable[[], float] = time.time) -> None:
        self.path = path
        self._clock = clock
        self._owner = uuid.uuid4().hex
        self._process = os.getpid()
        self._signed_at = -math.inf
        self._lock = threading.Lock()
        with explained(path):
            connection, newer, self.notice, damaged = open_database(path)
            self._file = path.stat()
        self._connection: sqlite3.Connection | None = connection
        try:
            check_shape(connection, path, newer)
            with self._writing() as connection:
                self._carry_over(connection, damaged)
                self._sign(connection)
        except TokenLabError:
            self._disconnect()
            raise

    # ---------------------------------------------------------------------------------------- writing

    def save(self, *snapshots: JobSnapshot) -> None:
        """Make these states durable before returning, all or none.

        Args:
            *snapshots: Jobs; an earlier state of one is replaced, its diary only grows.

        Raises:
            TakenError: If one of them would be sent, or taken back, and another kernel has the job meanwhile.
            TokenLabError: If they cannot be written; what was recorded before still stands.
        """
        with self._writing() as connection:
            self._put(connection, snapshots)

    def add(self, snapshot: JobSnapshot) -> JobSnapshot:
        """Write a new job down, if none of its id is known yet.

        Returns:
            The job as it now stands in the ledger.

        Raises:
            TokenLabError: If the ledger cannot be read or written.
        """
        with self._writing() as connection:
            row = connection.execute(statements.LOAD, {"id": snapshot.id}).fetchone()
            if row is None:
                self._put(connection, [snapshot])
                return snapshot
        return self._read(snapshot.id, row[0])

    def reserve(self, snapshots: Sequence[JobSnapshot], budgets: Collection[Budget]) -> None:
        """Write drafts down with what they may cost, if every budget allows all of them; else none.

        Looking and writing are one step, so two kernels cannot both take what is left.

        Args:
            snapshots: Drafts of one API origin, with their estimates.
            budgets: Those that they have to fit in.

        Raises:
            BudgetExceededError: If they might go over one of them.
            TokenLabError: If the ledger cannot be read or written.
        """
        with self._writing() as connection:
            fit(connection, snapshots, budgets)
            self._put(connection, snapshots)

    def _put(self, connection: sqlite3.Connection, snapshots: Sequence[JobSnapshot]) -> None:
        # Whoever reads these rows must find their owner alive, also after a time in which nothing was followed.
        if not 0 <= self._clock() - self._signed_at < _FRESH:
            self._sign(connection)
        written = connection.executemany(
            statements.SAVE_JOB, [rows.row(snapshot, self._owner) for snapshot in snapshots]
        ).rowcount
        if written < len(snapshots):
            raise TakenError("Another kernel took this job over. Nothing was sent from here.")
        connection.executemany(statements.SAVE_MOVE, [move for each in snapshots for move in rows.diary(each)])
        connection.executemany(statements.SAVE_PICTURE, [made for each in snapshots for made in rows.pictures(each)])

    # ----------------------------------------------------------------------------------------- leases

    def claim(self, origin: str, job_id: str | None = None) -> list[Claim]:
        """Follow jobs that nobody follows, or whose owner is gone.

        Args:
            origin: API origin; jobs of another one are left alone.
            job_id: Only this job; by default every unfinished one.

        Returns:
            Each job as it stands in the ledger, and whether it is ours now.

        Raises:
            TokenLabError: If the ledger cannot be read or written.
        """
        with self._writing() as connection:
            found = connection.execute(statements.UNFINISHED, {"origin": origin, "job_id": job_id}).fetchall()
            alive = self._alive(connection)
            claims = []
            for name, owner, text in found:
                snapshot = rows.read(text)
                if snapshot is None:
                    continue
                mine = owner not in alive
                if mine and (job_id or snapshot.goes_on or not snapshot.is_at_rest):
                    connection.execute(statements.TAKE, {"id": name, "owner": self._owner})
                claims.append(Claim(snapshot, mine or owner == self._owner))
        return claims

    def take(self, origin: str, job_id: str, statuses: Collection[JobStatus]) -> JobSnapshot | None:
        """Follow a job that rests in one of these states, to act on it: of all kernels that ask, one gets it.

        Args:
            origin: API origin; a job of another one is not to be had.
            job_id: The job.
            statuses: The states.

        Returns:
            The job as it stands in the ledger; None where it is in another state, or another kernel has it.

        Raises:
            TokenLabError: If the ledger cannot be read or written.
        """
        with self._writing() as connection:
            row = connection.execute(statements.LOAD, {"id": job_id}).fetchone()
            snapshot = rows.read(row[0]) if row else None
            if snapshot is None or snapshot.origin != origin or snapshot.status not in statuses:
                return None
            if row[1] in self._alive(connection) - {self._owner}:
                return None
            connection.execute(statements.TAKE, {"id": job_id, "owner": self._owner})
            return snapshot

    def beat(self) -> set[str]:
        """Give a sign of life.

        Returns:
            The ids of the jobs that this ledger follows.

        Raises:
            TokenLabError: If the ledger cannot be written.
        """
        with self._writing() as connection:
            self._sign(connection)
            return {name for (name,) in connection.execute(statements.OWNED, {"owner": self._owner})}

    def _sign(self, connection: sqlite3.Connection) -> None:
        sign = {**asdict(owners.myself()), "id": self._owner, "seen_at": self._clock()}
        connection.execute(statements.SIGN, sign)
        self._signed_at = self._clock()

    def _alive(self, connection: sqlite3.Connection) -> set[str]:
        names = ("id", "host", "pid", "started", "seen_at")
        found = [dict(zip(names, row, strict=True)) for row in connection.execute(statements.OWNERS)]
        dead = [row["id"] for row in found if row["id"] != self._owner and not owners.is_alive(row, self._clock())]
        connection.executemany(statements.LEAVE, [{"owner": name} for name in dead])
        return {row["id"] for row in found} - set(dead)

    # ---------------------------------------------------------------------------------------- reading

    def load(self, job_id: str) -> JobSnapshot | None:
        """Return the job as it was last saved, or None if there is none of this id.

        Raises:
            TokenLabError: If the row cannot be read, or was written by a version that this one does not understand.
        """
        with self._using() as connection:
            row = connection.execute(statements.LOAD, {"id": job_id}).fetchone()
        return self._read(job_id, row[0]) if row else None

    def _read(self, job_id: str, text: str) -> JobSnapshot:
        if snapshot := rows.read(text):
            return snapshot
        raise TokenLabError(f"Job {job_id} in {self.path} cannot be read by this version.", hint="Upgrade tokenlab_nb.")

    def jobs(
        self,
        origin: str | None = None,
        limit: int = 1000,
        *,
        model: str | None = None,
        statuses: Collection[str] | None = None,
        words: Sequence[str] = (),
        since: float | None = None,
        until: float | None = None,
    ) -> list[JobSnapshot]:
        """List jobs, newest first. Rows that this version cannot read are left out, with a warning that counts them.

        Args:
            origin: Only jobs of this API origin; by default of all.
            limit: At most so many.
            model: Only jobs of this model.
            statuses: Only jobs in one of these states.
            words: Only jobs whose prompt holds each of these, in any case.
            since: Only jobs made then or later, in seconds since 1970.
            until: Only jobs made before then.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        wanted = {"origin": origin, "model": model, "since": since, "until": until}
        chosen = None if statuses is None else json.dumps(list(statuses))
        found: list[JobSnapshot] = []
        unread = 0
        with self._using() as connection:
            for (text,) in connection.execute(statements.LIST, {**wanted, "statuses": chosen}):
                if len(found) >= limit:
                    break
                snapshot = rows.read(text)
                unread += snapshot is None
                if snapshot and rows.speaks_of(snapshot, words):
                    found.append(snapshot)
        if unread:
            warnings.warn(
                f"{unread} jobs in {self.path} cannot be read by this version and are not listed. Upgrade tokenlab_nb.",
                stacklevel=2,
            )
        return found

    def latencies(self, origin: str, model: str, limit: int = 100) -> list[float]:
        """Seconds from sending to ready pictures of this model's last completed jobs, newest first.

        Args:
            origin: API origin; sandbox and service never mix.
            model: Model id.
            limit: At most so many.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        with self._using() as connection:
            found = connection.execute(statements.LATENCIES, {"origin": origin, "model": model, "limit": limit})
            return [float(seconds) for (seconds,) in found]

    def twin(self, origin: str, request_hash: str) -> JobSnapshot | None:
        """Return the newest completed job of an equal request at this API, or None.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        return self._one(statements.TWIN, origin=origin, request_hash=request_hash)

    def by_task(self, origin: str, task_id: str | None, poll_url: str | None) -> JobSnapshot | None:
        """Return the job that follows this task of this API, or None.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        return self._one(statements.BY_TASK, origin=origin, task_id=task_id, poll_url=poll_url)

    def maker(self, sha256: str, child: JobSnapshot | None = None) -> Maker | None:
        """Return the job that made a picture, at whatever API: the oldest, where several made the same bytes.

        Args:
            sha256: The picture's hash.
            child: Only jobs that are no younger than this one, and not itself.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        wanted = {"sha256": sha256, "child": child and child.id, "before": child and child.created_at}
        with self._using() as connection:
            row = connection.execute(statements.MAKER, wanted).fetchone()
        job = rows.read(row[0]) if row else None
        return Maker(job, row[1]) if job else None

    def spending(self, origin: str, since: float) -> Spending:
        """Return what the jobs of this API that were made then or later cost.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        with self._using() as connection:
            return spending(connection, origin, since)

    def _one(self, statement: str, **wanted: object) -> JobSnapshot | None:
        with self._using() as connection:
            row = connection.execute(statement, wanted).fetchone()
        return rows.read(row[0]) if row else None

    # ----------------------------------------------------------------------------------- the database

    def _carry_over(self, connection: sqlite3.Connection, damaged: Path | None) -> None:
        """Go on with what a damaged ledger still told; a job that another kernel wrote down meanwhile stands."""
        if damaged is None:
            return
        saved = salvage(damaged, COMPANIONS)
        connection.executemany(statements.SIGN, saved.owners)
        connection.executemany(statements.CARRY_VOTE, saved.votes)
        for job, owner in saved.jobs:
            if connection.execute(statements.LOAD, {"id": job.id}).fetchone() is None:
                self._put(connection, [job])
                connection.execute(statements.TAKE, {"id": job.id, "owner": owner})
        count = f"{len(saved.jobs):,} job{'' if len(saved.jobs) == 1 else 's'}"
        told = f"{count} could be read and were carried over" if saved.jobs else "None of its jobs could be read"
        self.notice = f"{self.notice} {told}."

    def close(self) -> None:
        """Let go of what is followed, and close the file; calling it again does nothing."""
        if self._process == os.getpid():  # a forked copy follows nothing
            with suppress(TokenLabError), self._writing() as connection:  # who cannot write is found dead soon
                connection.execute(statements.RELEASE, {"owner": self._owner})
                connection.execute(statements.LEAVE, {"owner": self._owner})
        self._disconnect()

    def _disconnect(self) -> None:
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

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        with self._using() as held, self._still_there(held) as connection:
            connection.execute("BEGIN IMMEDIATE")
            yield connection

    def _still_there(self, held: sqlite3.Connection) -> sqlite3.Connection:
        """The connection, or one to a new file where the file was removed or set aside, which SQLite does not notice.

        It would go on writing into a file without a name, and the row before a POST would be lost with it.
        """
        if self.path.exists() and os.path.samestat(self.path.stat(), self._file):
            return held
        opened = open_database(self.path)
        self._connection, self._file = opened.connection, self.path.stat()
        held.close()
        self.notice = opened.notice or self.notice
        with opened.connection as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._carry_over(connection, opened.damaged)
            self._sign(connection)  # else whoever shares the new file would take us for dead
        return opened.connection
