from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import InvalidInput
from engine.service.clocks import ClientClock, SystemClock
from engine.service.outcome_memory import OutcomeMemory

AT = datetime(2026, 5, 1, tzinfo=UTC)


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
