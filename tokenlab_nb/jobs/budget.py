"""What may be spent, what was, and whether a request still fits. Pure.

The service answers without a cost, so a job counts with what its price list said at most: *reserved* until a charge is
heard of, *settled* from then on (``billing_transaction_id``), *unknown* where nobody knows whether it was carried out.
The service releases what a failed or cancelled task had reserved (the vendor's billing guide).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from tokenlab_nb.contract.describe import money
from tokenlab_nb.contract.pricing import Total
from tokenlab_nb.errors import BudgetExceededError
from tokenlab_nb.jobs.job import Charge

_ROUNDING = 1e-9  # dollars: sums of prices such as 0.1 must not fail by a bit of the last digit


@dataclass(frozen=True, slots=True)
class Budget:
    """A limit on spending.

    Attributes:
        limit: US dollars.
        since: From when on jobs count, in seconds since 1970. All jobs of the data folder at one API count, whichever
            kernel ran them: several kernels share what is left.
        allow_unknown_price: Whether a request may be sent whose price nobody states. It counts as nothing then.
    """

    limit: float
    since: float = 0.0
    allow_unknown_price: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Spending:
    """What the jobs of one API origin cost, by what is known of the charge. Amounts in US dollars.

    Attributes:
        reserved: On their way or done, no charge heard of.
        settled: Charged: a billing id came.
        unknown: Of unknown outcome: perhaps carried out and charged, perhaps not.
    """

    reserved: Total = field(default_factory=Total)
    settled: Total = field(default_factory=Total)
    unknown: Total = field(default_factory=Total)

    @classmethod
    def read(cls, totals: Mapping[str, Total]) -> Spending:
        """Put it together from totals by `Charge`."""
        return cls(*(totals.get(charge.value, Total()) for charge in (Charge.RESERVED, Charge.SETTLED, Charge.UNKNOWN)))

    @property
    def most(self) -> float:
        """What it may all come to, in US dollars, jobs without a stated price aside."""
        return self.reserved.high + self.settled.high + self.unknown.high

    @property
    def unpriced(self) -> int:
        """Jobs whose price nobody states."""
        return self.reserved.unknown + self.settled.unknown + self.unknown.unknown

    def __repr__(self) -> str:
        return f"Spending({self})"

    def __str__(self) -> str:
        parts = (("settled", self.settled), ("reserved", self.reserved), ("of unknown outcome", self.unknown))
        told = [f"{total.words} {name}" for name, total in parts if total.words]
        return ", ".join(told) or "nothing spent"


def check(budget: Budget, spent: Spending, wanted: Total) -> None:
    """Refuse what might go over a budget.

    Args:
        budget: The limit.
        spent: What counts against it already.
        wanted: What is to be sent.

    Raises:
        BudgetExceededError: If it might, or if a price is unknown, also an earlier one, and the budget does not allow
            that.
    """
    if spent.unpriced and not budget.allow_unknown_price:
        raise BudgetExceededError(
            f"The price of {spent.unpriced} earlier job{'' if spent.unpriced == 1 else 's'} is not known, so nobody "
            f"can say what is left of the budget of {money(budget.limit)}. Nothing was sent.",
            hint="Allow it: allow_unknown_price=True (a tick in the Studio). The budget of a new session begins anew.",
        )
    if wanted.unknown and not budget.allow_unknown_price:
        which = "The price is" if wanted.unknown == 1 else f"{wanted.unknown} prices are"
        raise BudgetExceededError(
            f"{which} not stated, so nobody can say whether the budget of {money(budget.limit)} holds. "
            "Nothing was sent.",
            hint="Choose a model with a stated price, or allow it: allow_unknown_price=True (a tick in the Studio).",
        )
    left = budget.limit - spent.most
    if wanted.high > left + _ROUNDING:
        raise BudgetExceededError(
            f"This might cost {money(wanted.high)}, and of the budget of {money(budget.limit)} only "
            f"{money(max(0.0, left))} are left ({spent}). Nothing was sent."
        )
