"""The sandbox as an ASGI application: keys, the rate limit, faults, headers and threads around the routes.

Each key has so many calls in a minute; then 429 with `Retry-After` until the minute is over. What needs no key
(discovery, pictures, samples) is not limited.

It needs no lifespan events. Use it in process through `httpx.ASGITransport`, or over a port with
`python -m tokenlab_nb.sandbox`. `create_app(...).state.world` tells tests what was received.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
from anyio.lowlevel import RunVar
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from . import pictures, reads
from .catalog import EDITS, GENERATIONS, VARIATIONS, load_catalog
from .checks import likely_operation
from .creates import create
from .faults import (
    DELAY,
    DROP,
    HUGE_BYTES,
    PICTURE_EDITS,
    REPLY_EDITS,
    Canned,
    Event,
    Fault,
    Script,
    edit_answer,
)
from .forms import Form, read_form
from .refusals import Refusal, no_route, too_large
from .service import Call, Reply, Service
from .shelf import Shelf
from .sources import has_references
from .world import RATE_LIMIT, Tally

MAX_BODY = 250_000_000
_PAINTERS = 2
_CHUNK = bytes(1 << 20)
_limiter: RunVar[anyio.CapacityLimiter] = RunVar("sandbox_painters")


class ConnectionDropped(Exception):  # noqa: N818 - it says what happened to the peer
    """Raised out of the app: the peer closed the connection without a complete answer."""


@dataclass(frozen=True, slots=True)
class _Served:
    """One route: what it does, whether it needs a key (`yes`, `no`, or `checked` when sent), and its body."""

    method: str
    path: str
    handle: Callable[[Call], Awaitable[Reply]]
    key: str = "yes"


_ROUTES = (
    _Served("GET", "/v1/models", reads.list_models, key="checked"),
    _Served("GET", "/v1/models/{model:path}/pricing", reads.get_pricing, key="no"),
    _Served("GET", "/v1/models/{model:path}", reads.get_model, key="no"),
    _Served("GET", "/v1/pricing", reads.list_prices, key="no"),
    _Served("POST", GENERATIONS, create),
    _Served("POST", EDITS, create),
    _Served("POST", VARIATIONS, create),
    _Served("GET", "/v1/images/generations/{id}", reads.get_task),
    _Served("GET", "/v1/images/{id}", reads.get_image),
    _Served("GET", "/v1/tasks/{id}", reads.get_task),
    _Served("DELETE", "/v1/tasks/{id}", reads.cancel_task),
    _Served("POST", "/v1/files", reads.upload_file),
    _Served("GET", "/v1/files", reads.list_files),
    _Served("GET", "/v1/files/{file_id}", reads.get_file),
    _Served("DELETE", "/v1/files/{file_id}", reads.delete_file),
    _Served("GET", "/v1/files/{file_id}/content", reads.get_file_content),
    _Served("GET", "/pictures/{name}", pictures.get_picture, key="no"),
    _Served("GET", "/samples", pictures.list_samples, key="no"),
    _Served("GET", "/samples/{name}", pictures.get_picture, key="no"),
)


def create_app(
    *,
    base_url: str = "http://127.0.0.1",
    latency_scale: float = 0.1,
    state_dir: Path | None = None,
    faults: Sequence[Fault] = (),
    clock: Callable[[], float] = time.time,
    sleep: Callable[[float], Awaitable[None]] = anyio.sleep,
    rng: random.Random | None = None,
    api_keys: Collection[str] | None = None,
    rate_limit: int = RATE_LIMIT,
) -> Starlette:
    """A local TokenLab. Reads and makes `state_dir`, so it may block for a moment.

    Args:
        base_url: Origin of every URL that it gives out, whatever the Host header says.
        latency_scale: The models' latencies (5 to 60 s) are multiplied by this.
        state_dir: Where tasks, results and uploads outlive the process; None forgets them.
        faults: What goes wrong on purpose, see `faults`.
        clock: Unix time in seconds.
        sleep: Waits for seconds.
        rng: Ids, seeds and latencies; None draws them so that they cannot be guessed.
        api_keys: The only keys that are accepted; None accepts every one that begins with `sk-`.
        rate_limit: Calls that each key has in a minute.

    Returns:
        The application. `state.world` is its `world.World`; its counters `received` and `accepted` are by route name.
    """
    shelf = Shelf(state_dir)
    service = Service(
        catalog=load_catalog(),
        world=shelf.load(),
        shelf=shelf,
        script=Script(faults),
        base_url=base_url.rstrip("/"),
        latency_scale=latency_scale,
        clock=clock,
        sleep=sleep,
        dice=rng or random.SystemRandom(),
        in_thread=anyio.to_thread.run_sync,
        in_painter=_in_painter,
        api_keys=api_keys,
        rate_limit=rate_limit,
    )
    by_path: dict[str, list[_Served]] = {}
    for served in _ROUTES:
        by_path.setdefault(served.path, []).append(served)
    routes = [
        Route(path, partial(_serve, service, each), methods=[s.method for s in each]) for path, each in by_path.items()
    ]
    app = Starlette()
    app.state.world = service.world
    app.state.service = service
    # Our own outermost layer in place of Starlette's: theirs would answer a dropped connection with a 500.
    app.middleware_stack = _Outermost(service, Router(routes, redirect_slashes=False))
    return app


async def _in_painter(function: Callable[..., Any], /, *args: Any) -> Any:
    """Paint in a worker thread, two at a time, so that painting leaves the event loop its share of the interpreter."""
    try:
        limiter = _limiter.get()
    except LookupError:
        limiter = anyio.CapacityLimiter(_PAINTERS)
        _limiter.set(limiter)
    return await anyio.to_thread.run_sync(function, *args, limiter=limiter)


class _Outermost:
    """Answers unknown routes and methods in the API's error envelope."""

    def __init__(self, service: Service, router: ASGIApp) -> None:
        self._service = service
        self._router = router

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._router(scope, receive, send)
        except HTTPException as error:
            request = Request(scope)
            refusal = no_route(error.status_code, request.method, request.url.path)
            request_id = self._service.new_request_id()
            tally = self._service.count_public()
            response = _finish(self._service, _refused(refusal, request_id), tally, request_id)
            await response(scope, receive, send)


async def _serve(service: Service, routes: Sequence[_Served], request: Request) -> Response:
    """One call: who, how often, what, its faults, its work, its headers."""
    served = next((s for s in routes if s.method == request.method), routes[0])
    request_id, tally = service.new_request_id(), None
    try:
        owner = _caller(service, served, request)
        if served.key == "yes":
            tally = service.count(owner)
            service.check(tally)
        response = await _work(service, served, request, owner, request_id)
    except Refusal as refusal:
        response = _refused(refusal, request_id)
    except ClientDisconnect:  # the caller is gone before its request was whole: nobody hears the answer
        response = Response(status_code=400)
    return _finish(service, response, tally or service.count_public(), request_id)


def _caller(service: Service, served: _Served, request: Request) -> str:
    authorization = request.headers.get("Authorization")
    if served.key == "no" or (served.key == "checked" and authorization is None):
        return ""
    return service.owner(authorization)


async def _work(service: Service, served: _Served, request: Request, owner: str, request_id: str) -> Response:
    call = Call(service, request, owner, request_id, Event(request.method, request.url.path))
    if request.method == "POST":
        if served.handle is create:
            service.world.received[request.url.path.rpartition("/")[2]] += 1
        call.form = await _read_body(service, request)
    call.event = _event(call)
    faults = service.script.fire(call.event)
    early = await _before([fault for fault in faults if not fault.late], call)
    if early is not None:
        return early
    reply = await served.handle(call)
    return await _after([fault for fault in faults if fault.late], reply, call)


async def _read_body(service: Service, request: Request) -> Form:
    parts, size = [], 0
    async for part in request.stream():
        parts.append(part)
        size += len(part)
        if size > MAX_BODY:
            raise too_large("body", f"{MAX_BODY // 1_000_000} MB")
    content_type = request.headers.get("Content-Type", "")
    form: Form = await service.in_thread(lambda: read_form(content_type, b"".join(parts)))
    return form


def _event(call: Call) -> Event:
    """What fault rules see of a call: its own words, or those of the request behind its task or picture."""
    params, event = call.request.path_params, call.event
    name = str(params.get("id") or params.get("name", "")).partition("-")[0]
    record = call.service.world.records.get(name)
    if record is not None:
        order = record.order
        return replace(event, model=order.model, operation=order.operation, prompt=order.prompt)
    model = str(params.get("model") or call.form.text("model"))
    entry = call.service.catalog.find(model)
    operation = call.form.text("operation")
    if entry is not None and event.method == "POST" and not operation:
        operation = likely_operation(entry, event.path, has_references=has_references(call.form))
    return replace(event, model=entry.id if entry else model, operation=operation, prompt=call.form.text("prompt"))


async def _before(faults: Sequence[Fault], call: Call) -> Response | None:
    """What happens in place of the work; None when the work goes on."""
    for fault in faults:
        if fault.do == DELAY:
            await call.service.sleep(fault.seconds)
        elif fault.canned is not None:
            return _canned(fault.canned, call.request_id)
        else:
            raise ConnectionDropped
    return None


async def _after(faults: Sequence[Fault], reply: Reply, call: Call) -> Response:
    """The answer, with what happens to it."""
    response: Response | None = None
    for fault in faults:
        if fault.do == DELAY:
            await call.service.sleep(fault.seconds)
        if fault.do == DROP:
            raise ConnectionDropped
        if fault.canned is not None:
            return _canned(fault.canned, call.request_id)
        if fault.do in REPLY_EDITS and isinstance(reply.body, dict):
            reply = replace(reply, body=edit_answer(reply.body, fault.do, call.service.base_url))
        if fault.do == "truncated_json":
            whole = _body(reply)
            reply = replace(reply, body=whole[: len(whole) // 2])
        if fault.do in PICTURE_EDITS and reply.media_type.startswith("image/"):
            response = _bad_picture(fault.do, reply)
    return response or Response(_body(reply), headers=dict(reply.headers), media_type=reply.media_type)


def _bad_picture(do: str, reply: Reply) -> Response:
    if do == "wrong_content_type":
        return Response(reply.body, media_type="text/html")
    if do == "corrupt_picture":
        return Response(reply.body[:64] + bytes(len(reply.body) - 64), media_type=reply.media_type)
    headers = {"Content-Length": str(HUGE_BYTES)}
    return StreamingResponse(_zeros(HUGE_BYTES), headers=headers, media_type=reply.media_type)


async def _zeros(count: int) -> AsyncIterator[bytes]:
    for start in range(0, count, len(_CHUNK)):
        await anyio.lowlevel.checkpoint()
        yield _CHUNK[: count - start]


def _body(reply: Reply) -> bytes:
    return reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()


def _canned(canned: Canned, request_id: str) -> Response:
    body = canned.body
    if isinstance(body, dict):
        body = json.dumps({**body, "request_id": request_id} if "error" in body else body)
    text = body if isinstance(body, str) else json.dumps(body)
    headers = {"Content-Type": "application/json", **canned.headers}
    return Response(text, canned.status, headers=headers)


def _refused(refusal: Refusal, request_id: str) -> Response:
    return _canned(Canned(refusal.status, refusal.body, refusal.headers), request_id)


def _finish(service: Service, response: Response, tally: Tally, request_id: str) -> Response:
    """Put the standard headers on an answer."""
    for name, value in service.headers(tally, request_id).items():
        response.headers.setdefault(name, value)
    return response
