"""A thousand jobs at once over a real socket: none lost, little memory, and the ledger takes a small share."""

from __future__ import annotations

import resource
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.integration.conftest import Serve
from tokenlab_nb import settings
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.session import Session
from tokenlab_nb.store.journal import Journal

JOBS = 1000
SECONDS = 240.0
MOST_GROWTH = 150_000_000  # bytes
LEDGER_SHARE = 0.15


class Meter:
    """Counts the processor time that threads spend in the ledger."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.rows = self.writes = 0
        self.by = {}
        self._lock = threading.Lock()

    def timed(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def measured(*args: Any, **more: Any) -> Any:
            begun = time.thread_time()
            try:
                return call(*args, **more)
            finally:
                with self._lock:
                    self.seconds += time.thread_time() - begun
                    self.by[call.__name__] = self.by.get(call.__name__, 0) + time.thread_time() - begun
                    if call.__name__ == "save":
                        self.writes += 1
                        self.rows += len(args) - 1

        return measured


def _processor_seconds() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def test_a_thousand_jobs_at_once_all_come_home(
    serve: Serve, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    meter = Meter()
    for name in ("save", "reserve", "claim", "beat", "latencies", "load"):
        monkeypatch.setattr(Journal, name, meter.timed(getattr(Journal, name)))
    url = serve(scale=0.05, rate_limit=1_000_000)
    chosen = settings.load(api_key=settings.Secret("sk-" + "many"), base_url=url, data_dir=tmp_path)
    with Session(chosen) as session:
        values = {"prompt": "fox", "size": "512x512", "output_format": "jpeg", "async": True}
        session.model("flux-2-pro")
        requests = [session.prepare("flux-2-pro", {**values, "seed": seed}) for seed in range(JOBS)]
        process = psutil.Process()
        before, spent = process.memory_info().rss, _processor_seconds()
        most = before
        jobs = session.send_all(requests)
        end = time.monotonic() + SECONDS
        while not all(job.snapshot.is_at_rest for job in jobs) and time.monotonic() < end:
            most = max(most, process.memory_info().rss)
            jobs[-1]._engine.wait(jobs[-1].id, 0.2)
        share = meter.seconds / (_processor_seconds() - spent)
        told = {
            "seconds": time.monotonic() - end + SECONDS,
            "growth_mb": (most - before) / 1e6,
            "share": share,
            "writes": meter.writes,
            "rows": meter.rows,
        }
        assert {job.status for job in jobs} == {JobStatus.COMPLETED}
        assert all(job.images[0].bytes for job in jobs[::100])
        assert len(session.history(limit=2 * JOBS, status="completed")) == JOBS
    assert most - before < MOST_GROWTH, told
    assert share < LEDGER_SHARE, told
    with capsys.disabled():
        sys.stdout.write(f"\n1,000 jobs: {told}\n")
