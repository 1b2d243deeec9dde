"""What people and services get wrong: one clear message with what to do, the other jobs go on, nothing is lost."""

from __future__ import annotations

import socket
from collections.abc import Callable
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tests.unit.pictures import PNG
from tokenlab_nb import settings
from tokenlab_nb.errors import (
    AuthenticationError,
    ImageError,
    InsufficientBalanceError,
    JobFailedError,
    RateLimitError,
    ServiceError,
    TokenLabError,
    TransportError,
    UnknownOutcomeError,
    ValidationError,
)
from tokenlab_nb.jobs import schedule
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.session import Session
from tokenlab_nb.store.journal import Journal

Make = Callable[..., Rig]
BAD, GOOD = "the unlucky one", "a red fox"

REFUSED_AT_ONCE = {
    "empty prompt": ({"prompt": " "}, "Prompt is empty. Give a prompt."),
    "no prompt": ({}, "text-to-image needs prompt. Give a prompt."),
    "too long a prompt": ({"prompt": "x" * 4001}, "Prompt has 4,001 characters; 4,000 at most. Shorten it by 1."),
    "unknown model": ({"model": "flux-pro", "prompt": "fox"}, "no model 'flux-pro'. Did you mean flux-2-pro?"),
    "no model's name": ({"model": 3, "prompt": "fox"}, "not by a value of type int. Give its id: model.id."),
    "a value outside the contract": (
        {"prompt": "fox", "quality": "ultra"},
        '"ultra" is not taken here as quality. Choose one of auto, low, medium, high.',
    ),
    "a size outside the rule": ({"prompt": "fox", "size": "1000x1000"}, "not a multiple of 16. Use 992x992, say."),
    "too many": ({"prompt": "fox", "n": 99}, "n cannot be 99. Give a whole number from 1 to 10."),
    "a field it does not take": ({"prompt": "fox", "qualty": "low"}, "does not take qualty. Did you mean quality?"),
    "two things at once": ({"prompt": "", "n": 0}, "Give a prompt. n cannot be 0. Give a whole number from 1 to 10."),
}


def test_only_addresses_are_checked(rig: Make) -> None:
    with pytest.raises(ValidationError, match="no address, but a value of type bytes"):
        rig().session.check_reference(b"fox")  # type: ignore[arg-type]


def test_several_pictures_have_no_variations(rig: Make) -> None:
    world = rig()
    with pytest.raises(ValidationError, match="takes 1 at most"):
        world.session.vary(model="dall-e-2", image=[PNG, PNG])
    assert world.posts == 0


@pytest.mark.parametrize("what", REFUSED_AT_ONCE)
def test_what_can_be_known_is_refused_at_once_and_nothing_is_sent(rig: Make, what: str) -> None:
    world = rig()
    params, words = REFUSED_AT_ONCE[what]
    with pytest.raises(ValidationError) as caught:
        world.session.submit(**{"model": "gpt-image-2", **params})
    assert words in str(caught.value)
    assert all(issue.field and issue.message and issue.remedy for issue in caught.value.issues)
    assert str(caught.value).count(caught.value.issues[0].message) == 1
    assert (world.posts, world.session.jobs) == (0, [])
    assert world.session.generate(model="gpt-image-2", prompt=GOOD)


Case = tuple[Fault, type[TokenLabError], str, tl.JobStatus, int]
FAILED, UNKNOWN = tl.JobStatus.FAILED, tl.JobStatus.UNKNOWN
ANSWERS: dict[str, Case] = {
    "wrong key": (
        Fault("invalid_api_key", method="POST", prompt=BAD),
        AuthenticationError,
        "Set TOKENLAB_API_KEY to a valid key",
        FAILED,
        1,
    ),
    "no money": (
        Fault("insufficient_balance", method="POST", prompt=BAD),
        InsufficientBalanceError,
        "Balance $0.12, needed about $0.35.",
        FAILED,
        1,
    ),
    "429": (Fault("rate_limited", method="POST", prompt=BAD), RateLimitError, "Wait a little", FAILED, 5),
    "503": (Fault("all_channels_failed", method="POST", prompt=BAD), ServiceError, "Try again later", FAILED, 5),
    "503 for good": (Fault("no_channel", method="POST", prompt=BAD), ServiceError, "Try again later", FAILED, 1),
    "not JSON": (
        Fault("not_json", method="POST", prompt=BAD),
        UnknownOutcomeError,
        "something that is not JSON (text/plain). It is not sent again by itself",
        UNKNOWN,
        1,
    ),
    "a gateway's page": (
        Fault("bad_gateway_html", method="POST", prompt=BAD),
        UnknownOutcomeError,
        "Look in the dashboard's usage list",
        UNKNOWN,
        1,
    ),
    "dropped after the work": (
        Fault("drop", method="POST", prompt=BAD, after=True),
        UnknownOutcomeError,
        "the answer was lost (RemoteProtocolError: The peer closed",
        UNKNOWN,
        1,
    ),
    "corrupt picture": (
        Fault("corrupt_picture", path="/pictures", prompt=BAD),
        ImageError,
        "picture is damaged or cut short",
        FAILED,
        1,
    ),
    "200 MB picture": (
        Fault("huge_picture", path="/pictures", prompt=BAD),
        ImageError,
        "200,000,000 bytes or more; at most 100,000,000 are fetched. Ask for a smaller size",
        FAILED,
        1,
    ),
    "web page as picture": (
        Fault("wrong_content_type", path="/pictures", prompt=BAD),
        ImageError,
        "answered with text/html, not a picture. The picture is paid for and its address kept",
        FAILED,
        1,
    ),
    "completed without a picture": (
        Fault("completed_without_url", path="/v1/tasks", prompt=BAD),
        JobFailedError,
        "holds no usable picture",
        FAILED,
        1,
    ),
}


@pytest.mark.parametrize("what", ANSWERS)
def test_each_bad_answer_is_told_once_and_clearly_and_the_others_go_on(rig: Make, what: str) -> None:
    fault, kind, words, status, posts = ANSWERS[what]
    world = rig(fault)
    bad = world.session.submit(model="gpt-image-2", prompt=BAD)
    good = world.session.submit(model="gpt-image-2", prompt=GOOD)
    with pytest.raises(kind) as caught:
        bad.wait(SOON)
    assert type(caught.value) is kind
    assert words in str(caught.value)
    assert caught.value.hint in str(caught.value)
    assert (bad.status, bad.snapshot.is_at_rest) == (status, True)
    assert len(good.wait(SOON)) == 1
    assert world.posts - 1 == posts
    recorded(world, bad, good)


def recorded(world: Rig, *jobs: tl.Job) -> None:
    """What is known of the jobs is in the ledger, as a later session would read it."""
    journal = Journal(world.session.settings.data_dir / "ledger.sqlite3")
    for job in jobs:
        found = journal.load(job.id)
        assert found is not None
        assert found.to_record() == job.snapshot.to_record()
    journal.close()


@pytest.mark.parametrize("do", ["corrupt_picture", "huge_picture", "wrong_content_type"])
def test_a_picture_that_came_badly_once_is_fetched_again_and_not_paid_again(rig: Make, do: str) -> None:
    world = rig(Fault(do, path="/pictures", times=1))
    job = world.session.submit(model="gpt-image-2", prompt=GOOD)
    with pytest.raises(ImageError):
        job.wait(SOON)
    assert job.snapshot.can_fetch_again
    kept = [origin.sha256 for origin in job.snapshot.origins]
    pictures = world.session.settings.data_dir / "pictures"
    assert [path.name for path in pictures.rglob("*") if path.is_file()] == kept * (do == "corrupt_picture")
    job.fetch_again()
    assert len(job.wait(SOON)) == 1
    assert (world.posts, world.accepted) == (1, 1)


@pytest.mark.parametrize(
    "do", ["drop", "bad_gateway_html", "server_error", "rate_limited", "not_json", "truncated_json"]
)
def test_trouble_with_asking_never_fails_a_job(rig: Make, do: str) -> None:
    world = rig(Fault(do, method="GET", path="/v1/tasks", times=3))
    job = world.session.submit(model="gpt-image-2", prompt=GOOD)
    assert len(job.wait(SOON)) == 1
    assert (world.posts, world.accepted) == (1, 1)


@pytest.mark.parametrize(("do", "kind"), [("invalid_api_key", AuthenticationError), ("drop", TransportError)])
def test_a_task_that_cannot_be_asked_for_waits_for_better_times(rig: Make, do: str, kind: type[TokenLabError]) -> None:
    times = 1 if do == "invalid_api_key" else schedule.MAX_ASKS
    world = rig(Fault(do, method="GET", path="/v1/tasks", times=times))
    job = world.session.submit(model="gpt-image-2", prompt=GOOD)
    with pytest.raises(kind):
        job.wait(SOON)
    assert (job.status, job.snapshot.waiting_stopped) == (tl.JobStatus.PENDING, True)
    recorded(world, job)
    assert len(job.wait(SOON)) == 1
    assert (world.posts, world.accepted) == (1, 1)


def test_a_task_that_vanished_is_told_and_not_given_up(rig: Make) -> None:
    world = rig(Fault("task_vanishes", method="GET", path="/v1/tasks"))
    job = world.session.submit(model="gpt-image-2", prompt=GOOD)
    with pytest.raises(TokenLabError, match="Task not found or no longer available"):
        job.wait(SOON)
    assert (job.snapshot.waiting_stopped, job.snapshot.can_resume) == (True, True)


def test_a_poll_address_on_another_host_does_not_get_the_key(rig: Make) -> None:
    world = rig(Fault("foreign_poll_url", method="POST", path="/v1/images"))
    assert world.session.generate(model="gpt-image-2", prompt=GOOD)
    assert {request.url.host for request in world.wire.requests} == {"sandbox.tokenlab.localhost"}


def test_a_picture_on_a_private_host_is_refused_by_a_public_service(rig: Make) -> None:
    world = rig(Fault("private_picture_host"), base_url="https://api.example.org")
    job = world.session.submit(model="gpt-image-2", prompt=GOOD)
    with pytest.raises(ImageError, match=r"address is refused\. 10\.0\.0\.1 is a private"):
        job.wait(SOON)
    assert not world.sent("GET", "/pictures")


@pytest.fixture
def closed_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


def test_no_network_is_told_before_and_after_the_contract_is_known(rig: Make, tmp_path: Path, closed_port: int) -> None:
    chosen = settings.load(base_url=f"http://127.0.0.1:{closed_port}", data_dir=tmp_path / "none")
    with Session(chosen, clock=rig().clock) as session:
        for use in (session.models, lambda: session.submit(model="gpt-image-2", prompt=GOOD)):
            with pytest.raises(TransportError, match=r"did not reach http://127\.0\.0\.1:\d+ .*Check the network"):
                use()
        session._catalogue.details["gpt-image-2"] = rig().session.model("gpt-image-2")
        session._catalogue._read_at["gpt-image-2"] = session._clock.now()
        job = session.submit(model="gpt-image-2", prompt=GOOD)
        with pytest.raises(TransportError, match=r"Check the network and the API address, then run it again\."):
            job.wait(SOON)
        assert (job.status, job.snapshot.retries) == (FAILED, schedule.MAX_RESENDS)
