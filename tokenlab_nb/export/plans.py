"""A plan as a table, for the screen and for a terminal: what each cell will do and cost before anything is sent."""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, product

from tokenlab_nb.export.text import printable, template
from tokenlab_nb.sweep.plan import Axis, Cell, Plan

__all__ = ["PlanTable", "headline", "laid_out"]

_MOST_SHOWN = 200  # cells of a table: a saved notebook holds them all
_MOST_LINES = 50  # cells of the text
_MOST_REASONS = 8  # reasons that are counted for a plan which is not shown whole
_LABEL_SHOWN = 160  # characters of a value in a heading
_LINE_SHOWN = 40  # and in a line of the text
_WORDS = {"asked": "as asked", "adjusted": "adjusted", "impossible": "impossible"}


class PlanTable:
    """A plan that shows itself: counts, price and time, then cell by cell.

    Args:
        plan: The plan.
    """

    def __init__(self, plan: Plan) -> None:
        self.plan = plan

    def __repr__(self) -> str:
        plan = self.plan
        lines = [headline(plan), *_fixed(plan), *map(str, plan.notes)]
        lines += [_line(plan, cell) for cell in plan.cells[:_MOST_LINES]]
        lines += self._rest(_MOST_LINES)
        return "\n".join(printable(line) for line in lines)

    def _repr_html_(self) -> str:
        plan = self.plan
        rows, columns, others = laid_out(plan.axes)
        common = _common(plan, columns)
        html: str = template("plan.html.j2").render(
            head=headline(plan),
            fixed=_fixed(plan),
            notes=[printable(str(note)) for note in plan.notes],
            corner=" / ".join(each.name for each in (rows, columns) if each),
            columns=[_Head(_label(columns, place), why) for place, why in enumerate(common)],
            groups=list(_groups(plan, rows, columns, others, common)),
            shown=_MOST_SHOWN,
            rest=[printable(line) for line in self._rest(_MOST_SHOWN)],
        )
        return html

    def _rest(self, most: int) -> list[str]:
        """How many cells are not shown, and how often what happens in the whole plan."""
        plan = self.plan
        left = len(plan.cells) - most
        if left <= 0:
            return []
        lines = [f"{_count(left, 'more cell')}, which plan.cells holds too. In the whole plan:"]
        adjusted = [each for cell in plan.cells for each in cell.differences]
        example = {each.field: each.text for each in reversed(adjusted)}
        fields = Counter(each.field for each in adjusted)
        lines += [f"{_count(times, 'cell')}, {name}; such as: {example[name]}" for name, times in fields.most_common()]
        impossible = Counter(cell.reason for cell in plan.cells if cell.reason)
        lines += [f"{times:,} impossible: {text}" for text, times in impossible.most_common(_MOST_REASONS)]
        other = len(impossible) - _MOST_REASONS
        return [*lines, f"{_count(other, 'other reason')} for impossible cells"] if other > 0 else lines


def headline(plan: Plan) -> str:
    """What a plan comes to, in one line: cells by status, requests, price, time."""
    counts = plan.counts()
    cells = [f"{count:,} {_WORDS[status]}" for status, count in counts.items() if count]
    there = len(plan.made.intersection(plan.takes))
    sent = len(plan.takes) - there
    parts = [
        _count(len(plan.cells), "cell") + f" ({', '.join(cells)})",
        _count(sent, "request"),
        f"{there:,} made already, at no cost" if there else "",
        str(plan.price),
        f"about {_duration(plan.seconds)}" if plan.seconds else "",
    ]
    return " · ".join(part for part in parts if part)


def _fixed(plan: Plan) -> list[str]:
    """What does not vary, in one line each: the only model, the only prompt, all settings that are the same."""
    lines = [f"{each.name.capitalize()}: {_label(each, 0)}" for each in plan.axes if len(each.values) == 1]
    varied = {each.name for each in plan.axes}
    same = plan.cells[0].values if plan.cells else {}
    settings = [f"{name} {_text(value)}" for name, value in same.items() if name not in varied]
    return [*lines, f"Everywhere: {printable(', '.join(settings))}"] if settings else lines


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"


def _duration(seconds: float) -> str:
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    return f"{round(seconds / 60)} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"


def laid_out(axes: Sequence[Axis]) -> tuple[Axis | None, Axis | None, list[Axis]]:
    """Which axis goes down, which across, and which make groups. Models stand side by side."""
    varied = [each for each in axes if len(each.values) > 1]
    columns = next((each for each in varied if each.name == "model"), varied[-1] if len(varied) > 1 else None)
    rest = [each for each in varied if each is not columns]
    return (rest[0] if rest else None), columns, rest[1:]


@dataclass(frozen=True, slots=True)
class _Shown:
    """One cell of the table, in words."""

    status: str
    why: tuple[str, ...]
    price: str


@dataclass(frozen=True, slots=True)
class _Head:
    """The heading of a column, and what holds for all of its cells."""

    label: str
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Row:
    """One row of the table: its heading, and its cells in the order of the columns."""

    label: str
    cells: tuple[_Shown, ...]


@dataclass(frozen=True, slots=True)
class _Group:
    """The rows of one combination of the further axes."""

    title: str
    rows: tuple[_Row, ...]


def _common(plan: Plan, columns: Axis | None) -> list[tuple[str, ...]]:
    """What is said of every cell of a column, which is said in its heading instead; nothing where it has one cell."""
    if columns is None:
        return [()]
    place = plan.axes.index(columns)
    found: list[dict[str, None] | None] = [None] * len(columns.values)
    for cell in plan.cells:
        before, why = found[cell.at[place]], _why(cell)
        found[cell.at[place]] = dict.fromkeys(why if before is None else (each for each in before if each in why))
    whole = len(plan.cells) > len(found)
    return [tuple(each) if each and whole else () for each in found]


def _groups(
    plan: Plan, rows: Axis | None, columns: Axis | None, others: Sequence[Axis], common: Sequence[Collection[str]]
) -> Iterator[_Group]:
    """Groups of rows, until so many cells are shown; a row that alone has more is cut short."""
    left = _MOST_SHOWN
    down, across = (range(len(each.values)) if each else range(1) for each in (rows, columns))
    for combination in product(*(range(len(each.values)) for each in others)):
        found = []
        for row in islice(down, math.ceil(left / len(across))):
            places = {id(each): place for each, place in zip(others, combination, strict=True)}
            cells = [_cell(plan, {**places, id(rows): row, id(columns): column}) for column in islice(across, left)]
            left -= len(cells)
            shown = [_shown(plan, cell, said) for cell, said in zip(cells, common, strict=False)]
            found.append(_Row(_label(rows, row), tuple(shown)))
        if not found:
            return
        title = ", ".join(_named(each, place) for each, place in zip(others, combination, strict=True))
        yield _Group(title, tuple(found))


def _cell(plan: Plan, places: dict[int, int]) -> Cell:
    """The cell at these places by axis; an axis that does not vary is at its first."""
    index = 0
    for each in plan.axes:
        index = index * len(each.values) + places.get(id(each), 0)
    return plan.cells[index]


def _shown(plan: Plan, cell: Cell, said: Collection[str] = ()) -> _Shown:
    """A cell in words, but for those that are said already."""
    return _Shown(_WORDS[cell.status], tuple(each for each in _why(cell) if each not in said), _price(plan, cell))


def _why(cell: Cell) -> tuple[str, ...]:
    return tuple(map(printable, (cell.reason,) if cell.reason else map(str, cell.differences)))


def _price(plan: Plan, cell: Cell) -> str:
    """What the cell costs, and how many requests it takes; nothing for an impossible one."""
    if not cell.takes:
        return ""
    if plan.made.issuperset(take.key for take in cell.takes):
        return "made already"
    requests = f"{len(cell.takes):,} requests, " if len(cell.takes) > 1 else ""
    return f"{requests}{cell.price}"


def _line(plan: Plan, cell: Cell) -> str:
    varied = [(each, place) for each, place in zip(plan.axes, cell.at, strict=True) if len(each.values) > 1]
    name = ", ".join(_named(each, place, most=_LINE_SHOWN) for each, place in varied) or cell.model
    told = _shown(plan, cell)
    price = f" ({told.price})" if told.price else ""
    return f"{cell.index}. {name}: {told.status}{price}" + (f". {' '.join(told.why)}" if told.why else "")


def _named(axis: Axis, place: int, most: int = _LABEL_SHOWN) -> str:
    """A value of an axis; a model is known as one by itself."""
    return _label(axis, place, most) if axis.name == "model" else f"{axis.name} {_label(axis, place, most)}"


def _label(axis: Axis | None, place: int, most: int = _LABEL_SHOWN) -> str:
    return _text(axis.labels[place], most) if axis else ""


def _text(value: object, most: int = _LABEL_SHOWN) -> str:
    text = printable(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr))
    return text if len(text) <= most else f"{text[: most - 1]}…"
