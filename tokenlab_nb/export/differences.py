"""What would change in a notebook file, as a unified diff: long lines cut, secrets covered, quick for huge files.

A cell is compared with the same cell, so a notebook of 100 MB in which three outputs change costs three small diffs.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from difflib import unified_diff
from itertools import pairwise

from tokenlab_nb.export.text import printable

__all__ = ["differences"]

_LONG, _HEAD, _TAIL = 200, 90, 20
_MANY = 20_000  # lines of one cell that are compared line by line
_HUNK = re.compile(r"@@ -(\d+)((?:,\d+)?) \+(\d+)((?:,\d+)?) @@")


def differences(old: str, new: str, name: str, cover: Callable[[str], str]) -> Iterator[str]:
    """Compare two texts of the same notebook.

    Args:
        old: Before.
        new: After.
        name: Of the file.
        cover: Covers what must not be shown in a line.

    Yields:
        The lines of a unified diff; none where both are the same.
    """
    if old == new:
        return
    yield f"--- {printable(name)}"
    yield f"+++ {printable(name)} (mended)"
    at, to = 0, 0
    for before, after in _pieces(old, new):
        yield from (_shown(line, cover) for line in _hunks(before, after, at, to))
        at, to = at + len(before), to + len(after)


def _pieces(old: str, new: str) -> Iterator[tuple[list[str], list[str]]]:
    """Both texts in pieces that belong together; in one where they have another number of cells."""
    lines = old.splitlines(), new.splitlines()
    before, after = map(_split, lines)
    if len(before) == len(after):
        yield from zip(before, after, strict=True)
    else:
        yield lines


def _split(lines: list[str]) -> list[list[str]]:
    """A notebook's lines, cut where a cell begins: at a brace as far in as the first one of the list of cells."""
    start = next((place for place, line in enumerate(lines) if line.strip() == '"cells": ['), None)
    if start is None or start + 1 >= len(lines) or lines[start + 1].strip() != "{":
        return [lines]
    brace = lines[start + 1]
    end = next(
        place for place in range(start, len(lines) + 1) if place == len(lines) or _closes(lines[place], lines[start])
    )
    cuts = [0, *(place for place in range(start, end) if lines[place] == brace), end, len(lines)]
    return [lines[a:b] for a, b in pairwise(cuts)]


def _closes(line: str, opened: str) -> bool:
    return line.rstrip(",") == opened[: len(opened) - len(opened.lstrip())] + "]"


def _hunks(before: list[str], after: list[str], at: int, to: int) -> Iterator[str]:
    if before == after:
        return
    if max(len(before), len(after)) > _MANY:
        before, after, skipped = _middle(before, after)
        at, to = at + skipped, to + skipped
    if max(len(before), len(after)) > _MANY:
        yield f"@@ -{at + 1},{len(before)} +{to + 1},{len(after)} @@ (too many lines to show)"
        return
    for line in unified_diff(before, after, lineterm="", n=2):
        if line.startswith(("--- ", "+++ ")) and line.rstrip() in {"---", "+++"}:
            continue
        match = _HUNK.match(line)
        yield f"@@ -{int(match[1]) + at}{match[2]} +{int(match[3]) + to}{match[4]} @@" if match else line


def _middle(before: Sequence[str], after: Sequence[str]) -> tuple[list[str], list[str], int]:
    """Without what both begin and end with, but for two lines; and how many lines were left out in front."""
    least = min(len(before), len(after))
    head = next((place for place in range(least) if before[place] != after[place]), least)
    tail = next((place for place in range(least - head) if before[-1 - place] != after[-1 - place]), least - head)
    head, tail = max(0, head - 2), max(0, tail - 2)
    return list(before[head : len(before) - tail]), list(after[head : len(after) - tail]), head


def _shown(line: str, cover: Callable[[str], str]) -> str:
    line = cover(line)
    if len(line) > _LONG:
        line = f"{line[:_HEAD]} ... {len(line):,} characters ... {line[-_TAIL:]}"
    return printable(line)
