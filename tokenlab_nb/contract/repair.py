"""A refused request and what the refusal says -> how it could be mended. Nothing here sends; the prompt never changes.

An error of the API can carry a slice of the contract (schema ``ApiError``: ``supported_parameters``, ``allowed_*``,
``recommended_request``, ``did_you_mean``, ``suggestions``). What the model's own contract says comes second: a refusal
is newer. A refusal of the content is final: nothing is offered to get around it.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tokenlab_nb.contract.carry import Carried, carry
from tokenlab_nb.contract.describe import money
from tokenlab_nb.contract.model import Issue, Json, Model, Param
from tokenlab_nb.contract.params import HEADER_FIELDS, lookup
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest, build, with_task
from tokenlab_nb.contract.validate import check_value
from tokenlab_nb.contract.workflows import WORKFLOWS, default_operation
from tokenlab_nb.errors import (
    InsufficientBalanceError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    TokenLabError,
    ValidationError,
)

_MENDABLE = (ValidationError, NotFoundError, PermissionDeniedError, ServiceError)
_CONTENT = re.compile(r"content[ _-](?:policy|filter|moderation)|moderation[ _-]block|safety", re.IGNORECASE)
_TIER = "delivery_tier_unavailable"
_SHOWN = 40  # characters of a value in a label
_LISTED = 8  # values that a reason lists
_MOST = 4  # repairs of one error


@dataclass(frozen=True, slots=True)
class Repair:
    """One way to mend a request.

    Attributes:
        label: What it does, for a button: ``Use 1:1 instead``.
        changes: New values by field; None leaves a field out.
        model: Another model, or None.
        operation: Another operation, or None.
        why: Who says so, and what else changes by it, in a sentence or two.
    """

    label: str
    changes: Mapping[str, Json] = field(default_factory=dict)
    model: str | None = None
    operation: str | None = None
    why: str = ""


@dataclass(frozen=True, slots=True)
class Mended:
    """A repair that was built, ready to be sent.

    Attributes:
        repair: What it does; of another model complete, as `adapted` makes it.
        request: What would be sent.
        price: What that would cost.
    """

    repair: Repair
    request: ImageRequest
    price: Estimate


def can_be_mended(error: TokenLabError | None) -> bool:
    """Whether another request may mend it: it is not the key, the balance, the network, or the contents."""
    said = f"{error.code} {error.facts.type} {error.message}" if isinstance(error, _MENDABLE) else ""
    return bool(said) and not _CONTENT.search(said)


def is_about_model(error: TokenLabError) -> bool:
    """Whether it is the model itself that is refused: there is none of that name, it is retired, or not allowed."""
    return error.param == "model" or (error.code or "").startswith("model_")


def repairs(request: ImageRequest, error: TokenLabError, model: Model | None = None) -> tuple[Repair, ...]:
    """Find what could be done about a refusal, the best first.

    A repair is an idea until `mend` has built it; one that chooses another model goes through `adapted` before.

    Args:
        request: What was refused.
        error: Why.
        model: Its model, where that could be read.

    Returns:
        At most four; none where `can_be_mended` says no, and none for what may have been carried out.
    """
    if not can_be_mended(error):
        return ()
    case = _Case(request, error, model)
    found: list[Repair] = []
    for each in (each for find in _FINDERS for each in find(case)):
        known = [(other.changes, other.model, other.operation) for other in found]
        if case.differs(each) and (each.changes, each.model, each.operation) not in known:
            found.append(each)
    return tuple(found[:_MOST])


def adapted(repair: Repair, request: ImageRequest, model: Model, *, prefer_tasks: bool = False) -> Repair:
    """Complete a repair that chooses another model: its operation, and settings that it takes otherwise or not at all.

    Args:
        repair: One with a `Repair.model`.
        request: What was refused.
        model: The other model.
        prefer_tasks: Whether a task is asked for where the contract lists ``async``.
    """
    name = _operation_of(model, repair.operation or request.operation, request)
    operation = model.contract.operations.get(name)
    if operation is None:
        return repair
    old = {each: value for each, value in {**request.settings, **repair.changes}.items() if value is not None}
    beside = {"prompt", "async", *HEADER_FIELDS}  # taken over as they are; a task is asked for as the new model has it
    carried = carry({each: value for each, value in old.items() if each not in beside}, [(model.id, operation)])
    kept = {each: old[each] for each in old if each in beside and (each != "async" or each in operation.params)}
    new = with_task(model, name, {**kept, **carried.values}, prefer=prefer_tasks)
    changed = {each: new.get(each) for each in (*request.settings, *new) if new.get(each) != request.settings.get(each)}
    why = f"{repair.why} {_told(carried)}".strip()
    return replace(repair, changes=changed, operation=None if name == request.operation else name, why=why)


def mend(
    request: ImageRequest, repair: Repair, model: Model, *, origin: str = "", now: float | None = None
) -> tuple[ImageRequest | None, tuple[Issue, ...]]:
    """Build the mended request; see `build`.

    Args:
        request: What was refused.
        repair: How it is mended.
        model: The model that is asked: the request's own, or the repair's.
        origin: The API's origin.
        now: Seconds since 1970.
    """
    values = {**request.settings, **repair.changes}
    return build(
        model,
        repair.operation or request.operation,
        {name: value for name, value in values.items() if value is not None or name not in repair.changes},
        references=request.references,
        mask=request.mask,
        origin=origin,
        now=now,
    )


def shortfall(error: TokenLabError | None) -> str:
    """Say how much money is missing, where an error says what there is and what is needed; else nothing."""
    if not isinstance(error, InsufficientBalanceError):
        return ""
    have, need = error.facts.balance_usd, error.facts.estimated_cost_usd
    return f"About {money(need - have)} is missing." if have is not None and need is not None and need > have else ""


class _Case:
    """A refusal, asked about one thing at a time."""

    def __init__(self, request: ImageRequest, error: TokenLabError, model: Model | None) -> None:
        self.request, self.error, self.facts, self.model = request, error, error.facts, model
        self.values = request.settings
        self.about_model = is_about_model(error)
        self.supported = self.texts("supported_parameters")
        stated = self.facts.details.get("recommended_request")
        self.recommended: Mapping[str, Any] = stated if isinstance(stated, Mapping) else {}
        self.issues = error.issues if isinstance(error, ValidationError) else ()
        named = (self.facts.param, *(issue.field for issue in self.issues))
        faults = (name for name in named if name and _is_option(name))
        self.at_fault = tuple(dict.fromkeys(faults)) if isinstance(error, ValidationError) else ()

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of texts among the details; empty where there is none."""
        listed = self.facts.details.get(name)
        return tuple(each for each in listed if isinstance(each, str)) if isinstance(listed, list | tuple) else ()

    def allowed(self, name: str) -> tuple[str, ...]:
        """The values of a field that the refusal lists: ``allowed_aspect_ratios``, say."""
        return self.texts(f"allowed_{name}s") or self.texts(f"allowed_{name}")

    def meant(self) -> str | None:
        """The name in place of the field at fault, where that is one that is taken."""
        near = self.facts.did_you_mean
        return near if near in self.supported and self.facts.param not in self.supported else None

    def differs(self, repair: Repair) -> bool:
        """Whether it is another request than the refused one."""
        changed = any(self.values.get(name) != value for name, value in repair.changes.items())
        return changed or bool(repair.model or repair.operation)


def _is_option(name: str) -> bool:
    """Whether a repair may touch it: no prompt, no picture, nothing that is chosen beside the settings."""
    return lookup(name).role == "option"


def _other_tier(case: _Case) -> Iterator[Repair]:
    if case.error.code == _TIER and case.request.delivery_policy:
        why = f"Who is set to serve it ({case.request.delivery_policy}) cannot at the moment."
        yield Repair("Leave the delivery to the service", {"delivery_policy": None}, why=why)


def _other_name(case: _Case) -> Iterator[Repair]:
    old, new = case.facts.param, case.meant()
    if old in case.values and new and new not in case.values and _is_option(new):
        yield Repair(f"Send it as {new}", {old: None, new: case.values[old]}, why=f"{old} is not taken, {new} is.")


def _other_value(case: _Case) -> Iterator[Repair]:
    for name in case.at_fault:
        value = next((each for each in _values_for(case, name) if each is not None), None)
        if value is not None:
            allowed = case.allowed(name)
            listed = f"Taken are {', '.join(allowed[:_LISTED])}{' and more' if len(allowed) > _LISTED else ''}."
            recommended = "The service recommends it." if value == case.recommended.get(name) else ""
            yield Repair(_label(case, name, value), {name: value}, why=listed if allowed else recommended)


def _label(case: _Case, name: str, value: Json) -> str:
    if name not in case.values:
        return f"Set {name} to {_shown(value)}"
    # A text speaks for itself, a number does not.
    return f"Use {_shown(value)} instead" if isinstance(value, str) else f"Use {name} = {_shown(value)} instead"


def _values_for(case: _Case, name: str) -> Iterator[Json]:
    """What could stand in a field, the best first; None where a source has nothing to say."""
    if case.supported and name not in case.supported:
        return
    yield from (getattr(issue, "suggestion", None) for issue in case.issues if issue.field == name)
    yield case.facts.did_you_mean if name == case.facts.param and not case.meant() else None
    allowed, now = case.allowed(name), case.values.get(name)
    if allowed:
        yield _nearest(replace(lookup(name), choices=allowed), now)
    offered = case.model.contract.operations.get(case.request.operation) if case.model else None
    if offered and name in offered.params:
        yield _nearest(offered.params[name], now)
    yield case.recommended.get(name)
    yield next(iter(allowed), None)


def _nearest(param: Param, value: Json) -> Json:
    """The allowed value that is most like this one; None where none is, or where it is allowed itself."""
    issue = None if value is None else check_value(param, value)
    return issue.suggestion if issue else None


def _without(case: _Case) -> Iterator[Repair]:
    """Everything at once that is not taken: the service names one field at a time."""
    at_fault = [name for name in case.at_fault if name in case.values]
    refused = [name for name in at_fault if case.supported and name not in case.supported]
    if refused:
        others = [name for name in case.values if name not in (*case.supported, *HEADER_FIELDS) and _is_option(name)]
        names = list(dict.fromkeys((*refused, *others)))
        yield _leaving_out(names, f"{case.request.model} does not take {_together(names, 'or')} here.")
    for name in at_fault:
        if name not in refused:
            yield _leaving_out([name], "Then the service decides.")


def _leaving_out(names: list[str], why: str) -> Repair:
    return Repair(f"Leave {_together(names, 'and')} out", dict.fromkeys(names), why=why)


def _other_operation(case: _Case) -> Iterator[Repair]:
    if case.facts.param != "operation" and case.error.code != "unsupported_operation":
        return
    offered = case.texts("supported_operations") or tuple(case.model.contract.operations if case.model else ())
    kin = (each for work in WORKFLOWS.values() if case.request.operation in work.operations for each in work.operations)
    for name in (case.recommended.get("operation"), *kin):
        if name in offered and name != case.request.operation:
            yield Repair(f"Use {name} instead", operation=name, why=f"It offers {_together(offered, 'and')}.")


def _other_model(case: _Case) -> Iterator[Repair]:
    if not case.about_model and not isinstance(case.error, ServiceError):
        return
    replaced = case.model.lifecycle.replacement if case.model and case.about_model else None
    if replaced:
        yield Repair(f"Use {replaced} instead", model=replaced, why=f"It replaces {case.request.model}.")
    for name in (case.facts.did_you_mean if case.about_model else None, *case.facts.suggestions):
        if name and name not in (case.request.model, case.facts.model, replaced):
            yield Repair(f"Use {name} instead", model=name, why="The service suggests it.")


def _as_recommended(case: _Case) -> Iterator[Repair]:
    stated = case.recommended
    changes = {name: value for name, value in stated.items() if _is_option(name) and case.values.get(name) != value}
    if not isinstance(case.error, ValidationError) or not changes:
        return
    model, operation = stated.get("model"), stated.get("operation")
    yield Repair(
        "Use what the service recommends",
        changes,
        model if isinstance(model, str) and model not in (case.request.model, case.facts.model) else None,
        operation if isinstance(operation, str) and operation != case.request.operation else None,
        f"That is {_together([f'{name} {_shown(value)}' for name, value in changes.items()], 'and')}.",
    )


_FINDERS: tuple[Callable[[_Case], Iterator[Repair]], ...] = (
    _other_tier,
    _other_name,
    _other_value,
    _without,
    _other_operation,
    _other_model,
    _as_recommended,
)


def _operation_of(model: Model, wanted: str, request: ImageRequest) -> str:
    """What another model calls it: by the same name, by another one that does the same, else what it does with this."""
    kin = (each for work in WORKFLOWS.values() if wanted in work.operations for each in work.operations)
    named = (each for each in (wanted, *kin) if each in model.contract.operations)
    has_mask = request.mask is not None
    return next(named, default_operation(model, has_pictures=bool(request.references), has_mask=has_mask))


def _told(carried: Carried) -> str:
    """What becomes of the settings, for people."""
    parts = (("Said otherwise", carried.mapped), ("Left out", carried.dropped))
    return " ".join(f"{word}: {', '.join(map(str, each))}." for word, each in parts if each)


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 3]}..."


def _together(names: Iterable[str], word: str) -> str:
    *first, last = names
    return f"{', '.join(first)} {word} {last}" if first else last
