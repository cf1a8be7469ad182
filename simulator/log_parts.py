"""Parts of records that stand for many independent decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.arrays import BoolArray, IntArray
from simulator.log import Log

__all__ = ["is_several", "most_parts", "parted", "parts_of"]

#: Divides evenly over the two folds of best_constant and the five of the reward model.
_PARTS = 10
#: With this many such rows folds divide them well as they are, and parts would only cost time.
_MOST_ROWS = 4096


def is_several(log: Log) -> BoolArray:
    """Say which rows stand for several decisions without a user, shape (n,)."""
    return np.asarray((log.user < 0) & (log.count > 1))


def most_parts(several: int) -> int:
    """Into how many parts each of so many such rows is parted at most."""
    return min(_PARTS, max(1, _MOST_ROWS // several)) if several else 1


def parted(log: Log, most: int) -> Log:
    """Part each row of several decisions without a user into up to `most`, which together say the same.

    Such decisions are independent, so that they belong into different folds. A table of counts may have a handful of
    rows: dealt out whole, a fold would judge an arm that the other folds never saw played.
    """
    several = is_several(log)
    if most == 1 or not several.any():
        return log
    index, part, count = parts_of(np.where(several, np.minimum(log.count, most), 1), log.count)
    return replace(log.take(index), part=part, count=count)


def parts_of(parts: IntArray, count: IntArray) -> tuple[IntArray, IntArray, IntArray]:
    """Deal the counts of rows, shape (n,), over their parts: row, number and count of each part."""
    index = np.repeat(np.arange(parts.size), parts)
    part = np.arange(index.size) - np.repeat(np.cumsum(parts) - parts, parts)
    whole, left = np.divmod(count[index], parts[index])
    return index, part, whole + (part < left)
