from dataclasses import replace

import pytest

from tokenlab_nb import errors
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.repair import Mended, Repair
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.settings import SANDBOX_URL
from tokenlab_nb.widgets import _costs
from tokenlab_nb.widgets.gallery import Gallery
from tokenlab_nb.widgets.job_view import JobView

S = JobStatus
REFUSED = errors.ValidationError("Must be one of: 1:1, 3:2.", facts=errors.Facts(param="aspect_ratio"))


def way(value, price=0.04, why="Taken are 1:1, 3:2."):
    request = ImageRequest("some-model", "text-to-image", "/v1/images/generations", {"aspect_ratio": value})
    return Mended(Repair(f"Use {value} instead", {"aspect_ratio": value}, why=why), request, Estimate(price, price))


@pytest.fixture
def gallery(page, instant):
    gallery = Gallery(through=instant)
    yield gallery
    gallery.close()


@pytest.fixture
def refuse(gallery, make_job):
    def refused(*ways, error=REFUSED):
        job = make_job()
        job.ways = list(ways)
        gallery.add(job)
        return job.go(S.SENDING).go(S.FAILED, error=error)

    return refused


def row(widget, job):
    return next(each for each in widget.get_state("rows")["rows"] if each["id"] == job.id)


def confirm(ask, widget, job, label="Use 3:2 instead", question=1):
    ask(widget, {"type": "repair", "id": question, "job": job.id, "repair": label})


def test_a_refused_job_offers_its_first_two_repairs_with_reason_and_price(gallery, refuse):
    job = refuse(way("3:2"), way("1:1", None, ""), way("2:3"))
    found = row(gallery, job)
    assert found["actions"] == ["repair:Use 3:2 instead", "repair:Use 1:1 instead"]
    first, second = found["repairs"]
    assert first == {
        "action": "repair:Use 3:2 instead",
        "label": "Use 3:2 instead",
        "why": "Taken are 1:1, 3:2.",
        "question": {
            "text": "Use 3:2 instead: Taken are 1:1, 3:2. Sending it may cost $0.04.",
            "button": "Send and pay",
        },
    }
    assert second["question"]["text"] == "Use 1:1 instead. Sending it is paid for; its price is not stated."
    assert found["questions"] == {each["action"]: each["question"] for each in found["repairs"]}


@pytest.mark.parametrize(
    ("origin", "price", "text", "button"),
    [
        (SANDBOX_URL, 0.04, "In the sandbox nothing is billed.", "Send"),
        ("http://service", 0.0, "By the price list it is free.", "Send"),
    ],
)
def test_what_costs_nothing_says_so(make_job, origin, price, text, button):
    refused = replace(make_job().snapshot, origin=origin)
    question = _costs.mending_question(refused, way("3:2", price, ""))
    assert question == {"text": f"Use 3:2 instead. {text}", "button": button}


@pytest.mark.parametrize(
    "error", [errors.AuthenticationError("No."), errors.JobFailedError("Content policy violation."), None]
)
def test_nothing_is_looked_for_where_nothing_can_be_found(gallery, refuse, error):
    job = refuse(way("3:2"), error=error)
    assert "ways" not in job.calls
    assert row(gallery, job)["repairs"] == []


def test_what_goes_on_is_not_looked_at_and_each_job_is_looked_at_once(gallery, make_job, refuse):
    retried = make_job()
    gallery.add(retried)
    retried.go(S.SENDING).go(S.DRAFT, error=errors.ServiceError("Later."), note="Sent again in 3 s.")
    assert "ways" not in retried.calls
    job = refuse(way("3:2"))
    job.tell()
    assert job.calls.count("ways") == 1


def test_jobs_are_looked_at_one_after_another(gallery, make_job):
    jobs = [make_job() for _ in range(3)]
    for job in jobs:
        job.unread = True
        gallery.add(job)
        job.go(S.SENDING).go(S.FAILED, error=REFUSED)
    assert [len(job.answers) for job in jobs] == [1, 0, 0]
    jobs[0].answers[0].set_result((way("3:2"),))
    assert [len(job.answers) for job in jobs] == [1, 1, 0]
    jobs[1].answers[0].set_exception(errors.SessionClosedError("Closed."))
    jobs[2].answers[0].set_result(())
    assert [len(row(gallery, job)["repairs"]) for job in jobs] == [1, 0, 0]


def test_a_job_that_left_or_whose_session_is_closed_holds_up_no_other(gallery, make_job, refuse, monkeypatch):
    first, gone, dead = make_job(), make_job(), make_job()
    first.unread = True
    monkeypatch.setattr(dead, "fetch_repairs", lambda: (_ for _ in ()).throw(errors.SessionClosedError("Closed.")))
    for job in (first, gone, dead):
        gallery.add(job)
        job.go(S.SENDING).go(S.FAILED, error=REFUSED)
    last = refuse(way("3:2"))
    gallery._leave(gone)
    first.answers[0].set_result(())
    assert gone.calls == []
    assert len(row(gallery, last)["repairs"]) == 1


def test_confirmed_it_is_sent_once_and_stands_right_after_the_refused_one(gallery, refuse, make_job, page, ask):
    job, other = refuse(way("3:2"), way("1:1")), make_job()
    gallery.add(other)
    confirm(ask, gallery, job)
    assert page.answer_to(1)[0]["result"] == {"said": ""}
    assert job.calls.count("repair Use 3:2 instead") == 1
    new = job.repeat
    assert gallery.jobs == (job, new, other)
    assert (row(gallery, job)["mended"], row(gallery, job)["repairs"]) == (new.id, [])
    assert (row(gallery, new)["mends"], row(gallery, new)["ids"]["Mends"]) == (job.id, job.id)
    assert [row(gallery, each)["repair"] for each in (job, new)] == ["", "Use 3:2 instead"]


def test_a_second_press_sends_nothing(gallery, refuse, page, ask):
    job = refuse(way("3:2"))
    confirm(ask, gallery, job)
    confirm(ask, gallery, job, question=2)
    assert page.answer_to(2)[0]["error"] == "This job has moved on meanwhile. Nothing was sent. Look at it first."
    assert job.calls.count("repair Use 3:2 instead") == 1


def test_a_way_that_the_service_no_longer_offers_is_not_gone(gallery, refuse, page, ask):
    job = refuse(way("3:2"))
    job.ways = [way("1:1")]
    confirm(ask, gallery, job)
    assert not page.answer_to(1)[0]["ok"]
    assert "repair Use 3:2 instead" not in job.calls


@pytest.mark.parametrize(
    ("now", "said"),
    [
        (way("3:2", 0.09), "It was priced $0.04, and is priced $0.09 today. Nothing was sent. Confirm it again."),
        (
            replace(way("3:2"), request=way("1:1").request),
            "What is sent has changed. Nothing was sent. Confirm it again.",
        ),
    ],
)
def test_what_changed_meanwhile_is_asked_about_again(gallery, refuse, page, ask, now, said):
    job = refuse(way("3:2"))
    job.ways = [now]
    confirm(ask, gallery, job)
    assert page.answer_to(1)[0]["error"] == gallery.error == said
    assert row(gallery, job)["repairs"][0]["question"] == _costs.mending_question(job.snapshot, now)
    confirm(ask, gallery, job, question=2)
    assert page.answer_to(2)[0]["ok"]


def test_where_nothing_is_billed_a_new_price_is_no_news(gallery, refuse, page, ask):
    job = refuse(way("3:2"))
    job.snapshot = replace(job.snapshot, origin=SANDBOX_URL)
    job.ways = [way("3:2", 0.09)]
    confirm(ask, gallery, job)
    assert page.answer_to(1)[0]["ok"]


def test_the_answer_is_given_when_the_service_was_heard_and_a_refusal_says_why(gallery, refuse, page, ask):
    job = refuse(way("3:2"))
    job.unread = True
    confirm(ask, gallery, job)
    assert page.messages("answer") == []
    job.refusal = errors.BudgetExceededError("Too dear. Nothing was sent.")
    job.answers[-1].set_result((way("3:2"),))
    assert page.answer_to(1)[0]["error"].startswith("Too dear. Nothing was sent.")
    assert len(row(gallery, job)["repairs"]) == 1


def test_the_limit_of_the_widget_holds_for_repairs(gallery, refuse, ask, monkeypatch, make_job):
    job, limits = refuse(way("3:2")), []
    gallery.budget = lambda: "the limit"
    monkeypatch.setattr(job, "repair", lambda _repair, *, budget: limits.append(budget) or make_job())
    confirm(ask, gallery, job)
    assert limits == ["the limit"]


def test_a_closed_widget_sends_nothing(page, instant, make_job, ask):
    job = make_job()
    job.ways = [way("3:2")]
    gallery = Gallery([job.go(S.SENDING).go(S.FAILED, error=REFUSED)], through=instant)
    job.unread = True
    confirm(ask, gallery, job)
    gallery.close()
    job.answers[-1].set_result((way("3:2"),))
    assert "repair Use 3:2 instead" not in job.calls


def test_a_job_view_goes_on_with_the_job_that_mends(page, instant, make_job, ask, monkeypatch):
    monkeypatch.setattr("tokenlab_nb.widgets._pictures.bridge", lambda: instant)
    job = make_job()
    job.ways = [way("3:2")]
    view = JobView(job.go(S.SENDING).go(S.FAILED, error=REFUSED))
    confirm(ask, view, job)
    assert view.job is job.repeat
    assert page.answer_to(1)[0]["result"]["said"] == f"This job mends {job.id}, which stays in session.history()."
    assert row(view, view.job)["mends"] == job.id
    view.close()
