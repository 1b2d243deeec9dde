"""The contract's body -> `Operation` by name: which endpoint, which fields, which values, and who says so."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from types import MappingProxyType

from tokenlab_nb.contract.model import (
    EDITS,
    EMPTY,
    GENERATIONS,
    IMAGE_EDIT,
    IMAGE_VARIATION,
    STARTS_FROM_PICTURES,
    TEXT_TO_IMAGE,
    VARIATIONS,
    LimitSource,
    Operation,
    Param,
    SizeRule,
)
from tokenlab_nb.contract.params import FIELDS, HEADER_FIELDS, documented, lookup
from tokenlab_nb.contract.reading import Reader

_DEFAULT_ENDPOINTS = {IMAGE_EDIT: EDITS, IMAGE_VARIATION: VARIATIONS}

# What a route surely does, for a model that names a route and no operation.
_BY_ENDPOINT = {GENERATIONS: TEXT_TO_IMAGE, EDITS: IMAGE_EDIT, VARIATIONS: IMAGE_VARIATION}


@dataclass(frozen=True, slots=True)
class _Scope:
    """What applies to one operation: its own constraint over the contract's general words."""

    reader: Reader
    body: Mapping[str, object]
    own: Mapping[str, object]

    def texts(self, own_name: str, general_name: str = "") -> tuple[str, ...]:
        own = self.reader.texts(self.own.get(own_name), own_name)
        return own or self.reader.texts(self.body.get(general_name or own_name), general_name or own_name)

    def selectors(self, name: str) -> tuple[str, ...]:
        """Like `texts`, but the operation's own empty list counts: to require nothing is an answer."""
        stated = self.own if self.own.get(name) is not None else self.body
        return self.reader.texts(stated.get(name), name)

    def text(self, name: str) -> str | None:
        return self.reader.text(self.own.get(name), name) or self.reader.text(self.body.get(name), name) or None


def read(
    reader: Reader, model_id: str, body: Mapping[str, object], stated: tuple[str, ...], category: str = "image"
) -> Mapping[str, Operation]:
    """Read every operation of a contract.

    Args:
        reader: Collects what is malformed.
        model_id: For the limits that only prose states.
        body: The contract's JSON object; empty when the model publishes none.
        stated: ``supported_operations``, which counts where the contract names no operations.
        category: The model's category; a model of another one gets no image route that it does not name.
    """
    by_operation = reader.mapping(body.get("request_endpoint_by_operation"), "request_endpoint_by_operation")
    endpoints = {
        name: reader.route(path, f"request_endpoint_by_operation.{name}") for name, path in by_operation.items()
    }
    constraints = _constraints(reader, body)
    default = reader.route(body.get("request_endpoint"), "request_endpoint")
    names = _names(reader, body, stated, endpoints, constraints)
    implied = _BY_ENDPOINT.get(default or (GENERATIONS if category == "image" else ""))
    result = {}
    for stated_name in names or ((implied,) if implied else ()):
        own = constraints.get(stated_name, EMPTY)
        own_route = reader.route(own.get("request_endpoint"), "operation_constraints.request_endpoint")
        endpoint = own_route or endpoints.get(stated_name) or default
        name = IMAGE_VARIATION if endpoint == VARIATIONS else stated_name
        if endpoint or category in ("", "image"):
            endpoint = endpoint or _DEFAULT_ENDPOINTS.get(name, GENERATIONS)
            result[name] = _operation(_Scope(reader, body, own), model_id, name, endpoint)
    return MappingProxyType(result)


def _constraints(reader: Reader, body: Mapping[str, object]) -> dict[str, Mapping[str, object]]:
    rows = body.get("operation_constraints")
    if rows is None:
        return {}
    if not isinstance(rows, list | tuple):
        reader.report("operation_constraints", "operation_constraints should be a list.")
        return {}
    read_rows = [reader.mapping(row, "operation_constraints") for row in rows]
    named = [(reader.text(row.get("operation"), "operation_constraints.operation"), row) for row in read_rows]
    return {name: row for name, row in named if name}


def _names(
    reader: Reader,
    body: Mapping[str, object],
    stated: tuple[str, ...],
    endpoints: Mapping[str, str],
    constraints: Mapping[str, object],
) -> tuple[str, ...]:
    public = reader.texts(body.get("public_operations"), "public_operations")
    # The API has no public operation name for variations, so the route is the only place where they show.
    variations = [name for name, path in endpoints.items() if path == VARIATIONS]
    names = public or stated or tuple(dict.fromkeys((*endpoints, *constraints)))
    return tuple(dict.fromkeys((*names, *variations)))


def _operation(scope: _Scope, model_id: str, name: str, endpoint: str) -> Operation:
    listed = scope.texts("supported_parameters")
    required = scope.selectors("required_selectors")
    optional = scope.selectors("optional_selectors")
    prose = _documented_limits(model_id)
    fields = _fields(endpoint, name, listed, (*required, *optional))
    params = {param.name: _specialise(param, scope, endpoint, required, prose) for param in fields}
    caps = scope.reader.mapping(prose.get("references"), "references")
    cap = caps.get(name)
    return Operation(
        name=name,
        endpoint=endpoint,
        params=MappingProxyType(dict(sorted(params.items(), key=lambda item: (item[1].order, item[0])))),
        shape_mode=scope.text("request_shape_mode"),
        status_mode=scope.text("status_mode"),
        max_references=cap if isinstance(cap, int) else None,
        documented_inputs=scope.texts("documented_inputs"),
        notes=scope.reader.texts(scope.own.get("notes"), "notes"),
        confirmed=bool(listed),
    )


def _fields(endpoint: str, operation: str, listed: tuple[str, ...], selectors: tuple[str, ...]) -> list[Param]:
    """The fields that may be sent: what the contract lists, or all that are documented where it lists nothing."""
    offered = documented(endpoint)
    if not listed:
        extra = [lookup(name) for name in selectors if all(name != param.name for param in offered)]
        return [replace(param, confirmed=param.name in selectors) for param in offered] + extra
    names = dict.fromkeys((*listed, *selectors))
    names.pop("model", None)
    fields = [lookup(name) for name in names]
    have = {param.role for param in fields}
    # Schema: prompt is required on generations and edits; a picture is where the work starts from one. A contract that
    # does not repeat the obvious still takes them.
    roles = {"prompt"} | ({"reference"} if operation in STARTS_FROM_PICTURES else set())
    missing = roles - have
    fields += [replace(param, confirmed=False) for param in offered if param.role in missing]
    fields += [FIELDS[name].param for name in HEADER_FIELDS if name not in names]
    return fields


def _specialise(
    param: Param, scope: _Scope, endpoint: str, required: tuple[str, ...], prose: Mapping[str, object]
) -> Param:
    param = replace(param, required=param.name in required)
    if param.role == "prompt":
        return _prompt(replace(param, required=endpoint != VARIATIONS), scope, endpoint)
    values = _VALUE_LISTS.get(param.name)
    choices = scope.texts(*values) if values else ()
    if choices:
        return replace(param, kind="choice", choices=choices, suggestions=(), limits_from=LimitSource.CONTRACT)
    limits = scope.reader.mapping(prose.get("params"), "params").get(param.name)
    return _from_prose(param, limits) if isinstance(limits, Mapping) else param


# Where a contract lists the values of a field: in the operation's constraint, and for the model as a whole.
_VALUE_LISTS = {
    "aspect_ratio": ("allowed_aspect_ratios", "aspect_ratios"),
    "resolution": ("allowed_resolutions", "resolutions"),
    "output_format": ("output_formats",),
}


def prompt_limit(reader: Reader, body: Mapping[str, object]) -> int | None:
    """``service_limits.prompt_max_characters``; none stated is None, and so is 0, which no prompt could keep to."""
    limits = reader.mapping(body.get("service_limits"), "service_limits")
    return reader.count(limits.get("prompt_max_characters"), "service_limits.prompt_max_characters") or None


def _prompt(param: Param, scope: _Scope, endpoint: str) -> Param:
    stated = prompt_limit(scope.reader, scope.body)
    if stated:
        return replace(param, max_length=stated, limits_from=LimitSource.CONTRACT)
    if endpoint == EDITS:  # the edits schema states no length
        return replace(param, max_length=None, limits_from=LimitSource.NOBODY)
    return param


def _from_prose(param: Param, limits: Mapping[str, object]) -> Param:
    choices, suggestions, rule = limits.get("choices", ()), limits.get("suggestions", ()), limits.get("rule")
    param = replace(param, limits_from=LimitSource.DOCUMENTATION)
    if isinstance(choices, list):
        return replace(param, kind="choice", choices=tuple(choices), suggestions=())
    if isinstance(suggestions, list):
        param = replace(param, suggestions=tuple(suggestions))
    if isinstance(rule, dict):
        param = replace(param, size_rule=SizeRule(**{**rule, "words": tuple(rule["words"])}))
    return param


@cache
def _prose() -> Mapping[str, Mapping[str, object]]:
    text = files("tokenlab_nb.contract").joinpath("documented.json").read_text(encoding="utf-8")
    models: Mapping[str, Mapping[str, object]] = json.loads(text)["models"]
    return models


def _documented_limits(model_id: str) -> Mapping[str, object]:
    return _prose().get(model_id, EMPTY)
