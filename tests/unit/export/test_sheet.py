"""Contact sheets as files: true sizes, every picture once, pages where the format ends, nothing that leaks."""

from __future__ import annotations

import io
import warnings
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest
from PIL import Image, ImageColor
from PIL.PngImagePlugin import PngInfo

from tests.unit.pictures import opened, turned
from tokenlab_nb.errors import ImageError, LeakError, TokenLabWarning
from tokenlab_nb.export import fonts, sheet
from tokenlab_nb.export.layout import Look, Sheet, Table, Tile, Words
from tokenlab_nb.export.sheet import write_sheet
from tokenlab_nb.images import ImageResult, probe

RED, GREEN, BLUE = (255, 0, 0), (0, 255, 0), (0, 0, 255)
KEY = "sk-" + "canary1234567890"
SIGNED = "https://bucket.s3.amazonaws.com/a.png?X-Amz-Signature=abc&X-Amz-Expires=60&X-Amz-Date=20260101T000000Z"


def result(data: bytes) -> ImageResult:
    seen = probe(data)
    return ImageResult(
        sha256="0" * 64,
        media_type=seen.media_type,
        width=seen.width,
        height=seen.height,
        size=len(data),
        load=lambda: data,
    )


def one(colour, size=(40, 30), kind="PNG", mode="RGB"):
    file = io.BytesIO()
    Image.new(mode, size, colour).save(file, kind)
    return result(file.getvalue())


def listed(*images, caption=("some-model", "seed 7"), across=4, **more):
    tiles = [Tile(caption, (image,)) for image in images]
    rows = tuple(("", tuple(tiles[at : at + across])) for at in range(0, len(tiles), across))
    return Sheet(more.pop("title", "Sheet"), (Table(rows, **more),))


def seen(path):
    return opened(path.read_bytes())


def area(page, colour):
    """The box that holds all pixels of a colour, and how many there are; JPEG and WebP come near it."""
    near = [
        channel.point(lambda tone, want=want: 255 if abs(tone - want) < 40 else 0)
        for channel, want in zip(page.convert("RGB").split(), colour, strict=True)
    ]
    mask = Image.merge("RGB", near).convert("L").point(lambda tone: 255 if tone > 250 else 0)
    return mask.getbbox(), mask.histogram()[255]


def sides(box):
    return (box[2] - box[0], box[3] - box[1])


@pytest.mark.parametrize(
    ("size", "edge", "shown"), [((40, 30), 64, (40, 30)), ((400, 200), 100, (100, 50)), ((90, 900), 300, (30, 300))]
)
@pytest.mark.parametrize("suffix", ["png", "jpg", "webp"])
def test_a_picture_has_its_size_and_is_never_enlarged(tmp_path, size, edge, shown, suffix):
    [path] = write_sheet(listed(one(RED, size)), tmp_path / f"a.{suffix}", edge=edge)
    box, count = area(seen(path), RED)
    assert sides(box) == pytest.approx(shown, abs=0 if suffix == "png" else 2)
    assert count == pytest.approx(shown[0] * shown[1], abs=0 if suffix == "png" else 2 * sum(shown))


def test_what_was_stored_lying_on_its_side_stands_upright_within_its_place(tmp_path):
    lying = result(turned(Image.new("RGB", (200, 100), RED)))
    [path] = write_sheet(listed(lying), tmp_path / "a.png", edge=100)
    assert sides(area(seen(path), RED)[0]) == (25, 50)


def test_what_is_transparent_shows_a_chequerboard_on_dark_ground_too(tmp_path):
    [path] = write_sheet(listed(one((0, 0, 0, 0), mode="RGBA")), tmp_path / "a.png", dark=True)
    page = seen(path)
    assert page.getpixel((0, 0)) == ImageColor.getrgb(Look(64, dark=True).colours.ground)
    assert area(page, (232, 232, 232))[1] > 500


@pytest.mark.parametrize("dark", [False, True])
def test_words_can_be_read_on_either_ground(dark):
    def light(colour):
        parts = [part / 255 for part in ImageColor.getrgb(colour)]
        red, green, blue = (p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue + 0.05

    colours = Look(64, dark=dark).colours
    for ground in (colours.ground, colours.frame):
        for text in (colours.text, colours.faint):
            low, high = sorted((light(ground), light(text)))
            assert high / low > 4.5


def test_nothing_but_pixels_goes_into_the_file(tmp_path):
    file = io.BytesIO()
    Image.new("RGB", (40, 30)).save(file, "PNG", pnginfo=_text("prompt", "a secret"))
    for suffix in ("png", "jpg", "webp"):
        [path] = write_sheet(listed(result(file.getvalue())), tmp_path / f"a.{suffix}")
        assert b"a secret" not in path.read_bytes()
        assert not {"prompt", "exif", "xmp", "comment", "icc_profile"} & set(seen(path).info)


def _text(key, value):
    info = PngInfo()
    info.add_text(key, value)
    return info


def test_a_picture_that_is_gone_is_told_in_words_and_the_others_are_there(tmp_path):
    gone = replace(one(RED), load=lambda: b"no picture")
    plain, broken = (
        seen(write_sheet(listed(first, one(BLUE)), tmp_path / f"{name}.png")[0])
        for name, first in (("plain", one(RED)), ("broken", gone))
    )
    assert area(broken, RED)[1] == 0
    assert area(broken, BLUE)[1] == area(plain, BLUE)[1] > 0


# Pages.


def counted(pages, tints):
    """How many pixels all pages together have of each colour."""
    found = Counter()
    for page in pages:
        found.update({colour: count for count, colour in page.getcolors(1 << 24)})
    return [found[tint] for tint in tints]


def test_pages_end_at_the_limit_and_every_picture_is_on_one_of_them(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "PAGE_PIXELS", 400_000)
    tints = [tuple(10 * n + 5 if at == 0 else 250 for at in range(3)) for n in range(24)]
    names = tuple(f"column {n}" for n in range(4))
    made = listed(*(one(tint, (100, 100)) for tint in tints), columns=names)
    paths = write_sheet(made, tmp_path / "many.png", edge=100)
    assert [path.name for path in paths] == [f"many-{n}.png" for n in range(1, len(paths) + 1)]
    assert len(paths) > 1
    pages = [seen(path) for path in paths]
    assert all(page.width * page.height <= 400_000 for page in pages)
    assert counted(pages, tints) == [10_000] * 24
    head = pages[1].crop((0, 16, pages[1].width, 16 + 15))  # below the margin: the labels of the columns, once more
    assert head.convert("L").getextrema()[0] < 100
    assert any(pages[0].crop((0, y, head.width, y + 15)).tobytes() == head.tobytes() for y in range(100))


def test_columns_that_do_not_fit_beside_one_another_stand_below_one_another(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "_SIDES", {"image/webp": 700})
    tints = [(250, 250, 10 * n + 5) for n in range(12)]
    columns = tuple(f"seed {n}" for n in range(12))
    row = tuple(Tile((), (one(tint, (100, 100)),)) for tint in tints)
    table = Table((("A red fox", row),), columns)
    monkeypatch.setitem(sheet._OPTIONS, "image/webp", {"lossless": True})
    paths = write_sheet(Sheet("Wide", (table,)), tmp_path / "wide.webp", edge=100)
    pages = [seen(path) for path in paths]
    assert all(max(page.size) <= 700 for page in pages)
    assert counted(pages, tints) == [10_000] * 12


def test_a_high_sheet_is_one_png_and_two_webps(tmp_path):
    many = listed(*[one(RED, (64, 64))] * 180, across=1)
    [png] = write_sheet(many, tmp_path / "a.png", edge=64)
    assert 16_383 < seen(png).height < 65_500
    paths = write_sheet(many, tmp_path / "a.webp", edge=64)
    assert [path.name for path in paths] == ["a-1.webp", "a-2.webp"]
    assert all(seen(path).height <= 16_383 for path in paths)


@pytest.mark.parametrize(("kind", "most"), [("JPEG", 65_500), ("WEBP", 16_383)])
def test_the_limits_are_those_of_the_formats(kind, most):
    assert sheet._SIDES[f"image/{kind.lower()}"] == most
    Image.new("RGB", (1, most)).save(io.BytesIO(), kind)
    with pytest.raises((OSError, ValueError)):
        Image.new("RGB", (1, most + 1)).save(io.BytesIO(), kind)


def test_pictures_are_read_for_the_page_that_is_drawn_and_pages_are_written_one_by_one(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "PAGE_PIXELS", 400_000)
    square, read = one(RED, (100, 100)), []

    def load(number):
        read.append((number, len(list(tmp_path.glob(".sheet-*/*")))))
        return square.bytes

    images = [replace(square, load=partial(load, number)) for number in range(24)]
    paths = write_sheet(listed(*images), tmp_path / "many.png", edge=100)
    assert [number for number, _ in read] == list(range(24))
    assert [pages for _, pages in read] == sorted(pages for _, pages in read)
    assert (read[0][1], read[-1][1]) == (0, len(paths) - 1)


def test_a_row_that_no_page_holds_is_refused_with_what_to_do(tmp_path, monkeypatch):
    monkeypatch.setattr(sheet, "PAGE_PIXELS", 200_000)
    with pytest.raises(ValueError, match="use a smaller edge"):
        write_sheet(listed(one(RED, (900, 900))), tmp_path / "a.png", edge=900)
    assert not list(tmp_path.iterdir())


# Words.


def test_a_long_text_stands_in_full_in_the_notes(tmp_path):
    long = "a red fox " * 60
    look = Look(64)
    words = Words(look)
    shown = words.noted(long)
    assert shown == "a red fox " * 24 + "… [note 1]"
    assert (words.noted(long), words.noted(long + "!")[-8:]) == (shown, "[note 2]")
    assert list(words.notes) == [long, long + "!"]
    with_note, without = (
        seen(write_sheet(listed(one(RED), caption=("m", text)), tmp_path / f"{len(text)}.png")[0])
        for text in (long, long[:240] + " … [note 1]")
    )
    assert with_note.height > without.height + 3 * look.small.height


def test_what_stands_in_place_of_a_picture_is_seen(tmp_path):
    rows = (("A red fox", (Tile(("some-model",), (), "Failed: no picture was made."), Tile(("m",), (one(RED),)))),)
    [path] = write_sheet(Sheet("t", (Table(rows, ("one", "two"), "quality low"),), ("Prompt: x",)), tmp_path / "a.png")
    page = seen(path)
    assert area(page, RED)[1] == 1200
    assert area(page, ImageColor.getrgb(Look(64).colours.frame))[1] > 10_000


def test_characters_that_no_font_has_are_warned_of_where_the_user_stands(tmp_path, monkeypatch):
    monkeypatch.setattr(fonts, "installed", dict)
    many = "".join(chr(code) for code in range(0x4E00, 0x4E14))
    with pytest.warns(TokenLabWarning, match=r"No font .* has 一 .* and 8 more; .*hand in its file") as told:
        write_sheet(listed(one(RED), caption=(many,)), tmp_path / "a.png")
    assert told[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        write_sheet(listed(one(RED)), tmp_path / "a.png")


# What is refused.


@pytest.mark.parametrize("secret", [KEY, SIGNED])
@pytest.mark.parametrize("place", ["title", "caption", "state", "label", "column", "heading", "intro"])
def test_keys_and_signed_addresses_are_refused_wherever_they_stand(tmp_path, secret, place):
    words = dict.fromkeys(("title", "caption", "state", "label", "column", "heading", "intro"), "") | {
        place: f"see {secret}"
    }
    tile = Tile((words["caption"],), (), words["state"])
    table = Table(((words["label"], (tile,)),), (words["column"],), words["heading"])
    with pytest.raises(LeakError) as refused:
        write_sheet(Sheet(words["title"], (table,), (words["intro"],)), tmp_path / "a.png")
    assert secret not in str(refused.value)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a.gif", "a", "a.png.txt"])
def test_another_suffix_is_refused(tmp_path, name):
    with pytest.raises(ImageError, match=r"Use \.png, \.jpg or \.webp"):
        write_sheet(listed(one(RED)), tmp_path / name)


@pytest.mark.parametrize("edge", [0, 63, 2049])
def test_an_edge_out_of_bounds_is_refused(tmp_path, edge):
    with pytest.raises(ValueError, match="64 to 2048 can"):
        write_sheet(listed(one(RED)), tmp_path / "a.png", edge=edge)


def test_a_file_that_is_there_stays_where_that_is_asked_for(tmp_path):
    (tmp_path / "a.png").write_bytes(b"mine")
    with pytest.raises(FileExistsError):
        write_sheet(listed(one(RED)), tmp_path / "a.png", overwrite=False)
    assert (tmp_path / "a.png").read_bytes() == b"mine"
    write_sheet(listed(one(RED)), tmp_path / "a.png")
    assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG")


def test_what_fails_on_its_way_leaves_nothing_half_written(tmp_path, monkeypatch):
    def fail():
        raise MemoryError

    monkeypatch.setattr(sheet, "PAGE_PIXELS", 400_000)
    images = [*[one(RED, (100, 100))] * 23, replace(one(RED, (100, 100)), load=fail)]
    (tmp_path / "a-1.png").write_bytes(b"mine")
    with pytest.raises(MemoryError):
        write_sheet(listed(*images), tmp_path / "a.png", edge=100)
    assert [path.name for path in tmp_path.iterdir()] == ["a-1.png"]
    assert (tmp_path / "a-1.png").read_bytes() == b"mine"
