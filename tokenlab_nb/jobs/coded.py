"""`Coded`: what can say in code what was asked."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest

__all__ = ["Coded"]


class Coded:
    """Something that stands for requests, and tells the code that sends them once more. No key is in any of it."""

    def coded(self) -> tuple[tuple[ImageRequest, ...], str]:
        """Return the requests, and the address of the API that they are for, without ``/v1``."""
        raise NotImplementedError

    @property
    def code(self) -> str:
        """Python that asks the same once more, in a session."""
        return self._codes()["code"]

    @property
    def curl(self) -> str:
        """Commands for a POSIX shell that ask the same once more; the key comes from ``TOKENLAB_API_KEY``."""
        return self._codes()["curl"]

    @property
    def openai(self) -> str:
        """Python that asks the same once more through the OpenAI client; the key comes from ``TOKENLAB_API_KEY``."""
        return self._codes()["openai"]

    def _codes(self) -> dict[str, str]:
        # Export stands further down the street: it is looked up only when somebody asks.
        codes: dict[str, str] = import_module("tokenlab_nb.export.languages").codes_of(*self.coded())
        return codes
