"""The session on the sandbox in this process: from a prompt to pictures, in every way there is."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.integration.harness import CREATES, Rig
from tests.unit.pictures import PNG, encoded, gradient
from tokenlab_nb import opening, settings
from tokenlab_nb.errors import ImageError, NotFoundError, ValidationError
from tokenlab_nb.sandbox.faults import Fault

Make = Callable[..., Rig]
MASK = encoded(Image.linear_gradient("L").resize((64, 48)).point(lambda value: 255 if value < 100 else 0))


def body(request: httpx.Request) -> dict[str, object]:
    return dict(json.loads(request.content))


# ------------------------------------------------------------------------------------------------- making


@pytest.mark.parametrize("model", ["gpt-image-2", "nano-banana-2", "nano-banana-pro", "qwen-image"])
def test_a_prompt_becomes_pictures(rig: Make, model: str) -> None:
    world = rig()
    (image,) = world.session.generate(model=model, prompt="A red fox in deep snow")
    assert image.pil.size == (image.width, image.height)
    assert image.metadata["model"] == model
    assert (world.posts, world.accepted) == (1, 1)


def test_a_job_is_handed_out_at_once_and_can_be_waited_for_and_awaited(rig: Make) -> None:
    world = rig()
    job = world.session.submit(model="gpt-image-2", prompt="fox", n=2)

    async def awaited() -> list[tl.ImageResult]:
        return await job

    assert len(job.wait()) == len(asyncio.run(awaited())) == 2
    assert (job.status, job.error) == (tl.JobStatus.COMPLETED, None)
    assert world.session.jobs == [job]


def test_several_jobs_of_several_models_run_at_once(rig: Make) -> None:
    world = rig()
    models = ["gpt-image-2", "nano-banana-2", "flux-2-pro", "seedream-5.0", "grok-imagine-image"] * 2
    jobs = [world.session.submit(model=model, prompt="fox") for model in models]
    assert all(len(job.wait()) == 1 for job in jobs)
    assert world.accepted == len(jobs)


@pytest.mark.parametrize(("prefer", "sent"), [(True, True), (False, None)])
def test_a_task_is_asked_for_where_the_contract_lists_it(rig: Make, prefer: bool, sent: bool | None) -> None:
    world = rig(prefer_tasks=prefer)
    world.session.generate(model="gpt-image-2", prompt="fox")
    world.session.generate(model="nano-banana-2", prompt="fox")
    listed, unlisted = world.sent("POST")
    assert body(listed).get("async") is sent
    assert "async" not in body(unlisted)


def test_ones_own_word_on_tasks_counts(rig: Make) -> None:
    world = rig()
    world.session.generate(model="gpt-image-2", prompt="fox", async_=False)
    world.session.generate(model="gpt-image-2", prompt="fox", response_format="b64_json")
    own, inside = world.sent("POST")
    assert body(own)["async"] is False
    assert "async" not in body(inside)
    assert not world.sent("GET", "/v1/tasks")


def test_only_what_was_set_is_sent(rig: Make) -> None:
    world = rig()
    world.session.generate(
        model="gpt-image-2", prompt="fox", quality=None, size="1024x1024", delivery_policy="verified"
    )
    (request,) = world.sent("POST")
    assert body(request) == {"model": "gpt-image-2", "prompt": "fox", "size": "1024x1024", "async": True}
    assert request.headers["X-TokenLab-Delivery-Policy"] == "verified"


def test_what_was_asked_cannot_be_changed_from_outside_afterwards(rig: Make) -> None:
    world = rig()
    values: dict[str, object] = {"prompt": "fox"}
    request = world.session.prepare("gpt-image-2", values)
    values["prompt"] = "cat"
    assert request.prompt == "fox"
    assert world.posts == 0


# ------------------------------------------------------------------------------------------------- pictures that go in


def test_every_kind_of_picture_may_go_in(rig: Make, tmp_path: Path) -> None:
    world = rig()
    path = tmp_path / "fox.png"
    path.write_bytes(PNG)
    job = world.session.submit(model="gpt-image-2", prompt="fox", size="1024x1024")
    (result,) = job.wait()
    url = f"{settings.SANDBOX_URL}/samples/fox.jpg"
    for picture in (path, str(path), PNG, bytearray(PNG), gradient(), result, job, url, [PNG], (PNG,)):
        assert len(world.session.edit(model="gpt-image-2", prompt="bluer", image=picture)) == 1
    assert len(world.sent("POST", "/v1/images/edits")) == 10


def test_several_pictures_go_in_together(rig: Make) -> None:
    world = rig()
    world.session.edit(model="gpt-image-2", prompt="both", image=[PNG, gradient(80, 60)])
    assert world.sent("POST")[0].content.count(b'name="image"') == 2


def test_an_edit_with_a_mask_changes_only_what_it_leaves_open(rig: Make) -> None:
    world = rig()
    source = encoded(gradient(1024, 1024))
    mask = Image.new("RGBA", (1024, 1024), (0, 0, 0, 255))
    mask.paste((0, 0, 0, 0), (0, 0, 512, 1024))
    (edited,) = world.session.edit(model="gpt-image-2", prompt="night", image=source, mask=mask, size="1024x1024")
    assert b'name="mask"' in world.sent("POST")[0].content
    kept = (900, 500)
    assert edited.pil.convert("RGB").getpixel(kept) == gradient(1024, 1024).getpixel(kept)


def test_a_mask_chooses_the_edit_operation(rig: Make) -> None:
    job = rig().session.submit(model="gpt-image-2", prompt="bluer", references=PNG, mask=MASK)
    assert job.request.operation == "image-edit"
    assert job.wait()


def test_pictures_go_to_the_route_that_the_contract_names(rig: Make) -> None:
    world = rig()
    world.session.edit(model="nano-banana-2", prompt="bluer", image=f"{settings.SANDBOX_URL}/samples/fox.jpg")
    (request,) = world.sent("POST", CREATES)
    assert request.url.path == "/v1/images/generations"
    assert body(request)["operation"] == "image-to-image"


def test_variations_of_a_picture(rig: Make) -> None:
    world = rig()
    assert len(world.session.vary(model="dall-e-2", image=encoded(gradient(256, 256)), n=2)) == 2
    assert world.sent("POST")[0].url.path == "/v1/images/variations"


def test_an_edit_without_any_picture_never_becomes_a_plain_generation(rig: Make) -> None:
    world = rig()
    for nothing in ([], (), None):
        with pytest.raises(ValidationError, match="needs a picture to start from"):
            world.session.edit(model="gpt-image-2", prompt="bluer", image=nothing)
    with pytest.raises(ValidationError, match="does not offer image-to-image"):
        world.session.edit(model="z-image", prompt="bluer", image=[])
    assert world.posts == 0


def test_a_model_that_only_edits_asks_for_a_picture(rig: Make) -> None:
    with pytest.raises(ValidationError, match="image-edit needs a picture to start from"):
        rig().session.submit(model="ideogram-edit-v3", prompt="bluer")


def test_no_references_means_none(rig: Make) -> None:
    for nothing in (None, (), []):
        job = rig().session.submit(model="gpt-image-2", prompt="fox", references=nothing)
        assert job.request.operation == "text-to-image"


@pytest.mark.parametrize(
    ("picture", "words"),
    [
        ("nowhere.png", "There is no file"),
        (b"<html>", "This is a web page"),
        (42, "a value of type int"),
        (["http://10.0.0.1/a.png"], "private"),
        ("ftp://example.org/a.png", "not an address"),
    ],
)
def test_what_is_no_picture_is_refused_at_once(rig: Make, picture: object, words: str) -> None:
    world = rig()
    with pytest.raises(ValidationError, match=words) as caught:
        world.session.submit(model="gpt-image-2", prompt="fox", references=picture)
    assert caught.value.issues[0].field == "references[0]"
    assert world.posts == 0


def test_a_job_without_a_picture_cannot_go_in(rig: Make) -> None:
    world = rig(Fault("server_error", method="POST", times=1))
    failed = world.session.submit(model="gpt-image-2", prompt="fox")
    with pytest.raises(ValidationError, match=r"has no picture\. Wait for it"):
        world.session.edit(model="gpt-image-2", prompt="bluer", image=failed)


# ------------------------------------------------------------------------------------------------- models


def test_models_are_listed_and_narrowed(rig: Make) -> None:
    session = rig().session
    ids = [model.id for model in session.models()]
    assert {"gpt-image-2", "nano-banana-2", "flux-2-pro"} <= set(ids)
    assert [model.id for model in session.models(search="banana PRO")] == ["nano-banana-pro"]
    assert [model.id for model in session.models(operation="image-variation")] == ["dall-e-2"]
    providers = {model.provider for model in session.models(provider="openai")}
    assert len(providers) == 1
    assert session.models(search="no such thing") == []
    assert set(ids) <= {model.id for model in session.models(recommended_for=None)}


def test_a_models_contract_is_read_once_a_session(rig: Make) -> None:
    world = rig()
    model = world.session.model("gpt-image-2")
    assert world.session.model("gpt-image-2") is model
    assert world.session.fetch_model("gpt-image-2").result(10) is model
    world.session.generate(model="gpt-image-2", prompt="fox")
    asked = [request.url.path for request in world.sent("GET", "/v1/models/gpt-image-2")]
    assert sorted(asked) == ["/v1/models/gpt-image-2", "/v1/models/gpt-image-2/pricing"]
    assert "quality" in model.contract.operations["text-to-image"].params
    assert len(world.session.fetch_models().result(10)) == len(world.session.models())
    assert world.session.fetch_model("nano-banana-2").result(10).id == "nano-banana-2"


def test_an_unknown_model_comes_with_a_near_one(rig: Make) -> None:
    session = rig().session
    with pytest.raises(NotFoundError, match="flux-2-pro"):
        session.model("flux-pro")
    with pytest.raises(ValidationError, match=r"There is no model 'flux-pro'\. Did you mean flux-2-pro\?") as caught:
        session.submit(model="flux-pro", prompt="fox")
    assert caught.value.did_you_mean == "flux-2-pro"
    with pytest.raises(ValidationError, match="No model is chosen"):
        session.submit(model="", prompt="fox")


# ------------------------------------------------------------------------------------------------- the session itself


def test_without_a_key_it_is_the_sandbox_and_says_so(tmp_path: Path) -> None:
    with tl.connect(data_dir=tmp_path) as session:
        assert session.is_sandbox
        assert repr(session) == "Session(Sandbox: pictures are drawn here, nothing is billed)"
        assert session.data_dir == str(tmp_path)
        assert len(session.models()) >= 10
    assert session.is_closed


def test_a_key_of_the_environment_means_the_service(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "sk-environment")
    with tl.connect(data_dir=tmp_path) as session:
        assert (session.is_sandbox, session.origin) == (False, "https://api.tokenlab.sh")
        assert repr(session) == "Session(https://api.tokenlab.sh: every picture is paid for)"
    with tl.connect(data_dir=tmp_path, sandbox=True) as session:
        assert session.is_sandbox


@pytest.mark.parametrize("base_url", ["https://api.example.org", "https://api.example.org/v1/"])
def test_the_address_may_end_in_v1(tmp_path: Path, base_url: str) -> None:
    asked: list[str] = []

    def handle(request: httpx.Request) -> httpx.Response:
        asked.append(str(request.url))
        return httpx.Response(200, json={"data": []})

    with tl.connect(base_url=base_url, data_dir=tmp_path, transport=httpx.MockTransport(handle)) as session:
        assert session.models(recommended_for=None) == []
        assert not session.has_key
    assert asked == ["https://api.example.org/v1/models"]


def test_a_login_is_found_by_the_next_connect(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(opening.getpass, "getpass", lambda prompt: " sk-typed\n")
    tl.login()
    assert capsys.readouterr().out.startswith("The key is kept for this kernel")
    with tl.connect(data_dir=tmp_path) as session:
        assert (session.is_sandbox, session.has_key) == (False, True)
    monkeypatch.setattr(opening.getpass, "getpass", lambda prompt: "")
    with pytest.raises(ValidationError, match="The key is empty"):
        tl.login()


def test_the_shared_session_is_one_until_something_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    first = opening.shared_session()
    assert opening.shared_session() is first
    first.close()
    second = opening.shared_session()
    assert second is not first
    monkeypatch.setenv("TOKENLAB_API_KEY", "sk-environment")
    third = opening.shared_session()
    assert third is not second
    assert not third.is_sandbox
    for each in (second, third):
        each.close()


def test_closing_twice_is_fine_and_using_it_then_says_so(rig: Make) -> None:
    session = rig().session
    job = session.submit(model="gpt-image-2", prompt="fox")
    (image,) = job.wait()
    session.close()
    session.close()
    assert image.bytes
    assert job.status is tl.JobStatus.COMPLETED
    for use in (session.models, lambda: session.submit(model="gpt-image-2", prompt="fox")):
        with pytest.raises(RuntimeError, match="closed"):
            use()


def test_two_sessions_may_share_a_folder(rig: Make, tmp_path: Path) -> None:
    one, two = rig(folder=tmp_path / "same"), rig(folder=tmp_path / "same")
    with ThreadPoolExecutor(4) as threads:
        works = [
            threads.submit(each.session.generate, model="gpt-image-2", prompt=f"fox {n}")
            for n in range(4)
            for each in (one, two)
        ]
        assert all(len(work.result(60)) == 1 for work in works)


def test_the_expected_time_comes_from_this_services_own_past(rig: Make) -> None:
    world = rig()
    assert world.session.submit(model="gpt-image-2", prompt="fox").wait()
    job = world.session.submit(model="gpt-image-2", prompt="fox")
    job.wait()
    assert job.snapshot.expected_seconds is not None


def test_an_image_that_is_gone_from_disk_says_so(rig: Make, tmp_path: Path) -> None:
    (image,) = rig().session.generate(model="gpt-image-2", prompt="fox")
    next(path for path in tmp_path.rglob(image.sha256)).unlink()
    with pytest.raises(ImageError, match="cannot be read"):
        _ = image.bytes
