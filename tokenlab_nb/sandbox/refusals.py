"""Pure: the error answers of the service, each an exception that knows its status and body.

Shapes follow the vendor's schemas `ApiError` and `ValidationError` and its Errors page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from .catalog import Catalog


class Refusal(Exception):  # noqa: N818 - an answer of the service, not a failure of the sandbox
    """An error answer.

    Attributes:
        status: The HTTP status.
        body: The JSON body, `{"error": {...}}` and perhaps `validation_errors`.
        headers: Extra response headers.
    """

    def __init__(self, status: int, body: Mapping[str, Any], headers: Mapping[str, str] | None = None) -> None:
        super().__init__(body["error"]["message"])
        self.status = status
        self.body = body
        self.headers = dict(headers or {})


def refuse(status: int, kind: str, message: str, *, code: str | None = None, **extra: Any) -> Refusal:
    """An error of any type; `extra` becomes keys of `error`, leaving out what is None."""
    error: dict[str, Any] = {"message": message, "type": kind}
    error |= {key: value for key, value in {"code": code, **extra}.items() if value is not None}
    return Refusal(status, {"error": error})


def invalid(message: str, *, param: str, code: str | None = None, **extra: Any) -> Refusal:
    """400 `invalid_request_error` that names the field, in the error and in `validation_errors`."""
    refusal = refuse(400, "invalid_request_error", f"{param}: {message}", code=code, param=param, **extra)
    issue = {"field": param, "message": message, "code": code or "invalid_value"}
    return Refusal(400, {**refusal.body, "validation_errors": [issue]})


def missing(fields: Sequence[str]) -> Refusal:
    """400 for required fields that were not sent, all of them at once."""
    named = fields[0]
    refusal = refuse(400, "invalid_request_error", f"{named}: {named.capitalize()} is required", param=named)
    issues = [{"field": f, "message": f"{f.capitalize()} is required", "code": "required"} for f in fields]
    return Refusal(400, {**refusal.body, "validation_errors": issues})


def too_large(param: str, limit: str) -> Refusal:
    """413 `payload_too_large`."""
    return refuse(
        413, "invalid_request_error", f"{param}: The upload is over {limit}.", code="payload_too_large", param=param
    )


def unknown_model(catalog: Catalog, name: str, *, status: int) -> Refusal:
    """`model_not_found`: 400 on a create, 404 on a look-up; a retired model is not told apart, but replaced."""
    retired = catalog.retired(name)
    if retired is not None and retired.lifecycle["replacement_model"]:
        near = [retired.lifecycle["replacement_model"]]
    else:
        near = catalog.near(name)
    return refuse(
        status,
        "invalid_request_error",
        f"The model '{name}' does not exist or is not available.",
        code="model_not_found",
        param="model",
        did_you_mean=near[0] if near else None,
        suggestions=[{"id": model} for model in near],
        hint=f"Use '{near[0]}' instead." if near else "List the models with GET /v1/models?recommended_for=image.",
    )


def bad_key(*, sent: bool) -> Refusal:
    """401 `invalid_api_key`, for a key that is missing or not known."""
    message = "Invalid API key provided." if sent else "Missing API key. Send 'Authorization: Bearer sk-...'."
    return refuse(401, "invalid_api_key", message, code="invalid_api_key")


def too_many_calls(seconds: int) -> Refusal:
    """429 `rate_limit_exceeded`, with the seconds until it is over in the header and in the body."""
    refusal = refuse(
        429,
        "rate_limit_exceeded",
        "Rate limit exceeded. Please slow down.",
        code="rate_limit_exceeded",
        retryable=True,
        retry_after=seconds,
    )
    return Refusal(refusal.status, refusal.body, {"Retry-After": str(seconds)})


def no_task() -> Refusal:
    """404 `async_task_not_found`: unknown or expired."""
    return refuse(404, "invalid_request_error", "Task not found or no longer available.", code="async_task_not_found")


def foreign_task() -> Refusal:
    """403 `task_not_owned`: made with another key."""
    return refuse(403, "permission_error", "This task belongs to another API key.", code="task_not_owned")


def no_route(status: int, method: str, path: str) -> Refusal:
    """404 or 405 for what is no route of the API (the wording is a sandbox value)."""
    if status == HTTPStatus.METHOD_NOT_ALLOWED:
        return refuse(405, "invalid_request_error", f"{method} is not allowed on {path}.", code="method_not_allowed")
    return refuse(404, "not_found_error", f"Unknown request URL: {method} {path}.", code="unknown_url")
