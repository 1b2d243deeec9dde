"""Which field carries the pictures, how many, how large, in which shape."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.unit.contract.models import G, V, model, operation
from tokenlab_nb.contract.model import Operation
from tokenlab_nb.contract.references import MAX_FILE_BYTES, NO_LOCAL_FILES, ReferencePlan, Source, plan, takes
from tokenlab_nb.contract.request import ImageRequest

URL = Source(url="https://example.com/a.png")
OTHER_URL = Source(url="https://example.com/b.png")
FILE = Source(file_id="file-abc123")
PNG = Source(sha256="aa", media_type="image/png", size=1000, width=64, height=64)
JPEG = Source(sha256="bb", media_type="image/jpeg", size=1000, width=64, height=64)
MASK = Source(sha256="cc", media_type="image/png", size=10, width=64, height=64)
MASK_URL = Source(url="https://example.com/mask.png")

SILENT_EDIT = operation("image-edit")
SILENT_I2I = operation("image-to-image")
VARIATION = operation("image-variation")
GROK = operation("image-edit", "prompt", "images", model_id="grok-imagine-image")


def edit(*fields: str, **more: Any) -> Operation:
    return operation("image-edit", "prompt", *fields, **more)


def i2i(*fields: str, **more: Any) -> Operation:
    return operation("image-to-image", "prompt", *fields, endpoint=G, **more)


@pytest.mark.parametrize("parts", [{}, {"url": "x", "file_id": "y"}, {"url": "x", "sha256": "y", "file_id": "z"}])
def test_a_source_is_exactly_one_thing(parts: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="exactly one"):
        Source(**parts)


def test_a_prepared_copy_tells_what_it_is_a_copy_of() -> None:
    copy = replace(PNG, of="original")
    assert [source.picture for source in (copy, PNG, URL)] == ["original", "aa", None]
    assert ("of" in copy.to_json(), "of" in PNG.to_json()) == (True, False)


def test_only_bytes_are_local() -> None:
    assert [source.is_local for source in (URL, FILE, PNG)] == [False, False, True]


@pytest.mark.parametrize(
    ("what", "references", "mask", "expected"),
    [
        # addresses
        (SILENT_I2I, [URL], None, ("image_url", "", False)),
        (SILENT_I2I, [URL, OTHER_URL], None, ("image_urls", "", False)),
        (i2i("reference_image_urls"), [URL], None, ("reference_image_urls", "", False)),
        (i2i("images", "image_urls"), [URL, OTHER_URL], None, ("image_urls", "", False)),
        (SILENT_EDIT, [URL], None, ("image_url", "", False)),
        (SILENT_EDIT, [URL, OTHER_URL], None, ("images", "", False)),
        (edit("images", "image_urls"), [URL], None, ("images", "", False)),
        (edit("image_urls"), [URL], None, ("image_urls", "", False)),
        (SILENT_EDIT, [URL], MASK_URL, ("image_url", "mask", False)),
        (SILENT_I2I, [URL], MASK_URL, ("image_url", "mask_url", False)),
        # uploaded files
        (SILENT_EDIT, [FILE], None, ("images", "", False)),
        (SILENT_EDIT, [FILE, URL], FILE, ("images", "mask", False)),
        # local files
        (SILENT_I2I, [PNG], None, ("image", "", True)),
        (SILENT_EDIT, [PNG, JPEG], None, ("image", "", True)),
        (SILENT_EDIT, [PNG], MASK, ("image", "mask", True)),
        (edit("image", request_shape_mode="json_or_multipart"), [PNG], None, ("image", "", True)),
        (edit("image[]"), [PNG], None, ("image[]", "", True)),
        # local files that are uploaded first
        (edit("images"), [PNG], None, ("images", "", False)),
        (edit("images", request_shape_mode="json_or_multipart"), [PNG], None, ("images", "", False)),
        (SILENT_EDIT, [PNG, URL], None, ("images", "", False)),
        (SILENT_EDIT, [PNG], MASK_URL, ("images", "mask", False)),
        (SILENT_EDIT, [URL], MASK, ("image_url", "mask", False)),
        (VARIATION, [PNG], None, ("image", "", True)),
        # none
        (operation("text-to-image"), [], None, ("", "", False)),
        (operation("upscale", endpoint=V), [PNG], None, ("image", "", True)),
    ],
)
def test_the_field_and_the_shape(
    what: Operation, references: list[Source], mask: Source | None, expected: tuple[str, str, bool]
) -> None:
    assert plan(what, tuple(references), mask) == ReferencePlan(*expected)


@pytest.mark.parametrize(
    ("what", "references", "mask", "field", "message"),
    [
        (operation("text-to-image"), [URL], None, "references", "takes no pictures"),
        (operation("text-to-image"), [], MASK_URL, "mask", "without the picture"),
        (SILENT_EDIT, [], None, "references", "needs a picture"),
        (VARIATION, [], None, "references", "needs a picture"),
        (VARIATION, [PNG, JPEG], None, "references", "takes 1 at most"),
        (VARIATION, [URL], None, "references", "takes local files only"),
        (GROK, [URL] * 4, None, "references", "takes 3 at most"),
        (SILENT_EDIT, [URL] * 17, None, "references", "takes 16 at most"),
        (edit("images"), [URL], MASK_URL, "mask", "takes no mask"),
        (edit("image_url"), [URL, OTHER_URL], None, "references", "takes one picture address a request"),
        (i2i("image_url"), [FILE], None, "references", "no field for uploaded files"),
        (SILENT_I2I, [FILE], None, "references", "no field for uploaded files"),
        (i2i("image_url", "mask_url"), [URL], FILE, "mask", "by public address only"),
        (edit("image", request_shape_mode="json_url"), [PNG], None, "references", "public picture addresses only"),
        (edit("images", request_shape_mode="json_url"), [PNG], None, "references", "public picture addresses only"),
        (edit("image"), [PNG, URL], None, "references", "cannot go in one request"),
        (SILENT_I2I, [PNG, JPEG], None, "references", "one local file"),
        (SILENT_I2I, [PNG], MASK, "mask", "by public address only"),
    ],
)
def test_what_cannot_be_done_says_why_and_what_to_do(
    what: Operation, references: list[Source], mask: Source | None, field: str, message: str
) -> None:
    (issue,) = plan(what, tuple(references), mask).issues
    assert issue.field == field
    assert message in issue.message
    assert issue.remedy
    assert issue.severity == "error"


def test_private_addresses_are_refused_and_named() -> None:
    issues = plan(SILENT_EDIT, (URL, Source(url="http://10.0.0.1/a.png")), Source(url="ftp://x.com/m")).issues
    assert [issue.field for issue in issues] == ["references[1]", "mask"]
    assert "http://10.0.0.1/a.png cannot be used." in issues[0].message


def test_the_api_s_own_pictures_may_be_referred_to_on_a_private_host() -> None:
    own = Source(url="http://127.0.0.1:8765/files/a.png")
    assert plan(SILENT_EDIT, (own,), None, "http://127.0.0.1:8765").issues == ()
    assert plan(SILENT_EDIT, (own,), None).issues


def test_files_are_refused_by_size_and_type() -> None:
    large = Source(sha256="dd", media_type="image/png", size=MAX_FILE_BYTES + 1)
    (issue,) = plan(SILENT_EDIT, (PNG, large), None).issues
    assert (issue.field, issue.message) == ("references[1]", "The file has 50,000,001 bytes; 50,000,000 at most.")
    for media_type, said in (("image/gif", "image/gif"), ("", "of an unknown type")):
        (issue,) = plan(SILENT_EDIT, (Source(sha256="ee", media_type=media_type),), None).issues
        assert said in issue.message
        assert issue.allowed == ("image/png", "image/jpeg", "image/webp")


def test_all_local_files_together_are_refused_by_size() -> None:
    files = [Source(sha256=f"d{place}", media_type="image/png", size=MAX_FILE_BYTES) for place in range(4)]
    assert plan(SILENT_EDIT, tuple(files), None).issues == ()
    more = Source(sha256="ff", media_type="image/png", size=1)
    for issues in (plan(SILENT_EDIT, (*files, more), None).issues, plan(SILENT_EDIT, tuple(files), more).issues):
        assert [(issue.field, issue.message) for issue in issues] == [
            ("references", "The local files have 200,000,001 bytes together; 200,000,000 at most.")
        ]


def test_another_model_is_told_from_one_that_cannot_either() -> None:
    assert {NO_LOCAL_FILES} == {issue.code for issue in plan(i2i("image_url"), (PNG,), None).issues}
    editor, by_url = model({"public_operations": ["image-edit"], "supported_parameters": ["image"]}), i2i("image_url")
    silent = model({"public_operations": ["image-edit"]})
    assert takes(editor, by_url.name, (PNG, JPEG), None)
    assert not takes(editor, "image-variation", (PNG,), None)
    assert not takes(silent, by_url.name, (PNG,), None)  # it may, but nobody says so
    assert not takes(editor, by_url.name, (PNG, URL), None)


def test_a_mask_is_a_png_of_the_picture_s_size() -> None:
    jpeg = Source(sha256="ff", media_type="image/jpeg", width=64, height=64)
    (issue,) = plan(SILENT_EDIT, (PNG,), jpeg).issues
    assert issue.message == "The mask is image/jpeg; it must be a PNG."
    small = Source(sha256="ff", media_type="image/png", width=32, height=64)
    (issue,) = plan(SILENT_EDIT, (PNG,), small).issues
    assert (issue.message, issue.remedy) == (
        "The mask has 32x64 pixels, the picture 64x64.",
        "Make the mask 64x64.",
    )
    untyped = plan(SILENT_EDIT, (PNG,), Source(sha256="ff", width=64, height=64)).issues
    assert [issue.message for issue in untyped] == [
        "The file is of an unknown type.",
        "The mask is of an unknown type; it must be a PNG.",
    ]


def test_a_source_shows_its_address_without_what_opens_it():
    signed = Source(url="https://a.example/fox.png?X-Amz-Signature=SECRET")
    assert repr(signed) == "Source(url='https://a.example/fox.png')"
    assert repr(Source(file_id="file-1", width=64)) == "Source(file_id='file-1', width=64)"
    assert "SECRET" not in repr(ImageRequest("m", "image-edit", "/v1/images/edits", references=(signed,), mask=signed))


@pytest.mark.parametrize("name", ["url", "file_id", "sha256"])
def test_an_empty_source_is_none(name):
    with pytest.raises(ValueError, match="exactly one"):
        Source(**{name: ""})
