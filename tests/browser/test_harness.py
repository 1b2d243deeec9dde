"""The harness does what the other browser tests take for granted."""

from __future__ import annotations

import pytest
from playwright.sync_api import Error, expect

BUTTON = """
import ipywidgets as w

label = w.Label("not yet")
button = w.Button(description="Press")
button.on_click(lambda _: setattr(label, "value", "done"))
w.VBox([button, label])
"""


def test_widgets_answer_and_come_back_after_a_reload(front_end):
    nb = front_end.open_cells([BUTTON, "print('hello')"])
    nb.run_all()
    assert nb.text(1) == "hello\n"
    nb.cell(0).get_by_role("button", name="Press").click()
    expect(nb.cell(0).get_by_text("done", exact=True)).to_be_visible()
    saved = nb.save()
    assert saved.cells[1].outputs[0].text == "hello\n"
    nb.reload()
    expect(nb.cell(0).get_by_text("done", exact=True)).to_be_visible()
    assert nb.value("label.value") == "done"


def test_a_restarted_kernel_knows_nothing(lab):
    nb = lab.open_cells(["x = 1"])
    nb.run_all()
    assert nb.value("'x' in globals()") is True
    nb.restart()
    assert nb.value("'x' in globals()") is False


def test_themes_and_sizes_can_be_switched(front_end):
    nb = front_end.open_cells(["print('hello')"])
    for theme, light in (("dark", "false"), ("light", "true")):
        nb.theme(theme)
        assert nb.js("return document.body.dataset.jpThemeLight;") == light
    nb.resize(640)
    assert nb.js("return window.innerWidth;") == 640
    assert nb.shot("harness").stat().st_size > 1000


def test_a_page_that_complains_is_noticed(lab):
    page = lab.page()
    page.evaluate("() => console.error('ouch')")
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://example.com/")
    assert any("ouch" in text for text in lab.errors)
    assert any("request to http://example.com/" in text for text in lab.errors)
    lab.errors.clear()


def test_voila_shows_cells_without_a_notebook(lab):
    page = lab.open_voila(["import ipywidgets as w\nw.Label('served by Voila')"])
    expect(page.get_by_text("served by Voila")).to_be_visible()
