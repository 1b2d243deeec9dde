"""A thousand cells run through: each is made once, by one create, and nothing is left in line."""

from __future__ import annotations

import time
from collections.abc import Callable

from tests.integration.grids import TWO, prompts_sent
from tests.integration.harness import Rig

CELLS = 1000
SECONDS = 240.0
PROMPTS = [f"fox {number}" for number in range(CELLS)]


def test_a_thousand_cells_come_home_each_by_one_create(rig: Callable[..., Rig]) -> None:
    world = rig(rate_limit=1_000_000)
    sweep = world.session.sweep(TWO, PROMPTS, size="512x512", output_format="jpeg", async_=True)
    begun = time.monotonic()
    grid = sweep.run()
    assert time.monotonic() - begun < SECONDS / 20  # it returns long before it is done
    assert len(grid.jobs) == CELLS
    assert len(grid.wait(SECONDS)) == CELLS
    assert grid.state == "done"
    assert prompts_sent(world) == dict.fromkeys(PROMPTS, 1)
    assert not world.session._engine.line.waiting
    again = sweep.run()
    assert (again.state, len(again.images), world.posts) == ("done", CELLS, CELLS)
