"""What an earlier kernel left, and several kernels on one folder: all is taken up once, and nothing is sent again."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

import tokenlab_nb as tl
from tests.integration.harness import Rig, Wire
from tests.integration.kernels import LONG, Kernel, Place
from tests.unit.jobs.fakes import SOON, until
from tokenlab_nb.errors import BudgetExceededError, TokenLabError, ValidationError
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.sandbox.faults import Fault
from tokenlab_nb.sandbox.world import is_task
from tokenlab_nb.session import Session

Make = Callable[..., Rig]
DRAFT, SENDING, UNKNOWN, PENDING, PROCESSING, COMPLETED, FAILED, CANCELLED = JobStatus
LOST = Fault("not_json", method="POST", prompt="lost")
SLOW = Fault("delay", method="POST", prompt="slow", seconds=LONG)

LEAVES = """
ask = lambda prompt: session.submit(model="flux-2-pro", prompt=prompt, async_=True)
task, stopped, lost = ask("fox"), ask("owl"), ask("lost")
until(lambda: task.snapshot.task_id and stopped.snapshot.task_id and lost.status == JobStatus.UNKNOWN)
stopped.stop_waiting()
until(lambda: stopped.snapshot.waiting_stopped)
slow = [ask("slow") for _ in range(12)]
until(lambda: session.history(status="draft") and session.history(status="sending"))
tell(task.id, stopped.id, lost.id)
"""
TASKS = """
jobs = [session.submit(model="flux-2-pro", prompt=f"fox {n}", async_=True) for n in range(4)]
until(lambda: all(job.snapshot.task_id for job in jobs))
tell(*[job.id for job in jobs])
"""
FOLLOWS = """
tell(*[job.id for job in session.recover() if not job.snapshot.waiting_stopped])
told()
for job in session.jobs:
    job.wait(20)
tell()
"""
PARKED = """
[job] = session.history(status="draft")
session.model("flux-2-pro")
tell()
told()
try:
    job.run()
    tell("sent")
except tl.errors.TokenLabError as error:
    tell(str(error))
"""


@pytest.fixture
def place() -> Iterator[Place]:
    made = Place(LOST, SLOW)
    yield made
    made.close()


def beside(world: Rig, folder: Path | None = None) -> tuple[Session, Wire]:
    """Another session on the same sandbox and, by default, the same folder, with a wire of its own."""
    wire = Wire(world.app)
    chosen = world.session.settings
    chosen = replace(chosen, data_dir=folder or chosen.data_dir)
    return Session(chosen, transport=wire, clock=world.clock), wire


def parked(world: Rig, prompt: str = "fox") -> Job:
    """A draft that an ended kernel left."""
    session = world.session
    draft = session._engine.draft(session.prepare("flux-2-pro", {"prompt": prompt}))
    session._journal.save(replace(draft, waiting_stopped=True))
    return next(job for job in session.history(status="draft") if job.id == draft.id)


def rows(folder: Path) -> dict[str, str]:
    with closing(sqlite3.connect(folder / "ledger.sqlite3")) as connection:
        return dict(connection.execute("SELECT id, status FROM jobs").fetchall())


# ------------------------------------------------------------------------------------------------- a kernel that died


def test_what_a_killed_kernel_left_is_taken_up_and_nothing_is_sent(place: Place, tmp_path: Path) -> None:
    with Kernel(place.url, tmp_path, LEAVES) as kernel:
        task, stopped, lost = kernel.hear()
    left, posts = rows(tmp_path), place.posts
    sending = {name for name, status in left.items() if status == "sending"}
    drafts = {name for name, status in left.items() if status == "draft"}
    assert sending
    assert drafts
    place.let_time_pass()
    with place.session(tmp_path) as session:
        found = {job.id: job for job in session.recover()}
        assert set(found) == set(left)
        assert "with unknown outcome" in session.notice
        assert len(found[task].wait(SOON)) == 1
        assert found[stopped].snapshot.waiting_stopped
        assert {name for name, job in found.items() if job.status is UNKNOWN} == {lost, *sending}
        assert {name for name, job in found.items() if job.snapshot.is_parked} == drafts
        assert all(found[name].images == [] for name in (stopped, lost, *sending, *drafts))
        assert {job.id for job in session.recover()} == set(left) - {task}
        assert place.posts == posts
        assert len(found[stopped].wait(SOON)) == 1
        found[min(drafts)].run()
        assert len(found[min(drafts)].wait(SOON)) == 1
        assert place.posts == posts + 1
    assert rows(tmp_path) == {
        **left, **dict.fromkeys(sending, "unknown"), **dict.fromkeys((task, stopped, min(drafts)), "completed")
    }  # fmt: skip


def test_two_kernels_at_once_take_up_each_task_once(place: Place, tmp_path: Path) -> None:
    with Kernel(place.url, tmp_path, TASKS) as kernel:
        jobs = kernel.hear()
    with Kernel(place.url, tmp_path, FOLLOWS) as one, Kernel(place.url, tmp_path, FOLLOWS) as two:
        first, second = one.hear(), two.hear()
        assert sorted([*first, *second]) == sorted(jobs)
        place.let_time_pass()
        for kernel in (one, two):
            kernel.say()
        assert (one.hear(), two.hear()) == ([], [])
    assert set(rows(tmp_path).values()) == {"completed"}
    assert place.posts == len(jobs)


def test_a_draft_that_two_kernels_run_at_once_is_sent_once(place: Place, tmp_path: Path) -> None:
    with place.session(tmp_path) as session:
        draft = session._engine.draft(session.prepare("flux-2-pro", {"prompt": "fox", "async": True}))
        session._journal.save(replace(draft, waiting_stopped=True))
    with Kernel(place.url, tmp_path, PARKED) as one, Kernel(place.url, tmp_path, PARKED) as two:
        assert one.hear() == two.hear() == []
        for kernel in (one, two):
            kernel.say()
        told = sorted([*one.hear(), *two.hear()], key=lambda word: word != "sent")
        until(lambda: place.posts)
    assert told[0] == "sent"
    assert "Nothing was sent" in told[1]
    assert place.posts == 1


# ------------------------------------------------------------------------------------------------- several sessions


def test_a_draft_that_is_run_twice_in_one_kernel_is_sent_once(rig: Make) -> None:
    world = rig()
    job = parked(world)
    job.run()
    with pytest.raises(TokenLabError, match="Nothing was sent"):
        job.run()
    assert len(job.wait(SOON)) == 1
    with pytest.raises(TokenLabError, match="is not draft any more"):
        job.run()
    assert world.posts == 1


def test_a_draft_over_the_budget_stays_one_and_can_be_run_elsewhere(rig: Make) -> None:
    world = rig()
    job = parked(world)
    world.session.limit_spending(0.0001)
    with pytest.raises(BudgetExceededError):
        job.run()
    assert world.posts == 0
    assert [each.id for each in world.session.recover()] == [job.id]
    session, wire = beside(world)
    [same] = session.recover()
    same.run()
    assert len(same.wait(SOON)) == 1
    assert sum(request.method == "POST" for request in wire.requests) == 1
    session.close()


def test_recovering_never_takes_back_what_another_kernel_runs(rig: Make) -> None:
    world = rig(Fault("delay", method="POST", seconds=1))
    job = parked(world)
    session, wire = beside(world)
    job.run()
    session.recover()
    job.wait(SOON)
    assert [each.status for each in session.history()] == [COMPLETED]
    assert not [request for request in wire.requests if request.method == "POST"]
    session.close()


def test_a_task_that_a_living_session_follows_is_left_to_it(rig: Make) -> None:
    world = rig()
    job = world.session.submit(model="flux-2-pro", prompt="fox", async_=True)
    session, wire = beside(world)
    until(lambda: job.snapshot.task_id)
    session.recover()
    job.wait(SOON)
    [same] = session.history()
    assert len(same.wait(SOON)) == 1
    assert wire.requests == []
    session.close()


def test_recovering_ones_own_jobs_changes_nothing(rig: Make) -> None:
    world = rig()
    jobs = [world.session.submit(model="flux-2-pro", prompt=f"fox {n}") for n in range(6)]
    while not all(job.snapshot.is_at_rest for job in jobs):
        world.session.recover()
    assert [job.status for job in jobs] == [COMPLETED] * 6
    assert world.posts == world.accepted == 6
    assert set(rows(Path(world.session.data_dir)).values()) == {"completed"}


def test_a_session_that_is_refused_keeps_nothing_from_the_next_one(rig: Make, tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="A budget of -1 is none"):
        tl.connect(sandbox=True, data_dir=tmp_path, budget=-1)
    with closing(sqlite3.connect(tmp_path / "ledger.sqlite3")) as connection:
        assert connection.execute("SELECT * FROM owners").fetchall() == []


# ------------------------------------------------------------------------------------------------- adopting


def elsewhere(world: Rig, tmp_path: Path) -> str:
    """A task that was made in another folder."""
    other, _ = beside(world, tmp_path / "elsewhere")
    job = other.submit(model="flux-2-pro", prompt="fox", async_=True)
    job.wait(SOON)
    other.close()
    assert job.snapshot.task_id
    return job.snapshot.task_id


def test_a_task_made_elsewhere_is_adopted_once(rig: Make, tmp_path: Path) -> None:
    world = rig()
    task = elsewhere(world, tmp_path)
    posts = world.posts
    job = world.session.adopt(task)
    assert len(job.wait(SOON)) == 1
    assert world.session.adopt(f" /v1/tasks/{task}\n") is job
    assert world.session.adopt(f"{world.session.origin}/v1/tasks/{task}") is job
    assert (job.status, len(job.images), job.snapshot.adopted) == (COMPLETED, 1, True)
    assert [each.id for each in world.session.history()] == [job.id]
    with pytest.raises(ValidationError, match="not known here"):
        job.run_again()
    assert world.posts == posts


def test_two_sessions_that_adopt_one_task_follow_one_job(rig: Make, tmp_path: Path) -> None:
    world = rig()
    task = elsewhere(world, tmp_path)
    session, _ = beside(world)
    jobs = [each.adopt(task) for each in (world.session, session)]
    assert jobs[0].id == jobs[1].id
    until(lambda: rows(Path(world.session.data_dir)) == {jobs[0].id: "completed"})
    session.close()


def test_a_lost_job_is_settled_by_its_task(rig: Make) -> None:
    world = rig(LOST)
    lost = world.session.submit(model="flux-2-pro", prompt="lost", async_=True)
    with pytest.raises(TokenLabError):
        lost.wait(SOON)
    [task] = [name for name in world.app.state.world.records if is_task(name)]
    assert "dashboard" in lost.look_again()
    lost.forget()
    assert world.session.adopt(task, settles=lost) is lost
    assert len(lost.wait(SOON)) == 1
    assert (lost.request.prompt, lost.snapshot.forgotten, lost.snapshot.adopted) == ("lost", False, False)
    with pytest.raises(ValidationError, match="no job of unknown outcome"):
        world.session.adopt("ldtask_other", settles=lost)
    assert world.posts == 1


def test_a_lost_job_that_was_settled_elsewhere_cannot_be_forgotten_here(rig: Make) -> None:
    world = rig(LOST)
    lost = world.session.submit(model="flux-2-pro", prompt="lost", async_=True)
    until(lambda: lost.status is UNKNOWN)
    session, _ = beside(world)
    [same] = session.recover()
    [task] = [name for name in world.app.state.world.records if is_task(name)]
    world.session.adopt(task, settles=lost).wait(SOON)
    with pytest.raises(TokenLabError, match="is not unknown any more"):
        same.forget()
    assert (same.status, len(same.images)) == (COMPLETED, 1)
    session.close()


def test_running_again_is_linked_to_what_was_lost(rig: Make) -> None:
    world = rig(Fault("not_json", method="POST", prompt="lost", times=1))
    lost = world.session.submit(model="flux-2-pro", prompt="lost")
    until(lambda: lost.status is UNKNOWN)
    again = lost.run_again()
    assert again.snapshot.repeats == lost.id
    assert len(again.wait(SOON)) == 1
    assert (lost.status, world.posts) == (UNKNOWN, 2)
    assert world.session.history(status="completed")[0].snapshot.repeats == lost.id


# ------------------------------------------------------------------------------------------------- the past


def test_history_is_filtered_and_survives(rig: Make, tmp_path: Path) -> None:
    world = rig(LOST)
    world.session.generate(model="flux-2-pro", prompt="A red FOX in snow")
    middle = world.clock.now() + 0.5
    world.clock.time += 1
    world.session.generate(model="qwen-image", prompt="a grey owl")
    lost = world.session.submit(model="flux-2-pro", prompt="lost fox")
    until(lambda: lost.status is UNKNOWN)
    session, wire = beside(world)

    def prompts(**filters: object) -> list[str]:
        return [job.request.prompt for job in session.history(**filters)]  # type: ignore[arg-type]

    assert prompts(model="qwen-image") == ["a grey owl"]
    assert prompts(status="unknown") == ["lost fox"]
    assert prompts(status=["completed", "failed"], limit=1) == ["a grey owl"]
    assert prompts(text="fox RED") == ["A red FOX in snow"]
    assert prompts(until=middle) == ["A red FOX in snow"]
    assert sorted(prompts(since=middle)) == ["a grey owl", "lost fox"]
    assert [len(job.images) for job in session.history(text="owl")] == [1]
    with pytest.raises(ValidationError, match="There is no state 'lost'"):
        session.history(status="lost")
    assert wire.requests == []
    session.close()


def test_sandbox_and_service_never_mix(rig: Make, tmp_path: Path) -> None:
    folder = tmp_path / "one"
    sandbox, service = rig(LOST, folder=folder), rig(folder=folder, base_url="https://api.example.com")
    sandbox.session.generate(model="flux-2-pro", prompt="fox")
    lost = sandbox.session.submit(model="flux-2-pro", prompt="lost", async_=True)
    until(lambda: lost.status is UNKNOWN)
    assert service.session.recover() == []
    assert service.session.history() == []
    assert service.session.twin(sandbox.session.history(status="completed")[0].request) is None
    assert str(service.session.spending) == "nothing spent"
    assert service.session._journal.latencies(service.session.origin, "flux-2-pro") == []
    with pytest.raises(ValidationError, match=r"no job of unknown outcome at https://api\.example"):
        service.session.adopt("ldtask_x", settles=lost.id)
    assert service.wire.requests == []


def test_recovering_while_a_job_is_reserved_parks_nothing(rig: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cell calls recover() just while the Studio's thread has written a draft down and not started it yet."""
    world = rig()
    session, start = world.session, world.session._engine.start
    session.limit_spending(5.0)
    found: list[int] = []

    def start_late(*args: object, **options: object) -> None:
        found.append(len(session.recover()))
        start(*args, **options)

    monkeypatch.setattr(session._engine, "start", start_late)
    job = session.submit(model="stable-image-core", prompt="fox")
    assert len(job.wait(SOON)) == 1
    assert (found, world.posts, len(session.recover())) == ([0], 1, 0)


def test_a_charge_that_was_told_late_is_settled_when_asked_for(rig: Make) -> None:
    world = rig()
    session = world.session
    job = session.submit(model="gpt-image-2", prompt="fox")
    job.wait(SOON)
    assert (session.spending.reserved.unknown, session.spending.settled.unknown) == (1, 0)
    asked = len(world.sent("GET", "/v1/tasks"))
    spent = session.settle()
    assert (spent.reserved.unknown, spent.settled.unknown) == (0, 1)
    assert job.snapshot.billing_transaction_id
    assert len(world.sent("GET", "/v1/tasks")) == asked + 1
    session.settle()
    assert len(world.sent("GET", "/v1/tasks")) == asked + 1
    assert world.posts == 1
