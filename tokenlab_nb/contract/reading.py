"""Tolerant reading of JSON: a value of the wrong type becomes an empty one, and an issue."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import TypeVar

from tokenlab_nb.contract.model import EMPTY, Issue

_T = TypeVar("_T")
_ROUTE = re.compile(r"(/(?!\.+(/|$))[\w.{}-]+)+", re.ASCII)  # a segment of dots alone leads to another route


class Reader:
    """Reads values of an expected type and collects what was not of it."""

    def __init__(self) -> None:
        self._issues: list[Issue] = []

    @property
    def issues(self) -> tuple[Issue, ...]:
        """What was malformed, each thing once, in the order of reading."""
        return tuple(dict.fromkeys(self._issues))

    def report(self, field: str, message: str) -> None:
        """Note something that is wrong without being fatal."""
        self._issues.append(Issue(field=field, message=message, severity="warning"))

    def mapping(self, value: object, field: str) -> Mapping[str, object]:
        """A JSON object; null is an empty one."""
        if isinstance(value, Mapping):
            return value
        return self._wrong(value, field, "an object", EMPTY)

    def text(self, value: object, field: str) -> str:
        """A string; null is an empty one."""
        return value if isinstance(value, str) else self._wrong(value, field, "a text", "")

    def route(self, value: object, field: str) -> str:
        """A path below the API's origin: the key travels there, so a contract cannot name another host."""
        path = self.text(value, field)
        if path and not _ROUTE.fullmatch(path):
            self.report(field, f"{field} should be a path below the API, but is {path[:60]!r}.")
            return ""
        return path

    def flag(self, value: object, field: str) -> bool:
        """True or false; null is false."""
        return value if isinstance(value, bool) else self._wrong(value, field, "true or false", empty=False)

    def texts(self, value: object, field: str) -> tuple[str, ...]:
        """A list of strings; entries that are not strings or empty are left out, repeated ones kept once."""
        if not isinstance(value, list | tuple):
            return self._wrong(value, field, "a list", ())
        odd = [entry for entry in value if not isinstance(entry, str)]
        if odd:
            self.report(field, f"{field} should hold texts only, but holds {type(odd[0]).__name__} values.")
        return tuple(dict.fromkeys(entry for entry in value if isinstance(entry, str) and entry))

    def number(self, value: object, field: str) -> float | None:
        """A finite, non-negative number, also as a string (prices come so); null is None."""
        try:
            number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else None
        except (ValueError, OverflowError):
            number = None
        if number is None or not math.isfinite(number) or number < 0:
            return self._wrong(value, field, "a number", None)
        return number

    def count(self, value: object, field: str) -> int | None:
        """A whole number, at least 0; null is None."""
        number = self.number(value, field)
        if number is not None and not number.is_integer():
            return self._wrong(value, field, "a whole number", None)
        return None if number is None else int(number)

    def _wrong(self, value: object, field: str, expected: str, empty: _T) -> _T:
        if value is not None:
            self.report(field, f"{field} should be {expected}, but is {type(value).__name__}.")
        return empty
