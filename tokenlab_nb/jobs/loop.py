"""One event loop in one daemon thread: how other threads call it, and how it ends with the process."""

from __future__ import annotations

import asyncio
import math
import os
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from concurrent.futures import Future, wait
from contextlib import ExitStack, asynccontextmanager, suppress
from contextvars import Context, copy_context
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

import anyio
from anyio.abc import TaskGroup
from anyio.from_thread import start_blocking_portal

from tokenlab_nb.errors import SessionClosedError

TICK = 0.05
"""Seconds: a waiting loop or thread looks this often, which is also how soon Ctrl-C is heard."""

_THREAD = "tokenlab-nb"
_T = TypeVar("_T")
Answer = Future
"""What `Loop.call_soon` returns: a result to come."""


@dataclass(frozen=True, slots=True)
class _Running:
    """What there is once the loop runs."""

    loop: asyncio.AbstractEventLoop
    tasks: TaskGroup
    thread: threading.Thread
    context: Context


class Loop:
    """Starts with the first call, ends with `close` or with the process. Any thread may use it.

    Args:
        on_end: Awaited on the loop when it ends.
        at_exit: Called when the process ends before `close` was.

    Attributes:
        lock: Guards the start and the end; its user may guard with it what goes with them.
        closed: Whether `close` was called.
    """

    def __init__(self, on_end: Callable[[], Awaitable[None]], at_exit: Callable[[], None]) -> None:
        self.lock = threading.RLock()
        self.closed = False
        self.at_exit = at_exit
        self._on_end = on_end
        self._process = os.getpid()
        self._stack = ExitStack()
        self._running: _Running | None = None

    def call(self, function: Callable[..., Awaitable[_T]], *args: Any) -> _T:
        """Run a coroutine function on the loop and return its result; blocks, and Ctrl-C is heard."""
        self.refuse_own_thread()
        return self.call_soon(function, *args).result()

    def call_soon(self, function: Callable[..., Awaitable[_T]], *args: Any) -> Answer[_T]:
        """Start a coroutine function on the loop; never blocks.

        Raises:
            SessionClosedError: If it is closed; the future holds one if it is closed meanwhile.
        """
        self.refuse_fork()
        result: Future[_T] = Future()
        with self.lock:
            if self.closed:
                raise SessionClosedError("This session is closed.")
            running = self._running or self._begin()
            start = partial(running.tasks.start_soon, _settle, result, function, *args)
            # Where sniffio is installed, anyio finds its loop through the context, and not at all in a plain callback.
            running.loop.call_soon_threadsafe(start, context=running.context.copy())
        return result

    def post(self, function: Callable[[], object]) -> None:
        """Call a plain function on the loop, if it runs."""
        if self._running:
            self._running.loop.call_soon_threadsafe(function, context=self._running.context.copy())

    def close(
        self, wind_down: Callable[[], object], ends: Callable[[], Collection[Future[None]]], grace: float
    ) -> None:
        """End the loop. Closing twice is fine.

        Args:
            wind_down: Called on the loop first.
            ends: What to wait for then.
            grace: Most seconds to wait; Ctrl-C ends the waiting.
        """
        if self.is_foreign:  # a forked copy: there is no thread here to end
            return
        self.refuse_own_thread()
        with self.lock:
            if self.closed:
                return
            self.closed = True
            open_loops.discard(self)
            awaited = ends()
        try:
            if self._running:
                self.post(wind_down)
                done(awaited, grace)
        finally:
            self._stack.close()

    @property
    def is_foreign(self) -> bool:
        """Whether this process was forked from the one that the loop belongs to."""
        return self._process != os.getpid()

    def refuse_own_thread(self) -> None:
        """Refuse to block on the loop's own thread.

        Raises:
            RuntimeError: If it is called there.
        """
        if self._running and threading.current_thread() is self._running.thread:
            raise RuntimeError("This would wait for itself: do not block in a listener of the engine.")

    def refuse_fork(self) -> None:
        """Refuse a forked copy, before the lock is taken: another thread may have held it when it was forked.

        Raises:
            SessionClosedError: If this is one.
        """
        if self.is_foreign:
            raise SessionClosedError("This session belongs to the process that this one was forked from.")

    def _begin(self) -> _Running:
        with ExitStack() as opening:
            portal = opening.enter_context(start_blocking_portal(name=_THREAD))
            opening.callback(portal.call, self._on_end)
            tasks = opening.enter_context(portal.wrap_async_context_manager(_tasks()))
            loop, thread = portal.call(asyncio.get_running_loop), portal.call(threading.current_thread)
            running = _Running(loop, tasks, thread, portal.call(copy_context))
            self._stack = opening.pop_all()
        self._running = running
        _close_at_exit(self)
        return running


@asynccontextmanager
async def _tasks() -> AsyncIterator[TaskGroup]:
    """Tasks that are broken off at the end."""
    async with anyio.create_task_group() as tasks:
        yield tasks
        tasks.cancel_scope.cancel()


def done(ends: Collection[Future[None]], timeout: float | None) -> bool:
    """Wait in short steps: where no signal wakes a waiting thread, Ctrl-C is heard between them."""
    left = math.inf if timeout is None else timeout
    while (pending := wait(ends, max(0.0, min(TICK, left))).not_done) and left > 0:
        left -= TICK
    return not pending


async def until_done(end: Future[None] | None) -> None:
    """Wait on the caller's loop; cancelling it only ends the waiting.

    It looks instead of being called: a loop that was closed in the middle must not be called.
    """
    while end and not end.done():  # noqa: ASYNC110  # see above
        await asyncio.sleep(TICK)


async def _settle(result: Future[_T], function: Callable[..., Awaitable[_T]], *args: Any) -> None:
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


open_loops: set[Loop] = set()
"""Held here, so that a session that nobody holds any more is still closed, and its jobs go on until then."""
_watchers: list[threading.Thread] = []


def _close_at_exit(loop: Loop) -> None:
    """Have the loop closed when the main thread ends.

    anyio's worker threads are not daemons: Python waits for them before it runs ``atexit`` functions, so those would
    come too late. A thread of ours that waits for the main thread's end comes in time.
    """
    open_loops.add(loop)
    if not _watchers:
        watcher = threading.Thread(target=_close_after_main, name=f"{_THREAD}-exit")
        _watchers.append(watcher)
        watcher.start()


def _close_after_main() -> None:
    threading.main_thread().join()
    for loop in list(open_loops):
        with suppress(Exception):  # nobody is left to be told, and the others must be closed too
            loop.at_exit()
