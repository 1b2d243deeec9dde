"""How a session begins: `connect()`, the one that widgets share, and `login()`."""

from __future__ import annotations

import getpass
import os
import shutil
import sys
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

import httpx

from tokenlab_nb import settings
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.session import Session
from tokenlab_nb.store.replay import ReplayApi


def connect(
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    sandbox: bool | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    prefer_tasks: bool = True,
    provenance: bool | None = None,
    budget: float | None = None,
    allow_unknown_price: bool = False,
    replay: str | os.PathLike[str] | None = None,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Session:
    """Open a session: with the service where there is a key, else with the sandbox on this machine.

    What an earlier kernel left unfinished is taken up: tasks go on, nothing is sent; see `Session.recover`.

    Args:
        api_key: A key. Better not in a notebook: set ``TOKENLAB_API_KEY`` or run `login`, and leave this out.
        base_url: The API's address, with or without ``/v1``; by default ``TOKENLAB_BASE_URL``, else the service's.
        sandbox: True for the sandbox, whatever keys there are; False for the service; None decides by key and address.
        data_dir: Folder for ledger and pictures; by default ``TOKENLAB_DATA_DIR``, else the user's data folder. A
            replay keeps its own in a sub-folder ``replay``; by default in one that ends with the session.
        prefer_tasks: Ask for a task (``async: true``) where a contract lists it and ``b64_json`` is not wanted: a task
            id makes the window in which a paid answer can be lost milliseconds instead of minutes.
        provenance: Whether files that `ImageResult.save` and downloads write carry the record of how their picture was
            made (request without secrets, model, time); by default ``TOKENLAB_PROVENANCE``, else yes.
        budget: US dollars that this session may spend; what might exceed it is refused before it is sent.
        allow_unknown_price: With a budget: send also what nobody states a price for. The sandbox bills nothing, so
            there it makes no difference.
        replay: A folder that `Session.export_replay` made: what was asked there is answered from it, without key,
            network or cost; anything else is a `NotRecordedError`.
        transport: An httpx transport in place of the network.

    Raises:
        ValidationError: If the address, the key, the budget or the replay cannot be one.
        TokenLabError: If the data folder cannot be used.
    """
    key = None if api_key is None else settings.Secret(api_key)
    del api_key  # a traceback may show local values
    if replay is not None:
        if key or base_url or sandbox or transport:
            raise ValidationError("A replay asks no service.", hint="Leave out key, address, sandbox and transport.")
        replayed = _replayed(replay, data_dir, prefer_tasks=prefer_tasks, provenance=provenance)
        return _announced(replayed, budget, allow=allow_unknown_price)
    local = False if transport is not None and sandbox is None else sandbox
    chosen = settings.load(
        api_key=key,
        base_url=base_url,
        sandbox=local,
        data_dir=data_dir,
        prefer_tasks=prefer_tasks,
        provenance=provenance,
    )
    return _announced(Session(chosen, transport=transport), budget, allow=allow_unknown_price)


def _replayed(
    folder: str | os.PathLike[str],
    data_dir: str | os.PathLike[str] | None,
    *,
    prefer_tasks: bool,
    provenance: bool | None,
) -> Session:
    """A session on recorded answers. Its jobs are no work of the service's: they stay out of the user's own ledger."""
    api = ReplayApi.open(folder)
    place = Path(data_dir).expanduser().absolute() / "replay" if data_dir else None
    own = place or Path(tempfile.mkdtemp(prefix="tokenlab-nb-replay-"))
    stamps = settings.wants_provenance(given=provenance)
    chosen = settings.Settings(api.origin, own, prefer_tasks=prefer_tasks, replay=api.folder, provenance=stamps)
    session = Session(chosen, replay=api)
    if not data_dir:
        weakref.finalize(session, shutil.rmtree, own, ignore_errors=True)
    return session


def _announced(session: Session, budget: float | None, *, allow: bool) -> Session:
    """The session with its budget, and with what an earlier kernel left taken up; where somebody looks, it says so."""
    with _closed_on_trouble(session):
        session.limit_spending(budget, allow_unknown_price=allow)
        session.recover()
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules:  # somebody is looking: say what pictures will cost
        print(f"{session.place}. {session.notice}".strip())  # noqa: T201
    return session


@contextmanager
def _closed_on_trouble(session: Session) -> Iterator[None]:
    """Close a session that nobody will hold: it would count as alive, and keep from others what it took up."""
    try:
        yield
    except BaseException:
        session.close()
        raise


_shared: dict[str, Session] = {}


def shared_session() -> Session:
    """Return the session of this process that widgets use where none is handed in.

    It is made by `connect` without arguments and lives on, so that running a cell again loses no job. Where key,
    address or folder have changed since (after `login`, say), a new one takes its place; the old one's jobs go on.

    Raises:
        TokenLabError: As `connect` does.
    """
    now = settings.load()
    known = _shared.get("session")
    if known is None or known.is_closed or known.settings != now:
        known = _shared["session"] = Session(now)
        with _closed_on_trouble(known):
            known.recover()
    return known


def login() -> None:
    """Ask for a key without showing it, and keep it for this kernel and, if one works, in the system's key ring.

    The key goes to no widget, notebook or file of ours. `connect` finds it from then on.

    Raises:
        ValidationError: If nothing was typed, or what cannot be a key.
    """
    where = settings.remember(settings.Secret(getpass.getpass("TokenLab API key (it is not shown): ")))
    print(f"The key is kept {where}.")  # noqa: T201  # the answer to what the person just typed


def enable_nested_asyncio() -> None:
    """Let ``asyncio.run()`` and ``run_until_complete()`` work inside notebook cells, through nest-asyncio2.

    Opt-in: nothing of ours needs it. nest-asyncio2 is the fork that ipykernel itself uses; the older nest-asyncio
    loses queued cells on ipykernel 7.2 and later.
    """
    import_module("nest_asyncio2").apply()
