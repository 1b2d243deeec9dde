"""What all that is taken away shares: templates that escape, and foreign text without control characters."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from typing import Any
from unicodedata import category

__all__ = ["printable", "template"]

_UNSEEN = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of pairs, line and paragraph separators
_TURNING = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")  # Bidi_Control


def printable(text: str) -> str:
    """The text without what ends a line, commands a terminal or turns text around; joined emoji and Persian stay."""
    return "".join(" " if category(char) in _UNSEEN or char in _TURNING else char for char in text)


@cache
def template(name: str) -> Any:
    """Return a Jinja2 template of ``export/templates``; whatever it is given is escaped."""
    jinja2 = import_module("jinja2")  # late: it would double the cost of importing the package
    loader = jinja2.PackageLoader("tokenlab_nb.export")
    environment = jinja2.Environment(
        loader=loader, autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    return environment.get_template(name)
