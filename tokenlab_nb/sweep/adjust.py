"""What was asked -> what one operation of one model takes, each difference named; or why there is nothing near. Pure.

Exact ways of saying the same come first (`tokenlab_nb.contract.carry`), then the nearest value that is taken
(`tokenlab_nb.sweep.nearest`). A setting that the model does not have is left out. Nothing is invented: a value without
a near one, and a setting that the model needs and nobody gave, make the request impossible.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from tokenlab_nb.contract.carry import Dropped, Mapped, carry
from tokenlab_nb.contract.model import IMAGE_VARIATION, TEXT_TO_IMAGE, Issue, Json, Model, Operation
from tokenlab_nb.contract.validate import check_operation, check_value, check_values
from tokenlab_nb.contract.workflows import CHANGE, CREATE, INPAINT, VARY, operation_for
from tokenlab_nb.sweep.nearest import listed, near_value, ratio_near, resolution_near, size_near, size_of_shape
from tokenlab_nb.sweep.plan import Difference

__all__ = ["MOST_REQUESTS", "Adjusted", "adjust", "chosen_operation", "reasons", "without_prompt"]

MOST_REQUESTS = 100
"""Most requests that one cell is split into."""

_SHOWN = 60  # characters of a value that a difference repeats


@dataclass(frozen=True, slots=True)
class Adjusted:
    """The settings of one cell, as they are sent.

    Attributes:
        values: By field name, prompt and ``n`` aside.
        counts: The ``n`` of each request; None where none is sent, which asks for one picture.
        differences: What is sent otherwise than asked.
        issues: Why it cannot be sent; the other attributes mean nothing then.
    """

    values: Mapping[str, Json]
    counts: tuple[int | None, ...] = (None,)
    differences: tuple[Difference, ...] = ()
    issues: tuple[Issue, ...] = ()


def adjust(model_id: str, operation: Operation, values: Mapping[str, Json]) -> Adjusted:
    """Fit settings to an operation.

    Args:
        model_id: Of the model, for messages.
        operation: What it is to do.
        values: What was asked, by field name, without the prompt; ``n`` is how many pictures are wanted in all.
    """
    wanted = {name: value for name, value in values.items() if name != "n"}
    fitting = _Fitting(model_id, operation, wanted)
    fitting.run()
    counts: tuple[int | None, ...] = (None,)
    if "n" in values:
        found = _split(operation, values["n"], seeded="seed" in fitting.sent)
        if isinstance(found, Issue):
            fitting.issues.append(found)
        else:
            counts, difference = found
            fitting.differences += [difference] if difference else []
    return Adjusted(fitting.sent, counts, tuple(fitting.differences), tuple(fitting.issues))


def chosen_operation(
    model: Model, asked: str, *, has_mask: bool
) -> tuple[Operation | None, tuple[Difference, ...], tuple[Issue, ...]]:
    """The operation that does what was asked: the one of that name, else another one for the same work.

    Args:
        model: With its contract.
        asked: Operation name.
        has_mask: Whether a mask goes in.
    """
    issue = check_operation(model, asked)
    if issue is None:
        return model.contract.operations[asked], (), ()
    workflow = {TEXT_TO_IMAGE: CREATE, IMAGE_VARIATION: VARY}.get(asked, INPAINT if has_mask else CHANGE)
    found = operation_for(model, workflow) if asked in _WORKED else None
    if found is None:
        return None, (), (issue,)
    text = f"{found.name} instead of {asked}, which this model does not offer."
    return found, (Difference("operation", asked, found.name, text),), ()


_WORKED = frozenset({TEXT_TO_IMAGE, IMAGE_VARIATION, "image-to-image", "image-edit"})  # of which we know the workflow


def without_prompt(operation: Operation, prompt: str) -> Difference:
    """The difference of an operation that takes no prompt."""
    return Difference("prompt", prompt, None, f"The prompt is left out: {operation.name} takes none.")


class _Fitting:
    """One run over the settings; what is settled goes from `wanted` to `sent`."""

    def __init__(self, model_id: str, operation: Operation, wanted: Mapping[str, Json]) -> None:
        self._model = (model_id, operation)
        self._operation = operation
        self._wanted = wanted
        self.sent: dict[str, Json] = {}
        self.differences: list[Difference] = []
        self.issues: list[Issue] = []

    def run(self) -> None:
        """Settle every value."""
        rest = self._shaped(self._wanted)
        carried = carry(rest, [self._model])
        self.sent |= carried.kept
        for move in carried.mapped:
            self._map(move)
        for drop in carried.dropped:
            self._drop(drop)
        self._mend_pairs()

    def _takes(self, name: str) -> bool:
        param = self._operation.params.get(name)
        return param is not None and param.role == "option"

    def _listed(self, name: str) -> tuple[str, ...]:
        """The values that the operation names for an option of it which nobody has set."""
        return listed(self._operation.params[name]) if self._takes(name) and name not in self._wanted else ()

    def _shaped(self, wanted: Mapping[str, Json]) -> Mapping[str, Json]:
        """A ratio becomes a size of that shape, where a size may be any within bounds and there is no ratio.

        Listed sizes of that shape might be much larger, and dearer, than what the others in the grid make.
        """
        size, ratio = self._operation.params.get("size"), wanted.get("aspect_ratio")
        if not (size and size.size_rule and isinstance(ratio, str)) or self._takes("aspect_ratio") or "size" in wanted:
            return wanted
        said = ("aspect_ratio",) if self._takes("resolution") else ("aspect_ratio", "resolution")
        found = size_of_shape(size.size_rule, ratio, wanted.get("resolution"))
        if found is None:
            return wanted
        self._say({name: wanted[name] for name in said if name in wanted}, {"size": found})
        return {name: value for name, value in wanted.items() if name not in said}

    def _map(self, move: Mapped) -> None:
        into = dict(move.into)
        size = move.source.get("size")
        if isinstance(size, str) and "resolution" not in into and (near := self._resolution(size)):
            into["resolution"] = near
        self._say(move.source, into)

    def _resolution(self, size: str) -> str | None:
        return resolution_near(size, self._listed("resolution"))

    def _drop(self, drop: Dropped) -> None:
        """What has no exact equal: the nearest value, the nearest in another field, nothing, or an issue."""
        param = self._operation.params.get(drop.name) if self._takes(drop.name) else None
        if param is None:
            if not self._say_nearly(drop):
                self._leave_out(drop.name, drop.value)
            return
        near = near_value(param, drop.value)
        if near is not None:
            text = f"{drop.name} {_shown(near)} instead of {_shown(drop.value)}, the nearest that is taken here."
            self._replace(drop.name, drop.value, near, text)
        elif not self._say_nearly(drop):
            issue = check_value(param, drop.value)
            self.issues += [issue] if issue else []

    def _say_nearly(self, drop: Dropped) -> bool:
        """Say a size as the nearest ratio and size class, or a ratio as the nearest size; whether there was one."""
        into: dict[str, Json] = {}
        if drop.name == "size" and isinstance(drop.value, str):
            if ratio := ratio_near(drop.value, self._listed("aspect_ratio")):
                near = self._resolution(drop.value)
                into = {"aspect_ratio": ratio, **({"resolution": near} if near else {})}
        elif drop.name == "aspect_ratio" and isinstance(drop.value, str):
            into = self._nearest_size(drop.value)
        if not into or into.keys() & self.sent.keys():
            return False
        self._say({drop.name: drop.value}, into, ", the nearest that is listed")
        return True

    def _nearest_size(self, ratio: str) -> dict[str, Json]:
        shape = ratio.replace(":", "x")  # as a size of one pixel a step: only its shape counts
        sizes = [each for each in self._listed("size") if check_value(self._operation.params["size"], each) is None]
        found = size_near(shape, sizes)
        return {"size": found} if found else {}

    def _leave_out(self, name: str, value: Json) -> None:
        near = next((issue.remedy for issue in check_values(self._operation, {name: value}) if issue.field == name), "")
        hint = f" {near}" if near.startswith("Did you mean") else ""
        text = f"{name} {_shown(value)} is left out: not taken here.{hint}"
        self.differences.append(Difference(name, value, None, text))

    def _say(self, source: Mapping[str, Json], into: Mapping[str, Json], how: str = "") -> None:
        """One difference for values that are sent under another name."""
        self.sent |= into
        asked = dict(source) if len(source) > 1 else next(iter(source.values()))
        text = f"{_pairs(source)} is sent as {_pairs(into)}{how}."
        self.differences.append(Difference(next(iter(source)), asked, dict(into), text))

    def _replace(self, name: str, asked: Json, sent: Json, text: str) -> None:
        self.sent[name] = sent
        self.differences.append(Difference(name, asked, sent, text))

    def _mend_pairs(self) -> None:
        """Values that are fine alone and not together, such as JPEG and transparency."""
        for issue in check_values(self._operation, self.sent):
            if issue.field not in self.sent:  # what is missing is told by whoever builds the request
                continue
            near, last = issue.suggestion, self.sent[issue.field]
            if check_value(self._operation.params[issue.field], near):
                self.issues.append(issue)
                continue
            # In place of what was said of it before: one difference a field, from what was asked to what is sent.
            asked = self._wanted.get(issue.field, last)
            self.differences = [each for each in self.differences if each.field != issue.field]
            text = f"{issue.field} {_shown(near)} instead of {_shown(asked)}. {issue.message}"
            self._replace(issue.field, asked, near, text)


def _split(operation: Operation, n: Json, *, seeded: bool) -> tuple[tuple[int | None, ...], Difference | None] | Issue:
    """How many pictures each request asks for."""
    if not isinstance(n, int) or isinstance(n, bool) or n < 1:
        return Issue("n", f"{_shown(n)} is no number of pictures.", remedy="Give a whole number from 1.")
    param = operation.params.get("n")
    # Without `n` every request makes one picture: then asking for one differs in nothing.
    most = 1 if param is None else param.maximum or n
    full, rest = divmod(n, most)
    if (requests := full + bool(rest)) > MOST_REQUESTS:
        message = f"{n:,} pictures would take {requests:,} requests; {MOST_REQUESTS} at most in one cell."
        return Issue("n", message, remedy=f"Ask for {most * MOST_REQUESTS:,} at most, or use repeats.")
    parts = (most,) * full + ((rest,) if rest else ())
    counts: tuple[int | None, ...] = parts if param else (None,) * n
    if len(parts) == 1:
        return counts, None
    told = " and ".join(f"{times:,} of {part:,}" for part, times in Counter(parts).items())
    told = "one picture each" if most == 1 else told
    alike = " With one seed they may look alike." if seeded else ""
    text = f"{n:,} pictures in {len(parts):,} requests: {told}.{alike}"
    return counts, Difference("n", n, list(parts), text)


def _pairs(values: Mapping[str, Json]) -> str:
    return ", ".join(f"{name} {_shown(value)}" for name, value in values.items())


def _shown(value: Json) -> str:
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def reasons(issues: Iterable[Issue]) -> str:
    """Why something is impossible, with what to do about it, in one line."""
    errors = (issue for issue in issues if issue.severity == "error")
    return " ".join(f"{issue.message} {issue.remedy}".strip() for issue in errors)
