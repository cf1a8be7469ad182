"""Parquet files that others wrote, scanned as they are read."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from simulator import Log, UnusableLog

Scans = Callable[..., Log]
Refuses = Callable[..., UnusableLog]

CLICK = [{"type": "click", "value": 1.0}]


def parquet_of(tmp_path: Path, **columns: pa.Array) -> Path:
    n = 8
    plain = {
        "decision_id": pa.array([f"d{row}" for row in range(n)]),
        "arm": pa.array(["a"] * n),
        "propensity": pa.array([0.5] * n),
        "eligible": pa.array([["a", "b"]] * n),
        "outcomes": pa.array([CLICK, []] * (n // 2)),
    }
    path = tmp_path / "log.parquet"
    pq.write_table(pa.table({**plain, **columns}), path)
    return path


@pytest.mark.parametrize(
    "columns",
    [
        {"propensity": pa.array([0.1] * 8, pa.float32()), "count": pa.array([1, None] * 4, pa.uint8())},
        {"arm": pa.array(["a"] * 8).dictionary_encode(), "user": pa.array(["u", None] * 4).dictionary_encode()},
        {
            "eligible": pa.array([["a", "b"]] * 8, pa.large_list(pa.large_string())),
            "arm": pa.array(["a"] * 8, pa.large_string()),
        },
        {"outcomes": pa.array([[]] * 8), "user": pa.nulls(8), "context": pa.nulls(8), "embedding": pa.nulls(8)},
        {"outcomes": pa.array([[{"type": "click", "value": 2, "at": "2025-03-01T12:00:00Z"}], []] * 4)},
        {"decided_at": pa.array([1_700_000_000_123_456, None] * 4, pa.timestamp("us", "Europe/Berlin"))},
        {"decided_at": pa.array([1_700_000_000_123] * 8, pa.timestamp("ms", "UTC"))},
        {"embedding": pa.array([[0.1, 0.2], None] * 4, pa.list_(pa.float64(), 2))},
        {"embedding": pa.array([[0.1, 0.2], None] * 4, pa.list_(pa.float64()))},
        {"probabilities": pa.array([[0.5, 0.5], [None, 0.5], None, [0.5, None]] * 2, pa.list_(pa.float32()))},
        {"probabilities": pa.array([[0, 1], [1, 0]] * 4)},
        {"context": pa.array([{"x": 1, "y": None, "z": 0.1, "t": "a", "b": True}, None] * 4)},
        {"context": pa.array([{"x": 2**60 + 1, "w": 1e300}] * 8)},
        {"context": pa.array([[("x", 1)], []] * 4, pa.map_(pa.string(), pa.int64()))},
        {"context": pa.array([{"x": 7}] * 8, pa.struct([("x", pa.uint16())]))},
        {"excluded": pa.array([{"c": "cap", "d": None}, {"c": None, "d": "budget"}] * 4)},
        {"excluded": pa.array([[("c", "cap")], [("d", "no")]] * 4, pa.map_(pa.string(), pa.string()))},
        {"excluded": pa.array(["capital", None] * 4)},
        {"arms": pa.array([{"a": {"variant": "x", "slot": None}, "b": None}, None] * 4)},
        {"weather": pa.array([1.5, None] * 4), "seed": pa.array([2**60 + 1] * 8), "tags": pa.array([["x"], []] * 4)},
    ],
    ids=lambda columns: ",".join(columns) if isinstance(columns, dict) else None,
)
def test_columns_of_other_types(columns: dict[str, pa.Array], scans: Scans, tmp_path: Path) -> None:
    assert scans(parquet_of(tmp_path, **columns)).rows == 8


@pytest.mark.parametrize(
    "columns",
    [
        {"propensity": pa.array(["0.5"] * 8)},
        {"propensity": pa.array([Decimal("0.5")] * 8)},
        {"propensity": pa.array([0.5] * 7 + [float("nan")])},
        {"count": pa.array([1.0] * 8)},
        {"user": pa.array([7] * 8)},
        {"decision_id": pa.array(range(8))},
        {"probabilities": pa.array([[0.5, 0.5]] * 5 + [[0.5, float("nan")]] * 3)},
        {"probabilities": pa.array([[Decimal("0.5"), Decimal("0.5")]] * 8)},
        {"outcomes": pa.array(["[]"] * 8)},
        {"outcomes": pa.array([[{"type": "click", "value": True}]] * 8)},
        {"outcomes": pa.array([[{"type": "cost", "value": -1.0}], []] * 4)},
        {"context": pa.array(['{"x": 1}'] * 8)},
        {"context": pa.array([{"x": 1.0}] * 5 + [{"x": float("inf")}] * 3)},
        {"context": pa.array([{"x": {"y": 1}}] * 8)},
        {"arms": pa.array(['{"a": {}}'] * 8)},
        {"decided_at": pa.array([1_700_000_000] * 8, pa.timestamp("s"))},
        {"embedding": pa.array([[1.0, 2.0]] * 6 + [[1.0]] * 2)},
        {"mode": pa.array(["live", "test"] * 4)},
        {"schema": pa.array(["armsreach.decision.v2"] * 8)},
        {"arm": pa.array(["a"] * 6 + ["c", "a"])},
    ],
    ids=lambda columns: ",".join(columns) if isinstance(columns, dict) else None,
)
def test_bad_columns_are_refused_in_the_same_words(
    columns: dict[str, pa.Array], refuses: Refuses, tmp_path: Path
) -> None:
    assert refuses(parquet_of(tmp_path, **columns)).field


def test_a_torn_parquet_file(refuses: Refuses, tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    parquet_of(tmp_path)
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(200) + content[400:])
    refuses(path)
