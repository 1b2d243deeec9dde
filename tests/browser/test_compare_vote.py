"""Judging a grid blind, in a real notebook."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY, HELD
from tests.browser.harness import Notebook
from tests.browser.test_pictures import HOLD

WAIT = 30_000
MODELS = ("nano-banana-2", "gpt-image-2")
GRID = f"""{HASTY}
session = session_with()
grid = session.compare({list(MODELS)}, ["A red fox in deep snow", "A teal teapot at noon"], repeats=2)
grid.wait()
tl.CompareGrid(grid)
"""

PAIR = """n => {
  const count = document.querySelector('.tlnb-judge-count').textContent;
  const shown = [...document.querySelectorAll('.tlnb-pair-frame img')];
  return count.startsWith(`${n} of`) && shown.length === 2 && shown.every(each => each.naturalWidth > 0);
}"""

SETTLED = "since => new Promise(done => setTimeout(() => done(true), since))"
"""A press in the first moment of a pair is taken as meant for the one before."""


def open_judging(nb: Notebook, cell: int = 0) -> Locator:
    """Press the button; return the dialog."""
    nb.cell(cell).get_by_role("button", name="Judge blind").click()
    dialog = nb.page.get_by_role("dialog", name="Judge blind")
    expect(dialog.get_by_role("textbox", name="Question")).to_have_value(re.compile(r"\w"), timeout=WAIT)
    return dialog


def begin(nb: Notebook, cell: int = 0) -> Locator:
    """Open judging, and start."""
    dialog = open_judging(nb, cell)
    dialog.get_by_role("button", name="Start judging").click()
    return dialog


def pair(nb: Notebook, judged: int) -> None:
    """Wait until a pair is shown and takes answers, after so many were judged."""
    nb.wait_for(PAIR, judged)
    nb.page.evaluate(SETTLED, 300)


def press(nb: Notebook, *keys: str) -> None:
    """Answer one pair after the other."""
    judged = int(nb.page.locator(".tlnb-judge-count").inner_text().split()[0])
    for key in keys:
        pair(nb, judged)
        nb.page.keyboard.press(key)
        judged += key not in "su"


def test_a_grid_is_judged_by_keyboard_alone(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    button = nb.cell(0).get_by_role("button", name="Judge blind")
    button.focus()
    nb.page.keyboard.press("Enter")
    question = nb.page.get_by_role("textbox", name="Question")
    expect(question).to_be_focused()
    expect(question).to_have_value("Which follows the prompt better?", timeout=WAIT)
    nb.page.keyboard.press("Control+a")
    nb.page.keyboard.type("Which is calmer?")
    nb.page.keyboard.press("Enter")
    press(nb, "a", "ArrowRight", "t")
    pair(nb, 3)
    nb.page.keyboard.press("x")
    expect(nb.page.locator(".tlnb-pair-waiting")).to_have_text("That was the last pair.", timeout=WAIT)
    see = nb.page.locator(".tlnb-judge-progress").get_by_role("button", name="Show results")
    see.focus()
    nb.page.keyboard.press("Enter")
    table = nb.page.get_by_role("table", name="Ratings: Which is calmer?")
    expect(table).to_be_visible(timeout=WAIT)
    expect(table.get_by_role("row")).to_have_count(3)
    expect(nb.page.get_by_role("button", name="Go on judging")).to_be_focused()
    nb.page.keyboard.press("Escape")
    expect(button).to_be_focused()
    votes = nb.value("[[vote.choice, vote.question, vote.by] for vote in grid.votes]")
    assert votes == [[choice, "Which is calmer?", "model"] for choice in ("left", "right", "tie", "bad")]


COLOURS = """() => [...document.querySelectorAll('.tlnb-pair-frame img')].map(image => {
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight);
  const context = canvas.getContext('2d');
  context.drawImage(image, 0, 0);
  return [[10, 10], [500, 300], [700, 900]].map(([x, y]) => [...context.getImageData(x, y, 1, 1).data].slice(0, 3));
})"""

KEPT = """[[[list(image.pil.convert("RGB").getpixel(at)) for at in ((10, 10), (500, 300), (700, 900))]
 for image in grid.images if image.sha256 == side.sha256][0] for side in (grid.votes[0].left, grid.votes[0].right)]"""


def test_the_pictures_are_those_that_the_vote_names(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    dialog = begin(nb)
    pair(nb, 0)
    seen = nb.page.evaluate(COLOURS)
    assert seen[0] != seen[1]
    nb.page.keyboard.press("a")
    nb.wait_for(PAIR, 1)
    dialog.get_by_role("button", name="Close").click()
    assert nb.value(KEPT) == seen


TELLING = """words => {
  const dialog = document.querySelector('.tlnb-judge');
  const text = dialog.outerHTML + JSON.stringify(performance.getEntriesByType('resource').map(each => each.name));
  return words.filter(word => text.includes(word));
}"""


def test_while_one_judges_nothing_in_the_dialog_tells_names(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    telling = nb.value("[*grid.plan.axes[0].values, *(j.id for j in grid.jobs), *(i.sha256 for i in grid.images)]")
    dialog = begin(nb)
    for judged, key in enumerate("abt"):
        pair(nb, judged)
        assert nb.page.evaluate(TELLING, telling) == []
        nb.page.keyboard.press(key)
    assert [each.get_attribute("alt") for each in dialog.locator(".tlnb-pair img").all()] == ["Picture A", "Picture B"]
    nb.wait_for(PAIR, 3)
    behind = nb.js("""
      const box = document.querySelector('.tlnb-judge').getBoundingClientRect();
      return [box.left <= 0, box.top <= 0, box.right >= innerWidth, box.bottom >= innerHeight];
    """)
    assert behind == [True] * 4, "the grid behind can be seen"
    dialog.locator(".tlnb-judge-progress").get_by_role("button", name="Show results").click()
    expect(dialog.get_by_role("rowheader", name=MODELS[0])).to_be_visible(timeout=WAIT)
    dialog.get_by_text("Reveal the pairs").click()
    expect(dialog.locator(".tlnb-past img[src^=blob]")).to_have_count(6, timeout=WAIT)
    expect(dialog.locator(".tlnb-past-won")).to_have_count(2)
    nb.shot("vote-results")


def test_answers_are_taken_back(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    begin(nb)
    pair(nb, 0)
    first = nb.page.evaluate(COLOURS)
    press(nb, "a", "b")
    pair(nb, 2)
    for judged in (1, 0):
        nb.page.keyboard.press("u")
        nb.wait_for(PAIR, judged)
    assert nb.page.evaluate(COLOURS) == first
    press(nb, "t")
    nb.wait_for(PAIR, 1)
    nb.page.keyboard.press("Escape")
    assert nb.value("[vote.choice for vote in grid.votes]") == ["tie"]


def test_many_answers_are_taken_back_although_their_pictures_are_gone(lab):
    nb = lab.open_cells([GRID.replace("repeats=2", "repeats=4")])
    nb.run_all()
    begin(nb)
    pair(nb, 0)
    first = nb.page.evaluate(COLOURS)
    press(nb, *"abtxab")
    pair(nb, 6)
    for judged in range(5, -1, -1):
        nb.page.keyboard.press("u")
        nb.wait_for(PAIR, judged)
    assert nb.page.evaluate(COLOURS) == first
    expect(nb.page.get_by_role("button", name="Undo")).to_have_attribute("aria-disabled", "true")
    nb.page.keyboard.press("Escape")
    assert nb.value("len(grid.votes)") == 0


def test_a_key_that_is_held_down_and_a_double_click_are_one_answer(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    dialog = begin(nb)
    pair(nb, 0)
    for _ in range(5):
        nb.page.keyboard.down("b")  # repeats, as a held key does
    nb.page.keyboard.up("b")
    pair(nb, 1)
    dialog.get_by_role("button", name="A is better").dblclick()
    pair(nb, 2)
    dialog.get_by_role("button", name="Close").click()
    assert nb.value("[vote.choice for vote in grid.votes]") == ["right", "left"]


PLACES = """() => [...document.querySelectorAll('.tlnb-pair-frame')].map(frame => {
  const outer = frame.getBoundingClientRect();
  const inner = frame.querySelector('img').getBoundingClientRect();
  return [outer.width / 2 + outer.left - inner.left, outer.height / 2 + outer.top - inner.top]
    .map((value, at) => Math.round((value / [inner.width, inner.height][at]) * 1e4) / 1e4).concat(inner.width);
})"""
"""Of each picture: which part of it stands in the middle of its frame, and how wide it is."""


def test_both_pictures_zoom_and_move_together(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    begin(nb)
    pair(nb, 0)
    start = nb.page.evaluate(PLACES)
    assert [place[:2] for place in start] == [[0.5, 0.5], [0.5, 0.5]]
    frame = nb.page.locator(".tlnb-pair-frame").first
    box = frame.bounding_box()
    nb.page.mouse.move(box["x"] + box["width"] / 4, box["y"] + box["height"] / 2)
    nb.page.mouse.wheel(0, -600)
    nb.wait_for("() => document.querySelector('.tlnb-pair-zoom').textContent.slice(1) !== '1.0'")
    one, two = nb.page.evaluate(PLACES)
    assert one == two
    assert one[0] < 0.5, "the part under the pointer stays there"
    nb.page.mouse.down()
    nb.page.mouse.move(box["x"] + box["width"] / 4 + 40, box["y"] + box["height"] / 2 - 30, steps=3)
    nb.page.mouse.up()
    moved, also = nb.page.evaluate(PLACES)
    assert moved == also
    assert (moved[0] < one[0], moved[1] > one[1]) == (True, True)
    nb.page.keyboard.press("Shift+ArrowRight")
    assert nb.page.evaluate(PLACES)[0][0] > moved[0]
    nb.page.keyboard.press("0")
    assert nb.page.evaluate(PLACES) == start
    assert nb.page.locator(".tlnb-judge-count").inner_text().startswith("0 of"), "moving is no answer"


def test_votes_are_there_after_a_restart_of_the_kernel(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    begin(nb)
    press(nb, "a", "s", "b")
    nb.wait_for(PAIR, 2)
    nb.page.keyboard.press("Escape")
    nb.restart()
    nb.run_all()
    dialog = open_judging(nb)
    expect(dialog).to_contain_text("4 pairs of pictures; 2 votes on this question so far.", timeout=WAIT)
    with nb.page.expect_download() as download:
        dialog.get_by_role("button", name="Show results").click()
        dialog.get_by_role("button", name="Download CSV").click()
    rows = download.value.path().read_text().splitlines()
    assert download.value.suggested_filename == "votes.csv"
    assert [row.split(",")[0][:4] for row in rows] == ["id", "vote", "vote"]


def test_pairs_come_as_pictures_do(lab):
    grid = f"grid = session.compare({list(MODELS)}, 'A red fox')\ntl.CompareGrid(grid)"
    nb = lab.open_cells([HELD, grid])
    nb.run_all()
    dialog = begin(nb, 1)
    expect(dialog.locator(".tlnb-pair-waiting")).to_contain_text("2 cells still to come", timeout=WAIT)
    for name in ("sent", "asked"):
        nb.path.with_name(name).touch()
    pair(nb, 0)


STANDS = """() => document.querySelectorAll('.tlnb-pair-frame img').length === 2
  || document.querySelector('.tlnb-pair-waiting').textContent.startsWith('The kernel is busy')"""


HELD_BACK = """
from tokenlab_nb.widgets._bridge import bridge
bridge().soon(widget, "hold", lambda: (pathlib.Path("held").touch(), hold("free")))  # nothing is answered meanwhile
while not pathlib.Path("held").exists():
    time.sleep(0.01)
"""


def test_a_busy_kernel_is_told_and_no_answer_is_lost(lab):
    shown = "widget = tl.CompareGrid(grid)\nwidget"
    nb = lab.open_cells([HOLD + GRID.replace("tl.CompareGrid(grid)", shown), HELD_BACK])
    nb.run(0)
    begin(nb)
    pair(nb, 0)
    nb.run(1)
    nb.page.locator(".tlnb-judge-asked").first.click()  # running the cell took the focus to the notebook
    nb.page.keyboard.press("a")
    given = ["left"]
    nb.wait_for(STANDS)
    if nb.page.locator(".tlnb-pair-frame img").count():  # the next one was fetched before
        pair(nb, 0)
        nb.page.keyboard.press("b")
        given.append("right")
    expect(nb.page.locator(".tlnb-pair-waiting")).to_contain_text("The kernel is busy", timeout=WAIT)
    nb.path.with_name("free").touch()
    pair(nb, len(given))
    nb.page.keyboard.press("Escape")
    assert nb.value("[vote.choice for vote in grid.votes]") == given


def test_it_fits_the_window(lab):
    nb = lab.open_cells([GRID])
    nb.run_all()
    for judged, (width, height) in enumerate([(1600, 900), (1280, 1000), (700, 900), (390, 800)]):
        nb.resize(width, height)
        nb.theme("light")
        fits(nb, width, judged)


def fits(nb: Notebook, width: int, judged: int) -> None:
    """Judge one pair and look at the results, in a window that is so wide."""
    dialog = open_judging(nb)
    nb.shot(f"vote-start-{width}")
    dialog.get_by_role("button", name="Start judging").click()
    pair(nb, judged)
    nb.shot(f"vote-pair-{width}")
    outside = nb.js("""
      return [...document.querySelectorAll('.tlnb-judge-duel *, .tlnb-judge-bar *')].filter(each => {
        const box = each.getBoundingClientRect();
        if (!each.checkVisibility() || each.closest('.tlnb-pair-frame')) return false;
        return box.right > innerWidth + 1 || box.bottom > innerHeight + 1 || box.left < -1;
      }).map(each => each.className);
    """)
    assert outside == []
    press(nb, "a")
    expect(dialog.locator(".tlnb-judge-count")).to_contain_text(f"{judged + 1} of", timeout=WAIT)
    nb.theme("dark")
    dialog.locator(".tlnb-judge-progress").get_by_role("button", name="Show results").click()
    expect(dialog.get_by_role("rowheader", name=MODELS[0])).to_be_visible(timeout=WAIT)
    nb.shot(f"vote-told-{width}-dark")
    assert nb.js(
        "const told = document.querySelector('.tlnb-judge-told'); return told.scrollWidth <= told.clientWidth;"
    )
    nb.page.keyboard.press("Escape")
    expect(dialog).to_be_hidden(timeout=WAIT)
