from html.parser import HTMLParser

import pytest

from tokenlab_nb.errors import ValidationError
from tokenlab_nb.export.frozen import FrozenPicture, free_place, freeze
from tokenlab_nb.export.room import LEAST_PICTURE, LEAST_TOTAL, PICTURE, TOTAL, Room, saved_size

EVIL = """<img src=x onerror="alert(1)"> '">&amp; ${x} {{ 7*7 }} \x1b[31m\u202e"""


class Tags(HTMLParser):
    """Notes tags and attributes, and that all are closed."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.open, self.words = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        if tag not in ("img", "br"):
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)

    def of(self, tag):
        return [attrs for name, attrs in self.seen if name == tag]


def done(**facts):
    return FrozenPicture("some-model", "done", done=True, **facts)


def test_the_twin_is_a_closed_table_without_scripts_styles_or_links():
    html = freeze([done(jpeg=b"jpeg", width=4, height=3), FrozenPicture("m", "failed", problem="No.")], at=0).html
    tags = Tags(html)
    assert tags.open == []
    assert {name for name, _ in tags.seen} == {
        "div", "p", "b", "table", "thead", "tr", "th", "tbody", "td", "img", "i", "br",
    }  # fmt: skip
    assert [attrs["src"] for attrs in tags.of("img")] == ["data:image/jpeg;base64,anBlZw=="]


@pytest.mark.parametrize(
    "field", ["model", "state", "operation", "prompt", "seed", "counts", "problem", "request_id", "lineage"]
)
def test_everything_from_outside_is_escaped(field):
    row = FrozenPicture(**{"model": "m", "state": "s", "jpeg": b"x", field: EVIL})
    tags = Tags(freeze([row], at=0, title=EVIL).html)
    assert len(tags.of("img")) == 1
    assert all(name != "onerror" for _, attrs in tags.seen for name in attrs)
    assert "{{ 7*7 }}" in "".join(tags.words)


def test_it_says_what_is_known_and_not_what_is_not():
    row = done(width=640, height=480, seed="7", seconds=4.15, price="$0.02 charged", counts="asked 2, got 1")
    assert row.facts == "640 \u00d7 480 · seed 7 · 4.2 s · $0.02 charged · asked 2, got 1"
    assert done().facts == ""


def test_it_carries_its_time_its_count_and_its_version():
    html = freeze([done(), FrozenPicture("m", "failed")], at=86400.0, title="Foxes", uid="ab12", revision=3).html
    assert "<b>Foxes</b> · 1 of 2 done · as of 1970-01-02 00:00:00 UTC" in html
    assert 'class="tlnb-twin tex2jax_ignore mathjax_ignore tlnb-twin-ab12" data-revision="3"' in html


def test_a_prompt_that_all_share_is_told_once():
    assert freeze([done(prompt="A red fox", jpeg=b"x")] * 3, at=0).html.count("A red fox") == 1 + 3  # 3 are alt texts


def test_long_texts_are_cut():
    html = freeze([FrozenPicture("m", "failed", prompt="p" * 4000, problem="q" * 9000, lineage="z" * 9000)], at=0).html
    assert html.count("p" * 100) == 5
    assert "q" * 1002 not in html
    assert "z" * 520 not in html


def size(frozen):
    """Bytes in a notebook file, but for the frame of the output."""
    return saved_size(frozen.html) + saved_size(frozen.text) + len(frozen.jpeg) * 4 // 3


def test_pictures_over_the_total_are_told_by_their_numbers():
    rows = [done(jpeg=b"x" * 9_000)] * 12
    frozen = freeze(rows, at=0, room=Room(PICTURE, 130_000), jpeg=b"x" * 10_000)
    assert len(Tags(frozen.html).of("img")) == 9
    assert "Pictures 10 to 12 are not in this saved copy, which is kept to 130,000 bytes" in frozen.html
    assert "ImageResult.twin_total" in frozen.html
    assert frozen.html.count("<i>not in this copy</i>") == 3
    assert 100_000 < size(frozen) < 130_000


def test_a_picture_that_is_too_large_is_left_out_and_told():
    rows = [done(jpeg=b"x" * each) for each in (90, 15_000, 90, 15_000, 15_000, 15_000)]
    frozen = freeze(rows, at=0)
    assert frozen.html.count("data:image") == 2
    assert "Pictures 2, 4 to 6 are not in this saved copy: a picture may add 20,000 bytes to it" in frozen.html
    assert "ImageResult.twin_budget" in frozen.html
    assert "Picture 2 is not in this saved copy" in freeze(rows[:2], at=0).html


def test_rows_for_which_there_is_no_room_are_counted():
    frozen = freeze([FrozenPicture("m", "failed", problem="No.")] * 1000, at=0, room=Room(PICTURE, 50_000))
    shown = len(frozen.text.splitlines()) - 1
    assert frozen.html.count("<tr>") == shown + 1
    assert f"{1000 - shown:,} more rows have no room in this saved copy" in frozen.html
    assert frozen.text.startswith("TokenLab pictures: 0 of 1000 done")
    assert 40_000 < size(frozen) < 50_000


@pytest.mark.parametrize("char", ["x", '"', "<", "\\", "\u4e00", "\U0001f469"])
@pytest.mark.parametrize("count", [1, 3, 30])
def test_a_full_row_keeps_to_its_picture_whatever_its_words_are(char, count):
    room, texts = Room(), dict.fromkeys(("model", "operation", "prompt", "seed", "price", "counts"), char * 5000)
    texts |= dict.fromkeys(("request_id", "lineage"), char * 5000)
    facts = {"state": "done", "done": True, "width": 1024, "height": 1024, "seconds": 1.0, **texts}
    rows = [FrozenPicture(jpeg=b"x" * room.size(count)[1], **facts)] * count
    frozen = freeze(rows, at=0, room=room, jpeg=b"x" * room.overview(count), title=char * 5000)
    assert frozen.html.count("data:image") == count
    assert size(frozen) + 1000 < count * PICTURE  # a kilobyte is left for metadata


@pytest.mark.parametrize("count", [1, 15, 16, 37, 38, 100])
def test_the_parts_keep_the_total(count):
    edge, most = Room().size(count)
    parts = most * count + Room().overview(count)
    assert edge >= 128
    assert parts * 4 / 3 < min(count * PICTURE, TOTAL) * 0.8  # the rest is for words


@pytest.mark.parametrize("least", [Room(LEAST_PICTURE), Room(PICTURE, LEAST_TOTAL)])
def test_with_the_least_room_a_picture_is_seen(least):
    facts = {"operation": "text-to-image", "price": "$0.0225 - $0.0755 charged", "request_id": "req_" + "0" * 24}
    facts |= {"prompt": "p" * 4000, "lineage": "z" * 4000, "width": 1024, "height": 1024, "seconds": 2.0}
    frozen = freeze([done(jpeg=b"x" * least.size(1)[1], **facts)], at=0, room=least, jpeg=b"x" * least.overview(1))
    assert "data:image" in frozen.html
    assert size(frozen) < least.share(1)


def test_while_pictures_come_one_by_one_their_size_changes_seldom():
    assert len({Room().size(count) for count in range(1, 1001)}) <= 12
    assert Room().size(10_000) == (128, 1_000)


@pytest.mark.parametrize("given", [(LEAST_PICTURE - 1, TOTAL), (PICTURE, LEAST_TOTAL - 1), (True, TOTAL), ("9", TOTAL)])
def test_room_for_nothing_is_refused(given):
    with pytest.raises(ValidationError, match=r"at least; .* was set") as caught:
        Room(*given)
    assert "ImageResult.twin_budget" in caught.value.hint


def test_a_free_place_shows_nothing_and_has_its_version():
    assert free_place("ab", 3).html == '<div class="tlnb-twin tlnb-twin-ab" data-revision="3"></div>'


def test_joined_emoji_and_joined_letters_stay_whole_and_turned_text_is_turned_back():
    family, persian = "\U0001f468\u200d\U0001f469\u200d\U0001f467", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"
    twin = freeze([FrozenPicture("m", "failed", prompt=f"{family} {persian} \u202egnp", problem=family)], at=0.0)
    assert f"{family} {persian}  gnp" in twin.html
    assert family in twin.text


def test_the_text_is_stable_and_holds_no_control_characters():
    rows = [done(width=4, height=3, seed="7"), FrozenPicture("evil\x1b[31m\nmodel", "failed", problem="No.")]
    assert freeze(rows, at=1).text == freeze(rows, at=2).text
    assert freeze(rows, at=1).text.splitlines() == [
        "TokenLab pictures: 1 of 2 done",
        "1. some-model 4x3 seed 7: done",
        "2. evil [31m model: failed (No.)",
    ]


def test_nothing_yet_is_a_twin_too():
    frozen = freeze([], at=0)
    assert frozen.text == "TokenLab pictures: no pictures yet"
    assert "0 of 0" not in frozen.html
    assert Tags(frozen.html).open == []
