"""Hit@k and NDCG@k of rankings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def top(scores: NDArray[np.float64], k: int) -> NDArray[np.int64]:
    """The k best columns of each row, best first; equal scores in the order of the columns.

    Args:
        scores: Shape (n, m); −∞ for what must not be shown.
        k: At most m.

    Examples:
        >>> top(np.array([[0.1, 0.9, 0.9]]), 2).tolist()
        [[1, 2]]
    """
    m = scores.shape[1]
    k = min(k, m)
    edge = -np.partition(-scores, k - 1, axis=1)[:, k - 1 : k]
    found = np.empty((len(scores), k), dtype=np.int64)
    for row, (values, least) in enumerate(zip(scores, edge[:, 0], strict=True)):
        near = np.flatnonzero(values >= least)
        found[row] = near[np.argsort(-values[near], kind="stable")[:k]]
    return found


def hits_and_ndcg(
    shown: NDArray[np.int64], relevant: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Of each row: whether one of the shown is relevant, and NDCG with gains of 0 and 1.

    DCG = Σ relevant / log₂(1 + rank), divided by that of the best ranking: min(k, relevant ones) at the front.

    Args:
        shown: Columns, best first; shape (n, k).
        relevant: Shape (n, m), at least one a row.

    Returns:
        Hit@k and NDCG@k, shape (n,) each.

    Source: Järvelin & Kekäläinen (2002), Cumulated gain-based evaluation of IR techniques.
    """
    gains = np.take_along_axis(relevant, shown, axis=1).astype(np.float64)
    discounts = 1.0 / np.log2(np.arange(2, shown.shape[1] + 2))
    ideal = np.cumsum(discounts)[np.minimum(relevant.sum(axis=1), shown.shape[1]) - 1]
    return gains.max(axis=1), (gains @ discounts) / ideal
