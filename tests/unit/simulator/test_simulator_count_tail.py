"""Tails of counts, and the adjustment for many tests, against exact values."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest

from simulator.holm import holm
from simulator.sample_ratio.tail import count_p_value


@pytest.mark.parametrize(("count", "n", "p"), [(70, 100, 0.5), (5, 100, 0.2), (3, 1000, 0.0002), (29, 30, 0.7)])
def test_equal_probabilities_make_the_exact_binomial_test(count: int, n: int, p: float) -> None:
    found = count_p_value(*(np.array([x]) for x in (float(count), float(n), n * p, n * p * p)))[0]
    tails = [binomtest(count, n, p, alternative=side).pvalue for side in ("less", "greater")]
    assert found == pytest.approx(min(1.0, 2 * min(tails)), rel=1e-9)


def test_unequal_probabilities_are_hardly_ever_understated() -> None:
    """Against exact Poisson-binomial tails, over every count of 300 random sets of probabilities."""
    random = np.random.default_rng(10)
    for _ in range(300):
        p = random.beta(*random.choice([0.2, 0.5, 1.0, 5.0], 2), size=int(random.integers(3, 60)))
        law = np.ones(1)
        for one in p:
            law = np.convolve(law, [1.0 - one, one])
        low, high = np.cumsum(law), np.cumsum(law[::-1])[::-1]
        exact = np.minimum(1.0, 2 * np.minimum(low, high))
        counts = np.arange(p.size + 1.0)
        size = np.ones(counts.size)
        found = count_p_value(counts, size * p.size, size * p.sum(), size * (p**2).sum())
        small = (exact < 0.01) & (exact > 1e-12)
        assert (found[small] > 0.7 * exact[small]).all()


def test_holm_by_hand() -> None:
    assert holm(np.array([0.005, 0.9, 0.03, 0.02])).tolist() == pytest.approx([0.02, 0.9, 0.06, 0.06])
    assert holm(np.zeros(0)).size == 0
