"""A job as a value: its states, the legal moves between them, and the snapshot that everybody gets to see."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from enum import StrEnum
from typing import Any, Self

from tokenlab_nb.api.replies import NO_PICTURE, Meta
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import (
    AuthenticationError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    ValidationError,
    from_record,
)


class JobStatus(StrEnum):
    """Where a job stands. *Waiting stopped* is not among them: it is a property of the snapshot."""

    DRAFT = "draft"  # written down, not sent
    SENDING = "sending"  # the POST is on its way
    UNKNOWN = "unknown"  # sent, but the answer was lost: never sent again by itself
    PENDING = "pending"  # accepted, not begun
    PROCESSING = "processing"  # being made, or being fetched
    COMPLETED = "completed"  # the pictures are on disk
    FAILED = "failed"
    CANCELLED = "cancelled"


class Charge(StrEnum):
    """What is known about what a job costs."""

    NONE = "none"  # nothing was sent, or the service released it
    RESERVED = "reserved"  # accepted, or about to be; no charge heard of
    SETTLED = "settled"  # a billing id came
    UNKNOWN = "unknown"  # the outcome is unknown


_S = JobStatus
_OPEN = frozenset({_S.PENDING, _S.PROCESSING, _S.COMPLETED, _S.FAILED, _S.CANCELLED})

MOVES: Mapping[JobStatus, frozenset[JobStatus]] = {
    _S.DRAFT: frozenset({_S.SENDING, _S.FAILED, _S.CANCELLED}),
    _S.SENDING: _OPEN | {_S.UNKNOWN, _S.DRAFT},  # a draft again: it was provably not accepted
    _S.UNKNOWN: _OPEN,
    _S.PENDING: _OPEN,
    _S.PROCESSING: _OPEN,
    _S.COMPLETED: frozenset(),
    _S.FAILED: frozenset({_S.PROCESSING}),  # only to fetch pictures that are already paid for
    _S.CANCELLED: frozenset(),
}
"""From each state, the states that may follow it. Staying in a state (a new progress figure, say) is always legal."""

TERMINAL = frozenset({_S.COMPLETED, _S.FAILED, _S.CANCELLED})
AT_REST = TERMINAL | {_S.UNKNOWN}
"""States in which nothing happens by itself any more."""

_MAY_COME = (TransportError, ServiceError, RateLimitError, AuthenticationError)
"""Troubles that were not the task's: asking another time may help."""


class IllegalMoveError(ValueError):
    """A move that `MOVES` does not list: a mistake of ours, never of the user's."""


@dataclass(frozen=True, slots=True)
class Move:
    """One entry of a job's diary.

    Attributes:
        status: The state that was entered.
        at: When, in seconds since 1970 (UTC).
    """

    status: JobStatus
    at: float


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a picture of the answer is to be had, noted before it is fetched.

    Attributes:
        url: Its address; None for a picture that came inside the answer.
        sha256: The hash of its bytes as they came first, once they are on disk; readable as a picture or not.
        revised_prompt: The prompt as the model rewrote it.
    """

    url: str | None = None
    sha256: str | None = None
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class StoredImage:
    """A picture that lies in the blob store.

    Attributes:
        sha256: Hash of the bytes as they came.
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``.
        width: Pixels.
        height: Pixels.
        size: Bytes.
        index: Place in the answer, from 0.
        revised_prompt: The prompt as the model rewrote it.
    """

    sha256: str
    media_type: str
    width: int
    height: int
    size: int
    index: int = 0
    revised_prompt: str | None = None


@dataclass(frozen=True, slots=True)
class JobSnapshot:
    """A job at one moment.

    Attributes:
        id: Our own id of the job.
        request: What was asked.
        origin: The API's origin (scheme, host, port): sandbox and service never mix.
        status: Where it stands.
        moves: Every state with its time, the first one included.
        request_id: The service's id of the create call.
        task_id: The service's task, if it made one.
        poll_url: Where the service wants to be asked.
        billing_transaction_id: Id of the settled charge; may come after completion, or never.
        origins: The answer's pictures, noted before they are fetched.
        images: The pictures on disk.
        progress: 0 to 100, only where the service gives a figure.
        expected_seconds: How long such a job took here before (median); None when not known.
        retries: How often the create was sent again under the "never twice" rule.
        error: Why it ended, or the last trouble while it goes on.
        note: One line on what it is waiting for, if that is unusual.
        waiting_stopped: Whether we stopped asking; the task itself goes on at the service. A draft of an ended kernel,
            which nobody is about to send, counts as one.
        latency: Seconds from sending until the pictures were ready, as near as our asking can tell; None where we were
            not there all the time.
        estimate: What it may cost by the price list of the moment it was made; None where nobody looked.
        repeats: The job of unknown outcome that the user ran again as this one.
        adopted: Whether the task was made elsewhere; what was asked is not known then.
        forgotten: Whether the user set the job aside; its row stays.
        take: Which of several equal requests of a grid it answers, from 1; 0 outside of grids.
    """

    id: str
    request: ImageRequest
    origin: str
    status: JobStatus = JobStatus.DRAFT
    moves: tuple[Move, ...] = ()
    request_id: str | None = None
    task_id: str | None = None
    poll_url: str | None = None
    billing_transaction_id: str | None = None
    origins: tuple[Origin, ...] = ()
    images: tuple[StoredImage, ...] = ()
    progress: int | None = None
    expected_seconds: float | None = None
    retries: int = 0
    error: TokenLabError | None = None
    note: str = ""
    waiting_stopped: bool = False
    latency: float | None = None
    estimate: Estimate | None = None
    repeats: str | None = None
    adopted: bool = False
    forgotten: bool = False
    take: int = 0

    @property
    def is_terminal(self) -> bool:
        """Whether it has ended for good."""
        return self.status in TERMINAL

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing more happens unless somebody asks: ended, unknown, or no longer waited for."""
        return self.status in AT_REST or self.waiting_stopped

    @property
    def can_fetch_again(self) -> bool:
        """Whether paid pictures are noted that are not on disk yet."""
        return self.status is JobStatus.FAILED and any(origin.url for origin in self.origins)

    @property
    def can_resume(self) -> bool:
        """Whether it rests without having ended, and there is a way to go on."""
        return bool(self.task_id or self.poll_url or self.origins) and self.is_at_rest and not self.is_terminal

    @property
    def goes_on(self) -> bool:
        """Whether a new kernel takes it up by itself: where the user did not stop it, and asking may still help."""
        if self.forgotten:
            return False
        if self.can_fetch_again or self.waiting_stopped:
            return isinstance(self.error, _MAY_COME) and (self.can_fetch_again or self.can_resume)
        return not self.is_terminal and bool(self.task_id or self.poll_url or self.origins)

    @property
    def is_parked(self) -> bool:
        """Whether it is a draft that waits for the user to run it."""
        return self.status is JobStatus.DRAFT and self.waiting_stopped

    @property
    def charge(self) -> Charge:
        """What is known about its cost (the vendor's billing guide: a failed or cancelled task is released)."""
        if self.billing_transaction_id:
            return Charge.SETTLED
        doubtful = self.status is JobStatus.FAILED and self.error is not None and self.error.code == NO_PICTURE
        if self.status is JobStatus.UNKNOWN or doubtful:
            return Charge.UNKNOWN
        released = self.status in (JobStatus.FAILED, JobStatus.CANCELLED) and not self.origins
        return Charge.NONE if released or self.is_parked else Charge.RESERVED

    @property
    def created_at(self) -> float:
        """When it was written down, in seconds since 1970; 0 before its first move."""
        return self.moves[0].at if self.moves else 0.0

    @property
    def sent_at(self) -> float | None:
        """When its POST left, in seconds since 1970; the last one, where it was sent again."""
        return next((move.at for move in reversed(self.moves) if move.status is JobStatus.SENDING), None)

    @property
    def ended_at(self) -> float | None:
        """When it came to rest, in seconds since 1970; None while it goes on."""
        return self.moves[-1].at if self.moves and self.status in AT_REST else None

    def elapsed(self, now: float) -> float:
        """Seconds from sending (or writing down) to its end, or to ``now``; 0 before its first move, never negative."""
        if not self.moves:
            return 0.0
        start = self.created_at if self.sent_at is None else self.sent_at
        end = now if self.ended_at is None else self.ended_at
        return max(0.0, end - start)

    def move(self, status: JobStatus, at: float, **changes: Any) -> Self:
        """Return the snapshot after a move.

        Args:
            status: The state to enter; the present one only applies ``changes``.
            at: The time of the move, in seconds since 1970; it is dated no earlier than the one before it.
            **changes: Other fields to set.

        Raises:
            IllegalMoveError: If `MOVES` does not list it.
        """
        if self.moves and status == self.status:
            return replace(self, **changes)
        if self.moves and status not in MOVES[self.status]:
            raise IllegalMoveError(f"A job cannot go from {self.status} to {status}.")
        at = max(at, self.moves[-1].at) if self.moves else at  # a clock that was set back must not undo an order
        return replace(self, status=status, moves=(*self.moves, Move(status, at)), **changes)

    def going_on(self, at: float) -> Self:
        """Return the snapshot as it goes on after a rest: to ask for its task, or to fetch its pictures again."""
        status = JobStatus.PROCESSING if self.can_fetch_again else self.status
        return self.move(status, at, waiting_stopped=False, forgotten=False, error=None, note="")

    def orphaned(self, at: float) -> Self:
        """Return the snapshot as it stands once the kernel that followed it is gone.

        A draft stays one until the user runs it; what was being sent is of unknown outcome; a task goes on.
        """
        if self.status is JobStatus.DRAFT and not self.waiting_stopped:
            return replace(self, waiting_stopped=True, note="")
        if self.status is JobStatus.SENDING:
            lost = UnknownOutcomeError("The kernel ended while this request was being sent, so its answer was lost.")
            return self.move(JobStatus.UNKNOWN, at, error=lost, note="")
        return self

    def revived(self, at: float, estimate: Estimate) -> Self:
        """Return a parked draft as it is about to be sent: dated anew, at today's price."""
        moves = (*self.moves, Move(JobStatus.DRAFT, at))
        return replace(self, moves=moves, waiting_stopped=False, note="", error=None, estimate=estimate)

    def set_aside(self, at: float) -> Self:
        """Return the snapshot after the user forgot it: a draft is discarded, what may be paid for only put away.

        Raises:
            ValidationError: If it goes on, or has ended with nothing left to do.
        """
        if self.status is JobStatus.DRAFT:
            return self.move(JobStatus.CANCELLED, at, note="")
        if self.status is JobStatus.UNKNOWN or self.can_resume or self.can_fetch_again:
            return replace(self, forgotten=True)
        raise ValidationError(f"Job {self.id} is {self.status}: only what waits for you can be set aside.")

    def heard(self, meta: Meta) -> dict[str, str]:
        """The changes that an answer's ids make to this snapshot; what is known is not forgotten."""
        news = {
            "request_id": self.request_id or meta.request_id,
            "billing_transaction_id": meta.billing_transaction_id or self.billing_transaction_id,
        }
        return {key: value for key, value in news.items() if value}

    def to_record(self) -> dict[str, object]:
        """Return plain JSON values for the ledger; `from_record` is its inverse."""
        plain = {item.name: getattr(self, item.name) for item in fields(self)}
        return {
            **plain,
            "request": self.request.to_json(),
            "status": self.status.value,
            "moves": [{"status": move.status.value, "at": move.at} for move in self.moves],
            "origins": [asdict(origin) for origin in self.origins],
            "images": [asdict(image) for image in self.images],
            "error": self.error.to_record() if self.error else None,
            "estimate": self.estimate.to_json() if self.estimate else None,
        }

    @classmethod
    def from_record(cls, record: Mapping[str, Any]) -> Self:
        """Rebuild a snapshot from `to_record`; fields of a newer version are ignored.

        Raises:
            TypeError, ValueError, KeyError: If the record is not one of ours.
        """
        data = {key: value for key, value in _mapping(record).items() if key in cls.__dataclass_fields__}
        rebuilt = {
            "request": ImageRequest.from_json(_mapping(data["request"])),
            "status": JobStatus(str(data["status"])),
            "moves": tuple(Move(JobStatus(row["status"]), row["at"]) for row in _rows(data.get("moves"), Move)),
            "origins": tuple(Origin(**row) for row in _rows(data.get("origins"), Origin)),
            "images": tuple(StoredImage(**row) for row in _rows(data.get("images"), StoredImage)),
            "error": from_record(_mapping(data["error"])) if data.get("error") else None,
            "estimate": Estimate.from_json(_mapping(data["estimate"])) if data.get("estimate") else None,
        }
        return cls(**{**data, **rebuilt})


def _mapping(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise TypeError(f"expected a JSON object, got {type(value).__name__}")
    return value


def _rows(value: object, kind: type[Move | Origin | StoredImage]) -> list[dict[str, Any]]:
    known = kind.__dataclass_fields__
    rows = value if isinstance(value, list | tuple) else []
    return [{key: item for key, item in _mapping(row).items() if key in known} for row in rows]
