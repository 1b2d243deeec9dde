"""Jobs as a table: for the screen, for a terminal, and as a pandas frame."""

from __future__ import annotations

import time
from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.export.text import aligned, load_pandas, printable, template
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus

__all__ = ["History", "left_behind", "moment"]

_MOST_SHOWN = 50  # rows of a table: a saved notebook holds them all
_PROMPT_SHOWN = 80
_HEADS = ("made", "model", "status", "pictures", "seconds", "price", "prompt", "job")


class History(list[Job]):
    """Jobs in a list that shows itself as a table."""

    def __repr__(self) -> str:
        lines = aligned([_HEADS, *(_cells(job.snapshot) for job in self[:_MOST_SHOWN])])
        return "\n".join((*lines, self._rest())) if self else "No jobs."

    def _repr_html_(self) -> str:
        rows = [_cells(job.snapshot) for job in self[:_MOST_SHOWN]]
        html: str = template("history.html.j2").render(heads=_HEADS, rows=rows, rest=self._rest())
        return html

    def _rest(self) -> str:
        jobs = f"{len(self):,} job{'' if len(self) == 1 else 's'}"
        return jobs if len(self) <= _MOST_SHOWN else f"{jobs}, the first {_MOST_SHOWN} shown"

    def to_frame(self) -> Any:
        """Return a `pandas.DataFrame`, a row a job. Times are UTC, amounts US dollars, durations seconds.

        Raises:
            TokenLabError: If pandas is not installed.
        """
        pandas = load_pandas()
        frame = pandas.DataFrame([_record(job.snapshot) for job in self], columns=list(_COLUMNS))
        for name in ("made", "sent", "ended"):
            frame[name] = pandas.to_datetime(frame[name], unit="s", utc=True).astype("datetime64[us, UTC]")
        return frame.astype(dict.fromkeys(("seconds", "latency", "price_low", "price_high"), float))


_COLUMNS = (
    *("job", "model", "operation", "status", "prompt", "pictures", "made", "sent", "ended", "seconds", "latency"),
    *("price_low", "price_high", "charge", "retries", "request_id", "task_id", "billing_transaction_id"),
    *("repeats", "forgotten", "error"),
)


def _record(snapshot: JobSnapshot) -> dict[str, object]:
    estimate = snapshot.estimate
    values = (
        *(snapshot.id, snapshot.request.model, snapshot.request.operation, snapshot.status.value),
        *(snapshot.request.prompt, len(snapshot.images), snapshot.created_at, snapshot.sent_at, snapshot.ended_at),
        *(_seconds(snapshot), snapshot.latency, estimate and estimate.low, estimate and estimate.high),
        *(snapshot.charge.value, snapshot.retries, snapshot.request_id, snapshot.task_id),
        *(snapshot.billing_transaction_id, snapshot.repeats, snapshot.forgotten),
        snapshot.error.message if snapshot.error else None,
    )
    return dict(zip(_COLUMNS, values, strict=True))


def _cells(snapshot: JobSnapshot) -> tuple[str, ...]:
    """What a row of the table says, as texts."""
    seconds, prompt = _seconds(snapshot), " ".join(snapshot.request.prompt.split())
    cells = (
        time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(snapshot.created_at)),
        snapshot.request.model or "not known",
        snapshot.status.value + (" (set aside)" if snapshot.forgotten else ""),
        str(len(snapshot.images)),
        "" if seconds is None else f"{seconds:.1f}",
        f"{snapshot.estimate} {snapshot.charge.value}" if snapshot.estimate else "",
        prompt if len(prompt) <= _PROMPT_SHOWN else f"{prompt[: _PROMPT_SHOWN - 3]}...",
        snapshot.id,
    )
    return tuple(printable(cell) for cell in cells)


def _seconds(snapshot: JobSnapshot) -> float | None:
    ended = snapshot.ended_at
    return None if ended is None or snapshot.sent_at is None else snapshot.elapsed(ended)


def moment(value: datetime | date | str | float | None) -> float | None:
    """A time as seconds since 1970. A date begins at midnight; what names no zone is local.

    Raises:
        ValidationError: If it is no time, or one that no clock of this machine can show.
    """
    if value is None or isinstance(value, int | float):
        return value
    try:
        if isinstance(value, str):
            value = datetime.fromisoformat(value)
        if not isinstance(value, datetime):
            value = datetime(value.year, value.month, value.day)  # local on purpose
        return value.timestamp()
    except (ValueError, OverflowError, OSError, AttributeError):  # the last two: before 1970, or of another kind
        hint = "Write it like 2026-11-26 or 2026-11-26T14:30."
        raise ValidationError(f"{value!r} is no date or time.", hint=hint) from None


_LEFT = (
    ("{} on the way, picked up", "{} on the way, picked up"),
    ("{} with unknown outcome: look at it before you run it again", "{} with unknown outcome: look at them first"),
    ("{} never sent", "{} never sent"),
    ("{} no longer waited for", "{} no longer waited for"),
    ("{} whose pictures were not fetched", "{} whose pictures were not fetched"),
)


def left_behind(snapshots: Iterable[JobSnapshot]) -> str:
    """What an earlier kernel left, in one sentence; empty where it left nothing."""
    counts = dict.fromkeys(("going", "unknown", "draft", "stopped", "unfetched"), 0)
    for snapshot in snapshots:
        counts[_fate(snapshot)] += 1
    parts = [
        (one if count == 1 else many).format(f"{count:,} job{'' if count == 1 else 's'}")
        for count, (one, many) in zip(counts.values(), _LEFT, strict=True)
        if count
    ]
    return f"From an earlier kernel: {'; '.join(parts)}. session.recover() lists them." if parts else ""


def _fate(snapshot: JobSnapshot) -> str:
    if not snapshot.is_at_rest:
        return "going"
    if snapshot.status is JobStatus.UNKNOWN:
        return "unknown"
    if snapshot.status is JobStatus.FAILED:
        return "unfetched"
    return "draft" if snapshot.is_parked else "stopped"
