"""Price JSON -> `Price`: the model's own price fields, and the answer of the pricing route. Nothing here raises.

Shapes: the vendor's schemas ``ModelListTokenLabExtension``, ``CompactModelListItem`` and ``ModelPricingResponse``.
Prices come as strings or numbers. The price objects are open: names that we do not know are passed over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace

from tokenlab_nb.contract.model import COUNTED_UNITS, PER_IMAGE, PER_REQUEST, PER_TOKEN, Price
from tokenlab_nb.contract.reading import Reader

_INPUT = ("input_per_1m", "input_per_1m_tokens")
_OUTPUT = ("output_per_1m", "output_per_1m_tokens")


def own_price(reader: Reader, extension: Mapping[str, object]) -> Price:
    """The price in a model's own fields: ``pricing_unit``, ``pricing``, ``pricing_summary`` and ``commercial``.

    Args:
        reader: Notes what is malformed.
        extension: The model's extension object; in the compact view, the whole item.
    """
    prices = reader.mapping(extension.get("pricing"), "pricing")
    summary = reader.mapping(extension.get("pricing_summary"), "pricing_summary")
    commercial = reader.mapping(extension.get("commercial"), "commercial")
    unit = reader.text(extension.get("pricing_unit"), "pricing_unit") or reader.text(prices.get("unit"), "pricing.unit")
    return replace(
        _stated(reader, unit, ((prices, unit), (summary, unit))),
        free=reader.text(commercial.get("user_charge_policy"), "commercial.user_charge_policy") == "free",
        free_until=_until(reader, commercial.get("free_until")),
    )


def read_pricing(body: object) -> Price:
    """Read the answer of ``GET /v1/models/{model}/pricing`` (schema ``ModelPricingResponse``).

    Args:
        body: The JSON as it came, however odd.

    Returns:
        What it states. It does not tell whether the model is free: `pricing.merged` adds that from the model.
    """
    reader = Reader()
    raw = reader.mapping(body, "pricing")
    scalars = reader.mapping(raw.get("scalar_pricing"), "scalar_pricing")
    summary = reader.mapping(raw.get("pricing_summary"), "pricing_summary")
    details = reader.mapping(raw.get("pricing_details"), "pricing_details")
    unit = reader.text(raw.get("pricing_unit"), "pricing_unit")
    # Nobody says what an open range in the details is a range of, unless they name a unit of their own.
    return _stated(reader, unit, ((scalars, unit), (summary, unit), (details, "")))


def _stated(reader: Reader, unit: str, sources: Iterable[tuple[Mapping[str, object], str]]) -> Price:
    """The price in the model's own unit, else in what is stated instead; a picture's price beside any other."""
    found: dict[str, Price] = {}
    for body, meant in sources:
        for quote in _quotes(reader, body, meant):
            if quote.is_stated:
                found[quote.unit] = _widest(found.get(quote.unit, quote), quote)
    counted = [found[name] for name in COUNTED_UNITS if name in found]
    main = found.get(unit) or next(iter((*counted, *found.values())), Price(unit))
    return replace(main, beside=None if main.unit in COUNTED_UNITS else next(iter(counted), None))


def _quotes(reader: Reader, body: Mapping[str, object], unit: str) -> Iterator[Price]:
    """What one price object states: a price for each unit that it speaks of."""
    if reader.text(body.get("currency"), "pricing.currency") not in ("", "USD"):  # the schema's only currency
        reader.report("pricing.currency", "Only prices in US dollars are read.")
        return

    def amount(*names: str) -> float | None:
        name = next((name for name in names if body.get(name) is not None), names[0])
        return reader.number(body.get(name), f"pricing.{name}")

    unit = reader.text(body.get("unit"), "pricing.unit") or unit
    # `per_request` is the only fixed price of the schema: that of one unit, whatever the unit, but never of tokens.
    fixed = PER_REQUEST if unit in ("", PER_TOKEN) else unit
    yield Price(PER_TOKEN, amount(*_INPUT), amount(*_OUTPUT))
    yield _tidy(unit, amount("min_price", "price"), amount("max_price", "price"))
    for name, means in (("per_image", PER_IMAGE), ("per_request", fixed)):
        yield _tidy(means, amount(name), amount(name))


def _tidy(unit: str, low: float | None, high: float | None) -> Price:
    """A price with its ends in order. Zero as the most is a blank: what is free says so in ``user_charge_policy``."""
    if unit == PER_TOKEN:  # the ends are input and output there
        return Price(unit, low, high)
    if not high:
        return Price(unit, low or None)
    return Price(unit, low if low is None else min(low, high), high if low is None else max(low, high))


def _widest(one: Price, other: Price) -> Price:
    """Both together: a budget has to hold for either. Of tokens, what was read first."""
    if one.unit == PER_TOKEN:
        return Price(
            one.unit,
            other.low if one.low is None else one.low,
            other.high if one.high is None else one.high,
        )
    return Price(one.unit, _outer(min, one.low, other.low), _outer(max, one.high, other.high))


def _outer(pick: Callable[[list[float]], float], *amounts: float | None) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return pick(known) if known else None


def _until(reader: Reader, value: object) -> str | None:
    """The end of a promotion. One that cannot be read may be over: it must not look like none at all."""
    text = reader.text(value, "commercial.free_until")
    return text or (None if value in (None, "") else "an unreadable date")
