"""`contact_sheet`: pictures, jobs or a grid as one picture file, with labels."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator, Mapping, Sequence
from itertools import product
from pathlib import Path
from typing import Any

from tokenlab_nb.contract.model import Json
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.export.layout import Sheet, Table, Tile
from tokenlab_nb.export.share import Share, chosen
from tokenlab_nb.export.sheet import write_sheet
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.sweep.plan import Cell, Plan
from tokenlab_nb.sweep.run import GridCell, GridRun
from tokenlab_nb.widgets import _grid, _tiles
from tokenlab_nb.widgets._live import LiveJob
from tokenlab_nb.widgets._shared import Words, words_of, words_of_grid

__all__ = ["contact_sheet", "grid_sheet", "list_sheet"]

_MOST_COLUMNS = 10
_MANNERS = frozenset({"async", "n", "operation", "response_format"})


def contact_sheet(
    pictures: GridRun | Sequence[ImageResult | LiveJob],
    path: str | os.PathLike[str],
    *,
    title: str = "",
    columns: int | None = None,
    edge: int = 320,
    dark: bool = False,
    share: object = None,
    fonts: Sequence[str | os.PathLike[str]] = (),
    overwrite: bool = True,
) -> list[Path]:
    """Write pictures with their labels as one picture; as several (name-1.png, ...) where the format ends.

    Nothing but pixels goes into the file. No picture is enlarged; no text is cut: what is very long stands in full at
    the end. What no font on this machine has is told in words, and as a `TokenLabWarning`.

    Args:
        pictures: Pictures and jobs, in order; or a grid, whose rows and columns stay.
        path: A file ending in .png, .jpg, .jpeg or .webp.
        title: Stands above.
        columns: How many stand side by side; by default about as many as there are rows. A grid has its own.
        edge: Most pixels a side of a picture.
        dark: Whether the ground is dark.
        share: A `tokenlab_nb.Share`, what a reader may see; None shows all but secrets.
        fonts: Font files that are asked first for a character.
        overwrite: Whether files that are there are replaced.

    Returns:
        The paths of the files.

    Raises:
        LeakError: If a key or a signed address would stand on it; nothing was written.
        ImageError: If the suffix is another one.
        ValidationError: If there is nothing to show.
        ValueError: If the edge or the number of columns cannot be used.
        FileExistsError: If a file is there and ``overwrite`` is off.
    """
    seen = chosen(share)
    if isinstance(pictures, GridRun):
        sheet = grid_sheet(pictures, title, seen)
    else:
        sheet = list_sheet(list(pictures), title, columns, seen)
    return write_sheet(sheet, path, edge=edge, dark=dark, fonts=fonts, overwrite=overwrite)


# A list.


def list_sheet(items: Sequence[ImageResult | LiveJob], title: str, columns: int | None, share: Share) -> Sheet:
    """Return what a sheet of pictures and jobs holds.

    Args:
        items: Pictures and jobs, in order.
        title: Stands above.
        columns: How many stand side by side; None is about as many as there are rows.
        share: What a reader may see.

    Raises:
        ValidationError: If there is nothing to show.
        ValueError: If the number of columns cannot be used.
    """
    if not items:
        raise ValidationError("There are no pictures.", hint="Hand in a list of pictures or jobs.")
    if columns is not None and columns < 1:
        raise ValueError(f"{columns} columns cannot be made.")
    jobs = [item.snapshot for item in items if not isinstance(item, ImageResult)]
    words = words_of(share, jobs, _told_by(items, share))
    prompts = {_prompt(item) for item in items} if share.prompts else {""}
    shared = prompts.pop() if len(prompts) == 1 else ""
    tiles = [tile for item in items for tile in _tiles_of(item, words, with_prompt=share.prompts and not shared)]
    across = columns or min(_MOST_COLUMNS, math.ceil(math.sqrt(len(tiles))))
    rows = tuple(("", tuple(tiles[at : at + across])) for at in range(0, len(tiles), across))
    return Sheet(title or "Pictures", (Table(rows),), (f"Prompt: {shared}",) if shared else ())


def _told_by(items: Sequence[ImageResult | LiveJob], share: Share) -> Iterator[object]:
    """What pictures without their jobs say that is to be kept back."""
    for item in items:
        if isinstance(item, ImageResult):
            facts = item.metadata
            yield from (() if share.prompts else (_prompt(item), facts.get("revised_prompt")))
            yield from (() if share.ids else (facts.get(name) for name in ("job", "request_id", "task_id")))


def _prompt(item: ImageResult | LiveJob) -> str:
    if not isinstance(item, ImageResult):
        return item.snapshot.request.prompt
    return str(_values(item).get("prompt") or item.caption)


def _values(image: ImageResult) -> Mapping[str, Json]:
    request = image.metadata.get("request")
    values = request.get("values") if isinstance(request, dict) else None
    return values if isinstance(values, dict) else {}


def _tiles_of(item: ImageResult | LiveJob, words: Words, *, with_prompt: bool) -> Iterator[Tile]:
    prompt = _prompt(item) if with_prompt else ""
    if isinstance(item, ImageResult):
        model, seconds = item.metadata.get("model"), item.metadata.get("seconds")
        facts = [*words.settings(_set(_values(item))), _size([item]), _seconds(seconds)]
        yield Tile((str(model or "Picture"), prompt, _joined(facts)), (item,))
        return
    snapshot = item.snapshot
    settings = words.settings(_set(snapshot.request.values))
    for place, image in enumerate(item.images):
        own = [_size([image]), _seconds(_took(snapshot)), *([] if place else [words.price(snapshot)])]
        yield Tile((_tiles.name(snapshot), prompt, _joined([*settings, *own])), (image,))
    if _tiles.kind(snapshot) != "picture" or not item.images:
        yield Tile((_tiles.name(snapshot), prompt, _joined(settings)), (), words.trouble(snapshot))


def _set(values: Mapping[str, Json]) -> Mapping[str, Json]:
    """What makes a difference to the picture: not how it is asked for."""
    return {name: value for name, value in values.items() if name not in _MANNERS}


# A grid.


def grid_sheet(grid: GridRun, title: str, share: Share) -> Sheet:
    """Return what the sheet of a grid holds.

    Args:
        grid: The grid, as it stands.
        title: Stands above.
        share: What a reader may see.
    """
    plan = grid.plan
    words = words_of_grid(share, plan, [job.snapshot for job in grid.jobs])
    columns, rows, others = _sides(plan)
    cells = {cell.planned.at: cell for cell in grid.cells}
    tables = []
    for places in product(*(range(len(plan.axes[axis].values)) for axis in others)):
        fixed = dict(zip(others, places, strict=True))
        heading = " · ".join(words.value(plan.axes[axis], place) for axis, place in fixed.items())
        tables.append(_table(plan, cells, columns, rows, fixed, words, heading))
    return Sheet(title or "Comparison", tuple(tables), tuple(_intro(grid, words)))


def _sides(plan: Plan) -> tuple[int | None, int | None, list[int]]:
    """The axes of columns and rows, as the grid has them at first sight, and the others."""
    varied = [number for number, axis in enumerate(plan.axes) if len(axis.values) > 1]
    models = next((number for number in varied if plan.axes[number].name == "model"), None)
    columns = models if models is not None else varied[-1] if varied else None
    rows = next((number for number in varied if number != columns), None)
    return columns, rows, [number for number in varied if number not in (columns, rows)]


def _table(
    plan: Plan,
    cells: Mapping[tuple[int, ...], GridCell],
    columns: int | None,
    rows: int | None,
    fixed: dict[int, int],
    words: Words,
    heading: str,
) -> Table:
    def labels(axis: int | None) -> list[str]:
        return [""] if axis is None else [words.value(plan.axes[axis], n) for n in range(len(plan.axes[axis].values))]

    def tile(row: int, column: int) -> Tile:
        places: dict[int | None, int] = {rows: row, columns: column}
        at = tuple(places.get(number, fixed.get(number, 0)) for number in range(len(plan.axes)))
        return _tile(plan, cells[at], words)

    across, down = labels(columns), labels(rows)
    made = tuple((label, tuple(tile(row, column) for column in range(len(across)))) for row, label in enumerate(down))
    return Table(made, tuple(across) if columns is not None else (), heading)


def _tile(plan: Plan, cell: GridCell, words: Words) -> Tile:
    planned = cell.planned
    snapshots = [job.snapshot for job in cell.jobs]
    images = tuple(cell.images)
    varied = [
        words.value(axis, place)
        for axis, place in zip(plan.axes, planned.at, strict=True)
        if len(axis.values) > 1 and axis.name not in ("model", "prompt")
    ]
    took = max((_took(each) or 0.0 for each in snapshots), default=0.0) or None
    facts = [_size(images), _seconds(took), _price(snapshots, words)] if images else []
    troubles = list(dict.fromkeys(words.trouble(each) for each in snapshots if _tiles.kind(each) != "picture"))
    short = [_tiles.counts(each) for each in snapshots]
    adjusted = dict.fromkeys(words.message(f"Adjusted: {each.text}") for each in planned.differences)
    said = (planned.model, _joined(varied), _joined([*facts, *short]), *adjusted)
    if images:
        return Tile((*said, *troubles), images)
    return Tile(said, (), " ".join(troubles) or _why_not(planned, words))


def _why_not(planned: Cell, words: Words) -> str:
    if planned.status == "impossible":
        return words.message(f"Impossible: {planned.reason}")
    return "There is no picture."


def _intro(grid: GridRun, words: Words) -> Iterator[str]:
    """What holds for all cells, how many there are of which kind, what they cost."""
    plan = grid.plan
    for axis in plan.axes:
        if len(axis.values) == 1 and words.shows(axis.name) and axis.values[0]:
            yield f"{_grid.label(axis.name)}: {words.value(axis, 0)}"
    if fixed := _joined(words.settings(_fixed(plan))):
        yield f"All cells: {fixed}"
    counts: dict[str, int] = {}
    for cell in grid.cells:
        counts[cell.status] = counts.get(cell.status, 0) + 1
    told = ", ".join(f"{count:,} {status}" for status, count in counts.items())
    head = _grid.head(grid)
    cost = (
        f" · cost {head['spent']}" if head["spent"] else "" if head["billed"] else " · made in the sandbox, not billed"
    )
    yield f"{len(plan.cells):,} cells: {told}{cost if words.share.costs else ''}"


def _fixed(plan: Plan) -> Mapping[str, Json]:
    varied = {axis.name for axis in plan.axes}
    first = plan.cells[0].values if plan.cells else {}
    return {name: value for name, value in first.items() if name not in varied}


# Facts.


def _price(snapshots: Sequence[JobSnapshot], words: Words) -> str:
    prices = list(dict.fromkeys(price for each in snapshots if (price := words.price(each))))
    each = " each" if len(snapshots) > 1 and len(prices) == 1 else ""
    return f"{' + '.join(prices)}{each}"


def _size(images: Sequence[ImageResult]) -> str:
    return ", ".join(dict.fromkeys(f"{image.width} \u00d7 {image.height}" for image in images))


def _took(snapshot: JobSnapshot) -> float | None:
    return snapshot.elapsed(0.0) if snapshot.ended_at is not None else None


def _seconds(value: Any) -> str:
    return f"{value:.1f} s" if isinstance(value, int | float) else ""


def _joined(parts: Sequence[str]) -> str:
    return " · ".join(part for part in parts if part)
