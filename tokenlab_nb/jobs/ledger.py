"""The ledger as the jobs of one engine use it: what waits is written together, what failed with the next write."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from typing import Protocol

import anyio

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot

MOST_AT_ONCE = 200
"""Snapshots in one write: more would hold the database for long."""
_GATHER = 0.02  # seconds that a write waits for company, once several came at a time


class Write(Protocol):
    """Makes snapshots durable, all or none."""

    async def __call__(self, *snapshots: JobSnapshot) -> None:
        """Return once they are.

        Raises:
            TokenLabError: If they cannot be written.
        """


class _Ticket:
    """One snapshot on its way into the ledger."""

    def __init__(self, snapshot: JobSnapshot) -> None:
        self.snapshot = snapshot
        self.done = False
        self.error: TokenLabError | None = None


class Ledger:
    """Writes snapshots, and remembers those that it owes. Use it on the loop.

    Making a write durable costs the same for one snapshot as for many, so while one write runs, what comes waits and
    then goes together, and while that happens the next write waits a moment for more: a thousand jobs at once cost
    hardly more than a few. A job that is alone never waits.

    Args:
        write: Makes snapshots durable.
        made_good: Called with a snapshot that was owed and is written now.
    """

    def __init__(self, write: Write, made_good: Callable[[JobSnapshot], None] | None = None) -> None:
        self._write = write
        self._made_good = made_good
        self._writer = anyio.CapacityLimiter(1)  # one at a time: an older state must not land on a newer one
        self._queue: list[_Ticket] = []
        self._crowded = False
        self._owed: dict[str, tuple[JobSnapshot, str]] = {}

    def complaint(self, job_id: str) -> str:
        """Why the newest state of a job is not in the ledger; an empty text when it is."""
        _, why = self._owed.get(job_id, (None, ""))
        return why

    async def save(self, snapshot: JobSnapshot) -> None:
        """Make a state durable, and then what is owed.

        Raises:
            TokenLabError: If it cannot be written; then it is owed.
        """
        ticket = _Ticket(snapshot)
        self._queue.append(ticket)
        async with self._writer:
            if not ticket.done:  # else it went along with another
                await self._write_waiting()
        if ticket.error:
            raise ticket.error

    async def close(self) -> None:
        """Try once more to write what is owed."""
        async with self._writer:
            await self._settle_owed()

    async def _write_waiting(self) -> None:
        if self._crowded:
            with anyio.move_on_after(_GATHER):
                await anyio.Event().wait()
        tickets, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
        self._crowded = len(tickets) > 1
        error: TokenLabError | None = None
        try:
            await self._write(*(ticket.snapshot for ticket in tickets))
        except TokenLabError as failure:
            error = failure
        except Exception as fault:  # noqa: BLE001  # nobody may take what was not written for written
            error = TokenLabError(f"tokenlab_nb itself failed to write ({type(fault).__name__}: {fault}).")
        for ticket in tickets:
            ticket.done, ticket.error = True, error
            if error:
                self._owed[ticket.snapshot.id] = (ticket.snapshot, f"Not written to the ledger: {error.message}")
            else:
                self._owed.pop(ticket.snapshot.id, None)
        if not error:
            await self._settle_owed()

    async def _settle_owed(self) -> None:
        owed = [snapshot for snapshot, _ in self._owed.values()][:MOST_AT_ONCE]
        if not owed:
            return
        with suppress(TokenLabError):  # they stay owed
            await self._write(*owed)
            for snapshot in owed:
                self._owed.pop(snapshot.id)
                if self._made_good:
                    self._made_good(snapshot)
