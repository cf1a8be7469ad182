"""Adjusts p-values for how many tests were made."""

from __future__ import annotations

import numpy as np

from simulator.arrays import FloatArray

__all__ = ["holm"]


def holm(p: FloatArray) -> FloatArray:
    """Adjust p-values of any dependence, shape (m,), so that none below a level is a chance of at most that level.

    Source: Holm, "A simple sequentially rejective multiple test procedure" (1979).

    >>> holm(np.array([0.01, 0.04, 0.02])).tolist()
    [0.03, 0.04, 0.04]
    """
    order = np.argsort(p, kind="stable")
    scaled = p[order] * np.arange(p.size, 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.maximum.accumulate(scaled), 1.0)
    return adjusted
