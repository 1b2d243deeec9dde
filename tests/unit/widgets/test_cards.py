"""Cards as values: names, addresses without their secrets, issues, and what the page draws."""

import json
from dataclasses import replace

import pytest

from tokenlab_nb.contract.model import EDITS, Issue, Operation, Param
from tokenlab_nb.contract.references import Source
from tokenlab_nb.widgets import _cards
from tokenlab_nb.widgets._cards import Card

FIELDS = {name: Param(name, "json", role="reference") for name in ("image", "images")}
EDIT = Operation(name="image-edit", endpoint=EDITS, params=FIELDS, shape_mode="json_or_multipart", max_references=2)
SIGNED = "https://user:pass@images.example.org/a/fox.png?X-Amz-Signature=SECRET#SECRET"


def local(number=1, **changes):
    source = Source(sha256=f"{number:064x}", media_type="image/png", size=2000, width=10, height=20)
    return Card(f"k{number}", f"{number}.png", "ready", replace(source, **changes), thumb=source.sha256)


def at(url, **changes):
    return Card("address", "fox.png", "ready", Source(url=url), **changes)


def drawn(*cards, **operations):
    found = _cards.issues(cards, operations, "")
    return _cards.rows(cards, found, operations)


def texts(row):
    return [note["text"] for note in row["notes"]]


@pytest.mark.parametrize(
    ("number", "word"), [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (13, "13th"), (21, "21st")]
)
def test_places_have_words(number, word):
    assert _cards.ordinal(number) == word


@pytest.mark.parametrize(
    ("name", "clean"),
    [
        ("fox.png", "fox.png"),
        ("  a\n b\x00c ", "a b c"),
        ("gnp.\u202eexe", "gnp. exe"),
        ("", "picture"),
        ("\u200b", "picture"),
        ("x" * 500, "x" * 119 + "\u2026"),
        ("<img src=x>", "<img src=x>"),
    ],
)
def test_a_name_becomes_one_visible_line(name, clean):
    assert _cards.clean_name(name) == clean


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://a.org/fox.png", "https://a.org/fox.png"),
        (SIGNED, "https://images.example.org/a/fox.png?\u2026"),
        ("HTTPS://a.org/x?t=SECRET", "HTTPS://a.org/x?\u2026"),
        ("https://a.org/x#SECRET", "https://a.org/x?\u2026"),
        ("https://a.org/x?a=1 &t=SECRET", "https://a.org/x?\u2026"),
        ("https://a.org?t=SECRET", "https://a.org?\u2026"),
    ],
)
def test_an_address_is_shown_without_what_opens_doors(url, shown):
    assert _cards.shown_address(url) == shown


def test_texts_lose_the_queries_of_all_addresses():
    spaced = "https://a.org/x?a=1 &t=SECRET"
    text = _cards.without_queries(f"{spaced} is bad; {SIGNED} too.", [spaced])
    assert text == "https://a.org/x?\u2026 is bad; https://images.example.org/a/fox.png?\u2026 too."


def test_a_host_that_cannot_be_read_is_empty():
    assert _cards.host_of("https://[::1/x") == ""
    assert _cards.host_of("https://a.org:8080/x") == "a.org"


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ((1024, 768, "image/png", 1_234_567), "1,024 \u00d7 768 pixels \u00b7 PNG \u00b7 1.2 MB"),
        ((10, 20, "image/jpeg", 20), "10 \u00d7 20 pixels \u00b7 JPEG \u00b7 1 kB"),
        ((0, 0, "image/tiff", 0), "image/tiff"),
        ((0, 0, "", 0), ""),
    ],
)
def test_facts_stand_in_one_line(facts, words):
    assert _cards.fact_words(*facts).replace("\u00a0", " ") == words


def test_rows_are_json_and_hold_no_query():
    cards = (local(), at(SIGNED), Card("k", "x", "coming"), replace(at("https://10.0.0.1/x?t=SECRET"), key="b"))
    rows = drawn(*cards, model=EDIT)
    assert "SECRET" not in json.dumps(rows)
    assert [row["kind"] for row in rows] == ["picture", "address", "file", "address"]
    assert rows[0]["facts"] == "10\u00a0\u00d7\u00a020\u00a0pixels \u00b7 PNG \u00b7 2\u00a0kB"
    assert rows[1]["address"] == "https://images.example.org/a/fox.png?\u2026"
    assert "private" in texts(rows[3])[0]


def test_a_bad_address_is_told_before_any_model_is_chosen():
    found = _cards.issues([local(), at("https://localhost/x?t=SECRET")], {}, "https://api.example.org")
    assert [issue.field for issue in found] == ["references[1]"]
    assert "localhost" in found[0].message


def test_the_apis_own_pictures_are_fine():
    assert _cards.issues([at("http://localhost:8765/x")], {}, "http://localhost:8765") == ()


def test_what_holds_for_all_models_is_said_once_and_else_with_the_model():
    private = at("https://10.0.0.1/x")
    both = _cards.issues([private], {"one": EDIT, "two": EDIT}, "")
    assert [issue.message.startswith("https://") for issue in both] == [True]
    three = [local(number) for number in range(3)]
    differ = _cards.issues(three, {"one": EDIT, "two": replace(EDIT, max_references=3)}, "")
    assert [issue.message.split(":")[0] for issue in differ] == ["one"]
    assert differ[0].field == "references"


def test_notes_stand_at_the_present_place_of_their_picture():
    note = Issue("references[7]", "It is turned upright.", severity="warning")
    refused = Card("r", "r", "refused", notes=(Issue("references", "It is no picture.", remedy="Use PNG."),))
    cards = [refused, local(1), replace(local(2), notes=(note,))]
    assert [issue.field for issue in _cards.issues(cards, {}, "")] == ["references[1]"]
    rows = drawn(*cards)
    assert texts(rows[0]) == ["It is no picture. Use PNG."]
    assert [row["notes"] for row in rows[1:]] == [[], [{"text": "It is turned upright.", "bad": False}]]


def test_cards_beyond_a_limit_say_for_which_model():
    none = replace(EDIT, name="text-to-image")
    cards = [local(1), local(2), Card("k", "k", "refused"), Card("c", "c", "coming")]
    rows = drawn(*cards, one=EDIT, two=EDIT, many=replace(EDIT, max_references=9))
    assert texts(rows[1]) == []
    assert texts(rows[2]) == []
    assert texts(rows[3]) == ["One too many for one, two: 2 at most."]
    assert texts(drawn(local(1), words=none)[0])[-1] == "One too many for words: no pictures."


def test_the_same_picture_twice_is_allowed_and_told():
    prepared = replace(local(3), source=replace(local(3).source, of=local(1).source.sha256))
    rows = drawn(local(1), local(2), prepared, at(SIGNED), replace(at(SIGNED), key="again"))
    assert [texts(row) for row in rows[:3]] == [[], [], ["The same picture as the 1st."]]
    assert texts(rows[4])[-1] == "The same picture as the 4th."


def test_limits_are_said_once_for_all_models_that_they_hold_for():
    limits = _cards.limit_rows({"one": EDIT, "two": EDIT, "three": replace(EDIT, max_references=3)})
    assert [row["models"] for row in limits] == ["one, two", "three"]
    assert "3" in limits[1]["words"]


def test_a_checked_address_shows_what_was_found():
    note = Issue("references", "Checked from here: it was not reached.", severity="warning")
    rows = drawn(at("https://a.org/x", facts="10 \u00d7 20 pixels", thumb="f" * 64, checks=(note,)))
    assert (rows[0]["facts"], rows[0]["thumb"]) == ("10 \u00d7 20 pixels", "f" * 64)
    assert texts(rows[0]) == ["Checked from here: it was not reached."]


@pytest.mark.parametrize(
    ("key", "before", "behind", "order"),
    [
        ("a", None, False, "bca"),
        ("a", "c", False, "bac"),
        ("c", "a", False, "cab"),
        ("a", "c", True, "bca"),
        ("a", "a", False, "abc"),
        ("x", "a", False, "abc"),
        ("a", "x", False, "bca"),
        ("b", None, True, "acb"),
    ],
)
def test_a_card_moves_before_or_behind_another(key, before, behind, order):
    deck = tuple(Card(each, each) for each in "abc")
    assert "".join(card.key for card in _cards.moved(deck, key, before, behind=behind)) == order
