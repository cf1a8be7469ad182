"""Spans as OpenTelemetry keeps them in memory: parents, links, times, errors."""

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from engine.config import TelemetrySettings
from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.keyed_hash import KeyedHash
from engine.core.reading import read
from engine.service.deciding import Deciding
from engine.service.requests import DecideRequest
from engine.service.serving import Serving
from engine.telemetry.tracing import NoTracing, SpanTracing, open_tracing

TRACE = "0af7651916cd43dd8448eb211c80319c"


@pytest.fixture
def spans() -> InMemorySpanExporter:
    return InMemorySpanExporter()


@pytest.fixture
def tracing(spans: InMemorySpanExporter) -> Iterator[SpanTracing]:
    made = SpanTracing(SimpleSpanProcessor(spans), 0.0)
    yield made
    made.close()


def context(flags: str = "01", parent: str = "b7ad6b7169203331") -> Any:
    metadata = (("traceparent", f"00-{TRACE}-{parent}-{flags}"), ("bin", b"\0"))
    return SimpleNamespace(invocation_metadata=lambda: metadata)


class Server:
    """Gathers the calls of one turn as `Delivery` does."""

    def __init__(self, tracing: SpanTracing) -> None:
        channels = {"email": {"text": "t"}}
        settings = {
            "id": "promo",
            "channels": [{"id": "email"}],
            "slots": [{"id": "now"}],
            "variants": [{"id": "a", "state": "approved", "channels": channels}],
        }
        self.serving = Serving(read(Campaign, settings), 1, None)
        self.waiting: list[tuple[str, asyncio.Future[Any]]] = []
        self.fails = False
        self._watch = tracing.watch

    async def Decide(self, request: str, context: Any) -> Any:  # noqa: N802
        loop = asyncio.get_running_loop()
        if not self.waiting:
            loop.call_soon(self.decide)
        self.waiting.append((request, loop.create_future()))
        return await self.waiting[-1][1]

    def decide(self) -> None:
        waiting, self.waiting = self.waiting, []
        requests = [DecideRequest("promo", "u", Context(np.zeros(0, dtype=np.float32)), id) for id, _ in waiting]
        at = [datetime(2026, 6, 1, tzinfo=UTC)] * len(requests)
        block = Deciding(KeyedHash(bytes(16))).decide(self.serving, requests, at)
        self._watch.decided(block, self.serving, "Decide", 0.001, 0.002)

        def settle() -> None:
            if self.fails:
                self._watch.failed(len(block))
            else:
                self._watch.committed(len(block), "Decide", 0.003)
            for (_, future), id in zip(waiting, block.ids, strict=True):
                future.set_result(SimpleNamespace(decision_id=id.hex()))

        asyncio.get_running_loop().call_soon(settle)


async def test_a_block_hangs_under_its_first_call_and_links_to_the_others(
    tracing: SpanTracing, spans: InMemorySpanExporter
) -> None:
    server = tracing.traced(Server(tracing), {"Decide": False})
    calls = [asyncio.create_task(server.Decide(f"r{i}", context())) for i in range(3)]
    ids = [(await call).decision_id for call in calls]
    found = {name: [s for s in spans.get_finished_spans() if s.name == name] for name in
             ("Decide", "decide_block", "journal commit")}  # fmt: skip
    assert [len(several) for several in found.values()] == [3, 1, 1]
    block, commit = found["decide_block"][0], found["journal commit"][0]
    first = next(s for s in found["Decide"] if s.attributes and s.attributes["armsreach.decision_id"] == ids[0])
    assert first.parent is not None
    assert f"{first.parent.span_id:016x}" == "b7ad6b7169203331"
    assert {f"{s.context.trace_id:032x}" for s in spans.get_finished_spans() if s.context} == {TRACE}
    assert block.parent == first.context
    assert commit.parent == block.context
    assert {link.context.span_id for link in block.links} == {
        s.context.span_id for s in found["Decide"][0:] if s is not first and s.context
    }
    assert block.attributes is not None
    assert list(block.attributes["armsreach.decision_ids"]) == ids  # type: ignore[arg-type]
    assert block.end_time is not None
    assert block.start_time is not None
    assert block.end_time - block.start_time == pytest.approx(2e6, rel=0.01)
    assert not tracing._blocks
    assert not tracing._calls


async def test_a_failed_commit_is_an_error(tracing: SpanTracing, spans: InMemorySpanExporter) -> None:
    inner = Server(tracing)
    inner.fails = True
    await tracing.traced(inner, {"Decide": False}).Decide("r", context())
    commit = next(s for s in spans.get_finished_spans() if s.name == "journal commit")
    assert not commit.status.is_ok


async def test_callers_who_decided_against_are_not_traced(tracing: SpanTracing, spans: InMemorySpanExporter) -> None:
    server = tracing.traced(Server(tracing), {"Decide": False})
    await server.Decide("r", context(flags="00"))
    await server.Decide("s", SimpleNamespace(invocation_metadata=lambda: None))
    assert spans.get_finished_spans() == ()
    assert not tracing._blocks


async def test_one_traced_call_among_others_gets_its_block(tracing: SpanTracing, spans: InMemorySpanExporter) -> None:
    server = tracing.traced(Server(tracing), {"Decide": False})
    calls = [asyncio.create_task(server.Decide(f"r{i}", context(flags))) for i, flags in enumerate(("00", "01"))]
    await asyncio.gather(*calls)
    assert sorted(s.name for s in spans.get_finished_spans()) == ["Decide", "decide_block", "journal commit"]


def test_nothing_is_imported_while_traces_are_off() -> None:
    assert isinstance(open_tracing(TelemetrySettings()), NoTracing)
    script = (
        "import sys, engine.server.server, engine.wiring;"
        "print([m for m in sys.modules if m.split('.')[0] in ('opentelemetry', 'prometheus_client')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
