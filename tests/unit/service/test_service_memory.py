from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from engine.core.decision import Decision
from engine.core.errors import InvalidInput, RequestIdConflict, ResourceExhausted
from engine.service.clocks import ClientClock, SystemClock
from engine.service.deciding import Deciding
from engine.service.outcome_memory import OutcomeMemory
from engine.service.request_memory import RequestMemory
from engine.service.requests import DecideRequest
from engine.service.serving import Serving

AT = datetime(2026, 5, 1, tzinfo=UTC)


@pytest.fixture
def decisions(
    deciding: Deciding, make_serving: Callable[..., Serving], make_requests: Callable[[int], list[DecideRequest]]
) -> list[Decision]:
    requests = make_requests(6)
    return deciding.decide(make_serving(), requests, [f"{i:032x}" for i in range(6)], [AT] * 6)


def test_finds_what_it_remembers(decisions: list[Decision]) -> None:
    memory = RequestMemory(60.0, 10)
    first = replace(decisions[0], body_digest="x")
    memory.remember(first, AT)
    assert memory.find(first.id) is first
    assert memory.same_request(first.id, "x", first.user) is first
    assert memory.same_request("unknown", "x", "") is None
    with pytest.raises(RequestIdConflict):
        memory.same_request(first.id, "y", first.user)
    memory.forget(first.id)
    memory.forget("unknown")
    assert len(memory) == 0


def test_is_bounded_and_never_forgets_the_young(decisions: list[Decision]) -> None:
    memory = RequestMemory(60.0, 3)
    for decision in decisions[:3]:
        memory.remember(decision, AT)
    with pytest.raises(ResourceExhausted):
        memory.remember(decisions[3], AT + timedelta(seconds=59))
    assert all(memory.find(decision.id) for decision in decisions[:3])
    memory.remember(replace(decisions[3], decided_at=AT + timedelta(seconds=60)), AT + timedelta(seconds=60))
    assert len(memory) == 1, "sixty seconds are over for the first three"
    with pytest.raises(ResourceExhausted):
        memory.require_room(3, AT + timedelta(seconds=60))


def test_recalls_the_young_from_a_journal(decisions: list[Decision]) -> None:
    memory = RequestMemory(60.0, 2)
    memory.recall(replace(decisions[0], decided_at=AT - timedelta(seconds=61)), AT)
    assert len(memory) == 0
    for decision in decisions[1:4]:
        memory.recall(decision, AT)
    assert len(memory) == 2
    assert memory.find(decisions[3].id) is decisions[3]
    assert memory.find(decisions[1].id) is None


def test_outcome_ids_are_bounded() -> None:
    memory = OutcomeMemory(3)
    memory.add(["a", "b", "c"])
    memory.add(["d"])
    assert [memory.seen(key) for key in "abcd"] == [False, True, True, True]


def test_the_clients_clock_believes_requests_and_never_goes_back() -> None:
    clock = ClientClock(AT)
    assert clock.deciding_at(AT + timedelta(hours=2)) == AT + timedelta(hours=2)
    assert clock.deciding_at(AT) == AT, "a request's own time is its decision's time"
    assert clock.now() == AT + timedelta(hours=2)
    assert clock.reported_at(AT + timedelta(hours=3)) == AT + timedelta(hours=3)
    assert clock.reported_at(AT) == AT + timedelta(hours=3)
    with pytest.raises(InvalidInput) as caught:
        clock.deciding_at(None)
    assert caught.value.field == "at"
    assert ClientClock().now().year == 1970


def test_the_servers_clock_ignores_claims_and_refuses_the_future() -> None:
    clock = SystemClock()
    assert clock.deciding_at(AT - timedelta(days=9)) >= clock.now() - timedelta(seconds=5)
    with pytest.raises(InvalidInput, match="check the clock"):
        clock.reported_at(clock.now() + timedelta(hours=1))
    assert clock.reported_at(AT - timedelta(days=9)).tzinfo is UTC
