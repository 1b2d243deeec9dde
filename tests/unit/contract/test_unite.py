from dataclasses import replace

import pytest

from tokenlab_nb.contract.model import GENERATIONS, Kind, Operation, Param, SizeRule
from tokenlab_nb.contract.unite import unite

N = Param("n", "integer", order=2, minimum=1, maximum=10)
QUALITY = Param("quality", "choice", label="Quality", order=1, choices=("low", "high"))


def model(name: str, *params: Param) -> tuple[str, Operation]:
    return name, Operation("text-to-image", GENERATIONS, {param.name: param for param in params})


def merged(one: Param, other: Param) -> Param:
    (row,) = unite([model("a", one), model("b", other)])
    return row.param


def test_rows_stand_in_the_order_of_the_controls_and_know_their_takers() -> None:
    rows = unite([model("a", N), model("b", N, QUALITY)])
    assert [(row.param.name, [name for name, _ in row.takers], row.by_all) for row in rows] == [
        ("quality", ["b"], False),
        ("n", ["a", "b"], True),
    ]


def test_one_model_is_its_own_union() -> None:
    (row,) = unite([model("a", QUALITY)])
    assert row.param is QUALITY


def test_nothing_chosen_has_no_rows() -> None:
    assert unite([]) == ()


def test_only_options_get_a_row() -> None:
    assert unite([model("a", Param("prompt", "text", role="prompt"))]) == ()


def test_bounds_are_the_widest() -> None:
    row = merged(replace(N, max_length=5), replace(N, minimum=0, maximum=4, max_length=9))
    assert (row.minimum, row.maximum, row.max_length) == (0, 10, 9)


def test_a_bound_that_one_model_does_not_state_is_no_bound() -> None:
    row = merged(N, replace(N, maximum=None))
    assert (row.minimum, row.maximum) == (1, None)


def test_closed_lists_join_and_stay_closed() -> None:
    row = merged(QUALITY, replace(QUALITY, choices=("high", "ultra")))
    assert (row.kind, row.choices, row.suggestions) == ("choice", ("low", "high", "ultra"), ())


def test_a_free_field_opens_the_list() -> None:
    row = merged(QUALITY, Param("quality", "string", suggestions=("hd",)))
    assert (row.kind, row.choices, row.suggestions) == ("string", (), ("low", "high", "hd"))


@pytest.mark.parametrize(
    ("one", "other", "kind"),
    [("choice", "string", "string"), ("text", "string", "string"), ("integer", "string", "json")],
)
def test_different_kinds_meet_in_the_wider_one(one: Kind, other: Kind, kind: Kind) -> None:
    assert merged(Param("x", one), Param("x", other)).kind == kind


def test_a_size_rule_counts_for_all_only_where_it_is_the_same() -> None:
    rule = SizeRule(16, 3840, 3, 1, 9)
    size = Param("size", "string", size_rule=rule)
    assert merged(size, size).size_rule == rule
    assert merged(size, replace(size, size_rule=None)).size_rule is None


def test_a_refusal_names_the_models_that_refuse() -> None:
    (row,) = unite([model("a", QUALITY), model("b", replace(QUALITY, choices=("ultra",)))])
    assert row.objections("ultra") == ('a: "ultra" is not taken here as quality. Choose one of low, high.',)


def test_a_refusal_by_all_is_said_once() -> None:
    (row,) = unite([model("a", N), model("b", N)])
    assert row.objections(11) == ("n cannot be 11. Give a whole number from 1 to 10.",)
    assert row.objections(3) == ()
