"""`Page`: a grid as one HTML file that needs no network, no kernel and no other file.

Every picture stands once in a plain table, as a data URI; that is what is seen where no script runs, and on paper. The
script of the live widget takes the same bytes from there and shows the grid as a notebook does.
"""

from __future__ import annotations

import hashlib
import os
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from importlib import import_module
from itertools import product
from pathlib import Path
from typing import Any

from tokenlab_nb.contract.leaks import refuse_leaks
from tokenlab_nb.disk import check_place, write_whole
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.export.plans import laid_out
from tokenlab_nb.export.ratings import ratings_record
from tokenlab_nb.export.text import printable, size_words, template
from tokenlab_nb.sweep.plan import Axis, Plan
from tokenlab_nb.sweep.votes import Ratings

__all__ = [
    "MOST_BYTES",
    "Page",
    "PageCell",
    "PagePicture",
    "Script",
    "make_page",
    "page_path",
    "rating_rows",
]

MOST_BYTES = 100_000_000
"""Most bytes of a page: browsers still open it, and it can still be sent to somebody."""

_SUFFIXES = (".html", ".htm")


@dataclass(frozen=True, slots=True)
class PagePicture:
    """A picture of the page.

    Attributes:
        key: Its name among the pictures of the page.
        uri: It as a data URI; empty where it stands in another cell already.
        there: The name of that cell.
        alt: What it shows.
        facts: Its size and the like, in one line.
    """

    key: str
    uri: str
    alt: str
    facts: str = ""
    there: str = ""


@dataclass(frozen=True, slots=True)
class PageCell:
    """A cell of the plain table.

    Attributes:
        state: How it stands, in words.
        lines: What else is to be said of it, a line each.
        ids: Its ids, in one line.
        pictures: Its pictures, in order.
    """

    state: str
    lines: tuple[str, ...] = ()
    ids: str = ""
    pictures: tuple[PagePicture, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """What makes the page live.

    Attributes:
        code: One module text.
        style: Its style sheet.
        facts: JSON values that it reads.
    """

    code: str
    style: str
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True, repr=False)
class Page:
    """A page that is ready to be written.

    Attributes:
        html: All of it.
        pictures: How many pictures are in it.
        form: How they are in it: as originals, or as previews of which size.
    """

    html: str = field(repr=False)
    pictures: int
    form: str

    def __repr__(self) -> str:
        return f"Page({self.told})"

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.html.encode("utf-8", "replace"))

    @property
    def told(self) -> str:
        """Its size and what is in it, in a few words."""
        many = f"{self.pictures:,} picture{'' if self.pictures == 1 else 's'} {self.form}"
        return f"{size_words(self.size)}, {many if self.pictures else 'no pictures'}"

    def save(self, path: str | os.PathLike[str], *, overwrite: bool = True) -> Path:
        """Write it to a file, whole or not at all, and return the file's path.

        Args:
            path: A file ending in .html or .htm.
            overwrite: Whether a file that is there is replaced.

        Raises:
            ValidationError: If the name ends otherwise.
            FileExistsError: If the file is there and ``overwrite`` is off.
            OSError: If it cannot be written.
        """
        target = page_path(path, overwrite=overwrite)
        write_whole(target, self.html.encode("utf-8", "replace"))
        return target


def page_path(path: str | os.PathLike[str], *, overwrite: bool) -> Path:
    """Where a page is to be written; see `Page.save`."""
    target = Path(path).expanduser()
    if target.suffix.lower() not in _SUFFIXES:
        raise ValidationError(f"{target.name} does not end in .html.", hint="A page is a file such as grid.html.")
    check_place(target, overwrite=overwrite)
    return target


def make_page(
    plan: Plan,
    cells: Sequence[PageCell],
    script: Script,
    *,
    title: str,
    at: float,
    form: str,
    told: Sequence[str] = (),
    plain: Sequence[str] = (),
    ratings: Mapping[str, object] | None = None,
) -> Page:
    """Make a page of what may be seen of a grid.

    Args:
        plan: Axes and cells.
        cells: What to show of each of the plan's cells.
        script: What makes it live.
        title: Stands above it.
        at: When, in seconds since 1970.
        form: How the pictures are in it.
        told: Lines that stand above the grid.
        plain: Lines that stand above the plain table only.
        ratings: What votes came to; see `rating_rows`.

    Raises:
        LeakError: If a key or a signed address would be in it.
    """
    said = [title, *told, *plain, *_texts(script.facts), *_texts(ratings or {}), *_cell_texts(cells)]
    refuse_leaks("\n".join(said), "The page")
    html = template("page.html.j2").render(
        title=printable(title),
        at=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        told=[printable(each) for each in told],
        plain=[printable(each) for each in plain],
        sections=_sections(plan, [_printable(each) for each in cells]),
        legends=_legends(plan),
        ratings=_printable(ratings),
        facts=_json(script.facts),
        script=_whole(script.code, "script"),
        style=_whole(script.style, "style"),
        hash=b64encode(hashlib.sha256(script.code.encode()).digest()).decode("ascii"),
    )
    return Page(html, sum(bool(each.uri) for cell in cells for each in cell.pictures), form)


def rating_rows(ratings: Ratings, *, costs: bool) -> dict[str, object]:
    """What votes came to, for a page: a question, a verdict, and rows of texts.

    Args:
        ratings: The ratings.
        costs: Whether costs may be seen.
    """
    heads = [ratings.by, "rating", "interval", "votes", "won", "lost", "tied", "both bad", "latency"]
    records = [ratings_record(ratings, row) for row in ratings.rows]
    rows = [_rating_row(each, costs=costs) for each in records]
    return {
        "question": ratings.question,
        "verdict": ratings.verdict.text,
        "heads": [*heads, "cost"] if costs else heads,
        "rows": rows,
    }


def _rating_row(record: Mapping[str, Any], *, costs: bool) -> list[str]:
    known = record["rating"] is not None and record["low"] is not None
    told = [f"{record['rating']:+.2f}", f"{record['low']:+.2f} to {record['high']:+.2f}"] if known else ["no votes", ""]
    counts = [str(record[name]) for name in ("votes", "wins", "losses", "ties", "bad")]
    row = [str(record["contestant"]), *told, *counts, str(record["latency"])]
    return [*row, str(record["cost"])] if costs else row


# -------------------------------------------------------------------------------------- the table


@dataclass(frozen=True, slots=True)
class _Section:
    """A table of the page: the cells of one combination of the further axes."""

    title: str
    corner: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[PageCell, ...]], ...]


def _sections(plan: Plan, cells: Sequence[PageCell]) -> list[_Section]:
    rows, columns, others = laid_out(plan.axes)
    found = []
    for combination in product(*(range(len(each.values)) for each in others)):
        fixed = {each.name: place for each, place in zip(others, combination, strict=True)}
        found.append(
            _Section(
                " · ".join(_named(each, fixed[each.name]) for each in others),
                " / ".join(each.name for each in (rows, columns) if each),
                tuple(_named(columns, place) for place in _places(columns)),
                tuple((_named(rows, row), _line(plan, cells, fixed, rows, row, columns)) for row in _places(rows)),
            )
        )
    return found


def _line(
    plan: Plan, cells: Sequence[PageCell], fixed: Mapping[str, int], rows: Axis | None, row: int, columns: Axis | None
) -> tuple[PageCell, ...]:
    """The cells of one row, from left to right."""
    found = []
    for column in _places(columns):
        places = {**fixed, **({rows.name: row} if rows else {}), **({columns.name: column} if columns else {})}
        index = 0
        for axis in plan.axes:  # the last axis changes fastest
            index = index * len(axis.values) + places.get(axis.name, 0)
        found.append(cells[index])
    return tuple(found)


def _places(axis: Axis | None) -> range:
    return range(len(axis.values) if axis else 1)


def _named(axis: Axis | None, place: int) -> str:
    if axis is None:
        return ""
    plain = axis.name in ("model", "prompt", "references", "operation")
    return printable(axis.labels[place] if plain else f"{axis.name} {axis.labels[place]}")


def _legends(plan: Plan) -> list[tuple[str, list[tuple[str, str]]]]:
    """Label and text, axis by axis, where a label is short for a text; and what does not vary: no heading says it."""
    found = []
    for axis in plan.axes:
        pairs = zip(axis.labels, axis.values, strict=True)
        rows = [(printable(label), printable(value if isinstance(value, str) else label)) for label, value in pairs]
        if len(rows) == 1 or any(label != value for label, value in rows):
            found.append((axis.name.capitalize(), rows))
    return found


# ------------------------------------------------------------------------------------- the script


def _json(facts: Mapping[str, object]) -> Any:
    """JSON that is safe inside a script element."""
    return import_module("jinja2.utils").htmlsafe_json_dumps(facts, separators=(",", ":"))


def _whole(text: str, tag: str) -> str:
    """A text that cannot end its element, nor open a comment in it.

    Raises:
        ValueError: If it could.
    """
    if f"</{tag}" in text.lower() or "<!--" in text or "\r" in text:
        raise ValueError(f"a {tag} of the page would end in its midst")
    return text


def _texts(value: object) -> list[str]:
    """Every text in JSON values."""
    if isinstance(value, str):
        return [value]
    items = value.values() if isinstance(value, Mapping) else value if isinstance(value, list | tuple) else ()
    return [text for item in items for text in _texts(item)]


def _printable(value: Any) -> Any:
    """Records and JSON values with every text as it may be printed."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, PageCell | PagePicture):
        names = [each.name for each in fields(value) if each.name != "uri"]  # megabytes, and ours
        return replace(value, **{name: _printable(getattr(value, name)) for name in names})
    if isinstance(value, Mapping):
        return {name: _printable(item) for name, item in value.items()}
    return type(value)(map(_printable, value)) if isinstance(value, list | tuple) else value


def _cell_texts(cells: Sequence[PageCell]) -> list[str]:
    alts = [text for cell in cells for each in cell.pictures for text in (each.alt, each.facts, each.there)]
    return [*alts, *(text for cell in cells for text in (cell.state, cell.ids, *cell.lines))]
