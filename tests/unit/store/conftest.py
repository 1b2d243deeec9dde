"""What the tests of replays share."""

from __future__ import annotations

from pathlib import Path

import pytest

from tokenlab_nb.store.blobs import Blobs


@pytest.fixture
def kept(tmp_path: Path) -> Blobs:
    """The pictures of the session that is recorded."""
    return Blobs(tmp_path / "kept")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where the replay is made."""
    return tmp_path / "lesson" / "replay"
