"""Ledgers of every version that was ever released: one file each, opened by this version, with nothing lost."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.layer_rules import ROOT
from tokenlab_nb.jobs.job import Charge, JobSnapshot, JobStatus
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.migrations import STEPS

SAMPLES = ROOT / "tests" / "samples" / "ledgers"
HERE = "https://api.example.com"
LATER = 1_790_000_000.0 + 3600
FIRST, SECOND = (step.name for step in STEPS[:2])
STATES = {"draft", "sending", "unknown", "pending", "processing", "completed", "failed", "cancelled", "stopped"}
ADDED = {"parked", "forgotten", "to_fetch", "adopted", "edited"}


@dataclass
class Opened:
    """A copy of a sample, opened."""

    journal: Journal
    path: Path

    @property
    def jobs(self) -> dict[str, JobSnapshot]:
        return {job.id.removeprefix("job_"): job for job in self.journal.jobs(HERE)}

    def column(self, name: str) -> dict[str, object]:
        with closing(sqlite3.connect(self.path)) as connection:
            found = connection.execute(f"SELECT id, {name} FROM jobs").fetchall()
        return {job_id.removeprefix("job_"): value for job_id, value in found}


@pytest.fixture(params=[step.name for step in STEPS])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    path = tmp_path / "ledger.sqlite3"
    shutil.copyfile(SAMPLES / f"{request.param}.sqlite3", path)
    with closing(Journal(path, lambda: LATER)) as journal:
        assert journal.notice == ""
        yield Opened(journal, path)


def test_every_version_has_its_file() -> None:
    assert sorted(path.name for path in SAMPLES.iterdir()) == [f"{step.name}.sqlite3" for step in STEPS]
    for place, step in enumerate(STEPS):
        with closing(sqlite3.connect(f"file:{SAMPLES / step.name}.sqlite3?mode=ro", uri=True)) as connection:
            done = [name for (name,) in connection.execute("SELECT name FROM migrations ORDER BY name")]
        assert done == [each.name for each in STEPS[: place + 1]]


def test_every_row_reads(opened: Opened) -> None:
    jobs = opened.jobs
    assert set(jobs) - ADDED == STATES
    done = jobs["completed"]
    assert (done.status, done.billing_transaction_id, len(done.images)) == (JobStatus.COMPLETED, "billtxn_1", 1)
    assert jobs["stopped"].waiting_stopped
    assert jobs["unknown"].error
    assert jobs["unknown"].error.request_id == "req_2"
    assert [move.status for move in jobs["pending"].moves] == ["draft", "sending", "pending"]


def test_latencies_and_charges_are_there(opened: Opened) -> None:
    [seconds] = opened.journal.latencies(HERE, "model-a")
    assert seconds in (14.5, 15.0)
    charges = opened.column("charge")
    wanted = {
        **dict.fromkeys(("failed", "cancelled", "parked"), Charge.NONE),
        **dict.fromkeys(
            ("sending",), Charge.UNKNOWN if opened.column("estimate_high")["sending"] is None else "reserved"
        ),
        **dict.fromkeys(("unknown", "forgotten"), Charge.UNKNOWN),
        **dict.fromkeys(("pending", "processing", "stopped", "to_fetch", "adopted", "edited"), Charge.RESERVED),
        "completed": Charge.SETTLED,
    }
    assert {name: charge for name, charge in charges.items() if name != "draft"} == {
        name: charge for name, charge in wanted.items() if name in charges
    }


def test_what_nobody_follows_any_more_is_taken_up(opened: Opened) -> None:
    claims = {claim.snapshot.id.removeprefix("job_"): claim for claim in opened.journal.claim(HERE)}
    unfinished = {"draft", "sending", "unknown", "pending", "processing", "stopped"} | ADDED - {"edited"}
    assert set(claims) == unfinished & set(opened.jobs)
    assert all(claim.mine for claim in claims.values())
    followed = {name for name, owner in opened.column("owner").items() if owner}
    assert followed == {"draft", "sending", "pending", "processing"}


def test_it_goes_on_being_written(opened: Opened) -> None:
    opened.journal.claim(HERE)
    left = opened.jobs["sending"].orphaned(LATER)
    opened.journal.save(left)
    assert opened.jobs["sending"].status is JobStatus.UNKNOWN
    assert opened.column("charge")["sending"] == "unknown"
    assert opened.journal.by_task(HERE, "ldtask_" + "c" * 32, None) is not None
    assert opened.journal.twin(HERE, opened.jobs["completed"].request.hash) == opened.jobs["completed"]


def test_every_picture_has_its_maker(opened: Opened) -> None:
    found = opened.journal.maker("a" * 64)
    assert found
    assert (found.job, found.place) == (opened.jobs["completed"], 0)
    assert (opened.journal.maker("b" * 64) is not None) is ("edited" in opened.jobs)


@pytest.mark.parametrize("name", [FIRST, SECOND])
@pytest.mark.parametrize(
    "snapshot", ["{", "[]", '{"images": 7}', '{"images": ["x", [], {}, {"sha256": null}]}', '{"images": {"a": "b"}}']
)
def test_rows_that_tell_no_picture_keep_no_ledger_from_its_next_shape(name: str, snapshot: str, tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite3"
    shutil.copyfile(SAMPLES / f"{name}.sqlite3", path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET snapshot = ? WHERE id = 'job_failed'", [snapshot])
    with closing(Journal(path, lambda: LATER)) as journal:
        assert journal.notice == ""
        assert journal.maker("a" * 64) is not None


def test_a_row_that_is_no_json_keeps_no_other_from_being_taken_up(opened: Opened) -> None:
    with closing(sqlite3.connect(opened.path, isolation_level=None)) as connection:
        connection.execute("UPDATE jobs SET snapshot = '{\"origins\": [NaN' WHERE id = 'job_failed'")
        connection.execute("UPDATE jobs SET snapshot = '[]' WHERE id = 'job_unknown'")
    assert "job_pending" in [claim.snapshot.id for claim in opened.journal.claim(HERE)]
