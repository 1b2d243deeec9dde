"""The process is killed at every await point of a job's life, and started again: no second POST, no lost picture."""

from __future__ import annotations

import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from tests.layer_rules import ROOT
from tests.unit.jobs.fakes import until
from tokenlab_nb.sandbox.app import create_app
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.world import World, is_task

SIZE = {"size": "512x512", "output_format": "jpeg"}
TASK = {"model": "flux-2-pro", "values": {"prompt": "fox", "async": True, **SIZE}}
LIVES: dict[str, tuple[dict[str, Any], tuple[Fault, ...]]] = {
    "a task": (TASK, ()),
    "a task under a budget": ({**TASK, "budget": 1.0}, ()),
    "a task after a 429": (TASK, (Fault("rate_limited", method="POST", path="/v1/images", times=1),)),
    "an answer with an address": ({"model": "flux-2-pro", "values": {"prompt": "fox", "async": False, **SIZE}}, ()),
    "an answer with the picture in it": (
        {"model": "flux-2-pro", "values": {"prompt": "fox", "async": False, "response_format": "b64_json", **SIZE}},
        (),
    ),
}

Ask = Callable[..., dict[str, Any]]


class Place:
    """A sandbox on a port, in this process, so that it can be counted what it received."""

    def __init__(self, faults: tuple[Fault, ...]) -> None:
        seconds = itertools.count(1_800_000_000)  # a second passes with every look at the clock
        app = create_app(clock=lambda: float(next(seconds)), sleep=_no_sleep, faults=faults, latency_scale=0.2)
        self.world: World = app.state.world
        self.server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", lifespan="off"))
        self.thread = threading.Thread(target=self.server.run)
        self.thread.start()
        until(lambda: self.server.started)
        self.url = f"http://127.0.0.1:{self.server.servers[0].sockets[0].getsockname()[1]}"
        app.state.service.base_url = self.url

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()

    @property
    def accepted(self) -> int:
        return sum(self.world.accepted.values())


async def _no_sleep(_seconds: float) -> None:
    return


@pytest.fixture
def ask() -> Iterator[Ask]:
    """A process that lives and dies for us."""
    words = [sys.executable, "-m", "tests.integration.mortal"]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdin
    assert process.stdout

    def ask(**command: Any) -> dict[str, Any]:
        print(json.dumps(command), file=process.stdin, flush=True)
        answer: dict[str, Any] = json.loads(process.stdout.readline())
        return answer

    yield ask
    process.stdin.close()
    process.wait()
    process.stdout.close()


def _one_life(ask: Ask, place: Place, folder: Path, asked: dict[str, Any], deadly: int) -> bool:
    """Live a job up to this point, restart, and hold the world to what was promised; False once it lives to the end."""
    at = {"folder": str(folder / str(deadly)), "url": place.url}
    before = place.accepted
    known = set(place.world.records)
    life = ask(do="live", asked=asked, deadly=deadly, **at)
    after = ask(do="recover", adopt={}, **at)
    assert not after["killed"]
    assert place.accepted - before <= 1, f"accepted twice when killed at point {deadly}"
    jobs = after["jobs"]
    assert len(jobs) <= 1
    lost = [job["id"] for job in jobs if job["status"] == "unknown"]
    made = [name for name in set(place.world.records) - known if is_task(name)]
    if lost and made:  # the user finds the task on the dashboard
        [job] = ask(do="recover", adopt={lost[0]: made[0]}, **at)["jobs"]
        jobs = [job]
    if made:
        assert [job["status"] for job in jobs] == ["completed"], f"{jobs} when killed at point {deadly}"
        assert jobs[0]["kept"] == [True]
        assert jobs[0]["task"] == made[0]
    elif jobs:
        accepted = place.accepted > before
        fine = {"completed", "unknown"} if accepted else {"draft", "unknown"}
        assert jobs[0]["status"] in fine, f"{jobs} when killed at point {deadly}"
        assert (jobs[0]["status"] == "draft") == bool(after["parked"])
        assert all(jobs[0]["kept"])
    else:
        assert place.accepted == before, f"accepted without a row when killed at point {deadly}"
    assert place.accepted - before <= 1, f"accepted twice when killed at point {deadly}"
    return bool(life["killed"])


@pytest.mark.parametrize("name", LIVES)
def test_killed_at_every_await_point_it_loses_nothing_and_sends_nothing_twice(
    name: str, ask: Ask, tmp_path: Path
) -> None:
    asked, faults = LIVES[name]
    place = Place(faults)
    try:
        deaths = 0
        while _one_life(ask, place, tmp_path, asked, deaths + 1):
            deaths += 1
    finally:
        place.close()
    assert deaths > 20


def test_killed_again_while_it_recovers_it_still_loses_nothing(ask: Ask, tmp_path: Path) -> None:
    place = Place(())
    try:
        points = ask(do="live", asked=TASK, deadly=-1, folder=str(tmp_path / "whole"), url=place.url)["points"]
        deaths = 0
        while _two_deaths(ask, place, tmp_path, points * 3 // 5, deaths + 1):
            deaths += 1
    finally:
        place.close()
    assert deaths > 10


def _two_deaths(ask: Ask, place: Place, folder: Path, first: int, second: int) -> bool:
    at = {"folder": str(folder / str(second)), "url": place.url}
    before = place.accepted
    assert ask(do="live", asked=TASK, deadly=first, **at)["killed"]
    life = ask(do="recover", adopt={}, deadly=second, **at)
    [job] = ask(do="recover", adopt={}, **at)["jobs"]
    assert (job["status"], job["kept"], place.accepted - before) == ("completed", [True], 1), f"at point {second}"
    return bool(life["killed"])
