"""OpenTelemetry spans over the path of a call: Decide → decide_block → journal commit."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Protocol

from engine.config import TelemetrySettings
from engine.core.decision_block import DecisionBlock
from engine.extras import require
from engine.journal import Record
from engine.service.delivery_watch import DeliveryWatch, NoDeliveryWatch
from engine.service.serving import Serving

_DECIDING = ("Decide", "DecideBatch")
_MOST_LINKS = 128
_MOST_OPEN = 10_000


class Tracing(Protocol):
    """Traces calls, or leaves them alone."""

    watch: DeliveryWatch

    def traced(self, servicer: Any, methods: dict[str, bool]) -> Any:
        """The servicer, its methods in spans; see `Guarded` for `methods`."""
        ...

    def close(self) -> None:
        """Hand over what is not exported yet."""
        ...


class NoTracing:
    """Leaves everything alone, and imports nothing."""

    def __init__(self) -> None:
        self.watch: DeliveryWatch = NoDeliveryWatch()

    def traced(self, servicer: Any, methods: dict[str, bool]) -> Any:  # noqa: ARG002
        """See `Tracing`."""
        return servicer

    def close(self) -> None:
        """See `Tracing`."""


def open_tracing(settings: TelemetrySettings) -> Tracing:
    """What the settings ask for.

    Raises:
        ModuleNotFoundError: Where the extra `telemetry` is not installed, naming the command that installs it.
    """
    if not settings.traces:
        return NoTracing()
    require("telemetry", "opentelemetry", "opentelemetry.sdk")
    from opentelemetry.sdk.trace.export import BatchSpanProcessor, ConsoleSpanExporter, SpanExporter

    exporter: SpanExporter
    if settings.traces == "console":
        exporter = ConsoleSpanExporter(formatter=_line)
    elif settings.traces.startswith("file:"):
        file = open(settings.traces.removeprefix("file:"), "a", encoding="utf-8")  # noqa: SIM115 - the exporter keeps it
        exporter = ConsoleSpanExporter(out=file, formatter=_line)
    else:
        require("telemetry", "opentelemetry.exporter.otlp.proto.grpc")
        from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter

        exporter = OTLPSpanExporter(endpoint=settings.traces, insecure=settings.traces.startswith("http://"))
    return SpanTracing(BatchSpanProcessor(exporter), settings.trace_share)


def _line(span: Any) -> str:
    """One span as one line of JSON."""
    return str(span.to_json(indent=None)) + os.linesep


class SpanTracing:
    """Spans of calls, and as a `DeliveryWatch`, of blocks and of their way to the disk.

    A block serves the calls of one turn: its span is a child of the first call's and links to the others.

    Attributes:
        watch: To be told of blocks; this object.
    """

    def __init__(self, processor: Any, share: float) -> None:
        """Trace.

        Args:
            processor: A span processor of OpenTelemetry.
            share: Of calls whose callers have not decided whether to trace.
        """
        from opentelemetry import trace
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        self._trace = trace
        self._provider = TracerProvider(
            sampler=ParentBased(TraceIdRatioBased(share)),
            resource=Resource.create({"service.name": "armsreach"}),
            shutdown_on_exit=False,
        )
        self._provider.add_span_processor(processor)
        self._tracer = self._provider.get_tracer("armsreach")
        self._propagator = TraceContextTextMapPropagator()
        self._calls: OrderedDict[int, Any] = OrderedDict()
        self._blocks: OrderedDict[int, list[Any]] = OrderedDict()
        self.watch: DeliveryWatch = self

    def traced(self, servicer: Any, methods: dict[str, bool]) -> Any:
        """See `Tracing`."""
        return _Traced(self, servicer, methods)

    def close(self) -> None:
        """See `Tracing`."""
        self._provider.shutdown()

    def call(self, method: str, context: Any) -> Any:
        """A span for one call, as a context manager; a `traceparent` among its metadata is its parent."""
        metadata = {key: value for key, value in context.invocation_metadata() or () if isinstance(value, str)}
        return self._tracer.start_as_current_span(
            method,
            context=self._propagator.extract(metadata),
            kind=self._trace.SpanKind.SERVER,
            attributes={"rpc.system": "grpc", "rpc.method": method},
        )

    def opened(self, method: str, span: Any) -> None:
        """A call begins; its block will link to it."""
        if method in _DECIDING and span.is_recording():
            self._calls[span.get_span_context().span_id] = span

    def closed(self, span: Any) -> None:
        """A call ends."""
        self._calls.pop(span.get_span_context().span_id, None)

    def decided(self, block: DecisionBlock, serving: Serving, method: str, queued_s: float, decide_s: float) -> None:
        """See `DeliveryWatch`."""
        trace, calls = self._trace, list(self._calls.values())
        self._calls.clear()
        current = trace.get_current_span()
        parent = current if current.is_recording() else (calls[0] if calls else None)
        if parent is None:
            return
        now = time.time_ns()
        span = self._tracer.start_span(
            "decide_block",
            context=trace.set_span_in_context(parent),
            links=[trace.Link(call.get_span_context()) for call in calls[:_MOST_LINKS] if call is not parent],
            start_time=now - int(decide_s * 1e9),
            attributes={
                "armsreach.campaign": block.campaign,
                "armsreach.decisions": len(block.ids),
                "armsreach.decision_ids": [id.hex() for id in block.ids[:_MOST_LINKS]],
                "armsreach.snapshot": serving.snapshot,
                "armsreach.method": method,
                "armsreach.queued_s": queued_s,
            },
        )
        span.end(now)
        self._blocks.setdefault(current.get_span_context().span_id, []).append(span)
        while len(self._blocks) > _MOST_OPEN:
            self._blocks.popitem(last=False)

    def committed(self, records: int, method: str, seconds: float) -> None:
        """See `DeliveryWatch`."""
        self._end_commit(records, method, seconds, "")

    def failed(self, records: int) -> None:
        """See `DeliveryWatch`."""
        self._end_commit(records, "", 0.0, "the records did not become durable")

    def reported(self, campaign: str, records: Sequence[Record], repeated: int) -> None:
        """See `DeliveryWatch`."""

    def _end_commit(self, records: int, method: str, seconds: float, error: str) -> None:
        trace = self._trace
        current = trace.get_current_span()
        blocks = self._blocks.get(current.get_span_context().span_id, [])
        parent = blocks.pop(0) if blocks and method != "ReportOutcomes" else current
        if not blocks:
            self._blocks.pop(current.get_span_context().span_id, None)
        if not parent.get_span_context().trace_flags.sampled:
            return
        now = time.time_ns()
        span = self._tracer.start_span(
            "journal commit",
            context=trace.set_span_in_context(parent),
            start_time=now - int(seconds * 1e9),
            attributes={"armsreach.records": records},
        )
        if error:
            span.set_status(trace.StatusCode.ERROR, error)
        span.end(now)


class _Traced:
    """A servicer whose methods run in spans."""

    def __init__(self, tracing: SpanTracing, servicer: Any, methods: dict[str, bool]) -> None:
        for name, streams in methods.items():
            wrap = _stream if streams else _unary
            setattr(self, name, wrap(tracing, name, getattr(servicer, name)))


def _unary(tracing: SpanTracing, name: str, handle: Any) -> Any:
    async def handled(request: Any, context: Any) -> Any:
        with tracing.call(name, context) as span:
            tracing.opened(name, span)
            try:
                response = await handle(request, context)
            finally:
                tracing.closed(span)
            if decision_id := getattr(response, "decision_id", ""):
                span.set_attribute("armsreach.decision_id", decision_id)
            return response

    return handled


def _stream(tracing: SpanTracing, name: str, handle: Any) -> Any:
    async def handled(requests: Any, context: Any) -> Any:
        with tracing.call(name, context) as span:
            tracing.opened(name, span)
            try:
                async for response in handle(requests, context):
                    yield response
            finally:
                tracing.closed(span)

    return handled
