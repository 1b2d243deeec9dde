"""Local pictures for models that name uploaded files: uploaded once for each model, and nothing is paid for it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import anyio
import httpx
import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.integration.harness import Rig, Wire
from tests.unit.jobs.fakes import SOON, until
from tests.unit.pictures import JPEG, PNG, encoded, gradient
from tokenlab_nb import settings
from tokenlab_nb.errors import TokenLabError, TransportError, ValidationError
from tokenlab_nb.jobs.job import Charge
from tokenlab_nb.sandbox.faults import Fault

Make = Callable[..., Rig]
MODEL = "qwen-image-edit"
FOX = f"{settings.SANDBOX_URL}/samples/fox.jpg"
MASK = encoded(Image.linear_gradient("L").resize((64, 48)).point(lambda value: 255 if value < 100 else 0))


def uploads(world: Rig) -> list[httpx.Request]:
    return world.sent("POST", "/v1/files")


def body(request: httpx.Request) -> dict[str, Any]:
    return dict(json.loads(request.content))


def bound_to(request: httpx.Request) -> str:
    found = re.search(rb'name="model"\r\n\r\n([^\r]+)', request.content)
    assert found
    return found.group(1).decode()


# ------------------------------------------------------------------------------------------------- the way


def test_local_pictures_and_their_mask_are_uploaded_and_named(rig: Make) -> None:
    world = rig()
    picture = gradient(64, 48)
    assert len(world.session.edit(model=MODEL, prompt="bluer", image=[picture, JPEG], mask=MASK)) == 1
    assert [bound_to(request) for request in uploads(world)] == [MODEL] * 3
    (create,) = world.sent("POST", "/v1/images/edits")
    sent = body(create)
    assert len({each["file_id"] for each in (*sent["images"], sent["mask"])}) == 3
    assert not any("anthropic-beta" in request.headers for request in world.wire.requests)


def test_files_and_addresses_go_in_together_in_their_order(rig: Make) -> None:
    world = rig()
    world.session.edit(model="gpt-image-2", prompt="all", image=[FOX, PNG, FOX], size="1024x1024")
    (create,) = world.sent("POST", "/v1/images/edits")
    first, second, third = body(create)["images"]
    assert (first, list(second), third) == ({"image_url": FOX}, ["file_id"], {"image_url": FOX})
    assert len(uploads(world)) == 1


def test_a_file_goes_before_addresses_in_one_form(rig: Make) -> None:
    world = rig()
    world.session.edit(model="nano-banana-2", prompt="all", image=[PNG, FOX])
    (create,) = world.sent("POST", "/v1/images/generations")
    assert create.content.index(b'name="image_urls"') > 0
    assert FOX.encode() in create.content
    assert uploads(world) == []


def test_the_job_says_what_it_does(rig: Make) -> None:
    world, notes = rig(), []
    job = world.session.submit(model=MODEL, prompt="bluer", references=[PNG, JPEG])
    job.subscribe(lambda snapshot: notes.append(snapshot.note))
    job.wait()
    assert job.snapshot.note == ""
    assert {note for note in notes if note} <= {"Uploading picture 1 of 2.", "Uploading picture 2 of 2."}


# ------------------------------------------------------------------------------------------------- once


def test_jobs_of_one_model_upload_a_picture_once(rig: Make) -> None:
    world = rig()
    jobs = [world.session.submit(model=MODEL, prompt=f"fox {n}", references=PNG) for n in range(4)]
    assert all(len(job.wait()) == 1 for job in jobs)
    assert len(uploads(world)) == 1
    creates = [body(request)["images"] for request in world.sent("POST", "/v1/images/edits")]
    assert creates == [creates[0]] * 4


def test_each_model_has_its_own_upload(rig: Make) -> None:
    world = rig()
    jobs = [
        world.session.submit(model=model, prompt="fox", references=[PNG, FOX])
        for model in ("gpt-image-2", MODEL, "gpt-image-2", MODEL)
    ]
    assert all(len(job.wait()) == 1 for job in jobs)
    assert sorted(bound_to(request) for request in uploads(world)) == ["gpt-image-2", MODEL]


# ------------------------------------------------------------------------------------------------- trouble


@pytest.mark.parametrize(
    ("fault", "kind", "tries"),
    [
        (Fault("invalid_api_key", method="POST", path="/v1/files"), TokenLabError, 1),
        (Fault("drop", method="POST", path="/v1/files"), TransportError, 8),
    ],
)
def test_an_upload_that_fails_costs_nothing(rig: Make, fault: Fault, kind: type[TokenLabError], tries: int) -> None:
    world = rig(fault)
    job = world.session.submit(model=MODEL, prompt="bluer", references=PNG)
    with pytest.raises(kind):
        job.wait()
    assert (job.status, job.snapshot.charge) == (tl.JobStatus.FAILED, Charge.NONE)
    assert (len(uploads(world)), world.posts, world.accepted) == (tries, 0, 0)


def test_an_upload_whose_answer_is_lost_is_tried_again(rig: Make) -> None:
    world = rig(Fault("drop", method="POST", path="/v1/files", times=2))
    assert len(world.session.edit(model=MODEL, prompt="bluer", image=PNG)) == 1
    assert (len(uploads(world)), world.posts) == (3, 1)


def test_a_file_that_the_service_lost_is_uploaded_again_the_next_time(rig: Make) -> None:
    world = rig()
    world.session.edit(model=MODEL, prompt="bluer", image=PNG)
    world.app.state.world.files.clear()
    with pytest.raises(ValidationError, match="No such file"):
        world.session.edit(model=MODEL, prompt="greener", image=PNG)
    assert (len(uploads(world)), world.posts) == (1, 2)
    assert len(world.session.edit(model=MODEL, prompt="greener", image=PNG)) == 1
    assert (len(uploads(world)), world.posts) == (2, 3)


@pytest.mark.parametrize("model", [MODEL, "gpt-image-2"])
def test_a_picture_whose_file_was_changed_is_not_sent(rig: Make, model: str) -> None:
    world = rig()
    request = world.session.prepare(model, {"prompt": "bluer"}, references=PNG)
    path = world.session._blobs.path(str(request.references[0].sha256))
    path.write_bytes(JPEG)
    job = world.session.send(request)
    with pytest.raises(TokenLabError, match="is not what was handed in any more"):
        job.wait()
    assert (job.status, job.snapshot.charge) == (tl.JobStatus.FAILED, Charge.NONE)
    assert (len(uploads(world)), world.posts) == (0, 0)


class HeldWire(Wire):
    """Holds uploads back."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        while request.url.path == "/v1/files":  # noqa: ASYNC110  # until it is broken off
            await anyio.sleep(0.002)
        return await super().handle_async_request(request)


def test_a_session_that_ends_during_an_upload_has_sent_and_paid_nothing(rig: Make) -> None:
    world = rig(wire=HeldWire)
    job = world.session.submit(model=MODEL, prompt="bluer", references=PNG)
    until(lambda: job.snapshot.note == "Uploading picture 1 of 1.")
    stands = world.session._journal.load(job.id)
    assert stands is not None
    assert (stands.status, stands.orphaned(0.0).is_parked) == (tl.JobStatus.DRAFT, True)
    world.close()
    assert (job.status, job.snapshot.charge, world.posts) == (tl.JobStatus.CANCELLED, Charge.NONE, 0)


def test_a_draft_that_an_ended_kernel_left_uploads_anew(rig: Make) -> None:
    world = rig()
    session = world.session
    request = session.prepare(MODEL, {"prompt": "bluer"}, references=PNG)
    draft = session._engine.draft(request)
    session._journal.save(replace(draft, waiting_stopped=True))
    (left,) = session.history(status="draft")
    assert (left.snapshot.is_parked, left.request.uploads, len(uploads(world))) == (True, request.uploads, 0)
    left.run()
    assert len(left.wait(SOON)) == 1
    assert (len(uploads(world)), world.posts) == (1, 1)


# ------------------------------------------------------------------------------------------------- by hand


def test_a_picture_can_be_uploaded_by_hand_and_used_often(rig: Make) -> None:
    world = rig()
    source = world.session.upload(PNG, model=MODEL)
    assert (source.is_local, source.file_id, source.width) == (False, source.file_id, 64)
    assert source.picture == world.session.take_in(PNG)[0].sha256
    assert world.session.upload(PNG, model=MODEL) == source
    for prompt in ("bluer", "greener"):
        assert len(world.session.edit(model=MODEL, prompt=prompt, image=[source, PNG])) == 1
    assert len(uploads(world)) == 1
    other = world.session.upload(PNG, model=MODEL, purpose="user_data")
    assert (other.file_id == source.file_id, len(uploads(world))) == (False, 2)


def test_an_upload_by_hand_is_refused_at_once_where_it_is_none(rig: Make) -> None:
    world = rig()
    source = world.session.upload(PNG, model=MODEL)
    for picture, words in ((FOX, "an address, which needs no upload"), (source, "uploaded already")):
        with pytest.raises(ValidationError, match=words):
            world.session.upload(picture, model=MODEL)
    with pytest.raises(ValidationError, match="There is no model"):
        world.session.upload(PNG, model="qwen-image-edti")
    assert len(uploads(world)) == 1


# ------------------------------------------------------------------------------------------------- who else


def test_local_files_for_a_model_of_addresses_are_refused_with_the_models_that_take_them(rig: Make) -> None:
    world = rig()
    with pytest.raises(ValidationError, match="takes public picture addresses only, no local files") as caught:
        world.session.edit(model="ideogram-reframe-v3", prompt="wider", image=PNG, aspect_ratio="16:9")
    (issue,) = caught.value.issues
    named = issue.remedy.partition("Models that take it: ")[2].rstrip(".").split(", ")
    assert len(named) == 3
    for model in named:
        assert world.session.prepare(model, {"prompt": "wider"}, references=PNG)
    details = [request.url.path for request in world.sent("GET", "/v1/models/") if "pricing" not in request.url.path]
    assert len(details) <= 7
    assert world.posts == 0


def test_several_files_are_refused_with_the_models_that_take_several(rig: Make) -> None:
    world = rig()
    with pytest.raises(ValidationError, match="takes one local file a request") as caught:
        world.session.edit(model="nano-banana-2", prompt="both", image=[PNG, JPEG])
    assert "Models that take it: gpt-image-2" in str(caught.value)


def test_the_refusal_stands_where_nobody_can_be_asked(rig: Make) -> None:
    world = rig(Fault("drop", method="GET", path="/v1/models", nth=3))  # after the model itself and its price
    with pytest.raises(ValidationError, match="no local files") as caught:
        world.session.edit(model="ideogram-reframe-v3", prompt="wider", image=PNG, aspect_ratio="16:9")
    assert "Models that take it" not in str(caught.value)


def test_a_draft_for_the_widgets_asks_nobody(rig: Make) -> None:
    world = rig()
    model = world.session.model("ideogram-reframe-v3")
    before = len(world.wire.requests)
    with pytest.raises(ValidationError, match="needs a picture"):
        world.session.draft_request(model, {"prompt": "wider", "aspect_ratio": "16:9"}, operation="image-to-image")
    assert len(world.wire.requests) == before
