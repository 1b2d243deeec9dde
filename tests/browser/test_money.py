"""What a run costs, what a budget stops, and what was made before, as a person sees it beside Run."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY
from tests.browser.harness import Notebook
from tests.browser.test_acting import apart
from tests.browser.test_pictures import pictures
from tests.browser.test_studio import control, opened, run_button, studio, write

MARKUP = "<img src=x onerror='window.attacked = true'>"

COUNTED = (
    HASTY
    + """
POSTS = []


class Counted(httpx.ASGITransport):
    async def handle_async_request(self, request):
        if request.method == "POST":
            POSTS.append(request.url.path)
        return await super().handle_async_request(request)


session = session_with(kind=Counted)
"""
)
"""Defines `session`, paid for as far as the widgets know, and `POSTS`."""

TWO = "nano-banana-2", "gpt-image-2"


def paid(*models: str, prompt: str = "A red fox in deep snow") -> str:
    return f"{COUNTED}\nstudio = tl.Studio(session, models={list(models)!r}, prompt={prompt!r})\nstudio"


def budget(nb: Notebook) -> Locator:
    return studio(nb).get_by_label("Budget (US $)")


def test_the_price_is_on_the_button_before_it_runs(lab):
    nb = opened(lab, paid(*TWO))
    expect(run_button(nb)).to_have_text("Run 2 requests, $0.0225 - $0.0755 + 1 unknown price")
    control(nb, "Pictures").locator("select").select_option("2")
    expect(run_button(nb)).to_have_text("Run 2 requests, $0.045 - $0.151 + 1 unknown price")


def test_a_budget_that_is_too_small_refuses_before_anything_is_sent(lab):
    nb = opened(lab, paid("nano-banana-2"))
    budget(nb).fill("0.05")
    run_button(nb).click()  # at once: the field was not left yet
    refusal = studio(nb).locator(".tlnb-quote").get_by_role("alert")
    expect(refusal).to_contain_text("This might cost $0.0755")
    expect(refusal).to_contain_text("Nothing was sent.")
    expect(studio(nb).locator(".tlnb-quote-spent")).to_have_text("nothing spent; $0.05 of $0.05 left.")
    expect(studio(nb).locator(".tlnb-tile")).to_have_count(0)
    studio(nb).locator(".tlnb-quote").scroll_into_view_if_needed()
    nb.shot("budget-refused")
    assert nb.value("len(POSTS)") == 0

    budget(nb).fill("0.08")
    budget(nb).press("Enter")
    expect(refusal).to_be_hidden()
    run_button(nb).focus()
    nb.page.keyboard.press("Enter")
    pictures(nb, 1)
    expect(studio(nb).locator(".tlnb-quote-spent")).to_contain_text("of $0.08 left.")
    expect(studio(nb).locator(".tlnb-quote-spent")).to_contain_text("$0.0225 - $0.0755")
    run_button(nb).click()
    expect(refusal).to_contain_text("Nothing was sent.")
    assert nb.value("len(POSTS)") == 1


def test_an_unknown_price_under_a_budget_needs_a_tick(lab):
    nb = opened(lab, paid("gpt-image-2"))
    tick = studio(nb).get_by_label("Send also what has no stated price")
    expect(tick).to_be_hidden()
    budget(nb).fill("1")
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-quote").get_by_role("alert")).to_contain_text("price is not stated")
    expect(tick).to_be_visible()
    nb.shot("budget-unknown-price")
    tick.check()
    run_button(nb).click()
    pictures(nb, 1)
    assert nb.value("len(POSTS)") == 1


def test_a_budget_that_is_no_amount_is_refused_where_it_is_written(lab):
    nb = opened(lab, paid("nano-banana-2"))
    budget(nb).fill(MARKUP)
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-quote").get_by_role("alert")).to_contain_text("is no amount")
    expect(budget(nb)).to_have_attribute("aria-invalid", "true")
    assert nb.value("len(POSTS)") == 0
    assert nb.page.evaluate("() => window.attacked") is None


def test_what_was_made_before_is_pointed_out_and_shown_for_nothing_by_keyboard(lab):
    nb = opened(lab, paid("nano-banana-2", "stable-image-core", prompt=MARKUP))
    nb.run(nb.add("session.submit(model='stable-image-core', prompt=MARKUP).wait();".replace("MARKUP", repr(MARKUP))))
    nb.cell(0)
    write(nb, "A teal teapot")
    expect(studio(nb).get_by_text("Made before")).to_be_hidden()
    write(nb, MARKUP)
    expect(studio(nb).get_by_text("Made before: 1 of 2 requests")).to_be_visible()
    nb.shot("made-before")
    show = studio(nb).get_by_role("button", name="Show it, costs nothing")
    show.focus()
    show.press("Enter")
    pictures(nb, 1)
    tile = studio(nb).locator(".tlnb-tile .tlnb-main")
    expect(tile).to_be_focused()
    nb.shot("made-before-shown")
    assert nb.value("len(POSTS)") == 1
    nb.cell(0)
    run_button(nb).click()
    pictures(nb, 3)
    assert nb.value("len(POSTS)") == 3
    assert nb.page.evaluate("() => window.attacked") is None
    assert nb.page.locator("img[src='x']").count() == 0


def test_in_the_sandbox_the_price_is_said_to_cost_nothing(lab):
    nb = opened(lab, "import tokenlab_nb as tl\n\ntl.Studio(models=['nano-banana-2'])")
    expect(run_button(nb)).to_have_text("Run 1 request")
    expect(studio(nb)).to_contain_text("Nothing is billed here; at the service: $0.0225 - $0.0755.")


WIDE = """() => { const studio = document.querySelector('.tlnb-studio');
    return studio.scrollWidth <= studio.clientWidth + 1; }"""


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_money_is_readable_in_both_themes_wide_and_narrow(lab, theme):
    nb = opened(lab, paid(*TWO), width=1366)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    nb.theme(theme)
    run_button(nb).click()
    pictures(nb, 2)
    budget(nb).fill("0.05")
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-quote").get_by_role("alert")).to_be_visible()
    expect(studio(nb).get_by_text("Made before: 2 of 2 requests")).to_be_visible()
    for width in (1366, 480):
        nb.resize(width, 1500)
        nb.wait_for(WIDE)
        apart(nb, ".tlnb-studio-run, .tlnb-quote-problem, .tlnb-quote-limit, .tlnb-quote-spent, .tlnb-quote-reveal", 5)
        studio(nb).locator(".tlnb-quote").evaluate("node => node.scrollIntoView({block: 'center'})")
        nb.shot(f"money-{theme}-{width}")


@pytest.mark.parametrize("way", ["a double click", "Enter held down on Run", "Ctrl+Enter held down in the prompt"])
def test_pressed_twice_in_one_go_is_one_run(lab, way):
    nb = opened(lab, paid("nano-banana-2"))
    if way == "a double click":
        run_button(nb).dblclick()
    else:
        where = run_button(nb) if "Run" in way else studio(nb).locator(".tlnb-studio-prompt textarea")
        where.focus()
        keys = ["Control", "Enter"] if "Ctrl" in way else ["Enter"]
        for key in keys:
            nb.page.keyboard.down(key)
        studio(nb).locator(".tlnb-tile").first.wait_for()
        for _ in range(3):  # without being let go: the key repeats
            nb.page.keyboard.down("Enter")
        for key in keys:
            nb.page.keyboard.up(key)
    pictures(nb, 1)
    assert nb.value("[len(POSTS), len(studio.jobs)]") == [1, 1]
