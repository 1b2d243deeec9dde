"""Price JSON -> `Price`: list, detail, compact view and pricing route, however odd."""

from __future__ import annotations

import math
import random
from typing import Any

import pytest

from tests.recorded import recorded
from tokenlab_nb.contract.model import Price
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.contract.quotes import read_pricing
from tokenlab_nb.sandbox.catalog import load_catalog
from tokenlab_nb.sandbox.listing import model_detail, model_list, model_pricing

RANGE = Price("per_image", 0.02, 0.08)


def own(**extension: object) -> Price:
    return parse({"id": "m", "tokenlab": extension}).price


@pytest.mark.parametrize(
    ("case", "price"),
    [
        ("one_image", Price("per_image", 0.0195, 0.0195)),
        ("one_request", Price("per_request", 0.028, 0.028)),
        ("range", Price("per_image", 0.0225, 0.0755)),
        ("tokens", Price("per_token", 3.5, 21.0)),
        ("token_range", Price("per_token", 0.25, 30.0)),
        ("beside_tokens", Price("per_token", 3.5, 21.0, beside=RANGE)),
        ("dashboard", Price("per_image")),
    ],
)
def test_the_answers_of_the_pricing_route(case: str, price: Price) -> None:
    assert read_pricing(recorded(f"pricing/{case}").json) == price


@pytest.mark.parametrize(
    ("unit", "prices", "price"),
    [
        ("per_image", {"per_request": "0.02"}, Price("per_image", 0.02, 0.02)),
        ("per_request", {"per_image": 0.02}, Price("per_image", 0.02, 0.02)),
        ("per_second", {"per_request": 0.02}, Price("per_second", 0.02, 0.02)),
        ("", {"per_request": 0.02}, Price("per_request", 0.02, 0.02)),
        ("", {"per_image": 0.02}, Price("per_image", 0.02, 0.02)),
        ("", {"input_per_1m": 2}, Price("per_token", 2.0)),
        ("", {"min_price": 1, "max_price": 2}, Price("", 1.0, 2.0)),
        ("", {"unit": "per_image", "min_price": 1}, Price("per_image", 1.0)),
        ("per_image", {"input_per_1m": 3.5, "output_per_1m": 21}, Price("per_token", 3.5, 21.0)),
        ("per_token", {"input_per_1m": 3.5, "min_price": 1, "max_price": 30}, Price("per_token", 3.5, 30.0)),
        ("per_token", {"output_per_1m": 2, "min_price": 5}, Price("per_token", 5.0, 2.0)),
        ("per_token", {"output_per_1m": 0}, Price("per_token", None, 0.0)),
        ("per_token", {"per_request": 0.02}, Price("per_request", 0.02, 0.02)),
        (
            "per_token",
            {"output_per_1m": 21, "per_request": 0.02},
            Price("per_token", None, 21.0, beside=Price("per_request", 0.02, 0.02)),
        ),
        ("per_image", {"min_price": 0.08, "max_price": 0.02}, RANGE),
        ("per_image", {"min_price": 0.02, "max_price": 0.05, "per_image": 0.08}, RANGE),
        ("per_image", {"min_price": 0.05, "max_price": 0.08, "per_request": 0.02}, RANGE),
        ("per_image", {"min_price": 0, "max_price": 0.08}, Price("per_image", 0.0, 0.08)),
        ("per_image", {"max_price": 0.08}, Price("per_image", None, 0.08)),
        ("per_image", {"per_image": 0, "per_request": "0.00", "min_price": 0}, Price("per_image")),
        ("per_image", {"min_price": 0.02, "max_price": 0}, Price("per_image", 0.02)),
        ("per_image", {"currency": "EUR", "per_image": 0.02}, Price("per_image")),
        ("per_image", {"currency": "USD", "per_image": 0.02}, Price("per_image", 0.02, 0.02)),
        ("per_image", {"price": 0.02}, Price("per_image", 0.02, 0.02)),
        ("per_image", {"per_image": -1, "per_request": "1e999", "min_price": "NaN"}, Price("per_image")),
    ],
)
def test_every_name_means_one_unit_whoever_says_it(unit: str, prices: dict[str, object], price: Price) -> None:
    assert own(pricing_unit=unit, pricing=prices) == price
    assert read_pricing({"pricing_unit": unit, "scalar_pricing": prices}) == price
    compact = parse({"id": "m", "pricing": {"unit": unit, **prices}}).price
    assert compact == price


def test_a_summary_widens_the_range_and_may_speak_of_another_unit() -> None:
    summary = {"unit": "per_image", "min_price": 0.02, "max_price": 0.08}
    for place in ("pricing_summary", "pricing_details"):
        stated = {"pricing_unit": "per_image", "scalar_pricing": {"per_request": 0.05}, place: summary}
        assert read_pricing(stated) == RANGE
        stated = {"pricing_unit": "per_token", "scalar_pricing": {"input_per_1m": 2}, place: summary}
        assert read_pricing(stated) == Price("per_token", 2.0, beside=RANGE)
    assert own(pricing_unit="per_token", pricing={"input_per_1m": 2}, pricing_summary=summary).beside == RANGE


def test_a_range_in_the_details_counts_only_with_a_unit_of_its_own() -> None:
    details = {"min_price": 1, "max_price": 2}
    assert read_pricing({"pricing_unit": "per_image", "pricing_details": details}) == Price("", 1.0, 2.0)
    body = {"pricing_unit": "per_image", "scalar_pricing": {"per_request": 0.02}, "pricing_details": details}
    assert read_pricing(body) == Price("per_image", 0.02, 0.02)


@pytest.mark.parametrize("until", [7, 20991231, True, [], {}, ["2099-01-01"]])
def test_an_end_that_is_no_text_is_not_the_same_as_no_end(until: object) -> None:
    found = parse({"id": "m", "tokenlab": {"commercial": {"user_charge_policy": "free", "free_until": until}}})
    assert (found.price.free, found.price.free_until) == (True, "an unreadable date")
    assert "commercial.free_until" in [issue.field for issue in found.issues]


@pytest.mark.parametrize("until", [None, ""])
def test_no_end_is_none(until: object) -> None:
    assert own(commercial={"user_charge_policy": "free", "free_until": until}) == Price(free=True)


@pytest.mark.parametrize("body", [None, [], "x", 7, True, {}, {"error": {"message": "no"}}, {"scalar_pricing": []}])
def test_what_is_no_price_is_unknown(body: object) -> None:
    assert read_pricing(body) == Price()


@pytest.mark.parametrize("entry", load_catalog().listed, ids=lambda entry: entry.id)
def test_the_sandbox_says_the_same_in_every_place(entry: Any) -> None:
    detail, route = parse(model_detail(entry)).price, read_pricing(model_pricing(entry))
    assert (route.unit, route.low, route.high, route.beside) == (detail.unit, detail.low, detail.high, detail.beside)
    rows = {row["id"]: row for row in model_list(load_catalog(), {}, 0.0)["data"]}
    assert parse(rows[entry.id]).price == detail


_VALUES: tuple[Any, ...] = (
    *(None, True, False, "", "x", "0", "0.02", "1e400", "-1", "NaN", 0, 0.02, 3, -1, 10**400, math.nan, math.inf),
    *([], {}, [1], {"a": 1}, "per_image", "per_request", "per_token", "USD", "EUR"),
)
_NAMES = (
    *("unit", "currency", "min_price", "max_price", "price", "per_image", "per_request", "input_per_1m"),
    *("output_per_1m", "input_per_1m_tokens", "output_per_1m_tokens", "\ud800"),
)


def odd_body(chance: random.Random) -> dict[str, Any]:
    """A body of the pricing route with any value anywhere."""
    body: dict[str, Any] = {"pricing_unit": chance.choice(_VALUES)}
    for name in ("scalar_pricing", "pricing_summary", "pricing_details"):
        filled = {key: chance.choice(_VALUES) for key in chance.sample(_NAMES, 5)}
        body[name] = filled if chance.random() < 0.9 else chance.choice(_VALUES)
    return body


@pytest.mark.parametrize("seed", range(20))
def test_odd_json_never_breaks_the_reading_nor_makes_a_price_of_zero(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        body = odd_body(chance)
        counted = read_pricing(body).counted
        if counted:
            low, high = counted.low, counted.high
            assert high is None or (high > 0 and math.isfinite(high)), body
            assert low is None or high is None or low <= high, body
            assert low != 0 or high, body
