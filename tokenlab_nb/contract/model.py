"""The words of the contract: `Model`, `Contract`, `Operation`, `Param`, `Issue`. All frozen.

The shapes follow the vendor's schemas `ModelTokenLabExtension`, `NonChatRequestFormatDetails` and
`NonChatOperationConstraint`; what those leave open stays open here (operation names are strings, not an enumeration).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Literal

TEXT_TO_IMAGE = "text-to-image"
IMAGE_TO_IMAGE = "image-to-image"
IMAGE_EDIT = "image-edit"
IMAGE_VARIATION = "image-variation"  # ours: the API has a route for it, but no operation name

STARTS_FROM_PICTURES = frozenset({IMAGE_TO_IMAGE, IMAGE_EDIT, IMAGE_VARIATION})
"""Operations that cannot run without a reference picture."""

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"

PER_IMAGE = "per_image"
PER_REQUEST = "per_request"
PER_TOKEN = "per_token"  # noqa: S105 - a unit of price

COUNTED_UNITS = (PER_IMAGE, PER_REQUEST)
"""Units of price that tell before the request what it will cost."""

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
"""A value of a request field."""

Kind = Literal["text", "string", "integer", "boolean", "choice", "json"]
Role = Literal["prompt", "option", "reference", "mask", "routing"]

EMPTY: Mapping[str, object] = MappingProxyType({})


class LimitSource(StrEnum):
    """Who stated a parameter's limits; shown beside every control."""

    CONTRACT = "contract"
    DOCUMENTATION = "documentation"
    NOBODY = "nobody"


@dataclass(frozen=True, slots=True)
class Issue:
    """One thing that is wrong, or worth knowing, about a request or about a model's JSON.

    Attributes:
        field: The request field (or the path in the model's JSON).
        message: What is wrong, in one sentence.
        allowed: The values that are accepted, where they can be listed.
        remedy: What to do about it, in one sentence.
        suggestion: A value that would be accepted; None when there is no obvious one.
        severity: An ``error`` is refused; a ``warning`` is shown and sent.
        code: What kind of issue it is, for programs; empty where none needs to know.
    """

    field: str
    message: str
    allowed: tuple[str, ...] = ()
    remedy: str = ""
    suggestion: str | int | bool | None = None
    severity: Literal["error", "warning"] = "error"
    code: str = ""

    def __str__(self) -> str:
        return f"{self.field}: {self.message}" + (f" {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class SizeRule:
    """A flexible ``WIDTHxHEIGHT``, in pixels, as only prose states it.

    Attributes:
        multiple: Both sides are multiples of this.
        max_edge: The longest side.
        max_ratio: Long side divided by short side, at most.
        min_pixels: Width times height, at least.
        max_pixels: Width times height, at most.
        words: Values that are not dimensions, such as ``auto``.
    """

    multiple: int
    max_edge: int
    max_ratio: float
    min_pixels: int
    max_pixels: int
    words: tuple[str, ...] = ()

    def describe(self) -> str:
        """The rule in one sentence."""
        words = f"{' or '.join(self.words)}, or " if self.words else ""
        return (
            f"{words}WIDTHxHEIGHT: both multiples of {self.multiple}, longest edge at most {self.max_edge}, "
            f"long/short at most {self.max_ratio:g}:1, {self.min_pixels:,} to {self.max_pixels:,} pixels"
        )


@dataclass(frozen=True, slots=True)
class Param:
    """One request field of one operation of one model.

    Attributes:
        name: The field's name in the request body.
        kind: How its value looks; ``json`` is any JSON value.
        role: What it is for; only ``option`` fields get a control of their own.
        label: A short name for people.
        help: One sentence for people.
        order: Where it stands among the controls.
        choices: The closed list of accepted values; empty when there is none.
        suggestions: Values that usually work where there is no closed list.
        minimum: Least value of an integer, inclusive.
        maximum: Greatest value of an integer, inclusive.
        max_length: Most characters of a text.
        size_rule: The bounds of a flexible size.
        required: Whether the operation refuses to run without it.
        confirmed: Whether the model's contract names it; otherwise it is documented, but not confirmed by this model.
        limits_from: Who stated choices, bounds or length.
    """

    name: str
    kind: Kind
    role: Role = "option"
    label: str = ""
    help: str = ""
    order: int = 1000
    choices: tuple[str, ...] = ()
    suggestions: tuple[str, ...] = ()
    minimum: int | None = None
    maximum: int | None = None
    max_length: int | None = None
    size_rule: SizeRule | None = None
    required: bool = False
    confirmed: bool = True
    limits_from: LimitSource = LimitSource.NOBODY


@dataclass(frozen=True, slots=True)
class Operation:
    """One thing that a model does, such as ``text-to-image``.

    Attributes:
        name: The operation's name.
        endpoint: The path that takes it, from the contract, else the documented one.
        params: Every field that may be sent, by name, in order.
        shape_mode: The contract's ``request_shape_mode`` (an open string), or None.
        status_mode: The contract's ``status_mode`` (an open string), or None.
        max_references: Most reference pictures; None when nobody says.
        documented_inputs: The contract's own words for its inputs.
        notes: The contract's notes on this operation.
        confirmed: Whether a contract lists this operation's fields; otherwise all documented ones are offered.
    """

    name: str
    endpoint: str
    params: Mapping[str, Param]
    shape_mode: str | None = None
    status_mode: str | None = None
    max_references: int | None = None
    documented_inputs: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    confirmed: bool = True

    def __repr__(self) -> str:
        return f"Operation({self.name!r}, {self.endpoint!r}, params={list(self.params)})"

    @property
    def options(self) -> tuple[Param, ...]:
        """The fields that a user sets, in the order of the controls."""
        return tuple(sorted((p for p in self.params.values() if p.role == "option"), key=lambda p: (p.order, p.name)))

    @property
    def takes_references(self) -> bool:
        """Whether reference pictures have a place in this operation."""
        return self.name != TEXT_TO_IMAGE

    @property
    def needs_references(self) -> bool:
        """Whether it cannot run without one."""
        return self.name in STARTS_FROM_PICTURES

    @property
    def takes_mask(self) -> bool:
        """Whether any field of it carries a mask."""
        return any(param.role == "mask" for param in self.params.values())


@dataclass(frozen=True, slots=True)
class ServiceLimits:
    """The vendor's ``service_limits``; None where nothing is stated.

    Attributes:
        requests_per_minute: ``online_rpm``.
        concurrency: Requests at once.
        prompt_max_characters: Longest prompt.
    """

    requests_per_minute: float | None = None
    concurrency: int | None = None
    prompt_max_characters: int | None = None


@dataclass(frozen=True, slots=True)
class Contract:
    """What a model publishes about its requests.

    Attributes:
        operations: By operation name.
        limits: Service limits.
        known: Whether any contract was found; if not, operations carry all documented fields, unconfirmed.
        source: The JSON key that it was read from, such as ``tokenlab.request_format_details``.
        feature_flags: As stated.
        notes: As stated.
        recommended_request: The vendor's own example body.
        extra: Fields that we do not know, kept as they came.
    """

    operations: Mapping[str, Operation]
    limits: ServiceLimits = ServiceLimits()
    known: bool = False
    source: str = ""
    feature_flags: Mapping[str, bool] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    recommended_request: Mapping[str, object] = field(default_factory=dict)
    extra: Mapping[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        known = f"from {self.source}" if self.known else "nothing known for sure"
        return f"Contract({known}, operations={list(self.operations)})"


@dataclass(frozen=True, slots=True)
class Lifecycle:
    """Where a model stands in its life; dates are ISO 8601 as they came."""

    stage: str = "active"
    reason: str | None = None
    replacement: str | None = None
    sunset_at: str | None = None
    latest: bool = False


@dataclass(frozen=True, slots=True)
class Price:
    """What the service says about price, in US dollars; None is unknown, never zero.

    Attributes:
        unit: ``per_image``, ``per_request``, ``per_token`` or another word of the API.
        low: Least price of one unit (for tokens: of one million input tokens).
        high: Most (for tokens: of one million output tokens).
        free: Whether users are not charged.
        free_until: End of a free promotion, ISO 8601 as it came; None where no end is stated.
        beside: What a picture or a request costs, where that is stated beside a price of another unit.
    """

    unit: str = ""
    low: float | None = None
    high: float | None = None
    free: bool = False
    free_until: str | None = None
    beside: Price | None = None

    @property
    def is_stated(self) -> bool:
        """Whether an amount is stated for its unit."""
        return self.low is not None or self.high is not None

    @property
    def counted(self) -> Price | None:
        """The price of a picture or a request: this one, or the one beside it; None where neither is stated."""
        prices = (price for price in (self, self.beside) if price and price.unit in COUNTED_UNITS)
        return next((price for price in prices if price.is_stated), None)


@dataclass(frozen=True, slots=True)
class Reliability:
    """The service's own 24-hour record: ``agent_preferences`` or ``recommendation``.

    Attributes:
        rank: The service's order of preference, 1 is first.
        success_rate: 0 to 1.
        samples: How many requests it rests on.
        status: ``ready`` or ``insufficient_samples``.
    """

    rank: int | None = None
    success_rate: float | None = None
    samples: int = 0
    status: str = ""


@dataclass(frozen=True, slots=True)
class Model:
    """One model of the catalogue.

    Attributes:
        id: The id to send.
        provider: Who made it (``owned_by``).
        category: ``image`` for ours.
        contract: What it accepts. From a list it names operations only; `Session.model` brings the rest.
        detailed: Whether it was read from the detail view.
        raw: The JSON as it came; unknown fields are kept here.
        issues: What was malformed in it; reading never fails.
    """

    id: str
    contract: Contract
    provider: str = ""
    category: str = ""
    aliases: tuple[str, ...] = ()
    capabilities: tuple[str, ...] = ()
    lifecycle: Lifecycle = Lifecycle()
    price: Price = Price()
    reliability: Reliability | None = None
    detailed: bool = False
    raw: Mapping[str, object] = field(default_factory=dict)
    issues: tuple[Issue, ...] = ()

    def __repr__(self) -> str:
        return f"Model({self.id!r}, operations={sorted(self.contract.operations)})"
