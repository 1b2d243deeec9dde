"""Pure: what was made, for whom, and how far it is. The clock's value and the dice are handed in.

A request becomes a `Record`; its state is a function of the record and the time, so a record that was read back from
a disk goes on where it stood. Shapes follow `ImageGenerationResponse`, `VideoTaskResponse` and the Async tasks page.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import log
from typing import Any, Protocol

from .catalog import Behaviour
from .refusals import foreign_task, no_task, refuse

PENDING, PROCESSING, COMPLETED, FAILED = "pending", "processing", "completed", "failed"
TASK_PATH = "/v1/tasks/"
POLICY = "Content policy violation"
RATE_LIMIT = 1000
"""Calls that a key has in each minute: the lowest tier of the vendor's guide "Rate limits"."""
_QUEUED = 0.15  # the share of a task's time that it waits before work begins (a sandbox value)
_SHORTEST, _LONGEST = 5.0, 60.0


class Dice(Protocol):
    """The part of `random.Random` that is used here."""

    def getrandbits(self, k: int, /) -> int:
        """`k` random bits."""
        ...

    def lognormvariate(self, mu: float, sigma: float) -> float:
        """A draw from a log-normal distribution."""
        ...


@dataclass(frozen=True, slots=True)
class Order:
    """A request as far as it decides the pictures.

    Attributes:
        model: Model id.
        operation: What is done.
        prompt: As it was sent.
        width: Pixels.
        height: Pixels.
        seeds: One for each picture.
        revised_prompt: The model's own wording, if it tells one.
        negative_prompt: What to leave out.
        quality: As it was sent.
        style: As it was sent.
        transparent: Whether the background is.
        output_format: `png`, `jpeg` or `webp`.
        compression: 0 to 100.
        references: SHA-256 of each reference, in their order.
        mask: SHA-256 of the mask.
        tool: What an image tool does; see `catalog.Rules`.
    """

    model: str
    operation: str
    prompt: str
    width: int
    height: int
    seeds: tuple[int, ...]
    revised_prompt: str | None = None
    negative_prompt: str = ""
    quality: str | None = None
    style: str | None = None
    transparent: bool = False
    output_format: str = "png"
    compression: int | None = None
    references: tuple[str, ...] = ()
    mask: str | None = None
    tool: str = ""


@dataclass(frozen=True, slots=True)
class Record:
    """One create that was taken.

    Attributes:
        id: `ldtask_` and 32 hex digits for a task, `img_` and as many for an inline result.
        owner: Hash of the key that made it.
        order: What was asked.
        created: Unix time.
        ready: Unix time at which it ends.
        billing_id: The charge; None when it is free.
        failed: Whether it ends in the content policy.
    """

    id: str
    owner: str
    order: Order
    created: float
    ready: float
    billing_id: str | None = None
    failed: bool = False

    def status(self, now: float) -> str:
        """Where it stands at a time."""
        if now >= self.ready:
            return FAILED if self.failed else COMPLETED
        return PENDING if now < self._started else PROCESSING

    def progress(self, now: float) -> int:
        """Percent, 0 to 100."""
        if now >= self.ready:
            return 100
        return max(0, int(99 * (now - self._started) / (self.ready - self._started)))

    @property
    def _started(self) -> float:
        return self.created + _QUEUED * (self.ready - self.created)

    def to_json(self) -> dict[str, Any]:
        """As JSON that `from_json` reads."""
        return asdict(self)

    @classmethod
    def from_json(cls, raw: Mapping[str, Any]) -> Record:
        """Read what `to_json` gave."""
        order: dict[str, Any] = {
            key: tuple(value) if isinstance(value, list) else value for key, value in raw["order"].items()
        }
        return cls(**{**raw, "order": Order(**order)})


@dataclass(frozen=True, slots=True)
class StoredFile:
    """An upload of `/v1/files` (vendor schema `FileObject`).

    Attributes:
        id: `file-` and 24 hex digits.
        owner: Hash of the key that sent it.
        model: The edit model that it is bound to; None for a batch file.
        filename: As it was sent.
        purpose: `batch`, `user_data` or `vision`.
        size: Bytes.
        created: Unix time.
        digest: SHA-256 of the content.
    """

    id: str
    owner: str
    model: str | None
    filename: str
    purpose: str
    size: int
    created: float
    digest: str

    def answer(self) -> dict[str, Any]:
        """The `FileObject`."""
        return {
            "id": self.id,
            "object": "file",
            "bytes": self.size,
            "created_at": int(self.created),
            "filename": self.filename,
            "purpose": self.purpose,
            "status": "processed",
            "expires_at": None,
        }


@dataclass(frozen=True, slots=True)
class Tally:
    """An owner's minute, as one call finds it.

    Attributes:
        limit: Calls in each minute.
        left: How many are left after this one; below 0 when this one is too many.
        reset: Unix time at which the minute ends.
    """

    limit: int
    left: int
    reset: int

    def headers(self) -> dict[str, str]:
        """As the answer tells it."""
        return {
            "X-RateLimit-Limit": str(self.limit),
            "X-RateLimit-Remaining": str(max(0, self.left)),
            "X-RateLimit-Reset": str(self.reset),
        }


class World:
    """All that the service remembers.

    Attributes:
        records: By id.
        files: By id.
        received: How many creates came in, by route name (`generations`, `edits`, `variations`), refused ones too,
            but not those without a key that is accepted, nor those over the rate limit.
        accepted: How many of them were taken, by route name: what a real service would have begun, or billed.
        reads: How often a finished task was read, by id; the charge shows from the second time on.
    """

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.files: dict[str, StoredFile] = {}
        self.received: Counter[str] = Counter()
        self.accepted: Counter[str] = Counter()
        self.reads: Counter[str] = Counter()
        self._minutes: dict[str, tuple[int, int]] = {}

    def task(self, task_id: str, owner: str) -> Record:
        """A task of this owner.

        Raises:
            Refusal: 404 `async_task_not_found`, or 403 `task_not_owned`.
        """
        record = self.records.get(task_id)
        if record is None or not is_task(record.id):
            raise no_task()
        if record.owner != owner:
            raise foreign_task()
        return record

    def billing(self, record: Record, now: float) -> str | None:
        """The charge of a task as one read of its status tells it: once it has ended, from the next read on."""
        if record.status(now) != COMPLETED:
            return None
        self.reads[record.id] += 1
        return record.billing_id if self.reads[record.id] > 1 else None

    def file(self, file_id: str, owner: str) -> StoredFile:
        """A file of this owner.

        Raises:
            Refusal: 404; another key's file is not told apart from none.
        """
        found = self.files.get(file_id)
        if found is None or found.owner != owner:
            raise refuse(404, "not_found_error", f"No such file: {file_id}", code="file_not_found", param="file_id")
        return found

    def count_call(self, owner: str, now: float, limit: int = RATE_LIMIT) -> Tally:
        """Count one call against an owner's minute, one that is too many as well."""
        minute = int(now // 60)
        seen, used = self._minutes.get(owner, (minute, 0))
        used = used + 1 if seen == minute else 1
        self._minutes[owner] = (minute, used)
        return Tally(limit, limit - used, (minute + 1) * 60)


def is_task(record_id: str) -> bool:
    """Whether an id is a task's, not an inline result's."""
    return record_id.startswith("ldtask_")


def token(dice: Dice, prefix: str, digits: int = 32) -> str:
    """An id that cannot be guessed, if the dice cannot."""
    return f"{prefix}{dice.getrandbits(4 * digits):0{digits}x}"


def draw_latency(behaviour: Behaviour, dice: Dice) -> float:
    """How long the real service would take, in seconds, 5 to 60."""
    median, sigma = behaviour.latency
    return min(_LONGEST, max(_SHORTEST, dice.lognormvariate(log(median), sigma)))


def picture_url(base_url: str, record: Record, index: int) -> str:
    """Where a picture of a record is."""
    suffix = {"jpeg": "jpg"}.get(record.order.output_format, record.order.output_format)
    return f"{base_url}/pictures/{record.id}-{index}.{suffix}"


def pictures(record: Record, base_url: str) -> list[dict[str, str]]:
    """The `data` of a finished answer with URLs."""
    count = len(record.order.seeds)
    return [{"url": picture_url(base_url, record, index), **_revised(record)} for index in range(count)]


def inline_answer(record: Record, data: list[dict[str, str]], behaviour: Behaviour) -> dict[str, Any]:
    """A create that was finished at once (`ImageGenerationResponse`)."""
    answer: dict[str, Any] = {"created": int(record.created), "data": data}
    if behaviour.billing_in_answer and record.billing_id:
        answer["billing_transaction_id"] = record.billing_id
    return answer


def encoded(record: Record, payloads: list[str]) -> list[dict[str, str]]:
    """The `data` of a finished answer with base64 text."""
    return [{"b64_json": payload, **_revised(record)} for payload in payloads]


def task_answer(
    record: Record, behaviour: Behaviour, base_url: str, now: float, billing_id: str | None = None
) -> dict[str, Any]:
    """A task as its create and its status routes tell it.

    Args:
        record: The task.
        behaviour: Its model's.
        base_url: Where pictures are served.
        now: Unix time.
        billing_id: The charge, if it is known by now.
    """
    status = record.status(now)
    answer: dict[str, Any] = {
        "created": int(record.created),
        "updated": int(min(now, record.ready)),
        "id": record.id,
        "task_id": record.id,
        "status": status,
        "data": [],
    }
    if behaviour.pending != "no_poll_url":
        answer["poll_url"] = f"{TASK_PATH}{record.id}"
    if behaviour.model_in_pending or status in (COMPLETED, FAILED):
        answer["model"] = record.order.model
    if behaviour.progress and status in (PROCESSING, COMPLETED):
        answer["progress"] = record.progress(now)
    answer |= _ending(record, behaviour, base_url, status)
    if billing_id:
        answer["billing_transaction_id"] = billing_id
    return answer


def _ending(record: Record, behaviour: Behaviour, base_url: str, status: str) -> dict[str, Any]:
    if status == FAILED:
        problem = {"code": "content_policy_violation", "message": POLICY}
        return {"error": problem if behaviour.error_form == "object" else POLICY}
    if status != COMPLETED:
        placeholder = [{"url": "", "revised_prompt": record.order.prompt}]
        return {"data": placeholder} if behaviour.pending == "placeholder" else {}
    if behaviour.result == "image_url":
        return {"image_url": picture_url(base_url, record, 0)}
    return {"data": pictures(record, base_url)}


def _revised(record: Record) -> dict[str, str]:
    return {"revised_prompt": record.order.revised_prompt} if record.order.revised_prompt else {}
