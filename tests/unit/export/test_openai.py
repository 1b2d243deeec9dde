"""What the calls look like; `tests/integration/test_codes.py` runs them."""

import inspect
import re

import pytest
from openai.resources.images import Images

from tokenlab_nb.contract.model import GENERATIONS
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.openai import KNOWN, openai_of
from tokenlab_nb.settings import SANDBOX_URL

G, E = "/v1/images/generations", "/v1/images/edits"
URL = "https://api.example"
PNG = Source(sha256="a" * 64, media_type="image/png")


def request(endpoint=G, *, values=None, **how):
    return ImageRequest("m", "text-to-image", endpoint, {"prompt": "x", **(values or {})}, **how)


def edit(*sources, field="image", **how):
    return request(E, references=sources, reference_field=field, multipart=True, **how)


@pytest.mark.parametrize("route", KNOWN)
def test_the_client_has_the_methods_and_arguments_that_are_used(route):
    name, known = KNOWN[route]
    assert known <= set(inspect.signature(getattr(Images, name)).parameters)


def test_a_request_is_one_call_of_a_client_that_sends_nothing_twice():
    code = openai_of([request(values={"n": 2})], URL)
    assert code == (
        "import os\n\n"
        "from openai import OpenAI\n\n"
        "# max_retries=0, since the client would by itself send again what may be paid for already.\n"
        "client = OpenAI(\n"
        '    base_url="https://api.example/v1",\n'
        '    api_key=os.environ["TOKENLAB_API_KEY"],\n'
        "    max_retries=0,\n"
        ")\n\n"
        'answer = client.images.generate(model="m", prompt="x", n=2)'
    )


def test_several_requests_share_the_client():
    code = openai_of([request(), ImageRequest("", "adopted", G), edit(PNG)], SANDBOX_URL)
    assert code.count("OpenAI(") == 1
    assert code.count("answer = ") == 2
    assert "# This task was made elsewhere" in code
    assert 'base_url="http://127.0.0.1:8765/v1"' in code
    assert "from pathlib import Path\n" in code


def test_nothing_asked_is_no_code_and_what_is_not_known_is_said():
    assert openai_of([], URL) == ""
    assert openai_of([ImageRequest("", "adopted", G)], URL).startswith("# This task was made elsewhere")


def test_what_the_client_does_not_know_goes_along():
    values = {"seed": 7, "stream": False, "size": None}
    code = openai_of([request(values=values, delivery_policy="verified")], URL)
    assert '    extra_body={"seed": 7, "stream": False, "size": None},\n' in code
    assert '    extra_headers={"X-TokenLab-Delivery-Policy": "verified"},\n' in code


def test_one_file_and_several_and_a_mask():
    assert 'image=Path("reference-1.png"))' in openai_of([edit(PNG)], URL)
    assert 'image=[Path("reference-1.png")])' in openai_of([edit(PNG, field="image[]")], URL)
    webp = Source(sha256="b" * 64, media_type="image/webp")
    code = openai_of([edit(PNG, webp, mask=PNG, mask_field="mask")], URL)
    assert '        ("reference-2.webp", Path("reference-2.webp").read_bytes(), "image/webp"),\n' in code
    assert '    mask=Path("mask.png"),\n' in code


@pytest.mark.parametrize(
    "odd",
    [
        ImageRequest("m", "text-to-image", GENERATIONS, {"n": 2}),
        ImageRequest("m", "other", "/v1/images/others", {"prompt": "x"}),
        request(references=(PNG,), reference_field="image", multipart=True),
        request(E, references=(Source(url="https://host/a.png"),), reference_field="images"),
        request(E, mask=PNG, mask_field="mask", multipart=True),
        edit(PNG, field="picture"),
    ],
)
def test_what_no_method_can_say_is_posted(odd):
    code = openai_of([odd], URL)
    assert re.search(rf'answer = client.post\(\s*"{odd.endpoint.removeprefix("/v1")}"', code)
    assert "from openai.types import ImagesResponse\n" in code
    assert ('"Content-Type": "multipart/form-data"' in code) is odd.multipart
    compile(code, "code", "exec")


def test_values_that_are_no_scalars_are_text_in_a_form():
    code = openai_of([edit(PNG, values={"colours": ["red"], "seed": None, "n": 2})], URL)
    assert """extra_body={"colours": '["red"]', "seed": "null"}""" in code
    assert "n=2" in code


def test_uploads_are_named_by_what_comes_of_them():
    sources = (PNG, Source(file_id="file-1"))
    code = openai_of([request(E, references=sources, reference_field="images", values={"x": {"y": ["FILE"]}})], URL)
    assert "file__1 = client.files.create(\n" in code
    assert '    extra_body={"model": "m"},\n' in code
    assert '[{"file_id": file__1.id}, {"file_id": "file-1"}]' in code


def test_a_signed_address_loses_its_signature():
    source = Source(url="https://host/a\n.png?X-Amz-Signature=secret")
    code = openai_of([request(references=(source,), reference_field="image_url")], URL)
    assert "secret" not in code
    assert "# https://host/a?.png: put the whole address here" in code
