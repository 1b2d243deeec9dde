"""From words to a picture, an edit, a masked edit and a variation; and what a later session knows of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageChops, ImageDraw

from tests.integration.harness import HastyClock, Rig
from tests.unit.sandbox.likeness import likeness
from tokenlab_nb.images import ImageResult
from tokenlab_nb.session import Session

LINE = (
    'gpt-image-2 text-to-image "A red fox in a green forest" -> gpt-image-2 edit "at night" -> '
    'gpt-image-2 masked edit "a purple balloon" -> dall-e-2 variation'
)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    rig = Rig(tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def session(rig: Rig) -> Session:
    return rig.session


def cover(size: tuple[int, int], box: tuple[int, int, int, int]) -> Image.Image:
    mask = Image.new("RGBA", size, "white")
    ImageDraw.Draw(mask).rectangle(box, (0, 0, 0, 0))
    return mask


def chain(session: Session) -> list[ImageResult]:
    [made] = session.generate(model="gpt-image-2", prompt="A red fox in a green forest", size="1024x1024")
    [night] = session.edit(model="gpt-image-2", prompt="at night", image=made)
    mask = cover((1024, 1024), (300, 200, 699, 599))
    [hole] = session.edit(model="gpt-image-2", prompt="a purple balloon", image=night, mask=mask)
    [varied] = session.vary(model="dall-e-2", image=hole, size="1024x1024")
    return [made, night, hole, varied]


def test_a_chain_of_edits_is_known_to_a_later_session(tmp_path: Path) -> None:
    clock = HastyClock()
    first = Rig(tmp_path, clock=clock)
    pictures = chain(first.session)
    assert str(first.session.lineage(pictures[-1])) == LINE
    first.close()
    second = Rig(tmp_path, clock=clock)
    try:
        job = second.session.history(model="dall-e-2")[0]
        line = job.lineage
        assert repr(line) == LINE
        assert [step.sha256 for step in line.steps] == [picture.sha256 for picture in pictures]
        assert [image.sha256 for image in job.references] == [pictures[2].sha256]
        assert job.references[0].bytes == pictures[2].bytes
        assert job.images[0].metadata["parents"] == [pictures[2].sha256]
        edit = second.session.history(text="balloon")[0]
        assert edit.mask is not None
        assert edit.mask.pil.getchannel("A").getextrema() == (0, 255)
        assert str(second.session.lineage(job.references[0])) == LINE.rpartition(" -> ")[0]
        assert str(second.session.lineage(edit.mask)) == "a picture of yours"
        assert second.wire.requests == []  # all of it is known here
    finally:
        second.close()


def test_the_drawings_of_a_chain_prove_what_arrived(session: Session) -> None:
    made, night, hole, varied = (picture.pil.convert("RGB") for picture in chain(session))
    assert {picture.size for picture in (made, night, hole, varied)} == {(1024, 1024)}  # the edits asked for no size
    assert likeness(night, made) > 0.8
    change = ImageChops.difference(hole, night)
    assert change.getbbox() == (300, 200, 700, 600)
    change.paste(0, (300, 200, 700, 600))
    assert change.getbbox() is None
    assert likeness(varied, hole) > 0.7
    assert varied.tobytes() != hole.tobytes()


def test_the_order_of_several_pictures_is_seen_and_the_line_follows_the_first(session: Session) -> None:
    fox, city = (
        session.generate(model="gpt-image-2", prompt=prompt, size="1024x1024")[0]
        for prompt in ("A red fox in a green forest", "A city at night")
    )
    urls = [origin.url for job in reversed(session.history()) for origin in job.snapshot.origins]
    halves = {"left": (0.02, 0.04, 0.49, 0.96), "right": (0.51, 0.04, 0.98, 0.96)}
    for order in ((0, 1), (1, 0)):
        images = session.edit(
            model="nano-banana-2", prompt="together", image=[urls[k] for k in order], aspect_ratio="16:9"
        )
        both = images[0].pil
        for half, k in zip(halves.values(), order, strict=True):
            wanted, other = ((fox, city)[place].pil for place in (k, 1 - k))
            assert likeness(both, wanted, half) > likeness(both, other, half) + 0.2
    several = session.edit(model="gpt-image-2", prompt="together", image=[city, fox])[0]
    assert str(session.lineage(several)) == (
        'gpt-image-2 text-to-image "A city at night" + 1 more -> gpt-image-2 edit "together"'
    )
    assert several.metadata["parents"] == [city.sha256, fox.sha256]


@pytest.mark.parametrize("output_format", ["png", "jpeg", "webp"])
def test_outside_the_mask_a_format_costs_little(session: Session, output_format: str) -> None:
    [made] = session.generate(model="gpt-image-2", prompt="A red fox in a green forest", size="1024x1024")
    mask = cover(made.pil.size, (300, 200, 699, 599))
    [edited] = session.edit(model="gpt-image-2", prompt="a castle", image=made, mask=mask, output_format=output_format)
    assert edited.media_type == f"image/{output_format}"
    change = ImageChops.difference(edited.pil.convert("RGB"), made.pil.convert("RGB"))
    change.paste(0, (292, 192, 708, 608))
    histogram = change.convert("L").histogram()
    mean = sum(value * count for value, count in enumerate(histogram)) / sum(histogram)
    assert mean <= {"png": 0.0, "jpeg": 4.0, "webp": 6.0}[output_format]


def test_the_image_tools_do_what_they_are_called(session: Session) -> None:
    [made] = session.generate(model="gpt-image-2", prompt="A red fox in a green forest", size="1024x1024")
    [cut] = session.edit(model="image-background-remover", prompt="cut it out", image=made)
    alpha = cut.pil.getchannel("A").histogram()
    assert min(alpha[0], alpha[255]) > 0.05 * 1024 * 1024
    [large] = session.edit(model="image-upscaler", prompt="sharper", image=made, resolution="2k")
    assert (large.width, large.height) == (2048, 2048)
    assert likeness(large.pil, made.pil) > 0.99


def test_bytes_that_came_from_outside_are_the_users_own(session: Session, tmp_path: Path) -> None:
    path = tmp_path / "fox.png"
    cover((512, 512), (9, 9, 99, 99)).save(path)
    job = session.submit(model="gpt-image-2", prompt="bluer", references=[path])
    job.wait()
    assert repr(job.lineage) == 'a picture of yours -> gpt-image-2 edit "bluer"'
    assert repr(session.lineage(job)) == repr(job.lineage)
