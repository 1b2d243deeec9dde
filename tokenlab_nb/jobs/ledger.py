"""The ledger as the jobs of one engine use it: what cannot be written now is written with the next write."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress

import anyio

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot


class Ledger:
    """Writes snapshots, and remembers those that it owes. Use it on the loop.

    Args:
        write: Makes a snapshot durable, or raises a `TokenLabError`.
        made_good: Called with a snapshot that was owed and is written now.
    """

    def __init__(
        self,
        write: Callable[[JobSnapshot], Awaitable[None]],
        made_good: Callable[[JobSnapshot], None] | None = None,
    ) -> None:
        self._write = write
        self._made_good = made_good
        self._writer = anyio.CapacityLimiter(1)  # one at a time: an older state must not land on a newer one
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
        async with self._writer:
            await self._settle(snapshot)
            await self._settle_owed()

    async def close(self) -> None:
        """Try once more to write what is owed."""
        async with self._writer:
            await self._settle_owed()

    async def _settle_owed(self) -> None:
        with suppress(TokenLabError):  # what fails for one fails for the next; both stay owed
            for snapshot, _ in list(self._owed.values()):
                await self._settle(snapshot)
                if self._made_good:
                    self._made_good(snapshot)

    async def _settle(self, snapshot: JobSnapshot) -> None:
        try:
            await self._write(snapshot)
        except TokenLabError as error:
            self._owed[snapshot.id] = (snapshot, f"Not written to the ledger: {error.message}")
            raise
        self._owed.pop(snapshot.id, None)
