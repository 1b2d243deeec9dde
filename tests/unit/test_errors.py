"""The error tree: what it says, what it knows, and that it survives ledger and pickle."""

from __future__ import annotations

import copy
import json
import pickle
from dataclasses import MISSING, dataclass, fields
from types import MappingProxyType

import pytest

from tokenlab_nb import errors
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.errors import (
    Facts,
    ImageError,
    InsufficientBalanceError,
    NotFoundError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    ValidationError,
    WaitTimeoutError,
    from_record,
)

KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, TokenLabError)
]  # fmt: skip
FACTS = Facts(
    status=400,
    code="unsupported_parameter",
    type="invalid_request_error",
    param="size",
    model="model-a",
    hint="Leave size out.",
    did_you_mean="model-b",
    suggestions=("model-b", "model-c"),
    retryable=False,
    retry_after=0.0,
    balance_usd=0.0,
    estimated_cost_usd=0.25,
    request_id="req-1",
    endpoint="POST /v1/images/generations",
    details={"allowed_sizes": ["1024x1024"], "deep": {"n": 1}},
)


@dataclass(frozen=True)
class Wrong:
    field: str
    message: str
    remedy: str = ""


def test_every_kind_is_named_in_the_drawn_tree_and_exported() -> None:
    assert errors.__doc__
    for kind in KINDS:
        assert kind.__name__ in errors.__doc__
        assert kind.__name__ in errors.__all__


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_is_caught_by_the_root_and_says_what_to_do(kind: type[TokenLabError]) -> None:
    error = kind("It went wrong.")
    assert isinstance(error, TokenLabError)
    assert str(error) == f"It went wrong. {error.hint}".strip()
    assert error.facts == Facts()
    assert kind in (TokenLabError, NotFoundError) or error.hint


def test_network_and_waiting_errors_are_the_builtin_ones_too() -> None:
    with pytest.raises(ConnectionError):
        raise TransportError("No route.")
    with pytest.raises(TimeoutError):
        raise WaitTimeoutError("Still running.")
    assert WaitTimeoutError("Still running.").args == ("Still running.",)


def test_facts_are_attributes() -> None:
    error = RateLimitError("Too many.", facts=FACTS)
    assert (error.status, error.code, error.param) == (400, "unsupported_parameter", "size")
    assert (error.request_id, error.retry_after, error.retryable) == ("req-1", 0.0, False)
    assert error.did_you_mean == "model-b"


def test_a_hint_given_wins_over_the_services_and_that_over_ours() -> None:
    assert ServiceError("x", facts=FACTS, hint="Mine.").hint == "Mine."
    assert ServiceError("x", facts=FACTS).hint == "Leave size out."
    assert ServiceError("x").hint == ServiceError.default_hint


def test_the_text_ends_with_the_request_id_and_does_not_say_the_hint_twice() -> None:
    assert str(ServiceError("It failed.", facts=FACTS)) == "It failed. Leave size out. (request id req-1)"
    assert (
        str(ServiceError("It failed: Leave size out.", facts=FACTS)) == "It failed: Leave size out. (request id req-1)"
    )


def test_no_money_says_how_much_is_missing_where_that_is_known() -> None:
    assert str(InsufficientBalanceError("No money.", facts=FACTS)).endswith("Balance $0, needed about $0.25.")
    for partly in (Facts(), Facts(balance_usd=1.0), Facts(estimated_cost_usd=1.0)):
        assert "$" not in str(InsufficientBalanceError("No money.", facts=partly))


def test_not_found_suggests_a_name_once() -> None:
    assert str(NotFoundError("No model x.", facts=Facts(did_you_mean="y-1"))) == "No model x. Did you mean 'y-1'?"
    assert str(NotFoundError("No model x; try y-1.", facts=Facts(did_you_mean="y-1"))).count("y-1") == 1
    assert str(NotFoundError("No model x.")) == f"No model x. {NotFoundError.default_hint}"


def test_issues_give_the_hint_each_remedy_once() -> None:
    rows = [Wrong("size", "too big", "Use auto."), Wrong("n", "too many", "Use auto."), Wrong("seed", "odd")]
    error = ValidationError("Two fields are wrong.", issues=rows)
    assert error.issues == tuple(rows)
    assert error.hint == "Use auto."
    assert ValidationError("x", issues=rows, facts=FACTS).hint == "Leave size out."
    assert ValidationError("x", issues=rows, hint="Mine.").hint == "Mine."
    assert ValidationError("x").hint == ValidationError.default_hint


def test_the_example_sets_every_fact() -> None:
    """So that a new fact cannot be forgotten in the round trip."""
    for item in fields(Facts):
        assert item.default is MISSING or getattr(FACTS, item.name) != item.default, item.name


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_survives_the_ledger_with_all_its_facts(kind: type[TokenLabError]) -> None:
    error = kind("It went wrong.", facts=FACTS, hint="Do this.")
    back = from_record(json.loads(json.dumps(error.to_record())))
    assert type(back) is kind
    assert (str(back), back.hint, back.facts) == (str(error), error.hint, FACTS)


def test_issues_survive_the_ledger() -> None:
    error = ValidationError("Wrong.", issues=[Wrong("size", "too big", "Use auto."), Wrong("n", "too many")])
    back = from_record(json.loads(json.dumps(error.to_record())))
    assert isinstance(back, ValidationError)
    assert [(row.field, row.message, row.remedy) for row in back.issues] == [
        ("size", "too big", "Use auto."),
        ("n", "too many", ""),
    ]
    assert back.to_record() == error.to_record()


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_can_be_pickled_and_copied(kind: type[TokenLabError]) -> None:
    """Notebooks send errors between processes (nbclient, multiprocessing)."""
    error = kind("It went wrong.", facts=FACTS)
    for twin in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(twin) is kind
        assert twin.to_record() == error.to_record()


def test_read_only_details_can_be_recorded() -> None:
    details = MappingProxyType({"allowed": ("a", "b"), "inner": MappingProxyType({"n": 1})})
    record = ServiceError("x", facts=Facts(details=details)).to_record()
    assert json.loads(json.dumps(record))["facts"]["details"] == {"allowed": ["a", "b"], "inner": {"n": 1}}


def test_details_from_outside_that_are_no_json_become_text() -> None:
    record = ServiceError("x", facts=Facts(details={"when": {1}})).to_record()
    assert json.loads(json.dumps(record))["facts"]["details"] == {"when": "{1}"}


def test_a_record_holds_only_what_is_known() -> None:
    assert ServiceError("x", facts=Facts(retry_after=0.0, retryable=False)).to_record()["facts"] == {
        "retryable": False,
        "retry_after": 0.0,
    }


@pytest.mark.parametrize(
    ("record", "kind", "message"),
    [
        ({}, TokenLabError, ""),
        ({"kind": "ErrorOfNextYear", "message": "New."}, TokenLabError, "New."),
        ({"kind": "ImageError", "message": "Old.", "facts": None}, ImageError, "Old."),
        ({"kind": "ImageError", "message": "Newer.", "facts": {"mood": "bad", "code": "c"}}, ImageError, "Newer."),
        ({"kind": "ValidationError", "message": "Odd.", "issues": "none"}, ValidationError, "Odd."),
        ({"kind": "ValidationError", "message": "Odd.", "issues": [3, {"field": "n"}]}, ValidationError, "Odd."),
    ],
)
def test_strange_records_become_errors_all_the_same(
    record: dict[str, object], kind: type[TokenLabError], message: str
) -> None:
    error = from_record(record)
    assert type(error) is kind
    assert error.message == message


def test_protocol_of_issues_is_what_the_contract_gives() -> None:
    issue: errors.IssueLike = Issue("size", "is wrong", remedy="Use auto.")
    assert ValidationError("x", issues=[issue]).hint == "Use auto."
