"""Code for cells: sessions on sandboxes that do what a test wants, when it wants it."""

from __future__ import annotations

HASTY = """
import anyio
import httpx
import tokenlab_nb as tl
from tokenlab_nb import settings
from tokenlab_nb.jobs.clock import RealClock
from tokenlab_nb.sandbox.app import create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session

ORIGIN = "http://127.0.0.1:9"


class Hasty(RealClock):  # no pause takes time; what happens still happens in order
    async def sleep(self, seconds):
        await anyio.sleep(min(seconds, 0.05))


def session_with(*faults, kind=httpx.ASGITransport):
    app = create_app(base_url=ORIGIN, faults=faults, latency_scale=0.01)
    chosen = settings.load(api_key=settings.Secret("sk-test"), base_url=ORIGIN, data_dir="state")
    return Session(chosen, transport=kind(app), clock=Hasty())
"""
"""Defines `session_with(*faults, kind=...)`: a session on an instant sandbox, paid for as far as the widgets know."""

HELD = (
    HASTY
    + """
import pathlib


class Held(httpx.ASGITransport):  # answers to creates and about tasks wait until the test lets them go
    async def handle_async_request(self, request):
        about_task = request.url.path.startswith(("/v1/tasks/", "/v1/images/"))
        name = "sent" if request.method == "POST" else "asked" if about_task else ""
        while name and not pathlib.Path(name).exists():
            await anyio.sleep(0.02)
        return await super().handle_async_request(request)


session = session_with(kind=Held)
"""
)
"""Defines `session`: it answers creates once a file ``sent`` stands beside the notebook, tasks once ``asked`` does."""
