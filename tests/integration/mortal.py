"""A process whose forks live jobs of a session and are killed at a chosen await point of the engine's loop.

Run as a module it reads one JSON command a line and answers each with one line. It imports everything once and starts
no thread itself, so that a fork is a fresh kernel in a few milliseconds.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import ssl
import sys
import tempfile
import time
from collections.abc import Callable, Coroutine, Generator
from pathlib import Path
from typing import Any

import anyio.lowlevel
import httpx

from tokenlab_nb import settings
from tokenlab_nb.api.reach import ask_system
from tokenlab_nb.session import Session

KEY = "sk-" + "mortal"
SECONDS = 60.0


class Points:
    """Counts the await points of all tasks of a loop, and kills this process at one of them."""

    def __init__(self, deadly: int) -> None:
        self.deadly = deadly
        self.passed = 0
        self.armed = False

    def pass_one(self) -> None:
        if not self.armed:
            return
        self.passed += 1
        if self.passed == self.deadly:
            os.kill(os.getpid(), signal.SIGKILL)

    async def install(self) -> None:
        loop = asyncio.get_running_loop()
        loop.set_task_factory(lambda loop, coro, **more: asyncio.Task(_Counted(coro, self.pass_one), loop=loop, **more))


class _Counted(Coroutine[Any, Any, Any]):
    """A coroutine that tells each time it is suspended."""

    def __init__(self, inner: Any, suspended: Callable[[], None]) -> None:
        self._inner = inner
        self._suspended = suspended

    def send(self, value: Any) -> Any:
        waits_for = self._inner.send(value)
        self._suspended()
        return waits_for

    def throw(self, *error: Any) -> Any:
        waits_for = self._inner.throw(*error)
        self._suspended()
        return waits_for

    def close(self) -> None:
        self._inner.close()

    def __await__(self) -> Generator[Any, Any, Any]:
        return self._inner.__await__()

    def __getattr__(self, name: str) -> Any:  # anyio looks at the frame of a task's coroutine
        return getattr(self._inner, name)


class Hasty:
    """Real time, but for sleeping, which takes none and lets the clock jump."""

    skipped = 0.0

    def now(self) -> float:
        return time.time() + self.skipped

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.skipped += seconds
        await anyio.lowlevel.checkpoint()


NO_CERTIFICATES = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""Reading this machine's takes longer than most lives, and the sandbox speaks plain HTTP."""

EMPTY = Path(tempfile.mkdtemp(prefix="tokenlab-nb-mortal-"))
"""Holds a ledger without a job: to make its tables takes as long as to live."""


def session(folder: str, url: str) -> Session:
    chosen = settings.load(api_key=settings.Secret(KEY), base_url=url, data_dir=folder)
    if chosen.data_dir != EMPTY and not chosen.data_dir.exists():
        shutil.copytree(EMPTY, chosen.data_dir)
    wire = httpx.AsyncHTTPTransport(verify=NO_CERTIFICATES)
    return Session(chosen, clock=Hasty(), transport=wire, resolve=ask_system)


def live(folder: str, url: str, asked: dict[str, Any], deadly: int) -> dict[str, Any]:
    """Live one job, unless it is the last thing that this process does; tell how many points it passed."""
    points = Points(deadly)
    ours = session(folder, url)
    budget = asked.pop("budget", None)
    request = ours.prepare(asked.pop("model"), asked.pop("values"), **asked)
    ours._engine.call(points.install)
    ours.limit_spending(budget, allow_unknown_price=True)
    points.armed = True
    job = ours.send(request)
    ours._engine.wait(job.id, SECONDS)
    return {"points": points.passed, "status": job.status.value}


def grid(folder: str, url: str, foxes: list[str], deadly: int = -1) -> dict[str, Any]:
    """Run a grid of foxes, unless it is the last thing that this process does; tell how all cells stand."""
    points = Points(deadly)
    ours = session(folder, url)
    ours.recover()
    plan = ours.sweep("flux-2-pro", foxes, size="512x512", output_format="jpeg", async_=True)
    ours._engine.call(points.install)
    points.armed = True
    made = plan.run(concurrency=2)
    made.wait(SECONDS)
    kept = all(ours._blobs.has(image.sha256) for image in made.images)
    return {"points": points.passed, "cells": [cell.status for cell in made.cells], "kept": kept}


def recover(folder: str, url: str, adopt: dict[str, str], deadly: int = -1) -> dict[str, Any]:
    """Take up what is left, adopt tasks for unknown jobs, and tell how all jobs stand at the end."""
    points = Points(deadly)
    with session(folder, url) as ours:
        ours._engine.call(points.install)
        points.armed = True
        ours.recover()
        for job_id, task in adopt.items():
            ours.adopt(task, settles=job_id)
        for job in ours.jobs:
            ours._engine.wait(job.id, SECONDS)
        return {"jobs": [_told(job.snapshot, ours) for job in ours.history()], "parked": _parked(ours)}


def _told(snapshot: Any, ours: Session) -> dict[str, Any]:
    kept = [ours._blobs.has(image.sha256) for image in snapshot.images]
    status = snapshot.status.value
    return {"id": snapshot.id, "status": status, "task": snapshot.task_id, "kept": kept, "error": str(snapshot.error)}


def _parked(ours: Session) -> list[str]:
    return [job.id for job in ours.jobs if job.snapshot.is_parked]


def in_a_fork(command: dict[str, Any]) -> dict[str, Any]:
    """Do a command in a fork; ``killed`` tells whether it lived to the end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if not pid:
        code = 1
        try:
            os.close(reading)
            done = {"live": live, "recover": recover, "grid": grid}[command.pop("do")](**command)
            os.write(writing, json.dumps(done).encode())
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    os.close(writing)
    with os.fdopen(reading, "rb") as pipe:
        told = pipe.read()
    _, status = os.waitpid(pid, 0)
    return {"killed": os.WIFSIGNALED(status), **json.loads(told or b"{}")}


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    session(str(EMPTY), "http://127.0.0.1:9").close()
    for line in sys.stdin:
        sys.stdout.write(json.dumps(in_a_fork(json.loads(line))) + "\n")
        sys.stdout.flush()
    shutil.rmtree(EMPTY)
