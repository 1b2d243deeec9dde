"""The Studio and money: what a run costs is said before it, a budget stops it, what was made is pointed out."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import httpx
import pytest

import tokenlab_nb as tl
from tests.unit.widgets.test_studio import DEADLINE, until
from tokenlab_nb import settings
from tokenlab_nb.jobs.clock import RealClock
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sandbox.app import create_app

ORIGIN = "http://127.0.0.1:9"
RANGED, ONE, UNKNOWN, FREE = "nano-banana-2", "stable-image-core", "gpt-image-2", "z-image"


class Clock(RealClock):
    """The real time, and what a test adds to it."""

    later = 0.0

    def now(self) -> float:
        return super().now() + self.later


class Service(httpx.ASGITransport):
    """A sandbox that is paid for, as far as the widgets know."""

    def __init__(self) -> None:
        super().__init__(create_app(base_url=ORIGIN, latency_scale=0.0))
        self.asked: list[str] = []
        self.is_down = self.loses = False
        self.price: str | None = None

    @property
    def posts(self) -> int:
        return sum(line.startswith("POST") for line in self.asked)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.path}")
        if self.is_down:
            raise httpx.ConnectError("no route", request=request)
        if self.price and request.url.path.endswith("/pricing"):
            pricing = {"currency": "USD", "unit": "per_image", "min_price": self.price, "max_price": self.price}
            return httpx.Response(200, json={"pricing": pricing, "pricing_summary": pricing})
        if self.loses and request.method == "POST":
            return httpx.Response(502, json={"error": {"message": "bad gateway"}})
        return await super().handle_async_request(request)


@pytest.fixture
def service() -> Service:
    return Service()


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def session(tmp_path, service, clock) -> Iterator[tl.Session]:
    chosen = settings.load(api_key=settings.Secret("sk-test"), base_url=ORIGIN, data_dir=tmp_path / "paid")
    with tl.Session(chosen, transport=service, clock=clock) as session:
        yield session


@pytest.fixture
def studio_with(session) -> Iterator[Callable[..., tl.Studio]]:
    made = []

    def make(*models: str, **options: object) -> tl.Studio:
        studio = tl.Studio(session, models=models, prompt="A red fox", **options)
        made.append(studio)
        until(lambda: not studio.button.disabled)
        return studio

    yield make
    for studio in made:
        studio.close()


def finished(widget: tl.Studio | tl.Gallery) -> None:
    """Wait for all jobs that can come to an end."""
    for job in widget.jobs:
        if job.status is not JobStatus.UNKNOWN:
            job.wait(DEADLINE)


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([RANGED], "Run 1 request, $0.0225 - $0.0755"),
        ([ONE], "Run 1 request, about $0.021"),
        ([UNKNOWN], "Run 1 request, 1 unknown price"),
        ([FREE], "Run 1 request, free"),
        ([ONE, UNKNOWN], "Run 2 requests, $0.021 + 1 unknown price"),
    ],
)
def test_the_button_says_what_a_run_will_cost(studio_with, models, said):
    studio = studio_with(*models)
    assert (studio.button.description, studio.quote.price) == (said, "")


def test_the_price_follows_settings_and_models_and_asks_nobody(studio_with, service):
    studio = studio_with(ONE, RANGED)
    known = len(service.asked)
    studio.controls.set_values({"n": 2})
    assert studio.button.description == "Run 2 requests, $0.066 - $0.172"  # only one of them takes n
    studio.picker.value = [RANGED]
    assert studio.button.description == "Run 1 request, $0.045 - $0.151"
    studio.prompt.value = ""
    assert studio.button.description == "Run 1 request, $0.045 - $0.151"
    until(lambda: True)
    assert len(service.asked) == known


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ([ONE], "Nothing is billed here; at the service: about $0.021."),
        ([FREE], "Nothing is billed here; at the service: free."),
        ([UNKNOWN], "Nothing is billed here; at the service: 1 unknown price."),
    ],
)
def test_in_the_sandbox_the_price_is_no_cost(sandbox_session, models, said):
    studio = tl.Studio(sandbox_session, models=models, prompt="A red fox", budget=1)
    until(lambda: not studio.button.disabled)
    assert (studio.button.description, studio.quote.price) == ("Run 1 request", said)
    assert not studio.quote.can_allow
    studio.close()


def test_a_budget_stops_all_before_any_is_sent(studio_with, service):
    studio = studio_with(ONE, RANGED, budget=0.05)
    studio.button.click()
    assert "might cost $0.0965" in studio.quote.error
    assert "$0.05" in studio.quote.error
    assert (service.posts, studio.jobs, studio.header.error) == (0, [], "")
    with pytest.raises(tl.errors.BudgetExceededError):
        studio.run()
    studio.prompt.value = "Another"
    assert studio.quote.error == ""


def test_what_is_spent_and_left_is_said(studio_with):
    studio = studio_with(ONE, budget=0.05)
    until(lambda: studio.quote.spent == "nothing spent; $0.05 of $0.05 left.")
    studio.button.click()
    finished(studio)
    until(lambda: studio.quote.spent == "about $0.021 settled; $0.029 of $0.05 left.")
    studio.button.click()
    finished(studio)
    studio.button.click()
    assert len(studio.jobs) == 2
    assert "only $0.008 are left" in studio.quote.error


def test_an_unknown_price_needs_a_tick_only_under_a_budget(studio_with, ask):
    studio = studio_with(UNKNOWN)
    assert not studio.quote.can_allow
    ask(studio.quote, {"type": "budget", "text": "1"})
    assert studio.quote.can_allow
    studio.button.click()
    assert "price is not stated" in studio.quote.error
    assert studio.jobs == []
    ask(studio.quote, {"type": "allow", "on": True})
    assert studio.quote.error == ""
    studio.button.click()
    assert len(studio.jobs) == 1
    finished(studio)


def test_a_changed_limit_goes_on_counting_and_a_new_one_begins_anew(studio_with, ask):
    studio = studio_with(ONE, budget=0.03)
    studio.button.click()
    finished(studio)
    ask(studio.quote, {"type": "budget", "text": "$0.04"})
    until(lambda: studio.quote.spent == "about $0.021 settled; $0.019 of $0.04 left.")
    ask(studio.quote, {"type": "budget", "text": " "})
    assert studio.budget is None
    until(lambda: studio.quote.spent == "")
    ask(studio.quote, {"type": "budget", "text": "0.04"})
    until(lambda: studio.quote.spent == "nothing spent; $0.04 of $0.04 left.")


@pytest.mark.parametrize("text", ["many", "-1", "inf", "nan", "1,5"])
def test_a_budget_that_is_no_amount_is_told_and_sends_nothing(studio_with, ask, service, text):
    studio = studio_with(ONE)
    ask(studio.quote, {"type": "budget", "text": text})
    assert "is no amount" in studio.quote.error
    studio.button.click()
    assert "is no amount" in studio.quote.error
    assert (service.posts, studio.header.error) == (0, "")
    assert studio.quote.limit == text


def test_the_sessions_own_budget_is_shown_and_kept(studio_with, session):
    session.limit_spending(0.01)
    studio = studio_with(ONE)
    until(lambda: studio.quote.spent == "The session's budget: nothing spent; $0.01 of $0.01 left.")
    studio.button.click()
    assert "might cost $0.021" in studio.quote.error


def test_a_negative_budget_is_refused_at_once(session):
    with pytest.raises(tl.errors.ValidationError, match="budget"):
        tl.Studio(session, budget=-1)


def test_the_repr_tells_the_budget(studio_with, ask):
    studio = studio_with(ONE)
    assert repr(studio.quote) == "Quote()"
    ask(studio.quote, {"type": "budget", "text": "2.5"})
    assert repr(studio.quote) == "Quote(budget $2.50)"


def test_a_completed_twin_is_pointed_out_and_shown_for_nothing(studio_with, session, service, ask):
    before = session.submit(model=ONE, prompt="A red fox")
    before.wait(DEADLINE)
    posts = service.posts
    studio = studio_with(ONE, RANGED)
    until(lambda: studio.quote.twins.startswith("Made before: 1 of 2 requests ("))
    assert studio.quote.twins.endswith("). Run makes it anew.")
    assert studio.quote.reveal == "Show it, costs nothing"
    studio.gallery._leave(before)
    ask(studio.quote, {"type": "show"})
    assert [job.id for job in studio.gallery.jobs] == [before.id]
    assert service.posts == posts
    studio.prompt.value = "A teal teapot"
    until(lambda: studio.quote.twins == "")
    ask(studio.quote, {"type": "show"})
    assert len(studio.gallery.jobs) == 1


def test_run_makes_a_twin_anew(studio_with):
    studio = studio_with(ONE)
    for _ in range(2):
        studio.button.click()
        finished(studio)
    assert len(studio.jobs) == 2
    until(lambda: studio.quote.twins.startswith("Made before ("))


def test_old_contracts_are_read_again_before_run_and_the_click_does_not_wait(studio_with, service, clock):
    studio = studio_with(ONE)
    clock.later = 3600
    known = len(service.asked)
    studio.button.click()
    studio.button.click()  # on its way already
    until(lambda: studio.jobs)
    finished(studio)
    assert len(studio.jobs) == 1
    assert f"GET /v1/models/{ONE}" in service.asked[known:]


def test_a_price_that_changed_meanwhile_is_shown_first(studio_with, service, clock):
    studio = studio_with(ONE)
    clock.later, service.price = 3600, "0.5"
    studio.button.click()
    until(lambda: studio.quote.error)
    assert "The price has changed" in studio.quote.error
    assert studio.button.description == "Run 1 request, about $0.50"
    assert service.posts == 0
    studio.button.click()
    finished(studio)
    assert len(studio.jobs) == 1


def test_a_service_that_is_down_at_run_is_told_and_run_can_be_pressed_again(studio_with, service, clock):
    studio = studio_with(ONE, RANGED)
    clock.later, service.is_down = 3600, True
    studio.button.click()
    until(lambda: studio.header.error)
    until(lambda: True)
    assert studio.jobs == []
    service.is_down = False
    studio.button.click()
    until(lambda: len(studio.jobs) == 2)
    finished(studio)


def test_what_was_put_away_does_not_come_back_with_the_cell(studio_with, session, service, ask):
    service.loses = True
    studio = studio_with(ONE)
    studio.button.click()
    (lost,) = studio.jobs
    until(lambda: lost.status is JobStatus.UNKNOWN)
    assert [job.id for job in studio_with(ONE).gallery.jobs] == [lost.id]
    ask(studio.gallery, {"type": "act", "id": 1, "job": lost.id, "action": "forget"})
    until(lambda: not studio.gallery.jobs)
    assert lost.snapshot.forgotten
    assert studio_with(ONE).gallery.jobs == ()


def test_run_again_from_the_gallery_keeps_to_the_studios_budget(studio_with, service, ask):
    service.loses = True
    studio = studio_with(ONE, budget=0.03)
    studio.button.click()
    (lost,) = studio.jobs
    until(lambda: lost.status is JobStatus.UNKNOWN)
    service.loses = False
    again = {"type": "act", "id": 1, "job": lost.id, "action": "again", "repeated": ""}
    ask(studio.gallery, again)
    until(lambda: studio.gallery.error)
    assert "of unknown outcome" in studio.gallery.error
    assert service.posts == 1
    ask(studio.quote, {"type": "budget", "text": "0.05"})
    ask(studio.gallery, {**again, "id": 2})
    until(lambda: len(studio.gallery.jobs) == 2)
    finished(studio.gallery)
    assert service.posts == 2


def test_run_again_from_the_gallery_counts_against_the_sessions_budget(studio_with, session, service, ask):
    service.loses = True
    studio = studio_with(ONE)
    studio.button.click()
    (lost,) = studio.jobs
    until(lambda: lost.status is JobStatus.UNKNOWN)
    service.loses = False
    session.limit_spending(0.03)
    again = {"type": "act", "id": 1, "job": lost.id, "action": "again", "repeated": ""}
    ask(studio.gallery, again)
    until(lambda: studio.gallery.error)
    assert "of unknown outcome" in studio.gallery.error
    assert service.posts == 1
    session.limit_spending(None)
    ask(studio.gallery, {**again, "id": 2})
    until(lambda: len(studio.gallery.jobs) == 2)
    assert studio.gallery.error == ""
    finished(studio.gallery)
    assert service.posts == 2
