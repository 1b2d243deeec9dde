"""A session on a sandbox inside this process, where no wait takes time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx
from starlette.applications import Starlette

from tokenlab_nb import settings
from tokenlab_nb.api.client import InProcess
from tokenlab_nb.api.reach import Resolve
from tokenlab_nb.sandbox.app import ConnectionDropped, create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

CREATES = "/v1/images"
KEY = "sk-" + "integration"


class HastyClock:
    """Moves only when somebody sleeps, and no sleep takes time: session and sandbox live by the same one."""

    def __init__(self) -> None:
        self.time = 1_800_000_000.0

    def now(self) -> float:
        return self.time

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.time += seconds
        await anyio.lowlevel.checkpoint()


class Wire(InProcess):
    """The session's own way to the sandbox, which keeps what was asked."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(app, ConnectionDropped)
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return await super().handle_async_request(request)


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
        wire: Callable[[Starlette], Wire] = Wire,
        clock: HastyClock | None = None,
        resolve: Resolve | None = None,
        **options: Any,
    ) -> None:
        self.clock = clock or HastyClock()
        times = {"clock": self.clock.now, "sleep": self.clock.sleep}
        self.app = create_app(base_url=base_url, faults=faults, **times, **options)
        self.wire = wire(self.app)
        chosen = settings.load(
            api_key=settings.Secret(key), base_url=base_url, data_dir=folder, prefer_tasks=prefer_tasks
        )
        self.session = Session(chosen, transport=self.wire, clock=self.clock, resolve=resolve)

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
