"""Values + operation -> issues. Each names the field, says what is allowed, and how to mend it."""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Callable, Mapping

from tokenlab_nb.contract.model import Issue, Json, Model, Operation, Param, SizeRule
from tokenlab_nb.contract.params import lookup

_BESIDE = {"reference": "references", "mask": "mask"}  # where the fields of a role are handed in instead
_SHOWN = 60  # characters of a bad value that a message repeats
_RATIO = re.compile(r"([1-9][0-9]{0,3}):([1-9][0-9]{0,3})")
_SIZE = re.compile(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})")


def check_operation(model: Model, name: str) -> Issue | None:
    """Whether the model offers the operation."""
    offered = tuple(model.contract.operations)
    if name in offered:
        return None
    return Issue(
        field="operation",
        message=f"{model.id} does not offer {name}.",
        allowed=offered,
        remedy=f"It offers: {', '.join(offered)}." if offered else "It names no image operation; choose another model.",
        suggestion=offered[0] if len(offered) == 1 else None,
    )


def check_lifecycle(model: Model) -> Issue | None:
    """A warning for a model on its way out, an error for one that is gone."""
    life = model.lifecycle
    if life.stage not in ("deprecated", "retired"):
        return None
    when = f" and ends on {life.sunset_at[:10]}" if life.sunset_at else ""
    return Issue(
        field="model",
        message=f"{model.id} is {life.stage}{when}.",
        remedy=f"Use {life.replacement} instead." if life.replacement else "Choose another model.",
        suggestion=life.replacement,
        severity="error" if life.stage == "retired" else "warning",
    )


def check_values(operation: Operation, values: Mapping[str, Json]) -> list[Issue]:
    """Check the body fields of a request, pictures excluded.

    Args:
        operation: What is asked of which model.
        values: Field values by name; only what is to be sent.

    Returns:
        Issues in the order of the controls; empty when all is well.
    """
    issues = [issue for name, value in values.items() if (issue := _check_named(operation, name, value))]
    issues += _missing(operation, values)
    issues += _cross_checks(values)
    order = {name: index for index, name in enumerate(operation.params)}
    return sorted(issues, key=lambda issue: order.get(issue.field, len(order)))


def _check_named(operation: Operation, name: str, value: Json) -> Issue | None:
    beside = _BESIDE.get(lookup(name).role)
    if beside:  # as a value it would pass by the checks of hosts, number and size
        return Issue(name, f"{name} is not set by hand.", remedy=f"Hand the picture in as {beside}.")
    if name in ("model", "operation"):
        return Issue(name, f"The {name} is chosen beside the settings, not among them.", remedy="Leave it out here.")
    param = operation.params.get(name)
    if param is None:
        return _not_taken(operation, name)
    if name == "stream" and value is True:  # ImageGenerationRequest.stream: "currently rejects true"
        return Issue("stream", "The service does not stream pictures.", ("false",), "Leave stream out.", False)
    return check_value(param, value)


def _not_taken(operation: Operation, name: str) -> Issue:
    names = tuple(param.name for param in operation.params.values() if param.role in ("option", "prompt"))
    near = difflib.get_close_matches(name, names, n=1, cutoff=0.75)
    remedy = f"Did you mean {near[0]}?" if near else f"Leave it out. Taken are: {', '.join(names)}."
    return Issue(name, f"{operation.name} of this model does not take {name}.", names, remedy)


def _missing(operation: Operation, values: Mapping[str, Json]) -> list[Issue]:
    return [
        Issue(
            field=param.name,
            message=f"{operation.name} needs {param.label.lower() or param.name}.",
            allowed=param.choices,
            remedy=_choose(param) if param.choices else f"Give a {param.label.lower() or param.name}.",
            suggestion=param.choices[0] if param.choices else None,
        )
        for param in operation.params.values()
        if param.required and param.role in ("prompt", "option") and param.name not in values
    ]


def _cross_checks(values: Mapping[str, Json]) -> list[Issue]:
    issues = []
    if values.get("async") is True and values.get("response_format") == "b64_json":
        issues.append(
            Issue(
                field="response_format",
                message="A task (async: true) always answers with addresses, never with b64_json.",
                allowed=("url",),
                remedy="Leave response_format out, or set async to False.",
                suggestion="url",
            )
        )
    if values.get("background") == "transparent" and values.get("output_format") == "jpeg":
        issues.append(
            Issue("output_format", "JPEG has no transparency.", ("png", "webp"), "Use png or webp.", suggestion="png")
        )
    return issues


def check_value(param: Param, value: Json) -> Issue | None:
    """Check one value against one parameter; None when it is fine (or when nobody states a limit)."""
    if not _can_be_sent(value):
        return Issue(param.name, f"{param.name} holds something that JSON cannot carry ({type(value).__name__}).",
                     remedy="Use plain texts, numbers, true or false, lists and dicts.")  # fmt: skip
    if param.choices:
        return None if value in param.choices else _not_a_choice(param, value)
    if param.size_rule:
        return _check_size(param, param.size_rule, value)
    return _CHECKS[param.kind](param, value)


def _can_be_sent(value: Json) -> bool:
    """Whether it is JSON in UTF-8: no NaN, no half of a surrogate pair, no objects of other libraries."""
    try:
        json.dumps(value, allow_nan=False, ensure_ascii=False).encode()
    except (TypeError, ValueError, RecursionError):
        return False
    return True


def _not_a_choice(param: Param, value: Json) -> Issue:
    return Issue(
        field=param.name,
        message=f"{_shown(value)} is not taken here as {param.label.lower() or param.name}.",
        allowed=param.choices,
        remedy=_choose(param),
        suggestion=_nearest_choice(str(value), param.choices),
    )


def _nearest_choice(value: str, choices: tuple[str, ...]) -> str | None:
    """The choice of the most similar shape for a ratio, of the most similar spelling for any other text."""
    shape = _shape(value)
    shapes = [(other, choice) for choice in choices if (other := _shape(choice))]
    if shape and shapes:
        return min(shapes, key=lambda pair: abs(math.log(pair[0] / shape)))[1]
    near = difflib.get_close_matches(value, choices, n=1, cutoff=0.6)
    return near[0] if near else None


def _shape(text: str) -> float | None:
    match = _RATIO.fullmatch(text)
    return int(match[1]) / int(match[2]) if match else None


def _choose(param: Param) -> str:
    return f"Choose one of {', '.join(param.choices)}."


def _shown(value: Json) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= _SHOWN else text[: _SHOWN - 3] + "..."


def _check_text(param: Param, value: Json) -> Issue | None:
    if not isinstance(value, str):
        return Issue(param.name, f"{param.name} must be a text, not {_shown(value)}.", remedy="Give a text.")
    if not value.strip():
        remedy = f"Give a {param.label.lower()}." if param.required else "Give a text, or leave it out."
        return Issue(param.name, f"{param.label or param.name} is empty.", remedy=remedy)
    if param.max_length is not None and len(value) > param.max_length:
        return Issue(
            field=param.name,
            message=f"{param.label or param.name} has {len(value):,} characters; {param.max_length:,} at most.",
            allowed=(f"at most {param.max_length} characters",),
            remedy=f"Shorten it by {len(value) - param.max_length:,}.",
        )
    return None


def _check_integer(param: Param, value: Json) -> Issue | None:
    low = -math.inf if param.minimum is None else param.minimum
    high = math.inf if param.maximum is None else param.maximum
    if isinstance(value, int) and not isinstance(value, bool) and low <= value <= high:
        return None
    if math.isinf(high):
        span, remedy = "a whole number", "Give a whole number."
    else:
        span, remedy = f"{low} to {high}", f"Give a whole number from {low} to {high}."
    nearest = int(min(max(value, low), high)) if isinstance(value, int | float) and not math.isinf(high) else None
    return Issue(param.name, f"{param.name} cannot be {_shown(value)}.", (span,), remedy, nearest)


def _check_boolean(param: Param, value: Json) -> Issue | None:
    if isinstance(value, bool):
        return None
    return Issue(param.name, f"{param.name} is either true or false, not {_shown(value)}.", ("true", "false"),
                 "Use True or False.")  # fmt: skip


_CHECKS: Mapping[str, Callable[[Param, Json], Issue | None]] = {
    "text": _check_text,
    "string": _check_text,
    "choice": _check_text,  # a choice without a list: any text
    "integer": _check_integer,
    "boolean": _check_boolean,
    "json": lambda _param, _value: None,  # `check_value` has seen that it is JSON
}


def _check_size(param: Param, rule: SizeRule, value: Json) -> Issue | None:
    """Check the flexible size (vendor: ``ImageGenerationRequest.size``)."""
    if value in rule.words:
        return None
    match = _SIZE.fullmatch(value) if isinstance(value, str) else None
    allowed = (rule.describe(),)
    if not match:
        return Issue(
            param.name, f"{_shown(value)} is not a size.", allowed, "Write it as WIDTHxHEIGHT, like 1024x1024."
        )
    width, height = int(match[1]), int(match[2])
    fault = _size_fault(rule, width, height)
    if not fault:
        return None
    near = nearest_size(rule, width, height)
    return Issue(
        param.name, f"{value} {fault}.", allowed, f"Use {near}, say." if near else "Choose another size.", near
    )


def _size_fault(rule: SizeRule, width: int, height: int) -> str:
    long, short = max(width, height), min(width, height)
    if width % rule.multiple or height % rule.multiple:
        return f"has a side that is not a multiple of {rule.multiple}"
    if long > rule.max_edge:
        return f"is longer than {rule.max_edge} pixels"
    if long > short * rule.max_ratio:
        return f"is narrower than {rule.max_ratio:g}:1"
    if width * height < rule.min_pixels:
        return f"has {width * height:,} pixels, fewer than {rule.min_pixels:,}"
    if width * height > rule.max_pixels:
        return f"has {width * height:,} pixels, more than {rule.max_pixels:,}"
    return ""


def nearest_size(rule: SizeRule, width: int, height: int) -> str | None:
    """The size of about the same shape that the rule allows; None when the shape itself is hopeless.

    Args:
        rule: The bounds.
        width: Pixels.
        height: Pixels.
    """
    if min(width, height) <= 0:
        return None
    ratio = min(max(width / height, 1 / rule.max_ratio), rule.max_ratio)
    pixels = min(max(width * height, rule.min_pixels), rule.max_pixels)
    ideal = min(rule.max_edge / max(ratio, 1.0), math.sqrt(pixels / ratio))
    steps = range(max(1, int(ideal / rule.multiple) - 3), int(ideal / rule.multiple) + 5)
    heights = [step * rule.multiple for step in steps]
    candidates = [(round(h * ratio / rule.multiple) * rule.multiple, h) for h in heights]
    fitting = [pair for pair in candidates if not _size_fault(rule, *pair)]
    if not fitting:
        return None
    best = min(fitting, key=lambda pair: abs(pair[0] * pair[1] - pixels))
    return f"{best[0]}x{best[1]}"
