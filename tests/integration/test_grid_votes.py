"""From a grid over votes to ratings; and a later session that finds both again and goes on."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.integration.grids import refused
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.errors import TokenLabWarning, ValidationError
from tokenlab_nb.store.votes import keep_vote
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets._sitting import Sitting

Make = Callable[..., Rig]
MODELS = ["gpt-image-2", "nano-banana-2", "dall-e-2"]
PROMPTS = ["a red fox", "a black hen", "a brown cow", "a pink sow"]


def run(rig: Rig) -> GridRun:
    grid = rig.session.compare(MODELS, PROMPTS)
    for job in grid.jobs:
        job.wait()
    return grid


def judge(grid: GridRun, most: int = 100) -> None:
    """The first of the models is always better, in the eyes of somebody who is easily pleased."""
    ballot = grid.ballot()
    while most and (pair := ballot.next(grid.votes)):
        places = (MODELS.index(pair.left.label), MODELS.index(pair.right.label))
        grid.vote(pair, "left" if places[0] < places[1] else "right")
        most -= 1


def test_votes_become_ratings_beside_costs_and_times(rig: Make) -> None:
    grid = run(rig())
    judge(grid)
    found = grid.ratings()
    assert [row.contestant for row in found.rows] == MODELS
    assert [(row.wins, row.losses) for row in found.rows] == [(8, 0), (4, 4), (0, 8)]
    assert (found.count, found.remaining) == (12, 0)
    assert all(facts.pictures == 4 and facts.seconds for facts in found.facts.values())
    cells = {cell.model: cell for cell in grid.plan.cells}
    for model in MODELS:
        assert found.facts[model].cost.unknown == (0 if cells[model].price.is_known else 4)
    assert {side.sha256 for vote in grid.votes for side in (vote.left, vote.right)} == {
        image.sha256 for image in grid.images
    }


def test_a_later_session_finds_the_votes_and_goes_on_where_they_ended(rig: Make) -> None:
    first = rig()
    grid = run(first)
    judge(grid, 5)
    given, seed = grid.votes, grid.ballot().seed
    first.close()
    second = rig(clock=first.clock)
    jobs = {job.id: job for job in second.session.history()}
    known = {key: jobs[job.id] for key, job in zip(grid.plan.takes, grid.jobs, strict=True)}
    again = GridRun(grid.plan, second.session, known)
    assert again.votes == given
    assert second.session.votes(grid.plan.hash) == second.session.votes() == given
    assert second.session.votes("another") == []
    assert again.ballot().seed == seed
    assert len(again.ballot().remaining(again.votes)) == 12 - 5
    judge(again)
    assert len(again.votes) == 12
    assert again.ratings().rows[0].wins == 8
    assert second.posts == 0


def test_what_was_taken_back_is_gone_for_good(rig: Make) -> None:
    here = rig()
    grid = run(here)
    judge(grid, 2)
    undone = grid.undo_vote()
    assert undone
    assert len(grid.votes) == 1
    with pytest.raises(ValidationError, match="no vote 'vote_"):
        here.session.drop_vote(undone.id)
    pair = grid.ballot().remaining(grid.votes)[0]
    grid.vote(pair, "bad")
    assert grid.votes[-1].choice == "bad"


def test_votes_of_a_later_version_are_left_out_with_a_word(rig: Make) -> None:
    here = rig()
    grid = run(here)
    judge(grid, 1)
    odd = {**grid.votes[0].to_record(), "id": "vote_odd", "choice": "much better"}
    keep_vote(here.session._journal, here.session.origin, odd)
    with pytest.warns(TokenLabWarning, match="1 vote of this data folder cannot be read"):
        assert len(grid.votes) == 1


def test_a_model_whose_cells_all_failed_keeps_nobody_from_an_answer(rig: Make) -> None:
    world = rig(refused(400, "invalid_value", model=MODELS[1]))
    prompts = [f"{colour} {animal}" for colour in ("red", "blue") for animal in ("fox", "hen", "cow", "sow", "cat")]
    grid = world.session.compare(MODELS, prompts)
    grid.wait(SOON)
    judge(grid)
    found = grid.ratings(rounds=200)
    assert (found.count, found.verdict.winner) == (10, MODELS[0])
    assert found.verdict.text.endswith(f"{MODELS[1]} has no picture to compare.")
    assert Sitting(grid, grid.votes[0].question).progress()["progress"] == "10 of 10"
