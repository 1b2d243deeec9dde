"""What is known of each job, and who wants to hear of it."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager

from tokenlab_nb.jobs.job import JobSnapshot

Listener = Callable[[JobSnapshot], None]

_log = logging.getLogger(__name__)


class Board:
    """The newest snapshot of each job, and its listeners. Any thread may call it.

    Args:
        lock: Guards it; the engine's own, which may be taken again by whoever holds it.
    """

    def __init__(self, lock: AbstractContextManager[object]) -> None:
        self._lock = lock
        self._snapshots: dict[str, JobSnapshot] = {}
        self._listeners: dict[str, list[Listener]] = {}

    def __contains__(self, job_id: object) -> bool:
        return job_id in self._snapshots

    def __getitem__(self, job_id: str) -> JobSnapshot:
        return self._snapshots[job_id]  # without the lock, since one lookup cannot be half done

    def is_behind(self, snapshot: JobSnapshot) -> bool:
        """Whether a snapshot that was read elsewhere tells something new."""
        known = self._snapshots.get(snapshot.id)
        return known is None or (known != snapshot and len(known.moves) <= len(snapshot.moves))

    def put(self, snapshot: JobSnapshot) -> None:
        """Note a snapshot without telling anybody."""
        self._snapshots[snapshot.id] = snapshot

    def publish(self, snapshot: JobSnapshot, is_news: Callable[[], bool] = lambda: True) -> None:
        """Note a snapshot and tell its listeners, on this thread.

        Args:
            snapshot: How a job stands.
            is_news: Asked under the lock: whether that is so still.
        """
        with self._lock:
            if not is_news():
                return
            self.put(snapshot)
            listeners = list(self._listeners.get(snapshot.id, ()))
        for listener in listeners:
            try:
                listener(snapshot)
            except Exception:  # noqa: BLE001  # a listener's fault must not end the job
                _log.warning("A listener of job %s failed.", snapshot.id, exc_info=True)

    def subscribe(self, job_id: str, listener: Listener) -> Callable[[], None]:
        """Call ``listener`` with the present snapshot, and with each new one.

        It may hear one twice; what it hears last is always the newest.

        Returns:
            A function that ends it; calling it twice is fine.
        """
        with self._lock:
            self._listeners.setdefault(job_id, []).append(listener)
        told = None
        while told is not (present := self[job_id]):  # one that came in between was perhaps told before ours
            listener(present)
            told = present

        def unsubscribe() -> None:
            with self._lock:
                listeners = self._listeners.get(job_id, [])
                if listener in listeners:
                    listeners.remove(listener)

        return unsubscribe
