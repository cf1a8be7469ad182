"""Calls are taken over only while there is room, and a burst is not mistaken for an overload."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from engine.server.intake import Intake
from engine.server.pending import Pending
from engine.server.unregistered import Unregistered


class Call:
    def time_remaining(self) -> float | None:
        return None


class Asking:
    """Asks for calls as `grpc.aio` does."""

    def __init__(self) -> None:
        self.asked = 0

    async def _request_call(self) -> str:
        self.asked += 1
        return "a call"

    async def anything(self) -> str:
        return "done"


def full() -> Pending:
    pending = Pending(1, "server.max_pending")
    pending.enter(Call())
    return pending


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_a_call_is_taken_over_once_there_is_room() -> None:
    pending, grpc = full(), Asking()
    intake, loop = Intake(pending, lasting_s=60.0), asyncio.get_running_loop()
    next_call = intake.task(loop, grpc._request_call())
    await turns()
    assert (grpc.asked, next_call.done()) == (0, False)
    pending.leave()
    assert await next_call == "a call"
    assert await intake.task(loop, grpc._request_call()) == "a call"
    assert pending.under_way == 0


async def test_room_that_was_made_before_the_task_began_is_not_waited_for() -> None:
    """As when a whole block of decisions is answered in the turn in which grpc asks for the next call."""
    pending, grpc = full(), Asking()
    next_call = Intake(pending, lasting_s=60.0).task(asyncio.get_running_loop(), grpc._request_call())
    pending.leave()
    await turns()
    assert next_call.done()
    assert await next_call == "a call"


async def test_other_tasks_are_not_held_back() -> None:
    loop = asyncio.get_running_loop()
    task = Intake(full()).task(loop, Asking().anything(), name="mine")
    assert task.get_name() == "mine"
    assert await task == "done"


async def test_an_event_loop_makes_its_tasks_so() -> None:
    loop, pending, grpc = asyncio.get_running_loop(), full(), Asking()
    Intake(pending, lasting_s=60.0).attend(loop)
    try:
        next_call = asyncio.create_task(grpc._request_call())
        await turns()
        assert grpc.asked == 0
        pending.leave()
        assert await next_call == "a call"
    finally:
        loop.set_task_factory(None)


async def test_where_there_is_no_room_for_long_calls_are_taken_over_to_be_refused() -> None:
    pending, grpc = full(), Asking()
    intake = Intake(pending, lasting_s=0.001, refusals_s=0.0)
    assert await intake.task(asyncio.get_running_loop(), grpc._request_call()) == "a call"
    assert pending.full, "nobody left"


async def test_a_server_that_stops_leaves_no_question_behind() -> None:
    pending, grpc = full(), Asking()
    next_call = Intake(pending, lasting_s=60.0).task(asyncio.get_running_loop(), grpc._request_call())
    await turns()
    next_call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await next_call
    assert grpc.asked == 0
    pending.leave()  # nobody waits for room any more


def test_a_burst_waits_and_an_overload_is_refused_at_a_measured_rate() -> None:
    intake = Intake(full(), lasting_s=0.1, refusals_s=0.02)
    assert intake.patience_s(50.0) == pytest.approx(0.1)
    assert intake.patience_s(50.06) == pytest.approx(0.04), "it began at 50"
    assert intake.patience_s(50.11) <= 0
    assert intake.patience_s(50.5) <= 0, "held back again and again since"
    assert intake.patience_s(52.0) == pytest.approx(0.1), "there was room for a while, so this is another burst"


async def test_refusals_come_one_after_the_other() -> None:
    intake, loop = Intake(full(), lasting_s=0.0, refusals_s=60.0), asyncio.get_running_loop()
    grpc = Asking()
    assert await intake.task(loop, grpc._request_call()) == "a call"
    second = intake.task(loop, grpc._request_call())
    await turns()
    assert (grpc.asked, second.done()) == (1, False)
    second.cancel()
    await asyncio.gather(second, return_exceptions=True)


def test_bounded_methods_get_no_queue_of_their_own() -> None:
    class Server:
        def __init__(self) -> None:
            self.generic: tuple[Any, ...] = ()
            self.registered: dict[str, Any] = {}

        def add_generic_rpc_handlers(self, handlers: Any) -> None:
            self.generic = handlers

        def add_registered_method_handlers(self, service: str, handlers: dict[str, Any]) -> None:
            self.registered = {f"{service}:{name}": handler for name, handler in handlers.items()}

    server = Server()
    registering = Unregistered(server, ["/p.Delivery/Decide"])
    registering.add_generic_rpc_handlers(("generic",))
    registering.add_registered_method_handlers("p.Delivery", {"Decide": 1, "DecideBatch": 2})
    assert server.generic == ("generic",)
    assert server.registered == {"p.Delivery:DecideBatch": 2}
