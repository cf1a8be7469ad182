"""Which name says what, when; and only on a change."""

from typing import Any

from grpc_health.v1.health_pb2 import HealthCheckResponse

from engine.config import TelemetrySettings
from engine.server.health_report import JOURNAL, SNAPSHOTS, HealthReport
from engine.telemetry import Telemetry
from engine.telemetry.commit_counts import CommitCounts

SERVING, NOT_SERVING = HealthCheckResponse.SERVING, HealthCheckResponse.NOT_SERVING


class Health:
    def __init__(self) -> None:
        self.of: dict[str, int] = {}
        self.calls = 0

    async def set(self, name: str, status: Any) -> None:
        self.of[name] = status
        self.calls += 1


class Clock:
    s = 0.0

    def __call__(self) -> float:
        return self.s


async def test_a_stuck_or_failed_journal_takes_the_server_out_and_a_stale_model_does_not() -> None:
    health, telemetry, clock = Health(), Telemetry(TelemetrySettings(stuck_commit_s=5.0)), Clock()
    telemetry.commits = CommitCounts(clock, clock)
    report = HealthReport(health, ["armsreach.v1.Delivery"], telemetry)
    await report.look()
    assert health.of == dict.fromkeys(("", "armsreach.v1.Delivery", JOURNAL, SNAPSHOTS), SERVING)
    said = health.calls
    await report.look()
    assert health.calls == said

    telemetry.alarms.raise_("snapshot_stale", "promo", 0.0)
    await report.look()
    assert (health.of[SNAPSHOTS], health.of[""], health.of[JOURNAL]) == (NOT_SERVING, SERVING, SERVING)

    telemetry.commits.began()
    clock.s = 5.1
    await report.look()
    assert (health.of[""], health.of["armsreach.v1.Delivery"], health.of[JOURNAL]) == (NOT_SERVING,) * 3
    telemetry.commits.ended(5.1, True)
    telemetry.alarms.clear("snapshot_stale", "promo")
    await report.look()
    assert set(health.of.values()) == {SERVING}
    telemetry.commits.ended(0.1, False)
    await report.look()
    assert health.of[""] == health.of[JOURNAL] == NOT_SERVING
