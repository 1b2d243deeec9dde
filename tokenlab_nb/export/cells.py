"""The parts of a notebook's JSON: cells and outputs by number, and texts that may be kept as lists of lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

__all__ = ["cells", "joined", "like", "outputs"]


_ENDS = tuple("\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029")  # of lines, where nbformat takes texts apart


def cells(tree: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each cell with its number, from 1."""
    return ((number, cell) for number, cell in enumerate(tree["cells"], 1) if isinstance(cell, dict))


def outputs(cell: dict[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
    """Each output of a cell with its number, from 1."""
    found = cell.get("outputs")
    listed = found if isinstance(found, list) else []
    return ((number, output) for number, output in enumerate(listed, 1) if isinstance(output, dict))


def joined(value: object) -> str | None:
    """A text that may be kept as a list of lines; None for anything else, other lists of texts included."""
    if isinstance(value, str):
        return value
    if not isinstance(value, list) or not value or not all(isinstance(line, str) for line in value):
        return None
    return "".join(value) if all(line.endswith(_ENDS) for line in value[:-1]) else None


def like(old: object, text: str) -> str | list[str]:
    """A text in the form of the one that it replaces: a list of lines, or one text."""
    return text.splitlines(keepends=True) if isinstance(old, list) else text
