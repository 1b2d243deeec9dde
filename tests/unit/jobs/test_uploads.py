"""Pictures that are uploaded before a create: once for each model, tried again, and never paid for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import anyio
import pytest

from tests.unit.jobs.fakes import ACCEPTED, START, Held, Make, World, draft, facts, submit, until
from tests.unit.pictures import JPEG, PNG
from tokenlab_nb.api.replies import Meta, Uploaded
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import (
    NotFoundError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    ValidationError,
)
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus
from tokenlab_nb.jobs.uploads import MARGIN, Uploads

DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus

DOWN = TransportError("No connection.")
BUSY = RateLimitError("Slow down.", facts=facts(429, retry_after=8.0))
BROKEN = ServiceError("Broken.", facts=facts(500))
REFUSED = ValidationError("Not a picture.", facts=facts(400))


def pictures(world: World, *files: bytes) -> tuple[Source, ...]:
    kinds = {PNG: "image/png", JPEG: "image/jpeg"}
    return tuple(Source(sha256=world.blobs.put(data), media_type=kinds[data], size=len(data)) for data in files)


def request(world: World, *files: bytes, model: str = "model-a", **more: Any) -> ImageRequest:
    values = {"prompt": "at night"}
    edits = "/v1/images/edits"
    return ImageRequest(model, "image-edit", edits, values, pictures(world, *files), "images", **more)


def uploads(world: World) -> list[tuple[str, ...]]:
    return [entry[1:] for entry in world.diary if entry[0] == "upload"]


def notes(world: World) -> list[str]:
    return [snapshot.note for snapshot in world.seen if snapshot.note]


# ------------------------------------------------------------------------------------------------- one job


def test_what_a_create_needs_is_uploaded_while_the_job_is_a_draft() -> None:
    world = World()
    mask = pictures(world, PNG)[0]
    final = world.live(draft(request(world, PNG, JPEG, mask=mask, mask_field="mask")))
    assert final.status is COMPLETED
    assert uploads(world) == [("model-a", "image/png", "vision"), ("model-a", "image/jpeg", "vision")]
    steps = [entry[0] for entry in world.diary if entry[0] in ("upload", "create")]
    assert steps == ["upload", "upload", "create"]
    assert world.diary[:2] == [("saved", DRAFT), ("upload", "model-a", "image/png", "vision")]
    first, second = pictures(world, PNG, JPEG)
    assert world.api.file_ids == [
        {first.sha256: f"file-model-a-{len(PNG)}-1", second.sha256: f"file-model-a-{len(JPEG)}-2"}
    ]
    assert world.api.files == [{}]
    assert notes(world) == ["Uploading picture 1 of 2.", "Uploading picture 2 of 2."]
    assert {snapshot.status for snapshot in world.seen if snapshot.note} == {DRAFT}


def test_a_form_brings_its_pictures_along() -> None:
    world = World()
    made = replace(request(world, PNG), reference_field="image", multipart=True)
    assert world.live(draft(made)).status is COMPLETED
    assert (uploads(world), world.api.file_ids) == ([], [{}])
    assert list(world.api.files[0].values()) == [PNG]


@pytest.mark.parametrize("error", [DOWN, BUSY, BROKEN], ids=repr)
def test_an_upload_is_tried_again(error: TokenLabError) -> None:
    world = World(uploads=[error, error, None])
    final = world.live(draft(request(world, PNG)))
    assert (final.status, final.error) == (COMPLETED, None)
    assert (len(uploads(world)), world.posts) == (3, 1)
    assert min(world.clock.slept[:2]) >= (error.retry_after or 0)
    assert any("Next try in" in note for note in notes(world))


@pytest.mark.parametrize(
    ("error", "tries"), [(DOWN, schedule.MAX_ASKS), (BROKEN, schedule.MAX_ASKS), (REFUSED, 1)], ids=repr
)
def test_an_upload_that_fails_for_good_ends_the_job_with_nothing_sent(error: TokenLabError, tries: int) -> None:
    world = World(uploads=[error])
    final = world.live(draft(request(world, PNG)))
    assert (final.status, final.error, final.charge, final.note) == (FAILED, error, Charge.NONE, "")
    assert (len(uploads(world)), world.posts) == (tries, 0)
    assert world.path == [DRAFT, FAILED]
    assert final.sent_at is None


def test_a_picture_that_is_gone_ends_it_too() -> None:
    world = World()
    made = request(world, PNG)
    world.blobs.kept.clear()
    final = world.live(draft(made))
    assert (final.status, uploads(world), world.posts) == (FAILED, [], 0)
    assert "data folder" in str(final.error)


def test_stopping_breaks_an_upload_off() -> None:
    world = World(uploads=[anyio.sleep_forever])
    world.prepare(draft(request(world, PNG)))
    world.run._publish = lambda snapshot: (world.seen.append(snapshot), snapshot.note and world.stop())
    final = world.live_prepared()
    assert (final.status, final.charge, world.posts) == (CANCELLED, Charge.NONE, 0)


def test_a_create_that_is_sent_again_uses_the_same_upload() -> None:
    world = World(creates=[TransportError("No connection."), ACCEPTED])
    assert world.live(draft(request(world, PNG))).status is COMPLETED
    assert (len(uploads(world)), world.posts) == (1, 2)
    assert world.api.file_ids[0] == world.api.file_ids[1]


def test_a_lost_create_leaves_it_unknown_as_ever() -> None:
    world = World(creates=[UnknownOutcomeError("The answer was lost.")])
    final = world.live(draft(request(world, PNG)))
    assert (final.status, world.posts, len(uploads(world))) == (UNKNOWN, 1, 1)


def test_an_upload_that_ended_while_the_job_waited_is_made_anew() -> None:
    soon = Uploaded("file-soon", START + 2 * MARGIN)
    world = World(uploads=[soon, Uploaded("file-later")])
    world.prepare(draft(request(world, PNG)))

    class LateGate:
        async def __aenter__(self) -> None:
            await world.clock.sleep(3 * MARGIN)

        async def __aexit__(self, *error: object) -> None:
            pass

    anyio.run(world.run.go, LateGate)
    assert world.run.snapshot.status is COMPLETED
    assert [list(ids.values()) for ids in world.api.file_ids] == [["file-later"]]


# ------------------------------------------------------------------------------------------------- several


class Place:
    """The uploads of one session."""

    def __init__(self, **scripts: list[Any]) -> None:
        self.world = World(**scripts)
        self.world.prepare()
        self.uploads: Uploads = self.world.run._uploads

    def bring(self, *asked: tuple[str, bytes], purposes: Sequence[str] = ("vision",)) -> list[Any]:
        """Ask for all at the same moment; ids and errors in their order."""
        found: dict[int, Any] = {}
        jobs = [(model, data, purpose) for model, data in asked for purpose in purposes]

        async def one(place: int, model: str, data: bytes, purpose: str) -> None:
            try:
                found[place] = await self.uploads.bring(model, pictures(self.world, data)[0], purpose)
            except TokenLabError as error:
                found[place] = error

        async def every() -> None:
            async with anyio.create_task_group() as tasks:
                for place, job in enumerate(jobs):
                    tasks.start_soon(one, place, *job)

        anyio.run(every)
        return [found[place] for place in range(len(jobs))]


def test_jobs_that_start_at_the_same_moment_upload_once() -> None:
    place = Place()
    ids = place.bring(*[("model-a", PNG)] * 5)
    assert len(set(ids)) == 1
    assert len(uploads(place.world)) == 1
    assert place.bring(("model-a", PNG)) == ids[:1]


def test_each_model_each_picture_and_each_purpose_has_its_own() -> None:
    place = Place()
    ids = place.bring(("model-a", PNG), ("model-b", PNG), ("model-a", JPEG), purposes=("vision", "user_data"))
    assert len(set(ids)) == len(uploads(place.world)) == 6


def test_whoever_waited_for_an_upload_that_failed_hears_why_and_later_ones_try_anew() -> None:
    place = Place(uploads=[REFUSED, None])
    assert place.bring(*[("model-a", PNG)] * 3) == [REFUSED] * 3
    assert len(uploads(place.world)) == 1
    assert REFUSED.__cause__ is None
    assert place.bring(("model-a", PNG)) == [f"file-model-a-{len(PNG)}-2"]


def test_a_few_go_at_the_same_time() -> None:
    going, most = 0, 0

    async def slow() -> None:
        nonlocal going, most
        going += 1
        most = max(most, going)
        await anyio.sleep(0.001)
        going -= 1

    place = Place(uploads=[slow])
    place.bring(*[(f"model-{name}", PNG) for name in range(12)])
    assert 1 < most <= 4


@pytest.mark.parametrize(
    ("expires_at", "answered_at", "later", "again"),
    [
        (None, None, 1e9, False),
        (START + 3600, None, 3600 - MARGIN - 1, False),
        (START + 3600, None, 3600 - MARGIN, True),
        (START + 4600, START + 1000, 3600 - MARGIN - 1, False),  # its clock goes before ours
        (START + 4600, START + 1000, 3600 - MARGIN, True),
        (START + 10, None, 0, True),
    ],
)
def test_an_upload_is_used_until_a_minute_before_its_end(
    expires_at: float | None, answered_at: float | None, later: float, again: bool
) -> None:
    place = Place(uploads=[Uploaded("file-1", expires_at, Meta(answered_at=answered_at)), Uploaded("file-2")])
    assert place.bring(("model-a", PNG)) == ["file-1"]
    place.world.clock.time += later
    assert place.bring(("model-a", PNG)) == ["file-2" if again else "file-1"]


@pytest.mark.parametrize(
    ("error", "anew"),
    [
        (ValidationError("No such file.", facts=facts(400, code="file_not_found")), True),
        (ValidationError("No such file.", facts=facts(400, param="images[0].file_id")), True),
        (ValidationError("file-1 is unknown.", facts=facts(400)), True),
        (NotFoundError("Gone.", facts=facts(404, code="file_not_found")), True),
        (ValidationError("No such size.", facts=facts(400, param="size")), False),
    ],
    ids=repr,
)
def test_an_upload_that_the_service_knows_no_more_is_made_anew_the_next_time(error: TokenLabError, anew: bool) -> None:
    world = World(uploads=[Uploaded("file-1"), Uploaded("file-2")], creates=[error, ACCEPTED])
    made = request(world, PNG)
    final = world.live(draft(made))
    assert (final.status, final.error, world.posts) == (FAILED, error, 1)  # it is not sent again by itself
    anyio.run(world.run._uploads.ids, made, lambda text: None)
    assert len(uploads(world)) == (2 if anew else 1)


def test_a_refused_request_forgets_only_what_it_used() -> None:
    place = Place()
    ids = place.bring(("model-a", PNG), ("model-b", PNG))
    place.uploads.doubt(request(place.world, PNG, JPEG), ValidationError("x", facts=facts(400, code="file_not_found")))
    again = place.bring(("model-a", PNG), ("model-b", PNG))
    assert (again[0] == ids[0], again[1] == ids[1]) == (False, True)


def test_a_file_that_was_uploaded_by_hand_and_is_gone_is_uploaded_anew() -> None:
    place = Place()
    (file_id,) = place.bring(("model-a", PNG))
    named = replace(request(place.world), references=(Source(file_id=file_id),))
    place.uploads.doubt(named, ValidationError("x", facts=facts(400, code="file_not_found")))
    assert place.bring(("model-a", PNG)) != [file_id]


# ------------------------------------------------------------------------------------------------- an engine


def live(make: Make, world: World, *requests: ImageRequest) -> list[JobSnapshot]:
    engine = make(world)
    ids = [submit(engine, each) for each in requests]
    assert all(engine.wait(job_id, 10.0) for job_id in ids)
    return [engine.snapshot(job_id) for job_id in ids]


def test_the_jobs_of_an_engine_share_what_was_uploaded(make: Make) -> None:
    world = World()
    same = [request(world, PNG) for _ in range(3)]
    final = live(make, world, *same, request(world, PNG, model="model-b"))
    assert [snapshot.status for snapshot in final] == [COMPLETED] * 4
    assert sorted(uploads(world)) == [("model-a", "image/png", "vision"), ("model-b", "image/png", "vision")]
    assert world.posts == 4


def test_a_job_that_uploads_is_a_draft_in_the_ledger_so_a_kernel_that_ends_there_leaves_no_doubt(make: Make) -> None:
    held: Callable[[], Any] = Held(Uploaded("file-1"))  # type: ignore[arg-type]
    world = World(uploads=[held])
    engine = make(world)
    job_id = submit(engine, request(world, PNG))
    until(lambda: uploads(world))
    assert [snapshot.status for snapshot in world.ledger.saved] == [DRAFT]
    assert world.ledger.saved[-1].orphaned(START).is_parked
    held.let_go()  # type: ignore[attr-defined]
    assert engine.wait(job_id, 10.0)
    assert engine.snapshot(job_id).status is COMPLETED
