"""Free replay: requests that were answered once are answered again from a folder, without a key and without a network.

`ReplayApi` stands where the client of the service stands otherwise; `taping.write` makes the folder.
"""

from __future__ import annotations

import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, NoReturn

from tokenlab_nb.api.bodies import NO_IDS
from tokenlab_nb.api.reach import MAX_PICTURE_BYTES
from tokenlab_nb.api.replies import Images, Uploaded
from tokenlab_nb.contract import parse
from tokenlab_nb.contract.model import Model
from tokenlab_nb.contract.request import ImageRequest
from tokenlab_nb.errors import Facts, ImageError, NotFoundError, NotRecordedError
from tokenlab_nb.jobs.runner import off_loop
from tokenlab_nb.store import nearest, recording
from tokenlab_nb.store.blobs import Blobs, is_sha256
from tokenlab_nb.store.recording import PICTURES, SCHEME, Recording, Replay
from tokenlab_nb.store.taping import is_whole, number

__all__ = ["ReplayApi"]

_MOST_NAMED = 6  # models in one message
_LONGEST_NAME = 200  # characters of a model's name that near ones are looked for


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
        return f"ReplayApi({str(self.folder)!r}, {number(self.recorded, 'recording')})"

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
            f"The replay {self.folder.name} has no model {nearest.clipped(model_id)}.",
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
            f"The replay {self.folder.name} knows no tasks.", hint="Ask for the task in a session with the service."
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
        if not is_whole(data, sha256):
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
        return NotRecordedError(f"The replay {self.folder.name} holds no answer to this request. {why}")

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
