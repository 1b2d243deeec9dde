"""A grid of stand-in jobs that is taken away: every fact in it that may be left out has a mark of its own."""

import io
from dataclasses import dataclass, replace
from itertools import product

from PIL import Image, ImageDraw
from PIL.PngImagePlugin import PngInfo

from tests.unit.widgets.conftest import FakeJob
from tests.unit.widgets.judged import Memory
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.contract.pricing import Estimate, total
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, ValidationError
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sweep.away import TakenAway
from tokenlab_nb.sweep.plan import Cell, Difference, Plan, Take, axis, key_of
from tokenlab_nb.sweep.votes import Judged

PROMPT = "A vermilion fox among QUINCETREES in deep snow"
REVISED = "A vermilion fox, tail curled, MEDLARLIGHT over everything"
AVOID = "no PERSIMMONS at all"
ADDRESS = "https://pictures.example/DAMSONFOLDER/in.png"
FILE = "DAMSONFILE.png"
PATH = "/home/somebody/DAMSONHOME/in.png"
COST = 0.7391
MARKS = {
    "prompts": ("QUINCETREES", "quincetrees", "MEDLARLIGHT", "PERSIMMONS", "vermilion fox"),
    "ids": ("task-SLOE", "request-SLOE", "charge-SLOE", "refused-SLOE", "somebody-SLOE", "other_0123456789abcdef"),
    "costs": ("0.7391", "$1.48", "0.52 USD"),
    "paths": ("DAMSONFOLDER", "DAMSONFILE", "DAMSONHOME", "pictures.example"),
}
"""What of each kind must not be there, once it is left out."""


@dataclass(frozen=True)
class Filled:
    """A cell with its jobs."""

    planned: Cell
    jobs: tuple

    @property
    def images(self):
        return [image for job in self.jobs for image in job.images]


class SharedGrid(Judged, TakenAway):
    """As much of a `GridRun` as a page needs."""

    state, trouble, cells = "done", "", ()

    def __init__(self, models=("one-model", "two-model"), prompts=(PROMPT, "A rainy harbour"), *, bare=False):
        reference = () if bare else (axis("references", [(Source(url=ADDRESS),), ()], [FILE, "no picture"]),)
        self.values = {} if bare else {"negative_prompt": AVOID, "user": "somebody-SLOE", "quality": "high"}
        axes = (axis("model", models), axis("prompt", prompts), *reference)
        cells, filled = [], []
        for index, at in enumerate(product(*(range(len(each.values)) for each in axes))):
            cell, job = self._cell(index, at, axes)
            cells.append(cell)
            filled.append(Filled(cell, (job,)))
        self.plan = Plan(axes, tuple(cells), tuple(range(len(cells))))
        self.cells, self._desk = tuple(filled), Memory()

    def _cell(self, index, at, axes):
        model, prompt = axes[0].values[at[0]], axes[1].values[at[1]]
        sources = axes[2].values[at[2]] if len(axes) > 2 else ()
        values = {"prompt": prompt, **self.values}
        request = ImageRequest(model, "text-to-image", "/v1/images/generations", values, sources)
        job = FakeJob(model, prompt, **self.values)
        job.snapshot = replace(
            job.snapshot, request=request, estimate=Estimate(COST, COST), task_id=f"task-SLOE-{index}"
        )
        take = Take(request, 1, key_of(request.hash, 1), Estimate(COST, COST))
        told = (
            (Difference("negative_prompt", AVOID, None, f"{AVOID} is left out: not taken here."),)
            if self.values
            else ()
        )
        cell = Cell(
            index, at, model, "text-to-image", values, "adjusted" if told else "asked", told, "", take.price, (take,)
        )
        return cell, job

    @property
    def jobs(self):
        return list(dict.fromkeys(job for cell in self.cells for job in cell.jobs))

    def to_retry(self):
        return ()

    def retry_price(self):
        return total(())

    def finish(self, *, size=(96, 64), marked=True):
        """Let every job end: the last one refused, with an error that repeats all that may be left out."""
        for number, job in enumerate(self.jobs[:-1]):
            job.finish((*size, picture(number, size, marked=marked)))
            images = tuple(replace(each, revised_prompt=REVISED) for each in job.snapshot.images)
            ids = {"request_id": f"request-SLOE-{number}", "billing_transaction_id": f"charge-SLOE-{number}"}
            job.snapshot = replace(job.snapshot, images=images, **ids)
        self.refuse(self.jobs[-1])
        return self

    def refuse(self, job):
        said = f'"{PROMPT[:30]}" from {ADDRESS} ({PATH}) would cost $1.48, and 0.52 USD left'
        told = f"{job.snapshot.task_id} of other_0123456789abcdef: {REVISED} of {FILE}"
        issue = Issue("prompt", told, remedy=f"See {PATH}.")
        error = ValidationError(said, issues=(issue,), facts=Facts(request_id="refused-SLOE", did_you_mean=AVOID))
        job.go(JobStatus.SENDING)
        job.go(JobStatus.FAILED, 104.0, error=error)


def picture(number, size=(96, 64), *, marked=True):
    """A PNG whose pixels tell its number, with metadata that tell everything."""
    image = Image.new("RGB", size, (40 + number * 37 % 180, 60 + number * 53 % 160, 90 + number * 29 % 150))
    ImageDraw.Draw(image).text((8, 8), str(number), fill="white", font_size=max(16, size[1] // 2))
    info, file = PngInfo(), io.BytesIO()
    for place, text in enumerate((PROMPT, REVISED, ADDRESS, PATH, f"task-SLOE costs {COST}") if marked else ()):
        info.add_itxt(f"note {place}", text, zip=bool(place % 2))
    image.save(file, "PNG", pnginfo=info)
    return file.getvalue()
