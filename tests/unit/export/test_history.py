"""Jobs as a table: for eyes, for a browser, for pandas; and moments, and what an earlier kernel left."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone

import pytest

from tests.unit.jobs.fakes import START, NoDesk, World, draft, waiting
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError, TransportError, UnknownOutcomeError, ValidationError
from tokenlab_nb.export.history import History, left_behind, moment
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, StoredImage

Make = Callable[..., History]
HOSTILE = "<img src=x onerror=alert(1)> $x$ \x1b[31m\u202e\n\n  fox\ud800 </td><script>"
PARKED = replace(draft(), waiting_stopped=True)
LOST = draft().move(JobStatus.SENDING, START).move(JobStatus.UNKNOWN, START + 2, error=UnknownOutcomeError("Gone."))
DONE = replace(
    waiting().move(JobStatus.COMPLETED, START + 12.25),
    images=(StoredImage("a" * 64, "image/png", 1, 1, 10),),
    latency=11.5,
    estimate=Estimate(0.02, 0.08, "1 picture"),
    billing_transaction_id="billtxn_1",
)


@pytest.fixture
def table() -> Make:
    world = World()
    engine = Engine(world.ports)

    def make(*snapshots: JobSnapshot) -> History:
        named = [replace(each, id=f"job_{n}") for n, each in enumerate(snapshots)]
        engine.know(*named)
        return History(Job(each.id, engine, world.blobs, NoDesk()) for each in named)

    return make


def asked(prompt: str, model: str = "model-a") -> JobSnapshot:
    return replace(draft(), request=ImageRequest(model, "text-to-image", "/v1/images/generations", {"prompt": prompt}))


def test_it_is_a_list_that_shows_itself_as_a_table(table: Make) -> None:
    jobs = table(DONE, replace(LOST, forgotten=True))
    head, first, second, rest = repr(jobs).splitlines()
    assert head.split() == ["made", "model", "status", "pictures", "seconds", "price", "prompt", "job"]
    assert " ".join(first.split()).endswith("model-a completed 1 12.2 $0.02 - $0.08 settled a red fox job_0")
    assert "unknown (set aside)" in second
    assert rest == "2 jobs"
    assert [job.id for job in jobs] == ["job_0", "job_1"]
    assert (repr(table()), repr(table(DONE)).splitlines()[-1]) == ("No jobs.", "1 job")


def test_only_so_many_rows_are_shown_and_it_says_so(table: Make) -> None:
    jobs = table(*[DONE] * 51)
    assert len(repr(jobs).splitlines()) == 52
    assert repr(jobs).endswith("51 jobs, the first 50 shown")
    assert jobs._repr_html_().count("<tr>") == 51
    assert "51 jobs, the first 50 shown" in jobs._repr_html_()


def test_hostile_text_commands_neither_browser_nor_terminal(table: Make) -> None:
    jobs = table(asked(HOSTILE, model="<b>m</b>\x07"))
    html = jobs._repr_html_()
    assert "<img" not in html
    assert "<script" not in html
    assert "<b>" not in html
    assert "&lt;img src=x onerror=alert(1)&gt;" in html
    assert "mathjax_ignore" in html
    for text in (html, repr(jobs)):
        assert not {"\x1b", "\x07", "\u202e", "\ud800"} & set(text)
    assert len(repr(jobs).splitlines()) == 3


def test_a_long_prompt_is_cut_and_an_unknown_model_said(table: Make) -> None:
    text = repr(table(asked("x" * 81, model=""), asked("y" * 80)))
    assert "x" * 77 + "..." in text
    assert "y" * 80 in text
    assert "not known" in text


def test_it_becomes_a_frame_with_times_and_numbers(table: Make) -> None:
    frame = table(DONE, LOST, PARKED).to_frame()
    assert frame.shape == (3, 21)
    assert {str(frame[name].dtype) for name in ("made", "sent", "ended")} == {"datetime64[us, UTC]"}
    assert list(frame["status"]) == ["completed", "unknown", "draft"]
    assert list(frame["charge"]) == ["settled", "unknown", "none"]
    assert frame["made"][0].timestamp() == START
    assert (frame["seconds"][0], frame["latency"][0], frame["price_high"][0]) == (12.25, 11.5, 0.08)
    assert frame["error"][1] == "Gone."
    assert frame["sent"].isna().tolist() == [False, False, True]
    assert frame["pictures"].dtype.kind == "i"


@pytest.mark.parametrize("rows", [(), (PARKED,)])
def test_a_frame_without_times_has_the_same_columns(rows: tuple[JobSnapshot, ...], table: Make) -> None:
    frame = table(*rows).to_frame()
    assert list(frame.columns) == list(table(DONE).to_frame().columns)
    assert {str(frame[name].dtype) for name in ("made", "sent", "ended")} == {"datetime64[us, UTC]"}


def test_without_pandas_it_says_what_to_install(table: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(TokenLabError, match="pandas is not installed here") as caught:
        table(DONE).to_frame()
    assert "tokenlab-nb[pandas]" in caught.value.hint


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        (5, 5),
        (5.5, 5.5),
        ("2026-11-26T14:30+00:00", datetime(2026, 11, 26, 14, 30, tzinfo=UTC).timestamp()),
        ("2026-11-26T14:30Z", datetime(2026, 11, 26, 14, 30, tzinfo=UTC).timestamp()),
        ("2026-11-26", datetime(2026, 11, 26).timestamp()),
        ("2026-11-26 14:30", datetime(2026, 11, 26, 14, 30).timestamp()),
        (date(2026, 11, 26), datetime(2026, 11, 26).timestamp()),
        (datetime(2026, 11, 26, 14, 30), datetime(2026, 11, 26, 14, 30).timestamp()),
        (datetime(2026, 11, 26, tzinfo=timezone(timedelta(hours=9))), 1795618800.0),
    ],
)
def test_a_moment_may_be_written_in_many_ways(value: object, seconds: float | None) -> None:
    assert moment(value) == seconds  # type: ignore[arg-type]


@pytest.mark.parametrize("value", ["yesterday", "", "2026-13-01", "0001-01-01", b"2026", object()])
def test_what_is_no_moment_is_refused(value: object) -> None:
    with pytest.raises(ValidationError, match="is no date or time") as caught:
        moment(value)  # type: ignore[arg-type]
    assert "2026-11-26T14:30" in caught.value.hint


def test_what_was_left_is_told_in_one_sentence() -> None:
    stopped = waiting(waiting_stopped=True, error=TransportError("No network."))
    assert left_behind([]) == ""
    assert (
        left_behind([waiting()]) == "From an earlier kernel: 1 job on the way, picked up. session.recover() lists them."
    )
    words = left_behind([LOST, LOST, PARKED, waiting(), stopped, *[PARKED] * 1000])
    assert words == (
        "From an earlier kernel: 1 job on the way, picked up; 2 jobs with unknown outcome: look at them first; "
        "1,001 jobs never sent; 1 job no longer waited for. session.recover() lists them."
    )
    assert "look at it before you run it again" in left_behind([LOST])
