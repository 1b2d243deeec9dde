"""Time and chance as they are. Whoever needs them is handed a `Clock`; this is the real one."""

from __future__ import annotations

import random
import time

import anyio


class RealClock:
    """Time and chance as they are."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311  # jitter, no secret

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)
