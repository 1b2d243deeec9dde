"""What the tests of grids share: a wire that holds creates back, and who may be asked what was sent."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import replace
from typing import Any

import anyio
import httpx
from starlette.applications import Starlette

from tests.integration.harness import Rig, Wire
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

ONE, TWO = "nano-banana-2", "flux-2-pro"
"""Two models; the first has a stated price, the contract of the other states how many may go on at once."""
FOXES = [f"fox {number}" for number in range(6)]


class Gate(Wire):
    """Lets creates through to the sandbox one by one, or all."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(app)
        self.places = 10**9
        self.at_once = self.most_at_once = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.method != "POST":
            return await super().handle_async_request(request)
        self.at_once += 1
        self.most_at_once = max(self.at_once, self.most_at_once)
        end = time.monotonic() + SOON  # a test that fails must not wait for its gate
        while self.places <= 0 and time.monotonic() < end:  # noqa: ASYNC110  # another thread sets it
            await anyio.sleep(0.002)
        self.places -= 1
        self.at_once -= 1
        return await super().handle_async_request(request)


def waits(world: Rig, count: int) -> None:
    """Wait until so many creates stand before the gate."""
    until(lambda: world.wire.at_once == count)  # type: ignore[attr-defined]


def prompts_sent(world: Rig) -> Counter[str]:
    """How often the service made each prompt: whatever goes wrong, never twice."""
    return Counter(record.order.prompt for record in world.app.state.world.records.values())


def beside(world: Rig) -> tuple[Session, Wire]:
    """Another session on the same sandbox and the same folder, as another kernel would have it."""
    wire = Wire(world.app)
    return Session(replace(world.session.settings), transport=wire, clock=world.clock), wire


def refused(status: int, code: str, **more: Any) -> Fault:
    """A fault that answers creates so."""
    body = {"error": {"message": f"No: {code}.", "type": "invalid_request_error", "code": code}}
    return Fault("answer", method="POST", path="/v1/images", status=status, body=body, **more)
