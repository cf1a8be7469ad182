"""Numbers that a reward model reads from contexts."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray
from simulator.log import Log

__all__ = ["context_features"]

_MOST = 64
_LEVELS = 8
_PROJECTED = 32


def context_features(log: Log) -> FloatArray:
    """Encode context and embedding as standardised columns, shape (n, d) with d at most 64 + 32.

    Numbers and booleans stand as they are (where absent the mean, or 0 when most are absent), strings as indicators
    of their commonest levels. Wide embeddings go through a fixed random projection, which keeps inner products
    (Johnson and Lindenstrauss 1984).
    """
    columns: list[FloatArray] = []
    for name in sorted(log.context):
        columns += _encoded(log.context[name])
    columns = columns[:_MOST]
    if log.embedding is not None:
        matrix = log.embedding.astype(np.float64)
        if matrix.shape[1] > _PROJECTED:
            projection = np.random.default_rng(0).standard_normal((matrix.shape[1], _PROJECTED))
            matrix = matrix @ projection / np.sqrt(_PROJECTED)
        columns += list(matrix.T)
    if not columns:
        return np.zeros((log.rows, 0))
    stacked = np.column_stack(columns)
    spread = stacked.std(axis=0)
    varies = spread > 0
    return np.asarray((stacked[:, varies] - stacked[:, varies].mean(axis=0)) / spread[varies])


def _encoded(values: NDArray[np.object_]) -> list[FloatArray]:
    present = [value for value in values if value is not None]
    if all(isinstance(value, int | float) for value in present):
        numbers = np.array([np.nan if value is None else float(value) for value in values])
        # Where most rows lack it, absence itself is the usual value, and that is written 0.
        filler = np.nanmean(numbers) if 2 * len(present) > len(values) else 0.0
        return [np.where(np.isnan(numbers), filler, numbers)] if present else []
    levels = [level for level, _ in Counter(str(value) for value in present).most_common(_LEVELS)]
    if len(levels) > _LEVELS - 1 and len(set(present)) > len(values) // 2:
        return []
    text = np.array([None if value is None else str(value) for value in values], dtype=object)
    return [(text == level).astype(np.float64) for level in levels]
