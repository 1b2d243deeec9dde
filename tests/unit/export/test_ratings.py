"""Votes and ratings as tables: for eyes, for a browser, for a spreadsheet, for pandas."""

from __future__ import annotations

import csv
import re
import sys
from io import StringIO

import pytest

from tests.unit.sweep.ballots import vote, votes
from tokenlab_nb.contract.pricing import Total
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.export import ratings as export
from tokenlab_nb.jobs.clock import resamples
from tokenlab_nb.sweep.ballot import Vote
from tokenlab_nb.sweep.rating import pool_size, rank
from tokenlab_nb.sweep.verdict import judge
from tokenlab_nb.sweep.votes import Facts, Ratings, Votes

HOSTILE = "<img src=x onerror=alert(1)> \x1b[31m\u202e\n=1+1 </td><script>"
FACTS = {"A": Facts(Total(0.08, 0.08, 2), 2, 4.25), "B": Facts(Total(), 0, None)}


def rated(given: list[Vote], *among: str, remaining: int = 3, question: str = "Which is better?") -> Ratings:
    ranking = rank(given, among, resamples(0, 100, pool_size(given)))
    return Ratings(ranking, judge(ranking), FACTS, question, "model", 4, 100, 0.5 if given else None, remaining)


def test_votes_are_lines() -> None:
    head, first, second, rest = repr(Votes(votes("A > B", "B x A"))).splitlines()
    assert head.split() == ["voted", "question", "left", "right", "choice"]
    assert re.fullmatch(r"2027-01-1\d \d\d:\d\d:00  Which is better\?  A +B +left is better", first)
    assert second.endswith("both bad")
    assert rest == "2 votes"
    assert (repr(Votes()), repr(Votes(votes("A = B"))).splitlines()[-1]) == ("No votes.", "1 vote")


def test_of_many_votes_the_last_ones_are_shown() -> None:
    many = Votes(votes("70 A > B", "B > A"))
    lines = repr(many).splitlines()
    assert len(lines) == 52
    assert lines[-1] == "71 votes, the last 50 shown"
    assert lines[-2].split()[-5:-3] == ["B", "A"]
    assert many._repr_html_().count("<tr>") == 51


def test_votes_are_csv_that_comes_back() -> None:
    text = Votes([vote("A > B", 1, question='Which, "really"?'), vote("A x B", 2)]).to_csv()
    rows = list(csv.DictReader(StringIO(str(text), newline="")))
    assert [row["choice"] for row in rows] == ["left", "bad"]
    assert rows[0]["question"] == 'Which, "really"?'
    assert rows[0]["at"] == "2027-01-15T08:00:01.000+00:00"
    assert (rows[0]["winner"], rows[1]["winner"]) == ("A", "")
    assert (rows[0]["left"], rows[0]["left_cell"], rows[0]["left_job"], rows[0]["left_sha256"]) == (
        *("A", "0", "job_l", "1l"),
    )
    assert rows[0]["seed"] == "7"
    assert str(Votes().to_csv()).count("\r\n") == 1


def test_votes_are_a_frame() -> None:
    frame = Votes(votes("A > B", "A = B")).to_frame()
    assert list(frame["winner"].fillna("")) == ["A", ""]
    assert str(frame["at"].dtype) == "datetime64[us, UTC]"
    assert Votes().to_frame().shape == (0, 16)


def test_ratings_are_lines() -> None:
    question, head, first, second, third, verdict, *notes = repr(
        rated(votes("8 A > B", "2 B > A", "A = B"), "A", "B", "C")
    ).splitlines()
    assert question == "Which is better?"
    assert re.split(r"\s{2,}", head) == [
        *("model", "rating", "interval", "beats average", "votes", "won", "lost", "tied", "both bad"),
        *("cost", "wins per dollar", "latency"),
    ]
    cells = re.split(r"\s{2,}", first)
    assert cells[0] == "A"
    assert re.fullmatch(r"\+0\.\d\d", cells[1])
    assert re.fullmatch(r"[+\u2212]\d\.\d\d to \+\d\.\d\d", cells[2])
    assert cells[3:] == ["62 %", "11", "8", "2", "1", "0", "about $0.08", "19", "4.2 s"]
    assert re.split(r"\s{2,}", second)[-2:] == ["0", "not known"]
    assert third.split()[:3] == ["C", "no", "votes"]
    assert verdict.startswith("Too few votes to tell: C has fewer than 6 votes.")
    assert notes[0].endswith("95 % intervals of 100 resamples (seed 4). A tie, or both bad, is half a win for each.")
    assert notes[-1] == "The left picture won 50 % of the decided votes."


def test_a_grid_without_more_pairs_says_what_would_bring_more() -> None:
    close = votes("4 A > B", "4 B > A")
    more = "more prompts or repeats give more pairs"
    assert more in repr(rated(close, "A", "B", remaining=0))
    assert more not in repr(rated(close, "A", "B"))
    assert more not in repr(rated(votes("30 A > B"), "A", "B", remaining=0))
    assert more not in repr(rated([], "A", "B", remaining=0))


def test_ratings_are_a_table_that_needs_no_drawing() -> None:
    html = rated(votes("8 A > B", "2 B > A"), "A", "B", "C")._repr_html_()
    assert html.count("<tr>") == 4
    assert html.count("<svg") == 2  # C has none
    bare = re.sub(r"<svg.*?</svg>", "", html, flags=re.DOTALL)
    assert "to +" in bare
    assert re.search(r"\+0\.\d\d", bare)
    assert not re.search(r"<script|<style|https?:|\son\w+=", html)
    assert 'aria-hidden="true"' in html  # what it draws stands beside it in words


def test_the_drawing_is_to_scale() -> None:
    found = rated(votes("12 A > B", "2 B > A", "6 B > C", "6 C > B"), "A", "B", "C")
    scale = export._Scale.of(found.rows)
    ends = [end for row in found.rows for end in (row.low, row.high) if end is not None]
    assert (scale.at(min(ends)), scale.at(max(ends))) == (6, 214)
    for row in found.rows:
        plot = scale.plot(row)
        assert plot
        assert 6 <= plot["low"] <= plot["dot"] <= plot["high"] <= 214
    assert export._Scale.of([]).at(0) == 6


def test_foreign_text_is_text() -> None:
    given = [vote("A > B", n, left={"label": HOSTILE, "cell": 0, "job": "j", "sha256": f"{n}"}) for n in range(7)]
    found = rated(given, HOSTILE, "B", question=HOSTILE)
    for html in (found._repr_html_(), Votes(given)._repr_html_()):
        assert "<img" not in html
        assert "<script" not in html
        assert "&lt;img src=x onerror=alert(1)&gt;" in html
        assert "\x1b" not in html
    for text in (repr(found), repr(Votes(given))):
        assert "\x1b" not in text
        assert "\u202e" not in text
    long = [vote("A > B", question="long " * 100)]
    assert max(map(len, repr(Votes(long)).splitlines())) < 200


def test_ratings_are_csv_and_a_frame() -> None:
    found = rated(votes("8 A > B", "2 B > A"), "A", "B", "C")
    rows = list(csv.DictReader(StringIO(str(found.to_csv()), newline="")))
    assert [row["contestant"] for row in rows] == ["A", "B", "C"]
    assert float(rows[0]["rating"]) == found.rows[0].rating
    assert (rows[0]["cost"], rows[0]["latency"], rows[2]["rating"]) == ("about $0.08", "4.2 s", "")
    frame = found.to_frame()
    assert list(frame["wins"]) == [8, 2, 0]
    assert frame["rating"].dtype == frame["seconds"].dtype == float
    assert str(rated([]).to_csv()).startswith("contestant,rating")
    assert rated([]).to_frame().empty


def test_without_pandas_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TokenLabError, match="pandas is not installed") as caught:
        Votes().to_frame()
    assert "tokenlab-nb[pandas]" in caught.value.hint
