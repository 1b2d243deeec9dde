"""What people said of pictures, in the ledger. A vote is never erased, only marked as taken back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from tokenlab_nb.store import statements
from tokenlab_nb.store.journal import Journal

__all__ = ["drop_vote", "keep_vote", "kept_votes"]


def keep_vote(journal: Journal, origin: str, record: Mapping[str, Any]) -> None:
    """Make a vote durable before returning.

    Args:
        journal: The ledger.
        origin: Of the API that made the pictures.
        record: With its ``id``, its ``grid`` and ``at``, in seconds since 1970; the rest is the caller's.

    Raises:
        TokenLabError: If it cannot be written.
    """
    row = {"id": record["id"], "origin": origin, "grid": record["grid"], "at": record["at"]}
    with journal._writing() as connection:
        connection.execute(statements.KEEP_VOTE, {**row, "record": json.dumps(record, separators=(",", ":"))})


def kept_votes(journal: Journal, origin: str, grid: str | None = None) -> list[Any]:
    """Return the records of the votes that stand, in the order in which they were given.

    Args:
        journal: The ledger.
        origin: Of the API that made the pictures.
        grid: Only those on this grid.

    Raises:
        TokenLabError: If the ledger cannot be read.
    """
    with journal._using() as connection:
        found = connection.execute(statements.VOTES, {"origin": origin, "grid": grid}).fetchall()
    return [_read(text) for (text,) in found]


def drop_vote(journal: Journal, origin: str, vote_id: str, at: float) -> bool:
    """Take a vote back: its row stays, marked.

    Args:
        journal: The ledger.
        origin: Of the API that made the pictures.
        vote_id: The vote.
        at: When, in seconds since 1970.

    Returns:
        Whether there was such a vote that stood.

    Raises:
        TokenLabError: If it cannot be written.
    """
    with journal._writing() as connection:
        return connection.execute(statements.DROP_VOTE, {"origin": origin, "id": vote_id, "at": at}).rowcount > 0


def _read(text: str) -> Any:
    """The record of a row; None where it is none."""
    try:
        return json.loads(text)
    except ValueError:
        return None
