"""A real server that traces to a file, logs JSON, and says how it is."""

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from engine.client import Client
from engine.pb.armsreach.v1 import delivery_pb2, delivery_pb2_grpc

TRACE = "0af7651916cd43dd8448eb211c80319c"


def test_spans_in_a_file_follow_the_callers_trace(
    watched_server: Callable[..., Any],
    connect: Callable[..., Client],
    make_campaign: Callable[..., dict[str, Any]],
    tmp_path: Path,
) -> None:
    file = tmp_path / "spans.jsonl"
    server = watched_server(traces=f"file:{file}", trace_share=0.0, log_format="json", log_decisions=True)
    with connect(server) as client:
        client.create_campaign(make_campaign())
    with grpc.insecure_channel(server.address) as channel:
        request = delivery_pb2.DecideRequest(campaign="promo", user="somebody@example.com", embedding=[0.0] * 4)
        answer = delivery_pb2_grpc.DeliveryStub(channel).Decide(
            request, metadata=[("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")], timeout=10
        )
        health = health_pb2_grpc.HealthStub(channel)
        for name in ("", "armsreach.journal", "armsreach.snapshots"):
            status = health.Check(health_pb2.HealthCheckRequest(service=name), timeout=5).status
            assert status == health_pb2.HealthCheckResponse.SERVING
    server.stop()
    spans = {span["name"]: span for span in map(json.loads, file.read_text().splitlines())}
    assert set(spans) == {"Decide", "decide_block", "journal commit"}
    assert {span["context"]["trace_id"] for span in spans.values()} == {f"0x{TRACE}"}
    assert spans["Decide"]["parent_id"] == "0xb7ad6b7169203331"
    assert spans["decide_block"]["parent_id"] == spans["Decide"]["context"]["span_id"]
    assert spans["journal commit"]["parent_id"] == spans["decide_block"]["context"]["span_id"]
    assert spans["Decide"]["attributes"]["armsreach.decision_id"] == answer.decision_id
    lines = [json.loads(line) for line in server.log.splitlines()]
    decided = [line for line in lines if line["message"] == "decided"]
    assert [line["decision_id"] for line in decided] == [answer.decision_id]
    assert decided[0]["propensity"] == answer.propensity
    assert "somebody" not in server.log
    assert "somebody" not in file.read_text()


def test_a_stale_model_is_said_under_its_own_name(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server(learner=True, stale_snapshot_s=0.001)
    short = {"click": 0.2, "unsubscribe": 0.2, "purchase": 0.2, "refund": 0.2, "cost": 0.2, "not_sent": 0.2}

    def status(name: str) -> int:
        with grpc.insecure_channel(server.address) as channel:
            request = health_pb2.HealthCheckRequest(service=name)
            return int(health_pb2_grpc.HealthStub(channel).Check(request, timeout=5).status)

    with connect(server) as client:
        client.create_campaign(make_campaign(windows_s=short, publishing={"every_decisions": 5}))
        assert status("armsreach.snapshots") == health_pb2.HealthCheckResponse.SERVING
        ends = time.monotonic() + 30
        while time.monotonic() < ends and status("armsreach.snapshots") == health_pb2.HealthCheckResponse.SERVING:
            client.decide("promo", user="u", embedding=[0.0] * 4)
            time.sleep(0.1)
    assert status("armsreach.snapshots") == health_pb2.HealthCheckResponse.NOT_SERVING
    assert status("") == health_pb2.HealthCheckResponse.SERVING
    assert status("armsreach.v1.Delivery") == health_pb2.HealthCheckResponse.SERVING
