"""When to ask next, and how long to wait before trying again: arithmetic only, chance comes in as a number."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median

POLL_FLOOR = 1.0
"""Least seconds between two questions for one task."""
POLL_CEILING = 5.0
"""Most seconds between two questions (the vendor's guide "Async jobs and polling" asks for 3 to 5 s on images)."""
_POLL_GROWTH = 1.3

MAX_RESENDS = 4
"""How often a create that was provably not accepted is sent again."""
MAX_ASKS = 8
"""How often a failing status call or download is tried before the job rests."""
LONGEST_PAUSE = 120.0
"""A service that asks for a longer pause gets the user's decision instead of ours."""
LONGEST_WAIT = 7200.0
"""Seconds between questions, in all, after which a task that does not end is left alone until somebody asks again."""
_FIRST_PAUSE = 0.5
_PAUSE_CEILING = 30.0


def poll_delay(polls: int, retry_after: float | None = None) -> float:
    """Seconds until the next question for a task.

    Args:
        polls: How often it was asked already; 0 is the wait after the create.
        retry_after: What the service asked for; it wins where it is longer, up to `LONGEST_PAUSE`.
    """
    growing = min(POLL_CEILING, POLL_FLOOR * _POLL_GROWTH ** min(polls, 32))
    return max(growing, min(retry_after or 0.0, LONGEST_PAUSE))


def pause(attempt: int, chance: float, retry_after: float | None = None) -> float:
    """Seconds before a call is tried again: doubling, with jitter, under a ceiling.

    Args:
        attempt: 1 for the first repetition.
        chance: A number in [0, 1): the pause lies between half and the whole of the doubled one.
        retry_after: What the service asked for; it wins where it is longer.
    """
    doubled = min(_PAUSE_CEILING, _FIRST_PAUSE * 2.0 ** min(attempt, 32))
    return max(doubled * (0.5 + 0.5 * chance), retry_after or 0.0)


def resend_pause(attempt: int, chance: float, retry_after: float | None = None) -> float | None:
    """Seconds before a create is sent again; None when it is time to give up.

    Args:
        attempt: 1 for the first repetition.
        chance: A number in [0, 1).
        retry_after: What the service asked for.
    """
    wait = pause(attempt, chance, retry_after)
    return None if attempt > MAX_RESENDS or wait > LONGEST_PAUSE else wait


def expected_seconds(latencies: Sequence[float]) -> float | None:
    """How long such a job takes: the median of what it took before; None when it never ran here."""
    return median(latencies) if latencies else None
