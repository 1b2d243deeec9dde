"""The ledger: durable, shared between threads and processes, and clear where it cannot do its work."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, ServiceError, TokenLabError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, StoredImage
from tokenlab_nb.jobs.ports import Journal as JournalPort
from tokenlab_nb.store import database, statements
from tokenlab_nb.store.journal import Journal

HERE, THERE = "https://api.example.com", "http://sandbox.local"
DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus


def job(name: str, *moves: tuple[JobStatus, float], origin: str = HERE, model: str = "model-a") -> JobSnapshot:
    request = ImageRequest(model, "text-to-image", "/v1/images/generations", {"prompt": f"prompt of {name}"})
    snapshot = JobSnapshot(id=name, request=request, origin=origin)
    for status, at in moves:
        snapshot = snapshot.move(status, at)
    return snapshot


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "ledger.sqlite3"


@pytest.fixture
def journal(path: Path) -> Iterator[Journal]:
    journal = Journal(path)
    yield journal
    journal.close()


def query(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def test_it_is_the_journal_that_the_engine_asks_for(journal: Journal) -> None:
    port: JournalPort = journal
    assert port.latencies(HERE, "model-a") == []


def test_what_was_saved_is_loaded_by_a_later_process(path: Path) -> None:
    full = replace(
        job("j", (DRAFT, 1.0), (SENDING, 2.0), (FAILED, 3.0)),
        task_id="t",
        images=(StoredImage("a" * 64, "image/png", 1, 1, 10),),
        error=ServiceError("It failed.", facts=Facts(status=500)),
    )
    with closing(Journal(path)) as journal:
        assert journal.load("j") is None
        journal.save(full)
    with closing(Journal(path)) as journal:
        loaded = journal.load("j")
    assert loaded is not None
    assert loaded.to_record() == full.to_record()


def test_a_save_is_on_disk_when_it_returns(path: Path) -> None:
    """The process ends without closing anything, as a killed kernel does."""
    code = (
        "import os, sys; from pathlib import Path; from tokenlab_nb.store.journal import Journal;"
        "from tests.unit.store.test_journal import job, SENDING;"
        "journal = Journal(Path(sys.argv[1])); journal.save(job('j', (SENDING, 1.0))); os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=False, cwd=Path(__file__).parents[3])
    with closing(Journal(path)) as journal:
        loaded = journal.load("j")
    assert loaded is not None
    assert loaded.status is SENDING


def test_a_later_state_replaces_the_row_and_the_diary_grows(journal: Journal, path: Path) -> None:
    draft = job("j", (DRAFT, 1.0))
    journal.save(draft)
    sending = draft.move(SENDING, 2.0)
    journal.save(sending)
    journal.save(sending)
    journal.save(replace(sending.move(PENDING, 3.5), task_id="t", poll_url="/v1/tasks/t"))
    assert query(path, "SELECT seq, status, at FROM moves ORDER BY seq") == [
        (0, "draft", 1.0),
        (1, "sending", 2.0),
        (2, "pending", 3.5),
    ]
    columns = "id, origin, model, endpoint, status, task_id, poll_url, created_at, sent_at, ended_at, updated_at"
    assert query(path, f"SELECT {columns} FROM jobs") == [
        ("j", HERE, "model-a", "/v1/images/generations", "pending", "t", "/v1/tasks/t", 1.0, 2.0, None, 3.5)
    ]


def test_the_columns_say_what_the_snapshot_says(journal: Journal, path: Path) -> None:
    saved = replace(
        job("j", (DRAFT, 1.0), (SENDING, 2.0), (COMPLETED, 3.0)), request_id="r", billing_transaction_id="b"
    )
    journal.save(saved)
    [row] = query(path, "SELECT request_hash, request_id, billing_transaction_id, ended_at, snapshot FROM jobs")
    assert row[:4] == (saved.request.hash, "r", "b", 3.0)
    assert json.loads(str(row[4])) == json.loads(json.dumps(saved.to_record()))


def test_a_job_without_moves_can_be_kept(journal: Journal) -> None:
    journal.save(job("bare"))
    assert journal.load("bare") == job("bare")


def test_any_text_can_be_kept(journal: Journal) -> None:
    strange = "fox \N{FOX FACE} \x00 \ud800 '; DROP TABLE jobs; --"
    request = ImageRequest("m", "text-to-image", "/v1/images/generations", {"prompt": strange})
    journal.save(JobSnapshot(id="j", request=request, origin=HERE))
    loaded = journal.load("j")
    assert loaded is not None
    assert loaded.request.prompt == strange


def test_two_diaries_of_one_job_are_both_kept(journal: Journal, path: Path) -> None:
    sending = job("j", (SENDING, 1.0))
    journal.save(sending.move(UNKNOWN, 2.0))
    journal.save(sending.move(PENDING, 2.0))
    assert query(path, "SELECT count(*) FROM moves WHERE seq = 1") == [(2,)]


def test_jobs_are_listed_newest_first_by_origin_and_limit(journal: Journal) -> None:
    for name, at, origin in (("a", 1.0, HERE), ("b", 3.0, HERE), ("c", 2.0, THERE), ("d", 3.0, HERE)):
        journal.save(job(name, (DRAFT, at), origin=origin))
    journal.save(job("b", (DRAFT, 3.0), (SENDING, 9.0)))
    assert [each.id for each in journal.jobs()] == ["d", "b", "c", "a"]
    assert [each.id for each in journal.jobs(origin=HERE)] == ["d", "b", "a"]
    assert [each.id for each in journal.jobs(HERE, limit=1)] == ["d"]


def test_latencies_are_of_this_model_at_this_origin_newest_first(journal: Journal) -> None:
    def done(name: str, ended: float, latency: float | None, **where: str) -> JobSnapshot:
        ready = job(name, (DRAFT, 1.0), (SENDING, 2.0), (PROCESSING, 3.0), (COMPLETED, ended), **where)
        return replace(ready, latency=latency, images=(StoredImage("a" * 64, "image/png", 1, 1, 10),))

    for snapshot in (
        done("a", 14.0, 4.0),
        done("b", 22.5, 2.5),
        done("elsewhere", 11.0, 1.0, origin=THERE),
        done("other", 11.0, 3.0, model="model-b"),
        done("nobody was there to see", 90.0, None),
        done("clock went back", 9.0, 0.0),
        replace(job("failed", (SENDING, 10.0), (FAILED, 12.0)), latency=2.0),
        replace(job("being fetched", (SENDING, 10.0), (PROCESSING, 12.0)), latency=2.0),
    ):
        journal.save(snapshot)
    assert journal.latencies(HERE, "model-a") == [2.5, 4.0]
    assert journal.latencies(HERE, "model-a", limit=1) == [2.5]
    assert journal.latencies(THERE, "model-a") == [1.0]


def test_latencies_are_found_through_their_index(journal: Journal, path: Path) -> None:
    journal.save(job("j", (SENDING, 1.0), (COMPLETED, 2.0)))
    plan = query(
        path,
        "EXPLAIN QUERY PLAN SELECT latency FROM jobs WHERE origin = 'o' AND model = 'm' AND status = 'completed' "
        "AND latency > 0 ORDER BY ended_at DESC",
    )
    assert "jobs_by_latency" in str(plan)
    assert "TEMP B-TREE" not in str(plan)


def test_many_threads_may_save_at_once(journal: Journal) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: journal.save(job(f"j{n}", (DRAFT, float(n)))), range(80)))
    assert len(journal.jobs()) == 80


def test_two_kernels_may_share_one_file(journal: Journal, path: Path) -> None:
    with closing(Journal(path)) as other, ThreadPoolExecutor(2) as pool:
        saves = [
            pool.submit(each.save, job(f"{name}{n}", (DRAFT, float(n))))
            for n in range(20)
            for name, each in (("ours", journal), ("theirs", other))
        ]
        for save in saves:
            save.result()
        assert len(other.jobs()) == len(journal.jobs()) == 40


def test_closing_twice_is_fine_and_a_closed_ledger_says_so(path: Path) -> None:
    journal = Journal(path)
    journal.close()
    journal.close()
    with pytest.raises(TokenLabError, match="is closed"):
        journal.save(job("j"))


def test_a_ledger_in_use_by_another_program_is_a_clear_error(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    with closing(Journal(path)) as journal, closing(sqlite3.connect(path, isolation_level=None)) as other:
        journal.save(job("before", (DRAFT, 1.0)))
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(TokenLabError, match="another program holds it"):
            journal.save(job("j"))
        with pytest.raises(TokenLabError, match="another program holds it") as caught:
            Journal(path)
        assert str(path) in str(caught.value)
        other.execute("ROLLBACK")
        journal.save(job("after", (DRAFT, 2.0)))
        assert [each.id for each in journal.jobs()] == ["after", "before"]


def test_a_full_disk_is_a_clear_error_and_what_was_recorded_stands(path: Path) -> None:
    resource = pytest.importorskip("resource", reason="limits of file size are a thing of Unix")
    with closing(Journal(path)) as journal:
        journal.save(job("before", (DRAFT, 1.0)))
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, hard))
        try:
            with pytest.raises(TokenLabError, match=r"ledger\.sqlite3 cannot be used") as caught:
                list(map(journal.save, (job(f"j{n}", (DRAFT, 2.0)) for n in range(200))))
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert "data_dir" in caught.value.hint
        journal.save(job("after", (DRAFT, 3.0)))
        assert {"before", "after"} <= {each.id for each in journal.jobs()}


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() == 0, reason="root may write everything")
def test_a_read_only_ledger_is_a_clear_error(path: Path) -> None:
    Journal(path).close()
    path.chmod(0o400)
    with pytest.raises(TokenLabError, match="cannot be written"):
        Journal(path)


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(TokenLabError, match="cannot be used") as caught:
        Journal(tmp_path / "file" / "ledger.sqlite3")
    assert "data_dir" in caught.value.hint


def test_a_damaged_ledger_is_set_aside_and_said(path: Path) -> None:
    path.parent.mkdir()
    path.write_bytes(b"garbage " * 1000)
    with closing(Journal(path)) as journal:
        assert "damaged-1" in journal.notice
        journal.save(job("j", (DRAFT, 1.0)))
    with closing(Journal(path)) as journal:
        assert journal.notice == ""
        assert [each.id for each in journal.jobs()] == ["j"]


@pytest.mark.parametrize("end", [lambda path: shutil.rmtree(path.parent), lambda path: path.rename(f"{path}.aside")])
def test_a_ledger_that_was_taken_away_is_begun_anew_before_the_next_row(
    journal: Journal, path: Path, end: Callable[[Path], object]
) -> None:
    journal.save(job("old", (DRAFT, 1.0)))
    end(path)
    for at in (2.0, 3.0):
        journal.save(job("new", (DRAFT, 1.0), (SENDING, at)))
    assert query(path, "SELECT id, status FROM jobs") == [("new", "sending")]


def change(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for statement in statements:
            connection.execute(statement)


def test_a_newer_ledger_that_can_be_read_opens(path: Path) -> None:
    Journal(path).close()
    change(path, "ALTER TABLE jobs ADD COLUMN mood TEXT", "INSERT INTO migrations (name) VALUES ('0099_mood')")
    with closing(Journal(path)) as journal:
        journal.save(job("j", (DRAFT, 1.0)))
        assert journal.load("j") is not None


def test_a_newer_ledger_that_cannot_be_read_says_what_to_do(path: Path) -> None:
    Journal(path).close()
    change(path, "ALTER TABLE jobs RENAME TO tasks", "INSERT INTO migrations (name) VALUES ('0099_tasks')")
    with pytest.raises(TokenLabError, match=r"newer tokenlab_nb \(steps 0099_tasks\)") as caught:
        Journal(path)
    assert "Upgrade" in caught.value.hint
    assert query(path, "SELECT name FROM sqlite_master WHERE name = 'tasks'")


def test_a_ledger_with_missing_parts_is_an_error_that_names_them(path: Path) -> None:
    Journal(path).close()
    change(path, "DROP TABLE moves")
    with pytest.raises(TokenLabError, match="moves"):
        Journal(path)


def test_a_row_of_a_newer_version_does_not_hide_the_others(journal: Journal, path: Path) -> None:
    journal.save(job("ours", (DRAFT, 1.0)))
    journal.save(job("theirs", (DRAFT, 2.0)))
    change(path, "UPDATE jobs SET snapshot = replace(snapshot, '\"draft\"', '\"dreaming\"') WHERE id = 'theirs'")
    with pytest.warns(UserWarning, match=r"1 jobs in .* cannot be read"):
        assert [each.id for each in journal.jobs()] == ["ours"]
    with pytest.raises(TokenLabError, match=r"Job theirs .* cannot be read"):
        journal.load("theirs")


def made(name: str, at: float, *sha256: str, status: JobStatus = COMPLETED) -> JobSnapshot:
    images = tuple(StoredImage(each, "image/png", 1, 1, 1, place) for place, each in enumerate(sha256))
    return replace(job(name, (DRAFT, at), (SENDING, at), (status, at + 1)), images=images)


@pytest.mark.parametrize(
    ("jobs", "maker"),
    [
        ([], None),
        ([made("old", 1, "x")], ("old", 0)),
        ([made("old", 1, "y", "x")], ("old", 1)),
        ([made("new", 3, "x"), made("old", 1, "x"), made("middle", 2, "x")], ("old", 0)),
        ([made("broken", 1, "x", status=FAILED), made("whole", 2, "x")], ("whole", 0)),
        ([made("broken", 1, "x", status=FAILED)], ("broken", 0)),
        ([made("later", 11, "x")], None),
        ([made("other", 1, "y")], None),
        ([replace(made("elsewhere", 1, "x"), origin=THERE)], ("elsewhere", 0)),
    ],
    ids=[
        "none",
        "one",
        "second place",
        "oldest",
        "completed first",
        "of a failed one",
        "younger",
        "another",
        "anywhere",
    ],
)
def test_the_maker_of_a_picture_is_the_oldest_before_its_child(
    journal: Journal, jobs: list[JobSnapshot], maker: tuple[str, int] | None
) -> None:
    journal.save(*jobs, child := made("child", 10, "x"))
    found = journal.maker("x", child)
    assert (found and (found.job.id, found.place)) == maker


def test_the_maker_of_a_picture_is_asked_for_without_a_child_too(journal: Journal) -> None:
    journal.save(made("only", 10, "x"))
    assert journal.maker("x").job.id == "only"  # type: ignore[union-attr]
    assert journal.maker("y") is None


def test_a_picture_that_came_late_is_found(journal: Journal) -> None:
    first = made("a", 1, "x")
    journal.save(first)
    journal.save(replace(first, images=(*first.images, StoredImage("y", "image/png", 1, 1, 1, 1))))
    assert [journal.maker(each).place for each in ("x", "y")] == [0, 1]  # type: ignore[union-attr]


def test_the_maker_is_found_by_an_index(journal: Journal, path: Path) -> None:
    plan = query(path, f"EXPLAIN QUERY PLAN {statements.MAKER.replace(':sha256', chr(39) + 'x' + chr(39))}"
                       .replace(":child", "NULL").replace(":before", "1"))  # fmt: skip
    assert any("SEARCH pictures USING PRIMARY KEY (sha256=?)" in str(row[-1]) for row in plan)
