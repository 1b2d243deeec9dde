"""The parts of a notebook's JSON."""

from __future__ import annotations

import pytest

from tokenlab_nb.export.cells import cells, joined, like, outputs


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ("a", "a"),
        (["a\n", "b"], "a\nb"),
        (["a\r", "b\x0c", "c\u2028", "d"], "a\rb\x0cc\u2028d"),
        (["a"], "a"),
        ([], None),
        (["a", "b"], None),
        (["a\n", 1], None),
        ({}, None),
        (None, None),
    ],
)
def test_lines_are_one_text_and_other_lists_are_none(value, text):
    assert joined(value) == text


def test_a_text_takes_the_form_of_the_one_before_it():
    assert like(["x"], "a\nb") == ["a\n", "b"]
    assert like("x", "a\nb") == "a\nb"


def test_what_is_no_cell_and_no_output_is_passed_over():
    tree = {"cells": [1, {"outputs": [None, {"a": 1}]}, {"outputs": 3}]}
    found = [(number, [place for place, _ in outputs(cell)]) for number, cell in cells(tree)]
    assert found == [(2, [2]), (3, [])]
