"""On real sockets of this machine: what is dialled is the address that was checked, and a private one never is."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Sequence
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any

import anyio
import httpcore
import httpx
import pytest

from tests.unit.pictures import PNG
from tokenlab_nb.api.client import InProcess, TokenLabClient
from tokenlab_nb.errors import ImageError, TransportError

API = "https://api.tokenlab.sh"
PUBLIC = "93.184.216.34"


class Server(HTTPServer):
    """Gives a picture to everybody, and keeps who was asked for."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.asked: list[tuple[str, str]] = []
        self.callers = 0

    def verify_request(self, request: Any, client_address: Any) -> bool:
        self.callers += 1
        return True


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def do_GET(self) -> None:
        self.server.asked.append((self.headers["Host"], self.path))
        self.send_response(200)
        self.send_header("Content-Type", "image/png")
        self.send_header("Content-Length", str(len(PNG)))
        self.end_headers()
        self.wfile.write(PNG)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name
        """Tell nobody."""


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield made
        made.shutdown()
        thread.join()


class Dialler(httpcore.AnyIOBackend):
    """Notes which address is dialled, and calls the server on this machine instead: the internet is not asked."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.dialled: list[tuple[str, int]] = []

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  # its name
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        self.dialled.append((host, port))
        return await super().connect_tcp("127.0.0.1", self.port, timeout, local_address, socket_options)


def fetch(url: str, addresses: Sequence[str], *, base_url: str = API, dialler: Dialler | None = None) -> bytes:
    async def resolve(host: str, port: int) -> Sequence[str]:
        return addresses

    async def work() -> bytes:
        transport = None
        if dialler:
            transport = httpx.AsyncHTTPTransport(trust_env=False)
            transport._pool = httpcore.AsyncConnectionPool(network_backend=dialler, max_keepalive_connections=0)
        client = TokenLabClient(base_url, transport=transport, resolve=resolve)
        try:
            return (await client.fetch_reference(url)).data
        finally:
            await client.close()

    return anyio.run(work)


def test_the_checked_address_is_dialled_and_the_host_is_named(server: Server) -> None:
    dialler = Dialler(server.server_port)
    assert fetch("http://cdn.example.com:8080/1.png", [PUBLIC], dialler=dialler) == PNG
    assert dialler.dialled == [(PUBLIC, 8080)]
    assert server.asked == [("cdn.example.com:8080", "/1.png")]


@pytest.mark.parametrize("host", ["cdn.example.com", "127.0.0.1", "localhost", "2130706433"])
def test_this_machine_is_never_called_for_a_service_elsewhere(server: Server, host: str) -> None:
    with pytest.raises(ImageError, match="refused"):
        fetch(f"http://{host}:{server.server_port}/1.png", ["127.0.0.1"])
    assert server.callers == 0


def test_a_service_on_this_machine_has_its_own_pictures_here(server: Server) -> None:
    here = f"http://127.0.0.1:{server.server_port}"
    assert fetch(f"{here}/1.png", [], base_url=here) == PNG
    with pytest.raises(ImageError, match="refused"):
        fetch(f"http://localhost:{server.server_port}/1.png", ["127.0.0.1"], base_url=here)
    assert server.asked == [(here.removeprefix("http://"), "/1.png")]


def test_no_connection_is_used_for_another_host_that_has_the_same_address(server: Server) -> None:
    async def work() -> None:
        client = TokenLabClient(f"http://127.0.0.1:{server.server_port}")
        try:
            for name in ("127.0.0.1", "localhost", "127.0.0.1"):
                await client.download(f"http://{name}:{server.server_port}/1.png")
        finally:
            await client.close()

    anyio.run(work)
    assert server.callers == 3


@pytest.mark.parametrize("has_proxy", [True, False])
def test_where_a_proxy_is_set_a_failure_says_that_pictures_pass_it_by(has_proxy: bool) -> None:
    async def nowhere(host: str, port: int) -> Sequence[str]:
        raise OSError("Name or service not known")

    async def work() -> None:
        client = TokenLabClient(API, resolve=nowhere, has_proxy=has_proxy)
        try:
            await client.download("https://cdn.example.com/1.png")
        finally:
            await client.close()

    with pytest.raises(TransportError) as caught:
        anyio.run(work)
    assert ("A proxy is set here" in caught.value.hint) is has_proxy


async def _app(scope: Any, receive: Any, send: Any) -> None:
    if scope["path"] == "/dropped":
        raise EOFError
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-type", b"image/png")]})
    await send({"type": "http.response.body", "body": PNG})


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://cdn.example.com/1.png", "There is no network behind the sandbox"),
        ("http://sandbox.tokenlab.localhost/dropped", "The peer closed the connection"),
    ],
)
def test_the_sandbox_in_this_process_is_a_network_of_one_host(url: str, why: str) -> None:
    here = "http://sandbox.tokenlab.localhost"

    async def work(asked: str) -> bytes:
        client = TokenLabClient(here, transport=InProcess(_app, EOFError, here.removeprefix("http://")))
        try:
            return (await client.fetch_reference(asked)).data
        finally:
            await client.close()

    assert anyio.run(work, f"{here}/1.png") == PNG
    with pytest.raises(TransportError, match=why):
        anyio.run(work, url)
