"""Making a replay: jobs of the ledger, their pictures, models and prices are written into a folder."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tokenlab_nb.contract.leaks import find_leaks
from tokenlab_nb.contract.model import Model
from tokenlab_nb.disk import write_whole
from tokenlab_nb.errors import TokenLabError, ValidationError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Blobs as BlobsPort
from tokenlab_nb.store import recording
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.failures import explained
from tokenlab_nb.store.recording import HEAD, JOBS, PICTURES, Recording, Replay

__all__ = ["Exported", "is_whole", "number", "write"]


@dataclass(frozen=True, slots=True)
class Exported:
    """What `write` did.

    Attributes:
        folder: Where the replay lies.
        jobs: How many jobs it holds now, those of earlier exports included.
        pictures: How many different pictures these jobs have, what went in included.
        bytes: The size of these pictures.
        left_out: How many of the jobs that were given are not in it.
    """

    folder: Path
    jobs: int
    pictures: int
    bytes: int
    left_out: int

    def __str__(self) -> str:
        held = f"{number(self.jobs, 'job')} with {number(self.pictures, 'picture')} ({self.bytes / 1e6:.1f} MB)"
        text = f"The replay {self.folder} holds {held}."
        if not self.left_out:
            return text
        verb = "was" if self.left_out == 1 else "were"
        why = "not completed, of another service, without a picture on disk, or with a key or a signed address in it"
        return f"{text} {number(self.left_out, 'job')} {verb} left out ({why})."


def write(
    folder: str | os.PathLike[str],
    jobs: Sequence[JobSnapshot],
    blobs: BlobsPort,
    *,
    origin: str,
    models: Iterable[Model],
    details: Iterable[Model],
    pricing: Mapping[str, Mapping[str, Any]],
    now: float,
    version: str,
) -> Exported:
    """Make a replay of jobs, or add to one. A crash at any moment leaves what was there usable; nothing is deleted.

    Args:
        folder: Where to; new, empty, or a replay of the same origin.
        jobs: What to record: the completed ones of this origin whose pictures are on disk.
        blobs: Where their pictures are.
        origin: Scheme, host and port of the API.
        models: The model list, in the service's order.
        details: Models with their contracts, as they were used.
        pricing: Answers of the pricing route, by model id.
        now: Seconds since 1970.
        version: The version of this package.

    Raises:
        ValidationError: If the folder holds something else, or a damaged replay.
        TokenLabError: If it cannot be written.
    """
    place = Path(folder).expanduser().absolute()
    before = _before(place, origin)
    pictures = Blobs(place / PICTURES, private=False)
    with explained(place):
        place.mkdir(parents=True, exist_ok=True)
        if not (
            place / HEAD
        ).exists():  # what is broken off from here on is known for a replay, and can be gone on with
            write_whole(place / HEAD, before.head_text(now, version), private=False)
    new, left_out = _record(before, jobs, blobs, pictures)
    after = _joined(before, new, models, details, pricing)
    with explained(place):
        write_whole(place / JOBS, after.jobs_text, private=False)
        write_whole(place / HEAD, after.head_text(now, version), private=False)
        sizes = [path.stat().st_size for path in map(pictures.path, after.hashes) if path.is_file()]
    return Exported(place, len(after.recordings), len(after.hashes), sum(sizes), left_out)


def _before(folder: Path, origin: str) -> Replay:
    """What the folder holds already."""
    with explained(folder):
        is_new = not folder.exists()
        names = [] if is_new or not folder.is_dir() else [path.name for path in folder.iterdir()]
    if HEAD in names:
        found = recording.read(folder, unfinished=True)
        if found.origin != origin:
            raise ValidationError(
                f"{folder} holds a replay of {found.origin}, not of {origin}.", hint="Give another folder."
            )
        return found
    # Names with a dot are no content: a repository, a file manager's notes.
    if (not is_new and not folder.is_dir()) or any(not name.startswith(".") for name in names):
        raise ValidationError(f"{folder} is in use, and is no replay.", hint="Give a new or an empty folder.")
    return Replay(folder, origin)


def _record(
    before: Replay, jobs: Sequence[JobSnapshot], blobs: BlobsPort, pictures: Blobs
) -> tuple[list[Recording], int]:
    """Copy the pictures of jobs that are not recorded yet; the new recordings, and how many jobs were left out."""
    known = {each.id for each in before.recordings}
    new: dict[str, Recording] = {}
    left_out: set[str] = set()
    for job in jobs:
        if job.id in known or job.id in new:
            continue
        found = _recorded(job, before.origin)
        if found and _copied(found.hashes, blobs, pictures):
            new[job.id] = found
        else:
            left_out.add(job.id)
    return list(new.values()), len(left_out)


def _recorded(job: JobSnapshot, origin: str) -> Recording | None:
    """The job as a recording; None where there is nothing to record, or nothing that may be handed on."""
    if job.status is not JobStatus.COMPLETED or job.origin != origin:
        return None
    line = recording.line_of(job)
    if any(leak.kind in ("key", "address") for leak in find_leaks(line.decode())):
        return None
    try:
        return Recording.read(line)
    except ValueError:  # what could not be read back is not written
        return None


def _copied(hashes: Iterable[str], blobs: BlobsPort, pictures: Blobs) -> bool:
    """Bring pictures into the folder; whether all are there."""
    for sha256 in sorted(hashes):
        try:
            data = blobs.get(sha256)
        except (OSError, TokenLabError):
            return False
        if not is_whole(data, sha256):
            return False
        pictures.put(data)
    return True


def _joined(
    before: Replay,
    new: Sequence[Recording],
    models: Iterable[Model],
    details: Iterable[Model],
    pricing: Mapping[str, Mapping[str, Any]],
) -> Replay:
    """What was there and what is new; where both speak of one model, the new word counts."""
    listed = {model.id: model.raw for model in models}
    old = [row for row in before.models if row.get("id") not in list(listed)]  # in a list: an id may be anything
    return replace(
        before,
        models=(*listed.values(), *old),
        details={**before.details, **{model.id: model.raw for model in details}},
        pricing={**before.pricing, **pricing},
        recordings=tuple(sorted((*before.recordings, *new), key=lambda each: each.made_at)),
    )


def is_whole(data: bytes, sha256: str) -> bool:
    """Whether these are the very bytes of a hash."""
    return hashlib.sha256(data).hexdigest() == sha256


def number(count: int, what: str) -> str:
    """A count with its noun, such as ``2 jobs``."""
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
