"""`lint` on files: what it prints and writes, real logs, and rows scored again with the snapshots they name."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from click.testing import Result

from engine.core.campaign import Publishing
from simulator import Log, write_log
from simulator.importers.hillstrom import HILLSTROM_ARMS, hillstrom_records
from simulator.importers.obd import obd_arms, obd_records
from simulator.importers.upworthy import UpworthyTests
from simulator.lint import LINTED, LintReport, Severity, lint_log
from simulator.shop import PRESETS, InProcess, Loop, Shop

Run = Callable[..., Result]
HILLSTROM = "hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"


def linted(path: Path) -> LintReport:
    return lint_log(Log.scan(path, LINTED))


def codes(report: LintReport) -> dict[str, str]:
    return {finding.code: finding.severity.value for finding in report.findings}


def test_hillstrom(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    """Visits stand for clicks in the source, also of customers who got no mail; its assignment is sound."""
    write_log(tmp_path / "log.jsonl", hillstrom_records(str(real_data(HILLSTROM)), {}), HILLSTROM_ARMS)
    report = linted(tmp_path / "log.jsonl")
    assert codes(report) == {"click_on_hold": "warning", "no_time": "info"}
    assert report.findings[0].decisions == 2262


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("random/all/all", {"no_user": "info"}),
        ("bts/men/men", {"no_user": "info"}),
        ("bts/women/women", {"no_user": "info", "tiny_propensity": "warning"}),
    ],
)
def test_open_bandit(name: str, expected: dict[str, str], real_data: Callable[[str], Path], tmp_path: Path) -> None:
    source = str(real_data(f"obd/{name}.csv.gz"))
    items, arms = obd_arms(source)
    write_log(tmp_path / "log.jsonl", obd_records(source, items), arms)
    assert codes(linted(tmp_path / "log.jsonl")) == expected


def test_upworthy_has_tests_with_unequal_assignment(real_data: Callable[[str], Path], tmp_path: Path) -> None:
    tests = UpworthyTests.read(str(real_data("upworthy/upworthy_clean_exploratory.parquet")))
    write_log(tmp_path / "log.jsonl", tests.records(), tests.arms())
    report = linted(tmp_path / "log.jsonl")
    assert codes(report) == {"sample_ratio": "error", "no_time": "info"}
    # One test of 3,771, with nine packages, showed one of them in three of five impressions.
    assert report.findings[0].decisions == 41_253
    assert report.findings[0].text.startswith("5348bd88fe9c5a1bf500001b.")


def test_the_shipped_subset_is_clean(tmp_path: Path) -> None:
    tests = UpworthyTests.read(str(Path(__file__).parents[3] / "examples/upworthy/headlines.csv"))
    write_log(tmp_path / "log.jsonl", tests.records(), tests.arms())
    assert codes(linted(tmp_path / "log.jsonl")) == {"no_time": "info"}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A simulated log and the snapshots that served it."""
    folder = tmp_path_factory.mktemp("linted")
    scenario = replace(PRESETS["frequent"], decisions=1200, days=8.0, publishing=Publishing(every_decisions=200))
    shop = Shop.open(scenario, 3)
    service = InProcess(folder / "data", shop, capacity=100_000)
    try:
        Loop(shop, service).run()
        service.export(str(folder / "log.jsonl"))
    finally:
        service.close()
    return folder / "log.jsonl", folder / "data" / "snapshots"


def rewritten(served: tuple[Path, Path], folder: Path, change: Callable[[list[dict[str, Any]]], None]) -> Path:
    rows = [orjson.loads(line) for line in served[0].read_bytes().splitlines()]
    change(rows)
    write_log(folder / "changed.jsonl", rows)
    shutil.copy(f"{served[0]}.catalogue.json", folder / "changed.jsonl.catalogue.json")
    return folder / "changed.jsonl"


def report_of(simulator: Run, log: Path, snapshots: Path) -> dict[str, Any]:
    out = log.with_suffix(".lint.json")
    result = simulator("lint", log, "--snapshots", snapshots, "--json", out)
    assert result.exit_code == 0, result.output
    assert max(len(line.rstrip()) for line in result.output.splitlines()[1:]) <= 100
    report: dict[str, Any] = json.loads(out.read_text(), parse_constant=pytest.fail)
    return report


def test_a_served_log_scores_again(served: tuple[Path, Path], simulator: Run) -> None:
    report = report_of(simulator, *served)
    named = [row for row in map(orjson.loads, served[0].read_bytes().splitlines()) if row["snapshot"]]
    assert report["log"]["rescored"] == len(named) > 200
    assert [finding for finding in report["findings"] if finding["severity"] != "info"] == []


def test_changed_contexts_score_differently(served: tuple[Path, Path], simulator: Run, tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        changed = [row for row in rows if row["snapshot"]][5:8]
        for row in changed:
            row["embedding"] = [3.0 * value for value in row["embedding"]]

    report = report_of(simulator, rewritten(served, tmp_path, change), served[1])
    assert next((f["code"], f["severity"], f["decisions"]) for f in report["findings"]) == (
        "rescoring_differs",
        "error",
        3,
    )


def test_forgotten_shoppers_are_left_out(served: tuple[Path, Path], simulator: Run, tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        for number, row in enumerate([row for row in rows if row["snapshot"]][5:8]):
            row["embedding"] = [0.0 for _ in row["embedding"]]
            row["user"] = "f" * 31 + str(number)

    report = report_of(simulator, rewritten(served, tmp_path, change), served[1])
    assert not [f for f in report["findings"] if f["code"] == "rescoring_differs"]
    named = [row for row in map(orjson.loads, served[0].read_bytes().splitlines()) if row["snapshot"]]
    assert report["log"]["rescored"] == len(named) - 3


def test_missing_and_damaged_snapshots_are_named(served: tuple[Path, Path], simulator: Run, tmp_path: Path) -> None:
    shutil.copytree(served[1], tmp_path / "snapshots")
    names = sorted({row["snapshot"] for row in map(orjson.loads, served[0].read_bytes().splitlines())} - {None})
    campaign = next((tmp_path / "snapshots").iterdir())
    shutil.rmtree(campaign / names[0])
    (campaign / names[1] / "compiled.npz").write_bytes(b"torn")
    outside = rewritten(served, tmp_path, lambda rows: rows[3].update(snapshot="../../elsewhere"))
    report = report_of(simulator, outside, tmp_path / "snapshots")
    texts = {finding["code"]: [] for finding in report["findings"]}
    for finding in report["findings"]:
        texts[finding["code"]].append(finding["text"])
    assert any(names[0] in text for text in texts["snapshot_missing"])
    assert any("elsewhere" in text for text in texts["snapshot_missing"])
    assert any(names[1] in text for text in texts["rescoring_failed"])


def test_a_changed_arm_is_not_reproduced(served: tuple[Path, Path], tmp_path: Path) -> None:
    def change(rows: list[dict[str, Any]]) -> None:
        place = 1 if rows[9]["eligible"][1] != rows[9]["arm"] else 2
        rows[9].update(arm=rows[9]["eligible"][place], propensity=rows[9]["probabilities"][place])

    report = linted(rewritten(served, tmp_path, change))
    assert [(f.code, f.lines) for f in report.of(Severity.ERROR)] == [("draw_not_reproduced", (10,))]


def test_snapshots_that_are_no_folder_exit_2(served: tuple[Path, Path], simulator: Run) -> None:
    result = simulator("lint", served[0], "--snapshots", served[0])
    assert result.exit_code == 2
    assert "expected a folder of snapshots" in result.output


def test_lines_are_rows_in_parquet_and_lines_in_json(simulator: Run, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [
        {"decision_id": f"d{n}", "arm": "a", "eligible": ["a", "b"], "propensity": 0.5, "user": f"u{n}", "outcomes": []}
        for n in range(6)
    ]
    rows[3]["user"] = None
    write_log(tmp_path / "log.parquet", rows)
    (tmp_path / "log.jsonl").write_text("".join(f"\n{json.dumps(row)}\n" for row in rows))
    for name, line in (("log.parquet", 4), ("log.jsonl", 8)):
        result = simulator("lint", tmp_path / name, "--json", "-")
        found = {finding["code"]: finding for finding in json.loads(result.stdout)["findings"]}
        assert found["no_user"]["lines"] == [line]
