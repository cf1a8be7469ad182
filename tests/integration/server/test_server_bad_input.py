"""Every wrong field is named on the wire, in BadRequest details."""

import json
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import grpc
import pytest
from google.protobuf.timestamp_pb2 import Timestamp
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from engine.client import Client
from engine.pb.armsreach.v1 import (
    campaigns_pb2,
    campaigns_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from engine.pb.armsreach.v1 import types_pb2 as types

NAN, INF = float("nan"), float("inf")


@pytest.fixture(scope="module")
def channel(server: Any, client: Client) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as made:
        yield made


def refused(call: Callable[[], object]) -> tuple[grpc.StatusCode, str, str]:
    """Status code, named field and message of a call that must fail."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    error: Any = caught.value
    status = rpc_status.from_call(error)
    field = ""
    for detail in status.details if status else ():
        bad = error_details_pb2.BadRequest()
        if detail.Unpack(bad):
            field = bad.field_violations[0].field
    return error.code(), field, error.details()


def request(**changes: Any) -> delivery_pb2.DecideRequest:
    return delivery_pb2.DecideRequest(**{"campaign": "promo", "user": "u", "embedding": [0.0] * 4, **changes})


def attributes(**values: Any) -> dict[str, types.Scalar]:
    return {
        name: types.Scalar(**{"text" if isinstance(v, str) else "flag" if isinstance(v, bool) else "number": v})
        for name, v in values.items()
    }


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"embedding": [0.0, NAN, 0.0, 0.0]}, "embedding"),
        ({"embedding": [0.0, 0.0, 0.0, -INF]}, "embedding"),
        ({"embedding": [0.0] * 5}, "embedding"),
        ({"embedding": []}, "embedding"),
        ({"attributes": attributes(age=100.5)}, "attributes.age"),
        ({"attributes": attributes(age=NAN)}, "attributes.age"),
        ({"attributes": attributes(age="old")}, "attributes.age"),
        ({"attributes": attributes(member="yes")}, "attributes.member"),
        ({"attributes": attributes(segment=True)}, "attributes.segment"),
        ({"attributes": attributes(shoe_size=44.0)}, "attributes.shoe_size"),
        ({"attributes": {"age": types.Scalar()}}, "attributes.age"),
        ({"channels": ["fax"]}, "channels"),
        ({"slots": ["never"]}, "slots"),
        ({"variants": ["zzz"]}, "variants"),
        ({"time_zone": "Mars/Olympus"}, "time_zone"),
        ({"user": ""}, "user"),
        ({"user": "u" * 257}, "user"),
    ],
)
def test_decide_names_the_field(channel: grpc.Channel, changes: dict[str, Any], field: str) -> None:
    stub = delivery_pb2_grpc.DeliveryStub(channel)
    code, named, message = refused(lambda: stub.Decide(request(**changes), timeout=5))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    assert message.startswith(f"{field}: ")


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"users": []}, "users"),
        ({"request_ids": ["one"]}, "request_ids"),
        ({"embeddings": b"\0" * 31}, "embeddings"),
        ({"attributes": {"age": delivery_pb2.Column(numbers=[1.0])}}, "attributes.age"),
        ({"attributes": {"age": delivery_pb2.Column(numbers=[1.0, 2.0], texts=["a", "b"])}}, "attributes.age"),
        ({"attributes": {"age": delivery_pb2.Column(numbers=[1.0, 2.0], present=b"\1")}}, "attributes.age.present"),
        ({"attributes": {"age": delivery_pb2.Column(numbers=[1.0, NAN])}}, "attributes.age"),
        ({"consent_columns": {"sms": b"\1"}}, "consent_columns.sms"),
        ({"users": ["u", ""]}, "user"),
        ({"time_zones": ["UTC"] * 3}, "time_zones"),
        ({"time_zones": ["", "Berlin"]}, "time_zones[1]"),
    ],
)
def test_batch_names_the_column(channel: grpc.Channel, changes: dict[str, Any], field: str) -> None:
    stub = delivery_pb2_grpc.DeliveryStub(channel)
    columns = {"campaign": "promo", "users": ["u", "v"], "embeddings": b"\0" * 32, **changes}
    asked = delivery_pb2.DecideBatchRequest(**columns)
    code, named, _ = refused(lambda: list(stub.DecideBatch(iter([asked]), timeout=5)))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)


def outcome(**changes: Any) -> types.Outcome:
    at = Timestamp(seconds=1_760_000_000)
    base = {"outcome_id": "x", "type": types.OUTCOME_TYPE_REFUND, "at": at, "value": 1.0, "decision_id": "d"}
    return types.Outcome(**{name: value for name, value in {**base, **changes}.items() if value is not None})


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"type": types.OUTCOME_TYPE_UNSPECIFIED}, "outcomes[1].type"),
        ({"type": 99}, "outcomes[1].type"),
        ({"value": -1.0}, "outcomes[1].value"),
        ({"value": NAN}, "outcomes[1].value"),
        ({"value": INF, "type": types.OUTCOME_TYPE_CLICK}, "outcomes[1].value"),
        ({"outcome_id": ""}, "outcomes[1].outcome_id"),
        ({"decision_id": ""}, "outcomes[1].decision_id"),
        ({"at": None}, "outcomes[1].at"),
        ({"at": Timestamp(seconds=1 << 40)}, "outcomes[1].at"),
        ({"at": Timestamp(seconds=32_000_000_000)}, "at"),
    ],
)
def test_outcomes_name_place_and_field(channel: grpc.Channel, changes: dict[str, Any], field: str) -> None:
    stub = delivery_pb2_grpc.DeliveryStub(channel)
    good = outcome(outcome_id=uuid.uuid4().hex)
    asked = delivery_pb2.ReportOutcomesRequest(campaign="promo", outcomes=[good, outcome(**changes)])
    code, named, _ = refused(lambda: stub.ReportOutcomes(asked, timeout=5))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)
    asked = delivery_pb2.ReportOutcomesRequest(campaign="promo", outcomes=[good])
    assert stub.ReportOutcomes(asked, timeout=5).accepted == 1, "nothing of a refused report may be kept"


@pytest.mark.parametrize(
    ("fallback", "field"),
    [
        ({"user": "u", "decided_at": Timestamp(seconds=1)}, "fallbacks[0].request_id"),
        ({"user": "u", "request_id": "r"}, "fallbacks[0].decided_at"),
        ({"request_id": "r", "decided_at": Timestamp(seconds=1)}, "user"),
    ],
)
def test_fallbacks_name_place_and_field(channel: grpc.Channel, fallback: dict[str, Any], field: str) -> None:
    stub = delivery_pb2_grpc.DeliveryStub(channel)
    report = delivery_pb2.ReportOutcomesRequest(campaign="promo")
    report.fallbacks.add(**fallback)
    code, named, _ = refused(lambda: stub.ReportOutcomes(report, timeout=5))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, field)


def test_explain_needs_a_subject(channel: grpc.Channel) -> None:
    stub = delivery_pb2_grpc.DeliveryStub(channel)
    code, named, _ = refused(lambda: stub.Explain(delivery_pb2.ExplainRequest(campaign="promo"), timeout=5))
    assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, "what")


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"objectve": {}}, "objectve"),
        ({"id": "hold"}, ""),
        ({"channels": []}, ""),
        ({"shares": {"control": 1.5}}, "shares"),
        ({"learning": {"interactions": ["UUVV"]}}, "learning"),
        ({"exploration": {"kind": "constant", "arm": "x/y/z"}}, ""),
        ({"windows_s": {"click": -1.0}}, ""),
        ({"objective": {"weights": {"smiles": 1.0}}}, "objective"),
        ({"starts_at": "yesterday"}, "starts_at"),
        ({"slots": [{"id": "s", "from_time": "18:00"}]}, "slots[0]"),
        ({"quiet_hours": [{"from_time": "22:00", "to_time": "8:00"}]}, "quiet_hours[0]"),
        ({"learning": {"cb_type": "dm"}}, "learning.cb_type"),
    ],
)
def test_campaign_settings_name_the_key(
    channel: grpc.Channel, make_settings: Any, settings: dict[str, Any], field: str
) -> None:
    stub = campaigns_pb2_grpc.CampaignsStub(channel)
    asked = campaigns_pb2.CreateCampaignRequest(settings_json=json.dumps(make_settings("fresh", **settings)))
    code, named, message = refused(lambda: stub.CreateCampaign(asked, timeout=5))
    assert code is grpc.StatusCode.INVALID_ARGUMENT
    assert named == field
    assert message


def test_settings_must_be_json(channel: grpc.Channel) -> None:
    stub = campaigns_pb2_grpc.CampaignsStub(channel)
    for text in ("{", "[]", ""):
        asked = campaigns_pb2.CreateCampaignRequest(settings_json=text)
        code, named, _ = refused(lambda asked=asked: stub.CreateCampaign(asked, timeout=5))  # type: ignore[misc]
        assert (code, named) == (grpc.StatusCode.INVALID_ARGUMENT, "settings_json")


def test_put_variants_names_the_variant(channel: grpc.Channel) -> None:
    stub = campaigns_pb2_grpc.CampaignsStub(channel)
    asked = campaigns_pb2.PutVariantsRequest(campaign="promo")
    asked.variants.add(id="v").channels["fax"].fields["text"] = "hello"
    assert refused(lambda: stub.PutVariants(asked, timeout=5))[:2] == (
        grpc.StatusCode.INVALID_ARGUMENT,
        "variants.v.channels",
    )
    asked = campaigns_pb2.PutVariantsRequest(campaign="promo")
    asked.variants.add(id="v/w")
    assert refused(lambda: stub.PutVariants(asked, timeout=5))[1] == "variant.id"
    asked = campaigns_pb2.PutVariantsRequest(campaign="promo")
    asked.variants.add(id="v", embedding=[NAN])
    assert refused(lambda: stub.PutVariants(asked, timeout=5))[1] == "variant v.embedding"


def test_what_does_not_exist_is_not_found(channel: grpc.Channel) -> None:
    campaigns, models = campaigns_pb2_grpc.CampaignsStub(channel), models_pb2_grpc.ModelsStub(channel)
    delivery = delivery_pb2_grpc.DeliveryStub(channel)
    killed = campaigns_pb2.VARIANT_STATE_KILLED
    calls: list[Callable[[], object]] = [
        lambda: delivery.Decide(request(campaign="nix"), timeout=5),
        lambda: delivery.ReportOutcomes(delivery_pb2.ReportOutcomesRequest(campaign="nix"), timeout=5),
        lambda: delivery.Explain(delivery_pb2.ExplainRequest(decision_id="nix"), timeout=5),
        lambda: campaigns.GetCampaign(campaigns_pb2.GetCampaignRequest(id="nix"), timeout=5),
        lambda: campaigns.SetVariantState(
            campaigns_pb2.SetVariantStateRequest(campaign="promo", variant="nix", state=killed), timeout=5
        ),
        lambda: models.ListSnapshots(models_pb2.ListSnapshotsRequest(campaign="nix"), timeout=5),
        lambda: models.GetSnapshot(models_pb2.GetSnapshotRequest(campaign="promo"), timeout=5),
        lambda: models.GetSnapshot(models_pb2.GetSnapshotRequest(campaign="promo", version="0001"), timeout=5),
        lambda: models.GetSnapshot(models_pb2.GetSnapshotRequest(campaign="promo", version="../../x"), timeout=5),
        lambda: models.PromoteSnapshot(models_pb2.PromoteSnapshotRequest(campaign="promo", version="9"), timeout=5),
        lambda: models.RollBack(models_pb2.RollBackRequest(campaign="promo"), timeout=5),
        lambda: models.GetShares(models_pb2.GetSharesRequest(campaign="nix"), timeout=5),
    ]
    assert {refused(call)[0] for call in calls} == {grpc.StatusCode.NOT_FOUND}


def test_nonsense_bytes_do_not_hurt(channel: grpc.Channel, client: Client) -> None:
    raw: Any = channel.unary_unary("/armsreach.v1.Delivery/Decide", None, None)
    for data in (b"\xff\xff\xff\xff", b"\x0a\x05abc", bytes(range(256))):
        with pytest.raises(grpc.RpcError):
            raw(data, timeout=5)
    assert not client.decide("promo", "u", [0.0] * 4).safe
