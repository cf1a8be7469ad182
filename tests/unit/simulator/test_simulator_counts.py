"""A row with `count` says exactly what that many rows say."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Log, PolicyReport, ReplaySettings, evaluate
from simulator.clusters import Clusters
from simulator.log_parts import parted

SETTINGS = ReplaySettings(resamples=100)


def rows(user: bool) -> list[dict[str, Any]]:
    made = []
    for n in range(60):
        row: dict[str, Any] = {
            "arm": "ab"[n % 2],
            "propensity": 0.3 if n % 2 else 0.7,
            "outcomes": [{"type": "click"}] if n % 5 == 0 else [],
            "count": 1 + n % 4,
        }
        made.append({**row, "user": f"u{n % 17}"} if user else row)
    return made


def spelled_out(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [{**row, "count": 1} for row in records for _ in range(row["count"])]


def valued(log: Log) -> PolicyReport:
    return evaluate(log, policies=["constant:a"], metrics=["ctr"], settings=SETTINGS).policies[0]


@pytest.mark.parametrize("user", [True, False], ids=["users", "no users"])
def test_same_diagnostics_and_values(user: bool, log_of: Callable[..., Log]) -> None:
    short, long = valued(log_of(rows(user))), valued(log_of(spelled_out(rows(user))))
    for name in ("ess", "ess_share", "user_ess", "reward_ess", "max_weight", "mean_weight", "mean_weight_low"):
        assert getattr(short.diagnostics, name) == pytest.approx(getattr(long.diagnostics, name)), name
    for key in ("ips", "snips"):
        assert short.metrics["ctr"].estimates[key].value == pytest.approx(long.metrics["ctr"].estimates[key].value)


def test_same_intervals_with_users(log_of: Callable[..., Log]) -> None:
    short, long = valued(log_of(rows(True))), valued(log_of(spelled_out(rows(True))))
    for key in ("ips", "snips"):
        ours, theirs = short.metrics["ctr"].estimates[key], long.metrics["ctr"].estimates[key]
        assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_same_delta_intervals_without_users(log_of: Callable[..., Log]) -> None:
    settings = ReplaySettings(interval="delta")
    found = [
        evaluate(log_of(records), policies=["constant:a"], metrics=["ctr"], estimators=["snips"], settings=settings)
        for records in (rows(False), spelled_out(rows(False)))
    ]
    ours, theirs = (report.policies[0].metrics["ctr"].estimates["snips"] for report in found)
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_bootstrap_without_users_is_as_wide_as_delta(log_of: Callable[..., Log]) -> None:
    log = log_of([{**row, "count": row["count"] * 50} for row in rows(False)])
    widths = {}
    for name in ("bootstrap", "delta"):
        settings = ReplaySettings(interval=name, resamples=2000)
        report = evaluate(log, policies=["constant:a"], metrics=["ctr"], estimators=["snips"], settings=settings)
        estimate = report.policies[0].metrics["ctr"].estimates["snips"]
        assert estimate.low is not None
        assert estimate.high is not None
        widths[name] = estimate.high - estimate.low
    assert widths["bootstrap"] == pytest.approx(widths["delta"], rel=0.1)


def test_summary_counts_decisions(log_of: Callable[..., Log]) -> None:
    report = evaluate(log_of(rows(True)), settings=SETTINGS)
    assert report.log.decisions == sum(row["count"] for row in rows(True))
    assert report.log.modes == {"live": report.log.decisions}
    assert report.log.users == 17


def test_buckets_keep_the_variance(log_of: Callable[..., Log]) -> None:
    """With more users than buckets the interval has the width it has with a bucket a user."""
    random = np.random.default_rng(3)

    def record(n: int) -> Mapping[str, Any]:
        return {"arm": "ab"[n % 2], "user": f"u{n}", "outcomes": [{"type": "click"}] * int(random.random() < 0.2)}

    log = log_of(record(n) for n in range(9000))
    assert Clusters.of(log).size == 9000
    widths = []
    for name in ("bootstrap", "delta"):
        settings = ReplaySettings(interval=name, resamples=1500)
        report = evaluate(log, policies=["constant:a"], metrics=["ctr"], estimators=["ips"], settings=settings)
        estimate = report.policies[0].metrics["ctr"].estimates["ips"]
        widths.append((estimate.high or 0) - (estimate.low or 0))
    share, n = 0.2, 9000
    plain = 2 * 1.96 * np.sqrt((2 * share - share**2) / n)
    assert widths[0] == pytest.approx(plain, rel=0.1)
    assert widths[1] == pytest.approx(plain, rel=0.1)


def test_rows_in_any_order_give_the_same_report(log_of: Callable[..., Log]) -> None:
    records = [{**row, "decision_id": f"x{n}"} for n, row in enumerate(rows(True))]
    ahead, back = valued(log_of(records)), valued(log_of(records[::-1]))
    assert ahead.metrics["ctr"].estimates["ips"].low == pytest.approx(back.metrics["ctr"].estimates["ips"].low)


def test_same_models_and_choices_with_users(log_of: Callable[..., Log]) -> None:
    """Doubly robust values, intervals and best_constant too: standardising, ridge and slopes all weigh by count."""
    records = [
        {**row, "context": {"x": n % 7, **({"y": "pq"[n % 2]} if n % 3 else {})}} for n, row in enumerate(rows(True))
    ]
    found = []
    for log in (log_of(records), log_of(spelled_out(records))):
        report = evaluate(
            log, policies=["best_constant", "uniform"], metrics=["ctr"], estimators=["dm", "dr"], settings=SETTINGS
        )
        estimates = [p.metrics["ctr"].estimates[key] for p in report.policies for key in ("dm", "dr")]
        found.append([number for e in estimates for number in (e.value, e.low, e.high)])
    assert found[0] == pytest.approx(found[1])


def table_of_counts() -> list[dict[str, Any]]:
    """Four rows of 4,000 decisions: arm a is clicked in 20 %, arm b in 10 %."""
    return [
        {"arm": arm, "count": count, "outcomes": [{"type": "click"}] * clicked, "decision_id": f"{arm}{clicked}"}
        for arm, shares in (("a", (1600, 400)), ("b", (1800, 200)))
        for clicked, count in enumerate(shares)
    ]


@pytest.mark.parametrize("seed", range(4))
def test_a_table_of_counts_without_users_divides_into_folds(seed: int, log_of: Callable[..., Log]) -> None:
    settings = ReplaySettings(resamples=100, seed=seed)
    report = evaluate(
        log_of(table_of_counts()),
        policies=["best_constant", "constant:b"],
        estimators=["snips", "dr"],
        settings=settings,
    )
    for spec, truth in (("best_constant", 0.2), ("constant:b", 0.1)):
        policy = report.policy(spec)
        assert policy.diagnostics.ess == pytest.approx(2000, rel=0.01)
        for estimate in policy.metrics["ctr"].estimates.values():
            assert estimate.value == pytest.approx(truth, abs=0.002)
    assert report.notes == ["best_constant chose a on either half of the users, each judged on the other half"]


def test_parts_say_what_the_record_said(log_of: Callable[..., Log]) -> None:
    records = [
        {"arm": "a", "count": 23, "outcomes": [{"type": "purchase", "value": 2.0}, {"type": "click"}]},
        {"arm": "b", "user": "u", "count": 5},
    ]
    parts = parted(log_of(records), 10)
    assert parts.count.tolist() == [3, 3, 3, 2, 2, 2, 2, 2, 2, 2, 5]
    assert parts.part.tolist() == [*range(10), 0]
    assert parts.outcomes.total("purchase", parts.rows).tolist() == [2.0] * 10 + [0.0]
    dealt = Clusters.of(parts).folds(5, 0, "any")[:10]
    assert sorted(dealt.tolist()) == sorted([*range(5), *range(5)])
    assert np.unique(Clusters.of(parts).key).size == 11


def test_a_policy_file_names_a_parted_record_once(log_of: Callable[..., Log], tmp_path: Path) -> None:
    file = tmp_path / "policy.jsonl"
    file.write_text(
        "".join(f'{{"decision_id": "{row["decision_id"]}", "probabilities": [1, 0]}}\n' for row in table_of_counts())
    )
    report = evaluate(log_of(table_of_counts()), policies=[f"file:{file}"], metrics=["ctr"], settings=SETTINGS)
    assert report.policies[0].metrics["ctr"].estimates["ips"].value == pytest.approx(0.2)
