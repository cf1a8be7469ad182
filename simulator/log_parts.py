"""Parts of records that stand for many independent decisions."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulator.log import Log

__all__ = ["parted"]

#: Divides evenly over the two folds of best_constant and the five of the reward model.
_PARTS = 10
#: With this many such rows folds divide them well as they are, and parts would only cost time.
_MOST_ROWS = 4096


def parted(log: Log) -> Log:
    """Part each row of several decisions without a user into up to ten, which together say the same.

    Such decisions are independent, so that they belong into different folds. A table of counts may have a handful of
    rows: dealt out whole, a fold would judge an arm that the other folds never saw played.
    """
    several = (log.user < 0) & (log.count > 1)
    if not several.any():
        return log
    most = min(_PARTS, max(1, _MOST_ROWS // int(several.sum())))
    parts = np.where(several, np.minimum(log.count, most), 1)
    index = np.repeat(np.arange(log.rows), parts)
    part = np.arange(index.size) - np.repeat(np.cumsum(parts) - parts, parts)
    whole, left = np.divmod(log.count[index], parts[index])
    return replace(log.take(index), part=part, count=whole + (part < left))
