"""A job as a value: moves, times, and the way into the ledger and back."""

from __future__ import annotations

import json
from dataclasses import MISSING, fields, replace
from itertools import product

import pytest

from tokenlab_nb.api.replies import Meta
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest, Source
from tokenlab_nb.errors import Facts, UnknownOutcomeError
from tokenlab_nb.jobs.job import (
    AT_REST,
    MOVES,
    TERMINAL,
    IllegalMoveError,
    JobSnapshot,
    JobStatus,
    Move,
    Origin,
    StoredImage,
)

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
AFTER_SENDING = {PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED}
LEGAL = {
    DRAFT: {SENDING, FAILED, CANCELLED},
    SENDING: AFTER_SENDING | {UNKNOWN, DRAFT},
    UNKNOWN: AFTER_SENDING,
    PENDING: AFTER_SENDING,
    PROCESSING: AFTER_SENDING,
    COMPLETED: set(),
    FAILED: {PROCESSING},
    CANCELLED: set(),
}

REQUEST = ImageRequest(
    model="model-a",
    operation="image-edit",
    endpoint="/v1/images/edits",
    values={"prompt": "a red fox", "n": 2, "async": True, "extra": {"deep": [1, None, 2.5]}},
    references=(Source(url="https://example.com/a.png"), Source(file_id="file-1")),
    reference_field="image",
    mask=Source(sha256="a" * 64, media_type="image/png", size=10, width=3, height=4),
    mask_field="mask",
    multipart=True,
    delivery_policy="store",
)


def started(*moves: tuple[JobStatus, float], **changes: object) -> JobSnapshot:
    snapshot = JobSnapshot(id="job-1", request=REQUEST, origin="https://api.example.com")
    for status, at in moves:
        snapshot = snapshot.move(status, at)
    return replace(snapshot, **changes)


def standing_in(status: JobStatus) -> JobSnapshot:
    return JobSnapshot(id="j", request=REQUEST, origin="o", status=status, moves=(Move(status, 1.0),))


FULL = JobSnapshot(
    id="job-1",
    request=REQUEST,
    origin="https://api.example.com",
    status=PROCESSING,
    moves=(Move(DRAFT, 1.0), Move(SENDING, 2.5), Move(PROCESSING, 3.0)),
    request_id="req-1",
    task_id="task-1",
    poll_url="/v1/tasks/task-1",
    billing_transaction_id="bill-1",
    origins=(Origin(url="https://cdn.example.com/1.png", revised_prompt="r"), Origin(sha256="b" * 64)),
    images=(StoredImage("c" * 64, "image/webp", 640, 480, 1234, index=1, revised_prompt="r"),),
    progress=40,
    expected_seconds=12.5,
    retries=2,
    error=UnknownOutcomeError("The answer was lost.", facts=Facts(status=502, request_id="req-1")),
    note="waiting for a place",
    waiting_stopped=True,
    latency=7.5,
    estimate=Estimate(0.02, 0.08, "1 picture at $0.02 - $0.08"),
    repeats="job-0",
    adopted=True,
    forgotten=True,
    take=2,
)


@pytest.mark.parametrize(("before", "after"), list(product(JobStatus, JobStatus)))
def test_only_the_listed_moves_are_legal(before: JobStatus, after: JobStatus) -> None:
    job = standing_in(before)
    if after in LEGAL[before] or after == before:
        assert job.move(after, 2.0).status is after
    else:
        with pytest.raises(IllegalMoveError, match=f"from {before} to {after}"):
            job.move(after, 2.0)


def test_every_state_has_its_row_of_moves() -> None:
    assert set(MOVES) == set(JobStatus) == set(LEGAL)


def test_only_a_create_that_was_provably_not_accepted_leads_back_to_before_sending() -> None:
    assert [before for before in JobStatus if DRAFT in MOVES[before]] == [SENDING]
    assert [before for before in JobStatus if SENDING in MOVES[before]] == [DRAFT]


def test_a_move_is_written_into_the_diary_and_the_old_snapshot_stays() -> None:
    draft = started((DRAFT, 1.0))
    sending = draft.move(SENDING, 2.0, request_id="r")
    assert sending.moves == (Move(DRAFT, 1.0), Move(SENDING, 2.0))
    assert (sending.status, sending.request_id) == (SENDING, "r")
    assert (draft.status, draft.request_id, len(draft.moves)) == (DRAFT, None, 1)


def test_staying_applies_changes_without_a_diary_entry() -> None:
    job = started((DRAFT, 1.0), (SENDING, 2.0), (PROCESSING, 3.0)).move(PROCESSING, 9.0, progress=50)
    assert job.progress == 50
    assert [move.at for move in job.moves] == [1.0, 2.0, 3.0]


def test_a_job_made_elsewhere_may_begin_as_a_task() -> None:
    assert started((PENDING, 5.0)).moves == (Move(PENDING, 5.0),)


@pytest.mark.parametrize("status", list(JobStatus))
def test_rest_and_end_by_state(status: JobStatus) -> None:
    job = standing_in(status)
    assert job.is_terminal == (status in TERMINAL) == (status in {COMPLETED, FAILED, CANCELLED})
    assert job.is_at_rest == (status in AT_REST) == (job.is_terminal or status is UNKNOWN)
    assert replace(job, waiting_stopped=True).is_at_rest
    assert job.ended_at == (1.0 if status in AT_REST else None)


def test_paid_pictures_can_be_fetched_again_only_after_a_failure() -> None:
    noted = (Origin(url="https://cdn.example.com/1.png"),)
    assert replace(standing_in(FAILED), origins=noted).can_fetch_again
    assert not replace(standing_in(PROCESSING), origins=noted).can_fetch_again
    assert not replace(standing_in(FAILED), origins=(Origin(sha256="b" * 64),)).can_fetch_again
    assert not standing_in(FAILED).can_fetch_again


def test_times_before_the_first_move() -> None:
    job = JobSnapshot(id="j", request=REQUEST, origin="o")
    assert (job.created_at, job.sent_at, job.ended_at, job.elapsed(1e9)) == (0.0, None, None, 0.0)


def test_elapsed_counts_from_sending_to_the_end() -> None:
    job = started((DRAFT, 10.0), (SENDING, 20.0))
    assert (job.created_at, job.sent_at, job.elapsed(25.0)) == (10.0, 20.0, 5.0)
    assert job.move(COMPLETED, 50.0).elapsed(1000.0) == 30.0


def test_a_create_that_is_sent_again_counts_from_its_last_sending() -> None:
    job = started((DRAFT, 10.0), (SENDING, 20.0), (DRAFT, 21.0), (SENDING, 80.0), (COMPLETED, 85.0))
    assert (job.sent_at, job.elapsed(1000.0)) == (80.0, 5.0)
    assert [move.at for move in job.moves] == [10.0, 20.0, 21.0, 80.0, 85.0]


@pytest.mark.parametrize("way", [{"task_id": "t"}, {"poll_url": "/p"}, {"origins": (Origin(url="u"),)}])
@pytest.mark.parametrize("status", list(JobStatus))
def test_a_job_can_go_on_where_it_rests_unended_and_there_is_a_way(status: JobStatus, way: dict[str, object]) -> None:
    resting = replace(standing_in(status), waiting_stopped=True)
    assert replace(resting, **way).can_resume == (status not in TERMINAL)
    assert not resting.can_resume
    assert replace(standing_in(status), **way).can_resume == (status is UNKNOWN)


def test_going_on_forgets_the_trouble_and_fetches_where_it_failed_to() -> None:
    noted = {"origins": (Origin(url="u"),), "error": UnknownOutcomeError("x"), "note": "n", "waiting_stopped": True}
    failed, pending = (replace(standing_in(status), **noted).going_on(9.0) for status in (FAILED, PENDING))
    assert (failed.status, failed.moves[-1].at, pending.status) == (PROCESSING, 9.0, PENDING)
    for job in (failed, pending):
        assert (job.error, job.note, job.waiting_stopped) == (None, "", False)


def test_elapsed_of_a_draft_counts_from_writing_it_down() -> None:
    assert started((DRAFT, 10.0)).elapsed(25.0) == 15.0


def test_elapsed_takes_zero_for_a_time_like_any_other() -> None:
    job = started((DRAFT, -5.0), (SENDING, 0.0))
    assert job.elapsed(3.0) == 3.0
    assert started((SENDING, -2.0), (COMPLETED, 0.0)).elapsed(100.0) == 2.0


def test_elapsed_is_never_negative_when_the_clock_goes_back() -> None:
    assert started((DRAFT, 10.0), (SENDING, 20.0)).elapsed(5.0) == 0.0


def test_an_answer_adds_ids_and_never_takes_them_away() -> None:
    fresh = started((DRAFT, 1.0))
    assert fresh.heard(Meta()) == {}
    assert fresh.heard(Meta(request_id="r1")) == {"request_id": "r1"}
    known = replace(fresh, request_id="r1", billing_transaction_id="b1")
    assert known.heard(Meta(request_id="r2")) == {"request_id": "r1", "billing_transaction_id": "b1"}
    assert known.heard(Meta(billing_transaction_id="b2"))["billing_transaction_id"] == "b2"


def without_error(snapshot: JobSnapshot) -> JobSnapshot:
    return replace(snapshot, error=None)  # errors are equal only to themselves


def test_the_example_sets_every_field() -> None:
    """So that a new field cannot be forgotten in the round trip."""
    for item in fields(JobSnapshot):
        if item.default is not MISSING:
            assert getattr(FULL, item.name) != item.default, item.name


def test_every_field_survives_the_ledger() -> None:
    record = FULL.to_record()
    back = JobSnapshot.from_record(json.loads(json.dumps(record)))
    assert without_error(back) == without_error(FULL)
    assert set(record) == {item.name for item in fields(JobSnapshot)}
    assert FULL.error is not None
    assert back.error is not None
    assert back.error.to_record() == FULL.error.to_record()
    assert back.request.hash == REQUEST.hash
    assert all(isinstance(move.status, JobStatus) for move in back.moves)


def test_a_bare_job_survives_the_ledger() -> None:
    bare = JobSnapshot(id="j", request=ImageRequest("m", "text-to-image", "/v1/images/generations"), origin="o")
    assert JobSnapshot.from_record(json.loads(json.dumps(bare.to_record()))) == bare


def test_a_record_is_a_copy() -> None:
    record = FULL.to_record()
    assert isinstance(record["images"], list)
    record["images"].clear()
    assert FULL.images


def test_fields_of_a_newer_version_are_ignored() -> None:
    record = json.loads(json.dumps(FULL.to_record()))
    record["weather"] = 0.04
    record["estimate"]["novelty"] = 1
    for name in ("moves", "origins", "images"):
        record[name][0]["novelty"] = 1
    assert without_error(JobSnapshot.from_record(record)) == without_error(FULL)


def test_fields_of_an_older_version_get_their_defaults() -> None:
    record = {key: FULL.to_record()[key] for key in ("id", "request", "origin", "status")}
    assert JobSnapshot.from_record(record) == JobSnapshot(
        id=FULL.id, request=REQUEST, origin=FULL.origin, status=PROCESSING
    )


@pytest.mark.parametrize(
    "change",
    [
        {"request": None},
        {"request": []},
        {"status": "dreaming"},
        {"moves": [7]},
        {"moves": [{"status": "draft"}]},
        {"images": [{"sha256": "x"}]},
        {"error": "a sentence"},
    ],
)
def test_what_is_no_record_of_ours_is_refused(change: dict[str, object]) -> None:
    with pytest.raises((TypeError, ValueError, KeyError)):
        JobSnapshot.from_record({**FULL.to_record(), **change})


def test_a_record_without_its_request_is_refused() -> None:
    with pytest.raises(KeyError):
        JobSnapshot.from_record({"id": "j", "origin": "o", "status": "draft"})
