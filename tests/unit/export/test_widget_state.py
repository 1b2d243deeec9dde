"""Saved widget state: what GitHub refuses is mended, pictures are taken out, orphans show their text."""

from __future__ import annotations

import copy

import nbformat
import pytest

from tests.unit.export.notebooks import STATE, VIEW, bundle, code, model, noise, notebook, view
from tokenlab_nb.export.findings import Finding
from tokenlab_nb.export.widget_state import treat_widgets

VERSION = {"version_major": 2, "version_minor": 0}


def treated(tree) -> list[Finding]:
    """What is found, and that a second look finds none of what was mended."""
    found = list(treat_widgets(tree))
    again = list(treat_widgets(copy.deepcopy(tree)))
    assert [each for each in found if not each.mended] == again
    return found


@pytest.mark.parametrize(
    ("widgets", "after"),
    [
        ({STATE: {"m1": model()}}, {STATE: {"state": {"m1": model()}, **VERSION}}),
        ({STATE: {**VERSION, "m1": model()}}, {STATE: {**VERSION, "state": {"m1": model()}}}),
        (
            {STATE: {**VERSION, "state": {"m1": model()}, "m2": model()}},
            {STATE: {**VERSION, "state": {"m2": model(), "m1": model()}}},
        ),
        ({STATE: {"state": {"m1": model()}}}, {STATE: {"state": {"m1": model()}, **VERSION}}),
        ({STATE: {"state": {}, "version_major": "2"}}, {STATE: {"state": {}, **VERSION}}),
        (
            {STATE: {**VERSION, "state": {"m1": model(), "m2": {"x": 1}, "m3": 3}}},
            {STATE: {**VERSION, "state": {"m1": model()}}},
        ),
        ({STATE: {}}, None),
        ({STATE: []}, None),
        ({"other": {"views": []}, STATE: {"state": {}, **VERSION}}, {STATE: {"state": {}, **VERSION}}),
        ([], None),
        ("x", None),
    ],
)
def test_what_github_refuses_is_mended(widgets, after):
    tree = notebook(widgets=widgets)
    found = treated(tree)
    assert found
    assert all(each.sort == "widgets" and each.mended and each.message for each in found)
    assert tree["metadata"].get("widgets") == after
    nbformat.validate(nbformat.from_dict(tree))


@pytest.mark.parametrize("widgets", [{STATE: {"state": {"m1": model()}, **VERSION}}, {"other": {"state": {"a": 1}}}])
def test_what_is_right_stays_as_it_is(widgets):
    views = [view("m1")] if STATE in widgets else []
    tree = notebook(code("", *views), widgets=widgets)
    before = copy.deepcopy(tree)
    assert not treated(tree)
    assert tree == before


def test_another_version_is_told_and_left_alone():
    tree = notebook(widgets={STATE: {"state": {}, "version_major": 1, "version_minor": 0}})
    before = copy.deepcopy(tree)
    (found,) = treated(tree)
    assert "version 1" in found.message
    assert tree == before


def test_pictures_are_taken_out_of_the_state_and_other_binary_parts_are_not():
    picture = {"data": noise(), "encoding": "base64", "path": ["value"]}
    array = {"data": "AAAA" * 500, "encoding": "base64", "path": ["points"]}
    strange = [
        {"data": 3, "encoding": "base64"},
        {"data": "iVBOR", "encoding": "base64"},
        {"data": "x", "encoding": "hex"},
        7,
    ]
    state = {
        "m1": model(buffers=[picture]),
        "m2": model(buffers=[array, picture, *strange]),
        "m3": model(buffers="none"),
        "m4": model(buffers=[array]),
    }
    tree = notebook(widgets={STATE: {"state": state, **VERSION}})
    (found,) = treated(tree)
    assert (found.sort, found.mended) == ("pixels", True)
    assert "2 pictures (321" in found.message
    assert state == {
        "m1": model(),
        "m2": model(buffers=[array, *strange]),
        "m3": model(buffers="none"),
        "m4": model(buffers=[array]),
    }


def test_a_widget_whose_state_is_nowhere_shows_its_text_from_then_on():
    tree = notebook(
        code("", view("m1", **{"text/plain": ["a bar"]})), code("", view("m2")), code("", bundle({VIEW: "x", "a": "b"}))
    )
    first, second, third = treated(tree)
    assert first.note
    assert second.note
    assert (first.place, first.mended) == ("cell 1, output 1", True)
    assert (second.place, second.mended) == ("cell 2, output 1", False)
    assert third.place == "cell 3, output 1"
    assert tree["cells"][0]["outputs"][0]["data"] == {"text/plain": ["a bar"]}
    assert VIEW in tree["cells"][1]["outputs"][0]["data"]


def test_a_widget_with_a_frozen_twin_beside_it_stays_alive():
    tree = notebook(code("", view("m1", **{"text/plain": "a bar"}), bundle({"text/html": "<table>"})), widgets={})
    before = copy.deepcopy(tree)
    del before["metadata"]["widgets"]
    assert not treated(tree)
    assert tree == before


def test_where_state_is_saved_a_widget_that_is_not_in_it_is_a_finding():
    tree = notebook(
        code("", view("m2", **{"text/plain": "a bar"})), widgets={STATE: {"state": {"m1": model()}, **VERSION}}
    )
    (found,) = treated(tree)
    assert not found.note
