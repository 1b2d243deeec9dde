"""What a model's facts are called on the screen: price, record, lifecycle, limits. Unknown is said, never guessed."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime
from typing import Final

from tokenlab_nb.contract.model import (
    PER_IMAGE,
    PER_REQUEST,
    PER_TOKEN,
    Lifecycle,
    LimitSource,
    Param,
    Price,
    Reliability,
)

_MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_UNITS: Final = {PER_IMAGE: "an image", PER_REQUEST: "a request"}

_SOURCES: Final = {
    LimitSource.CONTRACT: "from the contract",
    LimitSource.DOCUMENTATION: "from the documentation",
    LimitSource.NOBODY: "limits not stated",
}


def money(amount: float) -> str:
    """An amount in US dollars, with three significant digits below one dollar: ``$21``, ``$3.50``, ``$0.0195``."""
    if amount <= 0:
        return "$0"
    if amount >= 1:
        return f"${amount:,.2f}".removesuffix(".00")
    decimals = 2 - math.floor(math.log10(amount))
    whole, _, fraction = f"{amount:.{decimals}f}".partition(".")
    return f"${whole}.{fraction.rstrip('0').ljust(2, '0')}"


def price(value: Price) -> str:
    """A model's price in a few words: ``$0.02 - $0.08 an image``, ``price unknown``."""
    if value.free:
        return f"free until {date(value.free_until)}" if value.free_until else "free"
    if value.beside and value.beside.is_stated:
        return "; ".join(price(each) for each in (value.beside, replace(value, beside=None)) if each.is_stated)
    if not value.is_stated:
        return "price unknown"
    if value.unit == PER_TOKEN:
        return f"per token: {_side(value.low)} in, {_side(value.high)} out per 1M"
    unit = _UNITS.get(value.unit) or value.unit.replace("_", " ") or "(unit not stated)"
    ends = dict.fromkeys((_side(value.low), _side(value.high)))
    return f"{' - '.join(ends)} {unit}"


def price_rank(value: Price) -> tuple[int, float, float]:
    """Sorts by price: free, then per picture or request, then per token, then other units, the unknown last."""
    if value.free:
        return (0, 0.0, 0.0)
    told = value.counted or value
    known = [amount for amount in (told.low, told.high) if amount is not None]
    if not known:
        return (4, 0.0, 0.0)
    group = 1 if told.unit in _UNITS else 2 if told.unit == PER_TOKEN else 3
    return (group, min(known), max(known))


def record(value: Reliability | None) -> str:
    """The service's own 24-hour record: ``99.1 % of 412 in 24 h``, ``too few samples (12)``, ``no record``."""
    if value is None:
        return "no record"
    if value.status == "insufficient_samples":
        return f"too few samples ({value.samples:,})"
    if value.success_rate is None:
        return "no record"
    return f"{value.success_rate * 100:.1f} % of {value.samples:,} in 24 h"


def life(value: Lifecycle) -> tuple[str, ...]:
    """What is worth knowing about a model's age: ``retires 1 Dec 2026 -> new-model``, ``preview``, ``latest``."""
    arrow = f" -> {value.replacement}" if value.replacement else ""
    words = ["latest"] if value.latest else []
    if value.stage == "retired":
        words.append(f"retired{arrow}")
    elif value.sunset_at:
        words.append(f"retires {date(value.sunset_at)}{arrow}")
    elif value.stage != "active":
        words.append(f"{value.stage.replace('_', ' ')}{arrow}")
    elif value.replacement:
        words.append(f"replaced{arrow}")
    if value.sunset_at and value.stage == "preview":
        words.append("preview")
    return tuple(words)


def date(stamp: str) -> str:
    """An ISO 8601 date for people, in its own time zone: ``1 Dec 2026``. What is no date comes back as it is."""
    try:
        day = datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"


def limits(param: Param) -> str:
    """A parameter's bounds in a few words, without the list of its choices; empty where nothing bounds it."""
    if param.size_rule:
        return param.size_rule.describe()
    if param.max_length is not None:
        return f"at most {param.max_length:,} characters"
    low, high = param.minimum, param.maximum
    if low is not None and high is not None:
        return f"{low:,} to {high:,}"
    if low is not None:
        return f"{low:,} or more"
    return "" if high is None else f"{high:,} or less"


def source(param: Param) -> str:
    """Who stated a parameter's limits."""
    return _SOURCES[param.limits_from]


def _side(amount: float | None) -> str:
    return "unknown" if amount is None else money(amount)
