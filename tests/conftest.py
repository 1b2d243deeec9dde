"""What holds for every test, the notebooks included: no key, no proxy and no state of the person who runs it."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tokenlab_nb import settings

KEPT = {"TOKENLAB_NB_BROWSER_RERUNS", "TOKENLAB_NB_REQUIRE_BROWSER", "TOKENLAB_NB_SHOTS"}
"""Settings of the tests themselves."""

_state = pytest.StashKey[str]()


def pytest_configure(config: pytest.Config) -> None:
    """Clean the environment of the whole run, so that kernels and servers started by tests inherit a clean one."""
    proxies = {"http_proxy", "https_proxy", "all_proxy", "no_proxy"}
    for name in list(os.environ):
        if name.lower() in proxies or (name.startswith("TOKENLAB_") and name not in KEPT):
            del os.environ[name]
    config.stash[_state] = os.environ["XDG_DATA_HOME"] = tempfile.mkdtemp(prefix="tokenlab-nb-tests-")
    os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.null.Keyring"


def pytest_unconfigure(config: pytest.Config) -> None:
    """Remove what the run kept."""
    shutil.rmtree(config.stash[_state], ignore_errors=True)


@pytest.fixture(autouse=True)
def _state_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "user-data"))
    yield
    settings.forget()


@pytest.fixture
def sandbox_session(tmp_path: Path) -> Iterator[tl.Session]:
    """A session with the sandbox inside this process, and state of its own."""
    session = tl.connect(sandbox=True, data_dir=tmp_path / "session")
    yield session
    session.close()


@pytest.fixture(scope="session")
def repository() -> Path:
    """The checkout that is being tested."""
    return Path(__file__).resolve().parents[1]
