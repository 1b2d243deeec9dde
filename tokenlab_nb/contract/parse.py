"""Model JSON -> `Model`: list, detail and compact views, under every key name that the service has used.

Nothing here raises on odd JSON: what cannot be read becomes an `Issue` of the model, what is not known is kept.
Shapes: the vendor's schemas ``ModelListItem``, ``Model``, ``CompactModelListItem`` and ``NonChatRequestFormatDetails``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from tokenlab_nb.contract import operations, quotes
from tokenlab_nb.contract.model import (
    EMPTY,
    Contract,
    Lifecycle,
    Model,
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

# The list's extension has none of these (schema ``ModelListTokenLabExtension``).
_DETAIL_ONLY = ("supported_operations", "accepted_request_formats", "request_format_details", "public_contract")

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
    extension_key, extension = _first_object(reader, raw, EXTENSIONS)
    extension = extension or raw
    model_id = reader.text(raw.get("id"), "id")
    if not model_id:
        reader.report("id", "The model has no id.")
    contract = _contract(reader, model_id, extension, extension_key)
    return Model(
        id=model_id,
        contract=contract,
        provider=reader.text(raw.get("owned_by"), "owned_by") or reader.text(raw.get("provider"), "provider"),
        category=reader.text(extension.get("category"), "category"),
        aliases=reader.texts(extension.get("aliases"), "aliases"),
        capabilities=reader.texts(extension.get("capabilities"), "capabilities"),
        lifecycle=_lifecycle(reader, extension),
        price=quotes.own_price(reader, extension),
        reliability=_reliability(reader, extension),
        detailed=bool(extension_key) and any(key in extension for key in _DETAIL_ONLY),
        raw=MappingProxyType(dict(raw)),
        issues=reader.issues,
    )


def _first_object(reader: Reader, body: Mapping[str, object], names: Iterable[str]) -> tuple[str, Mapping[str, object]]:
    """The first of several names that holds an object with anything in it, and the object."""
    found = ((name, reader.mapping(body.get(name), name)) for name in names)
    return next(((name, value) for name, value in found if value), ("", EMPTY))


def _contract(reader: Reader, model_id: str, extension: Mapping[str, object], extension_key: str) -> Contract:
    key, body = _first_object(reader, extension, CONTRACT_KEYS)
    # The compact view has the one endpoint beside the operations, with no contract object around them.
    body = body or {name: extension[name] for name in ("request_endpoint",) if name in extension}
    stated = reader.texts(extension.get("supported_operations"), "supported_operations")
    limits = reader.mapping(body.get("service_limits"), "service_limits")
    _, recommended = _first_object(reader, body, ("recommended_request", "recommended_request_summary"))
    flags = reader.mapping(body.get("feature_flags"), "feature_flags")
    category = reader.text(extension.get("category"), "category")
    offered = operations.read(reader, model_id, body, stated, category)
    return Contract(
        operations=offered,
        limits=ServiceLimits(
            requests_per_minute=reader.number(limits.get("online_rpm"), "service_limits.online_rpm"),
            # A limit of nothing at all would stop every request: it can only mean that none is stated.
            concurrency=reader.count(limits.get("concurrency"), "service_limits.concurrency") or None,
            prompt_max_characters=operations.prompt_limit(reader, body),
        ),
        known=any(operation.confirmed for operation in offered.values()),
        source=f"{extension_key}.{key}".strip(".") if key else "",
        feature_flags=MappingProxyType(
            {name: reader.flag(flag, f"feature_flags.{name}") for name, flag in flags.items() if flag is not None}
        ),
        notes=reader.texts(body.get("notes"), "notes"),
        recommended_request=MappingProxyType(dict(recommended)),
        extra=MappingProxyType({name: value for name, value in body.items() if name not in _KNOWN_FIELDS}),
    )


def _lifecycle(reader: Reader, extension: Mapping[str, object]) -> Lifecycle:
    body = reader.mapping(extension.get("lifecycle"), "lifecycle")
    stage = reader.text(body.get("stage"), "lifecycle.stage")
    return Lifecycle(
        stage=stage or reader.text(extension.get("status"), "status") or "active",  # the compact view calls it status
        reason=reader.text(body.get("reason"), "lifecycle.reason") or None,
        replacement=reader.text(body.get("replacement_model"), "lifecycle.replacement_model") or None,
        sunset_at=reader.text(body.get("sunset_at"), "lifecycle.sunset_at") or None,
        latest=reader.flag(body.get("latest"), "lifecycle.latest") or reader.flag(extension.get("latest"), "latest"),
    )


def _reliability(reader: Reader, extension: Mapping[str, object]) -> Reliability | None:
    preferences = reader.mapping(extension.get("agent_preferences"), "agent_preferences")
    own = reader.mapping(preferences.get("image"), "agent_preferences.image")
    body = own or reader.mapping(extension.get("recommendation"), "recommendation")
    if not body:
        return None
    return Reliability(
        rank=reader.count(body.get("preferred_rank"), "preferred_rank"),
        success_rate=reader.number(body.get("success_rate_24h"), "success_rate_24h"),
        samples=reader.count(body.get("sample_count_24h"), "sample_count_24h") or 0,
        status=reader.text(body.get("status"), "status"),
    )
