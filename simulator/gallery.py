"""Adds up what a report draws: weights, support, value over time, calibration."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from scipy.stats import norm

from simulator.arrays import FloatArray, IntArray
from simulator.bench import Part
from simulator.log import HOLD, NO_TIME
from simulator.log_facts import LogFacts
from simulator.metric import HOLD_PREFIX, Metric
from simulator.policies import PolicyAnswer
from simulator.policies.arm_features import arm_cell
from simulator.quantities import Quantities
from simulator.report.pictures import (
    BarOfWeights,
    CellSupport,
    LogPictures,
    PointInTime,
    PolicyPictures,
    Reliability,
)
from simulator.timestamps import rfc3339

__all__ = ["LogGallery", "Periods", "PolicyGallery"]

_EDGES = (0.0, 0.1, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 100.0, 300.0, 1000.0)
_PERIODS = 12
_BINS = 10


class Periods:
    """Parts the time of a log into up to twelve periods of about equally many decisions."""

    def __init__(self, facts: LogFacts) -> None:
        timed = np.sort(facts.decided_at[facts.decided_at != NO_TIME])
        self.starts: IntArray = (
            np.unique(timed[(np.arange(_PERIODS) * timed.size) // _PERIODS]) if timed.size else timed
        )

    def of(self, decided_at: IntArray) -> IntArray:
        """Give the period of each row, −1 where it has no time, shape (n,)."""
        place = np.searchsorted(self.starts, decided_at, side="right") - 1
        return np.where(decided_at == NO_TIME, -1, place)


class PolicyGallery:
    """One policy's pictures, chunk by chunk.

    Args:
        facts: What is known of the log.
        periods: Of its time.
        metric: What is shown over time: self-normalised, with intervals by the delta method over users.
        buckets: Number of buckets of users.
    """

    def __init__(self, facts: LogFacts, periods: Periods, metric: Metric, buckets: int) -> None:
        self._facts, self._periods, self._metric = facts, periods, metric
        self._weights = np.zeros(len(_EDGES))
        self._by_arm = np.zeros((4, len(facts.log.arms)))
        shape = (2, periods.starts.size, buckets)
        self._over_time = np.zeros(shape)
        self._decisions = np.zeros(periods.starts.size)

    def add(self, part: Part, answer: PolicyAnswer) -> None:
        """Take the rows of a part into account."""
        log, arms = part.log, self._by_arm.shape[1]
        matched = answer.probabilities[log.chosen_at]
        weight = np.ones(log.rows) if answer.on_policy else matched / log.propensity
        bar = np.searchsorted(_EDGES, weight, side="right") - 1
        self._weights += np.bincount(bar, weights=log.count, minlength=len(_EDGES))
        counted = answer.probabilities * np.repeat(log.count, log.lengths)
        self._by_arm[0] += np.bincount(log.arm, weights=log.count, minlength=arms)
        self._by_arm[1] += np.bincount(log.eligible, weights=counted, minlength=arms)
        self._by_arm[2] += np.bincount(log.arm, weights=log.count * weight, minlength=arms)
        self._by_arm[3] += np.bincount(log.arm, weights=log.count * weight**2, minlength=arms)
        self._add_times(part, weight)

    def _add_times(self, part: Part, weight: FloatArray) -> None:
        period = self._periods.of(part.log.decided_at)
        timed = period >= 0
        if not timed.any():
            return
        top = _combined(self._metric.numerator, part.quantities, part.log.rows)
        bottom = np.ones(part.log.rows)
        if self._metric.denominator:
            bottom = _combined(self._metric.denominator, part.quantities, part.log.rows)
        for side, values in enumerate((top, bottom)):
            place = (np.full(int(timed.sum()), side), period[timed], part.bucket[timed])
            np.add.at(self._over_time, place, (weight * values * part.within)[timed])
        self._decisions += np.bincount(period[timed], weights=part.log.count[timed], minlength=self._decisions.size)

    def pictures(self, multiplicity: FloatArray, level: float) -> PolicyPictures:
        """Give the plain numbers."""
        total = max(float(self._weights.sum()), 1.0)
        highs = (*_EDGES[1:], None)
        bars = [
            BarOfWeights(low, high, float(count) / total)
            for low, high, count in zip(_EDGES, highs, self._weights, strict=True)
        ]
        while len(bars) > 1 and not bars[-1].share:
            bars.pop()
        times = tuple(self._point(number, multiplicity, level) for number in range(self._decisions.size))
        return PolicyPictures(tuple(bars), tuple(self._support()), times)

    def _support(self) -> list[CellSupport]:
        cells: dict[tuple[str, str], FloatArray] = {}
        for place, arm in enumerate(self._facts.log.arms):
            cell = (HOLD, "") if arm == HOLD else arm_cell(self._facts.log, arm)
            cells[cell] = cells.get(cell, np.zeros(4)) + self._by_arm[:, place]
        total = max(float(self._by_arm[0].sum()), 1.0)
        return [
            CellSupport(
                channel,
                slot,
                float(sums[0]) / total,
                float(sums[1]) / total,
                float(sums[2]) ** 2 / float(sums[3]) if sums[3] else 0.0,
            )
            for (channel, slot), sums in sorted(cells.items())
            if sums[0] or sums[1]
        ]

    def _point(self, number: int, multiplicity: FloatArray, level: float) -> PointInTime:
        top, bottom = self._over_time[:, number]
        start, decisions = rfc3339(int(self._periods.starts[number])), int(self._decisions[number])
        below = float(multiplicity @ bottom)
        if not below > 0.0:
            return PointInTime(start, None, None, None, decisions)
        value = float(multiplicity @ top) / below
        spread = float(np.sqrt(multiplicity @ (top - value * bottom) ** 2)) / below
        half = float(norm.ppf((1 + level) / 2)) * spread
        return PointInTime(start, value, value - half, value + half, decisions)


class LogGallery:
    """How well a reward model's predictions are calibrated, each by a model that has not seen its row.

    Bins are tenths of the predictions of the first chunk.

    Args:
        quantity: What is predicted.
    """

    def __init__(self, quantity: str) -> None:
        self._quantity = quantity
        self._edges: FloatArray | None = None
        self._sums = np.zeros((3, _BINS))

    def add(self, part: Part) -> None:
        """Take the rows of a part into account."""
        predicted = part.predicted(self._quantity)[part.log.chosen_at]
        if self._edges is None:
            self._edges = np.quantile(predicted, np.arange(1, _BINS) / _BINS)
        place = np.searchsorted(self._edges, predicted, side="right")
        for row, values in enumerate((np.ones(predicted.size), predicted, part.quantities[self._quantity])):
            self._sums[row] += np.bincount(place, weights=values * part.log.count, minlength=_BINS)

    def pictures(self) -> LogPictures:
        """Give the plain numbers."""
        found = [
            Reliability(float(predicted / n), float(observed / n), int(n))
            for n, predicted, observed in self._sums.T
            if n
        ]
        return LogPictures(self._quantity, tuple(found))


def _combined(combination: Mapping[str, float], quantities: Quantities, rows: int) -> FloatArray:
    """Add up the policy's own quantities of a metric, shape (rows,)."""
    total = np.zeros(rows)
    for name, factor in combination.items():
        if not name.startswith(HOLD_PREFIX):
            total += factor * quantities[name]
    return total
