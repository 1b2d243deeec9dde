"""What may be spent: refused before it is sent, and told apart by what is known of the charge."""

from __future__ import annotations

import pytest

from tokenlab_nb.contract.pricing import Total
from tokenlab_nb.errors import BudgetExceededError
from tokenlab_nb.jobs.budget import Budget, Spending, check


def known(high: float, low: float = 0.0) -> Total:
    return Total(low, high, known=1)


UNPRICED = Total(unknown=1)


def test_what_fits_exactly_fits_for_all_that_floats_do() -> None:
    check(Budget(0.3), Spending(reserved=known(0.1), settled=known(0.1)), known(0.1))
    check(Budget(0.0), Spending(), known(0.0))


@pytest.mark.parametrize("which", ["reserved", "settled", "unknown"])
def test_everything_counts_with_the_most_that_it_may_cost(which: str) -> None:
    spent = Spending(**{which: known(0.08, low=0.02)})
    with pytest.raises(BudgetExceededError, match=r"might cost \$0\.05.* of \$0\.10 only \$0\.02 are left") as caught:
        check(Budget(0.10), spent, known(0.05))
    assert "Nothing was sent." in caught.value.message


def test_nothing_is_left_below_nothing() -> None:
    with pytest.raises(BudgetExceededError, match=r"only \$0(\.00)? are left"):
        check(Budget(0.1), Spending(settled=known(5.0)), known(0.01))


@pytest.mark.parametrize(("count", "words"), [(1, "The price is not stated"), (3, "3 prices are not stated")])
def test_a_price_that_nobody_states_is_refused_or_allowed(count: int, words: str) -> None:
    wanted = Total(0.0, 0.0, unknown=count)
    with pytest.raises(BudgetExceededError, match=words) as caught:
        check(Budget(10.0), Spending(), wanted)
    assert "allow_unknown_price=True" in caught.value.hint
    check(Budget(10.0, allow_unknown_price=True), Spending(reserved=UNPRICED), wanted)


def test_an_allowed_unknown_price_does_not_open_the_budget_for_known_ones() -> None:
    with pytest.raises(BudgetExceededError):
        check(Budget(0.1, allow_unknown_price=True), Spending(), Total(0.0, 0.2, known=1, unknown=1))


def test_spending_is_read_by_charge_and_told_apart() -> None:
    spent = Spending.read({"settled": known(0.02), "unknown": known(0.05), "none": known(9.0), "reserved": UNPRICED})
    assert (spent.most, spent.unpriced) == (pytest.approx(0.07), 1)
    assert spent == Spending(reserved=UNPRICED, settled=known(0.02), unknown=known(0.05))
    text = str(spent)
    assert text.index("settled") < text.index("reserved") < text.index("of unknown outcome")
    assert "1 unknown price reserved" in text
    assert str(Spending()) == "nothing spent"


def test_what_was_spent_at_no_stated_price_is_not_taken_for_nothing() -> None:
    with pytest.raises(BudgetExceededError, match="The price of 1 earlier job is not known") as caught:
        check(Budget(10.0), Spending(settled=UNPRICED), known(0.01))
    assert "allow_unknown_price=True" in caught.value.hint
    assert repr(Spending()) == "Spending(nothing spent)"
