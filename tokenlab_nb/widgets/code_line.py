"""`CodeLine`: the code that does what the widgets around it would do, to be copied into a cell or a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

import traitlets as t

from tokenlab_nb.widgets._base import Widget

__all__ = ["CodeLine"]


class CodeLine(Widget):
    """Code behind a line that unfolds it; nothing is shown where there is none.

    Attributes:
        name: What the line says.
        code: The Python.
        curl: The same as curl commands, if it is offered so.
        openai: The same through the OpenAI client, if it is offered so.
    """

    libs: ClassVar[tuple[str, ...]] = ("copying",)

    name = t.Unicode("The same in Python").tag(sync=True)
    code = t.Unicode("").tag(sync=True)
    curl = t.Unicode("").tag(sync=True)
    openai = t.Unicode("").tag(sync=True)

    def tell(self, codes: Mapping[str, str]) -> None:
        """Show code by language, in one message to the page."""
        with self.hold_sync():
            for language, text in codes.items():
                self.set_trait(language, text)
