"""Checks of the probabilities kept beside the propensity."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray
from simulator.lint.check import Check
from simulator.lint.finding import Severity
from simulator.lint.row_check import RowCheck
from simulator.log import Log

__all__ = ["probability_checks"]

_RELATIVE = 1e-4
_SUM = 2e-6


def probability_checks() -> list[Check]:
    """Make the checks."""
    return [
        RowCheck(
            "probability_disagrees",
            Severity.ERROR,
            "probabilities disagree with propensity by more than 1e-4 relative; propensity is used",
            "log both from the distribution that was drawn from",
            _disagrees,
        ),
        RowCheck(
            "probability_sum",
            Severity.INFO,
            "probabilities sum to 1 within 1e-5 only",
            "write probabilities with all their digits",
            _sum_is_rough,
        ),
        RowCheck(
            "probability_partly_missing",
            Severity.INFO,
            "probabilities are kept for some of the eligible arms only",
            "keep all: counts can then be tested against them, and more estimators apply",
            _partly_missing,
        ),
        RowCheck(
            "probability_zero",
            Severity.INFO,
            "eligible arms have probability 0: policies that play them there have no support",
            "explore every eligible arm, or leave it out of `eligible`",
            _zero,
        ),
    ]


def _disagrees(log: Log) -> BoolArray:
    recorded = log.probabilities[log.chosen_at]
    return np.asarray(~np.isnan(recorded) & (np.abs(recorded - log.propensity) > _RELATIVE * log.propensity))


def _sum_is_rough(log: Log) -> BoolArray:
    # A row with a probability that was not kept sums to NaN, and passes.
    return np.asarray(np.abs(log.row_sums(log.probabilities) - 1.0) > _SUM)


def _partly_missing(log: Log) -> BoolArray:
    missing = log.row_sums(np.isnan(log.probabilities).astype(np.float64))
    return np.asarray((missing > 0) & (missing < log.lengths))


def _zero(log: Log) -> BoolArray:
    zero = log.probabilities == 0.0
    zero[log.chosen_at] = False
    return np.asarray(log.valued & (log.row_sums(zero.astype(np.float64)) > 0))
