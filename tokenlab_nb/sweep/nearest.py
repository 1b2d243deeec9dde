"""A value that is not taken -> the nearest one that is, where there is an order to be near in. Pure.

Sizes are near by shape, then by pixels; size classes by their edge; words of quality by their rank; file formats by
what they can hold. A value without any such order has no near one, unless it is spelled almost the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence

from tokenlab_nb.contract.model import Json, Param, SizeRule
from tokenlab_nb.contract.validate import check_value, nearest_size

__all__ = ["near_value", "ratio_near", "resolution_near", "size_near", "size_of_shape"]

_SIZE = re.compile(r"([1-9]\d{0,5})x([1-9]\d{0,5})")
_RATIO = re.compile(r"([1-9]\d{0,3}):([1-9]\d{0,3})")
_CLASS = re.compile(r"(\d{1,2})k")
_EDGE = 1024  # pixels along one side of a square of the class 1k

# Words for how much work goes into a picture; the same rank is the same work under another name.
_RANKS: Mapping[str, int] = {"low": 0, "standard": 1, "medium": 1, "high": 2, "hd": 2}

# In place of a format: first what also has transparency, then what a browser shows everywhere.
_FORMATS: Mapping[str, tuple[str, ...]] = {
    "png": ("webp", "jpeg"),
    "webp": ("png", "jpeg"),
    "jpeg": ("webp", "png"),
    "jpg": ("jpeg", "webp", "png"),
}


def near_value(param: Param, value: Json) -> Json:
    """The value that is sent in place of one that the parameter refuses; None where nothing is near.

    Args:
        param: What refuses it.
        value: What was asked.
    """
    issue = check_value(param, value)
    for found in (_by_order(param, value), issue.suggestion if issue else None):
        if found is not None and check_value(param, found) is None:
            return found
    return None


def _by_order(param: Param, value: Json) -> Json:
    """By the field's own order; None where it has none, or the value is not in it."""
    if not isinstance(value, str):
        return None
    text = value.strip().lower()
    alike = [each for each in param.choices if each.lower() == text]
    rule = _ORDERS.get(param.name)
    return alike[0] if alike else rule(text, param.choices) if rule else None


def listed(param: Param) -> tuple[str, ...]:
    """The values that a parameter names: its closed list, else those that usually work."""
    return param.choices or param.suggestions


def size_near(value: str, offered: Sequence[str]) -> str | None:
    """The size of the most similar shape; of several, the one with the most similar number of pixels."""
    sides = _pair(_SIZE, value)
    return (
        _nearest(offered, _SIZE, lambda other: (_shape_gap(sides, other), _area_gap(sides, other))) if sides else None
    )


def ratio_near(value: str, offered: Sequence[str]) -> str | None:
    """The ratio of the most similar shape, to a size or to another ratio."""
    sides = _pair(_SIZE, value) or _pair(_RATIO, value)
    return _nearest(offered, _RATIO, lambda other: (_shape_gap(sides, other),)) if sides else None


def resolution_near(value: str, offered: Sequence[str]) -> str | None:
    """The size class with the most similar number of pixels, to a size or to another class; of two, the smaller one."""
    sides = _pair(_SIZE, value)
    pixels = sides[0] * sides[1] if sides else _class_pixels(value)
    classes = [(each, other) for each in offered if (other := _class_pixels(each))]
    if not (pixels and classes):
        return None
    return min(classes, key=lambda pair: (round(abs(math.log(pair[1] / pixels)), 6), pair[1]))[0]


def size_of_shape(rule: SizeRule, ratio: str, resolution: Json) -> str | None:
    """A size of a ratio, where the bounds of a size are known instead of a list.

    Args:
        rule: The bounds.
        ratio: Like ``16:9``.
        resolution: A size class, like ``2k``; 1k where it is none.

    Returns:
        The size of exactly this shape whose pixels are nearest to the class, else of about this shape; None for a
        shape that the bounds do not have.
    """
    sides = _pair(_RATIO, ratio)
    if not sides:
        return None
    pixels = (_class_pixels(resolution) if isinstance(resolution, str) else 0) or _EDGE**2
    width, height = (side // math.gcd(*sides) * rule.multiple for side in sides)
    ideal, least, most = (math.sqrt(area / (width * height)) for area in (pixels, rule.min_pixels, rule.max_pixels))
    # The nearest stands beside the ideal, or where the bounds begin or end.
    ends = math.ceil(least), math.floor(min(most, rule.max_edge / max(width, height)))
    steps = sorted({math.floor(ideal), math.ceil(ideal), *ends})
    param = Param("size", "string", size_rule=rule)
    exact = [step for step in steps if step and check_value(param, f"{width * step}x{height * step}") is None]
    if exact:
        step = min(exact, key=lambda each: abs(math.log(each / ideal)))
        return f"{width * step}x{height * step}"
    scale = math.sqrt(pixels / (sides[0] * sides[1]))
    return nearest_size(rule, max(1, round(sides[0] * scale)), max(1, round(sides[1] * scale)))


def _quality_near(value: str, offered: Sequence[str]) -> str | None:
    rank = _RANKS.get(value)
    ranked = [(abs(_RANKS[each] - rank), _RANKS[each], each) for each in offered if each in _RANKS and rank is not None]
    return min(ranked)[2] if ranked else None  # of two as near, the lower one, which costs less


def _format_near(value: str, offered: Sequence[str]) -> str | None:
    return next((each for each in _FORMATS.get(value, ()) if each in offered), None)


_ORDERS: Mapping[str, Callable[[str, Sequence[str]], str | None]] = {
    "size": size_near,
    "aspect_ratio": ratio_near,
    "resolution": resolution_near,
    "quality": _quality_near,
    "output_format": _format_near,
}

_Sides = tuple[int, int]


def _pair(pattern: re.Pattern[str], text: str) -> _Sides | None:
    match = pattern.fullmatch(text)
    return (int(match[1]), int(match[2])) if match else None


def _nearest(
    offered: Iterable[str], pattern: re.Pattern[str], gap: Callable[[_Sides], tuple[float, ...]]
) -> str | None:
    found = [(gap(sides), place, each) for place, each in enumerate(offered) if (sides := _pair(pattern, each))]
    return min(found)[2] if found else None


def _shape_gap(one: _Sides, other: _Sides) -> float:
    """0 for the same shape; rounded, so that shapes which are as near on either side tie."""
    return round(abs(math.log(one[0] * other[1] / (one[1] * other[0]))), 6)


def _area_gap(one: _Sides, other: _Sides) -> float:
    return round(abs(math.log(one[0] * one[1] / (other[0] * other[1]))), 6)


def _class_pixels(name: str) -> int:
    match = _CLASS.fullmatch(name.strip().lower())
    return (int(match[1]) * _EDGE) ** 2 if match else 0
