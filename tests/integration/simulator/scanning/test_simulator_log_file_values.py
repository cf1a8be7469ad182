"""What a scanned log file makes of unusual values and lines."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from simulator import Log

Scans = Callable[..., Log]
FileOf = Callable[..., Path]
GOOD: dict[str, Any] = {"arm": "a", "propensity": 0.25, "eligible": ["a", "b"], "outcomes": []}


def good(n: int, **changes: Any) -> bytes:
    return json.dumps({**GOOD, "decision_id": f"g{n}", **changes}).encode()


@pytest.mark.parametrize("end", [b"\n", b"\r\n", b"\n\n", b" \n\r\n\t\n"], ids=repr)
@pytest.mark.parametrize("last", [b"", b"\n", b"\n\n "], ids=repr)
def test_line_ends_and_blank_lines(end: bytes, last: bytes, scans: Scans, tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_bytes(end + end.join(good(n) for n in range(30)) + last)
    step = end.count(b"\n")
    assert scans(path).line.tolist() == [1 + step * (1 + n) for n in range(30)]


def test_a_byte_order_mark_is_passed_over(scans: Scans, file_of: FileOf) -> None:
    path = file_of(b"\xef\xbb\xbf" + good(0), *(good(n) for n in range(1, 9)))
    assert scans(path).decision_ids.tolist() == [f"g{n}" for n in range(9)]


def test_what_polars_would_bring_to_one_type_stays_as_it_was(scans: Scans, file_of: FileOf) -> None:
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
        log = scans(file_of(*lines))
        assert log.context["x"].tolist() == log.extra["weather"].tolist() == values
    lines = [good(n, weather=None if n < 250 else n, context={"x": None if n < 250 else n / 2}) for n in range(300)]
    assert scans(file_of(*lines)).extra["weather"][-1] == 299


def test_text_that_looks_like_something_else_is_read_fast(scans: Scans, file_of: FileOf, slow: list[str]) -> None:
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
    scans(file_of(*lines))
    assert slow == []


def test_repeated_outcomes_are_counted_once(scans: Scans, file_of: FileOf) -> None:
    twice = [{"type": "purchase", "value": 5, "outcome_id": "o"}] * 2
    lines = [good(n, outcomes=twice if n % 5 == 0 else twice[:1]) for n in range(20)]
    log = scans(file_of(*lines))
    assert log.warnings == ("4 repeated outcomes (same outcome_id) were counted once",)


def test_the_last_description_of_an_arm_counts(scans: Scans, file_of: FileOf, slow: list[str]) -> None:
    one, other = (
        {"a": {"variant": "x", "slot": None}},
        {"a": {"variant": "y", "features": {"p": None, "q": 1.5}}, "b": None},
    )
    lines = [good(n, arms=arms) for n, arms in enumerate([one, other, one, None, {}, other, one])]
    assert scans(file_of(*lines)).catalogue == {"a": {"variant": "x"}}
    lines.append(good(8, arms=other))
    path = file_of(*lines)
    Path(f"{path}.catalogue.json").write_text(json.dumps({"a": {"variant": "z"}, "c": {"slot": "am"}}))
    assert scans(path).catalogue == {
        "a": {"variant": "y", "features": {"q": 1.5}},
        "c": {"slot": "am"},
    }
    assert slow == []


def test_all_embeddings_have_the_width_of_the_first(scans: Scans, file_of: FileOf) -> None:
    wide = [good(n, embedding=[0.5, 1.5] if n % 4 == 3 else None) for n in range(24)]
    log = scans(file_of(*wide))
    assert log.embedding is not None
    assert log.embedding[:4].tolist() == [[0, 0], [0, 0], [0, 0], [0.5, 1.5]]


def test_only_fields_that_are_asked_for_are_kept(
    file_of: FileOf, pieces: Callable[[tuple[int, int, int]], None]
) -> None:
    lines = [good(n, weather="rain", seed=n, position=n) for n in range(9)]
    # One block is read record by record.
    lines[4] = good(4, weather="rain", seed=4, position=4, context={"x": 2**70})
    for size in ((1, 3, 2), (300, 7, 5), (16 << 20, 16_384, 16_384)):
        pieces(size)
        for chunk in Log.scan(file_of(*lines), ["seed"]).chunks():
            assert set(chunk.extra) == {"seed", "position"}


def test_ids_that_only_share_a_hash_are_two(scans: Scans, file_of: FileOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simulator.log_file._hashes", lambda chunk: np.zeros(chunk.rows, dtype=np.uint64))
    path = file_of(*(good(n) for n in range(20)))
    scans(path)
