"""`Withheld`: a grid as a reader of a shared file may see it. What is left out is so before anything is made of it.

Plan and jobs come back without what `Share` drops, so whatever is derived from them (labels, code, captions) has none
of it. Messages are texts of the service and may repeat anything: they are searched for what was dropped. Pure.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from tokenlab_nb.contract.model import Json
from tokenlab_nb.contract.params import lookup
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.share import Share
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.sweep.plan import NOTHING, Axis, Cell, Difference, Plan

__all__ = ["LEFT_OUT", "Withheld"]

LEFT_OUT = "..."
"""Stands where something was left out."""

_REPEATS_PROMPT = "Left out: it repeats the prompt."
_RUN = 16  # characters that a message has in common with a prompt, and not by chance
_LEAST_NAME = 4  # characters of an id or a file's name; what is shorter may stand in any word
_MONEY = re.compile(r"(?:US)?\$\s?\d[\d.,]*|\b\d[\d.,]*\s?(?:USD|dollars?|cents?)\b", re.IGNORECASE)
_TOKEN = re.compile(r"[\w-]+")
_ID = re.compile(r"\b[a-z]+_[0-9a-f]{12,}\b")  # the service's ids, those of other people's requests too
_ADDRESS = re.compile(r"\b(?:https?|s3|gs|file)://[^\s\"'<>]+", re.IGNORECASE)
_PATH = re.compile(r"(?<![\w./\\~-])(?:~|[A-Za-z]:)?[/\\]+[^\s\"'<>,;:|?*()/\\]+(?:[/\\]+[^\s\"'<>,;:|?*()/\\]+)+")
_OWN_IDS = frozenset({"user"})  # fields that hold somebody's id


class Withheld:
    """Takes out of a grid what its reader may not see.

    Args:
        share: What may be seen.
        plan: The whole plan.
        snapshots: All jobs.
    """

    def __init__(self, share: Share, plan: Plan, snapshots: Sequence[JobSnapshot]) -> None:
        self.share = share
        prompts = {_folded(each) for each in _prompts(plan, snapshots)} - {""}
        self._runs = {run for prompt in prompts for run in _runs(prompt)}
        short = "|".join(re.escape(each) for each in prompts if len(each) < _RUN)
        self._short = re.compile(rf"(?<!\w)(?:{short})(?!\w)") if short else None
        ids = set(_ids(snapshots))
        self._ids = {each for each in ids if _TOKEN.fullmatch(each)}
        self._odd_ids = sorted(ids - self._ids, key=len, reverse=True)
        self._names = sorted(set(_names(plan)), key=len, reverse=True)
        self._cleaners: tuple[tuple[bool, Callable[[str], str]], ...] = (
            (share.costs, lambda text: _MONEY.sub(LEFT_OUT, text)),
            (share.ids, self._without_ids),
            (share.paths, self._without_paths),
        )

    def plan(self, plan: Plan) -> Plan:
        """The plan as it may be seen."""
        axes = tuple(map(self._axis, plan.axes))
        return replace(plan, axes=axes, cells=tuple(self._cell(each) for each in plan.cells), notes=())

    def snapshot(self, snapshot: JobSnapshot, place: int) -> JobSnapshot:
        """A job as it may be seen.

        Args:
            snapshot: The job.
            place: Stands for its id, where that may not be seen.
        """
        share = self.share
        images = snapshot.images if share.prompts else tuple(replace(i, revised_prompt=None) for i in snapshot.images)
        found = replace(
            snapshot,
            request=self.request(snapshot.request),
            images=images,
            note=self.text(snapshot.note),
            estimate=snapshot.estimate if share.costs else None,
        )
        if share.ids:
            return found
        return replace(
            found, id=f"job {place}", request_id=None, task_id=None, billing_transaction_id=None, repeats=None
        )

    def request(self, request: ImageRequest) -> ImageRequest:
        """A request as it may be seen."""
        values = self.values(request.values)
        mask = self._source(request.mask) if request.mask else None
        return replace(request, values=values, references=tuple(map(self._source, request.references)), mask=mask)

    def values(self, values: Mapping[str, Json]) -> dict[str, Json]:
        """Request fields as they may be seen."""
        return {name: self._value(name, value) for name, value in values.items()}

    def text(self, text: str) -> str:
        """A message as it may be seen."""
        if not self.share.prompts and self._repeats(text):
            return _REPEATS_PROMPT
        for may_be_seen, clean in self._cleaners:
            text = text if may_be_seen else clean(text)
        return text

    def texts(self, value: Any) -> Any:
        """JSON values of which every text is a message."""
        return _mapped(value, self.text)

    def last(self, value: Any) -> Any:
        """JSON values, searched once more for ids and paths, wherever they may have come from."""
        for may_be_seen, clean in self._cleaners[1:]:
            value = value if may_be_seen else _mapped(value, clean)
        return value

    # ------------------------------------------------------------------------------------- parts

    def _axis(self, axis: Axis) -> Axis:
        share, count = self.share, range(1, len(axis.values) + 1)
        if axis.name == "references":
            if share.paths:
                return axis
            labels = [
                "no picture" if not value else f"picture {n}" for n, value in zip(count, axis.values, strict=True)
            ]
            return replace(axis, labels=tuple(labels))
        values = tuple(self._value(axis.name, value) for value in axis.values)  # type: ignore[arg-type]
        if values == axis.values:
            return axis
        # Where some are left out, all are numbered: they must be told apart.
        labels = [f"{axis.name.replace('_', ' ')} {n}" for n in count]
        return replace(axis, values=tuple(labels), labels=tuple(labels))

    def _cell(self, cell: Cell) -> Cell:
        values = self.values(cell.values)
        told = tuple(map(self._difference, cell.differences))
        costs = {} if self.share.costs else {"price": NOTHING, "takes": ()}
        return replace(cell, values=values, differences=told, reason=self.text(cell.reason), **costs)  # type: ignore[arg-type]

    def _difference(self, each: Difference) -> Difference:
        asked, sent = self._value(each.field, each.asked), self._value(each.field, each.sent)
        return Difference(each.field, asked, sent, self.text(each.text))

    def _source(self, source: Source) -> Source:
        if source.url and not self.share.paths:
            return Source(url=LEFT_OUT)
        if source.file_id and not self.share.ids:
            return Source(file_id=LEFT_OUT)
        return source

    def _value(self, name: str, value: Json) -> Json:
        """A field's value, with the texts in it that are prompts, ids or paths left out."""
        if isinstance(value, Mapping):
            return {key: self._value(f"{name}.{key}", item) for key, item in value.items()}
        if isinstance(value, list):
            return [self._value(name, item) for item in value]
        if not isinstance(value, str):
            return value
        dropped = (not self.share.prompts and _is_prompt(name, value)) or (not self.share.ids and name in _OWN_IDS)
        return LEFT_OUT if dropped else str(self.last(value))

    def _repeats(self, text: str) -> bool:
        plain = _folded(text)
        return bool(self._short and self._short.search(plain)) or any(run in self._runs for run in _runs(plain))

    def _without_ids(self, text: str) -> str:
        # Looked up word by word: a grid may have tens of thousands of them.
        text = _TOKEN.sub(lambda found: LEFT_OUT if found[0] in self._ids else found[0], text)
        return _without(_ID.sub(LEFT_OUT, text), self._odd_ids)

    def _without_paths(self, text: str) -> str:
        return _without(_PATH.sub(LEFT_OUT, _ADDRESS.sub(LEFT_OUT, text)), self._names)


def _is_prompt(name: str, value: str) -> bool:
    """Whether a text is somebody's words: a prompt of any name, or several words in any other field."""
    field = name.split(".", maxsplit=1)[0]
    return lookup(field).kind == "text" or "prompt" in name.lower() or bool(re.search(r"\s", value))


def _named_texts(name: str, value: Json) -> Iterator[tuple[str, str]]:
    """Every text in a field's value, with the name of its place."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _named_texts(f"{name}.{key}", item)
    elif isinstance(value, list):
        for item in value:
            yield from _named_texts(name, item)


def _prompts(plan: Plan, snapshots: Sequence[JobSnapshot]) -> Iterator[str]:
    """Every prompt there is: as asked, as sent, as rewritten."""
    values = [each.values for each in plan.cells] + [each.request.values for each in snapshots]
    for each in values:
        for name, value in each.items():
            yield from (text for place, text in _named_texts(name, value) if _is_prompt(place, text))
    for snapshot in snapshots:
        yield from (image.revised_prompt or "" for image in snapshot.images)


def _ids(snapshots: Sequence[JobSnapshot]) -> Iterator[str]:
    for each in snapshots:
        parts = (each.id, each.request_id, each.task_id, each.billing_transaction_id, each.repeats)
        users = (each.request.values.get(name) for name in _OWN_IDS)
        uploads = (source.file_id for source in each.request.sources)
        said = (each.error.request_id,) if each.error else ()
        yield from (str(part) for part in (*parts, *users, *uploads, *said) if part and len(str(part)) >= _LEAST_NAME)


def _names(plan: Plan) -> Iterator[str]:
    """The names of pictures that went in."""
    for axis in plan.axes:
        if axis.name == "references":
            pairs = zip(axis.labels, axis.values, strict=True)
            yield from (
                part for label, value in pairs if value for part in label.split(" + ") if len(part) >= _LEAST_NAME
            )


def _without(text: str, parts: Sequence[str]) -> str:
    for part in parts:
        text = text.replace(part, LEFT_OUT)
    return text


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _runs(text: str) -> Iterator[str]:
    """All stretches of so many characters."""
    return (text[at : at + _RUN] for at in range(len(text) - _RUN + 1))


def _mapped(value: Any, change: Callable[[str], str]) -> Any:
    """JSON values with every text changed; the names of fields stay."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {name: _mapped(item, change) for name, item in value.items()}
    return [_mapped(item, change) for item in value] if isinstance(value, list | tuple) else value
