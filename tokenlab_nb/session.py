"""`Session`: makes client, store and engine, owns their lives, and is the whole API in Python."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from importlib import import_module
from importlib.metadata import version
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit

import httpx

from tokenlab_nb import intake, settings
from tokenlab_nb.api.client import InProcess, TokenLabClient
from tokenlab_nb.api.reach import Resolve
from tokenlab_nb.contract import request as requests
from tokenlab_nb.contract.model import IMAGE_VARIATION, Issue, Json, Model
from tokenlab_nb.contract.references import Source
from tokenlab_nb.contract.workflows import default_operation
from tokenlab_nb.errors import ValidationError
from tokenlab_nb.handover import tell
from tokenlab_nb.images import ImageResult
from tokenlab_nb.intake import Picture, refusal
from tokenlab_nb.jobs.clock import RealClock
from tokenlab_nb.jobs.engine import Answer
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.ports import Clock
from tokenlab_nb.recalling import Recallable, Recalling
from tokenlab_nb.store.journal import Journal
from tokenlab_nb.store.replay import ReplayApi
from tokenlab_nb.store.taping import Exported, write


class Session(Recalling):
    """A connection to the service or the sandbox, with its ledger. Use `connect` to make one.

    Args:
        chosen: Where the service is and where state is kept.
        transport: An httpx transport in place of the network.
        clock: Time and chance; by default the real ones.
        replay: Recorded answers in place of the service.
        resolve: Finds the addresses of hosts; by default this machine does, and with a transport nobody.
    """

    def __init__(
        self,
        chosen: settings.Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
        replay: ReplayApi | None = None,
        resolve: Resolve | None = None,
    ) -> None:
        self.settings = chosen  # so that a traceback out of here can show what it is about
        clock = clock or RealClock()
        # The ledger first, since it says clearly what is wrong with a folder.
        journal = Journal(chosen.data_dir / "ledger.sqlite3", clock.now)
        if chosen.sandbox and transport is None:
            transport = _sandbox_transport(chosen)
        client = TokenLabClient(
            chosen.base_url,
            key=chosen.api_key,
            transport=transport,
            timeouts=chosen.timeouts,
            resolve=resolve,
            has_proxy=chosen.has_proxy,
        )
        super().__init__(chosen, journal, replay or client, clock, [replay.pictures] if replay else [])

    def __repr__(self) -> str:
        return f"Session({self.place})"

    @property
    def place(self) -> str:
        """Where pictures come from and whether they cost money, in words."""
        if self.settings.replay:
            return f"Replay of {self.settings.replay.name}: recorded answers, nothing is sent or billed"
        if self.is_sandbox:
            return "Sandbox: pictures are drawn here, nothing is billed"
        return f"{self.origin}: every picture is paid for" + ("" if self.has_key else "; no key is set")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def has_key(self) -> bool:
        """Whether a key is set; the key itself is shown to nobody."""
        return self.settings.api_key is not None

    @property
    def data_dir(self) -> str:
        """The folder that holds the ledger and the pictures."""
        return str(self.settings.data_dir)

    # ------------------------------------------------------------------------------------- models

    def models(
        self,
        *,
        recommended_for: str | None = "image",
        operation: str | None = None,
        provider: str | None = None,
        search: str | None = None,
    ) -> list[Model]:
        """List models, best first by the service's own 24-hour record (``GET /v1/models``).

        Args:
            recommended_for: The service's list of that name; None lists every category.
            operation: Only models that offer it, such as ``image-edit``.
            provider: Only models of this provider.
            search: Only models whose id, alias or provider holds every one of these words.

        Raises:
            TokenLabError: If the service cannot be asked.
        """
        listed = self._engine.call(partial(self._catalogue.models, recommended_for=recommended_for, provider=provider))
        words = (search or "").lower().split()
        return [
            model
            for model in listed
            if (operation is None or operation in model.contract.operations)
            and all(word in " ".join((model.id, model.provider, *model.aliases)).lower() for word in words)
        ]

    def fetch_models(self) -> Answer[tuple[Model, ...]]:
        """As `models` with its defaults, without blocking."""
        return self._engine.call_soon(self._catalogue.models)

    # --------------------------------------------------------------------------------------- work

    def submit(
        self,
        *,
        model: str,
        prompt: str | None = None,
        operation: str | None = None,
        references: Sequence[Picture] | Picture | None = None,
        mask: Picture | None = None,
        **params: Any,
    ) -> Job:
        """Check a request and start it in the background.

        Args:
            model: Model id.
            prompt: What the picture shows; only variations do without.
            operation: By default text-to-image, or what the model does with pictures where some are given.
            references: Pictures that go in, in order.
            mask: Marks what an edit may change: white or true, or fully transparent where there is transparency.
            **params: Fields of the model's contract. Only what is given is sent; None counts as not given, and
                ``async_`` stands for ``async``, which Python keeps for itself.

        Returns:
            The job, at once.

        Raises:
            ValidationError: If something is known to be wrong; its ``issues`` say what, and how to mend it. Nothing
                was sent.
            TokenLabError: If the model's contract cannot be read.
        """
        values = {name.rstrip("_"): value for name, value in params.items() if value is not None}
        if prompt is not None:
            values["prompt"] = prompt
        return self.send(self.prepare(model, values, operation=operation, references=references, mask=mask))

    def prepare(
        self,
        model: str,
        values: Mapping[str, Json],
        *,
        operation: str | None = None,
        references: Sequence[Picture] | Picture | None = None,
        mask: Picture | None = None,
    ) -> requests.ImageRequest:
        """Check a request without sending it; see `submit` for arguments and errors.

        What may go wrong without being refused is told as a `TokenLabWarning`.
        """
        request, issues = self.checked(model, values, operation=operation, references=references, mask=mask)
        tell(issues)
        return request

    def checked(
        self,
        model: str,
        values: Mapping[str, Json],
        *,
        operation: str | None = None,
        references: Sequence[Picture] | Picture | None = None,
        mask: Picture | None = None,
    ) -> tuple[requests.ImageRequest, tuple[Issue, ...]]:
        """As `prepare`, with what it would warn of as values: warnings about the pictures."""
        found = self._known_model(model)
        sources, notes = intake.sources(references, self._blobs)
        cover = None
        if mask is not None:
            cover, more = intake.mask(mask, sources[0] if sources else None, self._blobs)
            notes += more
        chosen = operation or default_operation(found, has_pictures=bool(sources), has_mask=cover is not None)
        request, issues = self._built(found, chosen, values, sources, cover)
        if request is None:
            raise refusal(model, self._with_models(issues, found, chosen, sources, cover))
        about_pictures = [issue for issue in issues if issue.field.startswith(("references", "mask"))]
        return request, tuple(dict.fromkeys((*notes, *about_pictures)))

    def draft_request(
        self,
        model: Model,
        values: Mapping[str, Json],
        *,
        operation: str,
        references: Sequence[Source] = (),
        mask: Source | None = None,
    ) -> requests.ImageRequest:
        """Check a request against a model that was read before: nothing is asked, nothing waits.

        Raises:
            ValidationError: As `submit`.
        """
        request, issues = self._built(model, operation, values, tuple(references), mask)
        if request is None:
            raise refusal(model.id, issues)
        return request

    def generate(self, *, model: str, prompt: str, **params: Any) -> list[ImageResult]:
        """Make pictures and wait for them: `submit` and `Job.wait` in one."""
        return self.submit(model=model, prompt=prompt, **params).wait()

    def edit(
        self,
        *,
        model: str,
        prompt: str,
        image: Sequence[Picture] | Picture,
        mask: Picture | None = None,
        **params: Any,
    ) -> list[ImageResult]:
        """Change pictures by a prompt and wait for the result, by whichever operation the model offers for it."""
        # Named here: without any picture it would be a text-to-image request, which nobody asked for.
        offered = default_operation(self._known_model(model), has_pictures=True, has_mask=mask is not None)
        params.setdefault("operation", offered)
        return self.submit(model=model, prompt=prompt, references=image, mask=mask, **params).wait()

    def vary(self, *, model: str, image: Picture, **params: Any) -> list[ImageResult]:
        """Make variations of a picture and wait for them (``/v1/images/variations``)."""
        return self.submit(model=model, operation=IMAGE_VARIATION, references=image, **params).wait()

    def recall(
        self,
        what: Recallable,
        *,
        references: Sequence[Picture] | Picture | None = None,
        mask: Picture | None = None,
    ) -> requests.ImageRequest:
        """Find what was asked for a picture, ready to be sent again: ``session.send(session.recall("fox.png"))``.

        What stands in this ledger is taken as it is. What only a file says is checked like any request, by the model's
        contract of today; addresses in it stand without their query, which may have been a key.

        Args:
            what: A file that was saved or downloaded (path or bytes), a picture, a job or its id, a cell of a grid (of
                several jobs, the first).
            references: Pictures in place of those that went in.
            mask: A mask in place of the one that went in.

        Raises:
            ImageError: If nobody knows what was asked: the file carries no record, another tool's, or a damaged one.
            ValidationError: If it cannot be asked any more, or a picture that went in is not in this data folder.
            TokenLabError: If the model's contract cannot be read.
        """
        found = self.recalled(what)
        request, is_changed = found.request, references is not None or mask is not None
        lacking = [each for each in found.missing if (mask if each == "the mask" else references) is None]
        if lacking:
            raise ValidationError(
                f"Of the pictures that went in, {' and '.join(lacking)} cannot be found in this data folder.",
                hint="Hand them in: session.recall(..., references=[...], mask=...).",
            )
        if found.is_own and not is_changed:
            return request
        return self.prepare(
            request.model,
            request.settings,
            operation=request.operation,
            references=request.references if references is None else references,
            mask=request.mask if mask is None else mask,
        )

    def export_replay(self, folder: str | os.PathLike[str], jobs: Iterable[Job] | None = None) -> Exported:
        """Record jobs in a folder, for ``connect(replay=folder)``: there the same requests are answered for nothing.

        The folder holds their requests (prompts included), task ids, pictures, the model list, and the contracts and
        prices that were used. It holds no key, and no id of a call or a charge; a job whose request holds a key or a
        signed address is left out.

        Args:
            folder: New, empty, or a replay of the same API, which is added to.
            jobs: What to record; by default all of this session. Only completed ones are.

        Returns:
            What the folder holds, and how many jobs were left out.

        Raises:
            ValidationError: If the folder holds something else.
            TokenLabError: If the model list cannot be read, or the folder not be written.
        """
        known = self._catalogue
        listed = known.listed or self._engine.call(known.models)
        return write(
            folder,
            [job.snapshot for job in (self.jobs if jobs is None else jobs)],
            self._blobs,
            origin=self.origin,
            models=listed,
            details=list(known.details.values()),
            pricing={model.id: known.prices[name] for name, model in known.details.items()},
            now=self._clock.now(),
            version=version("tokenlab-nb"),
        )

    # ------------------------------------------------------------------------------------ details

    def _built(
        self,
        model: Model,
        operation: str,
        values: Mapping[str, Json],
        sources: tuple[Source, ...] = (),
        cover: Source | None = None,
    ) -> tuple[requests.ImageRequest | None, tuple[Issue, ...]]:
        values = requests.with_task(model, operation, values, prefer=self.settings.prefer_tasks)
        return requests.build(
            model, operation, values, references=sources, mask=cover, origin=self.origin, now=self._clock.now()
        )


def _sandbox_transport(chosen: settings.Settings) -> httpx.AsyncBaseTransport:
    sandbox = import_module("tokenlab_nb.sandbox.app")
    app = sandbox.create_app(base_url=chosen.base_url, state_dir=chosen.data_dir / "sandbox")
    return InProcess(app, sandbox.ConnectionDropped, urlsplit(chosen.base_url).netloc)
