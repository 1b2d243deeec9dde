"""Jobs as a ledger has them, with pictures on disk, and replays made of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.unit.pictures import JPEG, PNG, WEBP
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.parse import parse
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, ServiceError
from tokenlab_nb.images import probe
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus, Origin, StoredImage
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.taping import Exported, write

HERE = "https://api.example.com"
NOW = 1_800_000_000.0
CANARY = "sk-canary-0123456789abcdef"
SECRETS = (CANARY, "req_secret", "billtxn_secret", "poll-secret", "cdn.example.com")
"""What must stand in no file of a replay."""


def asked(model: str = "model-a", **values: Any) -> ImageRequest:
    return ImageRequest(model, "text-to-image", "/v1/images/generations", {"prompt": "a red fox", **values})


def local(data: bytes, blobs: Blobs) -> Source:
    found = probe(data)
    return Source(
        sha256=blobs.put(data), media_type=found.media_type, size=len(data), width=found.width, height=found.height
    )


def job(
    name: str, blobs: Blobs, request: ImageRequest | None = None, pictures: Sequence[bytes] = (PNG,), at: float = NOW
) -> JobSnapshot:
    """A completed job, full of what belongs to an account."""
    snapshot = JobSnapshot(id=name, request=request or asked(), origin=HERE)
    for wait, status in enumerate((JobStatus.DRAFT, JobStatus.SENDING, JobStatus.PROCESSING, JobStatus.COMPLETED)):
        snapshot = snapshot.move(status, at + wait * 2.5)
    return replace(
        snapshot,
        request_id="req_secret",
        task_id=f"ldtask_{name}",
        poll_url="/v1/tasks/poll-secret",
        billing_transaction_id="billtxn_secret",
        origins=tuple(Origin(f"https://cdn.example.com/{n}?key={CANARY}") for n in range(len(pictures))),
        images=tuple(stored(data, n, blobs) for n, data in enumerate(pictures)),
        error=ServiceError(f"Bearer {CANARY}", facts=Facts(details={"authorization": CANARY})),
        note=f"Authorization: {CANARY}",
    )


def stored(data: bytes, index: int, blobs: Blobs) -> StoredImage:
    found = probe(data)
    return StoredImage(
        blobs.put(data), found.media_type, found.width, found.height, len(data), index, f"rewritten {index}"
    )


def model(name: str, category: str = "image", **extension: Any) -> Model:
    return parse({"id": name, "owned_by": "acme", "tokenlab": {"category": category, **extension}})


def detail(name: str, *aliases: str) -> Model:
    return model(name, aliases=list(aliases), request_format_details={"public_operations": ["text-to-image"]})


def export(folder: Path, jobs: Sequence[JobSnapshot], blobs: Blobs, **changes: Any) -> Exported:
    usual: dict[str, Any] = {
        "origin": HERE,
        "models": [model("model-b", capabilities=["edit"]), model("model-a"), model("model-v", "video")],
        "details": [detail("model-a", "acme/model-a")],
        "pricing": {"model-a": {"model": "model-a", "pricing_unit": "per_image"}},
        "now": NOW,
        "version": "0.1.0",
    }
    return write(folder, jobs, blobs, **{**usual, **changes})


def lines(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "jobs.jsonl").read_bytes().split(b"\n") if line]


def head(folder: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((folder / "replay.json").read_bytes())
    return found


def files(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


PICTURES = (PNG, JPEG, WEBP)
