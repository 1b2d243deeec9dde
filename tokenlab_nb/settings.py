"""`Settings`: where the service is, which key, where state is kept. The only reader of environment and keyring.

Environment: ``TOKENLAB_API_KEY``, ``TOKENLAB_BASE_URL``, ``TOKENLAB_DATA_DIR``, ``TOKENLAB_PROVENANCE`` (0: saved
pictures carry no record of how they were made).
"""

from __future__ import annotations

import hmac
import ipaddress
import os
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NoReturn
from urllib.parse import urlsplit

from tokenlab_nb.errors import ValidationError

SERVICE_URL = "https://api.tokenlab.sh"
SANDBOX_URL = "http://sandbox.tokenlab.localhost"
"""The sandbox inside this process. No such host exists: nothing that is sent there can leave the process."""

KEYRING_SERVICE = "tokenlab-nb"
_KEYRING_USER = "api-key"
_YES, _NO = ("", "1", "true", "yes", "on"), ("0", "false", "no", "off")


class Secret:
    """A key that shows itself to nobody: not in repr, str, format or a pickle. Spaces around it are dropped."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        self._value = value.strip()

    def reveal(self) -> str:
        """Return the key, for the one place that sends it."""
        return self._value

    @property
    def problem(self) -> str:
        """Why no service can take it, in one sentence; an empty text when one may."""
        if not self._value:
            return "The key is empty."
        fit = self._value.isascii() and self._value.isprintable() and " " not in self._value
        return "" if fit else "The key holds a space, a line break or a character that no key has."

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
        replay: The folder whose recorded answers stand in for the service; None asks the service.
        provenance: Whether saved pictures carry a record of how they were made.
        has_proxy: Whether the environment names a proxy: calls go through it, pictures are fetched directly.
    """

    base_url: str
    data_dir: Path
    api_key: Secret | None = None
    sandbox: bool = False
    prefer_tasks: bool = True
    timeouts: Timeouts = field(default_factory=Timeouts)
    replay: Path | None = None
    provenance: bool = True
    has_proxy: bool = field(default=False, compare=False)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        parts = urlsplit(self.base_url)
        return f"{parts.scheme}://{parts.netloc}"


_logged_in: list[Secret] = []


def load(
    *,
    api_key: Secret | None = None,
    base_url: str | None = None,
    sandbox: bool | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    prefer_tasks: bool = True,
    provenance: bool | None = None,
) -> Settings:
    """Put the settings together: arguments win over `remember`, that over the environment, that over the keyring.

    Args:
        api_key: A key; None looks for one. Not as text, which a traceback with local values would show.
        base_url: The API's address, with or without ``/v1``; None takes the environment's, else the service's.
        sandbox: True for the sandbox, False for the service; None decides by whether there is a key or an address.
        data_dir: Folder for state; None takes the environment's, else the user's data folder.
        prefer_tasks: Ask for a task where the contract lists ``async``.
        provenance: See `wants_provenance`.

    Raises:
        ValidationError: If the address or the key is not one, or would travel unencrypted to a public host; or if both
            an address and ``sandbox=True`` are given.
    """
    if sandbox and base_url:
        raise ValidationError(
            "sandbox=True is the sandbox inside this process, which has no base_url.",
            hint="Leave out one of the two: a sandbox on a port is reached by its base_url and any key (sk-...).",
        )
    address = base_url or os.environ.get("TOKENLAB_BASE_URL") or ""
    key = None if sandbox else _find_key(api_key)
    local = sandbox if sandbox is not None else not key and not address
    folder = Path(data_dir or os.environ.get("TOKENLAB_DATA_DIR") or _default_folder()).expanduser().absolute()
    common = partial(Settings, prefer_tasks=prefer_tasks, provenance=wants_provenance(given=provenance))
    if local:
        return common(SANDBOX_URL, folder, Secret("sk-sandbox"), sandbox=True)
    return common(_checked_address(address or SERVICE_URL), folder, key, has_proxy=_has_proxy())


def wants_provenance(*, given: bool | None) -> bool:
    """Whether saved pictures carry a record of how they were made.

    Args:
        given: What was asked for; None takes the environment's ``TOKENLAB_PROVENANCE``, else yes.

    Raises:
        ValidationError: If the environment says neither yes nor no.
    """
    if given is not None:
        return given
    text = os.environ.get("TOKENLAB_PROVENANCE", "").strip().lower()
    if text in _NO:
        return False
    if text in _YES:
        return True
    raise ValidationError(f"TOKENLAB_PROVENANCE is {text[:20]!r}, which is neither.", hint="Set it to 1 or 0.")


def _checked_address(text: str) -> str:
    """The address in one spelling: jobs are kept by it."""
    scheme, host, path = _read_address(text.strip())
    if not host:  # the text is not repeated: it may be a key in the wrong place, or hold a password
        raise ValidationError(
            "The API address (base_url or TOKENLAB_BASE_URL) is not one.",
            hint=f"Give scheme and host only, like {SERVICE_URL}; /v1 may follow.",
        )
    if scheme == "http" and not _is_near(urlsplit(f"//{host}").hostname or ""):
        raise ValidationError(
            f"http://{host} would carry the key unencrypted over a public network.", hint="Use its https address."
        )
    return f"{scheme}://{host}{path}"


def _read_address(text: str) -> tuple[str, str, str]:
    """Scheme, host with port, and path without ``/v1``; without a host where it is no API address."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # raises where it is none
    except ValueError:
        return "", "", ""
    path = parts.path.rstrip("/").removesuffix("/v1").rstrip("/")
    strange = "@" in parts.netloc or parts.query or parts.fragment or "/v1" in path or not text.isprintable()
    if parts.scheme not in ("http", "https") or not parts.hostname or strange or " " in text or "\\" in text:
        return "", "", ""
    usual = ":443" if parts.scheme == "https" else ":80"
    return parts.scheme, parts.netloc.lower().removesuffix(usual), path


def _is_near(host: str) -> bool:
    """Whether a plain-text address stays on this machine or in its network."""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        last = host.rstrip(".").rsplit(".", 1)[-1]
    if last[:1].isdigit():  # an IPv4 address in one of its other spellings
        return False
    return last == host or last in ("localhost", "local", "internal", "lan", "test")


def _default_folder() -> Path:
    from platformdirs import user_data_path  # noqa: PLC0415  # only when needed: importing the package stays cheap

    return user_data_path("tokenlab-nb", appauthor=False)


def _has_proxy() -> bool:
    from urllib.request import getproxies  # noqa: PLC0415  # only when needed; httpx asks it too

    return any(getproxies().get(scheme) for scheme in ("http", "https", "all"))


def _find_key(given: Secret | None) -> Secret | None:
    found = given or (_logged_in[-1] if _logged_in else _from_environment() or _from_keyring())
    if found and found.problem:
        raise ValidationError(found.problem, hint="Copy it again from the dashboard; it begins with sk-.")
    return found


def _from_environment() -> Secret | None:
    text = os.environ.get("TOKENLAB_API_KEY", "").strip()
    return Secret(text) if text else None


def _from_keyring() -> Secret | None:
    """Read the key ring, where there is one; a broken or locked one is as good as none."""
    try:
        import keyring  # noqa: PLC0415  # an optional extra

        text = keyring.get_password(KEYRING_SERVICE, _KEYRING_USER)
    except Exception:  # noqa: BLE001  # not installed, or one of its back ends failed: they raise whatever they like
        return None
    return Secret(text) if text else None


def remember(key: Secret) -> str:
    """Keep a key for this process and, where one is installed and works, in the system's key ring.

    Returns:
        Where it is kept, in words.

    Raises:
        ValidationError: If it is empty, or cannot be a key.
    """
    if key.problem:
        raise ValidationError(key.problem, hint="Run tl.login() again and paste the key.")
    _logged_in[:] = [key]
    try:
        import keyring  # noqa: PLC0415  # an optional extra
    except ImportError:
        return "for this kernel only (pip install keyring keeps it for the next one)"
    with suppress(Exception):  # its back ends raise whatever they like
        keyring.set_password(KEYRING_SERVICE, _KEYRING_USER, key.reveal())
    if _from_keyring() == key:
        return "in this system's key ring, and for this kernel"
    return "for this kernel only (this system's key ring cannot be used)"


def forget() -> None:
    """Forget the key that `remember` kept in this process (tests, mostly)."""
    _logged_in.clear()
