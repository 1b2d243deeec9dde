"""Several models at once: the union of their options, each saying which of the models take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from tokenlab_nb.contract.model import Json, Kind, Operation, Param
from tokenlab_nb.contract.validate import check_value


@dataclass(frozen=True, slots=True)
class Shared:
    """One option of at least one of the chosen models.

    Attributes:
        param: What to offer: everything that at least one of them accepts.
        takers: The field as each model that takes it states it, by model id, in the order of the models.
        total: How many models are chosen.
    """

    param: Param
    takers: tuple[tuple[str, Param], ...]
    total: int

    @property
    def by_all(self) -> bool:
        """Whether every chosen model takes it."""
        return len(self.takers) == self.total

    def objections(self, value: Json) -> tuple[str, ...]:
        """What the models that take the field say against a value, one sentence each; empty when all is well.

        Args:
            value: The value to check against each model's own limits.
        """
        found: dict[str, list[str]] = {}
        for model_id, param in self.takers:
            issue = check_value(param, value)
            if issue:
                found.setdefault(f"{issue.message} {issue.remedy}".strip(), []).append(model_id)
        everybody = len(self.takers)
        return tuple(
            sentence if len(ids) == everybody else f"{', '.join(ids)}: {sentence}" for sentence, ids in found.items()
        )


def unite(operations: Sequence[tuple[str, Operation]]) -> tuple[Shared, ...]:
    """Unite the options of several models, in the order of the controls.

    Args:
        operations: Model id and the operation that it is to run. Names within one model are unique.

    Returns:
        One entry a field. Where limits differ, the entry offers all that any model accepts;
        `Shared.objections` tells which model refuses a value.
    """
    takers: dict[str, list[tuple[str, Param]]] = {}
    for model_id, operation in operations:
        for param in operation.options:
            takers.setdefault(param.name, []).append((model_id, param))
    rows = (Shared(reduce(_widen, [p for _, p in found]), tuple(found), len(operations)) for found in takers.values())
    return tuple(sorted(rows, key=lambda row: (row.param.order, row.param.name)))


def _widen(one: Param, other: Param) -> Param:
    """What at least one of the two accepts."""
    closed = bool(one.choices and other.choices)
    offered = tuple(dict.fromkeys((*one.choices, *one.suggestions, *other.choices, *other.suggestions)))
    return replace(
        one,
        kind=one.kind if one.kind == other.kind else _wider_kind(one, other),
        choices=offered if closed else (),
        suggestions=() if closed else offered,
        minimum=_looser(min, one.minimum, other.minimum),
        maximum=_looser(max, one.maximum, other.maximum),
        max_length=_looser(max, one.max_length, other.max_length),
        size_rule=one.size_rule if one.size_rule == other.size_rule else None,
        required=one.required and other.required,
        confirmed=one.confirmed and other.confirmed,
    )


def _looser(pick: Callable[[int, int], int], one: int | None, other: int | None) -> int | None:
    return None if one is None or other is None else pick(one, other)


def _wider_kind(one: Param, other: Param) -> Kind:
    return "string" if {one.kind, other.kind} <= {"string", "choice", "text"} else "json"
