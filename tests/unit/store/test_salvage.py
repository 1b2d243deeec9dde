"""A damaged ledger is set aside whole, and what it can still tell goes on in the new one."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tests.unit.store.test_journal import HERE, job
from tokenlab_nb.jobs.job import JobStatus, StoredImage
from tokenlab_nb.store.database import COMPANIONS
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.salvage import salvage

JOBS = 400
PICTURE = StoredImage("a" * 64, "image/png", 1, 1, 1)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A ledger of many jobs, half of them in flight, as a kernel left it that is gone."""
    path = tmp_path / "ledger.sqlite3"
    with closing(Journal(path)) as journal:
        moves = [(JobStatus.DRAFT, 1.0), (JobStatus.SENDING, 2.0), (JobStatus.PENDING, 3.0)]
        made = [job(f"job_{n:03}", *moves[: 2 + n % 2]) for n in range(JOBS)]
        journal.save(*(replace(each, task_id=f"ldtask_{each.id}") if len(each.moves) > 2 else each for each in made))
    return path


def damage(path: Path, at: slice) -> None:
    data = bytearray(path.read_bytes())
    data[at] = random.Random(7).randbytes(len(data[at]))
    path.write_bytes(bytes(data))


def reopened(path: Path) -> tuple[list[str], str, int]:
    with closing(Journal(path)) as journal:
        return [each.id for each in journal.jobs(HERE)], journal.notice, len(journal.claim(HERE))


def test_pages_that_are_damaged_cost_only_what_is_on_them(path: Path) -> None:
    size = path.stat().st_size
    damage(path, slice(size // 2, size // 2 + 20_000))
    whole = path.read_bytes()
    found, notice, unfinished = reopened(path)
    assert 0 < len(found) < JOBS
    assert unfinished == len(found)
    assert f"{len(found)} jobs could be read and were carried over" in notice
    assert path.with_name(f"{path.name}.damaged-1").read_bytes() == whole


def test_a_file_that_is_no_database_any_more_tells_nothing(path: Path) -> None:
    damage(path, slice(0, 100))
    found, notice, _ = reopened(path)
    assert found == []
    assert "None of its jobs could be read" in notice


def test_what_was_carried_over_is_found_by_its_picture(path: Path) -> None:
    with closing(Journal(path)) as journal:
        journal.save(replace(job("job_done", (JobStatus.COMPLETED, 9.0)), images=(PICTURE,)))
    damage(path, slice(path.stat().st_size // 2, path.stat().st_size // 2 + 4096))
    with closing(Journal(path)) as journal:
        assert "carried over" in journal.notice
        assert journal.maker(PICTURE.sha256).job.id == "job_done"  # type: ignore[union-attr]


def test_an_owner_that_lives_keeps_its_jobs(path: Path) -> None:
    with closing(Journal(path)) as other:
        assert all(claim.mine for claim in other.claim(HERE))
        other._connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")  # type: ignore[union-attr]
        damage(path, slice(path.stat().st_size - 8192, path.stat().st_size))
        with closing(Journal(path)) as journal:
            claims = journal.claim(HERE)
            assert claims
            assert not any(claim.mine for claim in claims)


def test_what_cannot_be_looked_at_is_left_alone(tmp_path: Path) -> None:
    assert salvage(tmp_path / "none", COMPANIONS) == ([], [], [])
    odd = tmp_path / "odd.sqlite3"
    with closing(sqlite3.connect(odd)) as connection, connection:
        connection.execute("CREATE TABLE jobs (id, snapshot)")
        connection.executemany("INSERT INTO jobs VALUES (?, ?)", [("a", b"bytes"), ("b", "[]"), ("c", None)])
    assert salvage(odd, COMPANIONS) == ([], [], [])
