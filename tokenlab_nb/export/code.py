"""What was asked -> the Python that asks it again: of a request, of a plan, of a grid's arguments.

The code names a ``session`` and holds no key: an address goes without its query, which may be one, and a picture that
was handed in as bytes or a file goes by a name that the reader puts a file of their own to.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from keyword import iskeyword
from typing import Literal

from tokenlab_nb.contract.model import TEXT_TO_IMAGE
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.contract.signed import shown
from tokenlab_nb.export.calls import UNKNOWN, address_note, file_name, file_note
from tokenlab_nb.export.literals import Expression, call, literal
from tokenlab_nb.export.text import printable
from tokenlab_nb.sweep.plan import Axis, Plan

__all__ = ["python_of", "python_of_plan", "python_of_sweep"]

_SOURCE = "from tokenlab_nb.contract.references import Source"
_OWN = frozenset({"self", "model", "prompt", "operation", "references", "mask"})  # the names of `Session.submit`
_PLURALS = {"operation": "operations"}
_LEFT_OUT: Mapping[str, object] = {"repeats": 1, "strict": False}  # the defaults of `Session.sweep` that are not None


def python_of(request: ImageRequest) -> str:
    """Return the code that makes a request once more.

    Run in a session at the same API, it makes an equal request, if what its comments ask for is put in: local pictures
    are named like files, and addresses stand without what may be a key.

    Args:
        request: What was asked.
    """
    if not request.model:
        return f"# {UNKNOWN}"
    pictures = _Pictures()
    how: dict[str, object] = {}
    if request.operation != TEXT_TO_IMAGE or request.sources:  # else it is what is meant where nothing is said
        how["operation"] = request.operation
    if request.references:
        how["references"] = [pictures.taken(each, f"reference-{n}") for n, each in enumerate(request.references, 1)]
    if request.mask:
        how["mask"] = pictures.taken(request.mask, "mask")
    values: dict[str, object] = {**request.settings}
    if any(_needs_preparing(name, value) for name, value in values.items()):
        return pictures.above(call("session.send", [Expression(_prepared(request.model, values, how))]))
    first = {"model": request.model, **({"prompt": values.pop("prompt")} if "prompt" in values else {})}
    fields = {_keyword(name): value for name, value in values.items()}
    return pictures.above(call("session.submit", named={**first, **how, **fields}))


def python_of_sweep(arguments: Mapping[str, object], *, runs: bool = True) -> str:
    """Return the code that plans a grid, or plans and runs it.

    Args:
        arguments: Those of `Session.sweep` and `Session.compare` by name, ``models`` and ``prompts`` among them; what
            is None or the default is left out.
        runs: Whether it is `Session.compare`; else `Session.sweep`, which sends nothing.
    """
    given = {name: value for name, value in arguments.items() if value is not None and not _is_default(name, value)}
    pictures = _Pictures()
    leading = [pictures.plain(given.pop("models", []), "model")]
    if "prompts" in given:
        leading.append(pictures.plain(given.pop("prompts"), "prompt"))
    kinds: Mapping[str, Literal["reference", "mask"]] = {"references": "reference", "mask": "mask"}
    named = {
        _keyword(name): pictures.all_of(value, kinds[name]) if name in kinds else pictures.plain(value, name)
        for name, value in given.items()
    }
    return pictures.above(call("session.compare" if runs else "session.sweep", leading, named))


def python_of_plan(plan: Plan, *, runs: bool = True) -> str:
    """Return the code that plans a grid once more; see `python_of_sweep`.

    Args:
        plan: What was planned.
        runs: Whether it runs it, too.
    """
    axes = {each.name: each for each in plan.axes}
    first = plan.cells[0].values if plan.cells else {}
    # A list is an axis, so that a value which is a list stands in one of its own.
    fixed = {name: [value] if isinstance(value, list) else value for name, value in first.items() if name not in axes}
    requests = [take.request for take in plan.takes.values()]
    shared = next((each.references for each in requests if each.references), ())
    given: dict[str, object] = {
        "models": _one_or_all(axes["model"].values),
        "prompts": _prompts(axes["prompt"]),
        "references": _entry(shared) if len(shared) <= 1 else [list(shared)],  # a list alone would be an axis
        "mask": next((each.mask for each in requests if each.mask), None),
        "operations": plan.operation,
        "repeats": len(axes["repeat"].values) if "repeat" in axes else 1,
        "strict": plan.strict,
    }
    listed = {
        _PLURALS.get(name, name): each for name, each in axes.items() if name not in ("model", "prompt", "repeat")
    }
    varied = {name: [_entry(value) for value in each.values] for name, each in listed.items()}
    return python_of_sweep({**given, **fixed, **varied}, runs=runs)


def _one_or_all(values: Sequence[object]) -> object:
    return values[0] if len(values) == 1 else list(values)


def _prompts(axis: Axis) -> object:
    """The prompts, by label where they have labels of their own."""
    told = zip(axis.labels, axis.values, strict=True)
    if all(value is None or label == value for label, value in told):
        return _one_or_all(axis.values)
    return dict(zip(axis.labels, axis.values, strict=True))


def _entry(value: object) -> object:
    """One value of an axis: pictures are one, several, or none."""
    if not isinstance(value, tuple):
        return value
    return _one_or_all(value) if value else None


def _is_default(name: str, value: object) -> bool:
    return name in _LEFT_OUT and _LEFT_OUT[name] == value


def _keyword(name: str) -> str:
    """A field's name as a keyword argument: ``async_``, since Python keeps ``async`` for itself."""
    return f"{name}_" if iskeyword(name) else name


def _needs_preparing(name: str, value: object) -> bool:
    """Whether `Session.submit` cannot say it: it takes None as not given, and a trailing underscore off."""
    return value is None or (name in _OWN and name != "prompt") or name.endswith("_")


def _prepared(model: str, values: Mapping[str, object], how: Mapping[str, object]) -> str:
    """What `Session.prepare` is called with, for the rare request that no keywords can tell."""
    return call("session.prepare", [model, values], how).replace("\n", "\n    ")


class _Pictures:
    """Pictures, and what has no literal, on their way into code; keeps what must be said of them above it."""

    def __init__(self) -> None:
        self._imports: list[str] = []
        self._notes: list[str] = []
        self._count = 0

    def above(self, code: str) -> str:
        """The code with everything that belongs above it."""
        notes = [f"# {printable(note)}" for note in self._notes]
        imports = [*dict.fromkeys(self._imports), ""] if self._imports else []
        return "\n".join([*imports, *notes, code])

    def taken(self, source: Source, name: str) -> object:
        """A picture as a request holds it."""
        if source.url:
            return self._address(source.url)
        if source.file_id:
            self._imports.append(_SOURCE)
            known = {part: value for part, value in source.to_json().items() if value and part != "of"}
            return Expression(f"Source({', '.join(f'{part}={literal(value)}' for part, value in known.items())})")
        file = file_name(source, name)
        self._notes.append(file_note(file, source))
        return file

    def all_of(self, pictures: object, kind: str) -> object:
        """Pictures as a user hands them in: one, a list, lists of them, or any of these by label."""
        if isinstance(pictures, Mapping):
            return {str(label): self.all_of(each, kind) for label, each in pictures.items()}
        if isinstance(pictures, list | tuple):
            return [self.all_of(each, kind) for each in pictures]
        if pictures is None:
            return None
        if isinstance(pictures, Source):
            self._count += 1
            return self.taken(pictures, kind if kind == "mask" else f"{kind}-{self._count}")
        if isinstance(pictures, str | os.PathLike):
            text = os.fsdecode(pictures)
            return self._address(text) if "://" in text else text
        return self._variable(pictures, kind)

    def plain(self, value: object, name: str) -> object:
        """A value as JSON has it, with a variable in place of what it does not have."""
        if isinstance(value, Mapping):
            return {str(key): self.plain(item, name) for key, item in value.items()}
        if isinstance(value, list | tuple | range):
            return [self.plain(item, name) for item in value]
        if value is None or isinstance(value, str | int | float):
            return value
        return self._variable(value, name)

    def _address(self, url: str) -> str:
        if (clean := shown(url)) != url:
            self._notes.append(address_note(clean))
        return clean

    def _variable(self, value: object, kind: str) -> Expression:
        self._count += 1
        name = f"{kind if kind.isidentifier() else 'value'}_{self._count}"
        self._notes.append(f"{name}: your own {type(value).__name__}")
        return Expression(name)
