"""Finds purchases far above all others."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from simulator.lint.bins import Bins
from simulator.lint.finding import Finding, Severity
from simulator.log import Log

__all__ = ["PurchaseValues"]

_PER_DOUBLING = 4
_TIMES = 25.0
_FEWEST = 100


class PurchaseValues:
    """Bins purchases by quarters of a doubling; odd are those over 25 times what 99 % stay below.

    Log-normal spend with σ = 1.5 has its largest of 100,000 purchases at about 20 times that.
    """

    def __init__(self) -> None:
        self._bins = Bins()

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        outcomes = log.outcomes
        if "purchase" not in outcomes.kinds:
            return
        bought = (outcomes.kind == outcomes.kinds.index("purchase")) & (outcomes.value > 0)
        row = outcomes.row[bought]
        doublings = np.floor(_PER_DOUBLING * np.log2(outcomes.value[bought])).astype(np.int64)
        self._bins.add(doublings, log.line[row], log.count[row])

    def finish(self) -> Iterable[Finding]:
        """Tell how many are far above."""
        if self._bins.decisions < _FEWEST:
            return
        usual = self._bins.quantile(0.99) + 1
        decisions, lines = self._bins.outside(-np.inf, usual - 1 + _PER_DOUBLING * np.log2(_TIMES))
        if decisions:
            yield Finding(
                "purchase_outlier",
                Severity.WARNING,
                f"a purchase of over {_TIMES:g} times {2.0 ** (usual / _PER_DOUBLING):.3g}, which 99 % stay below",
                tuple(lines),
                decisions,
                "check units and test orders; cut revenue off with --reward-max",
            )
