"""The client over a fake transport: what is sent where, with or without the key, and what comes of each failure."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import anyio
import httpx
import pytest

from tests.unit.pictures import PNG
from tokenlab_nb.api.client import TokenLabClient
from tokenlab_nb.api.replies import Images, Task
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import (
    AuthenticationError,
    NotFoundError,
    PermissionDeniedError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
)
from tokenlab_nb.settings import Secret, Timeouts

API = "https://api.tokenlab.sh"
TASK_ID = "ldtask_" + "a" * 32
REQUEST = ImageRequest("m", "text-to-image", "/v1/images/generations", {"prompt": "a fox", "n": 2})
PENDING = {"id": TASK_ID, "task_id": TASK_ID, "status": "pending", "poll_url": f"/v1/tasks/{TASK_ID}", "data": []}
MODEL = {"id": "m", "object": "model", "created": 1, "owned_by": "x", "tokenlab": {"category": "image"}}

T = TypeVar("T")
Handler = Callable[[httpx.Request], httpx.Response]
Work = Callable[[TokenLabClient], Awaitable[T]]


class Wire:
    """A transport that keeps what it was asked."""

    def __init__(self, answer: Any = None, *, status: int = 200, handler: Handler | None = None) -> None:
        self.handler = handler or (lambda request: httpx.Response(status, json=answer))
        self.requests: list[httpx.Request] = []
        self.transport = httpx.MockTransport(self._handle)

    async def _handle(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return self.handler(request)

    def use(self, work: Work[T], *, base_url: str = API, **options: Any) -> T:
        options = {"key": Secret("sk-canary"), **options}

        async def session() -> T:
            client = TokenLabClient(base_url, transport=self.transport, **options)
            try:
                return await work(client)
            finally:
                await client.close()
                await client.close()

        return anyio.run(session)

    @property
    def last(self) -> httpx.Request:
        return self.requests[-1]


def raising(error: Exception) -> Handler:
    def handle(_: httpx.Request) -> httpx.Response:
        raise error

    return handle


# ------------------------------------------------------------------------------------------------- endpoints

CALLS: dict[str, tuple[Any, Work[Any], str, str]] = {
    "models": (
        {"object": "list", "data": [MODEL]},
        lambda client: client.models(recommended_for="image", provider="x", view="compact"),
        "GET",
        "/v1/models?provider=x&recommended_for=image&view=compact",
    ),
    "all models": ({"data": []}, lambda client: client.models(), "GET", "/v1/models"),
    "model": (MODEL, lambda client: client.model("org/m 1"), "GET", "/v1/models/org%2Fm%201"),
    "pricing": ({"model": "m"}, lambda client: client.pricing("m"), "GET", "/v1/models/m/pricing"),
    "create": (PENDING, lambda client: client.create(REQUEST, {}), "POST", "/v1/images/generations"),
    "upload": ({"id": "file-1"}, lambda client: client.upload(PNG, "image/png", model="m"), "POST", "/v1/files"),
    "task": (PENDING, lambda client: client.task(TASK_ID, None), "GET", f"/v1/tasks/{TASK_ID}"),
    "poll_url": (PENDING, lambda client: client.task(TASK_ID, "/v1/x?y=1"), "GET", "/v1/x?y=1"),
    "foreign poll_url": (
        PENDING,
        lambda client: client.task(TASK_ID, "https://elsewhere.example.org/v1/x"),
        "GET",
        f"/v1/tasks/{TASK_ID}",
    ),
    "alias": (PENDING, lambda client: client.image_status(TASK_ID), "GET", f"/v1/images/{TASK_ID}"),
    "cancel": (PENDING, lambda client: client.cancel(TASK_ID), "DELETE", f"/v1/tasks/{TASK_ID}"),
}


@pytest.mark.parametrize("name", CALLS)
def test_each_endpoint_is_called_as_it_is_documented(name: str) -> None:
    answer, work, method, path = CALLS[name]
    wire = Wire(answer)
    wire.use(work, user_agent="tokenlab-nb/test")
    assert (wire.last.method, str(wire.last.url)) == (method, API + path)
    assert wire.last.headers["Authorization"] == "Bearer sk-canary"
    assert wire.last.headers["User-Agent"] == "tokenlab-nb/test"
    assert len(wire.requests) == 1


def test_what_comes_back_is_read() -> None:
    assert [model.id for model in Wire({"data": [MODEL]}).use(CALLS["models"][1])] == ["m"]
    assert Wire(MODEL).use(CALLS["model"][1]).id == "m"
    assert Wire({"model": "m"}).use(CALLS["pricing"][1]) == {"model": "m"}
    assert Wire([1]).use(CALLS["pricing"][1]) == {}
    assert isinstance(Wire(PENDING).use(CALLS["create"][1]), Task)
    done = Wire({"created": 1, "data": [{"url": "https://cdn.example.com/1.png"}]}).use(CALLS["create"][1])
    assert isinstance(done, Images)


def test_without_a_key_none_is_sent() -> None:
    wire = Wire({"data": []})
    wire.use(CALLS["models"][1], key=None)
    assert "Authorization" not in wire.last.headers


def test_a_create_goes_as_json_with_its_delivery_policy() -> None:
    wire = Wire(PENDING)
    request = ImageRequest(
        "m", "text-to-image", "/v1/images/generations", {"prompt": "fox"}, delivery_policy="verified"
    )
    wire.use(lambda client: client.create(request, {}))
    assert json.loads(wire.last.content) == {"model": "m", "prompt": "fox"}
    assert wire.last.headers["X-TokenLab-Delivery-Policy"] == "verified"


def test_local_pictures_go_as_multipart() -> None:
    wire = Wire(PENDING)
    source = Source(sha256="aa", media_type="image/png", size=len(PNG))
    request = ImageRequest(
        "m", "image-edit", "/v1/images/edits", {"prompt": "bluer", "n": 2}, (source,), "image", multipart=True
    )
    wire.use(lambda client: client.create(request, {"aa": PNG}))
    assert wire.last.headers["Content-Type"].startswith("multipart/form-data; boundary=")
    body = wire.last.content
    assert body.count(b"Content-Disposition: form-data") == 4
    assert b'name="prompt"\r\n\r\nbluer' in body
    assert b'name="image"; filename="picture-1.png"\r\nContent-Type: image/png\r\n\r\n' + PNG in body


def test_a_multipart_call_without_files_is_multipart_all_the_same() -> None:
    wire = Wire(PENDING)
    request = ImageRequest("m", "image-variation", "/v1/images/variations", {"n": 1}, multipart=True)
    wire.use(lambda client: client.create(request, {}))
    assert wire.last.headers["Content-Type"].startswith("multipart/form-data")


def test_an_upload_is_the_vendor_s_form_and_asks_for_no_other_mode() -> None:
    wire = Wire({"id": "file-1", "expires_at": 1_900_000_000})
    uploaded = wire.use(lambda client: client.upload(PNG, "image/png", model="m", purpose="user_data"))
    assert (uploaded.file_id, uploaded.expires_at) == ("file-1", 1_900_000_000.0)
    body = wire.last.content
    assert body.count(b"Content-Disposition: form-data") == 3
    assert b'name="purpose"\r\n\r\nuser_data' in body
    assert b'name="model"\r\n\r\nm' in body
    assert b'name="file"; filename="picture-1.png"\r\nContent-Type: image/png\r\n\r\n' + PNG in body
    assert "anthropic-beta" not in wire.last.headers


def test_uploaded_pictures_are_named_in_the_create() -> None:
    wire = Wire(PENDING)
    source = Source(sha256="aa", media_type="image/png", size=len(PNG))
    request = ImageRequest("m", "image-edit", "/v1/images/edits", {"prompt": "bluer"}, (source,), "images")
    wire.use(lambda client: client.create(request, {}, {"aa": "file-1"}))
    assert json.loads(wire.last.content)["images"] == [{"file_id": "file-1"}]


def test_a_wrong_key_does_not_hide_the_catalogue() -> None:
    def handle(request: httpx.Request) -> httpx.Response:
        if "Authorization" in request.headers:
            return httpx.Response(401, json={"error": {"message": "Invalid API key", "type": "invalid_api_key"}})
        return httpx.Response(200, json={"data": [MODEL]})

    wire = Wire(handler=handle)
    assert [model.id for model in wire.use(CALLS["models"][1])] == ["m"]
    assert len(wire.requests) == 2
    for work in (CALLS["create"][1], CALLS["task"][1]):
        with pytest.raises(AuthenticationError):
            wire.use(work)


def test_a_catalogue_that_wants_a_key_says_so() -> None:
    error = {"error": {"message": "No key", "type": "unauthorized"}}
    with pytest.raises(AuthenticationError):
        Wire(error, status=401).use(CALLS["models"][1], key=None)


def test_the_api_never_redirects_so_the_key_follows_nowhere() -> None:
    elsewhere = {"Location": "https://elsewhere.example.org/"}
    wire = Wire(handler=lambda _: httpx.Response(307, headers=elsewhere))
    with pytest.raises(ServiceError, match="was redirected"):
        wire.use(CALLS["create"][1])
    assert [request.url.host for request in wire.requests] == ["api.tokenlab.sh"]


# ------------------------------------------------------------------------------------------------- failures

BEFORE_SENDING = [httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError]
AFTER_SENDING = [
    httpx.ReadTimeout("slow"),
    httpx.WriteTimeout("slow"),
    httpx.ReadError("reset"),
    httpx.WriteError("reset"),
    httpx.RemoteProtocolError("Server disconnected without sending a response."),
    httpx.LocalProtocolError("Illegal header value b'Bearer sk-canary'"),
    httpx.DecodingError("not gzip"),
    ValueError("a transport's own bug, told with sk-canary"),
]


@pytest.mark.parametrize("kind", BEFORE_SENDING)
def test_what_was_never_sent_is_a_transport_error(kind: type[httpx.TransportError]) -> None:
    with pytest.raises(TransportError, match=r"POST /v1/images/generations did not reach https://api\.tokenlab\.sh"):
        Wire(handler=raising(kind("all attempts failed"))).use(CALLS["create"][1])
    with pytest.raises(TransportError, match="asking costs nothing"):
        Wire(handler=raising(kind("all attempts failed"))).use(CALLS["task"][1])


@pytest.mark.parametrize("error", AFTER_SENDING, ids=lambda error: type(error).__name__)
def test_a_create_that_was_sent_and_not_answered_has_an_unknown_outcome(error: Exception) -> None:
    wire = Wire(handler=raising(error))
    with pytest.raises(UnknownOutcomeError, match="but the answer was lost") as caught:
        wire.use(CALLS["create"][1])
    assert len(wire.requests) == 1
    assert "canary" not in str(caught.value)
    with pytest.raises(TransportError, match="got no answer"):
        Wire(handler=raising(error)).use(CALLS["task"][1])


@pytest.mark.parametrize("error", AFTER_SENDING, ids=lambda error: type(error).__name__)
def test_an_upload_that_was_not_answered_costs_nothing_and_may_be_tried_again(error: Exception) -> None:
    with pytest.raises(TransportError, match="POST /v1/files got no answer") as caught:
        Wire(handler=raising(error)).use(CALLS["upload"][1])
    assert "run it again" in str(caught.value)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (200, b"OK, on its way!", UnknownOutcomeError),
        (200, b'{"created": ', UnknownOutcomeError),
        (200, b"", UnknownOutcomeError),
        (408, b"{}", UnknownOutcomeError),
        (502, b"<html><h1>Bad gateway</h1></html>", UnknownOutcomeError),
        (504, b'{"error": {"message": "late", "type": "timeout_error"}}', UnknownOutcomeError),
        (520, b"", UnknownOutcomeError),
        (524, b"", UnknownOutcomeError),
        (500, b"<html>", ServiceError),
        (503, b"<html>", ServiceError),
        (404, b"<html>", NotFoundError),
    ],
)
def test_answers_to_a_create_that_are_none(status: int, body: bytes, kind: type[TokenLabError]) -> None:
    wire = Wire(handler=lambda _: httpx.Response(status, content=body, headers={"X-Request-ID": "req_1"}))
    with pytest.raises(kind) as caught:
        wire.use(CALLS["create"][1])
    assert type(caught.value) is kind
    assert caught.value.request_id == "req_1"


async def never(_: httpx.Request) -> httpx.Response:
    await anyio.sleep_forever()
    raise AssertionError


def test_a_transport_that_never_answers_meets_a_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tokenlab_nb.api.client._GRACE", 0.0)
    wire = Wire()
    wire.transport = httpx.MockTransport(never)
    short = Timeouts(connect=0.01, create=0.01, read=0.01, download=0.01)
    with pytest.raises(UnknownOutcomeError, match="TimeoutError"):
        wire.use(CALLS["create"][1], timeouts=short)
    with pytest.raises(TransportError, match="TimeoutError"):
        wire.use(CALLS["task"][1], timeouts=short)
    with pytest.raises(TransportError, match="was not fetched"):
        wire.use(lambda client: client.download("https://cdn.example.com/1.png"), timeouts=short)


def test_each_kind_of_call_has_its_own_time() -> None:
    wire = Wire(PENDING)
    wire.use(CALLS["create"][1])
    assert wire.last.extensions["timeout"] == {"connect": 10.0, "read": 300.0, "write": 300.0, "pool": 300.0}
    wire.use(CALLS["task"][1])
    assert wire.last.extensions["timeout"]["read"] == 30.0


def test_no_error_shows_the_key(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    for error in (httpx.ReadTimeout("slow"), httpx.LocalProtocolError("b'Bearer sk-canary'"), httpx.ConnectError("no")):
        with pytest.raises(TokenLabError) as caught:
            Wire(handler=raising(error)).use(CALLS["create"][1])
        found = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
        ours = [frame for frame in found.stack if "/tests/" not in frame.filename]
        assert any(frame.name == "_send" for frame in ours)
        assert not any("httpx" in frame.filename for frame in ours)
        assert "canary" not in str([frame.locals for frame in ours]) + str(found)
    assert "canary" not in caplog.text


def test_the_client_itself_shows_no_key() -> None:
    client = TokenLabClient(f"{API}/", key=Secret("sk-canary"))
    assert "canary" not in repr(client)
    assert "canary" not in repr(vars(client))
    assert client.origin == API
    anyio.run(client.close)


def test_a_key_that_an_error_quotes_is_hidden_whatever_it_looks_like() -> None:
    key = "token-" + "of-another-shape"

    def refuse(request: httpx.Request) -> httpx.Response:
        return httpx.Response(403, json={"error": {"message": f"{key} may not do this", "type": "permission_error"}})

    async def scenario() -> None:
        client = TokenLabClient("https://api.tokenlab.sh", key=Secret(key), transport=httpx.MockTransport(refuse))
        with pytest.raises(PermissionDeniedError) as caught:
            await client.task("ldtask_1", None)
        assert "[key hidden] may not do this" in str(caught.value)
        assert key not in repr(caught.value.to_record())
        await client.close()

    anyio.run(scenario)
