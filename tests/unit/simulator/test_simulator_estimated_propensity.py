"""Logs whose propensities are estimates: what every result says of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator import Log, ReplayReport, ReplaySettings, evaluate
from simulator.log_facts import LogFacts
from simulator.sensitivity import sensitivity_band
from simulator.sensitivity_sums import SensitivitySums
from simulator.verdict import VerdictName

LogOf = Callable[..., Log]
CLICK = [{"type": "click"}]


def records(rows: int, **changes: Any) -> list[dict[str, Any]]:
    """A quarter of the rows plays `b` and half of these click, as do a fifth of the others."""
    return [
        {
            "arm": "b" if n % 4 == 0 else "a",
            "propensity": 0.25 if n % 4 == 0 else 0.75,
            "probabilities": [0.75, 0.25],
            "outcomes": CLICK if (n % 8 == 0 if n % 4 == 0 else n % 5 == 0) else [],
            "user": f"u{n}",
            "propensity_estimated": True,
            **changes,
        }
        for n in range(rows)
    ]


def replayed(log: Log, metrics: tuple[str, ...] = ("ctr",), **settings: Any) -> ReplayReport:
    policies = ["logged", "uniform", "constant:b"]
    return evaluate(
        log, policies=policies, metrics=list(metrics), settings=ReplaySettings(interval="delta", **settings)
    )


def test_bands_by_hand(log_of: LogOf) -> None:
    """One click in two plays of `b`, p̂ = 1/4; Γ = 2 puts their weights, 1 + 3 z, at 2.5 or at 7."""
    log = log_of(records(8))
    report = replayed(log)
    estimates = report.policy("constant:b").metrics["ctr"].estimates
    told = estimates["snips"].note
    # 2.5 / (2.5 + 7) and 7 / (7 + 2.5); at Γ = 1.5: weights 3 and 5.5.
    assert told == ("estimated propensity: 35.29 % to 64.71 % if its odds are off by 1.5, 26.32 % to 73.68 % by 2")
    # IPS: weight / 8 of the one row that clicked.
    assert estimates["ips"].note == (
        "estimated propensity: 37.50 % to 68.75 % if its odds are off by 1.5, 31.25 % to 87.50 % by 2"
    )
    # The log clicked 2 times in 8: 1 of b at row 0, 1 of a at row 5.
    versus = report.policy("constant:b").versus["logged"]["ctr"]["snips"].note
    assert versus is not None
    assert versus.startswith("estimated propensity: 10.29 % to 39.71 % if its odds are off by 1.5")
    # (1 + 3/Γ) / (2 + 3 (Γ + 1/Γ)) = 1/4 where 3 Γ² − 2 Γ − 9 = 0: Γ = 2.0973.
    assert versus.endswith("; the sign stands up to 2.10")
    assert report.policy("constant:b").versus["uniform"]["ctr"]["snips"].note is None


def test_rows_whose_propensity_was_recorded_do_not_move(log_of: LogOf) -> None:
    rows = records(8)
    rows[0]["propensity_estimated"] = None
    del rows[4]["propensity_estimated"]
    told = replayed(log_of(rows)).policy("constant:b").metrics["ctr"].estimates["snips"].note
    assert told == ("estimated propensity: 50.00 % to 50.00 % if its odds are off by 1.5, 50.00 % to 50.00 % by 2")
    assert "propensity" not in str(replayed(log_of(records(8, propensity_estimated=False))).to_json()["log"])


def test_sums_give_the_bands_of_the_rows() -> None:
    random = np.random.default_rng(3)
    n = 3_000
    propensity = random.uniform(0.05, 1.0, n)
    weight = np.where(random.random(n) < 0.4, 0.0, random.random(n) / propensity)
    reward = np.round(random.normal(0, 2, n), 1) * (random.random(n) < 0.3)
    count = random.integers(1, 5, n).astype(float)
    estimated = random.random(n) < 0.7
    sums = SensitivitySums()
    for start in range(0, n, 37):
        own = slice(start, start + 37)
        sums.add(weight[own], propensity[own], reward[own], count[own], estimated[own])
    for self_normalised in (True, False):
        for gamma in (1.0, 1.5, 4.0):
            of_rows = sensitivity_band(
                weight,
                np.where(estimated, propensity, 1.0),
                reward,
                gamma,
                count=count,
                self_normalised=self_normalised,
            )
            assert sums.band(gamma, self_normalised=self_normalised) == pytest.approx(of_rows, abs=1e-12)
    value = float(np.sum(count * weight * reward) / np.sum(count * weight))
    assert sums.band(1.0, self_normalised=True) == pytest.approx((value, value))


def test_facts_count_decisions_with_a_choice(log_of: LogOf) -> None:
    rows = records(8, count=3)
    rows[1] |= {"eligible": ["a"], "propensity": 1.0, "probabilities": [1.0]}
    rows[2]["propensity_estimated"] = False
    rows[3] |= {"mode": "forced", "propensity": 1.0}
    facts = LogFacts.of(log_of(rows), cluster=None, reward_max=None)
    assert facts.estimated == 15
    (warning,) = (text for text in facts.summary.warnings if "estimated propensity" in text)
    assert "that of 15 decisions comes from a model of the logging policy" in warning
    assert LogFacts.of(log_of([{"arm": "a"}]), cluster=None, reward_max=None).estimated == 0


def test_verdicts_are_weak_at_best(log_of: LogOf) -> None:
    rows = records(12_000)
    report = replayed(log_of(rows), ("ctr", "send_rate"))
    reason = "estimated propensity in 12000 decisions"
    for spec in ("uniform", "constant:b"):
        for metric in report.policy(spec).metrics.values():
            assert metric.verdict.name is VerdictName.WEAK
            assert reason in metric.verdict.reasons
    logged = report.policy("logged")
    assert logged.verdict.name is VerdictName.TRUSTED
    assert logged.metrics["ctr"].estimates["ips"].note == "estimated propensity: the log's own value rests on none"
    recorded = replayed(log_of({**row, "propensity_estimated": None} for row in rows))
    assert recorded.policy("uniform").verdict.name is VerdictName.TRUSTED


def test_bipw_stands_beside_by_default(log_of: LogOf) -> None:
    log = log_of(records(400))
    estimates = replayed(log).policy("constant:b").metrics["ctr"].estimates
    assert list(estimates) == ["ips", "snips", "dr", "bipw"]
    assert estimates["dr"].note is None
    asked = evaluate(log, policies=["uniform"], estimators=["ips"], settings=ReplaySettings(interval="delta"))
    assert list(asked.policies[0].metrics["ctr"].estimates) == ["ips"]
    plain = replayed(log_of(records(400, propensity_estimated=None)))
    assert list(plain.policies[0].metrics["ctr"].estimates) == ["ips", "snips", "dr"]


def test_a_ratio_says_that_it_has_no_band(log_of: LogOf) -> None:
    report = replayed(log_of(records(400)), ("ctr_per_send", "ctr"))
    metrics = report.policy("uniform").metrics
    assert metrics["ctr_per_send"].estimates["snips"].note == "estimated propensity: a ratio has no sensitivity band"
    assert metrics["ctr"].estimates["snips"].note is None


def test_bands_survive_where_nothing_clicked(log_of: LogOf) -> None:
    estimate = replayed(log_of(records(400, outcomes=[]))).policy("uniform").metrics["ctr"].estimates["ips"]
    assert estimate.value == 0.0
    assert estimate.note is not None
    assert estimate.note.startswith("estimated propensity: 0 % to 0 %")


def test_an_estimator_without_a_choice_names_no_parameter(log_of: LogOf) -> None:
    """JSON knows no infinity, and B-IPW's bound is none."""
    estimates = replayed(log_of(records(400))).policy("uniform").metrics["ctr"].estimates
    assert estimates["bipw"].value is not None
    assert estimates["bipw"].parameter is None
