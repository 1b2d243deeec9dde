"""Which key, which address, which folder, and a key that shows itself to nobody."""

from __future__ import annotations

import builtins
import copy
import dataclasses
import pickle
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import keyring
import keyring.backend
import keyring.errors
import pytest

from tokenlab_nb import settings
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.settings import SANDBOX_URL, SERVICE_URL, Secret, Settings, load

KEY = Secret("sk-argument")


class Ring(keyring.backend.KeyringBackend):
    """A key ring in memory; ``trouble`` is raised instead of an answer."""

    priority = 1  # type: ignore[assignment] # keyring's own way to state it

    def __init__(self, kept: str | None = None, trouble: Exception | None = None) -> None:
        self.kept = kept
        self.trouble = trouble

    def get_password(self, service: str, username: str) -> str | None:
        assert service == "tokenlab-nb"
        if self.trouble:
            raise self.trouble
        return self.kept

    def set_password(self, service: str, username: str, password: str) -> None:
        if self.trouble:
            raise self.trouble
        self.kept = password


TROUBLES = [keyring.errors.KeyringLocked("locked"), RuntimeError("the bus is gone"), OSError("no such device")]


@pytest.fixture
def ring() -> Iterator[Ring]:
    made = Ring()
    before = keyring.get_keyring()
    keyring.set_keyring(made)
    yield made
    keyring.set_keyring(before)


@pytest.fixture
def no_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without(name: str, *args: Any, **kwargs: Any) -> Any:
        if name.partition(".")[0] == "keyring":
            raise ImportError(name)
        return real(name, *args, **kwargs)

    monkeypatch.setattr(builtins, "__import__", without)


def key_of(found: Settings) -> str | None:
    return found.api_key.reveal() if found.api_key else None


# ------------------------------------------------------------------------------------------------- the key


def test_an_argument_wins_over_a_login_over_the_environment_over_the_key_ring(
    ring: Ring, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert key_of(load(sandbox=False)) is None
    ring.kept = "sk-ring"
    assert key_of(load()) == "sk-ring"
    monkeypatch.setenv("TOKENLAB_API_KEY", " sk-environment\n")
    assert key_of(load()) == "sk-environment"
    settings.remember(Secret("sk-login"))
    assert key_of(load()) == "sk-login"
    assert key_of(load(api_key=KEY)) == "sk-argument"
    settings.forget()
    assert key_of(load()) == "sk-environment"


@pytest.mark.parametrize("trouble", TROUBLES, ids=repr)
def test_a_broken_key_ring_is_as_good_as_none(ring: Ring, trouble: Exception) -> None:
    ring.trouble = trouble
    assert load().sandbox
    assert settings.remember(KEY) == "for this kernel only (this system's key ring cannot be used)"
    assert key_of(load()) == "sk-argument"


@pytest.mark.usefixtures("no_keyring")
def test_keyring_need_not_be_installed() -> None:
    assert load().sandbox
    assert "pip install keyring" in settings.remember(KEY)
    assert key_of(load()) == "sk-argument"


def test_a_working_key_ring_keeps_it_for_the_next_kernel(ring: Ring) -> None:
    assert settings.remember(KEY) == "in this system's key ring, and for this kernel"
    settings.forget()
    assert key_of(load()) == "sk-argument"


def test_a_key_ring_that_forgets_is_not_said_to_keep_it(ring: Ring, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ring, "set_password", lambda *_: None)
    assert "for this kernel only" in settings.remember(KEY)


@pytest.mark.parametrize("text", ["", "  ", "sk-a b", "sk-a\nb", "sk-\N{LATIN SMALL LETTER E WITH ACUTE}", "sk-\udcff"])
def test_what_cannot_be_a_key_is_refused_without_repeating_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ValidationError, match="The key ") as caught:
        load(api_key=Secret(text))
    assert text.strip() == "" or text not in str(caught.value)
    with pytest.raises(ValidationError, match="The key "):
        settings.remember(Secret(text))
    assert load(api_key=Secret(text), sandbox=True).sandbox


def test_an_unusable_key_of_the_environment_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "sk-two words")
    with pytest.raises(ValidationError, match="Copy it again from the dashboard"):
        load()


def test_a_key_shows_itself_to_nobody() -> None:
    secret = Secret(" sk-canary ")
    chosen = load(api_key=secret)
    for text in (repr(secret), str(secret), f"{secret}", f"{secret!r:>40}", repr(chosen), repr([chosen])):
        assert "canary" not in text
    assert "key: set" in repr(chosen)
    for write in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError, match="not written"):
            write(secret)
    with pytest.raises(TypeError, match="not written"):
        dataclasses.asdict(chosen)
    assert secret.reveal() == "sk-canary"


def test_keys_compare_by_what_they_are() -> None:
    assert Secret("sk-1") == Secret("sk-1")
    assert hash(Secret("sk-1")) == hash(Secret("sk-1"))
    assert Secret("sk-1") != Secret("sk-2")
    assert Secret("sk-1") != "sk-1"
    assert load() == load()


# ------------------------------------------------------------------------------------------------- the service


def test_a_key_or_an_address_means_the_service_and_neither_the_sandbox(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (load().sandbox, load().base_url) == (True, SANDBOX_URL)
    assert (load(api_key=KEY).sandbox, load(api_key=KEY).base_url) == (False, SERVICE_URL)
    assert load(base_url="http://127.0.0.1:8765").sandbox is False
    assert load(sandbox=False).base_url == SERVICE_URL
    monkeypatch.setenv("TOKENLAB_BASE_URL", "https://gateway.example.org")
    assert load().base_url == "https://gateway.example.org"
    assert load(base_url="https://other.example.org").base_url == "https://other.example.org"


def test_the_sandbox_ignores_every_key_and_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOKENLAB_API_KEY", "sk-environment")
    monkeypatch.setenv("TOKENLAB_BASE_URL", "https://gateway.example.org")
    found = load(sandbox=True, api_key=KEY)
    assert (found.base_url, key_of(found), found.sandbox) == (SANDBOX_URL, "sk-sandbox", True)


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("https://api.tokenlab.sh", "https://api.tokenlab.sh"),
        ("https://api.tokenlab.sh/v1", "https://api.tokenlab.sh"),
        (" https://api.tokenlab.sh/v1/ ", "https://api.tokenlab.sh"),
        ("HTTPS://API.TokenLab.sh:443/", "https://api.tokenlab.sh"),
        ("https://api.tokenlab.sh:8443", "https://api.tokenlab.sh:8443"),
        ("https://gateway.example.org/Lab/v1", "https://gateway.example.org/Lab"),
        ("http://localhost:80", "http://localhost"),
        ("http://127.0.0.1:8765/v1", "http://127.0.0.1:8765"),
        ("http://[::1]:8765", "http://[::1]:8765"),
        ("http://10.0.0.7", "http://10.0.0.7"),
        ("http://lab", "http://lab"),
        ("http://lab.internal:80", "http://lab.internal"),
    ],
)
def test_an_address_has_one_spelling(given: str, taken: str) -> None:
    assert load(base_url=given).base_url == taken


@pytest.mark.parametrize(
    "address",
    [
        "api.tokenlab.sh",
        "ftp://api.tokenlab.sh",
        "https://",
        "https:///v1",
        "https://[::1",
        "https://host:port",
        "https://host:99999",
        "https://two words.org",
        "https://host\\.org",
        "https://ho\nst.org",
        "https://api.tokenlab.sh/v1/images/generations",
        "https://api.tokenlab.sh/v1?key=1",
        "https://api.tokenlab.sh/#v1",
        "https://sk-canary@api.tokenlab.sh",
        "https://:sk-canary@api.tokenlab.sh",
        "sk-canary",
    ],
)
def test_what_is_no_api_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(ValidationError, match=r"Give scheme and host only, like https://api\.tokenlab\.sh") as caught:
        load(base_url=address)
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize(
    "host", ["api.tokenlab.sh", "93.184.216.34", "1572395042", "0x5db8d822", "93.12114978", "[2606:4700::1111]", "a.7"]
)
def test_a_key_never_travels_unencrypted_over_a_public_network(host: str) -> None:
    with pytest.raises(ValidationError, match="unencrypted over a public network"):
        load(base_url=f"http://{host}")


# ------------------------------------------------------------------------------------------------- the folder


def test_the_folder_is_the_argument_the_environment_or_the_users_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert load().data_dir == tmp_path / "user-data" / "tokenlab-nb" or sys.platform != "linux"
    monkeypatch.setenv("TOKENLAB_DATA_DIR", str(tmp_path / "environment"))
    assert load().data_dir == tmp_path / "environment"
    assert load(data_dir=tmp_path / "argument").data_dir == tmp_path / "argument"
    monkeypatch.chdir(tmp_path)
    assert load(data_dir="here").data_dir == tmp_path / "here"
    monkeypatch.setenv("HOME", str(tmp_path))
    assert load(data_dir="~/mine").data_dir == tmp_path / "mine"


def test_tasks_are_preferred_unless_one_says_otherwise() -> None:
    assert load().prefer_tasks
    assert not load(prefer_tasks=False).prefer_tasks


def test_times_are_generous_for_creates() -> None:
    times = load().timeouts
    assert (times.connect, times.create, times.read, times.download) == (10.0, 300.0, 30.0, 120.0)


def test_the_sandbox_of_this_process_has_no_address() -> None:
    with pytest.raises(ValidationError, match="Leave out one of the two"):
        settings.load(sandbox=True, base_url="http://127.0.0.1:8765")


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "http_proxy", "all_proxy"])
def test_a_proxy_in_the_environment_is_known_and_makes_no_other_settings(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain = settings.load(api_key=Secret("sk-x"), data_dir=tmp_path)
    monkeypatch.setenv(name, "http://proxy.example.com:3128")
    proxied = settings.load(api_key=Secret("sk-x"), data_dir=tmp_path)
    assert (plain.has_proxy, proxied.has_proxy) == (False, True)
    assert plain == proxied
    assert not settings.load(sandbox=True, data_dir=tmp_path).has_proxy


@pytest.mark.parametrize(
    ("said", "given", "wanted"),
    [
        ("", None, True),
        ("1", None, True),
        ("0", None, False),
        (" Off ", None, False),
        ("0", True, True),
        ("", False, False),
    ],
)
def test_provenance_is_off_by_one_setting(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str, given: bool | None, wanted: bool
) -> None:
    monkeypatch.setenv("TOKENLAB_PROVENANCE", said)
    for sandbox in (True, None):
        found = settings.load(api_key=settings.Secret("sk-some"), sandbox=sandbox, data_dir=tmp_path, provenance=given)
        assert found.provenance is wanted


def test_a_setting_that_says_neither_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TOKENLAB_PROVENANCE", "perhaps")
    with pytest.raises(ValidationError, match="'perhaps', which is neither"):
        settings.load(sandbox=True, data_dir=tmp_path)
