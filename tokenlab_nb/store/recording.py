"""A replay as a folder: what was asked and answered, readable by people and by git, without a key or an account's ids.

```
replay.json     format, when and by which version it was made, the API's origin, models and their contracts, prices
jobs.jsonl      one line a completed job, in the order in which they were made
pictures/       what they made and what went in, by hash, as `tokenlab_nb.store.blobs.Blobs` keeps it
```

The folder may come from anybody: odd JSON is a clear error, and only a hash ever becomes a path.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tokenlab_nb.api.replies import ImageData
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.store.blobs import is_sha256

__all__ = ["HEAD", "JOBS", "PICTURES", "SCHEME", "Recording", "Replay", "iso", "line_of", "read", "text_of"]

HEAD, JOBS, PICTURES = "replay.json", "jobs.jsonl", "pictures"
SCHEME = "replay:"
"""What the address of a recorded picture begins with; its hash follows."""

FORMAT = 1
"""Raised when an older version would misread what a newer one writes."""

MAX_TEXT_BYTES = 100_000_000
"""Most bytes of one of the two text files that are read."""

_DEEPEST = 100  # levels of nesting; json itself gives up at a depth that depends on where it is called

Raw = Mapping[str, Any]

_ANEW = "Get the folder anew from where it came, or make it again with session.export_replay()."
_ODD = (TypeError, ValueError, KeyError, AttributeError, RecursionError)  # what reading strange JSON raises


@dataclass(frozen=True, slots=True)
class Recording:
    """One request with its answer.

    Attributes:
        id: The id of the job that was recorded.
        made_at: When it was made, ISO 8601 in UTC.
        request: What was asked.
        hash: Its hash, made again from the request: the one in the file is for people and other tools.
        pictures: What came, in order; their addresses are `SCHEME` and a hash.
        task_id: The task that made them, if there was one.
        line: The line of the file that it stands in, as it is kept.
    """

    id: str
    made_at: str
    request: ImageRequest
    hash: str
    pictures: tuple[ImageData, ...]
    task_id: str | None = None
    line: bytes = field(default=b"", repr=False)

    @property
    def hashes(self) -> frozenset[str]:
        """The hashes of all its pictures: what came, and what went in as bytes."""
        came = {(picture.url or "").removeprefix(SCHEME) for picture in self.pictures}
        return frozenset(came | {source.sha256 for source in self.request.sources if source.sha256 is not None})

    @classmethod
    def read(cls, line: bytes) -> Recording:
        """Read one line.

        Raises:
            ValueError: If it is none of ours.
        """
        try:
            found = cls._read(_json(line), line)
            named = all(is_sha256(sha256) for sha256 in found.hashes)
        except _ODD as error:
            raise ValueError("This is no recording.") from error
        if not (found.pictures and named):
            raise ValueError("A recording has pictures, each named by its hash.")
        return found

    @classmethod
    def _read(cls, row: Any, line: bytes) -> Recording:
        request = ImageRequest.from_json(row["request"])
        _ = [_text(name) for name in (request.model, request.operation, request.endpoint)]
        pictures = sorted(row["pictures"], key=lambda each: int(each["index"]))
        return cls(
            id=_text(row["id"]),
            made_at=_text(row["made_at"]),
            request=request,
            hash=request.hash,
            pictures=tuple(
                ImageData(SCHEME + each["sha256"], None, _words(each["revised_prompt"])) for each in pictures
            ),
            task_id=_words(row["task_id"]),
            line=line,
        )


@dataclass(frozen=True, slots=True)
class Replay:
    """What a folder holds.

    Attributes:
        folder: Where it lies.
        origin: Scheme, host and port of the API that answered.
        models: The model list, each entry as the service gave it.
        details: Model JSON with the whole contract, by model id.
        pricing: Answers of the pricing route, by model id.
        recordings: In the order in which they were made.
    """

    folder: Path
    origin: str
    models: tuple[Raw, ...] = ()
    details: Mapping[str, Raw] = field(default_factory=dict)
    pricing: Mapping[str, Raw] = field(default_factory=dict)
    recordings: tuple[Recording, ...] = ()

    @property
    def hashes(self) -> frozenset[str]:
        """The hashes of all pictures that its recordings name."""
        return frozenset(sha256 for recording in self.recordings for sha256 in recording.hashes)

    @property
    def jobs_text(self) -> bytes:
        """The text of its `JOBS` file; lines that were there stay as they are."""
        return b"".join(recording.line + b"\n" for recording in self.recordings)

    def head_text(self, now: float, version: str) -> bytes:
        """The text of its `HEAD` file."""
        head = {
            "format": FORMAT,
            "made_at": iso(now),
            "made_by": f"tokenlab_nb {version}",
            "origin": self.origin,
            "models": self.models,
            "details": dict(sorted(self.details.items())),
            "pricing": dict(sorted(self.pricing.items())),
        }
        return text_of(head, indent=2) + b"\n"


# ----------------------------------------------------------------------------------------------- out


def line_of(job: JobSnapshot) -> bytes:
    """The line of a completed job. Ids that belong to an account and addresses that end are left out."""
    kept = ("index", "sha256", "media_type", "width", "height", "size", "revised_prompt")
    images = [asdict(image) for image in job.images]
    row = {
        "id": job.id,
        "made_at": iso(job.created_at),
        "hash": job.request.hash,
        "request": job.request.to_json(),
        "pictures": [{name: image[name] for name in kept} for image in images],
        "task_id": job.task_id,
        "seconds": round(job.elapsed(job.created_at), 3),
    }
    return text_of(row)


def iso(seconds: float) -> str:
    """A time since 1970 as ISO 8601 in UTC; as texts they are in the order of the times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds")


def text_of(value: object, indent: int | None = None) -> bytes:
    """JSON that people can read in any script; half a surrogate pair, which UTF-8 has no place for, is escaped."""
    try:
        return json.dumps(value, indent=indent, ensure_ascii=False, default=_plain).encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=indent, default=_plain).encode()


def _plain(value: object) -> object:
    if isinstance(value, Mapping):  # a read-only view, which json does not know
        return dict(value)
    raise TypeError(f"{type(value).__name__} is no JSON value")


# ------------------------------------------------------------------------------------------------ in


def read(folder: Path, *, unfinished: bool = False) -> Replay:
    """Read a replay; its pictures are read when they are asked for.

    Args:
        folder: Where it lies.
        unfinished: Whether the list of jobs may be missing, as after a first export that was broken off.

    Raises:
        ValidationError: If there is no replay, if it is damaged, or if a newer version made it.
    """
    _check_there(folder)
    head = _head(folder / HEAD)
    jobs = folder / JOBS
    lines = b"" if unfinished and not jobs.exists() else _bytes(jobs)
    return Replay(
        folder=folder,
        origin=head["origin"],
        models=tuple(row for row in head["models"] if isinstance(row, dict)),
        details=_objects(head["details"]),
        pricing=_objects(head["pricing"]),
        recordings=tuple(_once(_recordings(jobs, lines))),
    )


def _check_there(folder: Path) -> None:
    hint = "Give the folder that session.export_replay() made."
    with _readable(folder):
        if not folder.is_dir():
            raise ValidationError(f"There is no folder {folder}.", hint=hint)
        if not (folder / HEAD).is_file():
            raise ValidationError(f"{folder} is no replay: it holds no {HEAD}.", hint=hint)


def _head(path: Path) -> dict[str, Any]:
    data = _bytes(path)
    try:
        head = _json(data)
    except _ODD:
        raise _damaged(path, "it is not JSON") from None
    made_in = head.get("format") if isinstance(head, dict) else None
    if isinstance(made_in, bool) or not isinstance(made_in, int) or made_in < 1:
        raise _damaged(path, "it does not say which format it has")
    if made_in > FORMAT:
        raise ValidationError(
            f"{path} has format {made_in}, made by a newer tokenlab_nb; this one reads up to {FORMAT}.",
            hint="Upgrade tokenlab_nb.",
        )
    shape = {"origin": str, "models": list, "details": dict, "pricing": dict}
    for name, kind in shape.items():
        if not isinstance(head.get(name), kind):
            raise _damaged(path, f"{name!r} is missing or not what it should be")
    return dict(head)


def _recordings(path: Path, text: bytes) -> Iterable[Recording]:
    # By bytes: a text's own notion of lines also ends them at characters that a prompt may hold.
    for number, line in enumerate(text.split(b"\n"), start=1):
        if not line.strip():
            continue
        try:
            yield Recording.read(line.rstrip(b"\r"))
        except ValueError:
            raise _damaged(path, f"line {number} is no recording that this version can read") from None


def _once(recordings: Iterable[Recording]) -> Iterable[Recording]:
    """Each job once: two branches of a repository may both have brought it."""
    seen: dict[str, Recording] = {}
    for recording in recordings:
        seen.setdefault(recording.id, recording)
    return seen.values()


def _bytes(path: Path) -> bytes:
    with _readable(path):
        if not path.is_file():
            raise _damaged(path, "it is missing")
        with path.open("rb") as file:
            data = file.read(MAX_TEXT_BYTES + 1)
    if len(data) > MAX_TEXT_BYTES:
        raise _damaged(path, f"it has more than {MAX_TEXT_BYTES:,} bytes")
    return data


@contextmanager
def _readable(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        why = error.strerror or type(error).__name__
        raise ValidationError(f"{path} cannot be read ({why}).", hint="Check the path and who may read it.") from error


def _json(data: bytes) -> Any:
    """Read JSON that may come from anybody.

    Raises:
        ValueError, RecursionError: If it is none, or nested deeper than anything of ours.
    """
    value = json.loads(data)
    level = [value]
    for _ in range(_DEEPEST):
        inner = [each.values() if isinstance(each, dict) else each for each in level if isinstance(each, dict | list)]
        level = [item for items in inner for item in items]
        if not level:
            return value
    raise ValueError("It is nested too deeply.")


def _objects(value: Raw) -> dict[str, Raw]:
    return {name: row for name, row in value.items() if isinstance(row, dict)}


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("expected a text")
    return value


def _words(value: object) -> str | None:
    return None if value is None else _text(value)


def _damaged(path: Path, why: str) -> ValidationError:
    return ValidationError(f"{path} cannot be used: {why}.", hint=_ANEW)
