"""Who meets whom in a blind vote, in which order and on which side; and the vote itself, as a value. Pure.

Chance comes from hashes over a seed that every vote records, so a ballot can be told again from its votes.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from itertools import islice
from typing import Any, Final, Literal, Self, get_args

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep.plan import Plan

Choice = Literal["left", "right", "tie", "bad"]
CHOICES: Final[tuple[Choice, ...]] = get_args(Choice)

QUESTION: Final = "Which picture is better?"

MOST_PAIRS: Final = 20_000
"""Two cells that meet, in one ballot: more than anybody votes on, and few enough to be paired while somebody waits."""

NOWHERE: Final = -1

_MOST_TILT: Final = 2
"""Sides are drawn until one contestant is this much further to the left than the other; then the other one is due.

Strict turns would tell a voter who recognised one picture where all the others are.
"""


@dataclass(frozen=True, slots=True)
class Side:
    """One picture of a pair.

    Attributes:
        label: The contestant that made it.
        cell: Index of its cell in the plan; `NOWHERE` where the picture is not in the grid any more.
        job: Id of the job that made it.
        sha256: Hash of its bytes.
    """

    label: str
    cell: int
    job: str
    sha256: str


@dataclass(frozen=True, slots=True)
class Pair:
    """Two pictures that are to be compared.

    Attributes:
        left: Shown on the left, as A.
        right: Shown on the right, as B.
        by: What is contested; see `Ballot`.
        question: What is asked of them.
        seed: Of the ballot.
    """

    left: Side
    right: Side
    by: str
    question: str
    seed: int

    @property
    def key(self) -> str:
        """Names the pair, whichever side its pictures are on; tells nothing about them."""
        return _key(self.left, self.right)


@dataclass(frozen=True, slots=True, kw_only=True)
class Vote:
    """What somebody said of a pair.

    Attributes:
        id: Its own id.
        at: When, in seconds since 1970 (UTC).
        grid: `Plan.hash` of the grid.
        question: What was asked.
        by: What was contested: names of axes.
        left: What was shown on the left, as A.
        right: What was shown on the right, as B.
        choice: ``left`` or ``right`` is better, ``tie``: both are as good, ``bad``: neither will do.
        seed: Of the ballot.
    """

    id: str
    at: float
    grid: str
    question: str
    by: str
    left: Side
    right: Side
    choice: Choice
    seed: int

    @property
    def key(self) -> str:
        """Names the pair, as `Pair.key`."""
        return _key(self.left, self.right)

    @property
    def winner(self) -> str | None:
        """The contestant that was preferred; None where neither was."""
        return {"left": self.left.label, "right": self.right.label}.get(self.choice)

    def to_record(self) -> dict[str, object]:
        """Return plain JSON values; `from_record` is its inverse."""
        return asdict(self)

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild a vote from `to_record`. Unknown keys are passed over.

        Raises:
            KeyError: If something is missing.
            TypeError: If it is no record.
            ValueError: If it holds a choice that is none.
        """
        known: dict[str, Any] = {name: record[name] for name in cls.__dataclass_fields__}
        sides = {
            name: Side(**{each: known[name][each] for each in Side.__dataclass_fields__}) for name in ("left", "right")
        }
        if known["choice"] not in CHOICES:
            raise ValueError(f"{known['choice']!r} is no choice")
        return cls(**{**known, **sides})


@dataclass(frozen=True)
class Ballot:
    """All pairs of a grid that can be compared, for one question.

    Attributes:
        grid: `Plan.hash` of the grid.
        by: What is contested: the names of axes, such as ``model``.
        question: What is asked.
        seed: Orders the pairs and draws their sides.
        contestants: Their labels, in the order of the plan.
        pairs: In drawn order; `next` takes them in a fair one.
    """

    grid: str
    by: str
    question: str
    seed: int
    contestants: tuple[str, ...]
    pairs: tuple[Pair, ...]

    def counted(self, votes: Iterable[Vote]) -> list[Vote]:
        """Those of some votes that were given on this grid, to this question."""
        mine = (self.grid, self.by, self.question)
        return [vote for vote in votes if (vote.grid, vote.by, vote.question) == mine]

    def remaining(self, votes: Iterable[Vote], skipped: Collection[str] = ()) -> list[Pair]:
        """The pairs on which nobody has voted yet, in drawn order.

        Args:
            votes: What was voted so far; votes on other grids or questions do not count.
            skipped: `Pair.key` of pairs that are not wanted.
        """
        done = {vote.key for vote in self.counted(votes)}.union(skipped)
        return [pair for key, pair in self._by_key.items() if key not in done]

    @cached_property
    def absent(self) -> frozenset[str]:
        """The contestants that are in no pair: nobody can vote on them."""
        shown = {side.label for pair in self.pairs for side in (pair.left, pair.right)}
        return frozenset(self.contestants) - shown

    @cached_property
    def _by_key(self) -> Mapping[str, Pair]:
        return {pair.key: pair for pair in self.pairs}

    def next(self, votes: Iterable[Vote], skipped: Collection[str] = ()) -> Pair | None:
        """The pair to be shown now; None when all have been.

        The contestants that met least often come first, and each of them is on either side about equally often.

        Args:
            votes: What was voted so far, in any order.
            skipped: `Pair.key` of pairs that are not wanted.
        """
        counted = self.counted(votes)
        remaining = self.remaining(counted, skipped)
        if not remaining:
            return None
        met = Counter(frozenset((vote.left.label, vote.right.label)) for vote in counted)
        lefts = Counter(vote.left.label for vote in counted)
        rights = Counter(vote.right.label for vote in counted)

        def times(pair: Pair) -> tuple[int, int]:
            both = (pair.left.label, pair.right.label)
            return met[frozenset(both)], sum(lefts[each] + rights[each] for each in both)

        pair = min(remaining, key=times)
        one, two = pair.left, pair.right
        tilt = lefts[one.label] - rights[one.label] - lefts[two.label] + rights[two.label]
        turned = tilt > _MOST_TILT or (tilt >= -_MOST_TILT and _drawn(self.seed, "side", pair.key) % 2 == 1)
        return Pair(two, one, pair.by, pair.question, pair.seed) if turned else pair


@dataclass(frozen=True)
class Contest:
    """What is contested in a plan, and which cells are whose.

    Attributes:
        plan: The plan.
        names: The axes that are contested.
    """

    plan: Plan
    names: tuple[str, ...]

    @property
    def by(self) -> str:
        """The names as one text."""
        return ", ".join(self.names)

    @cached_property
    def labels(self) -> Mapping[tuple[int, ...], str]:
        """A label for each contestant, by its place on the contested axes. No two are equal."""
        found: dict[tuple[int, ...], str] = {}
        taken: Counter[str] = Counter()
        for cell in self.plan.cells:
            place = self.place(cell.at)
            if place not in found:
                label = ", ".join(self.plan.axes[axis].labels[cell.at[axis]] for axis in self._axes)
                taken[label] += 1
                found[place] = label if taken[label] == 1 else f"{label} ({taken[label]})"
        return found

    @cached_property
    def _axes(self) -> tuple[int, ...]:
        places = {axis.name: place for place, axis in enumerate(self.plan.axes)}
        return tuple(places[name] for name in self.names)

    def place(self, at: tuple[int, ...]) -> tuple[int, ...]:
        """A cell's place on the contested axes."""
        return tuple(at[axis] for axis in self._axes)

    def rest(self, at: tuple[int, ...]) -> tuple[int, ...]:
        """A cell's place on all other axes: only cells with an equal one are compared."""
        return tuple(place for axis, place in enumerate(at) if axis not in self._axes)


def contest(plan: Plan, by: str | Sequence[str] | None = None) -> Contest:
    """Settle what is contested.

    Args:
        plan: The plan.
        by: Names of axes; by default the models, or the first axis that varies if there is only one.

    Raises:
        ValidationError: If the plan has no such axis.
    """
    names = [axis.name for axis in plan.axes]
    if by is None:
        varied = [axis.name for axis in plan.axes if len(axis.values) > 1] or names
        by = "model" if "model" in varied else varied[0]
    chosen = tuple(dict.fromkeys([by] if isinstance(by, str) else by))
    if odd := [name for name in chosen if name not in names]:
        raise ValidationError(f"This grid has no axis {odd[0]!r}.", hint=f"Its axes are {', '.join(names)}.")
    if not chosen:
        raise ValidationError("Nothing is contested.", hint=f"Name one of the axes {', '.join(names)}.")
    return Contest(plan, chosen)


def make_ballot(
    contested: Contest, pictures: Mapping[int, Sequence[tuple[str, str]]], *, seed: int, question: str = QUESTION
) -> Ballot:
    """Pair the pictures of cells that differ in nothing but what is contested, the first with the first, and so on.

    Of a very large grid only so many cells meet as `MOST_PAIRS` says, every contestant about equally often.

    Args:
        contested: What is contested.
        pictures: Of each cell, by index, its job id and hash, in order; cells without one are left out.
        seed: Orders the pairs and draws their sides.
        question: What is asked.
    """
    groups: dict[tuple[int, ...], list[list[Side]]] = defaultdict(list)
    for cell in contested.plan.cells:
        label = contested.labels[contested.place(cell.at)]
        sides = [Side(label, cell.index, job, sha256) for job, sha256 in pictures.get(cell.index, ())]
        if sides:
            groups[contested.rest(cell.at)].append(sides)
    found: dict[str, Pair] = {}  # by key, since cells that share their request meet in several groups
    for one, two in islice(_meetings(list(groups.values())), MOST_PAIRS):
        for left, right in zip(one, two, strict=False):
            if left.sha256 != right.sha256:  # of equal ones nobody can say which is better
                pair = Pair(left, right, contested.by, question, seed)
                found.setdefault(pair.key, pair)
    order = sorted(found, key=lambda key: _drawn(seed, "order", key))
    labels = tuple(contested.labels.values())
    return Ballot(contested.plan.hash, contested.by, question, seed, labels, tuple(found[key] for key in order))


def _meetings(groups: Sequence[Sequence[list[Side]]]) -> Iterator[tuple[list[Side], list[Side]]]:
    """Every two of a group, as in a round robin: wherever it is broken off, all have met about equally often."""
    for distance in range(1, max(map(len, groups), default=0) // 2 + 1):
        for cells in groups:
            count = len(cells)
            if 2 * distance <= count:
                last = count if 2 * distance < count else distance  # opposite ones meet once
                yield from ((cells[place], cells[(place + distance) % count]) for place in range(last))


def choice_of(value: object) -> Choice:
    """Check a choice.

    Raises:
        ValidationError: If it is none.
    """
    if value not in CHOICES:
        raise ValidationError(f"{value!r} is no vote.", hint=f"Vote {', '.join(CHOICES[:-1])} or {CHOICES[-1]}.")
    return value


def _key(one: Side, two: Side) -> str:
    text = "\n".join(sorted(f"{side.sha256} {side.label}" for side in (one, two)))
    return hashlib.sha256(text.encode(errors="replace")).hexdigest()[:32]


def _drawn(seed: int, what: str, key: str) -> int:
    """A number that looks like chance, and is the same in every kernel."""
    return int.from_bytes(hashlib.sha256(f"{seed} {what} {key}".encode()).digest())
