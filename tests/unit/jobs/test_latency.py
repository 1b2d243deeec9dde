"""What is learned of a model's latencies: a law, and samples for it from our own questions."""

from __future__ import annotations

from math import exp, inf, log, nan
from random import Random
from statistics import fmean

import pytest

from tests.bench.bench_polling import MEDIAN, TARGETS, ask, closed_loop
from tokenlab_nb.jobs.latency import FEWEST, RECENT, Learned, learn, likely_ready

USUAL = Learned(log(20.0), 0.3, 50)
EXTREMES = (1e-300, 1e-9, 1.0, 1e9, 1e300)


def drawn(sigma: float, count: int, seed: int = 1, median: float = 20.0) -> list[float]:
    chance = Random(seed)
    return [chance.lognormvariate(log(median), sigma) for _ in range(count)]


def after_a_change(before: float, after: float, jobs: int) -> Learned | None:
    """What is believed so many jobs after a model's median has changed."""
    ledger = drawn(0.15, RECENT, median=before)
    for ready in drawn(0.15, jobs, seed=2, median=after):
        learned = learn(ledger)
        early, outcome = ask(ready, learned)
        ledger.insert(0, likely_ready(early, outcome.seen, learned))
    return learn(ledger)


# ------------------------------------------------------------------------------------------------------ the law


def test_nothing_is_learned_from_fewer_than_five_samples() -> None:
    assert learn([]) is None
    assert learn([20.0] * (FEWEST - 1)) is None
    assert learn([20.0] * (FEWEST - 1) + [0.0, -1.0, inf, -inf, nan]) is None
    assert learn([20.0] * FEWEST) is not None


@pytest.mark.parametrize("sigma", TARGETS)
def test_the_law_is_found_again(sigma: float) -> None:
    fits = [learn(drawn(sigma, RECENT, seed)) for seed in range(40)]
    assert exp(fmean(fit.mu for fit in fits if fit)) == pytest.approx(20.0, rel=0.04)
    assert fmean(fit.sigma for fit in fits if fit) == pytest.approx(sigma, rel=0.15)


def test_a_few_jobs_that_hung_change_little() -> None:
    clean = learn(drawn(0.3, RECENT))
    spoilt = learn([4000.0, 0.001, 7000.0, *drawn(0.3, RECENT)[3:]])
    assert clean is not None
    assert spoilt is not None
    assert spoilt.median == pytest.approx(clean.median, rel=0.1)
    assert spoilt.sigma < 1.6 * clean.sigma


def test_only_the_newest_samples_count() -> None:
    assert learn([20.0] * RECENT + [90.0] * 50) == learn([20.0] * RECENT)


def test_equal_samples_leave_room_for_doubt() -> None:
    learned = learn([20.0] * RECENT)
    assert learned is not None
    assert learned.median == pytest.approx(20.0)
    assert learned.sigma == 0.1


def test_the_share_that_is_not_ready_falls_from_one_through_a_half_at_the_median() -> None:
    shares = [USUAL.unready(float(elapsed)) for elapsed in range(200)]
    assert shares[0] == USUAL.unready(-1.0) == 1.0
    assert shares == sorted(shares, reverse=True)
    assert USUAL.unready(20.0) == pytest.approx(0.5)
    assert USUAL.unready(1e9) > 0.0


# -------------------------------------------------------------------------------------------------- the samples


@pytest.mark.parametrize(("low", "high"), [(18.0, 20.0), (0.0, 15.0), (0.0, 1e6), (40.0, 55.0), (1e3, 2e3)])
def test_an_answer_was_ready_between_the_last_two_questions(low: float, high: float) -> None:
    assert low < likely_ready(low, high, USUAL) < high
    assert likely_ready(low, high, None) == (low + high) / 2


def test_it_was_ready_where_the_law_says() -> None:
    assert likely_ready(0.0, 1e6, USUAL) == pytest.approx(20.0)
    assert likely_ready(0.0, 20.0, USUAL) > 12.0
    assert likely_ready(30.0, 45.0, USUAL) < 37.5


@pytest.mark.parametrize(("low", "high"), [(7.0, 7.0), (0.0, 0.0), (0.0, 1e-9), (1e9, 1e9 + 1.0), (8.0, 7.0)])
def test_where_the_law_says_nothing_it_was_ready_halfway(low: float, high: float) -> None:
    assert likely_ready(low, high, USUAL) == (low + high) / 2


@pytest.mark.parametrize("low", EXTREMES)
@pytest.mark.parametrize("mu", [-690.0, 0.0, 690.0])
@pytest.mark.parametrize("sigma", [0.1, 700.0])
def test_extremes_stay_in_their_interval(low: float, mu: float, sigma: float) -> None:
    high = 2.0 * low
    assert low <= likely_ready(low, high, Learned(mu, sigma, 5)) <= high
    assert learn(EXTREMES) is not None


# ---------------------------------------------------------------------------------------------- the closed loop


@pytest.mark.parametrize("sigma", [0.15, 0.3])
def test_learning_from_our_own_questions_does_not_drift(sigma: float) -> None:
    _, learned = closed_loop(sigma, jobs=300, seed=7)
    assert learned is not None
    assert learned.median == pytest.approx(MEDIAN, rel=0.1)
    assert learned.sigma == pytest.approx(sigma, abs=0.06)


@pytest.mark.parametrize("sigma", [0.5, 0.8])
def test_nor_does_it_when_latencies_vary_widely(sigma: float) -> None:
    laws = [closed_loop(sigma, jobs=300, seed=seed, renewed=5)[1] for seed in range(4)]
    assert exp(fmean(law.mu for law in laws if law)) == pytest.approx(MEDIAN, rel=0.1)
    assert fmean(law.sigma for law in laws if law) == pytest.approx(sigma, rel=0.2)


@pytest.mark.parametrize(("before", "after"), [(20.0, 5.0), (20.0, 60.0), (60.0, 5.0)])
def test_a_model_that_becomes_faster_or_slower_is_noticed(before: float, after: float) -> None:
    learned = after_a_change(before, after, jobs=80)
    assert learned is not None
    assert learned.median == pytest.approx(after, rel=0.15)
