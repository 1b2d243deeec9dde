"""What a request will cost: `Price` x `ImageRequest` -> `Estimate`, and many estimates -> `Total`. Unknown is never 0.

Vendor pages: Get model pricing, List models (fields ``pricing_unit`` and ``commercial``), Billing.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from typing import Any, Final, Self

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.model import COUNTED_UNITS, PER_IMAGE, Price
from tokenlab_nb.contract.reading import Reader
from tokenlab_nb.contract.request import ImageRequest

_DAY: Final = 86_400.0  # seconds


@dataclass(frozen=True, slots=True, repr=False)
class Estimate:
    """What one request will cost, in US dollars.

    Attributes:
        low: The least; None where it is not stated.
        high: The most; None where it is not stated, which no budget can hold.
        basis: What it rests on, in one short sentence.
    """

    low: float | None = None
    high: float | None = None
    basis: str = "no price is stated"

    def __repr__(self) -> str:
        return f"Estimate({self.words}: {self.basis})"

    def __str__(self) -> str:
        return self.words

    @property
    def is_known(self) -> bool:
        """Whether it is known what the request costs at most."""
        return self.high is not None

    @property
    def is_free(self) -> bool:
        """Whether it is known to cost nothing."""
        return self.high == 0

    @property
    def words(self) -> str:
        """For people: ``$0.02 - $0.08``, ``free``, ``price unknown``."""
        return "free" if self.is_free else _span(self.low, self.high) or "price unknown"

    def to_json(self) -> dict[str, object]:
        """Return plain JSON values; `from_json` is its inverse."""
        return asdict(self)

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild an estimate from `to_json`. Unknown keys are passed over; what cannot be read is unknown."""
        reader = Reader()
        low, high = (reader.number(record.get(name), name) for name in ("low", "high"))
        return cls(low, high, reader.text(record.get("basis"), "basis"))


@dataclass(frozen=True, slots=True)
class Total:
    """What several requests will cost together, in US dollars.

    Attributes:
        low: The least that the known ones cost.
        high: The most that the known ones cost.
        known: How many are known.
        unknown: How many are not; they are in neither sum.
    """

    low: float = 0.0
    high: float = 0.0
    known: int = 0
    unknown: int = 0

    def __str__(self) -> str:
        return self.words

    @property
    def words(self) -> str:
        """For people: ``about $0.04``, ``$0.02 - $0.08 + 1 unknown price``, ``free``; empty for no request at all."""
        parts = [_span(self.low or None, self.high) if self.high else "free"] if self.known else []
        if self.unknown:
            parts.append(f"{self.unknown:,} unknown price{'s' if self.unknown > 1 else ''}")
        elif parts == [describe.money(self.high)]:
            return f"about {parts[0]}"
        return " + ".join(parts)


def estimate(price: Price, request: ImageRequest, now: float) -> Estimate:
    """Tell what a request will cost.

    A price per image counts once for each picture asked for, a price per request once. A price in any other unit
    (tokens, seconds) cannot be told beforehand, unless a picture's price is stated beside it.

    Args:
        price: Of the request's model.
        request: The request; without ``n`` it asks for one picture.
        now: Seconds since 1970, to see whether a free promotion still lasts.
    """
    if _is_free(price, now):
        return Estimate(0.0, 0.0, describe.price(price))
    stated = price.counted
    if stated is None:
        return Estimate(basis=_why_unknown(price))
    count, what = (request.count, "picture") if stated.unit == PER_IMAGE else (1, "request")
    each, ends = _ends(stated, 1), _ends(stated, count)
    if not any(ends):
        return Estimate(basis="no price above $0 is stated, nor that it is free")
    return Estimate(ends[0], ends[1] or None, f"{count:,} {what}{'s' if count > 1 else ''} at {_span(*each)}")


def total(estimates: Iterable[Estimate]) -> Total:
    """Add up estimates. One whose most is not known counts as unknown, even if its least is stated."""
    every = list(estimates)
    known = [each for each in every if each.is_known]
    return Total(
        low=sum(each.low or 0.0 for each in known),
        high=sum(each.high or 0.0 for each in known),
        known=len(known),
        unknown=len(every) - len(known),
    )


def merged(own: Price, stated: Price) -> Price:
    """A model's price from both places that state one.

    Args:
        own: From the model itself, the only place that tells whether it is free (``commercial``).
        stated: From the model's pricing route, which wins where it states something.
    """
    unit = stated.unit or own.unit
    if stated.is_stated:
        rest = own if own.unit == unit else Price()  # amounts of another unit say nothing about this one
        low = rest.low if stated.low is None else stated.low
        main = Price(unit, low, rest.high if stated.high is None else stated.high)
    else:
        main = own if own.is_stated else Price(unit)
    beside = None if main.is_stated and main.unit in COUNTED_UNITS else stated.beside or own.beside
    return replace(main, free=own.free, free_until=own.free_until, beside=beside)


def _is_free(price: Price, now: float) -> bool:
    """Whether the free policy holds now. An end that cannot be read may be over: then the stated price counts."""
    if not price.free or price.free_until is None:
        return price.free
    end = _end(price.free_until)
    return end is not None and now < end


def _end(stamp: str) -> float | None:
    """When a promotion ends, in seconds since 1970: a bare date at the end of its day, without a zone in UTC."""
    try:
        day = date.fromisoformat(stamp)
    except ValueError:
        pass
    else:
        return datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() + _DAY
    try:
        moment = datetime.fromisoformat(stamp)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def _why_unknown(price: Price) -> str:
    if not price.is_stated:
        return "no price is stated"
    if not price.unit:
        return "the unit of the price is not stated"
    per = price.unit.removeprefix("per_").replace("_", " ")
    return f"priced per {per}: what a picture costs is not stated"


def _ends(price: Price, count: int) -> tuple[float | None, float | None]:
    """Least and most of so many units, in order."""
    low, high = _times(price.low, count), _times(price.high, count)
    return (high, low) if low is not None and high is not None and low > high else (low, high)


def _times(amount: float | None, count: int) -> float | None:
    """The product, or None where that is no amount of money, however odd the numbers are."""
    try:
        product = math.nan if amount is None else amount * count
    except OverflowError:
        return None
    return product if math.isfinite(product) and product >= 0 else None


def _span(low: float | None, high: float | None) -> str:
    """``$0.02 - $0.08``, or its one known end; empty where neither is known."""
    if low is None or high is None:
        known = high if low is None else low
        return "" if known is None else f"{describe.money(known)} or {'more' if high is None else 'less'}"
    return " - ".join(dict.fromkeys((describe.money(low), describe.money(high))))
