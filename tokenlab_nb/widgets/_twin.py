"""The frozen twin beside a live widget: an output of its own, with its own display id.

An output that also holds the widget does not fall back when the widget is gone, so the twin is a second one. The live
script hides it (a style rule for the class ``tlnb-twin-<uid>``) while it lives; a reopened notebook, GitHub and
nbconvert show it.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from typing import Any

from IPython.core.getipython import get_ipython
from IPython.display import publish_display_data

from tokenlab_nb.export.frozen import Frozen

__all__ = ["Twin", "show"]


class Twin:
    """One display that is replaced as a whole.

    Args:
        uid: Of the live widget, or of the place that several take one after the other.

    Attributes:
        shown: Whether it stands anywhere.
        revision: Counts its versions.
    """

    def __init__(self, uid: str) -> None:
        self.uid = uid
        self.display_id = f"tlnb-twin-{uid}"
        self.shown = False
        self.revision = 0

    def show(self, frozen: Frozen) -> None:
        """Put it below the running cell. Shown twice, both are kept up to date."""
        self.shown = True
        self._publish(frozen, update=False)

    def update(self, frozen: Frozen) -> None:
        """Replace it wherever it is shown; from any thread. After a reload of the page this no longer reaches it."""
        if self.shown:
            self._publish(frozen, update=True)

    def _publish(self, frozen: Frozen, *, update: bool) -> None:
        # Whatever takes HTML prefers it; the picture is for what does not.
        jpeg = {"image/jpeg": b64encode(frozen.jpeg).decode("ascii")} if frozen.jpeg else {}
        bundle = {"text/html": frozen.html, **jpeg, "text/plain": frozen.text}
        metadata = dict(frozen.metadata)
        publish_display_data(bundle, metadata=metadata, transient={"display_id": self.display_id}, update=update)


def has_page() -> bool:
    """Whether this process is a kernel: elsewhere (a terminal, a test) there is no page, and a repr is enough."""
    return getattr(get_ipython(), "kernel", None) is not None


def show(widget: Any, twins: Mapping[Twin, Frozen]) -> None:
    """Show a live widget, and its twins as outputs of their own.

    Call it from ``_ipython_display_``, so that the widget as a cell's last expression, `display(widget)` and a widget
    inside a box all do the right thing.

    Args:
        widget: The live widget (or a box of ours that holds the widgets that the twins belong to). A closed one is not
            shown, its twins are.
        twins: What to show beside it.

    Raises:
        NotImplementedError: Outside a kernel; IPython then falls back to the repr.
    """
    if not has_page():
        raise NotImplementedError
    if widget.comm is not None:
        view = {"version_major": 2, "version_minor": 0, "model_id": widget.model_id}
        publish_display_data({"application/vnd.jupyter.widget-view+json": view, "text/plain": repr(widget)})
    for twin, frozen in twins.items():
        twin.show(frozen)
