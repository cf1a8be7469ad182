from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Log, UnusableLog, write_log

RECORDS: list[dict[str, Any]] = [
    {
        "decision_id": f"d{n}",
        "user": f"u{n % 3}",
        "arm": ["x/email/am", "hold"][n % 2],
        "propensity": 0.5,
        "probabilities": [0.5, 0.5],
        "eligible": ["x/email/am", "hold"],
        "decided_at": f"2025-03-0{1 + n}T08:00:00+02:00",
        "mode": "live",
        "count": 1 + n,
        "context": {"region": "north", "visits": n},
        "embedding": [0.5 * n, 1.0],
        "outcomes": [{"type": "purchase", "value": 2.5, "at": "2025-03-09T00:00:00Z", "outcome_id": "o"}] * (n % 2),
    }
    for n in range(6)
]


@pytest.mark.parametrize("name", ["log.jsonl", "log.jsonl.gz", "log.parquet"])
def test_every_format_reads_back_the_same(name: str, tmp_path: Path) -> None:
    path = tmp_path / name
    assert write_log(path, RECORDS, {"x/email/am": {"variant": "x"}}) == 6
    log = Log.read(path)
    assert log.decision_ids.tolist() == [f"d{n}" for n in range(6)]
    assert log.count.tolist() == [1, 2, 3, 4, 5, 6]
    assert [log.arms[code] for code in log.arm] == [record["arm"] for record in RECORDS]
    assert log.probabilities.tolist() == [0.5] * 12
    assert log.outcomes.total("purchase", 6).tolist() == [0.0, 2.5] * 3
    assert log.context["visits"].tolist() == list(range(6))
    assert log.embedding is not None
    assert log.embedding.dtype == np.float32
    assert log.catalogue == {"x/email/am": {"variant": "x"}}
    assert int(np.diff(log.decided_at)[0]) == 86_400_000_000
    assert sorted(entry.name for entry in tmp_path.iterdir()) == sorted([name, f"{name}.catalogue.json"])


def lines(*texts: str) -> bytes:
    return ("\n".join(texts) + "\n").encode()


GOOD = json.dumps({"decision_id": "d1", "arm": "a", "propensity": 1, "eligible": ["a"], "outcomes": []})


@pytest.mark.parametrize(
    ("content", "line", "field", "words"),
    [
        (b"", None, "", "at least one decision"),
        (b"\n\n", None, "", "at least one decision"),
        (lines(GOOD, '{"decision_id": '), 2, "", "malformed JSON"),
        (lines(GOOD, "", GOOD), 3, "decision_id", "also on line 1"),
        (lines(GOOD.replace("1,", "NaN,")), 1, "propensity", "in (0, 1]"),
        (lines(GOOD.replace("1,", "Infinity,")), 1, "propensity", "in (0, 1]"),
        (gzip.compress(lines(GOOD) * 50, mtime=0)[:-9], None, "", "gzip"),
    ],
    ids=["empty", "blank", "malformed", "repeat", "nan", "infinity", "torn gzip"],
)
def test_bad_files(content: bytes, line: int | None, field: str, words: str, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(content)
    with pytest.raises(UnusableLog) as caught:
        Log.read(path)
    assert caught.value.file == str(path)
    if words != "gzip":
        assert (caught.value.line, caught.value.field) == (line, field)
        assert words in str(caught.value)


def test_missing_and_foreign_files(tmp_path: Path) -> None:
    with pytest.raises(UnusableLog, match="check the path"):
        Log.read(tmp_path / "none.jsonl")
    with pytest.raises(UnusableLog, match="readable file"):
        Log.read(tmp_path)
    foreign = tmp_path / "log.parquet"
    foreign.write_bytes(b"not parquet")
    with pytest.raises(UnusableLog, match="a Parquet file"):
        Log.read(foreign)


def test_bad_catalogue_names_its_file(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(lines(GOOD))
    (tmp_path / "log.jsonl.catalogue.json").write_text("[1]")
    with pytest.raises(UnusableLog, match=r"catalogue\.json"):
        Log.read(path)


def test_a_source_that_fails_half_way_leaves_nothing(tmp_path: Path) -> None:
    def broken() -> Any:
        yield RECORDS[0]
        raise UnusableLog("x", "y", "z")

    with pytest.raises(UnusableLog):
        write_log(tmp_path / "log.jsonl", broken(), {"a": {}})
    assert list(tmp_path.iterdir()) == []


def test_a_finished_log_is_not_touched_by_a_failing_import(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    write_log(path, RECORDS)
    before = path.read_bytes()
    with pytest.raises(UnusableLog):
        write_log(path, (_ for _ in (1,) if _fail()))
    assert path.read_bytes() == before


def _fail() -> bool:
    raise UnusableLog("x", "y", "z")


def test_parquet_with_columns_of_structs_maps_and_nulls(tmp_path: Path) -> None:
    """What polars and pyarrow make of optional fields reads as JSON Lines do."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sparse: list[dict[str, Any]] = [
        {"arms": {"x/email/am": {"variant": "x", "features": {"price": 2.0}}}, "excluded": {"y/email/am": "paused"}},
        {"arms": {"hold": {"variant": "none"}}, "count": 3, "user": None, "probabilities": [0.5, None]},
    ]
    records = [{**RECORDS[n], "context": {"x": n}, **extra} for n, extra in enumerate(sparse)]
    table = pa.Table.from_pylist([{**dict.fromkeys(sparse[1] | sparse[0]), **record} for record in records])
    maps = pa.array([[("x", 0)], [("x", 1)]], pa.map_(pa.string(), pa.int64()))
    pq.write_table(table.set_column(table.schema.get_field_index("context"), "context", maps), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_bytes(lines(*map(json.dumps, records)))
    one, other = Log.read(tmp_path / "a.parquet"), Log.read(tmp_path / "a.jsonl")
    assert one.catalogue == other.catalogue
    assert one.count.tolist() == other.count.tolist() == [1, 3]
    assert one.user.tolist() == other.user.tolist() == [0, -1]
    assert one.context["x"].tolist() == other.context["x"].tolist() == [0, 1]
    assert np.array_equal(one.probabilities, other.probabilities, equal_nan=True)


def test_a_damaged_parquet_file_is_unusable(tmp_path: Path) -> None:
    path = tmp_path / "log.parquet"
    write_log(path, RECORDS)
    whole = path.read_bytes()
    path.write_bytes(whole[:200] + bytes(200) + whole[400:])
    with pytest.raises(UnusableLog, match="Parquet"):
        Log.read(path)


def test_endless_nesting_is_a_malformed_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"a": ' + "[" * 100_000 + "]" * 100_000 + "}\n")
    with pytest.raises(UnusableLog, match=r"log\.jsonl:1: .*malformed JSON"):
        Log.read(path)
