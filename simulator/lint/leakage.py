"""Finds context columns that know the outcome."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray, IntArray
from simulator.column_levels import ColumnLevels
from simulator.lint.finding import Finding, Severity
from simulator.lint.modes import any_outcome
from simulator.lint.tally import Tally
from simulator.log import Log

__all__ = ["OutcomeInContext"]

_KINDS = ("click", "purchase")
_LEVELS, _BINS = 256, 32
_COLUMNS = 256
_AUC = 0.95
_FEWEST = 20


class OutcomeInContext:
    """Tells outcomes from one column alone: levels ordered by their rate in odd rows, judged on even rows (AUC).

    What is known before a decision hardly tells a click or purchase from none; an area under the curve over 0.95
    means that the column was filled in, or changed, after the outcome.
    """

    def __init__(self) -> None:
        self._columns: dict[str, tuple[ColumnLevels, NDArray[np.float64]]] = {}
        self._all: FloatArray = np.zeros((len(_KINDS), 4))
        self._tallies = [Tally() for _ in _KINDS]

    def add(self, log: Log) -> None:
        """Take the next chunk."""
        happened = [any_outcome(log, kind) for kind in _KINDS]
        # 0 and 1: even rows without and with the outcome; 2 and 3: odd rows.
        classes = [2 * (log.line % 2) + rows for rows in happened]
        for kind, rows in enumerate(happened):
            self._tallies[kind].add(log, rows)
            self._all[kind] += np.bincount(classes[kind], log.count, minlength=4)
        for name in sorted(log.context):
            if name not in self._columns:
                if len(self._columns) == _COLUMNS:
                    continue
                levels = ColumnLevels(name, _LEVELS, _BINS)
                self._columns[name] = levels, np.zeros((len(_KINDS), levels.size, 4))
            levels, sums = self._columns[name]
            codes = levels.codes(log.context.factor(name))
            for kind, own in enumerate(classes):
                sums[kind] += np.bincount(codes * 4 + own, log.count, minlength=levels.size * 4).reshape(-1, 4)

    def finish(self) -> Iterable[Finding]:
        """Tell which columns know which outcomes."""
        for name, (_, sums) in self._columns.items():
            for kind, outcome in enumerate(_KINDS):
                by_level = sums[kind].copy()
                # Chunks without the column lack it in every row.
                by_level[0] = self._all[kind] - by_level[1:].sum(axis=0)
                area = _area(by_level)
                if area > _AUC:
                    yield self._tallies[kind].finding(
                        "outcome_in_context",
                        Severity.ERROR if area > 0.999 else Severity.WARNING,
                        f"context column {name} tells {outcome} from none (AUC {area:.3f}): known before?",
                        "log contexts as they were when deciding; drop what is filled in later",
                    )


def _area(by_level: FloatArray) -> float:
    """Area under the curve on even rows, of levels ordered by their rate on odd rows; shape (levels, 4)."""
    even, odd = by_level[:, :2], by_level[:, 2:]
    if min(even.sum(axis=0).min(), odd.sum(axis=0).min()) < _FEWEST:
        return 0.5
    usual = odd[:, 1].sum() / odd.sum()
    rate = (odd[:, 1] + usual) / (odd.sum(axis=1) + 1.0)
    order: IntArray = np.unique(rate, return_inverse=True)[1]
    without, having = (np.bincount(order, even[:, outcome]) for outcome in (0, 1))
    below = np.cumsum(without) - without
    return float(np.sum(having * (below + 0.5 * without)) / (having.sum() * without.sum()))
