"""When to ask next, and how long to wait before trying again: arithmetic only, chance comes in as a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import ceil, exp, log, sqrt
from statistics import median

from tokenlab_nb.jobs.latency import Learned

POLL_FLOOR = 1.0
"""Least seconds between two questions for one task."""
POLL_CEILING = 5.0
"""Most seconds between two questions while nothing is known of the model (the vendor's guide "Async jobs and polling"
asks for 3 to 5 s on images)."""
LEARNED_CEILING = 15.0
"""Most seconds between two questions once the model's latencies are known."""
DOCUMENTED_SECONDS = 60.0
"""What a picture takes at the service, says the same guide: 30 to 120 s; this is the geometric middle."""
_POLL_GROWTH = 1.3
_QUESTION = 0.22
"""As many seconds of waiting one more question is worth. A median of 20 s with sigma 0.3 then takes five questions,
which is what a fixed interval of 4 to 5 s takes."""

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

_PLANNED_SIGMAS = 3.5
"""So far above the median questions are planned one by one; later ones follow the law of the strays."""
_FINEST_STEP = 0.05
_CHOICES = 6000
"""So many pairs of a question and the next are weighed for one plan: half a millisecond, two for a very slow model."""


def poll_delay(
    polls: int, elapsed: float = 0.0, learned: Learned | None = None, retry_after: float | None = None
) -> float:
    """Seconds until the next question for a task.

    Args:
        polls: How often it was asked already; 0 is the wait after the create. Counts while nothing is learned.
        elapsed: Seconds since the create was sent. Counts once something is learned.
        learned: The law of the model's latencies; None while there is none.
        retry_after: What the service asked for; it wins where it is longer, up to `LONGEST_PAUSE`.
    """
    own = _growing_gap(polls) if learned is None else _learned_gap(max(elapsed, 0.0), learned)
    return max(own, min(retry_after or 0.0, LONGEST_PAUSE))


def _growing_gap(polls: int) -> float:
    return min(POLL_CEILING, POLL_FLOOR * _POLL_GROWTH ** min(polls, 32))


def _learned_gap(elapsed: float, learned: Learned) -> float:
    """The gap that costs least: waits and all later questions of the plan weighed by how likely they are."""
    plan = _plan(learned)
    if elapsed >= plan.end:
        return _late_gap(elapsed)
    unready = learned.unready(elapsed)
    first = ceil((elapsed + POLL_FLOOR) / plan.step)
    last = int((elapsed + LEARNED_CEILING) / plan.step)
    best = min(range(first, last + 1), key=lambda moment: unready * moment * plan.step + plan.costs[moment])
    return min(LEARNED_CEILING, max(POLL_FLOOR, best * plan.step - elapsed))


def _late_gap(elapsed: float) -> float:
    """The gap when the answer is overdue: ever longer, since an answer becomes ever less likely.

    The cheapest gap is the root of two questions' worth over the chance of an answer per second. That chance is 2 /
    elapsed in the tail of a log-logistic law, which the strays follow.
    """
    return min(LEARNED_CEILING, max(POLL_FLOOR, sqrt(_QUESTION * elapsed)))


@dataclass(frozen=True, slots=True)
class _Plan:
    """What it costs to go on from each moment.

    Attributes:
        step: Seconds between two moments; the first is the sending.
        end: Seconds after which nothing is planned.
        costs: For each moment at which a question came too early, all that follows, in seconds.
    """

    step: float
    end: float
    costs: tuple[float, ...]


@lru_cache(maxsize=64)
def _plan(learned: Learned) -> _Plan:
    """Weigh every next question after every question, from the last back to the first.

    A gap is lived through, and the question at its end asked, by the answers that are not ready when it begins. So
    ``unready * (gap + question)``, summed over all gaps, is the mean time until the answer is seen, with all questions
    paid for: what the best plan has least of.
    """
    end = exp(min(learned.mu + _PLANNED_SIGMAS * learned.sigma, log(LONGEST_WAIT)))
    step = max(_FINEST_STEP, sqrt((LEARNED_CEILING - POLL_FLOOR) * end / _CHOICES))
    planned, near, far = int(end / step), ceil(POLL_FLOOR / step), int(LEARNED_CEILING / step) + 1
    unready = [learned.unready(moment * step) for moment in range(planned + far + 1)]
    costs = [left * _late_cost(moment * step) for moment, left in enumerate(unready)]
    prices = [_QUESTION + gap * step for gap in range(near, far)]
    for moment in reversed(range(planned)):
        left, later = unready[moment], costs[moment + near : moment + far]
        costs[moment] = min(left * price + cost for price, cost in zip(prices, later, strict=True))
    return _Plan(step, planned * step, tuple(costs))


def _late_cost(elapsed: float) -> float:
    """What one overdue answer costs under `_late_gap`: in seconds, in the mean, its questions included."""
    return elapsed + 4.0 / 3.0 * sqrt(_QUESTION * elapsed)


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


def expected_seconds(latencies: Sequence[float], documented: float | None = None) -> float | None:
    """How long such a job takes: the median of what it took before.

    Args:
        latencies: Seconds.
        documented: What is told when it never ran here; None where nothing is documented.
    """
    return median(latencies) if latencies else documented
