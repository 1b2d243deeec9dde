"""What a grid's widget says of axes and cells: plan and jobs -> JSON for the script. No effects; never pixels.

A grid may have ten thousand cells, so each travels as a short list, and texts that many cells share travel once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from tokenlab_nb.contract.model import Json
from tokenlab_nb.contract.params import lookup
from tokenlab_nb.contract.pricing import Estimate, Total, total
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus
from tokenlab_nb.sweep.plan import Axis, Cell, Difference, Plan
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets import _costs

_LABELS = {
    "model": "Model",
    "prompt": "Prompt",
    "references": "References",
    "operation": "Operation",
    "repeat": "Repeat",
}
_STATUSES = ("asked", "adjusted", "impossible")
_MOST_TEXT = 4000


class Interned:
    """Texts (or JSON values) by number, each once."""

    def __init__(self) -> None:
        self._places: dict[str, int] = {}
        self.items: list[object] = []

    def __call__(self, item: object) -> int:
        """Return the item's number."""
        name = item if isinstance(item, str) else json.dumps(item, sort_keys=True, default=str)
        if name not in self._places:
            self._places[name] = len(self.items)
            self.items.append(item)
        return self._places[name]


def label(field: str) -> str:
    """Return what a field is called."""
    return _LABELS.get(field) or lookup(field).label or field


def axis(each: Axis) -> dict[str, object]:
    """Return one axis for the script; ``texts`` has what its labels leave out."""
    found: dict[str, object] = {"name": each.name, "label": label(each.name), "values": list(each.labels)}
    texts = [value if isinstance(value, str) else "" for value in each.values]
    if any(text and text != short for text, short in zip(texts, each.labels, strict=True)):
        found["texts"] = [text[:_MOST_TEXT] for text in texts]
    return found


def name(plan: Plan, cell: Cell) -> str:
    """Return where a cell stands: its model, and its place on what else varies."""
    told = []
    for each, place in zip(plan.axes, cell.at, strict=True):
        if each.name == "model" or len(each.values) > 1:
            own = each.name in ("model", "prompt", "references", "operation")
            told.append(each.labels[place] if own else f"{label(each.name).lower()} {each.labels[place]}")
    return " · ".join(told)


def table(plan: Plan, jobs: Mapping[int, Sequence[str]]) -> dict[str, object]:
    """Return axes and cells for the script.

    Args:
        plan: What was asked.
        jobs: By index of a cell, the ids of its jobs.

    Returns:
        JSON values: ``axes``; ``fixed`` (what every cell asks); ``cells``, each a list of its status (a place in
        asked, adjusted, impossible), its price (a place in ``texts``), the same as a number or None, its differences
        (places in ``changes``), its reason (a place in ``texts``) and its jobs.
    """
    texts, changes = Interned(), Interned()
    cells = [_cell(each, jobs.get(each.index, ()), texts, changes) for each in plan.cells]
    return {
        "axes": [axis(each) for each in plan.axes],
        "fixed": _fixed(plan),
        "labels": {field: label(field) for field in _fields(plan)},
        "cells": cells,
        "texts": texts.items,
        "changes": changes.items,
    }


def _cell(cell: Cell, jobs: Sequence[str], texts: Interned, changes: Interned) -> list[object]:
    return [
        _STATUSES.index(cell.status),
        texts(cell.price.words if cell.takes else ""),
        cell.price.high if cell.takes else None,
        [changes(_change(each)) for each in cell.differences],
        texts(cell.reason),
        list(jobs),
    ]


def _change(each: Difference) -> dict[str, object]:
    return {"field": each.field, "asked": each.asked, "sent": each.sent, "text": each.text}


def _fixed(plan: Plan) -> dict[str, Json]:
    varied = {each.name for each in plan.axes}
    first = plan.cells[0].values if plan.cells else {}
    return {field: value for field, value in first.items() if field not in varied}


def _fields(plan: Plan) -> list[str]:
    changed = {each.field for cell in plan.cells for each in cell.differences}
    return sorted({*_fixed(plan), *changed})


def head(grid: GridRun) -> dict[str, object]:
    """Return what stands above the grid: its state, what it costs, what may be done."""
    every = [job.snapshot for job in grid.jobs]
    unsent = [each for each in every if each.status is JobStatus.DRAFT and each.sent_at is None]
    billed = any(map(_costs.is_billed, every))
    price = total(each.estimate or Estimate() for each in unsent)
    return {
        "state": grid.state,
        "price": grid.plan.price.words,
        "spent": _spent(every) if billed else "",
        "billed": billed,
        "trouble": grid.trouble,
        "unsent": len(unsent),
        "questions": {
            "resume": _question("Go on", "", len(unsent), price, billed=billed),
            "retry": _question("Retry", " once more", len(grid.to_retry()), grid.retry_price(), billed=billed),
        },
    }


def _question(verb: str, what: str, count: int, price: Total, *, billed: bool) -> dict[str, str] | None:
    """What is asked before so many requests are sent; None where there are none."""
    if not count:
        return None
    pays = billed and bool(price.unknown or price.high)
    told = f"{count:,} request{'' if count == 1 else 's'}"
    costs = f"It may cost {price.words}." if pays else "It is free." if billed else "In the sandbox nothing is billed."
    return {"text": f"This sends {told}{what}. {costs}", "button": f"{verb} and pay" if pays else verb}


def _spent(jobs: Sequence[JobSnapshot]) -> str:
    """What the jobs that were accepted cost, in words; empty where none was."""
    taken = (each for each in jobs if each.charge is not Charge.NONE and each.sent_at is not None)
    return total(each.estimate or Estimate() for each in taken).words
