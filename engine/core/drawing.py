"""The one place where an arm is drawn: integer arithmetic on recorded probabilities."""

from __future__ import annotations

import numpy as np

from engine.core.errors import InvalidInput

SCALE_BITS = 24
SCALE = 1 << SCALE_BITS
"""Recorded probabilities are integers over 2²⁴: exact in float32, and their sum is exactly 1."""

SEED_BITS = 63


def quantise(probabilities: np.ndarray) -> np.ndarray:
    """Round probabilities to integers over 2²⁴ that sum to exactly 2²⁴.

    Every positive probability keeps at least one count, so that whatever can be chosen has a propensity; what rounding
    leaves goes to the row's largest probability. The result *is* the distribution that is drawn from, so rounding never
    makes a recorded propensity wrong. Rows are independent: a row gives the same bits alone or in a batch.

    Args:
        probabilities: Shape (n, k), ≥ 0, rows sum to 1; ineligible arms are 0.

    Returns:
        Shape (n, k), int64.

    Examples:
        >>> quantise(np.array([[1 / 3, 1 / 3, 1 / 3]])).tolist()
        [[5592406, 5592405, 5592405]]
    """
    counts = (probabilities * SCALE).astype(np.int64)  # rounds down, as nothing is below 0
    lost = (counts == 0) & (probabilities > 0)
    if lost.any():
        counts[lost] = 1
    rows = np.arange(len(counts))
    counts[rows, np.argmax(probabilities, axis=1)] += SCALE - counts.sum(axis=1)
    return counts


def draw(counts: np.ndarray, seeds: np.ndarray) -> np.ndarray:
    """Draw one arm a row.

    Args:
        counts: Shape (n, k), int64, rows sum to 2²⁴.
        seeds: Shape (n,), integers below 2⁶³; the top 24 bits decide.

    Returns:
        Shape (n,), the chosen columns.

    Examples:
        >>> draw(np.array([[1 << 23, 1 << 23]]), np.array([(1 << 62) - 1])).tolist()
        [0]
        >>> draw(np.array([[1 << 23, 1 << 23]]), np.array([1 << 62])).tolist()
        [1]
    """
    points = np.asarray(seeds, dtype=np.int64) >> (SEED_BITS - SCALE_BITS)
    return np.argmax(np.cumsum(counts, axis=1) > points[:, None], axis=1)


def reproduce(counts: np.ndarray, seed: int) -> int:
    """Draw again from one record.

    Args:
        counts: Shape (k,), the record's counts over its eligible arms.
        seed: The record's seed.

    Raises:
        InvalidInput: If the counts do not sum to 2²⁴ or the seed is out of range.
    """
    if int(np.sum(counts, dtype=np.int64)) != SCALE:
        raise InvalidInput(f"expected counts that sum to {SCALE}", field="probabilities")
    if not 0 <= seed < 1 << SEED_BITS:
        raise InvalidInput(f"expected an integer from 0 to 2**{SEED_BITS} - 1, got {seed}", field="seed")
    return int(draw(np.asarray(counts, dtype=np.int64)[None, :], np.array([seed]))[0])
