"""`Settings`: where the service is, which key, where state is kept. The only reader of environment and keyring.

Environment: ``TOKENLAB_API_KEY``, ``TOKENLAB_BASE_URL``, ``TOKENLAB_DATA_DIR``.
"""

from __future__ import annotations

import hmac
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from tokenlab_nb.errors import ValidationError

SERVICE_URL = "https://api.tokenlab.sh"
SANDBOX_URL = "http://sandbox.tokenlab.localhost"
"""The sandbox inside this process. No such host exists: nothing that is sent there can leave the process."""

KEYRING_SERVICE = "tokenlab-nb"
_KEYRING_USER = "api-key"


class Secret:
    """A key that shows itself to nobody: not in repr, str, format or a pickle."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value

    def reveal(self) -> str:
        """Return the key, for the one place that sends it."""
        return self._value

    def __repr__(self) -> str:
        return "<key: set>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __reduce__(self) -> NoReturn:
        raise TypeError("A key is not written to files.")


@dataclass(frozen=True, slots=True)
class Timeouts:
    """Seconds. A create may take minutes; httpx's own 5 s would turn every slow picture into a lost one.

    Attributes:
        connect: To reach the service.
        create: From sending a create call to its answer (the vendor's guide asks for at least 120).
        read: For every other call.
        download: For one picture, in all.
    """

    connect: float = 10.0
    create: float = 300.0
    read: float = 30.0
    download: float = 120.0


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that `connect` decides, in one value.

    Attributes:
        base_url: The API's address, without ``/v1``.
        data_dir: Folder for ledger and pictures.
        api_key: The key; None means that none was found.
        sandbox: Whether the service is the sandbox inside this process.
        prefer_tasks: Ask for a task where the contract lists ``async``: with its id a lost answer loses nothing.
        timeouts: Seconds.
    """

    base_url: str
    data_dir: Path
    api_key: Secret | None = None
    sandbox: bool = False
    prefer_tasks: bool = True
    timeouts: Timeouts = field(default_factory=Timeouts)


_logged_in: list[Secret] = []


def load(
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    sandbox: bool | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    prefer_tasks: bool = True,
) -> Settings:
    """Put the settings together: arguments win over `remember`, that over the environment, that over the keyring.

    Args:
        api_key: A key; None looks for one.
        base_url: The API's address, with or without ``/v1``; None takes the environment's, else the service's.
        sandbox: True for the sandbox, False for the service; None decides by whether there is a key or an address.
        data_dir: Folder for state; None takes the environment's, else the user's data folder.
        prefer_tasks: Ask for a task where the contract lists ``async``.

    Raises:
        ValidationError: If the address is not one, or a key would travel unencrypted to a public host.
    """
    address = base_url or os.environ.get("TOKENLAB_BASE_URL") or ""
    key = None if sandbox else _find_key(api_key)
    local = sandbox if sandbox is not None else not key and not address
    folder = Path(data_dir or os.environ.get("TOKENLAB_DATA_DIR") or _default_folder()).expanduser().absolute()
    if local:
        return Settings(SANDBOX_URL, folder, Secret("sk-sandbox"), sandbox=True, prefer_tasks=prefer_tasks)
    return Settings(_checked_address(address or SERVICE_URL), folder, key, prefer_tasks=prefer_tasks)


def _checked_address(text: str) -> str:
    address = text.strip().rstrip("/").removesuffix("/v1").rstrip("/")
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username or parts.query or parts.fragment:
        raise ValidationError(
            f"{text!r} is not an API address.", hint=f"Give scheme and host only, like {SERVICE_URL}; /v1 may follow."
        )
    if parts.scheme == "http" and not _is_near(parts.hostname):
        raise ValidationError(
            f"{address} would carry the key unencrypted over a public network.", hint="Use its https address."
        )
    return address


def _is_near(host: str) -> bool:
    """Whether a plain-text address stays on this machine or in its network."""
    last = host.rstrip(".").rsplit(".", 1)[-1]
    return "." not in host or ":" in host or last.isdigit() or last in ("localhost", "local", "internal", "lan", "test")


def _default_folder() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415  # only when needed: importing the package stays cheap

    return user_data_path("tokenlab-nb", appauthor=False)


def _find_key(given: str | None) -> Secret | None:
    if given is not None:
        return Secret(given.strip())
    if _logged_in:
        return _logged_in[-1]
    text = os.environ.get("TOKENLAB_API_KEY", "").strip() or _from_keyring()
    return Secret(text) if text else None


def _from_keyring() -> str:
    """Read the key ring, where there is one; a broken or locked one is as good as none."""
    try:
        import keyring  # noqa: PLC0415  # an optional extra
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ImportError:
        return ""
    try:
        return keyring.get_password(KEYRING_SERVICE, _KEYRING_USER) or ""
    except KeyringError:
        return ""


def remember(key: str) -> str:
    """Keep a key for this process and, where one is installed and works, in the system's key ring.

    Returns:
        Where it is kept, in words.

    Raises:
        ValidationError: If it is empty.
    """
    key = key.strip()
    if not key:
        raise ValidationError("No key was given.", hint="Run tl.login() again and paste the key.")
    _logged_in[:] = [Secret(key)]
    try:
        import keyring  # noqa: PLC0415  # an optional extra
        from keyring.errors import KeyringError  # noqa: PLC0415
    except ImportError:
        return "for this kernel only (pip install keyring keeps it for the next one)"
    try:
        keyring.set_password(KEYRING_SERVICE, _KEYRING_USER, key)
    except KeyringError:
        return "for this kernel only (this system's key ring cannot be used)"
    return "in this system's key ring, and for this kernel"


def forget() -> None:
    """Forget the key that `remember` kept in this process (tests, mostly)."""
    _logged_in.clear()
