from __future__ import annotations

import csv
import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

from simulator import Log
from simulator.sensitivity import sensitivity_band

Run = Callable[..., Result]

FLAGS = ("--arm", "arm", "--context", "keen,area", "--user", "who", "--outcome", "click=bought")
#: Click rate of arm A if everybody got it: mean of 0.1 + 0.5 · keen over keen uniform in [0, 1].
TRUTH = 0.35


@pytest.fixture(scope="module")
def confounded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Keen shoppers click more, and mostly got A: the plain mean of A is far too high."""
    rng = np.random.default_rng(11)
    n = 12_000
    keen = rng.random(n)
    plays_a = rng.random(n) < 1.0 / (1.0 + np.exp(-(4.0 * keen - 2.0)))
    bought = rng.random(n) < np.where(plays_a, 0.1 + 0.5 * keen, 0.2)
    path = tmp_path_factory.mktemp("confounded") / "log.csv"
    with path.open("w", newline="") as out:
        rows = csv.writer(out)
        rows.writerow(("who", "arm", "keen", "area", "bought"))
        for row in range(n):
            rows.writerow(
                (f"u{row // 3}", "BA"[int(plays_a[row])], f"{keen[row]:.4f}", "ns"[row % 2], int(bought[row]))
            )
    return path


@pytest.fixture(scope="module")
def estimated(confounded: Path) -> tuple[Result, Path]:
    from typer.testing import CliRunner

    from simulator.__main__ import application

    out = confounded.with_suffix(".jsonl")
    arguments = ["import", "csv", str(confounded), "-o", str(out), *FLAGS, "--propensity", "estimate"]
    return CliRunner().invoke(application(), arguments), out


def test_estimates_undo_the_choice_by_context(estimated: tuple[Result, Path]) -> None:
    result, path = estimated
    assert result.exit_code == 0, result.output
    log = Log.read(path)
    clicked, plays_a = log.outcomes.occurred("click", log.rows), log.arm == log.code("A")
    assert clicked[plays_a].mean() > TRUTH + 0.06, "taking A's rows as they are misleads"
    weight = plays_a / log.propensity
    assert np.sum(weight * clicked) / weight.sum() == pytest.approx(TRUTH, abs=0.02)
    low, high = sensitivity_band(weight, log.propensity, clicked, 1.5)
    assert low < TRUTH < high
    assert high - low < 0.25
    keen = log.context["keen"].astype(np.float64)
    true = 1.0 / (1.0 + np.exp(-(4.0 * keen - 2.0)))
    assert np.abs(log.propensity - np.where(plays_a, true, 1.0 - true)).max() < 0.05


def test_rows_say_that_they_are_estimated(estimated: tuple[Result, Path]) -> None:
    _, path = estimated
    record = json.loads(path.read_text().splitlines()[0])
    assert record["propensity_estimated"] is True
    assert sum(record["probabilities"]) == pytest.approx(1.0, abs=1e-9)
    assert record["propensity"] == record["probabilities"][record["eligible"].index(record["arm"])]


def test_import_prints_calibration(estimated: tuple[Result, Path]) -> None:
    output = estimated[0].output
    assert "12,000 propensities are estimated" in output
    assert "calibration by tenths, predicted → played" in output
    loss, marginal = (
        float(word) for word in output.split("log-loss ")[1].split("\n")[0].split(", of frequencies without context ")
    )
    assert loss < marginal - 0.1
    gap = float(output.split("largest calibration gap ")[1].split()[0])
    assert gap < 0.04


def test_lowest_propensity_is_kept(confounded: Path, simulator: Run, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    flags = (*FLAGS, "--propensity", "estimate")
    result = simulator("import", "csv", confounded, "-o", out, *flags, "--lowest-propensity", "0.3")
    assert result.exit_code == 0, result.output
    assert np.nanmin(Log.read(out).probabilities) == pytest.approx(0.3)
    assert "were raised to the lowest of 0.3" in result.output
    result = simulator("import", "csv", confounded, "-o", tmp_path / "no.jsonl", *flags, "--lowest-propensity", "0.5")
    assert result.exit_code == 2
    assert "--lowest-propensity: expected a lowest propensity above 0 and below 1/2" in result.output
    assert not (tmp_path / "no.jsonl").exists()


def test_a_column_called_estimate_is_a_column(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "any.csv", tmp_path / "any.jsonl"
    source.write_text("arm,estimate\nA,0.25\nB,0.75\n")
    assert simulator("import", "csv", source, "-o", out, "--arm", "arm", "--propensity", "estimate").exit_code == 0
    assert Log.read(out).propensity.tolist() == [0.25, 0.75]
    result = simulator(
        "import", "csv", source, "-o", out, "--arm", "arm", "--propensity", "0.5", "--lowest-propensity", "0.1"
    )
    assert result.exit_code == 2
    assert "--lowest-propensity: expected it with --propensity estimate only" in result.output


def test_a_single_arm_needs_no_estimate(simulator: Run, tmp_path: Path) -> None:
    source, out = tmp_path / "any.csv", tmp_path / "any.jsonl"
    source.write_text("arm\nA\nA\n")
    assert simulator("import", "csv", source, "-o", out, "--arm", "arm", "--propensity", "estimate").exit_code == 0
    assert Log.read(out).propensity.tolist() == [1.0, 1.0]


def replayed(simulator: Run, log: Path, *flags: object) -> tuple[dict[str, Any], str]:
    """The report as JSON and what the terminal says."""
    report = log.with_suffix(".report.json")
    arguments = ("--policy", "logged", "--policy", "constant:A", "--interval", "delta", "--json", report)
    result = simulator("replay", log, *arguments, *flags)
    assert result.exit_code == 0, result.output
    return json.loads(report.read_text()), result.output


def bands(note: str) -> list[float]:
    return [float(text) / 100 for text in re.findall(r"(-?[\d.]+) %", note)]


def test_a_replay_says_that_propensities_are_estimated_and_how_far_it_moves(
    estimated: tuple[Result, Path], simulator: Run
) -> None:
    _, path = estimated
    report, output = replayed(simulator, path)
    assert any("estimated propensity: that of 12000 decisions" in text for text in report["log"]["warnings"])
    ours = report["policies"][1]
    assert ours["verdict"] == "weak"
    assert "estimated propensity in 12000 decisions" in ours["reasons"]
    values = ours["metrics"]["ctr"]
    assert values["snips"]["value"] == pytest.approx(TRUTH, abs=0.02)
    assert values["bipw"]["value"] == pytest.approx(TRUTH, abs=0.04), "needs no propensity, and is there by default"
    low, high, lower, higher = bands(values["snips"]["note"])
    assert lower < low < TRUTH < high < higher
    log = Log.read(path)
    clicked, plays_a = log.outcomes.occurred("click", log.rows), (log.arm == log.code("A")) / log.propensity
    assert (low, high) == pytest.approx(sensitivity_band(plays_a, log.propensity, clicked, 1.5), abs=1e-4)
    assert "if its odds are off by 1.5" in ours["versus"]["logged"]["ctr"]["snips"]["note"]
    assert "estimated propensity" in " ".join(output.split())


def test_parquet_says_the_same(estimated: tuple[Result, Path], simulator: Run, tmp_path: Path) -> None:
    _, path = estimated
    out = tmp_path / "log.parquet"
    assert simulator("export", "--to", "parquet", path, "-o", out).exit_code == 0
    (one, _), (other, _) = replayed(simulator, path), replayed(simulator, out)
    assert [policy["metrics"] for policy in one["policies"]] == [policy["metrics"] for policy in other["policies"]]


def test_a_hidden_reason_is_inside_the_band_and_outside_the_interval(simulator: Run, tmp_path: Path) -> None:
    """Who is keen is not logged, yet doubles or halves the odds of A: no estimate can undo that, and the band tells."""
    rng = np.random.default_rng(4)
    n = 12_000
    keen = rng.random(n) < 0.5
    plays_a = rng.random(n) < np.where(keen, 2 / 3, 1 / 3)
    bought = rng.random(n) < np.where(plays_a, 0.2 + 0.3 * keen, 0.2)
    source, out = tmp_path / "hidden.csv", tmp_path / "hidden.jsonl"
    with source.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("who", "arm", "keen", "area", "bought"))
        rows.writerows((f"u{row}", "BA"[int(plays_a[row])], 1, "ns"[row % 2], int(bought[row])) for row in range(n))
    assert simulator("import", "csv", source, "-o", out, *FLAGS, "--propensity", "estimate").exit_code == 0
    report, _ = replayed(simulator, out)
    found = report["policies"][1]["metrics"]["ctr"]["snips"]
    assert found["low"] > TRUTH
    _, _, low, high = bands(found["note"])
    assert low < TRUTH < high
