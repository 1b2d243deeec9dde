"""The support packet: what is needed to find a job, and nothing else."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import ORIGIN, REQUEST, START, TASK_ID, draft
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import Facts, ServiceError, ValidationError
from tokenlab_nb.jobs.job import JobStatus, Origin, StoredImage
from tokenlab_nb.jobs.packet import support_packet

CANARY = "canary"
SHA = "ca" * 32


def test_it_says_what_support_asks_for() -> None:
    job = draft().move(JobStatus.SENDING, START + 1).move(JobStatus.PENDING, START + 2.5)
    job = replace(job, request_id="req_1", task_id=TASK_ID, poll_url=f"/v1/tasks/{TASK_ID}", retries=2)
    packet = support_packet(replace(job, billing_transaction_id="billtxn_1"))
    assert packet["times"] == [
        {"status": "draft", "at": "2027-01-15T08:00:00.000Z"},
        {"status": "sending", "at": "2027-01-15T08:00:01.000Z"},
        {"status": "pending", "at": "2027-01-15T08:00:02.500Z"},
    ]
    wanted = {
        "request_id": "req_1",
        "task_id": TASK_ID,
        "poll_url": f"/v1/tasks/{TASK_ID}",
        "billing_transaction_id": "billtxn_1",
        "endpoint": "POST /v1/images/generations",
        "api": ORIGIN,
        "model": "model-a",
        "status": "pending",
        "retries": 2,
        "fields": ["prompt"],
        "error": None,
    }
    assert wanted.items() <= packet.items()


def test_no_prompt_no_key_no_picture_no_signature_is_in_it() -> None:
    request = replace(
        REQUEST,
        values={"prompt": f"{CANARY} prompt", "user": f"sk-{CANARY}", "n": 2},
        references=(Source(url=f"https://example.com/{CANARY}.png"), Source(sha256=SHA)),
        reference_field="image",
        mask=Source(sha256=SHA),
        mask_field="mask",
    )
    error = ValidationError(
        f"The prompt {CANARY!r} is refused.", facts=Facts(status=400, code="policy", param="prompt", request_id="req_9")
    )
    job = replace(
        draft(request).move(JobStatus.SENDING, START).move(JobStatus.FAILED, START, error=error),
        origins=(Origin(f"https://cdn.example.com/{CANARY}", SHA, f"{CANARY} revised"),),
        images=(StoredImage(SHA, "image/png", 1, 1, 10, 0, f"{CANARY} revised"),),
        poll_url=f"https://{CANARY}:{CANARY}@api.tokenlab.sh/v1/tasks/t?signature={CANARY}#{CANARY}",
        note=f"{CANARY} note",
    )
    packet = support_packet(job)
    assert CANARY not in json.dumps(packet)
    assert SHA not in json.dumps(packet)
    assert packet["poll_url"] == "https://api.tokenlab.sh/v1/tasks/t"
    assert packet["fields"] == ["n", "prompt", "user"]
    assert packet["pictures_in"] == {"image": 2, "mask": 1}
    assert (packet["pictures_out"], packet["pictures_announced"]) == (1, 1)
    assert packet["request_id"] == "req_9"
    assert packet["error"] == {"kind": "ValidationError", "status": 400, "code": "policy", "param": "prompt"}


@pytest.mark.parametrize("url", ["//[", "http://[::1", "/v1/tasks/t?a=b", ""])
def test_no_address_is_too_odd(url: str) -> None:
    packet = support_packet(replace(draft(), poll_url=url, error=ServiceError("No.")))
    assert "a=b" not in json.dumps(packet)
