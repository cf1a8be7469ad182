from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate
from simulator.estimators import ESTIMATORS, Case

FAST = ReplaySettings(resamples=100)


def value_of(case: Case, key: str) -> float:
    terms = ESTIMATORS[key].terms(case, ESTIMATORS[key].grid[0])
    return sum(
        float(ratio.numerator.sum() / (case.weight.size if ratio.denominator is None else ratio.denominator.sum()))
        for ratio in terms
        if not ratio.spread_only
    )


@pytest.fixture
def case() -> Case:
    return Case(
        weight=np.array([2.0, 0.0, 4.0]),
        reward=np.array([1.0, 5.0, 0.5]),
        expected=np.array([0.7, 0.6, 0.5]),
        predicted=np.array([0.8, 0.1, 0.4]),
        marginal=np.array([1.5, 0.5, 2.0]),
        balanced=np.array([1.0, 0.0, 3.0]),
        accepted=np.array([1.0, 0.0, 1.0]),
    )


def test_by_hand(case: Case) -> None:
    assert value_of(case, "ips") == pytest.approx((2 * 1 + 4 * 0.5) / 3)
    assert value_of(case, "snips") == pytest.approx((2 * 1 + 4 * 0.5) / 6)
    assert value_of(case, "dm") == pytest.approx(0.6)
    assert value_of(case, "dr") == pytest.approx(0.6 + (2 * 0.2 + 4 * 0.1) / 3)


def test_dr_with_an_empty_model_is_ips(case: Case) -> None:
    zero = np.zeros(3)
    assert value_of(Case(case.weight, case.reward, zero, zero), "dr") == pytest.approx(value_of(case, "ips"))


def test_dr_with_a_perfect_model_is_dm(case: Case) -> None:
    perfect = Case(case.weight, case.reward, case.expected, case.reward)
    assert value_of(perfect, "dr") == pytest.approx(value_of(perfect, "dm"))


def test_snips_moves_with_a_constant_and_ips_does_not(case: Case) -> None:
    shifted = Case(case.weight, case.reward + 10, case.expected, case.predicted)
    assert value_of(shifted, "snips") == pytest.approx(value_of(case, "snips") + 10)
    assert value_of(shifted, "ips") != pytest.approx(value_of(case, "ips") + 10)


@pytest.mark.parametrize("key", sorted(ESTIMATORS))
def test_terms_are_linear_in_the_quantity(key: str, case: Case) -> None:
    """Ratio metrics rest on this: a combination of quantities is estimated by the combination of estimates."""
    doubled = replace(case, reward=2 * case.reward, expected=2 * case.expected, predicted=2 * case.predicted)
    assert value_of(doubled, key) == pytest.approx(2 * value_of(case, key))


def test_logged_is_the_plain_mean_under_every_estimator(log_of: Callable[..., Log]) -> None:
    log = log_of(
        {
            "arm": "ab"[row % 2],
            "user": f"u{row}",
            "propensity": 0.3 if row % 2 else 0.7,
            "context": {"x": row},
            "outcomes": [{"type": "click"}] if row % 3 == 0 else [],
        }
        for row in range(60)
    )
    report = evaluate(log, policies=["logged"], metrics=["ctr"], estimators=["ips", "snips", "dr"], settings=FAST)
    for estimate in report.policies[0].metrics["ctr"].estimates.values():
        assert estimate.value == pytest.approx(20 / 60)


def test_four_rows_by_hand(log_of: Callable[..., Log]) -> None:
    rows = [("a", 0.25, 1), ("b", 0.75, 1), ("b", 0.75, 0), ("a", 0.25, 0)]
    log = log_of(
        {"arm": arm, "propensity": p, "user": f"u{n}", "outcomes": [{"type": "click"}] * clicks}
        for n, (arm, p, clicks) in enumerate(rows)
    )
    report = evaluate(log, policies=["constant:a", "uniform"], metrics=["ctr"], settings=FAST)
    constant, uniform = (policy.metrics["ctr"].estimates for policy in report.policies)
    assert constant["ips"].value == pytest.approx((1 / 0.25) / 4)
    assert constant["snips"].value == pytest.approx(0.5)
    assert uniform["ips"].value == pytest.approx((0.5 / 0.25 + 0.5 / 0.75) / 4)
    assert uniform["snips"].value == pytest.approx((2 + 2 / 3) / (2 + 2 / 3 + 2 / 3 + 2))
    diagnostics = report.policy("constant:a").diagnostics
    assert diagnostics.ess == pytest.approx(2.0)
    assert diagnostics.max_weight == pytest.approx(4.0)
    assert diagnostics.mean_weight == pytest.approx(2.0)
    assert diagnostics.match_rate == pytest.approx(0.5)
    assert report.policy("uniform").diagnostics.match_rate == pytest.approx(0.5)


def test_a_policy_the_log_never_plays_is_null_with_a_reason(log_of: Callable[..., Log]) -> None:
    log = log_of({"arm": "a", "user": f"u{n}", "outcomes": [{"type": "click"}] * (n % 2)} for n in range(40))
    report = evaluate(log, policies=["constant:b"], metrics=["ctr"], settings=FAST).policies[0]
    snips = report.metrics["ctr"].estimates["snips"]
    assert snips.value is None
    assert snips.reason is not None
    assert report.verdict.name == "refused"
    assert report.diagnostics.unsupported_mass == pytest.approx(1.0)
    assert report.diagnostics.unsupported_arms == ("b",)
