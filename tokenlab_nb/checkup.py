"""The doctor with this machine around it: the user's own key and folders, and today's contracts from the service."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tokenlab_nb import settings
from tokenlab_nb.contract.model import Model
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.export.doctor import Doctor
from tokenlab_nb.export.exposed import Watch
from tokenlab_nb.export.findings import Limits
from tokenlab_nb.session import Session

__all__ = ["checkup"]

_LEAST_KEY = 8  # characters; a shorter one, such as a test's, would be found in any text


@contextmanager
def checkup(
    *, offline: bool = False, data_dir: Path | None = None, output: int | None = None, whole: int | None = None
) -> Iterator[Doctor]:
    """Make a doctor; what it opens to ask about contracts is closed at the end.

    Args:
        offline: Whether contracts are left alone.
        data_dir: Another folder for state than the usual one.
        output: Most bytes of one output.
        whole: Most bytes of a notebook.
    """
    usual = Limits()
    limits = Limits(output or usual.output, whole or usual.whole)
    with ExitStack() as stack:
        present = _Present(stack, data_dir)
        today = None if offline else present.model
        yield Doctor(limits, _watch(data_dir), today, time.time)


def _watch(data_dir: Path | None) -> Watch:
    """The user's own key, whatever its shape, the home folder and the data folder."""
    try:
        chosen = settings.load(data_dir=data_dir)
    except TokenLabError:  # a key or an address that is none: nothing to look for
        return Watch(_folders())
    key = chosen.api_key.reveal() if chosen.api_key and not chosen.sandbox else ""
    return Watch(_folders(chosen.data_dir), (key,) if len(key) >= _LEAST_KEY else ())


def _folders(*more: Path) -> tuple[str, ...]:
    try:
        found = [Path.home(), *more]
    except RuntimeError:  # a user without a home
        found = [*more]
    return tuple(dict.fromkeys(str(each) for each in found if each != Path(each.anchor)))


@dataclass(slots=True)
class _Present:
    """Asks the service that a notebook was made with for its models: the sandbox or the service, never another one."""

    stack: ExitStack
    data_dir: Path | None
    sessions: dict[bool, Session] = field(default_factory=dict)

    def model(self, origin: str, model_id: str) -> Model:
        """Read a model.

        Raises:
            TokenLabError: If there is none, or if nobody can be asked.
        """
        session = self._session(sandbox=origin == settings.SANDBOX_URL)
        if session.origin != origin:
            raise TokenLabError(
                f"this machine asks {session.origin}.", hint="Set TOKENLAB_BASE_URL to compare with the other one."
            )
        return session.model(model_id)

    def _session(self, *, sandbox: bool) -> Session:
        if sandbox not in self.sessions:
            opened = Session(settings.load(sandbox=sandbox, data_dir=self.data_dir))
            self.sessions[sandbox] = self.stack.enter_context(opened)
        return self.sessions[sandbox]
