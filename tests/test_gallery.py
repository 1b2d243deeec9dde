"""The README's pictures are there, can be looked at, are light, and show how things look now."""

from __future__ import annotations

import re

import pytest
from PIL import Image

from tests import gallery
from tests.layer_rules import ROOT

README = (ROOT / "README.md").read_text("utf-8")
SHOWN = sorted(set(re.findall(r"\.github/screenshots/([\w.-]+)", README)))
MOST_BYTES, MOST_IN_ALL = 250_000, 1_200_000


def test_the_readme_shows_all_pictures_and_no_others():
    assert {path.name for path in gallery.FOLDER.iterdir()} == {*SHOWN, gallery.MANIFEST.name}
    assert {"studio.webp", "studio-dark.webp", "compare.webp", "look.webp", "votes.webp", "edit.webp"} <= set(SHOWN)


def test_dark_pictures_are_for_dark_pages():
    pairs = re.findall(
        r'<picture>\s*<source media="\(prefers-color-scheme: dark\)" srcset="(.+?)">\s*<img (.+?)>', README
    )
    assert [source for source, _ in pairs] == [".github/screenshots/studio-dark.webp"]
    assert all('src=".github/screenshots/studio.webp"' in image and 'alt="' in image for _, image in pairs)


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_can_be_looked_at(name):
    path = gallery.FOLDER / name
    assert path.stat().st_size < MOST_BYTES
    with Image.open(path) as picture:
        assert 800 <= picture.width <= 2000
        assert 400 <= picture.height <= 2400
        tones = set(picture.convert("L").resize((64, 64)).tobytes())
    assert len(tones) > 32, "it is blank, or nearly so"


def test_all_of_them_are_light():
    assert sum((gallery.FOLDER / name).stat().st_size for name in SHOWN) < MOST_IN_ALL


@pytest.mark.parametrize("name", SHOWN)
def test_a_picture_shows_how_things_look_now(name):
    note = gallery.recorded().get(name, {})
    assert note.get("sha256") == gallery.digest(gallery.FOLDER / name), f"not made by: {gallery.COMMAND}"
    assert note.get("made_of") == gallery.seen(), f"what it shows has changed since. Renew it: {gallery.COMMAND}"


def test_words_and_looks_count_and_prose_does_not():
    python = 'def f():\n    """Says it."""\n    # so\n    return "Run 2 requests", "key"\n'
    assert gallery.words_of(python) == ["Run 2 requests"]
    assert gallery.code_of(python) == gallery.code_of(python.replace("Says it", "Tells it").replace("# so\n", "#\n"))
    assert gallery.code_of(python) != gallery.code_of(python.replace("2", "3"))
    script = "// why\nconst a = 1;\n\n/* and\nmore */\n  f(a);\n"
    assert gallery.script_of(script) == "const a = 1;\nf(a);"
