"""Votes and ratings as tables: for the screen with an interval plot, for a terminal, as CSV and as pandas frames."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from io import StringIO
from typing import Any

from tokenlab_nb.export.text import aligned, load_pandas, printable, template
from tokenlab_nb.sweep.ballot import Vote
from tokenlab_nb.sweep.rating import CERTAINTY, Standing, expit
from tokenlab_nb.sweep.votes import Facts, Ratings, Votes

__all__ = [
    "ratings_csv",
    "ratings_frame",
    "ratings_html",
    "ratings_record",
    "ratings_text",
    "votes_csv",
    "votes_frame",
    "votes_html",
    "votes_text",
]

_MOST_SHOWN = 50  # votes in a table: a saved notebook holds them all
_MOST_LABEL = 120

# ------------------------------------------------------------------------------------------ votes

_VOTE_HEADS = ("voted", "question", "left", "right", "choice")
_CHOICES: Mapping[str, str] = {"left": "left is better", "right": "right is better", "tie": "tie", "bad": "both bad"}


def votes_text(votes: Votes) -> str:
    """Votes as lines, oldest first."""
    lines = aligned([_VOTE_HEADS, *map(_vote_cells, votes[-_MOST_SHOWN:])])
    return "\n".join((*lines, _counted(votes))) if votes else "No votes."


def votes_html(votes: Votes) -> str:
    """Votes as a table, everything in it escaped."""
    rows = [_vote_cells(vote) for vote in votes[-_MOST_SHOWN:]]
    html: str = template("history.html.j2").render(heads=_VOTE_HEADS, rows=rows, rest=_counted(votes))
    return html


def votes_frame(votes: Votes) -> Any:
    """Votes as a `pandas.DataFrame`; times are UTC.

    Raises:
        TokenLabError: If pandas is not installed.
    """
    pandas = load_pandas()
    frame = pandas.DataFrame([_vote_record(vote) for vote in votes], columns=list(_VOTE_COLUMNS))
    frame["at"] = pandas.to_datetime(frame["at"], unit="s", utc=True).astype("datetime64[us, UTC]")
    return frame


def votes_csv(votes: Votes) -> str:
    """Votes as CSV; times are UTC."""
    records = [_vote_record(vote) for vote in votes]
    return _csv(_VOTE_COLUMNS, ({**each, "at": _stamp(float(str(each["at"])))} for each in records))


_VOTE_COLUMNS = (
    *("id", "at", "grid", "question", "by", "left", "right", "choice", "winner"),
    *("left_cell", "left_job", "left_sha256", "right_cell", "right_job", "right_sha256", "seed"),
)


def _vote_record(vote: Vote) -> dict[str, object]:
    left, right = vote.left, vote.right
    values = (
        *(vote.id, vote.at, vote.grid, vote.question, vote.by, left.label, right.label, vote.choice, vote.winner),
        *(left.cell, left.job, left.sha256, right.cell, right.job, right.sha256, vote.seed),
    )
    return dict(zip(_VOTE_COLUMNS, values, strict=True))


def _vote_cells(vote: Vote) -> tuple[str, ...]:
    made = datetime.fromtimestamp(vote.at).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    cells = (made, vote.question, vote.left.label, vote.right.label, _CHOICES[vote.choice])
    return tuple(_short(cell) for cell in cells)


def _counted(votes: Votes) -> str:
    count = f"{len(votes):,} vote{'' if len(votes) == 1 else 's'}"
    return count if len(votes) <= _MOST_SHOWN else f"{count}, the last {_MOST_SHOWN} shown"


# ---------------------------------------------------------------------------------------- ratings

_HEADS = ("rating", "interval", "beats average", "votes", "won", "lost", "tied", "both bad")
_FACT_HEADS = ("cost", "wins per dollar", "latency")


def ratings_text(ratings: Ratings) -> str:
    """Ratings as lines, best first."""
    rows = [(*_cells(row), *_fact_cells(ratings, row)) for row in ratings.rows]
    table = aligned([(printable(ratings.by), *_HEADS, *_FACT_HEADS), *rows])
    return "\n".join((printable(ratings.question), *table, printable(ratings.verdict.text), *_notes(ratings)))


def ratings_html(ratings: Ratings) -> str:
    """Ratings as a table with an interval plot; where a sanitizer drops the plot, the same numbers are left."""
    scale = _Scale.of(ratings.rows)
    rows = [{"cells": _cells(row), "facts": _fact_cells(ratings, row), "plot": scale.plot(row)} for row in ratings.rows]
    html: str = template("ratings.html.j2").render(
        heads=(printable(ratings.by), *_HEADS, *_FACT_HEADS),
        rows=rows,
        scale=scale,
        question=_short(ratings.question),
        verdict=printable(ratings.verdict.text),
        notes=_notes(ratings),
    )
    return html


def ratings_record(ratings: Ratings, row: Standing) -> dict[str, object]:
    """One contestant as JSON values: numbers as they are, and costs and times also in words."""
    facts = _facts(ratings, row)
    low, high = (None if end is None else expit(end) for end in (row.low, row.high))
    cost, per_dollar, latency = _fact_cells(ratings, row)
    return {
        "contestant": row.contestant,
        "rating": row.rating,
        "low": row.low,
        "high": row.high,
        "chance": row.chance,
        "chance_low": low,
        "chance_high": high,
        "votes": row.votes,
        "wins": row.wins,
        "losses": row.losses,
        "ties": row.ties,
        "bad": row.bad,
        "pictures": facts.pictures,
        "cost_low": facts.cost.low,
        "cost_high": facts.cost.high,
        "cost_unknown": facts.cost.unknown,
        "seconds": facts.seconds,
        "cost": cost,
        "per_dollar": per_dollar,
        "latency": latency,
    }


def ratings_frame(ratings: Ratings) -> Any:
    """Ratings as a `pandas.DataFrame`, best first.

    Raises:
        TokenLabError: If pandas is not installed.
    """
    records = [ratings_record(ratings, row) for row in ratings.rows]
    frame = load_pandas().DataFrame(records)
    return frame.astype(dict.fromkeys((*_NUMBERS, "seconds"), float)) if records else frame


_NUMBERS = ("rating", "low", "high", "chance", "chance_low", "chance_high")


def ratings_csv(ratings: Ratings) -> str:
    """Ratings as CSV, best first."""
    records = [ratings_record(ratings, row) for row in ratings.rows]
    return _csv(tuple(records[0]) if records else ("contestant", *_NUMBERS), records)


def _facts(ratings: Ratings, row: Standing) -> Facts:
    return ratings.facts.get(row.contestant) or Facts()


def _cells(row: Standing) -> tuple[str, ...]:
    """What the votes say of one contestant, as texts."""
    told = ("no votes", "", "")
    if row.rating is not None and row.low is not None and row.high is not None:
        told = (_signed(row.rating), f"{_signed(row.low)} to {_signed(row.high)}", _percent(expit(row.rating)))
    counts = (row.votes, row.wins, row.losses, row.ties, row.bad)
    return (_short(row.contestant), *told, *map(str, counts))


def _fact_cells(ratings: Ratings, row: Standing) -> tuple[str, str, str]:
    facts = _facts(ratings, row)
    seconds = "not known" if facts.seconds is None else f"{facts.seconds:.1f} s"
    return facts.cost.words, facts.per_dollar(row), seconds


def _notes(ratings: Ratings) -> list[str]:
    rounds = f"{_percent(CERTAINTY)} intervals of {ratings.rounds:,} resamples (seed {ratings.seed})"
    notes = [
        f"Rating: Bradley-Terry log-strength, 0 is the average; {rounds}. A tie, or both bad, is half a win for each.",
        "Cost: of the requests whose pictures are here, by the price list. Latency: the median of these requests.",
    ]
    if ratings.left_share is not None:
        notes.append(f"The left picture won {_percent(ratings.left_share)} of the decided votes.")
    if ratings.count and ratings.verdict.winner is None and not ratings.remaining:
        notes.append("Every pair of this grid was voted on: more prompts or repeats give more pairs.")
    return notes


@dataclass(frozen=True, slots=True)
class _Scale:
    """Ratings -> places in the plot."""

    low: float
    high: float

    width = 220
    height = 18
    edge = 6

    @classmethod
    def of(cls, rows: Iterable[Standing]) -> _Scale:
        """From the lowest end of all intervals to the highest, 0 among them."""
        ends = [0.0, *(end for row in rows for end in (row.low, row.high) if end is not None)]
        return cls(min(ends), max(ends))

    def at(self, rating: float) -> float:
        """Where a rating stands, from the left."""
        span = (self.high - self.low) or 1.0
        return round(self.edge + (self.width - 2 * self.edge) * (rating - self.low) / span, 1)

    def plot(self, row: Standing) -> Mapping[str, float] | None:
        """Where a contestant's dot and interval stand; None where there is no rating."""
        if row.rating is None or row.low is None or row.high is None:
            return None
        return {"dot": self.at(row.rating), "low": self.at(row.low), "high": self.at(row.high)}


# ----------------------------------------------------------------------------------------- shared


def _csv(columns: Sequence[str], records: Iterable[Mapping[str, object]]) -> str:
    file = StringIO(newline="")
    writer = csv.DictWriter(file, columns, lineterminator="\r\n")  # as RFC 4180 has it
    writer.writeheader()
    writer.writerows(records)
    return file.getvalue()


def _stamp(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")


def _signed(number: float) -> str:
    return f"{number:+.2f}".replace("-", "\N{MINUS SIGN}")


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _short(text: str) -> str:
    plain = printable(" ".join(text.split()))
    return plain if len(plain) <= _MOST_LABEL else f"{plain[: _MOST_LABEL - 1]}…"
