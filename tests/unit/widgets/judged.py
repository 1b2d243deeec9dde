"""A grid that can be judged, made of stand-in jobs and a ledger in memory."""

from dataclasses import dataclass

from tests.unit.widgets.conftest import NUMBERS, FakeJob
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.sweep.plan import Cell, Plan, Take, axis, key_of
from tokenlab_nb.sweep.votes import Judged, Votes
from tokenlab_nb.widgets._judging import Judging


class Memory:
    """Keeps votes as the ledger does."""

    def __init__(self):
        self.kept, self.time, self.refusal = [], 1000.0, None

    def votes(self, grid=None):
        return Votes(vote for vote in self.kept if vote.grid == grid)

    def keep_vote(self, vote):
        if self.refusal:
            raise self.refusal
        self.kept.append(vote)

    def drop_vote(self, vote_id):
        self.kept = [vote for vote in self.kept if vote.id != vote_id]

    def resamples(self, seed, rounds, size):
        return resamples(seed, rounds, size)

    def now(self):
        self.time += 1
        return self.time


@dataclass(frozen=True)
class Filled:
    """A cell with its jobs."""

    planned: Cell
    jobs: tuple


class FakeGrid(Judged):
    """The parts of `GridRun` that judging needs; every cell has one job, which a test finishes."""

    def __init__(self, models=("one-model", "two-model"), prompts=("A red fox",), references=None):
        axes = (axis("model", models), axis("prompt", prompts))
        places = [(m, p) for m in range(len(models)) for p in range(len(prompts))]
        self.by_place = {}
        for place in places:
            given = (references or {}).get(place, ())
            self.by_place[place] = FakeJob(models[place[0]], prompts[place[1]], references=given)
        self.plan = Plan(
            axes, tuple(self._cell(at, index) for index, at in enumerate(places)), tuple(range(len(places)))
        )
        self._desk = Memory()

    def _cell(self, at, index):
        request: ImageRequest = self.by_place[at].snapshot.request
        take = Take(request, 1, key_of(request.hash, 1), Estimate(0.04, 0.04))
        return Cell(index, at, request.model, request.operation, request.values, "asked", takes=(take,))

    @property
    def cells(self):
        return tuple(Filled(cell, (self.by_place[cell.at],)) for cell in self.plan.cells)

    @property
    def jobs(self):
        return list(self.by_place.values())


class Widget(Judging):
    """What is judged, and nothing else of a grid's widget."""

    stem = "gallery"

    def __init__(self, grid, **options):
        self.grid = grid
        super().__init__(grid.jobs, **options)


class Voter:
    """The page's half: asks as the script does, and remembers what it was sent."""

    def __init__(self, widget, page, ask):
        self.widget, self.page, self.ask, self.sitting = widget, page, ask, ""

    def say(self, do, **fields):
        """Ask; return the answer's result, or its error text, and the buffers."""
        number = next(NUMBERS)
        self.ask(self.widget, {"type": "judge", "id": number, "do": do, "sitting": self.sitting, **fields})
        content, buffers = self.page.answer_to(number)
        return (content["result"] if content["ok"] else content["error"]), [bytes(each) for each in buffers]

    def open(self, question="", by=""):
        facts, _ = self.say("open", question=question, by=by)
        self.sitting = facts["sitting"]
        return facts

    def deal(self, pair=""):
        return self.say("deal", pair=pair)

    def vote(self, pair, choice):
        return self.say("vote", pair=pair, choice=choice)[0]

    def undo(self, pair):
        return self.say("undo", pair=pair)[0]
