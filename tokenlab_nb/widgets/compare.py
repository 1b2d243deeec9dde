"""`CompareGrid`: a grid of results, to be looked at closely and judged."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any, ClassVar

import traitlets as t

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.export.frozen import FrozenPicture, freeze
from tokenlab_nb.export.languages import codes_of
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.sweep.plan import Cell
from tokenlab_nb.sweep.run import GridRun
from tokenlab_nb.widgets import _grid, _tiles
from tokenlab_nb.widgets._base import LATER, Buffers, Result, failure_text
from tokenlab_nb.widgets._bridge import Bridge
from tokenlab_nb.widgets._judging import Judging
from tokenlab_nb.widgets._live import LiveJob
from tokenlab_nb.widgets._twin import Twin, show
from tokenlab_nb.widgets._twinned import room

__all__ = ["CompareGrid"]

_HEAD_GAP = 0.4
_FIRST = 100  # pictures that are sent before a page has said what it shows: no more fit on a screen
_KEPT = 300  # thumbnails in memory, beside those of the twin
_TWIN_PICTURES = 100
_TWIN_ROWS = 200
_SLICE = 0.02  # seconds of work between two looks at the news
_PAGES = 4  # pages whose view is remembered


class CompareGrid(Judging):
    """A grid of results: rows and columns, further axes as pages, all of them exchangeable.

    Every cell says from the start what is asked, adjusted or impossible, and what it costs; its picture, time and
    trouble follow. In the grid the arrows, Home, End, Page Up and Page Down move, Enter opens closely, ``i`` tells all
    about a cell, ``b`` makes it the one that others are held against, ``p`` keeps its row on top, ``h`` hides it,
    ``,`` and ``.`` go through its pictures; on a header ``p`` and ``h`` do the same to its row or column. Only cells in
    view are in the page, and only their thumbnails are asked for.

    Args:
        grid: What to show.
        title: Shown above the grid.

    Attributes:
        grid: What is shown.
        recall: What a button among a cell's details says that hands its request on; see `offer_recall`.
        table: Axes and cells, for the script; computed when a page asks.
    """

    libs: ClassVar[tuple[str, ...]] = (
        "pictures",
        "tiles",
        "actions",
        "twin",
        "gridstate",
        "copying",
        "celldetails",
        "gridcell",
        "gridbar",
        "gridview",
        "lookplace",
        "lookpixels",
        "lookpane",
        "lookhands",
        "lookchoice",
        "lookbar",
        "viewer",
        "votepair",
        "sitting",
        "ratings",
        "vote",
    )

    table = t.Dict().tag(sync=True, to_json=lambda _value, widget: widget._table())
    recall = t.Unicode("").tag(sync=True)

    def __init__(self, grid: GridRun, *, title: str = "Comparison", through: Bridge | None = None) -> None:
        self.grid = grid
        self._views: dict[str, frozenset[str]] = {}  # by page, the jobs that it shows
        self._left_to_send = _FIRST
        self._wanted: dict[str, None] = {}  # thumbnails to make and send; the newest wish comes first
        self._for_twin: dict[str, None] = {}  # thumbnails to make for the twin alone
        self._left_to_shrink = _TWIN_PICTURES
        asked = sum(take.request.count for take in grid.plan.takes.values())
        self._twin_size = room().size(min(_TWIN_PICTURES, asked))
        self._runs_again: dict[str, str] = {}
        self._told_jobs = self._jobs_by_cell()
        self._told_head: dict[str, object] = {}
        self._take_request: Callable[[ImageRequest], str] = lambda _request: ""
        super().__init__(grid.jobs, title=title, through=through)
        self.budget = lambda: grid.budget
        self._unsubscribe["grid"] = grid.subscribe(self._cells_soon)
        self._cells_soon()

    def _describe(self) -> str:
        return f"{len(self.grid.plan.cells)} cells"

    def offer_recall(self, label: str, take: Callable[[ImageRequest], str]) -> None:
        """Put a button among a cell's details that sets up elsewhere what the cell asked.

        Args:
            label: What it says.
            take: Gets the request; returns what to tell the user.
        """
        self._take_request = take
        self.recall = label

    # Values.

    def _table(self) -> dict[str, object]:
        return {**_grid.table(self.grid.plan, self._jobs_by_cell()), "head": self._head()}

    def _jobs_by_cell(self) -> dict[int, list[str]]:
        return {each.planned.index: [job.id for job in each.jobs] for each in self.grid.cells}

    def _head(self) -> dict[str, object]:
        return _grid.head(self.grid)

    def _repeated(self, job_id: str) -> str:
        return self._runs_again.get(job_id, "")

    def _jobs_by_key(self) -> dict[str, LiveJob]:
        pairs = (zip(each.planned.takes, each.jobs, strict=True) for each in self.grid.cells)
        return {take.key: job for pair in pairs for take, job in pair}

    # What took another job's place, stands in its cell.

    def _repaired(self, old: LiveJob, new: LiveJob) -> str:
        self._adopt(old, new)
        return super()._repaired(old, new)

    def _follow_again(self, old: LiveJob, new: LiveJob) -> str:
        self._adopt(old, new)
        super()._follow_again(old, new)
        return f"This cell runs {old.id} again, which stays in session.history()."

    def _adopt(self, old: LiveJob, new: LiveJob) -> None:
        for key, job in self._jobs_by_key().items():
            if job.id == old.id:
                self.grid.adopt_job(key, new)  # type: ignore[arg-type]  # the jobs of a grid are real ones

    # News, on the bridge's thread.

    def _follow(self, job: LiveJob) -> None:
        if job.snapshot.repeats:
            self._runs_again[job.snapshot.repeats] = job.id
        super()._follow(job)

    def _deliver(self, news: Mapping[str, JobSnapshot]) -> None:
        super()._deliver(news)
        self._cells_soon()

    def _cells_soon(self) -> None:
        if "grid" in self._unsubscribe:  # not while the first jobs are still being taken in
            self._bridge.soon(self, "cells", self._tell_cells, gap=_HEAD_GAP)

    def _tell_cells(self) -> None:
        """Tell the page which cells got other jobs, and what stands above the grid now."""
        jobs = {job.id: job for job in self.grid.jobs}
        for job in [job for job_id, job in jobs.items() if job_id not in self._jobs]:
            self._follow(job)
        for old in [job for job_id, job in self._jobs.items() if job_id not in jobs]:
            self._leave(old)
        now, head = self._jobs_by_cell(), self._head()
        changed = {index: ids for index, ids in now.items() if ids != self._told_jobs.get(index)}
        if changed or head != self._told_head:
            self._told_jobs, self._told_head = now, head
            self.send({"type": "cells", "jobs": changed, "head": head})

    # Thumbnails: only what a page shows.

    def _note_images(self, job: LiveJob) -> None:
        for image in job.images:
            if image.sha256 in self._results:
                continue
            self._results[image.sha256] = image
            if self._left_to_shrink:
                self._left_to_shrink -= 1
                self._for_twin[image.sha256] = None
            if self._is_in_view(job):
                self._wanted[image.sha256] = None
        self._work_soon()

    def _is_in_view(self, job: LiveJob) -> bool:
        if self._views:
            return any(job.id in jobs for jobs in self._views.values())
        self._left_to_send -= 1
        return self._left_to_send >= 0

    def _send_soon(self, sha256: str) -> None:
        self._wanted.pop(sha256, None)
        self._wanted[sha256] = None
        self._work_soon()

    def _work_soon(self) -> None:
        if self._wanted or self._for_twin:
            self._bridge.soon(self, "work", self._work, work=True)

    def _work(self) -> None:
        """Make thumbnails for a moment: the wish that came last first, those of the twin after all wishes."""
        end = time.monotonic() + _SLICE
        while (self._wanted or self._for_twin) and time.monotonic() < end:
            self._work_once()
        self._work_soon()

    def _work_once(self) -> None:
        wished, act = (self._wanted, self._send_thumb) if self._wanted else (self._for_twin, self._shrink)
        sha256, _ = wished.popitem()
        try:
            if sha256 not in self._thumbs:
                self._thumbs[sha256] = self._thumbnail(sha256)
                for old in list(self._thumbs)[:-_KEPT]:
                    del self._thumbs[old]
            act(sha256)
        except (TokenLabError, OSError) as error:
            self.send({"type": "lost", "hash": sha256, "text": str(error)})

    # The twin.

    def take_place(self, twin: Twin) -> None:
        """Put the twin where there is a place for it: one that came by a press has no output of its own."""
        self.twin = twin
        self.freeze_soon()

    def leave_place(self) -> None:
        """Leave that place to another one."""
        self.twin = Twin(self.uid)

    def _ipython_display_(self, **_options: object) -> None:
        # The twin's pictures come when those of the page are on their way: they take longer than all the rest.
        self._frozen_content = None
        show(self, {self.twin: freeze([], **self._twin_facts(), room=room())})
        self.freeze_soon()

    def _shrink(self, sha256: str) -> None:
        """Make a picture of the twin: here, one by one, since all at once would hold up the news."""
        self._shrunk(sha256, self._thumbs[sha256], *self._twin_size)
        if not self._for_twin:
            self.freeze_soon()

    def _twin_rows(self) -> list[FrozenPicture]:
        cells = [(each.planned, [job.snapshot for job in each.jobs]) for each in self.grid.cells[:_TWIN_ROWS]]
        thumbs = {sha256: small for sha256, (_, small) in self._small.items()}
        rows = [row for planned, jobs in cells for row in self._frozen_cell(planned, jobs, thumbs)]
        return rows[:_TWIN_ROWS]

    def _frozen_cell(
        self, planned: Cell, snapshots: Sequence[JobSnapshot], thumbs: Mapping[str, bytes]
    ) -> list[FrozenPicture]:
        name = _grid.name(self.grid.plan, planned)
        prompt = str(planned.values.get("prompt") or "")
        if not snapshots:
            return [FrozenPicture(name, planned.status, prompt=prompt, problem=planned.reason)]
        told = " ".join(map(str, planned.differences))
        rows = [row for snapshot in snapshots for row in _tiles.frozen(snapshot, thumbs, told)]
        return [replace(row, model=name) for row in rows]

    def _twin_title(self) -> str:
        count = len(self.grid.plan.cells)
        more = f", the first {_TWIN_ROWS} rows of {count:,} cells" if count > _TWIN_ROWS else ""
        return f"{self.title or 'Comparison'}{more}"

    # From the page.

    def _on_visible(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._views.pop(message["page"], None)
        self._views[message["page"]] = frozenset(message["jobs"])
        for old in list(self._views)[:-_PAGES]:
            del self._views[old]
        # What was sent and not acknowledged yet is on its way, and is repeated if it gets lost.
        return self._on_want({"hashes": [each for each in message["hashes"] if each not in self._awaited]}, ())

    def _on_recall(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        said = self._take_request(self.grid.cells[message["cell"]].jobs[0].snapshot.request)
        self.show_error("")
        return {"said": said}

    def _on_code(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        codes = codes_of(*self.grid.cells[message["cell"]].coded())
        return {"text": codes.pop("code"), **codes}

    def _on_grid(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        acts: dict[str, Callable[[], object]] = {"pause": self.grid.pause, "stop": self.grid.stop}
        if message["action"] not in acts:
            self._when_read(partial(self._send_grid, dict(message)), f"grid {message['id']}")
            return LATER
        acts[message["action"]]()
        self.show_error("")
        self._cells_soon()
        return {"said": ""}

    def _when_read(self, send: Callable[[], object], name: str) -> None:
        """Do what sends on the bridge's thread, once what it needs of the models was read: nothing waits for that."""
        keys = [take.key for take in self.grid.to_retry()]
        jobs = {job.snapshot.request.model: job for key, job in self._jobs_by_key().items() if key in keys}
        left = [job.fetch_model() for job in jobs.values()]
        unread = list(left)

        def one_less(_answer: object) -> None:
            unread.pop()
            if not unread:
                self._bridge.soon(self, name, send, work=True)

        for answer in left:
            answer.add_done_callback(one_less)
        if not left:
            self._bridge.soon(self, name, send, work=True)

    def _send_grid(self, message: Mapping[str, Any]) -> None:
        """On the bridge's thread: send what the user has confirmed, and answer the page's question."""
        if self.comm is None:  # closed meanwhile: nobody would see what is paid for
            return
        try:
            self._sent_grid(message["action"], message["told"])
        except Exception as error:  # noqa: BLE001  whatever it was, it belongs on the screen
            self.refuse(message["id"], failure_text(error))
        else:
            self.show_error("")
            self.answer(message["id"], {"said": ""})
        self._cells_soon()

    def _sent_grid(self, action: str, told: str) -> None:
        """Send, if the question would still be the one that the user was asked."""
        questions: Any = self._head()["questions"]
        question = questions[action]
        if question is None or question["text"] != told:
            raise ValidationError("The grid has moved on meanwhile. Nothing was sent.", hint="Look at it first.")
        if action == "retry":
            self.grid.budget = self.budget()  # as it stands now: a Studio's may have been set anew since the grid ran
            self.grid.retry()
        else:
            self.grid.resume()
