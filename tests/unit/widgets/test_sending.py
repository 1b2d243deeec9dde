"""Buttons that send, look or put away: what they ask of the job, once and only while all is as the page saw it."""

import json
from dataclasses import replace

import pytest

from tokenlab_nb import errors
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.widgets.job_view import JobView

S = JobStatus


@pytest.fixture
def lost(make_job):
    return make_job().go(S.SENDING).go(S.UNKNOWN)


@pytest.fixture
def parked(make_job):
    return make_job().go(S.DRAFT, waiting_stopped=True)


def act(widget, page, ask, job, action, number=1, **fields):
    ask(widget, {"type": "act", "id": number, "job": job.id, "action": action, "repeated": "", **fields})
    return page.answer_to(number)[0]


def shown(widget):
    return [row["id"] for row in widget.get_state("rows")["rows"]]


def test_looking_again_answers_with_a_sentence_and_no_error(gallery, lost, page, ask):
    gallery.add(lost)
    assert act(gallery, page, ask, lost, "look")["result"] == {"said": "Look in the dashboard."}
    assert gallery.error == ""


def test_run_again_adds_the_new_job_right_after_the_old_one(gallery, lost, make_job, page, ask):
    gallery.add(lost)
    gallery.add(other := make_job())
    assert act(gallery, page, ask, lost, "again")["ok"]
    assert lost.calls == ["again"]
    assert shown(gallery) == [lost.id, lost.repeat.id, other.id]
    assert [job.id for job in gallery.jobs] == shown(gallery)
    old, new, _ = gallery.get_state("rows")["rows"]
    assert (old["repeated"], new["repeats"]) == (lost.repeat.id, lost.id)
    ((told, _),) = [(row, 0) for row in page.messages("rows")[-1][0]["rows"]]
    assert told["repeated"] == lost.repeat.id


def test_a_second_page_that_has_not_seen_it_sends_nothing(gallery, lost, page, ask):
    gallery.add(lost)
    act(gallery, page, ask, lost, "again")
    refused = act(gallery, page, ask, lost, "again", 2)
    assert not refused["ok"]
    assert "Nothing was sent" in refused["error"]
    assert gallery.error == refused["error"]
    assert lost.calls == ["again"]
    first = lost.repeat.id
    assert act(gallery, page, ask, lost, "again", 3, repeated=first)["ok"]
    assert lost.calls == ["again", "again"]
    assert shown(gallery) == [lost.id, lost.repeat.id, first]


def test_what_has_moved_on_is_not_sent_again(gallery, lost, page, ask):
    gallery.add(lost)
    lost.go(S.PENDING, task_id="t")
    assert not act(gallery, page, ask, lost, "again")["ok"]
    assert not act(gallery, page, ask, lost, "run", 2)["ok"]
    assert lost.calls == []


def test_sending_waits_for_the_price_list_and_the_callback_does_not(gallery, lost, page, ask):
    lost.unread = True
    gallery.add(lost)
    ask(gallery, {"type": "act", "id": 1, "job": lost.id, "action": "again", "repeated": ""})
    assert (lost.calls, page.messages("answer")) == ([], [])
    lost.answers[0].set_result(None)
    assert lost.calls == ["again"]
    assert page.answer_to(1)[0]["ok"]


def test_without_a_price_list_nothing_is_sent_and_it_is_told(gallery, lost, page, ask):
    lost.unread = True
    gallery.add(lost)
    ask(gallery, {"type": "act", "id": 1, "job": lost.id, "action": "again", "repeated": ""})
    lost.answers[0].set_exception(errors.TransportError("The host was not reached."))
    assert lost.calls == []
    assert page.answer_to(1)[0]["error"] == gallery.error
    assert "The host was not reached." in gallery.error


def test_a_widget_that_was_closed_meanwhile_sends_nothing(gallery, lost, ask):
    lost.unread = True
    gallery.add(lost)
    ask(gallery, {"type": "act", "id": 1, "job": lost.id, "action": "again", "repeated": ""})
    gallery.close()
    lost.answers[0].set_result(None)
    assert lost.calls == []


def test_over_the_budget_is_told_and_nothing_is_followed(gallery, lost, page, ask):
    lost.refusal = errors.BudgetExceededError("This might cost $0.08. Nothing was sent.")
    gallery.add(lost)
    assert "This might cost $0.08" in act(gallery, page, ask, lost, "again")["error"]
    assert shown(gallery) == [lost.id]


def test_a_draft_is_run_where_it_stands(gallery, parked, page, ask):
    gallery.add(parked)
    assert act(gallery, page, ask, parked, "run")["ok"]
    assert parked.calls == ["run"]
    assert shown(gallery) == [parked.id]
    assert not act(gallery, page, ask, parked, "run", 2)["ok"]
    assert parked.calls == ["run"]


def test_what_is_forgotten_leaves_the_gallery_and_its_twin(gallery, lost, make_job, page, ask):
    gallery.add(lost)
    gallery.add(other := make_job())
    act(gallery, page, ask, lost, "forget")
    assert lost.snapshot.forgotten
    assert shown(gallery) == [other.id]
    assert [message["jobs"] for message, _ in page.messages("gone")] == [[lost.id]]
    assert lost.callbacks == []
    assert gallery.frozen().text.count("\n") == 1
    gallery._deliver({lost.id: lost.snapshot})  # late news
    assert shown(gallery) == [other.id]


def test_a_forgotten_job_can_be_added_again(gallery, lost, page, ask):
    gallery.add(lost)
    act(gallery, page, ask, lost, "forget")
    gallery.add(lost)
    assert gallery.get_state("rows")["rows"][0]["words"] == "Outcome unknown, set aside"


@pytest.fixture
def view(page, instant, monkeypatch):
    monkeypatch.setattr("tokenlab_nb.widgets._pictures.bridge", lambda: instant)
    made = []

    def show(job):
        made.append(JobView(job))
        return made[-1]

    yield show
    for each in made:
        each.close()


def test_a_job_view_follows_the_new_job_and_names_the_old_one(view, lost, page, ask):
    widget = view(lost)
    act(widget, page, ask, lost, "again")
    assert widget.job is lost.repeat
    (row,) = widget.get_state("rows")["rows"]
    assert (row["id"], row["ids"]["Runs again"]) == (lost.repeat.id, lost.id)
    assert lost.callbacks == []


def test_a_job_view_keeps_what_is_forgotten_and_says_so(view, lost, page, ask):
    widget = view(lost)
    assert act(widget, page, ask, lost, "forget")["result"]["said"].startswith("Set aside. It stays in the ledger")
    assert widget.get_state("rows")["rows"][0]["words"] == "Outcome unknown, set aside"


def test_a_discarded_draft_says_that_it_was_never_sent(view, parked, page, ask):
    widget = view(parked)
    assert act(widget, page, ask, parked, "forget")["result"] == {"said": "Discarded: it was never sent."}


def test_the_support_packet_comes_as_text(view, lost, page, ask):
    ask(view(lost), {"type": "packet", "id": 1, "job": lost.id})
    assert json.loads(page.answer_to(1)[0]["result"]["text"]) == {"job_id": lost.id}


def test_a_tile_is_pointed_at(gallery, lost, page):
    gallery.add(lost)
    gallery.point_at(lost)
    assert [message["job"] for message, _ in page.messages("point")] == [lost.id]


@pytest.mark.parametrize("action", ["again", "run"])
def test_a_price_that_changed_is_told_and_confirmed_before_anything_is_sent(action, gallery, lost, parked, page, ask):
    job = lost if action == "again" else parked
    job.snapshot = replace(job.snapshot, estimate=Estimate(0.0, 0.0))
    gallery.add(job)
    job.todays_price = Estimate(0.5, 0.5)
    refused = act(gallery, page, ask, job, action)
    assert not refused["ok"]
    assert "priced free, and is priced $0.50 today. Nothing was sent" in refused["error"]
    assert job.calls == []
    assert act(gallery, page, ask, job, action, 2)["ok"]
    assert job.calls == [action]
