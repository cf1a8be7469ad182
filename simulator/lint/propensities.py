"""Checks of the propensity alone."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.arrays import BoolArray
from simulator.lint.check import Check
from simulator.lint.finding import Finding, Severity
from simulator.lint.row_check import RowCheck
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["ConstantPropensity", "RoundedPropensity", "propensity_checks"]

_ONE = 1.0 - 1e-9
_TINY = 1e-4
_EXACT = 1e-4
_NEAR = 2e-2
_MOST_ARMS = 1024


def propensity_checks() -> list[Check]:
    """Make the checks."""
    return [
        RowCheck(
            "single_arm_propensity",
            Severity.ERROR,
            "only one eligible arm, yet a propensity below 1",
            "log every arm that could be drawn in `eligible`, or propensity 1",
            lambda log: np.asarray((log.lengths == 1) & (log.propensity < _ONE)),
        ),
        RowCheck(
            "certain_choice",
            Severity.WARNING,
            "several eligible arms, yet a propensity of 1: nothing was explored",
            "log the probability of the draw, not of the model's best arm; give must-sends the mode forced",
            lambda log: np.asarray(log.valued & (log.lengths > 1) & (log.propensity == 1.0)),
        ),
        RowCheck(
            "tiny_propensity",
            Severity.WARNING,
            "propensity below 0.0001: one row may weigh as much as 10,000",
            "raise the exploration floor; read effective sample sizes before values",
            lambda log: np.asarray(log.valued & (log.propensity < _TINY)),
        ),
        ConstantPropensity(),
        RoundedPropensity(),
    ]


class ConstantPropensity:
    """Finds one propensity in all rows, though it should differ or cannot sum to 1."""

    def __init__(self) -> None:
        self._rows = Tally()
        self._low, self._high = np.inf, 0.0
        self._fewest, self._most = np.iinfo(np.int64).max, 0
        self._played: set[str] = set()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        rows = _choices(log)
        if not rows.any():
            return
        self._rows.add(log, rows)
        propensity, lengths = log.propensity[rows], log.lengths[rows]
        self._low, self._high = min(self._low, propensity.min()), max(self._high, propensity.max())
        self._fewest, self._most = min(self._fewest, lengths.min()), max(self._most, lengths.max())
        if len(self._played) < _MOST_ARMS:
            self._played |= {log.arms[code] for code in np.unique(log.arm[rows])}

    def finish(self) -> Iterable[Finding]:
        """Tell whether the one propensity is doubtful."""
        if not self._rows or self._low < self._high or self._low == 1.0:
            return
        p, arms = self._low, len(self._played)
        if self._fewest < self._most:
            odd = f"though from {self._fewest} to {self._most} arms were eligible"
        elif abs(p * self._most - 1.0) > _NEAR and p * arms > 1.0 + _NEAR:
            odd = f"though {self._most} arms were eligible and {arms} played"
        else:
            return
        yield self._rows.finding(
            "constant_propensity",
            Severity.WARNING,
            f"propensity {p:.6g} in every row, {odd}",
            "log the probability of each draw",
        )


class RoundedPropensity:
    """Finds propensities with too few digits."""

    def __init__(self) -> None:
        self._rows = Tally()
        self._all, self._uniform = True, True
        self._values: set[float] = set()
        self._low = 1.0
        self._off = 0.0

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        rows = _choices(log)
        if not self._all or not rows.any():
            return
        propensity, lengths = log.propensity[rows], log.lengths[rows]
        hundredths = propensity * 100.0
        off = np.abs(propensity * lengths - 1.0)
        self._uniform &= bool((off < _NEAR).all())
        self._off = max(self._off, float(off.max()))
        self._all = bool((np.abs(propensity * 1000.0 - np.round(propensity * 1000.0)) < 1e-9).all()) and (
            self._uniform or bool((np.abs(hundredths - np.round(hundredths)) < 1e-9).all())
        )
        self._values |= set(np.unique(propensity).tolist())
        self._low = min(self._low, float(propensity.min()))
        self._rows.add(log, rows)

    def finish(self) -> Iterable[Finding]:
        """Tell whether rounding moves weights."""
        if not self._rows or not self._all:
            return
        if self._uniform and self._off > _EXACT:
            off = self._off
        elif not self._uniform and len(self._values) >= 8:
            off = 0.005 / self._low
        else:
            return
        yield self._rows.finding(
            "rounded_propensity",
            Severity.WARNING,
            f"propensities are rounded: weights may be off by {off:.2g} of their value",
            "log propensities with all their digits",
        )


def _choices(log: Log) -> BoolArray:
    return np.asarray(log.valued & (log.lengths > 1))
