"""A session on a sandbox inside this process, where no wait takes time."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
from starlette.applications import Starlette

from tokenlab_nb import settings
from tokenlab_nb.sandbox.app import ConnectionDropped, create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

CREATES = "/v1/images"
KEY = "sk-" + "integration"


class HastyClock:
    """The world's clock, on which no sleep takes time."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def now(self) -> float:
        return time.time() + sum(self.slept)

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await anyio.lowlevel.checkpoint()


class InProcess(httpx.ASGITransport):
    """The sandbox as a transport. It keeps what was asked, and a dropped connection looks as it does on a network."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(app=app)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        try:
            return await super().handle_async_request(request)
        except ConnectionDropped:
            raise httpx.RemoteProtocolError("Server disconnected without sending a response.") from None


class Rig:
    """A sandbox, the wire to it, and a session."""

    def __init__(
        self,
        folder: Path,
        faults: Sequence[Fault] = (),
        *,
        key: str = KEY,
        base_url: str = settings.SANDBOX_URL,
        prefer_tasks: bool = True,
        **options: Any,
    ) -> None:
        self.app = create_app(base_url=base_url, faults=faults, **{"latency_scale": 1e-4, **options})
        self.wire = InProcess(self.app)
        self.clock = HastyClock()
        chosen = settings.load(
            api_key=settings.Secret(key), base_url=base_url, data_dir=folder, prefer_tasks=prefer_tasks
        )
        self.session = Session(chosen, transport=self.wire, clock=self.clock)

    def close(self) -> None:
        self.session.close()

    def sent(self, method: str, path: str = "") -> list[httpx.Request]:
        """What was asked of the sandbox."""
        return [request for request in self.wire.requests if request.method == method and path in request.url.path]

    @property
    def posts(self) -> int:
        return len(self.sent("POST", CREATES))

    @property
    def accepted(self) -> int:
        """How many creates the service carried out."""
        return sum(self.app.state.world.accepted.values())
