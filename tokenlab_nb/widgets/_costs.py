"""What a job costs, in words, and what is asked before one is sent. No effects.

The service names no amount with its charge: amounts are those of the price list of the moment a job was made.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from tokenlab_nb.contract.repair import Mended
from tokenlab_nb.jobs.job import Charge, JobSnapshot
from tokenlab_nb.settings import SANDBOX_URL

_STATES: Mapping[Charge, str] = {
    Charge.RESERVED: "reserved",
    Charge.SETTLED: "charged",
    Charge.UNKNOWN: "perhaps charged",
}


def is_billed(snapshot: JobSnapshot) -> bool:
    """Whether it is paid for: in the sandbox nothing is."""
    return snapshot.origin != SANDBOX_URL


def price(snapshot: JobSnapshot) -> str:
    """Return what a job costs, by what is known of the charge; empty where there is nothing to say."""
    amount, state = _amount(snapshot), _STATES.get(snapshot.charge, "")
    if not is_billed(snapshot):
        return f"would cost {amount}" if amount and not _is_free(snapshot) else ""
    if snapshot.is_parked:
        return f"{amount or 'price unknown'}, not spent"
    if not state or _is_free(snapshot):
        return amount if state else ""
    if amount:
        return f"{amount} {state}"
    if snapshot.charge is Charge.RESERVED:
        return "price unknown" if snapshot.estimate else ""
    return f"{state}, amount not stated"


def question(snapshot: JobSnapshot, action: str) -> dict[str, str]:
    """Return what is asked before an action that sends.

    Args:
        snapshot: The job.
        action: ``run`` or ``again``.

    Returns:
        The ``text``, and what the ``button`` that sends says.
    """
    billed, verb = is_billed(snapshot), "Run again" if action == "again" else "Run"
    pays = billed and not _is_free(snapshot)
    paid = " and paid for" if billed else ""
    known = f"It may have been carried out{paid} already." if action == "again" else "It was not sent yet."
    return {"text": f"{known} {_consequence(snapshot, action)}", "button": f"{verb} and pay" if pays else verb}


def mending_question(snapshot: JobSnapshot, mended: Mended) -> dict[str, str]:
    """Return what is asked before a refused request is sent mended.

    Args:
        snapshot: The refused job.
        mended: What would be sent.

    Returns:
        As `question`.
    """
    priced, billed = replace(snapshot, estimate=mended.price), is_billed(snapshot)
    amount, free = _amount(priced), _is_free(priced)
    cost = f"Sending it may cost {amount}." if amount else "Sending it is paid for; its price is not stated."
    if not billed or free:
        cost = "By the price list it is free." if billed else "In the sandbox nothing is billed."
    text = (
        f"{mended.repair.label}: {mended.repair.why} {cost}" if mended.repair.why else f"{mended.repair.label}. {cost}"
    )
    return {"text": text, "button": "Send and pay" if billed and not free else "Send"}


def _consequence(snapshot: JobSnapshot, action: str) -> str:
    amount = _amount(snapshot)
    if not is_billed(snapshot):
        return "In the sandbox nothing is billed."
    if _is_free(snapshot):
        return "By the price list it is free."
    if action == "again":
        return f"Running it again may cost {amount} again." if amount else "Running it again is paid for again."
    return f"Running it may cost {amount}." if amount else "Running it is paid for; its price is not stated."


def _amount(snapshot: JobSnapshot) -> str:
    """The estimate in words; empty where neither its least nor its most is known."""
    known = snapshot.estimate
    return known.words if known and not (known.low is None and known.high is None) else ""


def _is_free(snapshot: JobSnapshot) -> bool:
    return bool(snapshot.estimate and snapshot.estimate.is_free)
