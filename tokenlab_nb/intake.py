"""Whatever a user hands in -> what a request holds: pictures become sources."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence, Set
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

from tokenlab_nb import images, masks, pixels, prepare
from tokenlab_nb.contract.model import Issue
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ImageError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.ports import Blobs
from tokenlab_nb.provenance import files

Picture = str | os.PathLike[str] | bytes | ImageResult | Job | Any
"""What may go in as a picture: a path, an http(s) address, bytes, a `PIL.Image.Image`, a NumPy array
(height x width x 3, uint8), an `ImageResult` or a `Job`."""


_OWN = "Hand in the mask itself: it is converted, and uploaded where that is needed."

Taken = tuple[Source, tuple[Issue, ...]]
"""A picture as a request holds it, and what the user should know of it: warnings only."""


def sources(pictures: Sequence[Picture] | Picture | None, blobs: Blobs) -> tuple[tuple[Source, ...], tuple[Issue, ...]]:
    """Bring the reference pictures of a request into shape.

    Args:
        pictures: One, several, or None.
        blobs: Keeps local bytes by their hash, as it keeps results.

    Returns:
        The sources in order, and warnings.

    Raises:
        ValidationError: If one of them is no picture; the issue's field is ``references[0]`` and so on.
    """
    if not isinstance(pictures, list | tuple):
        with _named("references"):
            _refuse_containers(pictures)
        pictures = [] if pictures is None else [pictures]
    taken = [source(picture, f"references[{place}]", blobs) for place, picture in enumerate(pictures)]
    return tuple(found for found, _ in taken), tuple(issue for _, issues in taken for issue in issues)


def source(picture: Picture, name: str, blobs: Blobs) -> Taken:
    """Bring one picture into shape; see `sources`.

    Args:
        picture: What was handed in.
        name: How an issue calls it.
        blobs: Keeps local bytes.
    """
    if isinstance(picture, Source):
        return picture, ()
    with _named(name):
        picture = _single(picture)
        drawn = prepare.in_memory(picture)
        if drawn:
            return _kept(drawn, name, blobs)
        found = images.normalise_source(picture)
        if isinstance(found, str):
            return Source(url=found), ()
        found = files.original(found)
        kept, issues = _kept(prepare.reference(found), name, blobs)
        if issues:  # a copy: what was handed in is what people will look for
            kept = replace(kept, of=blobs.put(found))
        return kept, (*_misnamed(picture, found, name), *issues)


def mask(picture: Picture, first: Source | None, blobs: Blobs) -> Taken:
    """Bring a mask into the shape that edits want; see `sources`.

    Args:
        picture: What was handed in; of a mask editor, what is painted there. An address stays one, and so does a
            `Source` that says what may change as the service reads it; any other one is converted, or refused where it
            was uploaded as it is.
        first: The picture that it covers, where one was given; the size is checked where it is known.
        blobs: Keeps local bytes.
    """
    with _named("mask"):
        picture = _painted(picture)
        if isinstance(picture, Source):
            data = _here(picture, blobs)
            if data is None or masks.is_ready(data):
                return picture, ()
            if not picture.is_local:
                raise ImageError("The mask was uploaded as it is, and nothing in it is fully transparent.", hint=_OWN)
            picture = data
        picture = _single(picture)
        if isinstance(picture, str):
            address = images.normalise_source(picture)
            if isinstance(address, str):
                return Source(url=address), ()
            picture = address
        size = (first.width, first.height) if first and first.width else None
        read = masks.take(picture, size, turned=bool(first and first.of))
        data = masks.to_png(read.area)
    width, height = read.area.size
    kept = Source(sha256=blobs.put(data), media_type="image/png", size=len(data), width=width, height=height)
    return kept, tuple(Issue("mask", said, remedy=what, severity="warning") for said, what in read.doubts)


def _painted(picture: Picture) -> Picture:
    """What is painted in a mask editor, which stands further down the street; anything else as it is."""
    if not (hasattr(picture, "mask") and hasattr(picture, "share")):
        return picture
    if picture.mask is None:
        why = "Nothing is painted in the mask editor yet."
        raise ImageError(why, hint="Paint over what should change; or leave the mask out, and all of it may change.")
    return picture.mask


def _here(known: Source, blobs: Blobs) -> bytes | None:
    """The bytes that a source stands for, where they are in the data folder; sending tells of those that are not."""
    sha256 = known.sha256 or known.of
    try:
        return blobs.get(sha256) if sha256 else None
    except OSError:
        return None


@contextmanager
def _named(name: str) -> Iterator[None]:
    """A block in which a picture is looked at: what is wrong with it is told by its name."""
    try:
        yield
    except ImageError as error:
        raise refusal(name, (Issue(name, error.message, remedy=error.hint),)) from error


def _refuse_containers(picture: Picture) -> None:
    if isinstance(picture, Set | Mapping | Iterator) and not hasattr(picture, "read"):
        kind = type(picture).__name__
        raise ImageError(f"Pictures are not taken out of a {kind}.", hint="Hand in a list of them: list(...).")


def _single(picture: Picture) -> Picture:
    """One picture; of a job, its first."""
    if picture is None:
        raise ImageError("There is None in place of a picture.", hint="Leave it out.")
    if isinstance(picture, list | tuple):
        raise ImageError(f"This is a {type(picture).__name__}, not a picture.", hint="Hand in one flat list.")
    _refuse_containers(picture)
    if not isinstance(picture, Job):
        return picture
    done = picture.images
    if not done:
        raise ImageError(f"{picture!r} has no picture.", hint="Wait for it, or hand in another one.")
    return done[0]


def _kept(prepared: prepare.Prepared, name: str, blobs: Blobs) -> Taken:
    data, probe = prepared.data, prepared.probe
    kept = Source(
        sha256=blobs.put(data), media_type=probe.media_type, size=len(data), width=probe.width, height=probe.height
    )
    return kept, tuple(Issue(name, change, severity="warning") for change in prepared.changes)


def _misnamed(picture: Picture, data: bytes, name: str) -> tuple[Issue, ...]:
    """A warning where a file's name promises another kind of picture than its bytes are."""
    if not isinstance(picture, str | os.PathLike):
        return ()
    path = Path(os.fsdecode(picture))
    promised, found = pixels.SUFFIXES.get(path.suffix.lower()), pixels.media_type(data)
    if promised in (None, found):
        return ()
    kind = pixels.FORMATS[found]
    said = f"{path.name} is named like a {pixels.FORMATS[promised]} file, but holds a {kind} picture."
    remedy = f"It is taken as {kind}; rename it to {path.stem}.{kind.lower()}."
    return (Issue(name, said, remedy=remedy, severity="warning"),)


def refusal(subject: str, issues: Sequence[Issue]) -> ValidationError:
    """Make one error of several issues, warnings aside.

    Args:
        subject: What is refused, such as the model's id.
        issues: At least one of them an error.
    """
    errors = [issue for issue in issues if issue.severity == "error"]
    text = " ".join(f"{issue.message} {issue.remedy}".strip() for issue in errors)
    text = text if text.startswith(f"{subject} ") else f"{subject}: {text}"
    return ValidationError(text, issues=errors, hint=errors[0].remedy)
