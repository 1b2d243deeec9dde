"""A script may end at any moment: no hang, no traceback, nothing on stderr."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.store.journal import Journal

OPEN = """
import sys
import tokenlab_nb as tl
session = tl.connect(sandbox=True, data_dir=sys.argv[1])
"""
BEGIN = f"""{OPEN}
jobs = [session.submit(model=model, prompt="fox") for model in ("gpt-image-2", "nano-banana-2", "qwen-image") * 4]
"""
MINUTES = """
import sys, httpx
import tokenlab_nb as tl
from tokenlab_nb.sandbox.app import create_app
from tokenlab_nb.settings import SANDBOX_URL
app = create_app(base_url=SANDBOX_URL, latency_scale=50)
session = tl.connect(sandbox=True, data_dir=sys.argv[1], transport=httpx.ASGITransport(app))
jobs = [session.submit(model=model, prompt="fox") for model in ("gpt-image-2", "nano-banana-2", "qwen-image") * 4]
while not any(job.snapshot.task_id for job in jobs):
    jobs[0].snapshot
"""
WAITER = """
import contextlib, threading
def wait():
    with contextlib.suppress(tl.errors.WaitTimeoutError):
        jobs[0].wait()
threading.Thread(target=wait).start()
"""
ENDS = {
    "at once": (BEGIN, 0),
    "without submitting": (OPEN, 0),
    "after a first question": (OPEN + "session.models()", 0),
    "with the session gone": (BEGIN + "del session, jobs\nimport gc; gc.collect()", 0),
    "by sys.exit": (BEGIN + "sys.exit(3)", 3),
    "closed": (BEGIN + "session.close()", 0),
    "with two sessions": (BEGIN + OPEN.replace("session", "other") + "other.models()", 0),
    "by sys.exit with tasks of minutes": (MINUTES + "sys.exit(4)", 4),
    "while another thread waits": (f"{MINUTES}{WAITER}", 0),
    "after a wait": (BEGIN + "jobs[0].wait()", 0),
    "by an exception": (BEGIN + "raise LookupError('mine')", 1),
    "by an exception with tasks of minutes": (MINUTES + "raise LookupError('mine')", 1),
}


FORKED = f"""{OPEN}
jobs = [session.submit(model="gpt-image-2", prompt="fox")]
jobs[0].wait()
import os, warnings
warnings.simplefilter("ignore")  # newer Pythons warn of forking beside threads: that is what this is about
if os.fork():
    sys.exit(os.waitstatus_to_exitcode(os.wait()[1]))
for use in (jobs[0].wait, jobs[0].resume, session.models, lambda: session.submit(model="gpt-image-2", prompt="fox")):
    try:
        use()
        os._exit(1)
    except tl.errors.SessionClosedError as error:
        if "forked" not in str(error) or "tl.connect()" not in str(error):
            os._exit(2)
session.close()
os._exit(7)
"""


def run(code: str, folder: Path) -> tuple[int, str, float]:
    begin = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", code, str(folder)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    return done.returncode, done.stderr, time.monotonic() - begin


@pytest.mark.parametrize("how", ENDS)
def test_a_script_ends_by_itself(how: str, tmp_path: Path) -> None:
    code, status = ENDS[how]
    returned, err, seconds = run(code, tmp_path)
    assert returned == status, err
    if "exception" in how:
        assert err.count("Traceback") == 1
        assert err.endswith("LookupError: mine\n")
    else:
        assert err == ""
    assert seconds < 20


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_process_is_told_to_connect_again_and_does_not_hang(tmp_path: Path) -> None:
    assert run(FORKED, tmp_path)[:2] == (7, "")


@pytest.mark.parametrize("attempt", range(3))
def test_the_ledger_says_how_everything_stood(attempt: int, tmp_path: Path) -> None:
    assert run(MINUTES, tmp_path)[:2] == (0, "")
    journal = Journal(tmp_path / "ledger.sqlite3")
    found = journal.jobs()
    journal.close()
    assert len(found) == 12
    for snapshot in found:
        waits = snapshot.status in (JobStatus.PENDING, JobStatus.PROCESSING)
        assert (waits and snapshot.task_id) or snapshot.status in (JobStatus.CANCELLED, JobStatus.UNKNOWN)
        assert not snapshot.waiting_stopped
