"""Bounded methods in a replay rest on what was declared."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate
from simulator.report.replay_report import Estimate


@pytest.fixture(scope="module")
def log(log_of: Callable[..., Log]) -> Log:
    random = np.random.default_rng(3)
    rows: list[dict[str, Any]] = []
    for number in range(1500):
        bought = [{"type": "click"}, {"type": "purchase", "value": float(random.uniform(1, 9))}]
        outcomes = bought if random.random() < 0.4 else []
        rows.append({"user": f"u{number // 2}", "arm": "ab"[int(random.integers(2))], "outcomes": outcomes})
    return log_of(rows)


def valued(log: Log, metric: str, **settings: Any) -> Mapping[str, Estimate]:
    asked = ReplaySettings(**settings)
    estimators = ["ips", "snips", "dr", "clipped_ips"]
    report = evaluate(log, policies=["constant:a"], metrics=[metric], estimators=estimators, settings=asked)
    return report.policies[0].metrics[metric].estimates


@pytest.mark.parametrize("interval", ["betting", "empirical_bernstein"])
def test_a_share_needs_a_floor_alone(interval: str, log: Log) -> None:
    found = valued(log, "ctr", interval=interval, floor=0.5)
    for key in ("ips", "dr"):
        estimate = found[key]
        assert estimate.low is not None
        assert estimate.high is not None
        assert 0.0 < estimate.low < 0.4 < estimate.high < 0.6
    for key in ("snips", "clipped_ips"):
        assert found[key].low is None
        assert "IPS or DR" in (found[key].reason or "")


def test_betting_on_ips_needs_no_floor(log: Log) -> None:
    found = valued(log, "ctr", interval="betting")
    assert found["ips"].low is not None
    assert found["dr"].low is None
    assert valued(log, "ctr", interval="empirical_bernstein")["ips"].low is None


def test_money_needs_its_most(log: Log) -> None:
    assert "--reward-max" in (valued(log, "revenue", interval="betting", floor=0.5)["ips"].reason or "")
    found = valued(log, "revenue", interval="betting", floor=0.5, reward_max=10.0)["ips"]
    assert found.low is not None
    assert found.high is not None
    assert 0.0 < found.low < 2.0 < found.high < 4.0
