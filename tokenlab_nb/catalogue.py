"""The service's models as one session reads them: listed, in detail with their prices, and kept for a while."""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import anyio

from tokenlab_nb.contract.model import STARTS_FROM_PICTURES, Model
from tokenlab_nb.contract.pricing import merged
from tokenlab_nb.contract.quotes import read_pricing
from tokenlab_nb.contract.validate import check_lifecycle
from tokenlab_nb.errors import NotFoundError, TokenLabError

CONTRACT_SECONDS = 600.0
"""How long a contract that was read is taken for the present one."""


_MOST_ASKED, _ENOUGH = 6, 3  # models that are read in detail to name others, and others that are named


class Discovery(Protocol):
    """The discovery routes. `tokenlab_nb.api.client.TokenLabClient` is the real one."""

    async def models(self, *, recommended_for: str | None, provider: str | None) -> tuple[Model, ...]:
        """``GET /v1/models``."""

    async def model(self, model_id: str) -> Model:
        """``GET /v1/models/{model}``."""

    async def pricing(self, model_id: str) -> Mapping[str, Any]:
        """``GET /v1/models/{model}/pricing``, as it came."""


@dataclass(slots=True)
class _Read:
    """What two questions that are asked at once bring."""

    values: dict[str, Any] = field(default_factory=dict)
    failures: dict[str, TokenLabError] = field(default_factory=dict)

    async def ask(self, name: str, call: Callable[[str], Awaitable[Any]], model_id: str) -> None:
        try:
            self.values[name] = await call(model_id)
        except TokenLabError as error:
            self.failures[name] = error


class Catalogue:
    """Reads models. Use it on the engine's loop.

    Args:
        service: The discovery routes.
        now: Seconds since 1970.

    Attributes:
        listed: The models of the last list, as the service ordered them.
        details: Models that were read in detail, by the id or alias that was asked for, with their prices.
        prices: What the pricing route answered, by the same names.
    """

    def __init__(self, service: Discovery, now: Callable[[], float]) -> None:
        self._service = service
        self._now = now
        self._read_at: dict[str, float] = {}
        self.listed: tuple[Model, ...] = ()
        self.details: dict[str, Model] = {}
        self.prices: dict[str, Mapping[str, Any]] = {}

    async def models(self, *, recommended_for: str | None = "image", provider: str | None = None) -> tuple[Model, ...]:
        """List models as the service orders them.

        Raises:
            TokenLabError: If the service cannot be asked.
        """
        found = await self._service.models(recommended_for=recommended_for, provider=provider)
        if provider is None:
            self.listed = found
        return found

    async def model(self, model_id: str) -> Model:
        """Read one model with its contract and its price; kept for ten minutes.

        Raises:
            NotFoundError: If there is no such model.
            TokenLabError: If the service cannot be asked; for the price alone that does not matter.
        """
        if known := self.at_hand(model_id):
            return known
        read = _Read()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(read.ask, "price", self._service.pricing, model_id)
            await read.ask("detail", self._service.model, model_id)
        self._keep(model_id, read)
        return self.details[model_id]

    async def that_fit(self, fits: Callable[[Model], bool], besides: str) -> list[str]:
        """Find a few models that start from pictures and fit, best first. Only the likeliest are read in detail.

        Args:
            fits: Judges a model that was read in detail.
            besides: The id of one that is not asked about.

        Returns:
            Their ids: what could be found out, which may be nothing.
        """
        found: list[str] = []
        with suppress(TokenLabError):
            listed = self.listed or await self.models()
            likely = [each for each in listed if each.id != besides and _starts_from_pictures(each)]
            for each in sorted(likely, key=_rank)[:_MOST_ASKED]:
                found += [each.id] if fits(await self.model(each.id)) else []
                if len(found) == _ENOUGH:
                    break
        return found

    def at_hand(self, model_id: str) -> Model | None:
        """What `model` would return, if it need not ask the service for it; else None. From any thread."""
        fresh = 0 <= self._now() - self._read_at.get(model_id, -math.inf) <= CONTRACT_SECONDS
        return self.details.get(model_id) if fresh else None

    def _keep(self, model_id: str, read: _Read) -> None:
        if failure := read.failures.get("detail"):
            raise failure
        model, price = read.values["detail"], read.values.get("price", {})
        self.details[model_id] = replace(model, price=merged(model.price, read_pricing(price)))
        self.prices[model_id] = price
        if isinstance(
            read.failures.get("price"), NotFoundError | None
        ):  # another failure may pass: ask again next time
            self._read_at[model_id] = self._now()


def _starts_from_pictures(model: Model) -> bool:
    return bool(STARTS_FROM_PICTURES & model.contract.operations.keys()) and check_lifecycle(model) is None


def _rank(model: Model) -> float:
    """The service's order of preference; what has no place in it stays behind, in the list's order."""
    rank = model.reliability.rank if model.reliability else None
    return math.inf if rank is None else rank
