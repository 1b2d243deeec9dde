"""The service over HTTP: one short method an endpoint. With `session`, the only file that knows httpx."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Generator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urljoin, urlsplit

import anyio
import anyio.to_thread
import httpx

from tokenlab_nb.api import wire
from tokenlab_nb.api.bodies import NO_IDS, filename
from tokenlab_nb.api.replies import Reply, Uploaded
from tokenlab_nb.contract import hosts
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import AuthenticationError, ImageError, TokenLabError, TransportError, UnknownOutcomeError
from tokenlab_nb.settings import Secret, Timeouts

MAX_PICTURE_BYTES = 100_000_000
"""Most bytes of one picture that are downloaded; a 3840x2160 PNG has about 25 million at worst."""

_MAX_REDIRECTS = 3
_SHORT = 32_768  # bytes of an answer that is read within a millisecond
_GRACE = 5.0  # seconds between httpx's own time-outs and the deadline that also holds for in-process transports

# What httpx raises before the first byte of a request has left: nothing was accepted, so sending again is safe.
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError, httpx.UnsupportedProtocol)

_ASK_AGAIN = "Check the network, then ask again: asking costs nothing."
_TELL = "Tell the service's support of it; the address is kept with the job."
_PASSING = frozenset({408, 425, 429})
_T = TypeVar("_T")
_Answer = tuple[int, Mapping[str, str], bytes]
_Target = tuple[str, dict[str, Any]]
_Read = Callable[[wire.Call, int, Mapping[str, str], bytes], _T]

_FETCH_AGAIN = "The picture is paid for and its address kept: fetch it again with job.fetch_again(), at no cost."


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
    """

    def __init__(
        self,
        base_url: str,
        *,
        key: Secret | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        timeouts: Timeouts | None = None,
        user_agent: str = "tokenlab-nb",
    ) -> None:
        self._base = base_url.rstrip("/")
        self._auth = _Bearer(key) if key else None
        self._timeouts = timeouts or Timeouts()
        self._resolves = transport is None
        limits = httpx.Limits(max_connections=64, max_keepalive_connections=16)
        agent = {"User-Agent": user_agent}
        self._http = httpx.AsyncClient(transport=transport, limits=limits, headers=agent)
        # Pictures lie on other hosts: neither key nor proxy settings may follow them there.
        self._plain = httpx.AsyncClient(transport=transport, limits=limits, headers=agent, trust_env=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        parts = urlsplit(self._base)
        return f"{parts.scheme}://{parts.netloc}"

    async def close(self) -> None:
        """Close every connection. Closing twice is fine."""
        await self._http.aclose()
        await self._plain.aclose()

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
            failure = TransportError(f"{call.name} did not reach {self.origin} ({_words(error)}).", hint=hint)
        except Exception as error:  # noqa: BLE001  # whatever it is, it came after sending, and its frames hold the key
            failure = self._lost(call, _words(error))
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
        """Fetch one picture, without the key.

        Raises:
            ImageError: If the host is private (unless the API itself is on such a host), it redirects more than
                three times, or the answer is no picture or too large.
            TransportError: If it cannot be reached, or not within the time.
        """
        failure: TokenLabError
        try:
            with anyio.fail_after(self._timeouts.download):
                for _ in range(_MAX_REDIRECTS + 1):
                    async with self._fetch(url) as response:
                        if not response.is_redirect:
                            return await _read_picture(response)
                        url = urljoin(url, response.headers.get("location", ""))
            failure = ImageError(
                f"The picture's address redirects more than {_MAX_REDIRECTS} times.", hint=_FETCH_AGAIN
            )
        except (httpx.HTTPError, httpx.StreamError, TimeoutError) as error:
            why = f"The picture at {urlsplit(url).netloc} was not fetched ({_words(error)})."
            failure = TransportError(why, hint=_FETCH_AGAIN)
        except (httpx.InvalidURL, ValueError) as error:
            failure = ImageError(f"The picture's address cannot be read ({_words(error)}).", hint=_TELL)
        raise failure

    @asynccontextmanager
    async def _fetch(self, url: str) -> AsyncIterator[httpx.Response]:
        targets = await self._checked(url)
        async with AsyncExitStack() as stack:
            yield await self._opened(stack, targets)

    async def _opened(self, stack: AsyncExitStack, targets: Sequence[_Target]) -> httpx.Response:
        *others, last = targets
        for target in others:
            try:
                return await stack.enter_async_context(self._stream(target))
            except (httpx.ConnectError, httpx.ConnectTimeout):  # an IPv6 address, say, that no way leads to from here
                continue
        return await stack.enter_async_context(self._stream(last))

    def _stream(self, target: _Target) -> AbstractAsyncContextManager[httpx.Response]:
        url, extra = target
        timeout = httpx.Timeout(self._timeouts.read, connect=self._timeouts.connect)
        return self._plain.stream("GET", url, timeout=timeout, **extra)

    async def _checked(self, url: str) -> list[_Target]:
        """Check where a picture lies; on a real network connect to the very addresses that were checked."""
        near = hosts.host_problem(urlsplit(self._base).hostname or "")
        problem = hosts.url_problem(url, trusted_origin=self.origin)
        if problem and not (near and urlsplit(url).scheme in ("http", "https")):
            raise ImageError(f"The picture's address is refused. {problem}", hint=_TELL)
        parts = urlsplit(url)
        if near or not self._resolves or f"{parts.scheme}://{parts.netloc}" == self.origin:
            return [(url, {})]
        host = parts.hostname or ""
        addresses = await _public_addresses(host, parts.port or (443 if parts.scheme == "https" else 80))
        asked = httpx.URL(url)
        headers = {"Host": asked.netloc.decode("ascii")}  # IDNA, unlike the text that came
        extensions = {"sni_hostname": asked.raw_host.decode("ascii")}
        extra = {"headers": headers, "extensions": extensions}
        return [(str(asked.copy_with(host=address)), extra) for address in addresses]


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


async def _public_addresses(host: str, port: int) -> list[str]:
    try:
        found = await anyio.getaddrinfo(host, port)
    except (OSError, UnicodeError) as error:
        raise TransportError(f"The picture's host {host} is not known here ({error}).", hint=_FETCH_AGAIN) from None
    addresses = list(dict.fromkeys(str(entry[4][0]) for entry in found))  # once for each kind of socket
    for address in addresses:
        if problem := hosts.host_problem(address):
            raise ImageError(f"The picture's host {host} is refused. {problem}", hint=_TELL)
    return addresses


async def _read_picture(response: httpx.Response) -> bytes:
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if response.status_code != httpx.codes.OK:
        # A host in trouble may answer better soon; an address that is refused or gone will not.
        kind_of_error = TransportError if response.status_code in _PASSING or response.is_server_error else ImageError
        raise kind_of_error(f"The picture's address answered {response.status_code}.", hint=_FETCH_AGAIN)
    if kind and not kind.startswith("image/") and kind not in ("application/octet-stream", "binary/octet-stream"):
        raise ImageError(f"The picture's address answered with {kind[:60]}, not a picture.", hint=_FETCH_AGAIN)
    stated = response.headers.get("content-length", "")
    if stated.isdigit() and int(stated) > MAX_PICTURE_BYTES:
        raise _too_large(int(stated))
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        size += len(chunk)
        if size > MAX_PICTURE_BYTES:
            raise _too_large(size)
        chunks.append(chunk)
    return b"".join(chunks)


def _too_large(size: int) -> ImageError:
    return ImageError(
        f"The picture has {size:,} bytes or more; at most {MAX_PICTURE_BYTES:,} are fetched.",
        hint="Ask for a smaller size or a compressed format. Its address is kept with the job.",
    )


def _multipart(call: wire.Call) -> dict[str, Any]:
    if call.body is not None or not (call.form or call.files):
        return {}
    fields: Sequence[tuple[str, Any]] = [(name, (None, value)) for name, value in call.form]
    files = [(part.name, (part.filename, part.data, part.media_type)) for part in call.files]
    return {"files": [*fields, *files]}


def _words(error: Exception) -> str:
    """What went wrong, in a few words. A protocol's complaint about a request quotes its headers: it is left out."""
    quotes = isinstance(error, httpx.LocalProtocolError) or not isinstance(error, httpx.HTTPError)
    text = "" if quotes else str(error).strip()
    name = type(error).__name__
    return f"{name}: {text[:200]}" if text else name


class InProcess(httpx.ASGITransport):
    """An ASGI application as a transport; a dropped connection looks as it does on a network.

    Args:
        app: The application, such as the sandbox.
        dropped: What it raises to say that it closed the connection.
    """

    def __init__(self, app: Any, dropped: type[Exception]) -> None:
        super().__init__(app=app)
        self._dropped = dropped

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer one request."""
        try:
            return await super().handle_async_request(request)
        except self._dropped:
            raise httpx.RemoteProtocolError("The peer closed the connection.", request=request) from None
