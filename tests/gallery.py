"""The README's pictures: which there are, and of what they were made.

Browser tests make them. Beside them stands, for each, the hash of all that is seen on it at the time it was made: so a
picture of how things looked once is told from one of how they look now. Hashed is what shows: scripts and styles
without comments, the words that the widgets' Python holds (no docstrings, so that it may be moved about), and the
sandbox's painter as code. `COMMAND` renews pictures and hashes.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from PIL import Image

from tests.layer_rules import PACKAGE, ROOT

FOLDER = ROOT / ".github" / "screenshots"
MANIFEST = FOLDER / "made-of.json"
COMMAND = "TOKENLAB_NB_SHOTS=.github/screenshots pytest tests/browser -k readme"

_PAINTER = ("canvas", "colour", "easel", "finish", "interiors", "layers", "painter", "palette", "scenery", "stage")


def seen() -> str:
    """Return the hash of all that is seen on the pictures."""
    found = hashlib.sha256()
    for part in _parts():
        found.update(part.encode() + b"\0")
    return found.hexdigest()


def record(made: Iterable[Path]) -> None:
    """Note that these pictures were made just now."""
    notes = {name: note for name, note in recorded().items() if (FOLDER / name).exists()}
    now = seen()
    notes |= {path.name: {"sha256": digest(path), "made_of": now} for path in made}
    MANIFEST.write_text(json.dumps(notes, indent=1, sort_keys=True) + "\n", "utf-8")


def packed(path: Path) -> Path:
    """Turn a screenshot into a WebP, a fifth of its size; return the file."""
    target = path.with_suffix(".webp")
    with Image.open(path) as picture:
        picture.convert("RGB").save(target, quality=85, method=6)
    path.unlink()
    return target


def recorded() -> dict[str, dict[str, str]]:
    """Return what was noted of each picture, by its file name."""
    notes: dict[str, dict[str, str]] = json.loads(MANIFEST.read_text("utf-8")) if MANIFEST.exists() else {}
    return notes


def digest(path: Path) -> str:
    """The hash of a file."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def words_of(source: str) -> list[str]:
    """The texts that a module of Python holds, sorted: neither docstrings nor names of things."""
    tree = ast.parse(source)
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    texts = {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose
    }
    return sorted(text for text in texts if " " in text.strip())


def code_of(source: str) -> str:
    """A module of Python without comments, docstrings and layout."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node):
            node.body = node.body[1:]
    return ast.dump(tree)


def script_of(source: str) -> str:
    """A script or style without lines of comment, and without indentation."""
    bare = re.sub(r"/\*.*?\*/", "", source, flags=re.DOTALL)
    lines = (line.strip() for line in bare.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def _parts() -> Iterator[str]:
    static = PACKAGE / "widgets" / "static"
    for path in sorted(path for path in static.rglob("*") if path.suffix in (".js", ".css")):
        yield script_of(path.read_text("utf-8"))
    for path in sorted((PACKAGE / "widgets").glob("*.py")):
        yield "\n".join(words_of(path.read_text("utf-8")))
    for name in _PAINTER:
        yield code_of((PACKAGE / "sandbox" / f"{name}.py").read_text("utf-8"))
