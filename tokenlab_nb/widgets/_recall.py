"""An earlier request -> the Studio as it stood when that was asked: model, workflow, pictures, prompt, settings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tokenlab_nb.contract.workflows import CREATE, WORKFLOWS

if TYPE_CHECKING:
    from tokenlab_nb.contract.model import Json
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.widgets.controls import ParameterControls
    from tokenlab_nb.widgets.inputs import Inputs

__all__ = ["set_inputs", "set_settings", "workflow_of"]


def workflow_of(request: ImageRequest) -> str:
    """The workflow that a request belongs to."""
    fitting = [
        each.name
        for each in WORKFLOWS.values()
        if request.operation in each.operations and each.needs_mask == (request.mask is not None)
    ]
    return fitting[0] if fitting else CREATE


def set_inputs(inputs: Inputs, request: ImageRequest) -> None:
    """Choose its workflow, and put its pictures in; a mask is painted anew."""
    if request.references:
        inputs.references.value = list(request.references)
    inputs.bar.value = workflow_of(request)


def set_settings(controls: ParameterControls, request: ImageRequest, offered: set[str]) -> None:
    """Set the controls as the request was; what the Studio decides by itself (prompt, asking for a task) is left out."""
    decided = {"prompt", *(["async"] if request.values.get("async") is True else [])}
    values: dict[str, Json] = {
        name: value for name, value in request.settings.items() if name in offered and name not in decided
    }
    controls.set_values(values)
