"""Spans as a collector of OpenTelemetry receives them, over OTLP and gRPC."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent import futures
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from engine.client import Client
from engine.pb.armsreach.v1 import delivery_pb2, delivery_pb2_grpc

TRACE = "0af7651916cd43dd8448eb211c80319c"
USER, CITY = "erika.mustermann@example.com", "Kleinkleckersdorf"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """Keeps what is exported to it, as it came."""

    def __init__(self) -> None:
        self.requests: list[Any] = []
        self.server = grpc.server(futures.ThreadPoolExecutor(2))
        trace_service_pb2_grpc.add_TraceServiceServicer_to_server(self, self.server)
        self.address = f"127.0.0.1:{self.server.add_insecure_port('127.0.0.1:0')}"

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        """See OTLP."""
        self.requests.append(request)
        return trace_service_pb2.ExportTraceServiceResponse()

    def spans(self) -> dict[str, Any]:
        """By name."""
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
        }


@pytest.fixture
def collector() -> Iterator[Collector]:
    made = Collector()
    made.server.start()
    yield made
    made.server.stop(None).wait(10)


def attributes(of: Any) -> dict[str, Any]:
    def value(any_value: Any) -> Any:
        kind = any_value.WhichOneof("value")
        found = getattr(any_value, kind)
        return [value(one) for one in found.values] if kind == "array_value" else found

    return {attribute.key: value(attribute.value) for attribute in of.attributes}


def decide(address: str) -> Any:
    request = delivery_pb2.DecideRequest(campaign="promo", user=USER, embedding=[0.0] * 4, request_id=f"of-{USER}")
    request.attributes["city"].text = CITY
    with grpc.insecure_channel(address) as channel:
        return delivery_pb2_grpc.DeliveryStub(channel).Decide(
            request, metadata=[("traceparent", f"00-{TRACE}-b7ad6b7169203331-01")], timeout=10
        )


def test_a_collector_receives_the_spans_of_a_decide_and_nothing_of_the_shopper(
    watched_server: Callable[..., Any],
    connect: Callable[..., Client],
    make_campaign: Callable[..., dict[str, Any]],
    collector: Collector,
) -> None:
    server = watched_server(traces=f"http://{collector.address}", trace_share=0.0)
    with connect(server) as client:
        schema = {"dimension": 4, "attributes": {"city": {"kind": "categorical", "vocabulary": [CITY, "Berlin"]}}}
        client.create_campaign(make_campaign(schema=schema))
    answer = decide(server.address)
    server.stop()
    spans = collector.spans()
    assert set(spans) == {"Decide", "decide_block", "journal commit"}
    assert {span.trace_id.hex() for span in spans.values()} == {TRACE}
    assert spans["Decide"].parent_span_id.hex() == "b7ad6b7169203331"
    assert spans["decide_block"].parent_span_id == spans["Decide"].span_id
    assert spans["journal commit"].parent_span_id == spans["decide_block"].span_id
    assert attributes(spans["Decide"]) == {
        "rpc.system": "grpc",
        "rpc.method": "Decide",
        "armsreach.decision_id": answer.decision_id,
    }
    block = attributes(spans["decide_block"])
    assert (block["armsreach.campaign"], block["armsreach.decisions"]) == ("promo", 1)
    assert block["armsreach.decision_ids"] == [answer.decision_id]
    assert attributes(spans["journal commit"]) == {"armsreach.records": 1}
    for span in spans.values():
        assert 0 < span.start_time_unix_nano <= span.end_time_unix_nano
    (resource,) = {attributes(r.resource)["service.name"] for one in collector.requests for r in one.resource_spans}
    assert resource == "armsreach"
    wire = b"".join(request.SerializeToString() for request in collector.requests)
    for secret in (USER, "erika", CITY, "of-"):
        assert secret.encode() not in wire


def test_a_collector_that_is_away_delays_no_decision_and_no_end(
    watched_server: Callable[..., Any],
    connect: Callable[..., Client],
    make_campaign: Callable[..., dict[str, Any]],
    collector: Collector,
) -> None:
    collector.server.stop(None).wait(10)
    server = watched_server(traces=f"http://{collector.address}", trace_share=1.0)
    with connect(server) as client:
        client.create_campaign(make_campaign())
        answers = [client.decide("promo", user=f"{USER}-{i}", embedding=[0.0] * 4) for i in range(20)]
    assert not any(answer.safe for answer in answers)
    began = time.monotonic()
    server.stop()
    assert time.monotonic() - began < 20.0
    assert server.process.returncode == 0
    assert "erika" not in server.log
