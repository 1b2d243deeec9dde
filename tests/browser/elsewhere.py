"""A saved notebook where no JupyterLab is: converted, printed, and cleaned as a site for code does it."""

from __future__ import annotations

import re

import nbformat
import nh3
from nbconvert import HTMLExporter
from playwright.sync_api import Browser, Page

PAINTED = """count => {
  const found = [...document.querySelectorAll('img')];
  const painted = each => each.checkVisibility() && each.complete && each.naturalWidth > 99;
  return found.length === count && found.every(painted);
}"""

# GitHub's, by the documentation of its html-pipeline: no style, no class, no script. Data URIs, by which pictures
# stand in notebooks, are let through here.
TAGS = set(
    re.findall(
        r"\w+",
        """h1 h2 h3 h4 h5 h6 br b i strong em a pre code img tt div ins del sup sub p picture ol ul table thead tbody
        tfoot blockquote dl dt dd kbd q samp var hr ruby rt rp li tr td th s strike summary details caption figure
        figcaption abbr bdo cite dfn mark small source span time wbr""",
    )
)
ATTRIBUTES = {
    "*": set(
        re.findall(r"\w+", "abbr align alt border colspan dir height rowspan scope span summary title valign width")
    ),
    "a": {"href"},
    "img": {"src", "longdesc", "loading"},
}
SCHEMES = {"http", "https", "data"}


def offline(browser: Browser) -> Page:
    """A page without a network."""
    return browser.new_context(offline=True, viewport={"width": 1000, "height": 1200}).new_page()


def is_converted_and_printed(browser: Browser, saved: nbformat.NotebookNode, pictures: int, shots: object) -> None:
    """What nbconvert makes of it shows all pictures, on the screen and on paper, and fetches none of them."""
    html, _ = HTMLExporter(exclude_input=True).from_notebook_node(saved)
    page = offline(browser)
    page.set_content(html, wait_until="domcontentloaded")
    page.wait_for_function(PAINTED, arg=pictures, timeout=30_000)
    page.screenshot(path=f"{shots}/converted.png")
    different = len(set(re.findall(r'src="(data:image/jpeg[^"]+)', html)))
    assert page.pdf().count(b"/Subtype /Image") == different > 4
    page.context.close()


def is_clean(browser: Browser, twins: list[str], pictures: int, shots: object) -> None:
    """Pictures, words and tables are left where styles, classes and scripts are taken away."""
    html = "".join(nh3.clean(each, tags=TAGS, attributes=ATTRIBUTES, url_schemes=SCHEMES) for each in twins)
    assert "style=" not in html
    assert "class=" not in html
    page = offline(browser)
    page.set_content(html)
    page.wait_for_function(PAINTED, arg=pictures, timeout=30_000)
    page.screenshot(path=f"{shots}/cleaned.png")
    words = page.locator("body").inner_text()
    assert "4 of 4 done" in words
    assert "A red fox in deep snow" in words
    assert page.locator("table tbody tr").count() == pictures
    page.context.close()
