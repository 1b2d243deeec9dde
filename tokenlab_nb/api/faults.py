"""An error answer -> the error of ours that it is. Pure.

Shapes: the vendor's schemas ``ApiError`` and ``ValidationError``; its list of error types is open, so the HTTP status
decides and everything else is detail. An answer that is not JSON is an error like any other.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

from tokenlab_nb.api.replies import Meta
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.errors import (
    AuthenticationError,
    Facts,
    InsufficientBalanceError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    ValidationError,
)

_BY_STATUS: Mapping[int, type[TokenLabError]] = {
    401: AuthenticationError,
    402: InsufficientBalanceError,
    403: PermissionDeniedError,
    404: NotFoundError,
    425: RateLimitError,
    429: RateLimitError,
}
_ALLOWED = {
    "aspect_ratio": "allowed_aspect_ratios",
    "resolution": "allowed_resolutions",
    "operation": "supported_operations",
}
_OWN = frozenset(
    {"message", "type", "code", "param", "model", "hint", "did_you_mean", "suggestions", "retryable", "retry_after"}
    | {"balance_usd", "estimated_cost_usd", "request_id"}
)
_TOO_MANY_REQUESTS = 429
_LEAST_UNIX_TIME, _PAST_UNIX_TIMES = 1e6, 1e11  # seconds; what is past them may be milliseconds
_MAX_DIGITS = 9  # of a number of calls
_LONGEST = 600  # characters of a foreign text that a message repeats
_KEY = re.compile(rb"(?<![\w-])(?:sk|mt)-[\w-]{3,}")  # services like to quote the key that they refuse


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's id of the call, from ``X-Request-ID`` or its older name."""
    return headers.get("x-request-id") or headers.get("x-request-id-tokenlab")


def read_meta(headers: Mapping[str, str], body: Mapping[str, Any]) -> Meta:
    """What an answer carries beside its subject."""
    billing = body.get("billing_transaction_id")
    return Meta(
        request_id=request_id(headers) or _text(body.get("request_id")),
        billing_transaction_id=billing if isinstance(billing, str) else headers.get("x-billing-transaction-id"),
        retry_after=retry_after(headers),
        answered_at=_answered_at(headers),
        calls_limit=_calls(headers, "limit"),
        calls_left=_calls(headers, "remaining"),
        calls_renewed_at=_renewed_at(headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the ``Retry-After`` header: seconds, or a date counted from the answer's own ``Date``."""
    text = headers.get("retry-after", "").strip()
    try:
        return _seconds(float(text))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return _seconds((until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def _answered_at(headers: Mapping[str, str]) -> float | None:
    try:
        date = parsedate_to_datetime(headers.get("date", ""))
        return date.timestamp() if date.tzinfo else None
    except (ValueError, TypeError):
        return None


def _calls(headers: Mapping[str, str], name: str) -> int | None:
    """A count of ``X-RateLimit-*`` (the vendor's guide "Rate limits"): a whole number from 0."""
    text = headers.get(f"x-ratelimit-{name}", "").strip()
    return int(text) if text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS else None


def _renewed_at(headers: Mapping[str, str]) -> float | None:
    """``X-RateLimit-Reset``: unix seconds; a number too small for that is seconds from the answer on, as others do."""
    try:
        number = float(headers.get("x-ratelimit-reset", ""))
    except ValueError:
        return None
    if not 0 <= number < _PAST_UNIX_TIMES:
        return None
    if number >= _LEAST_UNIX_TIME:
        return number
    answered_at = _answered_at(headers)
    return None if answered_at is None else answered_at + number


def _until_renewed(headers: Mapping[str, str]) -> float | None:
    """Seconds from the answer to the next window, both by the service's clock."""
    renewed_at, answered_at = _renewed_at(headers), _answered_at(headers)
    return None if renewed_at is None or answered_at is None else _seconds(renewed_at - answered_at)


def _seconds(number: float | None) -> float | None:
    """A time that can be waited for: none below zero; infinity and NaN are no times."""
    return max(0.0, number) if number is not None and math.isfinite(number) else None


def read_error(endpoint: str, status: int, headers: Mapping[str, str], body: bytes) -> TokenLabError:
    """Build the error that an answer with a status of 400 or more is.

    Args:
        endpoint: Method and path, for the message.
        status: HTTP status.
        headers: Header names in lower case.
        body: The body as it came: an error envelope, HTML, truncated JSON, or nothing.
    """
    envelope = _envelope(_KEY.sub(b"[key hidden]", body))
    said = envelope.get("error")
    error: Mapping[str, Any] = said if isinstance(said, dict) else {}
    base = Facts(status=status, endpoint=endpoint, request_id=request_id(headers) or _text(envelope.get("request_id")))
    facts = describe(error, base, _text(error.get("code")))
    header_wait = retry_after(headers)
    if header_wait is None and facts.retry_after is None and status == _TOO_MANY_REQUESTS:
        header_wait = _until_renewed(headers)
    if header_wait is not None:
        facts = replace(facts, retry_after=header_wait)
    text = _text(error.get("message")) or _text(said) or _text(envelope.get("message"))
    message = f"{endpoint} answered {status}: {short(text or _unreadable(headers, body))}"
    made = _BY_STATUS.get(status) or _other(status)
    if made is ValidationError:
        return ValidationError(message, issues=_issues(error, envelope, facts), facts=facts)
    return made(message, facts=facts)


def _other(status: int) -> type[TokenLabError]:
    """Of the statuses without a class of their own, 400, 409, 413, 422 and their like are the request's fault."""
    return ValidationError if 400 <= status < 500 and status != 408 else ServiceError


def describe(error: Mapping[str, Any], base: Facts, code: str | None) -> Facts:
    """Add what an error object says to the facts of its answer."""
    mean = error.get("did_you_mean")
    mean = mean[0] if isinstance(mean, list) and mean else mean
    models = [*_ids(error.get("suggestions")), *_ids(error.get("alternatives"))]
    hint = _text(error.get("hint"))
    retryable = error.get("retryable")
    return replace(
        base,
        code=code,
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        model=_text(error.get("model")),
        hint=hint and short(hint),
        did_you_mean=_text(mean),
        suggestions=tuple(dict.fromkeys(models)),
        retryable=retryable if isinstance(retryable, bool) else None,
        retry_after=_seconds(_number(error.get("retry_after"))),
        balance_usd=_number(error.get("balance_usd")),
        estimated_cost_usd=_number(error.get("estimated_cost_usd")),
        request_id=base.request_id or _text(error.get("request_id")),
        details={name: value for name, value in error.items() if name not in _OWN},
    )


def _issues(error: Mapping[str, Any], envelope: Mapping[str, Any], facts: Facts) -> list[Issue]:
    rows = _rows(envelope.get("validation_errors")) or _rows(error.get("validation_errors"))
    named = [(_text(row.get("field")), _text(row.get("message"))) for row in rows]
    named = named or [(facts.param, _text(error.get("message")))]
    issues = []
    for field, message in named:
        if field:
            allowed = _allowed(error, field)
            remedy = facts.hint or (f"Taken are: {', '.join(allowed)}." if allowed else "")
            suggestion = facts.did_you_mean if field == (facts.param or field) else None
            issues.append(Issue(field, short(message or ""), allowed, remedy, suggestion))
    return issues


def _allowed(error: Mapping[str, Any], field: str) -> tuple[str, ...]:
    """What the error's slice of the contract says about one field: its values, or the fields in its place."""
    fields = _texts(error.get("supported_parameters"))
    return _texts(error.get(_ALLOWED.get(field, ""))) or (fields if field not in fields else ())


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return data if isinstance(data, dict) else {}


def _unreadable(headers: Mapping[str, str], body: bytes) -> str:
    return f"an answer that is not the API's ({kind(headers)}, {len(body):,} bytes)."


def kind(headers: Mapping[str, str]) -> str:
    """An answer's content type, for messages."""
    return headers.get("content-type", "").split(";")[0][:60] or "no content type"


def strange(endpoint: str, what: str, status: int, headers: Mapping[str, str], hint: str | None = None) -> ServiceError:
    """The error that an answer is which is not the API's, whatever its status says.

    Args:
        endpoint: Method and path, for the message.
        what: The rest of the sentence.
        status: HTTP status.
        headers: Header names in lower case.
        hint: What to do, if not just to wait.
    """
    facts = Facts(status=status, request_id=request_id(headers), endpoint=endpoint)
    return ServiceError(f"{endpoint} {what}", facts=facts, hint=hint)


def _ids(value: object) -> list[str]:
    """Model ids out of a list of objects with an ``id``, or of plain texts."""
    entries = value if isinstance(value, list) else []
    names = [entry.get("id") if isinstance(entry, dict) else entry for entry in entries]
    return [name for name in names if isinstance(name, str) and name]


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    try:
        number = float(value) if isinstance(value, int | float) and not isinstance(value, bool) else math.nan
    except OverflowError:  # JSON's integers have no end
        return None
    return number if math.isfinite(number) else None


def short(text: str) -> str:
    """A foreign text as messages repeat it: at most 600 characters."""
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
