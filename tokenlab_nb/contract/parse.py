"""Model JSON -> `Model`: list, detail and compact views, under every key name that the service has used.

Nothing here raises on odd JSON: what cannot be read becomes an `Issue` of the model, what is not known is kept.
Shapes: the vendor's schemas ``ModelListItem``, ``Model``, ``CompactModelListItem`` and ``NonChatRequestFormatDetails``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tokenlab_nb.contract import operations
from tokenlab_nb.contract.model import (
    EMPTY,
    TEXT_TO_IMAGE,
    Contract,
    Lifecycle,
    Model,
    Price,
    Reliability,
    ServiceLimits,
)
from tokenlab_nb.contract.reading import Reader

EXTENSIONS = ("tokenlab", "lemondata", "aisonar")
"""Names that the service has given its extension of the OpenAI model object."""

CONTRACT_KEYS = (
    "request_format_details",
    "public_contract",
    "request_format_summary",
    "public_contract_summary",
)
"""Names that the contract has had, the fullest first; the first one that holds anything is read."""

_KNOWN_FIELDS = frozenset(
    {
        *("public_operations", "supported_parameters", "feature_flags", "output_formats", "service_limits"),
        *("required_selectors", "optional_selectors", "resolutions", "aspect_ratios", "notes", "documented_inputs"),
        *("request_endpoint", "request_endpoint_by_operation", "request_shape_mode", "status_mode"),
        *("recommended_request", "recommended_request_summary", "operation_constraints"),
    }
)


def parse_list(body: object) -> tuple[Model, ...]:
    """Read the answer of ``GET /v1/models``, full or compact. Entries without an id are left out."""
    rows = body.get("data") if isinstance(body, Mapping) else body
    models = (parse(row) for row in rows) if isinstance(rows, list | tuple) else ()
    return tuple(model for model in models if model.id)


def parse(body: object) -> Model:
    """Read one model, from the list, the compact list or the detail route.

    Args:
        body: The JSON as it came. Anything else than an object gives a model without an id, and an issue.

    Returns:
        The model. `Model.issues` tells what was malformed; `Model.raw` holds everything as it came.
    """
    reader = Reader()
    raw = reader.mapping(body, "model")
    extension_key = next((key for key in EXTENSIONS if isinstance(raw.get(key), Mapping)), "")
    extension = reader.mapping(raw.get(extension_key), extension_key) if extension_key else raw
    model_id = reader.text(raw.get("id"), "id")
    if not model_id:
        reader.report("id", "The model has no id.")
    contract = _contract(reader, model_id, extension, extension_key)
    return Model(
        id=model_id,
        contract=contract,
        provider=reader.text(raw.get("owned_by") or raw.get("provider"), "owned_by"),
        category=reader.text(extension.get("category"), "category"),
        aliases=reader.texts(extension.get("aliases"), "aliases"),
        capabilities=reader.texts(extension.get("capabilities"), "capabilities"),
        lifecycle=_lifecycle(reader, extension),
        price=_price(reader, extension),
        reliability=_reliability(reader, extension),
        detailed=any(key in extension for key in ("accepted_request_formats", "supported_operations"))
        and "pricing_unit" in extension,
        raw=MappingProxyType(dict(raw)),
        issues=reader.issues,
    )


def _contract(reader: Reader, model_id: str, extension: Mapping[str, object], extension_key: str) -> Contract:
    key = next((key for key in CONTRACT_KEYS if extension.get(key)), "")
    body = reader.mapping(extension.get(key), key) if key else EMPTY
    # The compact view has the one endpoint beside the operations, with no contract object around them.
    body = body or {name: extension[name] for name in ("request_endpoint",) if name in extension}
    stated = reader.texts(extension.get("supported_operations"), "supported_operations")
    limits = reader.mapping(body.get("service_limits"), "service_limits")
    recommended = body.get("recommended_request") or body.get("recommended_request_summary")
    flags = reader.mapping(body.get("feature_flags"), "feature_flags")
    return Contract(
        operations=operations.read(reader, model_id, body, stated or _guess(extension, body)),
        limits=ServiceLimits(
            requests_per_minute=reader.number(limits.get("online_rpm"), "service_limits.online_rpm"),
            concurrency=reader.count(limits.get("concurrency"), "service_limits.concurrency"),
            prompt_max_characters=reader.count(limits.get("prompt_max_characters"), "service_limits.prompt"),
        ),
        known=bool(body.get("supported_parameters") or body.get("operation_constraints")),
        source=f"{extension_key}.{key}".strip(".") if key else "",
        feature_flags=MappingProxyType({name: flag for name, flag in flags.items() if isinstance(flag, bool)}),
        notes=reader.texts(body.get("notes"), "notes"),
        recommended_request=MappingProxyType(dict(reader.mapping(recommended, "recommended_request"))),
        extra=MappingProxyType({name: value for name, value in body.items() if name not in _KNOWN_FIELDS}),
    )


def _guess(extension: Mapping[str, object], body: Mapping[str, object]) -> tuple[str, ...]:
    """What an image model surely does when it names nothing: the commonest operation, which stays unconfirmed."""
    return (TEXT_TO_IMAGE,) if extension.get("category") == "image" and not body.get("request_endpoint") else ()


def _lifecycle(reader: Reader, extension: Mapping[str, object]) -> Lifecycle:
    body = reader.mapping(extension.get("lifecycle"), "lifecycle")
    stage = body.get("stage") or extension.get("status")  # the compact view calls it status
    return Lifecycle(
        stage=reader.text(stage, "lifecycle.stage") or "active",
        reason=reader.text(body.get("reason"), "lifecycle.reason") or None,
        replacement=reader.text(body.get("replacement_model"), "lifecycle.replacement_model") or None,
        sunset_at=reader.text(body.get("sunset_at"), "lifecycle.sunset_at") or None,
        latest=(body.get("latest") or extension.get("latest")) is True,
    )


# The names that the vendor's price objects use, lowest and highest of one unit. The first that is there counts.
_LOW = ("min_price", "per_image", "per_request", "input_per_1m", "input_per_1m_tokens", "price")
_HIGH = ("max_price", "per_image", "per_request", "output_per_1m", "output_per_1m_tokens", "price")


def _price(reader: Reader, extension: Mapping[str, object]) -> Price:
    prices = reader.mapping(extension.get("pricing"), "pricing")
    summary = reader.mapping(extension.get("pricing_summary"), "pricing_summary")
    commercial = reader.mapping(extension.get("commercial"), "commercial")
    return Price(
        unit=reader.text(extension.get("pricing_unit") or prices.get("unit"), "pricing_unit"),
        low=_first_amount(reader, (prices, summary), _LOW),
        high=_first_amount(reader, (prices, summary), _HIGH),
        free=commercial.get("user_charge_policy") == "free",
        free_until=reader.text(commercial.get("free_until"), "commercial.free_until") or None,
    )


def _first_amount(reader: Reader, sources: Iterable[Mapping[str, object]], names: Iterable[str]) -> float | None:
    found = ((source[name], name) for source in sources for name in names if source.get(name) is not None)
    value, name = next(found, (None, ""))
    return reader.number(value, f"pricing.{name}")


def _reliability(reader: Reader, extension: Mapping[str, object]) -> Reliability | None:
    preferences = reader.mapping(extension.get("agent_preferences"), "agent_preferences")
    body = reader.mapping(preferences.get("image") or extension.get("recommendation"), "recommendation")
    if not body:
        return None
    return Reliability(
        rank=reader.count(body.get("preferred_rank"), "preferred_rank"),
        success_rate=reader.number(body.get("success_rate_24h"), "success_rate_24h"),
        samples=reader.count(body.get("sample_count_24h"), "sample_count_24h") or 0,
        status=reader.text(body.get("status"), "status"),
    )
