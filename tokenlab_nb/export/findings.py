"""What the doctor finds in a notebook: one value a finding. Sizes as people read and write them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

__all__ = ["Finding", "Limits", "Sort", "parse_size"]

Sort = Literal["format", "widgets", "pixels", "size", "key", "address", "path", "contract"]

_UNITS = {"": 1, "b": 1, "kb": 1_000, "mb": 1_000_000, "gb": 1_000_000_000}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is wrong, or worth knowing.

    Attributes:
        sort: What it is about.
        place: Where, such as ``cell 3, output 1``.
        message: What is wrong, in one sentence; never the secret itself.
        remedy: What to do about it, in one sentence.
        mended: Whether ``--fix`` mends it.
        note: Whether it is only worth knowing: it makes no notebook a bad one.
    """

    sort: Sort
    place: str
    message: str
    remedy: str = ""
    mended: bool = False
    note: bool = False


@dataclass(frozen=True, slots=True)
class Limits:
    """Most bytes, in the file.

    Attributes:
        output: Of one output.
        whole: Of the notebook.
    """

    output: int = 1_000_000
    whole: int = 10_000_000


def parse_size(text: str) -> int:
    """Read ``500 kB``, ``2MB``, ``1.5 mb`` or a plain number of bytes.

    Raises:
        ValueError: If it is none of these, or not more than nothing.
    """
    match = re.fullmatch(r"\s*(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?b?)\s*", text.lower())
    unit = f"{match[2].rstrip('b')}b" if match and match[2] else ""
    found = int(float(match[1]) * _UNITS[unit]) if match else 0
    if found <= 0:
        raise ValueError(f"{text!r} is no size; write 500 kB or 2 MB")
    return found
