"""What health says: whether the server can answer, and apart from that, how its journal and its models are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from grpc_health.v1 import health_pb2

from engine.telemetry import Telemetry

JOURNAL = "armsreach.journal"
SNAPSHOTS = "armsreach.snapshots"


class HealthReport:
    """Tells the health service of every change.

    A journal that is stuck or failed makes the whole server NOT_SERVING, as every answer waits for it. Models that are
    too old, or that cannot be served, are said under `armsreach.snapshots` alone: such a server decides well enough to
    stay in its load balancer.
    """

    def __init__(self, health: Any, services: Sequence[str], telemetry: Telemetry) -> None:
        """Say nothing yet.

        Args:
            health: The asynchronous `HealthServicer`.
            services: Names that stand for the whole server.
            telemetry: Knows how things are.
        """
        self._health = health
        self._services = ("", *services, JOURNAL)
        self._telemetry = telemetry
        self._said: dict[str, int] = {}

    async def look(self) -> None:
        """Say what has changed since the last look."""
        commits, raised = self._telemetry.commits, list(self._telemetry.alarms.raised)
        stuck = commits.failing or commits.under_way_s > self._telemetry.settings.stuck_commit_s
        stale = any(alarm in ("snapshot_stale", "snapshot_refused") for alarm, _ in raised)
        for name in self._services:
            await self._say(name, not stuck)
        await self._say(SNAPSHOTS, not stale)

    async def _say(self, name: str, well: bool) -> None:
        status = health_pb2.HealthCheckResponse.SERVING if well else health_pb2.HealthCheckResponse.NOT_SERVING
        if self._said.get(name) != status:
            self._said[name] = status
            await self._health.set(name, status)
