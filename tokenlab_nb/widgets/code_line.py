"""`CodeLine`: the Python that does what the widgets around it would do, to be copied into a cell."""

from __future__ import annotations

from typing import ClassVar

import traitlets as t

from tokenlab_nb.widgets._base import Widget

__all__ = ["CodeLine"]


class CodeLine(Widget):
    """Python behind a line that unfolds it; nothing is shown where there is none.

    Attributes:
        code: The Python.
    """

    libs: ClassVar[tuple[str, ...]] = ("copying",)

    code = t.Unicode("").tag(sync=True)
