"""What a replay takes when it is told nothing."""

from __future__ import annotations

from collections.abc import Mapping

from simulator.log import HOLD
from simulator.log_facts import LogFacts

__all__ = ["DEFAULT_ESTIMATORS", "default_estimators", "default_metrics", "default_policies", "ranking_metric"]

DEFAULT_ESTIMATORS = ("ips", "snips", "dr")


def default_estimators(facts: LogFacts) -> tuple[str, ...]:
    """Take ips, snips and dr; beside estimated propensities bipw, too, which needs none."""
    return (*DEFAULT_ESTIMATORS, "bipw") if facts.estimated else DEFAULT_ESTIMATORS


def default_policies(facts: LogFacts) -> list[str]:
    """Take logged, uniform, best_constant, and constant:hold where hold was played."""
    return ["logged", "uniform", "best_constant", *([f"constant:{HOLD}"] if facts.hold_played else [])]


def default_metrics(facts: LogFacts, objective: Mapping[str, float]) -> list[str]:
    """Take the metrics whose outcomes occur in the log, an objective last; `ctr` when nothing occurs."""
    kinds, holds = facts.kinds, facts.hold_eligible
    unsent = holds or "not_sent" in kinds
    click, purchase, cost = "click" in kinds, "purchase" in kinds, "cost" in kinds
    occurs = {
        "ctr": click,
        "ctr_per_send": click and unsent,
        "cvr": purchase,
        "cvr_per_click": click and purchase,
        "revenue": purchase,
        "cost": cost,
        "profit": purchase and cost,
        "roi": purchase and cost,
        "incremental_roi": purchase and cost and holds,
        "send_rate": unsent,
        "unsubscribe": "unsubscribe" in kinds,
    }
    metrics = [key for key, occurring in occurs.items() if occurring]
    return [*(metrics or ["ctr"]), *(["objective"] if objective else [])]


def ranking_metric(metrics: list[str]) -> str:
    """Choose the metric that ranks policies: the objective, profit or revenue, else the first; never ROI.

    Gross ROI credits organic sales and rises by holding back, so it ranks only when nothing else was asked for.
    """
    for key in ("objective", "profit"):
        if key in metrics:
            return key
    return next((key for key in metrics if key not in ("roi", "incremental_roi")), metrics[0])
