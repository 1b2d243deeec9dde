"""The part of the ledger that holds what people said of pictures. A vote is never erased, only marked as taken back."""

from __future__ import annotations

import json
import sqlite3
from abc import abstractmethod
from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

from tokenlab_nb.store import statements

__all__ = ["VoteRows"]


class VoteRows:
    """Votes as records. `tokenlab_nb.store.journal.Journal` is the whole ledger."""

    @abstractmethod
    def _using(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection, for one thread at a time."""

    @abstractmethod
    def _writing(self) -> AbstractContextManager[sqlite3.Connection]:
        """The connection, in a transaction that is written at its end."""

    def keep_vote(self, origin: str, record: Mapping[str, Any]) -> None:
        """Make a vote durable before returning.

        Args:
            origin: Of the API that made the pictures.
            record: With its ``id``, its ``grid`` and ``at``, in seconds since 1970; the rest is the caller's.

        Raises:
            TokenLabError: If it cannot be written.
        """
        row = {"id": record["id"], "origin": origin, "grid": record["grid"], "at": record["at"]}
        with self._writing() as connection:
            connection.execute(statements.KEEP_VOTE, {**row, "record": json.dumps(record, separators=(",", ":"))})

    def votes(self, origin: str, grid: str | None = None) -> list[dict[str, Any]]:
        """Return the records of the votes that stand, oldest first.

        Args:
            origin: Of the API that made the pictures.
            grid: Only those on this grid.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        with self._using() as connection:
            found = connection.execute(statements.VOTES, {"origin": origin, "grid": grid}).fetchall()
        return [json.loads(text) for (text,) in found]

    def drop_vote(self, origin: str, vote_id: str, at: float) -> bool:
        """Take a vote back: its row stays, marked.

        Args:
            origin: Of the API that made the pictures.
            vote_id: The vote.
            at: When, in seconds since 1970.

        Returns:
            Whether there was such a vote that stood.

        Raises:
            TokenLabError: If it cannot be written.
        """
        with self._writing() as connection:
            return connection.execute(statements.DROP_VOTE, {"origin": origin, "id": vote_id, "at": at}).rowcount > 0
