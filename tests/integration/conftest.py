"""Sessions on sandboxes, closed after each test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integration.harness import Rig
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
