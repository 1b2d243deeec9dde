"""What users hand in -> sources, what they are told of it, and one clear refusal by the place in the list."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageOps

from tests.unit.pictures import JPEG, PNG, animated, cmyk, encoded, gradient, opened, result, turned
from tokenlab_nb import intake, masks, prepare
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.jobs.handle import Job


class Kept(dict[str, bytes]):
    """Blobs in memory."""

    def put(self, data: bytes) -> str:
        sha256 = hashlib.sha256(data).hexdigest()
        self[sha256] = data
        return sha256


class Done(Job):
    """A job by its pictures alone."""

    def __init__(self, *images: Any) -> None:
        self.found = list(images)

    def __repr__(self) -> str:
        return "Job(...)"

    @property
    def images(self) -> list[Any]:
        return self.found


@pytest.fixture
def blobs() -> Kept:
    return Kept()


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def local(data: bytes, of: bytes | None = None, size: tuple[int, int] = (64, 48), kind: str = "png") -> Source:
    width, height = size
    facts = {"media_type": f"image/{kind}", "size": len(data), "width": width, "height": height}
    return Source(sha256=sha(data), of=sha(of) if of else None, **facts)


URL = "https://example.com/a.png"
ADDRESS, UPLOADED = Source(url=URL), Source(file_id="file-1")


def test_files_addresses_and_results_are_taken_as_they_are(blobs: Kept, tmp_path: Path) -> None:
    (tmp_path / "fox.jpeg").write_bytes(JPEG)
    given = [PNG, tmp_path / "fox.jpeg", f" {URL} ", result(PNG), Done(result(JPEG), result(PNG)), UPLOADED, ADDRESS]
    found, issues = intake.sources(given, blobs)
    png, jpeg = local(PNG), local(JPEG, kind="jpeg")
    assert found == (png, jpeg, ADDRESS, png, jpeg, UPLOADED, ADDRESS)
    assert issues == ()
    assert blobs == {sha(PNG): PNG, sha(JPEG): JPEG}


@pytest.mark.parametrize("nothing", [None, [], ()])
def test_nothing_is_no_picture(blobs: Kept, nothing: object) -> None:
    assert intake.sources(nothing, blobs) == ((), ())


def test_a_picture_handed_in_twice_is_two_references_and_kept_once(blobs: Kept) -> None:
    found, _ = intake.sources((PNG, PNG), blobs)
    assert found == (local(PNG), local(PNG))
    assert len(blobs) == 1


def test_a_copy_knows_its_original_and_both_are_kept(blobs: Kept) -> None:
    lying = turned(gradient(48, 64))
    (_, copy), issues = intake.sources([PNG, lying], blobs)
    sent = prepare.reference(lying).data
    assert copy == local(sent, of=lying)
    assert (blobs[sha(lying)], blobs[sha(sent)]) == (lying, sent)
    assert [(issue.field, issue.message, issue.severity) for issue in issues] == [
        ("references[1]", prepare.TURNED, "warning")
    ]


def test_pictures_in_memory_become_png_files(blobs: Kept) -> None:
    image = gradient()
    (drawn, counted, printed), issues = intake.sources([image, np.asarray(image), image.convert("CMYK")], blobs)
    assert drawn == counted
    assert (drawn.media_type, drawn.of, printed.of) == ("image/png", None, None)
    assert opened(blobs[drawn.sha256 or ""]).tobytes() == image.tobytes()
    assert [issue.field for issue in issues] == ["references[2]"]


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("fox.jpg", PNG, "fox.jpg is named like a JPEG file, but holds a PNG picture. It is taken as PNG; rename it"),
        ("FOX.PNG", JPEG, "FOX.PNG is named like a PNG file, but holds a JPEG picture."),
        ("fox.jpeg", JPEG, ""),
        ("fox.bin", JPEG, ""),
        ("fox", PNG, ""),
    ],
)
def test_a_file_with_another_kinds_name_is_told_of_once(
    blobs: Kept, tmp_path: Path, name: str, data: bytes, words: str
) -> None:
    (tmp_path / name).write_bytes(data)
    for path in (tmp_path / name, str(tmp_path / name)):
        (source,), issues = intake.sources([path], blobs)
        assert source.sha256 == sha(data)
        assert len(issues) == bool(words)
        assert not issues or words in str(issues[0])
        assert not issues or (issues[0].field, issues[0].severity) == ("references[0]", "warning")


def generated() -> Iterator[bytes]:
    yield PNG


BAD: dict[str, tuple[object, str, str]] = {
    "None inside": ([PNG, None], "references[1]", "There is None in place of a picture. Leave it out."),
    "a list inside": ([[PNG]], "references[0]", "This is a list, not a picture. Hand in one flat list."),
    "an empty list inside": ([PNG, []], "references[1]", "This is a list, not a picture."),
    "a generator": (generated(), "references", "Pictures are not taken out of a generator. Hand in a list of them"),
    "a generator inside": ([generated()], "references[0]", "not taken out of a generator"),
    "a set": ({PNG}, "references", "not taken out of a set"),
    "a dictionary": ({"a": PNG}, "references", "not taken out of a dict"),
    "an unfinished job": (Done(), "references[0]", "Job(...) has no picture. Wait for it, or hand in another one."),
    "an array of numbers": ([np.zeros((9, 9, 3))], "references[0]", "An array of shape (9, 9, 3) and type float64"),
    "an animation": (animated("PNG"), "references[0]", "The picture is animated (3 frames)"),
    "a file object": (io.BytesIO(PNG), "references[0]", "a value of type BytesIO"),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_picture_is_refused_once_by_its_place(blobs: Kept, what: str) -> None:
    given, field, words = BAD[what]
    with pytest.raises(ValidationError) as caught:
        intake.sources(given, blobs)
    (issue,) = caught.value.issues
    assert issue.field == field
    assert str(caught.value).count(words) == 1
    assert str(caught.value).startswith(f"{field}: ")
    assert issue.remedy


# ------------------------------------------------------------------------------------------------- masks

AREA = Image.new("L", (64, 48))
AREA.paste(255, (0, 0, 20, 20))
SENT = masks.to_png(AREA)

MASKS: dict[str, Callable[[], object]] = {
    "PIL": lambda: AREA,
    "bytes": lambda: encoded(AREA),
    "what is sent": lambda: SENT,
    "a result": lambda: result(SENT),
    "a job": lambda: Done(result(SENT), result(PNG)),
    "an array": lambda: np.asarray(AREA),
}


@pytest.mark.parametrize("what", MASKS)
def test_a_mask_becomes_the_png_that_edits_want(blobs: Kept, what: str) -> None:
    assert intake.mask(MASKS[what](), local(PNG), blobs) == (local(SENT), ())
    assert blobs == {sha(SENT): SENT}


def test_a_mask_may_be_a_file(blobs: Kept, tmp_path: Path) -> None:
    (tmp_path / "mask.png").write_bytes(encoded(AREA))
    for path in (tmp_path / "mask.png", str(tmp_path / "mask.png")):
        assert intake.mask(path, local(PNG), blobs)[0] == local(SENT)


@pytest.mark.parametrize("mask", [ADDRESS, UPLOADED, local(SENT), URL])
def test_an_address_and_what_was_taken_in_before_stay_as_they_are(blobs: Kept, mask: Source | str) -> None:
    taken, issues = intake.mask(mask, local(PNG), blobs)
    assert taken == (ADDRESS if mask == URL else mask)
    assert (issues, blobs) == ((), {})


@pytest.mark.parametrize("first", [None, ADDRESS, UPLOADED], ids=["none", "address", "uploaded"])
def test_the_size_is_not_checked_where_nobody_knows_it(blobs: Kept, first: Source | None) -> None:
    small = AREA.crop((0, 0, 30, 30))
    assert intake.mask(small, first, blobs)[0] == local(masks.to_png(small), size=(30, 30))


def test_a_mask_that_was_kept_as_a_picture_is_converted(blobs: Kept) -> None:
    grey, _ = intake.source(encoded(AREA), "references[0]", blobs)
    assert intake.mask(grey, local(PNG), blobs)[0] == local(SENT)
    ready, _ = intake.source(SENT, "references[0]", blobs)
    assert intake.mask(ready, local(PNG), blobs) == (ready, ())


def test_a_mask_that_was_uploaded_as_it_is_must_be_one_already(blobs: Kept) -> None:
    grey, ready = (Source(file_id="file-1", width=64, height=48, of=blobs.put(data)) for data in (encoded(AREA), SENT))
    assert intake.mask(ready, local(PNG), blobs) == (ready, ())
    with pytest.raises(ValidationError, match="was uploaded as it is, and nothing in it is fully transparent"):
        intake.mask(grey, local(PNG), blobs)


def test_doubts_about_a_mask_are_warnings(blobs: Kept) -> None:
    _, (issue,) = intake.mask(ImageOps.invert(AREA), local(PNG), blobs)
    assert (issue.field, issue.severity) == ("mask", "warning")
    assert "87 % of the picture would change" in issue.message
    assert "ImageOps.invert" in issue.remedy


def test_a_mask_covers_the_picture_as_it_is_sent(blobs: Kept) -> None:
    (first,), _ = intake.sources(turned(gradient(48, 64)), blobs)
    assert intake.mask(AREA, first, blobs)[0].sha256
    with pytest.raises(ValidationError, match=r"^mask: The mask has 48x64 .* before EXIF turned it upright\."):
        intake.mask(AREA.rotate(90, expand=True), first, blobs)


BAD_MASKS: dict[str, tuple[object, str]] = {
    "another size": (AREA.crop((0, 0, 9, 9)), "The mask has 9x9 pixels, the picture 64x48. Make the mask 64x48."),
    "opaque": (gradient(mode="RGBA"), "opaque everywhere"),
    "no such file": ("nowhere.png", "There is no file 'nowhere.png'"),
    "another address": ("ftp://example.com/a.png", "not an address that can be used"),
    "several": ([AREA], "This is a list, not a picture."),
    "None of them": (Done(), "has no picture"),
    "CMYK in colours": (cmyk(255, 0, 0, 0), "The mask has colours (mode CMYK)"),
}


@pytest.mark.parametrize("what", BAD_MASKS)
def test_a_mask_that_cannot_be_used_is_refused_once(blobs: Kept, what: str) -> None:
    given, words = BAD_MASKS[what]
    with pytest.raises(ValidationError) as caught:
        intake.mask(given, local(PNG), blobs)
    assert [issue.field for issue in caught.value.issues] == ["mask"]
    assert str(caught.value).count(words) == 1
    assert blobs == {}


class Editor:
    """A mask editor, as far as masks go."""

    share = 0.5

    def __init__(self, painted: Image.Image | None) -> None:
        self.mask = painted


def test_a_mask_editor_stands_for_what_is_painted_in_it(blobs: Kept) -> None:
    painted = Image.new("L", (64, 48), 0)
    painted.paste(255, (0, 0, 20, 48))
    assert intake.mask(Editor(painted), None, blobs) == intake.mask(painted, None, blobs)


def test_an_editor_in_which_nothing_is_painted_is_refused(blobs: Kept) -> None:
    with pytest.raises(ValidationError, match="Nothing is painted in the mask editor yet") as told:
        intake.mask(Editor(None), None, blobs)
    assert [issue.field for issue in told.value.issues] == ["mask"]
