"""Numbers that a reward model reads from contexts."""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from simulator.arrays import FloatArray, IntArray
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
        columns += _encoded(log.context[name], log.count)
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
    stacked = stacked - np.average(stacked, axis=0, weights=log.count)
    spread = np.sqrt(np.average(stacked**2, axis=0, weights=log.count))
    varies = spread > 1e-12 * np.abs(stacked).max(axis=0, initial=1.0)
    return np.asarray(stacked[:, varies] / spread[varies])


def _encoded(values: NDArray[np.object_], count: IntArray) -> list[FloatArray]:
    stated = np.array([value is not None for value in values])
    present, decisions = values[stated], int(count.sum())
    if all(isinstance(value, int | float) for value in present):
        numbers = np.array([np.nan if value is None else float(value) for value in values])
        # Where most decisions lack it, absence itself is the usual value, and that is written 0.
        usual = 2 * int(count[stated].sum()) > decisions
        filler = np.average(numbers[stated], weights=count[stated]) if usual else 0.0
        return [np.where(stated, numbers, filler)] if present.size else []
    seen: Counter[str] = Counter()
    for value, times in zip(present, count[stated], strict=True):
        seen[str(value)] += int(times)
    levels = [level for level, _ in seen.most_common(_LEVELS)]
    if len(levels) > _LEVELS - 1 and len(seen) > decisions // 2:
        return []
    text = np.array([None if value is None else str(value) for value in values], dtype=object)
    return [(text == level).astype(np.float64) for level in levels]
