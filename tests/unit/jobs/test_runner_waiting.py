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
from tests.unit.pictures import PNG
from tokenlab_nb.api.replies import ImageData, Images, Meta, Task
from tokenlab_nb.errors import (
    AuthenticationError,
    ImageError,
    JobFailedError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    ValidationError,
)
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, Origin
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
def test_a_task_that_the_service_does_not_know_is_over(error: TokenLabError) -> None:
    final = World(tasks=[error]).live()
    assert (final.status, final.waiting_stopped, final.error) == (FAILED, False, error)


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


# ------------------------------------------------------------------------------------------------- fetching


def test_each_picture_shows_as_soon_as_it_is_on_disk() -> None:
    world = World(creates=[THREE])
    final = world.live()
    assert [len(snapshot.images) for snapshot in world.seen[-4:]] == [1, 2, 3, 3]
    assert [image.media_type for image in final.images] == ["image/png", "image/jpeg", "image/webp"]
    assert [image.revised_prompt for image in final.images] == ["no. 0", "no. 1", "no. 2"]
    assert {(image.width, image.height) for image in final.images} == {(64, 48)}
    assert set(world.blobs.kept.values()) == set(PICTURES.values())


def test_a_failed_download_keeps_the_addresses_and_the_other_pictures() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[1]] = [ImageError("Refused.")]
    final = world.live()
    assert (final.status, final.can_fetch_again) == (FAILED, True)
    assert [image.index for image in final.images] == [0, 2]
    assert [origin.url for origin in final.origins] == list(URLS)
    assert world.ledger.saved[-1].images == final.images


def test_fetching_again_fetches_only_what_is_missing() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[1]] = [ImageError("Refused."), PICTURES[URLS[1]]]
    failed = world.live()
    world.diary.clear()
    final = world.live(failed.move(PROCESSING, 0.0, error=None))
    assert final.status is COMPLETED
    assert [image.index for image in final.images] == [0, 1, 2]
    assert [entry for entry in world.diary if entry[0] != "saved"] == [("fetch", URLS[1])]


def test_a_download_is_tried_again_while_that_may_help() -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [DOWN, PNG]
    assert world.live().status is COMPLETED
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [DOWN]
    assert world.live().can_fetch_again
    assert world.api.count("fetch") == schedule.MAX_ASKS


@pytest.mark.parametrize("data", [b"", b"<html>", PNG[:-30], b"\x89PNG\r\n\x1a\n" + bytes(99)])
def test_bytes_that_are_no_picture_are_told_and_not_kept(data: bytes) -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [data]
    final = world.live()
    assert (final.status, final.can_fetch_again, world.blobs.kept) == (FAILED, True, {})
    assert isinstance(final.error, ImageError)
    assert world.api.count("fetch") == 1


def test_a_full_disk_loses_no_address() -> None:
    world = World(creates=[DONE])
    world.blobs.full = True
    final = world.live()
    assert (final.status, final.can_fetch_again) == (FAILED, True)
    assert "disk is full" in str(final.error)


def test_a_picture_of_an_earlier_kernel_that_was_not_kept_is_told() -> None:
    final = World().live(waiting(PROCESSING, origins=(Origin(),)))
    assert (final.status, final.can_fetch_again) == (FAILED, False)
    assert "could not be kept" in str(final.error)


# ------------------------------------------------------------------------------------------------- stopping


def test_stopping_a_draft_cancels_it_before_anything_is_sent() -> None:
    world = World()
    world.prepare().stop_waiting()
    final = world.live_prepared()
    assert (final.status, world.posts) == (CANCELLED, 0)
    assert "nothing was paid" in final.note


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


def test_stopping_while_sending_keeps_the_pictures_of_the_answer_for_later() -> None:
    world = World(creates=[lambda: world.run.stop_waiting() or DONE])
    final = world.live()
    assert (final.status, final.waiting_stopped) == (PROCESSING, True)
    assert final.origins[0].url == URLS[0]
    assert world.live(replace(final, waiting_stopped=False)).status is COMPLETED
    assert world.posts == 1


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
    assert "nothing was paid" in final.note


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


def test_stopping_while_downloading_keeps_what_is_there() -> None:
    world = World(creates=[THREE])
    world.api.pictures[URLS[2]] = [lambda: world.run.stop_waiting() or anyio.sleep_forever()]
    final = world.live()
    assert (final.status, final.waiting_stopped, len(final.images)) == (PROCESSING, True, 2)
    world.api.pictures[URLS[2]] = [PICTURES[URLS[2]]]
    world.diary.clear()
    assert world.live(replace(final, waiting_stopped=False)).status is COMPLETED
    assert [entry for entry in world.diary if entry[0] != "saved"] == [("fetch", URLS[2])]


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
