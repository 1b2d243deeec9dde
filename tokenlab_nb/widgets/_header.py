"""The bar on top of the Studio."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import traitlets as t

from tokenlab_nb.widgets._base import Buffers, Result, Widget

__all__ = ["Header"]


class Header(Widget):
    """The bar on top: where pictures come from, how to use a key, and what went wrong. It takes no text.

    Attributes:
        place: Where requests go, in words.
        sandbox: Whether nothing is billed.
        has_key: Whether a key is set; never the key.
        notice: What the user should know, if anything.
        tab: What is looked at: ``create`` or ``compare``.
    """

    stem: ClassVar[str] = "studio"

    place = t.Unicode("").tag(sync=True)
    sandbox = t.Bool(True).tag(sync=True)
    has_key = t.Bool(False).tag(sync=True)
    notice = t.Unicode("").tag(sync=True)
    tab = t.Enum(("create", "compare"), default_value="create").tag(sync=True)

    def _describe(self) -> str:
        return repr(self.place)

    def _on_heard(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        """Asked before a run: whoever gets the answer knows that all earlier messages were taken in."""
        return None
