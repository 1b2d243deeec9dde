"""Pure: the catalogue as the discovery routes show it (vendor pages List models, Get model, Pricing)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .catalog import Catalog, Entry
from .refusals import invalid

CATEGORIES = ("chat", "embedding", "translation", "image", "video", "audio", "tts", "stt", "rerank", "3d", "music")
RECOMMENDABLE = ("image", "video", "music", "3d", "tts", "stt", "embedding", "rerank", "translation")
_ENUMS = {"category": CATEGORIES, "recommended_for": RECOMMENDABLE, "view": ("compact", "full")}

_LIGHT = ("public_operations", "request_endpoint", "request_endpoint_by_operation")
_DETAILS_ONLY = (
    "documented_inputs",
    "documented_outputs",
    "fallback_status_endpoints",
    "notes",
    "recommended_request",
)
_BADGES = {"free": ("green", 10), "latest": ("blue", 20), "preview": ("amber", 30), "deprecated": ("red", 40)}
_SCALARS = ("per_request", "input_per_1m", "output_per_1m", "min_price", "max_price")


def model_list(catalog: Catalog, query: Mapping[str, str], now: float) -> dict[str, Any]:
    """`GET /v1/models`: `ModelsResponse`, or `CompactModelsResponse` with `view=compact`.

    Args:
        catalog: The models.
        query: `provider`, `tag`, `category`, `recommended_for`, `view`.
        now: Unix time, for `agent_preferences.updated_at`.

    Raises:
        Refusal: A value outside its enum, or `category` and `recommended_for` that differ.
    """
    for name, allowed in _ENUMS.items():
        if name in query and query[name] not in allowed:
            raise invalid(f"Must be one of: {', '.join(allowed)}.", param=name)
    category, recommended = query.get("category"), query.get("recommended_for")
    if category and recommended and category != recommended:
        raise invalid("Must equal category when both are sent.", param="recommended_for")
    entries = [e for e in catalog.listed if _wanted(e, query, recommended or category)]
    ranks: Mapping[str, int | None] = {}
    if recommended:
        entries.sort(key=lambda e: (not e.scored, -(e.recommendation["success_rate_24h"] or 0), e.id))
        ranks = {e.id: place if e.scored else None for place, e in enumerate(entries, 1)}
    if query.get("view") == "compact":
        rows = [_compact(e, ranks) for e in entries]
        return {"object": "list", "view": "compact", "count": len(rows), "data": rows}
    return {"object": "list", "data": [_list_item(e, ranks, recommended, now) for e in entries]}


def model_detail(entry: Entry) -> dict[str, Any]:
    """`GET /v1/models/{model}`: `Model`, the contract under the key names that the entry says.

    Always under `tokenlab`: the schema closes the object, and the older extension keys are no longer served.
    """
    extension = {
        **_shared(entry),
        "supported_operations": list(entry.operations),
        "capability_flags": dict((entry.contract or {}).get("feature_flags", {})),
        "pricing_provenance": _provenance(entry),
        "accepted_request_formats": list(entry.accepted_request_formats),
        **{key: _contract(entry, key) for key in entry.contract_keys},
    }
    return _model(entry, extension)


def model_pricing(entry: Entry) -> dict[str, Any]:
    """`GET /v1/models/{model}/pricing`: `ModelPricingResponse`."""
    scalars = {key: entry.pricing[key] for key in _SCALARS if key in entry.pricing}
    return {
        "model": entry.id,
        "pricing_unit": entry.pricing_unit,
        "has_complex_pricing": entry.has_complex_pricing,
        "supported_operations": list(entry.operations),
        "pricing_summary": entry.pricing_summary,
        "pricing_provenance": _provenance(entry),
        "pricing_details": None,
        "scalar_pricing": scalars,
    }


def price_list(catalog: Catalog, query: Mapping[str, str]) -> dict[str, Any]:
    """`GET /v1/pricing`: `PricingResponse`; takes `provider` and `tag`."""
    rows = [_price_entry(e) for e in catalog.listed if _wanted(e, query, None)]
    return {"object": "pricing", "updated_at": catalog.updated_at, "currency": "USD", "data": rows}


def _wanted(entry: Entry, query: Mapping[str, str], category: str | None) -> bool:
    provider, tag = query.get("provider"), query.get("tag")
    return (
        (not provider or provider == entry.owned_by)
        and (not tag or tag in entry.capabilities)
        and (not category or category == entry.category)
    )


def _model(entry: Entry, extension: Mapping[str, Any]) -> dict[str, Any]:
    head = {"id": entry.id, "object": "model", "created": entry.created, "owned_by": entry.owned_by}
    return {**head, "tokenlab": extension}


def _shared(entry: Entry) -> dict[str, Any]:
    """What list and detail both show."""
    return {
        "aliases": list(entry.aliases),
        "capabilities": list(entry.capabilities),
        "providers": [entry.owned_by],
        "pricing": entry.pricing,
        "pricing_unit": entry.pricing_unit,
        "has_complex_pricing": entry.has_complex_pricing,
        "pricing_summary": entry.pricing_summary,
        "max_input_tokens": entry.max_input_tokens,
        "max_output_tokens": entry.max_output_tokens,
        "category": entry.category,
        "lifecycle": entry.lifecycle,
        "commercial": entry.commercial,
        "badges": _badges(entry),
    }


def _list_item(entry: Entry, ranks: Mapping[str, int | None], recommended: str | None, now: float) -> dict[str, Any]:
    extension = _shared(entry)
    if entry.category == "image":
        contract = entry.contract
        extension["request_format_summary"] = contract and {key: contract[key] for key in _LIGHT}
    if recommended:
        block = _recommendation(entry, ranks)
        updated = datetime.fromtimestamp(now - now % 300, UTC).isoformat().replace("+00:00", "Z")
        block |= {"updated_at": updated, "basis": {"source": "recent_activity_24h"}}
        extension["agent_preferences"] = {recommended: block}
    return _model(entry, extension)


def _compact(entry: Entry, ranks: Mapping[str, int | None]) -> dict[str, Any]:
    scalars = {key: entry.pricing[key] for key in _SCALARS if key in entry.pricing}
    row: dict[str, Any] = {
        "id": entry.id,
        "provider": entry.owned_by,
        "category": entry.category,
        "capabilities": list(entry.capabilities),
        "max_input_tokens": entry.max_input_tokens,
        "max_output_tokens": entry.max_output_tokens,
        "pricing": {
            "unit": entry.pricing_unit,
            "currency": "USD",
            "has_complex_pricing": entry.has_complex_pricing,
            **scalars,
        },
        "status": entry.lifecycle["stage"],
        "latest": entry.lifecycle["latest"],
        "supported_operations": list(entry.operations),
    }
    if entry.contract:
        row["request_endpoint"] = entry.contract["request_endpoint"]
    if ranks:
        row["recommendation"] = _recommendation(entry, ranks)
    return row


def _recommendation(entry: Entry, ranks: Mapping[str, int | None]) -> dict[str, Any]:
    status = "ready" if entry.scored else "insufficient_samples"
    return {"preferred_rank": ranks[entry.id], **entry.recommendation, "status": status}


def _badges(entry: Entry) -> list[dict[str, Any]]:
    life = entry.lifecycle
    has = {
        "free": entry.free,
        "latest": life["latest"],
        "preview": life["stage"] == "preview",
        "deprecated": life["stage"] == "deprecated",
    }
    values = {"free": entry.commercial["free_until"], "deprecated": life["replacement_model"]}
    return [
        {
            "key": key,
            "tone": tone,
            "priority": priority,
            "tooltip": {"key": f"badges.{key}", "values": {"value": values[key]} if values.get(key) else {}},
        }
        for key, (tone, priority) in _BADGES.items()
        if has[key]
    ]


def _provenance(entry: Entry) -> dict[str, Any]:
    invented = any(note.startswith(("sandbox value: price", "sandbox value: the whole model")) for note in entry.notes)
    return {"source": "sandbox" if invented else "documents", "currency": "USD"}


def _contract(entry: Entry, key: str) -> Mapping[str, Any] | None:
    """The contract under one key name; a `..._summary` leaves out what only details have."""
    if entry.contract is None:
        return None
    dropped: Sequence[str] = _DETAILS_ONLY if key.endswith("_summary") else ()
    return {name: value for name, value in entry.contract.items() if name not in dropped}


def _price_entry(entry: Entry) -> dict[str, Any]:
    return {
        "model": entry.id,
        "provider": entry.owned_by,
        "is_lock_price": "per_request" in entry.pricing,
        "capabilities": list(entry.capabilities),
        "aliases": list(entry.aliases),
        "input_per_1m_tokens": entry.pricing.get("input_per_1m"),
        "output_per_1m_tokens": entry.pricing.get("output_per_1m"),
        "lock_price_per_request": entry.pricing.get("per_request"),
        "has_complex_pricing": entry.has_complex_pricing,
        "supported_operations": list(entry.operations),
        "pricing_summary": entry.pricing_summary,
        "pricing_provenance": _provenance(entry),
    }
