"""Fake ports for the runner and the engine: a scripted service, a ledger with a diary, and a clock that only jumps."""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import anyio
import anyio.lowlevel

from tests.unit.pictures import JPEG, PNG, WEBP
from tokenlab_nb.api.bodies import NO_IDS
from tokenlab_nb.api.replies import ImageData, Images, Meta, Reply, Task, Uploaded
from tokenlab_nb.contract.pricing import Estimate
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, TokenLabError
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.engine import Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.lineage import Lineage, Maker, trace
from tokenlab_nb.jobs.ports import Claim, Ports
from tokenlab_nb.jobs.runner import Run

ORIGIN = "https://api.tokenlab.sh"
START = 1_800_000_000.0
TASK_ID = "ldtask_" + "a" * 32
POLL_URL = f"/v1/tasks/{TASK_ID}"
REQUEST = ImageRequest("model-a", "text-to-image", "/v1/images/generations", {"prompt": "a red fox"})

URLS = tuple(f"https://cdn.example.com/{n}.png" for n in range(3))
PICTURES: Mapping[str, bytes] = dict(zip(URLS, (PNG, JPEG, WEBP), strict=True))
DONE = Images((ImageData(url=URLS[0]),), Meta("req_done", "billtxn_1"), TASK_ID)
ACCEPTED = Task(TASK_ID, POLL_URL, meta=Meta("req_create"))
WORKING = Task(TASK_ID, POLL_URL, "processing", 40, Meta("req_poll"))

Make = Callable[..., Engine]
Answer = Reply | TokenLabError | Callable[[], Any]
Entry = tuple[str, ...]


SOON = 10.0
"""Seconds that a test waits at most for what takes milliseconds."""


def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    end = time.monotonic() + SOON
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.002)


def facts(status: int, **more: Any) -> Facts:
    return Facts(status=status, **more)


class Clock:
    """Stands still but for `sleep`. ``alarms`` are called when their time has come, before the sleeper wakes."""

    def __init__(self) -> None:
        self.time = START
        self.slept: list[float] = []
        self.alarms: dict[float, Callable[[], object]] = {}

    def now(self) -> float:
        return self.time

    def random(self) -> float:
        return 0.5

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        end = self.time + seconds
        for due in sorted(due for due in self.alarms if due <= end - START):
            self.time = START + due
            self.alarms.pop(due)()
            await anyio.lowlevel.checkpoint()
        self.time = end
        await anyio.lowlevel.checkpoint()


class Service:
    """Answers from scripts; the last answer of a script is repeated. A callable is called: it may block, or act."""

    def __init__(self, diary: list[Entry], **scripts: list[Any]) -> None:
        self.diary = diary
        self.creates: list[Answer] = scripts.get("creates", [ACCEPTED])
        self.tasks: list[Answer] = scripts.get("tasks", [DONE])
        self.pictures: dict[str, list[bytes | Answer]] = {url: [data] for url, data in PICTURES.items()}
        self.files: list[Mapping[str, bytes]] = []
        self.hosts: str | TokenLabError = ""  # what looking up the hosts of references comes to
        self.file_ids: list[Mapping[str, str]] = []
        self.uploads: list[Any] = scripts.get("uploads", [None])
        self.sending = self.most_sending = 0

    @property
    def origin(self) -> str:
        return ORIGIN

    def count(self, what: str) -> int:
        return sum(entry[0] == what for entry in self.diary)

    async def upload(self, data: bytes, media_type: str, *, model: str, purpose: str = "vision") -> Uploaded:
        self.diary.append(("upload", model, media_type, purpose))
        usual = Uploaded(f"file-{model}-{len(data)}-{self.count('upload')}")
        return await _give(self.uploads) or usual

    async def create(
        self, request: ImageRequest, files: Mapping[str, bytes], file_ids: Mapping[str, str] = NO_IDS
    ) -> Reply:
        self.diary.append(("create", request.model))
        self.files.append(files)
        self.file_ids.append(file_ids)
        self.sending += 1
        self.most_sending = max(self.most_sending, self.sending)
        try:
            return await _give(self.creates)
        finally:
            self.sending -= 1

    async def check_hosts(self, request: ImageRequest) -> str:
        if isinstance(self.hosts, Exception):
            raise self.hosts
        return self.hosts

    async def task(self, task_id: str | None, poll_url: str | None) -> Reply:
        self.diary.append(("ask", str(task_id), str(poll_url)))
        return await _give(self.tasks)

    async def download(self, url: str) -> bytes:
        self.diary.append(("fetch", url))
        return await _give(self.pictures[url])


async def _give(script: list[Any]) -> Any:
    answer = script.pop(0) if len(script) > 1 else script[0]
    await anyio.lowlevel.checkpoint()
    if callable(answer):
        answer = answer()
        if hasattr(answer, "__await__"):
            answer = await answer
    if isinstance(answer, Exception):
        raise answer
    return answer


class Ledger:
    """Keeps every state that was saved; ``fails`` says which it cannot save."""

    def __init__(self, diary: list[Entry]) -> None:
        self.diary = diary
        self.saved: list[JobSnapshot] = []
        self.known: list[float] | TokenLabError = []
        self.fails: Callable[[JobSnapshot], bool] = lambda snapshot: False
        self.elsewhere: set[str] = set()  # jobs that another kernel follows

    def save(self, *snapshots: JobSnapshot) -> None:
        if failing := [snapshot for snapshot in snapshots if self.fails(snapshot)]:
            self.diary.append(("not saved", failing[0].status))
            raise TokenLabError("The disk is full.", hint="Free some space.")
        for snapshot in snapshots:
            self.diary.append(("saved", snapshot.status, *([snapshot.task_id] if snapshot.task_id else [])))
            self.saved.append(snapshot)

    def reserve(self, snapshots: Sequence[JobSnapshot], budgets: Collection[Budget]) -> None:
        self.save(*snapshots)

    def load(self, job_id: str) -> JobSnapshot | None:
        return next((each for each in reversed(self.saved) if each.id == job_id), None)

    def claim(self, origin: str, job_id: str | None = None) -> list[Claim]:
        newest = {each.id: each for each in self.saved if each.origin == origin and job_id in (None, each.id)}
        open_ones = [each for each in newest.values() if not each.is_terminal or each.can_fetch_again]
        return [Claim(each, each.id not in self.elsewhere) for each in open_ones]

    def add(self, snapshot: JobSnapshot) -> JobSnapshot:
        if known := self.load(snapshot.id):
            return known
        self.save(snapshot)
        return snapshot

    def take(self, origin: str, job_id: str, statuses: Collection[JobStatus]) -> JobSnapshot | None:
        known = self.load(job_id)
        free = known and known.status in statuses and known.origin == origin and job_id not in self.elsewhere
        return known if free else None

    def beat(self) -> set[str]:
        self.diary.append(("sign",))
        return {each.id for each in self.saved} - self.elsewhere

    def latencies(self, origin: str, model: str, limit: int = 100) -> list[float]:
        if isinstance(self.known, TokenLabError):
            raise self.known
        return self.known


class Store:
    """Bytes by hash; ``full`` makes `put` fail."""

    def __init__(self) -> None:
        self.kept: dict[str, bytes] = {}
        self.full = False

    def put(self, data: bytes) -> str:
        if self.full:
            raise TokenLabError("The disk is full.", hint="Free some space.")
        sha256 = hashlib.sha256(data).hexdigest()
        self.kept[sha256] = data
        return sha256

    def get(self, sha256: str) -> bytes:
        try:
            return self.kept[sha256]
        except KeyError:
            raise FileNotFoundError(f"No picture {sha256}.") from None


class NoDesk:
    """Sends nothing; keeps what it was asked for."""

    stamps_pictures = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, Job]] = []

    def price(self, request: ImageRequest) -> Estimate:
        return Estimate(0.02, 0.02)

    def lineage(self, of: Job) -> Lineage:
        self.asked.append(("lineage", of))
        return trace(Maker(of.snapshot, 0), lambda sha256, child: None)

    def run_again(self, job: Job, budget: Budget | None = None) -> Job:
        self.asked.append(("run_again", job))
        return job

    def run_draft(self, job: Job, budget: Budget | None = None) -> None:
        self.asked.append(("run_draft", job))


class World:
    """All four ports, and one job lived through them."""

    def __init__(self, **scripts: list[Any]) -> None:
        self.diary: list[Entry] = []
        self.api = Service(self.diary, **scripts)
        self.ledger = Ledger(self.diary)
        self.blobs = Store()
        self.clock = Clock()
        self.ports = Ports(self.api, self.ledger, self.blobs, self.clock)
        self.seen: list[JobSnapshot] = []
        self.run: Run

    def live(self, snapshot: JobSnapshot | None = None) -> JobSnapshot:
        """Run the job until it is at rest."""
        self.prepare(snapshot)
        return self.live_prepared()

    def live_prepared(self) -> JobSnapshot:
        anyio.run(self.run.go, open_gate)
        return self.seen[-1] if self.seen else self.run.snapshot

    def prepare(self, snapshot: JobSnapshot | None = None) -> Run:
        self.run = Run(snapshot or draft(), self.ports, self.seen.append)
        return self.run

    def stop(self) -> None:
        """What the stop button does."""
        self.run.stop_waiting()

    def at(self, seconds: float, action: Callable[[], object]) -> None:
        """Do something at a moment of the virtual time, counted from its start."""
        self.clock.alarms[seconds] = action

    @property
    def path(self) -> list[JobStatus]:
        return [move.status for move in self.run.snapshot.moves]

    @property
    def elapsed(self) -> float:
        return self.clock.time - START

    @property
    def posts(self) -> int:
        return self.api.count("create")


@asynccontextmanager
async def open_gate() -> AsyncIterator[None]:
    await anyio.lowlevel.checkpoint()
    yield


def submit(engine: Engine, request: ImageRequest, **options: Any) -> str:
    """Make a job and start it, as a session does."""
    made = engine.draft(request)
    engine.start(made, **options)
    return made.id


def draft(request: ImageRequest = REQUEST) -> JobSnapshot:
    return JobSnapshot(id="job_1", request=request, origin=ORIGIN).move(JobStatus.DRAFT, START)


def waiting(status: JobStatus = JobStatus.PENDING, **changes: Any) -> JobSnapshot:
    """A job of an earlier time, whose task goes on at the service."""
    snapshot = draft().move(JobStatus.SENDING, START).move(status, START)
    return replace(snapshot, **{"task_id": TASK_ID, "poll_url": POLL_URL, **changes})


class Held:
    """An answer that comes when it is let go."""

    def __init__(self, answer: Reply) -> None:
        self.answer = answer
        self.asked = threading.Event()
        self._go = threading.Event()

    def let_go(self) -> None:
        self._go.set()

    async def __call__(self) -> Reply:
        self.asked.set()
        while not self._go.is_set():  # noqa: ASYNC110  # it is set by another thread
            await anyio.sleep(0.002)
        return self.answer


def forever() -> Awaitable[None]:
    """An answer that never comes."""
    return anyio.sleep_forever()
