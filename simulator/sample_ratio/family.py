"""Tests of one kind: counts or weights, over the whole log, by period, or by column."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from simulator.arrays import FloatArray, IntArray
from simulator.sample_ratio.bets import Bets
from simulator.sample_ratio.tail import count_p_value

__all__ = ["Family", "bet_family", "by_period", "count_family"]

_LEAST = 1e-9


@dataclass(frozen=True, slots=True, eq=False)
class Family:
    """Tests of one kind, each array of shape (m,).

    Attributes:
        kind: `overall`, `period` or `column`.
        cell: Which period, or which of the columns' cells.
        arm: Arm or group of arms.
        possible: Decisions in which it could be drawn.
        expected: See `SampleRatioAlarm`.
        observed: Likewise.
        z: Likewise.
        p: Likewise.
        period: Period of each slot of time, for the names of periods, shape (slots,).
        pooled: Whether arms are groups, the last of which may stand for several.
    """

    kind: str
    cell: IntArray
    arm: IntArray
    possible: FloatArray
    expected: FloatArray
    observed: FloatArray
    z: FloatArray
    p: FloatArray
    period: IntArray
    pooled: bool


def count_family(kind: str, sums: FloatArray, period: IntArray, dispersion: float, degrees: float) -> Family:
    """Test counts.

    Args:
        kind: See `Family`.
        sums: As `Counts` has them, shape (4, cells, arms).
        period: See `Family`.
        dispersion: What variances are multiplied by.
        degrees: Degrees of freedom of that factor.
    """
    observed, _, expected, squares = sums
    # What cannot vary and did all the same is no matter of chance.
    cell, arm = np.nonzero((expected - squares > _LEAST) | (np.abs(observed - expected) > 0.5))
    observed, possible, expected, squares = sums[:, cell, arm]
    variance = np.maximum(expected - squares, _LEAST)
    z = (observed - expected) / np.sqrt(variance * dispersion)
    p = count_p_value(observed, possible, expected, squares)
    if dispersion > 1.0:
        p = np.maximum(p, 2.0 * student.sf(np.abs(z), degrees))
    p = np.where(expected - squares > _LEAST, p, 0.0)
    return Family(kind, cell, arm, possible, expected, observed, z, p, period, kind != "overall")


def bet_family(kind: str, gains: FloatArray, sums: FloatArray, period: IntArray) -> Family:
    """Test weights.

    Args:
        kind: See `Family`.
        gains: As `Bets` has them, shape (shares, cells, groups).
        sums: Likewise, shape (3, cells, groups).
        period: See `Family`.
    """
    cell, arm = np.nonzero(sums[0] > 0)
    expected, observed, variance = sums[:, cell, arm]
    z = (observed - expected) / np.sqrt(np.maximum(variance, _LEAST))
    p = Bets.p_values(gains[:, cell, arm])
    return Family(kind, cell, arm, expected, expected, observed, z, p, period, True)


def by_period(slots: FloatArray, period: IntArray, periods: int) -> FloatArray:
    """Add up slots of time by period, shape (k, slots, groups) to (k, periods, groups)."""
    sums = [slots[:, period == place].sum(axis=1) for place in range(periods)]
    return np.stack(sums, axis=1) if sums else np.zeros((slots.shape[0], 0, slots.shape[2]))
