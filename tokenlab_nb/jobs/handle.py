"""`Job`: what `submit` hands out. It shows a job, waits for it (blocking or awaiting), and stops waiting."""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Generator
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from typing import Any, Protocol, TextIO

from tqdm import tqdm

from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.repair import Mended, Repair
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, WaitTimeoutError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.coded import Coded
from tokenlab_nb.jobs.engine import Answer, Engine
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.lineage import Lineage
from tokenlab_nb.jobs.packet import support_packet
from tokenlab_nb.jobs.ports import Blobs
from tokenlab_nb.jobs.results import input_of, result_of

_NOWHERE = (
    "Nothing names a task for it. Look in the dashboard's usage list for {what}, sent {when}. If it shows a task, "
    "session.adopt(task, settles={job!r}) fetches the pictures at no cost; if it shows nothing, it was not carried out."
)
_QUIET_SECONDS = 1.0  # a wait shorter than this shows no progress line
_TICK = 0.5


class Sender(Protocol):
    """Sends what a job asks to be sent, under the session's budget. `tokenlab_nb.desk.Desk` is the real one."""

    @property
    def stamps_pictures(self) -> bool:
        """Whether saved pictures carry the record of how they were made."""

    @property
    def base_url(self) -> str:
        """The API's address, without ``/v1``."""

    def run_again(self, job: Job, budget: Budget | None) -> Job:
        """Send the request of a job once more, as a new job."""

    def run_draft(self, job: Job, budget: Budget | None) -> None:
        """Send a draft that an earlier kernel left."""

    def fetch_model(self, model_id: str) -> Answer[Any]:
        """Read a model with its contract and price, without blocking."""

    def model_at_hand(self, model_id: str) -> Model | None:
        """A model as it was read in the last minutes."""

    def price(self, request: ImageRequest) -> Estimate:
        """What a request costs by the model's present price list."""

    def fetch_repairs(self, job: Job) -> Answer[tuple[Mended, ...]]:
        """Find what could be done about a refused job, without blocking."""

    def repair(self, job: Job, repair: Repair, budget: Budget | None) -> Job:
        """Send the request of a refused job once more, mended, as a new job."""

    def lineage(self, of: Job) -> Lineage:
        """The chain of jobs that led to a job's pictures."""


class Job(Coded):
    """One request on its way to pictures. It runs in the background; nothing here blocks but `wait`.

    Attributes:
        id: Our own id of the job.
    """

    def __init__(self, job_id: str, engine: Engine, blobs: Blobs, desk: Sender) -> None:
        self.id = job_id
        self._engine = engine
        self._blobs = blobs
        self._desk = desk
        self._line: Lineage | None = None

    def __repr__(self) -> str:
        now = self.snapshot
        return f"Job({now.request.model!r}, {now.request.operation!r}, {now.status.value}, {len(now.images)} images)"

    # ------------------------------------------------------------------------------------ looking

    @property
    def snapshot(self) -> JobSnapshot:
        """Everything that is known about it, at this moment."""
        return self._engine.snapshot(self.id)

    @property
    def request(self) -> ImageRequest:
        """What was asked."""
        return self.snapshot.request

    @property
    def status(self) -> JobStatus:
        """Where it stands."""
        return self.snapshot.status

    @property
    def error(self) -> TokenLabError | None:
        """Why it ended, or what troubles it; None when all is well."""
        return self.snapshot.error

    @property
    def images(self) -> list[ImageResult]:
        """Its pictures that are on disk; an empty list where there are none."""
        snapshot = self.snapshot
        stamps = self._desk.stamps_pictures
        return [result_of(snapshot, image, self._blobs, stamps=stamps) for image in snapshot.images]

    @property
    def references(self) -> list[ImageResult]:
        """The pictures that went in, in order, as they were sent; those at addresses are not among them."""
        found = [source for source in self.request.references if source.is_local]
        return [input_of(self.id, source, f"Reference {n}", self._blobs) for n, source in enumerate(found, 1)]

    @property
    def mask(self) -> ImageResult | None:
        """The mask that went in, if it was a file: what is fully transparent in it might change."""
        mask = self.request.mask
        return input_of(self.id, mask, "Mask", self._blobs) if mask and mask.is_local else None

    @property
    def lineage(self) -> Lineage:
        """The chain of jobs that led to its first picture, by content hash; it shows itself as one line.

        Raises:
            TokenLabError: If the ledger cannot be read.
        """
        # What went in is known from the start, and its makers are older: only its own picture is still to come.
        if self._line is None or (self.snapshot.images and not self._line.steps[-1].sha256):
            self._line = self._desk.lineage(self)
        return self._line

    def coded(self) -> tuple[tuple[ImageRequest, ...], str]:
        """What `code`, `curl` and `openai` are made of: its request, and the API's address."""
        return (self.request,), self._desk.base_url

    def support_packet(self) -> dict[str, object]:
        """What the service's support needs to find it: ids, times, states; no prompt, no key, no picture."""
        return support_packet(self.snapshot)

    def subscribe(self, callback: Callable[[JobSnapshot], None]) -> Callable[[], None]:
        """Call ``callback`` with the present snapshot now, and with each new one on the engine's thread.

        Returns:
            A function that ends it.
        """
        return self._engine.subscribe(self.id, callback)

    # ------------------------------------------------------------------------------------ waiting

    def wait(self, timeout: float | None = None) -> list[ImageResult]:
        """Block until it is at rest; a progress line tells elapsed and expected time. Ctrl-C only ends the waiting.

        A job whose waiting was stopped is resumed first.

        Args:
            timeout: Most seconds to wait; None waits for as long as it takes.

        Returns:
            Its pictures.

        Raises:
            WaitTimeoutError: If the time ran out; the job goes on.
            TokenLabError: What `error` holds.
        """
        self._go_on()
        if not watch(partial(self._engine.wait, self.id), timeout, self._told):
            raise WaitTimeoutError(f"{self!r} was not ready within {timeout:g} s.")
        return self._outcome()

    def __await__(self) -> Generator[Any, None, list[ImageResult]]:
        return self._awaited().__await__()

    async def _awaited(self) -> list[ImageResult]:
        self._go_on()
        await self._engine.wait_async(self.id)
        return self._outcome()

    def _go_on(self) -> None:
        """Who waits for a job whose waiting was stopped, or is about to be, wants it to go on."""
        if not self.snapshot.is_terminal:
            self.resume()

    def _told(self) -> str:
        return _progress(self.snapshot, self._engine.now())

    def _outcome(self) -> list[ImageResult]:
        snapshot = self.snapshot
        if snapshot.error:
            raise snapshot.error.with_traceback(None)  # else it would grow with every wait
        if snapshot.status is not JobStatus.COMPLETED:
            raise WaitTimeoutError(f"{self!r} is no longer waited for.")
        return self.images

    # ------------------------------------------------------------------------------------- acting

    def stop_waiting(self) -> None:
        """Stop waiting. The service goes on and is still paid: image tasks cannot be cancelled there.

        A job that was not sent yet is cancelled, at no cost.
        """
        self._engine.stop_waiting(self.id)

    def resume(self) -> None:
        """Go on waiting, from where it stands. Nothing is sent again."""
        self._engine.resume(self.id)

    def fetch_again(self) -> None:
        """Fetch pictures whose download failed once more. Nothing is sent again, nothing is paid."""
        self._engine.resume(self.id)

    def run(self, *, budget: Budget | None = None) -> None:
        """Send a draft that an earlier kernel left. This is paid for.

        Args:
            budget: A limit beside the session's own.

        Raises:
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
            TokenLabError: If it is no draft any more, or another kernel has it; nothing was sent.
        """
        self._desk.run_draft(self, budget)

    def run_again(self, *, budget: Budget | None = None) -> Job:
        """Send the same request once more, as a new job whose snapshot names this one (``repeats``).

        This is paid for; where this job's outcome is unknown, perhaps for the second time.

        Args:
            budget: A limit beside the session's own.

        Raises:
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        return self._desk.run_again(self, budget)

    def fetch_repairs(self) -> Answer[tuple[Mended, ...]]:
        """Find what could be done about its refusal, without blocking; see `Session.repairs`. Nothing is sent."""
        return self._desk.fetch_repairs(self)

    def repair(self, repair: Repair, *, budget: Budget | None = None) -> Job:
        """Send its request once more, mended, as a new job; see `Session.repair`. This is paid for.

        Raises:
            ValidationError: If it was not refused, or the mended request would be.
            BudgetExceededError: If it might cost more than a budget leaves; nothing was sent.
        """
        return self._desk.repair(self, repair, budget)

    def fetch_model(self) -> Answer[Any]:
        """Read its model's contract and price, which `run` and `run_again` need, without blocking."""
        return self._desk.fetch_model(self.request.model)

    @property
    def model_at_hand(self) -> Model | None:
        """Its model, where the session has read it in the last minutes; never blocks."""
        return self._desk.model_at_hand(self.request.model)

    def price(self) -> Estimate:
        """What sending its request once more would cost, by the model's present price list.

        Raises:
            TokenLabError: If the service cannot be asked.
        """
        return self._desk.price(self.request)

    def look_again(self) -> str:
        """Look what became of a job of unknown outcome. Nothing is sent.

        Returns:
            What is being done, or where to look for it: in the ledger, another kernel may have found it; where an id
            of its task turned up, that is asked for.
        """
        self._engine.refresh(self.id)
        snapshot = self.snapshot
        if snapshot.can_resume:
            self.resume()
            return "Asking for its task: that costs nothing."
        if snapshot.status is not JobStatus.UNKNOWN:
            return f"It is not unknown any more: {snapshot.status.value}."
        request_id = snapshot.request_id or (snapshot.error.request_id if snapshot.error else None)
        what = f"request {request_id}" if request_id else f"a request to {snapshot.request.model}"
        sent = snapshot.created_at if snapshot.sent_at is None else snapshot.sent_at
        when = datetime.fromtimestamp(sent, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        return _NOWHERE.format(what=what, when=when, job=self.id)

    def forget(self) -> None:
        """Set aside what waits for you (an unknown outcome, a task or pictures not asked for), or discard a draft.

        The row stays in the ledger, and what may be paid for can be gone on with.

        Raises:
            ValidationError: If it goes on, or has ended with nothing left to do.
        """
        self._engine.forget(self.id)

    def _ipython_display_(self) -> None:
        # The widgets stand further down the street: their name is looked up only when a notebook asks for them.
        import_module("tokenlab_nb").JobView(self)._ipython_display_()


def _line() -> TextIO:
    """Where the progress line goes. As for display, the notebook's own one stands further down the street."""
    if "ipykernel" in sys.modules:
        line: TextIO = import_module("tokenlab_nb.widgets.progress").ProgressLine()
        return line
    return sys.stderr


def watch(ready: Callable[[float], bool], timeout: float | None, told: Callable[[], str]) -> bool:
    """Wait in short steps; after a moment, a line tells how it goes. Ctrl-C only ends the waiting.

    Args:
        ready: Waits at most so many seconds; tells whether there is nothing left to wait for.
        timeout: Most seconds in all; None waits for as long as it takes.
        told: How it goes, in one line.

    Returns:
        Whether it was ready in time.
    """
    waited, left = 0.0, math.inf if timeout is None else timeout
    file = _line()
    silent = file is sys.stderr and not file.isatty()  # a log wants no line that is replaced in place
    with tqdm(bar_format="{desc}", leave=False, file=file, disable=silent) as line:
        while not ready(tick := max(0.0, min(_TICK, left))):
            waited, left = waited + tick, left - tick
            if left <= 0:
                return False
            if waited >= _QUIET_SECONDS:
                line.set_description_str(told())
    return True


def _progress(snapshot: JobSnapshot, now: float) -> str:
    elapsed = f"{snapshot.elapsed(now):.0f} s"
    expected = f" of about {snapshot.expected_seconds:.0f} s" if snapshot.expected_seconds else ""
    percent = f", {snapshot.progress} %" if snapshot.progress is not None else ""
    note = f" {snapshot.note}" if snapshot.note else ""
    return f"{snapshot.request.model}: {snapshot.status.value}, {elapsed}{expected}{percent}.{note} {ways_out('job')}"


def ways_out(what: str) -> str:
    """What who waits for something can do meanwhile, in one sentence."""
    if "ipykernel" not in sys.modules:
        return f"Ctrl-C leaves the {what} running."
    return f"Buttons answer when this cell ends; the stop button leaves the {what} running."
