"""`python -m engine alarms` against a real server."""

import os
import subprocess
import sys
import time
from collections.abc import Callable
from typing import Any

from engine.client import Client
from engine.telemetry.alarm import ALARMS


def alarms(port: int, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "engine", "alarms", "--metrics", f"127.0.0.1:{port}", *options]
    environment = {**os.environ, "COLUMNS": "500"}
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, env=environment)


def test_none_some_and_nobody_there(
    watched_server: Callable[..., Any], connect: Callable[..., Client], make_campaign: Callable[..., dict[str, Any]]
) -> None:
    server = watched_server(learner=True, stale_snapshot_s=0.001)
    calm = alarms(server.metrics_port, "--check")
    assert (calm.returncode, calm.stdout.strip()) == (0, "no alarms")
    short = {"click": 0.2, "unsubscribe": 0.2, "purchase": 0.2, "refund": 0.2, "cost": 0.2, "not_sent": 0.2}
    with connect(server) as client:
        client.create_campaign(make_campaign(windows_s=short, publishing={"every_decisions": 5}))
        ends = time.monotonic() + 30
        while time.monotonic() < ends and 'armsreach_alarm{campaign="promo",name="snapshot_stale"}' not in (
            server.metrics()
        ):
            client.decide("promo", user="u", embedding=[0.0] * 4)
            time.sleep(0.1)
    stale = alarms(server.metrics_port)
    assert stale.returncode == 0
    assert "snapshot_stale" in stale.stdout
    assert ALARMS["snapshot_stale"].action in stale.stdout
    assert alarms(server.metrics_port, "--check").returncode == 1
    server.stop()
    away = alarms(server.metrics_port)
    assert away.returncode == 2
    assert "telemetry.metrics_port" in away.stderr
