"""The engine: one event loop in one daemon thread, and every job on it. The only owner of both.

It never prints and never displays: it hands frozen snapshots to whoever subscribed.
"""

from __future__ import annotations

import asyncio
import logging
import random
import threading
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from concurrent.futures import Future, wait
from contextlib import ExitStack, asynccontextmanager, suppress
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ServiceError, TokenLabError, UnknownOutcomeError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Clock
from tokenlab_nb.jobs.runner import Ports, Run

MAX_SENDS = 8
"""Creates that are being sent at once. Tasks that are only waited for do not count."""

_GRACE_SECONDS = 2.0  # at closing, for answers that are on their way
_TICK = 0.05  # an awaiting loop looks this often, which is also how soon Ctrl-C is heard
_THREAD = "tokenlab-nb"
_T = TypeVar("_T")
Listener = Callable[[JobSnapshot], None]
Answer = Future
"""What `Engine.call_soon` returns: a result to come."""

_log = logging.getLogger(__name__)


class RealClock:
    """Time and chance as they are."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def random(self) -> float:
        """A number in [0, 1)."""
        return random.random()  # noqa: S311  # jitter, no secret

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await anyio.sleep(seconds)


class Engine:
    """Runs jobs in the background. Methods may be called from any thread; those that block, from any but its own.

    Args:
        ports: Service, ledger, blob store and clock.
        on_close: Awaited on the loop when the engine closes, to end connections.
    """

    def __init__(self, ports: Ports, *, on_close: Callable[[], Awaitable[None]] | None = None) -> None:
        self._ports = ports
        self._on_close = on_close
        self._lock = threading.RLock()
        self._stack = ExitStack()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: TaskGroup
        self._closed = False
        self._snapshots: dict[str, JobSnapshot] = {}
        self._runs: dict[str, Run] = {}
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
            RuntimeError: If the engine is closed.
        """
        draft = JobSnapshot(id=f"job_{uuid.uuid4().hex}", request=request, origin=self._ports.api.origin)
        draft = draft.move(JobStatus.DRAFT, self._ports.clock.now())
        with self._lock:
            if concurrency and request.model not in self._model_limits:
                self._model_limits[request.model] = anyio.CapacityLimiter(concurrency)
            self._start(draft)
        return draft.id

    def resume(self, job_id: str) -> None:
        """Go on waiting for a job, or fetch its pictures again. Nothing is sent; without a reason nothing happens."""
        if not self.snapshot(job_id).is_at_rest or not self.wait(job_id, _GRACE_SECONDS):
            return
        with self._lock:
            snapshot = self._snapshots[job_id]
            has_way = snapshot.task_id or snapshot.poll_url or snapshot.origins
            may_go_on = snapshot.can_fetch_again or (has_way and snapshot.is_at_rest and not snapshot.is_terminal)
            if not may_go_on or job_id in self._runs:  # another thread may have been quicker
                return
            status = JobStatus.PROCESSING if snapshot.can_fetch_again else snapshot.status
            now = self._ports.clock.now()
            self._start(snapshot.move(status, now, waiting_stopped=False, error=None, note=""))

    def stop_waiting(self, job_id: str) -> None:
        """Stop waiting for a job. The task itself goes on at the service, and is still paid for."""
        with self._lock:
            run = self._runs.get(job_id)
            if run and self._loop and not self._closed:
                self._loop.call_soon_threadsafe(run.stop_waiting)

    def snapshot(self, job_id: str) -> JobSnapshot:
        """The newest snapshot of a job of this engine."""
        with self._lock:
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
        self._refuse_own_thread()
        with self._lock:
            end = self._ends[job_id]
        done, _ = wait([end], timeout)
        return bool(done)

    async def wait_async(self, job_id: str) -> None:
        """Wait on the caller's loop until a job is at rest; cancelling it only ends the waiting.

        It looks instead of being called: a loop that was closed in the middle must not be called.
        """
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
            RuntimeError: If the engine is closed; the future holds one if it is closed meanwhile.
        """
        result: Future[_T] = Future()
        with self._lock:
            if self._closed:
                raise RuntimeError("This session is closed. Make a new one with tl.connect().")
            loop = self._loop or self._begin()
            loop.call_soon_threadsafe(self._tasks.start_soon, _settle, result, function, *args)
        return result

    def close(self) -> None:
        """Stop. Answers on their way get a moment to arrive; tasks go on at the service. Closing twice is fine."""
        self._refuse_own_thread()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            _open_engines.discard(self)
            ends = list(self._ends.values())
        try:
            if self._loop:
                self._loop.call_soon_threadsafe(self._shut_down)
                wait(ends, _GRACE_SECONDS)
        finally:
            self._stack.close()

    def _begin(self) -> asyncio.AbstractEventLoop:
        portal = self._stack.enter_context(start_blocking_portal(name=_THREAD))
        if self._on_close:
            self._stack.callback(portal.call, self._on_close)
        self._tasks = self._stack.enter_context(portal.wrap_async_context_manager(_tasks()))
        self._loop = portal.call(asyncio.get_running_loop)
        _close_at_exit(self)
        return self._loop

    def _shut_down(self) -> None:
        with self._lock:
            runs = list(self._runs.values())
        for run in runs:
            run.shut_down()

    def _refuse_own_thread(self) -> None:
        if threading.current_thread().name == _THREAD:
            raise RuntimeError("This would wait for itself: do not block in a listener of the engine.")

    def _start(self, snapshot: JobSnapshot) -> None:
        """Put a job on the loop; the lock is held."""
        run = Run(snapshot, self._ports, self._publish)
        self._ends[snapshot.id] = self.call_soon(self._live, run)
        self._snapshots[snapshot.id] = snapshot
        self._runs[snapshot.id] = run

    async def _live(self, run: Run) -> None:
        try:
            self._publish(run.snapshot)
            await run.go(partial(self._gate, run.snapshot.request.model))
        except Exception as error:  # noqa: BLE001  # a fault of ours must end on the job, not in a dead thread
            _log.exception("tokenlab_nb itself failed in job %s.", run.snapshot.id)
            self._publish(_after_fault(run.snapshot, error, self._ports.clock))
        finally:
            with self._lock:
                self._runs.pop(run.snapshot.id, None)

    @asynccontextmanager
    async def _gate(self, model: str) -> AsyncIterator[None]:
        own = self._model_limits.get(model)
        if own is None:
            async with self._sends:
                yield
            return
        async with own, self._sends:
            yield

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


async def _settle(result: Future[_T], function: Callable[..., Awaitable[_T]], *args: Any) -> None:
    """Await a coroutine function for a thread that holds the future."""
    if not result.set_running_or_notify_cancel():
        return
    try:
        value = await function(*args)
    except Exception as error:  # noqa: BLE001  # raised again where the result is asked for
        result.set_exception(error)
    except BaseException:
        result.set_exception(RuntimeError("This session was closed meanwhile."))
        raise
    else:
        result.set_result(value)


def _after_fault(snapshot: JobSnapshot, error: Exception, clock: Clock) -> JobSnapshot:
    """Where a job rests after a fault of ours: in the state that promises least and loses nothing."""
    what = f"tokenlab_nb itself failed ({type(error).__name__})."
    changes: Mapping[str, Any] = {"waiting_stopped": True, "note": ""}
    if snapshot.status is JobStatus.SENDING:
        return snapshot.move(JobStatus.UNKNOWN, clock.now(), error=UnknownOutcomeError(what), note="")
    if snapshot.status is JobStatus.DRAFT:
        return snapshot.move(JobStatus.FAILED, clock.now(), error=TokenLabError(what, hint="Please report it."))
    return snapshot.move(snapshot.status, clock.now(), error=ServiceError(what, hint="Please report it."), **changes)


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
            engine.close()
