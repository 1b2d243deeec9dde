"""Drive JupyterLab, Notebook 7 and Voila in Chromium, through Playwright's sync API.

```python
nb = lab.open_cells(["import ipywidgets as w", "w.Button(description='Hi')"])
nb.run_all()
nb.page.get_by_role("button", name="Hi").click()
nb.shot("hello"); nb.save()
```

Waiting goes through the page (`Notebook.wait_for`, Playwright's `expect`): while Python sleeps, the page's events wait.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import nbformat
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Locator, Page, Request

from tests.jupyter_server import Server

Kind = Literal["lab", "notebook"]

CHROMIUM_ARGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
)
"""No network but this machine's own."""

KNOWN_ERRORS: dict[Kind, tuple[str, ...]] = {
    "lab": ("Could not restore the debugger state: Canceled future",),
    "notebook": ("Cannot read properties of undefined (reading 'schema')",),
}
"""What the front ends themselves complain of: Lab at a restart, Notebook at its start. Nothing else is allowed."""

FRONT_END_FAULTS = ("Failed to execute 'removeChild' on 'Node'",)
"""Uncaught now and then by JupyterLab while it draws a notebook without any widget. Not excused where a widget's script
(which is loaded from a blob) stands in the stack."""

VOILA_ERRORS = (
    "request to https://cdn.jsdelivr.net/npm/@fortawesome/",
    "request to https://cdnjs.cloudflare.com/ajax/libs/mathjax/",
    "net::ERR_NAME_NOT_RESOLVED",
    "The getter for the shared module is not a function",
)
"""Voila's template asks for fonts and formulas from elsewhere, and cannot load Notebook 7's extensions."""

THEMES = {"light": "JupyterLab Light", "dark": "JupyterLab Dark", "contrast": "JupyterLab Dark High Contrast"}

SECONDS = 60.0


def chromium() -> str | None:
    """Return the path of this machine's Chromium, None if there is none."""
    names = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
    return next((path for name in names if (path := shutil.which(name))), None)


def write_cells(path: Path, cells: Sequence[str]) -> None:
    """Write a notebook of code cells."""
    kernel = {"name": "python3", "display_name": "Python 3 (ipykernel)", "language": "python"}
    notebook = nbformat.v4.new_notebook(metadata={"kernelspec": kernel})
    notebook.cells = [nbformat.v4.new_code_cell(source) for source in cells]
    nbformat.write(notebook, path)


@dataclass
class Harness:
    """One front end: its server, its pages, and what went wrong on them.

    Attributes:
        kind: The front end.
        server: Where it is served.
        browser: The Chromium that shows it.
        shots: The folder for screenshots.
        errors: Console errors, uncaught page errors and requests that left this machine, as they came.
    """

    kind: Kind
    server: Server
    browser: Browser
    shots: Path
    errors: list[str] = field(default_factory=list)
    _context: BrowserContext | None = field(default=None, repr=False)

    def page(self, *, width: int = 1280, height: int = 1000, known: Sequence[str] = ()) -> Page:
        """Open an empty page whose errors are collected.

        Args:
            width: CSS pixels.
            height: CSS pixels.
            known: Parts of messages that are not ours and not collected.
        """
        self._context = self._context or self.browser.new_context()
        page = self._context.new_page()
        page.set_viewport_size({"width": width, "height": height})
        page.set_default_timeout(SECONDS * 1000)

        def note(text: str) -> None:
            if not any(part in text for part in known):
                self.errors.append(text)

        def on_console(message: ConsoleMessage) -> None:
            if message.type == "error":
                note(f"console: {message.text}")

        def on_request(request: Request) -> None:
            if request.url.startswith(("http", "ws")) and "://127.0.0.1:" not in request.url:
                note(f"request to {request.url}")

        page.on("console", on_console)

        def on_error(error: Error) -> None:
            ours = "blob:" in (error.stack or "") or not any(part in str(error) for part in FRONT_END_FAULTS)
            if ours:
                note(f"page error: {error}")

        page.on("pageerror", on_error)
        page.on("request", on_request)
        return page

    def open_cells(
        self, cells: Sequence[str], name: str = "test.ipynb", *, width: int = 1280, height: int = 1000
    ) -> Notebook:
        """Write code cells as a notebook, open it, and wait for its kernel."""
        write_cells(self.server.folder / name, cells)
        return self.open(name, width=width, height=height)

    def open(self, name: str, *, width: int = 1280, height: int = 1000) -> Notebook:
        """Open a notebook of the server's folder on a new page, and wait for its kernel. Sizes are in CSS pixels."""
        page = self.page(width=width, height=height, known=KNOWN_ERRORS[self.kind])
        path = f"/lab/tree/{name}?reset" if self.kind == "lab" else f"/notebooks/{name}"
        page.goto(self.server.address(path))
        notebook = Notebook(self, page, self.server.folder / name)
        notebook.wait_ready()
        return notebook

    def open_voila(self, cells: Sequence[str], name: str = "voila.ipynb", *, width: int = 1280) -> Page:
        """Show code cells as a Voila page (served by the same server's extension); returns once it has run them."""
        write_cells(self.server.folder / name, cells)
        page = self.page(width=width, known=VOILA_ERRORS)
        page.goto(self.server.address(f"/voila/render/{name}"))
        page.wait_for_selector("#rendered_cells", state="attached")
        return page

    def clear(self) -> None:
        """Close all pages, end all kernels, empty the folder, take back the theme, forget the errors."""
        if self._context:
            self._context.close()
            self._context = None
        for session in self.server.call("GET", "/api/sessions"):
            self.server.call("DELETE", f"/api/sessions/{session['id']}")
        for kernel in self.server.call("GET", "/api/kernels"):
            self.server.call("DELETE", f"/api/kernels/{kernel['id']}")
        for path in self.server.folder.iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink()
        for path in (self.server.home / "settings").rglob("themes.jupyterlab-settings"):
            path.unlink()
        self.errors.clear()


_PANEL = """(() => {
  const app = window.jupyterapp;
  if (!app || !app.shell) return null;
  return Array.from(app.shell.widgets('main')).find(w => w.content && w.content.model && w.content.model.cells) || null;
})()"""

_CONNECTED = f"""() => {{
  const panel = {_PANEL};
  const kernel = panel && panel.sessionContext.session && panel.sessionContext.session.kernel;
  return kernel && kernel.status === 'idle' && kernel.connectionStatus === 'connected';
}}"""

_HANDLED = f"""() => {{
  const panel = {_PANEL};
  const waiting = Array.from(panel.sessionContext.session.kernel._futures.values());
  return !waiting.some(future => future.msg.header.msg_type.startsWith('comm_'));
}}"""

_IDLE = f"""() => {{
  const panel = {_PANEL};
  const busy = cell => cell.type === 'code' && cell.sharedModel.executionState === 'running';
  return !Array.from(panel.content.model.cells).some(busy) && panel.sessionContext.session.kernel.status === 'idle';
}}"""


@dataclass
class Notebook:
    """A notebook that is open on a page."""

    harness: Harness
    page: Page
    path: Path

    def js(self, body: str, argument: object = None) -> Any:
        """Run JavaScript with ``app``, ``panel`` and ``argument`` at hand; it may await, and returns JSON values."""
        code = f"async argument => {{ const app = window.jupyterapp; const panel = {_PANEL}; {body} }}"
        return self.page.evaluate(code, argument)

    def wait_for(self, condition: str, argument: object = None, seconds: float = SECONDS) -> None:
        """Wait until a JavaScript function returns something true."""
        self.page.wait_for_function(condition, arg=argument, timeout=seconds * 1000)

    def wait_ready(self) -> None:
        """Wait until the notebook is shown and its kernel is idle."""
        for last in (False, False, True):  # a second tab is sent on to another workspace: its first page goes away
            try:
                self.wait_for(f"() => !!{_PANEL}")
                self.js("await app.restored; await panel.context.ready; await panel.revealed;")
                self.js("await panel.sessionContext.ready;")
                break
            except Error as error:
                if last or "context was destroyed" not in str(error):
                    raise
        self.wait_for(_CONNECTED)

    def wait_idle(self, seconds: float = SECONDS) -> None:
        """Wait until no cell runs."""
        self.wait_for(_IDLE, seconds=seconds)

    def run_all(self, seconds: float = SECONDS) -> None:
        """Run all cells, and wait for the last one."""
        self._execute("notebook:run-all-cells")
        self.wait_done(seconds)

    def start(self, index: int) -> None:
        """Run one cell, and do not wait for it; `wait_done` does."""
        self.js("panel.content.deselectAll(); panel.content.activeCellIndex = argument;", index)
        self._execute("notebook:run-cell")

    def run(self, index: int, seconds: float = SECONDS) -> None:
        """Run one cell, and wait for it."""
        self.start(index)
        self.wait_done(seconds)

    def wait_done(self, seconds: float = SECONDS) -> None:
        """Wait until what was run last has ended."""
        self.wait_for("() => window.testDone === true", seconds=seconds)
        self.wait_idle(seconds)

    def _execute(self, command: str) -> None:
        self.js(
            "app.shell.activateById(panel.id); window.testDone = false;"
            "app.commands.execute(argument).finally(() => { window.testDone = true; }); return null;",
            command,
        )

    def add(self, code: str) -> int:
        """Append a code cell; return its index."""
        insert = "const m = panel.content.model.sharedModel; const n = m.cells.length;"
        insert += "m.insertCell(n, {cell_type: 'code', source: argument, metadata: {trusted: true}}); return n;"
        return int(self.js(insert, code))

    def value(self, expression: str) -> Any:
        """Return the value of a Python expression in the kernel, through JSON; leaves a cell behind.

        The kernel has handled all that the page sent before: widgets' messages go over a subshell, and a cell may
        overtake them.
        """
        self.wait_for(_HANDLED)
        index = self.add(f"import json as _json\nprint('@@' + _json.dumps({expression}))")
        self.run(index)
        text = self.text(index)
        assert "@@" in text, text
        return json.loads(text.split("@@", 1)[1].splitlines()[0])

    def outputs(self, index: int) -> list[dict[str, Any]]:
        """Return a cell's outputs as the file would hold them."""
        return list(self.js("return panel.content.model.cells.get(argument).toJSON().outputs;", index))

    def text(self, index: int) -> str:
        """Return the text of a cell's outputs: streams, plain text, errors."""
        return "".join(_text(output) for output in self.outputs(index))

    def cell(self, index: int) -> Locator:
        """Bring a cell into view and return it (cells out of view may be out of the page, too)."""
        self.js(
            "await panel.content.scrollToItem(argument, 'start');"
            "panel.content.widgets[argument].node.dataset.testCell = String(argument);",
            index,
        )
        return self.page.locator(f"[data-test-cell='{index}']")

    def save(self) -> nbformat.NotebookNode:
        """Save, and return what the file holds."""
        self.js("await panel.context.save();")
        return nbformat.read(self.path, as_version=4)

    def reload(self) -> None:
        """Reload the page; the kernel lives on. Save first, as a person would."""
        self.page.reload()
        self.wait_ready()

    def restart(self) -> None:
        """Restart the kernel."""
        self.js("await panel.sessionContext.restartKernel();")
        self.wait_for(_CONNECTED)

    def interrupt(self) -> None:
        """Press the stop button."""
        self.js("await panel.sessionContext.session.kernel.interrupt();")

    def theme(self, name: Literal["light", "dark", "contrast"]) -> None:
        """Switch Jupyter's theme, and wait until it is on."""
        self.js("await app.commands.execute('apputils:change-theme', {theme: argument});", THEMES[name])
        self.wait_for("name => document.body.dataset.jpThemeName === name", THEMES[name])

    def resize(self, width: int, height: int = 1000) -> None:
        """Change the page's size, in CSS pixels."""
        self.page.set_viewport_size({"width": width, "height": height})

    def shot(self, name: str, of: Locator | None = None) -> Path:
        """Take a screenshot of the page or of one element; return the file (those of Notebook say so in their name)."""
        path = self.harness.shots / f"{name}{'' if self.harness.kind == 'lab' else '-notebook'}.png"
        (of or self.page).screenshot(path=path, animations="disabled")
        return path


def _text(output: dict[str, Any]) -> str:
    if output["output_type"] == "error":
        return f"{output['ename']}: {output['evalue']}"
    found = output["text"] if output["output_type"] == "stream" else output.get("data", {}).get("text/plain", "")
    return found if isinstance(found, str) else "".join(found)
