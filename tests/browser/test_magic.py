"""`%%tokenlab` in JupyterLab: Tab completes its first line, a picture appears, an error is one line."""

from __future__ import annotations

from playwright.sync_api import expect

from tests.browser.cells import HASTY
from tests.browser.test_pictures import pictures

LOAD = f"{HASTY}\nsession = session_with()\n%load_ext tokenlab_nb\n%tokenlab --session session"
MISTYPED = "%%tokenlab -m gpt-image-2 --qualty high\na fox"


def test_tab_completes_a_picture_appears_and_an_error_is_one_line(lab):
    nb = lab.open_cells([LOAD, "%%tokenlab -m flux-2-p\nA {red} fox, in $now", MISTYPED])
    nb.run(0)
    editor = nb.cell(1).locator(".cm-content")
    editor.click()
    nb.page.keyboard.press("Control+Home")
    nb.page.keyboard.press("End")
    nb.page.keyboard.press("Tab")
    offered = nb.page.locator(".jp-Completer-item")
    expect(offered).to_have_text(["vflux-2-provalue"], timeout=30_000)
    nb.page.keyboard.press("Enter")
    expect(editor).to_contain_text("-m flux-2-pro")
    nb.page.keyboard.type(" --as fox --output_format ")
    nb.page.keyboard.press("Tab")
    expect(offered.filter(has_text="jpeg").first).to_be_visible(timeout=30_000)
    nb.shot("magic-completion")
    offered.filter(has_text="jpeg").first.click()
    expect(editor).to_contain_text("--as fox --output_format jpeg")
    nb.page.keyboard.press("Control+Enter")
    pictures(nb, 1)
    nb.run(2)
    error = nb.cell(2).locator(".jp-OutputArea-output")
    expect(error).to_contain_text("does not take qualty. Did you mean quality?")
    assert nb.text(2).startswith("ValidationError: gpt-image-2: ")
    assert "Traceback" not in error.inner_text()
    nb.shot("magic")
    asked = "[fox.request.values['prompt'], fox.request.values['output_format'], len(session.jobs)]"
    assert nb.value(asked) == ["A {red} fox, in $now", "jpeg", 1]
