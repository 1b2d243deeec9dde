"""What a user hands to `sweep` -> axes and fixed values. Pure: pictures are taken in by a function that is handed in.

Python lists are the axes; a text is one value, whatever commas or braces it holds.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field
from pathlib import PurePath
from typing import Any

from tokenlab_nb.contract.model import Issue, Json
from tokenlab_nb.contract.params import lookup
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.signed import shown
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep.plan import Axis, axis

__all__ = ["MOST_CELLS", "Asked", "Take", "read"]

MOST_CELLS = 100_000
"""Most cells of one plan."""

Take = Callable[[Any, str], Source]
"""Takes in one picture; the name is how an issue calls it."""

# What `submit` calls otherwise, and what would clash with an axis.
_OTHERWISE = {
    "model": "models",
    "prompt": "prompts",
    "operation": "operations",
    "repeat": "repeats",
    "reference": "references",
}

_RUNNING = ("budget", "concurrency", "anew")  # of `Sweep.run`; as request fields they would just be left out


@dataclass(frozen=True)
class Asked:
    """What a grid is made of.

    Attributes:
        axes: What varies, in order; model and prompt are there even with one value.
        fixed: Values of every cell, by field name.
        references: Pictures of every cell.
        operation: Of every cell, or None.
    """

    axes: tuple[Axis, ...]
    fixed: Mapping[str, Json] = field(default_factory=dict)
    references: tuple[Source, ...] = ()
    operation: str | None = None

    @property
    def models(self) -> tuple[str, ...]:
        """The names of the models."""
        return tuple(map(str, self.axes[0].values))

    @property
    def pictures(self) -> tuple[tuple[Source, ...], ...]:
        """What goes in, of each value of the axis, or of all cells."""
        found = next((each.values for each in self.axes if each.name == "references"), (self.references,))
        return tuple(each for each in found if isinstance(each, tuple))


def read(
    models: Any,
    prompts: Any,
    params: Mapping[str, Any],
    *,
    references: Any = None,
    operations: Any = None,
    repeats: Any = 1,
    take: Take,
) -> Asked:
    """Read the arguments of `sweep`.

    Args:
        models: An id or several.
        prompts: One, several, or by label; None for work without a prompt.
        params: Request fields: a list is an axis, anything else one value.
        references: Nothing, one picture, or the values of an axis: each a picture, a list of pictures, or None.
        operations: A name or several; None is what the model does with what goes in.
        repeats: How often each cell is made.
        take: Takes in one picture.

    Raises:
        ValidationError: If one of them cannot be read.
    """
    axes = [_models(models), _prompts(prompts)]
    pictures = _references(references, take)
    named = _operations(operations)
    axes += [each for each in (pictures, named) if len(each.values) > 1]
    fixed: dict[str, Json] = {}
    for name, value in params.items():
        found = _param(name.rstrip("_"), value)
        if len(found.values) > 1:
            axes.append(found)
        elif found.values[0] is not None:
            fixed[found.name] = found.values[0]  # type: ignore[assignment]
    axes += _repeats(repeats)
    _refuse_many(axes)
    sources, operation = (each.values[0] if len(each.values) == 1 else None for each in (pictures, named))
    return Asked(tuple(axes), fixed, sources or (), operation)  # type: ignore[arg-type]


def _models(models: Any) -> Axis:
    names = _values("models", models)
    for name in names:
        if not isinstance(name, str) or not name:
            what = f"A model is named by its id, not by a value of type {type(name).__name__}."
            raise _refusal("models", "No model is chosen." if name == "" else what, "Give its id: model.id.")
    return axis("model", _once(names))


def _prompts(prompts: Any) -> Axis:
    labels = tuple(map(str, prompts)) if isinstance(prompts, Mapping) else ()
    values = list(prompts.values()) if isinstance(prompts, Mapping) else _values("prompts", prompts)
    for value in values:
        if not isinstance(value, str | None):
            what = f"A prompt is a text, not a value of type {type(value).__name__}."
            raise _refusal("prompts", what, "Give a text, a list of texts, or texts by label.")
    _refuse_none("prompts", values)
    values = values if labels else _once(values)
    return axis("prompt", values, _unlike(labels or ["no prompt" if each is None else each for each in values]))


def _references(references: Any, take: Take) -> Axis:
    labelled = isinstance(references, Mapping)
    entries = list(references.values()) if labelled else references
    if not isinstance(entries, list | tuple):
        entries = [entries]
    _refuse_none("references", entries)
    values, labels = [], []
    for place, entry in enumerate(entries):
        several = isinstance(entry, list | tuple)
        pictures = list(entry) if several else [] if entry is None else [entry]
        names = [f"references[{place}]" + (f"[{inner}]" if several else "") for inner in range(len(pictures))]
        sources = tuple(take(picture, name) for picture, name in zip(pictures, names, strict=True))
        if sources in values and not labelled:
            continue
        values.append(sources)
        labels.append(" + ".join(map(_picture_label, pictures, sources)) or "no picture")
    return axis("references", values, _unlike(list(map(str, references)) if labelled else labels))


def _picture_label(picture: object, source: Source) -> str:
    """The file's name where there is one, else the address, else the first letters of the hash."""
    if source.url:
        return shown(source.url)
    if isinstance(picture, str | PurePath):
        return PurePath(picture).name
    return f"picture {(source.picture or source.file_id or '')[:8]}"


def _operations(operations: Any) -> Axis:
    names = _values("operations", operations)
    for name in names:
        if not isinstance(name, str | None):
            what = f"An operation is a name, not a value of type {type(name).__name__}."
            raise _refusal("operations", what, "Give a name, such as image-edit.")
    names = _once(names)
    return axis("operation", names, ["auto" if name is None else name for name in names])


def _param(name: str, value: Any) -> Axis:
    if name in _OTHERWISE:
        raise _refusal(name, f"{name} is called {_OTHERWISE[name]} here.", f"Write {_OTHERWISE[name]}=...")
    if name in _RUNNING:
        raise _refusal(name, f"{name} is no setting of a request.", f"Hand it to run({name}=...).")
    if lookup(name).role in ("reference", "mask"):
        beside = "mask" if lookup(name).role == "mask" else "references"
        raise _refusal(name, f"{name} is not set by hand.", f"Hand the picture in as {beside}=...")
    values = _once(_values(name, value))
    return axis(name, values, _unlike([_label(each) for each in values]))


def _label(value: object) -> str:
    if value is None:
        return "auto"
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)


def _repeats(repeats: Any) -> list[Axis]:
    if not isinstance(repeats, int) or isinstance(repeats, bool) or repeats < 1:
        raise _refusal("repeats", f"{repeats!r} repeats cannot be made.", "Give a whole number from 1.")
    # Before any list of so many numbers is made.
    return [axis("repeat", range(1, min(repeats, MOST_CELLS + 1) + 1))] if repeats > 1 else []


def _values(name: str, value: Any) -> list[Any]:
    """The values of an axis: a list's, a tuple's or a range's; anything else is one value."""
    if isinstance(value, Set | Iterator):
        what = f"{name} comes as a {type(value).__name__}, whose values have no order that lasts."
        raise _refusal(name, what, "Hand in a list: list(...).")
    values = list(value) if isinstance(value, list | tuple | range) else [value]
    _refuse_none(name, values)
    return values


def _refuse_none(name: str, values: Sequence[Any]) -> None:
    if not values:
        raise _refusal(name, f"{name} is an empty list: there is nothing to compare.", "Give at least one value.")


def _refuse_many(axes: Sequence[Axis]) -> None:
    count = math.prod(len(each.values) for each in axes)
    if count > MOST_CELLS:
        told = " x ".join(f"{len(each.values):,} of {each.name}" for each in axes)
        what = f"This is a grid of {count:,} cells ({told}); {MOST_CELLS:,} at most."
        raise _refusal("axes", what, "Give fewer values.")


def _once(values: Sequence[Any]) -> list[Any]:
    """Equal values once, in order; 1, 1.0 and true are three, since a request says three things."""
    found: dict[str, Any] = {}
    for each in values:
        found.setdefault(json.dumps(each, sort_keys=True, default=repr), each)
    return list(found.values())


def _unlike(labels: Sequence[str]) -> list[str]:
    """Labels that can be told apart."""
    seen: Counter[str] = Counter()
    found = []
    for label in labels:
        seen[label] += 1
        found.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return found


def _refusal(name: str, message: str, remedy: str) -> ValidationError:
    return ValidationError(f"{message} {remedy}", issues=(Issue(name, message, remedy=remedy),), hint=remedy)
