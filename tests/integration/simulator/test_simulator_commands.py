from __future__ import annotations

import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from simulator import write_log

Run = Callable[..., Result]


def records(users: int = 1500) -> list[dict[str, Any]]:
    """A small shop with mail, push and hold; mail costs money, and hold sells by itself."""
    made = []
    for n in range(users):
        arm = ["sun/email/am", "sun/push/am", "hold"][n % 3]
        outcomes: list[dict[str, Any]] = []
        if arm != "hold" and n % 4 == 0:
            outcomes.append({"type": "click", "at": "2025-03-05T00:00:00Z"})
        if n % 6 == 0 or n % 5 == 0:
            outcomes.append({"type": "purchase", "value": 10.0 + n % 7, "at": "2025-03-20T00:00:00Z"})
        if arm == "sun/email/am":
            outcomes.append({"type": "cost", "value": 0.5, "at": "2025-03-01T00:00:00Z"})
        made.append(
            {
                "decision_id": f"d{n}",
                "user": f"u{n}",
                "arm": arm,
                "propensity": 1 / 3,
                "eligible": ["sun/email/am", "sun/push/am", "hold"],
                "decided_at": f"2025-03-{1 + n % 28:02d}T10:00:00Z",
                "context": {"region": ["north", "south"][n % 2], "visits": n % 9},
                "outcomes": outcomes,
            }
        )
    made.append(
        {
            **made[0],
            "decision_id": "h1",
            "user": "hx",
            "mode": "holdout",
            "arm": "hold",
            "eligible": ["hold"],
            "propensity": 1,
            "outcomes": [],
        }
    )
    made.append(
        {
            **made[0],
            "decision_id": "s1",
            "user": "sx",
            "arm": "hold",
            "eligible": ["hold"],
            "propensity": 1,
            "outcomes": [],
        }
    )
    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "day.jsonl"
    write_log(path, records())
    return path


def replayed(simulator: Run, log: Path, *arguments: object, code: int = 0) -> dict[str, Any]:
    out = log.with_suffix(".json")
    result = simulator("replay", log, "--json", out, "--resamples", 200, *arguments)
    assert result.exit_code == code, result.output
    report: dict[str, Any] = json.loads(out.read_text(), parse_constant=pytest.fail)
    return report


def test_json_is_exactly_the_report_format(simulator: Run, log: Path) -> None:
    report = replayed(simulator, log)
    assert list(report) == ["schema", "log", "policies"]
    assert report["schema"] == "armsreach.replay.v1"
    assert list(report["log"]) == ["decisions", "users", "arms", "modes", "single_arm", "first", "last", "warnings"]
    assert report["log"]["modes"] == {"live": 1501, "holdout": 1}
    assert report["log"]["single_arm"] == 2
    assert [policy["policy"] for policy in report["policies"]] == [
        "logged",
        "uniform",
        "best_constant",
        "constant:hold",
    ]
    for policy in report["policies"]:
        assert list(policy) == ["policy", "verdict", "reasons", "fallback_share", "diagnostics", "metrics", "versus"]
        assert list(policy["diagnostics"]) == [
            *("ess", "ess_share", "user_ess", "reward_ess", "max_weight", "mean_weight", "mean_weight_low"),
            *("mean_weight_high", "match_rate", "unsupported_mass", "unsupported_arms"),
        ]
        assert list(policy["metrics"]) == [
            *("ctr", "ctr_per_send", "cvr", "cvr_per_click", "revenue", "cost", "profit", "roi", "incremental_roi"),
            "send_rate",
        ]
        for metric in policy["metrics"].values():
            assert list(metric) == ["verdict", "reasons", "ips", "snips", "dr"]
            for key in ("ips", "snips", "dr"):
                estimate = metric[key]
                assert list(estimate)[:5] == ["value", "low", "high", "level", "interval"]
                assert ("reason" in estimate) == (estimate["value"] is None or estimate["low"] is None)
                if estimate["low"] is not None:
                    assert estimate["low"] - 1e-9 <= estimate["value"] <= estimate["high"] + 1e-9
        assert policy["verdict"] == policy["metrics"]["ctr"]["verdict"]
        baselines = {"logged": "logged", "uniform": "uniform", "hold": "constant:hold"}
        assert list(policy["versus"]) == [name for name, spec in baselines.items() if spec != policy["policy"]]
    assert any("One-step counterfactual" in warning for warning in report["log"]["warnings"])
    assert any("1 holdout" in warning for warning in report["log"]["warnings"])


def test_values_by_hand(simulator: Run, log: Path) -> None:
    report = replayed(simulator, log, "--policy", "constant:sun/email/am", "--policy", "constant:hold", "--margin", 0.4)
    rows = [row for row in records() if row.get("mode", "live") == "live" and len(row["eligible"]) > 1]

    def total(arm: str, kind: str) -> float:
        return sum(o.get("value", 1) for row in rows if row["arm"] == arm for o in row["outcomes"] if o["type"] == kind)

    mail = report["policies"][0]["metrics"]
    n = 1501
    assert mail["revenue"]["ips"]["value"] == pytest.approx(3 * total("sun/email/am", "purchase") / n)
    assert mail["cost"]["ips"]["value"] == pytest.approx(3 * total("sun/email/am", "cost") / n)
    assert mail["profit"]["ips"]["value"] == pytest.approx(
        3 * (0.4 * total("sun/email/am", "purchase") - total("sun/email/am", "cost")) / n
    )
    assert mail["roi"]["snips"]["value"] == pytest.approx(
        (total("sun/email/am", "purchase") - total("sun/email/am", "cost")) / total("sun/email/am", "cost")
    )
    lift = total("sun/email/am", "purchase") - total("hold", "purchase")
    spent = total("sun/email/am", "cost")
    assert mail["incremental_roi"]["ips"]["value"] == pytest.approx((0.4 * lift - spent) / spent)
    hold = report["policies"][1]["metrics"]
    assert hold["roi"]["ips"] == {
        **{"value": None, "low": None, "high": None, "level": 0.95, "interval": "bootstrap_t"},
        "reason": "no cost under this policy",
    }
    assert hold["ctr_per_send"]["verdict"] == "refused"


def test_same_seed_same_report_and_another_seed_another(simulator: Run, log: Path) -> None:
    first = replayed(simulator, log, "--seed", 1)
    assert replayed(simulator, log, "--seed", 1) == first
    assert replayed(simulator, log, "--seed", 2) != first


def test_narrowing_by_time_condition_and_delay(simulator: Run, log: Path) -> None:
    assert replayed(simulator, log, "--where", "visits > 3 AND region = 'north'")["log"]["decisions"] < 900
    part = replayed(simulator, log, "--from", "2025-03-08T00:00:00Z", "--to", "2025-03-15T00:00:00Z")["log"]
    assert part["first"] == "2025-03-08T10:00:00Z"
    assert part["last"] == "2025-03-14T10:00:00Z"
    early = replayed(simulator, log, "--as-of", "2025-03-10T00:00:00Z")
    assert early["log"]["last"] < "2025-03-10"
    assert "revenue" not in early["policies"][0]["metrics"], "purchases of 20 March are not known yet"
    young = replayed(simulator, log, "--delay", "7d")["log"]
    assert young["decisions"] < 1502
    assert any("outcomes not yet complete" in warning for warning in young["warnings"])


def test_break_down_and_objective(simulator: Run, log: Path) -> None:
    report = replayed(simulator, log, "--by", "region", "--objective", "click=1,purchase=0.3,cost=-1")
    assert report["by"]["column"] == "region"
    assert [group["value"] for group in report["by"]["groups"]] == ["north", "south"]
    assert sum(group["log"]["decisions"] for group in report["by"]["groups"]) == 1502
    metrics = report["policies"][0]["metrics"]
    expected = (
        metrics["ctr"]["ips"]["value"] + 0.3 * metrics["revenue"]["ips"]["value"] - metrics["cost"]["ips"]["value"]
    )
    assert metrics["objective"]["ips"]["value"] == pytest.approx(expected)


@pytest.mark.parametrize("split", ["0.5", "2025-03-15T00:00:00Z", "user"])
def test_splits_judge_what_did_not_choose(split: str, simulator: Run, log: Path) -> None:
    report = replayed(simulator, log, "--split", split, "--policy", "best_constant", "--policy", "logged")
    assert any(warning.startswith("best_constant chose") for warning in report["log"]["warnings"])
    assert set(report["policies"][0]["versus"]) == {"logged", "uniform", "hold"}


def test_a_refused_verdict_exits_3_only_when_required(simulator: Run, log: Path, tmp_path: Path) -> None:
    small = tmp_path / "small.jsonl"
    write_log(small, records(60))
    assert simulator("replay", small).exit_code == 0
    assert simulator("replay", small, "--require-verdict").exit_code == 3
    assert simulator("replay", small, "--require-verdict", "--policy", "logged").exit_code == 0
    limits = tmp_path / "limits.toml"
    limits.write_text("refused_user_ess = 5\nrefused_reward_ess = 2\n")
    loose = simulator("replay", small, "--require-verdict", "--policy", "uniform", "--thresholds", limits)
    assert loose.exit_code == 0, loose.output


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--policy", "vw"], "expected one of logged, uniform, best_constant, constant:ARM"),
        (["--policy", "vw:--cb_explor_adf"], "did you mean --cb_explore_adf"),
        (["--policy", "constant:moon/email/am"], "did you mean 'sun/email/am'"),
        (["--policy", "constant:"], "--policy"),
        (["--policy", "file:none.jsonl"], "none.jsonl"),
        (["--policy", "python:nowhere:thing"], "importable"),
        (["--policy", "python:math:pi"], "expected a callable"),
        (["--metric", "ctrr"], "did you mean ctr"),
        (["--estimator", "magic"], "--estimator"),
        (["--interval", "guess"], "bootstrap_t, bootstrap"),
        (["--level", "1.5"], "--level"),
        (["--resamples", "3"], "--resamples"),
        (["--objective", "click"], "NAME=NUMBER"),
        (["--split", "sideways"], "a share is the part that chooses"),
        (["--split", "2031-01-01T00:00:00Z"], "one side only"),
        (["--as-of", "noon"], "RFC 3339"),
        (["--delay", "soon"], "duration"),
        (["--where", "arm = 'hold'"], "cannot be selected by"),
        (["--where", "visits"], "true or false"),
        (["--where", "visits > 99"], "got none"),
        (["--by", "arm"], "expected a column"),
        (["--cluster", "regoin"], "did you mean 'region'"),
        (["--thresholds", "none.toml"], "none.toml"),
        (["--json", "no/such/folder/x.json"], "writable path"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_bad_flags_exit_2_with_the_remedy(arguments: list[str], words: str, simulator: Run, log: Path) -> None:
    result = simulator("replay", log, *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output


def test_flags_that_do_not_exist_are_refused(simulator: Run, log: Path) -> None:
    assert simulator("replay", log, "--srm").exit_code == 2
    assert simulator("sweep", log).exit_code == 2


def test_bad_thresholds_name_file_and_key(simulator: Run, log: Path, tmp_path: Path) -> None:
    limits = tmp_path / "limits.toml"
    limits.write_text("refused_user_es = 5\n")
    result = simulator("replay", log, "--thresholds", limits)
    assert result.exit_code == 2
    assert "did you mean 'refused_user_ess'" in result.output


def test_bad_log_exits_2_with_line_and_field(simulator: Run, tmp_path: Path) -> None:
    path = tmp_path / "bad.jsonl"
    good, bad = records(2)[:2]
    path.write_text(json.dumps(good) + "\n" + json.dumps({**bad, "propensity": math.nan}) + "\n")
    for command in ("replay", "lint"):
        result = simulator(command, path)
        assert result.exit_code == 2
        assert f"{path}:2: propensity: expected a number in (0, 1], got nan" in result.output


def test_terminal_fits_100_columns_and_says_what_it_is(simulator: Run, log: Path) -> None:
    result = simulator("replay", log)
    assert result.exit_code == 0
    assert max(len(line.rstrip()) for line in result.output.splitlines()) <= 100
    for words in ("One-step counterfactual", "● trusted", "lift on logged", "constant:hold", "effective sample sizes"):
        assert words in result.output


def test_html_stands_alone(simulator: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "report.html"
    assert simulator("replay", log, "--html", out, "--by", "region").exit_code == 0
    page = out.read_text()
    assert len(page) < 400_000
    assert "<script" not in page
    assert "http" not in page
    assert "One-step counterfactual" in page
    assert page.count("<svg") >= 20
    assert "NaN" not in page


def test_lint_reports_what_is_odd(simulator: Run, tmp_path: Path) -> None:
    path = tmp_path / "odd.jsonl"
    rows = records(6)
    rows[0]["probabilities"] = [0.2, 0.4, 0.4]
    del rows[1]["user"]
    write_log(path, rows)
    result = simulator("lint", path)
    assert result.exit_code == 0
    assert "disagree with propensity" in result.output
    assert "no user" in result.output


def test_policy_file_is_checked_and_used(simulator: Run, log: Path, tmp_path: Path) -> None:
    path = tmp_path / "policy.jsonl"
    lines = [
        {"decision_id": row["decision_id"], "probabilities": [1.0, 0, 0] if len(row["eligible"]) == 3 else [1.0]}
        for row in records()
    ]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = replayed(simulator, log, "--policy", f"file:{path}", "--policy", "constant:sun/email/am")
    mine, constant = report["policies"]
    assert mine["diagnostics"] == constant["diagnostics"]
    for key in ("ctr", "revenue"):
        assert mine["metrics"][key]["dr"] == constant["metrics"][key]["dr"]
    path.write_text(json.dumps({"decision_id": "d0", "probabilities": [0.5, 0.2, 0.2]}) + "\n")
    result = simulator("replay", log, "--policy", f"file:{path}")
    assert result.exit_code == 2
    assert f"{path}:1: probabilities" in result.output
    path.write_text(json.dumps(lines[0]) + "\n")
    assert "a line for every decision" in simulator("replay", log, "--policy", f"file:{path}").output
