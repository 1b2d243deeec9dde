"""Small models for plans: short ways to one with these options, and what a plan rests on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tokenlab_nb.contract.model import (
    EDITS,
    GENERATIONS,
    VARIATIONS,
    Contract,
    Lifecycle,
    Model,
    Operation,
    Param,
    Price,
    ServiceLimits,
)
from tokenlab_nb.contract.pricing import estimate
from tokenlab_nb.sweep.plan import Axis, axis
from tokenlab_nb.sweep.planner import Known

PROMPT = Param("prompt", "text", role="prompt", label="Prompt", max_length=40, required=True)
SEED = Param("seed", "integer")
N = Param("n", "integer", minimum=1, maximum=4)
QUALITY = Param("quality", "choice", label="Quality", choices=("low", "high"))
TASK = Param("async", "boolean")
IMAGE = Param("image_urls", "json", role="reference")
CENT = Price("per_image", 0.01, 0.01)
DIME = Price("per_image", 0.10, 0.10)


def operation(name: str, *params: Param) -> Operation:
    """An operation with these fields, at its usual place."""
    endpoint = {"image-edit": EDITS, "image-variation": VARIATIONS}.get(name, GENERATIONS)
    return Operation(name, endpoint, {param.name: param for param in params})


def model(name: str, *params: Param, price: Price = CENT, stage: str = "active", **limits: Any) -> Model:
    """A model that makes pictures from text, with these options."""
    return doing(name, operation("text-to-image", PROMPT, *params), price=price, stage=stage, **limits)


def doing(name: str, *operations: Operation, price: Price = CENT, stage: str = "active", **limits: Any) -> Model:
    """A model with these operations."""
    offered = {each.name: each for each in operations}
    return Model(name, Contract(offered, ServiceLimits(**limits)), price=price, lifecycle=Lifecycle(stage))


def known(*models: Model | str, **more: Any) -> Known:
    """What a plan rests on; a text is a model that is not to be had."""
    named: dict[str, Model | str] = {
        each if isinstance(each, str) else each.id: f"There is no model {each!r}." if isinstance(each, str) else each
        for each in models
    }
    return Known(named, lambda request, found: estimate(found.price, request, 0.0), **more)


def axes(models: Iterable[str], prompts: Iterable[str | None] = ("a fox",), **params: Any) -> list[Axis]:
    """Axes in the order in which `sweep` makes them."""
    return [
        axis("model", list(models)),
        axis("prompt", list(prompts)),
        *(axis(name, values) for name, values in params.items()),
    ]
