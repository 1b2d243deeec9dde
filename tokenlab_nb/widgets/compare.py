"""`CompareGrid`: a grid of results, to be looked at closely and judged."""

from __future__ import annotations

from typing import ClassVar

import traitlets as t

from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets import _grid
from tokenlab_nb.widgets._judging import Judging

__all__ = ["CompareGrid"]


class CompareGrid(Judging):
    """A grid of results.

    Args:
        grid: What to show.
        title: Shown above the grid.

    Attributes:
        grid: What is shown.
        table: Axes and cells, for the script; computed when a page asks.
    """

    libs: ClassVar[tuple[str, ...]] = (
        "pictures",
        "tiles",
        "actions",
        "twin",
        "gridstate",
        "gridview",
        "viewer",
        "votepair",
        "sitting",
        "ratings",
        "vote",
    )

    table = t.Dict().tag(sync=True, to_json=lambda _value, widget: widget._table())

    def __init__(self, grid: GridRun, *, title: str = "Comparison") -> None:
        self.grid = grid
        super().__init__(grid.jobs, title=title)

    def _describe(self) -> str:
        return f"{len(self.grid.plan.cells)} cells"

    def _table(self) -> dict[str, object]:
        return {
            "axes": [_grid.axis(each) for each in self.grid.plan.axes],
            "cells": [_grid.cell(each) for each in self.grid.cells],
            "state": self.grid.state,
            "price": self.grid.plan.price.words,
        }
