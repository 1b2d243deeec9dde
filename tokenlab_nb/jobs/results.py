"""The pictures of a job for people: what is known of each, its name and its caption."""

from __future__ import annotations

from dataclasses import replace

from tokenlab_nb.contract.references import Source
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.job import JobSnapshot, StoredImage
from tokenlab_nb.jobs.ports import Blobs
from tokenlab_nb.settings import SANDBOX_URL

__all__ = ["input_of", "result_of"]

_SUFFIX = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp"}


def result_of(snapshot: JobSnapshot, image: StoredImage, blobs: Blobs, *, stamps: bool) -> ImageResult:
    """One of a job's pictures, and how it was made.

    Args:
        snapshot: The job.
        image: Which of its pictures.
        blobs: Where the bytes are.
        stamps: Whether saved files carry the record of how it was made.
    """
    request = snapshot.request
    metadata: dict[str, object] = {
        "job": snapshot.id,
        "model": request.model,
        "operation": request.operation,
        "request": request.to_json(),
        "request_id": snapshot.request_id,
        "task_id": snapshot.task_id,
        "index": image.index,
        "revised_prompt": image.revised_prompt,
        "created_at": snapshot.created_at,
        "seconds": snapshot.elapsed(snapshot.ended_at or snapshot.created_at),
        "parents": [source.picture for source in request.references if source.picture],
        "sandbox": snapshot.origin == SANDBOX_URL,
    }
    caption = request.prompt or f"{request.operation} by {request.model}"
    return replace(_kept(image, blobs, metadata, request.model, caption), stamps=stamps)


def input_of(job_id: str, source: Source, label: str, blobs: Blobs) -> ImageResult:
    """A picture that went into a job.

    Args:
        job_id: The job.
        source: Which of the pictures that went in.
        label: What it is called.
        blobs: Where the bytes are.
    """
    return _kept(source, blobs, {"input_of": job_id, "of": source.picture}, label.lower(), label)


def _kept(
    picture: StoredImage | Source, blobs: Blobs, metadata: dict[str, object], stem: str, caption: str
) -> ImageResult:
    """A picture of the blob store, for people; ``stem`` begins its file name."""
    sha256 = str(picture.sha256)
    return ImageResult(
        sha256=sha256,
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        size=picture.size,
        load=lambda: blobs.get(sha256),
        metadata=metadata,
        name=f"{_file_safe(stem)}-{sha256[:12]}.{_SUFFIX.get(picture.media_type, 'png')}",
        caption=caption,
    )


def _file_safe(text: str) -> str:
    return "".join(char if char.isalnum() or char in "-._" else "-" for char in text)[:60]
