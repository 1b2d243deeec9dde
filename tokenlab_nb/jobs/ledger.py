"""The ledger as the jobs of one engine use it: what waits is written together, what failed with the next write."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

import anyio

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.jobs.ports import TakenError

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
    """One snapshot on its way into the ledger; ``owed``: to be tried again where it could not be written."""

    def __init__(self, snapshot: JobSnapshot, *, owed: bool) -> None:
        self.snapshot = snapshot
        self.owed = owed
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
        await self._through(_Ticket(snapshot, owed=True))

    async def keep(self, *snapshots: JobSnapshot) -> None:
        """Make states durable that somebody asked for, together where there are several.

        Raises:
            TokenLabError: If one cannot be written; it is not tried again.
        """
        await self._through(*(_Ticket(snapshot, owed=False) for snapshot in snapshots))

    async def close(self) -> None:
        """Try once more to write what is owed."""
        async with self._writer:
            while await self._settle_owed():
                pass

    async def _through(self, *tickets: _Ticket) -> None:
        self._queue.extend(tickets)
        async with self._writer:
            while not all(ticket.done for ticket in tickets):  # else it went along with another
                # Who breaks this off breaks off the others' writes as well, and they would take them for done.
                with anyio.CancelScope(shield=True):
                    await self._write_waiting()
        for ticket in tickets:
            if ticket.error:
                raise ticket.error

    async def _write_waiting(self) -> None:
        if self._crowded:
            with anyio.move_on_after(_GATHER):
                await anyio.Event().wait()
        tickets, self._queue = self._queue[:MOST_AT_ONCE], self._queue[MOST_AT_ONCE:]
        self._crowded = len(tickets) > 1
        await self._write_all(tickets)
        for ticket in tickets:
            name, error = ticket.snapshot.id, ticket.error
            if error is None:
                self._owed.pop(name, None)
            elif ticket.owed and not isinstance(error, TakenError):  # else the row is another kernel's
                self._owed[name] = (ticket.snapshot, f"Not written to the ledger: {error.message}")
        if not any(ticket.error for ticket in tickets):
            await self._settle_owed()

    async def _settle_owed(self) -> bool:
        """Write some of what is owed; return whether any of it is written now."""
        tickets = [_Ticket(snapshot, owed=True) for snapshot, _ in self._owed.values()][:MOST_AT_ONCE]
        if tickets:
            await self._write_all(tickets)
        written = [ticket.snapshot for ticket in tickets if not ticket.error]
        for snapshot in written:
            self._owed.pop(snapshot.id)
            if self._made_good:
                self._made_good(snapshot)
        return bool(written)

    async def _write_all(self, tickets: Sequence[_Ticket]) -> None:
        """Write together; where the trouble is with one of them, each on its own. What came of it is on the tickets."""
        error: TokenLabError | None = None
        try:
            await self._write(*(ticket.snapshot for ticket in tickets))
        except Exception as failure:  # noqa: BLE001  # nobody may take what was not written for written
            if len(tickets) > 1 and (isinstance(failure, TakenError) or not isinstance(failure, TokenLabError)):
                for ticket in tickets:
                    await self._write_all([ticket])
                return
            error = failure if isinstance(failure, TokenLabError) else _fault(failure)
        for ticket in tickets:
            ticket.done, ticket.error = True, error


def _fault(failure: Exception) -> TokenLabError:
    return TokenLabError(f"tokenlab_nb itself failed to write ({type(failure).__name__}: {failure}).")
