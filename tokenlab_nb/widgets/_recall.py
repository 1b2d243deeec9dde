"""An earlier request -> the Studio as it stood when that was asked: model, workflow, pictures, prompt, settings."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from tokenlab_nb.contract.workflows import CREATE, WORKFLOWS

if TYPE_CHECKING:
    from tokenlab_nb.contract.model import Json
    from tokenlab_nb.contract.references import Source
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.widgets.studio import Studio

__all__ = ["Recall"]


class Recall:
    """Sets the tab Create up as an earlier request was asked. Nothing is sent.

    Args:
        studio: What is set up.
    """

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._wanted: ImageRequest | None = None  # until its model's contract is here

    def begin(self, request: ImageRequest) -> str:
        """Choose its model; the rest follows once the contract is here.

        Returns:
            What to tell the user.

        Raises:
            traitlets.TraitError: If the model is not among those on offer.
        """
        studio = self._studio
        chosen = [studio.picker.find(request.model)]
        self._wanted = request
        studio.prompt.value = request.prompt
        studio.header.tab = "create"
        if studio.picker.value == chosen:
            studio.choose()
        else:
            studio.picker.value = chosen
        return f"Set up in the tab Create.{' Paint its mask again there.' if request.mask else ''}"

    def begin_file(self, request: ImageRequest) -> str:
        """As `begin`, for what a picture's file says: pictures that went in and are not in the data folder stay out."""
        here = tuple(each for each in request.references if each.sha256 is None or self._has(each))
        return self.begin(replace(request, references=here))

    def _has(self, source: Source) -> bool:
        try:
            self._studio.session.bytes_of(source)
        except OSError:
            return False
        return True

    def take(self, chosen: list[str]) -> ImageRequest | None:
        """The request that these models are chosen for, with its workflow and pictures put in; None if none is.

        Args:
            chosen: The models that are about to be shown.
        """
        request = self._wanted
        if request is None or chosen != [request.model]:
            return None
        self._wanted = None
        inputs = self._studio.inputs
        if request.references:
            inputs.references.value = list(request.references)
        inputs.bar.value = _workflow_of(request)
        return request

    def set(self, request: ImageRequest, offered: set[str]) -> None:
        """Set the controls as the request was; the prompt has a place of its own, and a task is asked for anyway.

        Args:
            request: What was asked.
            offered: The settings that there are controls for.
        """
        decided = {"prompt"} | ({"async"} if request.values.get("async") is True else set())
        settings = request.settings.items()
        values: dict[str, Json] = {name: each for name, each in settings if name in offered and name not in decided}
        self._studio.controls.set_values(values)


def _workflow_of(request: ImageRequest) -> str:
    fitting = [
        each.name
        for each in WORKFLOWS.values()
        if request.operation in each.operations and each.needs_mask == (request.mask is not None)
    ]
    return fitting[0] if fitting else CREATE
