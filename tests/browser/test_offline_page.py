"""A grid as one file, in a browser without network, kernel and server: it shows and does what the live grid does."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

import tokenlab_nb as tl
from tests.browser.axe import violations
from tests.unit.widgets.shared import PROMPT, SharedGrid

MARKUP = """<img src=x onerror="window.attacked = true"></script><script>window.attacked = true</script>"""
SOON = 30_000
OpenPage = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, tmp_path: Path) -> Iterator[OpenPage]:
    """Open a page from a file, with the network off; the test fails if it complained or asked for anything."""
    contexts, complaints = [], []

    def start(grid: SharedGrid, *, script: bool = True, width: int = 1280, scheme: str = "light", **options) -> Page:
        path = grid.to_html(tmp_path / "grid.html", **options)
        size = {"width": width, "height": 900}
        context = browser.new_context(offline=True, java_script_enabled=script, viewport=size, color_scheme=scheme)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(SOON)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda told: complaints.append(told.text) if told.type in ("error", "warning") else None)
        page.on("request", lambda asked: complaints.append(asked.url) if not is_own(asked.url, path) else None)
        page.goto(path.as_uri())
        return page

    yield start
    for context in contexts:
        context.close()
    assert complaints == []


def is_own(url: str, path: Path) -> bool:
    return url == path.as_uri() or url.startswith(("data:", "blob:"))


IN_VIEW = """() => {
  const cells = [...document.querySelectorAll(".tlnb-cell[data-kind=picture] img")];
  return cells.length > 0 && cells.every((img) => img.complete && img.naturalWidth > 0 && !img.hidden);
}"""


def test_all_that_needs_no_kernel_works_as_in_the_live_grid(open_page, shots):
    models, prompts = ("one-model", "two-model", "three-model"), (PROMPT, *(f"Harbour {n}" for n in range(9)))
    page = open_page(SharedGrid(models, prompts).finish(), originals=True, title="Foxes")
    expect(page.get_by_role("heading", name="Foxes", level=1)).to_be_visible()
    expect(page.locator(".tlnb-plain")).to_be_hidden()
    page.wait_for_function(IN_VIEW)
    page.locator(".tlnb-scroller").evaluate("node => { node.scrollTop = node.scrollHeight; }")
    expect(page.locator(".tlnb-cell[data-kind=failed]")).to_be_in_viewport()
    page.wait_for_function(IN_VIEW)
    page.locator(".tlnb-scroller").evaluate("node => { node.scrollTop = 0; }")
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme)
        assert violations(page.locator("html")) == []
        page.screenshot(path=str(shots / f"offline-{scheme}.png"))
    _lay_out(page)
    _look_closely(page, shots)
    for name in ("Judge blind", "Pause", "Go on", "Stop", "Retry failed", "Run again", "Forget", "Wait again"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)


def _lay_out(page: Page) -> None:
    """The order, pages, axes, filters, hiding and pinning."""
    rows = page.locator(".tlnb-row > .tlnb-head")
    count = page.get_by_role("grid")
    page.get_by_label("Order").select_option("label")
    expect(rows.first).to_contain_text(PROMPT)
    page.get_by_label("References").select_option(label="no picture")
    expect(count).to_have_attribute("aria-rowcount", "11")
    page.get_by_role("button", name="Swap").click()
    expect(count).to_have_attribute("aria-rowcount", "4")
    page.get_by_role("button", name="Swap").click()
    page.locator("select[aria-label=Show]").select_option("failed")
    expect(count).to_have_attribute("aria-rowcount", "2")
    page.locator("select[aria-label=Show]").select_option("")
    page.get_by_label("Show cells with this text").fill("harbour 7")
    expect(rows).to_have_count(1)
    page.get_by_label("Show cells with this text").fill("")
    page.locator(".tlnb-cell").first.focus()
    page.keyboard.press("h")
    page.get_by_role("button", name="Show 1 hidden").click()
    page.locator(".tlnb-cell").nth(3).focus()
    page.keyboard.press("p")
    expect(page.locator(".tlnb-head-pinned")).to_have_count(1)


def _look_closely(page: Page, shots: Path) -> None:
    """Every way to compare, zoom, details with code in all languages, and the original as a file."""
    page.locator(".tlnb-cell").nth(4).focus()
    page.keyboard.press("Enter")
    look = page.get_by_role("dialog", name="Look closely")
    expect(look).to_be_visible()
    for key in "wfd":
        page.keyboard.press(key)
    expect(look.locator(".tlnb-look-facts").first).to_contain_text("pixels differ")
    page.keyboard.press("s")
    page.keyboard.press("1")
    expect(look.get_by_role("button", name=re.compile("^100 %"))).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("i")
    details = look.get_by_role("complementary", name="Details of a cell")
    details.locator("summary").first.click()
    expect(details.locator("pre").first).to_contain_text("session.submit")
    details.get_by_role("radio", name="curl").check()
    expect(details.locator("pre").first).to_contain_text("$TOKENLAB_API_KEY")
    assert violations(look) == []
    page.screenshot(path=str(shots / "offline-look.png"))
    with page.expect_download() as saved:
        look.get_by_role("button", name="Download the original of the marked picture").click()
    assert saved.value.suggested_filename.endswith(".png")
    assert Path(saved.value.path()).read_bytes().startswith(b"\x89PNG")
    told = details.inner_text()
    page.keyboard.press("Escape")
    expect(look).to_be_hidden()
    seen = page.locator(".tlnb-cell:focus")
    before = seen.get_attribute("data-index")
    page.keyboard.press("ArrowRight")
    expect(seen).not_to_have_attribute("data-index", str(before))
    page.keyboard.press("Enter")
    expect(details).to_be_visible()
    assert details.inner_text() != told, "details of the picture that was looked at before"
    page.keyboard.press("Escape")


def test_previews_say_that_they_are_and_what_is_left_out_is_not_shown(open_page, shots):
    grid = SharedGrid().finish(size=(900, 600))
    grid.state = "running"
    share = tl.Share(prompts=False, ids=False, costs=False, paths=False)
    page = open_page(grid, share=share, width=700, scheme="dark")
    expect(page.get_by_text("Not finished when this page was written")).to_be_visible()
    expect(page.locator(".tlnb-row > .tlnb-head").first).to_contain_text("prompt 1")
    page.wait_for_function(IN_VIEW)
    page.screenshot(path=str(shots / "offline-narrow.png"))
    page.locator(".tlnb-cell").first.focus()
    page.keyboard.press("Enter")
    look = page.get_by_role("dialog", name="Look closely")
    expect(look.locator(".tlnb-look-facts").first).to_contain_text("a preview")
    page.keyboard.press("i")
    expect(look.get_by_role("button", name=re.compile("^Download"))).to_have_count(0)
    assert "vermilion" not in page.content().lower()


@pytest.mark.parametrize("media", ["screen", "print"])
def test_without_a_script_all_pictures_stand_in_a_table(open_page, shots, media):
    grid = SharedGrid(bare=True).finish()
    grid.cells = (*grid.cells[:1], type(grid.cells[1])(grid.cells[1].planned, grid.cells[0].jobs), *grid.cells[2:])
    page = open_page(grid, script=media == "print")
    page.emulate_media(media=media)
    images = page.locator(".tlnb-plain img")
    expect(images).to_have_count(2)
    for each in images.all():
        expect(each).to_be_visible()
        assert each.evaluate("img => img.complete && img.naturalWidth") == 96
    expect(page.get_by_role("link", name=re.compile("^The same picture as of one-model"))).to_be_visible()
    expect(page.locator("#tlnb-live")).to_be_hidden() if media == "print" else None
    if media == "screen":
        return
    page.emulate_media(media="screen")
    page.evaluate("document.documentElement.removeAttribute('data-live')")
    assert violations(page.locator(".tlnb-plain")) == []


def test_markup_from_outside_runs_nothing_and_a_script_from_elsewhere_neither(browser, tmp_path):
    grid = SharedGrid((f"evil-{MARKUP}", "b"), (MARKUP, f"{MARKUP} {{{{ 7*7 }}}}")).finish()
    axis = grid.plan.axes[2]
    object.__setattr__(axis, "labels", (f"{MARKUP}.png", "no picture"))
    path = grid.to_html(tmp_path / "grid.html", originals=True, title=MARKUP)
    for script in (True, False):
        context = browser.new_context(offline=True, java_script_enabled=script)
        page = context.new_page()
        page.goto(path.as_uri())
        assert page.locator("img[src='x']").count() == 0
        assert page.title() == MARKUP
        expect(page.locator("h1")).to_have_text(MARKUP)
        if script:
            page.wait_for_function(IN_VIEW)
            page.locator(".tlnb-cell").first.focus()
            page.keyboard.press("Enter")
            page.keyboard.press("i")
            expect(page.locator(".tlnb-look .tlnb-detail-name")).to_contain_text("evil-<img")
            added = "Object.assign(document.createElement('script'), { textContent: 'window.attacked = true' })"
            page.evaluate(f"document.body.append({added})")  # what may run is stated by its hash
            assert page.evaluate("() => window.attacked") is None
            assert page.locator("img[src='x']").count() == 0
        context.close()
