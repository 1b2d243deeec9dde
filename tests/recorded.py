"""The answers in `tests/samples`, as the wire would hand them over."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

SAMPLES = Path(__file__).parent / "samples"
_KINDS = {".json": "application/json", ".html": "text/html; charset=utf-8"}


@dataclass(frozen=True)
class Recorded:
    """One recorded answer: `name` is ``<endpoint>/<case>``."""

    name: str
    status: int
    body: bytes
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def recorded(name: str) -> Recorded:
    """Read ``<endpoint>/<case>``, which holds exactly one file."""
    (path,) = (SAMPLES / name).iterdir()
    kind = _KINDS.get(path.suffix)
    return Recorded(name, int(path.stem), path.read_bytes(), {"content-type": kind} if kind else {})


def every() -> list[str]:
    """The name of every recorded answer."""
    return sorted(path.parent.relative_to(SAMPLES).as_posix() for path in SAMPLES.glob("*/*/*"))


@cache
def openapi() -> dict[str, Any]:
    """The vendor's OpenAPI file (image, model, task and file routes)."""
    document: dict[str, Any] = json.loads((SAMPLES / "tokenlab-images-openapi.json").read_text(encoding="utf-8"))
    return document
