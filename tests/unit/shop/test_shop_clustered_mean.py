from __future__ import annotations

import numpy as np
import pytest

from simulator.shop.clustered_mean import ClusteredMean


def test_by_hand() -> None:
    mean = ClusteredMean.of(np.array([1.0, 3.0, 5.0]), np.array([0, 0, 1]))
    # Residual sums are −2 and 2 for two shoppers: variance (4 + 4) · 2/1 / 9.
    assert mean.value == 3.0
    assert mean.high is not None
    assert mean.high - 3.0 == pytest.approx(1.959964 * np.sqrt(16 / 9), rel=1e-6)


def test_without_decisions_or_with_one_shopper_there_is_no_interval() -> None:
    assert ClusteredMean.of(np.array([]), np.array([], dtype=int)).value is None
    one = ClusteredMean.of(np.array([1.0, 2.0]), np.array([4, 4]))
    assert (one.value, one.low, one.high) == (1.5, None, None)


def test_coverage_with_strongly_clustered_shoppers() -> None:
    rng = np.random.default_rng(12)
    users = np.repeat(np.arange(120), 6)
    covered = 0
    for _ in range(400):
        values = rng.standard_normal(120)[users] + 0.3 * rng.standard_normal(len(users))
        mean = ClusteredMean.of(values, users)
        assert mean.low is not None
        assert mean.high is not None
        covered += mean.low <= 0.0 <= mean.high
    # 95 % less three standard errors of 400 trials; ignoring the clusters covers some 60 %.
    assert covered / 400 > 0.917
