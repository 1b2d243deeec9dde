"""What every route has at hand: the world, the shelf, the clock and the dice; and who is calling."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from math import ceil
from typing import Any, Protocol

from starlette.requests import Request

from .catalog import Catalog
from .faults import Event, Script
from .forms import Form
from .refusals import bad_key, too_many_calls
from .shelf import Shelf
from .world import RATE_LIMIT, Dice, Tally, World, token


class InThread(Protocol):
    """Runs a blocking function in a worker thread."""

    async def __call__(self, function: Callable[..., Any], /, *args: Any) -> Any:
        """The function's result."""
        ...


@dataclass(slots=True)
class Service:
    """One sandbox.

    Attributes:
        catalog: Its models.
        world: What was made.
        shelf: Where that is kept.
        script: What goes wrong.
        base_url: Origin of every URL that it gives out, without a slash at the end.
        latency_scale: Drawn latencies are multiplied by this.
        clock: Unix time.
        sleep: Waits for seconds.
        dice: Ids, seeds and latencies.
        in_thread: For whatever blocks.
        in_painter: The same for painting, a few at a time.
        api_keys: The only keys that are accepted; None accepts every one that begins with `sk-`.
        rate_limit: Calls that each key has in a minute.
        painted: The pictures that were served last.
    """

    catalog: Catalog
    world: World
    shelf: Shelf
    script: Script
    base_url: str
    latency_scale: float
    clock: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
    dice: Dice
    in_thread: InThread
    in_painter: InThread
    api_keys: Collection[str] | None = None
    rate_limit: int = RATE_LIMIT
    painted: OrderedDict[tuple[str, int], bytes] = field(default_factory=OrderedDict)

    def owner(self, authorization: str | None) -> str:
        """Who calls: a hash of the key, which is all that is ever kept of it.

        Raises:
            Refusal: 401 without a key that is accepted.
        """
        scheme, _, key = (authorization or "").partition(" ")
        key = key.strip()
        known = key.startswith("sk-") if self.api_keys is None else key in self.api_keys
        if scheme.lower() != "bearer" or not known:
            raise bad_key(sent=bool(key))
        return hashlib.sha256(key.encode()).hexdigest()

    def count_public(self) -> Tally:
        """Count a call that needs no key. Those have a limit of their own, which is told here and not enforced."""
        return self.world.count_call("", self.clock())

    def count(self, owner: str) -> Tally:
        """Count a call with a key."""
        return self.world.count_call(owner, self.clock(), self.rate_limit)

    def check(self, tally: Tally) -> None:
        """Turn a call away that is too many.

        Raises:
            Refusal: 429 until the minute is over.
        """
        if tally.left < 0:
            raise too_many_calls(max(1, ceil(tally.reset - self.clock())))

    def headers(self, tally: Tally, request_id: str) -> dict[str, str]:
        """What stands on every answer."""
        routing = str(2 + self.dice.getrandbits(5))
        return {"X-Request-ID": request_id, "X-Routing-Time-MS": routing, **tally.headers()}

    def new_request_id(self) -> str:
        """An id for one call."""
        return token(self.dice, "req_", 24)


@dataclass(slots=True)
class Call:
    """One call as a route sees it.

    Attributes:
        service: The sandbox.
        request: Starlette's request.
        owner: Hash of the key; empty on routes that need none.
        request_id: Id of the call, as the answer's headers tell it.
        event: What fault rules look at.
        form: The body of a POST.
    """

    service: Service
    request: Request
    owner: str
    request_id: str
    event: Event
    form: Form = field(default_factory=lambda: Form({}))


@dataclass(frozen=True, slots=True)
class Reply:
    """A route's answer: JSON, or bytes with their media type."""

    body: Any
    headers: Mapping[str, str] = field(default_factory=dict)
    media_type: str = "application/json"
