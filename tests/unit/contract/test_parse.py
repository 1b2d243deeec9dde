"""Model JSON -> `Model`, under every name, in every view, however odd."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from tests.recorded import recorded
from tests.unit.contract.models import E, G, contract, detail, model
from tokenlab_nb.contract.model import LimitSource
from tokenlab_nb.contract.parse import CONTRACT_KEYS, EXTENSIONS, parse, parse_list


def test_a_full_detail_is_read_whole_and_without_complaint() -> None:
    found = parse(detail())
    assert found.issues == ()
    assert (found.id, found.provider, found.category, found.detailed) == ("image-model", "openai", "image", True)
    assert (found.aliases, found.capabilities) == (("openai/image-model",), ("image",))
    life, price, record = found.lifecycle, found.price, found.reliability
    assert (life.stage, life.reason, life.replacement, life.latest) == ("deprecated", "old", "new-model", True)
    assert life.sunset_at == "2026-12-01T00:00:00Z"
    assert (price.unit, price.low, price.high) == ("per_image", 0.02, 0.08)
    assert (price.free, price.free_until) == (True, "2026-10-01")
    assert record is not None
    assert (record.rank, record.success_rate, record.samples, record.status) == (1, 0.98, 423, "ready")
    read = found.contract
    assert (read.known, read.source) == (True, "tokenlab.request_format_details")
    assert (read.limits.requests_per_minute, read.limits.concurrency, read.limits.prompt_max_characters) == (
        60,
        4,
        1000,
    )
    assert (dict(read.feature_flags), read.notes) == ({"mask": True}, ("A note.",))
    assert dict(read.recommended_request) == {"operation": "text-to-image"}
    assert repr(found) == "Model('image-model', operations=['image-edit', 'text-to-image'])"


@pytest.mark.parametrize("extension", EXTENSIONS)
@pytest.mark.parametrize("key", CONTRACT_KEYS)
def test_every_name_of_extension_and_contract_is_read(extension: str, key: str) -> None:
    found = parse({"id": "m", extension: {"category": "image", key: contract()}})
    assert found.contract.source == f"{extension}.{key}"
    assert list(found.contract.operations) == ["text-to-image", "image-edit"]
    assert found.contract.operations["text-to-image"].params["aspect_ratio"].choices == ("1:1", "16:9")
    assert found.issues == ()


@pytest.mark.parametrize("empty", [None, {}])
@pytest.mark.parametrize(("place", "key"), list(enumerate(CONTRACT_KEYS[1:], start=1)))
def test_an_empty_contract_gives_way_to_the_next_name(empty: object, place: int, key: str) -> None:
    before = dict.fromkeys(CONTRACT_KEYS[:place], empty)
    found = parse({"id": "m", "tokenlab": {**before, key: contract()}})
    assert found.contract.source == f"tokenlab.{key}"
    assert found.issues == ()


def test_the_fullest_name_wins_over_the_others() -> None:
    bodies = {key: {"public_operations": [f"from-{key}"]} for key in CONTRACT_KEYS}
    for place, key in enumerate(CONTRACT_KEYS):
        left = {name: bodies[name] for name in CONTRACT_KEYS[place:]}
        assert list(parse({"id": "m", "tokenlab": left}).contract.operations) == [f"from-{key}"]


@pytest.mark.parametrize("bad", ["text", 7, [1], True])
def test_a_malformed_contract_or_extension_is_reported_and_the_next_name_read(bad: object) -> None:
    found = parse({"id": "m", "tokenlab": {"request_format_details": bad, "public_contract": contract()}})
    assert found.contract.source == "tokenlab.public_contract"
    assert [issue.field for issue in found.issues] == ["request_format_details"]
    found = parse({"id": "m", "tokenlab": bad, "lemondata": {"public_contract": contract()}})
    assert found.contract.source == "lemondata.public_contract"
    assert [issue.field for issue in found.issues] == ["tokenlab"]


def test_unknown_fields_are_kept() -> None:
    body = detail()
    body["new_top"] = {"a": [1]}
    body["tokenlab"]["request_format_details"]["new_field"] = {"b": 2}
    found = parse(body)
    assert found.raw["new_top"] == {"a": [1]}
    assert dict(found.contract.extra) == {"new_field": {"b": 2}}
    assert found.issues == ()


def test_the_constraint_fixture_gives_each_operation_its_own_fields() -> None:
    found = parse(recorded("model/constraints").json)
    assert found.issues == ()
    assert (found.detailed, found.contract.known) == (True, True)
    made, edit = found.contract.operations["text-to-image"], found.contract.operations["image-edit"]
    assert (made.endpoint, edit.endpoint) == (G, E)
    assert (made.confirmed, edit.confirmed) == (False, True)
    assert list(edit.params) == ["prompt", "images", "delivery_policy"]
    assert (edit.params["images"].confirmed, edit.params["prompt"].confirmed) == (True, False)
    assert (edit.shape_mode, edit.status_mode) == ("json_or_multipart", "inline_or_task")


def test_the_contract_of_june_is_read_under_its_old_names() -> None:
    found = parse(recorded("model/june_contract").json)
    assert found.issues == ()
    assert (found.contract.source, found.detailed) == ("lemondata.public_contract", True)
    both = found.contract.operations
    assert list(both) == ["text-to-image", "image-to-image"]
    assert both["image-to-image"].endpoint == G
    resolution = both["text-to-image"].params["resolution"]
    assert (resolution.choices, resolution.limits_from) == (("1k", "2k", "4k"), LimitSource.CONTRACT)
    assert set(found.contract.extra) == {
        *("contract_scope", "truth_source", "durations", "documented_outputs", "fallback_status_endpoints")
    }


def test_a_null_contract_takes_its_operations_from_supported_operations_unconfirmed() -> None:
    found = parse(recorded("model/null_contract").json)
    assert found.issues == ()
    assert (found.detailed, found.contract.known, found.contract.source) == (True, False, "")
    assert {name: op.endpoint for name, op in found.contract.operations.items()} == {
        "text-to-image": G,
        "image-edit": E,
    }
    for op in found.contract.operations.values():
        assert not op.confirmed
        assert not any(param.confirmed for param in op.params.values())


def test_the_list_names_operations_price_record_and_end() -> None:
    first, second = parse_list(recorded("models/recommended").json)
    assert (first.issues, second.issues) == ((), ())
    assert not first.detailed
    assert not first.contract.known
    assert (first.contract.source, list(first.contract.operations)) == (
        "tokenlab.request_format_summary",
        ["text-to-image"],
    )
    assert (first.price.low, first.price.high, first.price.free) == (0.15, 15.0, False)
    assert first.reliability is not None
    assert (first.reliability.rank, first.reliability.samples) == (1, 423)
    assert second.reliability is not None
    assert (second.reliability.rank, second.reliability.status) == (None, "insufficient_samples")
    assert (second.lifecycle.stage, second.lifecycle.replacement, second.lifecycle.latest) == (
        *("deprecated", "ideogram-v3"),
        True,
    )
    assert (second.price.low, second.price.free, second.price.free_until) == (None, True, "2026-10-01T00:00:00Z")
    assert second.contract.operations["image-edit"].endpoint == E


def test_the_compact_list_names_the_same_in_fewer_words() -> None:
    first, second = parse_list(recorded("models/compact").json)
    assert (first.issues, second.issues) == ((), ())
    assert (first.provider, first.category, first.detailed) == ("google", "image", False)
    assert (first.price.unit, first.price.low, first.price.high) == ("per_image", 0.0225, 0.0755)
    assert (first.lifecycle.stage, first.lifecycle.latest) == ("preview", True)
    assert first.reliability is not None
    assert first.reliability.success_rate == 0.991
    assert list(first.contract.operations) == ["text-to-image", "image-to-image"]
    assert (second.price.low, second.reliability) == (0.008, None)
    assert {name: op.endpoint for name, op in second.contract.operations.items()} == {"image-edit": E}, "by its route"


@pytest.mark.parametrize(
    "body", [None, [], {}, {"data": None}, {"data": "x"}, {"data": [None, 3, {}, {"id": ""}]}, 5, "x"]
)
def test_a_list_without_models_is_empty(body: object) -> None:
    assert parse_list(body) == ()


def test_a_bare_list_of_models_is_read_too() -> None:
    assert [found.id for found in parse_list([{"id": "a"}, {"id": "b"}])] == ["a", "b"]


@pytest.mark.parametrize("body", [None, [], "x", 7, True, {}, {"id": None}, {"id": 5}, {"id": []}])
def test_what_is_no_model_has_no_id_and_says_so(body: object) -> None:
    found = parse(body)
    assert found.id == ""
    assert "id" in [issue.field for issue in found.issues]


# ------------------------------------------------------------------------------ every value, replaced

# Fields that are kept, not read: any value of theirs is as good as another.
_UNREAD = {
    ("object",),
    ("created",),
    ("tokenlab", "accepted_request_formats"),
    ("tokenlab", "request_format_details", "recommended_request", "operation"),
}
_GARBAGE: tuple[Any, ...] = (
    *(None, 7, -1, 0.5, "garbage", "", [], ["x"], [7], [None], {}, {"a": 1}, True, False),
    *(float("nan"), float("inf"), 10**400, [[[{}]]], {"a": {"b": [{"c": None}]}}, ["x", {}], [["x"]]),
)


def _places(value: object, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    if path:
        yield path
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, below in entries:
        yield from _places(below, (*path, key))


def _replaced(path: tuple[Any, ...], value: object) -> tuple[object, object]:
    body: Any = copy.deepcopy(detail())
    holder = body
    for key in path[:-1]:
        holder = holder[key]
    old, holder[path[-1]] = holder[path[-1]], value
    return body, old


def _is_like(old: object, new: object) -> bool:
    """Whether the value could stand there by its JSON type; null may stand anywhere."""
    if new is None or isinstance(old, bool) or isinstance(new, bool):
        return new is None or type(old) is type(new)
    if isinstance(old, list | dict):
        return isinstance(new, type(old))
    number = (int, float)
    return isinstance(new, number) if isinstance(old, number) else isinstance(new, str)


@pytest.mark.parametrize("path", list(_places(detail())), ids=lambda path: ".".join(map(str, path)))
def test_no_value_anywhere_breaks_the_reading_and_a_wrong_type_is_reported(path: tuple[Any, ...]) -> None:
    for value in _GARBAGE:
        body, old = _replaced(path, value)
        found = parse(body)
        assert str(found.issues)
        if path in _UNREAD or _is_like(old, value):
            continue
        assert found.issues or path[:-1] == ("tokenlab", "pricing"), (path, value)
        assert all(issue.severity == "warning" for issue in found.issues)


def test_what_is_wrong_is_said_once_however_many_operations_read_it() -> None:
    found = model({**contract(), "aspect_ratios": 7})
    assert [str(issue) for issue in found.issues] == ["aspect_ratios: aspect_ratios should be a list, but is int."]


@pytest.mark.parametrize(
    ("pricing", "low", "high"),
    [
        ({"per_request": "0.03"}, 0.03, 0.03),
        ({"input_per_1m": "3.5", "output_per_1m": "21"}, 3.5, 21.0),
        ({"per_image": 0.02}, 0.02, 0.02),
        ({"min_price": "0.01"}, 0.01, None),
        ({"input_per_1m_tokens": 2, "output_per_1m_tokens": None}, 2.0, None),
        ({}, None, None),
        ({"min_price": "NaN", "max_price": "-1"}, None, None),
        ({"min_price": "cheap"}, None, None),
    ],
)
def test_an_unknown_price_is_unknown_and_never_zero(pricing: object, low: float | None, high: float | None) -> None:
    price = parse({"id": "m", "tokenlab": {"pricing": pricing}}).price
    assert (price.low, price.high) == (low, high)


def test_the_summary_of_prices_stands_in_where_prices_are_silent() -> None:
    price = parse({"id": "m", "tokenlab": {"pricing": {}, "pricing_summary": {"min_price": 1, "max_price": 2}}}).price
    assert (price.low, price.high) == (1.0, 2.0)


@pytest.mark.parametrize("field", ["concurrency", "prompt_max_characters"])
def test_a_limit_of_zero_is_no_limit(field: str) -> None:
    limits = model({"service_limits": {field: 0}}).contract.limits
    assert getattr(limits, field) is None


def test_half_a_request_at_once_is_malformed() -> None:
    found = model({"service_limits": {"concurrency": 2.5}})
    assert found.contract.limits.concurrency is None
    assert [issue.field for issue in found.issues] == ["service_limits.concurrency"]


def test_reprs_are_one_line_that_says_what_there_is() -> None:
    model = parse({"id": "m", "tokenlab": {"category": "image", "request_format_summary": {
        "public_operations": ["text-to-image"], "supported_parameters": ["prompt", "size"]}}})  # fmt: skip
    assert repr(model) == "Model('m', operations=['text-to-image'])"
    assert repr(model.contract) == ("Contract(from tokenlab.request_format_summary, operations=['text-to-image'])")
    operation = model.contract.operations["text-to-image"]
    assert repr(operation) == (
        "Operation('text-to-image', '/v1/images/generations', params=['prompt', 'size', 'delivery_policy'])"
    )
    assert repr(parse({"id": "m", "tokenlab": {}}).contract) == "Contract(nothing known for sure, operations=[])"
