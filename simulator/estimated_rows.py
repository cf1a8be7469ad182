"""Which rows have an estimated propensity."""

from __future__ import annotations

import numpy as np

from simulator.arrays import BoolArray
from simulator.log import Log

__all__ = ["estimated_rows"]

_FIELD = "propensity_estimated"


def estimated_rows(log: Log) -> BoolArray:
    """Find the rows with a choice whose propensity comes from a model of the logging policy, shape (n,).

    Importers mark them with `propensity_estimated`. A single eligible arm has the propensity 1, whoever says so.
    """
    if _FIELD not in log.extra:
        return np.zeros(log.rows, dtype=bool)
    marked = np.fromiter((value is True for value in log.extra[_FIELD].tolist()), dtype=bool, count=log.rows)
    return np.asarray(marked & (log.lengths > 1))
