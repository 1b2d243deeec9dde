"""What a session made is recorded, and asked again from the recorded contract it is the same request, answered free."""

from __future__ import annotations

from pathlib import Path

import anyio

import tokenlab_nb as tl
from tests.unit.pictures import PNG
from tokenlab_nb import intake
from tokenlab_nb.contract.request import build
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.replay import ReplayApi, write


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
        request, _ = build(found, "image-edit", asked, references=intake.sources(PNG, mine), origin=api.origin)
        assert request is not None
        answer = await api.create(request, {})
        return [await api.download(image.url or "") for image in answer.images]

    assert anyio.run(again) == [picture.bytes for picture in pictures]
    assert not mine.folder.exists()
