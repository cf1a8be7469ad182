"""Replays policies on decision logs: what they would have earned, and whether the log can tell.

>>> from simulator import Log, ReplaySettings, evaluate
"""

from engine.extras import require

require("simulator", "polars", "pyarrow", "scipy", "sklearn")

from simulator.evaluate import evaluate
from simulator.log import Log
from simulator.log_builder import LogBuilder
from simulator.log_writer import write_log
from simulator.replay_settings import ReplaySettings
from simulator.report.replay_report import Estimate, PolicyReport, ReplayReport
from simulator.sweep.run import sweep
from simulator.sweep.space import Space
from simulator.sweep.sweep_report import SweepReport
from simulator.thresholds import Thresholds
from simulator.unusable_log import UnusableLog

__all__ = [
    "Estimate",
    "Log",
    "LogBuilder",
    "PolicyReport",
    "ReplayReport",
    "ReplaySettings",
    "Space",
    "SweepReport",
    "Thresholds",
    "UnusableLog",
    "evaluate",
    "sweep",
    "write_log",
]
