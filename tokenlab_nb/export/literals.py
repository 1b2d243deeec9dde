"""Values -> Python source that means them, laid out as black does: at most 88 columns, one argument a line."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

__all__ = ["Expression", "call", "literal"]

_WIDTH = 88
_STEP = 4
_WORDS = re.compile(r"\S+\s*|\s+")  # joined, they are the text again


@dataclass(frozen=True, slots=True)
class Expression:
    """Source that stands as it is, such as a name.

    Attributes:
        source: One expression, in one line.
    """

    source: str


_Item = tuple[str, object]
"""What stands before a value (``seed=``), and the value."""


def call(function: str, positional: Sequence[object] = (), named: Mapping[str, object] | None = None) -> str:
    """Return a call in Python.

    Args:
        function: What is called, such as ``session.submit``.
        positional: Arguments without a name.
        named: Arguments by name; names that no keyword can have go in as ``**{...}``.

    Raises:
        TypeError: If one of the values has no literal; see `literal`.
    """
    given = dict(named or {})
    odd = {name: given.pop(name) for name in list(given) if not name.isidentifier()}
    items = [("", value) for value in positional] + [(f"{name}=", value) for name, value in given.items()]
    items += [("**", odd)] if odd else []
    flat = f"{function}({', '.join(before + literal(value) for before, value in items)})"
    if len(flat) <= _WIDTH:
        return flat
    return "\n".join([f"{function}(", *_rows(items, _STEP), ")"])


def literal(value: object) -> str:
    """Return a value in one line of Python.

    Nothing in it can end the line or turn its text around: what is not printable is escaped. Tuples become lists, and
    subclasses of texts and numbers the plain ones, as JSON has them.

    Raises:
        TypeError: If it is nothing that JSON could carry, and no `Expression`.
    """
    if isinstance(value, Expression):
        return value.source
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return _quoted(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return float.__repr__(value) if math.isfinite(value) else f'float("{float(value)}")'
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{literal(key)}: {literal(item)}' for key, item in value.items())}}}"
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(literal, value))}]"
    raise TypeError(f"A {type(value).__name__} has no literal.")


def _quoted(text: str) -> str:
    """Its `repr`, in double quotes wherever that escapes nothing more."""
    source = repr(str(text))
    return source if '"' in source else f'"{source[1:-1]}"'


def _rows(items: Iterable[_Item], indent: int) -> Iterator[str]:
    for before, value in items:
        yield from _row(" " * indent + before, value, indent)


def _row(start: str, value: object, indent: int) -> Iterator[str]:
    """One argument or entry with its comma: in one line where it fits, else taken apart."""
    flat = f"{start}{literal(value)},"
    inside = _inside(value, indent + _STEP) if len(flat) > _WIDTH else None
    if inside is None:
        yield flat
        return
    opening, rows, closing = inside
    yield start + opening
    yield from rows
    yield f"{' ' * indent}{closing},"


def _inside(value: object, indent: int) -> tuple[str, Iterable[str], str] | None:
    """A long value's brackets, and the lines between them; None where it cannot be taken apart."""
    if isinstance(value, str):
        parts = _parts(value, _WIDTH - indent)
        return ("(", [" " * indent + part for part in parts], ")") if len(parts) > 1 else None
    if isinstance(value, Mapping) and value:
        return "{", _rows(((f"{literal(key)}: ", item) for key, item in value.items()), indent), "}"
    if isinstance(value, list | tuple) and value:
        return "[", _rows((("", item) for item in value), indent), "]"
    return None


def _parts(text: str, room: int) -> list[str]:
    """A long text as literals that Python joins: broken after words and at its own line ends."""
    words = [part for word in _WORDS.findall(text) for part in ([word] if len(_quoted(word)) <= room else word)]
    parts: list[str] = []
    for word in words:
        if parts and not parts[-1].endswith("\n") and len(_quoted(parts[-1] + word)) <= room:
            parts[-1] += word
        else:
            parts.append(word)
    return [_quoted(part) for part in parts]
