"""Grids run: each take is sent once, whatever goes wrong around it, and failures stay in their cells."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

import pytest

from tests.integration.grids import FOXES, ONE, TWO, Gate, prompts_sent, refused, waits
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.errors import (
    BudgetExceededError,
    NotFoundError,
    TransportError,
    ValidationError,
    WaitTimeoutError,
)
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sweep.plan import Plan

Make = Callable[..., Rig]
STATED = 4  # how many at once the contract of TWO states
RATE_LIMITED = Fault("rate_limited", method="POST", path="/v1/images", nth=3, times=4)


def test_every_cell_is_filled_by_one_create(rig: Make) -> None:
    world = rig()
    grid = world.session.compare([ONE, TWO], FOXES)
    assert len(grid.wait(SOON)) == len(grid.cells) == 12
    assert {cell.status for cell in grid.cells} == {"done"}
    assert [cell.images[0].metadata["model"] for cell in grid.cells] == [ONE] * 6 + [TWO] * 6
    assert [cell.values["prompt"] for cell in grid.cells] == FOXES * 2
    assert (grid.state, grid.failed, world.posts) == ("done", (), 12)
    assert grid.spent.most == pytest.approx(grid.plan.price.high)


def test_a_grid_can_be_awaited(rig: Make) -> None:
    world = rig()

    async def scenario() -> int:
        return len(await world.session.compare(ONE, FOXES))

    assert asyncio.run(scenario()) == 6
    assert world.posts == 6


def test_nothing_is_sent_for_cells_that_are_there_and_anew_sends_them_once_more(rig: Make) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    sweep.run().wait(SOON)
    again = sweep.run()
    assert (again.state, len(again.images), world.posts) == ("done", 6, 6)
    assert world.session.made_takes([*sweep.plan.takes, "0:1"]) == set(sweep.plan.takes)
    anew = sweep.run(anew=True)
    assert len(anew.wait(SOON)) == 6
    assert world.posts == 12
    assert not {job.id for job in anew.jobs} & {job.id for job in again.jobs}


def test_a_grid_that_runs_already_is_followed_not_sent_again(rig: Make) -> None:
    world = rig(wire=Gate)
    sweep = world.session.sweep(ONE, FOXES)
    world.wire.places = 0
    first = sweep.run(concurrency=2)
    waits(world, 2)
    second = sweep.run(concurrency=2, anew=True)
    assert second.jobs == first.jobs
    world.wire.places = 10**9
    assert len(second.wait(SOON)) == len(first.wait(SOON)) == 6
    assert world.posts == 6


def test_repeats_are_takes_of_their_own_and_equal_requests_share_one(rig: Make) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, "fox", repeats=3)
    grid = sweep.run()
    grid.wait(SOON)
    assert [job.snapshot.take for job in grid.jobs] == [1, 2, 3]
    cells = sweep.plan.cells
    shared = replace(sweep.plan, cells=(cells[0], replace(cells[1], takes=cells[0].takes), cells[2]))
    both = world.session.run_plan(shared, anew=True)
    both.wait(SOON)
    assert len(both.jobs) == 2
    assert both.cells[0].jobs == both.cells[1].jobs
    assert world.posts == 5
    assert both.spent.most == pytest.approx(2 * grid.spent.most / 3)


def test_a_429_in_the_middle_costs_nothing_but_time(rig: Make) -> None:
    world = rig(RATE_LIMITED)
    grid = world.session.compare([ONE, TWO], FOXES)
    assert len(grid.wait(SOON)) == 12
    assert prompts_sent(world) == dict.fromkeys(FOXES, 2)


def test_one_failing_model_fails_its_own_cells(rig: Make) -> None:
    world = rig(Fault("server_error", method="POST", path="/v1/images", model=ONE))
    grid = world.session.compare([ONE, TWO], FOXES)
    assert len(grid.wait(SOON)) == 6
    assert [cell.status for cell in grid.cells] == ["failed"] * 6 + ["done"] * 6
    assert len(grid.failed) == 6
    assert (world.posts, world.accepted) == (12, 6)


@pytest.mark.parametrize(
    "fault",
    [
        refused(400, "model_not_found", model=ONE),
        refused(404, "not_found", model=ONE),
        refused(403, "model_not_allowed", model=ONE),
    ],
)
def test_a_model_that_is_refused_fails_the_rest_of_its_cells_unsent(rig: Make, fault: Fault) -> None:
    world = rig(fault, wire=Gate)
    world.wire.places = 0
    grid = world.session.sweep([ONE, TWO], FOXES).run(concurrency={ONE: 1})
    waits(world, 1 + STATED)
    world.wire.places = 10**9
    assert len(grid.wait(SOON)) == 6
    until(lambda: grid.state == "done")
    assert [cell.status for cell in grid.cells] == ["failed"] * 6 + ["done"] * 6
    assert len({str(cell.error) for cell in grid.failed}) == 1
    assert sum(job.snapshot.sent_at is not None for job in grid.jobs) == world.posts == 7
    assert grid.spent.most == pytest.approx(sum(cell.planned.price.high or 0 for cell in grid.cells[6:]))


def test_a_model_that_was_retired_meanwhile_is_not_asked(rig: Make) -> None:
    gone = {"error": {"message": "No such model.", "type": "invalid_request_error", "code": "model_not_found"}}
    world = rig(Fault("answer", method="GET", path=f"/v1/models/{ONE}", nth=3, status=404, body=gone))
    sweep = world.session.sweep([ONE, TWO], FOXES)
    world.clock.time += 3600
    grid = sweep.run()
    assert len(grid.wait(SOON)) == 6
    assert [cell.status for cell in grid.cells] == ["failed"] * 6 + ["done"] * 6
    assert {type(cell.error) for cell in grid.failed} == {NotFoundError}
    assert world.posts == 6
    alone = world.session.run_plan(replace(sweep.plan, order=sweep.plan.order[:6]))
    assert (alone.state, world.posts) == ("done", 6)


def test_a_service_that_cannot_be_asked_at_all_is_told_at_once(rig: Make) -> None:
    down = Fault("drop", method="GET", path="/v1/models/", nth=5)
    world = rig(down)
    sweep = world.session.sweep([ONE, TWO], FOXES)
    world.clock.time += 3600
    with pytest.raises(TransportError):
        sweep.run()
    assert (world.posts, world.session.history()) == (0, [])


def test_a_lost_answer_stays_unknown_and_is_never_sent_again(rig: Make) -> None:
    world = rig(Fault("drop", after=True, method="POST", path="/v1/images", prompt=FOXES[2], times=1))
    sweep = world.session.sweep(ONE, FOXES)
    grid = sweep.run()
    assert len(grid.wait(SOON)) == 5
    assert [cell.status for cell in grid.cells].count("unknown") == 1
    assert (grid.to_retry(), grid.retry()) == ((), [])
    for more in (sweep.run(), sweep.run(anew=True)):
        more.wait(SOON)
        assert more.cells[2].status == "unknown"
        assert more.cells[2].jobs == grid.cells[2].jobs
    assert prompts_sent(world)[FOXES[2]] == 1
    # What the user sends by hand takes its place, also for whoever runs the plan later.
    by_hand = grid.cells[2].jobs[0].run_again()
    grid.adopt_job(grid.plan.cells[2].takes[0].key, by_hand)
    grid.wait(SOON)
    assert grid.cells[2].status == "done"
    assert sweep.run().cells[2].jobs == (by_hand,)
    assert grid.spent.unknown.known == 1


# ------------------------------------------------------------------------------------------------- money


def test_a_plan_over_the_budget_is_refused_as_a_whole(rig: Make) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    most = sweep.price.high
    with pytest.raises(BudgetExceededError):
        sweep.run(most - 0.001)
    assert (world.posts, world.session.jobs, world.session.history()) == (0, [], [])
    assert len(sweep.run(most).wait(SOON)) == 6
    world.session.limit_spending(most + 0.01)
    with pytest.raises(BudgetExceededError):
        sweep.run(anew=True)
    assert len(sweep.run().images) == 6
    assert world.posts == 6


def _cheaper(plan: Plan, price: Estimate) -> Plan:
    cells = (replace(each, takes=tuple(replace(take, price=price) for take in each.takes)) for each in plan.cells)
    return replace(plan, cells=tuple(cells))


def test_a_price_that_rose_since_the_plan_is_refused(rig: Make) -> None:
    world = rig()
    plan = world.session.sweep(ONE, FOXES).plan
    with pytest.raises(ValidationError, match="price has changed"):
        world.session.run_plan(_cheaper(plan, Estimate(0.0, 0.001)))
    assert (world.posts, world.session.history()) == (0, [])
    assert world.session.run_plan(_cheaper(plan, Estimate(100.0, 100.0))).wait(SOON)
    assert world.session.run_plan(_cheaper(plan, Estimate()), anew=True).wait(SOON)


def test_what_the_plan_took_for_made_is_not_made_without_a_word(rig: Make) -> None:
    world = rig()
    plan = world.session.sweep(ONE, FOXES).plan
    with pytest.raises(ValidationError, match="price has changed"):
        world.session.run_plan(replace(plan, made=frozenset(plan.takes)))
    assert world.posts == 0


# ------------------------------------------------------------------------------------------------- how many at once


@pytest.mark.parametrize(("most", "seen"), [(1, 2), (3, 6), ({ONE: 2}, 2 + STATED)])
def test_of_each_model_so_many_go_on_at_once(rig: Make, most: object, seen: int) -> None:
    world = rig(wire=Gate)
    world.wire.places = 0
    grid = world.session.sweep([ONE, TWO], FOXES).run(concurrency=most)
    waits(world, seen)
    assert Counter(cell.status for cell in grid.cells) == {"running": seen, "waiting": 12 - seen}
    world.wire.places = 10**9
    assert len(grid.wait(SOON)) == 12
    assert world.wire.most_at_once == seen


def test_they_are_sent_in_the_order_of_the_plan(rig: Make) -> None:
    world = rig()
    sweep = world.session.sweep(ONE, FOXES)
    plan = replace(sweep.plan, order=tuple(reversed(sweep.plan.order)))
    world.session.run_plan(plan, concurrency=1).wait(SOON)
    sent = [record.order.prompt for record in world.app.state.world.records.values()]
    assert sent == FOXES[::-1]


@pytest.mark.parametrize("most", [0, -1, True, 1.5, "2", {ONE: 0}, {"no-such-model": 1}])
def test_a_concurrency_that_is_none_is_refused(rig: Make, most: object) -> None:
    world = rig()
    with pytest.raises(ValidationError, match=r"concurrency|does not use"):
        world.session.sweep(ONE, FOXES).run(concurrency=most)
    assert world.posts == 0


# ------------------------------------------------------------------------------------------------- waiting


def test_waiting_that_runs_out_leaves_the_grid_running(rig: Make) -> None:
    world = rig(wire=Gate)
    world.wire.places = 0
    grid = world.session.compare(ONE, FOXES)
    with pytest.raises(WaitTimeoutError, match="was not ready"):
        grid.wait(0.01)
    assert (grid.state, grid.images) == ("running", [])
    world.wire.places = 10**9
    assert len(grid.wait(SOON)) == 6


def test_one_job_of_a_grid_can_be_waited_for_before_its_turn(rig: Make) -> None:
    world = rig(wire=Gate)
    world.wire.places = 0
    grid = world.session.sweep(ONE, FOXES).run(concurrency=1)
    waits(world, 1)
    last = grid.jobs[-1]
    assert last.status is JobStatus.DRAFT
    with pytest.raises(WaitTimeoutError):
        last.wait(0.01)
    world.wire.places = 10**9
    assert len(last.wait(SOON)) == 1
