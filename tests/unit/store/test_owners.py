"""Whether an owner lives: exactly on this host, by its signs on another one."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import psutil
import pytest

from tests.unit.jobs.fakes import until
from tokenlab_nb.store import owners
from tokenlab_nb.store.owners import SILENT_SECONDS, is_alive, myself

NOW = 1_800_000_000.0


def row(**changes: object) -> dict[str, object]:
    return {**asdict(myself()), "seen_at": NOW, **changes}


def test_this_process_lives_however_long_it_gave_no_sign() -> None:
    assert is_alive(row(seen_at=0.0), NOW)
    assert is_alive(row(seen_at=NOW * 2), NOW)


def test_a_process_that_ended_is_dead_at_once_and_so_are_its_remains() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        theirs = row(pid=child.pid, started=owners._start(child.pid))
        assert is_alive(theirs, NOW)
        assert child.stdin
        child.stdin.close()
        until(lambda: psutil.Process(child.pid).status() == psutil.STATUS_ZOMBIE)
        assert not is_alive(theirs, NOW)
    assert not is_alive(theirs, NOW)


def test_a_later_process_with_the_same_pid_is_another_one() -> None:
    assert not is_alive(row(started="1"), NOW)
    assert not is_alive(row(started=""), NOW)


@pytest.mark.parametrize(
    ("ago", "alive"),
    [(0, True), (SILENT_SECONDS, True), (SILENT_SECONDS + 1, False), (-SILENT_SECONDS, True), (-3600, False)],
)
def test_on_another_host_signs_count(ago: float, alive: bool) -> None:
    assert is_alive(row(host="elsewhere", pid=1, started="x", seen_at=NOW - ago), NOW) is alive


@pytest.mark.skipif(not Path("/proc/self/comm").exists(), reason="names of processes can be set on Linux")
def test_a_process_may_be_called_anything() -> None:
    code = "open('/proc/self/comm', 'wb').write(b'a) \\xff\\xd0 ('); print('named', flush=True); input()"
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", code], **pipes) as child:  # type: ignore[call-overload]
        assert child.stdout.readline() == b"named\n"
        assert owners._start(child.pid).isdigit()
        child.communicate(b"\n")


def test_where_there_is_no_proc_the_time_of_the_start_tells(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "exists", lambda self: False)
    assert owners._start(os.getpid()) == f"{psutil.Process().create_time():.2f}"
    owners._host.cache_clear()
    assert myself().host.endswith("||")
    owners._host.cache_clear()
