"""A sandbox in this process, on a clock that only moves when something sleeps."""

from __future__ import annotations

import json
import random
from collections.abc import Awaitable, Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import anyio
import httpx
from PIL import Image

from tokenlab_nb.sandbox.app import create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.painter import Picture, paint

GENERATIONS, EDITS, VARIATIONS = "/v1/images/generations", "/v1/images/edits", "/v1/images/variations"
BASE = "http://127.0.0.1:9999"
START = 1_800_000_000.0


class Clock:
    """Stands still but for `sleep` and `tick`."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    def tick(self, seconds: float) -> None:
        self.now += seconds


class Lab:
    """The app, its world, and a client with a key."""

    def __init__(self, *faults: Fault, state_dir: Path | None = None, key: str = "sk-one", **options: Any) -> None:
        self.clock = Clock()
        self.app = create_app(
            base_url=BASE,
            latency_scale=1.0,
            state_dir=state_dir,
            faults=faults,
            clock=self.clock,
            sleep=self.clock.sleep,
            rng=random.Random(7),
            **options,
        )
        self.world = self.app.state.world
        self.http = self.client(key)

    def client(self, key: str = "") -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        transport = httpx.ASGITransport(self.app)
        return httpx.AsyncClient(transport=transport, base_url="http://whoever.example", headers=headers)

    async def generate(self, model: str, prompt: str = "a red fox", **fields: Any) -> httpx.Response:
        return await self.http.post(GENERATIONS, json={"model": model, "prompt": prompt, **fields})

    async def edit(self, model: str, prompt: str = "bluer", **fields: Any) -> httpx.Response:
        body = {"model": model, "prompt": prompt, "image_url": f"{BASE}/samples/fox.jpg", **fields}
        return await self.http.post(EDITS, json={key: value for key, value in body.items() if value is not None})

    async def poll(self, task_id: str) -> dict[str, Any]:
        answer = await self.http.get(f"/v1/tasks/{task_id}")
        assert answer.status_code == 200, answer.text
        return dict(answer.json())

    async def finished(self, created: httpx.Response) -> dict[str, Any]:
        self.clock.tick(61)
        return await self.poll(created.json()["task_id"])


def run(scenario: Callable[[], Awaitable[None]]) -> None:
    """Run an async test."""
    anyio.run(scenario)


def error(answer: httpx.Response) -> dict[str, Any]:
    """The `error` of an error answer."""
    assert answer.status_code >= 400, answer.text
    return dict(json.loads(answer.text)["error"])


def picture(width: int = 64, height: int = 48, output_format: str = "png", **fields: Any) -> bytes:
    """A small picture file."""
    return paint(Picture(model="m", prompt="fox", width=width, height=height, output_format=output_format, **fields))


def opened(data: bytes) -> Image.Image:
    return Image.open(BytesIO(data))


async def shown(lab: Lab, url: str) -> httpx.Response:
    """A picture as a client without a key gets it."""
    return await lab.client().get(url)


def masked(width: int = 64, height: int = 48) -> bytes:
    """A mask whose left half may change."""
    mask = Image.new("RGBA", (width, height), "white")
    mask.paste((0, 0, 0, 0), (0, 0, width // 2, height))
    buffer = BytesIO()
    mask.save(buffer, "PNG")
    return buffer.getvalue()
