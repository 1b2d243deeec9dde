"""Free replay: requests that were answered once are answered again from a folder, without a key and without a network.

`write` makes the folder from jobs of the ledger; `ReplayApi` stands where the client of the service stands otherwise.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from tokenlab_nb.api.bodies import NO_IDS
from tokenlab_nb.api.reach import MAX_PICTURE_BYTES
from tokenlab_nb.api.replies import Images, Uploaded
from tokenlab_nb.contract import parse
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, ImageError, NotFoundError, NotRecordedError, TokenLabError, ValidationError
from tokenlab_nb.jobs.job import JobSnapshot, JobStatus
from tokenlab_nb.jobs.ports import Blobs as BlobsPort
from tokenlab_nb.jobs.runner import off_loop
from tokenlab_nb.store import nearest, recording
from tokenlab_nb.store.blobs import Blobs, is_sha256, write_whole
from tokenlab_nb.store.failures import explained
from tokenlab_nb.store.recording import HEAD, JOBS, PICTURES, SCHEME, Recording, Replay

__all__ = ["Exported", "ReplayApi", "write"]

_MOST_NAMED = 6  # models in one message
_LONGEST_NAME = 200  # characters of a model's name that near ones are looked for


# ----------------------------------------------------------------------------------------------- out


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
        held = f"{_number(self.jobs, 'job')} with {_number(self.pictures, 'picture')} ({self.bytes / 1e6:.1f} MB)"
        text = f"The replay {self.folder} holds {held}."
        if not self.left_out:
            return text
        verb = "was" if self.left_out == 1 else "were"
        why = "not completed, of another service, or without a picture on disk"
        return f"{text} {_number(self.left_out, 'job')} {verb} left out ({why})."


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
    """The job as a recording; None where there is nothing to record."""
    if job.status is not JobStatus.COMPLETED or job.origin != origin:
        return None
    try:
        return Recording.read(recording.line_of(job))
    except ValueError:  # what could not be read back is not written
        return None


def _copied(hashes: Iterable[str], blobs: BlobsPort, pictures: Blobs) -> bool:
    """Bring pictures into the folder; whether all are there."""
    for sha256 in sorted(hashes):
        try:
            data = blobs.get(sha256)
        except (OSError, TokenLabError):
            return False
        if not _is_whole(data, sha256):
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


# ------------------------------------------------------------------------------------------------ in


class ReplayApi:
    """The service as a folder recorded it. Nothing is sent, nothing is paid, and the folder is only read.

    Args:
        replay: What the folder holds; `open` reads it.
    """

    def __init__(self, replay: Replay) -> None:
        self._replay = replay
        self._listed = parse.parse_list(replay.models)
        self._models = _by_name((*parse.parse_list(tuple(replay.details.values())), *self._listed))
        self._answers: dict[str, list[Recording]] = defaultdict(list)
        for each in replay.recordings:
            self._answers[each.hash].append(each)
        self._asked: Counter[str] = Counter()

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> ReplayApi:
        """Open a folder that `write` made. It blocks while it reads; pictures are read when they are asked for.

        Raises:
            ValidationError: If there is no replay, if it is damaged, or if a newer version made it.
        """
        return cls(recording.read(Path(folder).expanduser().absolute()))

    def __repr__(self) -> str:
        return f"ReplayApi({str(self.folder)!r}, {_number(self.recorded, 'recording')})"

    @property
    def folder(self) -> Path:
        """The replay's folder."""
        return self._replay.folder

    @property
    def pictures(self) -> Path:
        """The folder of its pictures: a place to read from, for `Blobs`."""
        return self.folder / PICTURES

    @property
    def recorded(self) -> int:
        """How many answers are recorded."""
        return len(self._replay.recordings)

    @property
    def origin(self) -> str:
        """Scheme, host and port of the API that answered when it was recorded."""
        return self._replay.origin

    async def close(self) -> None:
        """Nothing is held open."""

    # ---------------------------------------------------------------------------------- discovery

    async def models(
        self,
        *,
        provider: str | None = None,
        tag: str | None = None,
        category: str | None = None,
        recommended_for: str | None = None,
        view: str | None = None,  # noqa: ARG002  # what was recorded is there in one view
    ) -> tuple[Model, ...]:
        """The recorded list, in its order; the filters are the service's."""
        return tuple(
            model
            for model in self._listed
            if provider in (None, "", model.provider)
            and category in (None, "", model.category)
            and recommended_for in (None, "", model.category)
            and (not tag or tag in model.capabilities)
        )

    async def model(self, model_id: str) -> Model:
        """The model of this id or alias: with its contract if that was recorded, else as the list has it.

        Raises:
            NotFoundError: If it is not recorded; ``did_you_mean`` may hold a near one.
        """
        found = self._models.get(model_id)
        if found is None:
            raise await off_loop(self._no_model, model_id)
        return found

    async def pricing(self, model_id: str) -> Mapping[str, Any]:
        """The recorded prices of the model; empty where none are: unknown is not free.

        Raises:
            NotFoundError: If the model is not recorded.
        """
        found = await self.model(model_id)
        return self._replay.pricing.get(found.id, {})

    def _no_model(self, model_id: str) -> NotFoundError:
        near = tuple(get_close_matches(model_id[:_LONGEST_NAME], list(self._models), n=3))
        return NotFoundError(
            f"The replay {self.folder} has no model {nearest.clipped(model_id)}.",
            facts=Facts(status=404, model=model_id, did_you_mean=near[0] if near else None, suggestions=near),
        )

    # --------------------------------------------------------------------------------------- work

    async def create(
        self,
        request: ImageRequest,
        files: Mapping[str, bytes],  # noqa: ARG002  # the port's
        file_ids: Mapping[str, str] = NO_IDS,  # noqa: ARG002  # the port's
    ) -> Images:
        """Answer a request that is recorded. One that was asked several times gets one answer after the other, in turn.

        Raises:
            NotRecordedError: If it is not recorded; the message says what differs from the nearest that is.
        """
        answers = self._answers.get(request.hash)
        if not answers:
            raise await off_loop(self._not_recorded, request)
        turn = self._asked[request.hash]
        self._asked[request.hash] += 1
        found = answers[turn % len(answers)]
        return Images(found.pictures, task_id=found.task_id)

    async def upload(self, data: bytes, media_type: str, *, model: str, purpose: str = "vision") -> Uploaded:  # noqa: ARG002
        """Nothing goes anywhere; a picture that was uploaded for a recorded request has the id that it had then."""
        sha256 = (await off_loop(hashlib.sha256, data)).hexdigest()
        asked = (each.request for each in self._replay.recordings if each.request.model == model)
        named = (source for request in asked for source in request.sources if source.file_id)
        return Uploaded(next((str(source.file_id) for source in named if source.of == sha256), "replay"))

    async def task(self, task_id: str | None, poll_url: str | None) -> NoReturn:  # noqa: ARG002  # the port's
        """Every recorded request is answered at once, so a replay has no tasks.

        Raises:
            NotRecordedError: Always.
        """
        raise NotRecordedError(
            f"The replay {self.folder} knows no tasks.", hint="Ask for the task in a session with the service."
        )

    async def download(self, url: str) -> bytes:
        """Read a recorded picture.

        Raises:
            ImageError: If its file is missing, damaged or too large, or if the address is none of a replay.
        """
        sha256 = url.removeprefix(SCHEME)
        if not (url.startswith(SCHEME) and is_sha256(sha256)):
            raise ImageError(
                f"A replay fetches nothing: {nearest.clipped(url)} is not in it.", hint="Connect to the service."
            )
        return await off_loop(self._picture, sha256)

    async def fetch_reference(self, url: str) -> NoReturn:  # noqa: ARG002  # the session's
        """A replay fetches nothing.

        Raises:
            NotRecordedError: Always.
        """
        raise NotRecordedError("A replay fetches nothing.", hint="Try the address in a session with the service.")

    async def check_hosts(self, request: ImageRequest) -> str:  # noqa: ARG002  # the port's
        """Nothing is sent, so nothing is looked up."""
        return ""

    def _picture(self, sha256: str) -> bytes:
        path = Blobs(self.pictures).path(sha256)
        try:
            if not path.is_file():
                raise self._spoiled(path, "it is missing")
            if path.stat().st_size > MAX_PICTURE_BYTES:
                raise self._spoiled(path, f"it has more than {MAX_PICTURE_BYTES:,} bytes")
            data = path.read_bytes()
        except OSError as error:
            raise self._spoiled(path, error.strerror or type(error).__name__) from None
        if not _is_whole(data, sha256):
            raise self._spoiled(path, "it is damaged")
        return data

    def _spoiled(self, path: Path, why: str) -> ImageError:
        hint = "Get the folder anew from where it came. A checkout may lack it: look for Git LFS."
        return ImageError(f"The recorded picture {path} cannot be used: {why}.", hint=hint)

    def _not_recorded(self, request: ImageRequest) -> NotRecordedError:
        same_model = [each.request for each in self._replay.recordings if each.request.model == request.model]
        if same_model:
            why = f"It is recorded for this model with {nearest.difference(request, same_model)}."
        else:
            why = f"Recorded are requests to {self._recorded_models()}." if self.recorded else "It records none at all."
        return NotRecordedError(f"The replay {self.folder} holds no answer to this request. {why}")

    def _recorded_models(self) -> str:
        names = list(dict.fromkeys(each.request.model for each in self._replay.recordings))
        more = [f"{len(names) - _MOST_NAMED} more"] if len(names) > _MOST_NAMED else []
        return nearest.listed([*(nearest.clipped(name) for name in names[:_MOST_NAMED]), *more])


def _by_name(models: Sequence[Model]) -> dict[str, Model]:
    """Models by id and alias; an id wins over an alias, and what comes first over what comes later."""
    by_id: dict[str, Model] = {}
    for model in models:
        by_id.setdefault(model.id, model)
    aliases = {alias: by_id[model.id] for model in reversed(models) for alias in model.aliases}
    return {**aliases, **by_id}


def _is_whole(data: bytes, sha256: str) -> bool:
    return hashlib.sha256(data).hexdigest() == sha256


def _number(count: int, what: str) -> str:
    return f"{count} {what}" if count == 1 else f"{count} {what}s"
