"""Every metric of the contract on a log small enough to work out by hand."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from simulator import Log, ReplaySettings, evaluate
from simulator.metric import metric_table
from simulator.report.replay_report import ReplayReport

MAIL, HOLD = "a/email/am", "hold"
#: Arm, propensity and outcomes of each decision.
ROWS: list[tuple[str, float, list[dict[str, Any]]]] = [
    (
        MAIL,
        0.5,
        [{"type": "click"}, {"type": "click"}, {"type": "purchase", "value": 30.0}, {"type": "cost", "value": 1.0}],
    ),
    (
        MAIL,
        0.5,
        [{"type": "purchase", "value": 20.0}, {"type": "purchase", "value": 5.0}, {"type": "cost", "value": 1.0}],
    ),
    (MAIL, 0.25, [{"type": "click"}, {"type": "refund", "value": 4.0}, {"type": "cost", "value": 3.0}]),
    (MAIL, 0.25, [{"type": "not_sent"}, {"type": "unsubscribe"}]),
    (HOLD, 0.5, [{"type": "purchase", "value": 10.0}]),
    (HOLD, 0.25, [{"type": "cost", "value": 0.5}]),
    (HOLD, 0.5, []),
    (HOLD, 0.75, []),
]
MARGIN = 0.4
KEYS = list(metric_table())


@pytest.fixture(scope="module")
def report(log_of: Callable[..., Log]) -> ReplayReport:
    log = log_of(
        {"arm": arm, "propensity": p, "eligible": [HOLD, MAIL], "user": f"u{row}", "outcomes": outcomes}
        for row, (arm, p, outcomes) in enumerate(ROWS)
    )
    settings = ReplaySettings(margin=MARGIN, resamples=100)
    specs = ["logged", f"constant:{MAIL}", f"constant:{HOLD}"]
    return evaluate(log, policies=specs, metrics=KEYS, estimators=["ips", "snips"], settings=settings)


# Weights of always mailing: 2, 2, 4, 4, of always holding: 2, 4, 2, 4/3; n = 8.
REVENUE, COST = 2 * 30 + 2 * 25 - 4 * 4, 2 * 1 + 2 * 1 + 4 * 3
HOLD_REVENUE, HOLD_COST = 2 * 10, 4 * 0.5
IPS = {
    "ctr": (2 + 4) / 8,
    "ctr_per_send": (2 + 4) / (2 + 2 + 4),
    "cvr": (2 + 2) / 8,
    "cvr_per_click": 2 / (2 + 4),
    "revenue": REVENUE / 8,
    "cost": COST / 8,
    "profit": (MARGIN * REVENUE - COST) / 8,
    "roi": (REVENUE - COST) / COST,
    "incremental_roi": (MARGIN * (REVENUE - HOLD_REVENUE) - (COST - HOLD_COST)) / (COST - HOLD_COST),
    "send_rate": (2 + 2 + 4) / 8,
    "unsubscribe": 4 / 8,
}


@pytest.mark.parametrize("key", KEYS)
def test_ips_by_hand(key: str, report: ReplayReport) -> None:
    value = report.policy(f"constant:{MAIL}").metrics[key].estimates["ips"].value
    assert value == pytest.approx(IPS[key])


def test_snips_by_hand(report: ReplayReport) -> None:
    """Self-normalised, each policy by its own weights: 12 in all for mail, 28/3 for hold."""
    metrics = report.policy(f"constant:{MAIL}").metrics
    mail, hold = 12, 2 + 4 + 2 + 4 / 3
    assert metrics["profit"].estimates["snips"].value == pytest.approx((MARGIN * REVENUE - COST) / mail)
    assert metrics["roi"].estimates["snips"].value == pytest.approx(IPS["roi"])
    revenue, cost = REVENUE / mail - HOLD_REVENUE / hold, COST / mail - HOLD_COST / hold
    assert metrics["incremental_roi"].estimates["snips"].value == pytest.approx((MARGIN * revenue - cost) / cost)


def test_logged_by_hand(report: ReplayReport) -> None:
    metrics = report.policy("logged").metrics
    values = {key: metrics[key].estimates["ips"].value for key in KEYS}
    revenue, cost = 30 + 25 - 4 + 10, 1 + 1 + 3 + 0.5
    assert values["ctr"] == pytest.approx(2 / 8)
    assert values["ctr_per_send"] == pytest.approx(2 / 3)
    assert values["cvr"] == pytest.approx(3 / 8)
    assert values["cvr_per_click"] == pytest.approx(1 / 2)
    assert values["revenue"] == pytest.approx(revenue / 8)
    assert values["profit"] == pytest.approx((MARGIN * revenue - cost) / 8)
    assert values["roi"] == pytest.approx((revenue - cost) / cost)
    more, spent = revenue - HOLD_REVENUE, cost - HOLD_COST
    assert values["incremental_roi"] == pytest.approx((MARGIN * more - spent) / spent)
    assert values["send_rate"] == pytest.approx(3 / 8)
    assert values["unsubscribe"] == pytest.approx(1 / 8)


def test_money_against_hold(report: ReplayReport) -> None:
    """What a policy adds to sending nothing, for every money metric; hold is not compared with itself."""
    against = report.policy(f"constant:{MAIL}").versus["hold"]
    assert against["revenue"]["ips"].value == pytest.approx((REVENUE - HOLD_REVENUE) / 8)
    assert against["cost"]["ips"].value == pytest.approx((COST - HOLD_COST) / 8)
    assert against["profit"]["ips"].value == pytest.approx((MARGIN * (REVENUE - HOLD_REVENUE) - COST + HOLD_COST) / 8)
    assert against["roi"]["ips"].value == pytest.approx(IPS["roi"] - (HOLD_REVENUE - HOLD_COST) / HOLD_COST)
    assert against["incremental_roi"]["ips"].reason == "the policy costs no more than hold"
    assert list(report.policy(f"constant:{HOLD}").versus) == ["logged", "uniform"]


def test_undefined_is_null_with_a_reason(report: ReplayReport) -> None:
    metrics = report.policy(f"constant:{HOLD}").metrics
    for key, reason in {
        "ctr_per_send": "nothing is sent under this policy",
        "cvr_per_click": "no clicks under this policy",
        "incremental_roi": "the policy costs no more than hold",
    }.items():
        for estimate in metrics[key].estimates.values():
            assert (estimate.value, estimate.low, estimate.high) == (None, None, None)
            assert estimate.reason == reason
        assert metrics[key].verdict.name == "refused"
    assert metrics["roi"].estimates["ips"].value == pytest.approx((HOLD_REVENUE - HOLD_COST) / HOLD_COST)


def test_without_hold_there_is_nothing_to_compare_with(log_of: Callable[..., Log]) -> None:
    rows = [
        {"arm": "ab"[row % 2], "user": f"u{row}", "outcomes": [{"type": "cost", "value": 1.0}]} for row in range(40)
    ]
    report = evaluate(log_of(rows), policies=["logged"], metrics=["incremental_roi"], estimators=["ips"])
    estimate = report.policies[0].metrics["incremental_roi"].estimates["ips"]
    assert estimate.value is None
    assert estimate.reason == "hold was never played, so there is nothing to compare with"


def test_an_objective_counts_comments_by_their_moods(log_of: Callable[..., Log]) -> None:
    """Weights of always mailing are 2: (2 · (.3 · 10 − .1 · .5) + 2 · .1 · 1) / 4; hold has a comment, too."""
    said = [[{"type": "purchase", "value": 10.0}, {"type": "comment", "value": -0.5}],
            [{"type": "comment", "value": 0.75}, {"type": "comment", "value": 0.25}], [],
            [{"type": "comment", "value": -1.0}]]  # fmt: skip
    log = log_of(
        {"arm": arm, "propensity": 0.5, "eligible": [HOLD, MAIL], "user": f"u{row}", "outcomes": outcomes}
        for row, (arm, outcomes) in enumerate(zip([MAIL, MAIL, HOLD, HOLD], said, strict=True))
    )
    settings = ReplaySettings(objective={"click": 0.0, "purchase": 0.3, "comment": 0.1}, resamples=100)
    report = evaluate(log, policies=["logged", f"constant:{MAIL}"], estimators=["ips"], settings=settings)
    value = {p.policy: p.metrics["objective"].estimates["ips"].value for p in report.policies}
    assert value[f"constant:{MAIL}"] == pytest.approx((2 * (3.0 - 0.05) + 2 * 0.1) / 4)
    assert value["logged"] == pytest.approx((3.0 - 0.05 + 0.1 - 0.1) / 4)
