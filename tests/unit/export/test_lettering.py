"""Letters: wrapped and never cut, each in a font that has it; what no font has is told in words."""

from __future__ import annotations

from pathlib import Path

import pytest
from fontTools.fontBuilder import FontBuilder
from fontTools.pens.ttGlyphPen import TTGlyphPen
from PIL import Image, features

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.export import fonts
from tokenlab_nb.export.lettering import Letters

HERE = fonts.installed()
ARABIC = "مرحبا بالعالم"
FAMILY = "\U0001f468\u200d\U0001f469\u200d\U0001f467"
TEXTS = (
    "A red fox in deep snow, dusk; seed 7 - quality high, and more of it",
    "Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichen",
    "/a/path/without/any/spaces/that/goes/on_and_on_and_on.png",
    "e\u0301" * 40,
    "x" * 300,
)


@pytest.fixture
def bare(monkeypatch):
    """A machine without any font: Pillow's own letters are left."""
    monkeypatch.setattr(fonts, "installed", dict)


def a_font(path: Path, letters: str) -> Path:
    """A font in which each of these letters is a black box of a full square."""
    pen = TTGlyphPen(None)
    for at, (x, y) in enumerate(((0, 0), (0, 1000), (1000, 1000), (1000, 0))):
        (pen.lineTo if at else pen.moveTo)((x, y))
    pen.closePath()
    box = pen.glyph()
    made = FontBuilder(1000, isTTF=True)
    made.setupGlyphOrder([".notdef", "box"])
    made.setupCharacterMap({ord(letter): "box" for letter in letters})
    made.setupGlyf({".notdef": TTGlyphPen(None).glyph(), "box": box})
    made.setupHorizontalMetrics({".notdef": (500, 0), "box": (1000, 0)})
    made.setupHorizontalHeader(ascent=1000, descent=0)
    made.setupOS2()
    made.setupNameTable({"familyName": "Boxes", "styleName": "Regular"})
    made.setupPost()
    made.save(path)
    return path


def written(lines) -> str:
    return "".join(text for line in lines for _, text in line.runs)


def drawn(letters: Letters, text: str, width: int = 400) -> Image.Image:
    page = Image.new("RGB", (width, 400), "white")
    y = 0
    for line in letters.wrap(text, width):
        letters.draw(page, (0, y), line, "black", width=width)
        y += letters.height
    return page


def inked(page: Image.Image) -> tuple[int, int, int, int] | None:
    return page.convert("L").point(lambda tone: 255 if tone < 128 else 0).getbbox()


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("width", [90, 333])
def test_lines_fit_and_no_character_is_lost(text, width):
    letters = Letters(14)
    lines = letters.wrap(text, width)
    assert len(lines) > 1
    assert max(line.width for line in lines) <= width
    assert written(lines).replace(" ", "") == text.replace(" ", "")
    assert not any(line.runs[0][1].startswith("\u0301") for line in lines)


def test_it_breaks_between_words_where_it_can_and_keeps_its_own_line_ends():
    lines = Letters(14).wrap("deep snow at dusk\nand a second line", 90)
    assert [written([line]) for line in lines] == ["deep snow at", "dusk", "and a second", "line"]


def test_japanese_breaks_without_spaces_and_not_before_a_full_stop(bare, tmp_path):
    text = "東京の夜。桜と雪。"
    letters = Letters(20, files=[a_font(tmp_path / "boxes.ttf", text)])
    lines = letters.wrap(text, 85)  # four letters fit
    assert [written([line]) for line in lines] == ["東京の", "夜。桜と", "雪。"]
    assert not letters.missing


def test_what_no_font_has_is_told_in_words_and_never_drawn_as_a_box(bare):
    letters = Letters(14)
    assert written(letters.wrap("Tokyo 東京 at night, \U0010fffd", 2000)) == (
        "Tokyo [2 CJK characters: no font here] at night, [1 Unnamed character: no font here]"
    )
    assert letters.missing == {"東", "京", "\U0010fffd"}


def test_a_font_of_the_users_own_comes_first(bare, tmp_path):
    letters = Letters(20, files=[a_font(tmp_path / "boxes.ttf", "東")])
    assert inked(drawn(letters, "東")) == (0, 0, 20, 20)
    assert not letters.missing


def test_a_file_that_is_no_font_is_refused_by_its_name(tmp_path):
    (tmp_path / "no.ttf").write_bytes(b"no font")
    with pytest.raises(TokenLabError, match=r"no\.ttf cannot be used"):
        Letters(14, files=[tmp_path / "no.ttf"])


def test_a_damaged_font_on_the_machine_is_passed_over(monkeypatch, tmp_path):
    broken = a_font(tmp_path / "half.ttf", "東")
    broken.write_bytes(broken.read_bytes()[:200])
    monkeypatch.setattr(fonts, "installed", lambda: {"half": broken})
    letters = Letters(14)
    letters.wrap("東", 400)
    assert letters.missing == {"東"}


def test_fonts_that_no_list_names_are_asked_last(monkeypatch, tmp_path):
    plain, bold = a_font(tmp_path / "own.ttf", "東"), a_font(tmp_path / "ownbold.ttf", "東京")
    monkeypatch.setattr(fonts, "installed", lambda: {"ownbold": bold, "own": plain})
    lines = Letters(14).wrap("東京", 400)
    assert [face.path for face, _ in lines[0].runs] == [bold]  # one font for all of it, where one has it
    assert [face.path for face, _ in Letters(14).wrap("東", 400)[0].runs] == [plain]


def test_control_characters_and_those_that_turn_text_around_are_not_drawn():
    assert written(Letters(14).wrap("\u202eevil\x07 text", 400)) == " evil  text"


@pytest.mark.skipif(not features.check("raqm"), reason="this Pillow has no Raqm")
def test_a_line_that_is_read_from_right_to_left_ends_at_the_right_side():
    if not {"dejavusans", "arial", "segoeui"} & set(HERE):
        pytest.skip("no font with Arabic letters that is known here")
    letters = Letters(16)
    left, _, right, _ = inked(drawn(letters, f"{ARABIC} fox"))
    assert not letters.missing
    assert (left > 250, right > 385) == (True, True)
    assert inked(drawn(letters, f"fox {ARABIC}"))[0] < 10


def test_without_raqm_what_must_be_joined_or_turned_is_told_in_words(monkeypatch):
    monkeypatch.setattr(features, "check", lambda name: False)
    letters = Letters(16)
    assert "5 Arabic characters" in written(letters.wrap("مرحبا", 2000))
    assert inked(drawn(letters, "A red fox"))


@pytest.mark.skipif("notocoloremoji" not in HERE, reason="Noto Color Emoji is not installed")
def test_emoji_are_coloured_and_stay_one_picture():
    letters = Letters(16)
    page = drawn(letters, "\U0001f600 \u2764\ufe0f")
    colours = {colour for _, colour in page.getcolors(1 << 20)}
    assert any(max(colour) - min(colour) > 100 for colour in colours)
    one, family = letters.wrap("\U0001f468", 400)[0], letters.wrap(FAMILY, 400)[0]
    assert family.width == one.width
    assert len(letters.wrap(FAMILY * 12, 60)) > 3
    assert not letters.missing


def test_what_a_folder_holds_is_found_by_plain_names(monkeypatch, tmp_path):
    (tmp_path / "deep").mkdir()
    made = a_font(tmp_path / "deep" / "My Font-Regular.TTF", "a")
    (tmp_path / "notes.txt").write_text("no font")
    monkeypatch.setattr(fonts, "_FOLDERS", (str(tmp_path), str(tmp_path / "none")))
    fonts.installed.cache_clear()
    assert fonts.installed() == {"myfontregular": made}
    fonts.installed.cache_clear()
