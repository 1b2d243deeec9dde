"""`PlanForm`: what varies in a comparison, what that comes to, and the button that runs it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import traitlets as t

from tokenlab_nb.contract import describe
from tokenlab_nb.contract.model import Operation
from tokenlab_nb.contract.unite import Shared, unite
from tokenlab_nb.widgets._base import LATER, Buffers, Result, Widget

__all__ = ["PlanForm"]


class PlanForm(Widget):
    """Prompts and settings that vary. It plans nothing by itself: whoever owns it hears of changes, and tells the plan.

    Args:
        run: Called with the question's id and the token of the plan that was shown when Run was pressed.

    Attributes:
        fields: The settings that may vary, for the script.
        prompts: The prompts, one a cell's row.
        axes: By field name the values to try; None in them stands for *auto* (not sent).
        repeats: How often each cell is made.
        strict: Whether nothing may be adjusted.
        apart: Whether each picture goes into cells of its own, instead of all of them into every cell.
        pictures: How many pictures go in.
        with_prompt: Whether the workflow takes a prompt.
        revision: Counts what the user changed; a plan of an older one is not run.
        told: What the plan comes to: ``summary``, ``problem``, ``button``, ``token``, ``revision``.
    """

    fields = t.List(t.Dict()).tag(sync=True)
    prompts = t.List(t.Unicode()).tag(sync=True)
    axes = t.Dict().tag(sync=True)
    repeats = t.Int(1).tag(sync=True)
    strict = t.Bool(False).tag(sync=True)
    apart = t.Bool(False).tag(sync=True)
    pictures = t.Int(0).tag(sync=True)
    with_prompt = t.Bool(True).tag(sync=True)
    revision = t.Int(0).tag(sync=True)
    told = t.Dict().tag(sync=True)

    WISHES = ("prompts", "axes", "repeats", "strict", "apart", "revision")
    """The traits that the user sets."""

    def __init__(self, run: Callable[[object, str], object], **kwargs: Any) -> None:
        self._run = run
        super().__init__(**kwargs)

    def offer(self, operations: Sequence[tuple[str, Operation]]) -> None:
        """Offer the settings of these models; what varies and is taken by none of them any more stays, and is told."""
        self.fields = [_field(shared) for shared in unite(operations)]

    def tell(self, *, summary: str = "", problem: str = "", button: str = "", token: str = "") -> None:
        """Say what the plan comes to. Without a token it cannot be run."""
        told = {"summary": summary, "problem": problem, "button": button, "token": token}
        self.told = {**told, "revision": self.revision}

    def _on_heard(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Asked to see whether this end is still there."""
        return None

    def _on_run(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._run(message["id"], str(message["token"]))
        return LATER


def _field(shared: Shared) -> dict[str, object]:
    param = shared.param
    who = (
        "" if shared.by_all else f"{len(shared.takers)} of {shared.total}: {', '.join(id_ for id_, _ in shared.takers)}"
    )
    closed = bool(param.choices)
    values = [True, False] if param.kind == "boolean" else list(param.choices or param.suggestions)
    return {
        "name": param.name,
        "label": param.label or param.name,
        "help": param.help,
        "limits": describe.limits(param),
        "kind": param.kind,
        "values": values,
        "closed": closed or param.kind == "boolean",
        "takers": who,
    }
