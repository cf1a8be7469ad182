"""A scanned log file is refused with the words with which reading it record by record refuses it."""

from __future__ import annotations

import gzip
import json
import runpy
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import UnusableLog, write_log

Refuses = Callable[..., UnusableLog]
FileOf = Callable[..., Path]
ROOT = Path(__file__).parents[4]

CHECKED = runpy.run_path(str(ROOT / "tests/unit/simulator/test_simulator_record_check.py"))

GOOD: dict[str, Any] = CHECKED["GOOD"]

BAD: list[dict[str, Any]] = [change for change, _ in CHECKED["BAD"]]

#: What polars would read without a word, and what is nearly right.
ALSO_BAD: list[dict[str, Any]] = [
    {"decision_id": 5},
    {"arm": True},
    {"user": ""},
    {"user": True},
    {"user": 1.0},
    {"mode": ""},
    {"mode": 3},
    {"schema": 1},
    {"schema": ""},
    {"eligible": {"a": 1}},
    {"eligible": ["a", None]},
    {"eligible": [True, "a"]},
    {"eligible": ["a", 0.5]},
    {"probabilities": "x"},
    {"probabilities": 1},
    {"probabilities": [True, False]},
    {"probabilities": [0.5, "0.5"]},
    {"probabilities": [1.00002, 0]},
    {"probabilities": [None, -0.1]},
    {"count": "3"},
    {"count": 2**63},
    {"count": -1},
    {"propensity": [0.5]},
    {"propensity": 5e-324 / 2},
    {"outcomes": "[]"},
    {"outcomes": '[{"type": "click"}]'},
    {"outcomes": [None]},
    {"outcomes": [{"type": 5}]},
    {"outcomes": [{"type": ""}]},
    {"outcomes": [{"type": "click", "value": True}]},
    {"outcomes": [{"type": "click", "value": "3"}]},
    {"outcomes": [{"type": "click", "at": 5}]},
    {"context": "{}"},
    {"context": '{"x": 1}'},
    {"context": {"x": []}},
    {"context": {"x": {}}},
    {"context": {"x": "a", "y": [1]}},
    {"arms": "{}"},
    {"arms": "x"},
    {"arms": []},
    {"arms": {"a": "b"}},
    {"embedding": 5},
    {"embedding": [True]},
    {"embedding": [0.1, None]},
    {"embedding": [0.1, 3.4028236e38]},
    *(
        {"decided_at": at}
        for at in (
            *("2025-03-01T12:00:00+0200", "2025-03-01T12:00:00+02", "2025-03-01T12:00:60Z", "2025-03-01T24:00:00Z"),
            *("2025-03-01T12:00Z", "2025-03-01", " 2025-03-01T12:00:00Z", "2025-03-01T12:00:00\u221202:00", ""),
            *("0000-03-01T12:00:00Z", "+12025-03-01T12:00:00Z", "2025-03-01T12:00:00+24:00", "2025-03-01T12:00:00,5Z"),
        )
    ),
]


def good(n: int, **changes: Any) -> bytes:
    return json.dumps({**GOOD, "decision_id": f"g{n}", **changes}).encode()


@pytest.mark.parametrize("change", [*BAD, *ALSO_BAD], ids=lambda change: json.dumps(change)[:40])
def test_a_bad_field_is_refused_in_the_same_words(change: dict[str, Any], refuses: Refuses, file_of: FileOf) -> None:
    around = [good(n, context={"x": "a"}, outcomes=[{"type": "click"}], count=n + 1) for n in range(8)]
    path = file_of(*around[:5], good(9, **change), *around[5:])
    refuses(path, line=6)


@pytest.mark.parametrize("field", [*GOOD])
@pytest.mark.parametrize("null", [True, False])
def test_a_missing_field_is_refused_in_the_same_words(
    field: str, null: bool, refuses: Refuses, file_of: FileOf
) -> None:
    record = {name: value for name, value in GOOD.items() if name != field} | ({field: None} if null else {})
    path = file_of(good(1), json.dumps(record).encode(), good(2))
    assert refuses(path, line=2).field == field


@pytest.mark.parametrize(
    "line",
    [
        b'{"decision_id": ',
        b"[1]",
        b"null",
        b"5",
        b'"text"',
        b"{}",
        b"\xff",
        good(7) + b",",
        good(7) + good(8),
        good(7) + b" x",
        good(7).replace(b"g7", b"g\t7"),
        good(7).replace(b"g7", b"g\xff7"),
        good(7).replace(b"g7", rb"g\ud8007"),
        good(7).replace(b"g7", rb"g\udc007"),
        good(7).replace(b"g7", rb"g\ud83d\ud83d"),
        good(7, context={"x": "@"}).replace(b"@", rb"\uDEAD"),
        good(7).replace(b"0.25", b"NaN"),
        good(7).replace(b"0.25", b"-Infinity"),
        good(7).replace(b"0.25", b".25"),
        good(7).replace(b"0.25", b"01"),
        good(7).replace(b"0.25", b"1e400"),
        good(7).replace(b'"arm": "a"', rb'"\u0061rm": 3'),
        good(7, user=5).replace(b"user", rb"us\u0065r"),
        good(7, context="{}").replace(b"context", rb"conte\u0078t"),
    ],
    ids=lambda line: repr(line)[-40:],
)
def test_a_bad_line_is_refused_in_the_same_words(line: bytes, refuses: Refuses, file_of: FileOf) -> None:
    for lines in ([good(1), good(2), line, good(3)], [line, good(1)], [good(1), b"", b"  ", line]):
        refuses(file_of(*lines), line=lines.index(line) + 1)


@pytest.mark.parametrize(
    "content", [b"", b"\n", b" \n\r\n\n", gzip.compress(b"", mtime=0), gzip.compress(b"\n\n")], ids=repr
)
def test_empty_files(content: bytes, refuses: Refuses, tmp_path: Path) -> None:
    (tmp_path / "log.jsonl").write_bytes(content)
    assert "at least one decision" in str(refuses(tmp_path / "log.jsonl"))


def test_missing_and_foreign_files(refuses: Refuses, file_of: FileOf, tmp_path: Path) -> None:
    refuses(tmp_path / "none.jsonl")
    refuses(tmp_path)
    refuses(tmp_path / "none.parquet")
    (tmp_path / "foreign.parquet").write_bytes(b"not parquet")
    refuses(tmp_path / "foreign.parquet")
    path = file_of(good(1))
    (tmp_path / "log.jsonl.catalogue.json").write_text("[1]")
    refuses(path)


def test_a_repeated_id_names_both_lines_wherever_they_stand(refuses: Refuses, file_of: FileOf, tmp_path: Path) -> None:
    lines = [good(n) for n in range(20)]
    for first, second in ((0, 19), (7, 8), (3, 12)):
        repeating = [*lines]
        repeating[second] = lines[first]
        refused = refuses(file_of(*repeating), line=second + 1)
        assert f"also on line {first + 1}" in str(refused)
    path = tmp_path / "log.parquet"
    write_log(path, [json.loads(line) for line in repeating])
    assert "also on line 4" in str(refuses(path, line=13))


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, -9, -8, -4, -1], ids=str)
def test_a_torn_gzip_file(kept: float, refuses: Refuses, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    packed = gzip.compress(b"\n".join(good(n, user=random.bytes(8).hex()) for n in range(120)) + b"\n")
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[: int(kept * len(packed)) if kept > 0 else int(kept)])
    assert refuses(path).line is not None
    path.write_bytes(packed[:-6] + bytes(6))
    refuses(path, line=121)
    path.write_bytes(packed + b"more")
    refuses(path, line=121)


def test_a_bad_line_before_the_tear_comes_first(refuses: Refuses, tmp_path: Path) -> None:
    packed = gzip.compress(b"\n".join([good(1), good(2, propensity=2), *(good(n) for n in range(3, 120))]))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[:-20])
    assert refuses(path, line=2).field == "propensity"


def test_all_embeddings_have_the_width_of_the_first(refuses: Refuses, file_of: FileOf) -> None:
    wide = [good(n, embedding=[0.5, 1.5] if n % 4 == 3 else None) for n in range(24)]
    for other in ([1.0, 2.0, 3.0], []):
        wide[17] = good(17, embedding=other)
        assert "2 numbers as in the rows before" in str(refuses(file_of(*wide), line=18))


def test_of_ids_that_share_a_hash_only_equal_ones_are_refused(
    refuses: Refuses, file_of: FileOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("simulator.log_file._hashes", lambda chunk: np.zeros(chunk.rows, dtype=np.uint64))
    assert "also on line 1" in str(refuses(file_of(*(good(n % 19) for n in range(20))), line=20))
