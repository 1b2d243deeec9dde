"""What learning when to ask saves: the mean wait from ready to seen, against a fixed interval with as many requests.

    python tests/bench/bench_polling.py [jobs]

Virtual time, seeded. Jobs come one after the other; what the ledger would hold of our own questions is all that is
learned from, so that the loop is closed: the first jobs teach, the others are measured and teach as well.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from math import ceil, log, sqrt
from random import Random
from statistics import fmean

from tokenlab_nb.jobs.latency import Learned, learn, likely_ready
from tokenlab_nb.jobs.schedule import poll_delay

MEDIAN = 20.0
TARGETS = {0.15: 0.45, 0.3: 0.60, 0.5: 0.80, 0.8: 1.10}
"""Sigma of the latencies, and at most what the ratio of mean waits may be."""
LEDGER = 100
"""So many samples of a model the ledger gives."""
TEACHERS = 30
"""So many jobs come before the measured ones."""


@dataclass(frozen=True)
class Seen:
    """One job: when it was ready, when that was seen, after how many questions."""

    ready: float
    seen: float
    questions: int


@dataclass(frozen=True)
class Ratio:
    """Learned against fixed: mean waits in seconds at the same mean number of questions."""

    learned: float
    fixed: float
    questions: float
    interval: float

    @property
    def value(self) -> float:
        return self.learned / self.fixed


def ask(ready: float, learned: Learned | None) -> tuple[float, Seen]:
    """Live through one job; also when the last question came too early."""
    early, now, questions = 0.0, 0.0, 0
    while now < ready:
        early, now = now, now + poll_delay(questions, now, learned)
        questions += 1
    return early, Seen(ready, now, questions)


def closed_loop(sigma: float, jobs: int, seed: int, renewed: int = 1) -> tuple[list[Seen], Learned | None]:
    """Jobs one after the other, each asked for by what those before it taught.

    Args:
        sigma: Of the logarithms of the latencies.
        jobs: How many.
        seed: Of the latencies.
        renewed: The law is fitted anew before each so many-th job once all teachers are through.
    """
    chance, ledger, learned, seen = Random(seed), [], None, []
    for job in range(jobs):
        if job <= TEACHERS or job % renewed == 0:
            learned = learn(ledger)
        early, outcome = ask(chance.lognormvariate(log(MEDIAN), sigma), learned)
        ledger = [likely_ready(early, outcome.seen, learned), *ledger[: LEDGER - 1]]
        seen.append(outcome)
    return seen, learn(ledger)


def fixed_interval(ready: list[float], questions: float) -> float:
    """The interval that takes as many questions in the mean."""
    shortest, longest = 0.01, 1000.0
    for _ in range(60):
        interval = sqrt(shortest * longest)
        if fmean(ceil(each / interval) for each in ready) > questions:
            shortest = interval
        else:
            longest = interval
    return longest


def compare(seen: list[Seen]) -> Ratio:
    """Set the measured jobs against a fixed interval."""
    ready, questions = [each.ready for each in seen], fmean(each.questions for each in seen)
    interval = fixed_interval(ready, questions)
    fixed = fmean(ceil(each / interval) * interval - each for each in ready)
    return Ratio(fmean(each.seen - each.ready for each in seen), fixed, questions, interval)


def main(jobs: int = 4000) -> int:
    """Measure and print; 1 when a target is missed."""
    missed = 0
    for sigma, target in TARGETS.items():
        seen, learned = closed_loop(sigma, TEACHERS + jobs, seed=2026)
        ratio = compare(seen[TEACHERS:])
        missed += ratio.value > target
        law = f"median {learned.median:.1f} s, sigma {learned.sigma:.2f}" if learned else "nothing"
        print(
            f"sigma {sigma:<4} {ratio.value:.3f} of fixed (target {target:.2f}): {ratio.learned:.2f} s against"
            f" {ratio.fixed:.2f} s at {ratio.questions:.2f} requests per job (every {ratio.interval:.1f} s);"
            f" learned at last: {law}"
        )
    return int(missed > 0)


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:2])))
