"""Calls out: method, path, JSON or form, and where the key may go."""

from __future__ import annotations

from typing import Any

import jsonschema
import pytest

from tests.recorded import openapi
from tokenlab_nb.api import wire
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ServiceError

G, E, V = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
ORIGIN = "https://api.tokenlab.sh"
TASK_ID = "ldtask_" + "a" * 32

ONE, TWO = Source(url="https://example.com/1.png"), Source(url="https://example.com/2.png")
FILE = Source(file_id="file-abc123")
PNG = Source(sha256="aa", media_type="image/png", size=3)
JPEG = Source(sha256="bb", media_type="image/jpeg", size=3)
WEBP = Source(sha256="cc", media_type="image/webp", size=3)
BYTES = {"aa": b"png", "bb": b"jpg", "cc": b"web"}


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


def test_the_rest_goes_in_another_field() -> None:
    pictures = {"references": (ONE, TWO), "reference_field": "image_url", "rest_field": "reference_image_urls"}
    body = wire.create(asked(endpoint=G, **pictures), {}).body
    assert body is not None
    assert (body["image_url"], body["reference_image_urls"]) == (ONE.url, [TWO.url])
    pictures = {"references": (PNG, ONE, TWO), "reference_field": "image", "rest_field": "image_urls"}
    call = wire.create(asked(endpoint=G, **pictures, multipart=True, mask=TWO, mask_field="mask_url"), BYTES)
    assert call.form[-2:] == (("image_urls", f"{ONE.url},{TWO.url}"), ("mask_url", TWO.url))
    assert [part.name for part in call.files] == ["image"]


def test_uploaded_pictures_are_named_by_what_came_of_them() -> None:
    pictures = {"references": (PNG, ONE), "reference_field": "images", "mask": JPEG, "mask_field": "mask"}
    body = wire.create(asked(**pictures), {}, {"aa": "file-a", "bb": "file-b"}).body
    assert body is not None
    assert body["images"] == [{"file_id": "file-a"}, {"image_url": ONE.url}]
    assert body["mask"] == {"file_id": "file-b"}


def test_an_upload_is_a_form_that_keeps_to_the_vendor_s_schema() -> None:
    call = wire.upload(b"png", "picture-1.png", "image/png", "vision", "m")
    assert (call.name, call.body, call.form) == ("POST /v1/files", None, (("purpose", "vision"), ("model", "m")))
    assert [(part.name, part.filename, part.media_type) for part in call.files] == [
        ("file", "picture-1.png", "image/png")
    ]
    assert not call.headers
    schema = openapi()["paths"]["/v1/files"]["post"]["requestBody"]["content"]["multipart/form-data"]["schema"]
    jsonschema.validate({**dict(call.form), "file": "..."}, schema)


@pytest.mark.parametrize(
    ("call", "is_create"),
    [
        (wire.create(asked(), {}), True),
        (wire.upload(b"", "a.png", "image/png", "vision", "m"), False),
        (wire.model("m"), False),
        (wire.cancel("x"), False),
    ],
    ids=lambda each: getattr(each, "name", each),
)
def test_only_a_create_may_cost_money(call: wire.Call, is_create: bool) -> None:
    assert call.is_create is is_create


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
        (wire.model("."), "GET /v1/models/%2E"),
        (wire.model(".."), "GET /v1/models/%2E%2E"),
        (wire.model("half \ud800 pair"), "GET /v1/models/half%20%3F%20pair"),
        (wire.model("m" * 300), f"GET /v1/models/{'m' * 189}"[:204]),
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
