"""Where a picture comes from: the chain of jobs that led to it, by content hash. Pure: the ledger does the finding."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple
from urllib.parse import urlsplit

from tokenlab_nb.contract.references import Source
from tokenlab_nb.jobs.job import JobSnapshot

__all__ = ["MOST_STEPS", "Ancestor", "Find", "Lineage", "Maker", "trace", "trace_picture"]

MOST_STEPS = 50
"""Jobs that a line goes back at most."""

_MOST_PROMPT = 40
_SHORT = {"image-edit": "edit", "image-variation": "variation"}


class Maker(NamedTuple):
    """The job that made a picture.

    Attributes:
        job: The job.
        place: Which of its pictures it is, from 0.
    """

    job: JobSnapshot
    place: int


Find = Callable[[str, JobSnapshot | None], Maker | None]
"""Which job made the picture of this hash, before the given job was made (or ever, for None)."""


@dataclass(frozen=True, slots=True)
class Ancestor:
    """One step of a line: a picture, and the job that made it where one is known.

    Attributes:
        sha256: The picture's hash; empty where it is not known, as of an address, or where there is no picture yet.
        job_id: The job that made it; empty for a picture from outside.
        model: Its model.
        operation: What was done.
        prompt: As asked.
        place: Which of the job's pictures it is, from 0.
        masked: Whether only a masked area was changed.
        beside: How many further pictures went into the next step, which the line does not follow.
        outside: What a picture from outside is called.
    """

    sha256: str
    job_id: str = ""
    model: str = ""
    operation: str = ""
    prompt: str = ""
    place: int = 0
    masked: bool = False
    beside: int = 0
    outside: str = ""

    def __str__(self) -> str:
        more = f" + {self.beside} more" if self.beside else ""
        if not self.job_id:
            return f"{self.outside}{more}"
        what = ("masked " if self.masked else "") + _SHORT.get(self.operation, self.operation)
        said = f' "{_clipped(self.prompt)}"' if self.prompt else ""
        return f"{self.model} {what}{said}{more}" if self.model else f"an adopted task{more}"


@dataclass(frozen=True, slots=True, repr=False)
class Lineage:
    """A picture's line, from the oldest step that is known to the picture itself.

    Attributes:
        steps: At least one.
        is_cut: Whether it goes back further than was looked.
    """

    steps: tuple[Ancestor, ...]
    is_cut: bool = False

    def __str__(self) -> str:
        return " -> ".join([*(["..."] if self.is_cut else []), *map(str, self.steps)])

    __repr__ = __str__


def trace(maker: Maker, find: Find, most: int = MOST_STEPS) -> Lineage:
    """Follow a job's picture back, by the first picture that went into each step.

    Args:
        maker: The job, and which of its pictures.
        find: Looks for the job that made a picture. It is not asked for a job without references.
        most: Jobs to go back at most.

    Returns:
        The line; a job that already stands in it ends it, so it never turns in a circle.
    """
    found = [_step(maker, 0)]
    seen = {maker.job.id}
    while references := maker.job.request.references:
        if len(found) == most:
            return Lineage(tuple(reversed(found)), is_cut=True)
        first, beside = references[0], len(references) - 1
        parent = find(first.picture, maker.job) if first.picture else None
        if parent is None or parent.job.id in seen:
            found.append(Ancestor(first.picture or "", beside=beside, outside=_called(first)))
            break
        found.append(_step(parent, beside))
        seen.add(parent.job.id)
        maker = parent
    return Lineage(tuple(reversed(found)))


def trace_picture(sha256: str, find: Find) -> Lineage:
    """Follow a picture back by its hash alone."""
    maker = find(sha256, None)
    return trace(maker, find) if maker else Lineage((Ancestor(sha256, outside=_called(Source(sha256=sha256))),))


def _step(maker: Maker, beside: int) -> Ancestor:
    job, request = maker.job, maker.job.request
    made = next((image.sha256 for image in job.images if image.index == maker.place), "")
    return Ancestor(
        made, job.id, request.model, request.operation, request.prompt, maker.place, request.mask is not None, beside
    )


def _called(source: Source) -> str:
    if source.url:
        return f"a picture at {urlsplit(source.url).hostname}"  # no more of it: the rest may be a signature
    return "an uploaded file" if source.file_id else "a picture of yours"


def _clipped(text: str) -> str:
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return line if len(line) <= _MOST_PROMPT else f"{line[: _MOST_PROMPT - 3].rstrip()}..."
