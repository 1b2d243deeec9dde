"""How fast a session calls, on virtual time: slow-downs, windows, models' own limits, and clocks that are put back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio
import anyio.lowlevel
import pytest

from tests.unit.jobs.fakes import ACCEPTED, START, Clock, facts
from tokenlab_nb.api.replies import Meta, Reply
from tokenlab_nb.errors import AuthenticationError, RateLimitError, TransportError
from tokenlab_nb.jobs.pace import MINUTE, Pace
from tokenlab_nb.jobs.schedule import LONGEST_PAUSE

Scenario = Callable[["Line"], Awaitable[None]]


class Line:
    """A pace, its clock, and who was let go when, in seconds from the start."""

    def __init__(self) -> None:
        self.clock = Clock()
        self.pace = Pace(self.clock)
        self.gone: list[tuple[str, float]] = []

    async def call(self, name: str = "", model: str = "") -> None:
        await self.pace.turn_for(model)
        while not await self.pace.turn(model):
            await self.pace.turn_for(model)
        self.gone.append((name, self.clock.time - START))

    async def calls(self, count: int, model: str = "") -> list[float]:
        """Make so many calls at once; tell when they were made."""
        before = len(self.gone)
        async with anyio.create_task_group() as tasks:
            for n in range(count):
                tasks.start_soon(self.call, str(n), model)
        return [at for _, at in self.gone[before:]]

    def told(self, left: int | None, renewed_in: float | None = MINUTE, limit: int | None = 20) -> None:
        """An answer came whose headers say this."""
        renewed_at = None if renewed_in is None else self.clock.time + renewed_in
        self.pace.heard(Meta(calls_limit=limit, calls_left=left, calls_renewed_at=renewed_at))

    def answered(self, times: int = 1) -> None:
        """An answer came that says nothing of limits."""
        for _ in range(times):
            self.pace.heard(Meta())

    @property
    def wait(self) -> float:
        return self.pace.paused_for(self.clock.time)


def run(scenario: Scenario) -> Line:
    line = Line()
    anyio.run(scenario, line)
    return line


# -------------------------------------------------------------------------------------------------- slow-downs


def test_nobody_waits_without_a_reason() -> None:
    async def scenario(line: Line) -> None:
        assert await line.calls(50) == [0.0] * 50
        assert line.pace.reason() == ""

    assert run(scenario).clock.slept == []


def test_after_a_429_they_go_one_by_one_in_the_order_in_which_they_came() -> None:
    async def scenario(line: Line) -> None:
        line.pace.slow(7.0)
        assert await line.calls(4) == [7.0, 7.25, 7.5, 7.75]
        assert [name for name, _ in line.gone] == ["0", "1", "2", "3"]

    run(scenario)


def test_the_gap_doubles_with_each_slow_down_and_halves_with_each_answer_that_is_none() -> None:
    async def scenario(line: Line) -> None:
        gaps = []
        for _ in range(8):
            line.pace.slow(1.0)
            await line.calls(1)
            gaps.append(line.wait)
        assert gaps == [0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 8.0, 8.0]
        for _ in range(9):
            line.answered()
            gaps.append(line.wait)
        assert gaps[8:] == [4.0, 2.0, 1.0, 0.5, 0.25, 0.125, 0.0625, 0.0, 0.0]

    run(scenario)


def test_answers_to_calls_of_the_time_before_say_nothing_new() -> None:
    async def scenario(line: Line) -> None:
        for _ in range(8):  # all were on their way when the first was refused
            line.pace.slow(7.0)
            line.answered()
        assert await line.calls(3) == [7.0, 7.25, 7.5]

    run(scenario)


def test_a_slow_down_is_never_shortened_and_never_too_long() -> None:
    line = Line()
    line.pace.slow(30.0)
    line.pace.slow(2.0)
    assert line.wait == 30.0
    line.pace.slow(86_400.0)
    assert line.wait == LONGEST_PAUSE


@pytest.mark.parametrize("seconds", [None, 0.0])
def test_a_429_that_names_no_time_makes_a_gap(seconds: float | None) -> None:
    line = Line()
    line.pace.slow(seconds)
    assert line.wait == 0.25


def test_who_comes_while_others_wait_for_a_slow_down_that_grows_waits_behind_them() -> None:
    async def scenario(line: Line) -> None:
        line.pace.slow(5.0)
        line.clock.alarms[4.0] = lambda: line.pace.slow(9.0)
        assert await line.calls(2) == [13.0, 13.25]

    run(scenario)


def test_a_cancelled_wait_costs_nothing_and_the_next_one_moves_up() -> None:
    async def scenario(line: Line) -> None:
        line.told(left=1)
        line.pace.slow(3.0)
        with anyio.CancelScope() as scope:
            line.clock.alarms[1.0] = scope.cancel
            await line.call("impatient")
        assert await line.calls(1) == [3.0]  # the one call that is left

    assert [name for name, _ in run(scenario).gone] == ["0"]


def test_one_in_the_middle_of_the_line_may_go_home() -> None:
    async def scenario(line: Line) -> None:
        line.pace.slow(3.0)
        async with anyio.create_task_group() as tasks:
            scope = anyio.CancelScope()

            async def impatient() -> None:
                with scope:
                    await line.call("impatient")

            tasks.start_soon(line.call, "first")
            tasks.start_soon(impatient)
            tasks.start_soon(line.call, "last")
            line.clock.alarms[1.0] = scope.cancel
        assert line.gone == [("first", 3.0), ("last", 3.25)]

    run(scenario)


async def answer(outcome: Reply | Exception) -> Reply:
    await anyio.lowlevel.checkpoint()
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


def test_what_a_call_brings_is_learned_from() -> None:
    async def scenario(line: Line) -> None:
        busy = RateLimitError("Busy.", facts=facts(429, retry_after=6.0))
        with pytest.raises(RateLimitError):
            await line.pace.hearing(answer(busy))
        assert line.wait == 6.0
        await line.calls(1)
        assert line.wait == 0.25
        with pytest.raises(TransportError):  # no answer at all
            await line.pace.hearing(answer(TransportError("Down.")))
        assert line.wait == 0.25
        with pytest.raises(AuthenticationError):  # an answer like any other
            await line.pace.hearing(answer(AuthenticationError("Who?", facts=facts(401))))
        assert line.wait == 0.125
        assert await line.pace.hearing(answer(ACCEPTED)) is ACCEPTED
        assert line.wait == 0.0625

    run(scenario)


def test_too_early_is_no_limit() -> None:
    async def scenario(line: Line) -> None:
        with pytest.raises(RateLimitError):
            await line.pace.hearing(answer(RateLimitError("Too early.", facts=facts(425, retry_after=6.0))))
        assert line.wait == 0

    run(scenario)


# -------------------------------------------------------------------------------------------------- calls left


def test_calls_are_counted_down_and_the_next_window_brings_new_ones() -> None:
    async def scenario(line: Line) -> None:
        line.told(left=2, renewed_in=30.0, limit=3)
        assert await line.calls(6) == [0.0, 0.0, 30.0, 30.0, 30.0, 90.0]

    run(scenario)


def test_an_answer_tells_the_end_of_a_window_that_was_guessed() -> None:
    async def scenario(line: Line) -> None:
        line.told(left=0, renewed_in=30.0, limit=3)
        assert await line.calls(2) == [30.0, 30.0]
        line.told(left=2, renewed_in=45.0, limit=3)  # of our two calls it has seen one
        assert await line.calls(2) == [30.0, 75.0]

    run(scenario)


def test_calls_on_their_way_are_not_given_back() -> None:
    async def scenario(line: Line) -> None:
        line.told(left=5)
        await line.calls(4)
        line.told(left=4, renewed_in=MINUTE - 1)  # the first of the four was answered; whole seconds jump
        assert await line.calls(2) == [0.0, MINUTE]
        line.told(left=0, renewed_in=MINUTE)
        line.told(left=9, renewed_in=MINUTE + 30)  # another window than we thought
        assert await line.calls(1) == [MINUTE]

    run(scenario)


def test_others_with_the_same_key_take_calls_too() -> None:
    line = Line()
    line.told(left=9)
    line.told(left=0)
    assert line.wait == MINUTE


def test_a_window_without_a_known_limit_ends_the_counting() -> None:
    async def scenario(line: Line) -> None:
        line.told(left=1, limit=None)
        assert await line.calls(50) == [0.0, *[MINUTE] * 49]
        line.told(left=0, renewed_in=10.0, limit=0)
        assert await line.calls(2) == [MINUTE + 10] * 2

    run(scenario)


@pytest.mark.parametrize(("left", "renewed_in"), [(None, 10.0), (0, None), (0, 0.0), (0, -30.0)])
def test_half_a_telling_and_an_old_one_are_not_heard(left: int | None, renewed_in: float | None) -> None:
    line = Line()
    line.told(left, renewed_in)
    assert line.wait == 0


@pytest.mark.parametrize("wrong_by", [-86_400.0, 86_400.0])
def test_the_services_two_times_count_however_wrong_our_clock_is(wrong_by: float) -> None:
    line = Line()
    there = START + wrong_by
    line.pace.heard(Meta(answered_at=there, calls_left=0, calls_renewed_at=there + 25))
    assert line.wait == 25.0


def test_a_window_that_ends_tomorrow_is_not_waited_for() -> None:
    line = Line()
    line.told(left=0, renewed_in=86_400.0)
    assert line.wait == LONGEST_PAUSE


# -------------------------------------------------------------------------------------------------- a model's own limit


def test_a_model_gets_so_many_creates_in_any_minute_and_holds_back_no_other() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 3.9)
        assert await line.calls(2, "model-a") == [0.0, 0.0]
        await line.clock.sleep(20.0)
        assert await line.calls(1, "model-a") == [20.0]
        assert await line.calls(9, "model-b") == [20.0] * 9
        assert await line.calls(4, "model-a") == [60.0, 60.0, 80.0, 120.0]
        times = [at for _, at in line.gone if at >= 20]
        assert line.pace.reason("model-a") == ""  # 60 and 80 are 40 and 60 seconds ago
        assert times == sorted(times)

    run(scenario)


@pytest.mark.parametrize("stated", [None, 0])
def test_no_stated_limit_is_none(stated: float | None) -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", stated)
        assert await line.calls(99, "model-a") == [0.0] * 99

    run(scenario)


def test_less_than_one_a_minute_is_one() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 0.5)
        assert await line.calls(2, "model-a") == [0.0, MINUTE]

    run(scenario)


def test_a_limit_that_changes_counts_what_was_sent_before() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 5)
        await line.calls(4, "model-a")
        line.pace.limit("model-a", 2)
        assert await line.calls(3, "model-a") == [MINUTE, MINUTE, 2 * MINUTE]

    run(scenario)


def test_a_place_is_given_up_when_the_models_minute_fills_while_the_session_waits() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 1)
        line.pace.slow(5.0)
        granted: list[bool] = []

        async def hasty() -> None:
            await line.pace.turn_for("model-a")  # there is room for both of them now
            granted.append(await line.pace.turn("model-a"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(hasty)
            tasks.start_soon(hasty)
        assert sorted(granted) == [False, True]
        assert await line.calls(1) == [5.25]  # the one that was given up took no call and made no gap

    run(scenario)


def test_the_reason_is_the_longer_wait() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 1)
        await line.calls(1, "model-a")
        assert line.pace.reason("model-a") == "This model's limit of 1 a minute is reached; goes on in 60 s."
        assert line.pace.reason("model-b") == line.pace.reason() == ""
        line.pace.slow(7.0)
        assert line.pace.reason("model-a").startswith("This model")
        slowed = "The service asked this session to slow down; goes on in {} s."
        assert line.pace.reason("model-b") == line.pace.reason() == slowed.format(7)
        line.pace.slow(90.0)
        assert line.pace.reason("model-a") == slowed.format(90)

    run(scenario)


def test_a_short_gap_is_not_told() -> None:
    line = Line()
    line.pace.slow(0.9)
    assert line.pace.reason() == ""


@pytest.mark.parametrize("back", [10.0, 3600.0, 1e9])
def test_a_clock_that_is_put_back_makes_nobody_wait_longer(back: float) -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 1)
        await line.calls(1, "model-a")
        line.pace.slow(60.0)
        line.told(left=0)
        line.clock.time -= back
        begin = line.clock.time
        await line.call(model="model-a")
        await line.call()
        assert line.clock.time - begin < LONGEST_PAUSE + MINUTE + 1
        assert max(line.clock.slept) <= LONGEST_PAUSE

    run(scenario)


def test_a_clock_that_is_put_forward_lets_everybody_go() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 1)
        await line.calls(1, "model-a")
        line.told(left=0)
        line.pace.slow(60.0)
        line.clock.time += 3600.0
        assert await line.calls(1, "model-a") == [3600.0]

    run(scenario)


def test_any_minute_holds_however_many_come_whenever() -> None:
    async def scenario(line: Line) -> None:
        line.pace.limit("model-a", 7)
        for pause in (3.0, 11.0, 0.5, 29.0, 41.0):
            await line.calls(9, "model-a")
            await line.clock.sleep(pause)
        times = [at for _, at in line.gone]
        assert all(later - earlier >= MINUTE for earlier, later in zip(times, times[7:], strict=False))

    run(scenario)
