"""What a contact sheet is made of: words and pictures, a look, and blocks of known height that are drawn late."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from PIL import Image

from tokenlab_nb.export.lettering import Letters, Line
from tokenlab_nb.images import ImageResult

__all__ = ["Block", "Column", "Look", "Sheet", "Table", "Tile", "Words"]

_MOST_TEXT = 320  # characters of a label or caption; the rest of a longer one stands in the notes
_KEPT_TEXT = 240


@dataclass(frozen=True, slots=True)
class Tile:
    """One place on a sheet.

    Attributes:
        caption: Lines under it; the first is set in bold.
        images: What is seen there, side by side.
        state: What is said in place of a picture where there is none.
    """

    caption: tuple[str, ...] = ()
    images: tuple[ImageResult, ...] = ()
    state: str = ""


@dataclass(frozen=True, slots=True)
class Table:
    """Rows and columns.

    Attributes:
        rows: Label and tiles of each; a label may be empty.
        columns: Their labels; none where the tiles only follow one another.
        heading: Above it.
    """

    rows: tuple[tuple[str, tuple[Tile, ...]], ...]
    columns: tuple[str, ...] = ()
    heading: str = ""


@dataclass(frozen=True, slots=True)
class Sheet:
    """What is on a sheet.

    Attributes:
        title: Above all.
        intro: What holds for all of it.
        tables: One below the other.
    """

    title: str
    tables: tuple[Table, ...]
    intro: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Every word on it."""
        rows = [row for table in self.tables for row in table.rows]
        tiles = [part for _, row in rows for tile in row for part in (*tile.caption, tile.state)]
        heads = [part for table in self.tables for part in (table.heading, *table.columns)]
        return "\n".join((self.title, *self.intro, *heads, *(label for label, _ in rows), *tiles))


@dataclass(frozen=True, slots=True)
class Colours:
    """Of one ground."""

    ground: str
    text: str
    faint: str
    line: str
    frame: str


_LIGHT = Colours("#ffffff", "#1a1a1a", "#575757", "#d5d5d5", "#f1f1f1")
_DARK = Colours("#15171b", "#ededed", "#aab0b8", "#3a3f47", "#20242a")


@dataclass(frozen=True)
class Look:
    """Sizes and colours.

    Attributes:
        edge: Most pixels a side of a picture.
        dark: Whether the ground is.
        fonts: Files that are asked first for a character.
    """

    edge: int
    dark: bool = False
    fonts: tuple[Path, ...] = ()

    @property
    def colours(self) -> Colours:
        """Those of the ground."""
        return _DARK if self.dark else _LIGHT

    @property
    def gap(self) -> int:
        """Between tiles."""
        return max(10, self.edge // 16)

    @property
    def margin(self) -> int:
        """Around all."""
        return max(16, self.edge // 10)

    @cached_property
    def small(self) -> Letters:
        """Letters of captions."""
        return Letters(max(13, self.edge // 24), files=self.fonts)

    @cached_property
    def bold(self) -> Letters:
        """Letters of labels."""
        return Letters(self.small.size, strong=True, files=self.fonts)

    @cached_property
    def large(self) -> Letters:
        """Letters of headings."""
        return Letters(round(self.small.size * 1.5), strong=True, files=self.fonts)

    @property
    def missing(self) -> set[str]:
        """What could not be drawn so far."""
        return self.small.missing | self.bold.missing | self.large.missing


@dataclass(frozen=True)
class Block:
    """A stripe of the sheet.

    Attributes:
        height: Pixels.
        paint: Draws it on a page, from so many pixels below its upper edge.
        head: Stands above it on every page on which it, or what goes with it, comes first.
        keep: Whether it stays with the next one.
    """

    height: int
    paint: Callable[[Image.Image, int], None]
    head: Block | None = None
    keep: bool = False


@dataclass(frozen=True)
class Column:
    """Text in lines, with the letters and the colour it is drawn in."""

    lines: tuple[tuple[Letters, Line, str], ...] = ()

    @property
    def height(self) -> int:
        """Pixels."""
        return sum(letters.height for letters, _, _ in self.lines)

    def paint(self, page: Image.Image, x: int, y: int, width: int) -> None:
        """Draw it, from its upper left corner."""
        for letters, line, colour in self.lines:
            letters.draw(page, (x, y), line, colour, width=width)
            y += letters.height


@dataclass
class Words:
    """Texts as columns; what is too long for its place goes to the notes.

    Attributes:
        look: How they look.
        notes: Long texts, and the number of each.
    """

    look: Look
    notes: dict[str, int] = field(default_factory=dict)

    def column(self, texts: Sequence[str], width: int, *, bold_first: bool = False) -> Column:
        """The texts one below the other; empty ones are passed over."""
        found: list[tuple[Letters, Line, str]] = []
        for place, text in enumerate(each for each in texts if each):
            strong = bold_first and not place
            letters = self.look.bold if strong else self.look.small
            colour = self.look.colours.text if strong else self.look.colours.faint
            found += [(letters, line, colour) for line in letters.wrap(self.noted(text), width)]
        return Column(tuple(found))

    def noted(self, text: str) -> str:
        """The text, or its beginning and where the whole of it stands."""
        if len(text) <= _MOST_TEXT:
            return text
        number = self.notes.setdefault(text, len(self.notes) + 1)
        begins = text[:_KEPT_TEXT].rpartition(" ")[0] or text[:_KEPT_TEXT]
        return f"{begins} … [note {number}]"
