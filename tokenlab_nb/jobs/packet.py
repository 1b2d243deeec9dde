"""What the service's support needs to find a job, and nothing that is anybody else's business. Pure."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from tokenlab_nb.jobs.job import JobSnapshot

_USER = re.compile(r"^([\w+.-]*:?//)[^/]*@")


def support_packet(snapshot: JobSnapshot) -> dict[str, object]:
    """Return JSON values: ids, endpoint, model, times (UTC), state, and the names of the fields that were sent.

    No prompt, no key, no picture, no value of any field: an error's text may quote them, so only its kind, status and
    code are told (the vendor's observability page lists what its support asks for).
    """
    request, error = snapshot.request, snapshot.error
    pictures = {request.reference_field: len(request.references), request.mask_field: int(request.mask is not None)}
    return {
        "job_id": snapshot.id,
        "request_id": snapshot.request_id or (error.request_id if error else None),
        "task_id": snapshot.task_id,
        "poll_url": _without_query(snapshot.poll_url),
        "billing_transaction_id": snapshot.billing_transaction_id,
        "api": snapshot.origin,
        "endpoint": f"POST {request.endpoint}",
        "model": request.model,
        "operation": request.operation,
        "status": snapshot.status.value,
        "waiting_stopped": snapshot.waiting_stopped,
        "times": [{"status": move.status.value, "at": _iso(move.at)} for move in snapshot.moves],
        "retries": snapshot.retries,
        "fields": sorted(request.values),
        "pictures_in": {name: count for name, count in pictures.items() if name and count},
        "pictures_out": len(snapshot.images),
        "pictures_announced": len(snapshot.origins),
        "multipart": request.multipart,
        "repeats": snapshot.repeats,
        "adopted": snapshot.adopted,
        "error": None if error is None else _kind(error),
    }


def _kind(error: object) -> dict[str, object]:
    facts = {name: getattr(error, name) for name in ("status", "code", "param", "retryable")}
    return {"kind": type(error).__name__, **{name: value for name, value in facts.items() if value is not None}}


def _iso(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _without_query(url: str | None) -> str | None:
    """What stands behind the question mark may be a signature, and what stands before an ``@`` a password."""
    return _USER.sub(r"\1", re.split(r"[?#;]", url, maxsplit=1)[0]) if url else None
