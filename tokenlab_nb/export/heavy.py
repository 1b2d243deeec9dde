"""Outputs that swell a notebook: told, and their pictures made smaller. Pictures keep their kind."""

from __future__ import annotations

import math
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tokenlab_nb.errors import ImageError
from tokenlab_nb.export.cells import cells, joined, like, outputs
from tokenlab_nb.export.findings import Finding, Limits
from tokenlab_nb.export.text import size_words
from tokenlab_nb.pixels import decoded, encoded, flattened, media_type, plain, shrunk, upright

__all__ = ["treat_heavy"]

_KINDS = ("image/png", "image/jpeg", "image/webp")
_INLINE = re.compile(r"(data:image/(?:png|jpeg|webp);base64,)([A-Za-z0-9+/]{4000,}={0,2})")
_LEAST_EDGE, _LEAST_BYTES = 64, 20_000
_STEP = 0.9  # a little less than what the bytes ask for: small pictures pack worse
_OPTIONS: dict[str, dict[str, Any]] = {
    "image/png": {"optimize": True},
    "image/jpeg": {"quality": 85, "optimize": True},
    "image/webp": {"quality": 85},
}


@dataclass(slots=True)
class _Picture:
    """One picture in an output: its base64 as it stands there, and how another one is put in its place."""

    text: str
    change: Callable[[str], None]


def treat_heavy(tree: dict[str, Any], limits: Limits, length: int) -> Iterator[Finding]:
    """Make the pictures of heavy outputs smaller.

    Args:
        tree: The notebook; it is changed.
        limits: Most bytes.
        length: Of the whole file.

    Yields:
        What was too large.
    """
    heavy = [
        (f"cell {number}, output {place}", output, weight)
        for number, cell in cells(tree)
        for place, output in outputs(cell)
        if (weight := _weight(output)) > min(_LEAST_BYTES, limits.output)
    ]
    most = limits.output
    if length > limits.whole:
        rest = length - sum(weight for _, _, weight in heavy)
        most = min(most, max(_LEAST_BYTES, (limits.whole - rest) // max(1, len(heavy))))
    saved = 0
    for place, output, weight in heavy:
        if weight > most:
            less = _lightened(output, weight - most)
            saved += less
            if weight > limits.output:
                yield _finding(place, weight, weight - less, limits.output)
    if length > limits.whole:
        yield _finding("notebook", length, length - saved, limits.whole)


def _finding(place: str, before: int, after: int, most: int) -> Finding:
    told = f"{size_words(before)}, and at most {size_words(most)} is meant."
    if after <= most:
        return Finding("size", place, told, f"Its pictures are made smaller: {size_words(after)} then.", mended=True)
    remedy = "Clear or shorten outputs, or keep what they show in files."
    if after < before:
        return Finding("size", place, told, f"Smaller pictures leave {size_words(after)}. {remedy}")
    return Finding("size", place, told, remedy)


def _weight(value: object) -> int:
    """About how many bytes a JSON value takes in the file."""
    if isinstance(value, str):
        return len(value)
    if isinstance(value, list):
        return sum(map(_weight, value))
    if isinstance(value, dict):
        return sum(len(key) + _weight(item) for key, item in value.items())
    return 1


def _lightened(output: dict[str, Any], too_much: int) -> int:
    """Make the largest pictures smaller until so many bytes are saved, or none is left; return how many were."""
    saved = 0
    pictures = sorted(_pictures(output), key=lambda each: len(each.text), reverse=True)
    total = sum(len(picture.text) for picture in pictures)
    share = max(0.0, 1 - too_much / total) if total else 0.0
    for picture in pictures:
        if saved >= too_much:
            break
        small = _smaller(picture.text, int(len(picture.text) * share * 3 / 4))
        if len(small) < len(picture.text):
            saved += len(picture.text) - len(small)
            picture.change(small)
    return saved


def _pictures(output: dict[str, Any]) -> Iterator[_Picture]:
    data = output.get("data")
    bundle: dict[str, Any] = data if isinstance(data, dict) else {}
    for name, value in list(bundle.items()):
        text = joined(value)
        if text is not None and name in _KINDS:
            yield _Picture(text, partial(_put, bundle, name, text))
        elif text is not None and name in {"text/html", "text/markdown"}:
            yield from (_Picture(match[2], partial(_put, bundle, name, match[2])) for match in _INLINE.finditer(text))


def _put(bundle: dict[str, Any], name: str, old: str, new: str) -> None:
    text = joined(bundle[name]) or ""
    bundle[name] = like(bundle[name], text.replace(old, new))


def _smaller(text: str, most: int) -> str:
    """A picture in base64 with about so many bytes at most; as it was where it is none."""
    try:
        data = b64decode(text)
        kind = media_type(data)
        image = plain(upright(decoded(data)))
    except (ImageError, ValueError):
        return text
    if kind == "image/jpeg":
        image = flattened(image, chequered=False)
    edge, found = max(image.size), data
    while len(found) > most and edge > _LEAST_EDGE:
        edge = max(_LEAST_EDGE, min(edge - 1, int(edge * math.sqrt(max(most, 1) / len(found)) * _STEP)))
        found = encoded(shrunk(image, edge), kind, **_OPTIONS[kind])
    small = b64encode(found).decode("ascii")
    return f"{small}\n" if text.endswith("\n") else small
