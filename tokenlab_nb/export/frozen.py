"""The frozen twin: results as plain HTML and as plain text, for notebooks that are opened without a kernel.

No script, no style sheet, nothing to fetch: GitHub, nbviewer, nbconvert and a reopened notebook show it as it is. Where
a sanitizer drops the inline styles, a plain table is left. No colour of its own but a neutral line, so it is right on
light and dark pages.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import UTC, datetime
from typing import Any

from tokenlab_nb.export.text import printable, template

__all__ = ["PICTURE_BYTES", "TOTAL_BYTES", "Frozen", "FrozenPicture", "free_place", "freeze", "picture_size"]

PICTURE_BYTES = 20_000
"""Most bytes of one JPEG in a twin."""

TOTAL_BYTES = 300_000
"""Most bytes of all JPEGs in one twin (in base64 a third more); the rows after that have words only."""

_MOST_PROMPT = 400
_MOST_PROBLEM = 1000
_SIZES = ((15, 256, PICTURE_BYTES), (37, 192, 8_000), (100, 128, 3_000))


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
        return f"data:image/jpeg;base64,{b64encode(self.jpeg).decode('ascii')}" if self.jpeg else ""

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

    @property
    def short_prompt(self) -> str:
        """The prompt, cut where it is very long."""
        return _cut(self.prompt, _MOST_PROMPT)

    @property
    def short_lineage(self) -> str:
        """The lineage, cut where it is very long."""
        return _cut(self.lineage, _MOST_PROMPT)

    @property
    def short_problem(self) -> str:
        """The problem, cut where it is very long."""
        return _cut(self.problem, _MOST_PROBLEM)


@dataclass(frozen=True, slots=True)
class Frozen:
    """A twin in both forms, for ``text/html`` and ``text/plain``.

    Attributes:
        html: For pages.
        text: For what takes no HTML.
        metadata: Goes along as the output's metadata, such as what the models took on the day; never shown.
    """

    html: str
    text: str
    metadata: Mapping[str, Any] = field(default_factory=dict)


def picture_size(count: int) -> tuple[int, int]:
    """Return the edge in pixels and the most bytes of one JPEG, so that ``count`` of them keep the total."""
    return next(((edge, most) for upto, edge, most in _SIZES if count <= upto), _SIZES[-1][1:])


def free_place(uid: str) -> Frozen:
    """Keep a place for a twin that is to come: nothing is seen of it.

    Args:
        uid: Of a live widget that stands beside it.
    """
    return Frozen(template("place.html.j2").render(uid=uid), "")


def freeze(
    pictures: Sequence[FrozenPicture], *, at: float, title: str = "TokenLab pictures", uid: str = "", revision: int = 0
) -> Frozen:
    """Make the twin.

    Args:
        pictures: The rows, in order. JPEGs over `PICTURE_BYTES`, or after `TOTAL_BYTES` in all, are left out.
        at: When, in seconds since 1970 (UTC); the HTML carries it, the text does not, so that it stays comparable.
        title: Stands in front of the counts.
        uid: Of the live widget, whose script hides the class ``tlnb-twin-<uid>`` while it lives.
        revision: Counts the versions of one twin, so that the live widget sees an old one.

    Returns:
        HTML with every outside text escaped, and plain text without control characters.
    """
    rows = _within_budget(pictures)
    done = f"{sum(row.done for row in rows)} of {len(rows)} done"
    prompts = {row.prompt for row in rows}
    html = template("frozen.html.j2").render(
        rows=rows,
        title=printable(title),
        done=done,
        at=datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC"),
        uid=uid,
        revision=revision,
        shared_prompt=rows[0].short_prompt if len(prompts) == 1 and len(rows) > 1 else "",
        left_out=sum(bool(old.jpeg and not new.jpeg) for old, new in zip(pictures, rows, strict=True)),
    )
    lines = [f"{title}: {done}", *(f"{place}. {_line(row)}" for place, row in enumerate(rows, 1))]
    return Frozen(html, "\n".join(printable(line) for line in lines))


def _within_budget(pictures: Sequence[FrozenPicture]) -> list[FrozenPicture]:
    """The rows with the pictures that fit, and without control characters (some of them turn text around)."""
    left, rows = TOTAL_BYTES, []
    for picture in pictures:
        fits = len(picture.jpeg) <= min(PICTURE_BYTES, left)
        left -= len(picture.jpeg) if fits else 0
        texts = {each.name: getattr(picture, each.name) for each in fields(picture)}
        clean: dict[str, Any] = {name: printable(text) for name, text in texts.items() if isinstance(text, str)}
        rows.append(replace(picture, jpeg=picture.jpeg if fits else b"", **clean))
    return rows


def _line(row: FrozenPicture) -> str:
    size = f" {row.width}x{row.height}" if row.width else ""
    seed = f" seed {row.seed}" if row.seed else ""
    return f"{row.model}{size}{seed}: {row.state}" + (f" ({row.short_problem})" if row.problem else "")


def _cut(text: str, most: int) -> str:
    return text if len(text) <= most else f"{text[: most - 1]}…"
