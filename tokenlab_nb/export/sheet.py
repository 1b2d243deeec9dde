"""Contact sheets: pictures under their labels, as one picture file or several.

Nothing but pixels goes into a file. No picture is enlarged and no text is cut: what is too long for its place stands in
full in the notes at the end.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image

from tokenlab_nb.contract.leaks import refuse_leaks
from tokenlab_nb.disk import check_place
from tokenlab_nb.errors import ImageError, TokenLabWarning, users_line
from tokenlab_nb.export.layout import Block, Look, Sheet, Words
from tokenlab_nb.export.layout_table import TableLayout
from tokenlab_nb.export.lettering import Letters, Line
from tokenlab_nb.pixels import FORMATS, SUFFIXES

__all__ = ["EDGES", "PAGE_PIXELS", "write_sheet"]

EDGES = (64, 2048)
"""The least and the most pixels a side that a picture may have on a sheet."""

PAGE_PIXELS = 40_000_000
"""Most pixels of one page: about 120 MB while it is drawn."""

_SIDES: Mapping[str, int] = {"image/png": 65_500, "image/jpeg": 65_500, "image/webp": 16_383}
"""Most pixels a side: what libjpeg writes (the format itself has 35 more) and what WebP has; PNG has no such limit."""

_OPTIONS: Mapping[str, dict[str, Any]] = {
    "image/jpeg": {"quality": 92, "subsampling": 0},  # letters stay sharp only with all their colours
    "image/webp": {"quality": 92},
}
_INSTALL = "Install one that has them (the Noto fonts have most), or hand in its file: fonts=[...]."
_MOST_TOLD = 12  # characters that a warning names
_LEAST_WIDTH = 480  # pixels, so that a title has room


def write_sheet(
    sheet: Sheet,
    path: str | os.PathLike[str],
    *,
    edge: int = 320,
    dark: bool = False,
    fonts: Sequence[str | os.PathLike[str]] = (),
    overwrite: bool = True,
) -> list[Path]:
    """Write a sheet. Where one file cannot hold it, there are several: name-1.png, name-2.png.

    Args:
        sheet: What is on it.
        path: A file ending in .png, .jpg, .jpeg or .webp.
        edge: Most pixels a side of a picture; none is enlarged.
        dark: Whether the ground is dark.
        fonts: Font files that are asked first for a character.
        overwrite: Whether files that are there are replaced.

    Returns:
        The paths of the files, in order.

    Raises:
        LeakError: If a key or a signed address would stand on it; nothing is written.
        ImageError: If the suffix is another one.
        ValueError: If the edge cannot be used, with this format or at all.
        FileExistsError: If a file is there and ``overwrite`` is off.
        TokenLabError: If a font cannot be used.
        OSError: If it cannot be written.
    """
    target = Path(path).expanduser()
    kind = SUFFIXES.get(target.suffix.lower())
    if kind is None:
        raise ImageError(
            f"{target.name}: {target.suffix or 'no suffix'} cannot be written.", hint="Use .png, .jpg or .webp."
        )
    look = _look(edge, fonts, dark=dark)
    refuse_leaks(sheet.text, "The contact sheet")
    pages = _Pages(sheet, look, _SIDES[kind])
    targets = _names(target, len(pages.blocks))
    for each in targets:
        check_place(each, overwrite=overwrite)
    _write(pages, targets, kind)
    if look.missing:
        warnings.warn(_told(look.missing), TokenLabWarning, stacklevel=users_line())
    return targets


def _look(edge: int, fonts: Sequence[str | os.PathLike[str]], *, dark: bool) -> Look:
    least, most = EDGES
    if not least <= edge <= most:
        raise ValueError(f"An edge of {edge} pixels cannot be used: {least} to {most} can.")
    return Look(edge, dark, tuple(Path(font).expanduser() for font in fonts))


class _Pages:
    """A sheet as pages.

    Args:
        sheet: What is on it.
        look: How it looks.
        side: Most pixels a side of a page.
    """

    def __init__(self, sheet: Sheet, look: Look, side: int) -> None:
        self.look, self.title = look, sheet.title
        self._words = Words(look)
        tables = [(table.heading, TableLayout(table, self._words, side, PAGE_PIXELS)) for table in sheet.tables]
        self.width = min(side, max(_LEAST_WIDTH, *(layout.width for _, layout in tables)))
        self._high = min(side, PAGE_PIXELS // self.width)
        blocks = [*self._heading(sheet.title), *self._paragraphs(sheet.intro)]
        apart = Block(look.gap, _nothing, keep=True)
        for heading, layout in tables:
            blocks += [*([apart, *self._heading(heading)] if heading else []), *layout.blocks]
        notes = [f"[{number}] {text}" for text, number in self._words.notes.items()]
        blocks += [apart, *self._heading("Notes"), *self._paragraphs(notes)] if notes else []
        self.blocks = list(self._split(blocks))

    def draw(self, number: int) -> Image.Image:
        """Draw one page, by its number from 1."""
        look, blocks, count = self.look, self.blocks[number - 1], len(self.blocks)
        told = f"{self.title} · page {number} of {count}" if count > 1 else ""
        foot = look.small.wrap(told, self._inner)[:1]
        height = 2 * look.margin + _height(blocks) + len(foot) * look.small.height
        page = Image.new("RGB", (self.width, height), look.colours.ground)
        y = look.margin
        for block in blocks:
            block.paint(page, y)
            y += block.height
        for line in foot:
            look.small.draw(page, (look.margin, y), line, look.colours.faint, width=self._inner)
        return page

    @property
    def _inner(self) -> int:
        return self.width - 2 * self.look.margin

    def _heading(self, text: str) -> list[Block]:
        return self._lines(self.look.large, text, self.look.colours.text, keep=True) if text else []

    def _paragraphs(self, texts: Sequence[str]) -> list[Block]:
        """The texts; a page may end after any line."""
        blocks = [b for text in texts for b in self._lines(self.look.small, text, self.look.colours.faint, keep=False)]
        return [*blocks, Block(self.look.gap, _nothing)] if blocks else []

    def _lines(self, letters: Letters, text: str, colour: str, *, keep: bool) -> list[Block]:
        def paint(line: Line, page: Image.Image, y: int) -> None:
            letters.draw(page, (self.look.margin, y), line, colour, width=self._inner)

        lines = letters.wrap(text, self._inner)
        height = letters.height + (self.look.gap // 3 if keep else 0)
        return [Block(height, partial(paint, line), keep=keep) for line in lines]

    def _split(self, blocks: Sequence[Block]) -> Iterator[list[Block]]:
        """The blocks of each page, heads included."""
        room = self._high - 2 * self.look.margin - self.look.small.height
        page: list[Block] = []
        head: Block | None = None
        for group in _groups(blocks):
            added = _headed(group, head)
            if page and _height(page) + _height(added) > room:
                yield page
                page, added = [], _headed(group, None)
            if _height(added) > room:
                told = f"A row is {_height(added):,} pixels high, a page has room for {room:,}"
                raise ValueError(f"{told}: use a smaller edge, or PNG.")
            page += added
            head = group[-1].head
        yield page


def _groups(blocks: Sequence[Block]) -> Iterator[list[Block]]:
    """What stays together."""
    group: list[Block] = []
    for block in blocks:
        group.append(block)
        if not block.keep:
            yield group
            group = []
    if group:
        yield group


def _headed(group: Sequence[Block], head: Block | None) -> list[Block]:
    """The blocks, each under its head, where that is another one than before."""
    found: list[Block] = []
    for block in group:
        if block.head is not None and block.head is not head:
            found.append(block.head)
        head = block.head
        found.append(block)
    return found


def _height(blocks: Sequence[Block]) -> int:
    return sum(block.height for block in blocks)


def _names(target: Path, count: int) -> list[Path]:
    if count == 1:
        return [target]
    digits = len(str(count))
    return [target.with_name(f"{target.stem}-{number:0{digits}}{target.suffix}") for number in range(1, count + 1)]


def _write(pages: _Pages, targets: Sequence[Path], kind: str) -> None:
    """Draw and write one page after the other; none is put in its place before all of them are there."""
    with TemporaryDirectory(prefix=".sheet-", dir=targets[0].parent) as folder:
        made = [Path(folder) / target.name for target in targets]
        for number, file in enumerate(made, 1):
            pages.draw(number).save(file, FORMATS[kind], **_OPTIONS.get(kind, {}))
        for file, target in zip(made, targets, strict=True):
            file.replace(target)


def _nothing(_page: Image.Image, _y: int) -> None:
    """What a space draws."""


def _told(missing: set[str]) -> str:
    shown = " ".join(sorted(missing)[:_MOST_TOLD])
    more = f" and {len(missing) - _MOST_TOLD} more" if len(missing) > _MOST_TOLD else ""
    return f"No font on this machine has {shown}{more}; the sheet says so in words. {_INSTALL}"
