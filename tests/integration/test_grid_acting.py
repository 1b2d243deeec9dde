"""Acting on a grid: pause, stop, retry; and what holds it by itself before more is spent in vain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import pytest

from tests.integration.grids import FOXES, ONE, TWO, Gate, beside, prompts_sent, refused, waits
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.errors import AuthenticationError, BudgetExceededError, InsufficientBalanceError, ValidationError
from tokenlab_nb.jobs.job import Charge, JobStatus
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sweep.run import GridRun

Make = Callable[..., Rig]


def half_way(world: Rig, models: str | list[str] = ONE) -> GridRun:
    """A grid of which two creates stand before the gate, and the rest in line."""
    world.wire.places = 0  # type: ignore[attr-defined]
    grid = world.session.sweep(models, FOXES).run(concurrency=2)
    waits(world, 2)
    return grid


def open_gate(world: Rig) -> None:
    world.wire.places = 10**9  # type: ignore[attr-defined]


def states(grid: GridRun) -> Counter[str]:
    return Counter(cell.status for cell in grid.cells)


# ------------------------------------------------------------------------------------------------- pause, stop


def test_a_paused_grid_sends_nothing_more_until_it_is_resumed(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    grid.pause()
    assert grid.state == "paused"
    open_gate(world)
    assert len(grid.wait(SOON)) == 2  # who waits for a paused grid waits for what is on its way
    assert (grid.state, world.posts, states(grid)) == ("paused", 2, {"done": 2, "waiting": 4})
    grid.resume()
    assert grid.state == "running"
    assert len(grid.wait(SOON)) == 6
    assert world.posts == 6


def test_a_stopped_grid_cancels_what_was_not_sent_and_takes_in_what_was(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    grid.stop()
    assert (grid.state, states(grid)) == ("stopped", {"running": 2, "cancelled": 4})
    open_gate(world)
    assert len(grid.wait(SOON)) == 2
    assert (grid.state, world.posts) == ("stopped", 2)
    cancelled = [job for job in grid.jobs if job.status is JobStatus.CANCELLED]
    assert {job.snapshot.charge for job in cancelled} == {Charge.NONE}
    stands = {job.id: job.status for job in world.session.history()}
    assert Counter(stands.values()) == {JobStatus.COMPLETED: 2, JobStatus.CANCELLED: 4}
    grid.resume()
    assert (grid.state, world.posts) == ("stopped", 2)
    assert len(grid.retry()) == 4
    assert len(grid.wait(SOON)) == 6
    assert (grid.state, world.posts) == ("done", 6)


def test_stopping_cancels_also_what_waits_to_be_sent_again(rig: Make) -> None:
    world = rig(Fault("rate_limited", method="POST", path="/v1/images"), wire=Gate)
    grid = half_way(world)
    grid.stop()
    open_gate(world)
    grid.wait(SOON)
    # One that is refused while it is stopped is a draft again by the time that the wish is heard.
    assert world.accepted == 0
    assert set(states(grid)) <= {"cancelled", "failed"}


def test_one_job_that_waits_its_turn_can_be_cancelled_alone(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    grid.jobs[3].stop_waiting()
    until(lambda: grid.jobs[3].status is JobStatus.CANCELLED)
    open_gate(world)
    assert len(grid.wait(SOON)) == 5
    assert (grid.state, world.posts) == ("done", 5)


def test_closing_the_session_leaves_nothing_in_line(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    open_gate(world)
    grid.pause()
    world.session.close()
    assert states(grid)["cancelled"] == 4
    assert grid.state == "done"
    session, wire = beside(world)
    with session:
        assert session.history(status="draft") == []
        assert len(session.sweep(ONE, FOXES).run().wait(SOON)) == 6
    assert sum(request.method == "POST" for request in wire.requests) == 4
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)


def test_what_stands_in_line_can_be_neither_run_nor_set_aside_beside_it(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    for act in (grid.jobs[-1].run, grid.jobs[-1].forget):
        with pytest.raises(Exception, match="in hand"):
            act()
    assert {job.id for job in world.session.history(status="draft")} == {job.id for job in grid.jobs[2:]}
    assert grid.cells[-1].status == "waiting"
    open_gate(world)
    assert len(grid.wait(SOON)) == 6
    assert world.posts == 6


def test_listeners_hear_of_each_change_of_state_and_of_new_jobs(rig: Make) -> None:
    world = rig(wire=Gate)
    grid = half_way(world)
    told: list[str] = []
    stop = grid.subscribe(lambda: told.append(grid.state))
    grid.pause()
    grid.resume()
    open_gate(world)
    grid.wait(SOON)
    until(lambda: told and told[-1] == "done")
    assert told[:2] == ["paused", "running"]
    stop()
    stop()
    grid.pause()
    assert told[-1] == "done"
    assert grid.state == "done"


# ------------------------------------------------------------------------------------------------- retry


def test_only_what_failed_at_no_cost_is_sent_once_more(rig: Make) -> None:
    world = rig(
        Fault("server_error", method="POST", path="/v1/images", prompt=FOXES[1], times=1),
        Fault("server_error", method="POST", path="/v1/images", prompt=FOXES[2], times=1),
        Fault("drop", after=True, method="POST", path="/v1/images", prompt=FOXES[3], times=1),
    )
    grid = world.session.compare(ONE, FOXES)
    grid.wait(SOON)
    assert states(grid) == {"done": 3, "failed": 2, "unknown": 1}
    price = grid.retry_price()
    assert (price.known, price.high) == (2, pytest.approx(2 * (grid.plan.cells[0].price.high or 0)))
    assert len(grid.retry([1])) == 1
    grid.wait(SOON)
    assert states(grid) == {"done": 4, "failed": 1, "unknown": 1}
    assert grid.retry([0, 3]) == []
    with pytest.raises(BudgetExceededError):
        grid.retry(budget=0.0)
    assert world.posts == 7
    assert len(grid.retry()) == 1
    grid.wait(SOON)
    assert states(grid) == {"done": 5, "unknown": 1}
    assert prompts_sent(world) == dict.fromkeys(FOXES, 1)
    for odd in ([6], [-1], ["0"]):
        with pytest.raises(ValidationError, match="no cell"):
            grid.retry(odd)  # type: ignore[arg-type]
    with pytest.raises(ValidationError, match="no take"):
        grid.adopt_job("0:1", grid.jobs[0])


def test_pictures_that_were_not_fetched_are_fetched_and_not_made_again(rig: Make) -> None:
    world = rig(Fault("drop", method="GET", path="/pictures", prompt=FOXES[0], times=30))
    sweep = world.session.sweep(ONE, FOXES[:2])
    grid = sweep.run()
    grid.wait(6 * SOON)
    assert states(grid) == {"done": 1, "failed": 1}
    assert grid.to_retry() == ()
    while not sweep.run().cells[0].images:
        sweep.run().wait(6 * SOON)
    assert world.posts == 2


def test_a_task_that_made_no_picture_may_be_paid_for_and_is_not_sent_again(rig: Make) -> None:
    world = rig(Fault("completed_without_url", prompt=FOXES[0]))
    sweep = world.session.sweep(ONE, FOXES[:2])
    grid = sweep.run()
    grid.wait(SOON)
    assert grid.cells[0].jobs[0].snapshot.charge is Charge.UNKNOWN
    assert (grid.to_retry(), sweep.run().cells[0].status) == ((), "failed")
    assert world.posts == 2


# ------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("invalid_api_key", AuthenticationError), ("insufficient_balance", InsufficientBalanceError)],
)
def test_what_would_end_every_request_holds_the_grid(rig: Make, fault: str, kind: type[Exception]) -> None:
    world = rig(Fault(fault, method="POST", path="/v1/images", times=2), wire=Gate)
    grid = half_way(world)
    open_gate(world)
    assert grid.wait(SOON) == []
    until(lambda: grid.trouble)
    assert (grid.state, world.posts) == ("paused", 2)
    assert states(grid) == {"failed": 2, "waiting": 4}
    assert grid.trouble in {str(cell.error) for cell in grid.failed}
    assert isinstance(grid.failed[0].error, kind)
    assert len(grid.retry()) == 2  # whoever asks for that wants it to go on
    assert len(grid.wait(SOON)) == 6
    assert (grid.trouble, grid.state, world.posts) == ("", "done", 8)


def test_a_model_that_came_back_can_be_retried(rig: Make) -> None:
    world = rig(refused(404, "not_found", model=ONE, times=1))
    grid = world.session.sweep([ONE, TWO], FOXES).run(concurrency=1)
    grid.wait(SOON)
    until(lambda: grid.state == "done")
    assert states(grid) == {"failed": 6, "done": 6}
    assert len(grid.retry()) == 6
    assert len(grid.wait(SOON)) == 12
    assert prompts_sent(world) == dict.fromkeys(FOXES, 2)
