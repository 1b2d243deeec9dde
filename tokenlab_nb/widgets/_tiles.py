"""What a job's widgets say: one snapshot -> one JSON row for the script, or rows of the frozen twin. No effects.

A row holds facts and words, never pixels: it is part of the widget's state, which notebooks may save.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Literal

from tokenlab_nb.contract.repair import shortfall
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.export.frozen import FrozenPicture
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, StoredImage
from tokenlab_nb.widgets import _costs

Kind = Literal["waiting", "picture", "failed", "unknown", "cancelled", "stopped", "draft"]

_S = JobStatus
_KINDS: Mapping[JobStatus, Kind] = {
    _S.COMPLETED: "picture",
    _S.FAILED: "failed",
    _S.CANCELLED: "cancelled",
    _S.UNKNOWN: "unknown",
}
_WORDS: Mapping[JobStatus, str] = {
    _S.DRAFT: "Getting ready",
    _S.SENDING: "Sent, waiting for the answer",
    _S.PENDING: "In the queue",
    _S.PROCESSING: "Being made",
    _S.COMPLETED: "Done",
    _S.FAILED: "Failed",
    _S.CANCELLED: "Cancelled",
    _S.UNKNOWN: "Outcome unknown",
}
_TITLES: Mapping[str, str] = {
    "ValidationError": "The request was refused",
    "AuthenticationError": "The key was not accepted",
    "PermissionDeniedError": "Not allowed with this key",
    "InsufficientBalanceError": "Not enough money",
    "NotFoundError": "Not found",
    "NotRecordedError": "Not recorded",
    "RateLimitError": "Too many requests",
    "ServiceError": "The service failed",
    "TransportError": "The service was not reached",
    "UnknownOutcomeError": "The answer was lost",
    "JobFailedError": "No picture was made",
    "WaitTimeoutError": "Not waited for any longer",
    "SessionClosedError": "The session is closed",
    "BudgetExceededError": "Over the budget",
    "LeakError": "Not shared",
    "ImageError": "The picture cannot be used",
}
_ADOPTED = "Adopted task"  # in place of a model's name: what was asked is not known
_MOST_WAITING = 10  # the API's own cap on n (page "Create image")
_SIZE = re.compile(r"(\d{1,6})\s*[x×:/]\s*(\d{1,6})")  # noqa: RUF001  users type the multiplication sign too


def kind(snapshot: JobSnapshot) -> Kind:
    """Return how the job's tiles look."""
    if snapshot.is_parked:
        return "draft"
    if snapshot.waiting_stopped and not snapshot.is_terminal:
        return "stopped"
    return _KINDS.get(snapshot.status, "waiting")


def words(snapshot: JobSnapshot) -> str:
    """Return the state in words."""
    if snapshot.is_parked:
        return "Not sent: from an earlier kernel"
    if snapshot.forgotten:
        return f"{words(replace(snapshot, forgotten=False))}, set aside"
    if kind(snapshot) == "stopped":
        return "No longer waited for"
    if snapshot.status is _S.DRAFT and snapshot.note:
        return "Waiting to be sent again"
    if snapshot.status is _S.DRAFT and snapshot.take:
        return "Waiting its turn"
    if snapshot.status is _S.PROCESSING and snapshot.origins:
        return "Made, being fetched"
    return _WORDS[snapshot.status]


def name(snapshot: JobSnapshot) -> str:
    """Return what the job is called: its model, where that is known."""
    return snapshot.request.model or (_ADOPTED if snapshot.adopted else "")


def is_set_aside(snapshot: JobSnapshot) -> bool:
    """Whether the user put it away: an unknown outcome, or a draft that was never sent."""
    return snapshot.forgotten or (snapshot.status is _S.CANCELLED and snapshot.sent_at is None)


def aspect(request: ImageRequest) -> float:
    """Return width / height that the request asks for; 1 where nothing says."""
    for name in ("size", "aspect_ratio"):
        found = _SIZE.fullmatch(str(request.values.get(name) or "").strip())
        if found and int(found[1]) and int(found[2]):
            return min(8.0, max(0.125, int(found[1]) / int(found[2])))
    first = request.references[0] if request.references else None
    return first.width / first.height if first is not None and first.width and first.height else 1.0


SENDING = ("run", "again")
"""Actions that send, and are paid for: they are asked about first."""


def actions(snapshot: JobSnapshot) -> list[str]:
    """Return what the user may do.

    Nothing is sent by ``cancel`` (not sent yet), ``stop``, ``resume``, ``fetch``, ``look`` and ``forget``; ``run`` (a
    draft of an earlier kernel) and ``again`` send.
    """
    if not snapshot.is_at_rest:
        return _while_it_lives(snapshot)
    found = _at_rest(snapshot)
    return [*found, "forget"] if found and not snapshot.forgotten else found


def _at_rest(snapshot: JobSnapshot) -> list[str]:
    if snapshot.can_fetch_again:
        return ["fetch"]
    if snapshot.is_parked:
        return ["run"]
    if snapshot.status is _S.UNKNOWN:
        # With an id of its task, looking again is asking for that task.
        return ["resume" if snapshot.can_resume else "look", "again"]
    return ["resume"] if snapshot.can_resume else []


def _while_it_lives(snapshot: JobSnapshot) -> list[str]:
    if snapshot.status is _S.SENDING:  # an answer on its way is always taken in
        return []
    if snapshot.status is _S.DRAFT:  # also between two attempts: what was not accepted is a draft again
        return ["cancel"]
    return [] if snapshot.origins else ["stop"]


def problem(error: TokenLabError | None) -> dict[str, object] | None:
    """Return an error in parts, or None."""
    if error is None:
        return None
    issues = error.issues if isinstance(error, ValidationError) else ()
    rows = [{"field": issue.field, "message": issue.message, "remedy": issue.remedy} for issue in issues]
    remedies = " ".join(str(row["remedy"]) for row in rows)
    near, said = error.did_you_mean or "", f"{error.message} {error.hint}"
    hint = "" if error.hint in error.message or error.hint in remedies else error.hint
    return {
        "title": _TITLES.get(type(error).__name__, "It did not work"),
        "text": error.message,
        "hint": f"{shortfall(error)} {hint}".strip(),
        "request_id": error.request_id or "",
        "did_you_mean": "" if near in said else near,
        "issues": rows,
    }


def counts(snapshot: JobSnapshot) -> str:
    """Say what was asked and what came, where pictures came and these differ."""
    asked, got = snapshot.request.count, len(snapshot.images)
    return f"asked {asked}, got {got}" if snapshot.is_terminal and got not in (0, asked) else ""


def row(snapshot: JobSnapshot, *, now: float, repeated: str = "", lineage: str = "") -> dict[str, object]:
    """Return one job for the script.

    Args:
        snapshot: The job.
        now: Seconds since 1970. The row carries the time elapsed, since the browser's clock may be another.
        repeated: Id of the newest job that runs this one again, where there is one.
        lineage: Where its pictures come from, in one line, where that was looked for.

    Returns:
        JSON values. ``tiles`` has one entry for each picture that came or is waited for, and one for what came
        instead; a tile's ``key`` stays when its picture comes. Times are in seconds, sizes in pixels and bytes.
    """
    request, at_rest = snapshot.request, snapshot.ended_at is not None
    seed = request.values.get("seed")
    return {
        "id": snapshot.id,
        "model": name(snapshot),
        "operation": request.operation,
        "prompt": request.prompt,
        "kind": kind(snapshot),
        "words": words(snapshot),
        "note": snapshot.note,
        "elapsed": round(snapshot.elapsed(now), 2),
        "running": not snapshot.is_at_rest,
        "ended": at_rest,
        "expected": snapshot.expected_seconds,
        "progress": None if snapshot.is_terminal else snapshot.progress,
        "aspect": round(aspect(request), 4),
        "seed": "" if seed is None else str(seed),
        "counts": counts(snapshot),
        "error": problem(snapshot.error),
        "actions": actions(snapshot),
        "questions": {each: _costs.question(snapshot, each) for each in actions(snapshot) if each in SENDING},
        "billed": _costs.is_billed(snapshot),
        "price": _costs.price(snapshot),
        "repeats": snapshot.repeats or "",
        "repeated": repeated,
        "lineage": lineage,
        "inputs": _inputs(request),
        "ids": {
            "Job": snapshot.id,
            "Task": snapshot.task_id or "",
            "Request": snapshot.request_id or "",
            "Charge": snapshot.billing_transaction_id or "",
            "Runs again": snapshot.repeats or "",
        },
        "tiles": _tiles(snapshot),
    }


def _tiles(snapshot: JobSnapshot) -> list[dict[str, object]]:
    tiles = [
        {
            "kind": "picture",
            "hash": image.sha256,
            "type": image.media_type,
            "width": image.width,
            "height": image.height,
            "size": image.size,
            "name": _name(snapshot, image, place),
            "revised": image.revised_prompt or "",
        }
        for place, image in enumerate(snapshot.images)
    ]
    state = kind(snapshot)
    missing = min(snapshot.request.count, _MOST_WAITING) - len(tiles) if state == "waiting" else int(state != "picture")
    tiles += [{"kind": state}] * max(missing, 0 if tiles else 1)
    return [{"key": f"{snapshot.id}:{place}", **tile} for place, tile in enumerate(tiles)]


def _inputs(request: ImageRequest) -> list[dict[str, str]]:
    """The pictures that went in as files: references in order, then the mask. Those at addresses cannot be shown."""
    local = [source.sha256 for source in request.references if source.sha256]
    found = [{"hash": each, "label": f"Reference {n}", "kind": "reference"} for n, each in enumerate(local, 1)]
    mask = request.mask.sha256 if request.mask else None
    return [*found, *([{"hash": mask, "label": "Mask", "kind": "mask"}] if mask else [])]


def _name(snapshot: JobSnapshot, image: StoredImage, place: int) -> str:
    stem = re.sub(r"[^A-Za-z0-9._-]+", "-", snapshot.request.model).strip("-.") or "picture"
    suffix = {"image/jpeg": "jpg", "image/webp": "webp"}.get(image.media_type, "png")
    return f"{stem}-{image.sha256[:8]}-{place + 1}.{suffix}"


def frozen(snapshot: JobSnapshot, thumbs: Mapping[str, bytes], lineage: str = "") -> list[FrozenPicture]:
    """Return one job for the twin.

    Args:
        snapshot: The job.
        thumbs: Small JPEGs by SHA-256; a picture without one is told in words.
        lineage: Where its pictures come from, in one line.
    """
    request, error = snapshot.request, snapshot.error
    seed = request.values.get("seed")
    shared = FrozenPicture(
        model=name(snapshot),
        operation=request.operation,
        prompt=request.prompt,
        state=words(snapshot).lower(),
        seed="" if seed is None else str(seed),
        seconds=snapshot.elapsed(0.0) if snapshot.ended_at is not None else None,
        counts=counts(snapshot),
        request_id=snapshot.request_id or (error.request_id if error else "") or "",
        lineage=lineage,
    )
    rows = [
        replace(
            shared,
            state="done",
            done=True,
            jpeg=thumbs.get(image.sha256, b""),
            width=image.width,
            height=image.height,
        )
        for image in snapshot.images
    ]
    if kind(snapshot) != "picture" or not rows:
        told = problem(error) if error else None
        parts = (f"{told['title']}.", told["text"], told["hint"]) if told else ()
        text = " ".join(str(part) for part in parts if part)
        rows.append(replace(shared, problem=text))
    return [replace(rows[0], price=_costs.price(snapshot)), *rows[1:]]  # once: it is the price of all its pictures
