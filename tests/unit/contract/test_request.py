"""Checked values -> `ImageRequest`: a value that is the same on every machine."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

from tests.unit.contract.models import E, G, V, contract, model
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest, build, with_task

PNG = Source(sha256="aa", media_type="image/png", size=10, width=8, height=8)
MASK = Source(sha256="bb", media_type="image/png", size=10, width=8, height=8)
FULL = ImageRequest(
    model="m",
    operation="image-edit",
    endpoint=E,
    values={"prompt": "A fox.", "n": 2, "async": True, "tempo": [1, {"a": None}]},
    references=(PNG, Source(url="https://example.com/a.png"), Source(file_id="file-1")),
    reference_field="images",
    mask=MASK,
    mask_field="mask",
    multipart=True,
    delivery_policy="official",
)


def built(found: Model, operation: str = "text-to-image", **more: Any) -> ImageRequest:
    references, mask = more.pop("references", ()), more.pop("mask", None)
    request, issues = build(found, operation, {"prompt": "A fox.", **more}, references=references, mask=mask)
    assert request is not None, issues
    return request


def test_a_request_survives_json() -> None:
    record = json.loads(json.dumps(FULL.to_json()))
    assert record == FULL.to_json()
    again = ImageRequest.from_json(record)
    assert (again, again.hash, hash(again)) == (FULL, FULL.hash, hash(FULL))
    bare = ImageRequest("m", "text-to-image", G)
    assert ImageRequest.from_json(json.loads(json.dumps(bare.to_json()))) == bare


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"model": "m"},
        {**FULL.to_json(), "new": 1},
        {**FULL.to_json(), "references": "x"},
        {**FULL.to_json(), "references": [{"path": "x"}]},
        {**FULL.to_json(), "references": ["x"]},
    ],
)
def test_a_record_that_is_not_ours_is_refused(record: dict[str, Any]) -> None:
    with pytest.raises(TypeError):
        ImageRequest.from_json(record)


def test_a_record_with_an_impossible_picture_is_refused() -> None:
    with pytest.raises(ValueError, match="exactly one"):
        ImageRequest.from_json({**FULL.to_json(), "references": [{}]})


def test_the_hash_is_the_same_in_another_process_whatever_its_seed() -> None:
    code = (
        "import json, sys; from tokenlab_nb.contract.request import ImageRequest; "
        "print(ImageRequest.from_json(json.loads(sys.argv[1])).hash)"
    )
    for seed in ("1", "2"):
        done = subprocess.run(
            [sys.executable, "-c", code, json.dumps(FULL.to_json())],
            env={"PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == FULL.hash


def test_equal_means_equal_json() -> None:
    one = ImageRequest("m", "text-to-image", G, {"prompt": "x", "n": 1})
    same = ImageRequest("m", "text-to-image", G, {"n": 1, "prompt": "x"})
    assert one == same
    assert len({one, same}) == 1
    for other in (
        ImageRequest("m", "text-to-image", G, {"prompt": "x", "n": True}),
        ImageRequest("m", "text-to-image", G, {"prompt": "x", "n": 2}),
        ImageRequest("m2", "text-to-image", G, {"prompt": "x", "n": 1}),
        ImageRequest("m", "text-to-image", G, {"prompt": "x", "n": 1}, delivery_policy="auto"),
        one.to_json(),
    ):
        assert one != other


def test_what_the_caller_does_to_its_lists_later_changes_nothing() -> None:
    colours = ["red"]
    request = ImageRequest("m", "text-to-image", G, {"colours": colours, "pair": (1, 2)})  # type: ignore[dict-item]
    before = request.hash
    colours.append("blue")
    assert request.values == {"colours": ["red"], "pair": [1, 2]}
    assert request.hash == before


def test_the_short_answers() -> None:
    assert (FULL.prompt, FULL.count) == ("A fox.", 2)
    assert FULL.sources == (*FULL.references, MASK)
    bare = ImageRequest("m", "image-variation", V, references=(PNG,))
    assert (bare.prompt, bare.count, bare.sources) == ("", 1, (PNG,))
    assert ImageRequest("m", "x", G, {"n": -3}).count == 1


# ------------------------------------------------------------------------------------------------ build


def test_only_what_was_set_is_sent_and_the_policy_goes_aside() -> None:
    request = built(model(contract()), aspect_ratio="1:1", delivery_policy="verified")
    assert request.values == {"prompt": "A fox.", "aspect_ratio": "1:1"}
    assert (request.endpoint, request.multipart, request.delivery_policy) == (G, False, "verified")


@pytest.mark.parametrize("policy", ["fast", "", 3])
def test_an_unknown_policy_is_refused(policy: Any) -> None:
    request, issues = build(model({}), "text-to-image", {"prompt": "x", "delivery_policy": policy})
    assert request is None
    assert [(issue.field, issue.allowed) for issue in issues] == [("delivery_policy", ("auto", "verified", "official"))]


@pytest.mark.parametrize(
    ("body", "operation", "sent"),
    [
        ({"supported_parameters": ["prompt", "operation"]}, "text-to-image", True),
        ({"supported_parameters": ["prompt"]}, "text-to-image", False),
        (None, "text-to-image", False),
        ({"required_selectors": ["operation"]}, "text-to-image", True),
        ({"public_operations": ["image-to-image"]}, "image-to-image", True),
        ({"public_operations": ["image-edit"]}, "image-edit", False),
        ({"public_operations": ["image-variation"], "supported_parameters": ["operation"]}, "image-variation", False),
    ],
)
def test_the_operation_is_named_where_the_contract_lists_it_or_it_is_needed(
    body: object, operation: str, sent: bool
) -> None:
    found = model(body)
    references = () if operation == "text-to-image" else (PNG,)
    values = {} if operation == "image-variation" else {"prompt": "x"}
    request, issues = build(found, operation, values, references=references)
    assert request is not None, issues
    assert ("operation" in request.values) == sent


def test_an_earlier_request_s_values_can_be_used_again() -> None:
    found = model({"supported_parameters": ["prompt", "operation", "n"]})
    first = built(found, n=2)
    assert first.values["operation"] == "text-to-image"
    again, _ = build(found, first.operation, first.values)
    assert again == first


@pytest.mark.parametrize("name", ["model", "image_url", "operation"])
def test_a_value_cannot_slip_another_model_picture_or_operation_in(name: str) -> None:
    request, issues = build(model({}), "text-to-image", {"prompt": "x", name: "https://10.0.0.1/"})
    assert request is None
    assert [issue.field for issue in issues] == [name]


def test_pictures_decide_field_and_shape() -> None:
    found = model({"public_operations": ["image-edit"]})
    request = built(found, "image-edit", references=(PNG,), mask=MASK)
    assert (request.endpoint, request.reference_field, request.mask_field, request.multipart) == (
        E,
        "image",
        "mask",
        True,
    )
    assert request.sources == (PNG, MASK)
    variation = model({"public_operations": ["image-variation"]})
    request, _ = build(variation, "image-variation", {"n": 2}, references=(PNG,))
    assert request is not None
    assert (request.endpoint, request.reference_field, request.multipart) == (V, "image", True)


def test_what_has_to_be_uploaded_first_is_told_once_each() -> None:
    found = model({"public_operations": ["image-edit"], "supported_parameters": ["images", "mask"]})
    request = built(found, "image-edit", references=(PNG, PNG, Source(file_id="file-1")), mask=MASK)
    assert request.uploads == (PNG, MASK)
    assert built(found, "image-edit", references=(Source(url="https://example.com/a.png"),)).uploads == ()
    form = built(model({"public_operations": ["image-edit"]}), "image-edit", references=(PNG,), mask=MASK)
    assert (form.multipart, form.uploads) == (True, ())


def test_the_rest_field_is_kept_and_an_empty_one_leaves_no_trace() -> None:
    found = model({"public_operations": ["image-to-image"], "supported_parameters": ["image", "image_urls"]})
    request = built(found, "image-to-image", references=(PNG, Source(url="https://example.com/a.png")))
    assert (request.reference_field, request.rest_field, request.multipart) == ("image", "image_urls", True)
    assert ImageRequest.from_json(request.to_json()) == request
    assert "rest_field" not in built(found, "image-to-image", references=(PNG,)).to_json()


def test_values_pictures_and_life_are_refused_together() -> None:
    found = parse({"id": "m", "tokenlab": {"supported_operations": ["image-edit"], "lifecycle": {"stage": "retired"}}})
    request, issues = build(found, "image-edit", {"n": 0})
    assert request is None
    assert [issue.field for issue in issues] == ["model", "prompt", "n", "references"]
    request, issues = build(found, "text-to-image", {})
    assert (request, [issue.field for issue in issues]) == (None, ["operation"])


def test_a_warning_is_told_and_sent_all_the_same() -> None:
    found = parse({"id": "m", "tokenlab": {"category": "image", "lifecycle": {"stage": "deprecated"}}})
    request, issues = build(found, "text-to-image", {"prompt": "x"})
    assert request is not None
    assert [issue.severity for issue in issues] == ["warning"]


@pytest.mark.parametrize(
    ("body", "operation", "values", "prefer", "is_added"),
    [
        (contract(), "text-to-image", {}, True, False),  # it does not list async
        ({"supported_parameters": ["prompt", "async"]}, "text-to-image", {}, True, True),
        ({"supported_parameters": ["prompt", "async"]}, "text-to-image", {}, False, False),
        ({"supported_parameters": ["prompt", "async"]}, "text-to-image", {"async": False}, True, False),
        ({"supported_parameters": ["prompt", "async"]}, "text-to-image", {"response_format": "b64_json"}, True, False),
        ({"supported_parameters": ["prompt", "async"]}, "text-to-image", {"response_format": "url"}, True, True),
        ({"supported_parameters": ["prompt", "async"]}, "dance", {}, True, False),
        (None, "text-to-image", {}, True, False),  # documented, but not confirmed by this model
    ],
)
def test_a_task_is_preferred_where_it_is_listed_and_nothing_speaks_against_it(
    body: Any, operation: str, values: dict[str, Any], prefer: bool, is_added: bool
) -> None:
    body = body and {"public_operations": ["text-to-image"], **body}
    found = with_task(model(body), operation, values, prefer=prefer)
    assert found == ({**values, "async": True} if is_added else values)


def test_settings_make_the_same_request_again() -> None:
    body = {"public_operations": ["image-to-image"], "supported_parameters": ["prompt", "operation", "image_urls"]}
    picture = (Source(url="https://example.com/fox.png"),)
    values = {"prompt": "A fox", "delivery_policy": "verified"}
    request, _ = build(model(body), "image-to-image", values, references=picture)
    assert request
    assert request.values["operation"] == "image-to-image"
    assert request.settings == values
    again, _ = build(model(body), "image-to-image", request.settings, references=picture)
    assert again == request
    assert ImageRequest("m", "text-to-image", "/v1", {"operation": "another"}).settings == {"operation": "another"}
