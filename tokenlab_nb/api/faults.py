"""An error answer -> the error of ours that it is. Pure.

Shapes: the vendor's schemas ``ApiError`` and ``ValidationError``; its list of error types is open, so the HTTP status
decides and everything else is detail. An answer that is not JSON is an error like any other.
"""

from __future__ import annotations

import json
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
_ALLOWED = ("allowed_aspect_ratios", "allowed_resolutions", "supported_parameters", "supported_operations")
_OWN = frozenset(
    {"message", "type", "code", "param", "model", "hint", "did_you_mean", "suggestions", "retryable", "retry_after"}
    | {"balance_usd", "estimated_cost_usd", "request_id"}
)
_LONGEST = 600  # characters of a foreign text that a message repeats


def request_id(headers: Mapping[str, str]) -> str | None:
    """The service's id of the call, from ``X-Request-ID`` or its older name."""
    return headers.get("x-request-id") or headers.get("x-request-id-tokenlab")


def read_meta(headers: Mapping[str, str], body: Mapping[str, Any]) -> Meta:
    """What an answer carries beside its subject."""
    billing = body.get("billing_transaction_id")
    return Meta(
        request_id=request_id(headers),
        billing_transaction_id=billing if isinstance(billing, str) else headers.get("x-billing-transaction-id"),
        retry_after=retry_after(headers),
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds to wait by the ``Retry-After`` header: seconds, or a date counted from the answer's own ``Date``."""
    text = headers.get("retry-after", "").strip()
    try:
        return max(0.0, float(text))
    except ValueError:
        pass
    try:
        until, now = parsedate_to_datetime(text), parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (ValueError, TypeError):
        return None


def read_error(endpoint: str, status: int, headers: Mapping[str, str], body: bytes) -> TokenLabError:
    """Build the error that an answer with a status of 400 or more is.

    Args:
        endpoint: Method and path, for the message.
        status: HTTP status.
        headers: Header names in lower case.
        body: The body as it came: an error envelope, HTML, truncated JSON, or nothing.
    """
    envelope = _envelope(body)
    said = envelope.get("error")
    error: Mapping[str, Any] = said if isinstance(said, dict) else {}
    base = Facts(status=status, endpoint=endpoint, request_id=request_id(headers) or _text(envelope.get("request_id")))
    facts = describe(error, base, _text(error.get("code")))
    header_wait = retry_after(headers)
    if header_wait is not None:
        facts = replace(facts, retry_after=header_wait)
    text = _text(error.get("message")) or _text(said) or _text(envelope.get("message"))
    message = f"{endpoint} answered {status}: {_short(text or _unreadable(headers, body))}"
    kind = _BY_STATUS.get(status) or (ServiceError if status >= 500 or status == 408 else ValidationError)
    if kind is ValidationError:
        return ValidationError(message, issues=_issues(error, envelope), facts=facts)
    return kind(message, facts=facts)


def describe(error: Mapping[str, Any], base: Facts, code: str | None) -> Facts:
    """Add what an error object says to the facts of its answer."""
    mean = error.get("did_you_mean")
    mean = mean[0] if isinstance(mean, list) and mean else mean
    rows = [*_rows(error.get("suggestions")), *_rows(error.get("alternatives"))]
    retryable = error.get("retryable")
    return replace(
        base,
        code=code,
        type=_text(error.get("type")),
        param=_text(error.get("param")),
        model=_text(error.get("model")),
        hint=_text(error.get("hint")),
        did_you_mean=_text(mean),
        suggestions=tuple(dict.fromkeys(row["id"] for row in rows if _text(row.get("id")))),
        retryable=retryable if isinstance(retryable, bool) else None,
        retry_after=_number(error.get("retry_after")),
        balance_usd=_number(error.get("balance_usd")),
        estimated_cost_usd=_number(error.get("estimated_cost_usd")),
        request_id=base.request_id or _text(error.get("request_id")),
        details={name: value for name, value in error.items() if name not in _OWN},
    )


def _issues(error: Mapping[str, Any], envelope: Mapping[str, Any]) -> list[Issue]:
    rows = _rows(envelope.get("validation_errors")) or _rows(error.get("validation_errors"))
    named = [(_text(row.get("field")), _text(row.get("message"))) for row in rows]
    named = named or [(_text(error.get("param")), _text(error.get("message")))]
    allowed = next((values for name in _ALLOWED if (values := _texts(error.get(name)))), ())
    remedy = _text(error.get("hint")) or (f"Taken are: {', '.join(allowed)}." if allowed else "")
    mean = error.get("did_you_mean")
    return [
        Issue(field, _short(message or ""), allowed, remedy, _text(mean)) for field, message in named if field
    ]  # fmt: skip


def _envelope(body: bytes) -> Mapping[str, Any]:
    try:
        data = json.loads(body)
    except ValueError:
        return {}
    return data if isinstance(data, dict) else {}


def _unreadable(headers: Mapping[str, str], body: bytes) -> str:
    kind = headers.get("content-type", "").split(";")[0] or "no content type"
    return f"an answer that is not the API's ({kind[:60]}, {len(body):,} bytes)."


def _rows(value: object) -> list[Mapping[str, Any]]:
    return [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []


def _texts(value: object) -> tuple[str, ...]:
    return tuple(text for text in value if isinstance(text, str)) if isinstance(value, list) else ()


def _text(value: object) -> str | None:
    return value if isinstance(value, str) and value else None


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else text[: _LONGEST - 3] + "..."
