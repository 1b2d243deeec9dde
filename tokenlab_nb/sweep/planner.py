"""Axes and models -> a plan. Pure: models, prices, times and what is made already are handed in.

What cells have in common is worked out once: their *form* (model, operation, pictures and settings, without prompt and
repeat) is adjusted, built and priced once, and a cell only puts its prompt in. So thousands of cells take well under a
second.
"""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace

from tokenlab_nb.contract.model import Issue, Json, Model, Operation
from tokenlab_nb.contract.pricing import Estimate, total
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest, build, with_task
from tokenlab_nb.contract.validate import check_value
from tokenlab_nb.contract.workflows import VARY, default_operation, operation_for
from tokenlab_nb.sweep.adjust import adjust, chosen_operation, reasons, without_prompt
from tokenlab_nb.sweep.order import seconds_of, sending_order
from tokenlab_nb.sweep.plan import NOTHING, Axis, Cell, Difference, Plan, Status, Take, key_of

_STAND_IN = "-"  # a prompt that every operation with one takes, while the rest of a request is checked
_LABEL_SHOWN = 40  # characters of a label by which another cell is named


def _none_made(_keys: Collection[str]) -> Collection[str]:
    return ()


@dataclass(frozen=True)
class Known:
    """What a plan rests on.

    Attributes:
        models: By the name that was asked for; a text says why there is none.
        price: What a request costs; it hangs on the model and the settings, not on the prompt.
        seconds: By model id, how long a request usually takes.
        made: Of these keys of takes, those whose pictures are there already.
        concurrency: By model id, the most requests at once; by default what the contract says.
        origin: The API's origin.
        now: Seconds since 1970.
        prefer_tasks: Whether a task is asked for where the contract lists ``async``.
    """

    models: Mapping[str, Model | str]
    price: Callable[[ImageRequest, Model], Estimate]
    seconds: Mapping[str, float] = field(default_factory=dict)
    made: Callable[[Collection[str]], Collection[str]] = _none_made
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
        axes: What varies; ``model`` is one of them. A value of None is not sent.
        known: Models, prices, times.
        fixed: Values of every cell, by field name.
        references: Pictures that go into every cell.
        mask: The mask of every cell.
        operation: Of every cell; by default what the model does with what goes in.
        strict: Adjust nothing: what cannot be sent as it is asked is impossible.
    """
    planner = _Planner(known, dict(fixed or {}), _Given(references, mask, operation), strict=strict)
    cells = _sharing(axes, planner.cells(axes))
    order = sending_order(axes, cells)
    made = frozenset(known.made(list(dict.fromkeys(take.key for cell in cells for take in cell.takes))))
    models = [model for model in known.models.values() if isinstance(model, Model)]
    seconds = seconds_of(cells, models, made, known.seconds, known.concurrency)
    notes = tuple(dict.fromkeys((*planner.notes, *_alike(axes, cells))))
    return Plan(tuple(axes), cells, order, made, seconds, notes, operation=operation, strict=strict)


@dataclass(frozen=True, slots=True)
class _Given:
    """What goes in beside the values."""

    references: tuple[Source, ...]
    mask: Source | None
    operation: str | None


@dataclass(frozen=True, slots=True)
class _Part:
    """A request that a form sends, so many times: with a stand-in for the prompt."""

    request: ImageRequest
    digest: str
    times: int
    price: Estimate


@dataclass(frozen=True, slots=True)
class _Form:
    """What cells have in common that differ in prompt and repeat only."""

    model: str
    operation: Operation | None = None
    parts: tuple[_Part, ...] = ()
    differences: tuple[Difference, ...] = ()
    reason: str = ""
    price: Estimate = NOTHING
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class _Filled:
    """A form with its prompt: what cells have in common that differ in repeat only."""

    form: _Form
    values: Mapping[str, Json]
    requests: tuple[tuple[ImageRequest, str, _Part], ...] = ()
    differences: tuple[Difference, ...] = ()
    reason: str = ""


class _Planner:
    """Makes the cells of one plan."""

    def __init__(self, known: Known, fixed: Mapping[str, Json], given: _Given, *, strict: bool) -> None:
        self._known = known
        self._fixed = fixed
        self._given = given
        self._strict = strict
        self._forms: dict[tuple[object, ...], _Form] = {}
        self._requests: dict[tuple[str, str | None], tuple[ImageRequest, str]] = {}
        self._prompts: dict[tuple[str, str, str], str] = {}
        self.notes: list[Issue] = []

    def cells(self, axes: Sequence[Axis]) -> list[Cell]:
        """Every combination, the last axis fastest."""
        names = [axis.name for axis in axes]
        cells, filled, before = [], None, None
        repeats = names.index("repeat") if "repeat" in names else len(names)
        for index, at in enumerate(itertools.product(*(range(len(axis.values)) for axis in axes))):
            same = (*at[:repeats], *at[repeats + 1 :])
            if filled is None or same != before:
                chosen = {name: axis.values[place] for name, axis, place in zip(names, axes, at, strict=True)}
                filled, before = self._filled(chosen, at, names), same
            repeat = axes[repeats].values[at[repeats]] if repeats < len(at) else 1
            cells.append(self._cell(index, at, filled, int(str(repeat))))
        return cells

    def _cell(self, index: int, at: tuple[int, ...], filled: _Filled, repeat: int) -> Cell:
        form = filled.form
        operation = form.operation.name if form.operation else ""
        if filled.reason:
            return Cell(index, at, form.model, operation, filled.values, "impossible", reason=filled.reason)
        takes = tuple(
            Take(request, number, key_of(digest, number), part.price)
            for request, digest, part in filled.requests
            for number in range((repeat - 1) * part.times + 1, repeat * part.times + 1)
        )
        status: Status = "adjusted" if filled.differences else "asked"
        return Cell(index, at, form.model, operation, filled.values, status, filled.differences, "", form.price, takes,
                    form.seconds)  # fmt: skip

    def _filled(self, chosen: dict[str, object], at: tuple[int, ...], names: Sequence[str]) -> _Filled:
        """Put a prompt in."""
        values: dict[str, Json] = {**chosen, **self._fixed}  # type: ignore[dict-item]
        values = {name: value for name, value in values.items() if name not in _BESIDE and value is not None}
        prompt = values.get("prompt")
        form = self._form(chosen, values, tuple(
            place for place, name in zip(at, names, strict=True) if name not in ("prompt", "repeat")
        ))  # fmt: skip
        differences, reason = form.differences, form.reason
        takes_prompt = form.operation is not None and "prompt" in form.operation.params
        if not reason and prompt is not None and form.operation:
            if takes_prompt:
                reason = self._prompt_reason(form, prompt)
            else:
                differences = (*differences, without_prompt(form.operation, str(prompt)))
        if not reason and self._strict and differences:
            reason = "Strict: nothing is adjusted. " + " ".join(map(str, differences))
        if reason:
            return _Filled(form, values, reason=reason)
        asks = str(prompt) if takes_prompt and prompt is not None else None
        requests = tuple((*self._asking(part, asks), part) for part in form.parts)
        return _Filled(form, values, requests, differences)

    def _asking(self, part: _Part, prompt: str | None) -> tuple[ImageRequest, str]:
        """A request with its prompt, and its hash: once, however many forms come down to it."""
        key = (part.digest, prompt)
        if key not in self._requests:
            values = part.request.values if prompt is None else {**part.request.values, "prompt": prompt}
            request = replace(part.request, values=values)
            self._requests[key] = (request, request.hash)
        return self._requests[key]

    def _prompt_reason(self, form: _Form, prompt: Json) -> str:
        assert form.operation  # noqa: S101 - only a form with one gets here
        key = (form.model, form.operation.name, str(prompt))
        if key not in self._prompts:
            issue = check_value(form.operation.params["prompt"], prompt)
            self._prompts[key] = reasons([issue]) if issue else ""
        return self._prompts[key]

    def _form(self, chosen: Mapping[str, object], values: Mapping[str, Json], places: tuple[int, ...]) -> _Form:
        key = (*places, "prompt" in values)
        if key not in self._forms:
            self._forms[key] = self._new_form(chosen, {n: v for n, v in values.items() if n != "prompt"}, key[-1])
        return self._forms[key]

    def _new_form(self, chosen: Mapping[str, object], values: Mapping[str, Json], has_prompt: object) -> _Form:
        asked = str(chosen["model"])
        model = self._known.models[asked]
        if isinstance(model, str):
            return _Form(asked, reason=model)
        given = _Given(
            chosen.get("references", self._given.references),  # type: ignore[arg-type]
            self._given.mask,
            chosen.get("operation", self._given.operation),  # type: ignore[arg-type]
        )
        name = given.operation or _usual_operation(model, given, has_prompt=bool(has_prompt))
        operation, differences, issues = chosen_operation(model, name, has_mask=given.mask is not None)
        if operation is None:
            return _Form(model.id, reason=reasons(issues))
        adjusted = adjust(model.id, operation, values)
        if adjusted.issues:
            return _Form(model.id, operation, reason=reasons(adjusted.issues))
        differences += adjusted.differences
        parts: list[_Part] = []
        for count, times in Counter(adjusted.counts).items():
            sent: dict[str, Json] = {"prompt": _STAND_IN} if has_prompt and "prompt" in operation.params else {}
            sent |= {**adjusted.values, **({} if count is None else {"n": count})}
            request, found = self._built(model, operation, sent, given)
            if request is None:
                return _Form(model.id, operation, reason=reasons(found))
            self.notes += found
            parts.append(_Part(request, request.hash, times, self._known.price(request, model)))
        usual = self._known.seconds.get(model.id)
        return _Form(model.id, operation, tuple(parts), differences, "", _together(parts), usual)

    def _built(
        self, model: Model, operation: Operation, values: Mapping[str, Json], given: _Given
    ) -> tuple[ImageRequest | None, tuple[Issue, ...]]:
        values = with_task(model, operation.name, values, prefer=self._known.prefer_tasks)
        return build(
            model,
            operation.name,
            values,
            references=given.references,
            mask=given.mask,
            origin=self._known.origin,
            now=self._known.now,
        )


_BESIDE = frozenset({"model", "references", "operation", "repeat"})  # axes that are no values


def _usual_operation(model: Model, given: _Given, *, has_prompt: bool) -> str:
    """What a cell without a named operation means: pictures without a prompt are varied, where the model does that."""
    vary = operation_for(model, VARY)
    if given.references and not has_prompt and vary:
        return vary.name
    return default_operation(model, has_pictures=bool(given.references), has_mask=given.mask is not None)


def _alike(axes: Sequence[Axis], cells: Sequence[Cell]) -> list[Issue]:
    """A note on repeats that ask for the same picture: each of them is paid for."""
    repeats = any(axis.name == "repeat" and len(axis.values) > 1 for axis in axes)
    seeded = repeats and any(take.request.values.get("seed") is not None for cell in cells for take in cell.takes)
    message = "Repeats with one seed may look alike, and each is paid for."
    return (
        [Issue("repeat", message, remedy="Leave the seed out, or let it vary.", severity="warning")] if seeded else []
    )


def _together(parts: Sequence[_Part]) -> Estimate:
    """The price of all requests of a cell."""
    if len(parts) == 1 and parts[0].times == 1:
        return parts[0].price
    every = [part.price for part in parts for _ in range(part.times)]
    if not all(price.is_known for price in every):
        return Estimate(basis=next(price.basis for price in every if not price.is_known))
    summed = total(every)
    low = summed.low if all(price.low is not None for price in every) else None
    basis = "; ".join(dict.fromkeys(price.basis for price in every))
    return Estimate(low, summed.high, f"{len(every):,} requests: {basis}")


def _sharing(axes: Sequence[Axis], cells: list[Cell]) -> tuple[Cell, ...]:
    """Say of each cell which others come down to the same request."""
    owners: dict[str, list[int]] = {}
    for cell in cells:
        for take in cell.takes:
            owners.setdefault(take.key, []).append(cell.index)
    shared = {key: indices for key, indices in owners.items() if len(indices) > 1}
    if not shared:
        return tuple(cells)
    return tuple(_shared(cell, cells, shared, axes) for cell in cells)


def _shared(cell: Cell, cells: Sequence[Cell], shared: Mapping[str, list[int]], axes: Sequence[Axis]) -> Cell:
    keys = [take.key for take in cell.takes if take.key in shared]
    if not keys:
        return cell
    others = shared[keys[0]]
    first = cells[others[1] if others[0] == cell.index else others[0]]
    places = zip(axes, cell.at, first.at, strict=True)
    apart = [f"{axis.name} {_short(axis.labels[there])}" for axis, here, there in places if here != there]
    count = len(cell.takes)
    whole = "Same request" if count == 1 else f"The same {count:,} requests"
    what = whole if len(keys) == count else f"{len(keys):,} of {count:,} requests the same"
    others_more = len(others) - 2
    more = f" and {others_more:,} more cell{'s' if others_more > 1 else ''}" if others_more else ""
    text = f"{what} as {', '.join(apart)}{more}: made and paid once."
    return replace(cell, differences=(*cell.differences, Difference("shared", None, None, text)))


def _short(label: str) -> str:
    return label if len(label) <= _LABEL_SHOWN else f"{label[: _LABEL_SHOWN - 1]}…"
