"""One serving process: listens, keeps snapshots fresh, says how it is, and drains before it stops."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import aio as async_health  # type: ignore[attr-defined]
from grpc_reflection.v1alpha import reflection

from engine.config import ServerSettings, Settings
from engine.config_access import SecuritySettings
from engine.core.errors import ResourceExhausted, Unavailable
from engine.journal import JournalFailed
from engine.pb.armsreach.v1 import (
    campaigns_pb2,
    campaigns_pb2_grpc,
    delivery_pb2,
    delivery_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
)
from engine.server.access import ClientRates, NoRates, PeerGate, Sizes, TokenGate, Tokens, server_credentials
from engine.server.campaigns_servicer import CampaignsServicer
from engine.server.channel_options import channel_options
from engine.server.delivery_servicer import DeliveryServicer
from engine.server.free_port import is_free
from engine.server.grpc_calls import BareServer, GrpcCalls
from engine.server.guarded import Gate, Guarded, methods_of
from engine.server.health_report import HealthReport
from engine.server.intake import Intake
from engine.server.models_servicer import ModelsServicer
from engine.server.pending import Pending
from engine.server.statuses import status_of
from engine.store.access import TokenFile
from engine.wiring import Worker

if TYPE_CHECKING:
    from engine.telemetry.endpoint import MetricsEndpoint

log = logging.getLogger(__name__)

_HEALTH_S = 0.2
_RETENTION_S = 600.0

SERVICES = tuple(
    module.DESCRIPTOR.services_by_name[name].full_name
    for module, name in ((delivery_pb2, "Delivery"), (campaigns_pb2, "Campaigns"), (models_pb2, "Models"))
)

BOUNDED = tuple(f"/{SERVICES[0]}/{name}" for name in ("Decide", "ReportOutcomes", "Explain"))


class Server:
    """A gRPC server around one worker.

    Attributes:
        port: Where it listens, once started.
        calls: Plain calls of `Delivery` under way.
        streams: Batch streams under way.
    """

    def __init__(self, settings: Settings, worker: Worker) -> None:
        self._settings = settings
        self._worker = worker
        self._health = async_health.HealthServicer()
        self._report = HealthReport(self._health, SERVICES, worker.telemetry)
        self._tasks: list[asyncio.Task[None]] = []
        self._failing = False
        bare = BareServer(channel_options(settings.server), BOUNDED)
        self._grpc = cast("grpc.aio.Server", bare)  # which the stubs of grpc do not know
        self._takes_calls = bare.is_running
        self.port = 0
        self._metrics: MetricsEndpoint | None = None
        gate, watch = gate_of(settings, settings.server.workers), worker.telemetry.calls
        place = settings.server
        self.calls = Pending(place.max_pending, "server.max_pending")
        self.streams = Pending(place.max_streams, "server.max_streams")
        self._intake = Intake(
            GrpcCalls(bare, status_of(no_turn(place))), BOUNDED, place.max_pending, place.max_wait_ms / 1e3, watch,
            at_work=lambda: self.calls.under_way,
        )  # fmt: skip
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
            calls, streams = (self.calls, self.streams) if name == "Delivery" else (None, None)
            register(Guarded(traced, methods, gate, watch, calls, streams, settings.server.stream_idle_s), self._grpc)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        reflection.enable_server_reflection(
            (*SERVICES, health_pb2.DESCRIPTOR.services_by_name["Health"].full_name, reflection.SERVICE_NAME), self._grpc
        )

    async def start(self) -> None:
        """Listen and serve.

        Raises:
            ConfigError: If certificate, key or authority cannot be used.
            Unavailable: If the address is taken.
        """
        place = self._settings.server
        address = f"{place.host}:{place.port}"
        taken = Unavailable(
            f"cannot listen on {address}: it is taken, or not this machine's; choose another server.port or --port"
        )
        if place.port and place.workers == 1 and not is_free(place.host, place.port):
            raise taken  # of several workers' port the supervisor makes sure
        try:
            self.port = listen(self._grpc, address, self._settings.security)
        except RuntimeError:
            raise taken from None
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
            *(
                [asyncio.create_task(_every(self._settings.caps_table.checkpoint_s, self._keep_caps))]
                if self._settings.caps_table.checkpoint_s
                else []
            ),
            asyncio.create_task(_every(_HEALTH_S, self._report.look)),
            asyncio.create_task(_every(self._settings.poll_s, self._forget)),
        ]
        if self._worker.number == 0:
            self._tasks.append(asyncio.create_task(_every(_RETENTION_S, self._retain)))
        self._intake.begin()  # at last: a server that fails to start must not have asked for calls

    async def _refresh(self) -> None:
        await self._worker.refresh()

    async def _forget(self) -> None:
        await self._worker.desk.look()

    async def _retain(self) -> None:
        await asyncio.to_thread(self._worker.retention.remove, self._worker.clock.now())

    async def _keep_caps(self) -> None:
        await self._worker.keep_caps(self._settings)

    async def _mark(self) -> None:
        """Write a heartbeat. While the journal fails nothing is acknowledged, and health says so; then it goes on."""
        try:
            await self._worker.mark()
        except JournalFailed as error:
            if not self._failing:
                log.error("decisions and outcomes are refused: %s", error)
                self._failing = True
            with contextlib.suppress(JournalFailed):
                await self._worker.reopen()
                self._failing = False
                log.warning("the journal is written again, in a new segment")

    async def fails(self) -> BaseException | None:
        """Wait until grpc takes no more calls; why, as far as it says."""
        while self._takes_calls():
            await asyncio.sleep(_HEALTH_S)
        try:
            await self._grpc.wait_for_termination(0.0)
        except Exception as error:
            return error
        return None

    async def stop(self) -> None:
        """Drain: say NOT_SERVING, take no new calls, let running ones finish, then make all durable and let go."""
        await self._health.enter_graceful_shutdown()
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with contextlib.suppress(asyncio.CancelledError):
                await task
        self._intake.end()
        await self._grpc.stop(self._settings.server.drain_s)
        await self._intake.close()
        if self._metrics is not None:
            await asyncio.to_thread(self._metrics.close)
        await self._worker.close()


def no_turn(place: ServerSettings) -> ResourceExhausted:
    """What a call hears that waited in vain."""
    return ResourceExhausted(
        f"expected a turn within {place.max_wait_ms:g} ms (server.max_wait_ms), and more calls came than can be served,"
        f" {place.max_pending} at a time (server.max_pending); try again later"
    )


def gate_of(settings: Settings, workers: int = 1) -> Gate:
    """Who may call, as the settings say.

    Args:
        settings: All settings.
        workers: How many processes share the clients of this host; each grants its part of their rate.

    Raises:
        ConfigError: If the file of tokens cannot be used.
        FailedPrecondition: If others than its owner may write it.
    """
    limits = settings.limits
    sizes = Sizes(limits.decide_kb << 10, limits.call_kb << 10)
    if settings.security.tokens:
        rates = ClientRates(limits.rows_per_s, limits.burst_s, workers)
        return TokenGate(Tokens(TokenFile(settings.tokens_file)), rates, sizes)
    return PeerGate(ClientRates(limits.rows_per_s, limits.burst_s, workers) if limits.rows_per_s else NoRates(), sizes)


def listen(server: grpc.aio.Server, address: str, security: SecuritySettings) -> int:
    """Add the port that the settings ask for: with TLS where there is a certificate, else in plain text.

    Returns:
        The port's number.

    Raises:
        ConfigError: If certificate, key or authority cannot be used.
        RuntimeError: If the address is taken.
    """
    if not security.certificate:
        return server.add_insecure_port(address)
    authority = Path(security.client_ca) if security.client_ca else None
    credentials = server_credentials(Path(security.certificate), Path(security.key), authority)
    return server.add_secure_port(address, credentials)


async def _every(seconds: float, act: Callable[[], Awaitable[None]]) -> None:
    """Do something again and again; a failure is logged and the next turn tries again."""
    while True:
        await asyncio.sleep(seconds)
        try:
            await act()
        except Exception:
            log.exception("a background task failed; trying again in %g s", seconds)
