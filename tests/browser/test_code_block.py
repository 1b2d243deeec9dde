"""Code to be copied, apart from any notebook: the choice of its language, by keyboard, remembered."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.axe import violations
from tokenlab_nb.widgets._base import static_text

LIBS = ("base", "copying")
CODES = '{ code: "session.submit()", curl: "curl <b>x</b>", openai: "client.images.generate()" }'
PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Code</title>
<meta name="color-scheme" content="light dark"><style>{style} body {{ color: CanvasText; background: Canvas; }}</style>
<main></main><script>{script}
const main = document.querySelector("main");
const made = [codeBlock("One"), codeBlock("Two"), codeBlock("Asked", async () => ({codes}))];
main.append(...made.map((each) => each.node));
made[0].update({codes});
made[1].update("only Python");
made[2].renew(true);
</script></html>"""


@pytest.fixture
def page(browser: Browser, tmp_path: Path):
    style = static_text("lib/none", LIBS, ".css")
    file = tmp_path / "code.html"
    file.write_text(PAGE.format(style=style, script=text(), codes=CODES), encoding="utf-8")
    opened = browser.new_page(offline=True)
    opened.goto(file.as_uri())
    yield opened
    opened.context.close()


def text() -> str:
    return "\n".join(static_text(f"lib/{name}", (), ".js") for name in LIBS)


def block(page: Page, name: str):
    return page.locator(f".tlnb-code:has(> summary:text-is('{name}'))")


def test_the_language_is_chosen_by_keyboard_and_remembered(page, shots):
    one, two, asked = (block(page, name) for name in ("One", "Two", "Asked"))
    one.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(one.locator("pre")).to_have_text("session.submit()", timeout=30_000)
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    expect(one.get_by_role("radio", name="curl")).to_be_focused()
    expect(one.get_by_label("One: curl", exact=True)).to_have_text("curl <b>x</b>")
    page.keyboard.press("ArrowRight")
    expect(one.get_by_label("One: OpenAI client", exact=True)).to_have_text("client.images.generate()")

    two.locator("summary").click()  # what is there in one language only has no choice
    expect(two.locator("pre")).to_have_text("only Python")
    expect(two.get_by_role("radiogroup")).to_be_hidden()
    asked.locator("summary").click()
    expect(asked.locator("pre")).to_have_text("client.images.generate()", timeout=30_000)
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        page.screenshot(path=shots / f"code-{scheme}.png")
        assert violations(page.locator("main")) == []

    page.reload()
    one.locator("summary").click()
    expect(one.get_by_role("radio", name="OpenAI client")).to_be_checked(timeout=30_000)
    expect(one.locator("pre")).to_have_text("client.images.generate()")


def test_a_page_that_keeps_nothing_remembers_while_it_is_open(browser):
    page = browser.new_page()  # about:blank has no storage
    try:
        found = page.evaluate(f"""() => {{ {text()}
            const [one, two] = [codeBlock("One"), codeBlock("Two")];
            for (const each of [one, two]) each.update({CODES});
            document.body.append(one.node);
            one.node.querySelector("input[value=curl]").click();
            two.update({CODES});
            return [one, two].map((each) => each.node.querySelector("code").textContent); }}""")
    finally:
        page.close()
    assert found == ["curl <b>x</b>"] * 2
