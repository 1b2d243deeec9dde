"""Axes and models -> a plan. Pure: models, prices, times and what is made already are handed in."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from tokenlab_nb.contract.model import Json, Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest, build
from tokenlab_nb.sweep.plan import Axis, Cell, Plan, Take, key_of


@dataclass(frozen=True)
class Known:
    """What a plan rests on.

    Attributes:
        models: By the name that was asked for; a text says why there is none.
        price: What a request costs.
        seconds: By model id, how long a request usually takes.
        made: Keys of takes whose pictures are there already.
        concurrency: By model id, the most requests at once.
        origin: The API's origin.
        now: Seconds since 1970.
        prefer_tasks: Whether a task is asked for where the contract lists ``async``.
    """

    models: Mapping[str, Model | str]
    price: Callable[[ImageRequest, Model], Estimate]
    seconds: Mapping[str, float] = field(default_factory=dict)
    made: Collection[str] = ()
    concurrency: Mapping[str, int] = field(default_factory=dict)
    origin: str = ""
    now: float | None = None
    prefer_tasks: bool = True


def make_plan(
    axes: Sequence[Axis],
    known: Known,
    *,
    fixed: Mapping[str, Json] | None = None,
    references: tuple[Source, ...] = (),
    mask: Source | None = None,
    operation: str | None = None,
    strict: bool = False,
) -> Plan:
    """Plan every combination.

    Args:
        axes: What varies; the first is ``model``.
        known: Models, prices, times.
        fixed: Values of every cell, by field name.
        references: Pictures that go into every cell.
        mask: The mask of every cell.
        operation: Of every cell; by default what the model does with what goes in.
        strict: Adjust nothing: what cannot be sent as it is asked is impossible.
    """
    cells = []
    for index, at in enumerate(itertools.product(*(range(len(each.values)) for each in axes))):
        chosen = {each.name: each.values[place] for each, place in zip(axes, at, strict=True)}
        model = known.models[str(chosen.pop("model"))]
        repeat = chosen.pop("repeat", 1)
        values: dict[str, Json] = {**(fixed or {}), **chosen}  # type: ignore[dict-item]
        assert isinstance(model, Model)  # noqa: S101
        request, issues = build(model, "text-to-image", values, origin=known.origin, now=known.now)
        if request is None:
            reason = " ".join(issue.message for issue in issues)
            cells.append(Cell(index, at, model.id, "", values, "impossible", reason=reason))
            continue
        price = known.price(request, model)
        number = int(str(repeat))
        take = Take(request, number, key_of(request.hash, number), price)
        cells.append(Cell(index, at, model.id, "text-to-image", values, "asked", price=price, takes=(take,)))
    order = tuple(cell.index for cell in cells if cell.takes)
    return Plan(tuple(axes), tuple(cells), order, frozenset(known.made))
