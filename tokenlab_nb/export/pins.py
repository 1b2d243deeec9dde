"""Contracts that a notebook was made with, kept beside its results, and what has changed since.

A pin holds of each model only what the notebook used: the operation, the names of its fields, the values that were sent
(never the prompt, nor any free text), what else they could have been, the price, and until when the model was promised.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.model import Model, Operation, Param
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.findings import Finding
from tokenlab_nb.export.text import printable

__all__ = ["KEY", "MOST_BYTES", "Pin", "drift", "pinned", "read_pins", "together"]

KEY = "tokenlab_nb"
"""The field of an output's metadata."""

MOST_BYTES = 1000
"""Most bytes of one model's pin, as JSON."""

_MOST_MODELS = 100
_SOON_DAYS = 90
_DAY = 86_400.0
_LISTED = 12  # values; of longer lists only a hash is kept

Pin = dict[str, Any]


def pinned(model: Model, requests: Iterable[ImageRequest]) -> Pin:
    """What to keep of a model's contract.

    Args:
        model: As it was read.
        requests: What was sent to it.

    Returns:
        JSON values, at most `MOST_BYTES` of them.
    """
    sent: dict[str, list[ImageRequest]] = {}
    for request in requests:
        sent.setdefault(request.operation, []).append(request)
    operations = {
        name: _operation(model.contract.operations[name], requests)
        for name, requests in sorted(sent.items())
        if name in model.contract.operations
    }
    price = model.price
    pin: Pin = {"operations": operations, "price": describe.price(price)}
    pin |= {"unit": price.unit, "low": price.low, "high": price.high} if price.is_stated else {}
    pin |= {"retires": model.lifecycle.sunset_at} if model.lifecycle.sunset_at else {}
    pin |= {"replacement": model.lifecycle.replacement} if model.lifecycle.replacement else {}
    for operation in operations.values():
        for left_out in ("used", "choices", "params"):
            if len(json.dumps(pin)) > MOST_BYTES:
                operation.pop(left_out, None)
    return pin


def together(pins: Mapping[str, Pin], *, origin: str, at: float, version: str) -> dict[str, Any]:
    """The field of an output's metadata: nothing where there is no pin.

    Args:
        pins: By model id.
        origin: Of the API.
        at: When, in seconds since 1970.
        version: Of this package.
    """
    if not pins:
        return {}
    day = datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
    return {KEY: {"version": version, "at": day, "origin": origin, "models": dict(pins)}}


def read_pins(tree: Mapping[str, Any]) -> dict[tuple[str, str], Pin]:
    """The pins of a notebook, by origin and model id; what is malformed is passed over."""
    found: dict[tuple[str, str], Pin] = {}
    for cell in tree["cells"]:
        for output in _listed(_at(cell, "outputs")):
            kept = _at(_at(output, "metadata"), KEY)
            origin, models, day = _at(kept, "origin"), _at(kept, "models"), _at(kept, "at")
            for model_id, pin in models.items() if isinstance(models, dict) else ():
                if isinstance(origin, str) and isinstance(pin, dict) and len(found) < _MOST_MODELS:
                    older = found.get((origin, model_id), {})
                    operations = {**_mapping(older, "operations"), **_mapping(pin, "operations")}
                    found[origin, model_id] = {**pin, "operations": operations, "at": str(day)}
    return found


def drift(model_id: str, pin: Pin, today: Model | None, now: float) -> Iterator[Finding]:
    """Compare a pin with a model as it is today.

    Args:
        model_id: Its id.
        pin: As `read_pins` returns it.
        today: The model; None where there is none any more.
        now: Seconds since 1970.

    Yields:
        What has changed; what is only new is a note.
    """
    place = f"model {printable(model_id)}"
    since = f"since {printable(str(pin.get('at')))}" if pin.get("at") else "since then"
    instead = str((today.lifecycle.replacement if today else None) or pin.get("replacement") or "")
    remedy = f"Use {printable(instead)} instead." if instead else "Choose another model: session.models() lists them."
    if today is None or today.lifecycle.stage == "retired":
        yield Finding("contract", place, "It is retired: requests to it are refused.", remedy)
        return
    yield from _leaving(place, today, now, remedy)
    yield from _price(place, pin, today, since)
    for name, operation in _mapping(pin, "operations").items():
        if isinstance(operation, dict):
            yield from _changed(place, name, operation, today.contract.operations.get(name), since)


def _operation(operation: Operation, requests: Sequence[ImageRequest]) -> Pin:
    params = {param.name: param for param in operation.options if param.confirmed}
    sent: dict[str, dict[str, object]] = {}
    for request in requests:
        for name, value in request.values.items():
            if name in params and _is_closed(params[name], value):
                sent.setdefault(name, {}).setdefault(json.dumps(value), value)
    used = {name: list(values.values()) for name, values in sent.items()}
    choices = {name: _choices(param.choices) for name, param in params.items() if param.choices}
    parts = {"endpoint": operation.endpoint, "params": sorted(params), "choices": choices, "used": used}
    return {name: part for name, part in parts.items() if part}


def _is_closed(param: Param, value: object) -> bool:
    """Whether a value is no free text: one of a list, a size, a number or a switch."""
    return value in (*param.choices, *param.suggestions) or param.size_rule is not None or isinstance(value, int)


def _choices(choices: Sequence[str]) -> list[str] | str:
    return list(choices) if len(choices) <= _LISTED else _hashed(choices)


def _hashed(choices: Iterable[str]) -> str:
    return sha256("\n".join(sorted(choices)).encode()).hexdigest()[:12]


def _leaving(place: str, today: Model, now: float, remedy: str) -> Iterator[Finding]:
    ends = today.lifecycle.sunset_at
    if ends:
        left = _days_until(ends, now)
        soon = left is None or left <= _SOON_DAYS
        told = f"It retires {describe.date(ends)}" + ("." if left is None else f", in {max(0, int(left))} days.")
        yield Finding("contract", place, told, remedy, note=not soon)
    elif today.lifecycle.stage == "deprecated":
        yield Finding("contract", place, "It is deprecated.", remedy)


def _days_until(stamp: str, now: float) -> float | None:
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now) / _DAY


def _price(place: str, pin: Pin, today: Model, since: str) -> Iterator[Finding]:
    before, now = str(pin.get("price") or ""), describe.price(today.price)
    if not before or before == now:
        return
    steps = [_step(pin.get(end), getattr(today.price, end)) for end in ("low", "high")]
    known = [step for step in steps if step]
    told = f" ({' and '.join(dict.fromkeys(known))})" if pin.get("unit") == today.price.unit and known else ""
    message = f"Its price has changed {since}: {printable(before)} then, {now} today{told}."
    yield Finding("contract", place, message, "Look at the plan's price before you run it again.")


def _step(old: object, new: float | None) -> str:
    if isinstance(old, bool) or not isinstance(old, int | float) or new is None or old <= 0 or old == new:
        return ""
    return f"{(new / old - 1) * 100:+,.0f} %"


def _changed(place: str, name: str, pin: Pin, today: Operation | None, since: str) -> Iterator[Finding]:
    spot = f"{place}, {printable(name)}"
    if today is None:
        yield Finding("contract", spot, f"It is no longer offered {since}.", "Choose another operation or model.")
        return
    endpoint = pin.get("endpoint")
    if isinstance(endpoint, str) and endpoint != today.endpoint:
        told = f"It moved from {printable(endpoint)} to {today.endpoint}."
        yield Finding("contract", spot, told, "Nothing: this package follows the contract.", note=True)
    if not today.confirmed:
        return
    offered = {param.name: param for param in today.options if param.confirmed}
    yield from _fields(spot, pin, offered)
    yield from _values(spot, pin, offered)


def _fields(spot: str, pin: Pin, offered: Mapping[str, Param]) -> Iterator[Finding]:
    before = {each for each in _listed(pin.get("params")) if isinstance(each, str)}
    used = _mapping(pin, "used")
    for name in sorted(before - offered.keys()):
        told = f"The parameter {printable(name)} is gone" + (", and was used here." if name in used else ".")
        yield Finding("contract", spot, told, "Leave it out." if name in used else "", note=name not in used)
    if before and (new := sorted(offered.keys() - before)):
        yield Finding("contract", spot, f"New parameters: {', '.join(new)}.", note=True)


def _values(spot: str, pin: Pin, offered: Mapping[str, Param]) -> Iterator[Finding]:
    used, choices = _mapping(pin, "used"), _mapping(pin, "choices")
    for name, param in offered.items():
        gone = [each for each in _listed(used.get(name)) if _is_refused(param, each)]
        if gone:
            told = f"{name} no longer takes {', '.join(printable(str(each)) for each in gone)}, which was used here."
            yield Finding("contract", spot, told, _allowed(param))
        elif name in choices and param.choices and choices[name] != _choices(param.choices):
            before = [each for each in _listed(choices[name]) if isinstance(each, str) and each not in param.choices]
            lost = f": {printable(', '.join(before))} gone" if before else ""
            yield Finding("contract", spot, f"The values of {name} have changed{lost}.", _allowed(param), note=True)


def _is_refused(param: Param, value: object) -> bool:
    if isinstance(value, int) and not isinstance(value, bool) and not param.choices:
        too_low = param.minimum is not None and value < param.minimum
        return too_low or (param.maximum is not None and value > param.maximum)
    return bool(param.choices) and str(value) not in param.choices and not isinstance(value, bool)


def _allowed(param: Param) -> str:
    return f"It takes {', '.join(param.choices)}." if param.choices else f"It takes {describe.limits(param)}."


def _at(value: object, name: str) -> Any:
    return value.get(name) if isinstance(value, Mapping) else None


def _mapping(value: object, name: str) -> dict[str, Any]:
    found = _at(value, name)
    return found if isinstance(found, dict) else {}


def _listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []
