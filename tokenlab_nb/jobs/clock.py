"""Time and chance as they are. Whoever needs them is handed a `Clock`; this is the real one."""

from __future__ import annotations

import random
import time
from collections.abc import Iterator

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


def resamples(seed: int, rounds: int, size: int) -> Iterator[list[int]]:
    """Draw with replacement: in each round ``size`` numbers below ``size``. The same seed draws the same ones anywhere.

    Args:
        seed: Where chance begins.
        rounds: How often.
        size: How many.
    """
    chance = random.Random(seed).random  # noqa: S311  # no secret; of all its methods this one never changes
    return ([int(chance() * size) for _ in range(size)] for _ in range(rounds))
