"""Places of the entries of several runs in one flat array."""

from __future__ import annotations

import numpy as np

from simulator.arrays import IntArray

__all__ = ["runs"]


def runs(starts: IntArray, lengths: IntArray) -> IntArray:
    """List start, start + 1, … of each run, one run after the other.

    >>> runs(np.array([5, 0]), np.array([2, 3])).tolist()
    [5, 6, 0, 1, 2]
    """
    before = np.cumsum(lengths) - lengths
    return np.repeat(starts - before, lengths) + np.arange(int(lengths.sum()))
