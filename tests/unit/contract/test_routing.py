"""Routing as data: a model's JSON and what is handed in -> the call that is sent, or why none is.

Each row goes the whole way: `parse`, `build`, `wire.create`. Contracts are those of the sandbox's catalogue, or small
ones that list just what a row is about.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import httpx
import jsonschema
import pytest

from tests.recorded import openapi
from tests.unit.contract.models import E, G, V
from tokenlab_nb.api import wire
from tokenlab_nb.contract.model import Issue, Model
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import build
from tokenlab_nb.sandbox.app import create_app

A, B, C = (Source(url=f"https://example.com/{name}.png") for name in "abc")
COMMA = Source(url="https://example.com/w_100,h_100/a.png")
P = Source(sha256="p", media_type="image/png", size=10, width=8, height=8)
J = Source(sha256="j", media_type="image/jpeg", size=10, width=8, height=8)
W = Source(sha256="w", media_type="image/webp", size=10, width=8, height=8)
M = Source(sha256="m", media_type="image/png", size=10, width=8, height=8)
AT = Source(url="https://example.com/mask.png")
F = Source(file_id="file-1")
BIG = Source(sha256="big", media_type="image/png", size=50_000_001)
MANY = tuple(Source(sha256=f"x{place}", media_type="image/png", size=50_000_000) for place in range(5))

FILES = {"p": b"png", "j": b"jpeg", "w": b"webp", "m": b"mask"}
IDS = {sha256: f"file-{sha256}" for sha256 in FILES}


# ------------------------------------------------------------------------------------------------ contracts


@pytest.fixture(scope="module")
def catalogue() -> dict[str, Model]:
    """The sandbox's models, as its detail route answers."""

    async def read() -> list[Any]:
        app = create_app(base_url="https://sandbox.example.com")
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="https://x.example.com") as http:
            names = [row["id"] for row in (await http.get("/v1/models?category=image")).json()["data"]]
            return [(await http.get(f"/v1/models/{name}")).json() for name in names]

    return {body["id"]: parse(body) for body in anyio.run(read)}


def small(operation: str, endpoint: str, *fields: str, mode: str | None = None) -> Model:
    body = {
        "public_operations": [operation],
        "supported_parameters": ["prompt", *fields],
        "request_endpoint_by_operation": {operation: endpoint},
        "request_shape_mode": mode,
    }
    return parse({"id": "m", "tokenlab": {"category": "image", "request_format_details": body}})


def i2i(*fields: str, mode: str | None = None) -> Model:
    return small("image-to-image", G, *fields, mode=mode)


def edit(*fields: str, mode: str | None = None) -> Model:
    return small("image-edit", E, *fields, mode=mode)


SILENT_EDIT = parse({"id": "m", "tokenlab": {"category": "image", "supported_operations": ["image-edit"]}})
VARY = parse({"id": "m", "tokenlab": {"category": "image", "request_format_details": {"request_endpoint": V}}})

# ------------------------------------------------------------------------------------------------ calls

Row = tuple[Model | str, str, Sequence[Source], Source | None, Any]


def at(source: Source) -> dict[str, str]:
    return {"image_url": str(source.url)}


def up(name: str) -> dict[str, str]:
    return {"file_id": name if name.startswith("file") else f"file-{name}"}


def json(path: str, **fields: Any) -> tuple[str, str, dict[str, Any]]:
    return "json", path, fields


def form(path: str, *files: str, **fields: str) -> tuple[str, str, tuple[str, ...], dict[str, str]]:
    return "form", path, files, fields


CALLS: dict[str, Row] = {
    # one field on generations
    "one address": (i2i("image_url"), "image-to-image", [A], None, json(G, image_url=A.url)),
    "one address in a list": (i2i("image_urls"), "image-to-image", [A], None, json(G, image_urls=[A.url])),
    "one address, both listed": (i2i("image_url", "image_urls"), "image-to-image", [A], None, json(G, image_url=A.url)),
    "several addresses": (
        i2i("image_url", "image_urls", "reference_image_urls"), "image-to-image", [B, A],
        None, json(G, image_urls=[B.url, A.url])),
    "the alias alone": (
        i2i("reference_image_urls"), "image-to-image", [A, B], None, json(G, reference_image_urls=[A.url, B.url])),
    "one in the alias": (i2i("reference_image_urls"), "image-to-image", [A], None,
                         json(G, reference_image_urls=[A.url])),
    # two fields on generations
    "the first apart": (
        i2i("image_url", "reference_image_urls"), "image-to-image", [A, B, C],
        None, json(G, image_url=A.url, reference_image_urls=[B.url, C.url])),
    "the first apart, and no other": (
        i2i("image_url", "reference_image_urls"), "image-to-image", [A], None, json(G, image_url=A.url)),
    "sixteen, the first apart": (
        i2i("image_url", "reference_image_urls"), "image-to-image", [A, *[B] * 15],
        None, json(G, image_url=A.url, reference_image_urls=[B.url] * 15)),
    # generations as a form
    "one file": (i2i("image", "image_url"), "image-to-image", [P], None, form(G, "image p")),
    "a file and addresses": (
        i2i("image", "image_urls"), "image-to-image", [P, A, B],
        None, form(G, "image p", image_urls=f"{A.url},{B.url}")),
    "a file and the alias": (
        i2i("image", "image_url", "reference_image_urls"), "image-to-image", [J, A],
        None, form(G, "image j", reference_image_urls=A.url)),
    "only addresses in a form": (
        i2i("image", "image_urls", mode="multipart"), "image-to-image", [A, B],
        None, form(G, image_urls=f"{A.url},{B.url}")),
    "one address in a form": (
        i2i("image", "reference_image_urls", mode="multipart_form"), "image-to-image", [A],
        None, form(G, reference_image_urls=A.url)),
    "a comma in JSON": (
        i2i("image_urls"), "image-to-image", [A, COMMA], None, json(G, image_urls=[A.url, COMMA.url])),
    # masks on generations
    "mask_url": (i2i("image_url", "mask_url"), "image-to-image", [A], AT, json(G, image_url=A.url, mask_url=AT.url)),
    "mask_url in a form": (
        i2i("image", "image_url", "mask_url"), "image-to-image", [P], AT, form(G, "image p", mask_url=AT.url)),
    # edits as a form
    "one file to edit": (edit("image"), "image-edit", [P], None, form(E, "image p")),
    "several files to edit": (edit("image"), "image-edit", [J, P, W], None,
                              form(E, "image j", "image p", "image w")),
    "image[]": (edit("image[]"), "image-edit", [P, J], None, form(E, "image[] p", "image[] j")),
    "image, where both are listed": (edit("image", "image[]"), "image-edit", [P, J], None,
                                     form(E, "image p", "image j")),
    "a mask file": (edit("image", "mask"), "image-edit", [P], M, form(E, "image p", "mask m")),
    "two files and a mask": (SILENT_EDIT, "image-edit", [P, J], M, form(E, "image p", "image j", "mask m")),
    # edits as JSON
    "one address to edit": (edit("image_url", "images"), "image-edit", [A], None, json(E, image_url=A.url)),
    "images by address": (edit("image_url", "images"), "image-edit", [A, B], None, json(E, images=[at(A), at(B)])),
    "image_urls on edits": (edit("image_urls"), "image-edit", [A, B], None, json(E, image_urls=[A.url, B.url])),
    "images by id": (edit("images"), "image-edit", [F], None, json(E, images=[up("file-1")])),
    "ids and addresses": (edit("images"), "image-edit", [A, F], None, json(E, images=[at(A), up("file-1")])),
    "a mask by address": (
        edit("images", "mask"), "image-edit", [A], AT, json(E, images=[at(A)], mask=at(AT))),
    "a mask by id": (edit("images", "mask"), "image-edit", [F], F, json(E, images=[up("file-1")], mask=up("file-1"))),
    "mask_url on edits": (edit("image_url", "mask_url"), "image-edit", [A], AT,
                          json(E, image_url=A.url, mask_url=AT.url)),
    "mask before mask_url on edits": (edit("image_url", "mask", "mask_url"), "image-edit", [A], AT,
                                      json(E, image_url=A.url, mask=at(AT))),
    # uploads
    "files are uploaded for JSON only": (edit("images", mode="json"), "image-edit", [P, J], None,
                                         json(E, images=[up("p"), up("j")])),
    "and their mask": (edit("images", "mask", mode="json"), "image-edit", [P], M,
                       json(E, images=[up("p")], mask=up("m"))),
    "files among addresses": (SILENT_EDIT, "image-edit", [A, P, B], None, json(E, images=[at(A), up("p"), at(B)])),
    "files among ids": (SILENT_EDIT, "image-edit", [P, F], None, json(E, images=[up("p"), up("file-1")])),
    "a local mask on an address": (SILENT_EDIT, "image-edit", [A], M, json(E, image_url=A.url, mask=up("m"))),
    "a mask by address on a file": (SILENT_EDIT, "image-edit", [P], AT, json(E, images=[up("p")], mask=at(AT))),
    "a mask by id on a file": (SILENT_EDIT, "image-edit", [P], F, json(E, images=[up("p")], mask=up("file-1"))),
    "mask_url on a file": (edit("images", "mask_url"), "image-edit", [P], AT,
                           json(E, images=[up("p")], mask_url=AT.url)),
    "images in a form's words": (edit("images", mode="json_or_multipart"), "image-edit", [P], None,
                                 json(E, images=[up("p")])),
    # variations
    "a variation": (VARY, "image-variation", [P], None, form(V, "image p")),
    # the sandbox's models
    "gpt-image-2, files": ("gpt-image-2", "image-edit", [P, J], M, form(E, "image p", "image j", "mask m")),
    "gpt-image-2, address": ("gpt-image-2", "image-edit", [A], None, json(E, image_url=A.url)),
    "gpt-image-2, mixed": ("gpt-image-2", "image-edit", [P, A], None, json(E, images=[up("p"), at(A)])),
    "gpt-image-2, text": ("gpt-image-2", "text-to-image", [], None, json(G)),
    "nano-banana-2, addresses": (
        "nano-banana-2", "image-to-image", [A, B],
        None, json(G, operation="image-to-image", image_urls=[A.url, B.url])),
    "nano-banana-2, mixed": (
        "nano-banana-2", "image-to-image", [P, A],
        None, form(G, "image p", operation="image-to-image", image_urls=A.url)),
    "nano-banana-pro, file": ("nano-banana-pro", "image-to-image", [P], None,
                              form(G, "image p", operation="image-to-image")),
    "nano-banana-edit, address": ("nano-banana-edit", "image-to-image", [A], None,
                                  json(G, operation="image-to-image", image_url=A.url)),
    "seedream-5.0, addresses": (
        "seedream-5.0", "image-to-image", [A, B],
        None, json(G, operation="image-to-image", image_urls=[A.url, B.url])),
    "grok-imagine-image, three": ("grok-imagine-image", "image-edit", [A, B, C], None,
                                  json(E, images=[at(A), at(B), at(C)])),
    "flux-2-pro, files": ("flux-2-pro", "image-edit", [P, W], None, form(E, "image p", "image w")),
    "flux-kontext-pro, id": ("flux-kontext-pro", "image-edit", [F], None, json(E, images=[up("file-1")])),
    "ideogram-edit-v3, mask": ("ideogram-edit-v3", "image-edit", [P], M, form(E, "image p", "mask m")),
    "flux-pro-1.0-fill": ("flux-pro-1.0-fill", "image-edit", [A], AT,
                          json(G, operation="image-edit", image_url=A.url, mask_url=AT.url)),
    "kling-omni-image, three": (
        "kling-omni-image", "image-to-image", [A, B, C], None,
        json(G, operation="image-to-image", image_url=A.url, reference_image_urls=[B.url, C.url])),
    "qwen-image-edit, file": ("qwen-image-edit", "image-edit", [P], None, json(E, images=[up("p")])),
    "qwen-image-edit, mask": ("qwen-image-edit", "image-edit", [P], M, json(E, images=[up("p")], mask=up("m"))),
    "qwen-image-edit, address": ("qwen-image-edit", "image-edit", [A], None, json(E, images=[at(A)])),
    "image-background-remover": ("image-background-remover", "image-edit", [P], None, form(E, "image p")),
    "dall-e-2, edit": ("dall-e-2", "image-edit", [P], M, form(E, "image p", "mask m")),
    "dall-e-2, variation": ("dall-e-2", "image-variation", [P], None, form(V, "image p")),
}  # fmt: skip

REFUSED: dict[str, Row] = {
    # files for addresses only
    "a file for image_url": (i2i("image_url"), "image-to-image", [P], None, "no local files"),
    "a file for a URL mode": (i2i("image", "image_url", mode="json_url"), "image-to-image", [P], None,
                              "no local files"),
    "a file for JSON on generations": (i2i("image", "image_urls", mode="json"), "image-to-image", [P], None,
                                       "no local files"),
    "a file for images by address": (edit("images", mode="json_url"), "image-edit", [P], None, "no local files"),
    "a file for edits by image_url": (edit("image_url", mode="json"), "image-edit", [P], None, "no local files"),
    # addresses for files only
    "an address for a variation": (VARY, "image-variation", [A], None, "takes local files only"),
    "an address for a form": (edit("image", mode="multipart"), "image-edit", [A], None, "takes local files only"),
    "an address for a form with images": (edit("image", "images", mode="multipart"), "image-edit", [A], None,
                                          "takes local files only"),
    "an address for image": (i2i("image"), "image-to-image", [A], None, "takes local files only"),
    # mixing
    "two files on generations": (i2i("image", "image_urls"), "image-to-image", [P, J], None,
                                 "takes one local file a request. Put the others at public addresses"),
    "two files and nowhere to go": (i2i("image"), "image-to-image", [P, J], None,
                                    "takes one local file a request. Use one"),
    "a file that is not the first": (i2i("image", "image_urls"), "image-to-image", [A, P], None,
                                     "must be the first picture here, before all addresses. Move it to the front"),
    "a file beside image_url": (i2i("image", "image_url"), "image-to-image", [P, A], None,
                                "cannot go in one request of this model. Hand in one of them alone."),
    "a file beside images on generations": (i2i("image", "images"), "image-to-image", [P, A], None,
                                            "Hand in all of them by address."),
    "a file and an address for a form": (edit("image"), "image-edit", [P, A], None, "Hand in all of them as files."),
    "a file and an address, without images": (edit("image", "image_urls"), "image-edit", [P, A], None,
                                              "Hand in all of them as files, or all of them by address."),
    "a comma": (i2i("image", "image_urls"), "image-to-image", [P, COMMA], None,
                "references[1]: The address holds a comma"),
    "a comma in front": (i2i("image_urls", mode="multipart"), "image-to-image", [COMMA, A], None,
                         "references[0]: The address holds a comma"),
    # ids
    "an id on generations": (i2i("image_url", "images"), "image-to-image", [F], None, "no field for uploaded files"),
    "an id behind a file": (i2i("image", "image_urls"), "image-to-image", [P, F], None, "no field for uploaded files"),
    "an id without images": (edit("image", "image_url"), "image-edit", [F], None, "no field for uploaded files"),
    "an id for a variation": (VARY, "image-variation", [F], None, "no field for uploaded files"),
    # how many
    "seventeen": (SILENT_EDIT, "image-edit", [A] * 17, None, "17 pictures were given; image-edit of this"),
    "two for image_url": (i2i("image_url"), "image-to-image", [A, B], None, "takes one picture address a request"),
    "two addresses, but files are taken": (edit("image", "image_url"), "image-edit", [A, B], None,
                                           "Use one, or hand in local files."),
    "two variations": (VARY, "image-variation", [P, J], None, "takes 1 at most"),
    "none to edit": (SILENT_EDIT, "image-edit", [], None, "needs a picture to start from"),
    "pictures for text-to-image": ("gpt-image-2", "text-to-image", [A], None, "takes no pictures"),
    "four for grok": ("grok-imagine-image", "image-edit", [A, B, C, A], None, "4 pictures were given"),
    # how large
    "a file of 50 MB and one byte": (SILENT_EDIT, "image-edit", [P, BIG], None,
                                     "references[1]: The file has 50,000,001 bytes"),
    "250 MB": (SILENT_EDIT, "image-edit", MANY, None, "The local files have 250,000,000 bytes together"),
    "200 MB and a mask": (edit("image", "mask"), "image-edit", MANY[:4], M, "200,000,010 bytes together"),
    # masks
    "a mask where none is taken": (edit("image"), "image-edit", [P], M, "mask: image-edit of this model takes no mask"),
    "a mask for a variation": (small("image-variation", V, "image", "mask"), "image-variation", [P], M,
                               "mask: image-variation of this model takes no mask"),
    "a mask without a picture": ("gpt-image-2", "image-edit", [], M, "needs a picture to start from"),
    "a mask for text-to-image": (small("text-to-image", G, "mask_url"), "text-to-image", [], AT,
                                 "mask: A mask was given without the picture"),
    "a local mask for mask_url": (i2i("image_url", "mask_url"), "image-to-image", [A], M,
                                  "mask: This model takes a mask by public address only"),
    "a local mask for mask_url on a file": (i2i("image", "mask_url"), "image-to-image", [P], M,
                                            "mask: This model takes a mask by public address only"),
    "a local mask for mask_url on edits": (edit("image", "mask_url"), "image-edit", [P], M,
                                           "mask: This model takes a mask by public address only"),
    "a local mask where addresses are taken": (edit("images", "mask", mode="json_url"), "image-edit", [A], M,
                                               "mask: This model takes a mask by public address only"),
    "an id as mask_url": (i2i("image_url", "mask_url"), "image-to-image", [A], F,
                          "mask: This model takes a mask by public address only"),
    "a mask by address for a form": (edit("image", "mask"), "image-edit", [P], AT,
                                     "mask: Where the pictures are local files, the mask of this model must be one"),
    # the sandbox's models
    "ideogram-reframe-v3, file": ("ideogram-reframe-v3", "image-to-image", [P], None, "no local files"),
    "ideogram-reframe-v3, two": ("ideogram-reframe-v3", "image-to-image", [A, B], None, "takes one picture address"),
    "dall-e-2, address": ("dall-e-2", "image-edit", [A], None, "takes local files only"),
    "seedream-5.0, mask": ("seedream-5.0", "image-to-image", [P], M, "mask: image-to-image of this model takes"),
    "nano-banana-2, order": ("nano-banana-2", "image-to-image", [A, P], None, "must be the first picture"),
}  # fmt: skip

SET = {"prompt": "A fox."}


def asked(row: Row, catalogue: dict[str, Model]) -> tuple[wire.Call | None, tuple[Issue, ...]]:
    which, operation, references, mask, _ = row
    found = catalogue[which] if isinstance(which, str) else which
    values: dict[str, Any] = {} if operation == "image-variation" else dict(SET)
    values |= {"aspect_ratio": "1:1"} if which == "ideogram-reframe-v3" else {}
    request, issues = build(found, operation, values, references=tuple(references), mask=mask)
    if request is None:
        return None, issues
    files = FILES if request.multipart else {}
    return wire.create(request, files, {source.sha256: IDS[source.sha256] for source in request.uploads}), issues


@pytest.mark.parametrize("name", CALLS)
def test_a_contract_and_what_is_handed_in_make_this_call(name: str, catalogue: dict[str, Model]) -> None:
    row = CALLS[name]
    which, *_, (kind, path, *expected) = row
    call, issues = asked(row, catalogue)
    assert call is not None, issues
    assert (call.method, call.path) == ("POST", path)
    usual = {"model": which if isinstance(which, str) else "m", **({} if path == V else SET)}
    if kind == "json":
        assert call.body == {**usual, **expected[0]}
        assert (call.form, call.files) == ((), ())
    else:
        files, fields = expected
        assert call.body is None
        assert dict(call.form) == {**usual, **fields}
        assert len(call.form) == len(dict(call.form))
        assert [
            f"{part.name} {sha256}" for part in call.files for sha256, data in FILES.items() if data is part.data
        ] == list(files)


@pytest.mark.parametrize("name", [name for name, row in CALLS.items() if row[-1][0] == "json"])
def test_each_json_call_keeps_to_the_vendor_s_schema(name: str, catalogue: dict[str, Model]) -> None:
    call, _ = asked(CALLS[name], catalogue)
    assert call is not None
    schema = openapi()["paths"][call.path]["post"]["requestBody"]["content"]["application/json"]["schema"]
    if call.path == G:
        schema = openapi()["components"]["schemas"]["ImageGenerationRequest"]
    jsonschema.validate(call.body, schema)


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_sent_is_refused_once_and_says_what_to_do(name: str, catalogue: dict[str, Model]) -> None:
    row = REFUSED[name]
    call, issues = asked(row, catalogue)
    assert call is None
    (issue,) = [issue for issue in issues if issue.severity == "error"]
    field, _, phrase = row[-1].rpartition(": ")
    assert issue.field == (field or "references")
    assert phrase in f"{issue.message} {issue.remedy}"
    assert issue.remedy


def test_every_image_model_of_the_sandbox_that_starts_from_pictures_is_in_the_table(
    catalogue: dict[str, Model],
) -> None:
    start = {name for name, model in catalogue.items() if set(model.contract.operations) - {"text-to-image"}}
    named = {row[0] for row in (*CALLS.values(), *REFUSED.values()) if isinstance(row[0], str)}
    assert start - named == {"image-upscaler"}  # as nano-banana-edit, but for a resolution that it requires
