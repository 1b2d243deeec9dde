"""The service as a folder recorded it: answers for nothing, in turn, read-only, and clear about what it has not."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any, TypeVar

import anyio
import pytest

from tests.unit.jobs.fakes import Clock, open_gate
from tests.unit.pictures import JPEG, PNG, WEBP
from tests.unit.store.replays import HERE, NOW, PICTURES, asked, detail, export, files, job, local, model
from tokenlab_nb.api.replies import Images
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, NotFoundError, NotRecordedError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import ImageApi, Ports
from tokenlab_nb.jobs.runner import Run
from tokenlab_nb.store import replay
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.replay import ReplayApi

T = TypeVar("T")


def result(call: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T:
    async def ask() -> T:
        return await call(*args, **more)

    return anyio.run(ask)


@pytest.fixture
def api(folder: Path, kept: Blobs) -> ReplayApi:
    export(folder, [job("j1", kept, pictures=PICTURES)], kept)
    return ReplayApi.open(folder)


def create(api: ReplayApi, request: ImageRequest) -> Images:
    return result(api.create, request, {})


def urls(images: Images) -> list[str | None]:
    return [image.url for image in images.images]


def test_it_is_the_service_that_the_engine_asks_for(api: ReplayApi, folder: Path) -> None:
    port: ImageApi = api
    assert port.origin == HERE
    assert repr(api) == f"ReplayApi({str(folder)!r}, 1 recording)"
    assert (api.folder, api.pictures, api.recorded) == (folder, folder / "pictures", 1)
    for _ in "twice":
        result(api.close)


def test_a_recorded_request_is_answered_with_its_pictures(api: ReplayApi) -> None:
    answer = create(api, asked())
    assert [image.revised_prompt for image in answer.images] == ["rewritten 0", "rewritten 1", "rewritten 2"]
    assert urls(answer) == [f"replay:{hashlib.sha256(data).hexdigest()}" for data in PICTURES]
    assert [result(api.download, url) for url in urls(answer)] == list(PICTURES)
    assert (answer.task_id, answer.meta.request_id, answer.meta.billing_transaction_id) == ("ldtask_j1", None, None)


def test_an_upload_goes_nowhere_and_keeps_the_id_that_was_recorded(folder: Path, kept: Blobs) -> None:
    named = Source(file_id="file-abc", of=hashlib.sha256(PNG).hexdigest())
    edit = ImageRequest("model-a", "image-edit", "/v1/images/edits", {}, (named,), "images")
    export(folder, [job("j1", kept, edit)], kept)
    api = ReplayApi.open(folder)
    assert result(api.upload, PNG, "image/png", model="model-a").file_id == "file-abc"
    assert result(api.upload, PNG, "image/png", model="model-b").file_id == "replay"
    assert result(api.upload, JPEG, "image/jpeg", model="model-a").file_id == "replay"


def test_the_same_request_gets_its_recordings_in_turn_and_then_round_again(folder: Path, kept: Blobs) -> None:
    jobs = [job(f"j{n}", kept, pictures=(data,), at=NOW + n) for n, data in enumerate(PICTURES)]
    other = job("other", kept, asked(n=1), (PNG,), at=NOW + 0.5)
    export(folder, [*reversed(jobs), other], kept)
    api = ReplayApi.open(folder)
    seen = []
    for _ in range(4):
        seen.append(create(api, asked()).task_id)
        assert create(api, asked(n=1)).task_id == "ldtask_other"
    assert seen == ["ldtask_j0", "ldtask_j1", "ldtask_j2", "ldtask_j0"]
    assert create(ReplayApi.open(folder), asked()).task_id == "ldtask_j0"  # each session from the start


def test_an_unanswered_request_says_what_differs(api: ReplayApi, folder: Path) -> None:
    with pytest.raises(NotRecordedError) as caught:
        create(api, asked(size="512x512"))
    assert caught.value.message == (
        f"The replay {folder.name} holds no answer to this request. "
        "It is recorded for this model with no size instead of '512x512'."
    )
    assert "export_replay()" in caught.value.hint
    assert create(api, asked()).task_id  # and counts for no turn


def test_an_unanswered_request_of_another_model_names_those_that_are_recorded(folder: Path, kept: Blobs) -> None:
    export(folder, [job("j", kept, asked("model-a")), job("k", kept, asked("<b>\x1b"))], kept)
    with pytest.raises(NotRecordedError, match=r"Recorded are requests to 'model-a' and '<b>\\x1b'\."):
        create(ReplayApi.open(folder), asked("model-z"))
    export(folder, [job(f"m{n}", kept, asked(f"m{n}"), at=NOW + 1) for n in range(8)], kept)
    with pytest.raises(NotRecordedError, match=r"'m3' and 4 more\."):
        create(ReplayApi.open(folder), asked("model-z"))


def test_a_replay_of_nothing_says_so(folder: Path, kept: Blobs) -> None:
    export(folder, [], kept)
    with pytest.raises(NotRecordedError, match="records none"):
        create(ReplayApi.open(folder), asked())


def test_there_are_no_tasks(api: ReplayApi) -> None:
    with pytest.raises(NotRecordedError, match="knows no tasks"):
        result(api.task, "ldtask_x", None)


# ------------------------------------------------------------------------------------------- pictures


def test_a_missing_picture_is_named(api: ReplayApi) -> None:
    path = Blobs(api.pictures).path(hashlib.sha256(PNG).hexdigest())
    path.unlink()
    with pytest.raises(ImageError, match="it is missing") as caught:
        result(api.download, urls(create(api, asked()))[0])
    assert str(path) in caught.value.message


def test_a_damaged_picture_is_named(api: ReplayApi) -> None:
    path = Blobs(api.pictures).path(hashlib.sha256(PNG).hexdigest())
    path.write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(ImageError, match="it is damaged") as caught:
        result(api.download, urls(create(api, asked()))[0])
    assert str(path) in caught.value.message
    assert "Git LFS" in caught.value.hint


def test_a_picture_of_any_size_is_not_read(api: ReplayApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "MAX_PICTURE_BYTES", 10)
    with pytest.raises(ImageError, match="more than 10 bytes"):
        result(api.download, urls(create(api, asked()))[0])


def test_a_picture_that_cannot_be_read_is_named(api: ReplayApi, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(ImageError, match="Permission denied"):
        result(api.download, urls(create(api, asked()))[0])


@pytest.mark.parametrize(
    "url", ["https://cdn.example.com/1.png", "replay:", "replay:../../secret", "0" * 64, "file:///etc/passwd", ""]
)
def test_nothing_else_is_ever_fetched(api: ReplayApi, url: str) -> None:
    with pytest.raises(ImageError, match="fetches nothing"):
        result(api.download, url)


# --------------------------------------------------------------------------------------------- models


def test_a_model_is_found_by_id_and_alias_with_its_contract(api: ReplayApi) -> None:
    for name in ("model-a", "acme/model-a"):
        found = result(api.model, name)
        assert (found.id, found.detailed, found.contract.known) == ("model-a", True, found.contract.known)
        assert result(api.pricing, name) == {"model": "model-a", "pricing_unit": "per_image"}


def test_a_model_without_recorded_details_is_as_the_list_has_it(api: ReplayApi) -> None:
    assert not result(api.model, "model-b").detailed
    assert result(api.pricing, "model-b") == {}


def test_an_alias_of_the_list_leads_to_the_details_and_an_id_wins_over_an_alias(folder: Path, kept: Blobs) -> None:
    rows = [model("model-a", aliases=["short", "model-b"]), model("model-b")]
    export(folder, [], kept, models=rows, details=[detail("model-a")])
    api = ReplayApi.open(folder)
    assert result(api.model, "short").detailed
    assert result(api.model, "model-b").id == "model-b"


def test_an_unknown_model_is_not_found_and_a_near_one_is_suggested(api: ReplayApi) -> None:
    with pytest.raises(NotFoundError, match="has no model 'model-aa'") as caught:
        result(api.model, "model-aa")
    assert caught.value.did_you_mean == "model-a"
    assert caught.value.status == 404
    with pytest.raises(NotFoundError) as caught:
        result(api.pricing, "zzzz" * 10_000)
    assert caught.value.did_you_mean is None
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("filters", "ids"),
    [
        ({}, "b a v"),
        ({"recommended_for": "image"}, "b a"),
        ({"recommended_for": None, "provider": None}, "b a v"),
        ({"category": "video"}, "v"),
        ({"provider": "acme", "view": "compact"}, "b a v"),
        ({"provider": "other"}, ""),
        ({"tag": "edit"}, "b"),
    ],
)
def test_the_list_is_in_its_recorded_order_and_filtered_as_the_service_does(
    api: ReplayApi, filters: dict[str, str | None], ids: str
) -> None:
    assert [found.id for found in result(api.models, **filters)] == [f"model-{name}" for name in ids.split()]


# ------------------------------------------------------------------------------------------ whole jobs


def live(api: ReplayApi, blobs: Blobs, journal: Journal, request: ImageRequest) -> JobSnapshot:
    clock, seen = Clock(), []
    draft = JobSnapshot(id="replayed", request=request, origin=api.origin).move(JobStatus.DRAFT, clock.now())
    run = Run(draft, Ports(api, journal, blobs, clock), seen.append)
    anyio.run(run.go, open_gate)
    assert not clock.slept
    return run.snapshot


def sealed(folder: Path) -> None:
    """Nobody may write below the folder; for root, who may, it is compared afterwards."""
    for path in (*folder.rglob("*"), folder):
        path.chmod(0o555 if path.is_dir() else 0o444)


def unsealed(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)


def test_a_whole_job_is_lived_on_a_sealed_replay_and_its_pictures_are_read_in_place(
    folder: Path, kept: Blobs, tmp_path: Path
) -> None:
    source = local(JPEG, kept)
    request = ImageRequest(
        "model-a", "image-edit", "/v1/images/edits", {"prompt": "x"}, (source,), "image", multipart=True
    )
    export(folder, [job("j1", kept, request, (PNG, WEBP))], kept)
    shutil.rmtree(kept.folder)
    before = files(folder)
    sealed(folder)
    try:
        api = ReplayApi.open(folder)
        mine = Blobs(tmp_path / "mine", also=[api.pictures])
        assert mine.put(JPEG) == source.sha256  # what the class hands in is there already
        with closing(Journal(tmp_path / "ledger.sqlite3")) as journal:
            done = live(api, mine, journal, request)
            assert journal.load("replayed") == done
    finally:
        unsealed(folder)
    assert done.status is JobStatus.COMPLETED
    assert [mine.get(image.sha256) for image in done.images] == [PNG, WEBP]
    assert not mine.folder.exists()
    assert files(folder) == before


def test_an_unanswered_job_fails_and_keeps_its_error(api: ReplayApi, tmp_path: Path) -> None:
    with closing(Journal(tmp_path / "ledger.sqlite3")) as journal:
        failed = live(api, Blobs(tmp_path / "mine"), journal, asked(n=3))
        again = journal.load("replayed")
    assert failed.status is JobStatus.FAILED
    assert isinstance(failed.error, NotRecordedError)
    assert again is not None
    assert isinstance(again.error, NotRecordedError)


def test_a_job_whose_recorded_picture_is_missing_fails_and_says_which(api: ReplayApi, tmp_path: Path) -> None:
    path = Blobs(api.pictures).path(hashlib.sha256(WEBP).hexdigest())
    path.unlink()
    with closing(Journal(tmp_path / "ledger.sqlite3")) as journal:
        failed = live(api, Blobs(tmp_path / "mine", also=[api.pictures]), journal, asked())
    assert failed.status is JobStatus.FAILED
    assert str(path) in str(failed.error)
    assert len(failed.images) == 2


def test_it_fetches_and_looks_up_nothing(api: ReplayApi) -> None:
    assert result(api.check_hosts, asked()) == ""
    with pytest.raises(NotRecordedError, match="A replay fetches nothing"):
        result(api.fetch_reference, "https://cdn.example.com/1.png")
