"""The words of a plan: axes, cells, each *asked*, *adjusted* or *impossible*, and the price of all. Pure.

A plan is a value: what every cell asks, what is to be sent for it, and how these differ. `planner` makes it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from tokenlab_nb.contract.model import Issue, Json
from tokenlab_nb.contract.pricing import Estimate, Total, total
from tokenlab_nb.contract.request import ImageRequest

Status = Literal["asked", "adjusted", "impossible"]

AT_ONCE = 8
"""Requests of one model that go on at once, where neither its contract nor the user says how many."""

NOTHING = Estimate(0.0, 0.0, "nothing is sent")
"""The price of a cell that is impossible."""


@dataclass(frozen=True, slots=True)
class Axis:
    """One thing that varies.

    Attributes:
        name: ``model``, ``prompt``, ``references``, ``operation``, the name of a request field, or ``repeat``.
        values: Model ids, prompts, tuples of `Source`, operation names, JSON values, or numbers from 1.
        labels: A short text for each value, for people.
    """

    name: str
    values: tuple[object, ...]
    labels: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Difference:
    """One way in which what is sent is not what was asked.

    Attributes:
        field: The request field; ``n`` for pictures that are asked for in several requests, ``operation`` for another
            one of the same kind, ``shared`` where other cells come down to the same request.
        asked: The value on the axis.
        sent: What is sent instead; None where nothing is.
        text: The difference in one short sentence, for people.
    """

    field: str
    asked: Json
    sent: Json
    text: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Take:
    """One request of a cell. Cells whose takes have the same key share one job and one price.

    Attributes:
        request: What is sent.
        number: Which of several equal requests it is, from 1: repeats, and what an ``n`` was split into.
        key: The request's hash and the number: by it the ledger knows the take again.
        price: What it will cost.
    """

    request: ImageRequest
    number: int
    key: str
    price: Estimate


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell of the grid.

    Attributes:
        index: Its place among `Plan.cells`.
        at: Its place on each axis, in the order of `Plan.axes`.
        model: Model id.
        operation: Operation name; empty where the model offers none that fits.
        values: What was asked, by field name, the prompt included.
        status: ``asked`` (sent as it is), ``adjusted`` (see `differences`) or ``impossible`` (see `reason`).
        differences: What is sent otherwise than asked, and which other cells it shares its request with.
        reason: Why it is impossible; else empty.
        price: What it costs; unknown is unknown, never 0. Of an impossible one, nothing.
        takes: The requests that are sent for it.
        seconds: How long it takes, as such requests took before; None where nobody knows.
    """

    index: int
    at: tuple[int, ...]
    model: str
    operation: str
    values: Mapping[str, Json]
    status: Status
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    price: Estimate = NOTHING
    takes: tuple[Take, ...] = ()
    seconds: float | None = None


@dataclass(frozen=True)
class Plan:
    """A whole grid.

    Attributes:
        axes: What varies, in the order in which it was asked; the last one changes fastest in `cells`.
        cells: All cells, impossible ones included.
        order: Indices of the possible cells in the order in which they are sent.
        made: Keys of the takes whose pictures are there already: they cost nothing.
        seconds: About how long all of it takes; None where that is not known of every model.
        notes: What is worth knowing of models and pictures, and hinders nothing.
        operation: The operation that was named for every cell; None where none was, or where it is an axis.
        strict: Whether nothing was to be adjusted.
    """

    axes: tuple[Axis, ...]
    cells: tuple[Cell, ...]
    order: tuple[int, ...] = ()
    made: frozenset[str] = frozenset()
    seconds: float | None = None
    notes: tuple[Issue, ...] = ()
    operation: str | None = None
    strict: bool = False

    @cached_property
    def takes(self) -> Mapping[str, Take]:
        """Every request once, by key, in the order in which they are sent."""
        return {take.key: take for index in self.order for take in self.cells[index].takes}

    @cached_property
    def to_make(self) -> tuple[Take, ...]:
        """What running it sends: every request once, but for those whose pictures are there."""
        return tuple(take for key, take in self.takes.items() if key not in self.made)

    @cached_property
    def price(self) -> Total:
        """What running it will cost: shared requests once, and nothing for what is made already."""
        return total(take.price for take in self.to_make)

    @cached_property
    def price_anew(self) -> Total:
        """What it will cost if what is made already is made once more, too."""
        return total(take.price for take in self.takes.values())

    @cached_property
    def hash(self) -> str:
        """SHA-256 over all that is sent: the same plan has the same one in every kernel."""
        text = "\n".join(sorted(self.takes))
        return hashlib.sha256(text.encode()).hexdigest()

    def counts(self) -> Mapping[Status, int]:
        """How many cells have which status."""
        found: dict[Status, int] = {"asked": 0, "adjusted": 0, "impossible": 0}
        for cell in self.cells:
            found[cell.status] += 1
        return found


def key_of(request_hash: str, number: int) -> str:
    """The key of a take.

    Args:
        request_hash: `ImageRequest.hash`.
        number: Which of several equal requests, from 1.
    """
    return f"{request_hash}:{number}"


def axis(name: str, values: Sequence[object], labels: Sequence[str] = ()) -> Axis:
    """An axis of these values, labelled by themselves where no labels are given."""
    return Axis(name, tuple(values), tuple(labels) or tuple(map(str, values)))
