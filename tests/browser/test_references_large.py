"""What the reference picker says of large, wrong, many and hostile files, and while the kernel is at work."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.test_pictures import HOLD, let_go
from tests.browser.test_references import (
    PICKER,
    added,
    cards,
    choose,
    given,
    names,
    noise,
    opened,
    picker,
    picture,
    settled,
    sources,
)

BIG = (4200, 1000)


@pytest.mark.parametrize(
    ("name", "data", "answer", "size", "kind"),
    [
        ("big.jpg", noise(BIG, "JPEG"), "Scale down to 2048 px", [2048, 488], "image/jpeg"),
        ("flat.png", noise(BIG, "PNG"), "Scale down to 2048 px", [2048, 488], "image/jpeg"),
        ("clear.png", noise(BIG, "PNG", "RGBA"), "Scale down to 2048 px", [2048, 488], "image/png"),
        ("big.jpg", noise(BIG, "JPEG"), "Keep as it is", [4200, 1000], "image/jpeg"),
    ],
    ids=["jpeg", "png", "transparent", "kept"],
)
def test_a_large_picture_is_scaled_down_only_where_the_user_agrees(lab, name, data, answer, size, kind):
    nb = opened(lab)
    choose(nb, given(name, data))
    question = cards(nb).get_by_role("button", name=answer)
    expect(question).to_be_visible()
    expect(picker(nb)).to_have_attribute("data-busy", "true")
    expect(picker(nb)).to_contain_text("1 large picture waits for your answer.")
    assert nb.value("[len(picker.value), picker.is_busy]") == [0, True]
    nb.cell(0)
    question.click()
    settled(nb, 1)
    found = nb.value("[[s.width, s.height, s.media_type] for s in picker.value]")
    assert found == [[*size, kind]]
    if answer.startswith("Scale"):
        nb.cell(0)
        expect(cards(nb)).to_contain_text("scaled down from 4,200 \u00d7 1,000")


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("moving.gif", b"GIF89a", "It is a GIF picture. Save it as PNG, JPEG or WebP."),
        ("drawing.png", b"<svg onload='attacked=1'></svg>", "It is an SVG drawing."),
        ("nothing.png", b"", "It is empty (0 bytes)."),
        ("text.jpg", b"hello", "It is no picture that is known here."),
        ("cut.png", picture()[:60], "damaged or cut short"),
    ],
    ids=["gif", "svg", "empty", "text", "cut short"],
)
def test_what_is_no_picture_is_refused_in_words(lab, name, data, said):
    nb = opened(lab)
    choose(nb, given(name, data), given("fox.png", picture()))
    settled(nb, 2)
    expect(cards(nb).filter(has_text=name)).to_contain_text(said)
    expect(cards(nb).filter(has_text="fox.png")).to_contain_text("1st")
    assert nb.value("[len(picker.value), picker.is_busy]") == [1, False]
    nb.cell(0)
    cards(nb).filter(has_text=name).get_by_role("button", name="Remove").click()
    settled(nb, 1)


def test_too_large_a_file_does_not_travel(lab):
    nb = opened(lab, PICKER.replace("\npicker\n", "\npicker.most_bytes = 1000\npicker\n"))
    choose(nb, given("grain.png", noise((200, 200), "PNG")))
    expect(cards(nb)).to_contain_text("1 kB at most. Make it smaller first.")
    assert nb.value("[len(picker.cards), picker.is_busy]") == [0, False]


def test_seventeen_pictures_are_all_shown_and_told_of(lab):
    nb = opened(lab, height=1400)
    added(nb, 17)
    assert len(nb.value("[s.sha256 for s in picker.value]")) == 17
    nb.cell(0)
    expect(picker(nb)).to_contain_text("17 pictures were given")
    expect(cards(nb).nth(16)).to_contain_text("One too many for gpt-image-2: 16 at most.")
    expect(cards(nb).nth(3)).to_contain_text("One too many for modest: 3 at most.")
    expect(cards(nb).nth(3)).not_to_contain_text("gpt-image-2")
    expect(cards(nb).nth(2)).not_to_contain_text("One too many")


def test_while_a_cell_runs_files_wait_and_say_so(lab):
    nb = opened(lab)
    nb.add(HOLD + "hold('held')")
    nb.start(1)
    nb.cell(0)
    choose(nb, given("fox.png", picture()), given("den.png", picture("brown")))
    expect(picker(nb)).to_contain_text("2 pictures are still on their way.")
    expect(picker(nb)).to_contain_text("when the running cell ends")
    expect(picker(nb)).to_have_attribute("data-busy", "true")
    let_go(nb, "held")
    nb.wait_done()
    nb.cell(0)
    settled(nb, 2)
    assert sources(nb) == ["fox.png", "den.png"]


def test_a_hostile_name_is_text(lab):
    nb = opened(lab)
    name = "<img src=x onerror=attacked=1>.png"
    choose(nb, given(name, picture()), given(name, b"GIF89a"))
    settled(nb, 2)
    assert names(nb) == [name, name]
    assert nb.page.evaluate("() => window.attacked") is None
    assert picker(nb).locator("img[src=x]").count() == 0


def test_large_pictures_are_answered_for_together(lab):
    nb = opened(lab)
    files = [given(f"{number}.jpg", noise((4200, 300), "JPEG")) for number in range(2)]
    choose(nb, *files)
    expect(picker(nb)).to_contain_text("2 large pictures wait for your answer.")
    picker(nb).get_by_role("button", name="Scale all down").click()
    settled(nb, 2)
    assert nb.value("[source.width for source in picker.value]") == [2048, 2048]
