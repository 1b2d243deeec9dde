"""Values on their way to other models: kept, mapped to another field, or dropped with the reason.

No value is bent to the nearest allowed one. A size becomes an aspect ratio (and back) only where both say exactly the
same shape; every mapping and every loss is told in one line.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction

from tokenlab_nb.contract.model import Json, Operation, Param
from tokenlab_nb.contract.validate import check_value

# Each name means the same percentage; which of them a model lists differs (schema ``ImageGenerationRequest``).
_SYNONYMS = (("compression", "output_compression"), ("output_compression", "compression"))

# Long edges, in pixels, of the size classes that contracts name; 3840 is the 4k of screens.
_EDGES: Mapping[str, tuple[int, ...]] = {"1k": (1024,), "2k": (2048,), "4k": (4096, 3840)}

# A ratio with a larger term than this is nobody's name for a shape (1000x1024 would be 125:128).
_LARGEST_TERM = 32

_SIZE = re.compile(r"([1-9]\d*)x([1-9]\d*)")
_RATIO = re.compile(r"([1-9]\d*):([1-9]\d*)")


@dataclass(frozen=True, slots=True)
class Mapped:
    """Values that say the same under other names.

    Attributes:
        source: The values as they were, by field.
        into: What they became, by field.
    """

    source: Mapping[str, Json]
    into: Mapping[str, Json]

    def __str__(self) -> str:
        return f"{_pairs(self.source)} -> {_pairs(self.into)}"


@dataclass(frozen=True, slots=True)
class Dropped:
    """A value that no new model takes.

    Attributes:
        name: The field.
        value: What it was.
        reason: Why it is gone, in a few words.
    """

    name: str
    value: Json
    reason: str

    def __str__(self) -> str:
        return f"{self.name} ({self.reason})"


@dataclass(frozen=True, slots=True)
class Carried:
    """What became of the values.

    Attributes:
        kept: Same name, same value, accepted by at least one of the new models.
        mapped: Said in other words.
        dropped: Gone, with the reason.
    """

    kept: Mapping[str, Json]
    mapped: tuple[Mapped, ...] = ()
    dropped: tuple[Dropped, ...] = ()

    @property
    def values(self) -> dict[str, Json]:
        """The values to go on with."""
        return {**self.kept, **{name: value for move in self.mapped for name, value in move.into.items()}}

    @property
    def line(self) -> str:
        """All of it in one line for people; empty where there was nothing to carry."""
        parts = (
            ("kept", ", ".join(self.kept)),
            ("mapped", ", ".join(map(str, self.mapped))),
            ("dropped", ", ".join(map(str, self.dropped))),
        )
        return "   ".join(f"{word}: {text}" for word, text in parts if text)


def carry(values: Mapping[str, Json], new: Sequence[tuple[str, Operation]]) -> Carried:
    """Carry values over to other models.

    Args:
        values: What was set, by field name.
        new: The models to go on with: id, and the operation that they are to run.

    Returns:
        What is kept, mapped and dropped. Every name of ``values`` is in exactly one of the three.
    """
    target = _Target(new)
    kept = {name: value for name, value in values.items() if target.accepts(name, value)}
    rest = {name: value for name, value in values.items() if name not in kept}
    mapped: list[Mapped] = []
    for rule in _RULES:
        taken = {*kept, *(name for move in mapped for name in move.into)}
        move = rule(rest, target)
        if move and not taken & move.into.keys():
            mapped.append(move)
            rest = {name: value for name, value in rest.items() if name not in move.source}
    dropped = tuple(Dropped(name, value, target.refusal(name, value)) for name, value in rest.items())
    return Carried(kept, tuple(mapped), dropped)


class _Target:
    """The new models, asked about one field at a time."""

    def __init__(self, operations: Sequence[tuple[str, Operation]]) -> None:
        self._operations = operations

    def params(self, name: str) -> list[Param]:
        """The field as each model that takes it as an option states it."""
        found = (operation.params.get(name) for _, operation in self._operations)
        return [param for param in found if param and param.role == "option"]

    def accepts(self, name: str, value: Json) -> bool:
        """Whether at least one model takes the field with this value."""
        return any(check_value(param, value) is None for param in self.params(name))

    def listed(self, name: str) -> tuple[str, ...]:
        """Every value that the models name for a field, in their order."""
        return tuple(dict.fromkeys(v for param in self.params(name) for v in (*param.choices, *param.suggestions)))

    def refusal(self, name: str, value: Json) -> str:
        """Why a value cannot be kept."""
        issues = [issue for param in self.params(name) if (issue := check_value(param, value))]
        if issues:
            return issues[0].message.rstrip(".")
        return f"not taken by {' or '.join(model_id for model_id, _ in self._operations) or 'any model'}"


_Rule = Callable[[Mapping[str, Json], _Target], Mapped | None]


def _synonym(rest: Mapping[str, Json], target: _Target) -> Mapped | None:
    for old, new in _SYNONYMS:
        if old in rest and target.accepts(new, rest[old]):
            return Mapped({old: rest[old]}, {new: rest[old]})
    return None


def _size_to_ratio(rest: Mapping[str, Json], target: _Target) -> Mapped | None:
    size = rest.get("size")
    sides = _sides(size)
    if not sides:
        return None
    ratio = _spelling(Fraction(*sides), target)
    # Without a place for the shape, a size class alone still says all of a square.
    if not ratio and (target.params("aspect_ratio") or sides[0] != sides[1]):
        return None
    into: dict[str, Json] = {"aspect_ratio": ratio} if ratio else {}
    classes = [name for name in target.listed("resolution") if _is_class(sides, name)]
    if classes and target.accepts("resolution", classes[0]):
        into["resolution"] = classes[0]
    return Mapped({"size": size}, into) if into else None


def _ratio_to_size(rest: Mapping[str, Json], target: _Target) -> Mapped | None:
    ratio, resolution = _fraction(rest.get("aspect_ratio")), rest.get("resolution")
    sizes = [size for size in target.listed("size") if _sides(size) and target.accepts("size", size)]
    shaped = [size for size in sizes if ratio is None or Fraction(*(_sides(size) or (1, 1))) == ratio]
    exact = [size for size in shaped if _is_class(_sides(size), resolution)]
    names = ("aspect_ratio", "resolution") if exact else ("aspect_ratio",)
    source = {name: rest[name] for name in names if name in rest}
    # A size class alone fits many shapes: it decides a size only where exactly one is listed.
    if ratio is None and len(exact) != 1:
        return None
    found = exact or shaped
    return Mapped(source, {"size": found[0]}) if found else None


_RULES: tuple[_Rule, ...] = (_synonym, _size_to_ratio, _ratio_to_size)


def _sides(value: Json) -> tuple[int, int] | None:
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    return (int(match[1]), int(match[2])) if match else None


def _fraction(value: Json) -> Fraction | None:
    match = _RATIO.fullmatch(value) if isinstance(value, str) else None
    return Fraction(int(match[1]), int(match[2])) if match else None


def _spelling(ratio: Fraction, target: _Target) -> str | None:
    """The target's own words for a shape (21:9, say, which is 7:3), else the plain ones where it takes any."""
    candidates = [name for name in target.listed("aspect_ratio") if _fraction(name) == ratio]
    if max(ratio.numerator, ratio.denominator) <= _LARGEST_TERM:
        candidates.append(f"{ratio.numerator}:{ratio.denominator}")
    return next((name for name in candidates if target.accepts("aspect_ratio", name)), None)


def _is_class(sides: tuple[int, int] | None, name: Json) -> bool:
    return sides is not None and isinstance(name, str) and max(sides) in _EDGES.get(name.lower(), ())


def _pairs(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items())
