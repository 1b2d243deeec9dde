"""One job, from request to stored pictures. Every effect comes through the ports; every step is a legal move.

Never twice: a create is sent again only when it was provably not accepted (no connection, 429, or 503 with
``retryable: true``; the vendor's guide "Async jobs and polling" and its error schema). Everything else that goes wrong
after sending ends the sending: as *failed* when the service said no, as *unknown* when it may have said yes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, suppress
from dataclasses import replace
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread

from tokenlab_nb.api.replies import Images, Reply, Task
from tokenlab_nb.errors import TokenLabError, UnknownOutcomeError
from tokenlab_nb.jobs import schedule, verdicts
from tokenlab_nb.jobs.asking import asking
from tokenlab_nb.jobs.job import TERMINAL, JobSnapshot, JobStatus
from tokenlab_nb.jobs.latency import Learned, learn, likely_ready
from tokenlab_nb.jobs.ledger import Ledger
from tokenlab_nb.jobs.pace import Pace
from tokenlab_nb.jobs.pictures import MAX_FETCHES, Pictures, untouched
from tokenlab_nb.jobs.ports import Ports, TakenError
from tokenlab_nb.jobs.uploads import Uploads

Gate = Callable[[], AbstractAsyncContextManager[Any]]

_T = TypeVar("_T")
_GOES_ON = "The task goes on at the service: ask again with job.resume(); that sends and costs nothing."


class Run:
    """The life of one job on the engine's loop.

    Args:
        snapshot: Where it stands: a draft, or a task to go on with.
        ports: Service, ledger, blob store, clock.
        publish: Called with every new snapshot.
        ledger: The journal of the ports as all runs of an engine share it; by default this run has its own.
        pace: How fast the API may be called, as all runs of an engine share it; by default this run has its own.
        uploads: What was uploaded, as all runs of an engine share it; by default this run has its own.
        documented: Seconds that a picture takes by the vendor's word, told where nothing was measured.
    """

    def __init__(
        self,
        snapshot: JobSnapshot,
        ports: Ports,
        publish: Callable[[JobSnapshot], None],
        ledger: Ledger | None = None,
        pace: Pace | None = None,
        uploads: Uploads | None = None,
        *,
        documented: float | None = None,
    ) -> None:
        self.snapshot = snapshot
        self._documented = documented
        self._ports = ports
        self._publish = publish
        self._ledger = ledger or Ledger(partial(off_loop, ports.journal.save))
        self._pace = pace or Pace(ports.clock)
        self._uploads = uploads or Uploads(ports, self._pace, off_loop)
        self._pictures = Pictures(ports.blobs, self._download, off_loop)
        self._resumed = snapshot.status is not JobStatus.DRAFT
        self._stop_asked = False
        self._closing = False
        self._left = self._doubt = ""
        self._learned: Learned | None = None
        self._unready = 0.0  # seconds after sending at which the pictures were not ready yet
        self._stoppable: anyio.CancelScope | None = None

    # ------------------------------------------------------------------------------ from outside

    def stop_waiting(self) -> None:
        """Stop waiting at the next safe point: an answer on its way is taken in first. Call it on the loop.

        Pictures that are ready are fetched all the same: they are paid for, and soon here.
        """
        self._stop_asked = True
        self._break_off()

    def shut_down(self) -> None:
        """The session closes: what was not sent is cancelled, an answer on its way is taken in. Call it on the loop."""
        self._closing = True
        self.stop_waiting()

    def let_go(self, why: str) -> None:
        """Another kernel follows the job: end here, and leave the ledger to it. Call it on the loop."""
        self._left = why
        self.shut_down()

    def _break_off(self) -> None:
        if self._stoppable and (self._closing or not self.snapshot.origins):
            self._stoppable.cancel()

    async def go(self, gate: Gate) -> None:
        """Live until the job is at rest.

        Args:
            gate: Makes what is entered around each create call: it limits how many are being sent at once.
        """
        try:
            with self._waiting():
                if self.snapshot.status is JobStatus.DRAFT:
                    await self._create(gate)
                elif self.snapshot.origins:
                    await self._collect()
                await self._await_task()
        except TokenLabError as error:
            await self._rest(error)
        except anyio.get_cancelled_exc_class():  # only the end of the session comes through to here
            if self.snapshot.status is JobStatus.SENDING:
                await self._rest(UnknownOutcomeError("The session was closed while the request was being sent."))
            raise

    # ------------------------------------------------------------------------------------- moves

    async def _to(self, status: JobStatus, **changes: Any) -> None:
        """Move, durably: the row is written before anybody hears of it, and before the next step is taken."""
        snapshot = self.snapshot.move(status, self._ports.clock.now(), **changes)
        try:
            await self._save(snapshot)
        except TokenLabError:
            if status is JobStatus.SENDING:
                raise  # nothing leaves without its row
        self._show(snapshot)

    async def _save(self, snapshot: JobSnapshot) -> None:
        with anyio.CancelScope(shield=True):
            await self._ledger.save(snapshot)

    def _show(self, snapshot: JobSnapshot) -> None:
        self.snapshot = snapshot
        complaint = self._ledger.complaint(snapshot.id)
        self._publish(replace(snapshot, note=f"{complaint} {snapshot.note}".strip()) if complaint else snapshot)

    def _note(self, note: str) -> None:
        self._show(replace(self.snapshot, note=note))

    @contextmanager
    def _waiting(self) -> Iterator[None]:
        """What runs in here may be broken off by `stop_waiting`."""
        with anyio.CancelScope() as scope:
            self._stoppable = scope
            try:
                if self._stop_asked:
                    self._break_off()
                yield
            finally:
                self._stoppable = None
        if scope.cancelled_caught:
            raise verdicts.StoppedError("No longer waited for.")

    @contextmanager
    def _unstoppable(self) -> Iterator[None]:
        """What runs in here is not broken off by `stop_waiting`; the wish is kept for afterwards."""
        outer, self._stoppable = self._stoppable, None
        try:
            yield
        finally:
            self._stoppable = outer
            if self._stop_asked:
                self._break_off()

    async def _rest(self, error: TokenLabError) -> None:
        """Come to rest with an error, in the state that loses nothing."""
        status = self.snapshot.status
        error = verdicts.alone(error)
        if isinstance(error, TakenError):
            self._left = error.message
        if isinstance(error, verdicts.StoppedError | TakenError):
            await self._stop(status)
        elif status is JobStatus.SENDING and isinstance(error, UnknownOutcomeError):
            await self._to(JobStatus.UNKNOWN, error=error, note="", **self._told(error))
        elif status in (JobStatus.DRAFT, JobStatus.SENDING):
            await self._to(JobStatus.FAILED, error=error, note=self._doubt, **self._told(error))
        elif verdicts.is_cancelled(error):
            await self._to(JobStatus.CANCELLED, error=error, note="")
        elif self.snapshot.origins or verdicts.ends_the_task(error):
            await self._to(JobStatus.FAILED, error=error, note="", **self._told(error))
        else:  # the task goes on at the service: only our waiting ends
            await self._to(status, error=error, waiting_stopped=True, note=_GOES_ON)

    def _told(self, error: TokenLabError) -> dict[str, str]:
        """The ids that an error carries and that are not known yet: nothing else will ever name them."""
        told = error.facts.details
        found = {
            "request_id": error.request_id,
            "task_id": told.get("task_id") or told.get("id"),
            "billing_transaction_id": told.get("billing_transaction_id"),
        }
        return {name: id_ for name, id_ in found.items() if isinstance(id_, str) and not getattr(self.snapshot, name)}

    async def _stop(self, status: JobStatus) -> None:
        if self._left:
            self._show(replace(self.snapshot, waiting_stopped=True, note=self._left))
        elif status in (JobStatus.DRAFT, JobStatus.SENDING):  # sending is not broken off, so it had not begun
            await self._to(JobStatus.CANCELLED, error=verdicts.cancelled(self.snapshot), note="")
        elif self._closing:  # the ledger keeps what the user wanted: to wait for it
            self._show(replace(self.snapshot, waiting_stopped=True, note=""))
        else:
            await self._to(status, waiting_stopped=True, note="")

    # ------------------------------------------------------------------------------------ create

    async def _create(self, gate: Gate) -> None:
        await self._to(JobStatus.DRAFT, expected_seconds=await self._look_back())
        self._doubt = await self._ports.api.check_hosts(self.snapshot.request)
        attempt = 0
        request = self.snapshot.request
        while True:
            await self._uploads.ids(request, self._note)
            await self._pace.turn_for(request.model, self._note)
            async with gate():
                file_ids = await self._uploads.ids(request, self._note)  # one may have ended while we waited
                if not await self._pace.turn(request.model, self._note):
                    continue
                refusal = await self._send_once(await self._files(), file_ids)
            if refusal is None:
                return
            attempt += 1
            await self._pause_before_resend(refusal, attempt)

    async def _files(self) -> dict[str, bytes]:
        """The local pictures, read only when their turn has come: jobs that wait hold none in memory."""
        request = self.snapshot.request
        hashes = [source.sha256 for source in request.sources if source.sha256 and request.multipart]
        return {sha256: await off_loop(untouched, self._ports.blobs, sha256) for sha256 in hashes}

    async def _send_once(self, files: dict[str, bytes], file_ids: dict[str, str]) -> TokenLabError | None:
        """Send the create and take the answer in; return the error after which it may be sent again, if one came.

        No stop button reaches in here: an answer on its way may be paid for.
        """
        with self._unstoppable():
            await self._to(JobStatus.SENDING, note=self._doubt)
            if self._stop_asked:
                raise verdicts.StoppedError("Not sent.")
            request = self.snapshot.request
            try:
                reply = await self._pace.hearing(self._ports.api.create(request, files, file_ids))
            except TokenLabError as error:
                self._uploads.doubt(request, error)
                if not verdicts.may_send_again(error):
                    raise
                return error
            with anyio.CancelScope(shield=True):  # from anything, the end of the process aside
                await self._take_in(reply)
            return None

    async def _pause_before_resend(self, error: TokenLabError, attempt: int) -> None:
        wait = schedule.resend_pause(attempt, self._ports.clock.random(), error.retry_after)
        if wait is None:
            raise error
        note = f"Not accepted yet ({error.status or 'no connection'}); sent again in {wait:.0f} s."
        await self._to(JobStatus.DRAFT, retries=attempt, note=note)  # durably: a kernel that ends now leaves no doubt
        await self._ports.clock.sleep(wait)

    async def _take_in(self, reply: Reply) -> None:
        """Note an answer: the ids first, the pictures' addresses before they are fetched."""
        now = self.snapshot
        changes: dict[str, Any] = {"task_id": reply.task_id or now.task_id, "error": None, "note": ""}
        changes.update(now.heard(reply.meta))
        if isinstance(reply, Images):
            changes["latency"] = self._latency()
            if now.adopted and reply.model:
                changes["request"] = replace(now.request, model=reply.model)
            origins = tuple([await self._pictures.origin(image) for image in reply.images])
            await self._to(JobStatus.PROCESSING, origins=origins, progress=None, **changes)
            return
        self._unready = self._elapsed()
        changes.update(poll_url=reply.poll_url or now.poll_url, progress=reply.progress)
        if not (changes["task_id"] or changes["poll_url"]):
            raise UnknownOutcomeError("The service accepted the request, but named no task to ask for.")
        status = self._status_after(reply)
        news = {name for name, value in changes.items() if getattr(now, name) != value}
        if status is not now.status or news - {"progress"} or self._ledger.complaint(now.id):
            await self._to(status, **changes)
        elif news:
            self._show(replace(now, **changes))  # a new figure alone is not worth a write

    def _status_after(self, task: Task) -> JobStatus:
        at_work = task.status == "processing" or self.snapshot.status is JobStatus.PROCESSING
        return JobStatus.PROCESSING if at_work else JobStatus.PENDING

    def _elapsed(self) -> float:
        return self.snapshot.elapsed(self._ports.clock.now())

    def _latency(self) -> float | None:
        """How long the pictures took; None where nobody was here to see."""
        return None if self._resumed else likely_ready(self._unready, self._elapsed(), self._learned)

    async def _look_back(self) -> float | None:
        """Learn from what this model took before; return how long it will take."""
        request, origin = self.snapshot.request, self.snapshot.origin
        try:
            seen = await off_loop(self._ports.journal.latencies, origin, request.model)
        except TokenLabError:  # an unreadable ledger costs us the estimate, not the job
            seen = []
        self._learned = learn(seen)
        return schedule.expected_seconds(seen, self._documented)

    # ----------------------------------------------------------------------------- wait and fetch

    async def _await_task(self) -> None:
        polls, waited = 0, 0.0
        if self._resumed and not self.snapshot.origins:
            await self._look_back()
        wait = 0.0 if self._resumed else schedule.poll_delay(polls, self._elapsed(), self._learned)
        while self.snapshot.status not in TERMINAL:
            if self.snapshot.origins:
                await self._collect()
                return
            await self._ports.clock.sleep(wait)
            reply = await asking(self._poll, self._ports.clock, self._note)
            await self._take_in(reply)
            polls, waited = polls + 1, waited + wait
            if waited > schedule.LONGEST_WAIT and not self.snapshot.origins:
                raise verdicts.too_long(self.snapshot)
            wait = schedule.poll_delay(polls, self._elapsed(), self._learned, reply.meta.retry_after)

    async def _poll(self) -> Reply:
        await self._pace.turn(tell=self._note)
        return await self._pace.hearing(self._ports.api.task(self.snapshot.task_id, self.snapshot.poll_url))

    async def _collect(self) -> None:
        """Bring every picture of the answer to disk; what is there already is not fetched again."""
        stored = {image.index: image for image in self.snapshot.images}
        missing = [index for index in range(len(self.snapshot.origins)) if index not in stored]
        failures: dict[int, TokenLabError] = {}
        places = anyio.CapacityLimiter(MAX_FETCHES)

        async def fetch(index: int) -> None:
            async with places:
                origin = self.snapshot.origins[index]
                try:
                    stored[index] = await self._pictures.bring(index, origin, partial(self._note_kept, index))
                except TokenLabError as error:
                    failures[index] = error
            in_order = tuple(stored[each] for each in sorted(stored))
            self._show(replace(self.snapshot, images=in_order, note=""))

        async with anyio.create_task_group() as tasks:
            for index in missing:
                tasks.start_soon(fetch, index)
        if failures:
            raise failures[min(failures)]
        await self._to(JobStatus.COMPLETED, progress=None, error=None, note="")

    async def _note_kept(self, index: int, sha256: str) -> None:
        """Note under which hash a picture's bytes are kept. Other pictures land meanwhile: they show it, not we."""
        origins = list(self.snapshot.origins)
        origins[index] = replace(origins[index], sha256=sha256)
        self.snapshot = replace(self.snapshot, origins=tuple(origins))
        with suppress(TokenLabError):  # told on the job
            await self._save(self.snapshot)

    async def _download(self, url: str) -> bytes:
        return await asking(partial(self._ports.api.download, url), self._ports.clock, self._note)


async def off_loop(function: Callable[..., _T], *args: Any) -> _T:
    """Run what blocks in a worker thread.

    Raises:
        TokenLabError: Also for a file that cannot be read or written.
    """
    try:
        return await anyio.to_thread.run_sync(function, *args)
    except OSError as error:
        if isinstance(error, TokenLabError):
            raise
        raise TokenLabError(f"A file of the data folder failed: {error}", hint="Check disk and folder.") from error
