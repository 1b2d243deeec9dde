"""One sitting of blind judging: what was dealt and not answered yet, what was skipped, and how far it is."""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep.ballot import NOWHERE, Ballot, Pair, Vote
from tokenlab_nb.sweep.plan import Axis, Cell
from tokenlab_nb.sweep.rating import FEWEST, Standing
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.sweep.verdict import missing
from tokenlab_nb.widgets import _grid

__all__ = ["QUESTIONS", "Deal", "Sitting", "results", "sides_words"]

QUESTIONS = ("Which follows the prompt better?", "Which looks better?", "Which would you use?")
"""To begin with; what was asked of a grid before comes first."""

_NOTHING = "There is nothing to judge: no two cells that differ in this alone have pictures."
_ALL_ALIKE = "There is nothing to judge: nothing varies between the cells but repeats. Compare two models, say."
_MOST_QUESTIONS = 6
_SURE = 1.96
"""Standard deviations beyond which chance alone is seen once in twenty times."""


@dataclass(frozen=True, slots=True)
class Deal:
    """What the page gets next.

    Attributes:
        token: Names the pair, and means nothing.
        pair: The pair; None where there is none.
        common: The prompt, where both have the same one.
        inputs: Hashes of the pictures that went into both, if they are the same.
        ended: Why there is none, in words.
    """

    token: str = ""
    pair: Pair | None = None
    common: str = ""
    inputs: tuple[str, ...] = ()
    ended: str = ""


class Sitting:
    """Deals pairs of a grid, and takes answers.

    Args:
        grid: Whose pictures.
        question: What is asked of them; empty for what was asked last.
        by: The axis whose values are contested; empty for the grid's own choice.

    Attributes:
        token: Names the sitting.
        questions: What may be asked, newest first.
    """

    def __init__(self, grid: GridRun, question: str = "", by: str = "") -> None:
        self.token = secrets.token_hex(8)
        self.grid = grid
        before = [vote.question for vote in reversed(grid.votes)]
        self.questions = tuple(dict.fromkeys((*before, *QUESTIONS)))[:_MOST_QUESTIONS]
        self.question = " ".join(question.split()) or self.questions[0]
        self.by = by or _default(grid)
        self._dealt: dict[str, Pair] = {}
        self._open: set[str] = set()
        self._answers: list[tuple[str, Vote | None]] = []
        self._ballot: tuple[int, Ballot] | None = None

    @property
    def ballot(self) -> Ballot:
        """All pairs there are by now; made anew when pictures have come."""
        count = sum(len(job.snapshot.images) for job in self.grid.jobs)
        if self._ballot is None or self._ballot[0] != count:
            self._ballot = (count, self.grid.ballot(by=self.by, question=self.question))
        return self._ballot[1]

    def facts(self) -> dict[str, object]:
        """What the page is told before the first pair."""
        return {
            "sitting": self.token,
            "question": self.question,
            "questions": list(self.questions),
            "by": self.by,
            "axes": [{"name": axis.name, "words": words} for axis, words in _contested(self.grid)],
            "words": self._words(),
            "ready": bool(self.ballot.pairs) or _coming(self.grid) > 0,
            **self.progress(),
        }

    def progress(self) -> dict[str, object]:
        """How far it is."""
        counted = self.ballot.counted(self.grid.votes)
        pairs = len(self.ballot.pairs)
        done = pairs - len(self.ballot.remaining(counted))
        had = Counter(side.label for vote in counted for side in (vote.left, vote.right))
        shown = [label for label in self.ballot.contestants if label not in self.ballot.absent or had[label]]
        more = missing([Standing(label, votes=had[label]) for label in shown])
        words = f"{done} of {pairs}" + (f", at least {more} more for a first answer" if more else "")
        return {"pairs": pairs, "done": done, "votes": len(counted), "progress": words}

    def deal(self, token: str = "") -> Deal:
        """The next pair, or one that was dealt before."""
        if not token:
            away = {self._dealt[each].key for each in self._open} | self._skipped()
            pair = self.ballot.next(self.grid.votes, away)
            if pair is None:
                return Deal(ended=self._ended())
            token = secrets.token_hex(8)
            self._dealt[token] = pair
            self._open.add(token)
        pair = self._known(token)
        return Deal(token, pair, *self._common(pair))

    def vote(self, token: str, choice: str) -> dict[str, object]:
        """Take an answer, or ``skip``; return the progress.

        Raises:
            ValidationError: If the pair was not dealt here, or is answered already.
        """
        pair = self._known(token)
        if token not in self._open:
            raise ValidationError("This pair is judged already.", hint="Nothing was counted twice.")
        vote = None if choice == "skip" else self.grid.vote(pair, choice, question=self.question)
        self._open.discard(token)
        self._answers.append((token, vote))
        return self.progress()

    def undo(self, token: str) -> dict[str, object]:
        """Take the last answer back; return the progress.

        Raises:
            ValidationError: If the last answer was given to another pair.
        """
        if not self._answers or self._answers[-1][0] != token:
            raise ValidationError("Something else was judged after this pair.", hint="Nothing was taken back.")
        _, vote = self._answers[-1]
        if vote is not None:
            if self.grid.votes[-1].id != vote.id:
                raise ValidationError("Another vote on this grid came after this one.", hint="Nothing was taken back.")
            self.grid.undo_vote()
        self._answers.pop()
        self._open.add(token)
        return self.progress()

    def _known(self, token: str) -> Pair:
        if token not in self._dealt:
            raise ValidationError("This pair was not dealt here.", hint="Open judging again.")
        return self._dealt[token]

    def _skipped(self) -> set[str]:
        return {self._dealt[token].key for token, vote in self._answers if vote is None}

    def _common(self, pair: Pair) -> tuple[str, tuple[str, ...]]:
        """What both were asked with, as far as it tells nothing: the prompt, and what went in."""
        one, two = (self.grid.plan.cells[side.cell] for side in (pair.left, pair.right))
        prompt = one.values.get("prompt") if one.values.get("prompt") == two.values.get("prompt") else ""
        inputs = _inputs(one)
        return str(prompt or ""), inputs if inputs == _inputs(two) else ()

    def _ended(self) -> str:
        skipped, coming = len(self._skipped()), _coming(self.grid)
        if coming:
            return (
                f"No pair is left of what is there. {_count(coming, 'cell')} still to come: their pairs come with them."
            )
        if not self.ballot.pairs:
            return _NOTHING if _contested(self.grid) else _ALL_ALIKE
        again = f" {skipped} skipped: open judging again to see them once more." if skipped else ""
        return f"That was the last pair.{again}"

    def _words(self) -> str:
        ballot, coming = self.ballot, _coming(self.grid)
        if not ballot.pairs and not coming:
            return _NOTHING if _contested(self.grid) else _ALL_ALIKE
        votes = len(ballot.counted(self.grid.votes))
        there = f"{_count(len(ballot.pairs), 'pair')} of pictures"
        said = f"{_count(votes, 'vote')} on this question so far" if votes else "no votes on this question yet"
        more = f" {_count(coming, 'cell')} still to come: their pairs come by themselves." if coming else ""
        return f"{there}; {said}.{more}"


def results(grid: GridRun, question: str, by: str) -> dict[str, object]:
    """What the votes on one question say, names included.

    Args:
        grid: Whose votes.
        question: What was asked.
        by: What was contested.
    """
    votes = [vote for vote in grid.votes if (vote.question, vote.by) == (question, by)]
    return {
        "ratings": grid.ratings(by=by, question=question).to_json(),
        "by": next((_grid.axis(axis)["label"] for axis in grid.plan.axes if axis.name == by), by),
        "votes": len(votes),
        "sides": sides_words(Counter(vote.choice for vote in votes)),
        "past": [_past(grid, vote) for vote in reversed(votes)],
        "code": f"grid.ratings(by={by!r}, question={question!r})",
    }


def sides_words(choices: Mapping[str, int]) -> str:
    """Whether the side that a picture stood on swayed the answers."""
    left, right = choices.get("left", 0), choices.get("right", 0)
    decided = left + right
    if not decided:
        return ""
    share = f"A was chosen in {left} of {decided} decided votes ({100 * left / decided:.0f} %)"
    if decided >= FEWEST and abs(left - right) > _SURE * decided**0.5:
        sways = "more than chance explains: the side seems to sway the answers"
        return f"{share}, {sways}. Sides are shuffled, so nobody gains by it."
    return f"{share}: no sign that the side sways the answers."


def _past(grid: GridRun, vote: Vote) -> dict[str, object]:
    plan = grid.plan
    at = () if vote.left.cell == NOWHERE else plan.cells[vote.left.cell].at  # a later plan may lack the cell
    rest = [
        axis.labels[place] if axis.name in ("model", "prompt") else f"{axis.name} {axis.labels[place]}"
        for axis, place in zip(plan.axes, at, strict=False)
        if axis.name not in vote.by.split(", ") and len(axis.values) > 1
    ]
    sides: Mapping[str, Any] = {"left": vote.left, "right": vote.right}
    return {
        "choice": vote.choice,
        "common": " · ".join(rest),
        **{name: {"label": side.label, "hash": side.sha256} for name, side in sides.items()},
    }


def _inputs(cell: Cell) -> tuple[str, ...]:
    """Hashes of the pictures that go into a cell; those that only have an address are passed over."""
    return tuple(source.sha256 for source in cell.takes[0].request.references if source.sha256) if cell.takes else ()


def _contested(grid: GridRun) -> list[tuple[Axis, str]]:
    """The axes that can be contested, each with words for people."""
    axes = [axis for axis in grid.plan.axes if len(axis.values) > 1 and axis.name != "repeat"]
    return [(axis, f"{_grid.axis(axis)['label']} ({len(axis.values)})") for axis in axes]


def _default(grid: GridRun) -> str:
    names = [axis.name for axis, _ in _contested(grid)] or [grid.plan.axes[0].name]
    return "model" if "model" in names else names[0]


def _coming(grid: GridRun) -> int:
    """How many cells may still get pictures."""
    return sum(1 for cell in grid.cells if any(not job.snapshot.is_at_rest for job in cell.jobs))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
