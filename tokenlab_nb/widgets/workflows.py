"""`WorkflowBar`: what to do (from text, from pictures, a part of one, variations), and why something is not offered."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import traitlets as t

from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.workflows import CREATE, WORKFLOWS, Workflow, obstacle
from tokenlab_nb.widgets._base import Widget

__all__ = ["WorkflowBar"]


def row(workflow: Workflow, models: Sequence[Model]) -> dict[str, object]:
    """Return one choice for the script: texts, and why these models do not offer it (empty where all do)."""
    why = obstacle(models, workflow.name) if models else ""
    return {"name": workflow.name, "label": workflow.label, "help": workflow.help, "why": why}


class WorkflowBar(Widget):
    """A row of choices, of which one is on. What the models do not offer is greyed out, and below it stands why.

    Args:
        models: The chosen models, with their contracts.
        value: What is on at first: ``create``, ``change``, ``inpaint`` or ``vary``.

    Attributes:
        value: What is on.
        note: One line on what became of the choice, if the models made another one necessary.
    """

    value = t.Enum([*WORKFLOWS], CREATE).tag(sync=True)
    note = t.Unicode("").tag(sync=True)
    _rows = t.List(t.Dict()).tag(sync=True)

    def __init__(self, models: Sequence[Model] = (), *, value: str = CREATE, **kwargs: Any) -> None:
        super().__init__(value=value, _rows=[row(each, models) for each in WORKFLOWS.values()], **kwargs)

    def _describe(self) -> str:
        return repr(self.value)

    @property
    def offered(self) -> list[str]:
        """The workflows that all of the models do."""
        return [str(each["name"]) for each in self._rows if not each["why"]]

    def follow(self, models: Sequence[Model]) -> None:
        """Offer what these models do together; go on to another such workflow where the present one is none.

        Args:
            models: With their contracts. Where they have no workflow in common, the present one stays on and `offered`
                is empty.
        """
        self._rows = [row(each, models) for each in WORKFLOWS.values()]
        offered = self.offered
        if self.value in offered or not offered:
            self.note = "" if offered else self._nothing_in_common(models)
            return
        left = obstacle(models, self.value)
        # Whoever works with pictures goes on with them, where that is possible.
        with_pictures = [name for name in offered if WORKFLOWS[name].needs_pictures]
        self.value = (with_pictures if WORKFLOWS[self.value].needs_pictures and with_pictures else offered)[0]
        self.note = f"{left} Now: {WORKFLOWS[self.value].label.lower()}."

    @staticmethod
    def _nothing_in_common(models: Sequence[Model]) -> str:
        if len(models) == 1:
            return f"{models[0].id} does none of this by its contract. Choose another model."
        return "These models have no way of working in common. Choose fewer, or others."
