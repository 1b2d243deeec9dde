"""A grid as one HTML file: the facts that its widget tells, its pictures and its script, with no kernel behind."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from tokenlab_nb.contract.leaks import refuse_leaks
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import LeakError, TokenLabError, ValidationError
from tokenlab_nb.export.languages import codes_of
from tokenlab_nb.export.page import (
    MOST_BYTES,
    Page,
    PageCell,
    PagePicture,
    Script,
    make_page,
    page_path,
    rating_rows,
)
from tokenlab_nb.export.share import Share, chosen
from tokenlab_nb.export.stripped import metadata_text, stripped
from tokenlab_nb.export.text import data_uri, size_words
from tokenlab_nb.export.withheld import Withheld
from tokenlab_nb.images import ImageResult, stamped
from tokenlab_nb.sweep.plan import Cell
from tokenlab_nb.sweep.run import GridCell, GridRun
from tokenlab_nb.widgets import _grid, _tiles
from tokenlab_nb.widgets._base import static_text
from tokenlab_nb.widgets.compare import CompareGrid

__all__ = ["page_of", "write_page"]

_EDGE, _BUDGET = 768, 160_000  # of a preview: sharp in any cell, and this is no notebook
_STATES = {"running": "Not finished when this page was written", "paused": "Paused when this page was written"}
_WAITS = "Not done when this page was written"
_EVERYTHING = Share()
_URI_GROWTH = 4 / 3
_NOTHING_TO_DO: Mapping[str, object] = {
    "actions": [],
    "questions": {},
    "repairs": [],
    "inputs": [],
    "mends": "",
    "mended": "",
    "repeated": "",
}


def page_of(
    grid: GridRun,
    *,
    originals: bool = False,
    share: Share | None = None,
    title: str = "Comparison",
    most_bytes: int = MOST_BYTES,
) -> Page:
    """Make a page of a grid; see `tokenlab_nb.sweep.away.TakenAway.page`."""
    seen = chosen(share)
    page = _Gathered(grid, seen, title, _pictures(grid, seen, originals, most_bytes)).page()
    if page.size > most_bytes:
        raise _too_large(page.size, most_bytes, originals=originals)
    return page


def write_page(
    grid: GridRun,
    path: str | os.PathLike[str],
    *,
    originals: bool = False,
    share: Share | None = None,
    title: str = "Comparison",
    most_bytes: int = MOST_BYTES,
    overwrite: bool = True,
) -> Path:
    """Write a page of a grid; see `tokenlab_nb.sweep.away.TakenAway.to_html`."""
    target = page_path(path, overwrite=overwrite)  # before all the work
    page = page_of(grid, originals=originals, share=share, title=title, most_bytes=most_bytes)
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules:  # somebody is looking: say how large it becomes
        print(f"{target.name}: {page.told}")  # noqa: T201
    return page.save(target, overwrite=overwrite)


# --------------------------------------------------------------------------------------- pictures


@dataclass(frozen=True, slots=True)
class _Held:
    """A picture as the page holds it.

    Attributes:
        uri: It as a data URI; empty where it cannot be read.
        preview: What it is instead of the original, in words; empty for an original.
        lost: Why there is none.
    """

    uri: str = ""
    preview: str = ""
    lost: str = ""


def _pictures(grid: GridRun, share: Share, originals: bool, most_bytes: int) -> dict[str, _Held]:  # noqa: FBT001
    """Every picture once, by hash.

    Raises:
        LeakError: If an original holds a key or a signed address beside its pixels.
        ValidationError: If they are too many bytes.
    """
    images = {image.sha256: image for cell in grid.cells for image in cell.images}
    if originals and (size := sum(each.size for each in images.values()) * _URI_GROWTH) > most_bytes:
        raise _too_large(round(size), most_bytes, originals=True)
    found: dict[str, _Held] = {}
    total = 0
    for sha256, image in images.items():
        found[sha256] = _held(image, share, originals=originals)
        total += len(found[sha256].uri)
        if total > most_bytes:
            raise _too_large(round(total / len(found) * len(images)), most_bytes, originals=originals)
    return found


def _held(image: ImageResult, share: Share, *, originals: bool) -> _Held:
    try:
        whole = _original(image, share) if originals else None
        if whole is not None:
            return _Held(data_uri(whole, image.media_type))
        why = "; its metadata could not be taken out of the original" if originals else ""
        return _Held(data_uri(image.thumbnail(_EDGE, _BUDGET), "image/jpeg"), f"a preview{why}")
    except LeakError:
        raise
    except (TokenLabError, OSError) as error:
        return _Held(lost=str(error))


def _original(image: ImageResult, share: Share) -> bytes | None:
    """The picture's file, with its record, or bare where anything is left out; None where it cannot be made bare.

    Raises:
        LeakError: If there is a key or a signed address in it, beside its pixels.
    """
    try:
        if share != _EVERYTHING:
            return stripped(image.bytes)
        data = stamped(image)
        beside = metadata_text(data)
    except ValueError:
        return None
    refuse_leaks(beside, f"The picture {image.name or image.sha256[:8]}, among its metadata,")
    return data


def _too_large(size: int, most: int, *, originals: bool) -> ValidationError:
    ways = ["originals=False"] if originals else []
    ways += ["a smaller grid", "most_bytes=..., if whoever opens it can take so much"]
    return ValidationError(
        f"The page would have about {size_words(size)}; {size_words(most)} at most. Nothing was written.",
        hint=f"Try {', or '.join(ways)}.",
    )


# ------------------------------------------------------------------------------------------ facts


class _Gathered:
    """All that a page says of a grid, without what is left out."""

    def __init__(self, grid: GridRun, share: Share, title: str, pictures: Mapping[str, _Held]) -> None:
        self.grid, self.share, self.title, self.pictures = grid, share, title, pictures
        self.at = time.time()
        self.jobs = {job.id: job.snapshot for job in grid.jobs}
        self.hidden = Withheld(share, grid.plan, list(self.jobs.values()))
        self.plan = self.hidden.plan(grid.plan)
        self.cells = grid.cells
        self.repairs = dict(self._repaired())
        self.rows = {job_id: self._row(job_id, place) for place, job_id in enumerate(self.jobs, 1)}

    def page(self) -> Page:
        """The page."""
        libs = ("base", *CompareGrid.libs)
        code = f"{static_text('compare', libs, '.js')}\n{static_text('offline', (), '.js')}"
        style = f"{static_text('compare', libs, '.css')}\n{static_text('offline', (), '.css')}"
        return make_page(
            self.plan,
            list(self._page_cells()),
            Script(code, style, {**self.hidden.last(self._facts()), "codes": list(map(self._code, self.cells))}),
            title=self.title,
            at=self.at,
            form=self._form,
            told=self._told(),
            plain=self._plain(),
            ratings=self._ratings(),
        )

    @cached_property
    def table(self) -> dict[str, Any]:
        """Axes and cells, as the live widget has them."""
        jobs = {each.planned.index: [self.rows[job.id]["id"] for job in each.jobs] for each in self.cells}
        return {**_grid.table(self.plan, jobs), "head": self._head()}

    def _facts(self) -> dict[str, object]:
        rows = list(self.rows.values())
        tiles = [tile for row in rows for tile in row["tiles"] if tile["kind"] == "picture"]
        return {
            "values": {"title": self.title, "table": self.table, "rows": rows},
            "names": {tile["hash"]: tile["name"] for tile in tiles},
            "lost": {sha256: self.hidden.text(held.lost) for sha256, held in self.pictures.items() if held.lost},
        }

    def _head(self) -> dict[str, object]:
        head = {**_grid.head(self.grid), "unsent": 0, "questions": {"resume": None, "retry": None}}
        state = _STATES.get(self.grid.state, self.grid.state)
        costs = {} if self.share.costs else {"price": "", "spent": "", "billed": False}
        return {**head, "state": state, "trouble": self.hidden.text(self.grid.trouble), **costs}

    def _row(self, job_id: str, place: int) -> dict[str, Any]:
        """One job for the script: the live widget's row, with nothing that a kernel would have to do."""
        share, hidden = self.share, self.hidden
        row = _tiles.row(hidden.snapshot(self.jobs[job_id], place), now=self.at)
        error = hidden.texts(row["error"])
        waits = row["kind"] == "waiting"
        tiles: Any = row["tiles"]
        return {
            **row,
            "running": False,
            "progress": None,
            "words": _WAITS if waits else row["words"],
            "error": error if share.ids or not error else {**error, "request_id": ""},
            **_NOTHING_TO_DO,
            "repair": self.repairs.get(job_id, ""),
            "price": row["price"] if share.costs else "",
            "ids": row["ids"] if share.ids else {},
            "tiles": [{**tile, "preview": self._preview(tile)} for tile in tiles],
        }

    def _preview(self, tile: Mapping[str, Any]) -> str:
        held = self.pictures.get(tile.get("hash", ""))
        return held.preview if held else ""

    def _repaired(self) -> Iterator[tuple[str, str]]:
        """What was sent otherwise than planned, in words, by job: such a cell is not as asked."""
        for cell in self.cells:
            for take, job in zip(cell.planned.takes, cell.jobs, strict=True):
                sent = job.snapshot.request
                if sent.hash != take.request.hash:
                    yield job.id, _changes(self.hidden.request(take.request), self.hidden.request(sent))

    def _code(self, cell: GridCell) -> dict[str, str]:
        """The code of a cell by language, as the live widget answers it; made of what may be seen of its requests."""
        requests, address = cell.coded()
        codes = codes_of([self.hidden.request(each) for each in requests], address)
        return {"text": codes.pop("code"), **codes}

    # The words of the page, and its plain table.

    @property
    def _form(self) -> str:
        previews = sum(bool(each.preview) for each in self.pictures.values())
        if previews in (0, len(self.pictures)):
            return "as previews" if previews else "as originals"
        return f"as originals, {previews} of them as previews"

    def _told(self) -> list[str]:
        names = {"prompts": "prompts", "ids": "ids", "costs": "costs", "paths": "names and addresses of files"}
        left = [words for name, words in names.items() if not getattr(self.share, name)]
        lines = [f"Left out by whoever shared this: {', '.join(left)}."] if left else []
        previews = [each for each in self.pictures.values() if each.preview]
        if previews:
            many = "Pictures" if len(previews) == len(self.pictures) else f"{len(previews)} pictures"
            lines.append(f"{many} are here as previews of at most {_EDGE} pixels; sizes stated are the originals'.")
        return lines

    def _plain(self) -> list[str]:
        """Lines for the plain table; the live grid says them itself."""
        head, labels = self.table["head"], self.table["labels"]
        fixed = [f"{labels[name]}: {value}" for name, value in self.table["fixed"].items()]
        planned = "Planned" if head["billed"] else "Sandbox: nothing is billed; at the service"
        money = [f"{words}: {head[name]}" for words, name in ((planned, "price"), ("Spent", "spent")) if head[name]]
        return [str(self.hidden.last(line)) for line in (*fixed, *money, head["trouble"]) if line]

    def _page_cells(self) -> Iterator[PageCell]:
        shown: dict[str, str] = {}
        for planned, cell in zip(self.plan.cells, self.cells, strict=True):
            rows = [self.rows[job.id] for job in cell.jobs]
            state = " / ".join(dict.fromkeys(str(row["words"]) for row in rows)) or planned.status.capitalize()
            pictures = tuple(self._page_pictures(planned, rows, shown))
            lines = [planned.reason, *map(str, planned.differences), *(line for row in rows for line in _lines(row))]
            lost = [self.hidden.text(self.pictures[each.key].lost) for each in pictures if self._is_lost(each.key)]
            said = tuple(str(self.hidden.last(line)) for line in (*lines, *lost) if line)
            ids = " · ".join(f"{name} {value}" for row in rows for name, value in row["ids"].items() if value)
            yield PageCell(state, said, ids, tuple(each for each in pictures if not self._is_lost(each.key)))

    def _page_pictures(self, planned: Cell, rows: list[dict[str, Any]], shown: dict[str, str]) -> Iterator[PagePicture]:
        tiles = [(row, tile) for row in rows for tile in row["tiles"] if tile["kind"] == "picture"]
        name = str(self.hidden.last(_grid.name(self.plan, planned)))
        for place, (row, tile) in enumerate(tiles, 1):
            key = str(tile["hash"])
            uri, there = ("", shown[key]) if key in shown else (self._held(key).uri, "")
            alt = f"{name}, picture {place} of {len(tiles)}" if len(tiles) > 1 else name
            time_taken = f"{row['elapsed']:.1f} s" if row["ended"] else ""
            size = f"{tile['width']} × {tile['height']} {tile['type'].removeprefix('image/').upper()}"  # noqa: RUF001
            facts = " · ".join(part for part in (size, time_taken, row["price"]) if part)
            shown.setdefault(key, alt)
            yield PagePicture(key, uri, alt, facts, there)

    def _held(self, sha256: str) -> _Held:
        return self.pictures.get(sha256) or _Held(lost="This picture came after the page was begun.")

    def _is_lost(self, sha256: str) -> bool:
        return not self._held(sha256).uri

    def _ratings(self) -> dict[str, object] | None:
        """What votes came to, where there are some; not by prompts where these are left out."""
        try:
            ratings = self.grid.ratings() if self.grid.votes else None
        except TokenLabError:
            return None
        if ratings is None or not ratings.count or (ratings.by != "model" and self.share != _EVERYTHING):
            return None
        found: dict[str, object] = self.hidden.last(self.hidden.texts(rating_rows(ratings, costs=self.share.costs)))
        return found


def _lines(row: Mapping[str, Any]) -> Iterator[str]:
    """What the plain table says of a job beside its state and its pictures."""
    if row["repair"]:
        yield f"Repaired: {row['repair']}"
    if error := row["error"]:
        yield " ".join(filter(None, (f"{error['title']}.", error["text"], error["hint"])))
    yield row["counts"]
    yield from (f"Rewritten by the model: {tile['revised']}" for tile in row["tiles"] if tile.get("revised"))


def _changes(planned: ImageRequest, sent: ImageRequest) -> str:
    """How a request differs from the planned one, in words."""
    names = [name for name in {**planned.values, **sent.values} if planned.values.get(name) != sent.values.get(name)]
    told = [f"{_grid.label(name)} {sent.values.get(name, 'not sent')}" for name in names]
    told += [f"Model {sent.model}"] if sent.model != planned.model else []
    return ", ".join(told) or "sent otherwise than planned"
