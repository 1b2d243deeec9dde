"""A job's snapshot as the ledger's columns, and back."""

from __future__ import annotations

import json
from collections.abc import Sequence

from tokenlab_nb.jobs.job import JobSnapshot

__all__ = ["COLUMNS", "diary", "pictures", "read", "row", "speaks_of"]

COLUMNS = (
    "id",
    "origin",
    "request_hash",
    "model",
    "endpoint",
    "status",
    "request_id",
    "task_id",
    "poll_url",
    "billing_transaction_id",
    "created_at",
    "sent_at",
    "ended_at",
    "updated_at",
    "snapshot",
    "owner",
    "latency",
    "charge",
    "estimate_low",
    "estimate_high",
)
"""All columns of the table ``jobs``. ``snapshot`` is the truth, the others are what is searched for."""


def row(snapshot: JobSnapshot, owner: str) -> dict[str, object]:
    """The columns of a job, and ``me``: who writes.

    Args:
        snapshot: The job.
        owner: Who writes, and follows it as long as it is not at rest.
    """
    estimate = snapshot.estimate
    values = {
        "id": snapshot.id,
        "origin": snapshot.origin,
        "request_hash": snapshot.request.hash,
        "model": snapshot.request.model,
        "endpoint": snapshot.request.endpoint,
        "status": snapshot.status.value,
        "request_id": snapshot.request_id,
        "task_id": snapshot.task_id,
        "poll_url": snapshot.poll_url,
        "billing_transaction_id": snapshot.billing_transaction_id,
        "created_at": snapshot.created_at,
        "sent_at": snapshot.sent_at,
        "ended_at": snapshot.ended_at,
        "updated_at": snapshot.moves[-1].at if snapshot.moves else snapshot.created_at,
        "snapshot": json.dumps(snapshot.to_record(), separators=(",", ":")),
        "me": owner,
        "owner": None if snapshot.is_at_rest else owner,
        "latency": snapshot.latency if snapshot.images else None,
        "charge": snapshot.charge.value,
        "estimate_low": estimate.low if estimate else None,
        "estimate_high": estimate.high if estimate else None,
    }
    return {name: _storable(value) for name, value in values.items()}


def _storable(value: object) -> object:
    """Half of a surrogate pair, which a Python text can hold, fits no database: it must not keep a row from it."""
    return value.encode(errors="replace").decode() if isinstance(value, str) and not value.isascii() else value


def diary(snapshot: JobSnapshot) -> list[dict[str, object]]:
    """The rows of a job's moves."""
    return [
        {"job_id": snapshot.id, "seq": seq, "status": move.status.value, "at": move.at}
        for seq, move in enumerate(snapshot.moves)
    ]


def pictures(snapshot: JobSnapshot) -> list[dict[str, object]]:
    """The rows of a job's pictures."""
    return [{"sha256": image.sha256, "job_id": snapshot.id, "place": image.index} for image in snapshot.images]


def read(text: str) -> JobSnapshot | None:
    """The snapshot of a row; None where this version does not understand it."""
    try:
        return JobSnapshot.from_record(json.loads(text))
    except (TypeError, ValueError, KeyError):
        return None


def speaks_of(snapshot: JobSnapshot, words: Sequence[str]) -> bool:
    """Whether a job's prompt holds each of these words, in any case."""
    prompt = snapshot.request.prompt.casefold()
    return all(word.casefold() in prompt for word in words)
