"""Fixtures of the browser tests: one Chromium and one server a front end, started when first needed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests import gallery
from tests.browser.harness import CHROMIUM_ARGS, Harness, Kind, chromium
from tests.jupyter_server import OPTIONS, serving

MODULES = {"lab": "jupyterlab", "notebook": "notebook"}


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark everything in this folder; where asked, run a test that failed once more (it is reported as a rerun)."""
    reruns = int(os.environ.get("TOKENLAB_NB_BROWSER_RERUNS", "0"))
    for item in items:
        if item.path.is_relative_to(Path(__file__).parent):
            item.add_marker(pytest.mark.browser)
            if reruns:
                item.add_marker(pytest.mark.flaky(reruns=reruns))


# The scope ends with this folder: Playwright keeps an event loop in the main thread, which other tests must not see.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    """This machine's Chromium, without a network."""
    path = chromium()
    if not path:
        refuse = pytest.fail if os.environ.get("TOKENLAB_NB_REQUIRE_BROWSER") == "1" else pytest.skip
        refuse("There is no Chromium on this machine; on Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        started = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_ARGS))
        yield started
        started.close()


@pytest.fixture(scope="package")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder for screenshots: TOKENLAB_NB_SHOTS, or a temporary one. What the README's show is noted."""
    folder = Path(os.environ.get("TOKENLAB_NB_SHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    yield folder
    if folder.resolve() == gallery.FOLDER:
        gallery.record([gallery.packed(path) for path in sorted(folder.glob("*.png"))])


def _served(kind: Kind, browser: Browser, shots: Path, folders: pytest.TempPathFactory) -> Iterator[Harness]:
    home = folders.mktemp(kind)
    work = home / "work"
    work.mkdir()
    with serving([MODULES[kind], "--no-browser", *OPTIONS], work, home) as server:
        yield Harness(kind, server, browser, shots)


@pytest.fixture(scope="package")
def _lab(browser: Browser, shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    yield from _served("lab", browser, shots, tmp_path_factory)


@pytest.fixture(scope="package")
def _notebook7(browser: Browser, shots: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Harness]:
    yield from _served("notebook", browser, shots, tmp_path_factory)


def _without_complaints(harness: Harness) -> Iterator[Harness]:
    yield harness
    errors = list(harness.errors)
    harness.clear()
    assert not errors, "\n".join(["The page complained:", *errors])


@pytest.fixture
def lab(_lab: Harness) -> Iterator[Harness]:
    """JupyterLab; the test fails if its pages complained."""
    yield from _without_complaints(_lab)


@pytest.fixture
def notebook7(_notebook7: Harness) -> Iterator[Harness]:
    """Notebook 7; the test fails if its pages complained."""
    yield from _without_complaints(_notebook7)


@pytest.fixture(params=["lab", "notebook7"])
def front_end(request: pytest.FixtureRequest) -> Harness:
    """JupyterLab and Notebook 7, one after the other."""
    harness: Harness = request.getfixturevalue(request.param)
    return harness
