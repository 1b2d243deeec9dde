"""Requests -> the code that sends them once more, in each language that they can be told in."""

from __future__ import annotations

from collections.abc import Sequence

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.code import python_of
from tokenlab_nb.export.curl import curl_of
from tokenlab_nb.export.openai import openai_of

__all__ = ["codes_of"]


def codes_of(requests: Sequence[ImageRequest], base_url: str) -> dict[str, str]:
    """Return the code by language: ``code`` (Python, through a session), ``curl``, ``openai``; empty for no request.

    Args:
        requests: What was asked.
        base_url: The API's address, without ``/v1``.
    """
    return {
        "code": "\n\n".join(map(python_of, requests)),
        "curl": curl_of(requests, base_url),
        "openai": openai_of(requests, base_url),
    }
