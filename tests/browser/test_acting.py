"""What can be done about a running job, by button and by key, and what is said of it in the meantime."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY, HELD
from tests.browser.harness import Notebook
from tests.browser.test_pictures import pictures
from tests.browser.test_studio import opened, run_button, studio

FOCUS = "return document.activeElement === document.body ? 'body' : document.activeElement.textContent;"


def held(model: str) -> str:
    return f"{HELD}\nstudio = tl.Studio(session, models=[{model!r}], prompt='a red fox')\nstudio"


def allow(nb: Notebook, name: str) -> None:
    """Let the sandbox answer."""
    nb.path.with_name(name).touch()


def begun(nb: Notebook, words: str | re.Pattern[str]) -> Locator:
    """Run, and return the one tile once it says this."""
    run_button(nb).click()
    tile = studio(nb).locator(".tlnb-tile")
    expect(tile.locator(".tlnb-state")).to_have_text(words)
    return tile


def test_a_picture_that_comes_with_the_answer_offers_no_stop_while_it_is_sent(lab):
    nb = opened(lab, held("nano-banana-2"))
    tile = begun(nb, "Sent, waiting for the answer")
    expect(tile.get_by_role("button", name="Read in full")).to_be_hidden()
    expect(tile.locator(".tlnb-actions button")).to_have_count(0)
    allow(nb, "sent")
    pictures(nb, 1)
    assert nb.value("studio.jobs[0].request.values.get('async')") is None


def test_waiting_is_stopped_and_taken_up_again_by_keyboard(lab):
    nb = opened(lab, held("gpt-image-2"))
    allow(nb, "sent")
    tile = begun(nb, re.compile("In the queue|Being made"))  # on a slow machine its task is soon further
    stop = tile.get_by_role("button", name="Stop waiting")
    expect(tile).to_contain_text("The task goes on at the service and is billed.")
    stop.focus()
    stop.press("Enter")
    again = tile.get_by_role("button", name="Wait again")
    expect(again).to_be_visible()
    expect(tile.locator(".tlnb-state")).to_have_text("No longer waited for")
    expect(again).to_be_focused()
    again.press("Enter")
    expect(tile.get_by_role("button", name="Stop waiting")).to_be_focused()
    allow(nb, "asked")
    pictures(nb, 1)
    assert nb.js(FOCUS) != "body"
    assert nb.value("studio.jobs[0].snapshot.retries") == 0


# Typed faster than changes travel, so that a click sent at once would overtake the end of it.
LONG = "A teal teapot on a windowsill in the morning sun, steam rising, a lemon beside it, watercolour on rough paper"


def test_ctrl_enter_in_the_prompt_runs_it_and_not_the_cell(lab):
    nb = opened(lab)
    runs = "return panel.content.model.cells.get(0).executionCount;"
    before = nb.js(runs)
    box = studio(nb).locator(".tlnb-studio-prompt textarea")
    box.focus()
    nb.page.keyboard.type(LONG)
    nb.page.keyboard.press("Control+Enter")
    pictures(nb, 1)
    expect(box).to_be_focused()
    expect(box).to_have_value(LONG)
    assert nb.value("[job.request.prompt for job in studio.jobs]") == [LONG]
    assert nb.js(runs) == before
    nb.wait_idle()


OVERLAPS = """const shown = [...document.querySelectorAll(argument)].filter(node => node.checkVisibility());
const boxes = shown.map(node => [...node.getClientRects()].filter(box => box.width > 0 && box.height > 0));
const meet = (a, b) => a.left < b.right - 1 && b.left < a.right - 1 && a.top < b.bottom - 1 && b.top < a.bottom - 1;
const found = [];
shown.forEach((one, i) => shown.slice(i + 1).forEach((other, j) => {
  const both = boxes[i].some(a => boxes[i + 1 + j].some(b => meet(a, b)));
  if (both) found.push(`${one.textContent} / ${other.textContent}`);
}));
return [shown.length, found];"""


def apart(nb: Notebook, selector: str, least: int) -> None:
    """At least so many elements are shown, and no two of them overlap, line by line."""
    count, found = nb.js(OVERLAPS, selector)
    assert count >= least
    assert not found


def test_no_name_covers_its_value_in_either_theme(lab):
    prompt = "A red fox in deep snow, " * 20
    show = f"tl.JobView(session_with().submit(model='gpt-image-2', prompt={prompt!r}))"
    nb = lab.open_cells([f"{HASTY}\n{show}"])
    nb.run_all()
    pictures(nb, 1)
    nb.page.get_by_text("Ids of this job").click()
    for theme in ("light", "dark"):
        nb.theme(theme)
        apart(nb, ".tlnb-ids .tlnb-copy > *", 6)
        nb.page.locator(".tlnb-tile .tlnb-main").click()
        expect(nb.page.locator(".tlnb-lightbox img")).to_be_visible()
        apart(nb, ".tlnb-lightbox dt, .tlnb-lightbox dd", 12)
        nb.shot(f"lightbox-{theme}")
        nb.page.keyboard.press("Escape")
