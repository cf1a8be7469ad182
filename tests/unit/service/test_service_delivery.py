import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
import pytest

from engine.core.decision import Mode
from engine.core.errors import InvalidInput, NotFound, RequestIdConflict, ResourceExhausted
from engine.core.outcome import Outcome, OutcomeType
from engine.service.delivery import Delivery
from engine.service.requests import DecideRequest, FallbackReport, OutcomeReport

AT = datetime(2026, 5, 1, tzinfo=UTC)
MakeDelivery = Callable[..., Delivery]
MakeRequests = Callable[[int], list[DecideRequest]]


async def turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def outcome(name: str, decision_id: str = "d", **changes: Any) -> Outcome:
    return replace(Outcome(name, "promo", OutcomeType.CLICK, AT, decision_id=decision_id), **changes)


async def test_alone_and_together_alike(make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any) -> None:
    requests = make_requests(40)
    one, many = make_delivery(), make_delivery()
    alone = [await one.decide(request) for request in requests]
    together = [d for i in range(0, 40, 13) for d in await many.decide_many(requests[i : i + 13])]
    assert [(d.id, d.arm, d.chosen_count) for d in alone] == [(d.id, d.arm, d.chosen_count) for d in together]
    assert len(log.records) == 80


async def test_a_retry_gets_the_same_decision_and_no_second_record(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    first = await delivery.decide(request)
    again = [await delivery.decide(replace(request, at=AT + timedelta(seconds=5)))]
    again += await delivery.decide_many([request, request])
    assert [(one.id, one.arm, one.seed) for one in again] == [(first.id, first.arm, first.seed)] * 3
    assert len(log.records) == 1
    remembered = delivery.remembered(first.id)
    assert remembered is not None
    assert remembered.id == first.id


async def test_another_body_under_one_id_is_refused(make_delivery: MakeDelivery, make_requests: MakeRequests) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    await delivery.decide(request)
    with pytest.raises(RequestIdConflict) as caught:
        await delivery.decide(replace(request, user="someone-else"))
    assert caught.value.field == "request_id"
    twins = [replace(request, request_id="twin"), replace(request, request_id="twin", user="v")]
    with pytest.raises(RequestIdConflict):
        await delivery.decide_many(twins)
    assert await delivery.decide(twins[1]), "what was refused left no trace"


async def test_without_an_id_every_call_decides_anew(make_delivery: MakeDelivery, make_requests: MakeRequests) -> None:
    delivery, request = make_delivery(), replace(make_requests(1)[0], request_id="")
    assert (await delivery.decide(request)).id != (await delivery.decide(request)).id


async def test_retries_wait_for_the_write_under_way(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    log.gate.clear()
    calls = [asyncio.ensure_future(delivery.decide(request)) for _ in range(4)]
    await turns()
    assert not any(call.done() for call in calls), "nobody hears of a decision that is not durable"
    log.gate.set()
    answers = await asyncio.gather(*calls)
    assert {answer.id for answer in answers} == {answers[0].id}
    assert (log.writes, len(log.records)) == (1, 1)


async def test_a_cancelled_call_does_not_take_its_write_along(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    log.gate.clear()
    first = asyncio.ensure_future(delivery.decide(request))
    await turns()
    retry = asyncio.ensure_future(delivery.decide(request))
    await turns()
    first.cancel()
    await turns()
    log.gate.set()
    decision = await retry
    assert first.cancelled()
    assert [record.id for record in log.records] == [decision.id]


async def test_a_failed_write_is_not_remembered(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    log.gate.clear()
    log.failing = True
    calls = [asyncio.ensure_future(delivery.decide(request)) for _ in range(3)]
    await turns()
    log.gate.set()
    results = await asyncio.gather(*calls, return_exceptions=True)
    assert all(isinstance(result, OSError) for result in results), "a retry must not be told of a lost decision"
    log.failing = False
    decision = await delivery.decide(request)
    assert [record.id for record in log.records] == [decision.id]


async def test_a_wrong_request_spoils_its_batch_and_nothing_else(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, requests = make_delivery(), make_requests(3)
    bad = replace(requests[1], context=replace(requests[1].context, embedding=np.zeros(9, dtype=np.float32)))
    with pytest.raises(InvalidInput, match="embedding"):
        await delivery.decide_many([requests[0], bad, requests[2]])
    assert log.records == []
    assert len(await delivery.decide_many(requests)) == 3


async def test_a_full_memory_refuses_until_ids_are_old(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, requests = make_delivery(capacity=3, ttl_s=60.0), make_requests(5)
    await delivery.decide_many(requests[:3])
    with pytest.raises(ResourceExhausted, match="retry later"):
        await delivery.decide(requests[3])
    assert (await delivery.decide(requests[0])).id, "retries are still answered"
    later = replace(requests[4], at=AT + timedelta(seconds=61))
    await delivery.decide(later)
    assert len(log.records) == 4


async def test_unknown_campaign_names_the_known(make_delivery: MakeDelivery, make_requests: MakeRequests) -> None:
    with pytest.raises(NotFound, match="this server has promo"):
        await make_delivery().decide(replace(make_requests(1)[0], campaign="nix"))


async def test_outcomes_count_once(make_delivery: MakeDelivery, log: Any) -> None:
    delivery = make_delivery()
    first = await delivery.report(OutcomeReport("promo", (outcome("1"), outcome("2"), outcome("1"))))
    again = await delivery.report(OutcomeReport("promo", (outcome("2"), outcome("3"))))
    assert (first.accepted, first.duplicates, again.accepted, again.duplicates) == (2, 1, 1, 1)
    assert [record.id for record in log.records] == ["1", "2", "3"]


async def test_outcomes_that_failed_to_be_written_are_taken_again(make_delivery: MakeDelivery, log: Any) -> None:
    delivery = make_delivery()
    log.failing = True
    with pytest.raises(OSError, match="disk full"):
        await delivery.report(OutcomeReport("promo", (outcome("1"),)))
    log.failing = False
    assert (await delivery.report(OutcomeReport("promo", (outcome("1"),)))).accepted == 1


async def test_a_safe_answer_becomes_a_fallback_decision_once(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    report = OutcomeReport("promo", fallbacks=(FallbackReport("request-0", "user-0", AT),) * 2)
    first, again = await delivery.report(report), await delivery.report(report)
    assert (first.accepted, first.duplicates, again.accepted, again.duplicates) == (1, 1, 0, 2)
    decision = log.records[0]
    assert (decision.arm, decision.mode, decision.propensity) == ("hold", Mode.FALLBACK, 1.0)
    assert (decision.eligible, decision.policy) == (("hold",), "client_safe_answer")
    assert set(decision.excluded.values()) == {"server_away"}
    assert await delivery.decide(request) == decision
    with pytest.raises(RequestIdConflict):
        await delivery.decide(replace(request, user="user-1"))
    assert len(log.records) == 1


async def test_a_safe_answer_under_way_is_not_decided_a_second_time(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery, request = make_delivery(), make_requests(1)[0]
    report = OutcomeReport("promo", fallbacks=(FallbackReport(request.request_id, request.user, AT),))
    log.gate.clear()
    reports = [asyncio.ensure_future(delivery.report(report)) for _ in range(2)]
    await turns()
    asked = asyncio.ensure_future(delivery.decide(request))
    await turns()
    assert not any(task.done() for task in (*reports, asked)), "a duplicate waits until the first is durable"
    log.gate.set()
    assert (await asked).policy == "client_safe_answer"
    assert sum(recorded.accepted for recorded in await asyncio.gather(*reports)) == 1
    assert len(log.records) == 1


async def test_a_safe_answer_after_a_real_decision_is_not_sent(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    """The decision keeps its row and propensity; that the client held back is an outcome."""
    delivery = make_delivery(learned=False, shares={"control": 0.0, "holdout": 0.0})
    decisions = await delivery.decide_many(make_requests(12))
    sent = next(i for i, decision in enumerate(decisions) if decision.is_send)
    held = next(i for i, decision in enumerate(decisions) if not decision.is_send)
    fallbacks = tuple(FallbackReport(f"request-{i}", f"user-{i}", AT) for i in (sent, held))
    recorded = await delivery.report(OutcomeReport("promo", fallbacks=fallbacks))
    assert (recorded.accepted, recorded.duplicates) == (1, 1), "after a hold there is nothing to tell"
    told = log.records[-1]
    assert (told.type, told.decision_id, told.reason) == (
        OutcomeType.NOT_SENT,
        decisions[sent].id,
        "client_timeout",
    )
    assert (await delivery.report(OutcomeReport("promo", fallbacks=fallbacks))).accepted == 0
    assert (await delivery.decide(make_requests(12)[sent])).id == decisions[sent].id


async def test_a_safe_answer_needs_a_user(make_delivery: MakeDelivery, log: Any) -> None:
    with pytest.raises(InvalidInput, match="user"):
        await make_delivery().report(OutcomeReport("promo", fallbacks=(FallbackReport("r", "", AT),)))
    assert log.records == []


async def test_a_wrong_request_fails_alone(make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any) -> None:
    delivery, requests = make_delivery(), make_requests(4)
    context = replace(requests[1].context, attributes={"segment": "x" * 70_000})
    asked = [requests[0], replace(requests[1], context=context), replace(requests[2], user=""), requests[3]]
    found = await asyncio.gather(*[delivery.decide(request) for request in asked], return_exceptions=True)
    assert [isinstance(one, InvalidInput) for one in found] == [False, True, True, False]
    assert len(log.records) == 2


async def test_a_full_memory_refuses_some_of_a_turn_and_decides_the_others(
    make_delivery: MakeDelivery, make_requests: MakeRequests, log: Any
) -> None:
    delivery = make_delivery(capacity=3)
    found = await asyncio.gather(*[delivery.decide(r) for r in make_requests(5)], return_exceptions=True)
    assert [isinstance(one, ResourceExhausted) for one in found] == [False] * 3 + [True] * 2
    assert len(log.records) == 3
    again = await delivery.decide(make_requests(5)[0])
    assert again.id == found[0].id
