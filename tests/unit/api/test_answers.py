"""Answers in: pictures, tasks, and every way in which they are neither."""

from __future__ import annotations

import json

import jsonschema
import pytest

from tests.recorded import Recorded, every, openapi, recorded
from tokenlab_nb.api import wire
from tokenlab_nb.api.replies import ImageData, Images, Reply, Task, Uploaded
from tokenlab_nb.errors import JobFailedError, ServiceError, TokenLabError, UnknownOutcomeError, ValidationError

TASK_ID = "ldtask_" + "a" * 32
URL = "https://cdn.example.com/image.png"
POST, GET = wire.Call("POST", "/v1/images/generations"), wire.Call("GET", f"/v1/tasks/{TASK_ID}")


def created(answer: Recorded, **headers: str) -> Reply:
    return wire.read_create(POST, answer.status, {**answer.headers, **headers}, answer.body)


def polled(answer: Recorded) -> Reply:
    return wire.read_task(GET, answer.status, answer.headers, answer.body)


def said(body: object, call: wire.Call = GET, status: int = 200, **headers: str) -> Reply:
    read = wire.read_create if call.method == "POST" else wire.read_task
    return read(call, status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("case", "images", "task_id", "billing"),
    [
        (
            "finished_url",
            [ImageData(url=URL, revised_prompt="A white cat on a rainy windowsill, soft light")],
            None,
            None,
        ),
        ("finished_b64", [ImageData(b64="iVBORw0KGgo=")], None, None),
        ("finished_billed", [ImageData(url=URL)], None, "billtxn_abc123"),
        ("terminal_in_create", [ImageData(url=URL)], TASK_ID, None),
    ],
)
def test_a_create_that_is_finished(
    case: str, images: list[ImageData], task_id: str | None, billing: str | None
) -> None:
    reply = created(recorded(f"generations/{case}"), **{"x-request-id": "req_1"})
    assert isinstance(reply, Images)
    assert (list(reply.images), reply.task_id) == (images, task_id)
    assert (reply.meta.billing_transaction_id, reply.meta.request_id) == (billing, "req_1")


def test_an_edit_may_hold_several_pictures() -> None:
    reply = created(recorded("edits/finished"))
    assert isinstance(reply, Images)
    assert [image.url for image in reply.images] == [URL, "https://cdn.example.com/image-2.png"]


@pytest.mark.parametrize("case", ["pending", "pending_with_model", "pending_placeholder", "pending_without_poll_url"])
def test_a_create_that_is_a_task(case: str) -> None:
    reply = created(recorded(f"generations/{case}"))
    assert isinstance(reply, Task)
    poll_url = None if case == "pending_without_poll_url" else f"/v1/tasks/{TASK_ID}"
    assert (reply.task_id, reply.poll_url, reply.status, reply.progress) == (TASK_ID, poll_url, "pending", None)


def test_a_create_may_fail_at_once_and_keeps_the_ids() -> None:
    with pytest.raises(JobFailedError, match="The task failed: Content policy violation") as caught:
        created(recorded("generations/failed_in_create"))
    assert caught.value.facts.details["task_id"] == TASK_ID


def test_a_task_at_work_tells_its_progress() -> None:
    assert polled(recorded("tasks/pending")) == Task(TASK_ID, f"/v1/tasks/{TASK_ID}")
    assert polled(recorded("tasks/processing")) == Task(TASK_ID, f"/v1/tasks/{TASK_ID}", "processing", 45)


@pytest.mark.parametrize("case", ["completed", "completed_top_level_url"])
def test_a_completed_task_has_its_pictures(case: str) -> None:
    reply = polled(recorded(f"tasks/{case}"))
    assert isinstance(reply, Images)
    assert [image.url for image in reply.images] == [URL]
    assert reply.task_id == TASK_ID


@pytest.mark.parametrize(
    ("case", "message", "code"),
    [
        ("completed_without_url", "The task was completed, but holds no usable picture.", "no_usable_picture"),
        ("failed", "The task failed: Content policy violation", None),
        ("failed_with_object", "The task failed: The provider failed.", "upstream_error"),
        ("cancelled", "The task was cancelled: Task cancelled before execution", "cancelled"),
        ("cancelled_status", "The task was cancelled: The service gave no reason.", "cancelled"),
    ],
)
def test_a_task_that_ended_without_pictures(case: str, message: str, code: str | None) -> None:
    with pytest.raises(JobFailedError) as caught:
        polled(recorded(f"tasks/{case}"))
    assert (caught.value.message, caught.value.code) == (message, code)
    assert caught.value.facts.details["task_id"] == TASK_ID


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("succeeded", "images"),
        ("COMPLETED", "images"),
        (" completed ", "images"),
        ("processing", "images"),
        ("", "images"),
        (None, "images"),
        (7, "images"),
        ("expired", "failed"),
        ("Canceled", "cancelled"),
        ("cancelled", "cancelled"),
        ("FAILED", "failed"),
    ],
)
def test_the_terminal_states_in_any_case_stand_over_the_pictures(status: object, expected: str) -> None:
    body = {"status": status, "data": [{"url": URL}]}
    if expected == "images":
        assert isinstance(said(body), Images)
        return
    with pytest.raises(JobFailedError) as caught:
        said(body)
    assert caught.value.code == ("expired" if status == "expired" else "cancelled" if expected == "cancelled" else None)
    assert expected in caught.value.message


@pytest.mark.parametrize(
    ("status", "shown"),
    [("queued", "pending"), ("running", "processing"), ("in_progress", "processing"), ("new-word", "pending")],
)
def test_an_unknown_state_is_waited_for(status: str, shown: str) -> None:
    assert said({"status": status, "data": []}) == Task(None, None, shown)


@pytest.mark.parametrize(
    ("progress", "shown"),
    [
        *((0, 0), (100, 100), (45.9, 45), (-5, 0), (250, 100), (10**400, 100), (float("inf"), 100)),
        *((float("nan"), None), (True, None), ("45", None), (None, None), ([1], None)),
    ],
)
def test_an_odd_progress_is_bent_or_left_out(progress: object, shown: int | None) -> None:
    reply = said({"status": "processing", "progress": progress})
    assert isinstance(reply, Task)
    assert reply.progress == shown


@pytest.mark.parametrize(
    ("body", "headers", "task"),
    [
        ({"task_id": "t"}, {}, Task("t")),
        ({"id": "t"}, {}, Task("t")),
        ({"id": "other", "task_id": "t"}, {}, Task("t")),
        ({"poll_url": "/v1/tasks/t"}, {}, Task(None, "/v1/tasks/t")),
        ({"data": []}, {"x-task-id": "t"}, Task("t")),
        ({"task_id": 5, "id": " ", "status": "pending"}, {}, Task(None)),
        ({"data": [{"url": " "}, None, "x", {"url": 5}], "task_id": "t"}, {}, Task("t")),
    ],
)
def test_any_sign_of_a_task_is_a_task(body: object, headers: dict[str, str], task: Task) -> None:
    for call in (POST, GET):
        assert said(body, call, **headers) == task


@pytest.mark.parametrize(
    ("data", "images"),
    [
        ({"url": URL}, [ImageData(URL)]),
        ([{"url": "", "b64_json": "AA=="}], [ImageData(b64="AA==")]),
        ([{"url": URL, "b64_json": "AA=="}], [ImageData(URL)]),
        ([{"url": ""}, {"url": URL, "revised_prompt": 5}], [ImageData(URL)]),
    ],
)
def test_odd_shapes_of_data(data: object, images: list[ImageData]) -> None:
    reply = said({"created": 1, "data": data}, POST)
    assert isinstance(reply, Images)
    assert list(reply.images) == images


@pytest.mark.parametrize(
    "body", [{}, {"created": 1, "data": []}, {"created": 1, "data": [{"url": ""}]}, {"poll_url": 5}]
)
def test_an_answer_with_neither_picture_nor_task_has_failed(body: object) -> None:
    for call in (POST, GET):
        with pytest.raises(JobFailedError, match="neither a picture nor a task"):
            said(body, call)


def test_an_error_under_a_good_status_gives_its_reason() -> None:
    with pytest.raises(JobFailedError, match="The task failed: No capacity") as caught:
        said({"error": {"message": "No capacity", "code": "full", "hint": "Wait."}}, POST)
    assert (caught.value.code, caught.value.hint) == ("full", "Wait.")


# An answer that cannot be read: lost money for a create, asked again for a status.


@pytest.mark.parametrize("case", ["cut_off", "a_list"])
def test_an_unreadable_good_answer_leaves_a_create_unknown_and_a_status_unread(case: str) -> None:
    answer = recorded(f"generations/{case}")
    with pytest.raises(UnknownOutcomeError, match="outcome is unknown"):
        created(answer)
    with pytest.raises(ServiceError):
        polled(answer)


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"\xff\xfe\x00", b"[" * 100_000, b"null", b"5", b'"text"', b"9" * 5000]
)
def test_garbage_under_a_good_status_is_never_taken_for_an_answer(body: bytes) -> None:
    with pytest.raises(UnknownOutcomeError) as caught:
        wire.read_create(POST, 200, {"x-request-id": "req_1", "content-type": "text/html; x=y"}, body)
    assert caught.value.request_id == "req_1"
    with pytest.raises(ServiceError) as polled_error:
        wire.read_task(GET, 200, {}, body)
    assert polled_error.value.status == 200


@pytest.mark.parametrize("status", [408, 502, 504, 520, 524])
def test_a_gateway_s_answer_leaves_a_create_unknown_and_a_status_to_ask_again(status: int) -> None:
    page = recorded("generations/gateway_page")
    with pytest.raises(UnknownOutcomeError, match=str(status)) as caught:
        wire.read_create(POST, status, page.headers, page.body)
    assert caught.value.status == status
    with pytest.raises(ServiceError):
        wire.read_task(GET, status, page.headers, page.body)


@pytest.mark.parametrize("status", [500, 501, 503])
def test_a_service_that_says_no_has_not_run(status: int) -> None:
    with pytest.raises(ServiceError):
        wire.read_create(POST, status, {}, b"")


@pytest.mark.parametrize("status", [301, 302, 304, 307])
def test_a_redirect_is_an_error_of_the_address(status: int) -> None:
    with pytest.raises(ServiceError, match="was redirected"):
        wire.read_create(POST, status, {}, b"")


@pytest.mark.parametrize("body", [b"{}", b"[]", b'"text"', b"7", b'{"data": {}}', b'{"error": "none today"}'])
def test_json_that_is_no_catalogue_is_not_an_empty_one(body: bytes) -> None:
    with pytest.raises(ServiceError, match="answered 200 with no list of models"):
        wire.read_models(wire.models(), 200, {}, body)
    with pytest.raises(ServiceError, match="answered 200 with no model"):
        wire.read_model(wire.model("m"), 200, {}, body)


def test_a_list_without_models_is_an_empty_catalogue() -> None:
    assert wire.read_models(wire.models(), 200, {}, b'{"data": []}') == ()


def test_an_id_that_is_no_text_of_utf8_is_none() -> None:
    with pytest.raises(JobFailedError, match="neither a picture nor a task"):
        said({"task_id": "ldtask_\ud800", "data": []})


def test_reading_json_gives_the_json() -> None:
    assert wire.read_json(GET, 200, {}, b"[1, null]") == [1, None]


# ------------------------------------------------------------------------------------------ the samples


_SCHEMAS = {
    "generations": "ImageGenerationResponse",
    "edits": "ImageGenerationResponse",
    "tasks": "VideoTaskResponse",
    "pricing": "ModelPricingResponse",
}
# What is on no page, newer than the schema, or documented otherwise in prose than in the schema.
_BESIDE_THE_SCHEMA = {
    *("generations/cut_off", "generations/a_list", "generations/gateway_page", "generations/empty"),
    *("generations/delivery_tier_unavailable", "generations/model_not_allowed", "model/not_found"),
    *("tasks/cancelled_status", "tasks/completed_top_level_url"),
}


@pytest.mark.parametrize("name", every())
def test_every_recorded_answer_keeps_to_the_vendor_s_schema_or_to_our_own_errors(name: str) -> None:
    answer = recorded(name)
    schema = "ApiError" if answer.status >= 400 else _SCHEMAS.get(name.partition("/")[0])
    if schema and name not in _BESIDE_THE_SCHEMA:
        jsonschema.validate(answer.json, {"$ref": f"#/components/schemas/{schema}", **openapi()})
    for call, read in ((POST, wire.read_create), (GET, wire.read_task)):
        try:
            assert isinstance(read(call, answer.status, answer.headers, answer.body), Images | Task)
        except TokenLabError as error:
            assert error.message  # noqa: PT017 - a refusal is as good as a reply here


def test_an_unknown_state_with_a_reason_has_ended() -> None:
    with pytest.raises(JobFailedError, match="Not today"):
        said({"id": "ldtask_1", "status": "rejected", "error": {"message": "Not today."}})


UPLOAD = wire.upload(b"", "picture-1.png", "image/png", "vision", "m")


def uploaded(body: object, status: int = 200, **headers: str) -> Uploaded:
    return wire.read_upload(UPLOAD, status, headers, json.dumps(body).encode())


@pytest.mark.parametrize(
    ("said", "moment"),
    [
        (None, None),
        (1_900_000_000, 1_900_000_000.0),
        (1_900_000_000.5, 1_900_000_000.5),
        (True, None),
        ("tomorrow", None),
        (float("nan"), None),
        (10**40, None),
    ],
)
def test_an_upload_is_read_with_its_end(said: object, moment: float | None) -> None:
    answer = uploaded({"id": "file-1", "object": "file", "expires_at": said}, **{"x-request-id": "req_1"})
    assert (answer.file_id, answer.expires_at, answer.meta.request_id) == ("file-1", moment, "req_1")


@pytest.mark.parametrize("body", [[], "file-1", {}, {"id": ""}, {"id": 5}, {"id": None}])
def test_an_upload_that_names_no_file_is_none(body: object) -> None:
    with pytest.raises(ServiceError, match="POST /v1/files answered 200 with no file"):
        uploaded(body)


def test_a_refused_upload_says_why() -> None:
    with pytest.raises(ValidationError, match="Too large"):
        uploaded({"error": {"message": "Too large", "type": "invalid_request_error"}}, status=413)
