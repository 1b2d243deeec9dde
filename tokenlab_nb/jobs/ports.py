"""What the engine needs from the outside, as Protocols: the service, the ledger, the blob store, and time."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

from tokenlab_nb.api.bodies import NO_IDS
from tokenlab_nb.api.replies import Reply, Uploaded
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs.budget import Budget
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus


class TakenError(TokenLabError):
    """Another kernel has a job that was about to be sent from here: nothing may be sent, and its row is not ours."""

    default_hint = "Look at it in session.history()."


class Claim(NamedTuple):
    """An unfinished job in the ledger.

    Attributes:
        snapshot: As it stands there.
        mine: Whether it is followed from here now; else another kernel follows it.
    """

    snapshot: JobSnapshot
    mine: bool


class ImageApi(Protocol):
    """The service. `tokenlab_nb.api.client.TokenLabClient` is the real one."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""

    async def create(
        self, request: ImageRequest, files: Mapping[str, bytes], file_ids: Mapping[str, str] = NO_IDS
    ) -> Reply:
        """Send one create call, once; local sources by SHA-256: the bytes of those that go along, the ids of others."""

    async def upload(self, data: bytes, media_type: str, *, model: str, purpose: str = "vision") -> Uploaded:
        """Keep a picture at the service for edits with this model; it makes and costs nothing."""

    async def task(self, task_id: str | None, poll_url: str | None) -> Reply:
        """Ask for a task, once."""

    async def download(self, url: str) -> bytes:
        """Fetch one picture."""

    async def check_hosts(self, request: ImageRequest) -> str:
        """Look up where the references of a request lie; return a note on what is not known from here.

        Raises:
            ValidationError: If one lies where no reference may.
        """


class Journal(Protocol):
    """The ledger. Calls block (they may wait for the disk), so the runner makes them in a worker thread."""

    def save(self, *snapshots: JobSnapshot) -> None:
        """Make these states durable before returning, all or none; what is not at rest is followed from here.

        Raises:
            TakenError: If one of them would be sent, or taken back, and another kernel has the job meanwhile.
        """

    def add(self, snapshot: JobSnapshot) -> JobSnapshot:
        """Make a new job durable, or return the one that has its id already."""

    def reserve(self, snapshots: Sequence[JobSnapshot], budgets: Collection[Budget]) -> None:
        """Make drafts durable if every budget allows all of them, or raise a `BudgetExceededError`."""

    def load(self, job_id: str) -> JobSnapshot | None:
        """The job as it was last saved by anybody, or None."""

    def claim(self, origin: str, job_id: str | None = None) -> list[Claim]:
        """Follow unfinished jobs (or the one of this id) of this API that nobody follows any more."""

    def take(self, origin: str, job_id: str, statuses: Collection[JobStatus]) -> JobSnapshot | None:
        """Follow a job in one of these states; None where it is in none, or another kernel has it."""

    def beat(self) -> set[str]:
        """Give a sign of life; return the ids of the jobs that are followed from here."""

    def latencies(self, origin: str, model: str, limit: int = 100) -> list[float]:
        """Seconds from sending to ready pictures of this model's last completed jobs there, newest first."""


class Blobs(Protocol):
    """Picture bytes by SHA-256. Calls block, as the journal's do."""

    def put(self, data: bytes) -> str:
        """Keep the bytes; return their hash. The same bytes are kept once."""

    def get(self, sha256: str) -> bytes:
        """Return the bytes.

        Raises:
            FileNotFoundError: If they are not there.
        """


class Clock(Protocol):
    """Time and chance; the engine supplies the real ones, tests their own."""

    def now(self) -> float:
        """Seconds since 1970, for people and the ledger."""

    def random(self) -> float:
        """A number in [0, 1), for jitter."""

    async def sleep(self, seconds: float) -> None:
        """Wait."""


@dataclass(frozen=True, slots=True)
class Ports:
    """What a run works with."""

    api: ImageApi
    journal: Journal
    blobs: Blobs
    clock: Clock
