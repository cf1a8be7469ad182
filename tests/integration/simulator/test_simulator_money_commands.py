"""`plan` and `budget` on the command line."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from simulator import write_log

Run = Callable[..., Result]
ARMS = ["hold", "sun/email/am", "sun/sms/am"]
P = [0.2, 0.5, 0.3]


def records(*, times: bool = True, probabilities: bool = True) -> list[dict[str, Any]]:
    random = np.random.default_rng(3)
    made = []
    for row in range(3000):
        arm = int(random.choice(3, p=P))
        outcomes: list[dict[str, Any]] = [{"type": "cost", "value": 0.5}] if arm == 2 else []
        if random.random() < (0.1, 0.2, 0.3)[arm]:
            outcomes.append({"type": "purchase", "value": 10.0})
        record = {
            **{"decision_id": f"d{row}", "arm": ARMS[arm], "propensity": P[arm], "eligible": ARMS, "user": f"u{row}"},
            "outcomes": outcomes,
        }
        if times:
            record["decided_at"] = f"2025-03-{1 + row // 150:02d}T{8 + row % 10:02d}:00:00Z"
        if probabilities:
            record["probabilities"] = P
        made.append(record)
    return made


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "days.jsonl"
    write_log(path, records())
    return path


def test_plan(simulator: Run, log: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan.json"
    result = simulator("plan", log, "--metric", "profit", "--lift", 0.1, "--json", out)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 100
    plan = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert plan["schema"] == "armsreach.plan.v1"
    assert plan["traffic"]["unit"] == "day"
    assert plan["traffic"]["decisions_per_unit"] == pytest.approx(150, rel=0.06)
    assert plan["traffic"]["fresh"] == 1.0
    # Drawn alike in every decision: the floor that fits, cell by cell, is that of hold, 0.2 of 1/3.
    assert plan["logged_floor"] == pytest.approx(0.6, rel=1e-6)
    found = {one["policy"]: one for one in plan["policies"]}
    assert list(found) == ["logged", "uniform", "best_constant", "constant:hold"]
    assert found["logged"]["difference"] is None
    for one in plan["policies"][1:]:
        lifts = [entry["lift"] for entry in one["smallest_lift"]]
        assert lifts == sorted(lifts, reverse=True)
        assert [entry["units"] for entry in one["smallest_lift"]] == [0, 7, 14, 28]
        assert len(one["floors"]) == 6
    assert plan["summary"] in " ".join(result.output.split())


def test_plan_without_times_or_probabilities(simulator: Run, tmp_path: Path) -> None:
    path = tmp_path / "bare.jsonl"
    write_log(path, records(times=False, probabilities=False))
    out = tmp_path / "plan.json"
    result = simulator("plan", path, "--policy", "constant:hold", "--json", out)
    assert result.exit_code == 0, result.output
    plan = json.loads(out.read_text())
    assert plan["traffic"]["unit"] == "1,000 decisions"
    assert plan["traffic"]["span"] == 3.0
    assert plan["policies"][0]["floors"] == []
    assert any("floors cannot be compared" in note for note in plan["notes"])


def test_budget(simulator: Run, log: Path, tmp_path: Path) -> None:
    out, page = tmp_path / "budget.json", tmp_path / "budget.html"
    result = simulator("budget", log, "--channel", "sms", "--resamples", 200, "--json", out, "--html", page)
    assert result.exit_code == 0, result.output
    assert max(map(len, result.output.splitlines())) <= 100
    budget = json.loads(out.read_text(), parse_constant=pytest.fail)
    assert budget["schema"] == "armsreach.budget.v1"
    assert [point["change"] for point in budget["points"]] == [-0.5, -0.3, -0.2, -0.1, 0, 0.1, 0.2, 0.3, 0.5, 0.75, 1]
    for point in budget["points"]:
        assert point["spend"]["value"] == pytest.approx((1 + point["change"]) * budget["spent"], rel=2e-3)
        assert point["policy"] == ("logged" if point["change"] == 0 else f"repriced:sms:{point['strength']}")
    # An SMS earns 3 − 0.5, the others on average (0.2 · 1 + 0.5 · 2) / 0.7: 0.79 more for 0.5 of money.
    marginal = budget["marginal"]
    assert marginal["low"] < (3 - 0.5 - 1.2 / 0.7) / 0.5 < marginal["high"]
    html = page.read_text()
    assert html.count("<svg") == 2
    assert "http" not in html
    assert "<script" not in html
    assert budget["summary"] in " ".join(result.output.split())


def test_a_point_of_the_curve_can_be_replayed(simulator: Run, log: Path, tmp_path: Path) -> None:
    curve, replayed = tmp_path / "budget.json", tmp_path / "replay.json"
    arguments = ("--resamples", 200, "--seed", 5)
    simulator("budget", log, "--channel", "sms", "--change", 0.2, "--json", curve, *arguments)
    point = json.loads(curve.read_text())["points"][1]
    simulator("replay", log, "--policy", point["policy"], "--metric", "profit", "--json", replayed, *arguments)
    policy = json.loads(replayed.read_text())["policies"][0]
    assert policy["versus"]["logged"]["profit"]["snips"] == point["gain"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "--lift", 0), "--lift: expected a relative lift"),
        (("plan", "--power", 1), "--power: expected a probability"),
        (("plan", "--floor", "0.1,1.5"), "--floor: expected shares"),
        (("plan", "--floor", "much"), "--floor: expected a number"),
        (("plan", "--logged-floor", 1.5), "--logged-floor"),
        (("plan", "--metric", "profits"), "did you mean profit?"),
        (("budget", "--channel", "fax"), "use one of email, sms"),
        (("budget", "--channel", "email"), "report what its sends cost"),
        (("budget", "--channel", "sms", "--change", "-1"), "--change: expected changes of spend"),
    ],
)
def test_bad_flags_exit_2_with_the_remedy(arguments: tuple[object, ...], words: str, simulator: Run, log: Path) -> None:
    command, *flags = arguments
    result = simulator(command, log, *flags)
    assert result.exit_code == 2, result.output
    assert words in " ".join(result.output.split())
