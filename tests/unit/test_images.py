"""Pictures as bytes: what is taken and what is refused, thumbnails within a budget, and what users hold."""

from __future__ import annotations

import os
import random
import struct
import warnings
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageFile

from tests.unit.contract.models import operation
from tests.unit.pictures import (
    JPEG,
    PNG,
    WEBP,
    bomb,
    cmyk_profile,
    encoded,
    gradient,
    noise,
    opened,
    packed_png,
    result,
    turned,
)
from tokenlab_nb.contract.references import MAX_FILE_BYTES, Source, plan
from tokenlab_nb.errors import ImageError
from tokenlab_nb.images import Probe, normalise_source, probe, thumbnail


class TestProbe:
    @pytest.mark.parametrize(("data", "kind"), [(PNG, "png"), (JPEG, "jpeg"), (WEBP, "webp")])
    def test_kind_and_size_are_read_from_the_bytes(self, data: bytes, kind: str) -> None:
        assert probe(data) == Probe(f"image/{kind}", 64, 48, 1, has_alpha=False)

    @pytest.mark.parametrize("kind", ["PNG", "WEBP"])
    def test_an_animation_says_how_many_frames_it_has(self, kind: str) -> None:
        frames = [gradient().rotate(turn) for turn in (0, 90, 180)]
        assert probe(encoded(frames[0], kind, save_all=True, append_images=frames[1:])).frames == 3

    @pytest.mark.parametrize("mode", ["RGBA", "LA"])
    def test_an_alpha_channel_is_transparency(self, mode: str) -> None:
        assert probe(encoded(gradient(mode=mode))).has_alpha

    def test_a_transparent_colour_is_transparency_too(self) -> None:
        assert probe(encoded(gradient(mode="P"), transparency=0)).has_alpha
        assert not probe(encoded(gradient(mode="P"))).has_alpha

    @pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
    def test_every_picture_cut_short_is_refused(self, data: bytes) -> None:
        for length in (13, 40, len(data) // 2, len(data) - 20):
            with pytest.raises(ImageError, match="damaged or cut short") as caught:
                probe(data[:length])
            assert caught.value.hint

    @pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
    def test_flipped_bytes_never_raise_anything_else(self, data: bytes) -> None:
        chance = random.Random(2)
        for _ in range(60):
            changed = bytearray(data)
            for _ in range(chance.choice((1, 5, 40))):
                changed[chance.randrange(len(changed))] = chance.randrange(256)
            for use in (probe, thumbnail):
                with suppress(ImageError):
                    use(bytes(changed))

    def test_a_png_with_a_wrong_checksum_is_refused(self) -> None:
        with pytest.raises(ImageError, match="damaged"):
            probe(PNG.replace(PNG[-16:-12], bytes(4)))  # the checksum of the pixels

    def test_a_bomb_is_refused_before_it_is_decoded(self) -> None:
        with pytest.raises(ImageError, match="50000 x 50000 pixels; at most 100,000,000"):
            probe(bomb())

    def test_a_webp_bomb_is_refused(self) -> None:
        data = bytearray(encoded(Image.new("RGBA", (64, 48), (255, 0, 0, 100)), "WEBP"))
        at = data.index(b"VP8X") + 12
        data[at : at + 6] = b"\xff\xff\x00\xff\xff\x00"
        with pytest.raises(ImageError, match="65536 x 65536 pixels; at most 100,000,000"):
            probe(bytes(data))

    @pytest.mark.parametrize("chunk", ["zTXt", "iTXt", "iCCP"])
    def test_a_bomb_in_the_metadata_is_called_that(self, chunk: str) -> None:
        with pytest.raises(ImageError, match="unpack to far more than a picture needs") as caught:
            probe(packed_png(chunk))
        assert caught.value.hint == "Save it again without metadata."
        assert probe(packed_png(chunk, 1000)).width == 64

    def test_the_limit_of_pixels_can_be_set(self) -> None:
        assert probe(PNG, max_pixels=64 * 48).width == 64
        with pytest.raises(ImageError, match="at most 3,071"):
            probe(PNG, max_pixels=64 * 48 - 1)

    def test_pillows_own_settings_are_left_alone(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
        assert probe(PNG).width == 64
        assert Image.MAX_IMAGE_PIXELS == 10
        assert ImageFile.LOAD_TRUNCATED_IMAGES is False

    def test_warnings_of_the_user_stay_the_users(self) -> None:
        before = list(warnings.filters)
        with ThreadPoolExecutor(4) as pool:
            assert len(set(pool.map(probe, [PNG, JPEG] * 20))) == 2
        assert warnings.filters == before

    @pytest.mark.parametrize(
        ("data", "words"),
        [
            (b"", "empty"),
            (encoded(gradient(), "GIF"), "GIF"),
            (b'<?xml version="1.0"?>\n<!-- made by hand -->\n<svg xmlns="...">', "SVG"),
            (b"<SVG width='1'/>", "SVG"),
            (b"\n <!DOCTYPE html><html><body><svg></svg>", "web page"),
            (b"\xef\xbb\xbf<html>", "web page"),
            (b'{"error": {"message": "no"}}', "JSON"),
            (b"\x00\x00\x00\x1cftypavif\x00\x00\x00\x00", "AVIF"),
            (encoded(gradient(), "BMP"), "no picture of a kind"),
            (b"\x89PN", "no picture of a kind"),
            (b"hello", "no picture of a kind"),
        ],
    )
    def test_what_is_no_such_picture_is_called_what_it_is(self, data: bytes, words: str) -> None:
        for use in (probe, thumbnail):
            with pytest.raises(ImageError, match=words) as caught:
                use(data)
            assert caught.value.hint


class TestThumbnail:
    @pytest.mark.parametrize("data", [PNG, JPEG, WEBP])
    def test_it_is_a_jpeg_of_the_same_shape_and_never_enlarged(self, data: bytes) -> None:
        assert (opened(thumbnail(data)).format, opened(thumbnail(data)).size) == ("JPEG", (64, 48))
        assert opened(thumbnail(data, edge=32)).size == (32, 24)
        assert opened(thumbnail(data, edge=1)).size == (1, 1)

    def test_a_very_long_picture_keeps_a_pixel(self) -> None:
        assert opened(thumbnail(encoded(gradient(2000, 1)), edge=100)).size == (100, 1)

    @pytest.mark.parametrize("budget", [1000, 2000, 5000, 20_000])
    def test_the_budget_is_kept_by_the_worst_picture(self, budget: int) -> None:
        small = thumbnail(encoded(noise(300)), edge=300, budget=budget)
        assert budget / 4 < len(small) <= budget

    def test_more_budget_never_gives_a_smaller_picture(self) -> None:
        data = encoded(noise(300))
        edges = [max(opened(thumbnail(data, 300, budget)).size) for budget in (1000, 4000, 16_000, 64_000)]
        assert all(less <= more for less, more in pairwise(edges))
        assert edges[-1] == 300

    @pytest.mark.parametrize(("edge", "budget"), [(0, 20_000), (256, 999)])
    def test_impossible_wishes_are_refused(self, edge: int, budget: int) -> None:
        with pytest.raises(ValueError, match="at least"):
            thumbnail(PNG, edge, budget)

    def test_a_camera_picture_stands_upright(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # turned by 90 degrees
        small = opened(thumbnail(encoded(gradient(200, 100), "JPEG", exif=exif), edge=50))
        assert small.size == (25, 50)
        assert not small.getexif()

    def test_a_picture_for_print_stands_upright_in_the_colours_of_its_profile(self) -> None:
        inks = Image.new("CMYK", (200, 100), (255, 0, 0, 0))
        small = opened(thumbnail(turned(inks, quality=100, icc_profile=cmyk_profile()), edge=50))
        red, green, _ = small.getpixel((9, 9))
        assert small.size == (25, 50)
        assert green - red > 150

    @pytest.mark.filterwarnings("ignore:Corrupt EXIF data")
    @pytest.mark.parametrize("exif", [b"II*\x00\xff\xff\xff\xff" + bytes(20), b"no such thing as a TIFF header"])
    def test_damaged_exif_data_do_not_matter(self, exif: bytes) -> None:
        assert opened(thumbnail(encoded(gradient(), "JPEG", exif=b"Exif\x00\x00" + exif))).size == (64, 48)

    def test_comments_of_the_original_are_not_carried_along(self) -> None:
        assert b"secret" not in thumbnail(encoded(gradient(), "JPEG", comment=b"secret"))

    def test_transparency_shows_a_light_chequerboard(self) -> None:
        small = opened(thumbnail(encoded(Image.new("RGBA", (64, 64), (255, 0, 0, 0)))))
        tones = {small.getpixel((x, 4)) for x in (4, 12, 20, 28)}
        assert len(tones) == 2
        assert all(isinstance(tone, tuple) and min(tone) > 220 for tone in tones)

    @pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGBA", "I;16", "CMYK"])
    def test_every_mode_of_pixels_becomes_the_same_picture(self, mode: str) -> None:
        if mode == "I;16":
            grey = Image.frombytes("I;16", (64, 48), struct.pack("<3072H", *[40_000] * 3072))
        else:
            grey = Image.new("L", (64, 48), 156).convert("RGB").convert(mode, dither=Image.Dither.NONE)
        kind = "JPEG" if mode == "CMYK" else "PNG"
        tone = opened(thumbnail(encoded(grey, kind))).convert("L").getpixel((32, 24))
        assert isinstance(tone, int)
        assert abs(tone - (255 if mode == "1" else 156)) < 6


class TestNormaliseSource:
    def test_an_address_stays_an_address(self) -> None:
        for url in ("https://example.com/a.png?x=1", "HTTP://example.com/b"):
            assert normalise_source(url) == url
        assert normalise_source(" https://example.com/a.png\n") == "https://example.com/a.png"

    @pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
    def test_bytes_stay_bytes(self, kind: type) -> None:
        found = normalise_source(kind(PNG))
        assert type(found) is bytes
        assert found == PNG

    def test_a_file_is_read(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        (tmp_path / "fox.png").write_bytes(PNG)
        monkeypatch.setenv("HOME", str(tmp_path))
        monkeypatch.setenv("USERPROFILE", str(tmp_path))
        for path in (tmp_path / "fox.png", str(tmp_path / "fox.png"), "~/fox.png"):
            assert normalise_source(path) == PNG

    def test_a_missing_file_is_called_by_its_name(self, tmp_path: Path) -> None:
        with pytest.raises(ImageError, match=r"no file .*nowhere\.png"):
            normalise_source(tmp_path / "nowhere.png")

    @pytest.mark.parametrize("name", ["a\x00b.png", "x" * 5000, "~nobody-of-this-name/a.png"])
    def test_impossible_names_are_told_shortly(self, name: str) -> None:
        with pytest.raises(ImageError) as caught:
            normalise_source(name)
        assert len(str(caught.value)) < 400

    def test_a_folder_and_a_device_are_not_read(self, tmp_path: Path) -> None:
        for path in (tmp_path, Path(os.devnull)):
            with pytest.raises(ImageError, match="is not a file"):
                normalise_source(path)

    def test_what_is_too_large_is_refused_in_one_sentence_and_no_such_file_is_read(self, tmp_path: Path) -> None:
        """The same sentence as that of a request's check."""
        (tmp_path / "big.png").touch()
        os.truncate(tmp_path / "big.png", MAX_FILE_BYTES + 1)
        large = bytes(MAX_FILE_BYTES + 1)
        source = Source(sha256="0" * 64, media_type="image/png", size=len(large))
        (issue,) = plan(operation("image-edit"), (source,), None).issues
        for thing in (tmp_path / "big.png", large, result(PNG, load=lambda: large)):
            with pytest.raises(ImageError) as caught:
                normalise_source(thing)
            assert (caught.value.message, caught.value.hint) == (issue.message, issue.remedy)
        assert normalise_source(large[:-1]) == large[:-1]

    @pytest.mark.parametrize("address", ["ftp://example.com/a.png", "file:///etc/passwd", "data:image/png;base64,AAAA"])
    def test_other_addresses_are_refused(self, address: str) -> None:
        with pytest.raises(ImageError, match="not an address that can be used"):
            normalise_source(address)

    def test_a_result_gives_its_original(self) -> None:
        assert normalise_source(result(JPEG)) == JPEG

    @pytest.mark.parametrize("thing", [None, 7, ["a.png"], object()])
    def test_anything_else_is_refused_by_its_type(self, thing: object) -> None:
        with pytest.raises(ImageError, match=type(thing).__name__) as caught:
            normalise_source(thing)
        assert "PIL.Image" in caught.value.hint
