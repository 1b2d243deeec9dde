"""Grids run once more, in ways that might send or pay twice: nothing does that nobody asked for."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.grids import FOXES, ONE, Gate, beside, prompts_sent, waits
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.errors import BudgetExceededError, SessionClosedError
from tokenlab_nb.sandbox.faults import Fault

Make = Callable[..., Rig]


def test_what_was_lost_while_it_was_made_anew_is_not_made_once_more(rig: Make) -> None:
    """The older picture that is there comes of an earlier kernel; this one only knows of the lost answer."""
    world = rig(Fault("drop", after=True, method="POST", path="/v1/images", prompt=FOXES[0], nth=2, times=1))
    session, _ = beside(world)
    with session:
        session.compare(ONE, FOXES[0]).wait(SOON)
    lost = world.session.compare(ONE, FOXES[0], anew=True)
    lost.wait(SOON)
    assert lost.cells[0].status == "unknown"
    again = world.session.compare(ONE, FOXES[0], anew=True)
    again.wait(SOON)
    assert again.jobs == lost.jobs
    assert prompts_sent(world)[FOXES[0]] == 2


def test_the_newest_picture_stands_for_a_take_also_beside_one_of_an_earlier_kernel(rig: Make) -> None:
    world = rig()
    session, _ = beside(world)
    with session:
        session.compare(ONE, FOXES[0]).wait(SOON)
    anew = world.session.compare(ONE, FOXES[0], anew=True)
    anew.wait(SOON)
    assert world.session.compare(ONE, FOXES[0]).jobs == anew.jobs


def test_a_budget_of_a_retry_stands_beside_that_of_the_grid(rig: Make) -> None:
    world = rig(Fault("server_error", method="POST", path="/v1/images", prompt=FOXES[1], times=1))
    sweep = world.session.sweep(ONE, FOXES[:2])
    grid = sweep.run(sweep.price.high)
    grid.wait(SOON)
    assert grid.retry_price().high > 0
    other = world.session.compare(ONE, FOXES[2])  # counts, too
    other.wait(SOON)
    with pytest.raises(BudgetExceededError):
        grid.retry(budget=100.0)
    assert world.posts == 3


def test_what_is_retried_of_a_grid_that_was_made_anew_is_made_anew(rig: Make) -> None:
    world = rig(Fault("server_error", method="POST", path="/v1/images", nth=2, times=1))
    sweep = world.session.sweep(ONE, FOXES[0])
    first = sweep.run()
    first.wait(SOON)
    anew = sweep.run(anew=True)
    anew.wait(SOON)
    assert anew.cells[0].status == "failed"
    (job,) = anew.retry()
    anew.wait(SOON)
    assert job not in first.jobs
    assert prompts_sent(world)[FOXES[0]] == 2


def test_a_grid_that_was_paused_and_stopped_is_sent_by_a_retry(rig: Make) -> None:
    world = rig(wire=Gate)
    world.wire.places = 0
    grid = world.session.sweep(ONE, FOXES).run(concurrency=2)
    waits(world, 2)
    grid.pause()
    grid.stop()
    world.wire.places = 10**9
    assert len(grid.wait(SOON)) == 2
    assert len(grid.retry()) == 4
    assert grid.state == "running"
    assert len(grid.wait(SOON)) == 6
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


@pytest.mark.parametrize("where", ["up", "reserve"])
def test_a_run_that_was_broken_off_while_it_wrote_is_taken_up_by_the_next(
    rig: Make, monkeypatch: pytest.MonkeyPatch, where: str
) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    engine = world.session._engine
    owner = engine.line if where == "up" else engine
    real = getattr(owner, where)

    def broken_off(*args: object, **more: object) -> None:
        if where == "reserve":
            real(*args, **more)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(owner, where, broken_off)
        with pytest.raises(KeyboardInterrupt):
            sweep.run()
    assert len(sweep.run().wait(SOON)) == 6
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


def test_other_takes_of_the_same_request_may_move_while_one_is_retried(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As those of a grid that is running do all the time."""
    world = rig(Fault("server_error", method="POST", path="/v1/images", nth=1, times=1))
    grid = world.session.compare(ONE, FOXES[0], repeats=2, concurrency=1)
    grid.wait(SOON)
    failed, made = grid.jobs
    assert failed.error
    assert made.images

    def meanwhile(*args: object) -> object:
        with world.session._journal._writing() as connection:
            connection.execute("UPDATE jobs SET status = 'processing' WHERE id = ?", (made.id,))
        return read(*args)

    read = world.session._read_models
    monkeypatch.setattr(world.session, "_read_models", meanwhile)
    assert len(grid.retry()) == 1


def test_a_session_that_is_closed_while_a_grid_begins_keeps_nobody_waiting(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = rig()
    engine = world.session._engine
    reserve = engine.reserve

    def closing(*args: object) -> None:
        reserve(*args)
        world.session.close()

    monkeypatch.setattr(engine, "reserve", closing)
    with pytest.raises(SessionClosedError):
        world.session.compare(ONE, FOXES)
    session, _ = beside(world)
    with session:
        assert len(session.compare(ONE, FOXES).wait(SOON)) == 6
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


def test_a_grid_of_finished_pictures_leaves_nothing_with_their_jobs(rig: Make) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    sweep.run().wait(SOON)
    listeners = world.session._engine._board._listeners
    before = sum(map(len, listeners.values()))
    for _ in range(3):
        sweep.run()
    assert sum(map(len, listeners.values())) == before
