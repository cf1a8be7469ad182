"""One serving process: listens, keeps snapshots fresh, says how it is, and drains before it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as async_health  # type: ignore[attr-defined]
from grpc_reflection.v1alpha import reflection

from engine.config import Settings
from engine.core.errors import Unavailable
from engine.pb.armsreach.v1 import (
    campaigns_pb2,
    campaigns_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from engine.server.campaigns_servicer import CampaignsServicer
from engine.server.delivery_servicer import DeliveryServicer
from engine.server.guarded import Guarded, OpenGate, methods_of
from engine.server.health_report import HealthReport
from engine.server.models_servicer import ModelsServicer
from engine.wiring import Worker

if TYPE_CHECKING:
    from engine.telemetry.endpoint import MetricsEndpoint

log = logging.getLogger(__name__)

_HEALTH_S = 0.2

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in ((delivery_pb2, "Delivery"), (campaigns_pb2, "Campaigns"), (models_pb2, "Models"))
)


class Server:
    """A gRPC server around one worker.

    Attributes:
        port: Where it listens, once started.
    """

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self._settings = settings
        self._worker = worker
        self._health = async_health.HealthServicer()
        self._report = HealthReport(self._health, SERVICES, worker.telemetry)
        self._tasks: list[asyncio.Task[None]] = []
        size = settings.server.max_message_mb << 20
        self._grpc = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", size),
                ("grpc.max_send_message_length", size),
                ("grpc.so_reuseport", int(settings.server.workers > 1)),
            ],
        )
        self.port = 0
        self._metrics: MetricsEndpoint | None = None
        gate, watch = OpenGate(), worker.telemetry.calls
        for module, name, add, servicer in (
            (delivery_pb2, "Delivery", delivery_pb2_grpc.add_DeliveryServicer_to_server,
             DeliveryServicer(worker.delivery, worker.explaining)),
            (campaigns_pb2, "Campaigns", campaigns_pb2_grpc.add_CampaignsServicer_to_server,
             CampaignsServicer(worker.campaigns, worker.refresh)),
            (models_pb2, "Models", models_pb2_grpc.add_ModelsServicer_to_server,
             ModelsServicer(worker.models, worker.campaigns, worker.refresh)),
        ):  # fmt: skip
            methods = methods_of(module.DESCRIPTOR.services_by_name[name])
            register: Any = add
            traced = worker.telemetry.tracing.traced(servicer, methods)
            register(Guarded(traced, methods, gate, watch), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection(
            (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME), self._grpc
        )

    async def start(self) -> None:
        """Listen and serve.

        Raises:
            Unavailable: If the address is taken.
        """
        address = f"{self._settings.server.host}:{self._settings.server.port}"
        try:
            self.port = self._grpc.add_insecure_port(address)
        except RuntimeError:
            raise Unavailable(
                f"cannot listen on {address}: it is taken, or not this machine's; choose another server.port or --port"
            ) from None
        await self._grpc.start()
        await self._report.look()
        self._worker.telemetry.start()
        telemetry = self._settings.telemetry
        if telemetry.metrics_port:
            from engine.telemetry.endpoint import MetricsEndpoint  # brings an HTTP server, which others do without

            self._metrics = MetricsEndpoint(self._worker.telemetry, telemetry.metrics_host, telemetry.metrics_port)
        self._tasks = [
            asyncio.create_task(_every(self._settings.poll_s, self._refresh)),
            asyncio.create_task(_every(self._settings.journal.mark_s, self._mark)),
            asyncio.create_task(_every(_HEALTH_S, self._report.look)),
        ]

    async def _refresh(self) -> None:
        await self._worker.refresh()

    async def _mark(self) -> None:
        await self._worker.mark()

    async def stop(self) -> None:
        """Drain: say NOT_SERVING, take no new calls, let running ones finish, then make all durable and let go."""
        await self._health.enter_graceful_shutdown()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._grpc.stop(self._settings.server.drain_s)
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)
        await self._worker.close()


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again; a failure is logged and the next turn tries again."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except Exception:
            log.exception("a background task failed; trying again in %g s", seconds)
