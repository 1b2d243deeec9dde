"""Engine snapshots -> widgets: one daemon thread that does, in time, what any thread asks for.

Three needs, one mechanism (a named action with a due time; the newest action of a name wins):

- news: what a job says is handed to its widgets at most 20 times a second, with the last word always sent, since
  Jupyter Server drops messages above 1,000 a second and then a page stays behind for good;
- work: thumbnails are made here, one after the other, behind the news;
- timers: a push that no page has acknowledged is repeated.

The thread starts with the first action, sleeps without a time-out while there is none, and ends at exit. It prints and
displays nothing; only updates of a display by its id leave from here (see `_twin.py`).
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import cache
from typing import Generic, Protocol, TypeVar

from IPython.core.getipython import get_ipython

from tokenlab_nb.widgets._base import failure_text

NEWS_GAP = 0.05
"""Seconds between two deliveries to the same listener."""

Action = Callable[[], object]
V = TypeVar("V")


class Owner(Protocol):
    """Whose action it is: it hears of failures, and `Bridge.forget` drops its actions."""

    def show_error(self, text: str) -> None:
        """Show a failure where the user looks."""


_Key = tuple[Owner, str]


@dataclass(frozen=True, slots=True)
class _Item:
    action: Action
    due: float
    rank: int  # news 0, work 1: news never waits behind a queue of pictures
    gap: float
    timer: bool  # a flush does not wait for timers


class Bridge:
    """The thread and its actions. All methods may be called from every thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._changed = threading.Condition()
        self._items: dict[_Key, _Item] = {}
        self._last: dict[_Key, float] = {}
        self._thread: threading.Thread | None = None
        self._busy: _Key | None = None
        self._flushers = 0
        self._closed = False

    def soon(self, owner: Owner, name: str, action: Action, *, gap: float = 0.0, work: bool = False) -> None:
        """Do ``action`` at once, yet at least ``gap`` seconds after the last one of this owner and name.

        Args:
            owner: Whose action it is.
            name: A waiting action of the same name is replaced, and keeps its place.
            action: What to do.
            gap: Seconds.
            work: Whether it may take long (a picture to decode): it gives way to everything else.
        """
        with self._changed:
            key = (owner, name)
            waiting = self._items.get(key)
            if waiting is not None and not waiting.timer:
                self._put(key, replace(waiting, action=action))
                return
            now = self._clock()
            due = max(now, self._last.get(key, now - gap) + gap)
            self._put(key, _Item(action, due, int(work), gap, timer=False))

    def later(self, owner: Owner, name: str, action: Action, delay: float) -> None:
        """Do ``action`` after ``delay`` seconds; one of the same owner and name is replaced."""
        with self._changed:
            self._put((owner, name), _Item(action, self._clock() + delay, rank=1, gap=0.0, timer=True))

    def drop(self, owner: Owner, name: str) -> None:
        """Forget one action, if it still waits."""
        with self._changed:
            self._items.pop((owner, name), None)

    def forget(self, owner: Owner) -> None:
        """Forget all actions of an owner."""
        with self._changed:
            for table in (self._items, self._last):
                for key in [key for key in table if key[0] is owner]:
                    del table[key]
            self._changed.notify_all()

    def flush(self, timeout: float = 5.0) -> bool:
        """Do now what waits (timers aside), and wait for it.

        Args:
            timeout: Seconds to wait at most.

        Returns:
            Whether everything was done; False on the bridge's own thread too, which cannot wait for itself.
        """
        if threading.current_thread() is self._thread:
            return False
        with self._changed:
            self._flushers += 1
            self._changed.notify_all()
            try:
                return self._changed.wait_for(self._is_idle, timeout)
            finally:
                self._flushers -= 1

    def close(self) -> None:
        """End the thread; what still waits is dropped. Calling it twice is fine."""
        with self._changed:
            self._closed = True
            self._items.clear()
            self._changed.notify_all()
        thread = self._thread
        if thread is not None and thread is not threading.current_thread():
            thread.join(timeout=2.0)

    def _put(self, key: _Key, item: _Item) -> None:
        if self._closed:
            return
        self._items[key] = item
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="tokenlab_nb-bridge", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _is_idle(self) -> bool:
        return self._closed or (self._busy is None and all(item.timer for item in self._items.values()))

    def _run(self) -> None:
        while (found := self._next()) is not None:
            key, action = found
            try:
                action()
            except Exception as error:  # noqa: BLE001  one listener's failure must not end everybody's news
                self._show(key[0], failure_text(error))

    @staticmethod
    def _show(owner: Owner, text: str) -> None:
        with contextlib.suppress(Exception):  # its widget is gone: there is nowhere left to say it
            owner.show_error(text)

    def _next(self) -> tuple[_Key, Action] | None:
        """Wait for the next due action; None when the bridge was closed."""
        with self._changed:
            self._busy = None
            while not self._closed:
                self._changed.notify_all()
                now = self._clock()
                ready = [key for key, item in self._items.items() if self._is_ready(item, now)]
                if ready:
                    key = min(ready, key=lambda each: (self._items[each].rank, self._items[each].due))
                    self._busy = key
                    item = self._items.pop(key)
                    if item.gap:
                        self._last[key] = now
                    return key, item.action
                next_due = min((item.due for item in self._items.values()), default=None)
                self._changed.wait(None if next_due is None else max(0.0, next_due - now))
        return None

    def _is_ready(self, item: _Item, now: float) -> bool:
        return item.due <= now or (self._flushers > 0 and not item.timer)


class Feed(Generic[V]):
    """News for one listener: the newest value of each key, delivered together.

    Args:
        bridge: Who delivers.
        owner: Whose news it is.
        name: Tells the owner's feeds apart.
        deliver: Gets the newest values by key, on the bridge's thread.
    """

    def __init__(self, bridge: Bridge, owner: Owner, name: str, deliver: Callable[[dict[str, V]], object]) -> None:
        self._bridge, self._owner, self._name, self._deliver = bridge, owner, name, deliver
        self._lock = threading.Lock()
        self._news: dict[str, V] = {}

    def put(self, key: str, value: V) -> None:
        """Note a value; an older one of the same key that was not delivered yet is dropped."""
        with self._lock:
            self._news[key] = value
        self._bridge.soon(self._owner, self._name, self._take, gap=NEWS_GAP)

    def _take(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        if news:
            self._deliver(news)


def mutex() -> AbstractContextManager[object]:
    """Return a lock for what the page's messages, the user's cells and the bridge all change."""
    return threading.RLock()


@cache
def bridge() -> Bridge:
    """Return the one bridge of this process; in a notebook it is flushed at the end of every cell.

    So the last cell of an executed notebook leaves its pictures in the file: nbconvert and nbclient end the kernel at
    once after it.
    """
    found = Bridge()
    atexit.register(found.close)
    shell = get_ipython()
    if shell is not None:
        shell.events.register("post_run_cell", lambda _result: found.flush())
    return found
