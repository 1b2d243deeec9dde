"""Every error that the package raises, by what you can do about it.

```
TokenLabError
├── ValidationError          mend the request (refused before sending, or 400, 405, 409, 413, 422)
├── AuthenticationError      mend the key (401)
├── PermissionDeniedError    ask for access, or use your own task (403)
├── InsufficientBalanceError top up, or raise the key's limit (402)
├── NotFoundError            look the name up: no such model, task or file (404)
├── NotRecordedError         make the recording: a replay holds no answer to this request, and never asks the service
├── RateLimitError           wait, then go on (429)
├── ServiceError             the service failed or cannot be read; try later (5xx, bad bodies)
├── TransportError           mend the network; nothing was accepted (also a builtin ConnectionError)
├── UnknownOutcomeError      sent, but the answer was lost: perhaps paid for, so never sent again by itself
├── JobFailedError           the task ended without pictures; read why, change the request
├── WaitTimeoutError         only the waiting ended; the job goes on (also a builtin TimeoutError)
├── SessionClosedError       connect again (also a builtin RuntimeError)
├── BudgetExceededError      raise the budget, or ask for less
├── LeakError                take the key or signed address out: nothing was written (also a builtin ValueError)
└── ImageError               bytes that are not a usable picture, or a picture that may not be fetched
```

`TokenLabWarning` is no error: what it tells of was sent, or will be.

Error bodies follow the vendor's schemas `ApiError` and `ValidationError`. No error ever holds a key.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from typing import ClassVar, Protocol, Self

__all__ = [
    "AuthenticationError",
    "BudgetExceededError",
    "Facts",
    "ImageError",
    "InsufficientBalanceError",
    "IssueLike",
    "JobFailedError",
    "LeakError",
    "NotFoundError",
    "NotRecordedError",
    "PermissionDeniedError",
    "RateLimitError",
    "ServiceError",
    "SessionClosedError",
    "TokenLabError",
    "TokenLabWarning",
    "TransportError",
    "UnknownOutcomeError",
    "ValidationError",
    "WaitTimeoutError",
    "from_record",
    "users_line",
]


class TokenLabWarning(UserWarning):
    """Something about a request that may go wrong, and is not refused: a reference whose address expires soon, say."""


def users_line() -> int:
    """How far up the stack the first line stands that is not ours: a warning should point there."""
    depth, frame = 1, inspect.currentframe()
    frame = frame.f_back if frame else None
    while frame and str(frame.f_globals.get("__name__", "")).startswith("tokenlab_nb."):
        depth, frame = depth + 1, frame.f_back
    return depth


class IssueLike(Protocol):
    """One thing that is wrong with a request, as `tokenlab_nb.contract.model.Issue` states it."""

    @property
    def field(self) -> str:
        """The request field."""

    @property
    def message(self) -> str:
        """What is wrong."""

    @property
    def remedy(self) -> str:
        """How to mend it."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What an answer said about its failure; every part may be missing.

    Attributes:
        status: HTTP status.
        code: The API's own code, such as ``unsupported_parameter``.
        type: The API's error type (an open enumeration).
        param: The request field at fault.
        model: The model that the error speaks of.
        hint: The API's advice.
        did_you_mean: A name that the API suggests instead.
        suggestions: Ids of models that could do it.
        retryable: The API's word on whether the same call may work later.
        retry_after: Seconds to wait; the header wins over the body. A 429 with neither: until its window ends.
        balance_usd: Money left, in US dollars.
        estimated_cost_usd: What the request would have cost, in US dollars.
        request_id: The service's id of the call (``X-Request-ID``).
        endpoint: Method and path of the call.
        details: The rest of the error body, the slice of the contract that it may carry included.
    """

    status: int | None = None
    code: str | None = None
    type: str | None = None
    param: str | None = None
    model: str | None = None
    hint: str | None = None
    did_you_mean: str | None = None
    suggestions: tuple[str, ...] = ()
    retryable: bool | None = None
    retry_after: float | None = None
    balance_usd: float | None = None
    estimated_cost_usd: float | None = None
    request_id: str | None = None
    endpoint: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class TokenLabError(Exception):
    """The root. Catch it to catch all of ours.

    Args:
        message: One sentence: what happened, and where.
        facts: What the service said about it.
        hint: What to do next; by default the API's own hint.
    """

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, facts: Facts | None = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.facts = facts or Facts()
        self.hint = hint or self.facts.hint or self.default_hint

    def __str__(self) -> str:
        tail = f" (request id {self.request_id})" if self.request_id else ""
        hint = f" {self.hint}" if self.hint and self.hint not in self.message else ""
        return f"{self.message}{hint}{tail}"

    def __reduce__(self) -> tuple[object, ...]:
        return (from_record, (self.to_record(),))

    @property
    def status(self) -> int | None:
        """HTTP status, if there was an answer."""
        return self.facts.status

    @property
    def code(self) -> str | None:
        """The API's own code."""
        return self.facts.code

    @property
    def param(self) -> str | None:
        """The request field at fault."""
        return self.facts.param

    @property
    def request_id(self) -> str | None:
        """The service's id of the call: quote it to the support."""
        return self.facts.request_id

    @property
    def retry_after(self) -> float | None:
        """Seconds to wait before the next call."""
        return self.facts.retry_after

    @property
    def retryable(self) -> bool | None:
        """The API's word on whether the same call may work later."""
        return self.facts.retryable

    @property
    def did_you_mean(self) -> str | None:
        """A name that the API suggests instead."""
        return self.facts.did_you_mean

    def to_record(self) -> dict[str, object]:
        """Return the error as JSON-able values, for the ledger."""
        facts = {item.name: _json(getattr(self.facts, item.name)) for item in fields(Facts)}
        known = {key: value for key, value in facts.items() if value not in (None, [], {})}
        return {"kind": type(self).__name__, "message": self.message, "hint": self.hint, "facts": known}


class ValidationError(TokenLabError):
    """The request cannot be right: refused before it was sent, or by the service.

    Attributes:
        issues: What is wrong, one entry a field; each says what is allowed and how to mend it.
    """

    default_hint = "Mend the request and run it again."

    def __init__(
        self,
        message: str,
        *,
        issues: Sequence[IssueLike] = (),
        facts: Facts | None = None,
        hint: str | None = None,
    ) -> None:
        remedies = " ".join(dict.fromkeys(issue.remedy for issue in issues if issue.remedy))
        super().__init__(message, facts=facts, hint=hint or (facts and facts.hint) or remedies or None)
        self.issues = tuple(issues)

    def to_record(self) -> dict[str, object]:
        """Return the error with its issues as JSON-able values."""
        rows = [{"field": issue.field, "message": issue.message, "remedy": issue.remedy} for issue in self.issues]
        return {**super().to_record(), "issues": rows}


class AuthenticationError(TokenLabError):
    """The service did not take the key (401)."""

    default_hint = "Set TOKENLAB_API_KEY to a valid key (it begins with sk-) or run tl.login(), then connect again."


class PermissionDeniedError(TokenLabError):
    """The key may not do this, or the task belongs to another key (403)."""

    default_hint = "Ask the owner of the key for access, or use the key that made the task."


class InsufficientBalanceError(TokenLabError):
    """The account has no money left, or the key reached its limit (402). Nothing was made."""

    default_hint = "Top up the account or raise the key's spending limit, then run it again."

    def __str__(self) -> str:
        base = super().__str__()
        have, need = self.facts.balance_usd, self.facts.estimated_cost_usd
        return base if have is None or need is None else f"{base} Balance ${have:g}, needed about ${need:g}."


class NotFoundError(TokenLabError):
    """No such model, task or file (404), or it is no longer kept."""

    default_hint = "Check the name; session.models() lists the models. Tasks are kept for a while only."

    def __init__(self, message: str, *, facts: Facts | None = None, hint: str | None = None) -> None:
        near = facts.did_you_mean if facts else None
        mend = f"Did you mean {near!r}?" if near and near not in message else None
        super().__init__(message, facts=facts, hint=hint or (facts and facts.hint) or mend)


class NotRecordedError(TokenLabError):
    """The replay that the session was opened on holds no answer to this request. Nothing was sent."""

    default_hint = "Make the recording: run it in a session with a key, then session.export_replay()."


class RateLimitError(TokenLabError):
    """Too many calls for this key or model (429)."""

    default_hint = "Wait a little, then run it again."


class ServiceError(TokenLabError):
    """The service failed (5xx), or answered with something that is not its API."""

    default_hint = "Try again later; if it lasts, send the request id to the support."


class TransportError(TokenLabError, ConnectionError):
    """The service was not reached: nothing was accepted, nothing was paid."""

    default_hint = "Check the network and the API address, then run it again."


class UnknownOutcomeError(TokenLabError):
    """The request went out, but its answer was lost. It may have been carried out and paid for."""

    default_hint = (
        "It is not sent again by itself, because that might cost twice. "
        "Look in the dashboard's usage list for it before you run it again."
    )


class JobFailedError(TokenLabError):
    """The task ended without a usable picture."""

    default_hint = "Read the reason, change the prompt or the settings, and run it again."


class WaitTimeoutError(TokenLabError, TimeoutError):
    """The waiting ran out, the job did not: it goes on in the background."""

    default_hint = "Wait again with job.wait(), or look at job.status later; nothing is lost."


class SessionClosedError(TokenLabError, RuntimeError):
    """The session was closed, or belongs to the process that this one was forked from. Nothing was sent."""

    default_hint = "Make a new one with tl.connect(); tasks that were accepted go on at the service."


class BudgetExceededError(TokenLabError):
    """The request might cost more than the budget leaves. Nothing was sent."""

    default_hint = "Raise the budget or ask for fewer or cheaper pictures."


class LeakError(TokenLabError, ValueError):
    """What was to be shared holds a key, a signed address or the like. Nothing was written."""

    default_hint = "Take it out where it comes from, then share again."


class ImageError(TokenLabError):
    """Bytes that are not a usable picture, or a picture that may not be fetched."""

    default_hint = "Use a PNG, JPEG or WebP picture."


_KINDS: dict[str, type[TokenLabError]] = {
    kind.__name__: kind
    for kind in (
        TokenLabError,
        ValidationError,
        AuthenticationError,
        PermissionDeniedError,
        InsufficientBalanceError,
        NotFoundError,
        NotRecordedError,
        RateLimitError,
        ServiceError,
        TransportError,
        UnknownOutcomeError,
        JobFailedError,
        WaitTimeoutError,
        SessionClosedError,
        BudgetExceededError,
        LeakError,
        ImageError,
    )
}


def _json(value: object) -> object:
    """The value as JSON has it: read-only mappings and tuples become plain ones, anything strange its text."""
    if isinstance(value, Mapping):
        return {str(key): _json(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_json(item) for item in value]
    return value if value is None or isinstance(value, str | int | float) else str(value)


@dataclass(frozen=True, slots=True)
class _StoredIssue:
    field: str
    message: str
    remedy: str = ""

    @classmethod
    def read(cls, record: Mapping[str, object]) -> Self:
        return cls(*(str(record.get(item.name, "")) for item in fields(cls)))


def from_record(record: Mapping[str, object]) -> TokenLabError:
    """Rebuild an error from `TokenLabError.to_record`; an unknown kind becomes the root."""
    kind = _KINDS.get(str(record.get("kind")), TokenLabError)
    stored = record.get("facts")
    names = {item.name for item in fields(Facts)}
    given = {key: value for key, value in stored.items() if key in names} if isinstance(stored, Mapping) else {}
    if isinstance(given.get("suggestions"), list):
        given["suggestions"] = tuple(given["suggestions"])
    message, hint, facts = (
        str(record.get("message", "")),
        str(record.get("hint") or "") or None,
        Facts(**given),
    )
    if not issubclass(kind, ValidationError):
        return kind(message, facts=facts, hint=hint)
    issues = record.get("issues")
    rows = [_StoredIssue.read(row) for row in issues if isinstance(row, Mapping)] if isinstance(issues, list) else []
    return kind(message, facts=facts, hint=hint, issues=rows)
