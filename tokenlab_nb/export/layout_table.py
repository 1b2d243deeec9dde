"""One table of a contact sheet: how wide its columns are, how many fit beside one another, what its rows look like."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from PIL import Image, ImageDraw

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.export.layout import Block, Column, Table, Tile, Words
from tokenlab_nb.images import ImageResult
from tokenlab_nb.pixels import decoded, flattened, plain, shrunk, upright

__all__ = ["TableLayout"]

_LEAST_LABEL, _MOST_LABEL = 90, 180  # pixels; of large pictures, three fifths of a side
_LINES_BESIDE = 40  # of small letters, that a page must have room for beside its highest row

_Box = tuple[int, int, int, int]  # left, top, width, height


@dataclass(frozen=True)
class _Placed:
    """A tile with its measures."""

    tile: Tile
    slots: tuple[_Box, ...]  # where its pictures stand in it
    top: int  # height of the pictures, or of what stands in their place
    caption: Column
    state: Column


@dataclass
class TableLayout:
    """A table as blocks.

    Args:
        table: The table.
        words: Sets its texts.
        most_wide: Pixels that a page may be wide.
        most_pixels: Pixels that a page may have.
    """

    table: Table
    words: Words
    most_wide: int
    most_pixels: int

    @cached_property
    def width(self) -> int:
        """Of as much of it as fits beside one another, the margins included."""
        return self._width(self._at_once)

    @property
    def blocks(self) -> Iterator[Block]:
        """Its rows, each under the labels of the columns; what does not fit beside one another, one below the other."""
        for begin in range(0, self._count, self._at_once):
            part = slice(begin, begin + self._at_once)
            head = self._head(part)
            for (label, _), tiles in zip(self.table.rows, self._placed, strict=True):
                if tiles[part]:
                    yield self._row(label, tiles[part], head)

    # Measures.

    @cached_property
    def _across(self) -> int:
        """How many pictures stand side by side in one tile."""
        most = max((len(tile.images) for _, row in self.table.rows for tile in row), default=1)
        return max(1, math.ceil(math.sqrt(most)))

    @cached_property
    def _cell(self) -> int:
        """Pixels that a column is wide."""
        look = self.words.look
        return self._across * look.edge + (self._across - 1) * (look.gap // 2)

    @cached_property
    def _count(self) -> int:
        return max((len(row) for _, row in self.table.rows), default=0)

    @cached_property
    def _labels(self) -> int:
        """Pixels that the column of row labels takes, the gap after it included; 0 where there is none."""
        look = self.words.look
        most = max(_MOST_LABEL, look.edge * 3 // 5)
        labels = [self.words.noted(label) for label, _ in self.table.rows if label]
        widths = [line.width for label in labels for line in look.bold.wrap(label, most)]
        return max(_LEAST_LABEL, math.ceil(max(widths))) + look.gap if widths else 0

    def _width(self, count: int) -> int:
        look = self.words.look
        return 2 * look.margin + self._labels + count * self._cell + max(0, count - 1) * look.gap

    @cached_property
    def _at_once(self) -> int:
        """How many columns fit beside one another on a page on which the highest row has room; at least one."""
        heights = (each.top + each.caption.height for row in self._placed for each in row)
        highest = max(heights, default=0) + _LINES_BESIDE * self.words.look.small.height
        most = min(self.most_wide, self.most_pixels // highest)
        look = self.words.look
        return max(1, min(self._count, (most - self._width(0) + look.gap) // (self._cell + look.gap)))

    @cached_property
    def _placed(self) -> list[list[_Placed]]:
        return [[self._place(tile) for tile in row] for _, row in self.table.rows]

    def _place(self, tile: Tile) -> _Placed:
        look = self.words.look
        slots: list[_Box] = []
        top = 0
        for begin in range(0, len(tile.images), self._across):
            beside = tile.images[begin : begin + self._across]
            sizes = [_fit(image.width, image.height, look.edge) for image in beside]
            slots += [(place * (look.edge + look.gap // 2), top, *size) for place, size in enumerate(sizes)]
            top += max(size[1] for size in sizes) + look.gap // 2
        state = self.words.column([tile.state], self._cell - look.gap)
        frame = max(look.edge * 5 // 8, state.height + look.gap) if tile.state else 0
        caption = self.words.column(tile.caption, self._cell, bold_first=True)
        return _Placed(tile, tuple(slots), top - look.gap // 2 if slots else frame, caption, state)

    # Blocks.

    def _head(self, part: slice) -> Block | None:
        """The labels of the columns, which are drawn again on every page."""
        labels, look = self.table.columns[part], self.words.look
        if not labels:
            return None
        columns = [self.words.column([each], self._cell, bold_first=True) for each in labels]
        left = look.margin + self._labels

        def paint(page: Image.Image, y: int) -> None:
            for place, column in enumerate(columns):
                column.paint(page, left + place * (self._cell + look.gap), y, self._cell)

        return Block(max(column.height for column in columns) + look.gap // 2, paint)

    def _row(self, label: str, tiles: Sequence[_Placed], head: Block | None) -> Block:
        look, room = self.words.look, self._labels - self.words.look.gap
        title = self.words.column([label], room, bold_first=True)
        height = max(title.height, *(each.top + look.gap // 2 + each.caption.height for each in tiles))

        def paint(page: Image.Image, y: int) -> None:
            ImageDraw.Draw(page).line((look.margin, y, page.width - look.margin, y), look.colours.line)
            title.paint(page, look.margin, y + look.gap, room)
            for place, each in enumerate(tiles):
                self._paint(page, each, look.margin + self._labels + place * (self._cell + look.gap), y + look.gap)

        return Block(height + 2 * look.gap, paint, head)

    def _paint(self, page: Image.Image, placed: _Placed, x: int, y: int) -> None:
        if not placed.slots and placed.tile.state:
            self._frame(page, (x, y, self._cell, placed.top), placed.state)
        for image, (left, top, wide, high) in zip(placed.tile.images, placed.slots, strict=True):
            self._picture(page, image, (x + left, y + top, wide, high))
        placed.caption.paint(page, x, y + placed.top + self.words.look.gap // 2, self._cell)

    def _picture(self, page: Image.Image, image: ImageResult, box: _Box) -> None:
        x, y, wide, high = box
        edge = self.words.look.edge
        try:
            stored = decoded(image.bytes, draft=2 * edge)
        except TokenLabError:
            self._frame(page, box, self.words.column(["This picture cannot be read."], max(wide, edge // 2)))
            return
        small = flattened(upright(shrunk(plain(stored), edge)), chequered=True)
        if small.height > high or small.width > wide:  # it was stored lying on its side
            small = shrunk(small, min(max(small.size) * high // small.height, max(small.size) * wide // small.width))
        page.paste(small, (x, y))

    def _frame(self, page: Image.Image, box: _Box, words: Column) -> None:
        x, y, wide, high = box
        colours, inset = self.words.look.colours, self.words.look.gap // 2
        ImageDraw.Draw(page).rectangle((x, y, x + wide - 1, y + high - 1), colours.frame, colours.line)
        words.paint(page, x + inset, y + max(0, (high - words.height) // 2), wide - 2 * inset)


def _fit(width: int, height: int, edge: int) -> tuple[int, int]:
    """The size of a picture on the sheet: it is never enlarged."""
    scale = min(1.0, edge / max(width, height, 1))
    return max(1, round(width * scale)), max(1, round(height * scale))
