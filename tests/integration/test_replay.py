"""What a session made is recorded, and asked again from the recorded contract it is the same request, answered free."""

from __future__ import annotations

import gc
import socket
from pathlib import Path

import anyio
import pytest

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import until
from tests.unit.pictures import PNG
from tokenlab_nb import intake
from tokenlab_nb.contract.request import build
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.replay import ReplayApi
from tokenlab_nb.store.taping import write

CANARY = "sk-" + "canary-in-no-replay"


def test_a_request_made_again_from_the_replay_is_answered(sandbox_session: tl.Session, tmp_path: Path) -> None:
    session, folder = sandbox_session, tmp_path / "replay"
    models = session.models(operation="image-edit")
    detail = session.model(models[0].id)
    job = session.submit(model=detail.id, prompt="a red fox", operation="image-edit", references=PNG)
    pictures = job.wait()
    blobs = Blobs(tmp_path / "session" / "pictures")
    exported = write(
        folder,
        [job.snapshot],
        blobs,
        origin=session.origin,
        models=models,
        details=[detail],
        pricing={},
        now=1_800_000_000.0,
        version=tl.__version__,
    )
    assert (exported.jobs, exported.pictures, exported.left_out) == (1, 1 + len(pictures), 0)

    api = ReplayApi.open(folder)
    mine = Blobs(tmp_path / "mine", also=[api.pictures])

    async def again() -> list[bytes]:
        assert await api.models(recommended_for="image") == tuple(models)
        found = await api.model(detail.id)
        asked = {name: value for name, value in job.snapshot.request.values.items() if name != "operation"}
        request, _ = build(found, "image-edit", asked, references=intake.sources(PNG, mine)[0], origin=api.origin)
        assert request is not None
        answer = await api.create(request, {})
        return [await api.download(image.url or "") for image in answer.images]

    assert anyio.run(again) == [picture.bytes for picture in pictures]
    assert not mine.folder.exists()


@pytest.fixture
def recorded(tmp_path: Path) -> Path:
    """A replay of two requests, one of them made twice, exported by a session with a key."""
    made = Rig(tmp_path / "recorder", key=CANARY)
    session = made.session
    session.models()
    for prompt, seed in (("a red fox", 7), ("a red fox", 7), ("an owl", 8)):
        session.generate(model="flux-2-pro", prompt=prompt, size="512x512", seed=seed)
    exported = session.export_replay(tmp_path / "replay")
    assert (exported.jobs, exported.left_out) == (3, 0)
    made.close()
    return tmp_path / "replay"


def _files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_replay_answers_without_key_or_network_and_writes_nothing_into_its_folder(
    recorded: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(socket.socket, "connect", lambda *_: pytest.fail("something was sent"))
    before = _files(recorded)
    with tl.connect(replay=recorded) as session:
        assert not session.has_key
        assert "nothing is sent or billed" in session.place
        assert "flux-2-pro" in [model.id for model in session.models()]
        pictures = session.generate(model="flux-2-pro", prompt="a red fox", size="512x512", seed=7)
        assert pictures[0].pil.size == (512, 512)
        with pytest.raises(tl.errors.NotRecordedError, match="'a red fox' instead of 'a blue fox'"):
            session.generate(model="flux-2-pro", prompt="a blue fox", size="512x512", seed=7)
        assert session.spending.most == 0
        folder = Path(session.data_dir)
    assert _files(recorded) == before
    assert pictures[0].bytes  # also after the session
    del session
    gc.collect()
    assert not folder.exists()


def test_no_key_is_in_the_folder(recorded: Path) -> None:
    assert not [name for name, data in _files(recorded).items() if CANARY.encode() in data]


def test_exporting_again_adds_and_a_replay_cannot_be_mixed_with_a_service(recorded: Path, tmp_path: Path) -> None:
    more = Rig(tmp_path / "more")
    more.session.generate(model="nano-banana-2", prompt="an owl")
    assert more.session.export_replay(recorded).jobs == 4
    more.close()
    for words in ({"api_key": "sk-x"}, {"base_url": "http://127.0.0.1:1"}, {"sandbox": True}):
        with pytest.raises(tl.errors.ValidationError, match="A replay asks no service"):
            tl.connect(replay=recorded, **words)
    with pytest.raises(tl.errors.TokenLabError, match="nothing"):
        tl.connect(replay=tmp_path / "nothing")


def test_with_a_data_folder_of_its_own_a_replay_keeps_its_ledger(recorded: Path, tmp_path: Path) -> None:
    for count in (1, 2):
        with tl.connect(replay=recorded, data_dir=tmp_path / "class") as session:
            session.generate(model="flux-2-pro", prompt="an owl", size="512x512", seed=8)
            assert len(session.history()) == count


def test_a_replay_takes_nothing_up_that_a_session_left(recorded: Path, tmp_path: Path) -> None:
    """Both speak of the same API, and may be given the same folder: the tasks are the service's."""
    made = Rig(tmp_path / "shared", (Fault("delay", method="GET", path="/v1/tasks", seconds=1.0),))
    job = made.session.submit(model="gpt-image-2", prompt="fox")
    until(lambda: job.snapshot.task_id)
    job.stop_waiting()
    until(lambda: job.snapshot.is_at_rest)
    stands = job.snapshot
    made.close()
    with tl.connect(replay=recorded, data_dir=tmp_path / "shared") as session:
        assert session.recover() == session.history() == []
    with Rig(tmp_path / "shared").session as session:
        assert session.history()[0].snapshot == stands


def test_a_replay_costs_nothing_and_says_so(recorded: Path) -> None:
    with tl.connect(replay=recorded, budget=0.0) as session:
        request = session.prepare("flux-2-pro", {"prompt": "an owl", "size": "512x512", "seed": 8})
        assert str(session.price(request)) == "free"
        assert len(session.send(request).wait(60)) == 1
