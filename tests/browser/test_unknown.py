"""A job whose answer was lost, a draft that was never sent, and what else an earlier kernel left."""

from __future__ import annotations

from playwright.sync_api import Locator, expect

from tests.browser.cells import HASTY
from tests.browser.harness import Notebook
from tests.browser.test_acting import FOCUS
from tests.browser.test_pictures import pictures
from tests.browser.test_studio import opened, run_button, studio

MARKUP = "<img src=x onerror='window.attacked = true'>"

LOSING = (
    HASTY
    + f"""
MARKUP = {MARKUP!r}
POSTS = []


class Losing(httpx.ASGITransport):  # the first answer to a create is lost, after it was carried out
    async def handle_async_request(self, request):
        if request.method != "POST":
            return await super().handle_async_request(request)
        POSTS.append(request.url.path)
        answer = await super().handle_async_request(request)
        if len(POSTS) == 1:
            await answer.aread()
            headers = {{"X-Request-ID": "req_" + MARKUP}}
            return httpx.Response(502, json={{"error": {{"message": MARKUP}}}}, headers=headers)
        return answer


session = session_with(kind=Losing)
"""
)
"""Defines `session`, which loses one answer, and `POSTS`."""

LOST_STUDIO = f"{LOSING}\nstudio = tl.Studio(session, models=['nano-banana-2'], prompt=MARKUP)\nstudio"


def lost_tile(nb: Notebook) -> Locator:
    run_button(nb).click()
    tile = studio(nb).locator(".tlnb-tile[data-kind=unknown]")
    expect(tile.locator(".tlnb-state")).to_have_text("Outcome unknown")
    return tile


def button(place: Locator, name: str) -> Locator:
    return place.get_by_role("button", name=name, exact=True)


def harmless(nb: Notebook) -> None:
    assert nb.page.evaluate("() => window.attacked") is None
    assert nb.page.locator("img[src='x']").count() == 0


def test_an_unknown_job_is_looked_for_run_again_and_forgotten_by_keyboard(lab):
    nb = opened(lab, LOST_STUDIO)
    tile = lost_tile(nb)
    expect(tile.locator(".tlnb-facts")).to_contain_text("perhaps charged")
    button(tile, "Look again").focus()
    nb.page.keyboard.press("Enter")
    said = tile.get_by_role("status").filter(has_text="Look in the dashboard")
    expect(said).to_contain_text("usage list")
    expect(said).to_contain_text(f"req_{MARKUP}")
    expect(button(tile, "Look again")).to_be_focused()
    expect(studio(nb).get_by_role("alert").filter(visible=True)).to_have_count(0)
    nb.shot("unknown-looked")

    nb.page.keyboard.press("Tab")
    nb.page.keyboard.press("Enter")
    expect(tile.locator(".tlnb-question")).to_contain_text("Running it again may cost $0.0225 - $0.0755 again.")
    expect(button(tile, "Keep as it is")).to_be_focused()
    nb.shot("unknown-asked")
    nb.page.keyboard.press("Escape")
    expect(button(tile, "Run again")).to_be_focused()
    assert nb.value("len(POSTS)") == 1

    button(tile, "Run again").focus()
    nb.page.keyboard.press("Enter")
    nb.page.keyboard.press("Shift+Tab")
    expect(button(tile, "Run again and pay")).to_be_focused()
    nb.page.keyboard.press("Enter")
    pictures(nb, 1)
    expect(tile.locator(".tlnb-facts")).to_contain_text("run again as job_")
    expect(studio(nb).locator(".tlnb-tile").nth(1).locator(".tlnb-facts")).to_contain_text("runs job_")
    expect(studio(nb)).to_contain_text("Made before (")
    assert nb.value("len(POSTS)") == 2
    assert nb.value("[job.snapshot.repeats == studio.jobs[0].id for job in studio.jobs]") == [False, True]
    nb.cell(0)
    tile.scroll_into_view_if_needed()
    nb.shot("unknown-run-again")

    button(tile, "Forget").focus()
    nb.page.keyboard.press("Enter")
    expect(tile).to_have_count(0)
    assert "body" not in nb.js(FOCUS)
    assert nb.value("session.history(status='unknown')[0].snapshot.forgotten") is True
    harmless(nb)
    nb.run(0)
    assert nb.value("len(POSTS)") == 0  # the cell made new ones


def test_a_job_view_offers_the_three_choices_and_the_support_packet(lab):
    show = "view = tl.JobView(job := session.submit(model='nano-banana-2', prompt=MARKUP))\nview"
    nb = lab.open_cells([LOSING, show])
    nb.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    nb.run_all()
    view = nb.cell(1).locator(".tlnb-job")
    expect(view.locator(".tlnb-jobstate")).to_have_text("Outcome unknown")
    nb.shot("job-unknown-light", view)
    nb.theme("dark")
    nb.shot("job-unknown-dark", view)
    view.get_by_text("Ids of this job").click()
    button(view, "Copy support packet").click()
    expect(view.get_by_text("Copied: ids, times and states")).to_be_visible()
    packet = nb.page.evaluate("() => navigator.clipboard.readText()")
    assert '"status": "unknown"' in packet
    assert MARKUP not in packet.replace(f"req_{MARKUP}", "")  # the service's id, but not the prompt
    nb.shot("job-packet", view)
    button(view, "Run again").click()
    button(view, "Keep as it is").click()
    button(view, "Run again").click()
    nb.shot("job-asked", view)
    button(view, "Run again and pay").click()
    pictures(nb, 1)
    expect(view.locator(".tlnb-jobnote")).to_contain_text("It runs job_")
    assert nb.value("[len(POSTS), view.job.snapshot.repeats == job.id]") == [2, True]
    harmless(nb)


def test_a_forgotten_job_stays_in_its_view_and_says_so(lab):
    nb = lab.open_cells([LOSING, "tl.JobView(session.submit(model='nano-banana-2', prompt='A fox'))"])
    nb.run_all()
    view = nb.cell(1).locator(".tlnb-job")
    button(view, "Forget").click()
    expect(view.locator(".tlnb-jobstate")).to_have_text("Outcome unknown, set aside")
    expect(view.get_by_text("Set aside. It stays in the ledger")).to_be_visible()
    expect(button(view, "Forget")).to_have_count(0)
    expect(button(view, "Look again")).to_be_focused()


LEFT = """
import pathlib


class Leaving(httpx.ASGITransport):  # an answer to the second create, and answers about tasks, wait for a file
    creates = 0

    async def handle_async_request(self, request):
        about_task = request.url.path.startswith(("/v1/tasks/", "/v1/images/"))
        Leaving.creates += request.method == "POST"
        held = Leaving.creates == 2 if request.method == "POST" else about_task
        while held and not pathlib.Path("go").exists():
            await anyio.sleep(0.02)
        return await super().handle_async_request(request)



def left(kind):  # a sandbox whose tasks outlive the kernel
    app = create_app(base_url=ORIGIN, latency_scale=0.01, state_dir=pathlib.Path("tasks"))
    chosen = settings.load(api_key=settings.Secret("sk-test"), base_url=ORIGIN, data_dir="state")
    return Session(chosen, transport=kind(app), clock=Hasty())


"""

AGAIN = (
    "session = left(httpx.ASGITransport)\nsession.recover()\nstudio = tl.Studio(session, prompt='A red fox')\nstudio"
)


def test_what_an_earlier_kernel_left_is_there_after_a_restart(lab):
    sent = """
task = session.submit(model='gpt-image-2', prompt='A red fox')
while task.status != 'pending':
    await anyio.sleep(0.02)
lost = session.submit(model='nano-banana-2', prompt='A teal teapot')
while lost.status != 'sending':
    await anyio.sleep(0.02)
draft = session._engine.draft(lost.request, estimate=lost.snapshot.estimate)
session._engine.reserve([draft], [])
"""
    nb = lab.open_cells([HASTY + LEFT + "\nsession = left(Leaving)", sent], "studio.ipynb", width=1366)
    nb.run_all()
    assert "Error" not in nb.text(1)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    nb.restart()
    nb.path.with_name("go").touch()
    index = nb.add(HASTY + LEFT + AGAIN)
    nb.run(index)
    nb.cell(index)
    expect(run_button(nb)).to_be_enabled(timeout=30_000)
    pictures(nb, 1)
    expect(studio(nb)).to_contain_text("From an earlier kernel: 1 job on the way, picked up")
    expect(studio(nb).locator(".tlnb-tile[data-kind=unknown]")).to_contain_text("Outcome unknown")
    draft = studio(nb).locator(".tlnb-tile[data-kind=draft]")
    expect(draft.locator(".tlnb-state")).to_have_text("Not sent: from an earlier kernel")
    for width in (1366, 480):
        nb.resize(width)
        draft.scroll_into_view_if_needed()
        nb.shot(f"recovered-{width}")
    expect(draft.locator(".tlnb-asked")).to_have_text("A teal teapot")
    button(draft, "Run").click()
    expect(draft.locator(".tlnb-question")).to_contain_text("Running it may cost $0.0225 - $0.0755.")
    button(draft, "Run and pay").click()
    pictures(nb, 2)
    expect(draft).to_have_count(0)
