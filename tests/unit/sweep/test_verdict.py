"""What is said of a ranking: who is ahead, or what is missing for saying so."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from tests.unit.sweep.ballots import votes
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.sweep.rating import Lead, Ranking, Standing, pool_size, rank
from tokenlab_nb.sweep.verdict import Verdict, judge, missing


def said(*texts: str, among: Sequence[str] = ("A", "B")) -> Verdict:
    given = votes(*texts)
    return judge(rank(given, among, resamples(0, 400, pool_size(given))))


def test_without_votes_it_says_so_and_how_many_a_first_answer_takes() -> None:
    found = said()
    assert str(found) == "No votes yet. At least 6 more for a first answer."
    assert (found.winner, found.missing) == (None, 6)
    assert said(among="ABCDE").missing == 15


def test_one_contestant_cannot_be_compared() -> None:
    assert said(among=["A"]).text == "There is only one contestant: nothing to compare."
    assert said(among=[]).text == "There is nothing to compare."


@pytest.mark.parametrize(
    ("texts", "among", "text", "lacking"),
    [
        (["5 A > B"], "AB", "A and B have fewer than 6 votes. At least 1 more for a first answer.", 1),
        (["9 A > B", "1 A > C"], "ABC", "C has fewer than 6 votes. At least 5 more for a first answer.", 5),
        (
            ["6 A > B"],
            "ABCDEFG",
            "C, D, E and 2 others have fewer than 6 votes. At least 15 more for a first answer.",
            15,
        ),
    ],
)
def test_too_few_votes_are_told_and_of_whom(texts: list[str], among: str, text: str, lacking: int) -> None:
    found = said(*texts, among=among)
    assert found.text == f"Too few votes to tell: {text}"
    assert (found.winner, found.missing) == (None, lacking)


def test_contestants_that_never_met_are_not_compared() -> None:
    found = said("9 A > B", "9 C > D", among="ABCD")
    assert found.text == "Too few votes to tell: these never met, not even by way of others: A and B; C and D."
    assert (found.winner, found.missing) == (None, 1)
    assert said("9 A > B", "9 C > D", "B > C", among="ABCD").missing == 0


def test_nobody_waits_for_a_contestant_that_cannot_be_voted_on() -> None:
    given = votes("30 A > B")
    ranking = rank(given, "ABCD", resamples(0, 400, pool_size(given)))
    told = "A is ahead of B: more than 99 % sure."
    assert judge(ranking, {"C", "D"}) == Verdict(f"{told} C and D have no pictures to compare.", "A")
    three = rank(given, "ABC", resamples(0, 400, pool_size(given)))
    assert judge(three, {"C"}) == Verdict(f"{told} C has no picture to compare.", "A")
    assert judge(three, {"A", "C"}).winner == "A"  # its pictures are gone: the votes on them stand
    none = rank([], "AB")
    assert judge(none, {"A", "B"}) == judge(none)


def test_a_clear_lead_is_told_with_how_sure_it_is() -> None:
    assert said("30 A > B") == Verdict("A is ahead of B: more than 99 % sure.", "A")
    assert said("13 B > A", "4 A > B") == Verdict("B is ahead of A: 98 % sure.", "B")
    clear = said("20 A > B", "20 A > C", "10 B > C", "10 C > B", among="ABC")
    assert clear == Verdict("A is ahead of all 2 others: more than 99 % sure.", "A")


def test_a_lead_that_may_be_chance_is_told_with_how_many_more_may_tell() -> None:
    assert said("7 A > B", "3 B > A") == Verdict(
        "Too few votes to tell: A leads, but B may be as good; about 30 more votes may tell."
    )
    two = said("12 A > B", "8 B > A", "12 A > C", "8 C > A", among="ABC").text
    assert two.startswith("Too few votes to tell: A leads, but ")
    assert "B and C may be as good; about " in two or "C and B may be as good; about " in two


def test_equals_may_be_equally_good() -> None:
    assert said("10 A > B", "10 B > A").text == ("Too few votes to tell: A is level with B; they may be equally good.")
    assert said("101 A > B", "100 B > A").text.endswith("A leads, but B may be as good; they may be equally good.")


def test_a_lead_that_just_missed_asks_for_a_few_votes() -> None:
    """An interval is not quite even around its middle: the estimate must not come out as none."""
    rows = (Standing("A", 1.0, 0.0, 2.0, votes=8), Standing("B", -1.0, -2.0, 0.0, votes=8))
    samples = {"A": (1.0, 1.0, -1.0), "B": (-1.0, 1.0, 1.0)}
    odd = Ranking(rows, samples, (("A", "B"),), 8)
    assert odd.lead(*rows) == Lead(2.0, pytest.approx(-1.9), pytest.approx(1.9), 0.5)
    assert "about 25 more votes" in judge(odd).text or "more votes may tell" in judge(odd).text


def test_missing_counts_a_vote_for_both() -> None:
    rows = [Standing("a", votes=6), Standing("b", votes=5), Standing("c", votes=2)]
    assert missing(rows) == 4
    assert missing([Standing("a", votes=5), Standing("b", votes=5)]) == 1
    assert missing([Standing("a", votes=6), Standing("b", votes=9)]) == 0
    assert missing([]) == 0
