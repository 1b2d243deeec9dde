"""What came of trying a reference's address: `Reached`."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from tokenlab_nb.api.replies import Fetched
from tokenlab_nb.contract.signed import read_signed, shown, url_issue
from tokenlab_nb.errors import SessionClosedError, TokenLabError
from tokenlab_nb.images import probe


@dataclass(frozen=True, slots=True)
class Reached:
    """A picture's address, tried from here. It holds no signature: addresses are shown without their query.

    Attributes:
        url: The address that was tried.
        final_url: Where its redirects led; empty where it was not reached.
        media_type: ``image/png``, ``image/jpeg`` or ``image/webp``, by its bytes; empty where they are none of these.
        width: Pixels as stored.
        height: Pixels as stored.
        size: Length in bytes.
        redirects: How many redirects led there.
        expires_at: When a signed address ends, in seconds since 1970; None where nobody says.
        problem: Why it cannot be used, in words; empty where it can.
    """

    url: str
    final_url: str = ""
    media_type: str = ""
    width: int = 0
    height: int = 0
    size: int = 0
    redirects: int = 0
    expires_at: float | None = None
    problem: str = ""

    @property
    def is_usable(self) -> bool:
        """Whether a picture is there that the service could take, as far as it can be told from here."""
        return not self.problem


def reached(url: str, fetch: Callable[[], Fetched], now: float) -> Reached:
    """Try an address.

    Args:
        url: The address.
        fetch: Fetches it, by the rules for references.
        now: The time, in seconds since 1970.

    Raises:
        SessionClosedError: If there is nothing left to fetch it with.
    """
    signed = read_signed(url)
    what = Reached(shown(url), expires_at=signed.expires_at if signed else None)
    try:
        found = fetch()
        what = replace(what, final_url=found.url, redirects=found.redirects, size=len(found.data))
        seen = probe(found.data)
    except SessionClosedError:
        raise
    except TokenLabError as error:
        return replace(what, problem=str(error))
    issue = url_issue("", url, now)
    problem = f"{issue.message} {issue.remedy}" if issue and issue.severity == "error" else ""
    return replace(what, media_type=seen.media_type, width=seen.width, height=seen.height, problem=problem)
