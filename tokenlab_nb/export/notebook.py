"""A notebook file as JSON that is read, changed and written again with nothing else about it changed.

nbformat's own reader and writer would put every cell into its own form; here the order of keys, the indentation, lists
of lines and the last line break stay, so that a diff shows what was mended and nothing else.
"""

from __future__ import annotations

import json
import math
import os
import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from tokenlab_nb.errors import TokenLabError

__all__ = ["Notebook", "NotebookError", "backup", "parse", "problem", "refuse_closed"]

_BOM = "\ufeff"
_LATEST = 4
_ESCAPED = re.compile(r"\\u(?:[1-9a-f]|0[1-9a-f]|00[89a-f])", re.IGNORECASE)  # what could stand there as it is


_HALF = re.compile("[\ud800-\udfff]")
_HUGE = re.compile(r"\d[eE]\+?0*[1-9]\d\d")  # what Python may not read as a number


class NotebookError(TokenLabError):
    """A file that cannot be read as a notebook."""

    default_hint = "Open and save it in Jupyter, then try again."


@dataclass(slots=True)
class Notebook:
    """What a file holds, and how it is written.

    Attributes:
        text: As it was read.
        tree: Its JSON; changes are made here.
        writable: Whether it can be written again: an older format was only read into today's.
        indent: Of its JSON; None for one line.
        ascii: Whether other characters are escaped in it.
    """

    text: str
    tree: dict[str, Any]
    writable: bool = True
    indent: int | str | None = 1
    ascii: bool = False

    def dump(self) -> str:
        """The tree as text, in the form of the file."""
        separators = None if self.indent is not None else _separators(self.text)
        end = self.text[len(self.text.rstrip("\r\n")) :]
        head = _BOM if self.text.startswith(_BOM) else ""
        body = json.dumps(self.tree, indent=self.indent, ensure_ascii=self.ascii, separators=separators)
        body = _HALF.sub(lambda half: f"\\u{ord(half[0]):04x}", body)  # UTF-8 has none
        return head + (body.replace("\n", "\r\n") if "\r\n" in self.text else body) + end


def parse(data: bytes) -> Notebook:
    """Read a notebook of any format.

    Raises:
        NotebookError: If it is none.
    """
    try:
        text = data.decode("utf-8")
        huge = _HUGE.search(text) is not None
        tree = json.loads(text.removeprefix(_BOM), object_pairs_hook=_once, parse_float=_finite if huge else None)
    except UnicodeDecodeError:
        raise NotebookError("It is not UTF-8 text.") from None
    except (ValueError, RecursionError) as error:
        raise NotebookError(f"It is not JSON ({error}).") from None
    if not isinstance(tree, dict) or not isinstance(tree.get("nbformat"), int):
        raise NotebookError("It is JSON, but no notebook: it has no nbformat.", hint="Hand in an .ipynb file.")
    if tree["nbformat"] != _LATEST:
        return Notebook(text, _upgraded(tree), writable=False)
    if not isinstance(tree.get("cells"), list) or not isinstance(tree.get("metadata"), dict):
        raise NotebookError("It has no list of cells, or no metadata.")
    escapes = text.removeprefix(_BOM).isascii() and _ESCAPED.search(text) is not None
    return Notebook(text, tree, indent=_indent(text), ascii=escapes)


def problem(tree: dict[str, Any]) -> str:
    """What nbformat's own check says against a notebook; empty where nothing."""
    nbformat = import_module("nbformat")
    try:
        nbformat.validate(nbformat.from_dict(tree), relax_add_props=False)
    except nbformat.ValidationError as error:
        return str(error).partition("\n")[0][:300]
    except Exception as error:  # noqa: BLE001  it raises whatever its parts do on trees of a strange form
        return f"it cannot be checked ({type(error).__name__})"
    return ""


def refuse_closed(path: Path) -> None:
    """Refuse a file that is not to be written, though its folder would let it be replaced.

    Raises:
        NotebookError: If it is closed to writing.
    """
    if not path.stat().st_mode & 0o222 or not os.access(path, os.W_OK):
        raise NotebookError("It is read-only. Nothing was written.", hint="Open it to writing, then run this again.")


def backup(path: Path, data: bytes) -> Path:
    """Keep the old file beside the new one, under a name that is free; only its owner may read it."""
    for number in range(1000):
        kept = path.with_name(f"{path.name}.orig{number or ''}")
        try:
            with os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
        except FileExistsError:
            continue
        return kept
    raise NotebookError(f"There are too many backups beside {path.name}.", hint="Remove some.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("the same key comes twice in an object")
    return found


def _finite(digits: str) -> float:
    found = float(digits)
    if math.isinf(found):
        raise ValueError(f"{digits[:20]} is too large a number to be kept")
    return found


def _indent(text: str) -> int | str | None:
    """Its first level's: so many spaces, or the very characters."""
    match = re.match(r"[\ufeff\s]*\{\r?\n([ \t]+)", text)
    if match is None:
        return None
    return match[1] if "\t" in match[1] else len(match[1])


def _separators(text: str) -> tuple[str, str]:
    """Of one long line: with spaces behind them, or without."""
    return (", ", ": ") if re.match(r"[\ufeff\s]*\{\"[^\"]*\": ", text) else (",", ":")


def _upgraded(tree: dict[str, Any]) -> dict[str, Any]:
    nbformat = import_module("nbformat")
    try:
        found = nbformat.convert(nbformat.from_dict(tree), _LATEST)
        plain: dict[str, Any] = json.loads(json.dumps(found))
    except Exception as error:  # it raises whatever its parts do on trees of a strange form
        raise NotebookError(f"It is of format {tree['nbformat']}, which cannot be read.") from error
    return plain
