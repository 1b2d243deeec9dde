"""Records in time: a state is a function of the record and the clock's value."""

from __future__ import annotations

import json
import random
import statistics
from dataclasses import replace

import pytest

from tokenlab_nb.sandbox.catalog import Behaviour
from tokenlab_nb.sandbox.refusals import Refusal
from tokenlab_nb.sandbox.world import (
    Order,
    Record,
    StoredFile,
    Tally,
    World,
    draw_latency,
    encoded,
    inline_answer,
    pictures,
    task_answer,
    token,
)

BASE = "http://127.0.0.1:1"
ORDER = Order("m", "text-to-image", "a fox", 64, 64, (1, 2))
TASK = Record("ldtask_" + "a" * 32, "me", ORDER, created=100.0, ready=200.0, billing_id="billtxn_1")


def world(*records: Record) -> World:
    made = World()
    made.records = {record.id: record for record in records}
    return made


@pytest.mark.parametrize(
    ("now", "status", "progress"),
    [
        (100, "pending", 0),
        (114, "pending", 0),
        (115, "processing", 0),
        (199, "processing", 97),
        (200, "completed", 100),
    ],
)
def test_a_task_goes_from_pending_through_processing_to_completed(now: float, status: str, progress: int):
    assert (TASK.status(now), TASK.progress(now)) == (status, progress)


def test_progress_stands_only_where_a_model_tells_it():
    assert "progress" not in task_answer(TASK, Behaviour(), BASE, 150)
    assert task_answer(TASK, Behaviour(progress=True), BASE, 150)["progress"] == 40
    assert "progress" not in task_answer(TASK, Behaviour(progress=True), BASE, 101)


def test_pending_shapes():
    plain = task_answer(TASK, Behaviour(), BASE, 100)
    assert (plain["data"], plain["poll_url"]) == ([], f"/v1/tasks/{TASK.id}")
    assert "model" not in plain
    placeholder = task_answer(TASK, Behaviour(pending="placeholder"), BASE, 100)
    assert placeholder["data"] == [{"url": "", "revised_prompt": "a fox"}]
    assert "poll_url" not in task_answer(TASK, Behaviour(pending="no_poll_url"), BASE, 100)
    assert task_answer(TASK, Behaviour(model_in_pending=True), BASE, 100)["model"] == "m"


def test_finished_shapes():
    done = task_answer(TASK, Behaviour(), BASE, 300, "billtxn_1")
    assert [row["url"] for row in done["data"]] == [f"{BASE}/pictures/{TASK.id}-{n}.png" for n in (0, 1)]
    assert (done["updated"], done["billing_transaction_id"]) == (200, "billtxn_1")
    single = task_answer(TASK, Behaviour(result="image_url"), BASE, 300)
    assert (single["data"], single["image_url"]) == ([], f"{BASE}/pictures/{TASK.id}-0.png")


def test_failures_are_strings_or_objects_and_bill_nothing():
    failed = replace(TASK, failed=True)
    assert task_answer(failed, Behaviour(), BASE, 300)["error"] == "Content policy violation"
    problem = task_answer(failed, Behaviour(error_form="object"), BASE, 300)["error"]
    assert problem["code"] == "content_policy_violation"
    made = world(failed)
    assert [made.billing(failed, 300) for _ in range(3)] == [None, None, None]


def test_the_charge_shows_one_read_after_the_end():
    made = world(TASK)
    assert [made.billing(TASK, now) for now in (150, 199, 200, 201, 202)] == [
        None,
        None,
        None,
        "billtxn_1",
        "billtxn_1",
    ]


def test_tasks_belong_to_their_key():
    inline = replace(TASK, id="img_1")
    made = world(TASK, inline)
    assert made.task(TASK.id, "me") is TASK
    for task_id, owner, status in ((TASK.id, "you", 403), ("ldtask_none", "me", 404), ("img_1", "me", 404)):
        with pytest.raises(Refusal) as caught:
            made.task(task_id, owner)
        assert caught.value.status == status


def test_files_of_others_are_not_told_apart_from_none():
    made = World()
    made.files["file-1"] = StoredFile("file-1", "me", "m", "a.png", "vision", 3, 100.9, "00")
    assert made.file("file-1", "me").answer()["created_at"] == 100
    for file_id, owner in (("file-1", "you"), ("file-2", "me")):
        with pytest.raises(Refusal) as caught:
            made.file(file_id, owner)
        assert caught.value.status == 404


def test_records_come_back_from_json_as_they_were():
    record = replace(TASK, order=replace(ORDER, references=("a" * 64,), mask="b" * 64, compression=3))
    assert Record.from_json(json.loads(json.dumps(record.to_json()))) == record


def test_inline_answers_with_urls_and_base64():
    record = replace(TASK, id="img_1", order=replace(ORDER, revised_prompt="a red fox", output_format="jpeg"))
    data = pictures(record, BASE)
    assert data[1] == {"url": f"{BASE}/pictures/img_1-1.jpg", "revised_prompt": "a red fox"}
    assert inline_answer(record, data, Behaviour()) == {"created": 100, "data": data}
    billed = inline_answer(record, data, Behaviour(billing_in_answer=True))
    assert billed["billing_transaction_id"] == "billtxn_1"
    free = inline_answer(replace(record, billing_id=None), data, Behaviour(billing_in_answer=True))
    assert "billing_transaction_id" not in free
    assert encoded(record, ["QQ=="])[0]["b64_json"] == "QQ=="


def test_latencies_are_log_normal_within_bounds():
    dice = random.Random(3)
    drawn = [draw_latency(Behaviour(latency=(20.0, 0.3)), dice) for _ in range(2000)]
    assert 19 < statistics.median(drawn) < 21
    assert min(draw_latency(Behaviour(latency=(1.0, 0.1)), dice) for _ in range(50)) == 5
    assert max(draw_latency(Behaviour(latency=(500.0, 0.1)), dice) for _ in range(50)) == 60


def test_tokens_have_a_fixed_length():
    assert all(len(token(random.Random(seed), "x_", 8)) == 10 for seed in range(50))


def test_the_minute_of_a_key_is_counted_and_begins_anew():
    made = World()
    assert made.count_call("me", 59.0) == Tally(1000, 999, 60)
    assert made.count_call("me", 59.9) == Tally(1000, 998, 60)
    assert made.count_call("you", 59.9) == Tally(1000, 999, 60)
    assert made.count_call("me", 60.0) == Tally(1000, 999, 120)
    last = [made.count_call("me", 61.0, limit=20) for _ in range(30)][-1]
    assert last.left < 0
    assert last.headers() == {"X-RateLimit-Limit": "20", "X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "120"}
