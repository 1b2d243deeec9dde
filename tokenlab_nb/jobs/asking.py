"""Calls that cost nothing, tried again and again while that may help: status calls, downloads, uploads."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs import schedule, verdicts
from tokenlab_nb.jobs.pace import Tell
from tokenlab_nb.jobs.ports import Clock

_T = TypeVar("_T")


async def asking(call: Callable[[], Awaitable[_T]], clock: Clock, tell: Tell) -> _T:
    """Make a call until it works, or until trying again is of no use.

    Args:
        call: The call; it costs nothing, however often it is made.
        clock: Waits in between.
        tell: Called with what went wrong, and when the next try is.

    Raises:
        TokenLabError: What the last try raised.
    """

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.retry_after if isinstance(error, TokenLabError) else None
        pause = schedule.pause(state.attempt_number, clock.random(), asked)
        why = error.message if isinstance(error, TokenLabError) else ""
        tell(f"{why} Next try in {pause:.0f} s.".strip())
        return pause

    retrying = AsyncRetrying(
        sleep=clock.sleep,
        wait=wait,
        stop=stop_after_attempt(schedule.MAX_ASKS),
        retry=retry_if_exception(verdicts.may_ask_again),
        reraise=True,
    )

    async def attempt() -> _T:  # tenacity awaits only what it sees to be a coroutine function
        return await call()

    return await retrying(attempt)
