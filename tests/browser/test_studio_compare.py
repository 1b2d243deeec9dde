"""The Studio's tab Compare, as a person uses it: vary, look at the plan, run it once, look at the grid."""

from __future__ import annotations

import shutil

from playwright.sync_api import Locator, expect

from tests.browser.harness import Notebook
from tests.browser.looking import keys, loaded
from tests.browser.test_compare_vote import begin, pair
from tests.browser.test_money import budget, paid
from tests.browser.test_offline_page import IN_VIEW
from tests.browser.test_pictures import HOLD, let_go
from tests.browser.test_studio import control, opened, run_button, studio

TWO = "nano-banana-2", "gpt-image-2"


def tab(nb: Notebook, name: str) -> Locator:
    return studio(nb).get_by_role("tab", name=name)


def form(nb: Notebook) -> Locator:
    return studio(nb).locator(".tlnb-planform")


def run(nb: Notebook) -> Locator:
    return form(nb).locator(".tlnb-plan-run")


def vary(nb: Notebook, field: str, *values: str) -> None:
    """Add a setting, and tick these values."""
    form(nb).get_by_label("Add a setting").select_option(field)
    for value in values:
        form(nb).get_by_label(value, exact=True).check()


def planned(nb: Notebook, summary: str) -> None:
    expect(form(nb).locator(".tlnb-plan-summary")).to_contain_text(summary, timeout=30_000)
    expect(run(nb)).to_be_enabled(timeout=30_000)


def grid(nb: Notebook) -> Locator:
    return studio(nb).locator(".tlnb-compare").first


def filled(nb: Notebook, count: int) -> None:
    expect(grid(nb).locator("img[src^=blob]")).to_have_count(count, timeout=60_000)


def test_from_one_prompt_to_a_grid(front_end):
    nb = opened(front_end, paid(*TWO), width=1360, height=1300)
    control(nb, "Pictures").locator("select").select_option("1")
    tab(nb, "Compare").click()
    planned(nb, "2 cells: 2 as asked.")
    expect(form(nb).get_by_role("textbox", name="Prompt 1")).to_have_value("A red fox in deep snow")
    expect(form(nb).locator(".tlnb-plan-text")).to_have_value("1")  # what was set under Create
    form(nb).get_by_role("button", name="Remove Pictures").click()
    form(nb).get_by_role("button", name="Add a prompt").click()
    form(nb).get_by_role("textbox", name="Prompt 2").fill("A teapot, {braces}, and commas")
    vary(nb, "quality", "low", "high")
    planned(nb, "8 cells: 4 as asked, 4 adjusted.")
    expect(run(nb)).to_have_text("Run 6 requests, $0.045 - $0.151 + 4 unknown prices")
    plan = studio(nb).locator(".tlnb-studio-plan")
    expect(plan).to_contain_text("quality low is left out: not taken here.")
    assert nb.value("len(POSTS)") == 0
    nb.cell(0)
    nb.shot("studio-plan", studio(nb))
    run(nb).click()
    filled(nb, 8)
    assert nb.value("len(POSTS)") == 6
    expect(grid(nb)).to_contain_text("{braces}")
    planned(nb, "6 made before, which cost nothing.")
    expect(run(nb)).to_have_text("Show it, costs nothing")
    nb.cell(0)
    nb.shot("studio-compare", studio(nb))
    studio(nb).locator(".tlnb-in-compare summary", has_text="The same in Python").click()
    code = studio(nb).locator(".tlnb-in-compare > .tlnb-code .tlnb-code-text").inner_text()
    assert "A teapot, {braces}, and commas" in code
    assert 'quality=["low", "high"]' in code
    again = nb.add(f"grid = {code}\ngrid.wait()\nlen(POSTS)")
    nb.run(again)
    assert nb.text(again).strip().endswith("6")  # the same grid: all of it is there


def test_a_press_counts_once(lab):
    nb = opened(lab, paid(*TWO))
    tab(nb, "Compare").focus()
    nb.page.keyboard.press("Enter")
    planned(nb, "2 cells")
    run(nb).dblclick()
    filled(nb, 2)
    assert nb.value("len(POSTS)") == 2
    nb.cell(0)
    form(nb).get_by_role("spinbutton").fill("0")
    expect(form(nb)).to_contain_text("Whole numbers from 1 to 100.")
    expect(run(nb)).to_be_disabled()
    form(nb).get_by_role("spinbutton").fill("2")
    planned(nb, "4 cells")
    run(nb).focus()
    for _ in range(4):  # held down
        nb.page.keyboard.down("Enter")
    nb.page.keyboard.up("Enter")
    filled(nb, 4)
    expect(run(nb)).to_be_focused()  # also while it cannot be pressed
    assert nb.value("len(POSTS)") == 4


def test_what_cannot_be_read_cannot_be_run(lab):
    nb = opened(lab, paid("seedream-5.0"))
    tab(nb, "Compare").click()
    planned(nb, "1 cell")
    vary(nb, "n")
    expect(form(nb)).to_contain_text("No value yet: it is not sent.")
    numbers = form(nb).locator("input.tlnb-plan-text")
    numbers.fill("1, two")
    expect(form(nb)).to_contain_text("two is no whole number")
    expect(run(nb)).to_be_disabled()
    expect(form(nb).get_by_text("No value yet")).to_be_hidden()
    numbers.fill("1-3")
    planned(nb, "3 cells")
    assert nb.value("studio.compare.arguments()['n']") == [1, 2, 3]
    form(nb).get_by_role("textbox", name="Prompt 1").fill(" ")
    expect(form(nb)).to_contain_text("There is no prompt yet.", timeout=30_000)
    expect(run(nb)).to_be_disabled()


def test_the_budget_holds_here_too(lab):
    nb = opened(lab, paid("nano-banana-2"))
    tab(nb, "Compare").click()
    planned(nb, "1 cell")
    form(nb).get_by_role("spinbutton").fill("3")
    planned(nb, "3 cells")
    budget(nb).fill("0.10")
    run(nb).click()
    expect(form(nb)).to_contain_text("This might cost $0.226", timeout=30_000)
    expect(form(nb)).to_contain_text("Nothing was sent.")
    assert nb.value("len(POSTS)") == 0


def test_a_budget_that_python_has_not_heard_of_yet_holds(lab):
    """Kernels with subshells hand a widget's first message to the thread that runs cells, further ones to another."""
    nb = opened(lab, HOLD + paid("nano-banana-2"))
    tab(nb, "Compare").click()
    planned(nb, "1 cell")
    form(nb).get_by_role("spinbutton").fill("3")
    planned(nb, "3 cells")
    nb.start(nb.add("print('it holds')\nhold('free')"))
    expect(nb.page.locator(".jp-OutputArea-output", has_text="it holds")).to_be_attached(timeout=30_000)
    nb.cell(0)
    budget(nb).fill("0.10")
    run(nb).click()
    expect(form(nb)).to_contain_text("Run waits until the budget is taken in.", timeout=30_000)
    let_go(nb, "free")
    nb.wait_done()
    expect(form(nb)).to_contain_text("This might cost $0.226", timeout=30_000)
    assert nb.value("len(POSTS)") == 0


def test_both_tabs_keep_what_they_have_and_the_arrows_move(lab):
    nb = opened(lab, paid(*TWO), width=700)
    expect(form(nb)).to_be_hidden()
    tab(nb, "Create").focus()
    nb.page.keyboard.press("ArrowRight")
    expect(tab(nb, "Compare")).to_be_focused()
    expect(form(nb)).to_be_visible()
    expect(studio(nb).locator(".tlnb-studio-prompt")).to_be_hidden()
    planned(nb, "2 cells")
    nb.shot("studio-compare-narrow", studio(nb))
    nb.page.keyboard.press("Home")
    expect(form(nb)).to_be_hidden()
    expect(studio(nb).locator(".tlnb-studio-prompt textarea")).to_have_value("A red fox in deep snow")


def test_a_grid_outlives_other_cells_that_run_again(lab):
    nb = opened(lab, paid("nano-banana-2"))
    other = nb.add("1 + 1")
    nb.run(other)
    nb.cell(0)
    tab(nb, "Compare").click()
    planned(nb, "1 cell")
    run(nb).click()
    filled(nb, 1)
    nb.run(other)  # the grid was made by a press, not by this cell
    nb.cell(0)
    filled(nb, 1)
    assert nb.value("studio.compare.grids[0].comm is not None")


def test_a_reopened_notebook_shows_what_was_compared(lab):
    nb = opened(lab, paid(*TWO))
    tab(nb, "Compare").click()
    planned(nb, "2 cells")
    run(nb).click()
    filled(nb, 2)
    nb.wait_for("() => document.querySelectorAll('.tlnb-twin img[src^=data]').length === 2")
    expect(nb.page.locator(".tlnb-twin").filter(visible=True)).to_have_count(0)  # the live one is looked at
    saved = "".join(part for each in nb.save().cells[0].outputs for part in each.get("data", {}).get("text/html", ""))
    assert saved.count("data:image/jpeg") == 2
    assert "2 of 2 done" in saved
    assert "No pictures yet" not in saved  # of the other tab, which stays unseen while it has nothing
    nb.reload()
    nb.cell(0)
    tab(nb, "Compare").click()
    form(nb).get_by_role("spinbutton").fill("2")
    planned(nb, "4 cells")
    run(nb).click()
    filled(nb, 4)
    stale = grid(nb).locator("..").locator(".tlnb-notice", has_text="is older than what you see here")
    expect(stale).to_be_visible(timeout=30_000)
    nb.run(nb.add(stale.locator("code").inner_text()))
    nb.wait_for("() => document.querySelectorAll('.tlnb-twin img[src^=data]').length === 2 + 4")
    expect(stale).to_be_hidden(timeout=30_000)
    expect(nb.page.locator(".tlnb-twin").filter(visible=True)).to_have_count(0)


def test_a_kernel_that_has_gone_is_told_in_words(lab):
    nb = opened(lab, paid("nano-banana-2"))
    tab(nb, "Compare").click()
    planned(nb, "1 cell")
    nb.js("await panel.sessionContext.session.kernel.restart();")
    expect(form(nb)).to_contain_text("The kernel that made this has gone: run the cell again.", timeout=30_000)
    expect(run(nb)).to_be_disabled()
    form(nb).get_by_role("spinbutton").fill("3")
    expect(form(nb)).not_to_contain_text("Planning")
    tab(nb, "Create").click()
    expect(studio(nb).locator(".tlnb-bar-gone")).to_contain_text("nothing is sent any more")
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-studio-wait")).to_contain_text("has gone: run the cell again.")


def test_the_readmes_pictures_of_a_comparison(lab):
    """The grid, looked at closely, judged, and as files. Renewed with TOKENLAB_NB_SHOTS=.github/screenshots."""
    code = (
        'import tokenlab_nb as tl\n\nsession = tl.connect(sandbox=True, data_dir="state")\n'
        'grid = session.compare(\n    ["nano-banana-2", "gpt-image-2", "flux-2-pro"],\n'
        '    ["A red fox in deep snow", "A teal teapot at noon"],\n    quality=["low", "high"],\n)\ngrid'
    )
    nb = lab.open_cells([code], "compare.ipynb", width=1360, height=1240)
    nb.js("await app.commands.execute('application:toggle-left-area');")
    nb.run_all()
    cells = nb.page.locator(".tlnb-compare")
    expect(cells.locator("img[src^=blob]").first).to_be_visible(timeout=60_000)
    expect(cells).to_contain_text("12 done", timeout=60_000)
    nb.page.mouse.move(0, 0)
    nb.cell(0)
    nb.wait_idle()
    nb.shot("compare")
    cells.locator(".tlnb-cell[data-index='4']").focus()
    nb.page.keyboard.press("Enter")
    expect(nb.page.locator("dialog.tlnb-look")).to_be_visible(timeout=30_000)
    loaded(nb)
    nb.shot("look")
    keys(nb, "Escape")
    begin(nb)
    pair(nb, 0)
    nb.shot("votes")
    keys(nb, "Escape")
    nb.value("[str(path) for path in (grid.to_html('page.html'), *grid.contact_sheet('sheet.png', edge=220))]")
    shutil.copy(nb.path.with_name("sheet.png"), lab.shots / "sheet.png")
    page = lab.page(width=1360, height=1000)
    page.goto(nb.path.with_name("page.html").as_uri())
    page.wait_for_function(IN_VIEW)
    page.screenshot(path=lab.shots / "page.png", animations="disabled")
