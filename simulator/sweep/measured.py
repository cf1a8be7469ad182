"""What one rung showed of one candidate."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from simulator.arrays import FloatArray
from simulator.report.replay_report import Estimate
from simulator.statistic import Statistic

__all__ = ["Measured", "studentised"]


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """A candidate's paired lift on today's policy, with all that selection needs; plain, so that it can be kept.

    Attributes:
        lift: Paired difference, in units of the metric; NaN where there is none.
        deviation: Its standard error over users.
        studentised: (replicate − lift) / standard error of the replicate, in each of R resamples, shape (R,). Resamples
            draw the same users for every candidate, so that a maximum over candidates can be taken in each.
        verdict: trusted, weak or refused.
        reasons: Why it is not trusted.
        value: The metric under the candidate.
        difference: The lift with the interval that it has alone.
        baseline: The metric under today's policy, on the same rows.
        notes: What a reader should know.
    """

    lift: float
    deviation: float
    studentised: FloatArray
    verdict: str
    reasons: tuple[str, ...]
    value: Estimate
    difference: Estimate
    baseline: Estimate
    notes: tuple[str, ...] = ()

    @classmethod
    def failed(cls, reason: str, level: float, interval: str) -> Measured:
        """A candidate that could not be valued, and why."""
        none = Estimate(None, None, None, level, interval, reason)
        return cls(math.nan, math.nan, np.zeros(0), "refused", (reason,), none, none, none)

    @property
    def believed(self) -> bool:
        """Whether there is a lift, and a verdict on it."""
        return self.verdict != "refused" and bool(np.isfinite([self.lift, self.deviation]).all())

    def to_json(self) -> dict[str, Any]:
        """Plain data; NaN becomes null."""
        return {
            "lift": _plain(self.lift),
            "deviation": _plain(self.deviation),
            "studentised": [_plain(one) for one in self.studentised.tolist()],
            "verdict": self.verdict,
            "reasons": list(self.reasons),
            "value": self.value.to_json(),
            "difference": self.difference.to_json(),
            "baseline": self.baseline.to_json(),
            "notes": list(self.notes),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Measured:
        """The reverse of `to_json`."""
        return cls(
            _number(data["lift"]),
            _number(data["deviation"]),
            np.array([_number(one) for one in data["studentised"]], dtype=np.float64),
            str(data["verdict"]),
            tuple(data["reasons"]),
            Estimate(**data["value"]),
            Estimate(**data["difference"]),
            Estimate(**data["baseline"]),
            tuple(data["notes"]),
        )


def studentised(statistic: Statistic) -> tuple[float, FloatArray]:
    """Give a statistic's standard error, and how far off its replicates are, each in its own standard error.

    Source: Efron and Tibshirani, An Introduction to the Bootstrap (1993), §12.5.
    """
    deviations, away = statistic.deviations, statistic.replicates - statistic.point
    with np.errstate(divide="ignore", invalid="ignore"):
        # A resample without any rewarded user is infinitely far off in its own measure, not undefined.
        return float(deviations[0]), np.where(away == 0.0, 0.0, away / deviations[1:])


def _plain(value: float) -> float | str | None:
    if math.isnan(value):
        return None
    return value if math.isfinite(value) else ("inf" if value > 0 else "-inf")


def _number(value: float | str | None) -> float:
    return math.nan if value is None else float(value)
