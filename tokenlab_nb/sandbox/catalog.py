"""Pure: the models of `catalog.json` as values, and how they are found."""

from __future__ import annotations

import difflib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from typing import Any

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
VARIATIONS = "/v1/images/variations"

TEXT_TO_IMAGE = "text-to-image"

_LIFECYCLE = {
    "stage": "active",
    "reason": None,
    "replacement_model": None,
    "released_at": None,
    "deprecated_at": None,
    "retired_at": None,
    "sunset_at": None,
    "latest": False,
}
_CONTRACT: Mapping[str, Any] = {
    "supported_parameters": [],
    "feature_flags": {},
    "output_formats": ["png"],
    "service_limits": {},
    "required_selectors": [],
    "optional_selectors": [],
    "resolutions": [],
    "resolutions_label": None,
    "durations": [],
    "durations_label": None,
    "aspect_ratios": [],
    "aspect_ratios_label": None,
    "request_endpoint": GENERATIONS,
    "request_endpoint_by_operation": {},
    "status_mode": "inline_or_task",
    "request_shape_mode": "json_or_multipart",
    "operation_constraints": [],
    "documented_outputs": ["image"],
    "fallback_status_endpoints": ["/v1/images/generations/{id}"],
}
_LIMITS = {
    "online_rpm": None,
    "concurrency": None,
    "offline_inference": False,
    "offline_tpd": None,
    "prompt_max_characters": None,
}
_COMMERCIAL = {"user_charge_policy": "paid", "free_reason": None, "free_until": None}


@dataclass(frozen=True, slots=True)
class Rules:
    """Limits that a contract cannot express (facts of the vendor's prose, or sandbox values).

    Attributes:
        sizes: The closed list of sizes; empty when `size_rule` or nothing limits them.
        size_rule: `multiple`, `max_edge`, `max_ratio`, `min_pixels`, `max_pixels` (pixels) and `words`.
        size_is_alias: `size` is read as an aspect ratio and a resolution.
        default_size: `WIDTHxHEIGHT` when nothing is asked.
        default_resolution: Resolution class when none is asked.
        default_format: File format when none is asked.
        quality: Accepted values; empty takes any.
        background: Accepted values; empty takes any.
        style: Accepted values; empty takes any.
        output_format: Accepted values; empty takes any.
        n_max: Most pictures of one request.
        references_max: Most reference pictures of one request.
        always_transparent: Results always have a transparent background.
        tool: What an image tool does in place of painting: `cut-out`, `enlarge` or `reframe`; empty for a model.
    """

    sizes: tuple[str, ...] = ()
    size_rule: Mapping[str, Any] | None = None
    size_is_alias: bool = False
    default_size: str = "1024x1024"
    default_resolution: str = "1k"
    default_format: str = "png"
    quality: tuple[str, ...] = ()
    background: tuple[str, ...] = ()
    style: tuple[str, ...] = ()
    output_format: tuple[str, ...] = ()
    n_max: int = 10
    references_max: int = 16
    always_transparent: bool = False
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Behaviour:
    """How a model answers.

    Attributes:
        answers: `inline`, `task` (always) or `choice` (the request's `async` decides).
        pending: Shape of an unfinished answer: `empty` or `placeholder` data, `no_poll_url`, or `terminal`
            (the create waits and answers with the finished task).
        result: Where a finished task puts its picture: `data` or `image_url`.
        latency: Median in seconds and sigma of a log-normal distribution.
        progress: Whether a running task tells its progress.
        error_form: A failed task's error: `string` or `object`.
        rewrites: Whether every result carries a `revised_prompt`.
        billing_in_answer: Whether the finished create's body carries `billing_transaction_id`.
        model_in_pending: Whether an unfinished answer names the model.
        tier_unavailable: Delivery policies that this model never has.
    """

    answers: str = "inline"
    pending: str = "empty"
    result: str = "data"
    latency: tuple[float, float] = (10.0, 0.3)
    progress: bool = False
    error_form: str = "string"
    rewrites: bool = False
    billing_in_answer: bool = False
    model_in_pending: bool = False
    tier_unavailable: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One model. The mappings are in the vendor's own shapes; see `listing` for what is shown where."""

    id: str
    owned_by: str
    created: int
    category: str
    capabilities: tuple[str, ...]
    operations: tuple[str, ...]
    pricing_unit: str
    pricing: Mapping[str, str]
    lifecycle: Mapping[str, Any]
    commercial: Mapping[str, Any]
    recommendation: Mapping[str, Any]
    notes: tuple[str, ...]
    aliases: tuple[str, ...] = ()
    has_complex_pricing: bool = False
    pricing_summary: Mapping[str, str] | None = None
    max_input_tokens: int | None = None
    max_output_tokens: int | None = None
    accepted_request_formats: tuple[str, ...] = ()
    contract_keys: tuple[str, ...] = ()
    contract: Mapping[str, Any] | None = None
    rules: Rules = Rules()
    behaviour: Behaviour = Behaviour()

    @property
    def free(self) -> bool:
        """Whether users are not charged."""
        return bool(self.commercial["user_charge_policy"] == "free")

    @property
    def scored(self) -> bool:
        """Whether the 24 h success rate rests on enough samples."""
        return self.recommendation["success_rate_24h"] is not None

    @property
    def prompt_max(self) -> int | None:
        """The contract's `service_limits.prompt_max_characters`."""
        limit = ((self.contract or {}).get("service_limits") or {}).get("prompt_max_characters")
        return None if limit is None else int(limit)

    def constraint(self, operation: str) -> Mapping[str, Any]:
        """The contract for one operation: its constraint where there is one, else the whole contract's word."""
        contract = self.contract or {}
        for constraint in contract.get("operation_constraints", ()):
            if constraint["operation"] == operation:
                return dict(constraint)
        return {
            "supported_parameters": contract.get("supported_parameters", []),
            "required_selectors": contract.get("required_selectors", []),
            "optional_selectors": contract.get("optional_selectors", []),
            "allowed_aspect_ratios": contract.get("aspect_ratios", []),
            "allowed_resolutions": contract.get("resolutions", []),
        }

    def endpoint(self, operation: str) -> str:
        """The route that serves an operation; empty where the sandbox has none."""
        if self.category != "image":
            return ""
        contract = self.contract or {}
        by_operation = contract.get("request_endpoint_by_operation", {})
        return str(by_operation.get(operation) or contract.get("request_endpoint") or GENERATIONS)


@dataclass(frozen=True, slots=True)
class Catalog:
    """All models, and the few words that hold for all of them.

    Attributes:
        entries: Every model, retired ones too.
        updated_at: When the prices were noted, ISO 8601.
        file_model: The model that an uploaded file is bound to when none is named.
        blocked_words: Words of a prompt that break the content policy (a sandbox value).
    """

    entries: tuple[Entry, ...]
    updated_at: str
    file_model: str
    blocked_words: tuple[str, ...]

    @property
    def listed(self) -> tuple[Entry, ...]:
        """What lists show: everything but the retired."""
        return tuple(entry for entry in self.entries if entry.lifecycle["stage"] != "retired")

    def find(self, name: str) -> Entry | None:
        """A listed model by id or alias."""
        return next((e for e in self.listed if name == e.id or name in e.aliases), None)

    def retired(self, name: str) -> Entry | None:
        """A retired model by id."""
        return next((e for e in self.entries if e.id == name and e.lifecycle["stage"] == "retired"), None)

    def near(self, name: str) -> list[str]:
        """Up to three listed ids that look like `name`, the likeliest first."""
        return difflib.get_close_matches(name.lower(), [e.id for e in self.listed], n=3, cutoff=0.5)

    def blocked(self, prompt: str) -> bool:
        """Whether a prompt breaks the sandbox's content policy."""
        words = {word.strip(".,;:!?\"'()").casefold() for word in prompt.split()}
        return not words.isdisjoint(self.blocked_words)


def _tuples(raw: Mapping[str, Any]) -> dict[str, Any]:
    return {key: tuple(value) if isinstance(value, list) else value for key, value in raw.items()}


def _contract(raw: Mapping[str, Any]) -> dict[str, Any] | None:
    """A contract with everything that the file leaves to the defaults filled in."""
    if "contract" not in raw:
        return None
    contract = {**_CONTRACT, **raw["contract"]}
    contract["service_limits"] = {**_LIMITS, **contract["service_limits"]}
    by_operation = contract["request_endpoint_by_operation"]
    contract["operation_constraints"] = [
        {
            "required_selectors": [],
            "optional_selectors": [],
            "request_endpoint": by_operation.get(each["operation"], contract["request_endpoint"]),
            "request_shape_mode": contract["request_shape_mode"],
            "status_mode": contract["status_mode"],
            **each,
        }
        for each in contract["operation_constraints"]
    ]
    example = {"operation": raw["operations"][0]}
    contract["recommended_request_summary"] = example
    contract["recommended_request"] = {"model": raw["id"], **example, "prompt": "A red fox in deep snow"}
    contract["notes"] = raw["notes"]
    return contract


def _entry(raw: Mapping[str, Any]) -> Entry:
    lifecycle = {**_LIFECYCLE, **raw.get("lifecycle", {})}
    lifecycle |= {"latest_source": "override" if lifecycle["latest"] else "none", "latest_window_days": None}
    made = {
        **_tuples(raw),
        "lifecycle": lifecycle,
        "commercial": {**_COMMERCIAL, **raw.get("commercial", {})},
        "contract": _contract(raw),
        "rules": Rules(**_tuples(raw.get("rules", {}))),
        "behaviour": Behaviour(**_tuples(raw.get("behaviour", {}))),
    }
    return Entry(**made)


def parse_catalog(text: str) -> Catalog:
    """Read a catalogue file.

    Args:
        text: JSON in the shape of `catalog.json`.
    """
    raw = json.loads(text)
    entries: Sequence[Entry] = [_entry(model) for model in raw["models"]]
    return Catalog(tuple(entries), raw["updated_at"], raw["file_model"], tuple(raw["blocked_words"]))


def load_catalog() -> Catalog:
    """The catalogue that comes with the package."""
    return parse_catalog(resources.files(__package__).joinpath("catalog.json").read_text(encoding="utf-8"))
