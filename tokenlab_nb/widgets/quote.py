"""What a run will cost, what may be spent, and what was made before: the part of the Studio below its Run button."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import traitlets as t

from tokenlab_nb.contract.describe import date, money
from tokenlab_nb.contract.pricing import Estimate, total
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.widgets._base import Buffers, Result, Widget
from tokenlab_nb.widgets._bridge import bridge

if TYPE_CHECKING:
    from tokenlab_nb.contract.request import ImageRequest
    from tokenlab_nb.jobs.budget import Budget
    from tokenlab_nb.jobs.handle import Job
    from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus
    from tokenlab_nb.session import Session

__all__ = ["Quote"]

LOOK_GAP = 0.2
"""Seconds between two looks into the ledger while somebody types."""


class Quote(Widget):
    """Words about money, a field for the budget, and the completed twins of what Run would ask.

    Args:
        session: Where requests go.
        limit: The budget at first, in US dollars; None for none.
        drafts: Makes the requests that Run would send now, without asking anybody.
        show: Called with the jobs that were made before, when the user wants to see them.

    Attributes:
        price: What the run would cost, where the Run button does not say it.
        limit: What stands in the budget field.
        allow: Whether requests without a stated price are sent too.
        can_allow: Whether that is a question: with a budget, outside the sandbox.
        spent: What was spent, and what is left.
        twins: What was made before, in words; empty where nothing was.
        reveal: What the button says that shows it.
    """

    price = t.Unicode("").tag(sync=True)
    limit = t.Unicode("").tag(sync=True)
    allow = t.Bool(False).tag(sync=True)
    can_allow = t.Bool(False).tag(sync=True)
    spent = t.Unicode("").tag(sync=True)
    twins = t.Unicode("").tag(sync=True)
    reveal = t.Unicode("").tag(sync=True)

    def __init__(
        self,
        session: Session,
        *,
        limit: float | None = None,
        drafts: Callable[[], Sequence[ImageRequest]],
        show: Callable[[Sequence[Job]], object],
    ) -> None:
        self._session, self._drafts, self._show = session, drafts, show
        self._since: float | None = None
        self._found: list[Job] = []
        self._states: dict[str, tuple[JobStatus, Charge]] = {}
        self._take_limit(limit)
        super().__init__(limit="" if limit is None else f"{limit:g}", can_allow=self._is_question)

    def _describe(self) -> str:
        return f"budget {money(self._limit)}" if self._limit is not None else ""

    def close(self) -> None:
        """Stop looking, and free both ends."""
        bridge().forget(self)
        super().close()

    # ----------------------------------------------------------------------------------- the price

    def button(self, estimates: Sequence[Estimate]) -> str:
        """Tell what the Run button says of requests that may cost this. In the sandbox the line below says it."""
        count, words = len(estimates), total(estimates).words
        run = f"Run {count:,} request{'' if count == 1 else 's'}"
        if self._session.is_billed:
            self.price = ""
            return f"{run}, {words}" if words else run
        self.price = words and f"Nothing is billed here; at the service: {words}."
        return run

    # ---------------------------------------------------------------------------------- the budget

    @property
    def budget(self) -> Budget | None:
        """The budget that is set; it counts from the moment it was.

        Raises:
            ValidationError: If what stands in the field is no amount.
        """
        self._read_limit(self.limit)
        if self._limit is None:
            return None
        return self._session.budget_of(self._limit, self._since, allow=self.allow)

    @property
    def _is_question(self) -> bool:
        return self._limit is not None and self._session.is_billed

    def _take_limit(self, limit: float | None) -> None:
        """Set the limit. A changed one goes on counting; where there was none, it begins now."""
        if limit is not None:
            self._since = self._session.budget_of(limit, self._since).since
        else:
            self._since = None
        self._limit = limit

    @staticmethod
    def _read_limit(text: str) -> float | None:
        """The amount in the field; None where it is empty."""
        plain = text.strip().removeprefix("$").strip()
        try:
            limit = float(plain) if plain else None
        except ValueError:
            limit = math.nan
        if limit is not None and not (math.isfinite(limit) and limit >= 0):
            raise ValidationError(f"The budget {text!r} is no amount.", hint="Write US dollars, such as 2.50.")
        return limit

    def _on_budget(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self.limit = str(message["text"])
        self._take_limit(self._read_limit(self.limit))
        self.can_allow = self._is_question
        self.show_error("")
        self.look()
        return None

    def _on_allow(self, message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self.allow = bool(message["on"])
        self.show_error("")
        return None

    # ---------------------------------------------------------------------------------- the ledger

    def hear(self, snapshots: Sequence[JobSnapshot]) -> None:
        """Look again where news of jobs may change the spending or what was made: a progress figure does not."""
        states = {each.id: (each.status, each.charge) for each in snapshots}
        if any(self._states.get(job_id) != state for job_id, state in states.items()):
            self._states.update(states)
            self.look()

    def look(self) -> None:
        """Look into the ledger soon, on the bridge's thread: from any thread, as often as one likes."""
        bridge().soon(self, "look", self._look, gap=LOOK_GAP)

    def _look(self) -> None:
        if self._session.is_closed:
            return
        self.spent = self._spending()
        requests = self._drafts()
        self._found = [found for request in requests if (found := self._session.twin(request))]
        self.twins = self._made_before(len(requests))
        which = "it" if len(self._found) == 1 else "them"
        self.reveal = f"Show {which}, costs nothing" if self._found else ""

    def _spending(self) -> str:
        own = None if self._limit is None else self._session.budget_of(self._limit, self._since)
        limits = (("", own), ("The session's budget: ", self._session.budget))
        return " ".join(f"{name}{self._left(budget)}" for name, budget in limits if budget)

    def _left(self, budget: Budget) -> str:
        spent = self._session.spent_under(budget)
        return f"{spent}; {money(max(0.0, budget.limit - spent.most))} of {money(budget.limit)} left."

    def _made_before(self, count: int) -> str:
        if not self._found:
            return ""
        newest = datetime.fromtimestamp(max(job.snapshot.created_at for job in self._found))  # local, for people
        when = f"{date(newest.isoformat())}, {newest:%H:%M}"
        which = "" if count == 1 else f": {len(self._found)} of {count} requests"
        anew = "it" if len(self._found) == 1 else "them"
        return f"Made before{which} ({when}). Run makes {anew} anew."

    def _on_show(self, _message: Mapping[str, Any], _buffers: Buffers) -> Result:
        self._show(list(self._found))
        return None
