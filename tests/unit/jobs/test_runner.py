"""One job from request to stored pictures, on virtual time: creating, and what the ledger knows at each moment."""

from __future__ import annotations

import time
from dataclasses import replace

import pytest

from tests.unit.jobs.fakes import (
    ACCEPTED,
    DONE,
    POLL_URL,
    REQUEST,
    START,
    TASK_ID,
    URLS,
    WORKING,
    World,
    draft,
    facts,
)
from tests.unit.pictures import PNG
from tokenlab_nb.api.replies import Task
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import (
    AuthenticationError,
    InsufficientBalanceError,
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
from tokenlab_nb.jobs.job import Charge, JobStatus
from tokenlab_nb.jobs.verdicts import may_send_again

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus

BUSY = RateLimitError("Slow down.", facts=facts(429, retry_after=8.0))
DOWN = TransportError("No connection.")
TRY_LATER = ServiceError("All channels failed.", facts=facts(503, retryable=True, retry_after=30.0))
ACCEPTABLE_AGAIN = [DOWN, BUSY, TRY_LATER]
REFUSALS = [
    ServiceError("Broken.", facts=facts(500)),
    ServiceError("Broken.", facts=facts(500, retryable=True)),
    ServiceError("No channel.", facts=facts(503, retryable=False)),
    ServiceError("Unclear.", facts=facts(503)),
    ValidationError("No such size.", facts=facts(400, request_id="req_1")),
    AuthenticationError("Wrong key.", facts=facts(401)),
    InsufficientBalanceError("No money.", facts=facts(402)),
    PermissionDeniedError("Not yours.", facts=facts(403)),
    NotFoundError("No such route.", facts=facts(404)),
    ValidationError("Too large.", facts=facts(413)),
    RateLimitError("Too early.", facts=facts(425)),
    JobFailedError("The answer holds neither a picture nor a task."),
]


def test_a_task_of_two_minutes_takes_no_time_here() -> None:
    world = World(tasks=[WORKING] * 30 + [DONE])
    begin = time.perf_counter()
    final = world.live()
    assert time.perf_counter() - begin < 1.0
    assert world.path == [DRAFT, SENDING, PENDING, PROCESSING, COMPLETED]
    assert world.elapsed > 120
    assert (world.posts, world.api.count("ask")) == (1, 31)
    assert [image.sha256 for image in final.images] == list(world.blobs.kept)
    assert (final.task_id, final.poll_url, final.request_id) == (TASK_ID, POLL_URL, "req_create")
    assert (final.billing_transaction_id, final.error, final.note, final.progress) == ("billtxn_1", None, "", None)


def test_a_finished_answer_needs_no_task() -> None:
    world = World(creates=[DONE])
    assert world.live().status is COMPLETED
    assert world.path == [DRAFT, SENDING, PROCESSING, COMPLETED]
    assert world.api.count("ask") == 0
    assert world.elapsed == 0


def test_the_row_is_there_before_the_post_and_the_id_right_after_it() -> None:
    world = World()
    world.live()
    place = world.diary.index(("create", "model-a"))
    assert world.diary[:place] == [("saved", DRAFT), ("saved", SENDING)]
    assert world.diary[place + 1] == ("saved", PENDING, TASK_ID)


def test_the_addresses_are_durable_before_the_download_and_it_is_completed_only_after_it() -> None:
    world = World(creates=[DONE])
    world.live()
    noted, kept = ("saved", PROCESSING), ("saved", PROCESSING)
    assert [entry[:2] for entry in world.diary[3:]] == [noted, ("fetch", URLS[0]), kept, ("saved", COMPLETED)]
    assert world.ledger.saved[2].origins[0].url == URLS[0]
    assert not world.ledger.saved[2].images


def test_everybody_hears_of_a_state_only_after_it_is_saved() -> None:
    world = World()
    world.prepare()
    heard = []
    world.run._publish = lambda snapshot: heard.append((snapshot.status, world.ledger.saved[-1].status))
    world.live_prepared()
    assert all(told is saved for told, saved in heard)


@pytest.mark.parametrize("error", ACCEPTABLE_AGAIN, ids=repr)
def test_a_create_that_was_not_accepted_is_sent_again_a_few_times(error: TokenLabError) -> None:
    world = World(creates=[error])
    final = world.live()
    assert world.posts == schedule.MAX_RESENDS + 1
    assert (final.status, final.error, final.retries) == (FAILED, error, schedule.MAX_RESENDS)
    assert min(world.clock.slept) >= (error.retry_after or 0)
    assert world.path == [*[DRAFT, SENDING] * world.posts, FAILED]
    assert final.sent_at == final.ended_at


@pytest.mark.parametrize("error", ACCEPTABLE_AGAIN, ids=repr)
def test_it_goes_on_as_soon_as_it_is_accepted(error: TokenLabError) -> None:
    world = World(creates=[error, error, ACCEPTED])
    final = world.live()
    assert (world.posts, final.status, final.error, final.retries) == (3, COMPLETED, None, 2)
    notes = {snapshot.note for snapshot in world.seen if snapshot.status is DRAFT and snapshot.note}
    assert all("sent again in" in note for note in notes)
    assert len(notes) >= 1


def test_a_long_wish_to_wait_ends_it_at_once() -> None:
    world = World(creates=[RateLimitError("Tomorrow.", facts=facts(429, retry_after=86_400.0))])
    assert world.live().status is FAILED
    assert (world.posts, world.clock.slept) == (1, [])


@pytest.mark.parametrize("error", REFUSALS, ids=lambda error: f"{error.status}-{type(error).__name__}")
def test_a_refusal_ends_it_after_one_post(error: TokenLabError) -> None:
    world = World(creates=[error])
    final = world.live()
    assert (world.posts, final.status, final.error) == (1, FAILED, error)
    assert not may_send_again(error)
    assert final.request_id == error.request_id


def test_a_lost_answer_leaves_it_unknown_after_one_post() -> None:
    lost = UnknownOutcomeError("The answer was lost.", facts=facts(502, request_id="req_9"))
    world = World(creates=[lost])
    final = world.live()
    assert (world.posts, final.status, final.error, final.request_id) == (1, UNKNOWN, lost, "req_9")
    assert world.ledger.saved[-1].status is UNKNOWN


def test_an_acceptance_that_names_no_task_is_unknown() -> None:
    world = World(creates=[Task(None, None)])
    assert world.live().status is UNKNOWN
    assert (world.posts, world.api.count("ask")) == (1, 0)


def test_a_task_that_is_known_by_its_address_alone_is_asked_there() -> None:
    world = World(creates=[Task(None, POLL_URL)])
    assert world.live().status is COMPLETED
    assert ("ask", "None", POLL_URL) in world.diary


def test_nothing_is_sent_without_its_row() -> None:
    world = World()
    world.ledger.fails = lambda snapshot: snapshot.status in (SENDING, FAILED)
    final = world.live()
    assert (world.posts, final.status) == (0, FAILED)
    assert "disk is full" in str(final.error)
    assert "Not written to the ledger" in final.note


def test_a_ledger_that_fails_after_the_post_is_told_and_the_job_goes_on() -> None:
    world = World(tasks=[WORKING, DONE])
    world.ledger.fails = lambda snapshot: snapshot.status in (PENDING, PROCESSING, COMPLETED)
    final = world.live()
    assert (world.posts, final.status, final.error) == (1, COMPLETED, None)
    assert final.note == "Not written to the ledger: The disk is full."
    assert "Not written" in next(snapshot.note for snapshot in world.seen if snapshot.status is PENDING)


def test_a_ledger_that_recovers_gets_the_id_at_the_next_answer() -> None:
    world = World(tasks=[Task(TASK_ID, POLL_URL), Task(TASK_ID, POLL_URL), DONE])
    once = [True]
    world.ledger.fails = lambda snapshot: snapshot.status is PENDING and bool(once) and once.pop()
    final = world.live()
    assert (final.status, final.note) == (COMPLETED, "")
    assert [entry[1:] for entry in world.diary if entry[0] == "saved"][2:4] == [
        (PENDING, TASK_ID),
        (PROCESSING, TASK_ID),
    ]


def test_a_repeated_answer_writes_nothing_and_a_new_figure_alone_is_only_shown() -> None:
    world = World(tasks=[WORKING, WORKING, replace(WORKING, progress=80), DONE])
    world.live()
    saves = [snapshot.status for snapshot in world.ledger.saved]
    assert saves == [DRAFT, SENDING, PENDING, PROCESSING, PROCESSING, PROCESSING, COMPLETED]
    assert [snapshot.progress for snapshot in world.seen if snapshot.progress is not None] == [40, 80]


def test_what_it_took_before_is_what_is_expected() -> None:
    world = World(creates=[DONE])
    world.ledger.known = [10.0, 12.0, 60.0]
    assert world.live().expected_seconds == 12.0


def test_an_unreadable_ledger_costs_the_estimate_and_not_the_job() -> None:
    world = World(creates=[DONE])
    world.ledger.known = TokenLabError("Damaged.")
    final = world.live()
    assert (final.status, final.expected_seconds) == (COMPLETED, None)


def test_local_pictures_are_read_when_their_turn_has_come() -> None:
    world = World(creates=[DOWN, DONE])
    sha256 = world.blobs.put(PNG)
    source = Source(sha256=sha256, media_type="image/png", size=len(PNG))
    request = replace(REQUEST, references=(source,), reference_field="image", multipart=True)
    assert world.live(draft(request)).status is COMPLETED
    assert world.api.files == [{sha256: PNG}, {sha256: PNG}]


def test_a_local_picture_that_is_gone_fails_it_before_anything_is_sent() -> None:
    world = World()
    request = replace(REQUEST, references=(Source(sha256="a" * 64),), reference_field="image", multipart=True)
    final = world.live(draft(request))
    assert (final.status, world.posts) == (FAILED, 0)
    assert "No picture" in str(final.error)


def test_the_time_of_each_move_is_in_the_diary() -> None:
    world = World()
    final = world.live()
    assert [move.at for move in final.moves] == [START, START, START, START + 1, START + 1]


# ------------------------------------------------------------------------------------------------- where references lie


def test_a_reference_on_a_private_host_ends_the_job_unsent_and_unpaid() -> None:
    world = World()
    world.api.hosts = ValidationError("references[0]: it lies on a private host.")
    final = world.live()
    assert (final.status, final.error, final.charge) == (FAILED, world.api.hosts, Charge.NONE)
    assert world.path == [DRAFT, FAILED]
    assert world.posts == 0


def test_a_host_that_is_not_known_from_here_is_noted_while_it_is_sent() -> None:
    world = World(creates=[DONE])
    world.api.hosts = "Not known from here: x."
    final = world.live()
    assert [each.note for each in world.seen if each.status is SENDING] == ["Not known from here: x."]
    assert (final.status, final.note, world.posts) == (COMPLETED, "", 1)


def test_what_was_not_known_stays_with_a_job_that_was_refused() -> None:
    world = World(creates=[ValidationError("It could not be fetched.", facts=facts(400))])
    world.api.hosts = "Not known from here: x."
    assert world.live().note == "Not known from here: x."
