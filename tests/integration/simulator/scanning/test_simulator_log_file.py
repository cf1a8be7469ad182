"""A scanned log file is what reading it record by record gives, whatever the size of its blocks and chunks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from simulator import Log, write_log
from simulator.importers.hillstrom import HILLSTROM_ARMS, hillstrom_records
from simulator.importers.obd import obd_arms, obd_records
from simulator.importers.upworthy import UpworthyTests

Scans = Callable[..., Log]
ROOT = Path(__file__).parents[4]

HILLSTROM = "hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"

#: Such that a log of tens of megabytes comes in several.
LARGE = [(1 << 20, 5_000, 3_000), (16 << 20, 16_384, 16_384)]


def rows(n: int, **changes: Any) -> list[dict[str, Any]]:
    """Plain records of every field."""
    return [
        {
            "schema": "armsreach.decision.v1",
            "decision_id": f"d{row}",
            "decided_at": f"2025-03-{1 + row % 28:02d}T08:{row % 60:02d}:00.250{'Z' if row % 2 else '+02:00'}",
            "observed_until": "2025-04-08T08:00:00Z",
            "user": f"u{row % 7}" if row % 5 else None,
            "mode": ("live", "control", "holdout")[row % 3],
            "arm": ("x/email/am", "hold", "y/sms/pm")[row % 3],
            "propensity": 0.25 + row % 2 / 3,
            "probabilities": [0.25, 0.5, 0.25] if row % 4 else [None, 0.1, None],
            "eligible": [["x/email/am", "hold", "y/sms/pm"], ["hold", "y/sms/pm", "x/email/am"]][row % 2],
            "count": 1 + row % 3,
            "context": {
                "region": ("north", "süd", '日本 "q"')[row % 3],
                "visits": row,
                "share": row / 7,
                "new": row % 2 == 0,
            },
            "embedding": [row / 3, -1.5, 1e-7],
            "outcomes": [
                {"type": "click", "at": "2025-03-29T00:00:00Z", "outcome_id": f"o{row}"},
                {"type": "purchase", "value": 2.5 + row, "note": {"deep": [1]}},
            ][: row % 3],
            "excluded": {"z/push/am": ("no consent", "budget spent")[row % 2]} if row % 3 else None,
            "snapshot": f"{row // 10:08d}",
            "position": row % 4,
            **changes,
        }
        for row in range(n)
    ]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.parquet"])
def test_plain_logs_are_read_the_fast_way(name: str, scans: Scans, slow: list[str], tmp_path: Path) -> None:
    write_log(tmp_path / name, rows(60), {"hold": {"variant": "none"}, "y/sms/pm": {"channel": "sms"}})
    log = scans(tmp_path / name)
    assert (log.rows, log.decisions, len(log.context), log.catalogue["y/sms/pm"]) == (60, 120, 4, {"channel": "sms"})
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_hillstrom(name: str, scans: Scans, slow: list[str], tmp_path: Path, real_data: Callable[[str], Path]) -> None:
    costs = {"mens/email/day0": 0.05, "womens/email/day0": 0.05}
    write_log(tmp_path / name, hillstrom_records(str(real_data(HILLSTROM)), costs), HILLSTROM_ARMS)
    assert scans(tmp_path / name, LARGE).rows == 64_000
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_open_bandit(
    name: str, scans: Scans, slow: list[str], tmp_path: Path, real_data: Callable[[str], Path]
) -> None:
    source = str(real_data("obd/bts/women/women.csv.gz"))
    items, arms = obd_arms(source)
    write_log(tmp_path / name, obd_records(source, items), arms)
    assert scans(tmp_path / name, LARGE).rows == 10_000
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_upworthy(name: str, scans: Scans, slow: list[str], tmp_path: Path) -> None:
    tests = UpworthyTests.read(str(ROOT / "examples/upworthy/headlines.csv"))
    write_log(tmp_path / name, tests.records(), tests.arms())
    assert scans(tmp_path / name, LARGE).decisions == 5_127_883
    assert slow == []


def test_a_simulated_log(
    scans: Scans, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, simulator: Callable[..., Result]
) -> None:
    """What the service itself exports: a propensity beside each arm, seeds, snapshots and exclusions."""
    path = tmp_path / "log.jsonl"
    assert simulator("simulate", "promo", "-o", path, "--decisions", 1500).exit_code == 0
    expected = scans(path, LARGE)
    assert expected.rows == 1500
    assert {"seed", "snapshot", "excluded"} <= set(expected.extra)
    exported = tmp_path / "log.parquet"
    assert simulator("export", path, "-o", exported, "--to", "parquet").exit_code == 0
    scans(exported, LARGE)
