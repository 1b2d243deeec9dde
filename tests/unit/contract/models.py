"""Model JSON for the tests of the contract: one full detail body, and short ways to small ones."""

from __future__ import annotations

from typing import Any

from tokenlab_nb.contract.model import Model, Operation
from tokenlab_nb.contract.parse import parse

G, E, V = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"


def detail() -> dict[str, Any]:
    """Every field that `parse` reads, filled, in the shape of the detail route."""
    return {
        "id": "image-model",
        "object": "model",
        "created": 1706000000,
        "owned_by": "openai",
        "tokenlab": {
            "aliases": ["openai/image-model"],
            "capabilities": ["image"],
            "pricing": {"min_price": "0.02", "max_price": 0.08},
            "pricing_summary": {"unit": "per_image"},
            "pricing_unit": "per_image",
            "category": "image",
            "lifecycle": {
                "stage": "deprecated",
                "reason": "old",
                "replacement_model": "new-model",
                "sunset_at": "2026-12-01T00:00:00Z",
                "latest": True,
            },
            "commercial": {"user_charge_policy": "free", "free_until": "2026-10-01"},
            "agent_preferences": {
                "image": {
                    "preferred_rank": 1,
                    "success_rate_24h": 0.98,
                    "sample_count_24h": 423,
                    "status": "ready",
                }
            },
            "supported_operations": ["text-to-image", "image-edit"],
            "accepted_request_formats": [],
            "request_format_details": contract(),
        },
    }


def contract() -> dict[str, Any]:
    return {
        "public_operations": ["text-to-image", "image-edit"],
        "supported_parameters": ["prompt", "n", "aspect_ratio", "resolution", "output_format", "image_url", "mask_url"],
        "feature_flags": {"mask": True},
        "output_formats": ["png", "jpeg"],
        "service_limits": {"online_rpm": 60, "concurrency": 4, "prompt_max_characters": 1000},
        "required_selectors": ["aspect_ratio"],
        "optional_selectors": ["resolution"],
        "resolutions": ["1k", "2k"],
        "aspect_ratios": ["1:1", "16:9"],
        "request_endpoint": G,
        "request_endpoint_by_operation": {"image-edit": E},
        "request_shape_mode": "json_or_multipart",
        "status_mode": "inline_or_task",
        "documented_inputs": ["prompt"],
        "notes": ["A note."],
        "recommended_request": {"operation": "text-to-image"},
        "operation_constraints": [
            {
                "operation": "image-edit",
                "request_endpoint": E,
                "request_shape_mode": "json_url",
                "status_mode": "task",
                "supported_parameters": ["prompt", "images", "mask", "resolution", "aspect_ratio"],
                "required_selectors": ["resolution"],
                "optional_selectors": ["aspect_ratio"],
                "documented_inputs": ["images"],
                "allowed_resolutions": ["2k"],
                "allowed_aspect_ratios": ["1:1"],
                "notes": ["Edits are slow."],
            }
        ],
    }


def model(
    body: object = None, *, model_id: str = "image-model", key: str = "request_format_details", **more: Any
) -> Model:
    """A model whose extension holds one contract body."""
    return parse({"id": model_id, "tokenlab": {"category": "image", **more, key: body}})


def operation(
    name: str = "text-to-image",
    *parameters: str,
    endpoint: str | None = None,
    model_id: str = "image-model",
    **more: Any,
) -> Operation:
    """One operation of a model that lists these parameters; none at all leaves the contract silent."""
    body = {
        "public_operations": [name],
        "supported_parameters": list(parameters),
        "request_endpoint": endpoint,
        **more,
    }
    (found,) = model(body, model_id=model_id).contract.operations.values()
    return found
