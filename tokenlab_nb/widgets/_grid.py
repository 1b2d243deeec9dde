"""What a grid's widget says of cells: plan and jobs -> JSON for the script. No effects; pixels are never among it."""

from __future__ import annotations

from tokenlab_nb.contract.params import lookup
from tokenlab_nb.sweep.plan import Axis
from tokenlab_nb.sweep.run import GridCell

_LABELS = {"model": "Model", "prompt": "Prompt", "references": "Pictures", "operation": "Operation", "repeat": "Repeat"}


def axis(each: Axis) -> dict[str, object]:
    """Return one axis for the script."""
    return {
        "name": each.name,
        "label": _LABELS.get(each.name) or lookup(each.name).label or each.name,
        "values": list(each.labels),
    }


def cell(each: GridCell) -> dict[str, object]:
    """Return one cell for the script."""
    planned = each.planned
    return {
        "index": planned.index,
        "at": list(planned.at),
        "status": planned.status,
        "differences": [str(difference) for difference in planned.differences],
        "reason": planned.reason,
        "price": planned.price.words if planned.takes else "",
        "jobs": [job.id for job in each.jobs],
    }
