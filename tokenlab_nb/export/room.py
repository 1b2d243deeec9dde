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

LEAST_PICTURE = 3_000
LEAST_TOTAL = 10_000

_ROW, _OVERVIEW = 0.60, 0.16  # of a picture's bytes; the rest is for words and metadata
_LINE = 16  # bytes that a line of text takes beside itself in a notebook file: indentation, quotes, comma
_EDGES = ((8_000, 256), (3_000, 192), (0, 128))  # from so many bytes of JPEG on, the longest side in pixels
_LEAST_JPEG = 1_000


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
        most = max(_LEAST_JPEG, int(self.share(_step(count)) * _ROW * 3 / 4))
        return next(edge for least, edge in _EDGES if most >= least), most

    def overview(self, count: int) -> int:
        """The most bytes of one JPEG that shows so many pictures together."""
        return int(self.share(count) * _OVERVIEW * 3 / 4) * count

    def words(self, count: int) -> int:
        """The most bytes of each long text in a row."""
        return max(60, self.share(count) // 40)


def _step(count: int) -> int:
    """The next of a few numbers, each about half as large again as the one before."""
    step = 10
    while step < count:
        step = step * 3 // 2
    return step
