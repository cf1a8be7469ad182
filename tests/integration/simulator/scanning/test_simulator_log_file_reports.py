"""How a log is read, parted and kept changes no report."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate, write_log
from simulator.log_file import LogFile
from simulator.report.replay_report import ReplayReport


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Decisions of users who come again, drawn from stated probabilities, with clicks, purchases and costs."""
    random = np.random.default_rng(5)
    arms = ["hold", "sun/email/am", "snow/sms/pm"]
    records = []
    for row in range(2500):
        x = random.normal(size=2)
        eligible = arms if row % 7 else arms[:2]
        p = np.exp(x[0] * np.arange(len(eligible)))
        p = 0.7 * p / p.sum() + 0.3 / len(eligible)
        place = int(random.choice(len(eligible), p=p))
        outcomes = [{"type": "click"}] * int(random.random() < 0.1 + 0.1 * place)
        outcomes += [{"type": "purchase", "value": round(float(random.lognormal(2, 1)), 2)}] * int(
            random.random() < 0.1
        )
        outcomes += [{"type": "cost", "value": 0.05}] * (place > 0)
        records.append(
            {
                "decision_id": f"d{row}",
                "user": f"u{int(random.integers(900))}" if row % 11 else None,
                "decided_at": f"2025-03-{1 + row // 100:02d}T{row % 100 // 5:02d}:{row % 5:02d}:00Z",
                "mode": ("control", "holdout", *["live"] * 8)[row % 10],
                "count": 1 + row % 3,
                "arm": eligible[place],
                "eligible": eligible,
                "propensity": float(p[place]),
                "probabilities": p.tolist(),
                "context": {"region": ("north", "south", None)[row % 3], "visits": 3 if row % 2 else row / 2},
                "embedding": x.tolist() if row % 3 else None,
                "outcomes": outcomes,
            }
        )
    path = tmp_path_factory.mktemp("drawn") / "log.jsonl"
    write_log(path, records, {arms[1]: {"channel": "email", "features": {"warm": 1}}})
    return path


ASKED: list[dict[str, Any]] = [
    {"estimators": ["ips", "snips", "dr", "switch_dr", "mips", "rejection"], "settings": ReplaySettings(resamples=200)},
    {
        "settings": ReplaySettings(
            resamples=200, by="region", cluster="visits", where="visits < 800 OR visits IS NULL", reward_max=30.0
        )
    },
    {
        "policies": ["vw:--cb_explore_adf --epsilon 0.2 -q UV", "holding:0.5:best_constant", "constant:sun/email/am"],
        "metrics": ["ctr", "profit"],
        "settings": ReplaySettings(interval="delta"),
    },
    {"settings": ReplaySettings(interval="delta", split="0.5", fit="past"), "policies": ["best_constant", "uniform"]},
]


def numbers_of(report: ReplayReport) -> dict[str, Any]:
    """Every leaf of the report by its path."""
    found: dict[str, Any] = {}

    def walk(node: Any, path: str) -> None:
        if isinstance(node, dict):
            for key, value in node.items():
                walk(value, f"{path}/{key}")
        elif isinstance(node, list):
            for place, value in enumerate(node):
                walk(value, f"{path}/{place}")
        else:
            found[path] = node

    walk(report.to_json(), "")
    return found


def assert_same_reports(one: ReplayReport, other: ReplayReport) -> None:
    found, expected = numbers_of(one), numbers_of(other)
    assert found.keys() == expected.keys()
    assert sum(isinstance(value, float) for value in expected.values()) > 50
    for path, value in expected.items():
        if isinstance(value, float):
            assert found[path] == pytest.approx(value, rel=1e-9, abs=1e-9), path
        else:
            assert found[path] == value, path


@pytest.mark.parametrize("asked", ASKED, ids=["all", "by", "vw", "split"])
@pytest.mark.parametrize("chunk", [61, 700])
def test_chunks_and_where_they_are_kept_change_no_report(
    asked: dict[str, Any],
    chunk: int,
    monkeypatch: pytest.MonkeyPatch,
    pieces: Callable[[tuple[int, int, int]], None],
    drawn: Path,
) -> None:
    expected = evaluate(Log.read(drawn), **asked)
    assert_same_reports(evaluate(Log.scan(drawn), **asked), expected)
    with monkeypatch.context() as patch:
        patch.setattr(Log.chunks, "__defaults__", (chunk,))
        assert_same_reports(evaluate(Log.read(drawn), **asked), expected)
    with monkeypatch.context() as patch:
        pieces((100_000, 1_000, chunk))
        patch.setattr("simulator.spool._IN_MEMORY", 0)
        scanned = Log.scan(drawn)
    assert len(list(scanned.chunks())) > 3
    assert_same_reports(evaluate(scanned, **asked), expected)


def test_a_spool_on_disk_gives_back_what_it_took_and_leaves_nothing(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    pieces: Callable[[tuple[int, int, int]], None],
    same: Callable[[LogFile, Log, int], None],
    drawn: Path,
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("simulator.spool._IN_MEMORY", 200_000)
    pieces((100_000, 1_000, 200))
    scanned = Log.scan(drawn)
    # Some chunks stayed in memory.
    (folder,) = tmp_path.iterdir()
    assert 0 < len(list(folder.glob("*.narrow"))) < len(list(scanned.chunks()))
    same(scanned, Log.read(drawn), 200)
    # Again: each pass reads it from the beginning.
    same(scanned, Log.read(drawn), 200)
    del scanned
    gc.collect()
    assert list(tmp_path.iterdir()) == []
