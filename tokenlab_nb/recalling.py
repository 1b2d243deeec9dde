"""Recall: what was asked for a picture, by its file, its bytes, its job or its cell; so that it can be asked again."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path

from tokenlab_nb import images
from tokenlab_nb.comparing import Comparing
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import ImageError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.job import JobSnapshot
from tokenlab_nb.provenance import files
from tokenlab_nb.sweep.run import GridCell

__all__ = ["Recallable", "Recalled", "Recalling"]

Recallable = str | os.PathLike[str] | bytes | ImageResult | Job | GridCell
"""What is recalled by: the path or the bytes of a file, a picture, a job or its id, a cell of a grid."""

_NO_PATH = 512  # characters; longer texts are no job's id


@dataclass(frozen=True, slots=True)
class Recalled:
    """What was asked for a picture.

    Attributes:
        request: The request.
        is_own: Whether it stands in this ledger, for this API; else it is a file's word, to be checked like any other.
        missing: The pictures that went in and are not in this data folder, in words.
    """

    request: ImageRequest
    is_own: bool
    missing: tuple[str, ...] = ()


class Recalling(Comparing):
    """Finds what was asked. `Session` is what users hold."""

    def recalled(self, what: Recallable) -> Recalled:
        """Find what was asked for a picture; nothing is asked of the service, and nothing is checked.

        The ledger is asked first, by the content of the picture; then the record in its file.

        Args:
            what: A file, a picture, a job or its id, a cell.

        Raises:
            ImageError: If nobody knows it: no record, another tool's, a damaged one; or no picture at all.
            ValidationError: If it is something else, or a cell or job of which nothing was asked.
        """
        match what:
            case GridCell(jobs=(first, *_)):
                return self._of_job(first.snapshot)
            case GridCell():
                raise ValidationError("Nothing was asked for this cell, so there is nothing to recall.")
            case Job():
                return self._of_job(what.snapshot)
            case str() if known := self._journal.load(what) if len(what) < _NO_PATH else None:
                return self._of_job(known)
            case ImageResult():
                return self._of_picture(what)
            case str() | os.PathLike() | bytes():
                return self._of_file(what)
        raise ValidationError(
            f"A {type(what).__name__} cannot be recalled.", hint="Hand in a file, a picture, a job, its id or a cell."
        )

    def _of_job(self, snapshot: JobSnapshot) -> Recalled:
        if not snapshot.request.model:
            raise ValidationError("What this task was asked for is not known here: it was made elsewhere.")
        return self._told(snapshot.request, is_own=snapshot.origin == self.origin)

    def _of_picture(self, image: ImageResult) -> Recalled:
        made = self._journal.load(str(image.metadata.get("job") or ""))
        if made is None and (maker := self._journal.maker(image.sha256)):
            made = maker.job
        return self._of_job(made) if made and made.request.model else self._told(image.recall(), is_own=False)

    def _of_file(self, file: str | os.PathLike[str] | bytes) -> Recalled:
        try:
            data = images.normalise_source(file)
        except ImageError as error:
            if isinstance(file, str) and Path(file).name == file and not Path(file).suffix:
                raise ValidationError(f"{file!r} is neither a job of this ledger nor a file.") from error
            raise
        if isinstance(data, str):
            raise ImageError("A picture at an address is not fetched to be recalled.", hint="Save it as a file first.")
        maker = self._journal.maker(hashlib.sha256(files.original(data)).hexdigest())
        if maker and maker.job.request.model:
            return self._of_job(maker.job)
        return self._told(images.recalled(data), is_own=False)

    def _told(self, request: ImageRequest, *, is_own: bool) -> Recalled:
        """With what is not here of the pictures that went in; what is here is described by its own bytes."""
        seen = [self._seen(source) for source in request.references]
        mask = self._seen(request.mask) if request.mask else None
        missing = [f"reference {place}" for place, source in enumerate(seen, 1) if source is None]
        missing += ["the mask"] if request.mask and mask is None else []
        here = tuple(source for source in seen if source)
        return Recalled(request if is_own else replace(request, references=here, mask=mask), is_own, tuple(missing))

    def _seen(self, source: Source) -> Source | None:
        if source.sha256 is None:
            return source
        try:
            data = self._blobs.get(source.sha256)
            seen = images.probe(data)
        except (OSError, ImageError):
            return None
        facts = replace(source, media_type=seen.media_type, size=len(data))
        return replace(facts, width=seen.width, height=seen.height)
