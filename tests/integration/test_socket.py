"""The session and the sandbox over a real socket."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tests.integration.conftest import Serve
from tests.integration.harness import KEY
from tests.unit.jobs.fakes import SOON
from tests.unit.pictures import PNG
from tokenlab_nb.errors import AuthenticationError, ImageError, UnknownOutcomeError


def test_from_a_prompt_to_pictures_over_a_port(serve: Serve, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with tl.connect(base_url=f"{serve()}/v1", api_key=KEY, data_dir=tmp_path / "data") as session:
        assert not session.is_sandbox
        assert len(session.models()) >= 10
        jobs = [session.submit(model=model, prompt="fox") for model in ("gpt-image-2", "nano-banana-2", "qwen-image")]
        assert all(len(job.wait(SOON)) == 1 for job in jobs)
        assert session.edit(model="gpt-image-2", prompt="bluer", image=PNG)
        with pytest.raises(ImageError, match="answered 404"):
            session._engine.call(session._client.download, f"{session.origin}/pictures/none-0.png")
    assert {"httpx", "httpcore.http11"} <= {record.name for record in caplog.records}
    assert KEY not in caplog.text


def test_a_connection_that_drops_after_the_work_is_not_used_again(serve: Serve, tmp_path: Path) -> None:
    address = serve({"do": "drop", "after": True, "method": "POST", "path": "/v1/images", "times": 1})
    with tl.connect(base_url=address, api_key=KEY, data_dir=tmp_path / "data") as session:
        lost = session.submit(model="gpt-image-2", prompt="fox")
        with pytest.raises(UnknownOutcomeError, match="the answer was lost"):
            lost.wait(SOON)
        assert lost.status is tl.JobStatus.UNKNOWN
        assert session.generate(model="gpt-image-2", prompt="fox")


def test_a_huge_picture_is_not_read(serve: Serve, tmp_path: Path) -> None:
    address = serve({"do": "huge_picture", "path": "/pictures"})
    with (
        tl.connect(base_url=address, api_key=KEY, data_dir=tmp_path / "data") as session,
        pytest.raises(ImageError, match="200,000,000 bytes or more"),
    ):
        session.generate(model="gpt-image-2", prompt="fox")


def test_without_a_usable_key_one_may_look_but_not_create(serve: Serve, tmp_path: Path) -> None:
    address = serve()
    with tl.connect(base_url=address, api_key="nonsense", data_dir=tmp_path / "data") as session:
        assert session.model("gpt-image-2").id == "gpt-image-2"
        assert session.models()
        with pytest.raises(AuthenticationError, match="Set TOKENLAB_API_KEY"):
            session.generate(model="gpt-image-2", prompt="fox")
