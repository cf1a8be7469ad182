"""How much a policy still explores beyond its floor."""

from __future__ import annotations

import numpy as np

from engine.core.drawing import SCALE


def relative_entropy(counts: np.ndarray, floor: np.ndarray) -> float:
    """Where a decision's entropy lies between that of the floor alone and that of a uniform draw.

    0 where everything but the floor is on one arm, 1 where all eligible arms have the same probability.

    Args:
        counts: Shape (k,), probabilities over 2²⁴; 0 where an arm is not eligible.
        floor: Shape (k,), what the exploration floor gives each arm.

    Returns:
        From 0 to 1; 1 where there is nothing to choose, or the floor takes everything.

    Examples:
        >>> floor = np.array([0.01, 0.02, 0.02])
        >>> round(relative_entropy(np.array([0.01, 0.02, 0.97]) * SCALE, floor), 3)
        0.0
        >>> round(relative_entropy(np.array([1, 1, 1]) / 3 * SCALE, floor), 3)
        1.0
    """
    open_ = counts > 0
    shares = counts[open_] / SCALE
    if len(shares) < 2:
        return 1.0
    collapsed = floor[open_].copy()
    collapsed[np.argmax(shares)] += 1.0 - collapsed.sum()
    least, most = _entropy(collapsed), float(np.log(len(shares)))
    if most - least < 1e-6:
        return 1.0
    return float(min(1.0, max(0.0, (_entropy(shares) - least) / (most - least))))


def _entropy(shares: np.ndarray) -> float:
    """In nats; 0 · log 0 is 0."""
    positive = shares[shares > 0]
    return float(-(positive * np.log(positive)).sum())
