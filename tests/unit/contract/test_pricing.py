"""Price x request -> estimate, and estimates -> total: what is unknown stays unknown, and free ends when it ends."""

from __future__ import annotations

import json
import math
import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.unit.contract.models import G
from tests.unit.contract.test_quotes import odd_body
from tokenlab_nb.contract.model import Price
from tokenlab_nb.contract.pricing import Estimate, Total, estimate, merged, total
from tokenlab_nb.contract.quotes import read_pricing
from tokenlab_nb.contract.request import ImageRequest

NOW = datetime(2026, 10, 1, 12, tzinfo=UTC).timestamp()
RANGE = Price("per_image", 0.0225, 0.0755)
TOKENS = Price("per_token", 3.5, 21.0)


def request(n: Any = None) -> ImageRequest:
    return ImageRequest("m", "text-to-image", G, {"prompt": "a fox"} | ({} if n is None else {"n": n}))


def free(until: str | None, **more: Any) -> Price:
    return Price("per_image", 0.02, 0.02, free=True, free_until=until, **more)


NOT_STATED = "no price is stated"
PER_TOKENS, PER_SECONDS, PER_CREDITS = (
    f"priced per {unit}: what a picture costs is not stated" for unit in ("token", "second", "credits")
)
NOT_ABOVE_ZERO = "no price above $0 is stated, nor that it is free"


@pytest.mark.parametrize(
    ("price", "n", "low", "high", "words", "basis"),
    [
        (RANGE, None, 0.0225, 0.0755, "$0.0225 - $0.0755", "1 picture at $0.0225 - $0.0755"),
        (RANGE, 1, 0.0225, 0.0755, "$0.0225 - $0.0755", "1 picture at $0.0225 - $0.0755"),
        (RANGE, 2, 0.045, 0.151, "$0.045 - $0.151", "2 pictures at $0.0225 - $0.0755"),
        (RANGE, 10, 0.225, 0.755, "$0.225 - $0.755", "10 pictures at $0.0225 - $0.0755"),
        (RANGE, 0, 0.0225, 0.0755, "$0.0225 - $0.0755", "1 picture at $0.0225 - $0.0755"),
        (Price("per_image", 0.02, 0.02), None, 0.02, 0.02, "$0.02", "1 picture at $0.02"),
        (Price("per_image", 0.02, 0.02), 4, 0.08, 0.08, "$0.08", "4 pictures at $0.02"),
        (Price("per_image", 0.02, 0.02), 2000, 40, 40, "$40", "2,000 pictures at $0.02"),
        (Price("per_request", 0.028, 0.028), None, 0.028, 0.028, "$0.028", "1 request at $0.028"),
        (Price("per_request", 0.028, 0.028), 4, 0.028, 0.028, "$0.028", "1 request at $0.028"),
        (Price("per_request", 0.002, 0.02), 3, 0.002, 0.02, "$0.002 - $0.02", "1 request at $0.002 - $0.02"),
        (Price("per_image", 0.08, 0.02), 2, 0.04, 0.16, "$0.04 - $0.16", "2 pictures at $0.02 - $0.08"),
        (Price("per_image", 0.02), 2, 0.04, None, "$0.04 or more", "2 pictures at $0.02 or more"),
        (Price("per_image", None, 0.08), 2, None, 0.16, "$0.16 or less", "2 pictures at $0.08 or less"),
        (Price("per_image", 0, 0.08), None, 0, 0.08, "$0 - $0.08", "1 picture at $0 - $0.08"),
        (TOKENS, None, None, None, "price unknown", PER_TOKENS),
        (Price("per_token", 0.25, 30), 4, None, None, "price unknown", PER_TOKENS),
        (Price("per_token"), None, None, None, "price unknown", NOT_STATED),
        (
            Price("per_token", 3.5, 21, beside=RANGE),
            2,
            0.045,
            0.151,
            "$0.045 - $0.151",
            "2 pictures at $0.0225 - $0.0755",
        ),
        (
            Price("per_token", 3.5, 21, beside=Price("per_request", 0.1, 0.1)),
            2,
            0.1,
            0.1,
            "$0.10",
            "1 request at $0.10",
        ),
        (Price("per_token", 3.5, 21, beside=Price("per_image")), 1, None, None, "price unknown", PER_TOKENS),
        (Price("per_second", 0.05, 0.05), None, None, None, "price unknown", PER_SECONDS),
        (Price("credits", 1, 1), None, None, None, "price unknown", PER_CREDITS),
        (Price("", 0.02, 0.08), None, None, None, "price unknown", "the unit of the price is not stated"),
        (Price("per_image"), 4, None, None, "price unknown", NOT_STATED),
        (Price(), None, None, None, "price unknown", NOT_STATED),
        (Price("per_image", 0, 0), None, None, None, "price unknown", NOT_ABOVE_ZERO),
        (Price("per_image", 0), None, None, None, "price unknown", NOT_ABOVE_ZERO),
        (Price("per_image", math.nan, math.inf), None, None, None, "price unknown", NOT_ABOVE_ZERO),
        (Price("per_image", -1, 0.02), None, None, 0.02, "$0.02 or less", "1 picture at $0.02 or less"),
        (Price("per_image", 1, 1.7e308), 10, 10, None, "$10 or more", None),
        (Price("per_image", 0.02, 0.02), 10**400, None, None, "price unknown", NOT_ABOVE_ZERO),
        (free(None), 4, 0, 0, "free", "free"),
        (Price(free=True), None, 0, 0, "free", "free"),
        (Price("per_token", 3.5, 21, free=True, beside=RANGE), None, 0, 0, "free", "free"),
        (free("2027-03-31T00:00:00Z"), 4, 0, 0, "free", "free until 31 Mar 2027"),
        (free("2026-09-30"), 4, 0.08, 0.08, "$0.08", "4 pictures at $0.02"),
        (free("soon"), 1, 0.02, 0.02, "$0.02", "1 picture at $0.02"),
        (Price(free=True, free_until="2026-09-30"), 1, None, None, "price unknown", NOT_STATED),
        (Price("per_token", 3.5, 21, free=True, free_until=""), 1, None, None, "price unknown", PER_TOKENS),
        (Price("per_image", 0.02, 0.02, free_until="2099-01-01"), 1, 0.02, 0.02, "$0.02", "1 picture at $0.02"),
    ],
)
def test_an_estimate(
    price: Price, n: Any, low: float | None, high: float | None, words: str, basis: str | None
) -> None:
    found = estimate(price, request(n), NOW)
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))
    assert (found.words, str(found)) == (words, words)
    assert found.basis == basis or basis is None
    assert found.is_known is (high is not None)
    assert found.is_free is (words == "free")
    assert Estimate.from_json(json.loads(json.dumps(found.to_json(), allow_nan=False))) == found


_NOON = NOW
_NIGHT = datetime(2026, 10, 2, tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("until", "end"),
    [
        ("2026-10-01T12:00:00Z", _NOON),
        ("2026-10-01T12:00:00.000Z", _NOON),
        ("2026-10-01T12:00:00", _NOON),
        ("2026-10-01 12:00", _NOON),
        ("2026-10-01T14:00:00+02:00", _NOON),
        ("2026-10-01T00:00:00-12:00", _NOON),
        ("20261001T120000Z", _NOON),
        ("2026-10-01", _NIGHT),
        ("20261001", _NIGHT),
        ("2026-10-01T23:59:59.999999Z", _NIGHT - 1e-6),
        ("2026-10-01T00:00:00Z", _NIGHT - 86_400),
    ],
)
def test_free_ends_at_the_moment_it_says_and_a_bare_date_at_the_end_of_its_day(until: str, end: float) -> None:
    assert estimate(free(until), request(), end - 0.001).is_free
    assert not estimate(free(until), request(), end).is_free
    assert estimate(free(until), request(), end).high == 0.02


@pytest.mark.parametrize("until", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-14:00"])
def test_the_last_date_there_is_can_be_read(until: str) -> None:
    assert estimate(free(until), request(), NOW).is_free


@pytest.mark.parametrize(
    "until",
    ["0001-01-01", "0001-01-01T00:00:00+14:00", "", " ", "soon", "2099", "2099-13-01", "2099-01-32", "2099-01-01T25:00",
     "1/2/2099", "4102444800", "an unreadable date", "\ud800", "\uff12\uff10\uff19\uff19-01-01"],
)  # fmt: skip
def test_what_is_over_or_cannot_be_read_is_not_free(until: str) -> None:
    assert estimate(free(until), request(), NOW).high == 0.02


def test_any_moment_and_any_zone() -> None:
    chance = random.Random(7)
    for _ in range(300):
        moment = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=chance.randrange(10**9))
        zone = f"{chance.choice('+-')}{chance.randrange(14):02}:{chance.choice((0, 30, 45)):02}"
        local = moment.astimezone(datetime.fromisoformat(f"2026-01-01T00:00:00{zone}").tzinfo)
        assert estimate(free(local.isoformat()), request(), moment.timestamp() - 1).is_free
        assert not estimate(free(local.isoformat()), request(), moment.timestamp()).is_free


@pytest.mark.parametrize("seed", range(10))
def test_no_odd_price_is_ever_free_or_breaks_the_arithmetic(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        stated = read_pricing(odd_body(chance))
        price = merged(read_pricing(odd_body(chance)), stated)
        found = estimate(price, request(chance.choice((None, 1, 3))), NOW)
        assert not found.is_free, price
        assert found.words, price
        assert found.basis, price
        assert Estimate.from_json(found.to_json()) == found
        assert total([found]).known == int(found.is_known)


# ------------------------------------------------------------------------------------------ records


def test_a_record_of_a_newer_version_or_a_damaged_one_is_read_as_far_as_it_goes() -> None:
    row = {"low": 0.02, "high": 0.08, "basis": "b", "currency": "USD", "tier": {"a": 1}}
    assert Estimate.from_json(row) == Estimate(0.02, 0.08, "b")
    assert Estimate.from_json({}) == Estimate(basis="")
    odd = Estimate.from_json({"low": "x", "high": math.nan, "basis": 7})
    assert (odd.is_known, odd.is_free, odd.words) == (False, False, "price unknown")
    assert not Estimate.from_json({"high": None}).is_free


# ------------------------------------------------------------------------------------------ totals

UNKNOWN, FREE, OPEN = Estimate(), Estimate(0.0, 0.0, "free"), Estimate(0.5)
TWO, FOUR, SPAN = Estimate(0.02, 0.02), Estimate(0.04, 0.04), Estimate(0.02, 0.08)


@pytest.mark.parametrize(
    ("estimates", "expected", "words"),
    [
        ([], Total(), ""),
        ([FREE], Total(0, 0, 1), "free"),
        ([FREE, FREE], Total(0, 0, 2), "free"),
        ([FOUR], Total(0.04, 0.04, 1), "about $0.04"),
        ([TWO, TWO], Total(0.04, 0.04, 2), "about $0.04"),
        ([FOUR, FREE], Total(0.04, 0.04, 2), "about $0.04"),
        ([SPAN], Total(0.02, 0.08, 1), "$0.02 - $0.08"),
        ([SPAN, FOUR], Total(0.06, 0.12, 2), "$0.06 - $0.12"),
        ([FOUR, UNKNOWN], Total(0.04, 0.04, 1, 1), "$0.04 + 1 unknown price"),
        ([SPAN, UNKNOWN, UNKNOWN], Total(0.02, 0.08, 1, 2), "$0.02 - $0.08 + 2 unknown prices"),
        ([FREE, UNKNOWN], Total(0, 0, 1, 1), "free + 1 unknown price"),
        ([UNKNOWN], Total(unknown=1), "1 unknown price"),
        ([UNKNOWN, UNKNOWN], Total(unknown=2), "2 unknown prices"),
        ([OPEN], Total(unknown=1), "1 unknown price"),
        ([OPEN, TWO], Total(0.02, 0.02, 1, 1), "$0.02 + 1 unknown price"),
        ([Estimate(None, 0.08)], Total(0, 0.08, 1), "$0.08 or less"),
        ([Estimate(0.029411, 0.029412)], Total(0.029411, 0.029412, 1), "about $0.0294"),
    ],
)
def test_a_total(estimates: list[Estimate], expected: Total, words: str) -> None:
    found = total(iter(estimates))
    assert (found.low, found.high) == (pytest.approx(expected.low), pytest.approx(expected.high))
    assert (found.known, found.unknown) == (expected.known, expected.unknown)
    assert (found.words, str(found)) == (words, words)


# ------------------------------------------------------------------------------------------ both places


@pytest.mark.parametrize(
    ("own", "stated", "price"),
    [
        (Price(), Price(), Price()),
        (RANGE, Price(), RANGE),
        (RANGE, Price("per_token"), RANGE),
        (Price("per_image"), Price("per_request"), Price("per_request")),
        (Price("per_image"), Price(), Price("per_image")),
        (Price(), RANGE, RANGE),
        (Price("per_image", 0.01, 0.02), RANGE, RANGE),
        (RANGE, Price("per_image", 0.05), Price("per_image", 0.05, 0.0755)),
        (RANGE, Price("per_image", None, 0.05), Price("per_image", 0.0225, 0.05)),
        (RANGE, Price("", 0.01, 0.02), Price("per_image", 0.01, 0.02)),
        (RANGE, TOKENS, TOKENS),
        (TOKENS, RANGE, RANGE),
        (TOKENS, Price("per_image", 0.02), Price("per_image", 0.02)),
        (TOKENS, Price("per_token", beside=RANGE), Price("per_token", 3.5, 21.0, beside=RANGE)),
        (Price("per_token", 1, 2, beside=RANGE), TOKENS, Price("per_token", 3.5, 21.0, beside=RANGE)),
        (Price("per_token", 1, 2, beside=RANGE), Price("per_image", 0.1, 0.1), Price("per_image", 0.1, 0.1)),
        (free("2027-01-01"), RANGE, Price("per_image", 0.0225, 0.0755, free=True, free_until="2027-01-01")),
        (RANGE, free(None), Price("per_image", 0.02, 0.02)),
    ],
)
def test_the_pricing_route_wins_where_it_states_something_and_the_model_says_what_is_free(
    own: Price, stated: Price, price: Price
) -> None:
    assert merged(own, stated) == price


def test_an_estimate_shows_itself_in_words() -> None:
    assert (
        repr(Estimate(0.02, 0.08, "1 picture at $0.02 - $0.08"))
        == "Estimate($0.02 - $0.08: 1 picture at $0.02 - $0.08)"
    )
