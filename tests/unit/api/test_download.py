"""Downloads: without the key, only from where a picture may lie, and never more than a picture."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Container
from typing import Any

import anyio
import httpx
import pytest

from tests.unit.api.test_client import API, Wire, raising
from tests.unit.pictures import PNG
from tokenlab_nb.api import client as clients
from tokenlab_nb.api.client import MAX_PICTURE_BYTES, TokenLabClient
from tokenlab_nb.errors import ImageError, TransportError
from tokenlab_nb.settings import Secret

URL = "https://cdn.example.com/1.png"
IMAGE = {"Content-Type": "image/png"}
LOCAL = "http://127.0.0.1:8765"
UMLAUT, ASCII = "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example.com", "xn--bcher-kva.example.com"


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


def test_an_endless_picture_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    assert MAX_PICTURE_BYTES == 100_000_000
    monkeypatch.setattr(clients, "MAX_PICTURE_BYTES", 3_000_000)
    stream = Stream()
    with pytest.raises(ImageError, match="at most 3,000,000 are fetched"):
        fetch(Wire(handler=lambda _: httpx.Response(200, stream=stream, headers=IMAGE)))
    assert stream.taken == 4_000_000


@pytest.mark.parametrize("error", [httpx.RemoteProtocolError("cut short"), httpx.ReadError("reset")])
def test_a_cut_off_body_may_be_fetched_again(error: Exception) -> None:
    with pytest.raises(TransportError, match=r"cdn\.example\.com was not fetched"):
        fetch(Wire(handler=raising(error)))


# ------------------------------------------------------------------------------------------------- names


class Names:
    """What the resolver says, and what is then connected to."""

    def __init__(
        self,
        monkeypatch: pytest.MonkeyPatch,
        *addresses: str,
        error: Exception | None = None,
        unreachable: Container[str] = (),
    ) -> None:
        self.addresses = addresses
        self.unreachable = unreachable
        self.error = error
        self.asked: list[tuple[str, int]] = []
        self.connected: list[httpx.Request] = []
        monkeypatch.setattr(anyio, "getaddrinfo", self.resolve)
        monkeypatch.setattr(httpx.AsyncHTTPTransport, "handle_async_request", self.connect)

    async def resolve(self, host: str, port: int) -> list[Any]:
        self.asked.append((host, port))
        if self.error:
            raise self.error
        return [(None, None, 0, "", (address, port)) for address in self.addresses]

    async def connect(self, request: httpx.Request) -> httpx.Response:
        self.connected.append(request)
        if request.url.host in self.unreachable:
            raise httpx.ConnectError("No route to host")
        return picture(request)


def over_the_network(url: str = URL, base_url: str = API) -> bytes:
    async def work() -> bytes:
        client = TokenLabClient(base_url, key=Secret("sk-canary"))
        try:
            return await client.download(url)
        finally:
            await client.close()

    return anyio.run(work)


@pytest.mark.parametrize(
    "address", ["10.0.0.1", "127.0.0.1", "::1", "fe80::1%eth0", "169.254.169.254", "::ffff:10.0.0.1"]
)
def test_a_public_name_with_a_private_address_is_refused(monkeypatch: pytest.MonkeyPatch, address: str) -> None:
    names = Names(monkeypatch, "93.184.216.34", address)
    with pytest.raises(ImageError, match=r"host cdn\.example\.com is refused"):
        over_the_network()
    assert not names.connected


@pytest.mark.parametrize(
    ("url", "address", "target", "host", "name"),
    [
        (URL, "93.184.216.34", "https://93.184.216.34/1.png", "cdn.example.com", "cdn.example.com"),
        (
            f"{URL[:23]}:8443/1",
            "2606:4700::1",
            "https://[2606:4700::1]:8443/1",
            "cdn.example.com:8443",
            "cdn.example.com",
        ),
        (f"https://{UMLAUT}/1", "93.184.216.34", "https://93.184.216.34/1", ASCII, ASCII),
    ],
)
def test_the_address_that_was_checked_is_the_one_that_is_connected_to(
    monkeypatch: pytest.MonkeyPatch, url: str, address: str, target: str, host: str, name: str
) -> None:
    names = Names(monkeypatch, address)
    assert over_the_network(url) == PNG
    (request,) = names.connected
    assert (str(request.url), request.headers["Host"], request.extensions["sni_hostname"]) == (target, host, name)
    assert "Authorization" not in request.headers


def test_an_address_that_no_way_leads_to_is_followed_by_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "2606:4700::1", "2606:4700::1", "93.184.216.34", unreachable={"2606:4700::1"})
    assert over_the_network() == PNG
    assert [request.url.host for request in names.connected] == ["2606:4700::1", "93.184.216.34"]
    Names(monkeypatch, "2606:4700::1", unreachable={"2606:4700::1"})
    with pytest.raises(TransportError, match=r"cdn\.example\.com was not fetched \(ConnectError"):
        over_the_network()


def test_the_apis_own_pictures_need_no_second_look(monkeypatch: pytest.MonkeyPatch) -> None:
    names = Names(monkeypatch, "10.0.0.1")
    assert over_the_network(f"{API}/1.png") == PNG
    assert over_the_network(f"{LOCAL}/1.png", LOCAL) == PNG
    assert not names.asked


@pytest.mark.parametrize("error", [OSError("Name or service not known"), UnicodeError("label too long")])
def test_a_name_that_nobody_knows_may_be_known_later(monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    Names(monkeypatch, error=error)
    with pytest.raises(TransportError, match=r"host cdn\.example\.com is not known here"):
        over_the_network()
