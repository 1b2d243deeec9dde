"""Refused jobs in a widget: ways to mend them are looked for, offered with their price, and sent once confirmed.

Message from the page: ``repair`` (``job``, and ``repair``, the label), after the user has confirmed it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from tokenlab_nb.contract.repair import Mended, can_be_mended
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.widgets import _costs
from tokenlab_nb.widgets._base import LATER, Buffers, Result, Widget
from tokenlab_nb.widgets._bridge import Bridge, Feed
from tokenlab_nb.widgets._live import LiveJob

_OFFERED = 2  # ways that a job offers at most


class Mending(Widget):
    """What `Pictures` does about refusals.

    Attributes:
        budget: Tells the limit, if any, that holds for what is sent from here, beside the session's own.
    """

    budget: Callable[[], Budget | None]
    _jobs: dict[str, LiveJob]
    _bridge: Bridge
    _news: Feed[JobSnapshot]

    def __init__(self, **values: Any) -> None:
        self._ways: dict[str, tuple[Mended, ...]] = {}  # by job
        self._mends: dict[str, str] = {}  # by job, the refused one that it mends
        self._by: dict[str, str] = {}  # by job, the label of the repair that made it
        self._sought: set[str] = set()
        self._waiting: deque[str] = deque()  # of the sought ones, those that no answer came for, in order
        super().__init__(**values)

    # On the bridge's thread. One job after another: what one had to read of a model, the next finds at hand.

    def _seek_ways(self, news: Mapping[str, JobSnapshot]) -> None:
        """Have ways looked for to mend what was refused; each job is looked at once."""
        refused = [each for each in news.values() if each.status is JobStatus.FAILED and can_be_mended(each.error)]
        fresh = [each.id for each in refused if each.id not in self._sought]
        self._sought.update(fresh)
        is_idle = not self._waiting
        self._waiting += fresh
        if is_idle:
            self._seek_next()

    def _seek_next(self) -> None:
        while self._waiting:
            job = self._jobs.get(self._waiting[0])
            with suppress(TokenLabError):  # its session is closed: there is no way any more
                if job:
                    job.fetch_repairs().add_done_callback(partial(self._note_ways_soon, job))
                    return
            self._waiting.popleft()

    def _note_ways_soon(self, job: LiveJob, answer: Answer[tuple[Mended, ...]]) -> None:
        self._bridge.soon(self, f"ways {job.id}", partial(self._note_ways, job, answer))

    def _note_ways(self, job: LiveJob, answer: Answer[tuple[Mended, ...]]) -> None:
        self._waiting.popleft()
        if not answer.exception() and answer.result():
            self._offer_ways(job, answer.result())
        self._seek_next()

    def _offer_ways(self, job: LiveJob, ways: Sequence[Mended]) -> None:
        self._ways[job.id] = tuple(ways[:_OFFERED])
        self._news.put(job.id, job.snapshot)

    def _with_ways(self, row: dict[str, Any], snapshot: JobSnapshot) -> dict[str, Any]:
        """A job's row with the ways to mend it, each an action with a question of its own.

        They come before the other actions, and stand in ``repairs`` with ``action``, ``label``, ``why`` and
        ``question``. ``mends`` and ``mended`` are the ids of the job that this one mends, and of the one that mends it;
        ``repair`` is the label of what was done to it, since it is not what was asked any more.
        """
        repairs = [
            {
                "action": f"repair:{each.repair.label}",
                "label": each.repair.label,
                "why": each.repair.why,
                "question": _costs.mending_question(snapshot, each),
            }
            for each in self._ways.get(snapshot.id, ())
        ]
        mends = self._mends.get(snapshot.id, "")
        return {
            **row,
            "actions": [*(each["action"] for each in repairs), *row["actions"]],
            "questions": {**row["questions"], **{each["action"]: each["question"] for each in repairs}},
            "repairs": repairs,
            "mends": mends,
            "repair": self._by.get(snapshot.id, ""),
            "mended": self._mended(snapshot.id),
            "ids": {**row["ids"], **({"Mends": mends} if mends else {})},
        }

    def _mended(self, job_id: str) -> str:
        """The id of the newest job here that mends this one; empty where there is none."""
        return next((new for new, old in reversed(self._mends.items()) if old == job_id), "")

    # From the page.

    def _on_repair(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        job = self._jobs[message["job"]]
        # Looked for once more: what is sent, and what it costs, is what the service says now.
        job.fetch_repairs().add_done_callback(partial(self._send_soon_as, job, dict(message)))
        return LATER

    def _send_soon_as(self, job: LiveJob, message: Mapping[str, Any], answer: Answer[Any]) -> None:
        raise NotImplementedError

    def _follow(self, job: LiveJob) -> None:
        raise NotImplementedError

    def _send_mended(self, job: LiveJob, label: str, ways: Sequence[Mended]) -> str:
        """Send what the user has confirmed, if it is still what was shown; return what to tell the user."""
        told = next((each for each in self._ways.get(job.id, ()) if each.repair.label == label), None)
        found = next((each for each in ways if each.repair.label == label), None)
        if told is None or found is None or job.id not in self._jobs:  # another page may have been quicker
            raise ValidationError("This job has moved on meanwhile. Nothing was sent.", hint="Look at it first.")
        was, now = told.price.words, found.price.words
        if found.request != told.request or (was != now and _costs.is_billed(job.snapshot)):
            self._offer_ways(job, ways)
            changed = f"It was priced {was}, and is priced {now} today" if was != now else "What is sent has changed"
            raise ValidationError(f"{changed}. Nothing was sent.", hint="Confirm it again.")
        new = job.repair(found.repair, budget=self.budget())
        self._mends[new.id], self._by[new.id] = job.id, label
        del self._ways[job.id]
        return self._repaired(job, new)

    def _repaired(self, old: LiveJob, new: LiveJob) -> str:
        """Follow the job that mends a refused one; return what to tell the user."""
        self._follow(new)
        self._news.put(old.id, old.snapshot)  # its row says now what it was mended as
        return ""
