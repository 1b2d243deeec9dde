"""Files that the page sends to the reference picker, and how it orders them."""

import io

import pytest
from PIL import Image

from tests.unit.widgets.picked import names, notes, png, sha
from tokenlab_nb.widgets._uploads import CHUNK_BYTES


def send(picker, page, ask, data, key="a", name="fox.png", *, sha256="", **more):
    """A whole file, as the page sends it; returns the answer to its beginning."""
    ask(picker, {"type": "add", "id": f"add-{key}", "files": [{"key": key, "name": name}]})
    begin = {"type": "begin", "id": f"begin-{key}", "key": key, "size": len(data), "sha256": sha256, **more}
    ask(picker, begin)
    answer = page.answer_to(f"begin-{key}")[0]
    if answer["ok"] and not answer["result"].get("have"):
        for at in range(0, len(data), CHUNK_BYTES):
            piece = memoryview(data)[at : at + CHUNK_BYTES]
            ask(picker, {"type": "chunk", "id": f"{key}-{at}", "key": key, "at": at}, [piece])
            assert page.answer_to(f"{key}-{at}")[0]["ok"]
    return answer


def test_a_file_arrives_in_pieces_and_becomes_the_value(picker, page, ask, heard):
    data = png(size=(900, 700)) + bytes(2 * CHUNK_BYTES)  # bytes behind a PNG's end are none of its business
    answer = send(picker, page, ask, data, name="<b>fox</b>.png")
    assert answer["result"] == {"have": False}
    assert picker.original(0) == data
    assert names(picker) == ["<b>fox</b>.png"]
    assert heard == [(0, True), (1, False)]
    ((thumb, buffers),) = page.messages("thumbs")
    assert thumb["hashes"] == [sha(data)]
    assert max(Image.open(io.BytesIO(buffers[0])).size) == 384


def test_on_its_way_it_is_busy_and_no_part_of_the_value(picker, page, ask):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": "a", "name": "fox.png"}]})
    assert (picker.is_busy, picker.value, picker.cards[0]["state"]) == (True, (), "coming")
    picker.add(png())
    assert (picker.is_busy, len(picker.value)) == (True, 1)


def test_the_order_is_that_of_announcing_whatever_arrives_first(picker, page, ask):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": key, "name": key} for key in ("a", "b")]})
    for key, data in (("b", png("blue")), ("a", png("red"))):
        ask(picker, {"type": "begin", "id": f"{key}1", "key": key, "size": len(data)})
        ask(picker, {"type": "chunk", "id": f"{key}2", "key": key, "at": 0}, [data])
    assert [source.sha256 for source in picker.value] == [sha(png("red")), sha(png("blue"))]


def test_known_bytes_need_not_travel_again(picker, page, ask, monkeypatch):
    send(picker, page, ask, png(), key="a")
    looked = []
    monkeypatch.setattr(picker.session, "take_in", lambda *given: looked.append(given))
    assert send(picker, page, ask, png(), key="b", sha256=sha(png()))["result"] == {"have": True}
    assert looked == []
    assert [source.sha256 for source in picker.value] == [sha(png())] * 2
    assert notes(picker, 1) == ["The same picture as the 1st."]


@pytest.mark.parametrize("claimed", ["f" * 64, "nonsense", "../../etc/passwd", None, ""])
def test_a_hash_that_nobody_knows_lets_the_file_travel(picker, page, ask, claimed):
    assert send(picker, page, ask, png(), sha256=claimed)["result"] == {"have": False}
    assert len(picker.value) == 1


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"GIF89a...", "GIF"),
        (b"<svg onload='x'>", "SVG"),
        (b"hello", "no picture"),
        (png()[:60], "damaged or cut short"),
    ],
    ids=["gif", "svg", "text", "cut short"],
)
def test_bytes_that_are_no_picture_are_refused_on_their_card(picker, page, ask, heard, data, said):
    send(picker, page, ask, data)
    assert picker.cards[0]["state"] == "refused"
    assert said in notes(picker)[0]
    assert (picker.value, picker.is_busy, picker.error) == ((), False, "")
    assert heard[-1] == (0, False)


@pytest.mark.parametrize("size", [0, 50_000_001, "7", None])
def test_a_size_that_cannot_be_is_refused(picker, page, ask, size):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": "a", "name": "fox.png"}]})
    ask(picker, {"type": "begin", "id": 2, "key": "a", "size": size})
    assert not page.answer_to(2)[0]["ok"]
    assert "50,000,000" in picker.error


@pytest.mark.parametrize("key", ["", "a b", "../a", "x" * 41, "taken"])
def test_a_key_that_is_none_or_taken_is_refused(picker, page, ask, key):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": "taken", "name": "fox.png"}]})
    ask(picker, {"type": "add", "id": 2, "files": [{"key": key, "name": "fox.png"}]})
    assert not page.answer_to(2)[0]["ok"]
    assert len(picker.cards) == 1


def test_of_several_files_none_comes_where_one_key_is_taken(picker, page, ask):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": "a", "name": "fox.png"}, {"key": "a", "name": "cat.png"}]})
    assert not page.answer_to(1)[0]["ok"]
    assert picker.cards == []


def test_what_was_removed_meanwhile_is_not_sent_any_further(picker, page, ask):
    ask(picker, {"type": "add", "id": 1, "files": [{"key": "a", "name": "fox.png"}]})
    ask(picker, {"type": "begin", "id": 2, "key": "a", "size": len(png())})
    picker.clear()
    ask(picker, {"type": "chunk", "id": 3, "key": "a", "at": 0}, [png()])
    ask(picker, {"type": "begin", "id": 4, "key": "a", "size": 5})
    assert [page.answer_to(each)[0]["result"] for each in (3, 4)] == [{"gone": True}] * 2
    picker._take("a", png)
    assert (picker.cards, picker.error) == ([], "")


def test_a_smaller_copy_says_what_it_was(picker, page, ask):
    send(picker, page, ask, png(), scaled=[6000, 4000])
    assert picker.cards[0]["facts"].endswith("scaled down from 6,000 \u00d7 4,000")
