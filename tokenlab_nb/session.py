"""`connect()` and `Session`: makes client, store and engine, owns their lives, and is the whole API in Python."""

from __future__ import annotations

import getpass
import math
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from importlib import import_module
from types import TracebackType
from typing import Any, Self

import httpx

from tokenlab_nb import intake, settings
from tokenlab_nb.api.client import InProcess, TokenLabClient
from tokenlab_nb.contract import request as requests
from tokenlab_nb.contract.model import IMAGE_VARIATION, Issue, Json, Model
from tokenlab_nb.errors import NotFoundError, ValidationError
from tokenlab_nb.images import ImageResult
from tokenlab_nb.intake import Picture, default_operation, refusal
from tokenlab_nb.jobs.clock import RealClock
from tokenlab_nb.jobs.engine import Answer, Engine
from tokenlab_nb.jobs.handle import Job
from tokenlab_nb.jobs.ports import Clock
from tokenlab_nb.jobs.runner import Ports
from tokenlab_nb.store.blobs import Blobs
from tokenlab_nb.store.journal import Journal

CONTRACT_SECONDS = 600.0
"""How long a contract that was read is taken for the present one."""


def connect(
    *,
    api_key: str | None = None,
    base_url: str | None = None,
    sandbox: bool | None = None,
    data_dir: str | os.PathLike[str] | None = None,
    prefer_tasks: bool = True,
    transport: httpx.AsyncBaseTransport | None = None,
) -> Session:
    """Open a session: with the service where there is a key, else with the sandbox on this machine.

    Args:
        api_key: A key. Better not in a notebook: set ``TOKENLAB_API_KEY`` or run `login`, and leave this out.
        base_url: The API's address, with or without ``/v1``; by default ``TOKENLAB_BASE_URL``, else the service's.
        sandbox: True for the sandbox, whatever keys there are; False for the service; None decides by key and address.
        data_dir: Folder for ledger and pictures; by default ``TOKENLAB_DATA_DIR``, else the user's data folder.
        prefer_tasks: Ask for a task (``async: true``) where a contract lists it and ``b64_json`` is not wanted: a task
            id makes the window in which a paid answer can be lost milliseconds instead of minutes.
        transport: An httpx transport in place of the network.

    Raises:
        ValidationError: If the address or the key cannot be one.
        TokenLabError: If the data folder cannot be used.
    """
    key = None if api_key is None else settings.Secret(api_key)
    del api_key  # a traceback may show local values
    local = False if transport is not None and sandbox is None else sandbox
    chosen = settings.load(api_key=key, base_url=base_url, sandbox=local, data_dir=data_dir, prefer_tasks=prefer_tasks)
    session = Session(chosen, transport=transport)
    if hasattr(sys, "ps1") or "ipykernel" in sys.modules:  # somebody is looking: say what pictures will cost
        print(session.place + ".")  # noqa: T201
    return session


_shared: dict[str, Session] = {}


def shared_session() -> Session:
    """Return the session of this process that widgets use where none is handed in.

    It is made by `connect` without arguments and lives on, so that running a cell again loses no job. Where key,
    address or folder have changed since (after `login`, say), a new one takes its place; the old one's jobs go on.

    Raises:
        TokenLabError: As `connect` does.
    """
    now = settings.load()
    known = _shared.get("session")
    if known is None or known.is_closed or known.settings != now:
        known = _shared["session"] = Session(now)
    return known


def login() -> None:
    """Ask for a key without showing it, and keep it for this kernel and, if one works, in the system's key ring.

    The key goes to no widget, notebook or file of ours. `connect` finds it from then on.

    Raises:
        ValidationError: If nothing was typed, or what cannot be a key.
    """
    where = settings.remember(settings.Secret(getpass.getpass("TokenLab API key (it is not shown): ")))
    print(f"The key is kept {where}.")  # noqa: T201  # the answer to what the person just typed


def enable_nested_asyncio() -> None:
    """Let ``asyncio.run()`` and ``run_until_complete()`` work inside notebook cells, through nest-asyncio2.

    Opt-in: nothing of ours needs it. nest-asyncio2 is the fork that ipykernel itself uses; the older nest-asyncio
    loses queued cells on ipykernel 7.2 and later.
    """
    import_module("nest_asyncio2").apply()


class Session:
    """A connection to the service or the sandbox, with its ledger. Use `connect` to make one.

    Attributes:
        settings: What `connect` decided; the key in it shows itself to nobody.
        is_sandbox: Whether pictures are drawn here and nothing is billed.
        is_closed: Whether `close` was called.
        notice: What the user should know about the opening of the ledger; usually empty.
    """

    def __init__(
        self,
        chosen: settings.Settings,
        *,
        transport: httpx.AsyncBaseTransport | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.settings = chosen
        self.is_sandbox = chosen.sandbox
        self.is_closed = False
        self._journal = Journal(
            chosen.data_dir / "ledger.sqlite3"
        )  # first: it says clearly what is wrong with a folder
        self.notice = self._journal.notice
        if chosen.sandbox and transport is None:
            transport = _sandbox_transport(chosen)
        self._client = TokenLabClient(
            chosen.base_url, key=chosen.api_key, transport=transport, timeouts=chosen.timeouts
        )
        self._blobs = Blobs(chosen.data_dir / "pictures")
        self._clock = clock or RealClock()
        ports = Ports(self._client, self._journal, self._blobs, self._clock)
        self._engine = Engine(ports, on_close=self._client.close, longest_create=chosen.timeouts.create)
        self._details: dict[str, tuple[float, Model]] = {}
        self._jobs: list[Job] = []

    def __repr__(self) -> str:
        return f"Session({self.place})"

    @property
    def place(self) -> str:
        """Where pictures come from and whether they cost money, in words."""
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
    def origin(self) -> str:
        """Scheme, host and port of the API."""
        return self.settings.origin

    @property
    def data_dir(self) -> str:
        """The folder that holds the ledger and the pictures."""
        return str(self.settings.data_dir)

    def close(self) -> None:
        """End the background thread and close the ledger. Closing twice is fine.

        A create whose answer is on its way is waited for, since it may be paid for; Ctrl-C breaks that off. Tasks go
        on at the service.
        """
        self.is_closed = True
        try:
            self._engine.close()
        finally:
            self._journal.close()

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
        listed = self._engine.call(partial(self._client.models, recommended_for=recommended_for, provider=provider))
        words = (search or "").lower().split()
        return [
            model
            for model in listed
            if (operation is None or operation in model.contract.operations)
            and all(word in " ".join((model.id, model.provider, *model.aliases)).lower() for word in words)
        ]

    def model(self, model_id: str) -> Model:
        """Read one model with its whole contract (``GET /v1/models/{model}``); kept for ten minutes.

        Raises:
            NotFoundError: If there is no such model; ``did_you_mean`` may hold a near one.
            TokenLabError: If the service cannot be asked.
        """
        return self._engine.call(self._detail, model_id)

    def fetch_model(self, model_id: str) -> Answer[Model]:
        """As `model`, without blocking: the result comes as a future, on the engine's thread."""
        return self._engine.call_soon(self._detail, model_id)

    def fetch_models(self) -> Answer[tuple[Model, ...]]:
        """As `models` with its defaults, without blocking."""
        return self._engine.call_soon(partial(self._client.models, recommended_for="image"))

    async def _detail(self, model_id: str) -> Model:
        now = self._clock.now()
        read_at, model = self._details.get(model_id, (-math.inf, None))
        if model is None or now - read_at > CONTRACT_SECONDS:
            model = await self._client.model(model_id)
            self._details[model_id] = (now, model)
        return model

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
            mask: Marks what an edit may change: fully transparent pixels.
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

    def send(self, request: requests.ImageRequest) -> Job:
        """Start a request that `prepare` made, in the background; each call sends it, and is paid for, once."""
        limits = self.model(request.model).contract.limits
        job = Job(self._engine.submit(request, concurrency=limits.concurrency), self._engine, self._blobs)
        self._jobs.append(job)
        return job

    @property
    def jobs(self) -> list[Job]:
        """The jobs of this session, oldest first."""
        return list(self._jobs)

    def prepare(
        self,
        model: str,
        values: Mapping[str, Json],
        *,
        operation: str | None = None,
        references: Sequence[Picture] | Picture | None = None,
        mask: Picture | None = None,
    ) -> requests.ImageRequest:
        """Check a request without sending it; see `submit` for arguments and errors."""
        found = self._known_model(model)
        sources = intake.sources(references, self._blobs)
        cover = intake.source(mask, "mask", self._blobs) if mask is not None else None
        chosen = operation or default_operation(found, has_pictures=bool(sources), has_mask=cover is not None)
        values = self._with_task(found, chosen, dict(values))
        request, issues = requests.build(found, chosen, values, references=sources, mask=cover, origin=self.origin)
        if request is None:
            raise refusal(model, issues)
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
        return self.submit(model=model, operation=IMAGE_VARIATION, references=[image], **params).wait()

    # ------------------------------------------------------------------------------------ details

    def _known_model(self, model_id: str) -> Model:
        if not model_id:
            raise refusal("The request", (Issue("model", "No model is chosen.", remedy="Choose one."),))
        try:
            return self.model(model_id)
        except NotFoundError as error:
            near = error.did_you_mean
            remedy = f"Did you mean {near}?" if near else "session.models() lists them."
            issue = Issue("model", f"There is no model {model_id!r}.", error.facts.suggestions, remedy, near)
            raise ValidationError(
                f"{issue.message} {remedy}", issues=(issue,), facts=error.facts, hint=remedy
            ) from error

    def _with_task(self, model: Model, operation: str, values: dict[str, Json]) -> dict[str, Json]:
        offered = model.contract.operations.get(operation)
        listed = offered.params.get("async") if offered else None
        wanted = self.settings.prefer_tasks and "async" not in values and values.get("response_format") != "b64_json"
        return {**values, "async": True} if listed and listed.confirmed and wanted else values


def _sandbox_transport(chosen: settings.Settings) -> httpx.AsyncBaseTransport:
    sandbox = import_module("tokenlab_nb.sandbox.app")
    app = sandbox.create_app(base_url=chosen.base_url, state_dir=chosen.data_dir / "sandbox")
    return InProcess(app, sandbox.ConnectionDropped)
