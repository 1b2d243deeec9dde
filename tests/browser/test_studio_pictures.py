"""The Studio with pictures: one is handed in, a part of it painted over and sent, and the result's pixels looked at."""

from __future__ import annotations

import io

from PIL import Image, ImageDraw
from playwright.sync_api import Locator, expect

from tests.browser.harness import Notebook
from tests.browser.test_pictures import pictures
from tests.browser.test_references import given, noise
from tests.browser.test_studio import choose, opened, run_button, studio, write

SIZE = (480, 360)
CHANGED = """
def changed(job, mask):
    from io import BytesIO
    from PIL import ImageChops
    before = studio.inputs.references.original(0)
    before = __import__("PIL.Image").Image.open(BytesIO(before)).convert("RGB")
    after = job.images[0].pil.convert("RGB")
    difference = ImageChops.difference(before, after).convert("L").point(lambda v: 255 if v else 0)
    outside = ImageChops.subtract(difference, mask)
    inside = ImageChops.multiply(difference, mask)
    return {
        "size": list(after.size),
        "outside": outside.histogram()[255],
        "inside": inside.histogram()[255] / max(1, mask.histogram()[255]),
        "painted": mask.histogram()[255],
    }
"""


def picture() -> bytes:
    """A picture with something everywhere, so that nothing in it could be kept or changed by chance."""
    image = Image.merge("RGB", [Image.linear_gradient("L").rotate(turn).resize(SIZE) for turn in (0, 90, 180)])
    ImageDraw.Draw(image).ellipse((150, 90, 330, 270), fill=(250, 210, 40))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def flow(nb: Notebook, label: str) -> Locator:
    return studio(nb).get_by_role("radio", name=label)


def hand_in(nb: Notebook, count: int = 1) -> None:
    file = {"name": "room.png", "mimeType": "image/png", "buffer": picture()}
    studio(nb).locator(".tlnb-refs input[type=file]").set_input_files([file])
    expect(studio(nb).locator(".tlnb-refs-card")).to_have_count(count)
    expect(studio(nb).locator(".tlnb-refs")).not_to_have_attribute("data-busy", "true")


def begun(nb: Notebook) -> Locator:
    """A Studio in which a picture lies under the brush."""
    choose(nb, "gpt-image-2")
    flow(nb, "Edit a part").click()
    hand_in(nb)
    canvas = studio(nb).locator(".tlnb-mask-stage")
    expect(canvas).to_be_visible()
    expect(studio(nb).locator(".tlnb-mask-empty")).to_be_hidden()
    canvas.scroll_into_view_if_needed()
    return canvas


def proof(nb: Notebook) -> dict[str, float]:
    """What changed in the newest result, inside and outside of what was painted."""
    return nb.value(
        "(exec(open('changed.py').read(), globals()), changed(studio.jobs[-1], studio.inputs.mask.mask))[1]"
    )


def prepare(nb: Notebook) -> None:
    nb.path.with_name("changed.py").write_text(CHANGED, "utf-8")


def paint(nb: Notebook, canvas: Locator, *places: tuple[float, float]) -> None:
    """Drag the brush from place to place; each is a share of the editor's width and height."""
    box = canvas.bounding_box()
    assert box
    ways = [(box["x"] + box["width"] * x, box["y"] + box["height"] * y) for x, y in places]
    nb.page.mouse.move(*ways[0])
    nb.page.mouse.down()
    for way in ways[1:]:
        nb.page.mouse.move(*way, steps=8)
    nb.page.mouse.up()


def test_what_is_painted_with_the_mouse_changes_and_nothing_else(lab):
    nb = opened(lab, height=1400)
    prepare(nb)
    paint(nb, begun(nb), (0.4, 0.4), (0.6, 0.6))
    nb.shot("studio-painted")
    write(nb, "A red balloon")
    run_button(nb).click()
    pictures(nb, 1)
    nb.shot("studio-edited")
    found = proof(nb)
    assert found["size"] == list(SIZE)
    assert found["painted"] > 500
    assert found["outside"] == 0
    assert found["inside"] > 0.5


def test_what_is_painted_with_the_keyboard_changes_and_nothing_else(lab):
    nb = opened(lab, height=1400)
    prepare(nb)
    canvas = begun(nb)
    canvas.focus()
    keys = nb.page.keyboard
    keys.press("Enter")
    for _ in range(12):
        keys.press("Shift+ArrowRight")
    keys.press("Enter")
    write(nb, "A red balloon")
    run_button(nb).focus()
    keys.press("Enter")
    pictures(nb, 1)
    found = proof(nb)
    assert found["painted"] > 500
    assert found["outside"] == 0
    assert found["inside"] > 0.5


def test_a_result_becomes_a_reference_at_a_click(lab):
    nb = opened(lab)
    choose(nb, "nano-banana-2")
    write(nb, "A teal teapot")
    run_button(nb).click()
    pictures(nb, 1)
    studio(nb).get_by_role("button", name="Use as reference").first.click()
    expect(flow(nb, "From pictures")).to_have_attribute("aria-checked", "true")
    expect(studio(nb).locator(".tlnb-refs-card")).to_have_count(1)
    write(nb, "The same at night")
    run_button(nb).click()
    pictures(nb, 2)
    assert nb.value("studio.jobs[-1].request.references[0].sha256 == studio.jobs[0].images[0].sha256")
    expect(studio(nb).locator(".tlnb-tile").last).to_contain_text("A teal teapot")

    # Downloaded and handed in, the first one is the same picture, and says how it was made: that is set up again.
    studio(nb).locator(".tlnb-tile .tlnb-main").first.click()
    with nb.page.expect_download() as saved:
        studio(nb).locator(".tlnb-lightbox").get_by_role("button", name="Download").click()
    nb.page.keyboard.press("Escape")
    file = given("teapot.png", saved.value.path().read_bytes())
    studio(nb).locator(".tlnb-refs input[type=file]").set_input_files([file])
    card = studio(nb).locator(".tlnb-refs-card").last
    expect(card).to_contain_text('Made by nano-banana-2: "A teal teapot"', timeout=30_000)
    expect(card).to_contain_text("The same picture as the 1st.")
    again = card.get_by_role("button", name="Set up as it was made")
    card.scroll_into_view_if_needed()
    nb.shot("studio-recall")
    again.press("Enter")
    expect(flow(nb, "From text")).to_have_attribute("aria-checked", "true", timeout=30_000)
    expect(studio(nb).get_by_label("Prompt", exact=True)).to_have_value("A teal teapot")
    assert nb.value("len(studio.jobs)") == 2


def test_the_readmes_picture_of_an_edit(lab):
    """From a prompt to a masked edit of its result. Renewed with TOKENLAB_NB_SHOTS=.github/screenshots."""
    nb = opened(lab, "import tokenlab_nb as tl\n\nstudio = tl.Studio()\nstudio", width=1360, height=1560)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    choose(nb, "gpt-image-2")
    write(nb, "A red fox in deep snow")
    run_button(nb).click()
    pictures(nb, 1)
    studio(nb).get_by_role("button", name="Use as reference").first.click()
    flow(nb, "Edit a part").click()
    canvas = studio(nb).locator(".tlnb-mask-stage")
    expect(studio(nb).locator(".tlnb-mask-empty")).to_be_hidden()
    canvas.scroll_into_view_if_needed()
    paint(nb, canvas, (0.3, 0.2), (0.5, 0.15), (0.32, 0.27), (0.52, 0.22), (0.34, 0.34), (0.5, 0.3))
    write(nb, "A green balloon")
    run_button(nb).click()
    pictures(nb, 2)
    expect(studio(nb).locator(".tlnb-tile").last).to_contain_text("masked edit")
    nb.page.mouse.move(0, 0)
    nb.cell(0)
    nb.wait_idle()
    expect(nb.page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    nb.shot("edit")
    assert nb.value("studio.jobs[-1].request.mask is not None")


def test_what_the_models_do_not_offer_is_greyed_out_with_its_reason(lab):
    nb = opened(lab)
    choose(nb, "gpt-image-2", "nano-banana-2")
    expect(flow(nb, "Edit a part")).to_have_attribute("aria-disabled", "true")
    expect(studio(nb).locator(".tlnb-flows-why")).to_contain_text("Edit a part: nano-banana-2 takes no mask.")
    flow(nb, "Edit a part").click(force=True)
    expect(flow(nb, "From text")).to_have_attribute("aria-checked", "true")
    flow(nb, "From text").press("ArrowRight")
    expect(flow(nb, "From pictures")).to_have_attribute("aria-checked", "true")
    expect(studio(nb).locator(".tlnb-refs")).to_be_visible()
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-studio-inputs .tlnb-studio-problem")).to_contain_text("There is no picture yet")
    assert nb.value("len(studio.jobs)") == 0


def test_the_pictures_are_there_after_a_reload(lab):
    nb = opened(lab, height=1400)
    canvas = begun(nb)
    nb.save()
    nb.reload()
    nb.cell(0)
    expect(studio(nb).locator(".tlnb-refs-card")).to_have_count(1)
    expect(canvas).to_be_visible()


def test_run_waits_for_a_picture_and_sends_nothing_where_it_does_not_come(lab):
    nb = opened(lab)
    choose(nb, "gpt-image-2")
    flow(nb, "From pictures").click()
    hand_in(nb)
    write(nb, "Both in one scene")
    cards = studio(nb).locator(".tlnb-refs-card")
    large = {"name": "large.jpg", "mimeType": "image/jpeg", "buffer": noise((4200, 1000), "JPEG")}
    for answer, jobs in (("Remove", 0), ("Keep as it is", 1)):
        studio(nb).locator(".tlnb-refs input[type=file]").set_input_files([large])
        button = cards.nth(1).get_by_role("button", name=answer)
        expect(cards.nth(1).get_by_role("button", name="Keep as it is")).to_be_visible()
        run_button(nb).click()
        expect(studio(nb).locator(".tlnb-studio-wait")).to_contain_text("Run waits for your answer")
        assert nb.value("len(studio.jobs)") == 0
        button.click()
        if not jobs:
            expect(studio(nb)).to_contain_text("Nothing was sent: a picture that was on its way")
            assert nb.value("len(studio.jobs)") == 0
    pictures(nb, 1)
    assert nb.value("[len(job.request.references) for job in studio.jobs]") == [2]


def test_tab_comes_back_to_what_is_on(lab):
    nb = opened(lab)
    choose(nb, "gpt-image-2")
    flow(nb, "Edit a part").click()
    expect(flow(nb, "Edit a part")).to_have_attribute("aria-checked", "true")
    expect(flow(nb, "Edit a part")).to_have_attribute("tabindex", "0")
    expect(flow(nb, "Variations")).to_have_attribute("aria-disabled", "true")
    nb.page.keyboard.press("ArrowRight")  # not offered: read out only
    expect(flow(nb, "Variations")).to_be_focused()
    nb.page.keyboard.press("Tab")
    nb.page.keyboard.press("Shift+Tab")
    expect(flow(nb, "Edit a part")).to_be_focused()


def test_what_is_wrong_is_read_out(lab):
    nb = opened(lab)
    begun(nb)
    run_button(nb).click()
    problem = studio(nb).locator(".tlnb-studio-inputs .tlnb-studio-problem")
    expect(problem).to_contain_text("Nothing is painted yet.")
    expect(problem).to_have_attribute("role", "alert")
    expect(studio(nb).locator(".tlnb-studio-foot .tlnb-studio-problem")).to_have_attribute("role", "alert")
    write(nb, "A red balloon")
    expect(studio(nb).locator(".tlnb-studio-foot .tlnb-studio-line")).not_to_have_attribute("role", "alert")


def test_pictures_that_stand_below_each_other_are_dragged_up_and_down(lab):
    nb = opened(lab, height=1400)
    choose(nb, "gpt-image-2")
    flow(nb, "From pictures").click()
    files = [given(f"{place}.png", picture() + bytes([place])) for place in (1, 2, 3)]
    studio(nb).locator(".tlnb-refs input[type=file]").set_input_files(files)
    names = studio(nb).locator(".tlnb-refs-name")
    cards = studio(nb).locator(".tlnb-refs-card")
    expect(names).to_have_text(["1.png", "2.png", "3.png"])
    expect(studio(nb).locator(".tlnb-refs")).not_to_have_attribute("data-busy", "true")
    box = cards.nth(2).bounding_box()
    assert box
    cards.nth(0).locator(".tlnb-refs-frame").drag_to(cards.nth(2), target_position={"x": 20, "y": box["height"] - 8})
    expect(names).to_have_text(["2.png", "3.png", "1.png"])
    cards.nth(2).locator(".tlnb-refs-frame").drag_to(cards.nth(0), target_position={"x": box["width"] - 20, "y": 8})
    expect(names).to_have_text(["1.png", "2.png", "3.png"])
