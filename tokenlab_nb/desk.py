"""The desk: requests become jobs, under a budget; and what earlier kernels left is found and taken up."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Protocol

from tokenlab_nb.api.replies import Fetched
from tokenlab_nb.catalogue import Catalogue, Discovery
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.pricing import Estimate, estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.export.history import History, left_behind, moment
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.adopt import adopted
from tokenlab_nb.jobs.budget import Budget, Spending
from tokenlab_nb.jobs.engine import Answer, Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus
from tokenlab_nb.jobs.lineage import Lineage, Maker, trace, trace_picture
from tokenlab_nb.jobs.ports import Clock, ImageApi, Ports
from tokenlab_nb.jobs.schedule import DOCUMENTED_SECONDS
from tokenlab_nb.repairing import Repairing
from tokenlab_nb.settings import Settings
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.journal import Journal


class Service(ImageApi, Discovery, Protocol):
    """All that a session asks of the service."""

    async def fetch_reference(self, url: str) -> Fetched:
        """Fetch a picture that is to go in."""

    async def close(self) -> None:
        """Close every connection."""


class Desk(Repairing):
    """Starts jobs, and keeps them. `Session` is what users hold.

    Args:
        chosen: Where the service is and where state is kept.
        journal: The ledger, open.
        service: The service.
        clock: Time and chance.
        recorded: Folders of pictures that are read beside the own one.

    Attributes:
        settings: What `connect` decided; the key in it shows itself to nobody.
        is_closed: Whether `close` was called.
        notice: What the user should know: of the ledger's opening, of what an earlier kernel left; usually empty.
        budget: What may be spent, or None; see `limit_spending`.
    """

    def __init__(
        self, chosen: Settings, journal: Journal, service: Service, clock: Clock, recorded: Sequence[Path] = ()
    ) -> None:
        self.settings = chosen
        self.is_closed = False
        self._clock = clock
        self._journal = journal
        self.notice = journal.notice
        self._client = service
        self._blobs = Blobs(chosen.data_dir / "pictures", also=recorded)
        self._engine = Engine(
            Ports(service, journal, self._blobs, clock),
            on_close=service.close,
            longest_create=chosen.timeouts.create,
            documented=DOCUMENTED_SECONDS if self.is_billed else None,
        )
        self._catalogue = Catalogue(service, clock.now)
        self._opened_at = clock.now()
        self.budget: Budget | None = None
        self._jobs: dict[str, Job] = {}

    @property
    def is_sandbox(self) -> bool:
        """Whether pictures are drawn here and nothing is billed."""
        return self.settings.sandbox

    @property
    def is_billed(self) -> bool:
        """Whether pictures cost money: neither the sandbox nor a replay bills any."""
        return not (self.settings.sandbox or self.settings.replay)

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this session, oldest first: those that it started, took up or adopted."""
        return list(self._jobs.values())

    def model(self, model_id: str) -> Model:
        """Read one model with its contract and price (``GET /v1/models/{model}``, ``.../pricing``); kept ten minutes.

        Raises:
            NotFoundError: If there is no such model; ``did_you_mean`` may hold a near one.
            TokenLabError: If the service cannot be asked.
        """
        return self._engine.call(self._catalogue.model, model_id)

    def fetch_model(self, model_id: str) -> Answer[Model]:
        """As `model`, without blocking: the result comes as a future, on the engine's thread."""
        return self._engine.call_soon(self._catalogue.model, model_id)

    def model_at_hand(self, model_id: str) -> Model | None:
        """What `model` would return, if it need not ask the service for it; else None. Never blocks."""
        return self._catalogue.at_hand(model_id)

    # ------------------------------------------------------------------------------------- work

    def send(self, request: ImageRequest, *, budget: Budget | None = None) -> Job:
        """Start a request that `prepare` made, in the background; each call sends it, and is paid for, once.

        Args:
            request: What to ask.
            budget: A limit beside the session's own.

        Raises:
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        return self.send_all([request], budget=budget)[0]

    def send_all(
        self, wanted: Sequence[ImageRequest], *, budget: Budget | None = None, repeats: str | None = None
    ) -> list[Job]:
        """Start several requests, if the budgets allow all of them together; else none.

        Args:
            wanted: What to ask.
            budget: A limit beside the session's own.
            repeats: The job of unknown outcome that they are run again for.

        Raises:
            BudgetExceededError: If they might cost more than a budget leaves; nothing was sent.
        """
        budgets = self._budgets(budget)
        since = self._since(budgets)
        models = [self.model(request.model) for request in wanted]  # before anything starts, since it may fail
        drafts = [
            self._engine.draft(request, estimate=self.price(request, model), repeats=repeats, since=since)
            for request, model in zip(wanted, models, strict=True)
        ]
        if budgets and drafts:
            self._engine.reserve(drafts, budgets)
        return [self._begin(draft, model) for draft, model in zip(drafts, models, strict=True)]

    # ------------------------------------------------------------------------------------- money

    def price(self, request: ImageRequest, model: Model | None = None) -> Estimate:
        """Tell what a request will cost by the model's present price list; unknown is unknown, never 0.

        Args:
            request: What is to be asked.
            model: The model as it was read before: then nothing is asked.

        Raises:
            TokenLabError: If the service cannot be asked.
        """
        if self.settings.replay:
            return Estimate(0.0, 0.0, "a recorded answer costs nothing")
        return estimate((model or self.model(request.model)).price, request, self._clock.now())

    def limit_spending(self, limit: float | None, *, allow_unknown_price: bool = False) -> None:
        """Set the session's budget: what might exceed it is refused before it is sent.

        Every job counts that was made since the session was opened, in this data folder and at this API, in whichever
        kernel, with the most that it may cost; see `spending`.

        Args:
            limit: US dollars; None lifts the limit.
            allow_unknown_price: Send also what nobody states a price for.

        Raises:
            ValidationError: If it is no amount of money.
        """
        self.budget = None if limit is None else self.budget_of(limit, self._opened_at, allow=allow_unknown_price)

    def budget_of(self, limit: float, since: float | None = None, *, allow: bool = False) -> Budget:
        """Make a budget for `send_all`.

        Args:
            limit: US dollars.
            since: From when on jobs count, in seconds since 1970; by default from now on.
            allow: Whether requests without a stated price may be sent; where nothing is billed they always may.

        Raises:
            ValidationError: If it is no amount of money.
        """
        if not (isinstance(limit, int | float) and math.isfinite(limit) and limit >= 0):
            raise ValidationError(f"A budget of {limit!r} is none.", hint="Give US dollars, such as budget=2.50.")
        start = self._clock.now() if since is None else since
        return Budget(float(limit), start, allow_unknown_price=allow or not self.is_billed)

    @property
    def spending(self) -> Spending:
        """What the jobs since the session was opened cost: settled, reserved, and of unknown outcome."""
        return self._journal.spending(self.origin, self._opened_at)

    def spent_under(self, budget: Budget) -> Spending:
        """What counts against a budget so far. Blocks for the ledger.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        return self._journal.spending(self.origin, budget.since)

    def settle(self) -> Spending:
        """Ask once for each completed task of this session whose charge is not known yet; asking costs nothing.

        A charge may be told some time after the pictures, and nothing asks about an ended task by itself (the vendor's
        guides "Billing" and "Async jobs and polling").

        Returns:
            What is known then; see `spending`.

        Raises:
            TokenLabError: If the service cannot be asked or the ledger not be used; what was settled by then stays.
        """
        for job in self._journal.jobs(self.origin, statuses=[JobStatus.COMPLETED], since=self._opened_at):
            if job.charge is Charge.RESERVED and (job.task_id or job.poll_url):
                heard = self._engine.call(self._engine.ask, job).meta
                if heard.billing_transaction_id:
                    self._engine.keep(replace(job, billing_transaction_id=heard.billing_transaction_id))
        return self.spending

    def twin(self, request: ImageRequest) -> Job | None:
        """Find the newest completed job of an equal request at this API: its pictures can be had for nothing."""
        found = self._journal.twin(self.origin, request.hash)
        if found is None:
            return None
        self._engine.know(found)
        return self._job(found.id)

    # ------------------------------------------------------------------------------------- the past

    def lineage(self, of: Job | ImageResult) -> Lineage:
        """Tell where a picture comes from: the chain of jobs of this data folder that led to it, by content hash.

        Args:
            of: A job, or one picture.

        Raises:
            TokenLabError: If it is neither, or the ledger cannot be read.
        """
        if not isinstance(of, Job | ImageResult):
            raise ValidationError(
                f"A {type(of).__name__} has no lineage.", hint="Hand in a job or one of its pictures."
            )
        if isinstance(of, Job):
            first = next(iter(of.snapshot.images), None)
            return trace(Maker(of.snapshot, first.index if first else 0), self._journal.maker)
        made = self._journal.load(str(of.metadata.get("job") or ""))
        if made:
            return trace(Maker(made, int(str(of.metadata["index"]))), self._journal.maker)
        return trace_picture(str(of.metadata.get("of") or of.sha256), self._journal.maker)

    def history(
        self,
        *,
        model: str | None = None,
        status: str | Sequence[str] | None = None,
        text: str = "",
        since: datetime | date | str | float | None = None,
        until: datetime | date | str | float | None = None,
        limit: int = 100,
    ) -> History:
        """List jobs of this and earlier kernels at this API, newest first. It shows itself as a table.

        Args:
            model: Only this model's.
            status: Only those in this state, or one of these, such as ``unknown``.
            text: Only those whose prompt holds each of these words, in any case.
            since: Only those made then or later: a date and time (the local one, if it names no zone), also as text.
            until: Only those made before then.
            limit: At most so many.

        Raises:
            ValidationError: If a state or time is none.
            TokenLabError: If the ledger cannot be read.
        """
        states = [status] if isinstance(status, str) else status
        if odd := [state for state in states or () if state not in set(JobStatus)]:
            raise ValidationError(f"There is no state {odd[0]!r}.", hint=f"The states are {', '.join(JobStatus)}.")
        found = self._journal.jobs(
            self.origin,
            limit,
            model=model,
            statuses=states,
            words=text.split(),
            since=moment(since),
            until=moment(until),
        )
        self._engine.know(*found)
        return History(self._job(each.id) for each in found)

    def recover(self) -> History:
        """Take up what an earlier kernel left; `connect` does so too. Nothing is sent, however often it is called.

        Tasks go on and paid pictures are fetched; what was being sent when its kernel ended is *unknown*; drafts wait
        for `Job.run`. What another living kernel follows is left to it.

        Returns:
            All unfinished jobs of this API that are at hand, oldest first.

        Raises:
            TokenLabError: If the ledger cannot be read or written.
        """
        ids = self._engine.recover()
        news = [job_id for job_id in ids if job_id not in self._jobs]
        found = History(self._own(job_id) for job_id in ids)
        left = left_behind([self._jobs[job_id].snapshot for job_id in news])
        self.notice = f"{self._journal.notice} {left}".strip()
        return found

    def adopt(self, task: str, *, settles: Job | str | None = None) -> Job:
        """Take a task that was made elsewhere (curl, a colleague, the dashboard) into ledger and gallery.

        Args:
            task: Its id, or its ``poll_url``.
            settles: The job of unknown outcome that turned out to be this task.

        Returns:
            The job that follows it; the same one for the same task.

        Raises:
            ValidationError: If it is no task of this API, or ``settles`` names no job of unknown outcome.
        """
        unknown = settles.id if isinstance(settles, Job) else settles
        found = adopted(task, self.origin, unknown, self._journal, self._clock.now())
        if unknown:
            with self._engine.holding(unknown, JobStatus.UNKNOWN) as lost:
                self._engine.keep(replace(lost, task_id=found.task_id, poll_url=found.poll_url, forgotten=False))
        else:
            self._engine.know(self._journal.add(found))
        self._engine.resume(found.id)
        return self._own(found.id)

    def run_again(self, job: Job, budget: Budget | None = None) -> Job:
        """Send the request of a job once more, as a new job that is linked to it. It is paid for, perhaps again.

        Raises:
            ValidationError: If what was asked is not known, since the task was made elsewhere.
            BudgetExceededError: If it might cost more than the budget leaves; nothing was sent.
        """
        if job.snapshot.adopted:
            raise ValidationError("What this task was asked for is not known here, so it cannot be sent again.")
        return self.send_all([job.request], repeats=job.id, budget=budget)[0]

    def run_draft(self, job: Job, budget: Budget | None = None) -> None:
        """Send a draft that an earlier kernel left.

        Raises:
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
            TokenLabError: If it is no draft any more, or another kernel has it; nothing was sent.
        """
        model, budgets = self.model(job.request.model), self._budgets(budget)
        with self._engine.holding(job.id, JobStatus.DRAFT) as parked:
            draft = parked.revived(max(self._clock.now(), self._since(budgets)), self.price(parked.request, model))
            if budgets:
                self._engine.reserve([draft], budgets)
            self._begin(draft, model)

    def _budgets(self, budget: Budget | None) -> list[Budget]:
        return [limit for limit in (self.budget, budget) if limit]

    def _since(self, budgets: Sequence[Budget]) -> float:
        """The time before which no new job is dated: a clock that was set back hides none from a budget."""
        return max([self._opened_at, *(budget.since for budget in budgets)])

    def _begin(self, draft: JobSnapshot, model: Model) -> Job:
        limits = model.contract.limits
        self._engine.start(draft, concurrency=limits.concurrency, per_minute=limits.requests_per_minute)
        return self._own(draft.id)

    def _job(self, job_id: str) -> Job:
        return self._jobs.get(job_id) or Job(job_id, self._engine, self._blobs, self)

    def _own(self, job_id: str) -> Job:
        return self._jobs.setdefault(job_id, self._job(job_id))

    def close(self) -> None:
        """End the background thread and close the ledger. Closing twice is fine.

        A create whose answer is on its way is waited for, since it may be paid for; Ctrl-C breaks that off. Tasks go
        on at the service.
        """
        self.is_closed = True
        try:
            self._engine.close()
        finally:
            self._journal.close()
