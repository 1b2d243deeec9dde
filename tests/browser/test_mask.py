"""The mask editor: what is painted by mouse, keyboard or fingers is what Python holds, pixel by pixel."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.harness import Notebook
from tests.browser.masking import SHOWN, VIEW, at, bounds, drag, held, opened, press, resize, share, stage

CAPSULE = """
def capsule(a, b, diameter):  # the pixels within reach of the way from a to b, one by one
    (ax, ay), (bx, by), r = a, b, diameter / 2 + 1e-7
    dx, dy = bx - ax, by - ay
    def near(x, y):
        along = min(1, max(0, ((x - ax) * dx + (y - ay) * dy) / (dx * dx + dy * dy or 1)))
        return (x - ax - along * dx) ** 2 + (y - ay - along * dy) ** 2 <= r * r
    return bytes(255 * near(x + 0.5, y + 0.5) for y in range(400) for x in range(640))
"""


def test_what_the_mouse_paints_is_what_python_holds(front_end):
    nb = opened(front_end)
    expect(share(nb)).to_have_text("Nothing is painted yet: paint over what should change.")
    drag(nb, (220, 200), (420, 240))
    expect(share(nb)).to_contain_text("% of the picture will change")
    left, top, right, bottom = bounds(nb) or [0, 0, 0, 0]
    reach = 33 / 2
    assert [left, top, right, bottom] == pytest.approx([220 - reach, 200 - reach, 420 + reach, 240 + reach], abs=1.5)
    said = f"{100 * held(nb, 'editor.share'):.1f} % of the picture will change."
    expect(share(nb)).to_have_text(said)
    assert held(nb, "[editor.mask.mode, editor.mask.size, len(editor.mask.getcolors())]") == ["L", [640, 400], 2]
    nb.shot("mask-painted")


def test_it_is_painted_by_keyboard_alone(lab):
    nb = opened(lab, CAPSULE + SHOWN)
    nb.page.get_by_role("button", name="Preview").focus()
    for _ in range(3):  # two sliders, then the picture
        nb.page.keyboard.press("Tab")
    expect(stage(nb)).to_be_focused()
    resize(nb, 20)
    pace = round(4 / nb.page.evaluate(VIEW)["zoom"])
    nb.page.keyboard.down(" ")
    for _ in range(3):
        nb.page.keyboard.press("Shift+ArrowRight")
    nb.page.keyboard.up(" ")
    assert held(nb, f"editor.mask.tobytes() == capsule((320.5, 200.5), ({320.5 + 30 * pace}, 200.5), 20)")
    stage(nb).focus()  # reading the value took it away
    nb.page.keyboard.press("e")
    nb.page.keyboard.press("Enter")
    expect(nb.page.locator(".tlnb-mask-ring[data-down]")).to_be_visible()
    nb.shot("mask-keyboard")
    for _ in range(3):
        nb.page.keyboard.press("Shift+ArrowLeft")
    nb.page.keyboard.press("Enter")
    assert bounds(nb) is None
    expect(share(nb)).to_have_text("Nothing is painted yet: paint over what should change.")
    expect(nb.page.locator(".tlnb-mask-place")).to_contain_text("x 320, y 200: stays")


def test_keys_stay_in_the_editor(lab):
    """In command mode each of these would change the notebook: cells added, removed, made text."""
    nb = opened(lab)
    stage(nb).focus()
    for key in "abmrxydd[]+-01ip":
        nb.page.keyboard.press(key)
    nb.page.keyboard.press("Control+z")
    assert nb.js("return panel.content.widgets.map(cell => cell.model.type);") == ["code"]


def test_a_rectangle_by_mouse_and_by_keyboard(lab):
    nb = opened(lab)
    press(nb, "Rectangle")
    drag(nb, (100.5, 50.5), (299.5, 149.5))
    assert bounds(nb) == pytest.approx([100, 50, 300, 150], abs=1)
    stage(nb).focus()
    nb.page.keyboard.press("Control+z")
    pace = round(4 / nb.page.evaluate(VIEW)["zoom"])
    nb.page.mouse.move(*at(nb, 200.5, 100.5))
    nb.page.mouse.move(0, 0)
    nb.page.keyboard.press(" ")
    nb.page.keyboard.press("Shift+ArrowRight")
    nb.page.keyboard.press("Shift+ArrowDown")
    expect(nb.page.locator(".tlnb-mask-frame")).to_be_visible()
    nb.shot("mask-rectangle")
    nb.page.keyboard.press(" ")
    assert bounds(nb) == pytest.approx([200, 100, 201 + 10 * pace, 101 + 10 * pace], abs=1)
    nb.page.keyboard.down("Shift")
    drag(nb, (0, 0), (639, 399))
    nb.page.keyboard.up("Shift")
    assert bounds(nb) is None


def test_steps_can_be_taken_back_and_done_again(lab):
    nb = opened(lab)
    press(nb, "Rectangle")
    drag(nb, (10.5, 10.5), (59.5, 59.5))
    press(nb, "Invert")
    assert held(nb, "[editor.mask.getpixel((30, 30)), editor.mask.getpixel((300, 300))]") == [0, 255]
    press(nb, "Clear")
    assert bounds(nb) is None
    press(nb, "Undo")
    press(nb, "Undo")
    assert bounds(nb) == pytest.approx([10, 10, 60, 60], abs=1)
    press(nb, "Redo")
    assert held(nb, "editor.mask.getpixel((300, 300))") == 255
    expect(nb.page.get_by_role("button", name="Redo")).not_to_have_attribute("aria-disabled", "true")
    drag(nb, (300.5, 300.5), (320.5, 320.5))
    expect(nb.page.get_by_role("button", name="Undo")).not_to_have_attribute("aria-disabled", "true")


Touch = Callable[..., None]


@pytest.fixture
def touching() -> Callable[[Notebook], Touch]:
    """Makes what reports, as a touch screen does, where all fingers are now."""

    def on(nb: Notebook) -> Touch:
        session = nb.page.context.new_cdp_session(nb.page)

        def report(kind: str, *places: tuple[float, float]) -> None:
            points = [{"x": x, "y": y, "id": place} for place, (x, y) in enumerate(places)]
            session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

        return report

    return on


def test_one_finger_paints_and_two_zoom_and_move(lab, touching):
    nb = opened(lab)
    fingers = touching(nb)
    fingers("touchStart", at(nb, 300, 200))
    for step in range(1, 6):
        fingers("touchMove", at(nb, 300 + 20 * step, 200))
    fingers("touchEnd")
    assert bounds(nb) == pytest.approx([300 - 16.5, 200 - 16.5, 400 + 16.5, 200 + 16.5], abs=1.5)
    painted = held(nb, "editor.share")
    a, b = at(nb, 100, 100), at(nb, 200, 100)
    zoom = nb.page.locator(".tlnb-mask-zoom")
    before = zoom.text_content() or ""
    fingers("touchStart", a)
    fingers("touchMove", (a[0] - 3, a[1]))
    fingers("touchStart", (a[0] - 3, a[1]), b)
    for step in range(1, 6):
        fingers("touchMove", (a[0] - 10 * step, a[1]), (b[0] + 10 * step, b[1] + 4 * step))
    fingers("touchEnd")
    expect(zoom).not_to_have_text(before)
    nb.shot("mask-pinched")
    assert held(nb, "editor.share") == painted


def test_a_broken_off_touch_paints_nothing(lab, touching):
    nb = opened(lab)
    fingers = touching(nb)
    fingers("touchStart", at(nb, 300, 200))
    fingers("touchMove", at(nb, 340, 200))
    fingers("touchCancel")
    assert bounds(nb) is None
    drag(nb, (300, 200), (340, 200))
    assert bounds(nb)


def test_the_picture_moves_with_space_and_with_the_middle_button(lab):
    nb = opened(lab)
    stage(nb).focus()
    nb.page.keyboard.press("1")
    nb.page.keyboard.press("+")
    nb.page.keyboard.press("+")
    shot = "() => document.querySelector('.tlnb-mask-canvas').toDataURL()"
    views = [nb.page.evaluate(shot)]
    nb.page.keyboard.down(" ")
    drag(nb, (320, 200), (280, 180))
    nb.page.keyboard.up(" ")
    nb.wait_for(f"old => ({shot})() !== old", views[0])
    views.append(nb.page.evaluate(shot))
    nb.page.mouse.move(*at(nb, 320, 200))
    nb.page.mouse.down(button="middle")
    nb.page.mouse.move(*at(nb, 340, 230), steps=3)
    nb.page.mouse.up(button="middle")
    nb.wait_for(f"old => ({shot})() !== old", views[1])
    assert bounds(nb) is None
