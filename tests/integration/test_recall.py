"""What was asked for a picture is found again: by its file, bytes, job, id and cell; and asked again only when told."""

from __future__ import annotations

import re
from base64 import b64decode
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from tests.integration.harness import KEY, Rig
from tests.unit.pictures import PNG, encoded, gradient, opened
from tests.unit.provenance.samples import FILES
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, ValidationError
from tokenlab_nb.export.share import Share
from tokenlab_nb.images import ImageResult
from tokenlab_nb.provenance import files
from tokenlab_nb.provenance.record import Record

MODEL = "gpt-image-2"
Rigs = Callable[..., Rig]


def near(rig: Rigs) -> Rig:
    return rig()


def far(rig: Rigs, tmp_path: Path) -> Rig:
    """Somebody else's data folder: nothing of the first one is known there."""
    return rig(folder=tmp_path / "elsewhere")


def test_every_way_leads_to_the_same_request(rig: Rigs, tmp_path: Path) -> None:
    here = near(rig)
    session = here.session
    job = session.submit(model=MODEL, prompt="A red fox", size="1024x1024", n=1, output_format="webp")
    [image] = job.wait()
    path = image.save(tmp_path / "fox.webp")
    posts = here.posts
    ways: list[Any] = [path, str(path), path.read_bytes(), image.bytes, image, ImageResult.read(path), job, job.id]
    assert [session.recall(way) for way in ways] == [job.request] * len(ways)
    assert here.posts == posts


def test_a_cell_is_recalled_and_one_without_a_job_is_not(rig: Rigs) -> None:
    session = near(rig).session
    grid = session.compare([MODEL], ["A red fox", "A blue fox"])
    grid.wait()
    assert [session.recall(cell).prompt for cell in grid.cells] == ["A red fox", "A blue fox"]
    with pytest.raises(ValidationError, match="Nothing was asked for this cell"):
        session.recall(replace(grid.cells[0], jobs=()))


def test_the_originals_in_a_page_tell_how_they_were_made_unless_something_is_left_out(rig: Rigs) -> None:
    grid = near(rig).session.compare([MODEL], ["A red fox", "A blue fox"])
    grid.wait()

    def within(**options: Any) -> list[bytes]:
        page = grid.page(originals=True, **options).html
        return [b64decode(found) for found in re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', page)]

    assert [ImageResult.read(data).recall().prompt for data in within()] == ["A red fox", "A blue fox"]
    bare = within(share=Share(costs=False))
    assert [files.read(data) for data in bare] == [None, None]
    assert not any(b"fox" in data for data in bare)


@pytest.mark.parametrize("kind", ["png", "jpeg", "webp"])
def test_a_file_is_asked_again_by_somebody_who_knows_nothing_of_it(rig: Rigs, tmp_path: Path, kind: str) -> None:
    session = near(rig).session
    [image] = session.generate(model=MODEL, prompt="A red fox", quality="low", output_format=kind)
    path = image.save(tmp_path / f"fox.{'jpg' if kind == 'jpeg' else kind}")
    assert opened(path.read_bytes()).tobytes() == image.pil.tobytes()
    assert KEY not in path.read_bytes().decode("latin-1")
    there = far(rig, tmp_path)
    request = there.session.recall(path)
    assert request == image.recall()
    assert there.posts == 0
    [again] = there.session.send(request).wait()
    assert (again.media_type, there.posts) == (image.media_type, 1)


def test_a_file_of_an_edit_finds_its_pictures_again_or_says_which_are_missing(rig: Rigs, tmp_path: Path) -> None:
    session = near(rig).session
    mask = Image.new("L", (64, 48))
    mask.paste(255, (0, 0, 32, 48))
    one, two = encoded(gradient()), encoded(gradient(48, 48))
    job = session.submit(model=MODEL, prompt="at night", references=[one, two], mask=mask)
    [image] = job.wait()
    path = image.save(tmp_path / "night.png")
    assert session.recall(path.read_bytes()) == job.request
    assert ImageResult.read(path).metadata["parents"] == [source.sha256 for source in job.request.references]
    there = far(rig, tmp_path).session
    with pytest.raises(ValidationError, match="reference 1 and reference 2 and the mask cannot be found") as caught:
        there.recall(path)
    assert "references=[...]" in caught.value.hint
    kept = there.take_in(one)[0]
    with pytest.raises(ValidationError, match="Of the pictures that went in, reference 2 and the mask cannot"):
        there.recall(path)
    request = there.recall(path, references=[one, two], mask=mask)
    assert request == job.request
    assert request.references[0] == kept


def test_a_saved_picture_that_is_handed_in_is_the_original(rig: Rigs, tmp_path: Path) -> None:
    here = near(rig)
    session = here.session
    [image] = session.generate(model=MODEL, prompt="A secret fox", output_format="png")
    path = image.save(tmp_path / "fox.png")
    assert path.read_bytes() != image.bytes
    job = session.submit(model=MODEL, prompt="at night", references=path)
    job.wait()
    assert job.request.references[0].sha256 == image.sha256
    assert str(job.lineage) == f'{MODEL} text-to-image "A secret fox" -> {MODEL} edit "at night"'
    assert not any(b"A secret fox" in request.content for request in here.sent("POST", "edits"))


def test_no_stamp_where_it_is_switched_off(rig: Rigs, tmp_path: Path) -> None:
    here = near(rig)
    session = here.session
    session.settings = replace(session.settings, provenance=False)
    [image] = session.generate(model=MODEL, prompt="A red fox")
    path = image.save(tmp_path / "fox.png")
    assert path.read_bytes() == image.bytes
    assert session.recall(path) == image.recall()  # by its content, in the ledger
    with pytest.raises(ImageError, match="carries no record"):
        far(rig, tmp_path).session.recall(path)


def hostile(**changes: Any) -> bytes:
    """A file of an attacker's, whose record is well-formed."""
    asked = ImageRequest(MODEL, "text-to-image", "/v1/images/generations", {"prompt": "A red fox"})
    return files.stamped(PNG, Record(request=replace(asked, **changes), sha256="a" * 64, job="job_1"))


def test_what_a_file_says_is_checked_like_any_request(rig: Rigs) -> None:
    here = near(rig)
    session = here.session
    good = session.recall(hostile(endpoint="/v1/images/edits", multipart=True))
    assert (good.endpoint, good.multipart) == ("/v1/images/generations", False)  # the contract decides, not the file
    for odd in (
        {"values": {"prompt": "A red fox", "size": "1x1"}},
        {"operation": "delete-everything"},
        {"references": (Source(url="http://169.254.169.254/latest/meta-data"),), "operation": "image-edit"},
    ):
        with pytest.raises(ValidationError):
            session.recall(hostile(**odd))
    with pytest.raises(ValidationError, match="no model 'no-such-model'"):
        session.recall(hostile(model="no-such-model"))
    assert here.posts == 0


def test_a_record_that_names_anothers_job_is_not_believed(rig: Rigs) -> None:
    session = near(rig).session
    job = session.submit(model=MODEL, prompt="Mine alone")
    [image] = job.wait()
    asked = ImageRequest(MODEL, "text-to-image", "/v1/images/generations", {"prompt": "Theirs"})
    forged = files.stamped(PNG, Record(request=asked, sha256=image.sha256, job=job.id))
    assert session.recall(forged).prompt == "Theirs"
    assert session.recall(ImageResult.read(forged)).prompt == "Theirs"


@pytest.mark.parametrize(
    ("what", "kind", "says"),
    [
        (FILES["webp"], ImageError, "carries no record"),
        (b"no picture", ImageError, "no picture"),
        ("job_0000", ValidationError, "'job_0000' is neither a job of this ledger nor a file"),
        ("missing.png", ImageError, "There is no file 'missing.png'"),
        ("https://a.example/fox.png", ImageError, "is not fetched to be recalled"),
        (5, ValidationError, "A int cannot be recalled"),
    ],
)
def test_what_cannot_be_recalled_is_a_clear_error(rig: Rigs, what: Any, kind: type[Exception], says: str) -> None:
    with pytest.raises(kind, match=says):
        near(rig).session.recall(what)


def test_an_adopted_task_is_not_known(rig: Rigs) -> None:
    session = near(rig).session
    job = session.adopt("task_made_elsewhere")
    for way in (job, job.id):
        with pytest.raises(ValidationError, match="made elsewhere"):
            session.recall(way)
