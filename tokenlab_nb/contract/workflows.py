"""What people want to do with pictures -> the operation of a model that does it, or why it does not.

The API's operations follow model families, not intents (the vendor's guide "Image Generation": Nano Banana takes
references at ``/v1/images/generations``, GPT Image at ``/v1/images/edits``); a user wants "change this picture".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from tokenlab_nb.contract.model import IMAGE_EDIT, IMAGE_TO_IMAGE, IMAGE_VARIATION, TEXT_TO_IMAGE, Model, Operation

CREATE, CHANGE, INPAINT, VARY = "create", "change", "inpaint", "vary"


@dataclass(frozen=True, slots=True)
class Workflow:
    """One thing that people do with an image model.

    Attributes:
        name: ``create``, ``change``, ``inpaint`` or ``vary``.
        label: Its name for people.
        help: What it is, in one sentence.
        operations: The API's operations that do it, the best first.
        lack: What is to be said of a model that does not do it, after its id; the verb comes first.
        needs_mask: Whether a mask goes in.
        needs_prompt: Whether a prompt goes in.
    """

    name: str
    label: str
    help: str
    operations: tuple[str, ...]
    lack: str
    needs_mask: bool = False
    needs_prompt: bool = True

    @property
    def needs_pictures(self) -> bool:
        """Whether it starts from a picture."""
        return self.name != CREATE


WORKFLOWS: Mapping[str, Workflow] = MappingProxyType(
    {
        each.name: each
        for each in (
            Workflow(CREATE, "From text", "A new picture from the prompt alone.", (TEXT_TO_IMAGE,),
                     "makes no picture from a prompt alone"),
            Workflow(CHANGE, "From pictures", "The prompt says what to make of your pictures.",
                     (IMAGE_TO_IMAGE, IMAGE_EDIT), "takes no pictures"),
            Workflow(INPAINT, "Edit a part", "Only what you paint over changes.", (IMAGE_EDIT, IMAGE_TO_IMAGE),
                     "takes no mask", needs_mask=True),
            Workflow(VARY, "Variations", "Pictures close to yours, without a prompt.", (IMAGE_VARIATION,),
                     "makes no variations", needs_prompt=False),
        )
    }
)  # fmt: skip
"""Every workflow by name, in the order in which they are offered."""


def operation_for(model: Model, workflow: str) -> Operation | None:
    """The operation by which a model does it, from its contract; None where it does not.

    Args:
        model: With its contract in detail: a list does not say who takes a mask.
        workflow: A name of `WORKFLOWS`.
    """
    wanted, offered = WORKFLOWS[workflow], model.contract.operations
    found = (offered[name] for name in wanted.operations if name in offered)
    return next((each for each in found if each.takes_mask or not wanted.needs_mask), None)


def obstacle(models: Sequence[Model], workflow: str) -> str:
    """Why these models cannot do it together, naming those that do not; an empty text where all of them can."""
    lacking = [model.id for model in models if operation_for(model, workflow) is None]
    if not lacking:
        return ""
    *others, last = lacking
    verb, _, rest = WORKFLOWS[workflow].lack.partition(" ")
    if others:
        verb = verb.removesuffix("s")
    return f"{' and '.join([', '.join(others), last] if others else [last])} {verb} {rest}."


def default_operation(model: Model, *, has_pictures: bool, has_mask: bool) -> str:
    """Choose what a request without a named operation means for this model."""
    pictured = (IMAGE_EDIT, IMAGE_TO_IMAGE) if has_mask else (IMAGE_TO_IMAGE, IMAGE_EDIT)
    order = pictured if has_pictures else (TEXT_TO_IMAGE, *model.contract.operations)
    offered = [name for name in order if name in model.contract.operations]
    if has_mask:  # whichever takes one, wherever there is one that does
        offered.sort(key=lambda name: not model.contract.operations[name].takes_mask)
    return offered[0] if offered else order[0]
