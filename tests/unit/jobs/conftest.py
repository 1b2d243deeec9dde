"""Engines that are closed after each test."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.unit.jobs.fakes import Make, World
from tokenlab_nb.jobs.engine import Engine


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[Engine] = []

    def engine(world: World, **options: Any) -> Engine:
        made.append(Engine(world.ports, **options))
        return made[-1]

    yield engine
    for each in made:
        each.close(grace=0)
