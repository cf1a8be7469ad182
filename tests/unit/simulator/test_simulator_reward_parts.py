"""Costs in every row do not make up for few purchases."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator import Log, ReplaySettings, evaluate
from simulator.metric import metric_table

SETTINGS = ReplaySettings(interval="delta")


def sends(purchases: int) -> list[dict[str, Any]]:
    rows = []
    for n in range(400):
        outcomes: list[dict[str, Any]] = [{"type": "purchase", "value": 20.0 + n}] if n < 2 * purchases else []
        if n % 2 == 0:
            outcomes.append({"type": "cost", "value": 0.1})
        rows.append({"user": f"u{n}", "arm": ["a", "hold"][n % 2], "eligible": ["a", "hold"], "outcomes": outcomes})
    return rows


@pytest.mark.parametrize("metric", ["profit", "roi"])
def test_profit_rests_on_purchases(metric: str, log_of: Callable[..., Log]) -> None:
    log = log_of(sends(12))
    report = evaluate(log, policies=["constant:a"], metrics=[metric], settings=SETTINGS).policies[0]
    revenue = evaluate(log, policies=["constant:a"], metrics=["revenue"], settings=SETTINGS).policies[0]
    assert report.diagnostics.reward_ess == pytest.approx(revenue.diagnostics.reward_ess)
    assert report.diagnostics.reward_ess < 12
    assert report.verdict.name == "refused"


def test_a_policy_without_costs_is_judged_by_its_revenue(log_of: Callable[..., Log]) -> None:
    report = evaluate(log_of(sends(60)), policies=["constant:hold"], metrics=["profit"], settings=SETTINGS).policies[0]
    assert 40 < report.diagnostics.reward_ess < 60


def test_parts() -> None:
    table = metric_table(0.5)
    assert table["ctr"].parts == {"clicked": True}
    assert table["profit"].parts == {"revenue": True, "cost": False}
    assert table["roi"].parts == {"revenue": True, "cost": True}
    assert table["incremental_roi"].parts == {"revenue": True, "cost": True}
