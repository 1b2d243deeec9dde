"""The frozen twin: results as plain HTML and as plain text, for notebooks that are opened without a kernel.

No script, no style sheet, nothing to fetch: GitHub, nbviewer, nbconvert and a reopened notebook show it as it is. Where
a sanitizer drops the inline styles, a plain table is left. No colour of its own but a neutral line, so it is right on
light and dark pages. What takes no HTML, such as a PDF by LaTeX, gets one small JPEG of all pictures (`overview.py`).
How much of that there is room for is reckoned in bytes of the notebook file (`room.py`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from tokenlab_nb.export.room import FRAME, Room, saved_size
from tokenlab_nb.export.text import data_uri, markup, printable, template

__all__ = ["Frozen", "FrozenPicture", "free_place", "freeze"]

_MOST_PROBLEM = 1000
_MOST_FACT = 120
_WHERE = "The originals are on the disk of the machine that made them."
_COSTS = {"&": 5, "<": 4, ">": 4, '"': 5, "'": 5, "\\": 2}  # escaped for HTML, then for JSON


@dataclass(frozen=True, slots=True)
class FrozenPicture:
    """One row of the table: a picture, or in words why there is none.

    Attributes:
        model: Model id.
        state: In words, such as ``done`` or ``failed``.
        done: Whether it came to rest with a picture.
        operation: Operation name.
        prompt: As asked.
        jpeg: The small picture; empty where there is none.
        width: Pixels of the original; 0 where there is none.
        height: Pixels of the original.
        seed: As asked, as text; empty where none was sent.
        seconds: From sending to the end; None when not known.
        price: What it costs, in words: it may be a range, not charged yet, or unknown, which is not zero.
        counts: What was asked and what came, such as ``asked 4, got 3``; empty where both are the same.
        problem: What went wrong and what to do; empty where nothing did.
        request_id: The service's id of the call.
        lineage: Where the picture comes from, in one line; empty for one that was made of words alone.
    """

    model: str
    state: str
    done: bool = False
    operation: str = ""
    prompt: str = ""
    jpeg: bytes = b""
    width: int = 0
    height: int = 0
    seed: str = ""
    seconds: float | None = None
    price: str = ""
    counts: str = ""
    problem: str = ""
    request_id: str = ""
    lineage: str = ""

    @property
    def data_uri(self) -> str:
        """The small picture as a data URI; empty where there is none."""
        return data_uri(self.jpeg, "image/jpeg") if self.jpeg else ""

    @property
    def facts(self) -> str:
        """Everything known in one line."""
        parts = (
            f"{self.width} \u00d7 {self.height}" if self.width else "",
            f"seed {self.seed}" if self.seed else "",
            f"{self.seconds:.1f} s" if self.seconds is not None else "",
            self.price,
            self.counts,
        )
        return " · ".join(part for part in parts if part)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A twin in its forms, for ``text/html``, ``image/jpeg`` and ``text/plain``.

    Attributes:
        html: For pages.
        text: For what takes neither HTML nor pictures.
        metadata: Goes along as the output's metadata, such as what the models took on the day; never shown.
        jpeg: All pictures in one, for what takes pictures and no HTML; empty where there is none.
    """

    html: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)
    jpeg: bytes = b""


def free_place(uid: str, revision: int = 0) -> Frozen:
    """Keep a place for a twin that is to come: nothing is seen of it.

    Args:
        uid: Of the place.
        revision: As in `freeze`.
    """
    return Frozen(template("place.html.j2").render(uid=uid, revision=revision), "")


def freeze(
    pictures: Sequence[FrozenPicture],
    *,
    at: float,
    title: str = "TokenLab pictures",
    uid: str = "",
    revision: int = 0,
    room: Room | None = None,
    jpeg: bytes = b"",
) -> Frozen:
    """Make the twin.

    Args:
        pictures: The rows, in order. What there is no room for is left out, and told.
        at: When, in seconds since 1970 (UTC); the HTML carries it, the text does not, so that it stays comparable.
        title: Stands in front of the counts.
        uid: Of the place, whose class ``tlnb-twin-<uid>`` the live widget's script hides while it lives.
        revision: Counts the versions of one twin, so that the live widget sees an old one.
        room: How much may be saved.
        jpeg: All pictures in one.

    Returns:
        HTML with every outside text escaped, and plain text without control characters.
    """
    room = room or Room()
    name = _cut(printable(title), _MOST_FACT)
    rows = [_clean(picture, room.words(_count(pictures))) for picture in pictures]
    done = f"{sum(row.done for row in rows)} of {len(rows)} done"
    prompts = {row.prompt for row in rows}
    shared = rows[0].prompt if len(prompts) == 1 and len(rows) > 1 else ""
    table = _Table(room, _count(rows), shared, room.total - FRAME - len(jpeg) * 4 // 3)
    for row in rows:
        table.add(row)
    html = template("frozen.html.j2").render(
        rows=table.rows,
        title=name,
        done=done,
        at=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        uid=uid,
        revision=revision,
        shared_prompt=shared,
        notes=table.notes(len(rows)),
    )
    first = f"{name}: {done}" if rows else f"{name}: no pictures yet"
    return Frozen(html, "\n".join((first, *table.lines)), jpeg=jpeg)


class _Table:
    """The rows and lines for which there is room, and which pictures there was none for."""

    def __init__(self, room: Room, count: int, shared: str, left: int) -> None:
        self.rows: list[Any] = []
        self.lines: list[str] = []
        self.large: list[int] = []
        self.late: list[int] = []
        self._room, self._shared, self._left = room, shared, left
        self._most = room.row(count)
        self._alt = room.words(count) // 3
        self._full = False

    def add(self, row: FrozenPicture) -> None:
        """Add a row; without its picture where that does not fit, and not at all where not even the words do."""
        if self._full:
            return
        number = len(self.rows) + 1
        line = f"{number}. {_line(row)}"
        html, cost = self._made(row, number, line)
        if row.jpeg and cost > min(self._most, self._left):
            (self.large if cost > self._most else self.late).append(number)
            html, cost = self._made(replace(row, jpeg=b""), number, line, left_out="not in this copy")
        if cost > self._left:
            self._full = True
            return
        self._left -= cost
        self.rows.append(html)
        self.lines.append(line)

    def notes(self, count: int) -> list[str]:
        """What is left out and why, in words."""
        here = len(self.rows)
        kept = f"which is kept to {self._room.total:,} bytes (ImageResult.twin_total)."
        each = f"a picture may add {self._room.picture:,} bytes to it (ImageResult.twin_budget)."
        found = [
            f"{_told(self.large)} not in this saved copy: {each} {_WHERE}" if self.large else "",
            f"{_told(self.late)} not in this saved copy, {kept} {_WHERE}" if self.late else "",
            f"{count - here:,} more rows have no room in this saved copy, {kept}" if count > here else "",
        ]
        return [note for note in found if note]

    def _made(self, row: FrozenPicture, number: int, line: str, left_out: str = "") -> tuple[Any, int]:
        html = template("frozen_row.html.j2").render(
            row=row,
            number=number,
            left_out=left_out,
            alt=_cut(row.prompt or row.model, self._alt),
            prompt="" if self._shared else row.prompt,
        )
        return markup(html), saved_size(html) + saved_size(line)


def _count(rows: Sequence[FrozenPicture]) -> int:
    return max(1, sum(row.done for row in rows))


def _clean(row: FrozenPicture, words: int) -> FrozenPicture:
    """A row with texts that are not too long, and without control characters (some of them turn text around)."""
    most = {"prompt": words, "lineage": words, "problem": _MOST_PROBLEM}
    texts = {each.name: getattr(row, each.name) for each in fields(row)}
    clean: dict[str, Any] = {
        name: _cut(printable(text), most.get(name, _MOST_FACT)) for name, text in texts.items() if isinstance(text, str)
    }
    return replace(row, **clean)


def _line(row: FrozenPicture) -> str:
    size = f" {row.width}x{row.height}" if row.width else ""
    seed = f" seed {row.seed}" if row.seed else ""
    return f"{row.model}{size}{seed}: {row.state}" + (f" ({row.problem})" if row.problem else "")


def _cut(text: str, most: int) -> str:
    """The text, cut where it takes more bytes than that in a notebook file."""
    left = most
    for place, char in enumerate(text):
        left -= _COSTS.get(char) or len(char.encode())
        if left < 0:
            return f"{text[:place]}…"
    return text


def _told(numbers: Sequence[int]) -> str:
    """Numbers as a subject with its verb: ``Pictures 3, 5 to 9 are``."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1] = [runs[-1][0], number]
        else:
            runs.append([number])
    text = ", ".join(" to ".join(map(str, run)) for run in runs)
    return f"Pictures {text} are" if len(numbers) > 1 else f"Picture {text} is"
