"""Ratings: those of choix, finite whatever was voted, and intervals that hold what they promise."""

from __future__ import annotations

import math
import random
import time
from collections.abc import Sequence

import choix
import pytest

from tests.unit.sweep.ballots import vote, votes
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.sweep import rating
from tokenlab_nb.sweep.ballot import Vote
from tokenlab_nb.sweep.rating import FEWEST, PRIOR, Ranking, expit, pool_size, rank, strengths
from tokenlab_nb.sweep.verdict import judge

CLOSE = 1e-6


def ranked(given: Sequence[Vote], contestants: Sequence[str] = (), rounds: int = 200, seed: int = 0) -> Ranking:
    return rank(given, contestants, resamples(seed, rounds, pool_size(given)))


def ratings(ranking: Ranking) -> dict[str, float]:
    return {row.contestant: row.rating for row in ranking.standings if row.rating is not None}


def played(true: Sequence[float], count: int, seed: int, undecided: float = 0.0) -> list[Vote]:
    """Votes as such strengths bring them, all pairs in turn, each contestant on the left as often as not."""
    chance = random.Random(seed)
    pairs = [(one, two) for one in range(len(true)) for two in range(one)]
    found = []
    for number in range(count):
        one, two = pairs[number % len(pairs)][:: chance.choice((1, -1))]
        better = ">" if chance.random() < expit(true[one] - true[two]) else "<"
        sign = chance.choice("=x") if chance.random() < undecided else better
        found.append(vote(f"{one} {sign} {two}", number))
    return found


def by_choix(given: Sequence[Vote], count: int) -> list[float]:
    """What choix finds. It knows no half wins: so every vote counts twice there, and the prior as well."""
    data = []
    for each in given:
        left, right = int(each.left.label), int(each.right.label)
        twice = {"left": [(left, right)] * 2, "right": [(right, left)] * 2}
        data += twice.get(each.choice, [(left, right), (right, left)])
    found = choix.mm_pairwise(count, data, alpha=2 * PRIOR, tol=1e-11)
    return [float(each) for each in found - found.mean()]


@pytest.mark.parametrize(("contestants", "count", "spread", "undecided"), [
    (2, 5, 1.0, 0.0), (2, 400, 3.0, 0.2), (3, 12, 8.0, 0.0), (8, 60, 1.0, 0.3), (8, 500, 4.0, 0.1), (20, 400, 2.0, 0.0),
])  # fmt: skip
@pytest.mark.parametrize("seed", range(3))
def test_ratings_are_those_of_choix(contestants: int, count: int, spread: float, undecided: float, seed: int) -> None:
    chance = random.Random(seed)
    given = played([chance.gauss(0, spread) for _ in range(contestants)], count, seed, undecided)
    found = ratings(ranked(given, rounds=0))
    wanted = by_choix(given, contestants)
    assert len(found) in (contestants, len({side.label for each in given for side in (each.left, each.right)}))
    if len(found) == contestants:
        assert all(abs(found[str(n)] - wanted[n]) < CLOSE for n in range(contestants))


@pytest.mark.parametrize("alpha", [0.01, 0.5, 3.0])
def test_the_prior_is_that_of_choix(alpha: float) -> None:
    """Also where the win graph falls apart: 0 wins always, 3 never."""
    data = [(0, 1), (0, 2), (0, 3), (1, 2), (2, 1), (1, 3), (2, 3)] * 5
    wins, met = [alpha] * 4, dict.fromkeys([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)], 0)
    for one, two in data:
        wins[one] += 1
        met[min(one, two), max(one, two)] += 1
    found = strengths(wins, [(*pair, times) for pair, times in met.items()], alpha)
    wanted = choix.mm_pairwise(4, data, alpha=alpha, tol=1e-12, max_iter=1_000_000)
    assert found == pytest.approx(list(wanted - wanted.mean()), abs=1e-5)


def test_two_contestants_follow_laplaces_rule() -> None:
    [one, two] = ranked(votes("7 a > b", "2 b > a")).standings
    assert one.contestant == "a"
    assert math.exp(one.rating - two.rating) == pytest.approx(8 / 3)  # type: ignore[operator]
    assert one.rating == pytest.approx(-two.rating)  # type: ignore[operator]


def test_a_tie_and_both_bad_are_half_a_win_each() -> None:
    plain = ratings(ranked(votes("3 a > b", "1 b > a"), rounds=0))
    assert ratings(ranked(votes("2 a > b", "a = b", "a x b"), rounds=0)) == pytest.approx(plain)


def test_sides_do_not_matter() -> None:
    one = ratings(ranked(votes("5 a > b", "2 b > c", "3 c > a", "a = c"), rounds=0))
    two = ratings(ranked(votes("5 b < a", "2 c < b", "3 a < c", "c = a"), rounds=0))
    assert two == pytest.approx(one)


def test_who_never_won_has_a_rating_with_an_interval() -> None:
    [first, last] = ranked(votes("20 a > b"), rounds=1000).standings
    assert last.rating is not None
    assert -20 < last.low < last.rating < last.high < 0  # type: ignore[operator]
    assert 0 < first.low < first.rating < first.high < 20  # type: ignore[operator]
    # By the rule of three, after 20 losses in 20 votes a chance up to 3 in 20 cannot be ruled out.
    assert 0.08 < expit(last.high - first.low) < 0.2  # type: ignore[operator]


def test_every_standing_counts_its_votes() -> None:
    [a, b, c] = sorted(ranked(votes("2 a > b", "a < c", "b = c", "3 c x a")).standings, key=lambda row: row.contestant)
    assert (a.votes, a.wins, a.losses, a.ties, a.bad, a.score) == (6, 2, 1, 0, 3, 3.5)
    assert (b.votes, b.wins, b.losses, b.ties, b.bad, b.score) == (3, 0, 2, 1, 0, 0.5)
    assert (c.votes, c.wins, c.losses, c.ties, c.bad, c.score) == (5, 1, 0, 1, 3, 3.0)


def test_who_has_no_votes_comes_last_and_has_no_rating() -> None:
    found = ranked(votes("3 a > b"), ["z", "b", "a"])
    assert [row.contestant for row in found.standings] == ["a", "b", "z"]
    none = found.standings[-1]
    assert (none.rating, none.low, none.high, none.chance, none.votes) == (None, None, None, None, 0)
    assert ranked([], ["a", "b"]).standings[0].rating is None
    assert ranked([]).standings == ()


def test_the_chance_is_that_of_a_win_against_the_average() -> None:
    row = ranked(votes("9 a > b", "3 b > a")).standings[0]
    assert row.chance == pytest.approx(1 / (1 + math.exp(-row.rating)))  # type: ignore[operator]
    assert (expit(0.0), expit(800.0), expit(-800.0 + 100)) == (0.5, 1.0, pytest.approx(0.0))


def test_the_same_resamples_bring_the_same_intervals_and_others_nearly_so() -> None:
    given = played([1.0, 0.0, -1.0], 120, 4, 0.1)
    one, same, other = (ranked(given, rounds=1000, seed=seed) for seed in (1, 1, 2))
    assert one.standings == same.standings
    ends = [(row.low, row.high) for row in one.standings]
    assert ends != [(row.low, row.high) for row in other.standings]
    assert [end for pair in ends for end in pair] == pytest.approx(
        [end for row in other.standings for end in (row.low, row.high)], abs=0.15
    )


def test_without_resamples_an_interval_is_its_middle() -> None:
    row = ranked(votes("3 a > b"), rounds=0).standings[0]
    assert row.low == row.high == row.rating


def test_a_lead_is_a_difference_with_its_own_interval() -> None:
    found = ranked(votes("30 a > b", "10 b > a", "30 b > c", "10 c > b"), rounds=500)
    first, second, third = found.standings
    near, far = found.lead(first, second), found.lead(first, third)
    assert near.low < near.gap < near.high
    assert far.gap == pytest.approx(near.gap + found.lead(second, third).gap)
    assert 0.95 < near.sure <= far.sure <= 1
    back = found.lead(second, first)
    assert (back.gap, back.low, back.high) == pytest.approx((-near.gap, -near.high, -near.low))
    assert back.sure == pytest.approx(1 - near.sure)
    assert ranked(votes("a > b"), rounds=0).lead(first, second).sure == 0


def test_groups_are_those_that_met() -> None:
    apart = ranked(votes("a > b", "c > d", "e > f", "d > c", "f = c")).groups
    assert sorted(map(sorted, apart)) == [["a", "b"], ["c", "d", "e", "f"]]
    assert ranked(votes("a > b", "b > c")).groups == (("a", "b", "c"),)


def test_steps_that_never_come_to_rest_end_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(rating, "_MOST_STEPS", 3)
    found = strengths([120.1, 0.3, 30.2, 2.2], [(0, 1, 50), (0, 2, 70), (2, 3, 30), (1, 3, 2)], 0.1)
    assert all(map(math.isfinite, found))
    assert strengths([], [], 1.0) == []


@pytest.mark.parametrize("true", [(0.0, 0.0), (1.5, 0.0), (1.0, 0.5, 0.0, -2.0)])
def test_intervals_hold_the_truth_and_false_leads_are_rare(true: tuple[float, ...]) -> None:
    """Over many runs 91 to 98 % of the intervals hold it, and 2 to 9 % of equals look like a lead."""
    middle, held, false, games = sum(true) / len(true), 0, 0, 60
    for seed in range(games):
        found = ranked(played(true, 24, seed), rounds=200, seed=seed)
        held += sum(row.low <= true[int(row.contestant)] - middle <= row.high for row in found.standings)  # type: ignore[operator]
        winner = judge(found).winner
        false += winner is not None and true.count(true[int(winner)]) * (true[int(winner)] == max(true)) != 1
    assert held / (games * len(true)) > 0.88
    assert false / games < 0.12


def test_a_clean_sweep_of_few_votes_is_no_certainty() -> None:
    """A bootstrap of the votes alone would be sure after the first one: it has nothing else to draw."""
    for count in range(1, FEWEST):
        found = ranked(votes(f"{count} a > b"), rounds=2000)
        assert judge(found).winner is None
    first, second = ranked(votes("3 a > b"), rounds=2000).standings
    assert first.low < 0 < second.high  # type: ignore[operator]


def test_a_thousand_rounds_take_no_time() -> None:
    """About 0.15 s on one slow core, for 500 votes on eight contestants; a second is the promise."""
    given = played([random.Random(5).gauss(0, 1) for _ in range(8)], 500, 5, 0.1)
    begun = time.process_time()
    ranked(given, rounds=1000)
    assert time.process_time() - begun < 1.0
