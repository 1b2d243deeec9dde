"""How often a create is sent, by what comes back: the real client and runner over a scripted wire, on virtual time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import anyio
import httpx
import pytest

from tests.unit.jobs.fakes import REQUEST, Clock, Ledger, Store, draft, open_gate
from tests.unit.pictures import PNG
from tokenlab_nb.api.client import TokenLabClient
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Ports
from tokenlab_nb.jobs.runner import Run

TASK_ID = "ldtask_" + "b" * 32
PENDING = httpx.Response(200, json={"task_id": TASK_ID, "status": "pending", "data": []})
DONE = {"status": "completed", "data": [{"url": "https://cdn.example.com/1.png"}]}
AFTER = {"Retry-After": "7"}

Cause = httpx.Response | httpx.HTTPError


def error(status: int, headers: dict[str, str] | None = None, **facts: Any) -> httpx.Response:
    body = {"error": {"message": "No.", "type": "server_error", **facts}}
    return httpx.Response(status, json=body, headers=headers)


def live(causes: Iterable[Cause]) -> tuple[JobSnapshot, int, Clock]:
    """Run one job against these answers to its creates; the last one is repeated."""
    script, posts, clock, diary = list(causes), 0, Clock(), []

    def handle(request: httpx.Request) -> httpx.Response:
        nonlocal posts
        if request.method == "GET":
            picture = request.url.host == "cdn.example.com"
            return httpx.Response(200, content=PNG) if picture else httpx.Response(200, json=DONE)
        posts += 1
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, httpx.HTTPError):
            raise answer
        return answer

    async def scenario() -> JobSnapshot:
        client = TokenLabClient("https://api.tokenlab.sh", transport=httpx.MockTransport(handle))
        run = Run(draft(REQUEST), Ports(client, Ledger(diary), Store(), clock), lambda _: None)
        await run.go(open_gate)
        await client.close()
        return run.snapshot

    return anyio.run(scenario), posts, clock


NOT_ACCEPTED = {
    "no connection": httpx.ConnectError("refused"),
    "connect time-out": httpx.ConnectTimeout("slow"),
    "pool time-out": httpx.PoolTimeout("busy"),
    "429": error(429, AFTER),
    "429 in HTML": httpx.Response(429, content=b"<html>", headers=AFTER),
    "503 that may be retried": error(503, retryable=True, retry_after=7),
}
LOST = {
    "read time-out": httpx.ReadTimeout("slow"),
    "write time-out": httpx.WriteTimeout("slow"),
    "reset": httpx.ReadError("reset"),
    "disconnected": httpx.RemoteProtocolError("Server disconnected without sending a response."),
    "408": error(408, retryable=True),
    "502": error(502, retryable=True),
    "502 in HTML": httpx.Response(502, content=b"<html>"),
    "504": error(504, retryable=True),
    "520": httpx.Response(520),
    "522": httpx.Response(522),
    "524": httpx.Response(524),
    "200 that is no JSON": httpx.Response(200, content=b"OK!"),
    "200 cut short": httpx.Response(200, content=b'{"created": '),
    "200 with a list": httpx.Response(200, json=[]),
}
REFUSED = {
    **{str(status): error(status) for status in (400, 401, 402, 403, 404, 405, 409, 413, 415, 422, 425)},
    "500": error(500),
    "500 that claims to be retryable": error(500, retryable=True),
    "503 that may not be retried": error(503, retryable=False),
    "503 that does not say": error(503),
    "503 in HTML": httpx.Response(503, content=b"<html>"),
    "a redirect": httpx.Response(302, headers={"Location": "/login"}),
    "neither id nor picture": httpx.Response(200, json={}),
    "a word for failed that is not documented": httpx.Response(
        200, json={"status": "rejected", "error": {"message": "policy"}, "task_id": TASK_ID}
    ),
    "a failed task": httpx.Response(200, json={"status": "failed", "error": "policy", "task_id": TASK_ID}),
}


@pytest.mark.parametrize("cause", NOT_ACCEPTED)
def test_what_was_not_accepted_is_sent_again_a_few_times(cause: str) -> None:
    final, posts, _ = live([NOT_ACCEPTED[cause]])
    assert (final.status, posts) == (JobStatus.FAILED, 5)
    final, posts, clock = live([NOT_ACCEPTED[cause], NOT_ACCEPTED[cause], PENDING])
    assert (final.status, posts, final.error) == (JobStatus.COMPLETED, 3, None)
    if cause[0].isdigit():
        assert min(clock.slept[:2]) >= 7


@pytest.mark.parametrize("cause", LOST)
def test_what_may_have_been_accepted_is_never_sent_again(cause: str) -> None:
    final, posts, clock = live([LOST[cause], PENDING])
    assert (final.status, posts, clock.slept) == (JobStatus.UNKNOWN, 1, [])
    assert "might cost twice" in str(final.error)


@pytest.mark.parametrize("cause", REFUSED)
def test_what_was_refused_is_not_sent_again(cause: str) -> None:
    final, posts, clock = live([REFUSED[cause], PENDING])
    assert (final.status, posts, clock.slept) == (JobStatus.FAILED, 1, [])
    assert final.error is not None
    assert final.error.hint


def test_an_undocumented_word_without_a_reason_is_asked_for_again() -> None:
    final, posts, _ = live([httpx.Response(200, json={"status": "dreaming", "task_id": TASK_ID, "error": {}})])
    assert (final.status, posts) == (JobStatus.COMPLETED, 1)


def test_a_resend_that_is_lost_is_not_sent_a_third_time() -> None:
    final, posts, _ = live([NOT_ACCEPTED["429"], LOST["502"], PENDING])
    assert (final.status, posts) == (JobStatus.UNKNOWN, 2)


@pytest.mark.parametrize(("header", "body", "waits"), [("7", 60, 7), ("60", 7, 60)])
def test_the_header_says_how_long_to_wait_and_not_the_body(header: str, body: int, waits: int) -> None:
    _, _, clock = live([error(429, {"Retry-After": header}, retry_after=body), PENDING])
    assert clock.slept[0] == waits
