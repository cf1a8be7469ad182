"""Comparing a scanned log file with what reading it record by record gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Log, UnusableLog
from simulator.exclusions import capped
from simulator.log_file import LogFile
from simulator.log_parser import LogParser
from simulator.log_whole import whole

Size = tuple[int, int, int]
#: Bytes of a block, rows of a Parquet batch, rows of a chunk.
SIZES = ((1, 3, 2), (300, 7, 5), (4_000, 1_000, 700), (16 << 20, 16_384, 16_384))


def in_pieces(monkeypatch: pytest.MonkeyPatch, size: Size) -> None:
    block, batch, chunk = size
    monkeypatch.setattr("simulator.line_blocks._BLOCK", block)
    monkeypatch.setattr("simulator.log_reader._PARQUET_CHUNK", batch)
    monkeypatch.setattr("simulator.log_file.CHUNK", chunk)


def assert_equal_values(found: Sequence[Any], expected: Sequence[Any], name: str) -> None:
    """Equal, and of one kind; whether 3 was written as 3.0 is not kept."""
    for one, other in zip(found, expected, strict=True):
        alike = type(one) is type(other) or {type(one), type(other)} == {int, float}
        assert (alike, one) == (True, other), name


def assert_scanned(found: LogFile, expected: Log, chunk: int) -> None:
    """Compare all columns, and that chunks are as long as they should and know their places."""
    chunks = list(found.chunks())
    assert [part.first for part in chunks] == np.cumsum([0, *(part.rows for part in chunks)])[:-1].tolist()
    assert max(part.rows for part in chunks) <= chunk
    assert {tuple(part.context) for part in chunks} == {tuple(chunks[0].context)}
    log = whole(chunks)
    assert (found.source, found.arms, found.warnings) == (expected.source, expected.arms, expected.warnings)
    assert found.catalogue == log.catalogue == expected.catalogue
    exact = ("line", "decision_ids", "arm", "chosen", "propensity", "offsets", "eligible", "probabilities", "count")
    for name in (*exact, "part", "mode", "decided_at", "observed_until"):
        one, other = getattr(log, name), getattr(expected, name)
        assert one.dtype == other.dtype, name
        np.testing.assert_array_equal(one, other, err_msg=name)
    assert [log.users[code] if code >= 0 else None for code in log.user] == [
        expected.users[code] if code >= 0 else None for code in expected.user
    ]
    assert_same_outcomes(log, expected)
    assert set(log.context) == set(expected.context)
    for name in expected.context:
        assert_equal_values(log.context[name], expected.context[name], name)
    assert (log.embedding is None) == (expected.embedding is None)
    if expected.embedding is not None and log.embedding is not None:
        assert log.embedding.dtype == expected.embedding.dtype
        np.testing.assert_array_equal(log.embedding, expected.embedding)
    asked = {name: column for name, column in expected.extra.items() if any(value is not None for value in column)}
    if "excluded" in asked:
        asked["excluded"] = np.array([capped(excluded) for excluded in asked["excluded"]] + [None], dtype=object)[:-1]
    for name, column in asked.items():
        assert_equal_values(log.extra.get(name, [None] * log.rows), column, name)
    assert all(name in asked or not any(value is not None for value in log.extra[name]) for name in log.extra)


def assert_same_outcomes(log: Log, expected: Log) -> None:
    one, other = log.outcomes, expected.outcomes
    assert [one.kinds[kind] for kind in one.kind] == [other.kinds[kind] for kind in other.kind]
    for name in ("row", "value", "at", "identity"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)


@pytest.fixture
def pieces(monkeypatch: pytest.MonkeyPatch) -> Callable[[Size], None]:
    """Read files in pieces of a size from now on."""
    return lambda size: in_pieces(monkeypatch, size)


@pytest.fixture
def scans(monkeypatch: pytest.MonkeyPatch) -> Callable[..., Log]:
    """See that a file is scanned in pieces of several sizes as it is read, and give what was read."""

    def compared(path: Path, sizes: Sequence[Size] = SIZES) -> Log:
        expected = Log.read(path)
        for size in sizes:
            with monkeypatch.context() as patch:
                in_pieces(patch, size)
                assert_scanned(Log.scan(path, list(expected.extra)), expected, size[2])
        return expected

    return compared


@pytest.fixture
def same() -> Callable[[LogFile, Log, int], None]:
    """Compare a scanned file with what was read, and chunks with what rows they may have."""
    return assert_scanned


@pytest.fixture
def refuses(monkeypatch: pytest.MonkeyPatch) -> Callable[..., UnusableLog]:
    """See that both ways refuse a file with the same words, for the same place."""

    def compared(path: Path, line: int | None = None) -> UnusableLog:
        with pytest.raises(UnusableLog) as expected:
            Log.read(path)
        for size in SIZES:
            with monkeypatch.context() as patch:
                in_pieces(patch, size)
                with pytest.raises(UnusableLog) as found:
                    Log.scan(path)
            one, other = found.value, expected.value
            assert str(one) == str(other)
            assert (one.file, one.line, one.field) == (other.file, other.line, other.field)
        assert line in (None, expected.value.line)
        return expected.value

    return compared


@pytest.fixture
def slow(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Files of which a piece was read record by record."""
    read: list[str] = []
    exact = LogParser._one_by_one

    def watched(self: LogParser, records: Iterable[tuple[int, object]]) -> Log:
        log = exact(self, records)
        read.extend([Path(log.source).name] * (log.rows > 0))
        return log

    monkeypatch.setattr(LogParser, "_one_by_one", watched)
    return read


@pytest.fixture
def file_of(tmp_path: Path) -> Callable[..., Path]:
    """Write lines to a file."""

    def written(*lines: bytes) -> Path:
        path = tmp_path / "log.jsonl"
        path.write_bytes(b"\n".join(lines) + b"\n")
        return path

    return written
