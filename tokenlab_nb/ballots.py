"""Votes on grids: kept in the ledger, found again, and what their ratings need of time and chance."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

from tokenlab_nb.errors import TokenLabWarning, ValidationError
from tokenlab_nb.handover import Handover
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.store.votes import drop_vote, keep_vote, kept_votes
from tokenlab_nb.sweep.ballot import Vote
from tokenlab_nb.sweep.votes import Votes


class Ballots(Handover):
    """Keeps votes. `Session` is what users hold."""

    def votes(self, grid: str | None = None) -> Votes:
        """Find the votes that stand, of this and earlier kernels at this API, oldest first.

        Args:
            grid: Only those on one grid, by the hash of its plan (``grid.plan.hash``).

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        found, unread = Votes(), 0
        for record in kept_votes(self._journal, self.origin, grid):
            try:
                found.append(Vote.from_record(record))
            except (KeyError, TypeError, ValueError):
                unread += 1
        if unread:
            which = "1 vote of this data folder" if unread == 1 else f"{unread:,} votes of this data folder"
            text = f"{which} cannot be read by this version: left out. Upgrade tokenlab_nb."
            warnings.warn(text, TokenLabWarning, stacklevel=2)
        return found

    def keep_vote(self, vote: Vote) -> None:
        """Make a vote durable before returning; `GridRun.vote` makes one.

        Raises:
            TokenLabError: If the ledger cannot be written.
        """
        keep_vote(self._journal, self.origin, vote.to_record())

    def drop_vote(self, vote_id: str) -> None:
        """Take a vote back. Its row stays in the ledger, marked.

        Raises:
            ValidationError: If there is no such vote at this API, or it was taken back already.
            TokenLabError: If the ledger cannot be written.
        """
        if not drop_vote(self._journal, self.origin, vote_id, self._clock.now()):
            raise ValidationError(f"There is no vote {vote_id!r} that stands.")

    def resamples(self, seed: int, rounds: int, size: int) -> Iterable[Sequence[int]]:
        """Draw for `GridRun.ratings`: in each round ``size`` numbers below ``size``; the same ones for a seed."""
        return resamples(seed, rounds, size)

    def now(self) -> float:
        """Seconds since 1970, by the session's clock."""
        return self._clock.now()
