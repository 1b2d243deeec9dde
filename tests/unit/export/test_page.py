"""A page as a text: everything from outside is escaped, its script cannot be left, and files are whole or not there."""

import json
import os
from html.parser import HTMLParser

import pytest

from tokenlab_nb.errors import LeakError, ValidationError
from tokenlab_nb.export.page import PageCell, PagePicture, Script, make_page
from tokenlab_nb.export.text import data_uri, size_words
from tokenlab_nb.sweep.plan import Cell, Plan, axis

EVIL = """</script><img src=x onerror="alert(1)"> '">&amp; ${x} {{ 7*7 }} <!-- \x1b[31m\u202e\u2028 </style>"""


class Tags(HTMLParser):
    """Notes tags, attributes and words."""

    def __init__(self, html):
        super().__init__()
        self.seen, self.words, self.inside = [], {}, ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.seen.append((tag, dict(attrs)))
        self.inside = tag

    def handle_data(self, data):
        self.words[self.inside] = self.words.get(self.inside, "") + data


def plan(models=("m",), prompts=("p",), *more, labels=()):
    axes = (axis("model", models), axis("prompt", prompts, labels), *more)
    count = 1
    for each in axes:
        count *= len(each.values)
    return Plan(axes, tuple(Cell(n, (0,) * len(axes), "m", "", {}, "asked") for n in range(count)))


def page(made=None, cells=None, facts=None, **options):
    made = made or plan()
    script = Script("const a = 1 && 2 < 3;", "p > a {}", facts or {})
    options = {"title": "Title", "at": 0.0, "form": "as previews", **options}
    return make_page(made, cells or [PageCell(f"state {n}") for n in range(len(made.cells))], script, **options)


def test_everything_from_outside_is_escaped():
    picture = PagePicture("key", data_uri(b"x", "image/png"), EVIL, EVIL, EVIL)
    again = PagePicture("key", "", EVIL, there=EVIL)
    cell = PageCell(EVIL, (EVIL,), EVIL, (picture, again))
    made = plan((EVIL,), (EVIL,), axis("size", [EVIL, "b"]), labels=["short"])
    ratings = {"question": EVIL, "verdict": EVIL, "heads": [EVIL, EVIL], "rows": [[EVIL, EVIL]]}
    html = page(made, [cell, cell], {"a": EVIL}, title=EVIL, told=[EVIL], plain=[EVIL], ratings=ratings).html
    tags = Tags(html)
    assert {attrs["src"] for tag, attrs in tags.seen if tag == "img"} == {"data:image/png;base64,eA=="}
    assert all(name != "onerror" for _, attrs in tags.seen for name in attrs)
    assert [tag for tag, _ in tags.seen].count("script") == 2
    assert html.count("</script>") == 2
    assert "\u202e" not in tags.words["td"] + tags.words["h1"]
    facts = html.partition('id="tlnb-facts">')[2].partition("</script>")[0]
    assert json.loads(facts) == {"a": EVIL}
    assert "\u2028" not in facts


def test_script_and_style_stand_there_as_they_are_and_cannot_be_left():
    assert "const a = 1 && 2 < 3;" in page().html
    assert "p > a {}" in page().html
    for code, style in (("'</SCRIPT>'", ""), ("", "</style >"), ("'<!--'", ""), ("a\r\nb", "")):
        with pytest.raises(ValueError, match="would end in its midst"):
            make_page(plan(), [PageCell("s")], Script(code, style, {}), title="", at=0, form="")


def test_nothing_can_be_fetched():
    html = page(cells=[PageCell("s", pictures=(PagePicture("k", data_uri(b"x", "image/png"), "alt"),))]).html
    assert "default-src 'none'; img-src data: blob:;" in html
    attrs = [(name, value) for _, found in Tags(html).seen for name, value in found.items()]
    assert [value for name, value in attrs if name in ("src", "href", "action", "srcset")] == [
        "data:image/png;base64,eA=="
    ]


def test_cells_stand_where_their_axes_say_and_further_axes_are_tables():
    made = plan(("a", "b"), ("x", "y"), axis("size", ["s", "t"]))
    cells = [PageCell("-".join(map(str, (m, p, s)))) for m in "ab" for p in "xy" for s in "st"]
    words = Tags(page(made, cells).html).words
    assert words["caption"].split() == ["size", "s", "size", "t"]
    assert words["strong"].split() == ["a-x-s", "b-x-s", "a-y-s", "b-y-s", "a-x-t", "b-x-t", "a-y-t", "b-y-t"]


def test_what_labels_stand_for_and_what_does_not_vary_is_told():
    words = Tags(page(plan(("only-model",), ("the whole text", "b"), labels=["short", "b"])).html).words
    assert "only-model" in words["dt"]
    assert "the whole text" in words["dd"]
    assert "Prompt" not in Tags(page(plan(("a", "b"), ("x", "y"))).html).words.get("h2", "")


def test_it_says_how_large_it_is():
    picture = PagePicture("k", "data:image/png;base64,eA==", "alt")
    one = page(cells=[PageCell("s", pictures=(picture, picture))])
    assert repr(one) == f"Page({size_words(one.size)}, 2 pictures as previews)"
    assert repr(page(cells=[PageCell("s", pictures=(picture,))])).endswith("1 picture as previews)")
    assert repr(page()).endswith("no pictures)")
    assert one.size == len(one.html.encode())


@pytest.mark.parametrize("where", ["title", "told", "plain", "facts", "ratings", "cells"])
def test_a_key_is_refused_wherever_it_stands(where):
    key = "sk-" + "0123456789abcdefghijklmnop"
    given = {
        "title": key,
        "told": [key],
        "plain": [key],
        "facts": {"a": [{"b": key}]},
        "ratings": {"question": "", "verdict": key, "heads": [], "rows": []},
        "cells": [PageCell("s", (key,))],
    }
    with pytest.raises(LeakError):
        page(**{where: given[where]})


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    made = page(title="Umlaut \xe4 \ud800")
    target = made.save(tmp_path / "a.HTM")
    assert target.read_text("utf-8") == made.html.replace("\ud800", "?")

    def full(_handle):
        assert len(list(tmp_path.iterdir())) == 2, "it is written beside its place"
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="disk full"):
        made.save(os.fspath(tmp_path / "b.html"))
    assert [each.name for each in tmp_path.iterdir()] == ["a.HTM"]


def test_a_file_of_another_kind_or_one_that_is_there_is_refused(tmp_path):
    with pytest.raises(ValidationError, match=r"does not end in \.html"):
        page().save(tmp_path / "a.png")
    (tmp_path / "a.html").touch()
    with pytest.raises(FileExistsError, match="another name"):
        page().save(tmp_path / "a.html", overwrite=False)
