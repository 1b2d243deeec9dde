"""Plans and votes to judge by, in short."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from tokenlab_nb.sweep.ballot import Choice, Contest, Vote
from tokenlab_nb.sweep.plan import Axis, Cell, Plan, axis

CHOICES: dict[str, Choice] = {"<": "right", ">": "left", "=": "tie", "x": "bad"}


def plan(**axes: Sequence[object]) -> Plan:
    """A plan of these axes, whose cells ask for nothing."""
    every: tuple[Axis, ...] = tuple(axis(name, values) for name, values in axes.items())
    places = itertools.product(*(range(len(each.values)) for each in every))
    cells = [Cell(index, at, f"model {at[0]}", "", {}, "asked") for index, at in enumerate(places)]
    return Plan(every, tuple(cells))


def pictures(contested: Contest | Plan, each: int = 1) -> dict[int, list[tuple[str, str]]]:
    """So many pictures for every cell, all different."""
    cells = (contested if isinstance(contested, Plan) else contested.plan).cells
    return {cell.index: [(f"job_{cell.index}", f"{cell.index}.{n}") for n in range(each)] for cell in cells}


def vote(text: str, number: int = 0, **more: object) -> Vote:
    """``A > B`` for a vote on two contestants: A was shown left, and is better."""
    left, sign, right = text.split()
    record = {
        "id": f"vote_{number}",
        "at": 1_800_000_000.0 + number,
        "grid": "g" * 64,
        "question": "Which is better?",
        "by": "model",
        "left": {"label": left, "cell": 0, "job": "job_l", "sha256": f"{number}l"},
        "right": {"label": right, "cell": 1, "job": "job_r", "sha256": f"{number}r"},
        "choice": CHOICES[sign],
        "seed": 7,
        **more,
    }
    return Vote.from_record(record)


def votes(*texts: str) -> list[Vote]:
    """Votes, one for each text; ``5 A > B`` are five."""
    found: list[str] = []
    for text in texts:
        count, _, rest = text.partition(" ")
        found += [rest] * int(count) if count.isdigit() else [text]
    return [vote(text, number) for number, text in enumerate(found)]
