"""Reports as data frames, one fact a row."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

import polars as pl

from engine.extras import require
from simulator.diagnostics import Diagnostics
from simulator.report.figures import headline
from simulator.report.leaderboard import LeaderboardRow
from simulator.report.replay_report import Estimate, ReplayReport

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["as_pandas", "diagnostics_frame", "leaderboard_frame", "replay_frame"]

_ESTIMATES: dict[str, Any] = {
    "segment": pl.String, "policy": pl.String, "metric": pl.String, "estimator": pl.String, "headline": pl.Boolean,
    "verdict": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "level": pl.Float64,
    "interval": pl.String, "baseline": pl.String, "lift": pl.Float64, "lift_low": pl.Float64,
    "lift_high": pl.Float64, "lift_share": pl.Float64, "parameter": pl.Float64, "reason": pl.String, "note": pl.String,
}  # fmt: skip
_RANKING: dict[str, Any] = {
    "rank": pl.Int64, "policy": pl.String, "standing": pl.String, "verdict": pl.String, "metric": pl.String,
    "estimator": pl.String, "value": pl.Float64, "low": pl.Float64, "high": pl.Float64, "lift": pl.Float64,
    "lift_low": pl.Float64, "lift_high": pl.Float64, "lift_share": pl.Float64, "notes": pl.List(pl.String),
}  # fmt: skip
_SUPPORT: dict[str, Any] = {
    "segment": pl.String, "policy": pl.String, "verdict": pl.String, "reasons": pl.List(pl.String),
    "fallback_share": pl.Float64,
    **{entry.name: pl.Float64 for entry in fields(Diagnostics)},
    "unsupported_arms": pl.List(pl.String),
}  # fmt: skip


def replay_frame(report: ReplayReport, baseline: str = "logged") -> pl.DataFrame:
    """Make a row a policy, metric and estimator; `segment` is null for the whole log, else the `--by` value.

    Args:
        report: The report.
        baseline: The policy that lifts are differences to; `lift_share` is the lift as a share of its value.
    """
    rows = [row for segment, part in _segments(report) for row in _estimates(segment, part, baseline)]
    return pl.DataFrame(rows, schema=_ESTIMATES, orient="row")


def diagnostics_frame(report: ReplayReport) -> pl.DataFrame:
    """Make a row a policy: effective sample sizes, weights and support; `segment` as in `replay_frame`."""
    rows = []
    for segment, part in _segments(report):
        for policy in part.policies:
            seen = policy.diagnostics
            measured = {entry.name: getattr(seen, entry.name) for entry in fields(seen)}
            rows.append(
                {
                    "segment": segment,
                    "policy": policy.policy,
                    "verdict": policy.verdict.name.value,
                    "reasons": list(policy.verdict.reasons),
                    "fallback_share": policy.fallback_share,
                    **measured,
                    "unsupported_arms": list(seen.unsupported_arms),
                }
            )
    return pl.DataFrame(rows, schema=_SUPPORT)


def leaderboard_frame(rows: Sequence[LeaderboardRow]) -> pl.DataFrame:
    """Make a row a policy, in the order of the ranking."""
    made = [
        (
            rank, row.policy, row.standing.value, row.verdict, row.metric, row.estimator,
            row.value.value, row.value.low, row.value.high, *_lifted(row.lift, row.baseline), list(row.notes),
        )
        for rank, row in enumerate(rows, 1)
    ]  # fmt: skip
    return pl.DataFrame(made, schema=_RANKING, orient="row")


def as_pandas(frame: pl.DataFrame) -> pd.DataFrame:
    """Turn a frame into one of pandas.

    Raises:
        ModuleNotFoundError: When pandas is not installed, naming the extra that brings it.
    """
    require("notebook", "pandas")
    return frame.to_pandas()


def _segments(report: ReplayReport) -> Iterator[tuple[str | None, ReplayReport]]:
    yield None, report
    yield from (report.groups or {}).items()


def _estimates(segment: str | None, report: ReplayReport, baseline: str) -> Iterator[tuple[Any, ...]]:
    against = next((policy.metrics for policy in report.policies if policy.policy == baseline), {})
    for policy in report.policies:
        for key, metric in policy.metrics.items():
            chosen = headline(metric)
            for estimator, one in metric.estimates.items():
                lift = policy.versus.get(baseline, {}).get(key, {}).get(estimator)
                base = against[key].estimates.get(estimator) if key in against else None
                yield (
                    segment, policy.policy, key, estimator, estimator == chosen, metric.verdict.name.value,
                    one.value, one.low, one.high, one.level, one.interval, baseline,
                    *_lifted(lift, base), one.parameter, one.reason, one.note,
                )  # fmt: skip


def _lifted(lift: Estimate | None, base: Estimate | None) -> tuple[float | None, ...]:
    """Give a lift, its ends, and the lift as a share of the baseline's value."""
    if lift is None:
        return None, None, None, None
    divisor = None if base is None or not base.value else abs(base.value)
    return lift.value, lift.low, lift.high, None if lift.value is None or divisor is None else lift.value / divisor
