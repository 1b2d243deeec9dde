"""Pure: how many pixels a request asks for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from math import log
from typing import Any

from .catalog import Rules

LONG_EDGES = {"1k": 1024, "2k": 2048, "4k": 4096}
MAX_EDGE, MIN_EDGE, STEP = 4096, 16, 8
Size = tuple[int, int]


def parse_size(text: str) -> Size | None:
    """`WIDTHxHEIGHT` in pixels, or None for anything else."""
    match = re.fullmatch(r"([1-9]\d{0,4})x([1-9]\d{0,4})", text)
    return (int(match[1]), int(match[2])) if match else None


def parse_ratio(text: str) -> float | None:
    """Width over height of `16:9` and the like, or None for anything else."""
    match = re.fullmatch(r"([1-9]\d?):([1-9]\d?)", text)
    return int(match[1]) / int(match[2]) if match else None


def breaks_rule(rule: Mapping[str, Any], size: Size) -> str | None:
    """Why a size breaks a flexible size rule, in one sentence; None when it keeps it."""
    long, short = max(size), min(size)
    if any(side % rule["multiple"] for side in size):
        return f"Both sides must be multiples of {rule['multiple']}."
    if long > rule["max_edge"]:
        return f"The longest edge must be at most {rule['max_edge']}."
    if long > rule["max_ratio"] * short:
        return f"Long to short must be at most {rule['max_ratio']}:1."
    if not rule["min_pixels"] <= long * short <= rule["max_pixels"]:
        return f"Width times height must be {rule['min_pixels']:,} to {rule['max_pixels']:,}."
    return None


def pixels(rules: Rules, options: Mapping[str, Any], ratios: Sequence[str], source: Size | None) -> Size:
    """The size of the result.

    Args:
        rules: The model's.
        options: `size`, `aspect_ratio` and `resolution`, as far as they were sent and accepted.
        ratios: The aspect ratios that the model offers, for a size that is only an alias of one.
        source: The first reference's size; an edit that asks for none keeps it.

    Returns:
        Width and height in pixels, each 16 to 4096.
    """
    asked = str(options.get("size", ""))
    exact = parse_size(asked)
    if exact and not rules.size_is_alias:
        return _bounded(*exact)
    ratio = parse_ratio(str(options.get("aspect_ratio", "")))
    resolution = str(options.get("resolution", "")) or (asked if asked in LONG_EDGES else "")
    if exact:
        ratio = ratio or _nearest(exact[0] / exact[1], ratios)
        resolution = resolution or min(LONG_EDGES, key=lambda name: abs(LONG_EDGES[name] - max(exact)))
    if ratio is None and not resolution:
        return _bounded(*(source or parse_size(rules.default_size) or (1024, 1024)))
    if ratio is None:
        ratio = source[0] / source[1] if source else 1.0
    return _shaped(ratio, LONG_EDGES.get(resolution, LONG_EDGES[rules.default_resolution]))


def _nearest(ratio: float, offered: Sequence[str]) -> float:
    known = [value for value in map(parse_ratio, offered) if value]
    return min(known, key=lambda value: abs(log(value / ratio)), default=ratio)


def _shaped(ratio: float, long: int) -> Size:
    short = max(MIN_EDGE, round(long * min(ratio, 1 / ratio) / STEP) * STEP)
    return (long, short) if ratio >= 1 else (short, long)


def _bounded(width: int, height: int) -> Size:
    scale = min(1.0, MAX_EDGE / max(width, height))
    return max(MIN_EDGE, round(width * scale)), max(MIN_EDGE, round(height * scale))
