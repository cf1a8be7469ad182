"""Caps, budgets and stock on real servers: kept by all workers together, through kills, given back once."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from engine.calling.batch import Batch
from engine.client import Client, ClientOptions
from engine.core.errors import NotFound
from engine.core.outcome import Outcome, OutcomeType

PLAIN = {"shares": {"control": 0.0, "holdout": 0.0}}


def asking(user: int, number: int) -> dict[str, Any]:
    return {
        "user": f"user-{user}",
        "embedding": np.full(4, 0.1 * user, dtype=np.float32),
        "attributes": {"segment": "new"},
        "consents": ("sms",),
        "request_id": f"{user}-{number}",
    }


def until_served(client: Client) -> None:
    """A new campaign with caps needs new workers where there are several."""
    ends = time.monotonic() + 30
    while time.monotonic() < ends:
        with suppress(NotFound):  # another worker than the one that made the campaign
            answer = client.decide("promo", **asking(9_999, int(time.monotonic() * 1e6)))
            if not answer.safe:
                return
        time.sleep(0.1)
    raise AssertionError("the campaign is not served")


@pytest.mark.parametrize("workers", [1, 2])
def test_a_cap_holds_over_all_workers_and_restarts(
    start_server: Callable[..., Any],
    make_settings: Callable[..., dict[str, Any]],
    workers: int,
) -> None:
    options = ClientOptions(deadline_ms=3_000.0, decide_retries=20)
    server = start_server(workers=workers)
    with Client(server.address, options) as client:
        client.create_campaign(make_settings(caps=[{"most": 2, "within_s": 86_400.0}], **PLAIN))
    time.sleep(0.5)  # the other worker looks for news several times a second
    clients = [Client(server.address, options) for _ in range(4)]
    for client in clients:
        client.connect(10.0)
        until_served(client)
    answers = [clients[number % 4].decide("promo", **asking(user, number)) for number in range(6) for user in range(12)]
    assert not any(answer.safe for answer in answers)
    for client in clients:
        client.close()
    time.sleep(0.8)
    assert (server.folder / "data" / "caps.checkpoint").exists()
    server.kill()
    again = start_server(workers=workers)
    with Client(again.address, options) as client:
        client.connect(10.0)
        late = [client.decide("promo", **asking(user, 100 + number)) for number in range(3) for user in range(12)]
        assert not any(answer.safe for answer in late)
        batch = Batch("promo", [f"user-{user}" for user in range(12)] * 2, np.zeros((24, 4)), request_id="night")
        list(client.decide_batch([batch]))
    again.stop()
    kept = [decision for decision in again.decisions() if decision.context.attributes != {}]
    sends = Counter(decision.user for decision in again.decisions() if decision.is_send)
    assert max(sends.values()) == 2
    assert sum(count == 2 for count in sends.values()) >= 11, "and nobody is kept from what is allowed"
    capped = [d for d in kept if len(d.eligible) == 1]
    assert capped
    assert all("campaign_cap" in d.excluded.values() for d in capped)


def test_a_budget_is_spent_and_not_a_send_more(
    start_server: Callable[..., Any], patient: ClientOptions, make_settings: Callable[..., dict[str, Any]]
) -> None:
    channels = [{"id": "email", "cost_minor": 1}, {"id": "push", "cost_minor": 2}, {"id": "sms", "cost_minor": 7}]
    settings = make_settings(channels=channels, budget={"amount_minor": 150, "chunk_minor": 20}, **PLAIN)
    server = start_server(workers=2)
    with Client(server.address, patient) as client:
        client.create_campaign(settings)
    time.sleep(0.6)
    clients = [Client(server.address, patient) for _ in range(4)]
    for client in clients:
        client.connect(10.0)
    for number in range(30):
        if number in (8, 16):
            os.kill(server.workers()[number % 2], signal.SIGKILL)
            time.sleep(1.5)
        for user in range(6):
            clients[(number + user) % 4].decide("promo", **asking(user, number))
    for client in clients:
        client.close()
    server.stop()
    cost = {"email": 1, "push": 2, "sms": 7}
    decisions = server.decisions()
    spent = sum(cost[d.arm.split("/")[1]] for d in decisions if d.is_send)
    print(f"spent {spent} of 150")
    assert 150 - 2 * 20 <= spent <= 150
    exhausted = [d for d in decisions if "budget_exhausted" in d.excluded.values()]
    assert exhausted


def test_what_was_not_sent_is_given_back_once(
    start_server: Callable[..., Any], patient: ClientOptions, make_settings: Callable[..., dict[str, Any]]
) -> None:
    server = start_server()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings(caps=[{"most": 1, "within_s": 86_400.0}], **PLAIN))
        number = 0
        while True:
            first = client.decide("promo", **asking(1, number))
            number += 1
            if first.is_send:
                break
        assert not client.decide("promo", **asking(1, 1_000)).is_send
        asked = {name: value for name, value in asking(1, 0).items() if name != "request_id"}
        told = client.explain_request("promo", **asked)
        assert [candidate.arm for candidate in told.candidates] == ["hold"]
        assert "campaign_cap" in told.excluded.values()
        for outcome in ("bounce-1", "bounce-2"):
            told = Outcome(outcome, "promo", OutcomeType.NOT_SENT, datetime.now(UTC), decision_id=first.decision_id)
            client.report([told])
        later = [client.decide("promo", **asking(1, 2_000 + i)) for i in range(40)]
        assert sum(answer.is_send for answer in later) == 1


@pytest.mark.parametrize("workers", [1, 2])
def test_a_row_of_a_batch_is_explained_and_given_back_once(
    start_server: Callable[..., Any],
    patient: ClientOptions,
    make_settings: Callable[..., dict[str, Any]],
    workers: int,
) -> None:
    """Whichever worker is told, and after all were killed."""
    server = start_server(workers=workers)
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings(caps=[{"most": 1, "within_s": 86_400.0}], **PLAIN))
    clients = [Client(server.address, patient) for _ in range(4)]
    for client in clients:
        client.connect(10.0)
        until_served(client)
    users = [f"user-{user}" for user in range(300)]
    batches = [Batch("promo", users, np.full((300, 4), 0.1 * i), request_id=f"night-{i}") for i in range(2)]
    answers = [next(iter(clients[i].decide_batch([batch]))) for i, batch in enumerate(batches)]
    sends = [(i, user) for i, answer in enumerate(answers) for user, arm in enumerate(answer.arms) if arm != "hold"]
    assert len({user for _, user in sends}) == len(sends) > 200, "one each"
    (batch, user), (other_batch, other) = sends[0], sends[-1]
    id, other_id = answers[batch].decision_ids[user], answers[other_batch].decision_ids[other]
    for client in clients:
        draw = client.explain(id).draw
        assert draw is not None
        assert (draw.decision_id, draw.arm) == (id, answers[batch].arms[user])
        assert draw.counts[draw.repeat()] / (1 << 24) == answers[batch].propensities[user]
    with pytest.raises(NotFound, match="does not remember"):
        clients[0].explain(id[:-1] + ("0" if id[-1] != "0" else "1"))

    def bounce(client: Client, name: str, decision_id: str) -> None:
        client.report([Outcome(name, "promo", OutcomeType.NOT_SENT, datetime.now(UTC), decision_id=decision_id)])

    def sends_of(client: Client, user: int, first: int) -> int:
        return sum(client.decide("promo", **asking(user, first + i)).is_send for i in range(12))

    assert sends_of(clients[0], user, 100) == sends_of(clients[0], other, 100) == 0
    for i, client in enumerate(clients):
        bounce(client, f"bounce-{i}", id)
    assert sends_of(clients[1], user, 200) == 1
    assert sends_of(clients[1], other, 200) == 0
    for client in clients:
        client.close()
    server.kill()
    again = start_server(workers=workers)
    with Client(again.address, patient) as client:
        client.connect(10.0)
        bounce(client, "bounce-again", id)
        assert sends_of(client, user, 300) == 0, "it was given back before the kill"
        bounce(client, "bounce-other", other_id)
        assert sends_of(client, other, 300) == 1


def test_changed_caps_and_budgets_are_in_force_when_the_change_is_answered(
    start_server: Callable[..., Any], patient: ClientOptions, make_settings: Callable[..., dict[str, Any]]
) -> None:
    server = start_server()
    with Client(server.address, patient) as client:
        client.create_campaign(make_settings(**PLAIN))
        sent = [client.decide("promo", **asking(1, i)).is_send for i in range(20)]
        assert sum(sent) > 2
        client.update_campaign("promo", make_settings(caps=[{"most": 2, "within_s": 86_400.0}], **PLAIN))
        assert not any(client.decide("promo", **asking(1, 100 + i)).is_send for i in range(10))
        assert any(client.decide("promo", **asking(2, 100 + i)).is_send for i in range(10))
        client.update_campaign(
            "promo",
            make_settings(
                budget={"amount_minor": 0, "chunk_minor": 10},
                channels=[{"id": c, "cost_minor": 1} for c in ("email", "push", "sms")],
                **PLAIN,
            ),
        )
        assert not any(client.decide("promo", **asking(3, 200 + i)).is_send for i in range(10))
