"""A grid that is judged: its pictures on a ballot, its votes kept, and what they come to beside costs and times."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.jobs.fakes import START, NoDesk, World, draft
from tests.unit.sweep.ballots import vote, votes
from tokenlab_nb.contract.pricing import Estimate, Total
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobStatus, StoredImage
from tokenlab_nb.sweep.ballot import NOWHERE, QUESTION, Vote
from tokenlab_nb.sweep.plan import Cell, Plan, Take, axis, key_of
from tokenlab_nb.sweep.rating import Standing
from tokenlab_nb.sweep.run import GridCell
from tokenlab_nb.sweep.votes import Facts, Judged, Votes

PRICES = {"a": Estimate(0.02, 0.04), "b": Estimate(0.0, 0.0), "c": Estimate()}


class Book:
    """Keeps votes in a list."""

    def __init__(self) -> None:
        self.kept: list[Vote] = []
        self.time = START

    def votes(self, grid: str | None = None) -> Votes:
        return Votes(each for each in self.kept if grid in (None, each.grid))

    def keep_vote(self, vote: Vote) -> None:
        self.kept.append(vote)

    def drop_vote(self, vote_id: str) -> None:
        self.kept = [each for each in self.kept if each.id != vote_id]

    def resamples(self, seed: int, rounds: int, size: int) -> Iterator[Sequence[int]]:
        return resamples(seed, rounds, size)

    def now(self) -> float:
        self.time += 1.5
        return self.time


class Grid(Judged):
    """Three models, two prompts; the jobs are done but for what is told."""

    def __init__(self, *, undone: Sequence[int] = ()) -> None:
        self._desk = Book()
        world = World()
        engine = Engine(world.ports)
        cells, self._filled = [], []
        for index in range(6):
            model, prompt = "abc"[index // 2], ("fox", "hen")[index % 2]
            request = ImageRequest(model, "text-to-image", "/v1/images/generations", {"prompt": prompt})
            take = Take(request, 1, key_of(request.hash, 1), PRICES[model])
            cells.append(Cell(index, (index // 2, index % 2), model, "text-to-image", {}, "asked", takes=(take,)))
            job = replace(draft(), id=f"job_{index}", request=request)
            if index not in undone:
                image = StoredImage(f"{index}" * 64, "image/png", 8, 8, 100)
                job = replace(job.move(JobStatus.SENDING, START), images=(image,), latency=4.0 + index)
                job = job.move(JobStatus.COMPLETED, START + 9)
            engine.know(job)
            self._filled.append(GridCell(cells[-1], (Job(job.id, engine, world.blobs, NoDesk()),)))
        self.plan = Plan((axis("model", "abc"), axis("prompt", ("fox", "hen"))), tuple(cells), tuple(range(6)))

    @property
    def cells(self) -> Sequence[GridCell]:
        return self._filled

    @property
    def book(self) -> Book:
        return self._desk  # type: ignore[return-value]


@pytest.fixture
def grid() -> Grid:
    return Grid()


def vote_all(grid: Grid, choice: str = "left", question: str | None = None) -> list[Vote]:
    ballot = grid.ballot(question=question)
    given = []
    while pair := ballot.next(grid.votes):
        given.append(grid.vote(pair, choice))
    return given


def test_only_pictures_that_are_there_are_on_the_ballot() -> None:
    grid = Grid(undone=[1, 4])
    ballot = grid.ballot()
    assert {tuple(sorted((pair.left.cell, pair.right.cell))) for pair in ballot.pairs} == {(0, 2), (3, 5)}
    assert (ballot.question, ballot.by, ballot.grid) == (QUESTION, "model", grid.plan.hash)
    assert len(Grid().ballot("prompt").pairs) == 3


def test_a_vote_keeps_all_that_a_later_look_needs(grid: Grid) -> None:
    ballot = grid.ballot(question="Which follows the prompt better?", seed=5)
    pair = ballot.next([])
    assert pair
    kept = grid.vote(pair, "tie")
    assert grid.votes == [kept]
    assert (kept.left, kept.right, kept.by, kept.seed) == (pair.left, pair.right, "model", 5)
    assert (kept.grid, kept.question) == (grid.plan.hash, "Which follows the prompt better?")
    assert kept.at > START
    assert kept.id.startswith("vote_")


def test_the_seed_of_a_question_goes_on(grid: Grid) -> None:
    first = grid.ballot()
    assert first.seed != grid.ballot().seed  # the clock went on, and nobody has voted
    pair = first.next([])
    assert pair
    grid.vote(pair, "left")
    assert grid.ballot().seed == first.seed
    assert grid.ballot(question="Another?").seed != first.seed
    assert grid.ballot(seed=3).seed == 3


def test_no_pair_is_voted_on_twice(grid: Grid) -> None:
    pair = grid.ballot().next([])
    assert pair
    grid.vote(pair, "left")
    with pytest.raises(ValidationError, match="a vote on this pair already"):
        grid.vote(replace(pair, left=pair.right, right=pair.left), "right")
    grid.vote(pair, "right", "Which is funnier?")
    assert [(each.question, each.choice) for each in grid.votes] == [(QUESTION, "left"), ("Which is funnier?", "right")]


def test_what_is_no_choice_is_not_kept(grid: Grid) -> None:
    pair = grid.ballot().next([])
    assert pair
    with pytest.raises(ValidationError, match="'A' is no vote"):
        grid.vote(pair, "A")
    assert grid.votes == []


def test_undo_takes_back_the_newest(grid: Grid) -> None:
    given = vote_all(grid)
    assert grid.undo_vote() == given[-1]
    assert grid.votes == given[:-1]
    assert [pair.key for pair in grid.ballot().remaining(grid.votes)] == [given[-1].key]
    for _ in given[:-1]:
        grid.undo_vote()
    assert grid.undo_vote() is None


def test_a_plan_in_another_order_finds_the_same_votes_at_its_own_cells(grid: Grid) -> None:
    given = vote_all(grid)
    turned = Grid(undone=[0])
    turned._desk = grid.book
    order = (5, 4, 3, 2, 1, 0)
    turned._filled = [
        GridCell(replace(turned._filled[old].planned, index=new, at=(new // 2, new % 2)), turned._filled[old].jobs)
        for new, old in enumerate(order)
    ]
    found = turned.votes
    assert [vote.id for vote in found] == [vote.id for vote in given]
    homes = [(old.left.cell, new.left.cell) for old, new in zip(given, found, strict=True)]
    assert all(new == (NOWHERE if old == 0 else order.index(old)) for old, new in homes)


def test_ratings_count_the_votes_of_one_question(grid: Grid) -> None:
    vote_all(grid, "left")
    assert grid.ratings().question == QUESTION
    pair = grid.ballot(question="Another?").next(grid.votes)
    assert pair
    grid.vote(pair, "bad")
    newest, older = grid.ratings(), grid.ratings(question=QUESTION)
    assert (newest.question, newest.count, newest.remaining) == ("Another?", 1, 5)
    assert (older.question, older.count, older.remaining) == (QUESTION, 6, 0)
    assert older.left_share == 1.0
    assert newest.left_share is None
    assert grid.ratings("prompt").count == 0


def test_votes_of_contestants_that_the_plan_lacks_do_not_count(grid: Grid) -> None:
    grid.book.keep_vote(vote("a > old", grid=grid.plan.hash))
    assert grid.ratings().count == 0


def test_ratings_without_votes_are_a_table_without_numbers(grid: Grid) -> None:
    found = grid.ratings()
    assert [row.rating for row in found.rows] == [None] * 3
    assert (found.count, found.remaining, found.verdict.missing) == (0, 6, 9)


def test_ratings_want_rounds_and_a_known_axis(grid: Grid) -> None:
    with pytest.raises(ValidationError, match="0 rounds are none"):
        grid.ratings(rounds=0)
    with pytest.raises(ValidationError, match="no axis 'size'"):
        grid.ratings("size")


def test_the_same_seed_brings_the_same_ratings(grid: Grid) -> None:
    vote_all(grid)
    assert grid.ratings(rounds=100).rows == grid.ratings(rounds=100).rows
    assert grid.ratings(rounds=100).rows != grid.ratings(rounds=100, seed=1).rows


def test_costs_and_times_stand_beside() -> None:
    facts = Grid(undone=[1]).ratings().facts
    assert facts["a"] == Facts(Total(0.02, 0.04, 1), 1, 4.0)
    assert facts["b"] == Facts(Total(0.0, 0.0, 2), 2, 6.5)
    assert facts["c"] == Facts(Total(0.0, 0.0, 0, 2), 2, 8.5)
    assert Grid(undone=range(6)).ratings().facts["a"] == Facts()


def test_a_request_that_cells_share_costs_once(grid: Grid) -> None:
    shared = grid._filled[0]
    grid._filled[1] = GridCell(replace(grid.plan.cells[1], takes=shared.planned.takes), shared.jobs)
    assert grid.ratings().facts["a"] == Facts(Total(0.02, 0.04, 1), 1, 4.0)


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (Total(0.25, 0.25, 5), "12"),
        (Total(0.1, 0.2, 5), "15 - 30"),
        (Total(1.0, 3.0, 5), "1 - 3"),
        (Total(0.0, 0.5, 5), "6 or more"),
        (Total(0.0, 0.0, 5), "free"),
        (Total(0.1, 0.2, 4, 1), "unknown"),
        (Total(), "unknown"),
        (Total(0.002, 0.002, 5), "1,500"),
    ],
)
def test_wins_per_dollar(cost: Total, words: str) -> None:
    """Of 10 votes 6 were won (5 and two halves), so five pictures for a dollar would win three."""
    row = Standing("a", 0.5, 0.0, 1.0, votes=10, wins=5, losses=3, ties=1, bad=1)
    assert Facts(cost, 5).per_dollar(row) == words


def test_wins_per_dollar_of_nothing_are_nothing() -> None:
    assert Facts(Total(1.0, 1.0, 1), 0).per_dollar(Standing("a", votes=3)) == ""
    assert Facts(Total(1.0, 1.0, 1), 1).per_dollar(Standing("a")) == ""


def test_ratings_are_json_for_a_page(grid: Grid) -> None:
    vote_all(grid)
    found = json.loads(json.dumps(grid.ratings().to_json()))
    told = [found[name] for name in ("question", "by", "count", "remaining", "missing", "winner", "seed", "rounds")]
    assert told == [QUESTION, "model", 6, 0, 3, None, 0, 1000]
    assert found["verdict"].startswith("Too few votes to tell: ")
    first = found["rows"][0]
    assert first["low"] < first["rating"] < first["high"]
    assert first["chance_low"] < first["chance"] < first["chance_high"]
    by_name = {row["contestant"]: row for row in found["rows"]}
    assert {name: (row["cost"], row["latency"]) for name, row in by_name.items()} == {
        "a": ("$0.04 - $0.08", "4.5 s"),
        "b": ("free", "6.5 s"),
        "c": ("2 unknown prices", "8.5 s"),
    }


def test_tables_are_written_to_files(grid: Grid, tmp_path: Path) -> None:
    vote_all(grid)
    for table in (grid.votes, grid.ratings(rounds=50)):
        path = table.to_csv(tmp_path / "table.csv")
        assert isinstance(path, Path)
        assert path.read_bytes().decode() == table.to_csv()
        assert table.to_frame().shape[0] == len(str(table.to_csv()).splitlines()) - 1
        assert table._repr_html_().startswith("<div")
        assert repr(table).strip()
    odd = Votes([replace(votes("a > b")[0], question="half a pair \ud800")])
    path = odd.to_csv(str(tmp_path / "odd.csv"))
    assert "half a pair ?" in Path(path).read_text("utf-8")
