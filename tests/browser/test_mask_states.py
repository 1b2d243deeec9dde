"""The mask editor and the kernel: imports, reloads, cells that block, pictures that change, a kernel that is gone."""

from __future__ import annotations

import base64

import pytest
from PIL import Image
from playwright.sync_api import expect

from tests.browser.masking import PICTURE, SHOWN, bounds, drag, held, opened, press, ready, share, stage
from tests.browser.test_pictures import HOLD, let_go

BLACK = """
import tokenlab_nb as tl
from PIL import Image

editor = tl.MaskEditor(Image.new("RGB", {size}))
editor
"""


def grain(width: int, height: int) -> Image.Image:
    """A mask of single pixels, which no form makes short."""
    return Image.effect_noise((width, height), 100).point(lambda grey: 255 * (grey > 127))


def test_a_mask_is_imported_from_a_file(lab, tmp_path):
    nb = opened(lab)
    mask = Image.new("L", (640, 400))
    mask.paste(255, (40, 50, 140, 150))
    mask.save(tmp_path / "mask.png")
    Image.new("L", (64, 40), 255).save(tmp_path / "small.png")
    picker = nb.page.locator(".tlnb-mask input[type=file]")
    picker.set_input_files(tmp_path / "mask.png")
    expect(nb.page.locator(".tlnb-mask-note")).to_have_text("Imported mask.png.")
    expect(share(nb)).to_have_text("3.9 % of the picture will change.")
    assert bounds(nb) == [40, 50, 140, 150]
    picker.set_input_files(tmp_path / "small.png")
    expect(nb.page.locator(".tlnb-mask").get_by_role("alert")).to_contain_text("64x40")
    expect(nb.page.locator(".tlnb-mask-note")).to_have_text("Not imported.")
    nb.shot("mask-refused")
    assert bounds(nb) == [40, 50, 140, 150]
    press(nb, "Undo")
    assert bounds(nb) is None


def test_a_large_mask_travels_in_parts_both_ways(lab, tmp_path):
    size = (3000, 3000)
    nb = opened(lab, BLACK.format(size=size))
    grain(*size).save(tmp_path / "grain.png")
    assert (tmp_path / "grain.png").stat().st_size > 1_100_000
    nb.page.locator(".tlnb-mask input[type=file]").set_input_files(tmp_path / "grain.png")
    expect(nb.page.locator(".tlnb-mask-note")).to_have_text("Imported grain.png.")
    nb.path.with_name("grain.png").write_bytes((tmp_path / "grain.png").read_bytes())
    same = "editor.mask.tobytes() == Image.open('grain.png').convert('L').tobytes()"
    assert held(nb, same)
    press(nb, "Invert")
    assert not held(nb, same)
    press(nb, "Invert")
    assert held(nb, same)


LISTEN = """() => {
    const send = WebSocket.prototype.send;
    window.sent = [];
    WebSocket.prototype.send = function (data) {
        const text = typeof data === 'string' ? data : new TextDecoder().decode(data);
        if (text.includes('"type":"mask"')) window.sent.push(data.byteLength ?? data.length);
        return send.call(this, data);
    };
}"""


def test_a_long_stroke_on_a_large_picture_is_one_short_message(lab):
    nb = opened(lab, BLACK.format(size=(3840, 2160)))
    nb.page.evaluate(LISTEN)
    box = stage(nb).bounding_box()
    assert box
    nb.page.mouse.move(box["x"] + 20, box["y"] + 20)
    nb.page.mouse.down()
    for turn in range(1, 9):
        across = box["width"] - 40 if turn % 2 else 20
        nb.page.mouse.move(box["x"] + across, box["y"] + 20 + turn * (box["height"] - 40) / 8, steps=10)
    assert nb.page.evaluate("window.sent") == []
    nb.page.mouse.up()
    [size] = nb.page.evaluate("window.sent")
    assert size < 150_000
    assert held(nb, "editor.share") > 0.2


DROP = """([data, name]) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    const dataTransfer = new DataTransfer();
    dataTransfer.items.add(new File([bytes], name, {type: 'image/png'}));
    const stage = document.querySelector('.tlnb-mask-stage');
    for (const type of ['dragover', 'drop']) {
        stage.dispatchEvent(new DragEvent(type, {dataTransfer, bubbles: true, cancelable: true}));
    }
}"""


def test_a_mask_can_be_dropped(lab, tmp_path):
    nb = opened(lab)
    mask = Image.new("L", (640, 400))
    mask.paste(255, (0, 0, 640, 200))
    mask.save(tmp_path / "half.png")
    data = base64.b64encode((tmp_path / "half.png").read_bytes()).decode()
    nb.page.evaluate(DROP, [data, "half.png"])
    expect(share(nb)).to_have_text("50.0 % of the picture will change.")
    assert held(nb, "editor.share") == 0.5


def test_picture_and_mask_are_back_after_a_reload(front_end):
    nb = opened(front_end)
    drag(nb, (220, 200), (420, 240))
    before = bounds(nb)
    said = share(nb).text_content()
    nb.save()
    nb.reload()
    nb.cell(0)
    ready(nb)
    expect(share(nb)).to_have_text(said or "")
    drag(nb, (30, 30), (40, 30))
    after = bounds(nb)
    assert before
    assert after
    assert after[2:] == before[2:]
    assert after[:2] == pytest.approx([30 - 16.5, 30 - 16.5], abs=1.5)


def test_painting_goes_on_while_a_cell_blocks(lab):
    nb = lab.open_cells([PICTURE + HOLD + "display(editor)\nhold('painted')"], "mask.ipynb")
    nb.start(0)
    ready(nb)
    drag(nb, (220, 200), (420, 240))
    expect(share(nb)).to_contain_text("% of the picture will change")
    expect(nb.page.locator(".tlnb-mask-note")).to_contain_text("waits until the running cell has ended")
    nb.shot("mask-blocked")
    let_go(nb, "painted")
    nb.wait_done()
    expect(nb.page.locator(".tlnb-mask-note")).to_have_text("")
    assert bounds(nb)


RUN = (
    PICTURE
    + """
import ipywidgets as w

button, label = w.Button(description="Run"), w.Label("")
button.on_click(lambda _: setattr(label, "value", f"ran with {len(editor.mask.getbbox())} sides"))
w.VBox([editor, button, label])
"""
)

CLICK_AT_ONCE = """() => document.querySelector('.tlnb-mask-stage').addEventListener('pointerup', () => {
    [...document.querySelectorAll('button')].find(button => button.textContent.trim() === 'Run').click();
})"""


def test_a_click_right_after_a_stroke_does_not_overtake_it(lab):
    nb = opened(lab, RUN)
    nb.page.evaluate(CLICK_AT_ONCE)
    drag(nb, (220, 200), (420, 240))
    expect(nb.page.get_by_text("ran with 4 sides")).to_be_visible()


def test_a_mask_that_python_cannot_have_any_more_is_said(lab):
    nb = opened(lab)
    nb.restart()
    drag(nb, (220, 200), (420, 240))
    expect(nb.page.locator(".tlnb-mask-note")).to_contain_text("Mask not saved: the kernel is gone.")
    nb.shot("mask-dead")
    lab.errors[:] = [error for error in lab.errors if "Cannot send" not in error]


def test_another_picture_and_a_mask_from_code(lab):
    nb = opened(lab)
    drag(nb, (220, 200), (420, 240))
    nb.run(nb.add("editor.image = picture.rotate(180)"))
    expect(nb.page.locator(".tlnb-mask-note")).to_have_text("The mask is kept: this picture has the same size.")
    assert bounds(nb)
    nb.run(nb.add("editor.image = picture.resize((320, 400))"))
    note = nb.page.locator(".tlnb-mask-note")
    expect(note).to_have_text("The mask was dropped: it had 640 x 400 pixels, this picture has 320 x 400 pixels.")
    expect(share(nb)).to_have_text("Nothing is painted yet: paint over what should change.")
    nb.run(nb.add("editor.mask = Image.linear_gradient('L').resize((320, 400))"))
    expect(share(nb)).to_contain_text("50.0 % of the picture will change.")
    nb.run(nb.add("editor.image = None"))
    expect(nb.page.locator(".tlnb-mask-empty")).to_contain_text("No picture yet.")
    nb.shot("mask-empty")


def test_two_views_show_one_mask(lab):
    nb = lab.open_cells([SHOWN, "editor"], "mask.ipynb", height=1800)
    nb.run_all()
    expect(nb.page.locator(".tlnb-mask")).to_have_count(2)
    for words in nb.page.locator(".tlnb-mask-empty").all():
        expect(words).to_be_hidden()
    drag(nb, (220, 200), (420, 240))
    first, second = nb.page.locator(".tlnb-mask-share").all()
    expect(first).to_contain_text("% of the picture will change")
    expect(second).to_have_text(first.text_content() or "")


NAMELESS = """() => [...document.querySelectorAll('.tlnb-mask :is(button, input, [tabindex="0"])')]
    .filter(node => node.checkVisibility() && !node.getAttribute('aria-label')).map(node => node.outerHTML)"""


def test_everything_has_a_name_and_toolbars_are_walked_with_arrows(lab):
    nb = opened(lab)
    assert nb.page.evaluate(NAMELESS) == []
    nb.page.get_by_role("button", name="Brush").focus()
    nb.page.keyboard.press("ArrowRight")
    expect(nb.page.get_by_role("button", name="Eraser")).to_be_focused()
    nb.page.keyboard.press("Enter")
    expect(nb.page.get_by_role("button", name="Eraser")).to_have_attribute("aria-pressed", "true")
    nb.page.keyboard.press("Tab")
    expect(nb.page.get_by_role("button", name="Undo")).to_be_focused()
    expect(stage(nb)).to_have_accessible_name("Mask over a picture of 640 by 400 pixels")


@pytest.mark.parametrize("theme", ["light", "dark", "contrast"])
def test_nothing_is_cut_off_in_any_theme_or_width(lab, theme):
    nb = opened(lab)
    drag(nb, (100, 200), (420, 240))
    nb.theme(theme)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    nb.wait_for("() => !document.querySelector('#jupyterlab-splash')")  # it lies over the page for a while
    press(nb, "Preview")
    nb.shot(f"mask-preview-{theme}")
    press(nb, "Preview")
    stage(nb).focus()
    nb.page.keyboard.press("ArrowLeft")
    for width in (1280, 480):
        nb.resize(width)
        nb.wait_for(
            "() => { const box = document.querySelector('.tlnb-mask'); return box.scrollWidth <= box.clientWidth + 1; }"
        )
        nb.shot(f"mask-{theme}-{width}")
