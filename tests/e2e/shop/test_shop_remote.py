"""`simulate --target` against a real server with its learner, each a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

from engine.core.errors import FailedPrecondition, Unavailable
from simulator.__main__ import application
from simulator.shop import Remote, Shop, read_scenario

_STARTS_WITHIN_S = 30.0
_SCENARIO = """
name = "remote"
decisions = 700
days = 4.0
[response]
base_click = 0.2
[copy]
variants = 4
[publishing]
every_decisions = 100
[shares]
control = 0.2
"""


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("server")
    settings, announced = folder / "server.toml", folder / "address"
    settings.write_text('clock = "client"\npoll_s = 0.05\n[learner]\npoll_s = 0.05\n[journal]\ndurability = "write"\n')
    words = ["--config", str(settings), "--data", str(folder / "data"), "--port", "0", "--announce", str(announced)]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "engine", "serve", *words],
            stdout=log,
            stderr=log,
            env={k: v for k, v in os.environ.items() if not k.startswith("ARMSREACH_")},
        )
    try:
        until = time.monotonic() + _STARTS_WITHIN_S
        while not announced.exists() and server.poll() is None and time.monotonic() < until:
            time.sleep(0.05)
        assert announced.exists(), (folder / "log").read_text()
        yield announced.read_text().strip()
    finally:
        server.send_signal(signal.SIGTERM)
        try:
            server.wait(timeout=20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def test_simulates_over_grpc(target: str, tmp_path: Path) -> None:
    scenario, log, result = tmp_path / "remote.toml", tmp_path / "log.jsonl", tmp_path / "run.json"
    scenario.write_text(_SCENARIO)
    words = ["simulate", str(scenario), "-o", str(log), "--target", target, "--json", str(result)]
    done = CliRunner().invoke(application(), words)
    assert done.exit_code == 0, done.output
    run = json.loads(result.read_text())
    assert run["snapshots"] >= 3
    assert run["modes"]["live"] > 250
    rows = [json.loads(line) for line in log.read_text().splitlines()]
    assert len(rows) == run["decisions"] == 700
    assert len({row["snapshot"] for row in rows if row["mode"] == "live"}) == run["snapshots"]
    assert any(outcome["type"] == "click" for row in rows for outcome in row["outcomes"])
    assert all(abs(sum(row["probabilities"]) - 1) < 1e-6 for row in rows)
    assert "seed" not in rows[0], "an answer does not tell the seed"
    assert CliRunner().invoke(application(), ["lint", str(log)]).exit_code == 0
    replayed = CliRunner().invoke(application(), ["replay", str(log), "--resamples", "100"])
    assert replayed.exit_code == 0, replayed.output


def test_another_campaign_of_the_name_is_refused(target: str, tmp_path: Path) -> None:
    scenario = tmp_path / "remote.toml"
    scenario.write_text(_SCENARIO)
    Remote(target, Shop.open(read_scenario(str(scenario)), 0)).close()
    scenario.write_text(_SCENARIO.replace("variants = 4", "variants = 5"))
    with pytest.raises(FailedPrecondition, match="its arms differ"):
        Remote(target, Shop.open(read_scenario(str(scenario)), 0))


def test_nobody_there_is_said(tmp_path: Path) -> None:
    scenario = tmp_path / "remote.toml"
    scenario.write_text(_SCENARIO)
    with pytest.raises(Unavailable, match="nothing answers"):
        Remote("127.0.0.1:1", Shop.open(read_scenario(str(scenario)), 0))
