"""Keys, signed addresses and private paths anywhere in a notebook. In outputs they are taken out, elsewhere only told.

What a person wrote (sources, attachments) and what other tools keep (metadata) is never changed: a program that no
longer runs, or runs differently, would be worse than a finding.
"""

from __future__ import annotations

from base64 import b64decode, b64encode
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from tokenlab_nb.contract.leaks import Kind, Leak, find_leaks, redacted
from tokenlab_nb.export.cells import cells, joined, like, outputs
from tokenlab_nb.export.findings import Finding
from tokenlab_nb.export.stripped import metadata_text, stripped

__all__ = ["Watch", "treat_exposed"]

_BINARY = ("image/", "audio/", "video/", "application/pdf", "application/octet-stream")
_PICTURES = ("image/png", "image/jpeg", "image/webp")
_BARE = "The picture's metadata are taken out, its pixels stay."
_BY_HAND = {
    "key": "Take it out by hand, best read it from the environment, and revoke it if the file was shared before.",
    "address": "Take out what stands behind the question mark: who has it can read what it leads to.",
    "path": "Write a path relative to the notebook.",
}
_REVOKE = "It is taken out. Revoke it if the file was shared before."
_TAKEN = {"key": _REVOKE, "address": "Its query is taken out.", "path": "The folder is written as ~."}
_NAMES = {
    "key": ("A key", "keys"),
    "address": ("A signed address", "signed addresses"),
    "path": ("A path of this machine", "paths of this machine"),
}


@dataclass(frozen=True, slots=True)
class Watch:
    """What is looked for beside the known shapes.

    Attributes:
        folders: Folders that are private.
        secrets: Keys that are known as they are.
    """

    folders: tuple[str, ...] = ()
    secrets: tuple[str, ...] = ()

    def leaks(self, text: str) -> tuple[Leak, ...]:
        """All that must not be shared in a text."""
        return find_leaks(text, paths=self.folders, secrets=self.secrets)


_Change = Callable[[str | list[str]], None]


def treat_exposed(tree: dict[str, Any], watch: Watch) -> Iterator[Finding]:
    """Take what must not be shared out of outputs and widget state, and tell where it is elsewhere.

    Args:
        tree: The notebook; it is changed.
        watch: What is looked for.

    Yields:
        One finding for each kind and place.
    """
    for number, cell in cells(tree):
        yield from _told(watch, f"cell {number}, source", list(_texts(cell.get("source"))))
        yield from _told(watch, f"cell {number}, metadata", list(_texts(cell.get("metadata"))))
        yield from _told(watch, f"cell {number}, attachments", list(_texts(cell.get("attachments"))))
        for place, output in outputs(cell):
            yield from _taken_out(watch, f"cell {number}, output {place}", output)
            yield from _taken_out_of_pictures(watch, f"cell {number}, output {place}", output.get("data"))
    metadata = dict(tree["metadata"])
    if widgets := metadata.pop("widgets", None):
        yield from _taken_out(watch, "notebook metadata, widgets", widgets)
    yield from _told(watch, "notebook metadata", list(_texts(metadata)))


def _told(watch: Watch, place: str, texts: Sequence[object]) -> Iterator[Finding]:
    found = [leak for value in texts if (text := joined(value)) for leak in watch.leaks(text)]
    yield from _findings(place, found, mended=False)


def _taken_out(watch: Watch, place: str, value: dict[str, Any]) -> Iterator[Finding]:
    found: list[Leak] = []
    for old, change in _changeable(value):
        text = joined(old) or ""
        if leaks := watch.leaks(text):
            found += leaks
            change(like(old, redacted(text, leaks)))
    yield from _findings(place, found, mended=True)
    yield from _told(watch, f"{place}, names of fields", ["\n".join(dict.fromkeys(_names(value)))])


def _taken_out_of_pictures(watch: Watch, place: str, data: Any) -> Iterator[Finding]:
    """What programs write into pictures beside their pixels: prompts, whole workflows with keys and paths."""
    for name, value in list(data.items()) if isinstance(data, dict) else ():
        text = joined(value) if name in _PICTURES else None
        if text is None:
            continue
        try:
            picture = b64decode(text)
            leaks = watch.leaks(metadata_text(picture))
        except ValueError:  # no picture, or a damaged one
            continue
        if leaks:
            end = "\n" if text.endswith("\n") else ""
            data[name] = like(value, b64encode(stripped(picture)).decode("ascii") + end)
            yield from _findings(f"{place}, {name}", leaks, mended=True, remedy=_BARE)


def _findings(place: str, leaks: Sequence[Leak], *, mended: bool, remedy: str = "") -> Iterator[Finding]:
    told: dict[Kind, Counter[str]] = {}
    for leak in leaks:
        told.setdefault(leak.kind, Counter())[leak.shown] += 1
    for kind, shown in told.items():
        count = sum(shown.values())
        one, many = _NAMES[kind]
        name = one if count == 1 else f"{count} {many}"
        named = ", ".join(list(shown)[:3])
        known = f" ({named})" if named not in {"...", "~"} else ""
        done = remedy or (_TAKEN if mended else _BY_HAND)[kind]
        yield Finding(kind, place, f"{name}{known}.", done, mended=mended)


def _texts(value: object) -> Iterator[object]:
    """Every text in a JSON value, the names of fields included."""
    if joined(value) is not None:
        yield value
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield key
            if not _is_binary(key):
                yield from _texts(item)


def _names(value: object) -> Iterator[str]:
    """The names of all fields in a JSON value. Programs know them by these, so they are not changed."""
    if isinstance(value, dict):
        yield from value
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from _names(item)


def _changeable(value: Any) -> Iterator[tuple[Any, _Change]]:
    """Every text in a JSON value, with what puts another one in its place."""
    items = list(value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ())
    for key, item in items:
        if joined(item) is not None:
            if not _is_binary(key):
                yield item, partial(value.__setitem__, key)
        else:
            yield from _changeable(item)


def _is_binary(key: object) -> bool:
    return isinstance(key, str) and key.startswith(_BINARY) and "svg" not in key
