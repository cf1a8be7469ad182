"""Calls begin while there is room, wait for a while where there is none, and are refused after that."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import grpc
import pytest

from engine.server.guarded import NoWatch
from engine.server.intake import Intake

DECIDE, EXPLAIN = "/p.Delivery/Decide", "/p.Delivery/Explain"
EXHAUSTED = int(grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])


class Grpc:
    """Calls that come when a test says so, and end when it says so."""

    def __init__(self) -> None:
        self.asked: dict[str, deque[asyncio.Future[str]]] = {DECIDE: deque(), EXPLAIN: deque()}
        self.begun: list[str] = []
        self.refused: list[str] = []
        self.ends: dict[str, asyncio.Future[None]] = {}
        self.silent: set[str] = set()
        self.loses = False
        self.intake: Intake | None = None
        self.clock = Hand()

    def ask(self, method: str) -> Coroutine[Any, Any, str]:
        future: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.asked[method].append(future)

        async def came() -> str:
            return await future

        return came()

    async def serve(self, method: str, call: str) -> None:
        self.begun.append(call)
        self.ends[call] = asyncio.get_running_loop().create_future()
        await self.ends[call]

    def at_work(self) -> int:
        return len(self.ends.keys() - self.silent)

    async def refuse(self, call: str) -> None:
        self.refused.append(call)
        if self.loses:
            raise grpc.aio.InternalError("the caller has gone")

    async def come(self, *calls: str, method: str = DECIDE) -> None:
        for call in calls:
            self.asked[method].popleft().set_result(call)
        await turns()

    async def end(self, *calls: str) -> None:
        for call in calls:
            self.ends.pop(call).set_result(None)
        await turns()


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_000.0
        self._due: list[tuple[float, asyncio.Handle]] = []

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[..., Any], *args: Any) -> asyncio.Handle:
        handle = asyncio.Handle(callback, args, asyncio.get_running_loop())
        self._due.append((self.now + delay, handle))
        return handle

    async def move(self, seconds: float) -> None:
        """Let time pass, and what is due by then happen when it is due."""
        ends = self.now + seconds
        while due := [one for one in self._due if one[0] <= ends]:
            at, handle = min(due, key=lambda one: one[0])
            self._due.remove((at, handle))
            self.now = max(self.now, at)
            if not handle.cancelled():
                handle._run()
            await turns()
        self.now = ends


class Counting(NoWatch):
    def __init__(self) -> None:
        self.counts: Counter[tuple[str, int | str]] = Counter()

    def done(self, method: str, seconds: float, code: int) -> None:
        self.counts[method, code] += 1

    def shed(self, method: str, reason: str) -> None:
        self.counts[method, reason] += 1


async def turns(count: int = 6) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


@pytest.fixture
async def calls() -> AsyncIterator[Grpc]:
    calls = Grpc()
    yield calls
    if calls.intake is not None:
        calls.intake.end()
        await calls.intake.close()


def opened(calls: Grpc, most: int = 2, patience_s: float = 60.0, **how: Any) -> Intake:
    watch = how.pop("watch", NoWatch())
    intake = Intake(calls, (DECIDE, EXPLAIN), most, patience_s, watch, calls.at_work, timing=calls.clock, **how)
    intake.begin()
    calls.intake = intake
    return intake


async def test_many_calls_are_asked_for_ahead_and_again_as_they_begin(calls: Grpc) -> None:
    opened(calls, most=4)
    ahead = len(calls.asked[DECIDE])
    assert ahead == len(calls.asked[EXPLAIN]) == 32
    await calls.come("a", "b")
    assert calls.begun == ["a", "b"]
    assert len(calls.asked[DECIDE]) == ahead


async def test_calls_beyond_the_bound_wait_and_the_oldest_is_next(calls: Grpc) -> None:
    opened(calls)
    await calls.come("a", "b", "c", "d")
    assert calls.begun == ["a", "b"]
    await calls.end("a")
    assert calls.begun == ["a", "b", "c"]
    await calls.end("b", "c")
    assert calls.begun == ["a", "b", "c", "d"]
    assert not calls.refused


async def test_the_bound_is_one_for_all_methods(calls: Grpc) -> None:
    opened(calls)
    await calls.come("a", "b")
    await calls.come("x", method=EXPLAIN)
    assert calls.begun == ["a", "b"]
    await calls.end("b")
    assert calls.begun == ["a", "b", "x"]


async def test_what_waits_counts_as_asked_for(calls: Grpc) -> None:
    opened(calls)
    ahead = len(calls.asked[DECIDE])
    await calls.come("a", "b", "c", "d")
    assert len(calls.asked[DECIDE]) == ahead - 2, "no more than so many are held, whoever has them"


async def test_who_waits_too_long_is_refused_though_nothing_else_happens(calls: Grpc) -> None:
    watch = Counting()
    opened(calls, patience_s=0.02, watch=watch)
    await calls.come("a", "b", "c", "d")
    assert not calls.refused
    await calls.clock.move(0.06)
    assert calls.refused == ["c", "d"]
    assert calls.begun == ["a", "b"]
    assert watch.counts == {("Decide", EXHAUSTED): 2, ("Decide", "no_turn"): 2}


async def test_once_calls_are_refused_the_newest_is_next(calls: Grpc) -> None:
    opened(calls, most=1, patience_s=0.2)
    await calls.come("a", "b")
    await calls.clock.move(0.23)
    assert calls.refused == ["b"]
    await calls.come("c", "d")
    await calls.end("a")
    assert calls.begun == ["a", "d"]
    await calls.clock.move(0.12)
    assert calls.refused == ["b", "c"], "patience is shorter than 0.2 s, too"


async def test_after_a_while_without_refusals_the_oldest_is_next_again(calls: Grpc) -> None:
    opened(calls, most=1, patience_s=0.02)
    await calls.come("a", "b")
    await calls.clock.move(0.05)
    assert calls.refused == ["b"]
    await calls.clock.move(0.12)
    await calls.come("c", "d")
    await calls.end("a")
    assert calls.begun == ["a", "c"]


async def test_refusals_cost_credit_and_without_it_few_calls_are_asked_for(calls: Grpc) -> None:
    opened(calls, most=4, patience_s=0.005, refusals_per_s=0.0)
    await calls.come(*(f"s{i}" for i in range(4)))
    for round_ in range(10):
        await calls.come(*(f"{round_}-{i}" for i in range(len(calls.asked[DECIDE]))))
        await calls.clock.move(0.012)
    assert len(calls.refused) > 100
    assert len(calls.asked[DECIDE]) == 16, "the least: calls go on being taken over"


async def test_credit_comes_back_though_nobody_calls(calls: Grpc) -> None:
    opened(calls, most=4, patience_s=0.005, refusals_per_s=100.0)
    await calls.come(*(f"s{i}" for i in range(4)))
    await calls.come(*(f"w{i}" for i in range(len(calls.asked[DECIDE]))))
    await calls.clock.move(0.006)
    assert len(calls.refused) == 32
    assert len(calls.asked[DECIDE]) == 16
    await calls.clock.move(1.0)
    assert len(calls.asked[DECIDE]) == len(calls.asked[EXPLAIN]) == 32


async def test_silent_calls_that_hold_most_turns_lose_them_soon(calls: Grpc) -> None:
    opened(calls, most=4)
    calls.silent = {"a", "b", "c", "d"}
    await calls.come("a", "b", "c", "d", "next", "another")
    await calls.clock.move(0.045)
    assert calls.begun == ["a", "b", "c", "d"]
    await calls.clock.move(0.03)
    assert calls.begun == ["a", "b", "c", "d", "next", "another"]


async def test_a_loop_that_stood_still_takes_nobody_for_silent(calls: Grpc) -> None:
    opened(calls, most=4)
    calls.silent = {"a", "b", "c", "d"}
    await calls.come("a", "b", "c", "d", "next")
    calls.clock.now += 0.2  # nothing ran meanwhile, not even what makes handlers begin
    await calls.clock.move(0.011)
    assert calls.begun == ["a", "b", "c", "d"]
    calls.silent.clear()
    await calls.clock.move(0.5)
    assert calls.begun == ["a", "b", "c", "d"]


async def test_calls_at_work_are_not_taken_for_silent_ones(calls: Grpc) -> None:
    opened(calls, most=4)
    calls.silent = {"a", "b"}
    await calls.come("a", "b", "c", "d", "next")
    await calls.clock.move(0.9)
    assert calls.begun == ["a", "b", "c", "d"], "half of them works"
    await calls.clock.move(0.2)
    assert calls.begun[-1] == "next"


async def test_a_call_that_takes_very_long_gives_its_turn_back(calls: Grpc) -> None:
    """As of a sender who sends nothing: with as many of them as may be served nobody else would be."""
    opened(calls, most=2)
    await calls.come("slow", "slower", "next", "another")
    assert calls.begun == ["slow", "slower"]
    await calls.clock.move(1.1)
    assert calls.begun == ["slow", "slower", "next", "another"], "though nothing else happens"
    await calls.come("waits")
    assert calls.begun[-1] == "another", "turns that were given back are not given back again"
    await calls.end("slow", "slower")
    assert calls.begun[-1] == "another", "nor by those who end"
    await calls.end("next")
    assert calls.begun[-1] == "waits"


async def test_a_refusal_that_does_not_arrive_stops_nothing(calls: Grpc, caplog: pytest.LogCaptureFixture) -> None:
    calls.loses = True
    opened(calls, most=1, patience_s=0.005)
    await calls.come("a", "b")
    await calls.clock.move(0.03)
    await calls.end("a")
    await calls.come("c")
    assert calls.begun == ["a", "c"]
    assert not caplog.records


async def test_a_server_that_stops_serves_what_it_took_over_and_asks_for_no_more(calls: Grpc) -> None:
    intake = opened(calls)
    await calls.come("a", "b", "c")
    intake.end()
    before = len(calls.asked[DECIDE])
    calls.asked[DECIDE].popleft().set_exception(RuntimeError("the server stops"))
    calls.asked[DECIDE].popleft().cancel()
    await turns()
    await calls.end("a", "b")
    assert calls.begun == ["a", "b", "c"]
    assert len(calls.asked[DECIDE]) == before - 2


async def test_a_server_that_has_stopped_keeps_no_task(calls: Grpc) -> None:
    intake = opened(calls)
    await calls.come("a", "b", "c", "d")
    assert intake.waiting == 2
    intake.end()
    await intake.close()
    assert (intake.waiting, calls.begun) == (0, ["a", "b"])
    assert asyncio.all_tasks() == {asyncio.current_task()}


async def test_a_question_that_fails_is_asked_again_and_told_once(
    calls: Grpc, caplog: pytest.LogCaptureFixture
) -> None:
    opened(calls)
    ahead = len(calls.asked[DECIDE])
    for _ in range(ahead):
        calls.asked[DECIDE].popleft().set_exception(RuntimeError("for once"))
    await turns()
    await calls.clock.move(0.15)
    assert len(calls.asked[DECIDE]) == ahead
    assert [record.levelname for record in caplog.records] == ["ERROR"]
    await calls.come("a")
    assert calls.begun == ["a"]
