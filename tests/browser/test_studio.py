"""The Studio, as a person uses it: pick, set, write, run, look; and what it says when something is wrong."""

from __future__ import annotations

from itertools import product

import pytest
from playwright.sync_api import Locator, expect

from tests.browser.harness import THEMES, Harness, Notebook
from tests.browser.test_pictures import HOLD, let_go, pictures

STUDIO = "import tokenlab_nb as tl\n\nstudio = tl.Studio()\nstudio"


def studio(nb: Notebook) -> Locator:
    return nb.page.locator(".tlnb-studio")


def opened(harness: Harness, code: str = STUDIO, **size: int) -> Notebook:
    """A notebook with a Studio whose models are there."""
    nb = harness.open_cells([code], "studio.ipynb", **size)
    nb.run_all()
    expect(studio(nb).locator(".tlnb-picker-row").first).to_be_visible(timeout=30_000)
    expect(run_button(nb)).to_be_enabled(timeout=30_000)
    return nb


def run_button(nb: Notebook) -> Locator:
    return studio(nb).get_by_role("button", name="Run", exact=False).first


def choose(nb: Notebook, *models: str) -> None:
    """Choose exactly these models, with the mouse."""
    for row in studio(nb).locator(".tlnb-picker-row[aria-selected=true]").all():
        row.click()
    for model in models:
        studio(nb).locator(f".tlnb-picker-row[data-id='{model}']").click()
    expect(run_button(nb)).to_have_text(f"Run {len(models)} request{'' if len(models) == 1 else 's'}")


def write(nb: Notebook, prompt: str) -> None:
    box = studio(nb).locator(".tlnb-studio-prompt textarea")
    box.fill(prompt)
    box.blur()


def control(nb: Notebook, label: str) -> Locator:
    return studio(nb).locator(".tlnb-controls .tlnb-field", has_text=label)


def test_from_one_prompt_to_pictures(front_end):
    nb = opened(front_end)
    choose(nb, "gpt-image-2")
    expect(control(nb, "Quality")).to_be_visible()
    expect(control(nb, "Aspect ratio")).to_be_hidden()
    choose(nb, "gpt-image-2", "nano-banana-2")
    expect(control(nb, "Aspect ratio")).to_contain_text("1 of 2: nano-banana-2")
    write(nb, "A red fox in deep snow")
    run_button(nb).click()
    pictures(nb, 2)
    assert nb.value("[job.request.prompt for job in studio.jobs]") == ["A red fox in deep snow"] * 2
    nb.save()
    nb.reload()
    nb.cell(0)
    pictures(nb, 2)
    expect(studio(nb).locator(".tlnb-studio-prompt textarea")).to_have_value("A red fox in deep snow")


def test_a_run_goes_on_while_a_cell_blocks(front_end):
    nb = opened(front_end)
    write(nb, "A lighthouse at night")
    run_button(nb).click()
    studio(nb).locator(".tlnb-tile").first.wait_for()
    nb.add(HOLD + "hold('painted')")
    nb.start(1)
    nb.cell(0)
    pictures(nb, 1)
    let_go(nb, "painted")
    nb.wait_done()


def test_the_same_cell_run_again_keeps_one_studio_and_its_pictures(lab):
    nb = opened(lab)
    write(nb, "A teal teapot")
    run_button(nb).click()
    pictures(nb, 1)
    nb.run(0)
    expect(studio(nb)).to_have_count(1)
    pictures(nb, 1)


@pytest.mark.parametrize(("prompt", "said"), [("", "prompt"), ("fox " * 9000, "characters")], ids=["empty", "too long"])
def test_a_prompt_that_cannot_be_right_is_refused_beside_the_box(lab, prompt, said):
    nb = opened(lab)
    write(nb, prompt)
    run_button(nb).click()
    problem = studio(nb).locator(".tlnb-studio-problem")
    expect(problem).to_contain_text(said)
    expect(studio(nb).locator(".tlnb-tile")).to_have_count(0)
    nb.shot(f"prompt-{'empty' if not prompt else 'long'}")
    write(nb, "A red fox")
    expect(problem).to_have_count(0)
    run_button(nb).click()
    pictures(nb, 1)


def test_no_network_is_said_and_can_be_tried_again(lab):
    code = (
        "import tokenlab_nb as tl\n"
        "nowhere = tl.connect(base_url='http://127.0.0.1:9', api_key='sk-test', data_dir='nowhere')\n"
        "tl.Studio(nowhere)"
    )
    nb = lab.open_cells([code])
    nb.run_all()
    expect(studio(nb).get_by_role("alert").first).to_contain_text("Check the network", timeout=60_000)
    expect(studio(nb).get_by_role("button", name="Try again")).to_be_visible()
    nb.shot("no-network")


FAILING = """
import httpx
import tokenlab_nb as tl
from tokenlab_nb.sandbox.app import create_app

class Failing(httpx.ASGITransport):
    async def handle_async_request(self, request):
        if request.method == "POST" and b"nano-banana-2" in await request.aread():
            error = {"message": "Balance too low.", "type": "insufficient_balance", "code": "insufficient_balance"}
            return httpx.Response(402, json={"error": error}, headers={"X-Request-ID": "req_402"})
        return await super().handle_async_request(request)

session = tl.connect(api_key="sk-test", base_url="http://127.0.0.1:9", data_dir="failing",
                     transport=Failing(create_app(base_url="http://127.0.0.1:9")))
tl.Studio(session, models=["nano-banana-2", "gpt-image-2"], prompt="A red fox")
"""


def test_one_job_fails_and_the_other_goes_on(lab):
    nb = opened(lab, FAILING)
    run_button(nb).click()
    pictures(nb, 1)
    failed = studio(nb).locator(".tlnb-tile[data-kind=failed]")
    expect(failed).to_contain_text("Not enough money")
    expect(failed).to_contain_text("Top up the account")
    expect(failed).to_contain_text("req_402")
    nb.shot("one-failed")


def test_a_key_is_asked_for_outside_the_page(lab):
    nb = opened(lab)
    studio(nb).get_by_role("button", name="Use a key").click()
    expect(studio(nb).get_by_text("tl.login()")).to_be_visible()
    assert studio(nb).locator("input[type=password]").count() == 0


def test_it_is_run_by_keyboard_alone(lab):
    nb = opened(lab)
    search = studio(nb).get_by_role("searchbox")
    search.focus()
    search.press_sequentially("seedream")
    search.press("ArrowDown")
    nb.page.keyboard.press("Enter")
    expect(studio(nb).locator(".tlnb-picker-chip")).to_have_count(1)
    expect(studio(nb)).to_contain_text("at the service: about $0.0368")  # the other model's: its settings are here
    expect(run_button(nb)).to_be_enabled()
    studio(nb).locator(".tlnb-studio-prompt textarea").focus()
    nb.page.keyboard.type("A teal teapot")
    nb.page.keyboard.press("Tab")
    expect(run_button(nb)).to_be_focused()
    nb.page.keyboard.press("Enter")
    pictures(nb, 1)


def test_nothing_is_cut_off_in_any_theme_or_width(lab):
    nb = opened(lab)
    choose(nb, "gpt-image-2", "nano-banana-2")
    write(nb, "A red fox in deep snow")
    run_button(nb).click()
    pictures(nb, 2)
    for theme, width in product(THEMES, (1280, 620)):
        nb.theme(theme)
        nb.resize(width, 1400)
        wide = """() => { const studio = document.querySelector('.tlnb-studio');
            return studio.scrollWidth <= studio.clientWidth + 1; }"""
        nb.wait_for(wide)
        nb.shot(f"studio-{theme}-{width}")


def test_the_readmes_screenshot(lab):
    """In light and dark. Renewed with TOKENLAB_NB_SHOTS=.github/screenshots."""
    nb = opened(lab, "import tokenlab_nb as tl\n\ntl.Studio()", width=1360, height=1040)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    choose(nb, "nano-banana-2", "gpt-image-2")
    write(nb, "A red fox in deep snow, dusk")
    run_button(nb).click()
    pictures(nb, 2)
    expect(studio(nb)).to_contain_text("Made before: 2 of 2 requests")
    nb.page.mouse.move(0, 0)
    nb.cell(0)
    nb.wait_idle()
    expect(nb.page.locator("#jp-main-statusbar")).to_contain_text("| Idle")
    nb.shot("studio")
    nb.theme("dark")
    nb.shot("studio-dark")
