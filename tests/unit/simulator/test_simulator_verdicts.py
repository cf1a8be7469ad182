from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log, ReplaySettings, Thresholds, evaluate
from simulator.diagnostics import Diagnostics
from simulator.verdict import judge

GOOD = Diagnostics(
    ess=5000,
    ess_share=0.5,
    user_ess=5000,
    reward_ess=500,
    max_weight=3,
    mean_weight=1.0,
    mean_weight_low=0.99,
    mean_weight_high=1.01,
    match_rate=0.5,
    unsupported_mass=0.0,
    unsupported_arms=(),
)


@pytest.mark.parametrize(
    ("change", "reward_ess", "name", "reason"),
    [
        ({}, 500, "trusted", None),
        ({"user_ess": 1000}, 200, "trusted", None),
        ({"user_ess": 999.9}, 500, "weak", "user_ess"),
        ({"user_ess": 100}, 500, "weak", "user_ess"),
        ({"user_ess": 99.9}, 500, "refused", "user_ess"),
        ({}, 199.9, "weak", "reward_ess"),
        ({}, 30, "weak", "reward_ess"),
        ({}, 29.9, "refused", "reward_ess"),
        ({"unsupported_mass": 0.01}, 500, "trusted", None),
        ({"unsupported_mass": 0.011}, 500, "refused", "unsupported_mass"),
        ({"mean_weight_high": 0.999}, 500, "refused", "mean_weight"),
        ({"mean_weight_low": 1.001}, 500, "refused", "mean_weight"),
    ],
)
def test_default_thresholds(change: dict[str, float], reward_ess: float, name: str, reason: str | None) -> None:
    verdict = judge(dataclasses.replace(GOOD, **change), reward_ess, Thresholds())
    assert verdict.name == name
    assert [text.split()[0] for text in verdict.reasons] == ([] if reason is None else [reason])


def test_reasons_given_by_others() -> None:
    assert judge(GOOD, 500, Thresholds(), weaknesses=["sends"]).name == "weak"
    assert judge(GOOD, 500, Thresholds(), weaknesses=["sends"], refusals=["trained"]).reasons == ("trained",)


def test_reward_and_user_ess_by_hand(log_of: Callable[..., Log]) -> None:
    """Two users of weights 4 + 0 and 4 + 4, single-arm rows left out: (4 + 8)² / (16 + 64)."""
    rows = [("a", "u1", 1), ("b", "u1", 1), ("a", "u2", 1), ("a", "u2", 0)]
    log = log_of(
        [
            *(
                {"arm": arm, "user": user, "propensity": 0.25, "outcomes": [{"type": "click"}] * clicks}
                for arm, user, clicks in rows
            ),
            {"arm": "a", "eligible": ["a"], "propensity": 1, "user": "u3", "outcomes": [{"type": "click"}]},
        ]
    )
    seen = evaluate(log, policies=["constant:a"], metrics=["ctr"], settings=ReplaySettings(resamples=100)).policies[0]
    assert seen.diagnostics.user_ess == pytest.approx(144 / 80)
    assert seen.diagnostics.reward_ess == pytest.approx((4 + 4) ** 2 / (16 + 16))
    assert seen.diagnostics.ess == pytest.approx(3.0)
    assert seen.diagnostics.ess_share == pytest.approx(0.75)
    assert seen.diagnostics.mean_weight == pytest.approx(3.0)


def test_unsupported_mass_by_row_and_by_log(log_of: Callable[..., Log]) -> None:
    log = log_of(
        [
            {"arm": "a", "eligible": ["a", "b", "never"], "propensity": 0.5, "probabilities": [0.5, 0.5, 0.0]},
            {"arm": "b", "eligible": ["a", "b"], "propensity": 1.0, "probabilities": [0.0, 1.0]},
        ]
    )
    seen = evaluate(log, policies=["uniform"], settings=ReplaySettings(resamples=100)).policies[0].diagnostics
    assert seen.unsupported_mass == pytest.approx((1 / 3 + 1 / 2) / 2)
    assert seen.unsupported_arms == ("a", "never")


def test_wrong_propensities_are_refused(log_of: Callable[..., Log]) -> None:
    """A log that claims 1/2 but plays a nine times in ten has a mean weight away from 1."""
    log = log_of(
        {"arm": "b" if n % 10 == 0 else "a", "user": f"u{n}", "outcomes": [{"type": "click"}]} for n in range(4000)
    )
    report = evaluate(log, policies=["constant:a"], metrics=["ctr"], settings=ReplaySettings(resamples=100))
    assert report.policies[0].verdict.name == "refused"
    assert "mean_weight" in report.policies[0].verdict.reasons[0]


def test_no_trusted_interval_has_no_width(log_of: Callable[..., Log]) -> None:
    """No click in 4,000, and all clicks in 4,000: an exact interval says what that leaves open."""
    for clicks, value in ((0, 0.0), (1, 1.0)):
        log = log_of(
            {"arm": "ab"[n % 2], "user": f"u{n}", "outcomes": [{"type": "click"}] * clicks} for n in range(4000)
        )
        report = evaluate(log, policies=["logged"], metrics=["ctr"], estimators=["ips", "snips"])
        for estimate in report.policies[0].metrics["ctr"].estimates.values():
            assert estimate.value == value
            assert estimate.interval == "exact"
            assert estimate.low is not None
            assert estimate.high is not None
            assert 0.0005 < estimate.high - estimate.low < 0.0015
        if not clicks:
            assert report.policies[0].verdict.name == "refused"


def test_holdout_shadow_and_forced_rows_do_not_value_a_policy(log_of: Callable[..., Log]) -> None:
    modes = ["live", "control", "fallback", "holdout", "shadow", "forced"]
    log = log_of(
        {"arm": "a", "mode": modes[n % 6], "user": f"u{n}", "outcomes": [{"type": "click"}] * (n % 6 >= 3)}
        for n in range(120)
    )
    report = evaluate(log, policies=["logged"], metrics=["ctr"], settings=ReplaySettings(resamples=100))
    assert report.policies[0].metrics["ctr"].estimates["ips"].value == 0.0
    assert report.log.modes == dict.fromkeys(modes, 20)
    assert any("20 holdout, 20 shadow, 20 forced" in warning for warning in report.log.warnings)


def test_going_over_a_capped_channel_is_weak(log_of: Callable[..., Log]) -> None:
    arms = ["sun/email/am", "hold"]
    log = log_of(
        {
            "arm": arms[n % 2],
            "eligible": arms,
            "user": f"u{n}",
            "outcomes": [{"type": "click"}],
            "excluded": {"snow/email/am": "frequency cap"} if n == 0 else {},
        }
        for n in range(4000)
    )
    settings = ReplaySettings(resamples=100)
    report = evaluate(log, policies=["constant:sun/email/am", "uniform"], metrics=["ctr"], settings=settings)
    greedy, uniform = report.policies
    assert greedy.verdict.name == "weak"
    assert greedy.verdict.reasons == ("sends on capped channel email exceed the log's: 4000 against 2000",)
    assert uniform.verdict.name == "trusted"


def test_users_may_be_replaced_as_clusters(log_of: Callable[..., Log]) -> None:
    log = log_of(
        {
            "arm": "ab"[n % 2],
            "user": f"u{n}",
            "context": {"shop": n // 100},
            "outcomes": [{"type": "click"}] * (n % 3 == 0),
        }
        for n in range(1000)
    )
    settings = ReplaySettings(resamples=100, cluster="shop")
    report = evaluate(log, policies=["uniform"], metrics=["ctr"], settings=settings).policies[0]
    assert report.diagnostics.user_ess == pytest.approx(10)
    assert np.isfinite(report.metrics["ctr"].estimates["ips"].value or np.nan)


def test_rounding_does_not_cross_a_limit() -> None:
    """Sums of equal weights come out a little off: 100 users are not under 100."""
    on_the_limits = dataclasses.replace(GOOD, user_ess=99.99999999999997, unsupported_mass=0.010000000000000009)
    assert judge(on_the_limits, 29.999999999999996, Thresholds()).name == "weak"
    assert (
        judge(dataclasses.replace(GOOD, user_ess=999.9999999999999), 199.99999999999997, Thresholds()).name == "trusted"
    )
