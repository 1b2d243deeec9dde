"""What may be said of a ranking, in words: who is ahead, or that the votes are too few to tell. Pure."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Final

from tokenlab_nb.sweep.rating import CERTAINTY, FEWEST, Lead, Ranking, Standing

_MOST_FORETOLD: Final = 1000
_TOO_FEW: Final = "Too few votes to tell"
_MOST_NAMED: Final = 4
_LEVEL: Final = 1e-6  # of rounding


@dataclass(frozen=True, slots=True)
class Verdict:
    """What may be said.

    Attributes:
        text: In words.
        winner: The contestant that is ahead of all others; None where that cannot be said.
        missing: Votes that are needed at least before anything can be said; 0 once something can be.
    """

    text: str
    winner: str | None = None
    missing: int = 0

    def __str__(self) -> str:
        return self.text


def judge(ranking: Ranking, absent: Collection[str] = ()) -> Verdict:
    """Say who is ahead of all others, or what is missing for that.

    Args:
        ranking: Ratings.
        absent: Contestants that nobody can vote on, such as a model all of whose requests failed. The others are not
            kept waiting for them.
    """
    away = [row.contestant for row in ranking.standings if row.contestant in absent and not row.votes]
    rows = [row for row in ranking.standings if row.contestant not in away]
    if away and len(rows) > 1:
        found = _judged(ranking, rows)
        has = "has no picture" if len(away) == 1 else "have no pictures"
        return replace(found, text=f"{found.text} {_named(away)} {has} to compare.")
    return _judged(ranking, ranking.standings)


def _judged(ranking: Ranking, rows: Sequence[Standing]) -> Verdict:
    if len(rows) < 2:
        return Verdict("There is only one contestant: nothing to compare." if rows else "There is nothing to compare.")
    if needed := missing(rows):
        return Verdict(f"{_few(rows)} At least {needed} more for a first answer.", missing=needed)
    if len(ranking.groups) > 1:
        apart = "; ".join(_named(group) for group in ranking.groups)
        text = f"{_TOO_FEW}: these never met, not even by way of others: {apart}."
        return Verdict(text, missing=len(ranking.groups) - 1)
    first, *others = rows
    leads = [(other, ranking.lead(first, other)) for other in others]
    close = [(other, lead) for other, lead in leads if not lead.low > 0]
    if not close:
        sure = _percent(min(lead.sure for _, lead in leads))
        whom = others[0].contestant if len(others) == 1 else f"all {len(others)} others"
        return Verdict(f"{first.contestant} is ahead of {whom}: {sure} sure.", first.contestant)
    return Verdict(f"{_TOO_FEW}: {_close(first, close, ranking.votes)}")


def missing(standings: Sequence[Standing]) -> int:
    """How many votes are needed at least until every contestant has the fewest that can tell anything.

    Args:
        standings: Of all contestants, also those without a vote.
    """
    lacking = [max(0, FEWEST - row.votes) for row in standings]
    return max(math.ceil(sum(lacking) / 2), *lacking, 0)  # a vote counts for two contestants


def _few(rows: Sequence[Standing]) -> str:
    if not any(row.votes for row in rows):
        return "No votes yet."
    few = [row.contestant for row in rows if row.votes < FEWEST]
    return f"{_TOO_FEW}: {_named(few)} {'has' if len(few) == 1 else 'have'} fewer than {FEWEST} votes."


def _close(first: Standing, close: Sequence[tuple[Standing, Lead]], votes: int) -> str:
    """Of a leader that may be one by chance."""
    names = _named([other.contestant for other, _ in close])
    more = max(_more(votes, lead) for _, lead in close)
    told = "they may be equally good" if more > _MOST_FORETOLD else f"about {_rounded(more):,} more votes may tell"
    if max(lead.gap for _, lead in close) < _LEVEL:
        return f"{first.contestant} is level with {names}; {told}."
    return f"{first.contestant} leads, but {names} may be as good; {told}."


def _more(votes: int, lead: Lead) -> float:
    """How many more votes would part the two, if the gap stays: an interval narrows with the square root of votes."""
    reach = lead.gap - lead.low
    return votes * max((reach / lead.gap) ** 2 - 1, 0.05) if lead.gap > 0 else math.inf


def _rounded(count: float) -> int:
    """Upwards, since it is a guess."""
    unit = 10 if count > 10 else 5
    return math.ceil(count / unit) * unit


def _percent(share: float) -> str:
    """Not below `CERTAINTY`, since that much is what makes a lead count; a resample is never proof."""
    return "more than 99 %" if share > 0.99 else f"{max(share, CERTAINTY):.0%}".replace("%", " %")


def _named(names: Sequence[str]) -> str:
    """Names as one text: ``A``, ``A and B``, ``A, B and 3 others``."""
    shown = list(names) if len(names) <= _MOST_NAMED else [*names[: _MOST_NAMED - 1], f"{len(names) - 3:,} others"]
    return " and ".join(filter(None, (", ".join(shown[:-1]), shown[-1])))
