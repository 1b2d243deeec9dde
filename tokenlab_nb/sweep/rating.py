"""Votes -> ratings: Bradley-Terry strengths with bootstrap intervals, and what may be said of them. Pure.

The model (Bradley and Terry 1952): of two contestants with strengths p and q the first wins with probability
p / (p + q). The strengths are found by minorise-maximise (Hunter 2004, Annals of Statistics 32), which SQUAREM speeds
up (Varadhan and Roland 2008). A tie is half a win for each, and so is "both bad": it says nothing of who is better.

Every contestant begins with one imaginary win (`PRIOR`), so that one without wins still has a rating. For two
contestants this is Laplace's rule: of n votes w were won, so the next one is with probability (w + 1) / (n + 2).

Intervals come of resampling the votes, the imaginary wins among them. Without these a clean sweep would look certain
after three votes, since it is a clean sweep in every resample. The intervals speak of votes like these, on pictures
like these: votes on pictures of one prompt are alike, and who looks after every vote finds a lead too soon.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tokenlab_nb.sweep.ballot import Vote

PRIOR: Final = 1.0
"""Imaginary wins of each contestant (shape and rate of a gamma prior on the strengths)."""

FEWEST: Final = 6
"""Votes that each contestant needs at least: of five, a coin brings a clean sweep of either side once in 16 times."""

CERTAINTY: Final = 0.95
"""Of the intervals. A lead counts where such an interval of the difference lies above zero."""

_LEAST_PRIOR: Final = 0.25  # of an imaginary win, where a resample holds none: so every interval ends somewhere
_EXACT, _NEAR = 1e-10, 1e-4  # the last step in log-strength: of a rating, and of one of its many resamples
_MOST_STEPS: Final = 5000

Games = Sequence[tuple[int, int, float]]
"""Two contestants and how often they met."""

_Kind = tuple[int, int, float] | int
"""What can be drawn: two contestants and what the first of them won, or whose imaginary win."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How one contestant stands.

    Attributes:
        contestant: Its label.
        rating: Log-strength; the mean of all is 0. None while there is no vote on it.
        low: Where its interval begins.
        high: Where it ends.
        votes: In how many votes it was shown.
        wins: How often it was preferred.
        losses: How often the other one was.
        ties: How often both were as good.
        bad: How often neither would do.
    """

    contestant: str
    rating: float | None = None
    low: float | None = None
    high: float | None = None
    votes: int = 0
    wins: int = 0
    losses: int = 0
    ties: int = 0
    bad: int = 0

    @property
    def chance(self) -> float | None:
        """The probability that it wins against an average contestant; None while there is no vote on it."""
        return None if self.rating is None else expit(self.rating)

    @property
    def score(self) -> float:
        """Wins, and half of what was undecided."""
        return self.wins + (self.ties + self.bad) / 2


@dataclass(frozen=True, slots=True)
class Lead:
    """How far one contestant is ahead of another.

    Attributes:
        gap: Difference of their ratings.
        low: Where its interval begins; above 0 it is ahead.
        high: Where it ends.
        sure: The share of resamples in which it is ahead; ties count half.
    """

    gap: float
    low: float
    high: float
    sure: float


@dataclass(frozen=True)
class Ranking:
    """Ratings and all that was resampled.

    Attributes:
        standings: Best first; contestants without votes last.
        samples: The ratings of each resample, by contestant.
        groups: Contestants that met, be it by way of others; more than one group cannot be compared.
        votes: How many votes were counted.
    """

    standings: tuple[Standing, ...]
    samples: Mapping[str, tuple[float, ...]]
    groups: tuple[tuple[str, ...], ...]
    votes: int

    def lead(self, one: Standing, other: Standing) -> Lead:
        """How far one contestant is ahead of another; both have votes."""
        gaps = [a - b for a, b in zip(self.samples[one.contestant], self.samples[other.contestant], strict=True)]
        gap = (one.rating or 0.0) - (other.rating or 0.0)
        sure = sum(1.0 if each > 0 else 0.5 * (each == 0) for each in gaps) / (len(gaps) or 1)
        return Lead(gap, *_interval(gaps, gap), sure)


def pool_size(votes: Sequence[Vote]) -> int:
    """From how many entries a resample is drawn: the votes, and an imaginary win of everybody who is in them."""
    return len(votes) + len(_labels(votes))


def rank(votes: Sequence[Vote], contestants: Iterable[str], resamples: Iterable[Sequence[int]] = ()) -> Ranking:
    """Rate contestants.

    Args:
        votes: On one question.
        contestants: All that there are, also those that nobody voted on.
        resamples: Each as many numbers below `pool_size` as that is, drawn with replacement.
    """
    labels = _labels(votes)
    place = {label: number for number, label in enumerate(labels)}
    met = [_kind(place[vote.left.label], place[vote.right.label], vote.choice) for vote in votes]
    kinds: list[_Kind] = [*met, *range(len(labels))]
    ratings = _fitted(Counter(kinds), len(labels), _EXACT)
    samples = [_fitted(Counter(map(kinds.__getitem__, drawn)), len(labels), _NEAR) for drawn in resamples]
    by_label = {label: tuple(sample[n] for sample in samples) for n, label in enumerate(labels)}
    rows = [
        _standing(label, votes, ratings[place[label]], by_label[label]) if label in place else Standing(label)
        for label in dict.fromkeys((*contestants, *labels))
    ]
    rows.sort(key=lambda row: math.inf if row.rating is None else -row.rating)
    return Ranking(tuple(rows), by_label, _groups(votes), len(votes))


def strengths(claims: Sequence[float], games: Games, rate: float, tolerance: float = _EXACT) -> list[float]:
    """Fit Bradley-Terry log-strengths, with mean 0, by minorise-maximise.

    Args:
        claims: Wins of each contestant, half wins and imaginary ones included; above 0.
        games: Who met how often.
        rate: Of the gamma prior; with ``claims = wins + rate`` the result is that of ``choix.mm_pairwise(alpha=rate)``.
        tolerance: The last step that is taken, in log-strength.
    """
    imaginary = sum(claims) - sum(times for *_, times in games)
    size = imaginary / rate  # the strengths' sum at the maximum: known, so it need not be searched for
    now, before = [0.0] * len(claims), math.inf
    for _ in range(_MOST_STEPS):
        first = _step(now, claims, games, rate, size)
        second = _step(first, claims, games, rate, size)
        moved = max((abs(b - a) for a, b in zip(first, second, strict=True)), default=0.0)
        if moved < tolerance:
            break
        now = _leap(now, first, second) if moved < before else second  # a leap that led astray is not built upon
        before = moved
    middle = sum(second) / len(second) if second else 0.0
    return [each - middle for each in second]


def _step(logs: Sequence[float], claims: Sequence[float], games: Games, rate: float, size: float) -> list[float]:
    """One step of minorise-maximise: each strength is what it won, by how often it met strengths of such a size."""
    weights = [math.exp(each) for each in logs]
    met = [rate] * len(weights)
    for one, other, times in games:
        share = times / (weights[one] + weights[other])
        met[one] += share
        met[other] += share
    new = [won / faced for won, faced in zip(claims, met, strict=True)]
    scale = size / (sum(new) or 1.0)
    return [math.log(each * scale) for each in new]


def _leap(start: Sequence[float], first: Sequence[float], second: Sequence[float]) -> list[float]:
    """Where many more such steps would lead, by the last two (SQUAREM, third scheme)."""
    steps = [b - a for a, b in zip(start, first, strict=True)]
    turns = [c - b - step for b, c, step in zip(first, second, steps, strict=True)]
    bend = math.hypot(*turns)
    length = max(1.0, math.hypot(*steps) / bend) if bend else 1.0
    return [a + 2 * length * s + length * length * t for a, s, t in zip(start, steps, turns, strict=True)]


def _fitted(counts: Mapping[_Kind, int], size: int, tolerance: float) -> list[float]:
    """The ratings of what was drawn: how often each kind of vote, and whose imaginary win."""
    wins, imaginary = [0.0] * size, [0] * size
    games: dict[tuple[int, int], int] = {}
    for kind, times in counts.items():
        if isinstance(kind, int):
            imaginary[kind] += times
            continue
        one, other, score = kind
        wins[one] += score * times
        wins[other] += (1 - score) * times
        games[one, other] = games.get((one, other), 0) + times
    claims = [won + PRIOR * max(extra, _LEAST_PRIOR) for won, extra in zip(wins, imaginary, strict=True)]
    return strengths(claims, [(*pair, times) for pair, times in games.items()], PRIOR, tolerance)


def _kind(one: int, other: int, choice: str) -> _Kind:
    """A vote on two contestants as it counts, whichever of them was on the left."""
    score = {"left": 1.0, "right": 0.0}.get(choice, 0.5)
    return (one, other, score) if one < other else (other, one, 1 - score)


def _standing(label: str, votes: Iterable[Vote], rating: float, samples: Sequence[float]) -> Standing:
    mine = [vote for vote in votes if label in (vote.left.label, vote.right.label)]
    wins = sum(vote.winner == label for vote in mine)
    choices = Counter(vote.choice for vote in mine)
    lost = choices["left"] + choices["right"] - wins
    low, high = _interval(samples, rating)
    return Standing(label, rating, low, high, len(mine), wins, lost, choices["tie"], choices["bad"])


def _interval(samples: Sequence[float], middle: float) -> tuple[float, float]:
    """Between which two values all but the outermost samples lie; the middle itself where nothing was sampled."""
    ordered, tail = sorted(samples), (1 - CERTAINTY) / 2
    return (_quantile(ordered, tail), _quantile(ordered, 1 - tail)) if ordered else (middle, middle)


def _quantile(ordered: Sequence[float], share: float) -> float:
    place = share * (len(ordered) - 1)
    before = math.floor(place)
    after = min(before + 1, len(ordered) - 1)
    return ordered[before] + (place - before) * (ordered[after] - ordered[before])


def _labels(votes: Iterable[Vote]) -> list[str]:
    return list(dict.fromkeys(side.label for vote in votes for side in (vote.left, vote.right)))


def _groups(votes: Iterable[Vote]) -> tuple[tuple[str, ...], ...]:
    """Who can be compared with whom: contestants that met, be it by way of others."""
    home: dict[str, list[str]] = {}
    for vote in votes:
        one, other = (home.setdefault(label, [label]) for label in (vote.left.label, vote.right.label))
        if one is not other:
            one += other
            home.update(dict.fromkeys(other, one))
    return tuple(tuple(group) for group in {id(group): group for group in home.values()}.values())


def expit(rating: float) -> float:
    """The probability of winning against an average contestant."""
    return 1 / (1 + math.exp(-rating)) if rating >= 0 else 1 - 1 / (1 + math.exp(rating))
