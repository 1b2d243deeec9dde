"""What the commands look like; `tests/integration/test_codes.py` runs them."""

import re
import shlex

import pytest

from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.curl import curl_of
from tokenlab_nb.settings import SANDBOX_URL

G, E = "/v1/images/generations", "/v1/images/edits"
URL = "https://api.example"


def text_request(endpoint=G, **values):
    return ImageRequest("some-model", "text-to-image", endpoint, values)


def edit(*sources, multipart=True, field="image", **more):
    how = {"references": sources, "reference_field": field, "multipart": multipart}
    return ImageRequest("m", "image-edit", E, {"prompt": "x"}, **how, **more)


def test_a_request_is_one_command():
    assert curl_of([text_request(prompt="It's a fox\n\u202e!", n=2)], URL) == (
        "curl https://api.example/v1/images/generations \\\n"
        '  --header "Authorization: Bearer $TOKENLAB_API_KEY" \\\n'
        "  --header 'Content-Type: application/json' \\\n"
        "  --data-raw '{\n"
        '  "model": "some-model",\n'
        '  "prompt": "It\'\\\'\'s a fox\\n\\u202e!",\n'
        '  "n": 2\n'
        "}'"
    )


def test_several_requests_stand_one_below_the_other():
    code = curl_of([text_request(prompt="a"), text_request(prompt="b")], URL)
    assert len(re.findall(r"(?m)^curl ", code)) == 2
    assert "}'\n\ncurl" in code


def test_nothing_asked_is_no_code_and_what_is_not_known_is_said():
    assert curl_of([], URL) == ""
    adopted = curl_of([ImageRequest("", "adopted", G)], SANDBOX_URL)
    assert adopted == "# This task was made elsewhere: what it was asked for is not known here."


def test_a_sandbox_without_an_address_is_told_of():
    code = curl_of([text_request(prompt="x")], SANDBOX_URL)
    assert code.startswith("# The sandbox of this session")
    assert "tokenlab-nb sandbox --port 8765\ncurl http://127.0.0.1:8765/v1/" in code


def test_only_a_task_is_asked_for():
    ask = f'# curl {URL}/v1/tasks/"$TASK_ID" --header "Authorization: Bearer $TOKENLAB_API_KEY"'
    assert curl_of([text_request(prompt="x", **{"async": True})], URL).endswith(ask)
    assert "tasks" not in curl_of([text_request(prompt="x", **{"async": False})], URL)


def test_a_delivery_policy_is_a_header():
    request = ImageRequest("m", "text-to-image", G, {"prompt": "x"}, delivery_policy="it's\nverified")
    assert "--header 'X-TokenLab-Delivery-Policy: it'\\''s verified'" in curl_of([request], URL)


def test_addresses_are_none_that_curl_would_multiply():
    assert curl_of([text_request()], "http://[::1]:8765").startswith("curl --globoff 'http://[::1]:8765/v1/")
    assert "--globoff" not in curl_of([text_request()], URL)


def test_a_form_spells_out_what_cannot_be_seen():
    request = edit(Source(sha256="a" * 64, media_type="image/png"))
    request.values["prompt"] = "a\x1bb\n\x00\ud83d"
    code = curl_of([request], URL)
    assert "--form-string 'prompt=a'\"$(printf '\\033')\"'b\n'\"$(printf '\\077')\"" in code
    request.values["prompt"] = "\x00"
    assert "--form-string 'prompt='" in curl_of([request], URL)


def test_a_signed_address_loses_its_signature():
    source = Source(url="https://host/$(id)`id`;'fox'.png?X-Amz-Signature=secret")
    code = curl_of([edit(source, multipart=False, field="image_url")], URL)
    assert "secret" not in code
    assert re.fullmatch(r"# [\w .,:/-]+", code.splitlines()[0])  # an interactive zsh reads comments as commands
    assert shlex.split(code, comments=True)[-1].endswith('"image_url": "https://host/$(id)`id`;\'fox\'.png"\n}')


def test_an_address_of_which_nothing_may_be_shown_is_still_a_picture():
    assert '"image_url": "-"' in curl_of([edit(Source(url="?key=secret"), multipart=False, field="image_url")], URL)


def test_a_strange_record_is_code_all_the_same():
    source = Source(sha256="'; rm -rf ~ #\n", media_type="image/'; rm -rf ~", width=3, height=4)
    code = curl_of([edit(source)], URL)
    assert code.endswith("--form 'image=@reference-1.png;type=image/png'")
    assert re.fullmatch(r"# reference-1.png: [\w .,:/-]+, 3 x 4 pixels", code.splitlines()[0])


@pytest.mark.parametrize("prompt", ["x", "FILE", "FILE_1 FILE__"])
def test_an_upload_goes_first_and_its_id_stands_where_no_text_can(prompt):
    sources = [Source(sha256=each * 64, media_type="image/png") for each in "aba"]
    request = edit(*sources, multipart=False, field="images")
    request.values["prompt"] = prompt
    code = curl_of([request], URL)
    _notes, first, second, create = re.split(r"\n(?=FILE\w+=|curl )", code)
    mark = first.partition("=")[0]
    assert mark not in prompt
    assert first.startswith(f"{mark}=$(curl https://api.example/v1/files ")
    assert "file=@reference-2.png" in second
    assert create.count(f'"\'"${mark}"\'"') == 2
    assert "reference-3" not in code
