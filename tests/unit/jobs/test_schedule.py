"""When to ask next, and how long to pause: arithmetic."""

from __future__ import annotations

from itertools import pairwise
from math import log

import pytest

from tests.bench.bench_polling import TARGETS, TEACHERS, closed_loop, compare
from tokenlab_nb.jobs import schedule
from tokenlab_nb.jobs.latency import Learned

CHANCES = (0.0, 0.5, 0.999)
LAWS = [Learned(log(median), sigma, 50) for median in (0.2, 2.0, 20.0, 100.0, 5000.0) for sigma in (0.1, 0.3, 0.8, 3.0)]
USUAL = Learned(log(20.0), 0.3, 50)


def moments(learned: Learned, until: float, reply: float = 0.0) -> list[float]:
    """When it is asked, if no answer comes and each question takes so long."""
    asked, now = [], 0.0
    while now < until:
        now += schedule.poll_delay(len(asked), now, learned)
        asked.append(now)
        now += reply
    return asked


def test_the_gaps_between_questions_grow_from_one_to_five_seconds() -> None:
    gaps = [schedule.poll_delay(polls) for polls in range(40)]
    assert gaps[0] == schedule.POLL_FLOOR == 1.0
    assert gaps[-1] == schedule.POLL_CEILING == 5.0
    assert all(later >= sooner for sooner, later in pairwise(gaps))
    assert schedule.poll_delay(10**9) == 5.0


def test_a_longer_wish_of_the_service_wins_and_a_shorter_one_does_not() -> None:
    assert schedule.poll_delay(0, retry_after=7.0) == 7.0
    assert schedule.poll_delay(0, retry_after=0.0) == 1.0
    assert schedule.poll_delay(39, retry_after=2.0) == 5.0


@pytest.mark.parametrize("chance", CHANCES)
def test_pauses_double_with_jitter_under_a_ceiling(chance: float) -> None:
    pauses = [schedule.pause(attempt, chance) for attempt in range(1, 12)]
    assert pauses[:3] == pytest.approx([(0.5 + 0.5 * chance) * 2**power for power in range(3)])
    assert pauses[-1] == pytest.approx(30.0 * (0.5 + 0.5 * chance))
    assert schedule.pause(10**9, chance) <= 30.0


def test_a_pause_is_never_shorter_than_the_service_asked_for() -> None:
    assert schedule.pause(1, 0.0, retry_after=8.0) == 8.0
    assert schedule.pause(6, 0.0, retry_after=8.0) == 15.0


def test_a_create_is_sent_again_only_so_often() -> None:
    assert all(schedule.resend_pause(attempt, 0.5) for attempt in range(1, schedule.MAX_RESENDS + 1))
    assert schedule.resend_pause(schedule.MAX_RESENDS + 1, 0.5) is None


def test_a_service_that_asks_for_a_long_pause_gets_the_users_decision() -> None:
    assert schedule.resend_pause(1, 0.5, retry_after=schedule.LONGEST_PAUSE) == schedule.LONGEST_PAUSE
    assert schedule.resend_pause(1, 0.5, retry_after=schedule.LONGEST_PAUSE + 1) is None


def test_the_expected_time_is_the_median_of_what_it_took_before() -> None:
    assert schedule.expected_seconds([]) is None
    assert schedule.expected_seconds([30.0, 10.0, 90.0]) == 30.0


def test_the_expected_time_of_a_model_that_never_ran_is_the_documented_one() -> None:
    assert schedule.expected_seconds([], schedule.DOCUMENTED_SECONDS) == 60.0
    assert schedule.expected_seconds([30.0], schedule.DOCUMENTED_SECONDS) == 30.0


def test_a_service_cannot_put_a_task_off_for_ever() -> None:
    assert schedule.poll_delay(0, retry_after=86_400.0) == schedule.LONGEST_PAUSE


# ------------------------------------------------------------------------------------------ once it has learned


@pytest.mark.parametrize(("sigma", "target"), TARGETS.items())
def test_it_is_seen_sooner_than_at_a_fixed_interval_with_as_many_questions(sigma: float, target: float) -> None:
    seen, _ = closed_loop(sigma, jobs=TEACHERS + 1200, seed=11, renewed=5)
    assert compare(seen[TEACHERS:]).value <= target


def test_it_asks_no_more_often_than_the_guide_wants() -> None:
    seen, _ = closed_loop(0.3, jobs=TEACHERS + 600, seed=11, renewed=5)
    assert 4.0 < compare(seen[TEACHERS:]).interval < 5.0


def test_the_first_question_comes_shortly_before_most_answers_do_and_the_next_ones_close_together() -> None:
    first, *others = moments(USUAL, until=26.0)
    assert 12.0 < first < 16.0
    assert max(later - sooner for sooner, later in pairwise([first, *others])) < 3.0


def test_late_questions_come_at_growing_gaps() -> None:
    gaps = [later - sooner for sooner, later in pairwise(moments(USUAL, until=2000.0)) if sooner > 55.0]
    assert gaps[0] < 5.0
    assert gaps[-1] == schedule.LEARNED_CEILING == 15.0
    assert gaps == pytest.approx(sorted(gaps), abs=0.5)


@pytest.mark.parametrize("learned", LAWS)
@pytest.mark.parametrize("reply", [0.0, 0.37])
def test_no_gap_is_under_the_floor_or_over_the_ceiling(learned: Learned, reply: float) -> None:
    asked = [-reply, *moments(learned, until=9000.0, reply=reply)]
    gaps = [later - sooner - reply for sooner, later in pairwise(asked)]
    assert min(gaps) >= schedule.POLL_FLOOR - 1e-9
    assert max(gaps) <= schedule.LEARNED_CEILING + 1e-9


@pytest.mark.parametrize("median", [0.001, 0.2, 0.9, 2.0])
def test_a_quick_model_stays_quick(median: float) -> None:
    first = schedule.poll_delay(0, 0.0, Learned(log(median), 0.15, 50))
    assert 1.0 <= first <= max(1.1, 1.3 * median)


@pytest.mark.parametrize("learned", [*LAWS, Learned(-690.0, 0.1, 5), Learned(690.0, 700.0, 5)])
@pytest.mark.parametrize("elapsed", [-1e9, -1.0, 0.0, 1e-300, 19.9, 7200.0, 1e9, 1e300])
@pytest.mark.parametrize("polls", [0, 10_000])
def test_extremes_give_a_gap_like_any_other(learned: Learned, elapsed: float, polls: int) -> None:
    gap = schedule.poll_delay(polls, elapsed, learned)
    assert schedule.POLL_FLOOR <= gap <= schedule.LEARNED_CEILING


def test_the_wish_of_the_service_counts_here_too() -> None:
    own = schedule.poll_delay(0, 20.0, USUAL)
    assert schedule.poll_delay(0, 20.0, USUAL, retry_after=own / 2) == own
    assert schedule.poll_delay(0, 20.0, USUAL, retry_after=30.0) == 30.0
    assert schedule.poll_delay(0, 20.0, USUAL, retry_after=86_400.0) == schedule.LONGEST_PAUSE


@pytest.mark.parametrize("learned", LAWS)
def test_planning_is_short_enough_for_the_loop(learned: Learned) -> None:
    plan = schedule._plan(learned)
    choices = (schedule.LEARNED_CEILING - schedule.POLL_FLOOR) / plan.step
    assert plan.end / plan.step * choices < 1.01 * schedule._CHOICES
    assert len(plan.costs) < 2000
    assert schedule._plan(Learned(learned.mu, learned.sigma, learned.samples)) is plan
