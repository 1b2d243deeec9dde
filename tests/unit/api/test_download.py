"""Downloads: without the key, only from where a picture may lie, and never more than a picture."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import anyio
import httpx
import pytest

from tests.unit.api.test_client import API, Wire, raising
from tests.unit.pictures import PNG
from tokenlab_nb.api.reach import MAX_PICTURE_BYTES, REFERENCE, RESULT, Reach
from tokenlab_nb.errors import ImageError, TransportError

URL = "https://cdn.example.com/1.png"
IMAGE = {"Content-Type": "image/png"}
LOCAL = "http://127.0.0.1:8765"


def fetch(wire: Wire, url: str = URL, base_url: str = API) -> bytes:
    return wire.use(lambda client: client.download(url), base_url=base_url)


def picture(_: httpx.Request) -> httpx.Response:
    return httpx.Response(200, content=PNG, headers=IMAGE)


def redirects(*to: str) -> Callable[[httpx.Request], httpx.Response]:
    """Each hop leads to the next address; the last one holds the picture."""
    hops = iter(to)

    def handle(request: httpx.Request) -> httpx.Response:
        following = next(hops, None)
        return picture(request) if following is None else httpx.Response(302, headers={"Location": following})

    return handle


def test_a_picture_is_fetched_without_the_key() -> None:
    wire = Wire(handler=picture)
    assert fetch(wire) == PNG
    assert (wire.last.method, str(wire.last.url)) == ("GET", URL)
    assert "Authorization" not in wire.last.headers
    assert fetch(wire, f"{API}/files/1.png") == PNG
    assert "Authorization" not in wire.last.headers


@pytest.mark.parametrize("kind", ["image/webp; charset=x", "application/octet-stream", "binary/octet-stream", ""])
def test_content_types_that_may_be_a_picture(kind: str) -> None:
    assert fetch(Wire(handler=lambda _: httpx.Response(200, content=PNG, headers={"Content-Type": kind}))) == PNG


@pytest.mark.parametrize("kind", ["text/html", "application/json", "video/mp4"])
def test_content_types_that_are_none(kind: str) -> None:
    with pytest.raises(ImageError, match=f"answered with {kind}, not a picture"):
        fetch(Wire(handler=lambda _: httpx.Response(200, content=PNG, headers={"Content-Type": kind})))


@pytest.mark.parametrize(
    ("status", "kind"),
    [*((status, ImageError) for status in (204, 403, 404)), *((s, TransportError) for s in (408, 429, 500, 503))],
)
def test_another_status_is_no_picture_and_costs_nothing_to_try_again(status: int, kind: type[Exception]) -> None:
    with pytest.raises(kind, match=rf"answered {status}\. .*job\.fetch_again\(\), at no cost"):
        fetch(Wire(handler=lambda _: httpx.Response(status)))


# ------------------------------------------------------------------------------------------------- redirects


def test_three_redirects_are_followed_without_the_key() -> None:
    wire = Wire(handler=redirects("https://b.example.com/2", "/3", f"{API}/4"))
    assert fetch(wire) == PNG
    assert [str(request.url) for request in wire.requests] == [
        URL,
        "https://b.example.com/2",
        "https://b.example.com/3",
        f"{API}/4",
    ]
    assert not any("Authorization" in request.headers for request in wire.requests)


def test_a_fourth_redirect_is_too_much() -> None:
    with pytest.raises(ImageError, match="redirects more than 3 times"):
        fetch(Wire(handler=redirects(*["/again"] * 4)))
    with pytest.raises(ImageError, match="redirects more than 3 times"):
        fetch(Wire(handler=lambda _: httpx.Response(302)))


REFUSED = [
    "http://127.0.0.1/x",
    "http://localhost/x",
    "http://10.0.0.1/x",
    "http://169.254.169.254/latest/meta-data",
    "http://[::1]/x",
    "http://2130706433/x",
    "http://metadata.internal/x",
    "https://user:pass@cdn.example.com/x",
    "file:///etc/passwd",
    "ftp://cdn.example.com/x",
    "data:image/png;base64,AAAA",
    "cdn.example.com/x",
    "",
    "https://[::1",
    "https://cdn.example.com:port/x",
]


@pytest.mark.parametrize("url", REFUSED)
def test_a_place_where_no_picture_may_lie_is_refused(url: str) -> None:
    wire = Wire(handler=picture)
    with pytest.raises(ImageError, match="address"):
        fetch(wire, url)
    assert not wire.requests


@pytest.mark.parametrize("url", REFUSED[:10])
def test_a_redirect_to_such_a_place_is_refused_too(url: str) -> None:
    wire = Wire(handler=redirects(url))
    with pytest.raises(ImageError, match="address"):
        fetch(wire)
    assert len(wire.requests) == 1


@pytest.mark.parametrize("url", [f"{LOCAL}/1.png", "http://localhost:9/1.png", "http://10.0.0.1/1.png", URL])
def test_an_api_on_this_machine_may_have_its_pictures_here(url: str) -> None:
    assert fetch(Wire(handler=picture), url, base_url=LOCAL) == PNG


@pytest.mark.parametrize(
    "url", ["file:///etc/passwd", "ftp://127.0.0.1/x", "http://[::1", "http://a:b/x", "http://a\0b/"]
)
def test_even_then_it_is_http(url: str) -> None:
    wire = Wire(handler=picture)
    with pytest.raises(ImageError, match="address"):
        fetch(wire, url, base_url=LOCAL)
    assert not wire.requests


# ------------------------------------------------------------------------------------------------- size


class Stream(httpx.AsyncByteStream):
    """As many zeros as one wants, counted as they are taken."""

    def __init__(self, chunk: int = 1_000_000) -> None:
        self.chunk = bytes(chunk)
        self.taken = 0

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while True:
            self.taken += len(self.chunk)
            yield self.chunk


def test_a_picture_of_two_hundred_million_bytes_is_refused_unread() -> None:
    stream = Stream()
    headers = {**IMAGE, "Content-Length": "200000000"}
    with pytest.raises(ImageError, match=r"200,000,000 bytes or more; at most 100,000,000 are fetched\. Ask for"):
        fetch(Wire(handler=lambda _: httpx.Response(200, stream=stream, headers=headers)))
    assert stream.taken == 0


def test_an_endless_picture_is_cut_off() -> None:
    assert (RESULT.most, MAX_PICTURE_BYTES, REFERENCE.most) == (100_000_000, 100_000_000, 50_000_000)
    stream = Stream()
    transport = httpx.MockTransport(lambda _: httpx.Response(200, stream=stream, headers=IMAGE))
    with pytest.raises(ImageError, match="at most 3,000,000 are fetched"):
        anyio.run(Reach(API, transport=transport).fetch, URL, replace(RESULT, most=3_000_000))
    assert stream.taken == 4_000_000


@pytest.mark.parametrize("error", [httpx.RemoteProtocolError("cut short"), httpx.ReadError("reset")])
def test_a_cut_off_body_may_be_fetched_again(error: Exception) -> None:
    with pytest.raises(TransportError, match=r"at https://cdn\.example\.com/1\.png was not fetched"):
        fetch(Wire(handler=raising(error)))


# ------------------------------------------------------------------------------------------------- packed bodies


def packed(coding: str, data: bytes) -> Wire:
    """A host that packs its pictures, though it was asked not to."""

    async def body() -> AsyncIterator[bytes]:
        for at in range(0, len(data), 64):
            yield data[at : at + 64]

    headers = {**IMAGE, "Content-Encoding": coding}
    return Wire(handler=lambda _: httpx.Response(200, content=body(), headers=headers))


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("X-GZIP", gzip.compress), ("deflate", zlib.compress)]
)
def test_a_host_that_packs_all_the_same_is_understood(coding: str, pack: Callable[[bytes], bytes]) -> None:
    assert fetch(packed(coding, pack(PNG))) == PNG


@pytest.mark.parametrize(
    ("coding", "data", "kind", "words"),
    [
        ("gzip", gzip.compress(PNG)[:-9], TransportError, "ended too soon"),
        ("gzip", PNG, ImageError, "packing that is damaged"),
        ("gzip, gzip", gzip.compress(gzip.compress(PNG)), ImageError, "'gzip, gzip', which was not asked for"),
        ("br", PNG, ImageError, "'br', which was not asked for"),
    ],
)
def test_other_packings_are_refused(coding: str, data: bytes, kind: type[Exception], words: str) -> None:
    with pytest.raises(kind, match=words):
        fetch(packed(coding, data))


def test_what_unpacks_to_more_than_a_picture_is_cut_off() -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    bomb = b"".join(packer.compress(bytes(1_000_000)) for _ in range(400)) + packer.flush()
    tracemalloc.start()
    try:
        with pytest.raises(ImageError, match="bytes or more"):
            fetch(packed("gzip", bomb))
        assert tracemalloc.get_traced_memory()[1] < 3 * MAX_PICTURE_BYTES
    finally:
        tracemalloc.stop()
