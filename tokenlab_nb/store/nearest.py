"""How a request differs from the nearest one that is recorded, in a few words. Texts from outside are shown clipped."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from difflib import SequenceMatcher

from tokenlab_nb.contract.request import ImageRequest

__all__ = ["clipped", "difference", "listed"]

_MOST_COMPARED, _COMPARED_CHARACTERS = 500, 300  # prompts are compared letter by letter, which takes its time
_MOST_TOLD = 4
_SHOWN, _LEAD = 50, 15  # characters of a value that are shown, and how many of them stand before the first difference

_UNSET = object()
_Fields = Mapping[str, object]


def difference(asked: ImageRequest, recorded: Sequence[ImageRequest]) -> str:
    """What the nearest recorded request has otherwise, to follow a "with": ``size='1024x1024' instead of '512x512'``.

    Args:
        asked: The request that has no recording.
        recorded: Requests of the same model that have one; at least one.
    """
    mine = _fields(asked)
    candidates = [(_differing(mine, _fields(other)), other) for other in recorded]
    fewest = min(len(names) for names, _ in candidates)
    near = [(names, other) for names, other in candidates if len(names) == fewest][:_MOST_COMPARED]
    names, other = max(near, key=lambda each: _likeness(asked.prompt, each[1].prompt))  # the first of equals
    theirs = _fields(other)
    told = [_told(name, mine.get(name, _UNSET), theirs.get(name, _UNSET)) for name in names]
    more = [f"{len(told) - _MOST_TOLD} more differences"] if len(told) > _MOST_TOLD else []
    return listed([*told[:_MOST_TOLD], *more]) or "other details of how it was sent"


def clipped(value: object, start: int = 0) -> str:
    """A value in quotes and without control characters, a few dozen characters of it."""
    text = value if isinstance(value, str) else repr(value)
    shown = text[start : start + _SHOWN]
    shown = f"{'…' if start else ''}{shown}{'…' if start + _SHOWN < len(text) else ''}"
    return repr(shown) if isinstance(value, str) else shown


def _fields(request: ImageRequest) -> _Fields:
    """What people set, the operation first; how it is sent follows from that."""
    own: dict[str, object] = {"operation": request.operation}
    own.update({name: value for name, value in request.values.items() if name != "operation"})
    own["delivery_policy"] = request.delivery_policy or _UNSET
    own["reference pictures"] = request.references
    own["mask"] = request.mask or _UNSET
    return {name: value for name, value in own.items() if value is not _UNSET}


def _differing(mine: _Fields, theirs: _Fields) -> list[str]:
    names = dict.fromkeys((*mine, *theirs))
    return [name for name in names if not _same(mine.get(name, _UNSET), theirs.get(name, _UNSET))]


def _same(one: object, other: object) -> bool:
    """As the hash sees it: True is not 1, and the order of an object's fields does not count."""
    return _spelled(one) == _spelled(other)


def _spelled(value: object) -> str:
    # The repr of a picture leaves out the query of its address, which makes it another one.
    return json.dumps(value, sort_keys=True, default=lambda each: getattr(each, "to_json", each.__repr__)())


def _likeness(one: str, other: str) -> float:
    return SequenceMatcher(None, one[:_COMPARED_CHARACTERS], other[:_COMPARED_CHARACTERS]).ratio()


def _told(name: str, mine: object, theirs: object) -> str:
    label = name if name.isidentifier() and len(name) <= _SHOWN else clipped(name)
    if name in ("reference pictures", "mask"):
        return _pictures_told(name, mine, theirs)
    if theirs is _UNSET:
        return f"no {label} instead of {clipped(mine)}"
    if mine is _UNSET:
        return f"{label}={clipped(theirs)} (not set here)"
    if isinstance(mine, str) and isinstance(theirs, str):
        start = max(0, _first_difference(mine, theirs) - _LEAD) if max(len(mine), len(theirs)) > _SHOWN else 0
        return f"{label}={clipped(theirs, start)} instead of {clipped(mine, start)}"
    return f"{label}={clipped(theirs)} instead of {clipped(mine)}"


def _pictures_told(name: str, mine: object, theirs: object) -> str:
    if name == "mask":
        return "no mask" if theirs is _UNSET else "a mask" if mine is _UNSET else "another mask"
    counts = [len(each) for each in (theirs, mine) if isinstance(each, tuple)]
    return f"other {name}" if counts[0] == counts[1] else f"{counts[0]} {name} instead of {counts[1]}"


def _first_difference(one: str, other: str) -> int:
    pairs = zip(one, other, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(one), len(other)))


def listed(parts: Sequence[str]) -> str:
    """Several parts of a sentence: ``a, b and c``."""
    return " and ".join([", ".join(parts[:-1]), parts[-1]] if len(parts) > 1 else parts)
