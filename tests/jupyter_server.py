"""A Jupyter server of the tests' own: a free port, and no setting or file of the person who runs them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 60
OPTIONS = ("--ServerApp.ip=127.0.0.1", "--ServerApp.port=0", "--ServerApp.allow_root=True", "--expose-app-in-browser")
"""For the command line: any free port, and `window.jupyterapp` for the page's helpers."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running server: where it is, the token it asks for, where its notebooks are, and where all else is."""

    url: str
    token: str
    folder: Path
    home: Path

    def address(self, path: str) -> str:
        """Return the full address of a path, token included."""
        return f"{self.url.rstrip('/')}{path}{'&' if '?' in path else '?'}token={self.token}"

    def call(self, method: str, path: str) -> Any:
        """Call the server's REST API; return the JSON of the answer, None where it has no body."""
        request = urllib.request.Request(self.address(path), method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            body = answer.read()
        return json.loads(body) if body else None


def environment(home: Path, settings: Mapping[str, Mapping[str, object]]) -> dict[str, str]:
    """Return an environment in which Jupyter, IPython and our package keep everything below ``home``.

    Args:
        home: An empty folder.
        settings: JupyterLab settings by plugin, such as ``@jupyterlab/apputils-extension:themes``.
    """
    quiet = {"@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False}}
    for plugin, values in {**quiet, **settings}.items():
        extension, _, name = plugin.partition(":")
        folder = home / "settings" / extension
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.jupyterlab-settings").write_text(json.dumps(values))
    places = {
        "HOME": "home",
        "XDG_DATA_HOME": "xdg",
        "IPYTHONDIR": "ipython",
        "JUPYTER_CONFIG_DIR": "config",
        "JUPYTER_DATA_DIR": "data",
        "JUPYTER_RUNTIME_DIR": "runtime",
        "JUPYTERLAB_SETTINGS_DIR": "settings",
        "JUPYTERLAB_WORKSPACES_DIR": "workspaces",
    }
    for name in places.values():
        (home / name).mkdir(parents=True, exist_ok=True)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, **{key: str(home / name) for key, name in places.items()}, "PATH": path}


@contextmanager
def serving(
    command: Sequence[str], folder: Path, home: Path, settings: Mapping[str, Mapping[str, object]] | None = None
) -> Iterator[Server]:
    """Run a command that starts a server; end it afterwards.

    Args:
        command: The words after ``python -m``; they hold `OPTIONS`.
        folder: Where it runs.
        home: An empty folder for everything else that it keeps.
        settings: JupyterLab settings by plugin.

    Raises:
        RuntimeError: If the server ends at once, or is not there after a minute; with its log.
    """
    log = home / "server.log"
    env = environment(home, settings or {})
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *command], cwd=folder, env=env, stdout=output, stderr=subprocess.STDOUT
        )
        try:
            server = _started(process, folder, home, log)
            yield server
            with suppress(OSError):
                server.call("POST", "/api/shutdown")
        finally:
            _end(process)


def _started(process: subprocess.Popen[bytes], folder: Path, home: Path, log: Path) -> Server:
    deadline = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        for path in (home / "runtime").glob("jpserver-*.json"):
            with suppress(ValueError, OSError):
                facts = json.loads(path.read_text())
                server = Server(facts["url"], facts["token"], folder, home)
                server.call("GET", "/api/status")
                return server
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.05)
    raise RuntimeError(f"The server did not start:\n{log.read_text(errors='replace')}")


def _end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
