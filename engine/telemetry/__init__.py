"""What a server tells of itself: counts, gauges, alarms, traces, logs.

`Telemetry` holds the counters of one worker, and is what the composition root plugs in; `Board` is where workers leave
theirs for one another. Nothing here imports prometheus_client or opentelemetry before it is asked to.
"""

from engine.telemetry.board import Board
from engine.telemetry.telemetry import Telemetry

__all__ = ["Board", "Telemetry"]
