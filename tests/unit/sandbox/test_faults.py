"""Scripted faults: what they match, how often, and what they do to an answer."""

from __future__ import annotations

import pytest

from tokenlab_nb.sandbox.faults import PRESETS, Event, Fault, Script, edit_answer, parse_faults

CREATE = Event("POST", "/v1/images/generations", "m", "text-to-image", "A Stormy sea")
BASE = "http://127.0.0.1:1"


@pytest.mark.parametrize(
    ("rule", "taken"),
    [
        ({}, True),
        ({"method": "POST", "path": "/v1/images", "model": "m", "operation": "text-to-image"}, True),
        ({"prompt": "storm"}, True),
        ({"method": "GET"}, False),
        ({"path": "/v1/tasks"}, False),
        ({"model": "other"}, False),
        ({"operation": "image-edit"}, False),
        ({"prompt": "calm"}, False),
    ],
)
def test_a_rule_matches_by_all_that_it_says(rule: dict[str, str], taken: bool):
    assert Fault("drop", **rule).matches(CREATE) is taken


@pytest.mark.parametrize(
    ("rule", "fired"),
    [
        ({}, [1, 1, 1, 1]),
        ({"times": 2}, [1, 1, 0, 0]),
        ({"nth": 3}, [0, 0, 1, 1]),
        ({"nth": 2, "times": 1}, [0, 1, 0, 0]),
    ],
)
def test_nth_and_times(rule: dict[str, int], fired: list[int]):
    script = Script([Fault("drop", **rule)])
    assert [len(script.fire(CREATE)) for _ in range(4)] == fired


def test_other_calls_are_not_counted():
    script = Script([Fault("drop", path="/v1/images", nth=2), Fault("delay", seconds=1)])
    slow = (script.faults[1],)
    assert [script.fire(Event("GET", "/v1/models")), script.fire(CREATE)] == [slow, slow]
    assert script.fire(CREATE) == (script.faults[0],)


def test_what_a_rule_ends_is_not_seen_by_the_rules_after_it():
    lost, refused = Fault("drop", after=True, times=1), Fault("rate_limited", times=1)
    script = Script([lost, refused])
    assert [script.fire(CREATE) for _ in range(3)] == [(refused,), (lost,), ()]


def test_a_file_is_read():
    rules = parse_faults('[{"do": "answer", "status": 418, "body": {"a": 1}}, {"do": "rate_limited", "times": 1}]')
    assert rules[0].canned is not None
    assert (rules[0].canned.status, rules[0].canned.body) == (418, {"a": 1})
    assert rules[1].canned is PRESETS["rate_limited"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{}", "a JSON list"),
        ("[1]", "a JSON list"),
        ("[", "Expecting"),
        ('[{"times": 1}]', "no 'do'"),
        ('[{"do": "explode"}]', "unknown fault 'explode'"),
        ('[{"do": "drop", "modle": "x"}]', "modle"),
    ],
)
def test_bad_files_say_why(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        parse_faults(text)


def test_when_a_fault_strikes():
    assert not Fault("drop").late
    assert Fault("drop", after=True).late
    assert not Fault("bad_gateway_html").late
    assert Fault("not_json").late
    assert not Fault("not_json", after=False).late
    assert Fault("foreign_poll_url", after=False).late
    assert Fault("huge_picture").late
    assert Fault("drop").canned is None


def test_the_rate_limit_says_two_things():
    canned = PRESETS["rate_limited"]
    assert canned.headers["Retry-After"] != str(canned.body["error"]["retry_after"])


def test_answers_are_edited():
    url = f"{BASE}/pictures/img_1-0.png"
    inline = {"created": 1, "data": [{"url": url}]}
    assert edit_answer(inline, "completed_without_url", BASE)["data"] == [{"url": ""}]
    single = {"status": "completed", "data": [], "image_url": url}
    assert edit_answer(single, "completed_without_url", BASE) == {"status": "completed", "data": []}
    pending = {"status": "pending", "data": [], "poll_url": "/v1/tasks/x"}
    assert edit_answer(pending, "completed_without_url", BASE) == pending
    assert edit_answer(inline, "private_picture_host", BASE)["data"][0]["url"] == "http://10.0.0.1/pictures/img_1-0.png"
    assert edit_answer(pending, "foreign_poll_url", BASE)["poll_url"] == "https://collector.example/v1/tasks/x"
    assert edit_answer(inline, "foreign_poll_url", BASE) == inline
    assert edit_answer(inline, "truncated_json", BASE) == inline
