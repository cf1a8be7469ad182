"""Estimators that fall back on the model know that it was fitted: their intervals are those of DR."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate


@pytest.mark.parametrize("key", ["switch_dr", "dros", "sg_dr"])
def test_intervals_are_as_wide_as_those_of_dr(key: str, log_of: Callable[..., Log]) -> None:
    random = np.random.default_rng(3)
    log = log_of(
        {
            "arm": "ab"[n % 2],
            "propensity": 0.5,
            "user": f"u{n}",
            "context": {"x": float(random.normal())},
            "outcomes": [{"type": "click"}] * int(random.random() < 0.3),
        }
        for n in range(1500)
    )
    settings = ReplaySettings(interval="delta")
    report = evaluate(log, policies=["constant:a"], metrics=["ctr"], estimators=["dr", key], settings=settings)
    found = report.policies[0].metrics["ctr"].estimates
    widths = {name: (one.high or 0.0) - (one.low or 0.0) for name, one in found.items()}
    assert widths[key] == pytest.approx(widths["dr"], rel=1e-6)
    assert widths["dr"] > 0.04
