"""The simulator, reading a log and the snapshots, finds the very probabilities that the service drew from."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import orjson
import pytest

from engine.core.campaign import Publishing
from engine.core.drawing import SCALE, reproduce
from engine.core.learning import LearningOptions
from simulator import Log
from simulator.policies.snapshot_policy import SnapshotPolicy
from simulator.shop import PRESETS, InProcess, Loop, Shop

# A re-scored probability and its recorded one differ by rounding to 2⁻²⁴, which gives the remainder to one arm.
TOLERANCE = 1e-6 + 64 / SCALE


COMPILED = LearningOptions()
THROUGH_VW = LearningOptions(extra=("--cb_explore_adf", "--bag 3"), served_through_vw=True)


@pytest.fixture(scope="module", params=[COMPILED, THROUGH_VW], ids=["compiled", "through_vw"])
def run(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> tuple[Path, Path]:
    folder = tmp_path_factory.mktemp("rescored")
    publishing = Publishing(every_decisions=200)
    scenario = replace(PRESETS["frequent"], decisions=1200, days=8.0, publishing=publishing, learning=request.param)
    shop = Shop.open(scenario, 3)
    service = InProcess(folder / "data", shop, capacity=100_000)
    try:
        Loop(shop, service).run()
        service.export(str(folder / "log.jsonl"))
    finally:
        service.close()
    return folder / "log.jsonl", folder / "data" / "snapshots" / shop.campaign.id


def test_each_snapshot_gives_the_probabilities_it_was_logged_with(run: tuple[Path, Path]) -> None:
    path, snapshots = run
    log = Log.read(path)
    by_row = np.array([value or "" for value in log.extra["snapshot"]])
    versions = sorted(set(by_row) - {""})
    assert len(versions) >= 2
    for version in versions:
        probabilities = SnapshotPolicy(str(snapshots / version)).answer(log).probabilities
        served = np.repeat(by_row == version, log.lengths)
        assert served.any()
        assert np.abs(probabilities - log.probabilities)[served].max() < TOLERANCE


def test_every_draw_is_reproduced_from_its_row(run: tuple[Path, Path]) -> None:
    path, _ = run
    rows = [orjson.loads(line) for line in path.read_bytes().splitlines()]
    assert len(rows) == 1200
    for row in rows:
        counts = np.round(np.array(row["probabilities"]) * SCALE).astype(np.int64)
        assert counts.sum() == SCALE
        assert row["eligible"][reproduce(counts, row["seed"])] == row["arm"]
        assert row["propensity"] == counts[row["eligible"].index(row["arm"])] / SCALE
