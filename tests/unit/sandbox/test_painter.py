"""The painter: what decides the pixels, what an edit proves, and what it refuses."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from io import BytesIO

import pytest
from PIL import Image, ImageChops, ImageDraw, ImageStat

from tokenlab_nb.sandbox.manners import MANNERS, manner_of
from tokenlab_nb.sandbox.painter import SAMPLES, PaintError, Picture, paint, sample
from tokenlab_nb.sandbox.wording import Mention, read, subjects

FOX = Picture("maker-one", "a red fox in deep snow", 256, 256)
BY_MANNER = {manner_of(f"maker-{n}").name: f"maker-{n}" for n in range(200)}


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


def png(image: Image.Image) -> bytes:
    out = BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def plain(colour: str, size: tuple[int, int] = (96, 96)) -> bytes:
    return png(Image.new("RGB", size, colour))


def mask(size: tuple[int, int], hole: tuple[int, int, int, int] | None) -> bytes:
    image = Image.new("RGBA", size, (0, 0, 0, 255))
    if hole:
        ImageDraw.Draw(image).rectangle(hole, (0, 0, 0, 0))
    return png(image)


def mean(image: Image.Image, box: tuple[int, int, int, int] | None = None) -> list[float]:
    return ImageStat.Stat((image.crop(box) if box else image).convert("RGB")).mean


def distance(first: bytes, second: bytes) -> float:
    """Mean difference a pixel and channel, 0 to 255."""
    difference = ImageChops.difference(opened(first).convert("RGB"), opened(second).convert("RGB"))
    return sum(ImageStat.Stat(difference).mean) / 3


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_equal_pictures_are_equal_bytes_in_every_thread(manner):
    picture = replace(FOX, model=BY_MANNER[manner.name])
    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(paint, [picture] * 6))) == 1


def test_another_process_paints_the_same_bytes():
    code = (
        "from hashlib import sha256; from tokenlab_nb.sandbox.painter import Picture, paint;"
        f"print(sha256(paint({FOX!r})).hexdigest())"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert other.stdout.strip() == sha256(paint(FOX)).hexdigest()


@pytest.mark.parametrize("size", [(256, 256), (257, 611), (1024, 256), (256, 1500), (1536, 640), (16, 16)])
@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_every_manner_obeys_the_size(manner, size):
    picture = replace(FOX, model=BY_MANNER[manner.name], width=size[0], height=size[1])
    assert opened(paint(picture)).size == size


@pytest.mark.parametrize(("output_format", "kind"), [("png", "PNG"), ("jpeg", "JPEG"), ("webp", "WEBP")])
def test_the_format_is_obeyed(output_format, kind):
    assert opened(paint(replace(FOX, output_format=output_format))).format == kind


@pytest.mark.parametrize("output_format", ["jpeg", "webp"])
def test_more_compression_is_a_smaller_file(output_format):
    sizes = [len(paint(replace(FOX, output_format=output_format, compression=level))) for level in (0, 50, 100)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 2 * sizes[2]


@pytest.mark.parametrize("output_format", ["png", "webp"])
@pytest.mark.parametrize("prompt", ["a fox", "mountains at noon", "a portrait", "abstract shapes", "xyzzy"])
def test_a_transparent_picture_has_things_and_no_sky(prompt, output_format):
    image = opened(paint(replace(FOX, prompt=prompt, transparent=True, output_format=output_format)))
    assert image.mode == "RGBA"
    shares = image.getchannel("A").histogram()
    assert shares[0] > 0.1 * 256 * 256
    assert shares[255] > 0.1 * 256 * 256


def test_jpeg_puts_a_cut_out_on_white():
    image = opened(paint(replace(FOX, transparent=True, output_format="jpeg")))
    assert min(image.getpixel((1, 1))) > 240


def test_models_have_their_own_manners():
    pictures = [paint(replace(FOX, model=model)) for model in BY_MANNER.values()]
    assert len(BY_MANNER) == len(MANNERS)
    assert all(distance(a, b) > 5 for k, a in enumerate(pictures) for b in pictures[:k])


@pytest.mark.parametrize(
    "prompt", ["a red fox in deep snow", "a city", "sea", "mountains", "teapot", "portrait", "qwerty"]
)
def test_seed_and_index_change_the_composition(prompt):
    base = replace(FOX, prompt=prompt)
    pictures = [paint(base), paint(replace(base, seed=1)), paint(replace(base, index=1))]
    assert all(distance(a, b) > 5 for k, a in enumerate(pictures) for b in pictures[:k])


def test_prompts_differ():
    prompts = ["a castle", "a boat on the sea", "fish", "a city", "a teapot", "flowers", "space", "abstract"]
    pictures = [paint(replace(FOX, prompt=prompt)) for prompt in prompts]
    assert all(distance(a, b) > 8 for k, a in enumerate(pictures) for b in pictures[:k])


@pytest.mark.parametrize("name", list(subjects()))
def test_a_subject_is_drawn(name):
    """A cut-out of the subject alone fills a good part of the frame."""
    word = subjects()[name]["words"][0]
    alpha = opened(paint(replace(FOX, prompt=f"a {word}", transparent=True))).getchannel("A")
    left, top, right, low = alpha.getbbox()
    assert max(right - left, low - top) > 200


def test_colour_words_colour_the_light():
    red, _, blue = mean(opened(paint(replace(FOX, prompt="a red landscape at noon"))))
    red_2, _, blue_2 = mean(opened(paint(replace(FOX, prompt="a blue landscape at noon"))))
    assert red - blue > red_2 - blue_2 + 40


def test_night_is_darker_than_noon():
    noon, night = (sum(mean(opened(paint(replace(FOX, prompt=f"hills at {time}"))))) for time in ("noon", "night"))
    assert night < 0.6 * noon


@pytest.mark.parametrize("word", ["snow", "rain", "fog", "storm"])
def test_weather_changes_the_picture(word):
    assert (
        distance(paint(replace(FOX, prompt="hills at noon")), paint(replace(FOX, prompt=f"hills at noon in {word}")))
        > 8
    )


@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_quality_is_seen_in_every_manner(manner):
    base = replace(FOX, model=BY_MANNER[manner.name], prompt="a city at night")
    low, medium, high = (paint(replace(base, quality=quality)) for quality in ("low", "medium", "high"))
    assert min(distance(low, medium), distance(medium, high)) > 1.5
    assert paint(replace(base, quality="auto")) == medium == paint(base)


def test_more_quality_is_more_detail():
    base = replace(FOX, model=BY_MANNER["airbrush"], prompt="a forest", width=512, height=512)
    sizes = [len(paint(replace(base, quality=quality))) for quality in ("low", "medium", "high")]
    assert sizes == sorted(set(sizes))


def test_style_is_saturation():
    def saturation(style):
        return ImageStat.Stat(opened(paint(replace(FOX, style=style))).convert("HSV")).mean[1]

    assert saturation("natural") < saturation(None) - 5
    assert saturation(None) < saturation("vivid") - 5


def test_an_unknown_word_still_paints_a_lively_picture():
    for seed in range(6):
        image = opened(paint(replace(FOX, prompt="lorem ipsum dolor", seed=seed)))
        assert sum(ImageStat.Stat(image).stddev) > 40


def test_words_are_whole_and_plurals_count():
    wish = read("Two blue foxes, a cathedral and CITIES at Night, no rain")
    assert wish.subjects == (Mention("fox", (0x2F, 0x6F, 0xD0), 2),)
    assert wish.features == {"city"}
    assert (wish.time, wish.weather, wish.colours) == ("night", None, ())


def test_a_negative_prompt_leaves_things_out():
    assert read("a fox and a castle in snow", "snow, castles").subjects == (Mention("fox"),)
    assert read("a fox in snow", "snow").weather is None


def test_a_reference_decides_an_image_to_image():
    base = replace(FOX, prompt="", operation="image-to-image")
    red, blue = (mean(opened(paint(replace(base, references=(plain(c),))))) for c in ("#d02020", "#2020d0"))
    assert red[0] > red[2] + 30
    assert blue[2] > blue[0] + 30


@pytest.mark.parametrize("operation", ["image-to-image", "text-to-image"])
def test_a_collage_shows_each_reference_in_its_place(operation):
    colours = ["#d02020", "#20b020", "#2030d0", "#e0d020"]
    corners = [(40, 40, 100, 100), (156, 40, 216, 100), (40, 156, 100, 216), (156, 156, 216, 216)]
    for order in ([0, 1, 2, 3], [3, 2, 1, 0]):
        files = tuple(plain(colours[k]) for k in order)
        image = opened(paint(replace(FOX, prompt="a castle", operation=operation, references=files)))
        for box, k in zip(corners, order, strict=True):
            found = mean(image, box)
            off = [sum(abs(a - b) for a, b in zip(found, mean(opened(plain(c))), strict=True)) for c in colours]
            assert off.index(min(off)) == k


def test_an_edit_keeps_its_source_and_shows_its_prompt():
    source = opened(sample("mountains")).convert("RGB").resize((256, 256))
    base = replace(FOX, operation="image-edit", references=(png(source),))
    data = paint(replace(base, prompt="a purple balloon"))
    assert 4 < distance(data, png(source)) < 40
    assert distance(data, paint(replace(base, prompt="two castles in rain"))) > 4


def test_further_references_of_an_edit_are_seen():
    base = replace(FOX, operation="image-edit", prompt="warmer", references=(plain("#808080"), plain("#ff0000")))
    red = mean(opened(paint(base)), (16, 16, 44, 44))
    blue = mean(opened(paint(replace(base, references=(plain("#808080"), plain("#0000ff"))))), (16, 16, 44, 44))
    assert red[0] > red[2] + 100
    assert blue[2] > blue[0] + 100


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
@pytest.mark.parametrize("manner", MANNERS, ids=lambda manner: manner.name)
def test_a_mask_edit_changes_the_transparent_pixels_only(manner, mode):
    source = opened(sample("city")).convert(mode).resize((256, 256))
    hole = (60, 80, 199, 179)
    picture = replace(
        FOX,
        model=BY_MANNER[manner.name],
        operation="image-edit",
        references=(png(source),),
        mask=mask((256, 256), hole),
        style="vivid",
    )
    changed = ImageChops.difference(opened(paint(picture)).convert("RGB"), source.convert("RGB"))
    assert sum(mean(changed, (60, 80, 200, 180))) > 60
    ImageDraw.Draw(changed).rectangle(hole, 0)
    assert changed.getbbox() is None


def test_half_transparent_mask_pixels_do_not_change():
    soft = opened(mask((256, 256), (0, 0, 99, 99)))
    soft.putpixel((200, 200), (0, 0, 0, 1))
    picture = replace(FOX, operation="image-edit", references=(plain("#445566", (256, 256)),), mask=png(soft))
    image = opened(paint(picture))
    assert image.getpixel((200, 200)) == (0x44, 0x55, 0x66)
    assert image.getpixel((100, 100)) == (0x44, 0x55, 0x66)


def test_a_mask_edit_of_another_size_resizes_its_source_first():
    picture = replace(FOX, operation="image-edit", references=(plain("#445566"),), mask=mask((96, 96), (48, 0, 95, 95)))
    image = opened(paint(picture))
    assert image.size == (256, 256)
    assert image.crop((0, 0, 128, 256)).getcolors() == [(128 * 256, (0x44, 0x55, 0x66))]


def test_a_variation_is_close_but_not_equal():
    source = opened(sample("mountains")).convert("RGB").resize((256, 256))
    base = replace(FOX, prompt="", operation="image-variation", references=(png(source),))
    pictures = [paint(replace(base, index=index)) for index in range(3)]
    assert all(distance(a, b) > 3 for k, a in enumerate(pictures) for b in pictures[:k])
    for data in pictures:
        tones = opened(data).convert("L").resize((8, 8)), source.convert("L").resize((8, 8))
        flipped = ImageChops.difference(tones[0].transpose(Image.Transpose.FLIP_LEFT_RIGHT), tones[1])
        assert min(ImageStat.Stat(d).mean[0] for d in (ImageChops.difference(*tones), flipped)) < 30


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_references_of_every_mode_are_read(mode):
    source = Image.new(mode, (64, 48))
    assert opened(paint(replace(FOX, operation="image-to-image", references=(png(source),)))).size == (256, 256)


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_other_files_are_read_and_exif_orientation_is_honoured(kind):
    source = Image.new("RGB", (64, 64), "#2030d0")
    ImageDraw.Draw(source).rectangle((0, 0, 63, 31), "#d02020")
    exif = Image.Exif()
    exif[0x0112] = 3  # turned by 180 degrees: the red half belongs below
    out = BytesIO()
    source.save(out, kind, exif=exif)
    image = opened(paint(replace(FOX, prompt="warmer", operation="image-edit", references=(out.getvalue(),))))
    top, low = mean(image, (0, 0, 256, 100)), mean(image, (0, 156, 256, 256))
    assert top[2] > top[0]
    assert low[0] > low[2]


SOURCE = plain("#445566", (256, 256))


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"references": (SOURCE,), "mask": mask((128, 256), (0, 0, 9, 9))}, "128x256 pixels, but the image is 256x256"),
        ({"references": (SOURCE,), "mask": mask((256, 256), None)}, "no fully transparent pixel"),
        ({"references": (SOURCE,), "mask": SOURCE}, "no alpha channel"),
        ({"references": (SOURCE,), "mask": b"GIF89a"}, "The mask cannot be read as PNG"),
        ({"mask": mask((256, 256), (0, 0, 9, 9))}, "without an image"),
        ({"references": (SOURCE[:60],)}, "The reference cannot be read"),
        ({"references": (SOURCE, sample("fox")[:3000])}, "Reference 2 of 2 cannot be read as PNG or JPEG or WEBP"),
        ({"references": (b"",)}, "cut short or damaged"),
        ({"references": (png(Image.new("1", (8000, 8000))),)}, "more than 50 million pixels"),
        ({"width": 0}, "0x256 cannot be painted"),
        ({"height": 5000}, "sides go from 16 to 4096"),
        ({"output_format": "gif"}, "'gif' is not one of png, jpeg, webp"),
        ({"output_format": "webp", "compression": 101}, "101 is not between 0 and 100"),
    ],
)
def test_what_cannot_be_painted_is_said_in_a_sentence(change, sentence):
    with pytest.raises(PaintError, match=sentence):
        paint(replace(FOX, operation="image-edit", **change))


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_are_pictures_of_at_most_1024_pixels_a_side(name):
    image = opened(sample(name))
    assert image.format in ("JPEG", "PNG")
    assert max(image.size) <= 1024


def test_there_are_six_samples_all_different():
    assert len({sample(name) for name in SAMPLES}) == 6
