"""`notebooks/studio_app.ipynb` as a page of its own, served by Voila with the README's command."""

from __future__ import annotations

import re
import shlex
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.harness import VOILA_ERRORS
from tests.browser.test_pictures import PAINTED
from tests.jupyter_server import environment
from tests.layer_rules import ROOT
from tests.unit.jobs.fakes import until

SOON = 30_000


@pytest.fixture
def voila(tmp_path: Path) -> Iterator[tuple[psutil.Process, str]]:
    """Voila, started as the README says, but for the port and for how soon a kernel without a page ends.

    Without the culling a kernel stays for good: Jupyter Server refuses what a page of Voila's sends when it is left,
    for want of a cookie (voila-dashboards/voila#1458).
    """
    line = re.search(r"voila (notebooks/studio_app.ipynb(?: \\\n)?.*)", (ROOT / "README.md").read_text("utf-8"))
    assert line
    words = [re.sub(r"(cull_\w+)=\d+", r"\1=1", word) for word in shlex.split(line[1].replace("\\\n", " "))]
    with closing(socket.create_server(("127.0.0.1", 0))) as free:
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "voila", *words, "--no-browser", f"--port={port}"]
    log = tmp_path / "voila.log"
    with log.open("wb") as output:
        process = psutil.Popen(
            command, cwd=ROOT, env=environment(tmp_path, {}), stdout=output, stderr=subprocess.STDOUT
        )
    until(lambda: "is running at" in log.read_text("utf-8", "replace"))
    yield process, f"http://127.0.0.1:{port}/"
    process.terminate()
    process.wait(10)


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    opened = browser.new_page(viewport={"width": 1280, "height": 1000})
    complaints: list[str] = []
    opened.on("console", lambda message: message.type == "error" and complaints.append(message.text))
    opened.on("pageerror", lambda error: complaints.append(str(error)))
    yield opened
    opened.close()
    assert not [text for text in complaints if not any(known in text for known in VOILA_ERRORS)]


def test_the_app_is_one_studio_that_makes_a_picture_and_leaves_no_kernel(voila, page, shots):
    process, address = voila
    page.goto(address)
    studio = page.locator(".tlnb-studio")
    expect(studio.locator(".tlnb-picker-row").first).to_be_visible(timeout=SOON)
    expect(studio).to_have_count(1)
    expect(page).to_have_title("TokenLab Studio")
    expect(page.get_by_text("import tokenlab_nb")).to_have_count(0)
    studio.get_by_role("button", name="Run", exact=False).first.click(timeout=SOON)
    page.wait_for_function(PAINTED, arg=1, timeout=SOON)
    page.screenshot(path=shots / "studio-app.png", animations="disabled")
    page.set_viewport_size({"width": 700, "height": 1000})
    page.screenshot(path=shots / "studio-app-narrow.png", animations="disabled")
    assert process.children()
    page.goto("about:blank")
    until(lambda: not process.children())
