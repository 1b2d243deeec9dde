"""The table of request fields, for people and for checks. Keyed by field, never by model.

Types, ranges and enumerations are those of the vendor's OpenAPI schemas ``ImageGenerationRequest``,
``ImageGenerationMultipartRequest`` and the request bodies of ``/v1/images/edits`` and ``/v1/images/variations``.
A new parameter is one row.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from tokenlab_nb.contract.model import EDITS, GENERATIONS, VARIATIONS, Kind, LimitSource, Param, Role

ADVANCED_ORDER = 100
"""Options from this order on are rarely used: the controls keep them folded away."""

_G, _E, _V = GENERATIONS, EDITS, VARIATIONS


@dataclass(frozen=True, slots=True)
class Field:
    """A documented request field: a `Param` and the endpoints that document it."""

    param: Param
    endpoints: frozenset[str]


def _field(
    name: str,
    kind: Kind,
    label: str,
    help_: str,
    *endpoints: str,
    order: int,
    role: Role = "option",
    choices: tuple[str, ...] = (),
    suggestions: tuple[str, ...] = (),
    minimum: int | None = None,
    maximum: int | None = None,
    max_length: int | None = None,
) -> Field:
    stated = bool(choices) or (minimum, maximum, max_length) != (None, None, None)
    param = Param(
        name=name,
        kind=kind,
        role=role,
        label=label,
        help=help_,
        order=order,
        choices=choices,
        suggestions=suggestions,
        minimum=minimum,
        maximum=maximum,
        max_length=max_length,
        limits_from=LimitSource.DOCUMENTATION if stated else LimitSource.NOBODY,
    )
    return Field(param, frozenset(endpoints))


# fmt: off
_ROWS = (
    _field("model", "string", "Model", "Which model makes the pictures.", _G, _E, _V, order=0, role="routing"),
    _field("operation", "choice", "Operation", "The kind of work.", _G, order=1, role="routing",
           choices=("text-to-image", "image-to-image", "image-edit")),
    _field("stream", "boolean", "Stream", "Reserved: the service rejects true.", _G, _E, order=2, role="routing"),
    _field("prompt", "text", "Prompt", "What the picture shows.", _G, _E, order=3, role="prompt", max_length=4000),
    _field("image_url", "string", "Reference", "One public picture address.", _G, _E, order=4, role="reference"),
    _field("image_urls", "json", "References", "Public picture addresses.", _G, _E, order=5, role="reference"),
    _field("reference_image_urls", "json", "More references", "Public picture addresses beside the main input.", _G,
           order=6, role="reference"),
    _field("images", "json", "Source pictures", "Pictures by address or by uploaded file id.", _E, order=7,
           role="reference"),
    _field("image", "string", "Picture file", "A local picture, sent along.", _G, _E, _V, order=8, role="reference"),
    _field("image[]", "string", "Picture files", "Local pictures, sent along.", _E, order=9, role="reference"),
    _field("mask_url", "string", "Mask", "A public mask address.", _G, order=10, role="mask"),
    _field("mask", "json", "Mask", "Marks what may change: fully transparent pixels.", _E, order=11, role="mask"),
    _field("aspect_ratio", "string", "Aspect ratio", "Shape of the picture, width to height.", _G, _E, order=20,
           suggestions=("1:1", "3:2", "2:3", "16:9", "9:16")),
    _field("resolution", "string", "Resolution", "Size class of the picture.", _G, _E, order=21,
           suggestions=("1k", "2k", "4k")),
    _field("size", "string", "Size", "Width and height in pixels.", _G, _E, _V, order=22,
           suggestions=("1024x1024", "1536x1024", "1024x1536")),
    _field("quality", "string", "Quality", "How much work goes into each picture; higher costs more.", _G, _E, order=23,
           suggestions=("low", "medium", "high")),
    _field("n", "integer", "Pictures", "How many pictures; each one is paid for.", _G, _E, _V, order=24,
           minimum=1, maximum=10),
    _field("seed", "integer", "Seed", "The same seed and settings give a similar picture.", _G, order=25),
    _field("style", "choice", "Style", "vivid is more dramatic, natural calmer.", _G, order=26,
           choices=("vivid", "natural")),
    _field("negative_prompt", "text", "Avoid", "What the picture should not show.", _G, order=27),
    _field("expand_prompt", "boolean", "Expand prompt", "Let the model rewrite the prompt.", _G, order=28),
    _field("background", "choice", "Background", "What lies behind the subject.", _G, _E, order=29,
           choices=("transparent", "opaque", "auto")),
    _field("output_format", "choice", "File format", "Format of the picture files.", _G, _E, order=30,
           choices=("png", "jpeg", "webp")),
    _field("output_compression", "integer", "Compression", "For JPEG and WebP, in percent.", _G, _E, order=100,
           minimum=0, maximum=100),
    _field("compression", "integer", "Compression (old name)", "The same as output_compression.", _G, _E, order=101,
           minimum=0, maximum=100),
    _field("moderation", "choice", "Moderation", "How strictly content is checked.", _G, _E, order=102,
           choices=("auto", "low")),
    _field("async", "boolean", "Ask for a task", "A task id comes at once: a lost answer loses nothing.",
           _G, _E, order=103),
    _field("response_format", "choice", "Answer as", "b64_json comes inside the answer, and only without a task.",
           _G, _E, _V, order=104, choices=("url", "b64_json")),
    _field("delivery_policy", "choice", "Delivery", "Who may serve it; sent as a header.", _G, _E, _V,
           order=105, choices=("auto", "verified", "official")),
    _field("user", "string", "End user", "Your own id of the person that it is for.", _G, _E, _V, order=106),
)
# fmt: on

FIELDS: Mapping[str, Field] = MappingProxyType({row.param.name: row for row in _ROWS})
"""Every documented field by name. ``delivery_policy`` stands for the ``X-TokenLab-Delivery-Policy`` header."""

HEADER_FIELDS = frozenset({"delivery_policy"})
"""Fields that travel as headers: every create route takes them, whatever the contract lists."""


def documented(endpoint: str) -> tuple[Param, ...]:
    """Every documented field of an endpoint, in order; of all endpoints where the path is not a documented one."""
    known = any(endpoint in row.endpoints for row in _ROWS)
    return tuple(row.param for row in _ROWS if endpoint in row.endpoints or not known)


def lookup(name: str) -> Param:
    """The row of a field; an unlisted one becomes a free JSON field, so that new parameters work without an upgrade."""
    row = FIELDS.get(name)
    return row.param if row else Param(name=name, kind="json", label=name, help="Not documented; any JSON value.")
