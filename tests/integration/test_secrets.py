"""The canary: a key goes through everything, and is then looked for wherever something could keep or show it."""

from __future__ import annotations

import copy
import io
import logging
import pickle
import sys
import traceback
from collections.abc import Callable, Iterable
from contextlib import redirect_stdout
from pathlib import Path

import httpx
import keyring
import pytest
from IPython.core.ultratb import VerboseTB

import tokenlab_nb as tl
from tests.integration.harness import Rig
from tests.unit.jobs.fakes import SOON
from tokenlab_nb import opening, settings
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.sandbox.faults import Fault

Make = Callable[..., Rig]
WORD = "canary" * 3
CANARY = f"sk-{WORD}"  # in two pieces: tracebacks quote the source

FAULTS = {
    "wrong key": Fault("invalid_api_key", method="POST", path="/v1/images"),
    "refused": Fault("insufficient_balance", method="POST", path="/v1/images"),
    "lost": Fault("drop", method="POST", path="/v1/images"),
    "gateway": Fault("bad_gateway_html", method="POST", path="/v1/images"),
    "not JSON": Fault("not_json", method="POST", path="/v1/images"),
    "bad picture": Fault("corrupt_picture", path="/pictures"),
    "no network": Fault("drop", path="/v1/models"),
}


@pytest.fixture(autouse=True)
def _all_logs(caplog: pytest.LogCaptureFixture) -> Iterable[None]:
    """Every logger at its most talkative; what they said is searched after each test."""
    for name in (None, "httpx", "httpcore", "asyncio", "tokenlab_nb", "urllib3", "anyio"):
        caplog.set_level(logging.DEBUG, logger=name)
    yield
    assert any(record.name == "httpx" for record in caplog.records) or not caplog.records
    assert WORD not in caplog.text
    assert WORD not in str([vars(record) for record in caplog.records])


def shown(error: BaseException) -> Iterable[str]:
    """Every way in which an exception is shown, with the values of local variables where there is one."""
    yield from (str(error), repr(error), str(vars(error)))
    yield "".join(traceback.format_exception(error))
    found = traceback.TracebackException.from_exception(error, capture_locals=True)
    for frame in found.stack:
        if "/tests/" not in frame.filename:
            yield f"{frame.filename} {frame.locals}"
    with redirect_stdout(io.StringIO()) as out:
        VerboseTB(theme_name="nocolor")(type(error), error, _without_tests(error))
    yield out.getvalue()


def _without_tests(error: BaseException) -> object:
    """The traceback below the test's own frame, which does hold the key."""
    trace = error.__traceback__
    while trace and trace.tb_next and "/tests/" in trace.tb_frame.f_code.co_filename:
        trace = trace.tb_next
    return trace


def hide(texts: Iterable[str]) -> None:
    for text in texts:
        assert WORD not in text


def below(folder: Path) -> Iterable[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_sandbox_sees_the_key_so_the_canary_is_alive(rig: Make) -> None:
    world = rig(key=CANARY)
    world.session.generate(model="gpt-image-2", prompt="fox")
    assert world.sent("POST")[0].headers["Authorization"] == f"Bearer {CANARY}"
    pictures = world.sent("GET", "/pictures")
    assert pictures
    assert not any("Authorization" in request.headers for request in pictures)


def test_no_object_shows_it(rig: Make) -> None:
    world = rig(key=CANARY)
    job = world.session.submit(model="gpt-image-2", prompt="fox")
    (image,) = job.wait(SOON)
    session = world.session
    objects = [session, session.settings, session._client, session._engine, session._journal, session._blobs, job]
    objects += [job.snapshot, job.request, image, image.metadata, session.models()[0], session.settings.api_key]
    hide(f"{each!r} {each}" for each in objects)
    hide(repr(vars(each)) for each in objects if hasattr(each, "__dict__"))
    hide([repr(job.snapshot.to_record()), str(image._repr_mimebundle_())])


def test_no_copy_or_pickle_carries_it(rig: Make) -> None:
    world = rig(key=CANARY)
    job = world.session.submit(model="gpt-image-2", prompt="fox")
    job.wait(SOON)
    assert WORD.encode() not in pickle.dumps([job.snapshot, job.request])
    for each in (world.session, world.session.settings, world.session._client, job):
        with pytest.raises(TypeError):
            pickle.dumps(each)
        with pytest.raises(TypeError):
            copy.deepcopy(each)


def test_no_file_keeps_it(rig: Make, tmp_path: Path) -> None:
    world = rig(FAULTS["wrong key"], key=CANARY, folder=tmp_path / "data", state_dir=tmp_path / "data" / "sandbox")
    with pytest.raises(TokenLabError):
        world.session.generate(model="gpt-image-2", prompt="fox")
    other = rig(key=CANARY, folder=tmp_path / "data")
    other.session.generate(model="gpt-image-2", prompt="fox")
    assert len(below(tmp_path)) >= 3
    for path in below(tmp_path):
        assert WORD.encode() not in path.read_bytes(), path
    for each in (world, other):
        each.close()
    for path in below(tmp_path):
        assert WORD.encode() not in path.read_bytes(), path


@pytest.mark.parametrize("what", FAULTS)
def test_no_error_shows_it(rig: Make, what: str) -> None:
    world = rig(FAULTS[what], key=CANARY)
    with pytest.raises(TokenLabError) as caught:
        world.session.generate(model="gpt-image-2", prompt="fox")
    hide(shown(caught.value))
    assert WORD.encode() not in pickle.dumps(caught.value)


def test_not_even_an_unforeseen_failure_of_the_transport_shows_it(tmp_path: Path) -> None:
    def fail(request: httpx.Request) -> httpx.Response:
        raise UnicodeError(f"a bug that quotes {request.headers['Authorization']}")

    with (
        tl.connect(api_key=CANARY, data_dir=tmp_path, transport=httpx.MockTransport(fail)) as session,
        pytest.raises(TokenLabError) as caught,
    ):
        session.models()
    hide(shown(caught.value))


@pytest.mark.parametrize(
    "arguments",
    [
        {"api_key": f"{CANARY}\nrest"},
        {"api_key": f"{CANARY} rest"},
        {"api_key": f"{CANARY}\N{EURO SIGN}"},
        {"api_key": CANARY, "base_url": "nonsense"},
        {"base_url": CANARY},
        {"base_url": f"https://{CANARY}@api.example.org"},
        {"api_key": CANARY, "data_dir": "/proc/nowhere"},
    ],
    ids="+".join,
)
def test_connecting_wrongly_does_not_show_it(arguments: dict[str, str]) -> None:
    with pytest.raises(TokenLabError) as caught:
        tl.connect(**arguments)
    texts = list(shown(caught.value))
    if arguments.get("base_url", "").find(WORD) < 0:
        hide(texts)
    else:  # a key in the wrong place is a local value like any other, but no message repeats it
        hide(texts[:4])


def test_a_login_that_fails_does_not_show_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening.getpass, "getpass", lambda prompt: f"{CANARY} and more")
    with pytest.raises(ValidationError) as caught:
        tl.login()
    hide(shown(caught.value))


def test_a_key_ring_that_fails_does_not_show_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def broken(service: str, user: str, password: str) -> None:
        raise RuntimeError(f"cannot store {password}")

    monkeypatch.setattr(keyring, "set_password", broken)
    monkeypatch.setattr(opening.getpass, "getpass", lambda prompt: CANARY)
    tl.login()
    out, err = capsys.readouterr()
    hide([out, err])
    assert settings.load().api_key == settings.Secret(CANARY)


def test_a_fault_of_ours_does_not_show_it(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    world = rig(key=CANARY)
    world.session.model("gpt-image-2")
    monkeypatch.setattr(world.session._client, "_base", None)  # whatever it is that goes wrong
    job = world.session.submit(model="gpt-image-2", prompt="fox")
    with pytest.raises(TokenLabError) as caught:
        job.wait(SOON)
    hide(shown(caught.value))
    assert sys.exc_info() == (None, None, None)
