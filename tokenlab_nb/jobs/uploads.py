"""Pictures that a session has uploaded to ``/v1/files``: once for each model that uses them, whichever job asks first.

An upload makes no picture and is not paid for, so unlike a create it is tried again. A file's id is good for the model
that it was uploaded for only, and perhaps for a time only (the vendor's schema ``FileObject``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial

import anyio

from tokenlab_nb.api.replies import Uploaded
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import TokenLabError
from tokenlab_nb.jobs import verdicts
from tokenlab_nb.jobs.asking import asking
from tokenlab_nb.jobs.pace import Pace, Tell
from tokenlab_nb.jobs.pictures import OffLoop, untouched
from tokenlab_nb.jobs.ports import Ports

VISION = "vision"
"""The purpose of a picture that an edit starts from."""

MARGIN = 60.0
"""Seconds before its end from which on an upload is not used any more."""

_MOST_AT_ONCE = 4  # each holds a whole file in memory
_NOT_FOUND = "file_not_found"

_Key = tuple[str, str | None, str]


@dataclass(slots=True)
class _Place:
    """One picture for one model.

    Attributes:
        line: Who uploads it, or waits for the one who does.
        file_id: What it is called there, once it is.
        ends_at: When it may be gone, by our clock; None where nothing is said.
        failures: How often uploading it failed.
        failure: How it failed last.
    """

    line: anyio.CapacityLimiter = field(default_factory=lambda: anyio.CapacityLimiter(1))
    file_id: str = ""
    ends_at: float | None = None
    failures: int = 0
    failure: TokenLabError | None = None

    def known(self, now: float) -> str:
        """The id, if it is good for a while."""
        return self.file_id if self.ends_at is None or now < self.ends_at - MARGIN else ""


class Uploads:
    """Uploads pictures and remembers their ids, as all runs of an engine share it. Use it on the loop.

    Args:
        ports: The service, the blob store and the clock.
        pace: How fast the API may be called.
        off_loop: Runs what blocks.
    """

    def __init__(self, ports: Ports, pace: Pace, off_loop: OffLoop) -> None:
        self._ports = ports
        self._pace = pace
        self._off_loop = off_loop
        self._sends = anyio.CapacityLimiter(_MOST_AT_ONCE)
        self._places: dict[_Key, _Place] = {}

    async def ids(self, request: ImageRequest, tell: Tell) -> dict[str, str]:
        """Upload what a request needs and has not got there yet.

        Args:
            request: What is to be asked.
            tell: Called with what is being done, and with an empty text afterwards.

        Returns:
            The ids by SHA-256.

        Raises:
            TokenLabError: If one cannot be uploaded.
        """
        found = {}
        needed = request.uploads
        for place, source in enumerate(needed, start=1):
            doing = f"Uploading picture {place} of {len(needed)}."
            found[str(source.sha256)] = await self.bring(request.model, source, tell=tell, doing=doing)
        return found

    async def bring(
        self, model: str, source: Source, purpose: str = VISION, *, tell: Tell | None = None, doing: str = ""
    ) -> str:
        """Return the id of one local picture, uploading it if need be.

        Args:
            model: The model that is to use it.
            source: The picture.
            purpose: ``vision`` or ``user_data``.
            tell: Called with what is being done, and with an empty text afterwards.
            doing: What that is.

        Raises:
            TokenLabError: If it cannot be uploaded. Whoever waited for the same upload gets the same error.
        """
        place = self._places.setdefault((model, source.sha256, purpose), _Place())
        failures = place.failures
        async with place.line:
            if known := place.known(self._ports.clock.now()):
                return known
            if place.failure and place.failures > failures:
                raise place.failure
            try:
                uploaded = await self._upload(model, source, purpose, tell or _nobody, doing)
            except TokenLabError as error:
                place.failures, place.failure = place.failures + 1, verdicts.alone(error)
                raise
            place.file_id, place.ends_at, place.failure = uploaded.file_id, self._end(uploaded), None
            return place.file_id

    async def _upload(self, model: str, source: Source, purpose: str, tell: Tell, doing: str) -> Uploaded:
        async def once() -> Uploaded:
            await self._pace.turn(tell=tell)
            tell(doing)
            return await self._pace.hearing(upload())

        async with self._sends:
            data = await self._off_loop(untouched, self._ports.blobs, str(source.sha256))
            upload = partial(self._ports.api.upload, data, source.media_type, model=model, purpose=purpose)
            uploaded = await asking(once, self._ports.clock, tell)
            tell("")
            return uploaded

    def _end(self, uploaded: Uploaded) -> float | None:
        """When it may be gone, by our clock: only the difference of the service's two times counts."""
        if uploaded.expires_at is None:
            return None
        now = self._ports.clock.now()
        return now + uploaded.expires_at - (uploaded.meta.answered_at or now)

    def doubt(self, request: ImageRequest, error: TokenLabError) -> None:
        """Forget the ids of a request that was refused for one of them, so that the next try uploads anew."""
        local = {source.sha256 for source in request.uploads}
        named = {source.file_id for source in request.sources if source.file_id}  # by what `bring` made of them before
        known = [
            place
            for (model, sha256, purpose), place in self._places.items()
            if model == request.model and (place.file_id in named or (sha256 in local and purpose == VISION))
        ]
        if _is_about(error, [place.file_id for place in known]):
            for place in known:
                place.file_id = ""


def _is_about(error: TokenLabError, ids: Sequence[str]) -> bool:
    """Whether the service refused a request for its uploaded files."""
    named = "file_id" in (error.param or "") or any(file_id and file_id in error.message for file_id in ids)
    return error.code == _NOT_FOUND or named


def _nobody(text: str) -> None:
    """Tell nobody."""
