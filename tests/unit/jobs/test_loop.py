"""The loop, and the library that anyio asks for its name where it is installed."""

from __future__ import annotations

import sys

import anyio
import pytest
import sniffio  # the OpenAI client brings it along

from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.jobs.loop import Loop


async def nothing() -> None:
    pass


async def sleeps() -> str:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(anyio.sleep, 0)
    return "slept"


@pytest.fixture
def loop():
    made = Loop(nothing, lambda: None)
    yield made
    made.close(lambda: None, list, SOON)


def test_what_is_called_on_the_loop_knows_where_it_runs(loop):
    assert loop.call_soon(sleeps).result(SOON) == "slept"
    seen = []
    loop.post(lambda: seen.append(sniffio.current_async_library()))
    until(lambda: seen)
    assert seen == ["asyncio"]
    with pytest.raises(sniffio.AsyncLibraryNotFoundError):  # the caller's own context is as it was
        sniffio.current_async_library()


def test_where_it_is_not_installed_nothing_is_told(loop, monkeypatch):
    loop.call(nothing)
    monkeypatch.delitem(sys.modules, "sniffio")
    seen = []
    loop.post(lambda: seen.append("called"))
    until(lambda: seen)
