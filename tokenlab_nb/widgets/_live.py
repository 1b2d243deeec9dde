"""What the widgets need of a job; `tokenlab_nb.jobs.handle.Job` is the real one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Any, Protocol

from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.repair import Mended, Repair
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.jobs.lineage import Lineage

__all__ = ["LiveJob", "in_order"]


class LiveJob(Protocol):
    """A job that may change at any moment, on any thread."""

    @property
    def id(self) -> str:
        """Our id of the job."""

    @property
    def snapshot(self) -> JobSnapshot:
        """The newest snapshot."""

    @property
    def images(self) -> list[ImageResult]:
        """The pictures on disk."""

    @property
    def references(self) -> list[ImageResult]:
        """The pictures that went in as files, in order."""

    @property
    def mask(self) -> ImageResult | None:
        """The mask that went in as a file."""

    @property
    def model_at_hand(self) -> Model | None:
        """Its model, where it was read in the last minutes."""

    @property
    def lineage(self) -> Lineage:
        """The chain of jobs that led to it; may read the ledger."""

    def subscribe(self, callback: Callable[[JobSnapshot], None]) -> Callable[[], None]:
        """Call back at every change, on any thread; return the unsubscriber."""

    def support_packet(self) -> dict[str, object]:
        """What the service's support needs to find it."""

    def stop_waiting(self) -> None:
        """Stop asking for it; the task goes on. One that was not sent yet is cancelled."""

    def resume(self) -> None:
        """Wait for it again."""

    def fetch_again(self) -> None:
        """Fetch paid pictures that are not on disk."""

    def look_again(self) -> str:
        """Look what became of it, where the outcome is unknown; return what to tell the user."""

    def forget(self) -> None:
        """Set an unknown outcome aside, or discard a draft."""

    def fetch_model(self) -> Answer[Any]:
        """Read what sending needs, without blocking. After it, `run` and `run_again` do not wait for the network."""

    def fetch_repairs(self) -> Answer[tuple[Mended, ...]]:
        """Find what could be done about its refusal, without blocking: each with what would be sent, and its price."""

    def price(self) -> Estimate:
        """What sending it once more would cost today."""

    def run(self, *, budget: Budget | None = None) -> None:
        """Send a draft that an earlier kernel left."""

    def run_again(self, *, budget: Budget | None = None) -> LiveJob:
        """Send the same request once more, as a new job."""

    def repair(self, repair: Repair, *, budget: Budget | None = None) -> LiveJob:
        """Send its request once more, mended, as a new job."""


def in_order(
    jobs: Iterable[LiveJob], snapshots: Mapping[str, JobSnapshot], mends: Mapping[str, str] = MappingProxyType({})
) -> list[LiveJob]:
    """Return jobs as they were added, but each that runs another one again, or mends it, right after that one.

    Args:
        jobs: As they were added.
        snapshots: What is known of each, by id.
        mends: By the id of a job, the id of the refused one that it mends.
    """
    found: list[LiveJob] = []
    for job in jobs:
        first = mends.get(job.id) or snapshots[job.id].repeats
        places = (place for place, each in enumerate(found, 1) if each.id == first) if first else iter(())
        found.insert(next(places, len(found)), job)
    return found
