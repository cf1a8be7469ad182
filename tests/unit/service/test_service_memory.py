from datetime import UTC, datetime, timedelta

import pytest

from engine.core.errors import InvalidInput, Unavailable
from engine.service.clocks import ClientClock, SystemClock
from engine.service.outcome_memory import LocalOutcomeMemory, OutcomeMemory, SharedOutcomeMemory
from engine.store.tables import RequestTable

AT = datetime(2026, 5, 1, tzinfo=UTC)


def test_outcome_ids_are_bounded() -> None:
    memory = LocalOutcomeMemory(3)
    memory.add(["a", "b", "c"], AT)
    memory.add(["d"], AT)
    assert [memory.seen(key) for key in "abcd"] == [False, True, True, True]


@pytest.fixture(params=["local", "shared"])
def outcomes(request: pytest.FixtureRequest) -> OutcomeMemory:
    return LocalOutcomeMemory(100) if request.param == "local" else SharedOutcomeMemory(RequestTable(100, 60.0), 0)


def test_an_outcome_under_way_is_neither_new_nor_seen(outcomes: OutcomeMemory) -> None:
    assert not outcomes.seen("a")
    outcomes.claim(["a", "b"], AT)
    with pytest.raises(Unavailable):
        outcomes.seen("a")
    outcomes.add(["a"], AT)
    outcomes.forget(["b"])
    assert (outcomes.seen("a"), outcomes.seen("b")) == (True, False)


def test_workers_know_each_others_outcomes() -> None:
    table = RequestTable(100, 60.0)
    first, second = SharedOutcomeMemory(table, 0), SharedOutcomeMemory(table, 1)
    first.claim(["a"], AT)
    with pytest.raises(Unavailable):
        second.seen("a")
    with pytest.raises(Unavailable):
        second.claim(["b", "a"], AT)
    assert not second.seen("b"), "all were taken up, or none"
    second.add(["a"], AT)
    with pytest.raises(Unavailable):
        second.seen("a")  # read from a journal by a worker that starts: its owner has not made it durable yet
    first.add(["a"], AT)
    assert second.seen("a")


def test_a_killed_workers_outcomes_are_free_once_it_is_back() -> None:
    table = RequestTable(100, 60.0)
    killed, other = SharedOutcomeMemory(table, 0), SharedOutcomeMemory(table, 1)
    killed.claim(["written", "lost"], AT)
    again = SharedOutcomeMemory(table, 0)
    again.add(["written"], AT)  # as the journal tells
    table.drop_pending(0)
    assert (other.seen("written"), other.seen("lost")) == (True, False)


def test_a_full_memory_forgets_rather_than_refuse() -> None:
    memory = SharedOutcomeMemory(RequestTable(1, 60.0), 0)
    keys = [f"outcome-{i}" for i in range(100)]
    memory.claim(keys, AT)
    memory.add(keys, AT)
    assert 0 < sum(map(memory.seen, keys)) < 100


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
