"""Finding what must not be shared in a text: keys, signed addresses, paths of this machine or of a person's home."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from tokenlab_nb.contract.signed import read_signed
from tokenlab_nb.errors import LeakError

__all__ = ["Kind", "Leak", "find_leaks", "refuse_leaks"]

Kind = Literal["key", "address", "path"]

_KEY = re.compile(r"\b(?:sk|mt)-[A-Za-z0-9_\-]{6,}")
_URL = re.compile(r"https?://[^\s\"'<>\\\\)]+")
_HOME = re.compile(r"(?:/home/|/Users/|/root/|[A-Za-z]:\\\\{1,2}Users\\\\{1,2})[^\s\"'<>,;]+")
_WORDS = {"key": "a key", "address": "a signed address", "path": "a path of this machine"}


@dataclass(frozen=True, slots=True)
class Leak:
    """One place in a text.

    Attributes:
        kind: What it is.
        start: Where it begins.
        end: Where it ends.
        shown: The place as it may be shown: without the secret itself.
    """

    kind: Kind
    start: int
    end: int
    shown: str


def find_leaks(text: str, *, paths: Sequence[str] = ()) -> tuple[Leak, ...]:
    """Return what must not be shared, in the order of the text.

    Args:
        text: Any text, source or JSON.
        paths: Folders that are private, beside home folders.
    """
    found = [*_keys(text), *_addresses(text), *_paths(text, paths)]
    return tuple(sorted(found, key=lambda leak: (leak.start, -leak.end)))


def refuse_leaks(text: str, what: str, *, kinds: Sequence[Kind] = ("key", "address")) -> None:
    """Refuse a text that holds what must not be shared.

    Args:
        text: What is about to be written.
        what: What it is, for the message.
        kinds: What is refused.

    Raises:
        LeakError: If it does; the message names kind and number, never the secret.
    """
    if found := [leak for leak in find_leaks(text) if leak.kind in kinds]:
        told = ", ".join(dict.fromkeys(f"{_WORDS[leak.kind]} ({leak.shown})" for leak in found))
        raise LeakError(f"{what} would hold {told}. Nothing was written.")


def _keys(text: str) -> Iterator[Leak]:
    for match in _KEY.finditer(text):
        yield Leak("key", match.start(), match.end(), f"{match[0][:3]}...")


def _addresses(text: str) -> Iterator[Leak]:
    for match in _URL.finditer(text):
        if read_signed(match[0]):
            yield Leak("address", match.start(), match.end(), match[0].partition("?")[0])


def _paths(text: str, private: Sequence[str]) -> Iterator[Leak]:
    for match in _HOME.finditer(text):
        yield Leak("path", match.start(), match.end(), "~")
    for folder in private:
        for match in re.finditer(re.escape(folder), text):
            yield Leak("path", match.start(), match.end(), "~")
