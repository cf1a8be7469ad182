"""Clocks that step, of the server and of its callers: no answer changes, and the journal's time never falls back."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from engine.client import Client, ClientOptions
from engine.config import Settings
from engine.core.decision import Decision
from engine.core.errors import InvalidInput
from engine.core.outcome import Outcome, OutcomeType
from engine.wiring import open_campaigns, open_journal

Shoppers = Callable[[int], list[dict[str, Any]]]


def entries(server: Any) -> list[Any]:
    settings = Settings(data=str(server.folder / "data"))
    return [entry for _, entry in open_journal(settings, open_campaigns(settings)).read()]


def click(decision_id: str, at: datetime) -> Outcome:
    return Outcome(f"click-{decision_id}", "promo", OutcomeType.CLICK, at, decision_id=decision_id)


@pytest.mark.parametrize("step_s", [-3_600, 3_600])
def test_a_step_of_the_servers_clock_changes_no_answer(
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    shoppers: Shoppers,
    patient: ClientOptions,
    shim: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    step_s: int,
) -> None:
    switch = tmp_path / "fault"
    monkeypatch.setenv("LD_PRELOAD", str(shim))
    monkeypatch.setenv("FAULT_FILE", str(switch))
    server = start_server()
    monkeypatch.delenv("LD_PRELOAD")
    now = datetime.now(UTC)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings(shares={"control": 0.0, "holdout": 0.0}))
        some = shoppers(40)
        before = [client.decide("promo", **shopper) for shopper in some[:20]]
        switch.write_text(f"clock {step_s}")
        stepped = [client.decide("promo", **shopper) for shopper in some[20:]]
        again = [client.decide("promo", **shopper) for shopper in some[:20]] if step_s < 0 else before
        assert not any(answer.safe for answer in before + stepped)
        assert [answer.decision_id for answer in again] == [answer.decision_id for answer in before]
        assert client.report([click(before[0].decision_id, now + timedelta(seconds=min(step_s, 0)))]).accepted == 1
        if step_s < 0:  # the caller's clock is ahead now: its outcome would lie in the future
            with pytest.raises(InvalidInput, match="check the clock"):
                client.report([click(before[1].decision_id, now + timedelta(seconds=10))])
        switch.unlink()
        assert client.report([click(before[1].decision_id, now)]).accepted == 1
    assert server.stop() == 0
    kept = entries(server)
    times = [entry.recorded_at for entry in kept]
    assert times == sorted(times), "a chain's clock never falls back"
    decided = {e.record.id: e.record.decided_at for e in kept if isinstance(e.record, Decision)}
    off = [decided[answer.decision_id] - now for answer in stepped]
    assert all(abs(o.total_seconds() - step_s) < 60 for o in off), "the shim does step the clock"
    assert set(Counter(e.record.id for e in kept if isinstance(e.record, Decision | Outcome)).values()) == {1}
    again_started = start_server()
    assert again_started.stop() == 0


def test_a_callers_clock_may_step_back(
    start_server: Callable[..., Any], make_settings: Callable[..., dict[str, Any]], patient: ClientOptions
) -> None:
    server = start_server(clock="client")
    start = datetime(2026, 3, 1, tzinfo=UTC)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings())
        moments = [start + timedelta(hours=h) for h in (0, 5, 2, 9, 1)]
        answers = [
            client.decide("promo", f"u{i}", [0.0] * 4, at=at, request_id=f"r{i}") for i, at in enumerate(moments)
        ]
        assert not any(answer.safe for answer in answers)
        repeated = client.decide("promo", "u4", [0.0] * 4, at=start, request_id="r4")
        assert repeated.decision_id == answers[4].decision_id
        late = [click(answers[0].decision_id, start - timedelta(hours=1)), click(answers[1].decision_id, moments[3])]
        assert client.report([late[1], late[0], late[1]]).accepted == 2
    assert server.stop() == 0
    kept = entries(server)
    times = [entry.recorded_at for entry in kept]
    assert times == sorted(times)
    assert [e.record.decided_at for e in kept if isinstance(e.record, Decision)] == moments
