"""`JobView`: one job, with everything that is known about it."""

from __future__ import annotations

from tokenlab_nb.widgets._pictures import LiveJob, Pictures

__all__ = ["JobView"]


class JobView(Pictures):
    """One job: its state in words, times, what can be done about it, its ids, and its pictures.

    The pictures are the tiles of `Gallery`, with the same keys. Shown, it puts its frozen twin beside itself.

    Args:
        job: The job to follow.
        title: Shown above; by default the model.
    """

    def __init__(self, job: LiveJob, *, title: str = "") -> None:
        super().__init__([job], title=title or job.snapshot.request.model)

    @property
    def job(self) -> LiveJob:
        """The job."""
        return self.jobs[0]

    def _describe(self) -> str:
        return repr(self.job.snapshot.request.model)
