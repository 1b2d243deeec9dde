"""Grids that a session made, as files: the record in the originals, and nothing of the machine or the key."""

from __future__ import annotations

import io
import re
from base64 import b64decode

import pytest
from PIL import Image

import tokenlab_nb as tl
from tests.integration.grids import ONE, TWO
from tests.integration.harness import KEY
from tokenlab_nb.images import ImageResult

PROMPT = "A fox among QUINCETREES in deep snow"


@pytest.fixture
def grid(rig):
    made = rig().session.compare([ONE, TWO], [PROMPT, "A rainy harbour"], quality=["low", "high"], seed=7)
    made.wait(60)
    return made


def files_of(text: str) -> list[bytes]:
    return [b64decode(found) for found in re.findall(r'src="data:image/[a-z]+;base64,([^"]+)"', text)]


def test_originals_carry_their_record_and_pixels_and_the_file_nothing_of_the_machine(grid, tmp_path):
    text = grid.to_html(tmp_path / "grid.html", originals=True).read_text("utf-8")
    files = files_of(text)
    pictures = {image.sha256: image for image in grid.images}
    assert len(files) == len(pictures) < len(grid.images)  # shared requests: each picture once
    assert {ImageResult.read(data).recall().prompt for data in files} == {PROMPT, "A rainy harbour"}
    pixels = {Image.open(io.BytesIO(data)).tobytes() for data in files}
    assert pixels == {image.pil.tobytes() for image in pictures.values()}
    assert not [each for each in (KEY, str(tmp_path)) if each in text or any(each.encode() in data for data in files)]


def test_no_record_stays_in_the_originals_where_anything_is_left_out(grid):
    page = grid.page(originals=True, share=tl.Share(prompts=False))
    files = files_of(page.html)
    assert "QUINCETREES" not in page.html
    assert not [data for data in files if b"QUINCETREES" in data or b"tokenlab" in data]
    assert page.pictures == len(files)
