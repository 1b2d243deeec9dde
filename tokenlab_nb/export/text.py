"""What all that is taken away shares: templates that escape, text without control characters, tables, pandas."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from importlib import import_module
from typing import Any
from unicodedata import category

from tokenlab_nb.errors import TokenLabError

__all__ = ["aligned", "data_uri", "load_pandas", "markup", "printable", "size_words", "template"]

_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of pairs, line and paragraph separators
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # Bidi_Control


def printable(text: str) -> str:
    """The text without what ends a line, commands a terminal or turns text around; joined emoji and Persian stay."""
    if text.isascii() and text.isprintable():  # most are: no need to look at every letter
        return text
    return "".join(" " if category(char) in _UNSEEN or char in _TURNING else char for char in text)


def data_uri(data: bytes, media_type: str) -> str:
    """A picture as an address that holds all of it."""
    return f"data:{media_type};base64,{b64encode(data).decode('ascii')}"


def size_words(count: int) -> str:
    """So many bytes, for people: ``4.2 MB``, ``310 kB``, ``12 bytes``."""
    for unit, least in (("MB", 1_000_000), ("kB", 1_000)):
        if count >= least:
            return f"{count / least:,.1f}".removesuffix(".0") + f" {unit}"
    return f"{count} bytes"


@cache
def template(name: str) -> Any:
    """Return a Jinja2 template of ``export/templates``; whatever it is given is escaped."""
    jinja2 = import_module("jinja2")  # late: it would double the cost of importing the package
    loader = jinja2.PackageLoader("tokenlab_nb.export")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(name)


def markup(html: str) -> Any:
    """Mark what a template made, so that another one takes it as it is."""
    return import_module("markupsafe").Markup(html)  # late, as above


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """The rows of a table as lines, its columns one below the other."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]


def load_pandas() -> Any:
    """Return pandas, where it is.

    Raises:
        TokenLabError: If it is not installed.
    """
    try:
        return import_module("pandas")
    except ImportError:
        hint = 'Install it with: pip install "tokenlab-nb[pandas]"'
        raise TokenLabError("pandas is not installed here.", hint=hint) from None
