"""What a job costs, told apart by what is known of the charge; and what is asked before one is sent."""

import pytest

from tests.unit.widgets.test_tiles import snapshot
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.jobs.job import JobStatus, Origin
from tokenlab_nb.settings import SANDBOX_URL
from tokenlab_nb.widgets import _costs

S = JobStatus
RANGE, ONE, FREE, NONE, FROM = (
    Estimate(0.02, 0.08),
    Estimate(0.04, 0.04),
    Estimate(0.0, 0.0),
    Estimate(),
    Estimate(0.02, None),
)
BILL = {"billing_transaction_id": "txn_1"}


@pytest.mark.parametrize(
    ("status", "changes", "told"),
    [
        (S.PENDING, {"estimate": RANGE}, "$0.02 - $0.08 reserved"),
        (S.COMPLETED, {"estimate": ONE, **BILL}, "$0.04 charged"),
        (S.UNKNOWN, {"estimate": RANGE}, "$0.02 - $0.08 perhaps charged"),
        (S.PENDING, {"estimate": FROM}, "$0.02 or more reserved"),
        (S.PENDING, {"estimate": NONE}, "price unknown"),
        (S.PENDING, {}, ""),
        (S.COMPLETED, {"estimate": NONE, **BILL}, "charged, amount not stated"),
        (S.COMPLETED, BILL, "charged, amount not stated"),
        (S.UNKNOWN, {"estimate": NONE}, "perhaps charged, amount not stated"),
        (S.COMPLETED, {"estimate": FREE}, "free"),
        (S.FAILED, {"estimate": RANGE}, ""),
        (S.FAILED, {"estimate": FREE}, ""),
        (S.FAILED, {"estimate": ONE, "origins": (Origin(url="http://x/y"),)}, "$0.04 reserved"),
        (S.CANCELLED, {"estimate": RANGE}, ""),
        (S.DRAFT, {"estimate": ONE, "waiting_stopped": True}, "$0.04, not spent"),
        (S.DRAFT, {"waiting_stopped": True}, "price unknown, not spent"),
    ],
)
def test_the_price_is_told_by_what_is_known_of_the_charge(status, changes, told):
    assert _costs.price(snapshot(status, **changes)) == told


@pytest.mark.parametrize(
    ("estimate", "told"), [(RANGE, "would cost $0.02 - $0.08"), (FREE, ""), (NONE, ""), (None, "")]
)
def test_in_the_sandbox_it_would_cost(estimate, told):
    assert _costs.price(snapshot(S.COMPLETED, origin=SANDBOX_URL, estimate=estimate, **BILL)) == told


@pytest.mark.parametrize(
    ("action", "changes", "text", "button"),
    [
        (
            "again",
            {"estimate": RANGE},
            "It may have been carried out and paid for already. Running it again may cost $0.02 - $0.08 again.",
            "Run again and pay",
        ),
        (
            "again",
            {"estimate": NONE},
            "It may have been carried out and paid for already. Running it again is paid for again.",
            "Run again and pay",
        ),
        (
            "again",
            {"estimate": FREE},
            "It may have been carried out and paid for already. By the price list it is free.",
            "Run again",
        ),
        (
            "again",
            {"origin": SANDBOX_URL, "estimate": RANGE},
            "It may have been carried out already. In the sandbox nothing is billed.",
            "Run again",
        ),
        ("run", {"estimate": ONE}, "It was not sent yet. Running it may cost $0.04.", "Run and pay"),
        ("run", {}, "It was not sent yet. Running it is paid for; its price is not stated.", "Run and pay"),
        ("run", {"origin": SANDBOX_URL}, "It was not sent yet. In the sandbox nothing is billed.", "Run"),
    ],
)
def test_what_is_asked_before_it_is_sent(action, changes, text, button):
    assert _costs.question(snapshot(S.UNKNOWN, **changes), action) == {"text": text, "button": button}
