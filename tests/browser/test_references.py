"""The reference picker, as a person uses it: pictures come in every way, stand in an order, and stay."""

from __future__ import annotations

import base64
import hashlib
import io
from itertools import product

import pytest
from PIL import Image
from playwright.sync_api import JSHandle, Locator, expect

from tests.browser.harness import THEMES, Harness, Notebook

PICKER = """
import dataclasses
import tokenlab_nb as tl

session = tl.connect(sandbox=True, data_dir="state")
edit = session.model("gpt-image-2").contract.operations["image-edit"]
picker = tl.ReferencePicker(session, {"gpt-image-2": edit, "modest": dataclasses.replace(edit, max_references=3)})
picker
"""

SHOWN = """n => [...document.querySelectorAll('.tlnb-refs-card img')]
    .filter(image => image.checkVisibility() && image.complete && image.naturalWidth > 0).length === n"""


def picture(
    colour: str | tuple[int, int, int] = "teal", size: tuple[int, int] = (96, 64), kind: str = "PNG", **options: object
) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size, colour).save(buffer, kind, **options)
    return buffer.getvalue()


def noise(size: tuple[int, int], kind: str, mode: str = "RGB") -> bytes:
    """A picture that compresses badly, so that it is large."""
    buffer = io.BytesIO()
    made = Image.merge(mode, [Image.effect_noise(size, 120) for _ in mode])
    made.save(buffer, kind)
    return buffer.getvalue()


def given(name: str, data: bytes) -> dict[str, object]:
    kind = "image/png" if name.endswith("png") else "image/jpeg"
    return {"name": name, "mimeType": kind, "buffer": data}


def picker(nb: Notebook) -> Locator:
    return nb.page.locator(".tlnb-refs")


def cards(nb: Notebook) -> Locator:
    return picker(nb).locator(".tlnb-refs-card")


def opened(harness: Harness, code: str = PICKER, **size: int) -> Notebook:
    nb = harness.open_cells([code], "refs.ipynb", **size)
    nb.run_all()
    picker(nb).wait_for()
    return nb


def choose(nb: Notebook, *files: dict[str, object]) -> None:
    """As through the file dialogue."""
    picker(nb).locator("input[type=file]").set_input_files(list(files))


def names(nb: Notebook) -> list[str]:
    return cards(nb).locator(".tlnb-refs-name").all_inner_texts()


def carried(nb: Notebook, files: dict[str, bytes] | None = None, texts: dict[str, str] | None = None) -> JSHandle:
    """What a drag or the clipboard brings."""
    plain = [[name, base64.b64encode(data).decode()] for name, data in (files or {}).items()]
    make = """([files, texts]) => {
        const data = new DataTransfer();
        for (const [name, coded] of files) {
            const bytes = Uint8Array.from(atob(coded), letter => letter.charCodeAt(0));
            data.items.add(new File([bytes], name, {type: 'image/png'}));
        }
        for (const [type, text] of Object.entries(texts)) data.setData(type, text);
        return data;
    }"""
    return nb.page.evaluate_handle(make, [plain, texts or {}])


def drop(nb: Notebook, data: JSHandle) -> None:
    for event in ("dragenter", "dragover", "drop"):
        picker(nb).dispatch_event(event, {"dataTransfer": data})


def paste(nb: Notebook, data: JSHandle) -> None:
    """What Ctrl+V does with such a clipboard, while the widget has the focus."""
    nb.page.evaluate(
        "data => document.activeElement.dispatchEvent("
        "new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}))",
        data,
    )


def settled(nb: Notebook, count: int) -> None:
    """Wait until nothing is on its way any more and so many cards stand."""
    expect(cards(nb)).to_have_count(count)
    expect(picker(nb)).not_to_have_attribute("data-busy", "true")


def added(nb: Notebook, count: int) -> None:
    """Bring so many pictures in, of different colours."""
    choose(nb, *(given(f"{number}.png", picture((number * 12, 90, 90))) for number in range(1, count + 1)))
    settled(nb, count)


def sources(nb: Notebook) -> list[str]:
    """The names of the cards that Python holds, in order."""
    return list(nb.value("[card['name'] for card in picker.cards]"))


def test_files_come_in_order_and_go_into_a_request(front_end):
    nb = opened(front_end)
    choose(nb, given("fox.png", picture()), given("den.png", picture("brown")), given("snow.png", picture("white")))
    settled(nb, 3)
    nb.wait_for(SHOWN, 3)
    assert names(nb) == sources(nb) == ["fox.png", "den.png", "snow.png"]
    expect(cards(nb).first).to_contain_text("96 \u00d7 64 pixels \u00b7 PNG")
    assert nb.value("[len(picker.value), picker.is_busy, picker.original(0)[1:4].decode()]") == [3, False, "PNG"]
    edited = "session.edit(model='gpt-image-2', prompt='together', image=picker.value)"
    assert nb.value(f"[image.size > 0 for image in {edited}]") == [True]


def test_a_file_larger_than_a_message_arrives_whole_and_once(lab):
    nb = opened(lab)
    large = noise((1500, 1100), "PNG")
    assert 1_500_000 < len(large) < 10_000_000
    choose(nb, given("grain.png", large))
    settled(nb, 1)
    assert nb.value("__import__('hashlib').sha256(picker.original(0)).hexdigest()") == hashlib.sha256(large).hexdigest()
    nb.add("pieces = []\nput = picker._uploads.put\npicker._uploads.put = lambda *all: pieces.append(1) or put(*all)")
    nb.run(2)
    nb.cell(0)
    choose(nb, given("again.png", large))
    settled(nb, 2)
    expect(cards(nb).nth(1)).to_contain_text("The same picture as the 1st.")
    assert nb.value("len(pieces)") == 0


@pytest.mark.parametrize("way", ["drop", "paste"])
def test_pictures_are_dropped_and_pasted(lab, way):
    nb = opened(lab)
    picker(nb).get_by_role("button", name="Choose files").focus()
    data = carried(nb, {"one.png": picture("red"), "two.png": picture("blue")})
    (drop if way == "drop" else paste)(nb, data)
    settled(nb, 2)
    assert sources(nb) == ["one.png", "two.png"]


def test_a_paste_elsewhere_is_not_ours(lab):
    nb = opened(lab)
    nb.page.evaluate("() => document.activeElement.blur()")
    paste(nb, carried(nb, {"one.png": picture()}))
    choose(nb, given("two.png", picture()))
    settled(nb, 1)
    assert sources(nb) == ["two.png"]


@pytest.mark.parametrize(
    "texts",
    [
        {"text/uri-list": "# from a page\r\nhttps://images.example.org/fox.png?sig=secret"},
        {"text/plain": "https://images.example.org/fox.png?sig=secret"},
        {"text/html": "<a href='/'><img src='https://images.example.org/fox.png?sig=secret' onerror='attacked=1'></a>"},
    ],
    ids=["list", "text", "html"],
)
def test_what_a_web_page_gives_is_added_by_its_address(lab, texts):
    nb = opened(lab)
    drop(nb, carried(nb, texts=texts))
    settled(nb, 1)
    expect(cards(nb)).to_contain_text("images.example.org/fox.png?")
    assert nb.value("picker.value[0].url") == "https://images.example.org/fox.png?sig=secret"
    nb.cell(0)
    assert "secret" not in picker(nb).inner_html()
    assert "secret" not in nb.value("repr({**picker.get_state(), '_esm': ''})")
    assert nb.page.evaluate("() => window.attacked") is None


def test_an_address_is_written_and_mended_in_its_field(lab):
    nb = opened(lab)
    box = picker(nb).get_by_label("Address of a picture")
    box.fill("https://192.168.1.2/fox.png")
    box.press("Enter")
    problem = picker(nb).locator(".tlnb-refs-problem")
    expect(problem).to_contain_text("cannot be used")
    expect(box).to_have_value("https://192.168.1.2/fox.png")
    nb.shot("references-address", picker(nb))
    box.fill("https://images.example.org/fox.png")
    expect(problem).to_be_empty()
    picker(nb).get_by_role("button", name="Add", exact=True).click()
    settled(nb, 1)
    expect(box).to_have_value("")


CHECKED = """
import concurrent.futures
import io
from PIL import Image

def fetch(url):
    answer = concurrent.futures.Future()
    made = io.BytesIO()
    Image.new("RGB", (96, 64), "teal").save(made, "PNG")
    away = tl.errors.TransportError(url + " is away.")
    answer.set_result(made.getvalue()) if "fox" in url else answer.set_exception(away)
    return answer

session.fetch_reference = fetch
"""


def test_an_address_is_checked_on_demand(lab):
    nb = opened(lab, PICKER.replace("\npicker =", CHECKED + "\npicker ="))
    drop(
        nb, carried(nb, texts={"text/uri-list": "https://a.example.org/fox.png?s=1\nhttps://a.example.org/hen.png?s=2"})
    )
    settled(nb, 2)
    for card in cards(nb).all():
        card.get_by_role("button", name="Check").click()
    nb.wait_for(SHOWN, 1)
    expect(cards(nb).nth(0)).to_contain_text("96 \u00d7 64 pixels \u00b7 PNG")
    expect(cards(nb).nth(1)).to_contain_text("Checked from here: https://a.example.org/hen.png?\u2026 is away.")
    assert nb.value("[source.url for source in picker.value]") == [
        "https://a.example.org/fox.png?s=1",
        "https://a.example.org/hen.png?s=2",
    ]


RESULTS = """
jobs = [session.submit(model="gpt-image-2", prompt=prompt) for prompt in ("A red fox", "A lighthouse")]
for job in jobs:
    job.wait()
tl.Gallery(jobs)
"""


def test_earlier_results_are_taken_from_a_strip_or_the_gallery(lab):
    nb = lab.open_cells([PICKER, RESULTS], "refs.ipynb", height=1800)
    nb.run_all()
    nb.cell(0)
    results = picker(nb).get_by_role("button", name="From results")
    results.click()
    expect(picker(nb).locator(".tlnb-refs-result")).to_have_count(2)
    nb.wait_for("() => document.querySelectorAll('.tlnb-refs-result img[src]').length === 2")
    picker(nb).get_by_role("button", name="Add: A red fox").click()
    settled(nb, 1)
    nb.page.locator(".tlnb-tile img").last.drag_to(picker(nb).locator(".tlnb-refs-zone"))
    settled(nb, 2)
    assert sources(nb) == ["A red fox", "A lighthouse"]
    assert nb.value("[s.sha256 for s in picker.value] == [j.images[0].sha256 for j in jobs]")


def test_the_order_is_changed_by_keyboard(lab):
    nb = opened(lab)
    added(nb, 3)
    first = cards(nb).nth(0).locator(".tlnb-refs-body")
    first.focus()
    nb.page.keyboard.press("Alt+ArrowRight")
    expect(cards(nb).locator(".tlnb-refs-name")).to_have_text(["2.png", "1.png", "3.png"])
    expect(cards(nb).nth(1).locator(".tlnb-refs-body")).to_be_focused()
    expect(picker(nb).locator(".tlnb-refs-said[role=status]")).to_have_text("1.png is now 2nd of 3.")
    cards(nb).nth(2).get_by_role("button", name="Earlier").press("Enter")
    expect(cards(nb).locator(".tlnb-refs-name")).to_have_text(["2.png", "3.png", "1.png"])
    expect(cards(nb).nth(1).get_by_role("button", name="Earlier")).to_be_focused()
    assert sources(nb) == ["2.png", "3.png", "1.png"]
    nb.cell(0)
    cards(nb).nth(1).locator(".tlnb-refs-body").focus()
    nb.page.keyboard.press("Delete")
    expect(cards(nb)).to_have_count(2)
    expect(cards(nb).nth(1).locator(".tlnb-refs-body")).to_be_focused()
    nb.page.keyboard.press("Delete")
    expect(cards(nb).nth(0).locator(".tlnb-refs-body")).to_be_focused()
    nb.page.keyboard.press("Delete")
    expect(picker(nb).get_by_role("button", name="Choose files")).to_be_focused()
    assert sources(nb) == []


def test_the_order_is_changed_by_dragging(lab):
    nb = opened(lab)
    added(nb, 3)
    frames = cards(nb).locator(".tlnb-refs-frame")
    box = frames.nth(2).bounding_box()
    frames.nth(0).drag_to(frames.nth(2), target_position={"x": box["width"] - 5, "y": 20})
    expect(cards(nb).locator(".tlnb-refs-name")).to_have_text(["2.png", "3.png", "1.png"])
    frames.nth(2).drag_to(frames.nth(0), target_position={"x": 5, "y": 20})
    expect(cards(nb).locator(".tlnb-refs-name")).to_have_text(["1.png", "2.png", "3.png"])
    assert sources(nb) == ["1.png", "2.png", "3.png"]


def test_cards_and_thumbnails_come_back_after_a_reload(front_end):
    nb = opened(front_end)
    added(nb, 2)
    nb.wait_for(SHOWN, 2)
    nb.save()
    nb.reload()
    nb.cell(0)
    nb.wait_for(SHOWN, 2)
    assert names(nb) == ["1.png", "2.png"]
    cards(nb).first.get_by_role("button", name="Later").click()
    expect(cards(nb).locator(".tlnb-refs-name")).to_have_text(["2.png", "1.png"])
    assert sources(nb) == ["2.png", "1.png"]


def test_nothing_is_cut_off_in_any_theme_or_width(lab):
    nb = lab.open_cells([RESULTS.replace("tl.Gallery(jobs)", ""), PICKER], "refs.ipynb", height=1700)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    nb.js("const m = panel.content.model.sharedModel; m.moveCell(1, 0); return null;")
    nb.run_all()
    nb.cell(0)
    files = [given("a fox in the garden.png", picture()), given("den.png", noise((300, 500), "PNG"))]
    choose(nb, *files, given("den again.png", files[1]["buffer"]), given("mountain.jpg", noise((4200, 2400), "JPEG")))
    choose(nb, given("moving.gif", b"GIF89a"))
    drop(nb, carried(nb, texts={"text/plain": "https://images.example.org/a/rather/long/way/down/fox.png?sig=1"}))
    expect(cards(nb)).to_have_count(6)
    picker(nb).get_by_role("button", name="From results").click()
    expect(picker(nb).locator(".tlnb-refs-result img[src]")).to_have_count(2)
    for theme, width in product(THEMES, (1280, 480)):
        nb.theme(theme)
        nb.resize(width, 1700)
        nb.wait_for(
            "() => [...document.querySelectorAll('.tlnb-refs, .tlnb-refs-body, .tlnb-refs-zone')]"
            ".every(node => node.scrollWidth <= node.clientWidth + 1)"
        )
        nb.shot(f"references-{theme}-{width}", picker(nb))
