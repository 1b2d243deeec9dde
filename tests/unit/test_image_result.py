"""What users hold: a picture that shows itself small, and gives its original when asked."""

from __future__ import annotations

import base64
import json
import resource
from collections.abc import Mapping
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import pytest
from IPython.core.formatters import DisplayFormatter
from PIL import Image

from tests.unit.pictures import JPEG, PNG, WEBP, encoded, noise, opened, result
from tests.unit.provenance.samples import with_chunk
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, TokenLabWarning, TransportError
from tokenlab_nb.images import ImageResult, recalled, stamped


class TestImageResult:
    def test_the_original_is_read_when_asked_for_and_not_before(self) -> None:
        calls: list[int] = []
        image = result(PNG, load=lambda: calls.append(1) or PNG)
        repr(image)
        assert calls == []
        assert image.bytes == PNG
        assert image.pil.size == (64, 48)
        assert image.pil is not image.pil
        assert opened(image.thumbnail(32)).size == (32, 24)

    def test_equal_bytes_are_equal(self) -> None:
        assert result(PNG) == result(PNG, caption="another", load=lambda: b"")
        assert result(PNG) != result(JPEG)
        assert len({result(PNG), result(PNG, name="x"), result(JPEG)}) == 2

    def test_its_text_is_one_stable_line(self) -> None:
        text = repr(result(PNG))
        assert text == f"ImageResult(64x48 PNG, {len(PNG) / 1000:.1f} KB, 'a red fox', {result(PNG).sha256[:8]})"
        assert text == repr(result(PNG))
        assert repr(result(WEBP, caption="", size=2_240_000)).startswith("ImageResult(64x48 WebP, 2.2 MB, ")
        assert "12 bytes" in repr(result(PNG, size=12))

    def test_a_long_or_wild_caption_is_shown_short_and_escaped(self) -> None:
        wild = result(PNG, caption="line\nbreak \x1b[31m \u202e" + "fox " * 100)
        assert "\n" not in repr(wild)
        assert "\x1b" not in repr(wild)
        assert "\u202e" not in repr(wild)
        assert len(repr(wild)) < 150

    def test_metadata_is_what_was_given(self) -> None:
        metadata: Mapping[str, object] = result(PNG).metadata
        assert metadata == {"seed": 7}

    @pytest.mark.parametrize("caption", ["a red fox", "\N{FOX FACE}" * 300, "\U000e0001" * 300, '"\\' * 300])
    def test_what_a_notebook_saves_is_bounded(self, caption: str) -> None:
        image = result(encoded(noise(500)), caption=caption)
        data, metadata = image._repr_mimebundle_()
        saved = json.dumps({"data": data, "metadata": metadata}, indent=1, ensure_ascii=False)
        assert 8_000 < len(saved.encode()) <= ImageResult.repr_budget == 20_000
        shown = opened(base64.b64decode(data["image/jpeg"]))
        assert shown.format == "JPEG"
        facts = metadata["image/jpeg"]
        assert isinstance(facts, dict)
        assert (facts["width"], facts["height"]) == shown.size
        assert facts["alt"]
        assert data["text/plain"] == repr(image)

    def test_the_bound_is_a_setting(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ImageResult, "repr_budget", 5000)
        monkeypatch.setattr(ImageResult, "repr_edge", 40)
        data, metadata = result(PNG)._repr_mimebundle_(include=None, exclude=None)
        assert len(data["image/jpeg"]) <= 5000
        assert metadata["image/jpeg"] == {"width": 40, "height": 30, "alt": "a red fox"}

    def test_a_notebook_shows_it(self) -> None:
        data, _ = DisplayFormatter().format(result(PNG))
        assert {"image/jpeg", "text/plain"} <= set(data)

    def test_a_lost_original_is_a_clear_error_and_shown_as_text(self) -> None:
        def gone() -> bytes:
            raise FileNotFoundError(2, "No such file")

        image = result(PNG, load=gone)
        with pytest.raises(ImageError, match=r"original of ImageResult\(64x48 PNG.* cannot be read \(No such file\)"):
            _ = image.bytes
        data, metadata = image._repr_mimebundle_()
        assert set(data) == {"text/plain"}
        assert "cannot be read" in data["text/plain"]
        assert metadata == {}

    def test_an_error_of_ours_passes_as_it_is(self) -> None:
        def offline() -> bytes:
            raise TransportError("No route.")

        with pytest.raises(TransportError):
            _ = result(PNG, load=offline).bytes


class TestSave:
    @pytest.mark.parametrize("name", ["a.png", "a.PNG", "a"])
    def test_the_original_is_written_where_the_suffix_fits(self, tmp_path: Path, name: str) -> None:
        path = result(PNG).save(tmp_path / name)
        assert path == tmp_path / name
        assert path.read_bytes() == PNG

    def test_jpg_and_jpeg_are_one(self, tmp_path: Path) -> None:
        assert result(JPEG).save(str(tmp_path / "a.jpg")).read_bytes() == JPEG
        assert result(JPEG).save(str(tmp_path / "a.jpeg")).read_bytes() == JPEG

    @pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
    @pytest.mark.parametrize(("suffix", "kind"), [("png", "PNG"), ("jpg", "JPEG"), ("webp", "WEBP")])
    def test_another_suffix_converts(self, tmp_path: Path, data: bytes, suffix: str, kind: str) -> None:
        saved = Image.open(result(data).save(tmp_path / f"a.{suffix}"))
        with saved:
            assert (saved.format, saved.size) == (kind, (64, 48))

    def test_a_profile_goes_along_and_transparency_becomes_white_in_jpeg(self, tmp_path: Path) -> None:
        image = Image.new("RGBA", (40, 40), (255, 0, 0, 0))
        with Image.open(result(encoded(image, icc_profile=b"a profile")).save(tmp_path / "a.jpg")) as saved:
            assert saved.getpixel((4, 4)) == (255, 255, 255)
            assert saved.info["icc_profile"] == b"a profile"

    @pytest.mark.parametrize(
        ("name", "file"), [("fox.png", "fox.png"), ("../../fox.png", "fox.png"), ("", None), ("..", "..")]
    )
    def test_a_folder_gets_the_name_and_nothing_leads_out_of_it(
        self, tmp_path: Path, name: str, file: str | None
    ) -> None:
        folder = tmp_path / "in" / "here"
        folder.mkdir(parents=True)
        image = result(PNG, name=name)
        path = image.save(folder)
        assert path.parent == folder
        assert path.read_bytes() == PNG
        assert path.name == (file if file == "fox.png" else f"{image.sha256[:16]}.png")

    def test_other_suffixes_are_refused(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"\.gif cannot be written") as caught:
            result(PNG).save(tmp_path / "a.gif")
        assert ".webp" in caught.value.hint
        assert not list(tmp_path.iterdir())

    def test_a_file_that_is_there_is_replaced_unless_it_shall_not(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(b"old")
        with pytest.raises(FileExistsError):
            result(PNG).save(path, overwrite=False)
        assert path.read_bytes() == b"old"
        assert result(PNG).save(path).read_bytes() == PNG

    def test_a_missing_folder_is_an_os_error(self, tmp_path: Path) -> None:
        with pytest.raises(FileNotFoundError):
            result(PNG).save(tmp_path / "nowhere" / "a.png")


ASKED = ImageRequest("some-model", "text-to-image", "/v1/images/generations", {"prompt": "a red fox", "n": 1})
MADE = {
    "job": "job_1",
    "model": "some-model",
    "operation": "text-to-image",
    "request": ASKED.to_json(),
    "index": 0,
    "revised_prompt": None,
    "created_at": 5.0,
    "seconds": 1.5,
    "parents": ["b" * 64],
    "sandbox": False,
}


def made(data: bytes, **changes: object) -> ImageResult:
    """A picture whose making is known."""
    return result(data, **{"metadata": MADE, "stamps": True, **changes})


class TestProvenance:
    @pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
    @pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
    def test_a_saved_file_tells_how_it_was_made(self, tmp_path: Path, data: bytes, suffix: str) -> None:
        image = made(data)
        read = ImageResult.read(image.save(tmp_path / f"a.{suffix}"))
        assert read.recall() == ASKED
        assert (read.caption, read.metadata["model"], read.metadata["parents"]) == (
            "a red fox",
            "some-model",
            ["b" * 64],
        )
        assert read.metadata["version"] == version("tokenlab-nb")
        converts = image.media_type != read.media_type
        assert (read == image, read.bytes == data) == (not converts, not converts)
        assert image.bytes == data
        assert image.recall() == ASKED

    def test_a_file_that_cannot_be_written_leaves_the_old_one(self, tmp_path: Path) -> None:
        path = tmp_path / "a.png"
        path.write_bytes(PNG)
        path.chmod(0o640)
        link = tmp_path / "link.png"
        link.symlink_to(path)
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, hard))
        try:
            with pytest.raises(OSError, match="File too large"):
                made(encoded(noise(32))).save(path)
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert path.read_bytes() == PNG
        assert made(PNG, stamps=False, load=lambda: PNG + b"x").save(link) == link
        assert (path.read_bytes(), path.stat().st_mode & 0o777) == (PNG + b"x", 0o640)
        assert sorted(each.name for each in tmp_path.iterdir()) == ["a.png", "link.png"]

    def test_what_leaves_for_a_page_tells_it_too(self) -> None:
        image = made(PNG)
        assert ImageResult.read(stamped(image)).recall() == ASKED
        assert opened(stamped(image)).tobytes() == image.pil.tobytes()
        assert stamped(made(PNG, stamps=False)) == stamped(result(PNG, stamps=True)) == PNG

    def test_off_is_off(self, tmp_path: Path) -> None:
        assert made(PNG, stamps=False).save(tmp_path / "a.png").read_bytes() == PNG

    def test_a_file_without_room_is_written_whole_and_a_warning_says_so(self, tmp_path: Path) -> None:
        long = {**MADE, "request": replace(ASKED, values={"prompt": "x" * 70_000}).to_json()}
        with pytest.warns(TokenLabWarning, match=r"a\.jpg carries no full record .*too long for a JPEG"):
            path = made(JPEG, metadata=long).save(tmp_path / "a.jpg")
        read = ImageResult.read(path)
        assert read.bytes == JPEG
        with pytest.raises(ImageError, match="too long for its file") as caught:
            read.recall()
        assert "PNG or WebP" in caught.value.hint
        with pytest.raises(ImageError, match="too long for its file"):
            recalled(path.read_bytes())

    def test_a_signed_file_stays_as_it_is_and_a_warning_says_so(self, tmp_path: Path) -> None:
        sealed = with_chunk(b"caBX", b"jumb", PNG)
        with pytest.warns(TokenLabWarning, match="content credentials"):
            path = made(sealed).save(tmp_path / "a.png")
        assert path.read_bytes() == sealed

    def test_a_file_that_tells_nothing_is_a_picture_all_the_same(self, tmp_path: Path) -> None:
        (tmp_path / "a.png").write_bytes(PNG)
        read = ImageResult.read(tmp_path / "a.png")
        assert (read, read.metadata) == (result(PNG), {})
        with pytest.raises(ImageError, match="carries no record") as caught:
            read.recall()
        assert "image.save()" in caught.value.hint

    def test_a_damaged_record_is_told_by_recall_alone(self) -> None:
        read = ImageResult.read(with_chunk(b"tEXt", b"tokenlab_nb\0{", PNG))
        assert read.metadata == {}
        with pytest.raises(ImageError, match="damaged"):
            read.recall()

    def test_a_task_made_elsewhere_is_not_known(self) -> None:
        nothing = {**MADE, "request": replace(ASKED, model="").to_json()}
        with pytest.raises(ImageError, match="made elsewhere"):
            made(PNG, metadata=nothing).recall()

    @pytest.mark.parametrize(("source", "says"), [("https://a.example/b.png", "address"), (b"no", "no picture")])
    def test_what_is_no_file_is_refused(self, source: object, says: str) -> None:
        with pytest.raises(ImageError, match=says):
            ImageResult.read(source)
