"""What the service would refuse, and with which words; what it takes, and how it is understood."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tokenlab_nb.sandbox.catalog import Entry, load_catalog
from tokenlab_nb.sandbox.checks import Asked, check, model_name
from tokenlab_nb.sandbox.forms import Form, Upload, read_form
from tokenlab_nb.sandbox.refusals import Refusal

from .harness import EDITS, GENERATIONS, VARIATIONS

CATALOG = load_catalog()
URL = "https://example.com/a.png"


def ask(model: str, route: str = GENERATIONS, *, uploads: tuple[str, ...] = (), **fields: Any) -> Asked:
    body = {"model": model, "prompt": "a fox", **fields}
    body = {name: value for name, value in body.items() if value is not None}
    files = tuple(Upload(name, "a.png", b"...") for name in uploads)
    entry = CATALOG.find(model)
    assert entry is not None
    return check(entry, route, Form(body, files, multipart=bool(files)))


def refusal(model: str, route: str = GENERATIONS, **fields: Any) -> dict[str, Any]:
    with pytest.raises(Refusal) as caught:
        ask(model, route, **fields)
    assert caught.value.status == 400
    return dict(caught.value.body["error"])


@pytest.mark.parametrize("entry", [e for e in CATALOG.listed if "text-to-image" in e.operations], ids=lambda e: e.id)
def test_every_text_to_image_model_takes_a_bare_prompt(entry: Entry):
    asked = ask(entry.id)
    assert (asked.operation, asked.count, asked.options) == ("text-to-image", 1, {})


@pytest.mark.parametrize(
    ("fields", "lacking"),
    [
        ({}, ["model", "prompt"]),
        ({"prompt": "x"}, ["model"]),
        ({"model": "", "prompt": "x"}, ["model"]),
        ({"model": "m"}, ["prompt"]),
    ],
)
def test_missing_fields_are_named_all_at_once(fields: dict[str, str], lacking: list[str]):
    with pytest.raises(Refusal) as caught:
        model_name(Form(fields), GENERATIONS)
    assert caught.value.body["error"]["param"] == lacking[0]
    assert [issue["field"] for issue in caught.value.body["validation_errors"]] == lacking


def test_a_variation_needs_no_prompt_and_a_model_is_a_string():
    assert model_name(Form({"model": "m"}), VARIATIONS) == "m"
    with pytest.raises(Refusal, match="Expected a string"):
        model_name(Form({"model": 5, "prompt": "x"}), GENERATIONS)


@pytest.mark.parametrize(
    ("size", "taken"),
    [
        ("auto", True),
        ("1024x1024", True),
        ("1536x1024", True),
        ("3840x2160", True),
        ("3840x1280", True),
        ("512x512", False),
        ("1000x1000", False),
        ("3840x1264", False),
        ("3856x2160", False),
        ("3840x2176", False),
        ("big", False),
        ("1024X1024", False),
    ],
)
def test_the_flexible_size_rule(size: str, taken: bool):
    if taken:
        assert ask("gpt-image-2", size=size).options["size"] == size
    else:
        error = refusal("gpt-image-2", size=size)
        assert error["param"] == "size"
        assert error["recommended_request"] == {"model": "gpt-image-2", "size": "1024x1024"}


@pytest.mark.parametrize(
    ("model", "fields", "param", "code"),
    [
        ("gpt-image-2", {"prompt": "  "}, "prompt", "required"),
        ("gpt-image-2", {"prompt": "x" * 4001}, "prompt", "prompt_too_long"),
        ("qwen-image", {"prompt": "x" * 801}, "prompt", "prompt_too_long"),
        ("gpt-image-2", {"prompt": 7}, "prompt", "invalid_type"),
        ("gpt-image-2", {"prompt": "\ud800"}, "prompt", "invalid_type"),
        ("gpt-image-2", {"stream": True}, "stream", "unsupported_parameter"),
        ("gpt-image-2", {"stream": "yes"}, "stream", "invalid_type"),
        ("gpt-image-2", {"input_fidelity": "high"}, "input_fidelity", "unsupported_parameter"),
        ("gpt-image-2", {"aspect_ratio": "1:1"}, "aspect_ratio", "unsupported_parameter"),
        ("gpt-image-2", {"quality": "hd"}, "quality", "invalid_value"),
        ("gpt-image-2", {"background": "transparent"}, "background", "invalid_value"),
        ("gpt-image-2", {"background": "plaid"}, "background", "invalid_value"),
        ("gpt-image-2", {"moderation": "off"}, "moderation", "invalid_value"),
        ("gpt-image-2", {"response_format": "tiff"}, "response_format", "invalid_value"),
        ("gpt-image-2", {"n": 0}, "n", "out_of_range"),
        ("gpt-image-2", {"n": 11}, "n", "out_of_range"),
        ("nano-banana-2", {"n": 5}, "n", "out_of_range"),
        ("gpt-image-2", {"n": "2"}, "n", "invalid_type"),
        ("gpt-image-2", {"n": True}, "n", "invalid_type"),
        ("gpt-image-2", {"async": "true"}, "async", "invalid_type"),
        ("gpt-image-2", {"output_compression": 101}, "output_compression", "out_of_range"),
        ("dall-e-2", {"size": "1792x1024"}, "size", "invalid_value"),
        ("flux-2-pro", {"output_format": "webp"}, "output_format", "invalid_value"),
        ("ideogram-v3", {"style": "gothic"}, "style", "invalid_value"),
        ("nano-banana-2-lite", {"images": []}, "images", "unsupported_parameter"),
        ("nano-banana-2-lite", {"whatever": 1}, "whatever", "unsupported_parameter"),
        ("gpt-image-2", {"operation": "image-to-image"}, "operation", "unsupported_operation"),
        ("ideogram-edit-v3", {}, "operation", "unsupported_operation"),
        ("sandbox-chat", {}, "operation", "unsupported_operation"),
        ("nano-banana-edit", {}, "image_url", "required"),
        ("gpt-image-2", {"image_url": URL}, "image_url", "unsupported_parameter"),
        ("nano-banana-2-lite", {"image_url": URL}, "operation", "unsupported_operation"),
    ],
)
def test_refusals_name_the_field(model: str, fields: dict[str, Any], param: str, code: str):
    error = refusal(model, **fields)
    assert (error["param"], error.get("code")) == (param, code)


def test_refusals_carry_the_slice_of_the_contract_that_mends_them():
    assert refusal("nano-banana-2", aspect_ratio="7:5")["allowed_aspect_ratios"][0] == "1:1"
    error = refusal("grok-imagine-image", resolution="4k")
    assert error["allowed_resolutions"] == ["1k", "2k"]
    assert error["recommended_request"] == {"model": "grok-imagine-image", "resolution": "1k"}
    error = refusal("gpt-image-2", seed=3)
    assert "quality" in error["supported_parameters"]
    assert error["hint"]
    assert refusal("qwen-image", prompt="x" * 900)["prompt_max_characters"] == 800
    error = refusal("gpt-image-2", operation="image-edit")
    assert (error["request_endpoint"], error["supported_operations"]) == (EDITS, ["text-to-image", "image-edit"])
    assert "prompt" in refusal("nano-banana-2-lite", whatever=1)["supported_parameters"]
    error = refusal("image-upscaler", image_url=URL)
    assert (error["param"], error["required_selectors"]) == ("resolution", ["resolution"])


def test_references_decide_the_operation_that_is_not_named():
    assert ask("nano-banana-2").operation == "text-to-image"
    assert ask("nano-banana-2", image_url=URL).operation == "image-to-image"
    assert ask("nano-banana-2", uploads=("image",)).operation == "image-to-image"
    assert ask("gpt-image-2", EDITS, image_url=URL).operation == "image-edit"
    assert (
        ask("nano-banana-2", operation="image-to-image", image_urls=[URL, URL]).references[1].param == "image_urls[1]"
    )


@pytest.mark.parametrize(
    ("shape", "params"),
    [
        ({"image_url": URL}, ["image_url"]),
        ({"image_urls": [URL]}, ["image_urls[0]"]),
        ({"images": [{"image_url": URL}, {"file_id": "file-1"}]}, ["images[0].image_url", "images[1].file_id"]),
        ({"uploads": ("image",)}, ["image"]),
        ({"uploads": ("image", "image")}, ["image[0]", "image[1]"]),
        ({"uploads": ("image[]", "image[]")}, ["image[][0]", "image[][1]"]),
    ],
)
def test_an_edit_takes_every_shape_of_source(shape: dict[str, Any], params: list[str]):
    assert [source.param for source in ask("gpt-image-2", EDITS, **shape).references] == params


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"images": [{}]}, "invalid_image_reference"),
        ({"images": [{"image_url": URL, "file_id": "f"}]}, "invalid_image_reference"),
        ({"images": ["x"]}, "invalid_image_reference"),
        ({"images": []}, "invalid_type"),
        ({"images": [{"file_id": 5}]}, "invalid_type"),
        ({"image_urls": "x"}, "invalid_type"),
        ({"image_urls": [URL] * 17}, "too_many_images"),
        ({"image_url": 5}, "invalid_type"),
        ({"image_url": URL, "images": [{"image_url": URL}]}, None),
        ({"image_url": URL, "mask": "x"}, "invalid_image_reference"),
    ],
)
def test_an_edit_refuses_other_shapes(fields: dict[str, Any], code: str | None):
    assert refusal("gpt-image-2", EDITS, **fields).get("code") == code


def test_source_limits_are_the_models_own():
    assert len(ask("gpt-image-2", EDITS, image_urls=[URL] * 16).references) == 16
    assert len(ask("grok-imagine-image", EDITS, image_urls=[URL] * 3).references) == 3
    error = refusal("grok-imagine-image", EDITS, image_urls=[URL] * 4)
    assert (error["param"], error["code"]) == ("image_urls", "too_many_images")
    assert refusal("nano-banana-2", uploads=("image", "image"))["code"] == "too_many_images"


def test_masks_by_file_by_object_and_by_url():
    by_file = ask("gpt-image-2", EDITS, uploads=("image", "mask")).mask
    assert by_file is not None
    assert by_file.data == b"..."
    by_object = ask("gpt-image-2", EDITS, image_url=URL, mask={"file_id": "file-1"}).mask
    assert by_object is not None
    assert by_object.file_id == "file-1"
    assert refusal("nano-banana-2", image_url=URL, mask_url=URL)["param"] == "mask_url"


def test_multipart_generations_refuse_what_the_json_shape_alone_has():
    assert refusal("nano-banana-2", uploads=("image",), image_url=URL)["param"] == "image_url"
    asked = ask("nano-banana-2", uploads=("image",), image_urls=f"{URL}, {URL}")
    assert [source.param for source in asked.references] == ["image", "image_urls[0]", "image_urls[1]"]


def test_multipart_numbers_and_booleans_are_words():
    asked = ask("gpt-image-2", EDITS, uploads=("image",), n="2", **{"async": "true"})
    assert (asked.count, asked.as_task) == (2, True)
    assert refusal("gpt-image-2", EDITS, uploads=("image",), n="--2")["code"] == "invalid_type"


def test_variations_are_multipart_and_take_few_fields():
    asked = ask("dall-e-2", VARIATIONS, uploads=("image",), prompt=None, n="3")
    assert (asked.operation, asked.prompt, asked.count) == ("image-variation", "", 3)
    assert refusal("dall-e-2", VARIATIONS, image_url=URL)["param"] == "image"
    assert refusal("dall-e-2", VARIATIONS, uploads=("image",), quality="low")["param"] == "quality"
    assert refusal("gpt-image-2", VARIATIONS, uploads=("image",))["code"] == "unsupported_operation"


def test_multipart_edits_without_a_file_name_the_file_field():
    entry = CATALOG.find("gpt-image-2")
    assert entry is not None
    with pytest.raises(Refusal) as caught:
        check(entry, EDITS, Form({"model": "m", "prompt": "x"}, multipart=True))
    assert caught.value.body["error"]["param"] == "image"


def test_tasks_answer_with_urls_whatever_was_asked():
    assert ask("gpt-image-2", response_format="b64_json").as_base64
    assert not ask("gpt-image-2", response_format="b64_json", **{"async": True}).as_base64
    assert not ask("nano-banana-pro", response_format="b64_json").as_base64
    assert not ask("gpt-image-2").as_task


def test_null_means_not_sent():
    form = read_form("application/json; charset=utf-8", json.dumps({"model": "m", "n": None}).encode())
    assert form.fields == {"model": "m"}


@pytest.mark.parametrize(
    ("content_type", "body", "code"),
    [
        ("application/json", b"{", "invalid_json"),
        ("application/json", b"\xff", "invalid_json"),
        ("application/json", b"[" * 100_000, "invalid_json"),
        ("application/json", b"[]", "invalid_json"),
        ("text/plain", b"", "unsupported_content_type"),
        ("multipart/form-data", b"", "invalid_multipart"),
        ("multipart/form-data; boundary=x", b"not a part", "invalid_multipart"),
    ],
)
def test_unreadable_bodies(content_type: str, body: bytes, code: str):
    with pytest.raises(Refusal) as caught:
        read_form(content_type, body)
    assert caught.value.body["error"]["code"] == code


def test_text_of_a_field_is_empty_when_it_is_none():
    assert Form({"a": 1}).text("a") == ""
    assert Form({}).text("a") == ""


@pytest.mark.parametrize(
    ("model", "route", "form", "param", "code"),
    [
        ("gpt-image-2", EDITS, Form({"image": "x"}, multipart=True), "image", "invalid_type"),
        (
            "gpt-image-2",
            EDITS,
            Form({"mask": "x"}, (Upload("image", "", b""),), multipart=True),
            "mask",
            "invalid_type",
        ),
        ("gpt-image-2", EDITS, Form({}, (Upload("prompt", "", b""),), multipart=True), "prompt", "invalid_type"),
        (
            "nano-banana-2",
            GENERATIONS,
            Form({}, (Upload("image_urls", "", b""),), multipart=True),
            "image_urls",
            "invalid_type",
        ),
        (
            "gpt-image-2",
            EDITS,
            Form({}, tuple(Upload(n, "", b"") for n in ("image", "mask", "mask")), multipart=True),
            "mask",
            "too_many_images",
        ),
        (
            "kling-omni-image",
            GENERATIONS,
            Form({"reference_image_urls": URL}, multipart=True),
            "Content-Type",
            "unsupported_content_type",
        ),
        ("nano-banana-2-lite", GENERATIONS, Form({"mask_url": URL}), "mask_url", "invalid_mask"),
        (
            "flux-pro-1.0-fill",
            GENERATIONS,
            Form({}, (Upload("image", "", b""),), multipart=True),
            "image",
            "unsupported_parameter",
        ),
        ("kling-omni-image", GENERATIONS, Form({"image_urls": [URL]}), "image_urls", "unsupported_parameter"),
    ],
)
def test_parts_of_the_wrong_kind_are_refused(model: str, route: str, form: Form, param: str, code: str):
    entry = CATALOG.find(model)
    assert entry is not None
    whole = Form({"model": model, "prompt": "x", **form.fields}, form.uploads, form.multipart)
    with pytest.raises(Refusal) as caught:
        check(entry, route, whole)
    assert (caught.value.body["error"]["param"], caught.value.body["error"]["code"]) == (param, code)


def test_first_picture_and_the_rest_in_fields_of_their_own():
    asked = ask("kling-omni-image", image_url=URL, reference_image_urls=[URL, URL])
    assert [each.param for each in asked.references] == [
        "image_url",
        "reference_image_urls[0]",
        "reference_image_urls[1]",
    ]
    assert refusal("kling-omni-image", image_url=URL, reference_image_urls=[URL] * 5)["code"] == "too_many_images"
    asked = ask("nano-banana-2", image_url=URL, image_urls=None, reference_image_urls=[URL])
    assert [each.param for each in asked.references] == ["image_url", "reference_image_urls[0]"]
