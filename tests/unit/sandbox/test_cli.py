"""`python -m tokenlab_nb.sandbox`, as a process."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tokenlab_nb.sandbox.__main__ import main

from .harness import GENERATIONS


@contextmanager
def served(*arguments: str, ends_with: signal.Signals = signal.SIGTERM) -> Iterator[httpx.Client]:
    """A sandbox process and a client; it must end cleanly and in silence."""
    command = [sys.executable, "-m", "tokenlab_nb.sandbox", "--port", "0", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        try:
            url = process.stdout.readline().strip()
            with httpx.Client(base_url=url, headers={"Authorization": "Bearer sk-x"}, trust_env=False) as http:
                yield http
        finally:
            process.send_signal(ends_with)
            assert process.wait(20) == 0
            assert process.stderr.read() == ""


def test_a_dropped_connection_is_a_closed_socket_and_ctrl_c_ends_in_silence(tmp_path: Path):
    rules = tmp_path / "faults.json"
    rules.write_text(json.dumps([{"do": "drop", "prompt": "before"}, {"do": "drop", "after": True, "prompt": "lost"}]))
    options = ("--latency-scale", "0", "--faults", str(rules), "--state", str(tmp_path / "state"))
    with served(*options, ends_with=signal.SIGINT) as http:
        for prompt in ("before", "lost"):
            with pytest.raises(httpx.RemoteProtocolError):
                http.post(GENERATIONS, json={"model": "nano-banana-pro", "prompt": prompt})
        assert http.get("/v1/models").status_code == 200
    assert len(list((tmp_path / "state" / "records").iterdir())) == 1


def test_a_create_that_is_waiting_sees_the_line_go_dead_at_the_end():
    with (
        served("--latency-scale", "100") as http,
        socket.create_connection((http.base_url.host, http.base_url.port or 0)) as line,
    ):
        body = json.dumps({"model": "z-image", "prompt": "slow"}).encode()
        head = f"POST {GENERATIONS} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        head += f"Authorization: Bearer sk-x\r\nContent-Length: {len(body)}\r\n\r\n"
        line.sendall(head.encode() + body)
        while http.get("/v1/models").status_code != 200:
            pass


def test_a_lower_rate_limit_is_kept():
    with served("--rate-limit", "1") as http:
        answers = [http.get("/v1/files") for _ in range(3)]
    assert 429 in [answer.status_code for answer in answers]  # a minute may end in between
    assert {answer.headers["X-RateLimit-Limit"] for answer in answers} == {"1"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--port", "x"], "'x' is not a port"),
        (["--port", "65536"], "'65536' is not a port"),
        (["--latency-scale", "-1"], "'-1' is not a number"),
        (["--latency-scale", "fast"], "'fast' is not a number"),
        (["--rate-limit", "0"], "'0' is not a whole number from 1"),
        (["--rate-limit", "many"], "'many' is not a whole number from 1"),
        (["--faults", "/nowhere/faults.json"], "cannot read /nowhere/faults.json"),
        (["--state", "/dev/null/state"], "cannot make /dev/null/state"),
        (["--bogus"], "--bogus"),
        (["--host", "not a host", "--port", "0"], "cannot listen on not a host:0"),
    ],
)
def test_bad_arguments_give_one_clear_line(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code in (1, 2)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    assert said in lines[0]


def test_without_uvicorn_it_says_how_to_get_it(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(SystemExit):
        main(["--port", "0"])
    assert "pip install 'tokenlab-nb[server]'" in capsys.readouterr().err


def test_a_port_that_is_taken_is_said_in_one_line(capsys: pytest.CaptureFixture[str]):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(SystemExit):
        main(["--port", str(taken.getsockname()[1])])
    assert "cannot listen on 127.0.0.1" in capsys.readouterr().err
