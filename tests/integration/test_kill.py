"""The process is killed at every await point of a job's life, and started again: no second POST, no lost picture."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.kernels import Place
from tests.layer_rules import ROOT
from tests.unit.pictures import PNG
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.world import is_task

SIZE = {"size": "512x512", "output_format": "jpeg"}
TASK = {"model": "flux-2-pro", "values": {"prompt": "fox", "async": True, **SIZE}}
# Each life asks for another fox, and each fox is refused once.
ONCE_EACH = tuple(
    Fault("rate_limited", method="POST", path="/v1/images", prompt=f"fox {life:03}", times=1) for life in range(1, 300)
)
LIVES: dict[str, tuple[dict[str, Any], tuple[Fault, ...]]] = {
    "a task": (TASK, ()),
    "a task under a budget": ({**TASK, "budget": 1.0}, ()),
    "a task after a 429": (TASK, ONCE_EACH),
    "an answer with an address": ({"model": "flux-2-pro", "values": {"prompt": "fox", "async": False, **SIZE}}, ()),
    "an answer with the picture in it": (
        {"model": "flux-2-pro", "values": {"prompt": "fox", "async": False, "response_format": "b64_json", **SIZE}},
        (),
    ),
    "a picture that is uploaded first": ({"model": "qwen-image-edit", "values": {"prompt": "fox"}}, ()),
}

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def place() -> Iterator[Callable[..., Place]]:
    """Make sandboxes whose tasks take a few looks."""
    made: list[Place] = []

    def make(*faults: Fault) -> Place:
        made.append(Place(*faults, step=1.0, latency_scale=0.2))
        made[-1].let_time_pass()
        return made[-1]

    yield make
    for each in made:
        each.close()


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
    fox = {**asked, "values": {**asked["values"], "prompt": f"fox {deadly:03}"}}
    life = ask(do="live", asked=fox, deadly=deadly, **at)
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
    name: str, ask: Ask, place: Callable[..., Place], tmp_path: Path
) -> None:
    asked, faults = LIVES[name]
    if "uploaded" in name:
        picture = tmp_path / "fox.png"
        picture.write_bytes(PNG)
        asked = {**asked, "references": str(picture)}
    world, deaths = place(*faults), 0
    while _one_life(ask, world, tmp_path, asked, deaths + 1):
        deaths += 1
    assert deaths > 20


def test_killed_again_while_it_recovers_it_still_loses_nothing(
    ask: Ask, place: Callable[..., Place], tmp_path: Path
) -> None:
    world, deaths = place(), 0
    points = ask(do="live", asked=TASK, deadly=-1, folder=str(tmp_path / "whole"), url=world.url)["points"]
    while _two_deaths(ask, world, tmp_path, points * 3 // 5, deaths + 1):
        deaths += 1
    assert deaths > 10


def _two_deaths(ask: Ask, place: Place, folder: Path, first: int, second: int) -> bool:
    at = {"folder": str(folder / str(second)), "url": place.url}
    before = place.accepted
    assert ask(do="live", asked=TASK, deadly=first, **at)["killed"]
    life = ask(do="recover", adopt={}, deadly=second, **at)
    [job] = ask(do="recover", adopt={}, **at)["jobs"]
    assert (job["status"], job["kept"], place.accepted - before) == ("completed", [True], 1), f"at point {second}"
    return bool(life["killed"])


def test_a_grid_that_is_killed_anywhere_sends_each_take_once(
    ask: Ask, place: Callable[..., Place], tmp_path: Path
) -> None:
    world, deadly, deaths = place(), 1, 0
    while _killed_grid(ask, world, tmp_path, deadly):
        deaths, deadly = deaths + 1, deadly + 7
    assert deaths > 10


def _killed_grid(ask: Ask, place: Place, folder: Path, deadly: int) -> bool:
    at = {"folder": str(folder / str(deadly)), "url": place.url, "foxes": [f"fox {deadly} {n}" for n in range(5)]}
    life = ask(do="grid", deadly=deadly, **at)
    after = ask(do="grid", **at)
    made = Counter(record.order.prompt for record in place.world.records.values() if str(deadly) in record.order.prompt)
    assert not [fox for fox in at["foxes"] if made[fox] > 1], f"made twice when killed at point {deadly}"
    assert set(after["cells"]) <= {"done", "unknown"}, f"{after} when killed at point {deadly}"
    assert after["cells"].count("unknown") <= 2
    assert after["kept"]
    again = ask(do="grid", **at)
    assert again["cells"] == after["cells"], f"killed at point {deadly}"
    return bool(life["killed"])
