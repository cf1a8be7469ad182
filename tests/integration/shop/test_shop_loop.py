"""The closed loop against the real service in process: journal, join, learner, snapshots."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from engine.core.campaign import Publishing, Shares
from simulator import Log, evaluate
from simulator.__main__ import application
from simulator.shop import PRESETS, InProcess, Ledger, Loop, Scenario, Shop, Simulated
from simulator.shop.reporting import Reporting
from simulator.shop.response import Response
from simulator.shop.selling import ShopperFacts


def _scenario(decisions: int, name: str = "frequent") -> Scenario:
    return replace(
        PRESETS[name],
        decisions=decisions,
        days=8.0,
        response=replace(PRESETS[name].response, base_click=0.15),
        publishing=Publishing(every_decisions=200),
        shares=Shares(control=0.2, holdout=0.05),
        reporting=Reporting(duplicates=0.1, disorder=0.1, lost_to_training=0.02),
    )


def _run(scenario: Scenario, seed: int, folder: Path) -> tuple[Ledger, Simulated, Path]:
    shop = Shop.open(scenario, seed)
    service = InProcess(folder / "data", shop, capacity=100_000)
    log = folder / "log.jsonl"
    try:
        ledger = Loop(shop, service).run()
        run = Simulated.of(ledger, service.snapshots)
        assert service.export(str(log)) == scenario.decisions
    finally:
        service.close()
    return ledger, run, log


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> tuple[Ledger, Simulated, Path]:
    return _run(_scenario(1500), 7, tmp_path_factory.mktemp("shop"))


def test_the_loop_learns_and_serves_what_it_learned(small: tuple[Ledger, Simulated, Path]) -> None:
    _, run, _ = small
    assert run.snapshots >= 3
    assert run.modes["live"] > 500
    assert run.modes["control"] > 150
    assert run.modes["holdout"] > 20
    assert run.lift.low is not None
    assert run.lift.low > 0
    assert run.oracle.value > run.best_fixed.value > 0  # type: ignore[operator]


def test_the_exported_log_has_what_the_shop_did(small: tuple[Ledger, Simulated, Path]) -> None:
    ledger, _, path = small
    rows = [json.loads(line) for line in path.read_text().splitlines()]
    order = {f"{row['decided_at']}|{row['user']}": row for row in rows}
    assert len(order) == len(rows) == 1500
    for i, row in enumerate(sorted(rows, key=lambda row: row["decided_at"])):
        assert row["arm"] == ledger.shop.catalogue.ids[ledger.arm[i]]
        assert row["mode"] == ledger.mode[i]
        clicks = [o for o in row["outcomes"] if o["type"] == "click"]
        assert len(clicks) == ledger.realised[i], "duplicates, disorder and late reports change no count"


def test_money_in_the_log_is_what_the_shop_earned(tmp_path: Path) -> None:
    shoppers = ShopperFacts(users=300, organic_per_day=0.3)
    scenario = replace(_scenario(400, "money"), days=3.0, shoppers=shoppers, shares=Shares(holdout=0.3))
    ledger, _, path = _run(scenario, 8, tmp_path)
    rows = sorted((json.loads(line) for line in path.read_text().splitlines()), key=lambda row: row["decided_at"])
    weights = ledger.shop.campaign.objective.weights
    earned = [sum(weights.get(o["type"], 0.0) * o["value"] for o in row["outcomes"]) for row in rows]
    np.testing.assert_allclose(earned, ledger.realised, atol=1e-9)
    assert any(o["attribution"] == "last" for row in rows for o in row["outcomes"])
    assert any(row["arm"] == "hold" and row["outcomes"] for row in rows), "hold is credited like any arm"


def test_lint_and_replay_read_the_log_and_cover_the_truth(small: tuple[Ledger, Simulated, Path]) -> None:
    ledger, _, path = small
    assert CliRunner().invoke(application(), ["lint", str(path)]).exit_code == 0
    report = evaluate(Log.read(str(path)), policies=["logged", "uniform"], metrics=["ctr"])
    valued = ledger.rows("live", "control", "fallback")
    truths = {"logged": ledger.chosen[valued].mean(), "uniform": ledger.uniform[valued].mean()}
    for policy in report.policies:
        for name, estimate in policy.metrics["ctr"].estimates.items():
            assert estimate.low is not None
            assert estimate.high is not None
            assert estimate.low <= truths[policy.policy] <= estimate.high, (policy.policy, name)


def test_one_seed_gives_the_same_decisions_again(tmp_path: Path) -> None:
    rows = []
    for attempt in ("one", "two"):
        folder = tmp_path / attempt
        folder.mkdir()
        _, _, path = _run(_scenario(600), 9, folder)
        read = [json.loads(line) for line in path.read_text().splitlines()]
        rows.append([{k: v for k, v in row.items() if k != "snapshot"} for row in read])
    assert rows[0] == rows[1]
    assert {row["mode"] for row in rows[0]} >= {"live", "control", "fallback"}


def test_the_realised_reward_agrees_with_the_expected_one(small: tuple[Ledger, Simulated, Path]) -> None:
    ledger, _, _ = small
    residual = ledger.realised - ledger.chosen
    assert abs(residual.mean()) < 4 * residual.std() / np.sqrt(len(residual))


def test_the_command_writes_log_and_result(tmp_path: Path) -> None:
    log, result = tmp_path / "log.jsonl", tmp_path / "run.json"
    scenario = tmp_path / "tiny.toml"
    scenario.write_text(
        'name = "tiny"\ndays = 2.0\n[response]\nbase_click = 0.2\n[publishing]\nevery_decisions = 100\n'
    )
    words = ["simulate", str(scenario), "-o", str(log), "--decisions", "300", "--seed", "3", "--json", str(result)]
    done = CliRunner().invoke(application(), words)
    assert done.exit_code == 0, done.output
    run = json.loads(result.read_text())
    assert run["schema"] == "armsreach.simulate.v1"
    assert sum(run["modes"].values()) == run["decisions"] == len(log.read_text().splitlines()) == 300
    assert run["oracle"]["value"] > run["uniform"]["value"]
    assert (tmp_path / "log.jsonl.catalogue.json").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["nothing"], "promo"),
        (["promo", "--decisions", "0"], "decisions"),
        (["promo", "--variants", "/nowhere.jsonl"], "copy.file"),
        (["promo", "--target", "127.0.0.1:1", "--data", "somewhere"], "--data"),
    ],
)
def test_bad_calls_exit_with_2_and_leave_no_log(tmp_path: Path, words: list[str], said: str) -> None:
    log = tmp_path / "log.jsonl"
    done = CliRunner().invoke(application(), ["simulate", *words, "-o", str(log)])
    assert done.exit_code == 2
    assert said in done.output
    assert not log.exists()


def test_a_shop_is_not_all_luck() -> None:
    """Responses differ between shoppers, or no policy could beat the best fixed arm."""
    shop = Shop.open(replace(_scenario(300), response=Response(base_click=0.15)), 1)
    expected = shop.expected(np.arange(300))[:, 1:]
    assert len(set(expected.argmax(axis=1).tolist())) > 3
