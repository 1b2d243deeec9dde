"""Chance as it is, and the same again where a seed is given."""

from __future__ import annotations

from collections import Counter

from tokenlab_nb.jobs.clock import resamples


def test_a_seed_draws_the_same_on_every_machine_and_version() -> None:
    assert list(resamples(7, 2, 5)) == [[1, 0, 3, 0, 2], [1, 0, 2, 0, 2]]
    assert list(resamples(8, 2, 5)) != list(resamples(7, 2, 5))


def test_every_entry_is_drawn_about_equally_often() -> None:
    rounds = list(resamples(0, 1000, 20))
    assert {len(each) for each in rounds} == {20}
    drawn = Counter(number for each in rounds for number in each)
    assert sorted(drawn) == list(range(20))
    assert all(850 < times < 1150 for times in drawn.values())


def test_of_nothing_nothing_is_drawn() -> None:
    assert list(resamples(0, 2, 0)) == [[], []]
    assert list(resamples(0, 0, 5)) == []
