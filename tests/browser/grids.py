"""Code for cells: grids of any size whose jobs are done, with pictures that are theirs alone, and no service behind."""

from __future__ import annotations

LARGE = """
import hashlib
import io

from PIL import Image, ImageDraw

import tokenlab_nb as tl
from tokenlab_nb.contract.pricing import Estimate, total
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, StoredImage
from tokenlab_nb.sweep.plan import Cell, Plan, Take, axis, key_of
from tokenlab_nb.sweep.run import GridCell


class Done:  # a job that is done
    references, mask, model_at_hand = [], None, None

    def __init__(self, take):
        self.take, self.id = take, f"job_{take.number:06}"
        self.data = self.picture()
        sha256 = hashlib.sha256(self.data).hexdigest()
        stored = StoredImage(sha256, "image/png", 256, 256, len(self.data))
        snapshot = JobSnapshot(self.id, take.request, "http://service", estimate=take.price, take=take.number)
        for status, at in ((JobStatus.DRAFT, 100.0), (JobStatus.SENDING, 101.0)):
            snapshot = snapshot.move(status, at)
        self.snapshot = snapshot.move(JobStatus.COMPLETED, 103.0 + take.number % 7, images=(stored,))
        self.images = [
            ImageResult(
                sha256=sha256, media_type="image/png", width=256, height=256, size=len(self.data),
                load=lambda: self.data, name=f"{take.number}.png",
            )
        ]

    def picture(self):  # its number stands in it
        number = self.take.number
        image = Image.new("RGB", (256, 256), (40 + number * 7 % 180, 60 + number * 13 % 160, 90 + number * 29 % 150))
        ImageDraw.Draw(image).text((60, 90), str(number), fill="white", font_size=64)
        file = io.BytesIO()
        image.save(file, "PNG", compress_level=1)
        return file.getvalue()

    def subscribe(self, callback):
        return lambda: None


class Grid:  # as much of a `GridRun` as its widget needs
    state, trouble = "done", ""

    def __init__(self, rows, columns):
        axes = (axis("prompt", [f"prompt {n}" for n in range(rows)]), axis("seed", range(columns)))
        cells, self.cells = [], []
        for index in range(rows * columns):
            at = divmod(index, columns)
            values = {"prompt": axes[0].values[at[0]], "seed": at[1]}
            request = ImageRequest("some-model", "text-to-image", "/v1/images/generations", values)
            take = Take(request, index, key_of(str(index), 1), Estimate(0.01, 0.01))
            more = {"price": take.price, "takes": (take,)}
            cells.append(Cell(index, at, "some-model", "text-to-image", values, "asked", **more))
        self.plan = Plan(axes, tuple(cells), tuple(range(len(cells))))
        self.jobs = [Done(cell.takes[0]) for cell in cells]
        self.cells = tuple(GridCell(cell, (job,)) for cell, job in zip(cells, self.jobs))

    def subscribe(self, callback):
        return lambda: None

    def to_retry(self):
        return ()

    def retry_price(self):
        return total(())


"""
"""Defines `Grid(rows, columns)`: the picture of each cell shows the cell's number."""
