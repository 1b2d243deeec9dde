"""How fast one session may call the API: limits hold for the key, so all jobs of a session keep to them together.

Sources: the vendor's guide "Rate limits" (calls per minute and key; ``X-RateLimit-Limit``, ``-Remaining`` and
``-Reset``), which also tells of 429 with ``Retry-After``, and ``service_limits.online_rpm`` of a model's contract.
Downloads of pictures go to other hosts without the key and do not count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

import anyio

from tokenlab_nb.api.replies import Meta, Reply, Uploaded
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.ports import Clock
from tokenlab_nb.jobs.schedule import LONGEST_PAUSE

MINUTE = 60.0
"""Seconds of the window in which calls are counted."""
Tell = Callable[[str], None]

_Heard = TypeVar("_Heard", bound=Reply | Uploaded)

_TOO_MANY_REQUESTS = 429
_FIRST_GAP, _LARGEST_GAP, _LEAST_GAP = 0.25, 8.0, 0.05  # seconds between two calls after a slow-down
_SAME = 2.0  # seconds by which two tellings of the same moment differ: headers give whole seconds
_WORTH_TELLING = 1.0  # seconds


@dataclass(slots=True)
class _Window:
    """The creates of one model in the last minute, oldest first."""

    limit: int
    sent: deque[float] = field(default_factory=deque)
    line: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))

    def full_for(self, now: float) -> float:
        """Seconds until there is room for one more, 0 to 60."""
        self.sent = deque(min(at, now) for at in self.sent if at > now - MINUTE)  # a clock may have been put back
        return 0.0 if len(self.sent) < self.limit else max(0.0, self.sent[-self.limit] + MINUTE - now)


class Pace:
    """Lets the calls of a session go, first come, first served. Use it on the loop, `limit` aside.

    After a 429 the calls go one by one: the gap between two of them doubles with each slow-down, and halves with each
    answer that is none, so that those who waited do not all run into the same limit again.

    Args:
        clock: The time, and how to wait.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._line = anyio.CapacityLimiter(1)  # only the first one in it sleeps
        self._slowed_until = 0.0
        self._gap = 0.0
        self._last = 0.0  # when the last call was let go
        self._limit: int | None = None
        self._left: int | None = None  # calls of this window as far as we know; None: no number is known
        self._renewed_at = 0.0
        self._is_guess = False  # whether the window's end is what we think, not what an answer said
        self._windows: dict[str, _Window] = {}

    # -------------------------------------------------------------------------------------- turns

    async def turn(self, model: str = "", tell: Tell | None = None) -> bool:
        """Wait until the session may make its next call of the API; cancelling it costs nothing.

        Args:
            model: The model of a create, which then counts for that model's own limit; empty for other calls.
            tell: Called with the reason where the waiting takes a while, and with an empty text afterwards.

        Returns:
            Whether the call may be made now. False when the model's minute has filled up meanwhile: give up your
            place to others, and wait for the model again.
        """
        with self._telling(model, tell):
            async with self._line:
                return await self._first_in_line(model)

    async def _first_in_line(self, model: str) -> bool:
        while wait := self.paused_for(self._clock.now()):
            await self._clock.sleep(wait)
        now, window = self._clock.now(), self._windows.get(model)
        if window and window.full_for(now):
            return False
        if window:
            window.sent.append(now)
        self._last = now
        self._left = self._left and self._left - 1
        return True

    async def turn_for(self, model: str, tell: Tell | None = None) -> None:
        """Wait until a create of this model would be within its limit; `turn` is what counts it, and says the rest."""
        if window := self._windows.get(model):
            with self._telling(model, tell):
                async with window.line:
                    while wait := window.full_for(self._clock.now()):
                        await self._clock.sleep(wait)

    def limit(self, model: str, per_minute: float | None) -> None:
        """Let at most so many creates of a model go in any minute. May be called on any thread.

        Args:
            model: Model id.
            per_minute: As the contract states it, at least 1; None or 0 states none and leaves all as it was.
        """
        if per_minute:
            limit = max(1, int(per_minute))
            self._windows.setdefault(model, _Window(limit)).limit = limit

    # ----------------------------------------------------------------------------------- learning

    async def hearing(self, call: Awaitable[_Heard]) -> _Heard:
        """Await a call whose turn has come, and learn from its answer.

        Raises:
            TokenLabError: What the call raises.
        """
        try:
            reply = await call
        except TokenLabError as error:
            if error.status == _TOO_MANY_REQUESTS:
                self.slow(error.retry_after)
            elif error.status is not None:
                self._quicken()
            raise
        self.heard(reply.meta)
        return reply

    def slow(self, seconds: float | None) -> None:
        """Let nothing go for a while, after a 429. It never shortens an earlier one.

        Args:
            seconds: What the service asked for, kept to `LONGEST_PAUSE` at most; None if it did not say.
        """
        now = self._clock.now()
        self._look_at(now)
        if now >= self._slowed_until:  # else this call was on its way before, and tells nothing new
            self._gap = min(_LARGEST_GAP, max(_FIRST_GAP, 2 * self._gap))
        pause = min(max(seconds or 0.0, self._gap), LONGEST_PAUSE)
        self._slowed_until = max(self._slowed_until, now + pause)

    def heard(self, meta: Meta) -> None:
        """Learn from an answer that was not a 429."""
        self._quicken()
        now, left, renewed_at = self._clock.now(), meta.calls_left, meta.calls_renewed_at
        if left is None or renewed_at is None:
            return
        if meta.answered_at is not None:  # our clock may be wrong, so only the difference of its two times counts
            renewed_at += now - meta.answered_at
        if renewed_at <= now:  # an old answer
            return
        same = self._is_guess or abs(renewed_at - self._renewed_at) < _SAME
        if same and self._left is not None:  # calls on their way are counted here, and not yet there
            left = min(left, self._left)
        if self._is_guess or not same:  # told again and again, a moment must not wander
            self._renewed_at = renewed_at
        self._left, self._limit, self._is_guess = left, meta.calls_limit, False

    def _quicken(self) -> None:
        if self._clock.now() >= self._slowed_until:  # before, it answers a call of the time before the 429
            self._gap = self._gap / 2 if self._gap / 2 >= _LEAST_GAP else 0.0

    # ------------------------------------------------------------------------------------ waiting

    def paused_for(self, now: float) -> float:
        """Seconds until the first one in the line may go, 0 to `LONGEST_PAUSE`."""
        self._look_at(now)
        renewed_at = self._renewed_at if self._left == 0 else 0.0
        return max(0.0, self._slowed_until - now, self._last + self._gap - now, renewed_at - now)

    def reason(self, model: str = "") -> str:
        """Why the next call of this model, or any, has to wait, as a job says it; empty where that is soon over."""
        now = self._clock.now()
        wait, window = self.paused_for(now), self._windows.get(model)
        full = window.full_for(now) if window else 0.0
        if max(wait, full) < _WORTH_TELLING:
            return ""
        if window and full > wait:
            return f"This model's limit of {window.limit} a minute is reached; goes on in {full:.0f} s."
        return f"The service asked this session to slow down; goes on in {wait:.0f} s."

    @contextmanager
    def _telling(self, model: str, tell: Tell | None) -> Iterator[None]:
        why = self.reason(model) if tell else ""
        if tell and why:
            tell(why)
        yield
        if tell and why:
            tell("")

    def _look_at(self, now: float) -> None:
        """Begin the next window if its time has come; a clock that was put back must not make anybody wait longer."""
        self._last = min(self._last, now)
        self._slowed_until = min(self._slowed_until, now + LONGEST_PAUSE)
        self._renewed_at = min(self._renewed_at, now + LONGEST_PAUSE)
        if self._left is not None and self._renewed_at <= now:
            self._left, self._renewed_at, self._is_guess = self._limit or None, now + MINUTE, True
