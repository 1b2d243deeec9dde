"""Kernels that are real processes, to be killed, and a sandbox on a port whose time stands still."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any, Self

import anyio
import uvicorn

from tests.integration.harness import KEY, HastyClock
from tests.layer_rules import ROOT
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb import settings
from tokenlab_nb.sandbox.app import create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.world import World, is_task
from tokenlab_nb.session import Session

LONG = 60.0
"""Seconds of a delay that lasts until time is let pass; shorter ones take none."""

PRELUDE = """
import json, sys, time
import tokenlab_nb as tl
from tokenlab_nb.jobs.job import JobStatus
session = tl.connect(api_key=sys.argv[1], base_url=sys.argv[2], data_dir=sys.argv[3])
def until(condition):
    end = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.002)
def tell(*values):
    print(json.dumps(values), flush=True)
def told():
    return sys.stdin.readline().strip()
"""


class Place:
    """A sandbox on a port, in this process: it counts what it received, and no task ends before `let_time_pass`."""

    def __init__(self, *faults: Fault, step: float = 10.0, **options: Any) -> None:
        self.time, self.step = 1_800_000_000.0, step
        self.held = True
        app = create_app(clock=self._now, sleep=self._sleep, faults=faults, rate_limit=1_000_000, **options)
        self.world: World = app.state.world
        config = uvicorn.Config(app, port=0, log_level="critical", lifespan="off", timeout_graceful_shutdown=1)
        self.server = uvicorn.Server(config)
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        until(lambda: self.server.started)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        app.state.service.base_url = self.url

    def _now(self) -> float:
        self.time += 0 if self.held else self.step
        return self.time

    async def _sleep(self, seconds: float) -> None:
        while self.held and seconds >= LONG:  # noqa: ASYNC110  # it is set by another thread
            await anyio.sleep(0.005)

    def let_time_pass(self) -> None:
        """From now on, some seconds go by with every look at the clock."""
        self.held = False

    def close(self) -> None:
        self.held = False
        self.server.should_exit = True
        self.thread.join()

    @property
    def accepted(self) -> int:
        """Creates that were taken: what a real service would have begun, or billed."""
        return sum(self.world.accepted.values())

    @property
    def posts(self) -> int:
        return sum(count for route, count in self.world.received.items() if "task" not in route and "gener" in route)

    @property
    def tasks(self) -> list[str]:
        return [name for name in self.world.records if is_task(name)]

    def session(self, folder: Path, *, key: str = KEY) -> Session:
        """A session of this process on it, for which no wait takes time."""
        chosen = settings.load(api_key=settings.Secret(key), base_url=self.url, data_dir=folder)
        return Session(chosen, clock=HastyClock())


class Kernel:
    """A process with a session, which does what it is told and then waits for a line."""

    def __init__(self, url: str, folder: Path, code: str) -> None:
        words = [sys.executable, "-W", "error", "-c", f"{PRELUDE}\n{code}\ntold()\n", KEY, url, str(folder)]
        pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        self.process = subprocess.Popen(words, cwd=ROOT, **pipes)

    def hear(self) -> list[Any]:
        """What it tells next."""
        assert self.process.stdout
        heard: list[Any] = json.loads(self.process.stdout.readline())
        return heard

    def say(self, word: str = "") -> None:
        assert self.process.stdin
        self.process.stdin.write(f"{word}\n")
        self.process.stdin.flush()

    def kill(self) -> None:
        """End it as the kernel's "restart" or the machine's power switch does, and close what is left of it."""
        self.process.kill()
        self.process.wait(SOON)
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe:
                pipe.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()
