"""Who meets whom: only what differs in nothing else, fairly, on either side, and the same again from the same seed."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from itertools import pairwise

import pytest

from tests.unit.sweep.ballots import pictures, plan, vote
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.sweep import ballot as ballots
from tokenlab_nb.sweep.ballot import CHOICES, Ballot, Choice, Pair, Vote, choice_of, contest, make_ballot

MODELS = ("a", "b", "c", "d")
GRID = plan(model=MODELS, prompt=("fox", "hen"), seed=(1, 2, 3))


def ballot(by: str | tuple[str, ...] | None = None, seed: int = 1, each: int = 1, question: str = "Q?") -> Ballot:
    contested = contest(GRID, by)
    return make_ballot(contested, pictures(contested, each), seed=seed, question=question)


def given(pair: Pair, of: Ballot, number: int = 0, choice: Choice = "tie") -> Vote:
    return Vote(
        id=f"vote_{number}",
        at=float(number),
        grid=of.grid,
        question=pair.question,
        by=pair.by,
        left=pair.left,
        right=pair.right,
        choice=choice,
        seed=pair.seed,
    )


def all_given(of: Ballot, most: int = 10_000) -> list[Vote]:
    votes: list[Vote] = []
    while len(votes) < most and (pair := of.next(votes)):
        votes.append(given(pair, of, len(votes)))
    return votes


def test_cells_meet_that_differ_in_nothing_but_what_is_contested() -> None:
    found = ballot()
    assert len(found.pairs) == 6 * 2 * 3
    assert found.contestants == MODELS
    assert found.by == "model"
    for pair in found.pairs:
        one, two = (GRID.cells[side.cell].at for side in (pair.left, pair.right))
        assert one[0] != two[0]
        assert one[1:] == two[1:]
        assert (pair.left.label, pair.right.label) == (MODELS[one[0]], MODELS[two[0]])
        assert pair.left.job == f"job_{pair.left.cell}"


def test_several_axes_can_be_contested_together() -> None:
    found = ballot(("model", "seed", "model"))
    assert found.by == "model, seed"
    assert len(found.contestants) == 12
    assert found.contestants[1] == "a, 2"
    assert len(found.pairs) == 66 * 2


def test_by_default_the_models_compete_or_else_the_first_thing_that_varies() -> None:
    assert contest(GRID).names == ("model",)
    assert contest(plan(model=["a"], prompt=["fox"], seed=[1, 2])).names == ("seed",)
    assert contest(plan(model=["a"], prompt=["fox"])).names == ("model",)
    assert contest(plan(model=["a"], prompt=["fox", "hen"], quality=["low", "high"])).names == ("prompt",)


def test_an_axis_that_is_none_is_refused() -> None:
    with pytest.raises(ValidationError, match="no axis 'size'") as caught:
        contest(GRID, ["model", "size"])
    assert caught.value.hint == "Its axes are model, prompt, seed."
    with pytest.raises(ValidationError, match="Nothing is contested"):
        contest(GRID, [])


def test_contestants_of_the_same_label_are_told_apart() -> None:
    twice = plan(prompt=["fox", "fox", "hen"])
    assert tuple(contest(twice).labels.values()) == ("fox", "fox (2)", "hen")


def test_each_picture_meets_the_one_in_the_same_place() -> None:
    two = plan(model=("a", "b"))
    found = make_ballot(contest(two), {0: [("j", "1"), ("j", "2"), ("j", "3")], 1: [("k", "4"), ("k", "5")]}, seed=0)
    assert {(pair.left.sha256, pair.right.sha256) for pair in found.pairs} == {("1", "4"), ("2", "5")}


def test_cells_without_pictures_and_pictures_that_are_equal_make_no_pair() -> None:
    three = plan(model=("a", "b", "c"))
    shared = {0: [("j", "same")], 1: [("k", "same")]}
    assert make_ballot(contest(three), shared, seed=0).pairs == ()
    assert len(make_ballot(contest(three), {**shared, 2: [("l", "other")]}, seed=0).pairs) == 2
    assert make_ballot(contest(three), {}, seed=0).next([]) is None


def test_cells_that_share_their_request_meet_once() -> None:
    """Neither model takes a quality: both of its values are the same two pictures."""
    shared = plan(model=("a", "b"), quality=("low", "high"))
    found = make_ballot(contest(shared), {n: [("j", "ab"[n // 2])] for n in range(4)}, seed=0)
    assert len(found.pairs) == 1


def test_the_same_seed_draws_the_same_and_another_one_otherwise() -> None:
    assert [vote.left for vote in all_given(ballot())] == [vote.left for vote in all_given(ballot())]
    keys = [[pair.key for pair in ballot(seed=seed).pairs] for seed in (1, 2)]
    assert sorted(keys[0]) == sorted(keys[1])
    assert keys[0] != keys[1]
    firsts = {ballot(seed=seed).next([]).left.label for seed in range(20)}  # type: ignore[union-attr]
    assert firsts == set(MODELS)


def test_every_pair_comes_once_and_then_none() -> None:
    found = ballot()
    votes = all_given(found)
    assert len({vote.key for vote in votes}) == len(votes) == len(found.pairs)
    assert found.next(votes) is None
    assert found.remaining(votes) == []


@pytest.mark.parametrize("seed", range(5))
def test_whoever_met_least_comes_next(seed: int) -> None:
    found = ballot(seed=seed)
    for most in (6, 12, 24):
        met = Counter(frozenset((vote.left.label, vote.right.label)) for vote in all_given(found, most))
        assert set(met.values()) == {most // 6}


@pytest.mark.parametrize("seed", range(5))
def test_every_contestant_is_on_either_side_equally_often(seed: int) -> None:
    for found in (ballot(seed=seed), ballot(("prompt",), seed=seed)):
        lefts: Counter[str] = Counter()
        for given_vote in all_given(found):
            lefts[given_vote.left.label] += 1
            lefts[given_vote.right.label] -= 1
            assert all(abs(tilt) <= 5 for tilt in lefts.values())


def test_sides_do_not_take_turns() -> None:
    """With two contestants strict turns would tell the side of the next one."""
    two = plan(model=("a", "b"), seed=range(40))
    votes = all_given(make_ballot(contest(two), pictures(two), seed=3))
    lefts = [vote.left.label for vote in votes]
    assert any(a == b for a, b in pairwise(lefts))
    assert any(a != b for a, b in pairwise(lefts))
    assert abs(lefts.count("a") - 20) <= 1


def test_votes_on_other_questions_contests_and_grids_do_not_count() -> None:
    found = ballot()
    votes = all_given(found)
    others = [
        *(replace(vote, question="Another?") for vote in votes),
        *(replace(vote, by="seed") for vote in votes),
        *(replace(vote, grid="other") for vote in votes),
    ]
    assert found.counted([*others, *votes]) == votes
    assert len(found.remaining(others)) == len(found.pairs)


def test_what_is_skipped_does_not_come_again() -> None:
    found = ballot()
    skipped: list[str] = []
    while pair := found.next([], skipped):
        assert pair.key not in skipped
        skipped.append(pair.key)
    assert len(skipped) == len(found.pairs)


def test_a_pair_is_the_same_whichever_side_its_pictures_are_on() -> None:
    pair = ballot().pairs[0]
    turned = replace(pair, left=pair.right, right=pair.left)
    assert turned.key == pair.key == given(turned, ballot()).key


def test_a_vote_survives_json() -> None:
    made = vote("a > b")
    assert Vote.from_record({**json.loads(json.dumps(made.to_record())), "added later": 1}) == made


@pytest.mark.parametrize("broken", [None, [], {}, {"left": "a"}, {"left": {}}, {"choice": "maybe"}, {"seed": ...}])
def test_what_is_no_vote_is_told(broken: object) -> None:
    record: object = broken
    if isinstance(broken, dict) and broken:
        record = {**vote("a > b").to_record(), **broken}
        if broken.get("seed") is ...:
            del record["seed"]
    with pytest.raises((KeyError, TypeError, ValueError)):
        Vote.from_record(record or {})  # type: ignore[arg-type]


@pytest.mark.parametrize(("text", "winner"), [("a > b", "a"), ("a < b", "b"), ("a = b", None), ("a x b", None)])
def test_the_winner_is_who_was_preferred(text: str, winner: str | None) -> None:
    assert vote(text).winner == winner


def test_a_choice_is_one_of_four() -> None:
    assert [choice_of(each) for each in CHOICES] == ["left", "right", "tie", "bad"]
    with pytest.raises(ValidationError, match="'a' is no vote") as caught:
        choice_of("a")
    assert caught.value.hint == "Vote left, right, tie or bad."


@pytest.mark.parametrize("count", range(2, 9))
def test_every_two_cells_meet_once(count: int) -> None:
    every = plan(model=range(count), prompt=("fox", "hen"))
    met = Counter(
        frozenset((pair.left.cell, pair.right.cell))
        for pair in make_ballot(contest(every), pictures(every), seed=0).pairs
    )
    assert len(met) == count * (count - 1)
    assert set(met.values()) == {1}


def test_groups_may_be_of_any_size() -> None:
    every = plan(model=range(4), prompt=("fox", "hen", "cow"))
    some = {index: made for index, made in pictures(every).items() if index not in (0, 1, 4, 7)}
    found = make_ballot(contest(every), some, seed=0)
    assert len(found.pairs) == 3 + 0 + 6
    assert {every.cells[pair.left.cell].at[1] for pair in found.pairs} == {0, 2}


def test_of_a_very_large_grid_all_contestants_meet_equally_often(monkeypatch: pytest.MonkeyPatch) -> None:
    large = plan(model=range(30), prompt=range(4))
    monkeypatch.setattr(ballots, "MOST_PAIRS", 240)
    found = make_ballot(contest(large), pictures(large), seed=0)
    assert len(found.pairs) == 240
    met = Counter(side.label for pair in found.pairs for side in (pair.left, pair.right))
    assert set(met.values()) == {16}
    assert len(met) == 30
