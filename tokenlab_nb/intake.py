"""Whatever a user hands in -> what a request holds: pictures become sources, and a missing operation is chosen."""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import Any

from tokenlab_nb import images
from tokenlab_nb.contract.model import IMAGE_EDIT, IMAGE_TO_IMAGE, TEXT_TO_IMAGE, Issue, Model
from tokenlab_nb.contract.references import Source
from tokenlab_nb.errors import ImageError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.ports import Blobs

Picture = str | os.PathLike[str] | bytes | ImageResult | Job | Any
"""What may go in as a picture: a path, an http(s) address, bytes, a `PIL.Image.Image`, an `ImageResult` or a `Job`."""


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
    given = [] if pictures is None else list(pictures) if isinstance(pictures, list | tuple) else [pictures]
    taken = [source(picture, f"references[{place}]", blobs) for place, picture in enumerate(given)]
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
    if isinstance(picture, Job):
        done = picture.images
        if not done:
            issue = Issue(name, f"{picture!r} has no picture.", remedy="Wait for it, or hand in another one.")
            raise refusal(name, (issue,))
        picture = done[0]
    try:
        found = images.normalise_source(picture)
        if isinstance(found, str):
            return Source(url=found), ()
        probe = images.probe(found)
    except ImageError as error:
        raise refusal(name, (Issue(name, error.message, remedy=error.hint),)) from error
    sha256 = blobs.put(found)
    kept = Source(sha256=sha256, media_type=probe.media_type, size=len(found), width=probe.width, height=probe.height)
    return kept, ()


def mask(picture: Picture, first: Source | None, blobs: Blobs) -> Taken:
    """Bring a mask into the shape that edits want; see `sources`.

    Args:
        picture: What was handed in.
        first: The picture that it covers, where one was given.
        blobs: Keeps local bytes.
    """
    del first
    return source(picture, "mask", blobs)


def default_operation(model: Model, *, has_pictures: bool, has_mask: bool) -> str:
    """Choose what a request without a named operation means for this model."""
    pictured = (IMAGE_EDIT, IMAGE_TO_IMAGE) if has_mask else (IMAGE_TO_IMAGE, IMAGE_EDIT)
    order = pictured if has_pictures else (TEXT_TO_IMAGE, *model.contract.operations)
    return next((name for name in order if name in model.contract.operations), order[0])


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
