from html.parser import HTMLParser

import pytest

from tokenlab_nb.export.frozen import PICTURE_BYTES, TOTAL_BYTES, FrozenPicture, freeze, picture_size

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
    assert html.count("p" * 100) == 3
    assert "q" * 1000 not in html
    assert "z" * 400 not in html


def test_pictures_over_the_budget_are_told_in_words():
    rows = [done(jpeg=b"x" * PICTURE_BYTES)] * 20
    html = freeze(rows, at=0).html
    assert len(Tags(html).of("img")) == TOTAL_BYTES // PICTURE_BYTES
    assert "5 more pictures are not in this saved copy" in html
    assert len(html) < TOTAL_BYTES * 4 / 3 + 40_000


def test_a_picture_that_is_too_large_is_left_out():
    assert "data:image" not in freeze([done(jpeg=b"x" * (PICTURE_BYTES + 1))], at=0).html


@pytest.mark.parametrize("count", [1, 15, 16, 37, 38, 100])
def test_the_recommended_sizes_keep_the_total(count):
    edge, most = picture_size(count)
    assert most <= PICTURE_BYTES
    assert most * count <= TOTAL_BYTES
    assert edge >= 128


def test_beyond_a_hundred_the_smallest_size_stays():
    assert picture_size(1000) == picture_size(100)


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
    assert frozen.text == "TokenLab pictures: 0 of 0 done"
    assert Tags(frozen.html).open == []
