"""The code that is offered, run for real: what reaches the service is what the session itself sends."""

from __future__ import annotations

import json
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from PIL import Image
from starlette.requests import Request
from starlette.types import ASGIApp, Receive, Scope, Send

import tokenlab_nb as tl
from tests.integration.harness import KEY
from tests.unit.jobs.fakes import SOON, until
from tests.unit.pictures import JPEG, PNG, encoded, gradient
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.export.languages import codes_of
from tokenlab_nb.sandbox.app import create_app

WEBP = encoded(gradient(32, 32), "WEBP")
MASK = encoded(Image.linear_gradient("L").resize((64, 48)).point(lambda value: 255 if value < 100 else 0))
HOSTILE = (
    "It's a \"red\" fox\n$(touch ran) `touch ran`; touch ran # %s %% !! \\n \\' {a,b} [1-9] $HOME ~\t"
    '\u202eback\u2028 \u72d0 \U0001f98a \x1b[31m\r\n@/etc/passwd <x ;type=text/html """ FILE_1\n\n'
)
needs_curl = pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl on this machine")


@dataclass
class Recorder:
    """A sandbox on a port that notes every POST."""

    app: ASGIApp
    posts: list[tuple[Any, ...]] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "POST":
            await self.app(scope, receive, send)
            return
        body = await Request(scope, receive).body()

        async def again() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        with self.lock:
            self.posts.append(await told(scope, body, again))
        await self.app(scope, again, send)

    def taken(self) -> list[tuple[Any, ...]]:
        with self.lock:
            found, self.posts = self.posts, []
        return found


async def told(scope: Scope, body: bytes, again: Receive) -> tuple[Any, ...]:
    """What of a request must be equal. Names of files are the reader's own."""
    request = Request(scope, again)
    kind = request.headers["content-type"].partition(";")[0]
    head = (request.url.path, request.headers["authorization"], request.headers.get("x-tokenlab-delivery-policy"), kind)
    if kind == "application/json":
        ids = re.sub(r'("file_id": ?)"[^"]+"', r'\1"an id"', body.decode())
        return (*head, json.loads(ids))
    async with request.form() as form:
        parts = [
            (name.removesuffix("[]"), value if isinstance(value, str) else (value.content_type, await value.read()))
            for name, value in form.multi_items()
        ]
    return (*head, sorted(parts, key=lambda part: (part[0], isinstance(part[1], tuple))))


@pytest.fixture(scope="module")
def recorder() -> Iterator[tuple[Recorder, str]]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"http://127.0.0.1:{listener.getsockname()[1]}"
        kept = Recorder(create_app(base_url=address, latency_scale=0.0, rate_limit=100_000))
        server = uvicorn.Server(uvicorn.Config(kept, lifespan="off", log_level="critical", ws="none"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield kept, address
        server.should_exit = True
        thread.join(SOON)


@pytest.fixture(scope="module")
def session(recorder: tuple[Recorder, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tl.Session]:
    with tl.connect(base_url=recorder[1], api_key=KEY, data_dir=tmp_path_factory.mktemp("data")) as made:
        yield made


@pytest.fixture(autouse=True)
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Where the code runs: an empty folder, with the key in the environment."""
    monkeypatch.setenv("TOKENLAB_API_KEY", KEY)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run_curl(code: str) -> str:
    shell = "dash" if shutil.which("dash") else "sh"
    found = subprocess.run(
        [shell, "-eu"], check=False, input=code, text=True, encoding="utf-8", capture_output=True, timeout=SOON
    )
    assert found.returncode == 0, found.stderr
    return found.stdout


def run_openai(code: str) -> dict[str, Any]:
    names: dict[str, Any] = {}
    try:
        exec(code, names)
    finally:
        names["client"].close()
    return names


CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "a prompt": ("gpt-image-2", {"prompt": HOSTILE, "n": 1, "quality": "low", "user": HOSTILE}, {}),
    "no task": ("nano-banana-2", {"prompt": HOSTILE, "aspect_ratio": "16:9", "delivery_policy": "verified"}, {}),
    "files": ("gpt-image-2", {"prompt": HOSTILE, "n": 1, "size": "1024x1024"}, {"references": [PNG, JPEG, WEBP]}),
    "one file and a mask": ("gpt-image-2", {"prompt": HOSTILE}, {"references": [PNG], "mask": MASK}),
    "a file for generations": ("nano-banana-2", {"prompt": HOSTILE}, {"references": [PNG, "{}/samples/fox.jpg"]}),
    "addresses": ("nano-banana-2", {"prompt": HOSTILE}, {"references": ["{}/samples/fox.jpg"]}),
    "an edit by address": ("gpt-image-2", {"prompt": HOSTILE}, {"references": ["{}/samples/fox.jpg"]}),
    "uploads": ("qwen-image-edit", {"prompt": HOSTILE}, {"references": [PNG, WEBP, PNG], "mask": MASK}),
    "a variation": ("dall-e-2", {"n": 2}, {"references": [PNG], "operation": "image-variation"}),
}


def prepared(session: tl.Session, case: str) -> ImageRequest:
    model, values, how = CASES[case]
    pictures = [each.format(session.origin) if isinstance(each, str) else each for each in how.get("references", [])]
    return session.prepare(model, values, **{**how, **({"references": pictures} if pictures else {})})


def put_files(session: tl.Session, request: ImageRequest) -> None:
    named = {**{f"reference-{n}": each for n, each in enumerate(request.references, 1)}, "mask": request.mask}
    for name, source in named.items():
        if source and source.is_local:
            suffix = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}[source.media_type]
            Path(f"{name}.{suffix}").write_bytes(session.bytes_of(source))


@needs_curl
@pytest.mark.filterwarnings("ignore:deprecated:DeprecationWarning")  # of variations, by the client
@pytest.mark.parametrize("case", CASES)
def test_what_arrives_is_what_the_session_sends(session, recorder, place, case):
    request = prepared(session, case)
    put_files(session, request)
    before = sorted(place.iterdir())
    job = session.send(request)
    job.wait(SOON)
    ours = recorder[0].taken()
    if len(ours) > 1:  # files that are uploaded side by side come in any order
        ours = [*sorted(ours[:-1], key=repr), ours[-1]]

    said = run_curl(job.curl)
    theirs = recorder[0].taken()
    assert [*sorted(theirs[:-1], key=repr), theirs[-1]] == ours
    assert "error" not in json.loads(said)

    names = run_openai(job.openai)
    theirs = recorder[0].taken()
    assert [*sorted(theirs[:-1], key=repr), theirs[-1]] == ours
    assert names["answer"].data or names["task"]["task_id"]

    assert sorted(place.iterdir()) == before  # nothing that a prompt says was done
    assert KEY not in job.curl + job.openai + job.code
    for code in (job.curl, job.openai):
        assert "".join(code.split("\n")).isprintable()
    assert all(re.fullmatch(r"# [\w .,:/-]*", line) for line in job.curl.splitlines() if is_note(line))


def is_note(line: str) -> bool:
    return line.startswith("# ") and not line.startswith("# curl ")


@needs_curl
def test_the_line_that_asks_for_a_task_brings_its_pictures(session, monkeypatch):
    request = session.prepare("gpt-image-2", {"prompt": "A red fox"})
    codes = codes_of([request], session.base_url)
    monkeypatch.setenv("TASK_ID", json.loads(run_curl(codes["curl"]))["task_id"])
    (line,) = [line for line in codes["curl"].splitlines() if line.startswith("# curl ")]
    until(lambda: json.loads(run_curl(line[2:]))["status"] == "completed")

    names = run_openai(codes["openai"])
    (ask,) = [line for line in codes["openai"].splitlines() if line.startswith("task = ")]
    with session_client(codes["openai"], names) as again:
        until(lambda: exec(ask, again) or again["task"]["status"] == "completed")
    assert again["task"]["data"][0]["url"]


def test_a_cell_of_a_grid_is_told_as_its_requests_are(session):
    grid = session.compare(["gpt-image-2", "no-such-model"], "A red fox", n=1)
    grid.wait(SOON)
    made, impossible = grid.cells
    (job,) = made.jobs
    assert (made.code, made.curl, made.openai) == (job.code, job.curl, job.openai)
    assert session.base_url in made.curl
    assert (impossible.code, impossible.curl, impossible.openai) == ("", "", "")


class session_client:  # noqa: N801  # a context, named as what it gives
    """The names of code that ran, with its client open once more."""

    def __init__(self, code: str, names: Mapping[str, Any]) -> None:
        made = code[code.index("client = ") : code.index("\n\n", code.index("client = "))]
        self.names = dict(names)
        exec(made, self.names)

    def __enter__(self) -> dict[str, Any]:
        return self.names

    def __exit__(self, *_gone: object) -> None:
        self.names["client"].close()
