"""Pictures and masks of every awkward kind, at the session: one clear message and nothing sent, or the right pixels."""

from __future__ import annotations

import email
import warnings
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import httpx
import pytest
from PIL import Image, ImageOps

from tests.integration.harness import CREATES, Rig
from tests.unit.jobs.fakes import SOON
from tests.unit.pictures import (
    JPEG,
    PNG,
    animated,
    bomb,
    cmyk,
    cmyk_profile,
    deep_png,
    encoded,
    gradient,
    noise,
    opened,
    packed_png,
    turned,
)
from tokenlab_nb.errors import TokenLabWarning, ValidationError
from tokenlab_nb.sandbox.codecs import decode_mask

Make = Callable[..., Rig]
MODEL, THREE_AT_MOST = "gpt-image-2", "grok-imagine-image"

AREA = Image.new("L", (64, 48))
AREA.paste(255, (8, 8, 40, 30))
WHITE = Image.new("L", (64, 48), 255)

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "empty": ({"references": b""}, "references[0]", "The picture is empty (0 bytes)."),
    "animated WebP": ({"references": animated("WEBP")}, "references[0]", "The picture is animated (3 frames)"),
    "animated PNG": ({"references": [PNG, animated("PNG")]}, "references[1]", "The picture is animated (3 frames)"),
    "cut JPEG": ({"references": encoded(noise(64), "JPEG")[:999]}, "references[0]", "picture is damaged or cut short"),
    "cut PNG": ({"references": PNG[:-50]}, "references[0]", "The PNG picture is damaged or cut short"),
    "SVG": ({"references": b"<svg xmlns='x'/>"}, "references[0]", "This is an SVG drawing, which is not taken."),
    "bomb": ({"references": bomb()}, "references[0]", "The picture has 50000 x 50000 pixels; at most 100,000,000"),
    "bomb inside": ({"references": packed_png("zTXt")}, "references[0]", "unpack to far more than a picture needs"),
    "too large": ({"references": bytes(50_000_001)}, "references[0]", "has 50,000,001 bytes; 50,000,000 at most."),
    "too many": ({"references": [PNG] * 17}, "references", "17 pictures were given; image-edit of this model takes 16"),
    "too many for this model": (
        {"references": [PNG] * 4, "model": THREE_AT_MOST},
        "references",
        "4 pictures were given; image-edit of this model takes 3 at most.",
    ),
    "mask of another size": ({"mask": AREA.resize((32, 24))}, "mask", "The mask has 32x24 pixels, the picture 64x48."),
    "mask on its side": (
        {"references": turned(gradient(48, 64)), "mask": AREA.rotate(90, expand=True)},
        "mask",
        "So had the picture before EXIF turned it upright.",
    ),
    "opaque mask": ({"mask": gradient(mode="RGBA")}, "mask", "The mask is opaque everywhere: nothing would change."),
    "black and white in RGBA": ({"mask": AREA.convert("RGBA")}, "mask", "hand it in as L: mask.convert('L')."),
    "empty mask": ({"mask": Image.new("L", (64, 48))}, "mask", "Nothing is painted in the mask"),
    "mask of everything": ({"mask": WHITE}, "mask", "the whole picture would change"),
    "animated mask": ({"mask": animated("WEBP")}, "mask", "The picture is animated (3 frames)"),
    "coloured mask": ({"mask": gradient()}, "mask", "The mask has colours"),
    "mask alone": ({"references": None, "mask": AREA}, "references", "image-edit needs a picture to start from."),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore::tokenlab_nb.errors.TokenLabWarning")
@pytest.mark.parametrize("what", REFUSED)
def test_what_cannot_be_used_is_refused_in_one_message_and_nothing_is_sent(rig: Make, what: str) -> None:
    world = rig()
    asked, field, words = REFUSED[what]
    with pytest.raises(ValidationError) as caught:
        world.session.submit(
            **{"model": MODEL, "prompt": "bluer", "operation": "image-edit", "references": PNG, **asked}
        )
    (issue,) = caught.value.issues
    assert issue.field == field
    assert words in f"{issue.message} {issue.remedy}"
    assert issue.remedy
    assert str(caught.value).count(issue.message) == 1
    assert (world.posts, world.accepted, world.session.jobs) == (0, 0, [])


def received(request: httpx.Request) -> dict[str, list[bytes]]:
    """The files that a create brought, by their field."""
    head = b"Content-Type: " + request.headers["Content-Type"].encode() + b"\r\n\r\n"
    files: dict[str, list[bytes]] = {}
    for part in email.message_from_bytes(head + request.content).walk():
        name = part.get_param("name", header="content-disposition")
        if part.get_filename():
            files.setdefault(str(name), []).append(part.get_payload(decode=True))
    return files


def edited(world: Rig, **asked: Any) -> tuple[list[str], dict[str, list[bytes]]]:
    """What was told of an edit, and what the service was sent for it."""
    with warnings.catch_warnings(record=True) as told:
        warnings.simplefilter("always")
        job = world.session.submit(model=MODEL, prompt="bluer", **asked)
    assert all(issubclass(each.category, TokenLabWarning) and each.filename == __file__ for each in told)
    assert len(job.wait(SOON)) == 1
    assert world.accepted == 1
    (request,) = world.sent("POST", CREATES)
    return [str(each.message) for each in told], received(request)


WARM = (200, 100, 50)
LYING = Image.new("RGB", (48, 64), WARM)
LYING.paste("blue", (0, 0, 24, 32))  # after a quarter to the right, the blue is at the right of the top

SENT: dict[str, tuple[bytes, str, tuple[int, ...], tuple[int, ...]]] = {
    "CMYK JPEG": (cmyk(0, 255, 255, 0), "references[0]: The picture is in CMYK", (255, 0, 0), (255, 0, 0)),
    "CMYK JPEG by its profile": (
        cmyk(255, 0, 0, 0, profile=cmyk_profile()),
        "references[0]: The picture is in CMYK: it is sent in sRGB, by its colour profile.",
        (0, 170, 0),
        (0, 170, 0),
    ),
    "16-bit PNG": (
        deep_png(2, *(257 * value for value in WARM)),
        "references[0]: The picture has 16 bits a channel: it is sent with 8.",
        WARM,
        WARM,
    ),
    "turned JPEG": (
        turned(LYING, quality=100),
        "references[0]: The picture is rotated by EXIF: it is sent upright.",
        WARM,
        (0, 0, 255),
    ),
}


@pytest.mark.parametrize("what", SENT)
def test_an_awkward_picture_is_told_of_once_and_sent_as_people_see_it(rig: Make, what: str) -> None:
    data, words, left, right = SENT[what]
    told, files = edited(rig(), references=data)
    assert len(told) == 1
    assert told[0].startswith(words)
    (sent,) = (opened(file) for file in files["image"])
    assert (sent.mode, sent.size) == ("RGB", (64, 48))
    for place, colour in (((5, 5), left), ((58, 5), right)):
        assert max(abs(a - b) for a, b in zip(sent.getpixel(place), colour, strict=True)) < 12


def test_a_png_with_a_jpegs_name_is_told_of_once_and_sent_as_the_png_that_it_is(rig: Make, tmp_path: Path) -> None:
    (tmp_path / "fox.jpg").write_bytes(PNG)
    told, files = edited(rig(), references=tmp_path / "fox.jpg")
    assert len(told) == 1
    assert "fox.jpg is named like a JPEG file, but holds a PNG picture." in told[0]
    assert files == {"image": [PNG]}


def test_an_inverted_mask_is_told_of_and_the_copy_that_is_handed_in_then_is_not(rig: Make) -> None:
    told, files = edited(rig(), references=PNG, mask=ImageOps.invert(AREA))
    assert len(told) == 1
    assert "77 % of the picture would change by this mask. If it is the other way round, invert it" in told[0]
    assert decode_mask(files["mask"][0], (64, 48)).tobytes() == ImageOps.invert(AREA).tobytes()
    told, files = edited(rig(), references=PNG, mask=AREA)
    assert told == []
    assert decode_mask(files["mask"][0], (64, 48)).tobytes() == AREA.tobytes()


def test_a_mask_of_a_turned_photograph_changes_what_was_painted_on_it_upright(rig: Make) -> None:
    world = rig()
    photograph = turned(gradient(480, 640), quality=95)
    mask = Image.new("L", (640, 480))
    mask.paste(255, (0, 0, 320, 480))
    with pytest.warns(TokenLabWarning, match="sent upright"):
        job = world.session.submit(model=MODEL, prompt="night", references=photograph, mask=mask)
    (image,) = job.wait(SOON)
    upright = ImageOps.exif_transpose(Image.open(BytesIO(photograph)))
    assert image.pil.size == (640, 480)
    right = (320, 0, 640, 480)
    assert image.pil.convert("RGB").crop(right).tobytes() == upright.crop(right).tobytes()
    assert image.pil.convert("RGB").crop((0, 0, 320, 480)).tobytes() != upright.crop((0, 0, 320, 480)).tobytes()


def test_the_same_picture_twice_goes_in_twice_in_the_order_given(rig: Make) -> None:
    _, files = edited(rig(), references=[PNG, JPEG, PNG])
    assert files == {"image": [PNG, JPEG, PNG]}
