"""Judging a grid: its ballot, the votes that were kept, and what they come to beside costs and times."""

from __future__ import annotations

import os
import uuid
from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from statistics import median
from typing import Any, Protocol

from tokenlab_nb.contract.pricing import Estimate, Total, total
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.sweep.ballot import (
    NOWHERE,
    QUESTION,
    Ballot,
    Contest,
    Pair,
    Side,
    Vote,
    choice_of,
    contest,
    make_ballot,
)
from tokenlab_nb.sweep.plan import Cell, Plan
from tokenlab_nb.sweep.rating import Ranking, Standing, pool_size, rank
from tokenlab_nb.sweep.verdict import Verdict, judge


class Votes(list[Vote]):
    """Votes in a list that shows itself as a table, oldest first."""

    def __repr__(self) -> str:
        return str(_export().votes_text(self))

    def _repr_html_(self) -> str:
        return str(_export().votes_html(self))

    def to_frame(self) -> Any:
        """Return a `pandas.DataFrame`, a row a vote. Times are UTC.

        Raises:
            TokenLabError: If pandas is not installed.
        """
        return _export().votes_frame(self)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """Return the votes as CSV, or write it to a file and return its path. Times are UTC.

        Raises:
            OSError: If the file cannot be written.
        """
        return _written(_export().votes_csv(self), path)


@dataclass(frozen=True, slots=True)
class Facts:
    """What else is known of a contestant's pictures.

    Attributes:
        cost: What they cost by the price list, each request once.
        pictures: How many there are.
        seconds: How long one of their requests took (median); None where nobody knows.
    """

    cost: Total = Total()  # noqa: RUF009  # frozen
    pictures: int = 0
    seconds: float | None = None

    def per_dollar(self, standing: Standing) -> str:
        """How many votes a dollar's worth of its pictures would win, if each were shown once.

        That is the share of its votes that it won, by the price of a picture: how often it was shown does not matter.
        """
        if not standing.votes or not self.pictures:
            return ""
        if self.cost.unknown or not self.cost.known:
            return "unknown"
        if not self.cost.high:
            return "free"
        won = standing.score / standing.votes * self.pictures
        least = _count(won / self.cost.high)
        if not self.cost.low:
            return f"{least} or more"
        return " - ".join(dict.fromkeys((least, _count(won / self.cost.low))))


@dataclass(frozen=True, repr=False)
class Ratings:
    """Ratings of a grid's contestants. It shows itself as a table with an interval plot.

    Attributes:
        ranking: Ratings with their intervals, best first, and what was resampled.
        verdict: What may be said of it, in words; or that the votes are too few to tell.
        facts: Cost and time, by contestant.
        question: What was asked.
        by: What was contested.
        seed: Of the resampling.
        rounds: How many resamples the intervals rest on.
        left_share: How much of the decided votes went to the left side: far from one half, places were voted on.
        remaining: On how many pairs of the grid nobody has voted yet.
    """

    ranking: Ranking
    verdict: Verdict
    facts: Mapping[str, Facts]
    question: str
    by: str
    seed: int
    rounds: int
    left_share: float | None = None
    remaining: int = 0

    @property
    def rows(self) -> tuple[Standing, ...]:
        """One for each contestant, best first."""
        return self.ranking.standings

    @property
    def count(self) -> int:
        """How many votes were counted."""
        return self.ranking.votes

    def __repr__(self) -> str:
        return str(_export().ratings_text(self))

    def _repr_html_(self) -> str:
        return str(_export().ratings_html(self))

    def to_json(self) -> dict[str, object]:
        """Return it as plain JSON values, with costs and times in words, for a page that draws it."""
        return {
            "question": self.question,
            "by": self.by,
            "count": self.count,
            "verdict": self.verdict.text,
            "winner": self.verdict.winner,
            "missing": self.verdict.missing,
            "left_share": self.left_share,
            "remaining": self.remaining,
            "seed": self.seed,
            "rounds": self.rounds,
            "rows": [_export().ratings_record(self, row) for row in self.rows],
        }

    def to_frame(self) -> Any:
        """Return a `pandas.DataFrame`, a row a contestant, best first.

        Raises:
            TokenLabError: If pandas is not installed.
        """
        return _export().ratings_frame(self)

    def to_csv(self, path: str | os.PathLike[str] | None = None) -> str | Path:
        """Return it as CSV, or write that to a file and return its path.

        Raises:
            OSError: If the file cannot be written.
        """
        return _written(_export().ratings_csv(self), path)


class Judge(Protocol):
    """Keeps votes. `tokenlab_nb.ballots.Ballots` is the real one."""

    def votes(self, grid: str | None = None) -> Votes:
        """The votes on a grid, by `Plan.hash`."""

    def keep_vote(self, vote: Vote) -> None:
        """Make a vote durable."""

    def drop_vote(self, vote_id: str) -> None:
        """Take a vote back; its row stays."""

    def resamples(self, seed: int, rounds: int, size: int) -> Iterable[Sequence[int]]:
        """Draw so many numbers below ``size`` in each round."""

    def now(self) -> float:
        """Seconds since 1970."""


class Filled(Protocol):
    """A cell with its jobs."""

    @property
    def planned(self) -> Cell:
        """The cell of the plan."""

    @property
    def jobs(self) -> tuple[Job, ...]:
        """Its jobs, in the order of its takes."""


class Judged:
    """A grid that can be voted on. `tokenlab_nb.sweep.run.GridRun` is what users hold."""

    plan: Plan
    _desk: Judge

    @property
    @abstractmethod
    def cells(self) -> Sequence[Filled]:
        """Every cell with its jobs, in the plan's order."""

    @property
    def votes(self) -> Votes:
        """All votes on this grid, of earlier kernels too, oldest first.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        found = self._desk.votes(self.plan.hash)
        return self._at_home(found) if found else found

    def ballot(
        self, by: str | Sequence[str] | None = None, *, question: str | None = None, seed: int | None = None
    ) -> Ballot:
        """Pair the pictures that are there, for a blind vote: `Ballot.next` tells who meets whom.

        Only cells are paired that differ in nothing but what is contested.

        Args:
            by: The axis, or axes, whose values compete; by default the models, or the first axis that varies.
            question: What is asked.
            seed: Orders the pairs and draws their sides; by default that of the last vote on the same question, else a
                new one. Each vote records it.

        Raises:
            ValidationError: If the grid has no such axis.
            TokenLabError: If the ledger cannot be read.
        """
        contested = contest(self.plan, by)
        asked = question or QUESTION
        if seed is None:
            before = [vote.seed for vote in self.votes if (vote.by, vote.question) == (contested.by, asked)]
            seed = before[-1] if before else int(self._desk.now() * 1000) % 2**31
        return make_ballot(contested, self._pictures(), seed=seed, question=asked)

    def vote(self, pair: Pair, choice: str, question: str | None = None) -> Vote:
        """Keep what somebody says of a pair.

        Args:
            pair: From `Ballot.next`.
            choice: ``left`` or ``right`` is better, ``tie``: both are as good, ``bad``: neither will do.
            question: What was asked, if it was not the ballot's question.

        Raises:
            ValidationError: If the choice is none, or this pair was voted on already.
            TokenLabError: If the ledger cannot be written.
        """
        asked = question or pair.question
        given = [vote for vote in self.votes if (vote.by, vote.question) == (pair.by, asked)]
        if pair.key in {vote.key for vote in given}:
            raise ValidationError("There is a vote on this pair already.", hint="Take it back first: undo_vote().")
        vote = Vote(
            id=f"vote_{uuid.uuid4().hex}",
            at=self._desk.now(),
            grid=self.plan.hash,
            question=asked,
            by=pair.by,
            left=pair.left,
            right=pair.right,
            choice=choice_of(choice),
            seed=pair.seed,
        )
        self._desk.keep_vote(vote)
        return vote

    def undo_vote(self) -> Vote | None:
        """Take back the newest vote on this grid, and return it; None where there is none.

        Raises:
            TokenLabError: If the ledger cannot be written.
        """
        votes = self.votes
        if not votes:
            return None
        self._desk.drop_vote(votes[-1].id)
        return votes[-1]

    def ratings(
        self,
        by: str | Sequence[str] | None = None,
        *,
        question: str | None = None,
        seed: int = 0,
        rounds: int = 1000,
    ) -> Ratings:
        """Rate the contestants by the votes on this grid: Bradley-Terry, with bootstrap intervals.

        Args:
            by: What was contested; as in `ballot`.
            question: Which votes count; by default those on the question that was answered last.
            seed: Of the resampling: the same votes and seed give the same intervals.
            rounds: How many resamples.

        Raises:
            ValidationError: If the grid has no such axis, or there are no rounds.
            TokenLabError: If the ledger cannot be read.
        """
        contested = contest(self.plan, by)
        if rounds < 1:
            raise ValidationError(f"{rounds} rounds are none.", hint="1,000 give intervals that hardly move.")
        labels = tuple(contested.labels.values())
        votes = [vote for vote in self.votes if vote.by == contested.by and _among(vote, labels)]
        asked = question or (votes[-1].question if votes else QUESTION)
        votes = [vote for vote in votes if vote.question == asked]
        ranking = rank(votes, labels, self._desk.resamples(seed, rounds, pool_size(votes)))
        ballot = make_ballot(contested, self._pictures(), seed=seed, question=asked)
        return Ratings(
            ranking,
            judge(ranking, ballot.absent),
            self._facts(contested),
            asked,
            contested.by,
            seed,
            rounds,
            left_share=_left_share(votes),
            remaining=len(ballot.remaining(votes)),
        )

    def _at_home(self, votes: Votes) -> Votes:
        """The votes with the cells of this plan: one that asks the same in another order numbers them otherwise."""
        cells: dict[str, list[int]] = {}
        for index, pictures in self._pictures().items():
            for _, sha256 in pictures:
                cells.setdefault(sha256, []).append(index)
        return Votes(
            replace(vote, left=_at_home(vote.left, cells), right=_at_home(vote.right, cells)) for vote in votes
        )

    def _pictures(self) -> dict[int, list[tuple[str, str]]]:
        """Job and hash of each picture, by cell."""
        return {
            cell.planned.index: [(job.id, image.sha256) for job in cell.jobs for image in job.snapshot.images]
            for cell in self.cells
        }

    def _facts(self, contested: Contest) -> dict[str, Facts]:
        """Cost and time of each contestant's pictures; requests that several cells share count once."""
        priced: dict[str, dict[str, tuple[Estimate, Job]]] = {label: {} for label in contested.labels.values()}
        for cell in self.cells:
            mine = priced[contested.labels[contested.place(cell.planned.at)]]
            for take, job in zip(cell.planned.takes, cell.jobs, strict=True):
                if job.snapshot.images:
                    mine[take.key] = (take.price, job)
        return {label: _known(list(found.values())) for label, found in priced.items()}


def _at_home(side: Side, cells: Mapping[str, Sequence[int]]) -> Side:
    now = cells.get(side.sha256, ())
    return side if side.cell in now else replace(side, cell=now[0] if now else NOWHERE)


def _known(priced: Sequence[tuple[Estimate, Job]]) -> Facts:
    seconds = [job.snapshot.latency for _, job in priced]
    timed = [each for each in seconds if each is not None]
    pictures = sum(len(job.snapshot.images) for _, job in priced)
    return Facts(total(price for price, _ in priced), pictures, median(timed) if timed else None)


def _among(vote: Vote, labels: Sequence[str]) -> bool:
    return vote.left.label in labels and vote.right.label in labels


def _left_share(votes: Iterable[Vote]) -> float | None:
    decided = [vote.choice == "left" for vote in votes if vote.choice in ("left", "right")]
    return sum(decided) / len(decided) if decided else None


def _count(number: float) -> str:
    """With two significant digits below ten: what it is made of is not known more exactly."""
    return f"{number:,.0f}" if number >= 10 else f"{number:.2g}"


def _written(text: str, path: str | os.PathLike[str] | None) -> str | Path:
    if path is None:
        return text
    target = Path(path).expanduser()
    target.write_text(text, encoding="utf-8", errors="replace", newline="")
    return target


def _export() -> Any:
    # Tables stand further down the street: they are looked up only when somebody wants one.
    return import_module("tokenlab_nb.export.ratings")
