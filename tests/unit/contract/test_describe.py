import pytest

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.model import Lifecycle, LimitSource, Param, Price, Reliability, SizeRule


@pytest.mark.parametrize(
    ("amount", "text"),
    [
        (21, "$21"),
        (3.5, "$3.50"),
        (1234.5, "$1,234.50"),
        (0.5, "$0.50"),
        (0.02, "$0.02"),
        (0.029411764705, "$0.0294"),
        (0.000441176, "$0.000441"),
        (0, "$0"),
    ],
)
def test_money_keeps_what_matters(amount: float, text: str) -> None:
    assert describe.money(amount) == text


@pytest.mark.parametrize(
    ("price", "text"),
    [
        (Price("per_image", 0.02, 0.08), "$0.02 - $0.08 an image"),
        (Price("per_request", 0.004, 0.004), "$0.004 a request"),
        (Price("per_token", 3.5, 21), "per token: $3.50 in, $21 out per 1M"),
        (Price("per_token", 3.5), "per token: $3.50 in, unknown out per 1M"),
        (Price("per_second", 0.05, 0.05), "$0.05 per second"),
        (Price("", 0.05, 0.05), "$0.05 (unit not stated)"),
        (Price("per_image", free=True, free_until="2026-12-01T00:00:00Z"), "free until 1 Dec 2026"),
        (Price(free=True), "free"),
        (
            Price("per_token", 3.5, 21, beside=Price("per_image", 0.02, 0.08)),
            "$0.02 - $0.08 an image; per token: $3.50 in, $21 out per 1M",
        ),
        (Price("per_token", beside=Price("per_request", 0.02, 0.02)), "$0.02 a request"),
        (Price("per_token", 3.5, 21, free=True, beside=Price("per_image", 0.02, 0.08)), "free"),
        (Price(), "price unknown"),
        (Price("per_image"), "price unknown"),
        (Price("per_token", beside=Price("per_image")), "price unknown"),
    ],
)
def test_a_price_is_said_and_an_unknown_one_is_never_zero(price: Price, text: str) -> None:
    assert describe.price(price) == text


def test_prices_sort_free_first_and_unknown_last() -> None:
    prices = [
        Price(free=True),
        Price("per_image", 0.02, 0.08),
        Price("per_request", 0.03),
        Price("per_token", 3.5, 21, beside=Price("per_image", 0.04, 0.08)),
        Price("per_token", 0.01, 0.02),
        Price("per_second", high=0.001),
        Price(),
    ]
    assert sorted((prices[i] for i in (3, 5, 1, 6, 4, 0, 2)), key=describe.price_rank) == prices


@pytest.mark.parametrize(
    ("record", "text"),
    [
        (Reliability(1, 0.991, 412, "ready"), "99.1 % of 412 in 24 h"),
        (Reliability(1, 0.987, 1204), "98.7 % of 1,204 in 24 h"),
        (Reliability(None, 1.0, 12, "insufficient_samples"), "too few samples (12)"),
        (Reliability(), "no record"),
        (None, "no record"),
    ],
)
def test_a_record_comes_with_its_sample_count(record: Reliability | None, text: str) -> None:
    assert describe.record(record) == text


@pytest.mark.parametrize(
    ("life", "words"),
    [
        (Lifecycle(), ()),
        (Lifecycle(latest=True), ("latest",)),
        (Lifecycle("preview"), ("preview",)),
        (Lifecycle("preview", sunset_at="2026-12-01"), ("retires 1 Dec 2026", "preview")),
        (
            Lifecycle("deprecated", replacement="new", sunset_at="2026-12-01T00:00:00Z"),
            ("retires 1 Dec 2026 -> new",),
        ),
        (Lifecycle("deprecated", replacement="new"), ("deprecated -> new",)),
        (Lifecycle("retired", replacement="new", sunset_at="2026-01-01"), ("retired -> new",)),
        (Lifecycle("active", replacement="new"), ("replaced -> new",)),
        (Lifecycle("deprecated", sunset_at="soon"), ("retires soon",)),
    ],
)
def test_a_lifecycle_is_said_in_words(life: Lifecycle, words: tuple[str, ...]) -> None:
    assert describe.life(life) == words


@pytest.mark.parametrize(
    ("param", "text"),
    [
        (Param("n", "integer", minimum=1, maximum=10), "1 to 10"),
        (Param("n", "integer", minimum=1), "1 or more"),
        (Param("n", "integer", maximum=10), "10 or less"),
        (Param("n", "integer"), ""),
        (Param("prompt", "text", max_length=4000), "at most 4,000 characters"),
        (Param("size", "string", size_rule=(rule := SizeRule(16, 3840, 3, 1, 9))), rule.describe()),
    ],
)
def test_limits_are_said_in_a_few_words(param: Param, text: str) -> None:
    assert describe.limits(param) == text


def test_every_source_of_limits_has_its_words() -> None:
    words = [describe.source(Param("n", "integer", limits_from=source)) for source in LimitSource]
    assert words == ["from the contract", "from the documentation", "limits not stated"]
