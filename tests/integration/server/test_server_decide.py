import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from engine.client import AsyncClient, Batch, Client
from engine.core.decision import Mode
from engine.core.errors import InvalidInput, NotFound, RequestIdConflict
from engine.core.outcome import Outcome, OutcomeType

Shoppers = Callable[[int], list[dict[str, Any]]]


def as_batch(shoppers: list[dict[str, Any]], tag: str = "") -> Batch:
    return Batch(
        campaign="promo",
        users=[shopper["user"] for shopper in shoppers],
        embeddings=np.stack([shopper["embedding"] for shopper in shoppers]),
        attributes={
            name: [shopper["attributes"][name] for shopper in shoppers] for name in ("segment", "age", "member")
        },
        request_ids=[shopper["request_id"] for shopper in shoppers],
        consent_columns={"sms": np.array(["sms" in shopper["consents"] for shopper in shoppers])},
        tag=tag,
    )


def test_decides_with_content_and_propensity(client: Client) -> None:
    answers = [client.decide("promo", f"u{i}", np.zeros(4), consents=("sms",), top_k=11) for i in range(60)]
    assert not any(answer.safe for answer in answers)
    assert {answer.mode for answer in answers} <= {Mode.FALLBACK, Mode.CONTROL, Mode.HOLDOUT}
    sent = [answer for answer in answers if answer.is_send]
    assert sent
    for answer in sent:
        assert answer.arm == f"{answer.variant}/{answer.channel}/{answer.slot}"
        assert answer.content == {"text": f"{answer.variant} on {answer.channel}"}
        assert dict(answer.top)[answer.arm] == answer.propensity
        assert len(answer.top) == 11
        assert answer.propensity * 2**24 == int(answer.propensity * 2**24)
        assert 1 / 11 - 1e-6 < answer.propensity < 1 / 11 + 1e-6


def test_narrowing_is_kept(client: Client) -> None:
    answers = [
        client.decide("promo", f"n{i}", np.zeros(4), channels=("push",), slots=("now",), variants=("a",))
        for i in range(40)
    ]
    assert {answer.arm for answer in answers} == {"a/push/now", "hold"}


def test_without_consent_there_is_no_sms(client: Client) -> None:
    assert all(client.decide("promo", f"s{i}", np.zeros(4)).channel != "sms" for i in range(60))


def test_retry_gives_the_same_decision(client: Client) -> None:
    request_id = uuid.uuid4().hex
    first = client.decide("promo", "u", np.ones(4), request_id=request_id)
    assert [client.decide("promo", "u", np.ones(4), request_id=request_id) for _ in range(5)] == [first] * 5


def test_same_request_id_with_another_body_is_refused(client: Client) -> None:
    client.decide("promo", "u", np.ones(4), request_id="taken")
    with pytest.raises(RequestIdConflict, match="new id"):
        client.decide("promo", "u", np.zeros(4), request_id="taken")


def test_batch_decides_as_decide_does(start_server: Any, make_settings: Any, shoppers: Shoppers, patient: Any) -> None:
    people = shoppers(90)
    alone, batched = start_server("alone"), start_server("batched")
    with Client(alone.address, patient) as one, Client(batched.address, patient) as many:
        one.create_campaign(make_settings())
        many.create_campaign(make_settings())
        expected = [one.decide("promo", **shopper) for shopper in people]
        parts = [people[:1], people[1:8], people[8:40], people[40:]]
        answers = list(many.decide_batch(as_batch(part, tag=str(i)) for i, part in enumerate(parts)))
    assert [answer.tag for answer in answers] == ["0", "1", "2", "3"]
    assert [i for answer in answers for i in answer.decision_ids] == [answer.decision_id for answer in expected]
    assert [arm for answer in answers for arm in answer.arms] == [answer.arm for answer in expected]
    assert [p for answer in answers for p in answer.propensities.tolist()] == [a.propensity for a in expected]
    assert [mode for answer in answers for mode in answer.modes] == [answer.mode for answer in expected]
    assert len({answer.arm for answer in expected}) > 5


def test_trouble_in_the_callers_batches_is_raised(client: Client, shoppers: Shoppers) -> None:
    def batches() -> Any:
        yield as_batch(shoppers(3))
        raise KeyError("of the caller")

    stream = client.decide_batch(batches())
    assert len(next(stream)) == 3
    with pytest.raises(KeyError, match="of the caller"):
        next(stream)


def test_wrong_batch_names_the_column(client: Client, shoppers: Shoppers) -> None:
    batch = as_batch(shoppers(3))
    bad = Batch("promo", batch.users, np.zeros((3, 5)))
    with pytest.raises(InvalidInput, match="shape \\(3, 4\\)") as caught:
        list(client.decide_batch([batch, bad]))
    assert caught.value.field == "embeddings"
    with pytest.raises(InvalidInput) as caught:
        list(client.decide_batch([Batch("promo", batch.users, np.full((3, 4), np.nan))]))
    assert caught.value.field == "embeddings[0]"


def test_explain_a_decision_repeats_its_draw(client: Client) -> None:
    for i in range(20):
        answer = client.decide("promo", f"e{i}", np.ones(4), {"segment": "new"}, consents=("sms",))
        explained = client.explain(answer.decision_id)
        assert explained.draw is not None
        assert explained.draw.decision_id == answer.decision_id
        chosen = explained.candidates[explained.draw.repeat()]
        assert chosen.arm == explained.draw.arm == answer.arm
        assert chosen.probability == answer.propensity
        assert sum(explained.draw.counts) == 2**24
        assert explained.mode == answer.mode


def test_explain_a_request_gives_reasons_and_decides_nothing(client: Client) -> None:
    explained = client.explain_request("promo", "nobody", np.zeros(4), channels=("email", "sms"))
    assert explained.draw is None
    if explained.mode is not Mode.HOLDOUT:
        assert explained.excluded["c/push/now"] == "channel_not_requested"
        assert explained.excluded["b/sms/now"] == "no_consent"
    assert sum(candidate.probability for candidate in explained.candidates) == 1.0


def test_explain_unknown_decision(client: Client) -> None:
    with pytest.raises(NotFound, match="decision_id"):
        client.explain("0" * 32)


def test_outcomes_count_once(client: Client) -> None:
    answer = client.decide("promo", "buyer", np.zeros(4))
    now = datetime.now(UTC)
    outcomes = [
        Outcome("o-1", "promo", OutcomeType.CLICK, now, decision_id=answer.decision_id),
        Outcome("o-2", "promo", OutcomeType.PURCHASE, now, value=19.5, user="buyer"),
    ]
    first, again = client.report(outcomes), client.report(outcomes)
    assert (first.accepted, first.duplicates) == (2, 0)
    assert (again.accepted, again.duplicates) == (0, 2)


def test_unknown_campaign(client: Client) -> None:
    with pytest.raises(NotFound, match="no campaign 'nix'"):
        client.decide("nix", "u")


def test_shares_of_users(client: Client) -> None:
    modes = Counter(client.decide("promo", f"share-{i}", np.zeros(4)).mode for i in range(600))
    assert 10 <= modes[Mode.HOLDOUT] <= 55
    assert 30 <= modes[Mode.CONTROL] <= 95


def test_health_and_reflection(server: Any) -> None:
    with grpc.insecure_channel(server.address) as channel:
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", "armsreach.v1.Delivery", "armsreach.v1.Campaigns", "armsreach.v1.Models"):
            reply = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5)
            assert reply.status == health_pb2.HealthCheckResponse.SERVING
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        asked = reflection_pb2.ServerReflectionRequest(list_services="")
        listed = next(iter(stub.ServerReflectionInfo(iter([asked]), timeout=5)))
        names = {service.name for service in listed.list_services_response.service}
        assert {"armsreach.v1.Delivery", "armsreach.v1.Campaigns", "grpc.health.v1.Health"} <= names


async def test_async_client(client: Client, server: Any, shoppers: Shoppers, patient: Any) -> None:
    people = shoppers(12)
    async with AsyncClient(server.address, patient) as other:
        assert await other.connect()
        mine = [await other.decide("promo", **shopper) for shopper in people]
        assert mine == [client.decide("promo", **shopper) for shopper in people]
        batches = [answer async for answer in other.decide_batch([as_batch(people[:5]), as_batch(people[5:])])]
        assert [arm for answer in batches for arm in answer.arms] == [answer.arm for answer in mine]
        explained = await other.explain(mine[0].decision_id)
        assert explained.draw is not None
        assert (await other.campaign("promo")).arms == 11
        assert (await other.shares("promo")).holdout == 0.05
        with pytest.raises(InvalidInput):
            await other.decide("promo", "u", np.zeros(3))
        outcome = Outcome("async-1", "promo", OutcomeType.CLICK, datetime.now(UTC), decision_id=mine[0].decision_id)
        assert (await other.report([outcome])).accepted == 1
        assert other.waiting_fallbacks == 0


def test_explain_keeps_to_the_campaign_it_is_told(client: Client) -> None:
    made = client.decide("promo", "u-explained", np.zeros(4))
    assert client.explain(made.decision_id, campaign="promo").candidates
    with pytest.raises(NotFound, match="not of campaign 'other'"):
        client.explain(made.decision_id, campaign="other")
