"""The job that users hold: looking, waiting, stopping, going on."""

from __future__ import annotations

import _thread
import asyncio
import io
import re
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from tests.unit.jobs.fakes import (
    ACCEPTED,
    DONE,
    REQUEST,
    SOON,
    TASK_ID,
    URLS,
    WORKING,
    NoDesk,
    World,
    forever,
    submit,
    until,
)
from tests.unit.pictures import PNG
from tokenlab_nb.api.replies import ImageData, Images, Meta
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, JobFailedError, TokenLabError, TransportError, WaitTimeoutError
from tokenlab_nb.jobs import handle
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobStatus

Begin = Callable[..., Job]
Capture = pytest.CaptureFixture[str]


@pytest.fixture
def begin() -> Iterator[Begin]:
    made: list[Engine] = []

    def job(world: World, request: ImageRequest = REQUEST) -> Job:
        made.append(Engine(world.ports))
        return Job(submit(made[-1], request), made[-1], world.blobs, NoDesk())

    yield job
    for each in made:
        each.close(grace=0)


# ------------------------------------------------------------------------------------------------- looking


def test_a_job_shows_what_it_is_and_where_it_stands(begin: Begin) -> None:
    job = begin(World(creates=[DONE]))
    assert job.request is REQUEST
    job.wait(SOON)
    assert (job.status, job.error, job.snapshot.id) == (JobStatus.COMPLETED, None, job.id)
    assert repr(job) == "Job('model-a', 'text-to-image', completed, 1 images)"


def test_its_pictures_carry_how_they_were_made(begin: Begin) -> None:
    world = World(creates=[Images((ImageData(url=URLS[0], revised_prompt="A fox."),), Meta("req_1"), TASK_ID)])
    job = begin(world, ImageRequest("up/../model", "text-to-image", "/v1/images/generations", {"prompt": "fox"}))
    (image,) = job.wait(SOON)
    assert (image.bytes, image.media_type, image.width, image.height) == (PNG, "image/png", 64, 48)
    assert image.name.startswith("up-..-model-")
    assert image.name.endswith(".png")
    assert image.caption == "fox"
    facts = image.metadata
    assert (facts["job"], facts["model"], facts["task_id"]) == (job.id, "up/../model", TASK_ID)
    assert (facts["request_id"], facts["revised_prompt"], facts["seconds"]) == ("req_1", "A fox.", 0.0)
    assert facts["request"] == job.request.to_json()


def test_a_picture_without_a_prompt_is_named_by_what_was_done(begin: Begin) -> None:
    job = begin(World(creates=[DONE]), ImageRequest("m", "image-variation", "/v1/images/variations"))
    assert job.wait(SOON)[0].caption == "image-variation by m"


def source(data: bytes, world: World, of: str | None = None) -> Source:
    return Source(sha256=world.blobs.put(data), media_type="image/png", size=len(data), width=64, height=48, of=of)


def test_what_went_in_is_at_hand(begin: Begin) -> None:
    world = World(creates=[DONE])
    first, cover = source(PNG, world, of="f" * 64), source(b"mask", world)
    elsewhere = Source(url="https://example.com/a.png")
    request = ImageRequest("m", "image-edit", "/x", references=(elsewhere, first), mask=cover)
    job = begin(world, request)
    [reference] = job.references
    assert (reference.bytes, reference.caption, reference.width) == (PNG, "Reference 1", 64)
    assert reference.name == f"reference-1-{first.sha256[:12]}.png"  # type: ignore[index]
    assert reference.metadata == {"input_of": job.id, "of": "f" * 64}
    assert job.mask is not None
    assert (job.mask.bytes, job.mask.caption) == (b"mask", "Mask")
    assert job.wait(SOON)[0].metadata["parents"] == ["f" * 64]


def test_a_job_from_words_alone_has_nothing_that_went_in(begin: Begin) -> None:
    job = begin(World(creates=[DONE]))
    assert (job.references, job.mask, job.wait(SOON)[0].metadata["parents"]) == ([], None, [])


def test_a_mask_at_an_address_is_not_at_hand(begin: Begin) -> None:
    elsewhere = Source(url="https://example.com/a.png")
    job = begin(World(creates=[DONE]), ImageRequest("m", "image-edit", "/x", references=(elsewhere,), mask=elsewhere))
    assert (job.references, job.mask) == ([], None)


def test_a_line_is_looked_for_once_and_once_more_when_the_picture_came(begin: Begin) -> None:
    job = begin(World(tasks=[forever]))
    desk = job._desk
    assert isinstance(desk, NoDesk)
    assert [str(job.lineage) for _ in range(3)] == ['model-a text-to-image "a red fox"'] * 3
    assert len(desk.asked) == 1
    done = begin(World(creates=[DONE]))
    before = done.lineage
    done.wait(SOON)
    after = {id(done.lineage) for _ in range(3)}
    assert len(after) == 1
    assert done.lineage.steps[-1].sha256 == done.images[0].sha256
    assert str(before) == str(done.lineage)


def test_a_job_without_pictures_has_an_empty_list(begin: Begin) -> None:
    job = begin(World(tasks=[forever]))
    assert job.images == []


def test_a_callback_hears_of_it(begin: Begin) -> None:
    job = begin(World(creates=[DONE]))
    heard: list[JobStatus] = []
    job.subscribe(lambda snapshot: heard.append(snapshot.status))
    job.wait(SOON)
    assert heard[-1] is JobStatus.COMPLETED


# ------------------------------------------------------------------------------------------------- waiting


def test_waiting_raises_what_the_job_holds_without_growing_it(begin: Begin) -> None:
    job = begin(World(tasks=[JobFailedError("The task failed: no.")]))
    depths = []
    for _ in range(3):
        with pytest.raises(JobFailedError) as caught:
            job.wait(SOON)
        assert caught.value is job.error
        depths.append(len(caught.traceback))
    assert len(set(depths)) == 1


def test_awaiting_gives_the_pictures_or_raises_the_same(begin: Begin) -> None:
    async def awaited(job: Job) -> object:
        return await job

    good, bad = begin(World(creates=[DONE])), begin(World(tasks=[JobFailedError("No.")]))
    assert asyncio.run(awaited(good)) == good.images
    with pytest.raises(JobFailedError):
        asyncio.run(awaited(bad))


def test_time_that_runs_out_is_no_failure(begin: Begin) -> None:
    job = begin(World(tasks=[forever]))
    with pytest.raises(WaitTimeoutError, match=r"was not ready within 0.01 s. Wait again with job.wait"):
        job.wait(0.01)
    with pytest.raises(TimeoutError):
        job.wait(0)
    assert job.error is None


def test_waiting_for_a_job_that_rests_asks_again(begin: Begin) -> None:
    world = World(tasks=[forever, DONE])
    job = begin(world)
    until(lambda: world.api.count("ask"))
    job.stop_waiting()
    until(lambda: job.snapshot.waiting_stopped)
    assert len(job.wait(SOON)) == 1
    assert world.posts == 1


@pytest.mark.parametrize("how", ["wait", "await"])
def test_who_stops_and_then_waits_waits(begin: Begin, how: str) -> None:
    world = World(tasks=[forever, DONE])
    job = begin(world)
    until(lambda: world.api.count("ask"))

    async def awaited() -> object:
        return await job

    job.stop_waiting()  # nobody looks whether it has come through
    assert len(job.wait(SOON) if how == "wait" else asyncio.run(awaited())) == 1  # type: ignore[arg-type]
    assert world.posts == 1


def test_a_job_that_is_stopped_while_somebody_waits_is_told_as_such(begin: Begin) -> None:
    world = World(tasks=[forever])
    job = begin(world)
    until(lambda: world.api.count("ask"))
    threading.Timer(0.05, job.stop_waiting).start()
    with pytest.raises(WaitTimeoutError, match=r"pending, 0 images\) is no longer waited for"):
        job.wait(SOON)


@pytest.mark.parametrize("how", ["wait", "await"])
def test_trouble_that_lets_a_job_rest_is_raised_and_the_next_wait_goes_on(begin: Begin, how: str) -> None:
    world = World(tasks=[TransportError("The network is down.")] * 8 + [DONE])
    job = begin(world)

    async def awaited() -> object:
        return await job

    with pytest.raises(TransportError):
        job.wait(SOON)
    assert job.error is not None
    assert len(job.wait(SOON) if how == "wait" else asyncio.run(awaited())) == 1  # type: ignore[arg-type]
    assert (world.posts, job.error) == (1, None)


def test_a_cancelled_draft_says_that_nothing_was_paid(begin: Begin) -> None:
    world = World()
    engine = Engine(world.ports)
    engine._sends.total_tokens = 0
    job = Job(submit(engine, REQUEST), engine, world.blobs, NoDesk())
    job.stop_waiting()
    with pytest.raises(
        JobFailedError, match=r"was cancelled before it was accepted: nothing was paid\. Submit"
    ) as caught:
        job.wait(SOON)
    assert caught.value is job.error
    assert world.posts == 0
    engine.close()


def test_ctrl_c_ends_the_waiting_and_not_the_job(begin: Begin) -> None:
    job = begin(World(tasks=[forever]))
    threading.Timer(0.1, _thread.interrupt_main).start()
    with pytest.raises(KeyboardInterrupt):
        job.wait(SOON)
    assert not job.snapshot.is_at_rest


def test_failed_pictures_are_fetched_again(begin: Begin) -> None:
    world = World(creates=[DONE])
    world.api.pictures[URLS[0]] = [ImageError("Refused."), PNG]
    job = begin(world)
    with pytest.raises(ImageError):
        job.wait(SOON)
    job.fetch_again()
    assert len(job.wait(SOON)) == 1


# ------------------------------------------------------------------------------------------------- the progress line


@pytest.fixture
def line(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """A terminal, not in a notebook, and without the quiet first second."""
    shown = io.StringIO()
    monkeypatch.setattr(handle, "_line", lambda: shown)
    monkeypatch.setattr(handle, "_QUIET_SECONDS", 0.0)
    monkeypatch.setattr(handle, "_TICK", 0.01)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    return shown


def test_a_longer_wait_shows_a_line_that_is_wiped_at_the_end(begin: Begin, line: io.StringIO) -> None:
    world = World(tasks=[WORKING, forever])
    world.ledger.known = [30.0]
    with pytest.raises(WaitTimeoutError):
        begin(world).wait(0.3)
    *shown, wiped, end = line.getvalue().split("\r")
    assert re.search(r"model-a: processing, 2 s of about 30 s, 40 %\. Ctrl-C leaves the job running\.", shown[-1])
    assert (wiped.strip(), end) == ("", "")


def test_in_a_notebook_it_tells_about_the_buttons(begin: Begin, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ipykernel", sys)
    job = begin(World(tasks=[WORKING, forever]))
    assert "Buttons answer when this cell ends" in handle._progress(job.snapshot, 0.0)


def test_a_short_wait_shows_nothing(begin: Begin, capsys: Capture) -> None:
    begin(World(creates=[DONE])).wait(SOON)
    assert capsys.readouterr() == ("", "")


def test_a_log_gets_no_line(begin: Begin, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handle, "_QUIET_SECONDS", 0.0)
    monkeypatch.delitem(sys.modules, "ipykernel", raising=False)
    with pytest.raises(WaitTimeoutError):
        begin(World(tasks=[forever])).wait(0.05)
    assert capsys.readouterr() == ("", "")


def test_what_it_waits_for_is_told_if_that_is_unusual(begin: Begin, line: io.StringIO) -> None:
    world = World(creates=[ACCEPTED], tasks=[TransportError("The network is down."), forever])
    with pytest.raises(WaitTimeoutError):
        begin(world).wait(0.3)
    assert "The network is down. Next try in 1 s." in line.getvalue()


def test_the_root_of_our_errors_catches_all_of_them(begin: Begin) -> None:
    job = begin(World(tasks=[forever]))
    with pytest.raises(TokenLabError):
        job.wait(0)
