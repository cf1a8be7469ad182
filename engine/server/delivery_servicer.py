"""`Delivery` over gRPC: decode, ask the service, encode."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from typing import Any

from engine.core.decision_block import DecisionBlock
from engine.core.errors import InvalidInput, NotFound
from engine.core.rules.rule import Inquiry
from engine.pb.armsreach.v1 import delivery_pb2 as wire
from engine.pb.armsreach.v1.delivery_pb2_grpc import DeliveryServicer as Base
from engine.server import codec
from engine.server.batch_codec import batch_request, batch_requests, batch_response
from engine.service.batch_decided import BatchDecided
from engine.service.delivery import Delivery
from engine.service.explaining import Explaining

_EXPLAINED_ARMS = 3
_BATCHES_AHEAD = 3


class DeliveryServicer(Base):
    """Decides and records."""

    def __init__(self, delivery: Delivery, explaining: Explaining) -> None:
        self._delivery = delivery
        self._explaining = explaining

    async def Decide(self, request: wire.DecideRequest, context: Any) -> wire.DecideResponse:  # noqa: N802, ARG002
        """One shopper."""
        asked, request_id = codec.named(codec.decide_request(request))
        return codec.decide_response(await self._delivery.answer(asked), request_id, request.top_k)

    async def DecideBatch(  # noqa: N802
        self,
        request_iterator: AsyncIterator[wire.DecideBatchRequest],
        context: Any,  # noqa: ARG002
    ) -> AsyncIterator[wire.DecideBatchResponse]:
        """Many shoppers, in columns; an answer per message, in order.

        The next messages are decided while the disk takes in the one before, up to a few, so that memory is bounded.
        """
        begun: deque[tuple[str, BatchDecided]] = deque()
        messages = aiter(request_iterator)
        reading: asyncio.Future[Any] | None = None
        more = True
        trouble: Exception | None = None
        try:
            while more or begun:
                if more and reading is None and len(begun) < _BATCHES_AHEAD:
                    reading = asyncio.ensure_future(anext(messages, None))
                waiting = {future for future in (reading, begun[0][1].durable if begun else None) if future is not None}
                await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
                while begun and begun[0][1].durable.done():
                    tag, decided = begun.popleft()
                    decided.durable.result()
                    yield batch_response(tag, decided.decisions, _snapshot(decided))
                if reading is not None and reading.done():
                    done, reading = reading, None
                    try:
                        request = done.result()
                        if request is not None:
                            begun.append((request.tag, await self._begin(request)))
                        more = request is not None
                    except Exception as error:  # what was decided before is told before
                        trouble, more = error, False
            if trouble is not None:
                raise trouble
        finally:
            if reading is not None:
                reading.cancel()

    async def _begin(self, request: wire.DecideBatchRequest) -> BatchDecided:
        serving = self._delivery.serving(request.campaign)
        dimension = serving.campaign.schema.dimension
        if not request.request_ids:
            return self._delivery.begin_batch(batch_request(request, dimension))
        decisions = await self._delivery.decide_many(batch_requests(request, dimension))
        durable: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        durable.set_result(None)
        return BatchDecided(serving, decisions, durable)

    async def ReportOutcomes(  # noqa: N802
        self,
        request: wire.ReportOutcomesRequest,
        context: Any,  # noqa: ARG002
    ) -> wire.ReportOutcomesResponse:
        """Outcomes and safe answers."""
        recorded = await self._delivery.report(codec.outcome_report(request))
        return wire.ReportOutcomesResponse(accepted=recorded.accepted, duplicates=recorded.duplicates)

    async def Explain(self, request: wire.ExplainRequest, context: Any) -> wire.ExplainResponse:  # noqa: N802, ARG002
        """Why an arm would be, or was, chosen."""
        if request.WhichOneof("what") == "decision_id":
            # Aside, as one of a batch is searched for in all of its bytes.
            decision = await asyncio.to_thread(self._delivery.remembered, request.decision_id)
            if decision is None:
                raise NotFound(
                    "decision_id: this server does not remember it; recent decisions are kept for request_ids.ttl_s,"
                    " older ones are in the exported log"
                )
            if request.campaign and request.campaign != decision.campaign:
                raise NotFound(f"decision_id: it is not of campaign {request.campaign[:64]!r}; leave the campaign out")
            serving = self._delivery.serving(decision.campaign)
            return codec.explain_response(self._explaining.decision(serving, decision))
        if request.WhichOneof("what") is None:
            raise InvalidInput("expected a request or a decision_id", field="what")
        asked = codec.decide_request(request.request)
        serving = self._delivery.serving(asked.campaign)
        inquiry = Inquiry(
            asked.context,
            asked.at or self._delivery.now(),
            asked.channels,
            asked.slots,
            asked.variants,
            asked.time_zone,
        )
        explained = self._explaining.request(serving, asked, inquiry, request.arms or _EXPLAINED_ARMS)
        return codec.explain_response(explained)


def _snapshot(decided: BatchDecided) -> str:
    """The model behind a batch; of one that was decided before, the model of then."""
    if isinstance(decided.decisions, DecisionBlock):
        return decided.decisions.snapshot
    return next((decision.snapshot for decision in decided.decisions if decision.snapshot), "")
