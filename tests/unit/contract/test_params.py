"""The table of request fields against the vendor's own schemas."""

from __future__ import annotations

from typing import Any

import pytest

from tests.recorded import openapi
from tests.unit.contract.models import E, G, V
from tokenlab_nb.contract.params import FIELDS, HEADER_FIELDS, documented, lookup


def _schema(path: str, media_type: str) -> dict[str, Any]:
    schema: dict[str, Any] = openapi()["paths"][path]["post"]["requestBody"]["content"][media_type]["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return openapi()["components"]["schemas"][name] if name else schema


_BODIES = [
    (G, "application/json"),
    (G, "multipart/form-data"),
    (E, "application/json"),
    (E, "multipart/form-data"),
    (V, "multipart/form-data"),
]
_PROPERTIES = [
    pytest.param(path, name, schema, id=f"{path.rpartition('/')[2]}-{kind.partition('/')[2]}-{name}")
    for path, kind in _BODIES
    for name, schema in _schema(path, kind)["properties"].items()
]
_KINDS = {
    "string": {"string", "text", "choice"},
    "integer": {"integer"},
    "boolean": {"boolean"},
    "array": {"json", "string"},
    "object": {"json"},
}


def test_the_walk_finds_the_documents_fields() -> None:
    assert len(_PROPERTIES) > 80


@pytest.mark.parametrize(("path", "name", "schema"), _PROPERTIES)
def test_every_documented_field_is_a_row_with_the_same_bounds(path: str, name: str, schema: dict[str, Any]) -> None:
    row = FIELDS[name]
    assert path in row.endpoints
    param = row.param
    json_twin = _schema(G, "application/json")["properties"].get(name, {}) if path == G else {}
    kind = schema.get("type", "array")
    if param.role != "reference" and name != "mask":
        assert param.kind in _KINDS[kind]
    if "enum" in schema or "enum" in json_twin:
        assert param.choices == tuple(schema.get("enum") or json_twin["enum"])
    for ours, theirs in (("minimum", "minimum"), ("maximum", "maximum"), ("max_length", "maxLength")):
        if theirs in schema:
            assert getattr(param, ours) == schema[theirs]


@pytest.mark.parametrize("path", [G, E, V])
def test_no_field_is_offered_on_a_route_that_does_not_document_it(path: str) -> None:
    stated = {name for route, kind in _BODIES if route == path for name in _schema(route, kind)["properties"]}
    assert {param.name for param in documented(path)} - HEADER_FIELDS == stated


def test_rows_stand_in_order_and_speak_to_people() -> None:
    orders = [row.param.order for row in FIELDS.values()]
    assert orders == sorted(set(orders))
    assert all(row.param.label and row.param.help.endswith(".") for row in FIELDS.values())


def test_a_route_that_nobody_documents_is_offered_every_field() -> None:
    assert {param.name for param in documented("/v1/images/new")} == set(FIELDS)


def test_an_unlisted_field_becomes_any_json_value() -> None:
    assert lookup("tempo").kind == "json"
    assert lookup("seed") is FIELDS["seed"].param
