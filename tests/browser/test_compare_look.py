"""Looking closely: panes at one zoom and place, each held against the base."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.looking import (
    MIXED,
    NINE,
    OFFSET,
    PLACES,
    SESSION,
    dialog,
    facts,
    keys,
    loaded,
    look_at,
    opened,
    panes,
    shown,
    true_colours,
    view,
)

SOON = 30_000
BASE_SMALL, BASE_WIDE, OTHER_WIDE = 0, 2, 6  # cells of MIXED


def near(colours, truth, slack=0):
    """Whether what is in sight has the true colours; how much of it was in sight."""
    pairs = [(a, b) for a, b in zip(colours, truth, strict=True) if a is not None]
    assert all(abs(x - y) <= slack for a, b in pairs for x, y in zip(a, b, strict=True)), (colours, truth)
    return len(pairs)


@pytest.mark.parametrize(("count", "more"), [(2, []), (4, ["n", "n"]), (9, ["a"])])
def test_the_same_pixel_lies_at_the_same_place_in_all_panes(lab, count, more):
    nb = lab.open_cells([NINE + "grid.wait()", "grid"], width=1400)
    nb.run_all()
    truth = true_colours(nb, PLACES)
    look_at(nb, 1)
    keys(nb, *more)
    expect(panes(nb)).to_have_count(count)
    loaded(nb)
    nb.shot(f"look-{count}-panes")
    for moves in (["1"], ["ArrowLeft", "ArrowUp", "ArrowUp"], ["+"] * 5, ["Shift+ArrowRight", "ArrowDown"]):
        keys(nb, *moves)
        scale, x, y = view(nb)
        places = [*PLACES, (round(x), round(y))] if scale == 1 else PLACES
        found = shown(nb, places)
        if scale == 1:
            seen = [near(colours[: len(PLACES)], true) for colours, true in zip(found, truth, strict=False)]
            assert all(colours[-1] is not None for colours in found)
        elif scale >= 3:
            seen = [near(colours, true) for colours, true in zip(found, truth, strict=False)]
        assert len(set(seen)) == 1, "not the same places are in sight"
    assert scale > 3


def test_wheel_and_drag_move_all_panes_and_the_wheel_keeps_what_is_under_the_pointer(lab):
    nb = opened(lab, width=1400)
    keys(nb, "n", "1")
    expect(panes(nb)).to_have_count(3)
    box = nb.page.locator(".tlnb-look-ground").nth(2).bounding_box()
    at = (round(box["x"] + box["width"] / 2) + 40, round(box["y"] + box["height"] / 2) - 30)  # events tell whole pixels
    away = (at[0] - box["x"] - box["width"] / 2, at[1] - box["y"] - box["height"] / 2)
    nb.page.mouse.move(*at)

    def under_pointer():
        scale, x, y = view(nb)
        return x + away[0] / scale, y + away[1] / scale

    before = under_pointer()
    nb.page.mouse.wheel(0, -600)
    nb.wait_for("() => JSON.parse(document.querySelector('.tlnb-look-stage').dataset.view)[0] > 3")
    assert under_pointer() == pytest.approx(before, abs=0.01)
    scale, x, y = view(nb)
    nb.page.mouse.down()
    nb.page.mouse.move(at[0] + 50, at[1] + 40, steps=5)
    nb.page.mouse.up()
    assert view(nb) == pytest.approx([scale, x - 50 / scale, y - 40 / scale], abs=0.01)
    crosses = nb.page.locator(".tlnb-look-cross:visible")
    expect(crosses).to_have_count(2)
    found = nb.js(
        "return [...document.querySelectorAll('.tlnb-look-pane:not(:hover) .tlnb-look-cross')].map(node => {"
        " const a = node.getBoundingClientRect(), b = node.parentElement.getBoundingClientRect();"
        " return [a.x + a.width / 2 - b.x - b.width / 2, a.y + a.height / 2 - b.y - b.height / 2]; });"
    )
    assert found == [pytest.approx([away[0] + 50, away[1] + 40], abs=1)] * 2
    nb.page.mouse.dblclick(*at)
    expect(nb.page.get_by_role("button", name="Fit into the panes")).to_have_attribute("aria-pressed", "true")


DIFFERENCE = """
from PIL import ImageChops

def difference(a, b):
    a, b = [grid.cells[each].images[0].pil.convert("RGB") for each in (a, b)]
    if a.size != b.size:
        b = b.crop((128, 0, 896, 768))
    red, green, blue = ImageChops.difference(a, b).split()
    most = ImageChops.lighter(ImageChops.lighter(red, green), blue).histogram()
    count = sum(most)
    mean = sum(value * many for value, many in enumerate(most)) / count
    share = 100 * (count - most[0]) / count
    largest = max(value for value, many in enumerate(most) if many)
    return f"{share:.1f} % of the pixels differ: mean {mean:.1f}, largest {largest} of 255"
"""


@pytest.mark.parametrize(("cell", "offset"), [(1, 0), (OTHER_WIDE, OFFSET)])
def test_a_difference_is_right_on_every_pixel(lab, cell, offset):
    nb = lab.open_cells([MIXED + DIFFERENCE + "grid.wait()", "grid"])
    nb.run_all()
    near_middle = [(384, 384), (301, 500), (450, 230), (500, 610)]
    truth = true_colours(nb, near_middle)[BASE_SMALL]
    other = true_colours(nb, [(x - offset, y) for x, y in near_middle])[cell]
    words = nb.value(f"difference({BASE_SMALL}, {cell})")
    apart = [[abs(x - y) for x, y in zip(a, b, strict=True)] for a, b in zip(truth, other, strict=True)]
    assert any(value > 20 for each in apart for value in each)
    look_at(nb, cell)
    keys(nb, "d", "1", ",", ",")
    expect(panes(nb)).to_have_count(1)
    expect(facts(nb)).to_contain_text(words, timeout=SOON)
    if offset:
        expect(facts(nb)).to_contain_text("only the 768 \u00d7 768 that lie on each other are compared")
    expect(nb.page.get_by_role("slider", name="Gain")).to_have_attribute("aria-valuetext", "\u00d7 1")
    assert near(shown(nb, near_middle)[0], apart) == len(near_middle)
    keys(nb, ".", ".", ".")
    expect(nb.page.get_by_role("slider", name="Gain")).to_have_attribute("aria-valuetext", "\u00d7 8")
    assert near(shown(nb, near_middle)[0], [[min(255, 8 * value) for value in each] for each in apart])
    nb.shot(f"look-difference-{cell}")


def test_sizes_that_differ_are_said_and_scaled_only_on_request(lab):
    nb = lab.open_cells([MIXED + "grid.wait()", "grid"])
    nb.run_all()
    truth = true_colours(nb, PLACES)
    look_at(nb, OTHER_WIDE)
    expect(facts(nb, 1)).to_have_text("1024 \u00d7 768 PNG · another size than the base: not scaled, middle on middle")
    keys(nb, "1")
    found = shown(nb, PLACES, [0, OFFSET])
    assert near(found[0], truth[BASE_SMALL])
    assert near(found[1], truth[OTHER_WIDE])
    match = nb.page.get_by_role("radiogroup", name="Match pictures of different sizes")
    expect(match.get_by_label("By pixels")).to_be_checked()
    keys(nb, "m")
    expect(match.get_by_label("By frame")).to_be_checked()
    expect(facts(nb, 1)).to_have_text(
        "1024 \u00d7 768 PNG · scaled to 75 % to fit the base's 768 \u00d7 768, another shape"
    )
    keys(nb, "0")
    nb.shot("look-by-frame")
    keys(nb, "d")
    expect(facts(nb)).to_contain_text("pixels differ", timeout=SOON)
    expect(facts(nb)).to_contain_text("A 768 \u00d7 768, B 1024 \u00d7 768 PNG · scaled to 75 %")
    keys(nb, "s", "o")
    expect(match).to_be_hidden()


def test_a_wipe_shows_the_base_on_the_left_and_the_other_on_the_right(lab):
    nb = lab.open_cells([NINE + "grid.wait()", "grid"])
    nb.run_all()
    row = [(x, 300) for x in range(204, 564, 40)]
    a, b = true_colours(nb, row)[:2]
    look_at(nb, 1)
    keys(nb, "w", "1")
    slider = nb.page.get_by_role("slider", name="Wipe")

    def is_split():
        """Where the colours change from A's to B's, as a share of the pane."""
        [found] = shown(nb, row)
        width = nb.js("return document.querySelector('.tlnb-look-canvas').width;")
        share = int(slider.get_attribute("aria-valuetext").split()[0]) / 100
        _, x, _ = view(nb)
        for place, colour, left, right in zip(row, found, a, b, strict=True):
            at = (place[0] + 0.5 - x + width / 2) / width
            assert colour == (left if at < share else right), (place, at, share)
        return share

    assert is_split() == 0.5
    expect(nb.page.locator(".tlnb-look-badge:visible")).to_have_text(["A · seed 1", "B · seed 2"])
    slider.focus()
    keys(nb, *["ArrowLeft"] * 7)
    assert is_split() == pytest.approx(0.43)
    nb.page.locator(".tlnb-look-stage").focus()
    keys(nb, ".", ".")
    assert is_split() == pytest.approx(0.53)
    box = nb.page.locator(".tlnb-look-ground").bounding_box()
    nb.page.mouse.move(box["x"] + box["width"] * 0.53, box["y"] + 40)
    nb.page.mouse.down()
    nb.page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 60, steps=4)
    nb.page.mouse.up()
    assert is_split() == pytest.approx(0.6, abs=0.011)
    nb.shot("look-wipe")


def test_a_flicker_always_says_which_is_shown(lab):
    nb = lab.open_cells([NINE + "grid.wait()", "grid"])
    nb.run_all()
    truth = true_colours(nb, PLACES)
    look_at(nb, 1)
    keys(nb, "1", "f")
    badge = nb.page.locator(".tlnb-look-badge:visible")
    for text in ("A · seed 1", "B · seed 2", "A · seed 1"):
        expect(badge).to_have_text(text, timeout=SOON)  # by itself
    keys(nb, " ")
    expect(nb.page.get_by_role("button", name="Play: flip by itself")).to_be_visible()
    for _ in range(2):
        text = badge.text_content()
        assert near(shown(nb, PLACES)[0], truth[0 if text.startswith("A") else 1])
        keys(nb, " ")
        expect(badge).not_to_have_text(text)
    keys(nb, ".")
    slider = nb.page.get_by_role("slider", name="Each for")
    expect(slider).to_have_attribute("aria-valuetext", "1.2 s")
    assert float(slider.get_attribute("min")) >= 1 / 3, "more than three flashes a second can hurt"
    nb.shot("look-flicker")
    keys(nb, "p")
    expect(nb.page.get_by_role("button", name="Pause")).to_be_visible()


def test_a_flicker_does_not_start_by_itself_where_less_motion_is_wanted(lab):
    nb = opened(lab)
    nb.page.emulate_media(reduced_motion="reduce")
    keys(nb, "f")
    expect(nb.page.get_by_role("button", name="Play: flip by itself")).to_be_visible()
    expect(nb.page.locator(".tlnb-look-note")).to_contain_text("asks for less motion")
    badge = nb.page.locator(".tlnb-look-badge:visible")
    expect(badge).to_have_text("A · seed 1")
    keys(nb, " ")
    expect(badge).to_have_text("B · seed 2")


def test_everything_by_keyboard(lab):
    nb = opened(lab, MIXED, OTHER_WIDE)
    marked = nb.page.locator(".tlnb-look-pane[aria-current] .tlnb-look-name")
    stage = nb.page.locator(".tlnb-look-stage")
    expect(stage).to_be_focused()
    expect(marked).to_have_text("A teal teapot at noon · size 1024x768")
    expect(nb.page.locator(".tlnb-look-common")).to_have_text("In all of them: z-image · seed 1")
    keys(nb, "]")
    expect(panes(nb)).to_have_count(2)
    expect(nb.page.locator(".tlnb-look-place")).to_have_text("8 of 8")
    keys(nb, "]", "[", "[")
    expect(nb.page.locator(".tlnb-look-place")).to_have_text("6 of 8")
    for key, count in (("a", 8), ("v", 2), ("n", 3), ("Delete", 2), ("o", 1), ("v", 2)):
        keys(nb, key)
        expect(panes(nb)).to_have_count(count)
    keys(nb, "b")
    base = nb.page.locator(".tlnb-look-mark:visible")
    expect(base).to_have_count(1)
    expect(panes(nb).filter(has=base).locator(".tlnb-look-name")).to_contain_text("A teal teapot")
    expect(nb.page.get_by_role("button", name="Hold the others against")).to_have_attribute("aria-disabled", "true")
    for key, name in (("w", "Wipe"), ("f", "Flicker"), ("d", "Difference"), ("s", "Side by side")):
        keys(nb, key)
        expect(nb.page.get_by_role("radiogroup", name="How to compare").get_by_label(name)).to_be_checked()
    keys(nb, "?")
    expect(nb.page.locator(".tlnb-look-keylist")).to_be_visible()
    for _ in range(40):  # the page behind is out of reach
        keys(nb, "Tab")
        assert nb.js("return document.activeElement.matches('body, dialog.tlnb-look, dialog.tlnb-look *');")
    keys(nb, "Escape")
    expect(dialog(nb)).to_be_hidden()
    expect(nb.page.locator(".tlnb-look canvas")).to_have_count(0)
    assert nb.js("return !!document.activeElement.closest('.tlnb-compare');")


def test_a_cell_without_a_picture_says_why(lab):
    code = SESSION + 'grid = session.compare(["z-image", "no-such-model"], "A red fox", size="768x768")\n'
    nb = lab.open_cells([code + "grid.wait()", "grid"])
    nb.run_all()
    look_at(nb, 0)
    keys(nb, "n")
    expect(nb.page.locator(".tlnb-look-words").nth(1)).to_contain_text("Impossible: ")
    keys(nb, "d")
    expect(nb.page.locator(".tlnb-look-words")).to_contain_text("Impossible: ")
    keys(nb, "b")
    expect(nb.page.locator(".tlnb-look-words")).to_have_text("The base has no picture: make another one the base.")


def test_every_picture_of_a_cell_can_be_looked_at(lab):
    nb = opened(lab, SESSION + 'grid = session.compare("qwen-image", "A red fox", n=[1, 3], seed=7)\n', 1)
    names = nb.page.locator(".tlnb-look-name")
    expect(names).to_have_text(["pictures 1", "pictures 3 · picture 1 of 3"])
    keys(nb, "]")
    expect(names.nth(1)).to_contain_text("picture 2 of 3")
    keys(nb, "a")
    expect(panes(nb)).to_have_count(4)
    keys(nb, "o", "b", "v", "[")
    expect(names).to_have_text(["picture 2 of 3", "picture 1 of 3"])  # the base first


def test_two_fingers_zoom_and_move(lab):
    nb = opened(lab)
    keys(nb, "1")
    box = nb.page.locator(".tlnb-look-ground").nth(1).bounding_box()
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    before = view(nb)
    touch = nb.page.context.new_cdp_session(nb.page)

    def fingers(kind, apart):
        points = [{"x": middle[0] + side * apart, "y": middle[1], "id": number} for number, side in enumerate((-1, 1))]
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points if kind != "touchEnd" else []})

    fingers("touchStart", 40)
    for apart in (60, 90, 120):
        fingers("touchMove", apart)
    fingers("touchEnd", 120)
    scale, x, y = view(nb)
    assert scale == pytest.approx(3, abs=0.1)
    assert (x, y) == pytest.approx(before[1:], abs=2)


def test_all_about_the_marked_cell_stands_beside_the_pictures(lab):
    nb = opened(lab, MIXED, OTHER_WIDE, width=1400)
    details = dialog(nb).get_by_role("complementary", name="Details of a cell")
    expect(details).to_be_hidden()
    keys(nb, "i")
    expect(details).to_contain_text("A teal teapot at noon")
    keys(nb, "[")
    expect(details.get_by_role("columnheader", name="Base")).to_be_visible()
    expect(details).to_contain_text("768x768")
    nb.shot("look-details")
    keys(nb, "i")
    expect(details).to_be_hidden()


def test_a_busy_kernel_is_said_and_previews_are_shown_meanwhile(lab):
    wait = "import pathlib, time\nwhile not pathlib.Path('go').exists():\n    time.sleep(0.05)"
    nb = lab.open_cells([NINE + "grid.wait()", "grid", wait])
    nb.run(0)
    nb.run(1)
    for cell in (0, 1):
        expect(nb.cell(1).locator(f".tlnb-cell[data-index='{cell}'] img[src^=blob]")).to_be_visible(timeout=SOON)
    nb.start(2)
    nb.cell(1).locator(".tlnb-cell[data-index='1']").focus()
    keys(nb, "Enter")
    note = nb.page.locator(".tlnb-look-note")
    expect(note).to_contain_text("The kernel is busy", timeout=SOON)
    expect(facts(nb)).to_contain_text("preview")
    assert all(colour for [colour] in shown(nb, [(384, 384)]))
    (nb.path.parent / "go").write_text("")
    loaded(nb)
    expect(note).to_be_empty()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(lab, theme):
    nb = opened(lab, MIXED, OTHER_WIDE, width=1600)
    nb.theme(theme)
    for key in "swfd":
        keys(nb, key)
        loaded(nb)
        assert violations(dialog(nb)) == []
        nb.shot(f"look-{key}-{theme}-1600")
    keys(nb, "a")
    loaded(nb)
    assert violations(dialog(nb)) == []
    nb.shot(f"look-all-differences-{theme}-1600")
    keys(nb, "s")
    nb.shot(f"look-all-{theme}-1600")
    nb.resize(700)
    nb.shot(f"look-all-{theme}-700")
    keys(nb, "v", "w")
    nb.shot(f"look-w-{theme}-700")
    narrow = "const bar = document.querySelector('.tlnb-look'); return bar.scrollWidth <= bar.clientWidth;"
    assert nb.js(narrow)
