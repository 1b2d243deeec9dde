"""What `Gallery` and `JobView` share: following jobs, sending pictures to the page, and the frozen twin.

Facts travel as rows (see `_tiles.py`): the trait ``rows`` gives all of them to a page that opens, and custom messages
patch them. Pixels travel as binary buffers in custom messages only: thumbnails are *pushed*, from the bridge's thread,
so that they arrive while a cell blocks; a page *asks* for what it has not got, and for originals.

Messages to the page: ``rows`` (``rows``), ``gone`` (``jobs``), ``thumbs`` (``hashes``, with buffers), ``lost``
(``hash``, ``text``). Messages from it: ``got`` and ``want`` (``hashes``), ``full`` and ``use`` (``hash``), ``packet``
(``job``), ``act`` (``job``, ``action``, and ``repeated`` as the page knows it); what an action has to tell comes as
``said``.
"""

from __future__ import annotations

import json
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, ClassVar

import traitlets as t

from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.export.frozen import FrozenPicture
from tokenlab_nb.images import ImageResult, stamped
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.widgets import _costs, _tiles
from tokenlab_nb.widgets._base import LATER, Buffers, Result, failure_text
from tokenlab_nb.widgets._bridge import Bridge, Feed, bridge
from tokenlab_nb.widgets._live import LiveJob, in_order
from tokenlab_nb.widgets._mending import Mending
from tokenlab_nb.widgets._pinning import Pins
from tokenlab_nb.widgets._twin import Twin
from tokenlab_nb.widgets._twinned import THUMB_BYTES, THUMB_EDGE, Twinned, room

_REPEATS = (1.0, 3.0, 9.0)


class Pictures(Twinned, Mending):
    """A widget that follows jobs and shows their pictures.

    Attributes:
        title: Shown above, and in the frozen twin.
        rows: Facts of every job, for the script; computed when a page asks.
        again: The line of Python that shows the widget again.
        use: What a button at each picture says that hands it on; empty for no such button. See `offer`.
        budget: Tells the limit, if any, that holds for what is sent from here, beside the session's own.
    """

    libs: ClassVar[tuple[str, ...]] = ("pictures", "tiles", "actions", "compare", "lightbox", "twin")
    rows = t.List(t.Dict()).tag(sync=True, to_json=lambda _value, widget: widget._all_rows())
    again = t.Unicode("").tag(sync=True)
    use = t.Unicode("").tag(sync=True)

    _alive: ClassVar[weakref.WeakValueDictionary[str, Pictures]] = weakref.WeakValueDictionary()

    def __init__(self, jobs: Sequence[LiveJob] = (), *, title: str = "", through: Bridge | None = None) -> None:
        self._jobs: dict[str, LiveJob] = {}
        self._snapshots: dict[str, JobSnapshot] = {}
        self._results: dict[str, ImageResult] = {}
        self._inputs: dict[str, dict[str, ImageResult]] = {}  # by job, what went in, by hash
        self._lines: dict[str, str] = {}
        self._thumbs: dict[str, bytes] = {}
        self._small = {}
        self._awaited: set[str] = set()
        self._agreed: dict[str, str] = {}  # by job, the present price that the user was told of
        self._unsubscribe: dict[str, Callable[[], None]] = {}
        self.budget: Callable[[], Budget | None] = lambda: None
        self._pins = Pins()
        self._hearers: list[Callable[[Sequence[JobSnapshot]], object]] = []
        self._take: Callable[[ImageResult], str] = lambda _image: ""
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
        return tuple(in_order(list(self._jobs.values()), self._snapshots, self._mends))

    @property
    def images(self) -> list[ImageResult]:
        """All finished pictures, job by job."""
        return [image for job in self.jobs for image in job.images]

    def on_news(self, callback: Callable[[Sequence[JobSnapshot]], object]) -> None:
        """Call back with the newest snapshots of the jobs here, on the bridge's thread, for as long as this lives."""
        self._hearers.append(callback)

    def offer(self, label: str, take: Callable[[ImageResult], str]) -> None:
        """Put a button at each picture.

        Args:
            label: What it says.
            take: Gets the picture; returns what to tell the user.
        """
        self._take = take
        self.use = label

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
        for unsubscribe in list(getattr(self, "_unsubscribe", {}).values()):
            unsubscribe()
        if hasattr(self, "_bridge"):
            self._unsubscribe.clear()
            self._bridge.forget(self)
        super().close()

    def _follow(self, job: LiveJob) -> None:
        if job.id in self._jobs:
            return
        self._snapshots[job.id] = job.snapshot
        self._jobs[job.id] = job
        self._news.put(job.id, job.snapshot)
        if job.snapshot.request.references:
            went_in = [*job.references, *([job.mask] if job.mask else [])]
            self._inputs[job.id] = {image.sha256: image for image in went_in}
            self._bridge.soon(self, f"line {job.id}", partial(self._trace, job), work=True)
        self._unsubscribe[job.id] = job.subscribe(partial(self._news.put, job.id))

    # On the bridge's thread.

    def _leave(self, job: LiveJob) -> None:
        """Follow a job no longer, and take it from the page and the twin."""
        self._unsubscribe.pop(job.id, lambda: None)()
        self._jobs.pop(job.id, None)
        self._snapshots.pop(job.id, None)
        self._inputs.pop(job.id, None)
        self.send({"type": "gone", "jobs": [job.id]})
        self.freeze_soon()

    def _deliver(self, news: Mapping[str, JobSnapshot]) -> None:
        """Take the newest snapshots: tell the page, and have what it needs made."""
        news = {job_id: snapshot for job_id, snapshot in news.items() if job_id in self._jobs}
        self._snapshots.update(news)
        self.send({"type": "rows", "rows": [self._row(snapshot) for snapshot in news.values()]})
        self.freeze_soon()
        self._seek_ways(news)
        for hearer in self._hearers:
            hearer(list(news.values()))
        for job_id, snapshot in news.items():
            if snapshot.images:
                self._note_images(self._jobs[job_id])

    def _trace(self, job: LiveJob) -> None:
        """Look in the ledger where a job's pictures come from: here, where neither page nor kernel waits for it."""
        self._lines[job.id] = str(job.lineage)
        self._news.put(job.id, job.snapshot)

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
            self._thumbs[sha256] = self._thumbnail(sha256)
        except (TokenLabError, OSError) as error:
            self.send({"type": "lost", "hash": sha256, "text": str(error)})
            return
        self._send_thumb(sha256)
        self.freeze_soon()

    def _thumbnail(self, sha256: str) -> bytes:
        return self._picture(sha256).thumbnail(THUMB_EDGE, THUMB_BYTES)

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

    # Values.

    def _row(self, snapshot: JobSnapshot) -> dict[str, object]:
        line, repeated = self._lines.get(snapshot.id, ""), self._repeated(snapshot.id)
        return self._with_ways(_tiles.row(snapshot, now=type(self).clock(), repeated=repeated, lineage=line), snapshot)

    def _picture(self, sha256: str) -> ImageResult:
        """A picture that came out of one of the jobs here, or went into one.

        Raises:
            LookupError: If it is neither: no other picture leaves for the page.
        """
        for known in (self._results, *list(self._inputs.values())):
            if sha256 in known:
                return known[sha256]
        raise LookupError("This picture belongs to no job here.")

    def _repeated(self, job_id: str) -> str:
        """The id of the newest job here that runs this one again; empty where there is none."""
        return next((each.id for each in reversed(list(self._snapshots.values())) if each.repeats == job_id), "")

    def _all_rows(self) -> list[dict[str, object]]:
        return [self._row(self._snapshots[job.id]) for job in self.jobs]

    def _twin_rows(self) -> list[FrozenPicture]:
        snapshots = [self._snapshots[job.id] for job in self.jobs]
        hashes = [image.sha256 for snapshot in snapshots for image in snapshot.images]
        edge, most = room().size(len(hashes))
        thumbs = {each: self._shrunk(each, self._thumbs[each], edge, most) for each in hashes if each in self._thumbs}
        return [row for each in snapshots for row in _tiles.frozen(each, thumbs, self._lines.get(each.id, ""))]

    def _twin_metadata(self) -> Mapping[str, Any]:
        """The contracts that the results were made with, for the doctor."""
        return self._pins.metadata(self.jobs, type(self).clock())

    # From the page.

    def _on_got(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._awaited.difference_update(message["hashes"])
        return None

    def _on_want(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        for sha256 in message["hashes"]:
            with suppress(LookupError):
                self._picture(sha256)
                self._send_soon(sha256)
        return None

    def _on_full(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        image = self._picture(message["hash"])
        return {"type": image.media_type, "name": image.name}, [stamped(image)]

    def _on_use(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        said = self._take(self._results[message["hash"]])
        self.show_error("")
        return {"said": said}

    def _on_act(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        job, action = self._jobs[message["job"]], message["action"]
        if action in _tiles.SENDING:
            # What sending needs may have to be asked for: no callback waits for that.
            job.fetch_model().add_done_callback(partial(self._send_soon_as, job, dict(message)))
            return LATER
        acts: dict[str, Callable[[], object]] = {
            "cancel": job.stop_waiting,
            "stop": job.stop_waiting,
            "resume": job.resume,
            "fetch": job.fetch_again,
            "look": job.look_again,
            "forget": partial(self._forget, job),
        }
        said = acts[action]()
        self.show_error("")
        return {"said": said or ""}

    def _on_packet(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        return {"text": json.dumps(self._jobs[message["job"]].support_packet(), indent=2)}

    # Acting.

    def _forget(self, job: LiveJob) -> str:
        """Set a job aside; return what to tell the user."""
        was_sent = job.snapshot.sent_at is not None
        job.forget()
        if was_sent:
            return f'Set aside. It stays in the ledger: session.history(status="{job.snapshot.status}") lists it.'
        return "Discarded: it was never sent."

    def _send_soon_as(self, job: LiveJob, message: Mapping[str, Any], answer: Answer[Any]) -> None:
        send = partial(self._send_job, job, message, answer)
        self._bridge.soon(self, f"send {job.id} {message.get('id')}", send, work=True)

    def _send_job(self, job: LiveJob, message: Mapping[str, Any], answer: Answer[Any]) -> None:
        """On the bridge's thread: send what the user has confirmed, and answer the page's question."""
        if self.comm is None:  # closed meanwhile: nobody would see what is paid for
            return
        try:
            found = answer.result()
            mends = message["type"] == "repair"
            said = self._send_mended(job, message["repair"], found) if mends else self._sent(job, message)
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs on the screen
            text = failure_text(error)
            self.show_error(text)
            self.refuse(message.get("id"), text)
            return
        self.show_error("")
        self.answer(message.get("id"), {"said": said})

    def _sent(self, job: LiveJob, message: Mapping[str, Any]) -> str:
        """Send, if all is still as it was when the page asked; a second page may have been quicker."""
        action, budget = message["action"], self.budget()
        known = self._repeated(job.id) == message.get("repeated", "")
        if not known or job.id not in self._jobs or action not in _tiles.actions(job.snapshot):
            raise ValidationError("This job has moved on meanwhile. Nothing was sent.", hint="Look at it first.")
        self._check_price(job)
        if action == "run":
            job.run(budget=budget)
            return ""
        return self._follow_again(job, job.run_again(budget=budget))

    def _check_price(self, job: LiveJob) -> None:
        """Send only at the price that the user was told last: the list may have changed since the job was made."""
        estimate, now = job.snapshot.estimate, job.price().words
        told = self._agreed.get(job.id) or (estimate or Estimate()).words
        if now != told and _costs.is_billed(job.snapshot):
            self._agreed[job.id] = now
            raise ValidationError(
                f"It was priced {told}, and is priced {now} today. Nothing was sent.", hint="Confirm it again."
            )

    def _follow_again(self, old: LiveJob, new: LiveJob) -> str:
        """Follow the job that runs another one again; return what to tell the user."""
        self._follow(new)
        self._news.put(old.id, old.snapshot)  # its row says now what it was run again as
        return ""
