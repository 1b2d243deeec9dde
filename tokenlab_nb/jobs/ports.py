"""What the engine needs from the outside, as Protocols: the service, the ledger, the blob store, and time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from tokenlab_nb.api.replies import Reply
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.jobs.job import JobSnapshot


class ImageApi(Protocol):
    """The service. `tokenlab_nb.api.client.TokenLabClient` is the real one."""

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API."""

    async def create(self, request: ImageRequest, files: Mapping[str, bytes]) -> Reply:
        """Send one create call, once; ``files`` holds the bytes of local sources by SHA-256."""

    async def task(self, task_id: str | None, poll_url: str | None) -> Reply:
        """Ask for a task, once."""

    async def download(self, url: str) -> bytes:
        """Fetch one picture."""


class Journal(Protocol):
    """The ledger. Calls block (they may wait for the disk), so the runner makes them in a worker thread."""

    def save(self, snapshot: JobSnapshot) -> None:
        """Make this state of the job durable before returning."""

    def latencies(self, origin: str, model: str, limit: int = 100) -> list[float]:
        """Seconds from sending to completion of this model's last completed jobs there, newest first."""


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
