"""Sandboxes, in this process and over a port, and sessions on them; all ended after each test."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.sandbox.faults import Fault


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Callable[..., Rig]]:
    """Make a sandbox with these faults, and a session on it."""
    made: list[Rig] = []

    def make(*faults: Fault, folder: Path = tmp_path / "data", **options: Any) -> Rig:
        made.append(Rig(folder, faults, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


Serve = Callable[..., str]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Start a sandbox process and return its address."""
    started: list[subprocess.Popen[str]] = []

    def start(*faults: dict[str, Any], scale: float = 0.0, rate_limit: int = 1000) -> str:
        script = tmp_path / "faults.json"
        script.write_text(json.dumps(faults))
        options = [
            "--port",
            "0",
            "--latency-scale",
            str(scale),
            "--faults",
            str(script),
            "--rate-limit",
            str(rate_limit),
        ]
        process = subprocess.Popen(
            [sys.executable, "-m", "tokenlab_nb.sandbox", *options], stdout=subprocess.PIPE, text=True
        )
        started.append(process)
        assert process.stdout
        return process.stdout.readline().strip()

    yield start
    for process in started:
        process.send_signal(signal.SIGTERM)
        process.wait(SOON)
        assert process.stdout
        process.stdout.close()
