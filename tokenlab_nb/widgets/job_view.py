"""`JobView`: one job, with everything that is known about it."""

from __future__ import annotations

from tokenlab_nb.widgets import _tiles
from tokenlab_nb.widgets._live import LiveJob
from tokenlab_nb.widgets._pictures import Pictures

__all__ = ["JobView"]


class JobView(Pictures):
    """One job: its state in words, times, what can be done about it, its ids, and its pictures.

    The pictures are the tiles of `Gallery`, with the same keys. Where the outcome is unknown, it can be looked for, set
    aside, or run again: then the new job is followed. Shown, it puts its frozen twin beside itself.

    Args:
        job: The job to follow.
        title: Shown above; by default the model.
    """

    def __init__(self, job: LiveJob, *, title: str = "") -> None:
        super().__init__([job], title=title or _tiles.name(job.snapshot))

    @property
    def job(self) -> LiveJob:
        """The job; after "run again" the new one."""
        return self.jobs[0]

    def _describe(self) -> str:
        return repr(_tiles.name(self.job.snapshot))

    def _follow_again(self, old: LiveJob, new: LiveJob) -> str:
        self._follow(new)
        self._leave(old)
        return f"This job runs {old.id} again, which stays in session.history()."

    def _repaired(self, old: LiveJob, new: LiveJob) -> str:
        self._follow(new)
        self._leave(old)
        return f"This job mends {old.id}, which stays in session.history()."
