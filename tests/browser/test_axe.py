"""axe-core finds nothing wrong with any widget, in the light and in the dark theme."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.axe import violations
from tests.browser.test_studio import opened, run_button, studio, write


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_the_studio(lab, theme):
    nb = opened(lab)
    nb.theme(theme)
    write(nb, "A red fox in deep snow")
    run_button(nb).click()
    expect(studio(nb).locator(".tlnb-tile img[src^=blob]")).to_have_count(1, timeout=30_000)
    assert violations(studio(nb)) == []


def test_it_finds_what_is_wrong(lab):
    nb = lab.open_cells(["import ipywidgets as w\nw.HTML('<img src=x><button></button>')"])
    nb.run_all()
    found = " ".join(violations(nb.cell(0).locator(".jupyter-widgets")))
    assert "image-alt" in found
    assert "button-name" in found
