"""The engine: one event loop in one daemon thread, and every job on it. The only owner of both.

It never prints and never displays: it hands frozen snapshots to whoever subscribed.
"""

from __future__ import annotations

import asyncio
import logging
import math
import os
import threading
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import Future, wait
from contextlib import ExitStack, asynccontextmanager, nullcontext, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import SessionClosedError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ledger import Ledger
from tokenlab_nb.jobs.runner import Ports, Run, off_loop
from tokenlab_nb.jobs.verdicts import after_fault

MAX_SENDS = 8
"""Creates that are being sent at once. Tasks that are only waited for do not count."""

_EXIT_GRACE = 2.0  # seconds for answers that are on their way when the script is over
_TICK = 0.05  # an awaiting loop looks this often, which is also how soon Ctrl-C is heard
_THREAD = "tokenlab-nb"
_T = TypeVar("_T")
Listener = Callable[[JobSnapshot], None]
Answer = Future
"""What `Engine.call_soon` returns: a result to come."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class _Running:
    """What there is once an engine runs."""

    loop: asyncio.AbstractEventLoop
    tasks: TaskGroup
    thread: threading.Thread


class Engine:
    """Runs jobs in the background. Methods may be called from any thread; those that block, from any but its own.

    Args:
        ports: Service, ledger, blob store and clock.
        on_close: Awaited on the loop when the engine closes, to end connections.
        longest_create: Seconds that a create may take at most; `close` waits as long for those on their way.
    """

    def __init__(
        self,
        ports: Ports,
        *,
        on_close: Callable[[], Awaitable[None]] | None = None,
        longest_create: float = 300.0,
    ) -> None:
        self._ports = ports
        self._on_close = on_close
        self._longest_create = longest_create
        self._ledger = Ledger(partial(off_loop, ports.journal.save), self._made_good)
        self._process = os.getpid()
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._running: _Running | None = None
        self._closed = False
        self._snapshots: dict[str, JobSnapshot] = {}
        self._runs: dict[str, Run] = {}
        self._wishes: dict[str, bool] = {}  # of running jobs: whether to go on after a stop that is on its way
        self._ends: dict[str, Future[None]] = {}
        self._listeners: dict[str, list[Listener]] = {}
        self._sends = anyio.CapacityLimiter(MAX_SENDS)
        self._model_limits: dict[str, anyio.CapacityLimiter] = {}

    # --------------------------------------------------------------------------------------- jobs

    def submit(self, request: ImageRequest, *, concurrency: int | None = None) -> str:
        """Start a job and return its id at once.

        Args:
            request: What to ask.
            concurrency: Most creates of this model at once, where its contract states it.

        Raises:
            SessionClosedError: If the engine is closed.
        """
        draft = JobSnapshot(id=f"job_{uuid.uuid4().hex}", request=request, origin=self._ports.api.origin)
        draft = draft.move(JobStatus.DRAFT, self._ports.clock.now())
        with self._lock:
            if concurrency and request.model not in self._model_limits:
                self._model_limits[request.model] = anyio.CapacityLimiter(concurrency)
            self._start(draft)
        return draft.id

    def resume(self, job_id: str) -> None:
        """Go on waiting for a job, or fetch its pictures again. Nothing is sent; without a reason nothing happens.

        Never blocks: a job that is just being stopped goes on once it is.

        Raises:
            SessionClosedError: If there is something to go on with and the engine is closed.
        """
        self._refuse_fork()
        with self._lock:
            snapshot = self._snapshots[job_id]
            if job_id not in self._runs:
                if snapshot.can_resume or snapshot.can_fetch_again:
                    self._start(snapshot.going_on(self.now()))
            elif job_id in self._wishes or snapshot.is_at_rest:
                self._wishes[job_id] = True

    def stop_waiting(self, job_id: str) -> None:
        """Stop waiting for a job. The task itself goes on at the service, and is still paid for."""
        self._refuse_fork()
        with self._lock:
            run = self._runs.get(job_id)
            if run and self._running and not self._closed:
                self._wishes[job_id] = False
                self._running.loop.call_soon_threadsafe(run.stop_waiting)

    def now(self) -> float:
        """The time that snapshots go by, in seconds since 1970."""
        return self._ports.clock.now()

    def snapshot(self, job_id: str) -> JobSnapshot:
        """The newest snapshot of a job of this engine; without the lock, since one lookup cannot be half done."""
        return self._snapshots[job_id]

    def subscribe(self, job_id: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with the present snapshot, and on the engine's thread with each new one.

        It may hear one twice; what it hears last is always the newest.

        Returns:
            A function that ends it; calling it twice is fine.
        """
        with self._lock:
            self._listeners.setdefault(job_id, []).append(listener)
        told = None
        while told is not (present := self.snapshot(job_id)):  # one that came in between was perhaps told before ours
            listener(present)
            told = present

        def unsubscribe() -> None:
            with self._lock:
                listeners = self._listeners.get(job_id, [])
                if listener in listeners:
                    listeners.remove(listener)

        return unsubscribe

    def wait(self, job_id: str, timeout: float | None) -> bool:
        """Block until a job is at rest, at most ``timeout`` seconds; Ctrl-C is heard at once.

        Returns:
            Whether it is at rest.

        Raises:
            RuntimeError: If called on the engine's own thread, which would wait for itself.
        """
        self._refuse_fork()
        self._refuse_own_thread()
        with self._lock:
            end = self._ends[job_id]
        return _done([end], timeout)

    async def wait_async(self, job_id: str) -> None:
        """Wait on the caller's loop until a job is at rest; cancelling it only ends the waiting.

        It looks instead of being called: a loop that was closed in the middle must not be called.
        """
        self._refuse_fork()
        with self._lock:
            end = self._ends[job_id]
        while not end.done():  # noqa: ASYNC110  # see above
            await asyncio.sleep(_TICK)

    # --------------------------------------------------------------------------------------- loop

    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """Run a coroutine function on the loop and return its result; blocks, and Ctrl-C is heard."""
        self._refuse_own_thread()
        return self.call_soon(function, *args).result()

    def call_soon(self, function: Callable[..., Awaitable[_T]], *args: Any) -> Answer[_T]:
        """Start a coroutine function on the loop; never blocks.

        Raises:
            SessionClosedError: If the engine is closed; the future holds one if it is closed meanwhile.
        """
        self._refuse_fork()
        result: Future[_T] = Future()
        with self._lock:
            if self._closed:
                raise SessionClosedError("This session is closed.")
            running = self._running or self._begin()
            running.loop.call_soon_threadsafe(running.tasks.start_soon, _settle, result, function, *args)
        return result

    def close(self, grace: float | None = None) -> None:
        """Stop: drafts are cancelled, tasks go on at the service. Closing twice is fine.

        Args:
            grace: Most seconds to wait for answers to creates that are on their way, and may be paid for; by default
                as long as a create may take. Ctrl-C ends this waiting; what had no answer by then is *unknown*.
        """
        if self._process != os.getpid():  # a forked copy: there is no thread here to end
            return
        self._refuse_own_thread()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            _open_engines.discard(self)
            ends = list(self._ends.values())
        try:
            if self._running:
                self._running.loop.call_soon_threadsafe(self._shut_down)
                _done(ends, self._longest_create if grace is None else grace)
        finally:
            self._stack.close()

    def _begin(self) -> _Running:
        with ExitStack() as opening:
            portal = opening.enter_context(start_blocking_portal(name=_THREAD))
            opening.callback(portal.call, self._end)
            tasks = opening.enter_context(portal.wrap_async_context_manager(_tasks()))
            running = _Running(portal.call(asyncio.get_running_loop), tasks, portal.call(threading.current_thread))
            self._stack = opening.pop_all()
        self._running = running
        _close_at_exit(self)
        return running

    async def _end(self) -> None:
        await self._ledger.close()
        if self._on_close:
            await self._on_close()

    def _shut_down(self) -> None:
        for run in list(self._runs.values()):  # none is added any more
            run.shut_down()

    def _refuse_own_thread(self) -> None:
        if self._running and threading.current_thread() is self._running.thread:
            raise RuntimeError("This would wait for itself: do not block in a listener of the engine.")

    def _refuse_fork(self) -> None:
        """Before the lock is taken: another thread may have held it when the process was forked."""
        if self._process != os.getpid():
            raise SessionClosedError("This session belongs to the process that this one was forked from.")

    def _start(self, snapshot: JobSnapshot) -> None:
        """Put a job on the loop; the lock is held."""
        run = Run(snapshot, self._ports, self._publish, self._ledger)
        self._ends[snapshot.id] = self.call_soon(self._live, run)
        self._snapshots[snapshot.id] = snapshot
        self._runs[snapshot.id] = run

    async def _live(self, run: Run) -> None:
        """Live a job until it is at rest, and on from there where that was asked for meanwhile."""
        going: Run | None = run
        try:
            while going:
                await self._live_once(going)
                going = self._next(going)
        finally:
            if going:  # broken off; else `_next` has made room, and perhaps another thread taken it
                with self._lock:
                    self._runs.pop(run.snapshot.id, None)

    def _next(self, run: Run) -> Run | None:
        """The run that takes over from one that has ended, if any; else the job is no longer a running one."""
        rest = run.snapshot
        with self._lock:
            wish = self._wishes.pop(rest.id, False)
            if self._closed or not (wish and (rest.can_resume or rest.can_fetch_again)):
                del self._runs[rest.id]
                return None
            successor = Run(rest.going_on(self.now()), self._ports, self._publish, self._ledger)
            self._runs[rest.id] = successor
        return successor

    async def _live_once(self, run: Run) -> None:
        try:
            self._publish(run.snapshot)
            await run.go(partial(self._gate, run.snapshot.request.model))
        except Exception as error:  # noqa: BLE001  # a fault of ours must end on the job, not in a dead thread
            _log.exception("tokenlab_nb itself failed in job %s.", run.snapshot.id)
            run.snapshot = after_fault(run.snapshot, error, self.now())
            self._publish(run.snapshot)

    @asynccontextmanager
    async def _gate(self, model: str) -> AsyncIterator[None]:
        async with self._model_limits.get(model) or nullcontext(), self._sends:
            yield

    def _made_good(self, saved: JobSnapshot) -> None:
        """The ledger has now what it owed: nobody needs to be told of it any more."""
        with self._lock:
            run = self._runs.get(saved.id)
            present = run.snapshot if run else replace(self._snapshots[saved.id], note=saved.note)
        self._publish(present)

    def _publish(self, snapshot: JobSnapshot) -> None:
        with self._lock:
            self._snapshots[snapshot.id] = snapshot
            listeners = list(self._listeners.get(snapshot.id, ()))
        for listener in listeners:
            try:
                listener(snapshot)
            except Exception:  # noqa: BLE001  # a listener's fault must not end the job
                _log.warning("A listener of job %s failed.", snapshot.id, exc_info=True)


@asynccontextmanager
async def _tasks() -> AsyncIterator[TaskGroup]:
    """Tasks that are broken off at the end."""
    async with anyio.create_task_group() as tasks:
        yield tasks
        tasks.cancel_scope.cancel()


def _done(ends: Collection[Future[None]], timeout: float | None) -> bool:
    """Wait in short steps: where no signal wakes a waiting thread, Ctrl-C is heard between them."""
    left = math.inf if timeout is None else timeout
    while (pending := wait(ends, max(0.0, min(_TICK, left))).not_done) and left > 0:
        left -= _TICK
    return not pending


async def _settle(result: Future[_T], function: Callable[..., Awaitable[_T]], *args: Any) -> None:
    """Await a coroutine function for a thread that holds the future."""
    if not result.set_running_or_notify_cancel():
        return
    try:
        value = await function(*args)
    except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
        result.set_exception(error)
    except BaseException:
        result.set_exception(SessionClosedError("This session was closed meanwhile."))
        raise
    else:
        result.set_result(value)


_open_engines: set[Engine] = set()
"""Held here, so that a session that nobody holds any more is still closed, and its jobs go on until then."""
_watchers: list[threading.Thread] = []


def _close_at_exit(engine: Engine) -> None:
    """Have the engine closed when the main thread ends.

    anyio's worker threads are not daemons: Python waits for them before it runs ``atexit`` functions, so those would
    come too late. A thread of ours that waits for the main thread's end comes in time.
    """
    _open_engines.add(engine)
    if not _watchers:
        watcher = threading.Thread(target=_close_after_main, name=f"{_THREAD}-exit")
        _watchers.append(watcher)
        watcher.start()


def _close_after_main() -> None:
    threading.main_thread().join()
    for engine in list(_open_engines):
        with suppress(Exception):  # nobody is left to be told, and the others must be closed too
            engine.close(_EXIT_GRACE)
