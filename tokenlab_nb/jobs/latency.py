"""How long a model's answers take: a log-normal law fitted to its last ones. Arithmetic only.

Our own questions are what we know it from: a picture is ready somewhere between the last question that came too early
and the one that saw it. `likely_ready` says where, `learn` fits the law to such values, and the schedule asks by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, isfinite, log, sqrt
from statistics import fmean, median

FEWEST = 5
"""With fewer samples nothing is fitted."""
RECENT = 50
"""Only so many of the newest samples count: services get faster and slower."""

_STRAY = 0.05
"""This share of answers is taken to follow another, much wider law, so that no answer comes as a complete surprise."""
_LEAST_SIGMA = 0.1
_PRIOR_SIGMA = log(120.0 / 30.0) / 4.0
"""The documented 30 to 120 s, read as two sigma to each side."""
_PRIOR_WEIGHT = 3.0
"""As many samples the prior sigma counts for."""
_CLIP = 3.0
"""Samples further out than so many sigma are moved in: a few jobs that hung teach little about the others."""
_DOUBTED_SIGMA = 0.5
_MAD_TO_SIGMA = 1.4826
_LEAST_MASS = 1e-12


@dataclass(frozen=True, slots=True)
class Learned:
    """The law of a model's latencies.

    Attributes:
        mu: Mean of the logarithms of seconds.
        sigma: Their standard deviation.
        samples: From how many answers it was learned.
    """

    mu: float
    sigma: float
    samples: int

    @property
    def median(self) -> float:
        """Seconds by which every other answer is ready."""
        return exp(self.mu)

    def unready(self, elapsed: float) -> float:
        """The share of answers that are not ready yet.

        Log-normal, with a few strays from a log-logistic law of the same median: its tails are heavy, so that the
        chance of an answer fades slowly, and late questions come at growing gaps instead of ever faster.

        Args:
            elapsed: Seconds since the request was sent.
        """
        if elapsed <= 0.0:
            return 1.0
        distance = log(elapsed) - self.mu
        usual = 0.5 * erfc(distance / (self.sigma * sqrt(2.0)))
        stray = 1.0 / (1.0 + exp(min(2.0 * distance, 700.0)))
        return (1.0 - _STRAY) * usual + _STRAY * stray


def learn(latencies: Sequence[float]) -> Learned | None:
    """The law behind some latencies; None while there are too few.

    Args:
        latencies: Seconds, newest first; what is not finite or not above 0 is left out.
    """
    logs = [log(seconds) for seconds in latencies if isfinite(seconds) and seconds > 0.0][:RECENT]
    if len(logs) < FEWEST:
        return None
    middle = median(logs)
    spread = max(_LEAST_SIGMA, _MAD_TO_SIGMA * median(abs(each - middle) for each in logs))
    low, high = middle - _CLIP * spread, middle + _CLIP * spread
    kept = [min(max(each, low), high) for each in logs]
    mu = fmean(kept)
    squares = sum((each - mu) ** 2 for each in kept) + _PRIOR_WEIGHT * _PRIOR_SIGMA**2
    sigma = sqrt(squares / (len(kept) - 1 + _PRIOR_WEIGHT))
    return Learned(mu, max(_LEAST_SIGMA, sigma), len(kept))


def likely_ready(low: float, high: float, learned: Learned | None) -> float:
    """When an answer was most likely ready: the sample to learn from.

    The median of what the law says of this interval; the midpoint where it says nothing. Sigma is taken to be large
    here: a narrow law would read its own belief out of every answer that was there at the first question, and a model
    that has become faster would never be noticed.

    Args:
        low: Seconds after sending at which it was not ready; 0 if it was not asked for before.
        high: Seconds after sending at which it was seen ready.
        learned: The law; None while there is none.
    """
    if learned is None:
        return 0.5 * (low + high)
    doubted = Learned(learned.mu, max(learned.sigma, _DOUBTED_SIGMA), learned.samples)
    before, after = doubted.unready(low), doubted.unready(high)
    if before - after < _LEAST_MASS:
        return 0.5 * (low + high)
    for _ in range(60):
        between = 0.5 * (low + high)
        if doubted.unready(between) > 0.5 * (before + after):
            low = between
        else:
            high = between
    return high
