"""How much a frozen twin may add to a saved notebook, and what that leaves for its parts."""

from __future__ import annotations

import json
from dataclasses import dataclass

from tokenlab_nb.errors import ValidationError

__all__ = ["LEAST_PICTURE", "LEAST_TOTAL", "PICTURE", "TOTAL", "Room", "saved_size"]

PICTURE = 20_000
"""Bytes of one picture as saved: base64, table row, its share of the overview and the output's metadata included."""

TOTAL = 600_000
"""Bytes of one twin as saved."""

LEAST_PICTURE = 5_000
LEAST_TOTAL = 10_000

FRAME = 1_400
"""Bytes of what stands around the rows."""

_OVERVIEW, _WORDS = 0.16, 0.24  # of a picture's bytes; the rest is for the JPEG in its row
_MARKUP, _FEWEST_WORDS = 900, 1_300  # bytes of a row without its JPEG: of its markup alone, and in all at least
_LINE = 16  # bytes that a line of text takes beside itself in a notebook file: indentation, quotes, comma
_EDGES = ((7_000, 256), (3_000, 192), (0, 128))  # from so many bytes of JPEG on, the longest side in pixels
_LEAST_JPEG = 1_000
_FIRST_STEP = 10


def saved_size(text: str) -> int:
    """Bytes that a text takes in a notebook file, where each line is a JSON string of its own."""
    return len(json.dumps(text, ensure_ascii=False).encode("utf-8", "replace")) + _LINE * (text.count("\n") + 1)


@dataclass(frozen=True, slots=True)
class Room:
    """What one twin may take.

    Attributes:
        picture: Most bytes that one picture adds to a saved notebook.
        total: Most bytes that the whole twin adds to it.

    Raises:
        ValidationError: If that is too little for anything to be seen.
    """

    picture: int = PICTURE
    total: int = TOTAL

    def __post_init__(self) -> None:
        for what, given, least in (("each picture", self.picture, LEAST_PICTURE), ("all", self.total, LEAST_TOTAL)):
            if isinstance(given, bool) or not isinstance(given, int) or given < least:
                raise ValidationError(
                    f"A saved copy needs {least:,} bytes for {what} at least; {given!r} was set.",
                    hint="Set ImageResult.twin_budget (a picture) and ImageResult.twin_total (all of one copy).",
                )

    def share(self, count: int) -> int:
        """Bytes for each of so many pictures."""
        return min(self.picture, self.total // max(1, count))

    def size(self, count: int) -> tuple[int, int]:
        """The longest side and the most bytes of one JPEG, so that so many of them have room.

        It changes seldom: while pictures come one by one, all of them are made anew whenever it does.
        """
        step = _step(count)
        inner = self.share(step) - FRAME * _FIRST_STEP // step  # as if those of the first step were but one
        most = max(_LEAST_JPEG, int((inner * (1 - _OVERVIEW) - self._text(inner)) * 3 / 4))
        return next(edge for least, edge in _EDGES if most >= least), most

    def overview(self, count: int) -> int:
        """The most bytes of one JPEG that shows so many pictures together."""
        return int(self._inner(count) * _OVERVIEW * 3 / 4) * count

    def row(self, count: int) -> int:
        """The most bytes of one row with its picture."""
        return self.picture - (self.overview(count) * 4 // 3 + FRAME) // max(1, count)

    def words(self, count: int) -> int:
        """The most bytes of each long text in a row."""
        return max(60, int(self._text(self._inner(count)) - _MARKUP) // 7)

    def _inner(self, count: int) -> int:
        return self.share(count) - FRAME // max(1, count)

    @staticmethod
    def _text(inner: int) -> float:
        return max(_FEWEST_WORDS, inner * _WORDS)


def _step(count: int) -> int:
    """The next of a few numbers, each about half as large again as the one before."""
    step = _FIRST_STEP
    while step < count:
        step = step * 3 // 2
    return step
