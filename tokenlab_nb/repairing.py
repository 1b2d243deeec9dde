"""Refused jobs: what could be done about them, and doing it. Nothing is sent that nobody asked for."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress

from tokenlab_nb.catalogue import Catalogue
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.repair import Mended, Repair, adapted, can_be_mended, is_about_model, mend, repairs
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.intake import refusal
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.engine import Answer, Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Clock
from tokenlab_nb.settings import Settings


class Repairing(ABC):
    """Mends what was refused. `tokenlab_nb.desk.Desk` builds on it, and `Session` is what users hold."""

    settings: Settings
    _engine: Engine
    _catalogue: Catalogue
    _clock: Clock

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return self.settings.origin

    @property
    def stamps_pictures(self) -> bool:
        """Whether saved pictures carry the record of how they were made."""
        return self.settings.provenance

    @property
    def base_url(self) -> str:
        """The API's address, without ``/v1``."""
        return self.settings.base_url

    def repairs(self, job: Job) -> list[Repair]:
        """Tell what could be done about a refused job, the best first, by what the service said. Nothing is sent.

        Each is checked: `repair` would send it as it is. Where another model is suggested, it says what becomes of the
        settings. The prompt never changes.

        Args:
            job: One that failed.

        Returns:
            None at all where the refusal names no way out (the contents, the balance, the key), and where the job may
            have been carried out.
        """
        return [each.repair for each in self.fetch_repairs(job).result()]

    def fetch_repairs(self, job: Job) -> Answer[tuple[Mended, ...]]:
        """As `repairs`, each with its request and price, without blocking."""
        return self._engine.call_soon(self._ways, job.snapshot)

    def repaired(self, job: Job, repair: Repair) -> ImageRequest:
        """Build the request of a job as a repair mends it. Nothing is sent.

        Raises:
            ValidationError: If the job was not refused, or the mended request would be.
            TokenLabError: If the model cannot be read.
        """
        if not _is_refused(job.snapshot):
            raise ValidationError(f"Job {job.id} was not refused: it is {job.status}.", hint="Repair failed jobs only.")
        return self._engine.call(self._way, job.request, repair).request

    def repair(self, job: Job, repair: Repair, budget: Budget | None = None) -> Job:
        """Send the request of a refused job once more, mended, as a new job. It is paid for; the old job stays.

        Args:
            job: One that failed.
            repair: One of `repairs`, or your own.
            budget: A limit beside the session's own.

        Raises:
            ValidationError: As `repaired`.
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        return self.send_all([self.repaired(job, repair)], budget=budget)[0]

    async def _ways(self, failed: JobSnapshot) -> tuple[Mended, ...]:
        """Every repair that can be built."""
        if failed.error is None or not _is_refused(failed) or not can_be_mended(failed.error):
            return ()
        found: list[Mended] = []
        for repair in repairs(failed.request, failed.error, await self._model_of(failed.request, failed.error)):
            with suppress(TokenLabError):  # the model cannot be read, or does not take it: it is no way, then
                found.append(await self._way(failed.request, repair))
        return tuple(found)

    async def _model_of(self, request: ImageRequest, error: TokenLabError) -> Model | None:
        """The refused model, as far as its contract can help; one that is refused itself is not asked for again."""
        with suppress(TokenLabError):
            known = self._catalogue.at_hand(request.model)
            return known if is_about_model(error) else await self._catalogue.model(request.model)
        return None

    async def _way(self, request: ImageRequest, repair: Repair) -> Mended:
        model = await self._catalogue.model(repair.model or request.model)
        if repair.model:
            repair = adapted(repair, request, model, prefer_tasks=self.settings.prefer_tasks)
        mended, issues = mend(request, repair, model, origin=self.origin, now=self._clock.now())
        if mended is None:
            raise refusal(model.id, issues)
        return Mended(repair, mended, self.price(mended, model))

    @abstractmethod
    def price(self, request: ImageRequest, model: Model | None = None) -> Estimate:
        """What a request will cost."""

    @abstractmethod
    def send_all(
        self, wanted: Sequence[ImageRequest], *, budget: Budget | None = None, repeats: str | None = None
    ) -> list[Job]:
        """Start several requests, if the budgets allow all of them together; else none."""


def _is_refused(job: JobSnapshot) -> bool:
    """Whether nothing came of it, nothing can come any more, and it is known what was asked."""
    return job.status is JobStatus.FAILED and not job.can_fetch_again and not job.adopted
