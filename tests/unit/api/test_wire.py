"""Both directions of the API: calls out, answers in."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from tests.recorded import Recorded, every, openapi, recorded
from tokenlab_nb.api import wire
from tokenlab_nb.api.replies import ImageData, Images, Reply, Task
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import JobFailedError, ServiceError, TokenLabError, UnknownOutcomeError

G, E, V = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
ORIGIN = "https://api.tokenlab.sh"
TASK_ID = "ldtask_" + "a" * 32
URL = "https://cdn.example.com/image.png"
POST, GET = wire.Call("POST", G), wire.Call("GET", f"/v1/tasks/{TASK_ID}")

ONE, TWO = Source(url="https://example.com/1.png"), Source(url="https://example.com/2.png")
FILE = Source(file_id="file-abc123")
PNG = Source(sha256="aa", media_type="image/png", size=3)
JPEG = Source(sha256="bb", media_type="image/jpeg", size=3)
WEBP = Source(sha256="cc", media_type="image/webp", size=3)
BYTES = {"aa": b"png", "bb": b"jpg", "cc": b"web"}


# ------------------------------------------------------------------------------------------------- out


def asked(**more: Any) -> ImageRequest:
    values = more.pop("values", {"prompt": "A fox.", "n": 2})
    return ImageRequest(**{"model": "m", "operation": "image-edit", "endpoint": E, "values": values, **more})


def test_a_plain_create_is_json_with_the_model_and_what_was_set() -> None:
    call = wire.create(asked(endpoint=G, delivery_policy="official"), {})
    assert (call.method, call.path, call.name) == ("POST", G, f"POST {G}")
    assert call.body == {"model": "m", "prompt": "A fox.", "n": 2}
    assert dict(call.headers) == {"X-TokenLab-Delivery-Policy": "official"}
    assert (call.form, call.files, call.query) == ((), (), ())
    assert not wire.create(asked(), {}).headers


@pytest.mark.parametrize(
    ("pictures", "fields"),
    [
        ({"references": (ONE,), "reference_field": "image_url"}, {"image_url": ONE.url}),
        ({"references": (ONE, TWO), "reference_field": "image_urls"}, {"image_urls": [ONE.url, TWO.url]}),
        ({"references": (ONE,), "reference_field": "reference_image_urls"}, {"reference_image_urls": [ONE.url]}),
        (
            {"references": (ONE, FILE), "reference_field": "images"},
            {"images": [{"image_url": ONE.url}, {"file_id": "file-abc123"}]},
        ),
        (
            {"references": (ONE,), "reference_field": "image_url", "mask": TWO, "mask_field": "mask_url"},
            {"image_url": ONE.url, "mask_url": TWO.url},
        ),
        (
            {"references": (ONE,), "reference_field": "image_url", "mask": TWO, "mask_field": "mask"},
            {"image_url": ONE.url, "mask": {"image_url": TWO.url}},
        ),
        (
            {"references": (FILE,), "reference_field": "images", "mask": FILE, "mask_field": "mask"},
            {"images": [{"file_id": "file-abc123"}], "mask": {"file_id": "file-abc123"}},
        ),
    ],
)
def test_addresses_and_uploaded_files_travel_as_json(pictures: dict[str, Any], fields: dict[str, Any]) -> None:
    body = wire.create(asked(**pictures), {}).body
    assert body == {"model": "m", "prompt": "A fox.", "n": 2, **fields}


def test_local_files_travel_as_multipart_in_order_and_with_their_types() -> None:
    values = {"prompt": "A fox.", "n": 2, "async": True, "seed": 7, "tempo": {"a": [1]}}
    call = wire.create(
        asked(
            values=values,
            references=(PNG, JPEG, WEBP),
            reference_field="image",
            mask=PNG,
            mask_field="mask",
            multipart=True,
        ),
        BYTES,
    )
    assert call.body is None
    assert call.form == (
        *(("model", "m"), ("prompt", "A fox."), ("n", "2"), ("async", "true"), ("seed", "7")),
        ("tempo", '{"a": [1]}'),
    )
    assert [(part.name, part.filename, part.data, part.media_type) for part in call.files] == [
        ("image", "picture-1.png", b"png", "image/png"),
        ("image", "picture-2.jpg", b"jpg", "image/jpeg"),
        ("image", "picture-3.webp", b"web", "image/webp"),
        ("mask", "picture-4.png", b"png", "image/png"),
    ]
    assert "data" not in repr(call.files[0])


def test_addresses_in_a_form_are_one_text_with_commas() -> None:
    call = wire.create(asked(endpoint=G, references=(ONE, TWO), reference_field="image_urls", multipart=True), {})
    assert call.form[-1] == ("image_urls", f"{ONE.url},{TWO.url}")
    assert call.files == ()


def test_every_json_create_keeps_to_the_vendor_s_schema() -> None:
    schemas = openapi()["components"]["schemas"]
    made = wire.create(asked(endpoint=G, references=(ONE, TWO), reference_field="image_urls"), {}).body
    jsonschema.validate(made, schemas["ImageGenerationRequest"])
    edit = openapi()["paths"][E]["post"]["requestBody"]["content"]["application/json"]["schema"]
    pictures = {"references": (ONE, FILE), "reference_field": "images", "mask": TWO, "mask_field": "mask"}
    jsonschema.validate(wire.create(asked(**pictures), {}).body, edit)


def test_model_filters_are_sent_only_where_they_are_set() -> None:
    assert wire.models() == wire.Call("GET", "/v1/models")
    call = wire.models(provider="google", tag="t", category="image", recommended_for="image", view="compact")
    assert call.query == (
        *(("provider", "google"), ("tag", "t"), ("category", "image"), ("recommended_for", "image")),
        ("view", "compact"),
    )
    assert wire.models(provider="", view="full").query == (("view", "full"),)


@pytest.mark.parametrize(
    ("call", "expected"),
    [
        (wire.model("gpt-image-2"), "GET /v1/models/gpt-image-2"),
        (wire.model("openai/gpt image?x#y"), "GET /v1/models/openai%2Fgpt%20image%3Fx%23y"),
        (wire.pricing("a/b"), "GET /v1/models/a%2Fb/pricing"),
        (wire.image_status(TASK_ID), f"GET /v1/images/{TASK_ID}"),
        (wire.image_status("a/b"), "GET /v1/images/a%2Fb"),
        (wire.cancel("a/../b"), "DELETE /v1/tasks/a%2F..%2Fb"),
        (wire.task("a/b?c", None, ORIGIN), "GET /v1/tasks/a%2Fb%3Fc"),
    ],
)
def test_ids_are_quoted(call: wire.Call, expected: str) -> None:
    assert call.name == expected


@pytest.mark.parametrize(
    ("poll_url", "path"),
    [
        (f"/v1/tasks/{TASK_ID}", f"/v1/tasks/{TASK_ID}"),
        ("/v1/tasks/x?view=full&a=b", "/v1/tasks/x?view=full&a=b"),
        ("/v1/tasks/x#part", "/v1/tasks/x"),
        ("v1/tasks/x", "/v1/tasks/x"),
        ("https://api.tokenlab.sh/v1/tasks/x", "/v1/tasks/x"),
        ("HTTPS://API.TOKENLAB.SH/v1/tasks/x?y=1", "/v1/tasks/x?y=1"),
    ],
)
def test_a_poll_url_of_the_api_s_own_wins_over_a_route_of_ours(poll_url: str, path: str) -> None:
    assert wire.task("id", poll_url, ORIGIN) == wire.Call("GET", path)


@pytest.mark.parametrize(
    "poll_url",
    [
        "https://evil.example.net/v1/tasks/x",
        "http://api.tokenlab.sh/v1/tasks/x",
        "https://api.tokenlab.sh:8443/v1/tasks/x",
        "https://user@api.tokenlab.sh/v1/tasks/x",
        "https://user:pw@api.tokenlab.sh/v1/tasks/x",
        "https://api.tokenlab.sh@evil.example.net/x",
        "https://api.tokenlab.sh.evil.example.net/x",
        "//evil.example.net/x",
        "////evil.example.net/x",
        "/.//evil.example.net/x",
        "\\\\evil.example.net/x",
        "/\\evil.example.net/x",
        "https:\\\\evil.example.net/x",
        "https://api.tokenlab.sh\\@evil.example.net/x",
        "/\t/evil.example.net/x",
        "/v1/tasks/x\r\nX-Evil: 1",
        " /v1/tasks/x",
        "javascript:alert(1)",
        "file:///etc/passwd",
        "http://[::1",
        "",
    ],
)
def test_the_key_never_follows_a_poll_url_to_another_origin(poll_url: str) -> None:
    assert wire.task("id", poll_url, ORIGIN) == wire.Call("GET", "/v1/tasks/id")
    with pytest.raises(ServiceError, match="no poll_url on its own origin"):
        wire.task(None, poll_url, ORIGIN)


def test_a_local_origin_with_a_port_is_an_origin_like_any_other() -> None:
    call = wire.task("id", "http://127.0.0.1:8765/v1/tasks/x", "http://127.0.0.1:8765")
    assert call.path == "/v1/tasks/x"
    assert wire.task("id", "http://127.0.0.1:8766/v1/tasks/x", "http://127.0.0.1:8765").path == "/v1/tasks/id"


# -------------------------------------------------------------------------------------------------- in


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
        ("completed_without_url", "The task was completed, but holds no usable picture.", None),
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


def test_reading_json_gives_the_json() -> None:
    assert wire.read_json(GET, 200, {}, b"[1, null]") == [1, None]


# ------------------------------------------------------------------------------------------ the samples


_SCHEMAS = {
    "generations": "ImageGenerationResponse",
    "edits": "ImageGenerationResponse",
    "tasks": "VideoTaskResponse",
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
