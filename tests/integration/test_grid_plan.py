"""`session.sweep` against the sandbox: what each cell will do and cost, and nothing is sent."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image

from tests.bench.bench_plan import measure
from tests.integration.harness import Rig
from tokenlab_nb import settings
from tokenlab_nb.errors import TokenLabError, TokenLabWarning, TransportError, ValidationError
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session
from tokenlab_nb.sweep.plan import Cell

MODELS = ["nano-banana-2", "gpt-image-2", "flux-2-pro"]


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path / "session")
    yield made
    made.close()


def test_a_plan_makes_no_job_and_sends_no_create(rig: Rig) -> None:
    plan = rig.session.sweep(MODELS, ["a fox", "a teapot"], seed=[1, 2], quality=["low", "hd"], repeats=2)
    assert len(plan.cells) == 48
    assert plan.show()._repr_html_() == plan._repr_html_()
    assert rig.posts == 0
    assert not rig.session.jobs
    assert not rig.session.history()


def test_every_cell_says_what_it_will_do(rig: Rig) -> None:
    plan = rig.session.sweep(MODELS, "a fox", size="1536x1024", quality=["low", "hd"])
    banana, dear, flux = plan.cells[::2]
    assert [cell.model for cell in (banana, dear, flux)] == MODELS
    assert (banana.status, banana.price.words) == ("adjusted", "$0.0225 - $0.0755")
    assert (dear.status, dear.price.is_known) == ("asked", False)
    assert dict(dear.values) == {"prompt": "a fox", "size": "1536x1024", "quality": "low"}
    assert dear.takes[0].request.values == {**dear.values, "async": True}
    assert [str(each) for each in plan.cells[3].differences] == [
        "quality high instead of hd, the nearest that is taken here."
    ]
    assert repr(plan) == "Sweep(6 cells: 1 asked, 5 adjusted; $0.0225 - $0.0755 + 3 unknown prices)"


def test_the_planned_request_is_the_one_that_submit_would_send(rig: Rig, tmp_path: Path) -> None:
    Image.new("RGB", (64, 64), "teal").save(tmp_path / "teal.png")
    picture = tmp_path / "teal.png"
    for model in [*MODELS, "kling-omni-image"]:
        asked: dict[str, Any] = {"references": "https://example.com/a.png" if model[0] == "k" else picture}
        (cell,) = rig.session.sweep(model, "a fox", n=1, **asked).cells
        values = {"prompt": "a fox", **({} if model[0] == "f" else {"n": 1})}
        assert cell.takes[0].request == rig.session.prepare(model, values, **asked)
        assert cell.takes[0].key == f"{cell.takes[0].request.hash}:1"


def test_unknown_models_are_cells_with_the_reason_and_an_alias_is_the_model(rig: Rig) -> None:
    plan = rig.session.sweep(["nano-bannana-2", "dall-e-3", "google/nano-banana-2"], "a fox")
    assert [(cell.model, cell.status) for cell in plan.cells] == [
        ("nano-bannana-2", "impossible"),
        ("dall-e-3", "impossible"),
        ("nano-banana-2", "asked"),
    ]
    assert plan.cells[0].reason == "There is no model 'nano-bannana-2'. Did you mean nano-banana-2?"
    assert repr(rig.session.sweep("nope", "a fox")) == "Sweep(1 cell: 1 impossible)"


def test_a_model_whose_contract_cannot_be_read_is_impossible_alone(tmp_path: Path) -> None:
    fault = Fault(do="unreadable_200", path="/v1/models/gpt-image-2")
    rig = Rig(tmp_path, [fault])
    plan = rig.session.sweep(["nano-banana-2", "gpt-image-2"], "a fox")
    assert [cell.status for cell in plan.cells] == ["asked", "impossible"]
    assert "/v1/models/gpt-image-2" in plan.cells[1].reason
    rig.close()


def test_a_service_that_cannot_be_asked_is_an_error_and_no_plan(tmp_path: Path) -> None:
    rig = Rig(tmp_path / "failing", [Fault(do="server_error", path="/v1/models/gpt-image-2")])
    with pytest.raises(TokenLabError):
        rig.session.sweep(["nano-banana-2", "gpt-image-2"], "a fox")
    rig.close()

    def nobody(_request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("no network")

    chosen = settings.load(api_key=settings.Secret("sk-x"), base_url="https://api.example.com", data_dir=tmp_path / "x")
    with (
        Session(chosen, transport=httpx.MockTransport(nobody), clock=rig.clock) as session,
        pytest.raises(TransportError),
    ):
        session.sweep("nano-banana-2", "a fox")


def test_pictures_are_an_axis_and_those_that_are_bent_are_told(rig: Rig, tmp_path: Path) -> None:
    wide = tmp_path / "wide.png"
    Image.new("RGB", (64, 32), "teal").save(wide)
    misnamed = tmp_path / "misnamed.jpg"
    misnamed.write_bytes(wide.read_bytes())
    with pytest.warns(TokenLabWarning, match="named like a JPEG"):
        plan = rig.session.sweep("gpt-image-2", "a fox", references=[None, wide, [wide, wide], misnamed])
    assert [cell.operation for cell in plan.cells] == ["text-to-image", "image-edit", "image-edit"]
    assert plan.axes[2].labels == ("no picture", "wide.png", "wide.png + wide.png")
    assert [note.field for note in plan.plan.notes] == ["references[3]"]
    with pytest.raises(ValidationError, match=r"references\[1\]"):
        rig.session.sweep("gpt-image-2", "a fox", references=[wide, tmp_path / "missing.png"])


def test_one_mask_is_for_all_cells_and_must_fit_them(rig: Rig, tmp_path: Path) -> None:
    for name, size, colour in (("one", (64, 64), "teal"), ("two", (64, 64), "navy"), ("wide", (96, 64), "red")):
        Image.new("RGB", size, colour).save(tmp_path / f"{name}.png")
    mask = Image.new("L", (64, 64), 0)
    mask.paste(255, (0, 0, 32, 32))
    one, two, wide = (tmp_path / f"{name}.png" for name in ("one", "two", "wide"))
    plan = rig.session.sweep(["gpt-image-2", "nano-banana-2"], "a fox", references=[one, two, None], mask=mask)
    assert [cell.status for cell in plan.cells] == ["asked", "asked", *["impossible"] * 4]
    assert plan.cells[0].takes[0].request.mask
    assert plan.cells[2].reason.startswith("image-edit needs a picture to start from.")
    assert "mask" in plan.cells[3].reason
    mixed = rig.session.sweep("gpt-image-2", "a fox", references=[one, wide], mask=mask)
    assert [cell.status for cell in mixed.cells] == ["asked", "impossible"]
    assert "The mask has 64x64 pixels, the picture 96x64." in mixed.cells[1].reason


def test_an_operation_is_said_otherwise_only_for_the_same_work(rig: Rig) -> None:
    picture = "https://example.com/a.png"
    plan = rig.session.sweep(
        ["nano-banana-2", "gpt-image-2", "qwen-image"], "a fox", references=picture, operations="image-to-image"
    )
    assert [(cell.status, cell.operation) for cell in plan.cells] == [
        ("asked", "image-to-image"),
        ("adjusted", "image-edit"),
        ("impossible", ""),
    ]
    assert plan.cells[2].reason == "qwen-image does not offer image-to-image. It offers: text-to-image."


def test_strict_refuses_to_adjust(rig: Rig) -> None:
    plan = rig.session.sweep(MODELS, "a fox", seed=7, strict=True)
    assert [cell.status for cell in plan.cells] == ["impossible", "impossible", "asked"]
    assert plan.cells[0].reason == "Strict: nothing is adjusted. seed 7 is left out: not taken here."


def test_the_time_is_known_from_the_ledger_and_until_then_from_the_documents(rig: Rig) -> None:
    assert rig.session.sweep("z-image", "a fox").seconds == 60.0
    rig.session.generate(model="z-image", prompt="a teapot")
    (latency,) = [job.snapshot.latency for job in rig.session.jobs]
    assert rig.session.sweep("z-image", [f"fox {number}" for number in range(17)]).seconds == pytest.approx(3 * latency)


def test_in_the_sandbox_nobody_knows_the_time_until_it_was_measured(sandbox_session: Session) -> None:
    assert sandbox_session.sweep("z-image", "a fox").seconds is None


def test_whatever_is_asked_of_all_models_each_cell_keeps_its_word(rig: Rig) -> None:
    session = rig.session
    names = [model.id for model in session.models()]
    bags: list[dict[str, Any]] = [
        {"size": [None, "1024x1024", "1000x700", "4096x512", "auto", "huge"], "n": [1, 3, 25], "seed": [None, 7]},
        {"aspect_ratio": [None, "16:9", "5:4", "square"], "resolution": [None, "2k", "8k"], "quality": ["hd", "ultra"]},
        {
            "output_format": ["jpg", "webp"],
            "background": [None, "transparent"],
            "style": ["vivid", "loud"],
            "repeats": 2,
        },
        {"async_": [None, True, False], "response_format": ["url", "b64_json"], "output_compression": [80, 300]},
    ]
    picture = "https://example.com/a.png"
    for bag in bags:
        plan = session.sweep(names, ["a fox", "x" * 900], references=[None, picture], **bag)
        assert len({cell.status for cell in plan.cells}) == 3
        for cell in plan.cells:
            _keeps_its_word(cell)
        for request in {take.request.hash: take.request for take in plan.plan.takes.values()}.values():
            found = session.model(request.model)  # what is sent passes every check
            pictures = request.references
            assert request == session.draft_request(
                found, request.values, operation=request.operation, references=pictures
            )
    assert rig.posts == 0


def _keeps_its_word(cell: Cell) -> None:
    made = [each for each in cell.differences if each.field != "shared"]
    assert bool(cell.reason) == (cell.status == "impossible") == (not cell.takes)
    assert bool(made) == (cell.status == "adjusted")
    asked = int(str(cell.values.get("n", 1)))
    assert not cell.takes or sum(take.request.count for take in cell.takes) == asked
    told = {each.field for each in made} | {
        "n",
        *(name for each in made if isinstance(each.asked, dict) for name in each.asked),
    }
    for take in cell.takes:
        request = take.request
        kept = {name: value for name, value in cell.values.items() if name not in told}
        assert {**request.values, **kept} == request.values  # what no difference tells of is sent as it was asked


def test_ten_thousand_cells_are_planned_in_less_than_a_second() -> None:
    made, ours, theirs = measure()
    assert (len(made.cells), made.counts()["adjusted"]) == (10_000, 9_400)
    assert ours < 1.0, f"{ours:.2f} s; their requests and hashes alone took {theirs:.2f} s"
