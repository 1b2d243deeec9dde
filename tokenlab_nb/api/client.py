"""The service over HTTP: one short method an endpoint. With `reach` and `session`, the only file that knows httpx."""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import httpx

from tokenlab_nb.api import wire
from tokenlab_nb.api.bodies import NO_IDS, filename
from tokenlab_nb.api.reach import REFERENCE, Reach, Resolve, in_words
from tokenlab_nb.api.replies import Fetched, Reply, Uploaded
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import AuthenticationError, TokenLabError, TransportError, UnknownOutcomeError
from tokenlab_nb.settings import Secret, Timeouts

_SHORT = 32_768  # bytes of an answer that is read within a millisecond
_GRACE = 5.0  # seconds between httpx's own time-outs and the deadline that also holds for in-process transports

# What httpx raises before the first byte of a request has left: nothing was accepted, so sending again is safe.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_ASK_AGAIN = "Check the network, then ask again: asking costs nothing."
_T = TypeVar("_T")
_Answer = tuple[int, Mapping[str, str], bytes]
_Read = Callable[[wire.Call, int, Mapping[str, str], bytes], _T]


class _Bearer(httpx.Auth):
    """Puts the key on each request at the last moment, so that no header mapping of ours holds it."""

    def __init__(self, key: Secret) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response, None]:
        request.headers["Authorization"] = f"Bearer {self._key.reveal()}"
        yield request

    def hidden_in(self, body: bytes) -> bytes:
        """The body without the key."""
        return body.replace(self._key.reveal().encode(), b"[key hidden]")


class TokenLabClient:
    """An async client of the image routes. It sends each call once; retrying is the runner's business.

    Args:
        base_url: The API's address, without ``/v1``.
        key: The key, or None.
        transport: Replaces the network: the in-process sandbox, or a fake in tests.
        timeouts: Seconds.
        user_agent: Value of the ``User-Agent`` header.
        resolve: Finds the addresses of a name; by default this machine does, and with a transport nobody.
        has_proxy: Whether the environment names a proxy: calls go through it, pictures do not.
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: Secret | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeouts: Timeouts | None = None,
        user_agent: str = "tokenlab-nb",
        resolve: Resolve | None = None,
        has_proxy: bool = False,
    ) -> None:
        self._base = base_url.rstrip("/")
        self._auth = _Bearer(key) if key else None
        self._timeouts = timeouts or Timeouts()
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        agent = {"User-Agent": user_agent}
        self._http = httpx.AsyncClient(transport=transport, limits=limits, headers=agent)
        # Pictures lie on other hosts: neither key nor proxy settings may follow them there.
        self._reach = Reach(
            self._base,
            transport=transport,
            resolve=resolve,
            timeouts=self._timeouts,
            user_agent=user_agent,
            has_proxy=has_proxy,
        )

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return self._reach.origin

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        await self._http.aclose()
        await self._reach.close()

    # ---------------------------------------------------------------------------------- discovery

    async def models(self, **filters: str | None) -> tuple[Model, ...]:
        """``GET /v1/models``; see `wire.models` for the filters."""
        return await self._discover(wire.models(**filters), wire.read_models)

    async def model(self, model_id: str) -> Model:
        """``GET /v1/models/{model}``.

        Raises:
            NotFoundError: If there is no such model.
        """
        return await self._discover(wire.model(model_id), wire.read_model)

    async def pricing(self, model_id: str) -> Mapping[str, Any]:
        """``GET /v1/models/{model}/pricing``, as it came (schema ``ModelPricingResponse``)."""
        body = await self._discover(wire.pricing(model_id), wire.read_json)
        return body if isinstance(body, dict) else {}

    async def _discover(self, call: wire.Call, read: _Read[_T]) -> _T:
        """Discovery is public, a key only narrows it: a wrong one must not hide the catalogue. Creates tell of it."""
        try:
            return await _off_loop(read, call, await self._send(call, self._timeouts.read))
        except AuthenticationError:
            return await _off_loop(read, call, await self._send(call, self._timeouts.read, with_key=False))

    # --------------------------------------------------------------------------------------- work

    async def create(
        self, request: ImageRequest, files: Mapping[str, bytes], file_ids: Mapping[str, str] = NO_IDS
    ) -> Reply:
        """Send one create call, once.

        Args:
            request: What to ask.
            files: The bytes of its local sources by SHA-256.
            file_ids: What `upload` made of those that are not sent along, by SHA-256.

        Raises:
            UnknownOutcomeError: If it was sent and the answer was lost or cannot be read.
            TransportError: If nothing was sent.
            TokenLabError: What the service answered.
        """
        call = wire.create(request, files, file_ids)
        return await _off_loop(wire.read_create, call, await self._send(call, self._timeouts.create))

    async def upload(self, data: bytes, media_type: str, *, model: str, purpose: str = "vision") -> Uploaded:
        """``POST /v1/files``: keep a picture at the service for edits with this model. It makes and costs nothing.

        Args:
            data: A PNG, JPEG or WebP file.
            media_type: What it is.
            model: The model that may use it.
            purpose: ``vision`` or ``user_data``.

        Raises:
            TransportError: If it did not arrive, or its answer was lost; it may be tried again.
            TokenLabError: What the service answered.
        """
        call = wire.upload(data, filename(media_type), media_type, purpose, model)
        return await _off_loop(wire.read_upload, call, await self._send(call, self._timeouts.create))

    async def task(self, task_id: str | None, poll_url: str | None) -> Reply:
        """Ask for a task by its ``poll_url``, else ``GET /v1/tasks/{id}``."""
        return await self._ask(wire.task(task_id, poll_url, self.origin))

    async def image_status(self, image_id: str) -> Reply:
        """Ask for a task by the alias ``GET /v1/images/{id}``."""
        return await self._ask(wire.image_status(image_id))

    async def cancel(self, task_id: str) -> Reply:
        """``DELETE /v1/tasks/{id}``; image tasks answer with 400 ``unsupported_task_cancel``."""
        return await self._ask(wire.cancel(task_id))

    async def _ask(self, call: wire.Call) -> Reply:
        return await _off_loop(wire.read_task, call, await self._send(call, self._timeouts.read))

    async def _send(self, call: wire.Call, seconds: float, *, with_key: bool = True) -> _Answer:
        """Send a call; our errors carry no trace of httpx's frames, whose locals hold the key."""
        failure: TokenLabError
        try:
            with anyio.fail_after(self._timeouts.connect + seconds + _GRACE):
                response = await self._http.request(
                    call.method,
                    self._base + call.path,
                    params=list(call.query) or None,
                    headers=dict(call.headers),
                    json=call.body,
                    **_multipart(call),
                    auth=self._auth if with_key else None,
                    timeout=httpx.Timeout(seconds, connect=self._timeouts.connect),
                )
                headers = {name.lower(): value for name, value in response.headers.items()}
                return response.status_code, headers, self._without_key(response)
        except _NOT_SENT as error:
            hint = None if call.method == "POST" else _ASK_AGAIN
            failure = TransportError(f"{call.name} did not reach {self.origin} ({in_words(error)}).", hint=hint)
        except Exception as error:  # noqa: BLE001  # whatever it is, it came after sending, and its frames hold the key
            failure = self._lost(call, in_words(error))
        raise failure

    def _without_key(self, response: httpx.Response) -> bytes:
        """The body. Services like to quote the key that they refuse, whatever it looks like."""
        if self._auth is None or response.is_success:
            return response.content
        return self._auth.hidden_in(response.content)

    def _lost(self, call: wire.Call, why: str) -> TokenLabError:
        if call.is_create:
            return UnknownOutcomeError(f"{call.name} was sent to {self.origin}, but the answer was lost ({why}).")
        hint = None if call.method == "POST" else _ASK_AGAIN
        return TransportError(f"{call.name} got no answer from {self.origin} ({why}).", hint=hint)

    # ----------------------------------------------------------------------------------- pictures

    async def download(self, url: str) -> bytes:
        """Fetch one picture of an answer, without the key; see `Reach.fetch` for what is raised."""
        return (await self._reach.fetch(url)).data

    async def fetch_reference(self, url: str) -> Fetched:
        """Fetch a picture that is to go in, by the rules by which the service does; see `Reach.fetch`."""
        return await self._reach.fetch(url, REFERENCE)

    async def check_hosts(self, request: ImageRequest) -> str:
        """Look up where the references of a request lie; see `Reach.check_hosts`."""
        return await self._reach.check_hosts(request)


async def _off_loop(read: _Read[_T], call: wire.Call, answer: _Answer) -> _T:
    """Read an answer: a long one in a worker thread, since a catalogue or base64 pictures take tens of milliseconds.

    A short one, such as that of a task, at once: between it and the ledger no other thing is waited for.

    Shielded, since the answer is here: whoever stops waiting now must not lose what was paid for.
    """
    status, headers, body = answer
    if len(body) < _SHORT:
        return read(call, status, headers, body)
    with anyio.CancelScope(shield=True):
        result = await anyio.to_thread.run_sync(read, call, status, headers, body)
    return result  # noqa: RET504  # to mypy a scope may swallow what is raised in it


def _multipart(call: wire.Call) -> dict[str, Any]:
    if call.body is not None or not (call.form or call.files):
        return {}
    fields: Sequence[tuple[str, Any]] = [(name, (None, value)) for name, value in call.form]
    files = [(part.name, (part.filename, part.data, part.media_type)) for part in call.files]
    return {"files": [*fields, *files]}


class InProcess(httpx.ASGITransport):
    """An ASGI application as a transport; a dropped connection looks as it does on a network.

    Args:
        app: The application, such as the sandbox.
        dropped: What it raises to say that it closed the connection.
        host: The only host (with its port) that there is; by default it stands for every one.
    """

    def __init__(self, app: Any, dropped: type[Exception], host: str = "") -> None:
        super().__init__(app=app)
        self._dropped = dropped
        self._host = host

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        if self._host and request.url.netloc.decode("ascii") != self._host:
            raise httpx.ConnectError("There is no network behind the sandbox in this process.", request=request)
        try:
            return await super().handle_async_request(request)
        except self._dropped:
            raise httpx.RemoteProtocolError("The peer closed the connection.", request=request) from None
