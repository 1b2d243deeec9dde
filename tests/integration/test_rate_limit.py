"""A low limit of the service: many jobs all come home, hardly a call is made in vain, and one 429 is told to all."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

import httpx
import pytest
from starlette.applications import Starlette

from tests.integration.harness import Rig, Wire
from tests.unit.jobs.fakes import SOON
from tokenlab_nb.errors import RateLimitError
from tokenlab_nb.jobs.job import JobStatus
from tokenlab_nb.jobs.schedule import LONGEST_PAUSE
from tokenlab_nb.sandbox.faults import Fault

LIMIT, JOBS = 20, 60
TELLING = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")
TOMORROW = {"status": 429, "headers": {"Retry-After": "86400"}, "body": {"error": {"message": "Tomorrow."}}}


class Counting(Wire):
    """Keeps the statuses that came back."""

    def __init__(self, app: Starlette) -> None:
        super().__init__(app)
        self.statuses: Counter[int] = Counter()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        self.statuses[response.status_code] += 1
        return response


class Silent(Counting):
    """The vendor shows ``X-RateLimit-*`` on a 429 and says nothing about good answers: here they have none."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        response = await super().handle_async_request(request)
        if response.is_success:
            for name in TELLING:
                response.headers.pop(name, None)
        return response


# Measured: 0 or 1 where every answer tells how many calls are left, 6 to 10 where only a 429 does.
@pytest.mark.parametrize(("wire", "most_refused"), [(Counting, 3), (Silent, 24)])
def test_sixty_jobs_at_once_keep_to_twenty_calls_a_minute(
    rig: Callable[..., Rig], wire: type[Counting], most_refused: int
) -> None:
    world = rig(wire=wire, rate_limit=LIMIT)
    jobs = [world.session.submit(model="gpt-image-2", prompt=f"fox {n}") for n in range(JOBS)]
    for job in jobs:
        job.wait(6 * SOON)
    assert {job.status for job in jobs} == {JobStatus.COMPLETED}
    made = Counter(record.order.prompt for record in world.app.state.world.records.values())
    assert made == {f"fox {n}": 1 for n in range(JOBS)}
    assert world.wire.statuses[429] <= most_refused


def test_a_429_of_one_job_holds_back_the_others(rig: Callable[..., Rig]) -> None:
    world = rig(Fault("answer", method="POST", times=1, **TOMORROW))
    first = world.session.submit(model="gpt-image-2", prompt="fox")
    with pytest.raises(RateLimitError):  # so long a pause is the user's to decide: this job does not wait for it
        first.wait(SOON)
    begin = world.clock.now()
    other = world.session.submit(model="qwen-image", prompt="owl")
    assert other.wait(SOON)
    (record,) = world.app.state.world.records.values()
    assert record.created >= begin + LONGEST_PAUSE
    assert world.posts == 2
