"""An error answer -> the error of ours that it is, with all its facts."""

from __future__ import annotations

import json
import pickle
from email.utils import parsedate_to_datetime
from typing import Any

import pytest

from tests.recorded import every, recorded
from tokenlab_nb import errors
from tokenlab_nb.api.faults import describe, read_error, read_meta, retry_after
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.errors import Facts, TokenLabError

CALL = "POST /v1/images/generations"


def fault(body: object, status: int = 400, **headers: str) -> TokenLabError:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_error(CALL, status, named, body if isinstance(body, bytes) else json.dumps(body).encode())


def sample(name: str, **headers: str) -> TokenLabError:
    answer = recorded(name)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return read_error(CALL, answer.status, {**answer.headers, **named}, answer.body)


_EXPECTED: dict[str, tuple[type[TokenLabError], dict[str, Any]]] = {
    "generations/model_missing": (errors.ValidationError, {"type": "invalid_request_error", "param": "model"}),
    "generations/model_not_found": (
        errors.ValidationError,
        {
            "code": "model_not_found",
            "param": "model",
            "did_you_mean": "flux-2-pro",
            "suggestions": ("flux-2-pro", "flux-kontext-pro"),
            "hint": "List models with GET /v1/models?recommended_for=image.",
        },
    ),
    "generations/unsupported_parameter": (
        errors.ValidationError,
        {"code": "unsupported_parameter", "param": "input_fidelity", "model": "gpt-image-2"},
    ),
    "generations/resolution_not_allowed": (errors.ValidationError, {"param": "resolution"}),
    "generations/reference_not_fetched": (errors.ValidationError, {"param": "image_urls[1]", "code": None}),
    "generations/invalid_key": (errors.AuthenticationError, {"code": "invalid_api_key"}),
    "generations/expired_key": (errors.AuthenticationError, {"code": "expired_api_key", "type": "expired_api_key"}),
    "generations/insufficient_balance": (
        errors.InsufficientBalanceError,
        {"balance_usd": 0.12, "estimated_cost_usd": 0.35, "suggestions": ("nano-banana",)},
    ),
    "generations/quota_exceeded": (errors.InsufficientBalanceError, {"code": "quota_exceeded"}),
    "generations/model_not_allowed": (errors.PermissionDeniedError, {"type": "access_denied"}),
    "generations/rate_limit": (errors.RateLimitError, {"retryable": True, "retry_after": 8.0}),
    "generations/all_channels_failed": (
        errors.ServiceError,
        {"retryable": True, "retry_after": 30.0, "suggestions": ("nano-banana-2",)},
    ),
    "generations/no_channel": (errors.ServiceError, {"retryable": False, "type": "server_error", "code": None}),
    "generations/delivery_tier_unavailable": (errors.ServiceError, {"retryable": True, "request_id": "req_tier"}),
    "generations/timeout": (errors.ServiceError, {"type": "timeout_error", "retryable": None}),
    "generations/gateway_page": (errors.ServiceError, {"code": None, "type": None}),
    "generations/empty": (errors.ServiceError, {"code": None}),
    "edits/too_many_images": (errors.ValidationError, {"code": "too_many_images", "param": "images"}),
    "edits/payload_too_large": (errors.ValidationError, {"code": "payload_too_large"}),
    "tasks/not_found": (errors.NotFoundError, {"code": "async_task_not_found"}),
    "tasks/not_owned": (errors.PermissionDeniedError, {"code": "task_not_owned"}),
    "tasks/unsupported_cancel": (errors.ValidationError, {"code": "unsupported_task_cancel"}),
    "tasks/not_cancellable": (errors.ValidationError, {"code": "task_not_cancellable"}),
    "model/not_found": (errors.NotFoundError, {"code": "model_not_found", "did_you_mean": "flux-2-pro"}),
}


def test_every_recorded_error_is_expected_here() -> None:
    assert set(_EXPECTED) == {name for name in every() if recorded(name).status >= 400}


@pytest.mark.parametrize("name", sorted(_EXPECTED))
def test_a_recorded_error_becomes_the_class_of_its_status_with_its_facts(name: str) -> None:
    kind, facts = _EXPECTED[name]
    error = sample(name)
    assert type(error) is kind
    assert {key: getattr(error.facts, key) for key in facts} == facts
    assert (error.status, error.facts.endpoint) == (recorded(name).status, CALL)
    assert error.message.startswith(f"{CALL} answered {error.status}: ")
    again = pickle.loads(pickle.dumps(error))
    assert (type(again), str(again)) == (type(error), str(error))


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        *((400, "ValidationError"), (405, "ValidationError"), (409, "ValidationError"), (413, "ValidationError")),
        *((422, "ValidationError"), (418, "ValidationError"), (401, "AuthenticationError"), (404, "NotFoundError")),
        *((402, "InsufficientBalanceError"), (403, "PermissionDeniedError"), (429, "RateLimitError")),
        *((425, "RateLimitError"), (408, "ServiceError"), (500, "ServiceError"), (502, "ServiceError")),
        *((503, "ServiceError"), (504, "ServiceError"), (599, "ServiceError"), (302, "ServiceError")),
    ],
)
def test_the_status_decides_whatever_the_type_says(status: int, kind: str) -> None:
    error = fault({"error": {"message": "m", "type": "a_type_of_tomorrow", "code": "model_not_found"}}, status)
    assert type(error).__name__ == kind
    assert error.facts.type == "a_type_of_tomorrow"


# ----------------------------------------------------------------------------------- bodies of all sorts


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "an answer that is not the API's (text/html, 0 bytes)."),
        (b"<html><script>alert(1)</script>", "an answer that is not the API's (text/html, 31 bytes)."),
        (b'{"error": {"message": "cut', "an answer that is not the API's (text/html, 26 bytes)."),
        (b"[1, 2]", "an answer that is not the API's (text/html, 6 bytes)."),
        (b"null", "an answer that is not the API's (text/html, 4 bytes)."),
        (b"[" * 100_000, "an answer that is not the API's (text/html, 100,000 bytes)."),
        (b"\xff\xfe\x00", "an answer that is not the API's (text/html, 3 bytes)."),
        (b'{"error": null}', "an answer that is not the API's (text/html, 15 bytes)."),
        (b'{"error": "Too busy"}', "Too busy"),
        (b'{"error": {"message": "Plain"}}', "Plain"),
        (b'{"error": {"message": 5}, "message": "Outer"}', "Outer"),
        (b'{"message": "Outer"}', "Outer"),
    ],
)
def test_any_body_gives_one_sentence(body: bytes, said: str) -> None:
    error = fault(body, 503, content_type="text/html; charset=utf-8")
    assert error.message == f"{CALL} answered 503: {said}"


def test_a_missing_content_type_is_said() -> None:
    assert "(no content type, 0 bytes)" in fault(b"", 500).message


def test_endless_texts_are_cut() -> None:
    long = "x" * 1_000_000
    error = fault({"error": {"message": long, "hint": long, "param": "prompt"}})
    assert isinstance(error, errors.ValidationError)
    assert len(str(error)) < 2000
    assert all(len(issue.message) <= 600 for issue in error.issues)


@pytest.mark.parametrize("junk", [None, 5, True, "x", [], [1], {}, {"a": 1}, [[]], [None], 10**400, float("nan")])
def test_no_junk_in_any_known_key_breaks_the_reading(junk: object) -> None:
    keys = {
        *("message", "type", "code", "param", "model", "hint", "did_you_mean", "suggestions", "alternatives"),
        *("retryable", "retry_after", "balance_usd", "estimated_cost_usd", "request_id", "validation_errors"),
        *("supported_parameters", "allowed_resolutions", "allowed_aspect_ratios", "supported_operations"),
    }
    for status in (400, 402, 404, 429, 503):
        for key in keys:
            body = {"error": {"message": "m", "param": "resolution", key: junk}, "validation_errors": junk}
            assert str(fault(body, status))
        assert str(fault({"error": dict.fromkeys(keys, junk), "request_id": junk}, status))
        assert str(fault({"error": junk}, status))


def test_a_key_that_the_service_quotes_is_hidden_everywhere() -> None:
    key = "sk-Ab12_cd-34567890"
    body = {"error": {"message": f"Incorrect API key: {key}.", "hint": f"Not {key}", "seen": {"key": key}}}
    error = fault(body, 401)
    assert key not in repr((str(error), error.to_record(), error.facts))
    assert "Incorrect API key: [key hidden]." in error.message
    assert "task-force" in fault({"error": {"message": "a task-force of qwen-sk-image"}}).message


# ---------------------------------------------------------------------------------------------- details


def test_the_slice_of_the_contract_is_kept() -> None:
    details = sample("generations/unsupported_parameter").facts.details
    assert details["supported_parameters"] == ["prompt", "n", "size", "quality"]
    assert details["recommended_request"] == {"operation": "text-to-image"}
    assert "message" not in details


def issues(error: TokenLabError) -> list[Issue]:
    assert isinstance(error, errors.ValidationError)
    found = [issue for issue in error.issues if isinstance(issue, Issue)]
    assert len(found) == len(error.issues)
    return found


def test_a_field_s_own_values_are_the_allowed_ones() -> None:
    (issue,) = issues(sample("generations/resolution_not_allowed"))
    assert (issue.field, issue.allowed, issue.remedy) == ("resolution", ("1k", "2k"), "Taken are: 1k, 2k.")


def test_a_field_that_is_not_taken_gets_the_fields_that_are() -> None:
    (issue,) = issues(sample("generations/unsupported_parameter"))
    assert issue.allowed == ("prompt", "n", "size", "quality")
    (issue,) = issues(fault({"error": {"message": "m", "param": "n", "supported_parameters": ["n"]}}))
    assert issue.allowed == ()
    (issue,) = issues(fault({"error": {"message": "m", "param": "operation", "supported_operations": ["image-edit"]}}))
    assert issue.allowed == ("image-edit",)


def test_each_validation_error_is_an_issue() -> None:
    (issue,) = issues(sample("generations/model_missing"))
    assert (issue.field, issue.message) == ("model", "Required")
    rows = [{"field": "n", "message": "Too many"}, {"field": "size"}, {"message": "nameless"}, 5]
    inner = {"message": "m", "param": "n", "did_you_mean": ["4"], "hint": "Less.", "validation_errors": rows}
    found = issues(fault({"error": inner}))
    assert [(issue.field, issue.message, issue.remedy, issue.suggestion) for issue in found] == [
        ("n", "Too many", "Less.", "4"),
        ("size", "", "Less.", None),
    ]


def test_an_error_without_a_field_has_no_issue() -> None:
    assert issues(fault({"error": {"message": "m"}})) == []


def test_suggestions_may_be_plain_names_and_come_once() -> None:
    found = fault(
        {"error": {"suggestions": ["a", {"id": "b"}, {"id": ""}, 5], "alternatives": [{"id": "a"}, {"id": "c"}]}}
    )
    assert found.facts.suggestions == ("a", "b", "c")


@pytest.mark.parametrize(
    ("headers", "envelope", "inner", "expected"),
    [
        ({"x_request_id": "h"}, "e", "i", "h"),
        ({"x_request_id_tokenlab": "t"}, "e", "i", "t"),
        ({}, "e", "i", "e"),
        ({}, None, "i", "i"),
        ({}, None, None, None),
    ],
)
def test_the_request_id_from_wherever_it_is(
    headers: dict[str, str], envelope: str | None, inner: str | None, expected: str | None
) -> None:
    error = fault({"error": {"message": "m", "request_id": inner}, "request_id": envelope}, **headers)
    assert error.request_id == expected


# ------------------------------------------------------------------------------------------------ waits

_DATE = "Wed, 21 Oct 2026 07:28:00 GMT"


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry-after": "8"}, 8.0),
        ({"retry-after": " 1.5 "}, 1.5),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "-3"}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": _DATE}, 90.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:00:00 GMT", "date": _DATE}, 0.0),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 GMT", "date": "soon"}, None),
        ({"retry-after": "Wed, 21 Oct 2026 07:29:30 -0000", "date": _DATE}, None),
        ({"retry-after": "Wed, 21 Oct 99999 07:29:30 GMT", "date": _DATE}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "inf"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "1e999"}, None),
        ({}, None),
    ],
)
def test_retry_after_in_seconds_as_a_date_and_as_garbage(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds


@pytest.mark.parametrize(
    ("header", "body", "expected"),
    [
        ("60", 8, 60.0),
        (None, 8, 8.0),
        ("soon", 8, 8.0),
        ("0", 8, 0.0),
        (None, -1, 0.0),
        (None, "8", None),
        (None, True, None),
    ],
)
def test_the_header_wins_over_the_body(header: str | None, body: object, expected: float | None) -> None:
    headers = {"retry_after": header} if header is not None else {}
    assert fault({"error": {"message": "m", "retry_after": body}}, 429, **headers).retry_after == expected


def test_meta_reads_body_and_headers() -> None:
    both = {"x-request-id": "r", "x-billing-transaction-id": "h", "retry-after": "2"}
    meta = read_meta(both, {"billing_transaction_id": "b", "request_id": "other"})
    assert (meta.request_id, meta.billing_transaction_id, meta.retry_after) == ("r", "b", 2.0)
    meta = read_meta({"x-billing-transaction-id": "h"}, {"billing_transaction_id": 5, "request_id": "r"})
    assert (meta.request_id, meta.billing_transaction_id, meta.retry_after) == ("r", "h", None)


_NOW = parsedate_to_datetime(_DATE).timestamp()


@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"limit": "20", "remaining": "7", "reset": "1800000060"}, (20, 7, 1_800_000_060.0)),
        ({"limit": " 20 ", "remaining": "0", "reset": "1800000060.5"}, (20, 0, 1_800_000_060.5)),
        ({"reset": "30", "date": _DATE}, (None, None, _NOW + 30)),
        ({"reset": "30"}, (None, None, None)),
        ({"reset": "30", "date": "soon"}, (None, None, None)),
        ({"limit": "-1", "remaining": "-5", "reset": "-30", "date": _DATE}, (None, None, None)),
        ({"limit": "many", "remaining": "1e3", "reset": "soon"}, (None, None, None)),
        ({"limit": "\u0663", "remaining": "7.5", "reset": "nan"}, (None, None, None)),
        ({"limit": "9" * 5000, "remaining": "20, 20;w=60", "reset": "inf"}, (None, None, None)),
        ({"reset": "1800000060000"}, (None, None, None)),  # milliseconds
        ({}, (None, None, None)),
    ],
)
def test_meta_reads_how_many_calls_are_left(
    headers: dict[str, str], told: tuple[int | None, int | None, float | None]
) -> None:
    named = {name if name == "date" else f"x-ratelimit-{name}": text for name, text in headers.items()}
    meta = read_meta(named, {})
    assert (meta.calls_limit, meta.calls_left, meta.calls_renewed_at) == told


@pytest.mark.parametrize(
    ("date", "seconds"),
    [(_DATE, _NOW), ("Wed, 21 Oct 2026 07:29:30 -0000", None), ("Wed, 21 Oct 99999 07:29:30 GMT", None), ("", None)],
)
def test_meta_tells_the_services_own_time(date: str, seconds: float | None) -> None:
    assert read_meta({"date": date}, {}).answered_at == seconds


@pytest.mark.parametrize(
    ("status", "headers", "body", "seconds"),
    [
        (429, {"reset": str(int(_NOW) + 40), "date": _DATE}, None, 40.0),
        (429, {"reset": "40", "date": _DATE}, None, 40.0),
        (429, {"reset": str(int(_NOW) - 40), "date": _DATE}, None, 0.0),
        (429, {"reset": str(int(_NOW) + 40), "date": _DATE}, 8, 8.0),
        (429, {"reset": str(int(_NOW) + 40), "date": _DATE, "after": "9"}, 8, 9.0),
        (429, {"reset": str(int(_NOW) + 40)}, None, None),
        (429, {"date": _DATE}, None, None),
        (503, {"reset": str(int(_NOW) + 40), "date": _DATE}, None, None),
    ],
)
def test_a_429_without_a_pause_means_until_the_next_window(
    status: int, headers: dict[str, str], body: object, seconds: float | None
) -> None:
    names = {"reset": "x-ratelimit-reset", "date": "date", "after": "retry-after"}
    named = {names[name]: text for name, text in headers.items()}
    answer = json.dumps({"error": {"message": "m", "retry_after": body}}).encode()
    assert read_error(CALL, status, named, answer).retry_after == seconds


def test_describing_adds_to_what_was_known() -> None:
    facts = describe({"message": "m", "extra": 1}, Facts(status=200, request_id="r"), "cancelled")
    assert (facts.status, facts.request_id, facts.code, dict(facts.details)) == (200, "r", "cancelled", {"extra": 1})
