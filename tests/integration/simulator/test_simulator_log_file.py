"""A scanned log file is what reading it record by record gives, whatever the size of its blocks and chunks."""

from __future__ import annotations

import gc
import gzip
import json
import runpy
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from simulator import Log, ReplaySettings, UnusableLog, evaluate, write_log
from simulator.exclusions import capped
from simulator.importers.hillstrom import HILLSTROM_ARMS, hillstrom_records
from simulator.importers.obd import obd_arms, obd_records
from simulator.importers.upworthy import UpworthyTests
from simulator.log_file import LogFile
from simulator.log_parser import LogParser
from simulator.log_whole import whole
from simulator.report.replay_report import ReplayReport

Patch = pytest.MonkeyPatch
ROOT = Path(__file__).parents[3]
CHECKED = runpy.run_path(str(ROOT / "tests/unit/simulator/test_simulator_record_check.py"))
GOOD: dict[str, Any] = CHECKED["GOOD"]
BAD: list[dict[str, Any]] = [change for change, _ in CHECKED["BAD"]]
HILLSTROM = "hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"
#: Bytes of a block, rows of a Parquet batch, rows of a chunk.
SIZES = [(1, 3, 2), (300, 7, 5), (4_000, 1_000, 700), (16 << 20, 16_384, 16_384)]
#: Such that a log of tens of megabytes comes in several.
LARGE = [(1 << 20, 5_000, 3_000), (16 << 20, 16_384, 16_384)]


def in_pieces(monkeypatch: Patch, size: tuple[int, int, int]) -> None:
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


def assert_scans(path: Path, monkeypatch: Patch, sizes: Sequence[tuple[int, int, int]] = SIZES) -> Log:
    """Scan a file in pieces of several sizes."""
    expected = Log.read(path)
    for size in sizes:
        with monkeypatch.context() as patch:
            in_pieces(patch, size)
            assert_scanned(Log.scan(path, list(expected.extra)), expected, size[2])
    return expected


@pytest.fixture
def slow(monkeypatch: Patch) -> list[str]:
    """Files of which a piece was read record by record."""
    read: list[str] = []
    exact = LogParser._one_by_one

    def watched(self: LogParser, records: Iterable[tuple[int, object]]) -> Log:
        log = exact(self, records)
        read.extend([Path(log.source).name] * (log.rows > 0))
        return log

    monkeypatch.setattr(LogParser, "_one_by_one", watched)
    return read


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
def test_plain_logs_are_read_the_fast_way(name: str, tmp_path: Path, monkeypatch: Patch, slow: list[str]) -> None:
    write_log(tmp_path / name, rows(60), {"hold": {"variant": "none"}, "y/sms/pm": {"channel": "sms"}})
    log = assert_scans(tmp_path / name, monkeypatch)
    assert (log.rows, log.decisions, len(log.context), log.catalogue["y/sms/pm"]) == (60, 120, 4, {"channel": "sms"})
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_hillstrom(
    name: str, real_data: Callable[[str], Path], tmp_path: Path, monkeypatch: Patch, slow: list[str]
) -> None:
    costs = {"mens/email/day0": 0.05, "womens/email/day0": 0.05}
    write_log(tmp_path / name, hillstrom_records(str(real_data(HILLSTROM)), costs), HILLSTROM_ARMS)
    assert assert_scans(tmp_path / name, monkeypatch, LARGE).rows == 64_000
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_open_bandit(
    name: str, real_data: Callable[[str], Path], tmp_path: Path, monkeypatch: Patch, slow: list[str]
) -> None:
    source = str(real_data("obd/bts/women/women.csv.gz"))
    items, arms = obd_arms(source)
    write_log(tmp_path / name, obd_records(source, items), arms)
    assert assert_scans(tmp_path / name, monkeypatch, LARGE).rows == 10_000
    assert slow == []


@pytest.mark.parametrize("name", ["log.jsonl", "log.parquet"])
def test_upworthy(name: str, tmp_path: Path, monkeypatch: Patch, slow: list[str]) -> None:
    tests = UpworthyTests.read(str(ROOT / "examples/upworthy/headlines.csv"))
    write_log(tmp_path / name, tests.records(), tests.arms())
    assert assert_scans(tmp_path / name, monkeypatch, LARGE).decisions == 5_127_883
    assert slow == []


def test_a_simulated_log(simulator: Callable[..., Result], tmp_path: Path, monkeypatch: Patch, slow: list[str]) -> None:
    """What the service itself exports: a propensity beside each arm, seeds, snapshots and exclusions."""
    path = tmp_path / "log.jsonl"
    assert simulator("simulate", "promo", "-o", path, "--decisions", 1500).exit_code == 0
    expected = assert_scans(path, monkeypatch, LARGE)
    assert expected.rows == 1500
    assert {"seed", "snapshot", "excluded"} <= set(expected.extra)
    # Seeds fill 64 bits.
    monkeypatch.undo()
    exported = tmp_path / "log.parquet"
    assert simulator("export", path, "-o", exported, "--to", "parquet").exit_code == 0
    assert_scans(exported, monkeypatch, LARGE)


# A log of anything that the format allows.

NAMES = st.text(min_size=1, max_size=6)
TEXTS = st.one_of(
    NAMES, st.sampled_from(["3", "true", "null", "1e5", "[1]", '{"a": 1}', "-", "\\", '"', "\x00", "é\u2028😀"])
)
NUMBERS = st.one_of(
    st.integers(-(2**70), 2**70),
    st.sampled_from([0, 1, 2**53, 2**53 + 1, 2**63, 2**64 - 1]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([0.0, 1.0, -0.0, 0.1, 1e22, 1e-300]),
)
VALUES = st.one_of(st.none(), st.booleans(), NUMBERS, TEXTS)
TIMES = st.one_of(
    st.none(),
    st.datetimes(timezones=st.sampled_from([None])).map(lambda at: f"{at.isoformat()}Z"),
    st.sampled_from(
        ["2025-03-01t12:00:00z", "1969-12-31T23:59:59.999999-00:30", "2025-03-01T12:00:00.123456789+14:00"]
    ),
)
CONTEXTS = st.one_of(
    st.none(),
    st.dictionaries(NAMES, VALUES, max_size=3),
    st.fixed_dictionaries({}, optional=dict.fromkeys(("x", "y z", 'q"', "true"), VALUES)),
    st.fixed_dictionaries(
        {}, optional={"n": st.integers(-5, 5), "f": st.floats(-1, 1), "t": NAMES, "b": st.booleans()}
    ),
)
OUTCOMES = st.lists(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["click", "purchase", "not_sent", "3", "é"])},
        optional={
            "value": st.one_of(st.none(), st.integers(0, 9), st.floats(0, 1e9)),
            "at": TIMES,
            "outcome_id": st.one_of(
                st.none(), st.sampled_from(["o1", "7"]), st.integers(-9, 9), st.booleans(), st.just(0.5)
            ),
            "reason": VALUES,
        },
    ),
    max_size=3,
)
DESCRIBED = st.dictionaries(
    NAMES,
    st.one_of(
        st.none(),
        st.fixed_dictionaries(
            {}, optional={"variant": TEXTS, "slot": st.none(), "features": st.dictionaries(NAMES, VALUES, max_size=2)}
        ),
    ),
    max_size=2,
)


@st.composite
def decision(draw: st.DrawFn, width: int) -> dict[str, Any]:
    eligible = draw(
        st.lists(
            st.one_of(st.sampled_from(["hold", "a", "b", "c/d/e", "7"]), TEXTS), min_size=1, max_size=4, unique=True
        )
    )
    shares = draw(st.lists(st.integers(0, 9), min_size=len(eligible), max_size=len(eligible)).filter(any))
    kept: list[float | None] = [share / sum(shares) for share in shares]
    record: dict[str, Any] = {
        "arm": draw(st.sampled_from(eligible)),
        "propensity": draw(st.one_of(st.just(1), st.floats(0, 1, exclude_min=True))),
        "eligible": eligible,
        "outcomes": draw(OUTCOMES),
    }
    optional: dict[str, st.SearchStrategy[Any]] = {
        "schema": st.sampled_from([None, "armsreach.decision.v1"]),
        "decided_at": TIMES,
        "observed_until": TIMES,
        "user": st.one_of(st.none(), TEXTS),
        "mode": st.sampled_from([None, "live", "control", "holdout", "shadow", "fallback", "forced"]),
        "context": CONTEXTS,
        "embedding": st.one_of(st.none(), st.lists(st.floats(-9, 9, width=32), min_size=width, max_size=width)),
        "probabilities": st.sampled_from([None, kept, [None, *kept[1:]]]),
        "count": st.one_of(st.none(), st.integers(1, 2**48)),
        "arms": st.one_of(st.none(), DESCRIBED),
        "excluded": st.one_of(
            st.none(), st.dictionaries(NAMES, st.sampled_from(["cap reached", "no"]), max_size=2), VALUES
        ),
        "position": st.one_of(st.none(), st.integers(0, 3), VALUES),
        "slate": VALUES,
        "snapshot": VALUES,
        "propensity_estimated": st.one_of(st.none(), st.booleans()),
        "weather": st.one_of(VALUES, st.lists(VALUES, max_size=2)),
    }
    for name in draw(st.lists(st.sampled_from(sorted(optional)), unique=True)):
        record[name] = draw(optional[name])
    return record


LOGS = st.integers(1, 3).flatmap(lambda width: st.lists(decision(width), min_size=1, max_size=8))


def as_line(record: Mapping[str, Any], escaped: bool) -> bytes:
    """Write as json.dumps does, with what is not ASCII escaped or as it is."""
    return json.dumps(record, ensure_ascii=escaped).encode("utf-8", "surrogatepass")


def lone(record: Mapping[str, Any]) -> bool:
    """Whether it has half of a surrogate pair, which no file in UTF-8 can hold."""
    try:
        json.dumps(record, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return True
    return False


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(records=LOGS, escaped=st.booleans(), blank=st.booleans())
def test_anything_that_the_format_allows(
    records: list[dict[str, Any]], escaped: bool, blank: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    written = [{"decision_id": f"d{n}", **record} for n, record in enumerate(records) if not lone(record)]
    if not written:
        return
    path = tmp_path / "log.jsonl"
    path.write_bytes((b"\r\n\n" if blank else b"\n").join(as_line(record, escaped) for record in written))
    assert_scans(path, monkeypatch, [(1, 3, 2), (300, 7, 5), (16 << 20, 16_384, 16_384)])


def file_of(tmp_path: Path, *lines: bytes) -> Path:
    path = tmp_path / "log.jsonl"
    path.write_bytes(b"\n".join(lines) + b"\n")
    return path


def good(n: int, **changes: Any) -> bytes:
    return json.dumps({**GOOD, "decision_id": f"g{n}", **changes}).encode()


def assert_refused_alike(path: Path, monkeypatch: Patch, line: int | None = None) -> UnusableLog:
    """Both ways refuse the file with the same words, for the same place."""
    with pytest.raises(UnusableLog) as expected:
        Log.read(path)
    for size in SIZES:
        with monkeypatch.context() as patch:
            in_pieces(patch, size)
            with pytest.raises(UnusableLog) as found:
                Log.scan(path)
        assert str(found.value) == str(expected.value)
        assert (found.value.file, found.value.line, found.value.field) == (
            expected.value.file,
            expected.value.line,
            expected.value.field,
        )
    if line is not None:
        assert expected.value.line == line
    return expected.value


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


@pytest.mark.parametrize("change", [*BAD, *ALSO_BAD], ids=lambda change: json.dumps(change)[:40])
def test_a_bad_field_is_refused_in_the_same_words(change: dict[str, Any], tmp_path: Path, monkeypatch: Patch) -> None:
    around = [good(n, context={"x": "a"}, outcomes=[{"type": "click"}], count=n + 1) for n in range(8)]
    path = file_of(tmp_path, *around[:5], good(9, **change), *around[5:])
    assert_refused_alike(path, monkeypatch, line=6)


@pytest.mark.parametrize("field", [*GOOD])
@pytest.mark.parametrize("null", [True, False])
def test_a_missing_field_is_refused_in_the_same_words(
    field: str, null: bool, tmp_path: Path, monkeypatch: Patch
) -> None:
    record = {name: value for name, value in GOOD.items() if name != field} | ({field: None} if null else {})
    path = file_of(tmp_path, good(1), json.dumps(record).encode(), good(2))
    assert assert_refused_alike(path, monkeypatch, line=2).field == field


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
def test_a_bad_line_is_refused_in_the_same_words(line: bytes, tmp_path: Path, monkeypatch: Patch) -> None:
    for lines in ([good(1), good(2), line, good(3)], [line, good(1)], [good(1), b"", b"  ", line]):
        assert_refused_alike(file_of(tmp_path, *lines), monkeypatch, line=lines.index(line) + 1)


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b" \n\r\n\t\n"], ids=repr)
@pytest.mark.parametrize("last", [b"", b"\n", b"\n\n "], ids=repr)
def test_line_ends_and_blank_lines(end: bytes, last: bytes, tmp_path: Path, monkeypatch: Patch) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(end + end.join(good(n) for n in range(30)) + last)
    step = end.count(b"\n")
    assert assert_scans(path, monkeypatch).line.tolist() == [1 + step * (1 + n) for n in range(30)]


def test_a_byte_order_mark_is_passed_over(tmp_path: Path, monkeypatch: Patch) -> None:
    path = file_of(tmp_path, b"\xef\xbb\xbf" + good(0), *(good(n) for n in range(1, 9)))
    assert assert_scans(path, monkeypatch).decision_ids.tolist() == [f"g{n}" for n in range(9)]


@pytest.mark.parametrize("content", [b"", b"\n", b" \n\r\n\n", gzip.compress(b""), gzip.compress(b"\n\n")], ids=repr)
def test_empty_files(content: bytes, tmp_path: Path, monkeypatch: Patch) -> None:
    (tmp_path / "log.jsonl").write_bytes(content)
    assert "at least one decision" in str(assert_refused_alike(tmp_path / "log.jsonl", monkeypatch))


def test_missing_and_foreign_files(tmp_path: Path, monkeypatch: Patch) -> None:
    assert_refused_alike(tmp_path / "none.jsonl", monkeypatch)
    assert_refused_alike(tmp_path, monkeypatch)
    assert_refused_alike(tmp_path / "none.parquet", monkeypatch)
    (tmp_path / "foreign.parquet").write_bytes(b"not parquet")
    assert_refused_alike(tmp_path / "foreign.parquet", monkeypatch)
    path = file_of(tmp_path, good(1))
    (tmp_path / "log.jsonl.catalogue.json").write_text("[1]")
    assert_refused_alike(path, monkeypatch)


def test_a_repeated_id_names_both_lines_wherever_they_stand(tmp_path: Path, monkeypatch: Patch) -> None:
    lines = [good(n) for n in range(20)]
    for first, second in ((0, 19), (7, 8), (3, 12)):
        repeating = [*lines]
        repeating[second] = lines[first]
        refused = assert_refused_alike(file_of(tmp_path, *repeating), monkeypatch, line=second + 1)
        assert f"also on line {first + 1}" in str(refused)
    path = tmp_path / "log.parquet"
    write_log(path, [json.loads(line) for line in repeating])
    assert "also on line 4" in str(assert_refused_alike(path, monkeypatch, line=13))


def test_ids_that_only_share_a_hash_are_two(tmp_path: Path, monkeypatch: Patch) -> None:
    monkeypatch.setattr("simulator.log_file._hashes", lambda chunk: np.zeros(chunk.rows, dtype=np.uint64))
    path = file_of(tmp_path, *(good(n) for n in range(20)))
    assert_scans(path, monkeypatch)
    assert_refused_alike(file_of(tmp_path, *(good(n % 19) for n in range(20))), monkeypatch, line=20)


def test_all_embeddings_have_the_width_of_the_first(tmp_path: Path, monkeypatch: Patch) -> None:
    wide = [good(n, embedding=[0.5, 1.5] if n % 4 == 3 else None) for n in range(24)]
    log = assert_scans(file_of(tmp_path, *wide), monkeypatch)
    assert log.embedding is not None
    assert log.embedding[:4].tolist() == [[0, 0], [0, 0], [0, 0], [0.5, 1.5]]
    wide[17] = good(17, embedding=[1.0, 2.0, 3.0])
    assert "2 numbers as in the rows before" in str(assert_refused_alike(file_of(tmp_path, *wide), monkeypatch, 18))
    wide[17] = good(17, embedding=[])
    assert_refused_alike(file_of(tmp_path, *wide), monkeypatch, line=18)


@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9, -9, -8, -4, -1], ids=str)
def test_a_torn_gzip_file(kept: float, tmp_path: Path, monkeypatch: Patch) -> None:
    random = np.random.default_rng(0)
    packed = gzip.compress(b"\n".join(good(n, user=random.bytes(8).hex()) for n in range(400)) + b"\n")
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[: int(kept * len(packed)) if kept > 0 else int(kept)])
    assert assert_refused_alike(path, monkeypatch).line is not None
    path.write_bytes(packed[:-6] + bytes(6))
    assert_refused_alike(path, monkeypatch, line=401)
    path.write_bytes(packed + b"more")
    assert_refused_alike(path, monkeypatch, line=401)


def test_a_bad_line_before_the_tear_comes_first(tmp_path: Path, monkeypatch: Patch) -> None:
    packed = gzip.compress(b"\n".join([good(1), good(2, propensity=2), *(good(n) for n in range(3, 400))]))
    path = tmp_path / "log.jsonl.gz"
    path.write_bytes(packed[:-20])
    assert assert_refused_alike(path, monkeypatch, line=2).field == "propensity"


def test_what_polars_would_bring_to_one_type_stays_as_it_was(tmp_path: Path, monkeypatch: Patch) -> None:
    """Contexts and other fields of several kinds; one kind a block, as most logs have, is still read fast."""
    several: list[list[Any]] = [
        [7, "seven", None, "7"],
        [True, "true", "a", None],
        [1, True, 0, False],
        [2**53 + 1, 0.5, 1, None],
        [2**63, 1, "x", -(2**63)],
        [1e22, 3, 1.0, 1e300],
        ["[1]", "{}", "null", ""],
        [0.0, -0.0, 0, None],
        ["a", 'b", "x": 5', "\\", '"x": true'],
    ]
    for values in several:
        lines = [
            good(n, context={"x": value, 'q"': value}, slate=value, weather=value) for n, value in enumerate(values)
        ]
        log = assert_scans(file_of(tmp_path, *lines), monkeypatch)
        assert_equal_values(log.context["x"], values, "x")
        assert_equal_values(log.extra["weather"], values, "weather")
    lines = [good(n, weather=None if n < 250 else n, context={"x": None if n < 250 else n / 2}) for n in range(300)]
    assert assert_scans(file_of(tmp_path, *lines), monkeypatch).extra["weather"][-1] == 299


def test_text_that_looks_like_something_else_is_read_fast(tmp_path: Path, monkeypatch: Patch, slow: list[str]) -> None:
    odd = ["7", "true", "[x", "{", "-1.5e3"]
    lines = [
        good(
            n,
            decision_id=str(n),
            arm=odd[n % 5],
            eligible=odd,
            user=odd[n % 3],
            context={"zip": f"{n:05d}", "x": odd[n % 5], "flag": n % 2, "note": "\u00e9 \U0001f600"},
            snapshot=str(n),
            excluded={"cap": "no", "x": "7"},
        )
        for n in range(40)
    ]
    assert_scans(file_of(tmp_path, *lines), monkeypatch)
    assert slow == []


def test_repeated_outcomes_are_counted_once(tmp_path: Path, monkeypatch: Patch) -> None:
    twice = [{"type": "purchase", "value": 5, "outcome_id": "o"}] * 2
    lines = [good(n, outcomes=twice if n % 5 == 0 else twice[:1]) for n in range(20)]
    log = assert_scans(file_of(tmp_path, *lines), monkeypatch)
    assert log.warnings == ("4 repeated outcomes (same outcome_id) were counted once",)


def test_the_last_description_of_an_arm_counts(tmp_path: Path, monkeypatch: Patch, slow: list[str]) -> None:
    one, other = (
        {"a": {"variant": "x", "slot": None}},
        {"a": {"variant": "y", "features": {"p": None, "q": 1.5}}, "b": None},
    )
    lines = [good(n, arms=arms) for n, arms in enumerate([one, other, one, None, {}, other, one])]
    assert assert_scans(file_of(tmp_path, *lines), monkeypatch).catalogue == {"a": {"variant": "x"}}
    lines.append(good(8, arms=other))
    path = file_of(tmp_path, *lines)
    Path(f"{path}.catalogue.json").write_text(json.dumps({"a": {"variant": "z"}, "c": {"slot": "am"}}))
    assert assert_scans(path, monkeypatch).catalogue == {
        "a": {"variant": "y", "features": {"q": 1.5}},
        "c": {"slot": "am"},
    }
    assert slow == []


def test_only_fields_that_are_asked_for_are_kept(tmp_path: Path, monkeypatch: Patch) -> None:
    lines = [good(n, weather="rain", seed=n, position=n) for n in range(9)]
    # One block is read record by record.
    lines[4] = good(4, weather="rain", seed=4, position=4, context={"x": 2**70})
    for size in SIZES:
        in_pieces(monkeypatch, size)
        for chunk in Log.scan(file_of(tmp_path, *lines), ["seed"]).chunks():
            assert set(chunk.extra) == {"seed", "position"}


# Parquet that others wrote.

STRINGS = pa.list_(pa.string())
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
def test_columns_of_other_types(columns: dict[str, pa.Array], tmp_path: Path, monkeypatch: Patch) -> None:
    assert assert_scans(parquet_of(tmp_path, **columns), monkeypatch).rows == 8


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
    columns: dict[str, pa.Array], tmp_path: Path, monkeypatch: Patch
) -> None:
    assert assert_refused_alike(parquet_of(tmp_path, **columns), monkeypatch).field


def test_a_torn_parquet_file(tmp_path: Path, monkeypatch: Patch) -> None:
    path = tmp_path / "log.parquet"
    write_log(path, rows(60))
    content = path.read_bytes()
    path.write_bytes(content[:200] + bytes(200) + content[400:])
    assert_refused_alike(path, monkeypatch)


# Reports do not depend on how a log is read and kept.


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
    asked: dict[str, Any], chunk: int, drawn: Path, monkeypatch: Patch
) -> None:
    expected = evaluate(Log.read(drawn), **asked)
    assert_same_reports(evaluate(Log.scan(drawn), **asked), expected)
    with monkeypatch.context() as patch:
        patch.setattr(Log.chunks, "__defaults__", (chunk,))
        assert_same_reports(evaluate(Log.read(drawn), **asked), expected)
    with monkeypatch.context() as patch:
        in_pieces(patch, (100_000, 1_000, chunk))
        patch.setattr("simulator.spool._IN_MEMORY", 0)
        scanned = Log.scan(drawn)
    assert len(list(scanned.chunks())) > 3
    assert_same_reports(evaluate(scanned, **asked), expected)


def test_a_spool_on_disk_gives_back_what_it_took_and_leaves_nothing(
    drawn: Path, tmp_path: Path, monkeypatch: Patch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr("simulator.spool._IN_MEMORY", 200_000)
    in_pieces(monkeypatch, (100_000, 1_000, 200))
    scanned = Log.scan(drawn)
    # Some chunks stayed in memory.
    (folder,) = tmp_path.iterdir()
    assert 0 < len(list(folder.glob("*.narrow"))) < len(list(scanned.chunks()))
    assert_scanned(scanned, Log.read(drawn), 200)
    # Again: each pass reads it from the beginning.
    assert_scanned(scanned, Log.read(drawn), 200)
    del scanned
    gc.collect()
    assert list(tmp_path.iterdir()) == []
