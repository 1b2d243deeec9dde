"""`Gallery`: the pictures of several jobs, as they come."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path
from typing import Any

from tokenlab_nb.widgets._live import LiveJob
from tokenlab_nb.widgets._pictures import Pictures
from tokenlab_nb.widgets.contact import contact_sheet

__all__ = ["Gallery"]


class Gallery(Pictures):
    """A grid of pictures that fills itself while jobs run, to be looked through in full size.

    In the grid the arrows, Home and End move, Enter opens, ``d`` downloads; opened, left and right go on, ``+``,
    ``-``, ``0`` (fit) and ``z`` (100 %) zoom, Escape closes. Under a picture that was made from others stands where
    it comes from; opened, ``1`` to ``9`` show the result, each reference and the mask at the same zoom and place.
    What waits shows its time and a way to stop waiting; what failed shows the error, what to do about it, and the
    request id; a job of unknown outcome can be looked for, run again or set aside, which takes it from here. Shown,
    it puts its frozen twin beside itself.

    Args:
        jobs: What to follow; finished jobs show their pictures at once.
        title: Shown above the grid.
    """

    def _describe(self) -> str:
        jobs = len(self._jobs)
        return f"{jobs} job{'' if jobs == 1 else 's'}"

    def add(self, job: LiveJob) -> None:
        """Follow one more job; one that is here already stays where it is."""
        self._follow(job)

    def point_at(self, job: LiveJob) -> None:
        """Bring a job's first tile into view and put the focus there, on every page that shows the gallery."""
        self.send({"type": "point", "job": job.id})

    def contact_sheet(self, path: str | os.PathLike[str], **options: Any) -> list[Path]:
        """Write all pictures with their labels as one picture, or several; see `tokenlab_nb.contact_sheet`.

        Args:
            path: A file ending in .png, .jpg, .jpeg or .webp.
            **options: Those of `tokenlab_nb.contact_sheet`; the title is the gallery's own unless another is given.
        """
        return contact_sheet(self.jobs, path, **{"title": self.title, **options})

    def _forget(self, job: LiveJob) -> str:
        said = super()._forget(job)
        self._bridge.soon(self, f"leave {job.id}", partial(self._leave, job))
        return said
