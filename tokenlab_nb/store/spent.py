"""What the jobs of the ledger cost, and whether more still fits: asked inside the transaction that writes them."""

from __future__ import annotations

import sqlite3
from collections.abc import Collection, Sequence

from tokenlab_nb.contract.pricing import Estimate, Total, total
from tokenlab_nb.jobs.budget import Budget, Spending, check
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.store import statements

__all__ = ["fit", "spending"]


def spending(connection: sqlite3.Connection, origin: str, since: float) -> Spending:
    """What the jobs of this API that were made then or later cost."""
    found = connection.execute(statements.SPENDING, {"origin": origin, "since": since})
    return Spending.read(
        {charge: Total(low, high, jobs - unpriced, unpriced) for charge, low, high, jobs, unpriced in found}
    )


def fit(connection: sqlite3.Connection, drafts: Sequence[JobSnapshot], budgets: Collection[Budget]) -> None:
    """Refuse drafts of one API origin that might go over a budget.

    Raises:
        BudgetExceededError: If they might.
    """
    wanted = total(draft.estimate or Estimate() for draft in drafts)
    for budget in budgets:
        check(budget, spending(connection, drafts[0].origin, budget.since), wanted)
