"""One job after it was accepted: asking, fetching, stopping and going on, on virtual time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import anyio
import anyio.lowlevel
import pytest

from tests.unit.jobs.fakes import (
    ACCEPTED,
    DONE,
    PICTURES,
    POLL_URL,
    TASK_ID,
    URLS,
    WORKING,
    World,
    facts,
    open_gate,
    waiting,
)
from tokenlab_nb.api.replies import ImageData, Images, Meta, Task
from tokenlab_nb.errors import (
    AuthenticationError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    ValidationError,
    WaitTimeoutError,
)
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus, Origin
from tokenlab_nb.jobs.runner import Run

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
THREE = Images(tuple(ImageData(url=url, revised_prompt=f"no. {n}") for n, url in enumerate(URLS)), Meta("req_3"))

DOWN = TransportError("The network is down.")
GATEWAY = ServiceError("Bad gateway.", facts=facts(502))
BUSY = RateLimitError("Slow down.", facts=facts(429, retry_after=40.0))
PASSING = [DOWN, GATEWAY, BUSY]
LASTING = [
    AuthenticationError("Wrong key.", facts=facts(401)),
    PermissionDeniedError("Not yours.", facts=facts(403, code="task_not_owned")),
    ServiceError("No channel.", facts=facts(503, retryable=False)),
    ValidationError("What?", facts=facts(400)),
    NotFoundError("A proxy's own page.", facts=facts(404)),
]
NO_TASK = [
    NotFoundError("Gone.", facts=facts(404, code="async_task_not_found")),
    NotFoundError("Gone.", facts=facts(404, type="async_task_not_found")),
]


# ------------------------------------------------------------------------------------------------- asking


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_trouble_with_asking_passes(error: TokenLabError) -> None:
    world = World(tasks=[error, error, DONE])
    final = world.live()
    assert (final.status, final.error, final.note) == (COMPLETED, None, "")
    assert (world.posts, world.api.count("ask")) == (1, 3)
    assert any(error.message in snapshot.note and "Next try in" in snapshot.note for snapshot in world.seen)
    assert max(world.clock.slept) >= (error.retry_after or 0)


@pytest.mark.parametrize("error", PASSING, ids=repr)
def test_trouble_with_asking_that_lasts_lets_the_job_rest(error: TokenLabError) -> None:
    world = World(tasks=[error])
    final = world.live()
    assert (final.status, final.waiting_stopped, final.error) == (PENDING, True, error)
    assert (world.posts, world.api.count("ask")) == (1, schedule.MAX_ASKS)
    assert "job.resume()" in final.note
    assert world.ledger.saved[-1] == final


@pytest.mark.parametrize("error", LASTING, ids=lambda error: f"{error.status}")
def test_an_answer_that_asking_again_does_not_change_lets_it_rest_at_once(error: TokenLabError) -> None:
    world = World(tasks=[error])
    final = world.live()
    assert (final.status, final.waiting_stopped, final.error) == (PENDING, True, error)
    assert world.api.count("ask") == 1


@pytest.mark.parametrize("error", NO_TASK, ids=["by code", "by type"])
def test_a_task_that_the_service_does_not_know_is_not_given_up(error: TokenLabError) -> None:
    """It was accepted, and is perhaps paid for: under another key, or in a moment, the service may know it."""
    world = World(tasks=[error])
    final = world.live()
    assert (final.status, final.waiting_stopped, final.error) == (PENDING, True, error)
    assert (final.can_resume, final.goes_on, world.api.count("ask")) == (True, False, 1)


@pytest.mark.parametrize("where", ["creates", "tasks"])
def test_a_failed_task_is_told_with_its_reason(where: str) -> None:
    error = JobFailedError("The task failed: Content policy violation", facts=facts(200, code="policy"))
    final = World(**{where: [error]}).live()
    assert (final.status, final.error) == (FAILED, error)
    assert not final.can_fetch_again


def test_a_cancelled_task_is_cancelled() -> None:
    error = JobFailedError("The task was cancelled: by the owner", facts=facts(200, code="cancelled"))
    world = World(tasks=[WORKING, error])
    assert world.live().status is CANCELLED
    assert world.path == [DRAFT, SENDING, PENDING, PROCESSING, CANCELLED]


def test_a_task_that_comes_back_pending_stays_in_the_making() -> None:
    world = World(tasks=[WORKING, ACCEPTED, DONE])
    world.live()
    assert world.path == [DRAFT, SENDING, PENDING, PROCESSING, COMPLETED]


def test_the_service_may_ask_for_more_time() -> None:
    world = World(tasks=[replace(WORKING, meta=Meta("req_p", retry_after=30.0)), DONE])
    world.live()
    assert world.clock.slept == [1.0, 30.0]


def test_what_an_answer_leaves_out_is_not_forgotten() -> None:
    world = World(tasks=[Task(None, None, "processing"), Task(None, None, "processing"), DONE])
    world.live()
    assert {entry for entry in world.diary if entry[0] == "ask"} == {("ask", TASK_ID, POLL_URL)}


def test_a_task_that_never_ends_is_left_alone_after_two_hours_and_can_be_asked_for_again() -> None:
    world = World(tasks=[WORKING])
    final = world.live()
    assert schedule.LONGEST_WAIT <= world.elapsed < schedule.LONGEST_WAIT + 2 * schedule.POLL_CEILING
    assert (final.status, final.waiting_stopped, final.can_resume) == (PROCESSING, True, True)
    assert isinstance(final.error, WaitTimeoutError)
    assert "did not end within 2 hours" in str(final.error)
    world.api.tasks = [DONE]
    assert world.live(final.going_on(0.0)).status is COMPLETED


# ------------------------------------------------------------------------------------------------- stopping


def told(cancelled: JobSnapshot) -> None:
    assert isinstance(cancelled.error, JobFailedError)
    assert cancelled.error.code == "cancelled"
    assert "before it was accepted: nothing was paid. Submit it again" in str(cancelled.error)


def test_stopping_a_draft_cancels_it_before_anything_is_sent() -> None:
    world = World()
    world.prepare().stop_waiting()
    final = world.live_prepared()
    assert (final.status, world.posts) == (CANCELLED, 0)
    told(final)


def test_stopping_while_the_row_is_written_sends_nothing() -> None:
    world = World()
    run = world.prepare()
    world.ledger.fails = lambda snapshot: bool(snapshot.status is SENDING and run.stop_waiting())
    assert (world.live_prepared().status, world.posts) == (CANCELLED, 0)


class Shut:
    """A gate that is not free while the job waits for it."""

    def __init__(self, then: Callable[[], object]) -> None:
        self.then = then

    async def __aenter__(self) -> None:
        self.then()
        await anyio.sleep_forever()

    async def __aexit__(self, *_: object) -> None:
        raise AssertionError("it was never entered")


def test_stopping_in_the_queue_sends_nothing() -> None:
    world = World()
    run = world.prepare()
    anyio.run(run.go, lambda: Shut(run.stop_waiting))
    assert (run.snapshot.status, world.posts) == (CANCELLED, 0)


def test_stopping_while_sending_takes_the_answer_in_first() -> None:
    world = World()
    run = world.prepare()

    async def slow() -> Task:
        run.stop_waiting()
        await anyio.lowlevel.checkpoint()
        return ACCEPTED

    world.api.creates = [slow]
    final = world.live_prepared()
    assert (final.status, final.waiting_stopped, final.task_id) == (PENDING, True, TASK_ID)
    assert (world.posts, world.api.count("ask")) == (1, 0)


def test_stopping_while_sending_fetches_the_pictures_of_the_answer() -> None:
    world = World(creates=[lambda: world.run.stop_waiting() or DONE])
    final = world.live()
    assert (final.status, final.waiting_stopped, len(final.images), world.posts) == (COMPLETED, False, 1, 1)


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (UnknownOutcomeError("Lost."), UNKNOWN),
        (ServiceError("Broken.", facts=facts(500)), FAILED),
        (DOWN, CANCELLED),
        (BUSY, CANCELLED),
    ],
)
def test_stopping_while_sending_tells_a_bad_answer_too(answer: TokenLabError, status: JobStatus) -> None:
    world = World(creates=[lambda: world.run.stop_waiting() or answer])
    assert (world.live().status, world.posts) == (status, 1)


def test_stopping_between_two_attempts_cancels_it_since_nothing_was_accepted() -> None:
    world = World(creates=[BUSY])
    world.at(3, world.stop)
    final = world.live()
    assert (final.status, world.posts, world.elapsed) == (CANCELLED, 1, 3)
    told(final)


@pytest.mark.parametrize("at", [0.5, 30])
def test_stopping_while_asking_stops_at_once_and_is_resumable(at: float) -> None:
    world = World(tasks=[WORKING] * 99)
    world.at(at, world.stop)
    final = world.live()
    assert (final.waiting_stopped, final.is_at_rest, final.is_terminal, final.error) == (True, True, False, None)
    assert world.elapsed == at
    assert world.ledger.saved[-1] == final


def test_stopping_while_the_service_cannot_be_asked_stops_at_once() -> None:
    world = World(tasks=[DOWN])
    world.at(4, world.stop)
    final = world.live()
    assert (final.status, final.waiting_stopped, world.elapsed, final.note) == (PENDING, True, 4, "")


def test_stopping_does_not_break_off_the_fetching_of_what_is_paid_for() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[2]] = [lambda: world.run.stop_waiting() or PICTURES[URLS[2]]]
    final = world.live()
    assert (final.status, len(final.images)) == (COMPLETED, 3)


def test_shutting_down_breaks_off_the_fetching_and_keeps_what_is_there() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[2]] = [lambda: world.run.shut_down() or anyio.sleep_forever()]
    final = world.live()
    assert (final.status, final.waiting_stopped, final.can_resume) == (PROCESSING, True, True)
    world.api.pictures[URLS[2]] = [PICTURES[URLS[2]]]
    world.diary.clear()
    assert world.live(final.going_on(0.0)).status is COMPLETED
    assert ("fetch", URLS[2]) in world.diary


def test_stopping_twice_and_after_the_end_is_fine() -> None:
    world = World(creates=[DONE])
    world.live()
    world.run.stop_waiting()
    world.run.stop_waiting()
    assert world.run.snapshot.status is COMPLETED


# ------------------------------------------------------------------------------------------------- going on


@pytest.mark.parametrize("status", [PENDING, PROCESSING])
def test_going_on_asks_at_once_and_sends_nothing(status: JobStatus) -> None:
    world = World()
    final = world.live(waiting(status, waiting_stopped=False))
    assert (final.status, world.posts, world.clock.slept) == (COMPLETED, 0, [0.0])


def test_going_on_with_noted_addresses_asks_nobody() -> None:
    world = World()
    assert world.live(waiting(PROCESSING, origins=(Origin(url=URLS[0]),))).status is COMPLETED
    assert (world.posts, world.api.count("ask")) == (0, 0)


# ------------------------------------------------------------------------------------------------- the session ends


async def break_off(run: Run) -> None:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(run.go, open_gate)
        await anyio.wait_all_tasks_blocked()
        tasks.cancel_scope.cancel()


def ended(world: World, snapshot: JobSnapshot | None = None) -> JobSnapshot:
    anyio.run(break_off, world.prepare(snapshot))
    return world.run.snapshot


def test_an_answer_that_does_not_come_before_the_end_is_unknown() -> None:
    world = World(creates=[anyio.sleep_forever])
    final = ended(world)
    assert (final.status, world.ledger.saved[-1].status) == (UNKNOWN, UNKNOWN)
    assert "closed while the request was being sent" in str(final.error)


def test_a_task_is_left_as_it_stands_at_the_end() -> None:
    world = World(tasks=[anyio.sleep_forever])
    final = ended(world, waiting())
    assert (final, world.ledger.saved) == (waiting(), [])


def test_shutting_down_is_no_wish_to_stop_waiting_and_the_ledger_does_not_say_so() -> None:
    world = World(tasks=[lambda: world.run.shut_down() or anyio.sleep_forever()])
    final = world.live()
    assert (final.status, final.waiting_stopped) == (PENDING, True)
    assert not world.ledger.saved[-1].waiting_stopped


def test_shutting_down_cancels_what_was_not_sent() -> None:
    world = World()
    world.prepare().shut_down()
    assert (world.live_prepared().status, world.posts) == (CANCELLED, 0)


def test_a_charge_for_a_task_without_pictures_is_not_forgotten() -> None:
    told = {"task_id": TASK_ID, "billing_transaction_id": "billtxn_9"}
    empty = JobFailedError("The task was completed, but holds no usable picture.", facts=facts(200, details=told))
    final = World(tasks=[empty]).live()
    assert (final.status, final.billing_transaction_id, final.charge) == (FAILED, "billtxn_9", Charge.SETTLED)
    at_once = World(creates=[empty]).live()
    assert (at_once.status, at_once.task_id, at_once.charge) == (FAILED, TASK_ID, Charge.SETTLED)
