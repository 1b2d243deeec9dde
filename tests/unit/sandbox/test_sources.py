"""Where references may come from, and what they are by their bytes."""

from __future__ import annotations

from io import BytesIO

import pytest
from PIL import Image

from tokenlab_nb.sandbox.forms import Form, Upload
from tokenlab_nb.sandbox.refusals import Refusal
from tokenlab_nb.sandbox.sources import Probe, Source, check_bytes, check_url, has_references, probe, unreachable


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.com/a.png",
        "file:///etc/passwd",
        "data:image/png;base64,AAAA",
        "example.com/a.png",
        "https://",
        "https://user:pass@example.com/a.png",
        "https://user@example.com/a.png",
        "https://example.com/a.png#part",
        "http://localhost/a.png",
        "http://nas.local/a.png",
        "http://printer.home.arpa./a.png",
        "http://224.0.0.251/a.png",
        "http://LOCALHOST./a.png",
        "http://intranet/a.png",
        "http://127.0.0.1/a.png",
        "http://10.1.2.3/a.png",
        "http://169.254.169.254/latest",
        "http://[::1]/a.png",
        "http://[::ffff:10.0.0.1]/a.png",
        "http://2130706433/a.png",
        "http://0x7f.0x1/a.png",
        "http://127.1/a.png",
        "http://[oops/a.png",
        "",
    ],
)
def test_only_public_addresses_pass(url: str):
    with pytest.raises(Refusal) as caught:
        check_url(Source("image_urls[2]", url=url))
    assert caught.value.status == 400
    assert caught.value.body["error"]["param"] == "image_urls[2]"


@pytest.mark.parametrize(
    "url", ["https://example.com/a.png?signed=1", "http://8.8.8.8/a.png", "https://EXAMPLE.org./a"]
)
def test_public_addresses_pass_the_check_and_are_then_unreachable(url: str):
    check_url(Source("image_url", url=url))
    refusal = unreachable(Source("image_url", url=url))
    assert isinstance(refusal, Refusal)
    assert refusal.body["error"]["code"] == "image_fetch_failed"


@pytest.mark.parametrize(
    ("kind", "options", "name"),
    [
        ("PNG", {}, "png"),
        ("JPEG", {}, "jpeg"),
        ("JPEG", {"progressive": True}, "jpeg"),
        ("WEBP", {}, "webp"),
        ("WEBP", {"lossless": True}, "webp"),
        ("WEBP", {"exif": b"Exif\0\0II*\0\x08\0\0\0\0\0"}, "webp"),
    ],
)
def test_files_are_known_by_their_bytes(kind: str, options: dict[str, object], name: str):
    buffer = BytesIO()
    Image.new("RGB", (37, 21), "teal").save(buffer, kind, **options)
    assert probe(buffer.getvalue()) == Probe(name, 37, 21)
    for cut in range(0, 40, 3):
        probe(buffer.getvalue()[:cut])  # never raises


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GIF89a",
        b"\x89PNG\r\n\x1a\n",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
        b"\xff\xd8\xff",
        b"\xff\xd8\xff\xe0\x00\x04ab....",
        b"RIFF....WEBP",
        b"RIFF....WEBPVP8X",
        b"RIFF....WEBPALPH" + bytes(30),
    ],
)
def test_other_bytes_are_refused(data: bytes):
    with pytest.raises(Refusal) as caught:
        check_bytes(data, "image")
    assert caught.value.body["error"]["code"] == "invalid_image"


def test_over_50_megabytes_is_413():
    with pytest.raises(Refusal) as caught:
        check_bytes(bytes(50_000_001), "image")
    assert (caught.value.status, caught.value.body["error"]["code"]) == (413, "payload_too_large")


def test_references_are_noticed_in_every_shape():
    assert has_references(Form({}, (Upload("image[]", "", b""),), multipart=True))
    assert has_references(Form({"images": []}))
    assert not has_references(Form({"prompt": "x"}, (Upload("mask", "", b""),), multipart=True))
