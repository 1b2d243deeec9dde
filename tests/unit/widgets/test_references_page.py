"""Addresses, earlier results, checks and thumbnails of the reference picker, as the page asks for them."""

from concurrent.futures import Future

import pytest

import tokenlab_nb as tl
from tests.unit.widgets.picked import SIGNED, names, notes, png, saved, sha
from tokenlab_nb import errors
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ImageError, ValidationError

LATE = (
    "https://images.example.org/fox.png?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Date=20200101T000000Z"
    "&X-Amz-Expires=600&X-Amz-Signature=SECRET"
)


def test_an_address_is_added_and_its_query_is_kept_from_the_page(picker, ask, page):
    ask(picker, {"type": "address", "id": 1, "key": "a", "text": f" {SIGNED} "})
    assert page.answer_to(1)[0]["result"] is None
    assert picker.value == (Source(url=SIGNED),)
    assert picker.cards[0]["address"] == "https://images.example.org/a/fox.png?\u2026"
    assert "SECRET" not in saved(picker)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("fox.png", "Only http and https"),
        ("file:///etc/passwd", "Only http and https"),
        ("https://192.168.1.2/x?t=SECRET", "cannot be used"),
        ("https://localhost/x", "cannot be used"),
        ("https://me:SECRET@images.example.org/x", "cannot be used"),
        (LATE, "expired"),
    ],
)
def test_an_address_that_cannot_be_used_is_told_where_it_was_written(picker, page, ask, text, said):
    ask(picker, {"type": "address", "id": 1, "key": "a", "text": text})
    problem = page.answer_to(1)[0]["result"]["problem"]
    assert said in problem
    assert "SECRET" not in problem
    assert (picker.cards, picker.error) == ([], "")


def test_what_python_hands_in_is_told_on_its_card(picker, operation):
    picker.operations = {"gpt-image-2": operation}
    picker.add("https://10.0.0.1/x?t=SECRET")
    assert "private" in notes(picker)[0]
    assert picker.issues[0].field == "references[0]"
    assert "SECRET" not in saved(picker)
    picker.show_error("https://10.0.0.1/x?t=SECRET was refused.")
    assert picker.error == "https://10.0.0.1/x?\u2026 was refused."


def test_an_address_that_cannot_be_taken_in_is_refused_on_its_card(picker, page, ask, monkeypatch):
    def take_in(picture, name="references[0]"):
        raise ValidationError(f"{picture} is odd.")

    monkeypatch.setattr(picker.session, "take_in", take_in)
    ask(picker, {"type": "address", "id": 1, "key": "a", "text": SIGNED})
    assert picker.cards[0]["state"] == "refused"
    assert "odd" in notes(picker)[0]
    assert "SECRET" not in saved(picker)


def test_earlier_results_are_offered_newest_first_and_at_most_24(picker, page, ask, make_job, picture, monkeypatch):
    jobs = [make_job(prompt=f"fox {number}").finish(picture(colour=(number, 0, 0))) for number in range(30)]
    monkeypatch.setattr(type(picker.session), "jobs", jobs)
    for job in jobs:
        job.request = job.snapshot.request
    ask(picker, {"type": "results", "id": 1})
    rows = page.answer_to(1)[0]["result"]["rows"]
    assert [row["hash"] for row in rows] == [job.images[0].sha256 for job in reversed(jobs[6:])]
    assert rows[0]["model"] == "some-model"
    ask(picker, {"type": "want", "hashes": [rows[0]["hash"], "f" * 64]})
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [[rows[0]["hash"]]]


def test_a_result_is_added_by_its_hash(picker, page, ask):
    job = picker.session.submit(model="gpt-image-2", prompt="A lighthouse")
    (image,) = job.wait(20)
    ask(picker, {"type": "result", "id": 1, "key": "a", "hash": image.sha256})
    assert picker.value[0].sha256 == image.sha256
    assert names(picker) == ["A lighthouse"]


def test_a_picture_of_the_data_folder_is_added_by_its_hash(picker, page, ask):
    picker.session.take_in(png())
    ask(picker, {"type": "result", "id": 1, "key": "a", "hash": sha(png())})
    assert names(picker) == ["Earlier result"]
    assert picker.original(0) == png()


def test_a_picture_that_is_not_there_says_so(picker, page, ask):
    ask(picker, {"type": "result", "id": 1, "key": "a", "hash": "f" * 64})
    assert notes(picker) == ["This picture is not in the data folder. Add its file instead."]
    ask(picker, {"type": "result", "id": 2, "key": "b", "hash": "../x"})
    assert not page.answer_to(2)[0]["ok"]


# ------------------------------------------------------------------------------------ the check


class Fetches:
    """A session's way to an address, answered by hand."""

    def __init__(self, session, monkeypatch):
        self.asked, self.answer = [], Future()
        monkeypatch.setattr(session, "fetch_reference", self.fetch, raising=False)

    def fetch(self, url):
        self.asked.append(url)
        return self.answer


@pytest.fixture
def fetches(sandbox_session, monkeypatch):
    return Fetches(sandbox_session, monkeypatch)


def test_a_check_shows_what_is_there_and_still_sends_the_address(fetches, picker, page, ask):
    assert picker.can_check
    ask(picker, {"type": "address", "id": 1, "key": "a", "text": SIGNED})
    ask(picker, {"type": "check", "id": 2, "key": "a"})
    ask(picker, {"type": "check", "id": 3, "key": "a"})
    assert (fetches.asked, picker.cards[0]["checking"], picker.is_busy) == ([SIGNED], True, False)
    fetches.answer.set_result(png())
    card = picker.cards[0]
    assert (card["checking"], card["thumb"]) == (False, sha(png()))
    assert card["facts"].endswith("pixels \u00b7 PNG \u00b7 1\u00a0kB")
    assert picker.value == (Source(url=SIGNED),)
    ask(picker, {"type": "want", "hashes": [sha(png())]})
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [[sha(png())]] * 2


@pytest.mark.parametrize(
    "error", [errors.TransportError(f"{SIGNED} was not reached."), ImageError("It is a web page."), RuntimeError("x")]
)
def test_a_check_that_fails_is_a_warning(fetches, picker, ask, error):
    ask(picker, {"type": "address", "id": 1, "key": "a", "text": SIGNED})
    ask(picker, {"type": "check", "id": 2, "key": "a"})
    fetches.answer.set_exception(error)
    assert notes(picker)[0].startswith("Checked from here: ")
    assert picker.issues[0].severity == "warning"
    assert "SECRET" not in saved(picker)


def test_only_an_address_is_checked(fetches, picker, ask):
    picker.add(png())
    for key in (picker.cards[0]["key"], "nobody"):
        ask(picker, {"type": "check", "id": key, "key": key})
    assert fetches.asked == []


def test_a_session_that_cannot_fetch_offers_no_check(picker, page, instant):
    class Plain:
        origin = "http://service"
        jobs = ()

    made = tl.ReferencePicker(Plain(), through=instant)
    assert not made.can_check
    made.close()


# ------------------------------------------------------------------------------- order, thumbnails


def test_the_page_moves_and_removes_by_key(picker, page, ask):
    picker.value = [png("red"), png("green"), png("blue")]
    red, green, blue = picker.value
    keys = [card["key"] for card in picker.cards]
    ask(picker, {"type": "move", "id": 1, "key": keys[2], "before": keys[0]})
    assert picker.value == (blue, red, green)
    ask(picker, {"type": "move", "id": 2, "key": keys[2], "before": None})
    assert picker.value == (red, green, blue)
    ask(picker, {"type": "move", "id": 3, "key": "nobody", "before": keys[0]})
    ask(picker, {"type": "remove", "id": 4, "key": keys[1]})
    ask(picker, {"type": "remove", "id": 5, "key": "nobody"})
    assert picker.value == (red, blue)
    ask(picker, {"type": "clear", "id": 6})
    assert picker.value == ()


def test_a_page_that_went_astray_is_told_the_cards_again(picker, page, ask):
    picker.add(png())
    before = len(page.sent)
    ask(picker, {"type": "resync", "id": 1})
    assert [data["state"]["cards"] for data, _ in page.sent[before:] if "state" in data] == [picker.cards]


def test_a_page_gets_the_thumbnails_that_it_asks_for(picker, page, ask):
    picker.add(png())
    ask(picker, {"type": "want", "hashes": [sha(png()), "f" * 64]})
    ask(picker, {"type": "got", "hashes": [sha(png())]})
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [[sha(png())]] * 2
    assert picker.error == ""


def test_a_picture_whose_file_is_gone_says_so(picker, page):
    picker.add(Source(sha256="f" * 64, media_type="image/png", size=5, width=1, height=1))
    ((content, _),) = page.messages("lost")
    assert content == {"type": "lost", "hash": "f" * 64, "text": "Its file is no longer in the data folder."}


def test_an_uploaded_file_shows_the_picture_that_it_was(picker, page):
    kept, _ = picker.session.take_in(png())
    picker.add(Source(file_id="file-1", of=kept.sha256))
    assert [content["hashes"] for content, _ in page.messages("thumbs")] == [[sha(png())]]
    assert (picker.cards[0]["kind"], picker.original(0)) == ("file", None)


def test_the_saved_state_holds_no_pixels(picker):
    picker.value = [png(size=(800, 800))] * 3
    assert len(saved(picker)) < 3000
