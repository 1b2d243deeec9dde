"""Addresses as references, from the session to the service: what is refused, warned of, noted and tried."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence

import pytest

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.errors import ImageError, TokenLabWarning, TransportError, ValidationError
from tokenlab_nb.images import probe
from tokenlab_nb.jobs.job import Charge
from tokenlab_nb.settings import SANDBOX_URL

Make = Callable[..., Rig]
SAMPLE = f"{SANDBOX_URL}/samples/fox.jpg"
SECRET = "5ecre7"
FAR = "https://cdn.example.com/fox.png"


async def resolve(host: str, port: int) -> Sequence[str]:
    found = {"cdn.example.com": ["93.184.216.34"], "inside.example.com": ["93.184.216.34", "10.0.0.1"]}
    if host not in found:
        raise OSError("Name or service not known")
    return found[host]


def signed(seconds: float) -> str:
    return f"{FAR}?AWSAccessKeyId=A&Signature={SECRET}&Expires={1_800_000_000 + seconds:.0f}"


def test_a_reference_that_lies_inside_is_never_sent(rig: Make) -> None:
    world = rig(resolve=resolve)
    job = world.session.submit(model="gpt-image-2", prompt="bluer", references=[SAMPLE, "https://inside.example.com/a"])
    with pytest.raises(ValidationError, match=r"references\[1\]: .*10\.0\.0\.1 is a private"):
        job.wait(SOON)
    assert (job.status, job.snapshot.charge, world.posts) == (tl.JobStatus.FAILED, Charge.NONE, 0)


@pytest.mark.parametrize(("url", "note"), [(FAR, ""), ("https://who.example.com/a", "Not known from here: who.")])
def test_any_other_is_sent_and_the_service_says_what_it_makes_of_it(rig: Make, url: str, note: str) -> None:
    world = rig(resolve=resolve)
    job = world.session.submit(model="gpt-image-2", prompt="bluer", references=[url])
    with pytest.raises(ValidationError, match="could not be fetched"):
        job.wait(SOON)
    assert world.posts == 1
    assert job.snapshot.note.startswith(note)
    assert bool(job.snapshot.note) is bool(note)


def test_a_signed_address_is_warned_of_and_one_that_ends_is_refused(rig: Make) -> None:
    session = rig().session
    with pytest.warns(TokenLabWarning, match="is signed for Amazon S3: it expires .*, in 12 minutes") as caught:
        request = session.prepare("gpt-image-2", {"prompt": "bluer"}, references=[signed(12 * 60)])
    assert request.references[0].url == signed(12 * 60)
    assert SECRET not in str(caught[0].message)
    with pytest.raises(ValidationError, match="expired 1 hour ago") as refused:
        session.submit(model="gpt-image-2", prompt="bluer", references=[signed(-3600)])
    assert SECRET not in str(refused.value)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        session.prepare("gpt-image-2", {"prompt": "bluer"}, references=[SAMPLE])


def test_an_address_is_tried_on_demand(sandbox_session: tl.Session) -> None:
    found = sandbox_session.check_reference(SAMPLE)
    data = sandbox_session.fetch_reference(SAMPLE).result(SOON)
    seen = probe(data)
    assert (found.url, found.final_url, found.problem) == (SAMPLE, SAMPLE, "")
    assert (found.media_type, found.width, found.height) == (seen.media_type, seen.width, seen.height)
    assert (found.size, found.redirects, found.expires_at) == (len(data), 0, None)
    (result,) = sandbox_session.generate(model="gpt-image-2", prompt="fox")
    own = str(sandbox_session.jobs[0].snapshot.origins[0].url)
    assert sandbox_session.fetch_reference(own).result(SOON) == result.bytes


@pytest.mark.parametrize(
    ("url", "why", "kind"),
    [
        (f"{SANDBOX_URL}/samples/none.jpg", "answered 404", ImageError),
        (f"{FAR}?sig={SECRET}", "There is no network behind the sandbox", TransportError),
        (f"https://10.0.0.1/a?sig={SECRET}", "10.0.0.1 is a private", ImageError),
        (f"https://me:{SECRET}@example.com/a", "user name or password", ImageError),
    ],
)
def test_what_cannot_be_tried_is_told_in_words(
    sandbox_session: tl.Session, url: str, why: str, kind: type[Exception]
) -> None:
    found = sandbox_session.check_reference(url)
    assert why in found.problem
    assert SECRET not in repr(found)
    assert isinstance(sandbox_session.fetch_reference(url).exception(SOON), kind)
