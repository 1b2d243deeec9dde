"""Typical uses of the public names. Never run: `mypy --strict` reads it, so that the types that users see stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import assert_type

import tokenlab_nb as tl
from tokenlab_nb.contract.model import Contract, Json, Operation, Param
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.repair import Repair
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.sweep.votes import Votes


def three_lines() -> None:
    session = tl.connect()
    images = session.generate(model="gpt-image-2", prompt="A red fox in deep snow", size="1024x1024", n=2)
    assert_type(images, list[tl.ImageResult])


def opening(folder: Path) -> None:
    tl.login()
    tl.enable_nested_asyncio()
    assert_type(tl.connect(api_key=None, base_url="https://api.tokenlab.sh/v1", data_dir=folder), tl.Session)
    with tl.connect(sandbox=True) as session:
        assert_type(session, tl.Session)
        assert_type(session.is_sandbox, bool)
        assert_type(session.has_key, bool)
        assert_type(session.origin, str)
        assert_type(session.jobs, list[tl.Job])
    session.close()
    assert_type(tl.__version__, str)


def money(session: tl.Session, request: ImageRequest) -> None:
    assert_type(tl.connect(budget=2.5, allow_unknown_price=True), tl.Session)
    price = session.price(request)
    assert_type(price, Estimate)
    assert_type(price.high, float | None)
    session.limit_spending(5)
    assert_type(session.spending.most, float)
    assert_type(session.settle().settled.high, float)
    assert_type(session.twin(request), tl.Job | None)


def recalling(session: tl.Session, image: tl.ImageResult, folder: Path) -> None:
    assert_type(tl.connect(provenance=False), tl.Session)
    assert_type(image.recall(), ImageRequest)
    assert_type(tl.ImageResult.read(folder / "fox.png").recall(), ImageRequest)
    assert_type(session.send(session.recall(folder / "fox.png")), tl.Job)
    assert_type(session.recall(image, references=[folder / "snow.png"]), ImageRequest)


def the_past(session: tl.Session, folder: Path) -> None:
    for job in session.recover():
        assert_type(job, tl.Job)
        assert_type(job.look_again(), str)
        assert_type(job.run_again(), tl.Job)
        assert_type(job.support_packet(), dict[str, object])
        job.forget()
        job.run()
    session.history(model="gpt-image-2", status=["unknown", "failed"], text="fox", since="2026-11-26").to_frame()
    assert_type(session.adopt("ldtask_1", settles="job_1"), tl.Job)
    assert_type(session.export_replay(folder).jobs, int)
    assert_type(tl.connect(replay=folder), tl.Session)


def looking_models_up(session: tl.Session) -> None:
    models = session.models(recommended_for="image", operation="image-edit", provider="google", search="banana")
    assert_type(models, list[tl.Model])
    model = session.model("gpt-image-2")
    assert_type(model, tl.Model)
    assert_type(model.contract, Contract)
    operation = model.contract.operations["text-to-image"]
    assert_type(operation, Operation)
    assert_type(operation.params["size"], Param)
    assert_type(operation.options, tuple[Param, ...])
    assert_type(operation.params["size"].choices, tuple[str, ...])
    assert_type(model.price.low, float | None)


def working(session: tl.Session) -> None:
    job = session.submit(model="gpt-image-2", prompt="A red fox", quality="low", async_=True)
    assert_type(job, tl.Job)
    assert_type(job.status, tl.JobStatus)
    assert_type(job.snapshot, JobSnapshot)
    assert_type(job.request, ImageRequest)
    assert_type(job.error, tl.errors.TokenLabError | None)
    assert_type(job.images, list[tl.ImageResult])
    assert_type(job.wait(timeout=60), list[tl.ImageResult])
    seen: list[JobSnapshot] = []
    forget: Callable[[], None] = job.subscribe(seen.append)
    forget()
    job.stop_waiting()
    job.resume()
    job.fetch_again()


def mending(session: tl.Session, job: tl.Job) -> None:
    ways = session.repairs(job)
    assert_type(ways, list[Repair])
    assert_type(ways[0].changes, Mapping[str, Json])
    assert_type(session.repaired(job, ways[0]), ImageRequest)
    assert_type(session.repair(job, ways[0], budget=session.budget_of(0.10)), tl.Job)
    assert_type(job.repair(Repair("Smaller", {"size": "1024x1024"})), tl.Job)
    assert_type((job.code, job.curl, job.openai), tuple[str, str, str])


async def awaiting(session: tl.Session) -> None:
    first = await session.submit(model="gpt-image-2", prompt="A red fox")
    assert_type(first, list[tl.ImageResult])


def handing_pictures_in(session: tl.Session, folder: Path) -> None:
    job = session.submit(model="nano-banana-edit", prompt="At night", references=[folder / "fox.png", b"bytes"])
    by_address = session.edit(model="gpt-image-2", prompt="At night", image="https://example.com/fox.png")
    assert_type(by_address, list[tl.ImageResult])
    masked = session.edit(model="gpt-image-2", prompt="At night", image=by_address[0], mask=folder / "mask.png")
    again = session.edit(model="gpt-image-2", prompt="Brighter", image=[*masked, job], quality="low")
    assert_type(session.vary(model="dall-e-2", image=again[0], n=2), list[tl.ImageResult])
    uploaded = session.upload(folder / "fox.png", model="gpt-image-2", purpose="user_data")
    assert_type(uploaded, Source)
    session.submit(model="gpt-image-2", prompt="At night", references=[uploaded, "https://example.com/fox.png"])


def keeping(image: tl.ImageResult, folder: Path) -> None:
    assert_type(image.bytes, bytes)
    assert_type(image.width, int)
    assert_type(image.sha256, str)
    assert_type(image.pil.size, tuple[int, int])
    assert_type(image.save(folder / "fox.png"), Path)
    assert_type(image.thumbnail(edge=128, budget=10_000), bytes)


def failing(session: tl.Session) -> None:
    try:
        session.generate(model="gpt-image-2", prompt="")
    except tl.errors.ValidationError as error:
        assert_type([f"{issue.field}: {issue.message} {issue.remedy}" for issue in error.issues], list[str])
    except tl.errors.RateLimitError as error:
        assert_type(error.retry_after, float | None)
    except tl.errors.TokenLabError as error:
        assert_type(error.status, int | None)
        assert_type(error.request_id, str | None)
        assert_type(error.facts, tl.errors.Facts)
        assert_type(error.hint, str)


def showing(session: tl.Session, jobs: list[tl.Job]) -> None:
    tl.Studio()
    tl.Studio(session, models=["gpt-image-2", "nano-banana-2"], prompt="A red fox")
    picker = tl.ModelPicker(session.models(), value=["gpt-image-2"], multiple=False)
    assert_type(picker.models, list[tl.Model])
    model = session.model("gpt-image-2")
    controls = tl.ParameterControls({model.id: model.contract.operations["text-to-image"]}, values={"n": 2})
    assert_type(session.prepare(model.id, {"prompt": "A red fox", **controls.values}), ImageRequest)
    editor = tl.MaskEditor(jobs[0], mask=None)
    assert_type(editor.share, float)
    session.edit(model=model.id, prompt="A red sofa", image=editor.image, mask=editor.mask)
    tl.Gallery(jobs, title="Foxes")
    tl.JobView(jobs[0], title="The first")


def judging(grid: tl.GridRun, session: tl.Session, path: Path) -> None:
    ballot = grid.ballot("model", question="Which follows the prompt better?")
    while pair := ballot.next(grid.votes):
        assert_type(grid.vote(pair, "left").winner, str | None)
    grid.undo_vote()
    grid.votes.to_csv(path)
    ratings = grid.ratings(seed=0, rounds=1000)
    assert_type(ratings.verdict.winner, str | None)
    assert_type(ratings.rows[0].rating, float | None)
    ratings.to_frame()
    assert_type(session.votes(grid.plan.hash), Votes)
