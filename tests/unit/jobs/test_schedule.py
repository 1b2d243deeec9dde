"""When to ask next, and how long to pause: arithmetic."""

from __future__ import annotations

from itertools import pairwise

import pytest

from tokenlab_nb.jobs import schedule

CHANCES = (0.0, 0.5, 0.999)


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


def test_a_service_cannot_put_a_task_off_for_ever() -> None:
    assert schedule.poll_delay(0, 86_400.0) == schedule.LONGEST_PAUSE
