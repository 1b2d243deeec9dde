"""What `Gallery` and `JobView` share: following jobs, sending pictures to the page, and the frozen twin.

Facts travel as rows (see `_tiles.py`): the trait ``rows`` gives all of them to a page that opens, and custom messages
patch them. Pixels travel as binary buffers in custom messages only: thumbnails are *pushed*, from the bridge's thread,
so that they arrive while a cell blocks; a page *asks* for what it has not got, and for originals.

Messages to the page: ``rows`` (``rows``), ``thumbs`` (``hashes``, with buffers), ``lost`` (``hash``, ``text``).
Messages from it: ``got`` and ``want`` (``hashes``), ``full`` (``hash``), ``act`` (``job``, ``action``).
"""

from __future__ import annotations

import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, ClassVar, Protocol

import traitlets as t

from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.export.frozen import Frozen, FrozenPicture, freeze, picture_size
from tokenlab_nb.images import ImageResult, thumbnail
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.widgets import _tiles
from tokenlab_nb.widgets._base import Buffers, Result, Widget
from tokenlab_nb.widgets._bridge import Bridge, Feed, bridge
from tokenlab_nb.widgets._twin import Twin, show

_REPEATS = (1.0, 3.0, 9.0)
_TWIN_GAP = 1.0
_THUMB_EDGE, _THUMB_BYTES = 512, 48_000  # sharp on dense screens; the twin's are smaller


class LiveJob(Protocol):
    """What these widgets need of a job; `tokenlab_nb.jobs.handle.Job` is the real one."""

    @property
    def id(self) -> str:
        """Our id of the job."""

    @property
    def snapshot(self) -> JobSnapshot:
        """The newest snapshot."""

    @property
    def images(self) -> list[ImageResult]:
        """The pictures on disk."""

    def subscribe(self, callback: Callable[[JobSnapshot], None]) -> Callable[[], None]:
        """Call back at every change, on any thread; return the unsubscriber."""

    def stop_waiting(self) -> None:
        """Stop asking for it; the task goes on. One that was not sent yet is cancelled."""

    def resume(self) -> None:
        """Wait for it again."""

    def fetch_again(self) -> None:
        """Fetch paid pictures that are not on disk."""


class Pictures(Widget):
    """A widget that follows jobs and shows their pictures.

    Attributes:
        title: Shown above, and in the frozen twin.
        rows: Facts of every job, for the script; computed when a page asks.
        twin_revision: Version of the frozen twin that the page should hold.
        again: The line of Python that shows the widget again.
    """

    libs: ClassVar[tuple[str, ...]] = ("pictures", "tiles", "lightbox", "twin")
    clock: ClassVar[Callable[[], float]] = staticmethod(time.time)

    title = t.Unicode("").tag(sync=True)
    rows = t.List(t.Dict()).tag(sync=True, to_json=lambda _value, widget: widget._all_rows())
    twin_revision = t.Int(0).tag(sync=True)
    again = t.Unicode("").tag(sync=True)

    _alive: ClassVar[weakref.WeakValueDictionary[str, Pictures]] = weakref.WeakValueDictionary()

    def __init__(self, jobs: Sequence[LiveJob] = (), *, title: str = "", through: Bridge | None = None) -> None:
        self._jobs: dict[str, LiveJob] = {}
        self._snapshots: dict[str, JobSnapshot] = {}
        self._results: dict[str, ImageResult] = {}
        self._thumbs: dict[str, bytes] = {}
        self._small: dict[tuple[str, int], bytes] = {}
        self._awaited: set[str] = set()
        self._unsubscribe: list[Callable[[], None]] = []
        self._frozen_rows: list[FrozenPicture] | None = None
        super().__init__(title=title)
        self._bridge = through or bridge()
        self._news: Feed[JobSnapshot] = Feed(self._bridge, self, "news", self._deliver)
        self._pushes: Feed[bytes] = Feed(self._bridge, self, "push", self._push)
        self.twin = Twin(self.uid)
        self.again = f"tl.{type(self).__name__}.show_again({self.uid!r})"
        self._alive[self.uid] = self
        for job in jobs:
            self._follow(job)

    @property
    def jobs(self) -> tuple[LiveJob, ...]:
        """The jobs that are followed, in order."""
        return tuple(self._jobs.values())

    @property
    def images(self) -> list[ImageResult]:
        """All finished pictures, job by job."""
        return [image for job in self._jobs.values() for image in job.images]

    @staticmethod
    def show_again(uid: str) -> Pictures:
        """Return a live widget by its ``uid``: as a cell's last expression it is shown, with a fresh frozen twin.

        Raises:
            LookupError: If no such widget lives in this kernel.
        """
        found = Pictures._alive.get(uid)
        if found is None:
            raise LookupError(f"No live widget is called {uid!r}: the kernel was restarted, or it was closed.")
        return found

    def close(self) -> None:
        """Stop following, and free both ends. The frozen twin stays."""
        for unsubscribe in getattr(self, "_unsubscribe", ()):
            unsubscribe()
        if hasattr(self, "_bridge"):
            self._unsubscribe.clear()
            self._bridge.forget(self)
        super().close()

    def frozen(self) -> Frozen:
        """Return the frozen twin as it should be now, from the thumbnails that were made so far."""
        self._frozen_rows = self._twin_rows()
        return freeze(
            self._frozen_rows,
            at=type(self).clock(),
            title=self.title or "TokenLab pictures",
            uid=self.uid,
            revision=self.twin_revision,
        )

    def _ipython_display_(self, **_options: object) -> None:
        show(self, {self.twin: self.frozen()})

    def _follow(self, job: LiveJob) -> None:
        if job.id in self._jobs:
            return
        self._jobs[job.id] = job
        self._snapshots[job.id] = job.snapshot
        self._news.put(job.id, job.snapshot)
        self._unsubscribe.append(job.subscribe(partial(self._news.put, job.id)))

    # On the bridge's thread.

    def _deliver(self, news: Mapping[str, JobSnapshot]) -> None:
        """Take the newest snapshots: tell the page, and have what it needs made."""
        self._snapshots.update(news)
        self.send({"type": "rows", "rows": [self._row(snapshot) for snapshot in news.values()]})
        self._freeze_soon()
        for job_id, snapshot in news.items():
            if snapshot.images:
                self._note_images(self._jobs[job_id])

    def _note_images(self, job: LiveJob) -> None:
        for image in job.images:
            if image.sha256 not in self._results:
                self._results[image.sha256] = image
                self._send_soon(image.sha256)

    def _send_soon(self, sha256: str) -> None:
        """Send a thumbnail: at once if it is there, else when it is made."""
        if sha256 in self._thumbs:
            self._send_thumb(sha256)
            return
        self._bridge.soon(self, f"make {sha256}", partial(self._make, sha256), work=True)

    def _make(self, sha256: str) -> None:
        try:
            self._thumbs[sha256] = self._results[sha256].thumbnail(_THUMB_EDGE, _THUMB_BYTES)
        except (TokenLabError, OSError) as error:
            self.send({"type": "lost", "hash": sha256, "text": str(error)})
            return
        self._send_thumb(sha256)
        self._freeze_soon()

    def _send_thumb(self, sha256: str) -> None:
        self._awaited.add(sha256)
        self._pushes.put(sha256, self._thumbs[sha256])

    def _push(self, thumbs: Mapping[str, bytes], repeats: Sequence[float] = _REPEATS) -> None:
        """Send thumbnails; repeat those that no page acknowledges, since messages can be dropped on the way."""
        self.send({"type": "thumbs", "hashes": list(thumbs)}, list(thumbs.values()))
        if repeats:
            again = partial(self._push_again, dict(thumbs), repeats[1:])
            self._bridge.later(self, f"again {next(iter(thumbs))}", again, repeats[0])

    def _push_again(self, thumbs: Mapping[str, bytes], repeats: Sequence[float]) -> None:
        missing = {sha256: thumb for sha256, thumb in thumbs.items() if sha256 in self._awaited}
        if missing:
            self._push(missing, repeats)

    def _freeze_soon(self) -> None:
        if self.twin.shown:
            self._bridge.soon(self, "twin", self._refreeze, gap=_TWIN_GAP, work=True)

    def _refreeze(self) -> None:
        """Renew the twin where its content changed; progress alone changes nothing in it."""
        if self._twin_rows() != self._frozen_rows:
            self.twin_revision += 1
            self.twin.update(self.frozen())

    # Values.

    def _row(self, snapshot: JobSnapshot) -> dict[str, object]:
        return _tiles.row(snapshot, now=type(self).clock())

    def _all_rows(self) -> list[dict[str, object]]:
        return [self._row(snapshot) for snapshot in list(self._snapshots.values())]

    def _twin_rows(self) -> list[FrozenPicture]:
        snapshots = list(self._snapshots.values())
        hashes = [image.sha256 for snapshot in snapshots for image in snapshot.images]
        edge, most = picture_size(len(hashes))
        thumbs = {sha256: self._shrunk(sha256, edge, most) for sha256 in hashes if sha256 in self._thumbs}
        return [row for snapshot in snapshots for row in _tiles.frozen(snapshot, thumbs)]

    def _shrunk(self, sha256: str, edge: int, most: int) -> bytes:
        if edge >= _THUMB_EDGE:
            return self._thumbs[sha256]
        key = (sha256, edge)
        if key not in self._small:
            self._small[key] = thumbnail(self._thumbs[sha256], edge, most)
        return self._small[key]

    # From the page.

    def _on_got(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._awaited.difference_update(message["hashes"])
        return None

    def _on_want(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        for sha256 in message["hashes"]:
            if sha256 in self._results:
                self._send_soon(sha256)
        return None

    def _on_full(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        image = self._results[message["hash"]]
        return {"type": image.media_type, "name": image.name}, [image.bytes]

    def _on_act(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        job = self._jobs[message["job"]]
        acts = {"cancel": job.stop_waiting, "stop": job.stop_waiting, "resume": job.resume, "fetch": job.fetch_again}
        acts[message["action"]]()
        self.show_error("")
        return None
