"""The ledger in trouble: a clear error, nothing recorded is lost, and never a second POST."""

from __future__ import annotations

import json
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import replace
from pathlib import Path

import anyio
import pytest

from tests.integration.harness import HastyClock, Rig
from tests.integration.kernels import Kernel, Place
from tests.layer_rules import ROOT
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.errors import BudgetExceededError, TokenLabError
from tokenlab_nb.jobs import leases
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.session import Session
from tokenlab_nb.store import database
from tokenlab_nb.store.journal import Journal

Make = Callable[..., Rig]
PENDING, COMPLETED, FAILED = JobStatus.PENDING, JobStatus.COMPLETED, JobStatus.FAILED

HOLDS = """
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None)
connection.execute("BEGIN IMMEDIATE")
print("held", flush=True)
sys.stdin.readline()
"""
SEALED = """
import json, os, sys
import tokenlab_nb as tl
with tl.connect(sandbox=True, data_dir=sys.argv[1]) as session:  # all that is loaded late is loaded by now
    session.generate(model="flux-2-pro", prompt="fox")
if os.geteuid() == 0:
    os.setuid(65534)  # root may write everything
try:
    tl.connect(sandbox=True, data_dir=sys.argv[2])
except tl.errors.TokenLabError as error:
    print(json.dumps([str(error), error.hint]))
"""
SUBMITS = """
tell()
told()
jobs = [session.submit(model="flux-2-pro", prompt=f"fox {n}", async_=True) for n in range(5)]
tell(*[len(job.wait(30)) for job in jobs])
"""


class HeldClock(HastyClock):
    """Sleeping takes no time, but nobody wakes before it is let go."""

    def __init__(self) -> None:
        super().__init__()
        self.held = True

    async def sleep(self, seconds: float) -> None:
        while self.held:  # noqa: ASYNC110  # it is set by another thread
            await anyio.sleep(0.002)
        await super().sleep(seconds)


def path(world: Rig) -> Path:
    return Path(world.session.data_dir) / "ledger.sqlite3"


def rows(file: Path) -> dict[str, str]:
    with closing(sqlite3.connect(file)) as connection:
        return dict(connection.execute("SELECT id, status FROM jobs").fetchall())


def is_pending(file: Path, job: Job) -> bool:
    with suppress(sqlite3.OperationalError):  # it is just being made
        return rows(file).get(job.id) == "pending"
    return False


def asked(world: Rig, prompt: str = "fox") -> Job:
    return world.session.submit(model="flux-2-pro", prompt=prompt, async_=True)


def once(job: Job, status: JobStatus, action: Callable[[], object]) -> None:
    """Do something on the engine's own thread, once the job has come so far."""
    done: list[object] = []

    def look(snapshot: JobSnapshot) -> None:
        if snapshot.status is status and not done:
            done.append(None)
            action()

    job.subscribe(look)


@pytest.fixture
def held(rig: Make) -> tuple[Rig, HeldClock]:
    """A session that does not ask for its tasks before its clock is let go."""
    clock = HeldClock()
    return rig(clock=clock), clock


@contextmanager
def full(session: Session) -> Iterator[None]:
    """No page is left for the database: SQLite's own error of a full disk."""
    connection = session._journal._connection
    assert connection
    connection.execute("PRAGMA max_page_count=1")  # that is: no more than there are
    filler = session._engine.draft(session.prepare("flux-2-pro", {"prompt": "x" * 1000}))
    with suppress(TokenLabError):
        for n in range(1000):
            session._journal.save(replace(filler, id=f"filler_{n}", waiting_stopped=True))
    yield
    connection.execute("PRAGMA max_page_count=4294967294")


@contextmanager
def sealed(session: Session) -> Iterator[None]:
    """Nothing can be written, not even over what is there: SQLite's own error of a disk mounted read-only."""
    connection = session._journal._connection
    assert connection
    connection.execute("PRAGMA query_only=1")
    yield
    connection.execute("PRAGMA query_only=0")


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Another process holds the database."""
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-c", HOLDS, str(file)], text=True, **pipes) as process:  # type: ignore[call-overload]
        assert process.stdout.readline() == "held\n"
        yield
        process.communicate("\n")


# ------------------------------------------------------------------------------------------------- a full disk


def test_on_a_full_disk_nothing_is_sent_and_what_was_recorded_stands(rig: Make) -> None:
    world = rig()
    asked(world).wait(SOON)
    before = rows(path(world))
    with full(world.session):
        job = asked(world)
        with pytest.raises(TokenLabError, match=r"ledger\.sqlite3 cannot be used: the disk is full") as caught:
            job.wait(SOON)
        assert "Free some space" in str(caught.value)
        assert (job.status, job.images, world.posts) == (FAILED, [], 1)
    assert before.items() <= rows(path(world)).items()
    assert len(asked(world).wait(SOON)) == 1
    assert rows(path(world))[job.id] == "failed"


def test_a_disk_that_fails_after_the_post_loses_no_picture_and_is_told(held: tuple[Rig, HeldClock]) -> None:
    world, clock = held
    job = asked(world)
    until(lambda: job.snapshot.task_id)
    with sealed(world.session):
        clock.held = False
        assert len(job.wait(SOON)) == 1
        assert "Not written to the ledger" in job.snapshot.note
        assert "it cannot be written" in job.snapshot.note
        assert rows(path(world))[job.id] == "pending"
        with pytest.raises(TokenLabError, match="it cannot be written"):
            world.session.recover()
    assert job in world.session.recover()
    assert job.status is COMPLETED
    asked(world).wait(SOON)
    until(lambda: job.snapshot.note == "")
    assert rows(path(world))[job.id] == "completed"
    assert world.posts == world.accepted == 2


def test_an_id_that_could_not_be_written_is_not_lost_by_recovering(held: tuple[Rig, HeldClock]) -> None:
    world, clock = held
    job = asked(world)
    with ExitStack() as trouble:
        once(job, JobStatus.SENDING, lambda: trouble.enter_context(sealed(world.session)))
        until(lambda: job.snapshot.task_id)
        job.stop_waiting()
        until(lambda: job.snapshot.waiting_stopped)
        assert rows(path(world))[job.id] == "sending"
    assert job in world.session.recover()
    assert (job.status, bool(job.snapshot.task_id)) == (PENDING, True)
    clock.held = False
    assert len(job.wait(SOON)) == 1
    assert (rows(path(world))[job.id], world.posts) == ("completed", 1)


# ------------------------------------------------------------------------------------------------- a lock


def test_a_ledger_that_another_program_holds_keeps_everything_from_being_sent(
    rig: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    world = rig()
    asked(world).wait(SOON)
    with locked(path(world)):
        job = asked(world)
        with pytest.raises(TokenLabError, match="another program holds it"):
            job.wait(SOON)
        assert (job.status, world.posts) == (FAILED, 1)
        with pytest.raises(TokenLabError, match="another program holds it"):
            world.session.recover()
        with pytest.raises(TokenLabError, match="another program holds it"):
            Session(world.session.settings, transport=world.wire)
    assert len(asked(world).wait(SOON)) == 1
    assert sorted(rows(path(world)).values()) == ["completed", "completed", "failed"]


def test_a_lock_while_it_is_asked_for_does_not_stop_the_job(
    held: tuple[Rig, HeldClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    world, clock = held
    monkeypatch.setattr(database, "BUSY_SECONDS", 0.0)
    world.session.close()
    world.session = Session(world.session.settings, transport=world.wire, clock=clock)
    job = asked(world)
    until(lambda: rows(path(world)).get(job.id) == "pending")
    with locked(path(world)):
        clock.held = False
        assert len(job.wait(SOON)) == 1
        assert "another program holds it" in job.snapshot.note
    world.session.close()
    assert rows(path(world))[job.id] == "completed"
    assert world.posts == 1


# ------------------------------------------------------------------------------------------------- read-only


def test_a_folder_that_cannot_be_written_is_told_when_the_session_is_opened(tmp_path: Path) -> None:
    with tempfile.TemporaryDirectory() as name:  # others may look into it, unlike into tmp_path
        folder = Path(name)
        folder.chmod(0o755)
        Journal(folder / "ledger.sqlite3").close()
        (folder / "ledger.sqlite3").chmod(0o444)
        folder.chmod(0o555)
        done = subprocess.run(
            [sys.executable, "-c", SEALED, str(tmp_path), name], cwd=ROOT, capture_output=True, text=True, check=True
        )
        folder.chmod(0o755)
    message, hint = json.loads(done.stdout)
    assert "ledger.sqlite3 cannot be used: it cannot be written" in message
    assert "data_dir" in hint


# ------------------------------------------------------------------------------------------------- damage


def spoil(file: Path) -> bytes:
    """Overwrite the pages of all tables with noise; what the file holds then."""
    size = file.stat().st_size
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\x5a\xa5" * ((size - 4096) // 2))
    return file.read_bytes()


def test_a_damaged_ledger_is_set_aside_and_said(rig: Make) -> None:
    world = rig()
    asked(world).wait(SOON)
    world.session.close()
    spoiled = spoil(path(world))
    world.session = Session(world.session.settings, transport=world.wire, clock=world.clock)
    aside = path(world).with_name("ledger.sqlite3.damaged-1")
    assert "was damaged" in world.session.notice
    assert aside.name in world.session.notice
    assert aside.read_bytes() == spoiled
    assert world.session.history() == []
    assert len(asked(world).wait(SOON)) == 1


def test_a_ledger_that_is_damaged_meanwhile_sends_nothing_without_its_row(rig: Make) -> None:
    world = rig()
    asked(world).wait(SOON)
    file = path(world)
    file.write_bytes(b"\x5a\xa5" * (file.stat().st_size // 2))
    job = asked(world)
    with suppress(TokenLabError):
        job.wait(SOON)
    assert (world.posts == 1) == (job.status is FAILED)
    if job.status is FAILED:
        assert "damaged" in str(job.error)
    session = Session(world.session.settings, transport=world.wire, clock=world.clock)
    again = session.submit(model="flux-2-pro", prompt="fox", async_=True)
    assert len(again.wait(SOON)) == 1
    assert rows(file)[again.id] == "completed"
    session.close()


@pytest.mark.parametrize("all_of_it", [True, False])
def test_a_ledger_that_is_removed_meanwhile_is_begun_anew_with_the_jobs_on_their_way(
    all_of_it: bool, held: tuple[Rig, HeldClock], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(leases, "BEAT_SECONDS", 0.01)
    world, clock = held
    job = asked(world)
    until(lambda: rows(path(world)).get(job.id) == "pending")
    for file in path(world).parent.glob("ledger.sqlite3*") if all_of_it else [path(world)]:
        file.unlink()
    until(lambda: path(world).exists() and is_pending(path(world), job))
    assert not job.snapshot.waiting_stopped
    clock.held = False
    assert len(job.wait(SOON)) == 1
    assert len(asked(world).wait(SOON)) == 1
    world.session.close()
    assert list(rows(path(world)).values()) == ["completed"] * 2
    assert world.posts == 2


# ------------------------------------------------------------------------------------------------- clocks


def test_a_clock_that_goes_back_an_hour_harms_no_job(rig: Make) -> None:
    world = rig()
    job = asked(world)

    def back() -> None:
        world.clock.time -= 3600

    once(job, PENDING, back)
    assert len(job.wait(SOON)) == 1
    assert job.snapshot.elapsed(world.clock.now()) >= 0
    assert world.session.history()[0].status is COMPLETED
    assert "fox" in repr(world.session.history())
    assert world.posts == 1


def test_a_clock_that_goes_back_hides_nothing_from_the_budget(rig: Make) -> None:
    world = rig()
    request = world.session.prepare("nano-banana-2", {"prompt": "fox"})
    most = world.session.price(request).high
    assert most
    world.clock.time -= 3600
    world.session.send(request).wait(SOON)
    world.session.limit_spending(most * 2.5)
    world.session.send(request).wait(SOON)
    world.clock.time -= 3600
    with pytest.raises(BudgetExceededError, match=r"Nothing was sent"):
        world.session.send(request)
    assert world.posts == 2


def test_a_session_whose_clock_is_behind_takes_up_what_was_left(held: tuple[Rig, HeldClock]) -> None:
    world, clock = held
    job = asked(world)
    until(lambda: rows(path(world)).get(job.id) == "pending")
    world.session.close()
    later = HastyClock()
    later.time = clock.time - 3600
    world.session = Session(world.session.settings, transport=world.wire, clock=later)
    [same] = world.session.recover()
    world.clock.time += 600
    assert len(same.wait(SOON)) == 1
    assert (same.id, world.posts) == (job.id, 1)


# ------------------------------------------------------------------------------------------------- two at once


def test_two_processes_that_submit_at_once_lose_nothing(tmp_path: Path) -> None:
    place = Place()
    place.let_time_pass()
    try:
        with Kernel(place.url, tmp_path, SUBMITS) as one, Kernel(place.url, tmp_path, SUBMITS) as two:
            assert one.hear() == two.hear() == []
            for kernel in (one, two):
                kernel.say()
            assert one.hear() == two.hear() == [1] * 5
    finally:
        place.close()
    assert list(rows(tmp_path / "ledger.sqlite3").values()) == ["completed"] * 10
    assert place.posts == 10
