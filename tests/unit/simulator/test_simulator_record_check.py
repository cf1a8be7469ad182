from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from simulator import Log, LogBuilder, UnusableLog

GOOD: dict[str, Any] = {
    "decision_id": "d1",
    "arm": "a",
    "propensity": 0.25,
    "eligible": ["a", "b"],
    "outcomes": [],
}

BAD: list[tuple[dict[str, Any], str]] = [
    ({"propensity": 0}, "propensity"),
    ({"propensity": 0.0}, "propensity"),
    ({"propensity": 1.0001}, "propensity"),
    ({"propensity": -0.1}, "propensity"),
    ({"propensity": math.nan}, "propensity"),
    ({"propensity": "0.5"}, "propensity"),
    ({"propensity": True}, "propensity"),
    ({"propensity": None}, "propensity"),
    ({"arm": "c"}, "arm"),
    ({"arm": 3}, "arm"),
    ({"eligible": []}, "eligible"),
    ({"eligible": ["a", "a"]}, "eligible"),
    ({"eligible": ["a", 4]}, "eligible"),
    ({"eligible": ["a", ["b"]]}, "eligible"),
    ({"eligible": ["a", ""]}, "eligible"),
    ({"eligible": "a"}, "eligible"),
    ({"decision_id": ""}, "decision_id"),
    ({"outcomes": {"type": "click"}}, "outcomes"),
    ({"outcomes": ["click"]}, "outcomes[0]"),
    ({"outcomes": [{"value": 1}]}, "outcomes[0].type"),
    ({"outcomes": [{"type": "refund", "value": -1}]}, "outcomes[0].value"),
    ({"outcomes": [{"type": "click"}, {"type": "cost", "value": -0.1}]}, "outcomes[1].value"),
    ({"outcomes": [{"type": "purchase", "value": math.nan}]}, "outcomes[0].value"),
    ({"outcomes": [{"type": "purchase", "value": 10**400}]}, "outcomes[0].value"),
    ({"outcomes": [{"type": "click", "at": "yesterday"}]}, "outcomes[0].at"),
    ({"context": {"deep": {"x": 1}}}, "context.deep"),
    ({"context": {"many": [1]}}, "context.many"),
    ({"context": {"x": math.nan}}, "context.x"),
    ({"context": {"x": 10**400}}, "context.x"),
    ({"context": [1]}, "context"),
    ({"probabilities": [1.0]}, "probabilities"),
    ({"probabilities": [0.5, 0.4]}, "probabilities"),
    ({"probabilities": [0.5, 1.5]}, "probabilities[1]"),
    ({"count": 0}, "count"),
    ({"count": 2.5}, "count"),
    ({"count": True}, "count"),
    ({"count": 10**15}, "count"),
    ({"decided_at": "2025-03-01T12:00:00"}, "decided_at"),
    ({"decided_at": "2025-02-30T12:00:00Z"}, "decided_at"),
    ({"decided_at": 5}, "decided_at"),
    ({"mode": "test"}, "mode"),
    ({"user": 7}, "user"),
    ({"embedding": [0.1, math.inf]}, "embedding"),
    ({"embedding": [0.1, 1e39]}, "embedding"),
    ({"schema": "armsreach.decision.v2"}, "schema"),
    ({"arms": {"a": 1}}, "arms"),
]


@pytest.mark.parametrize(("change", "field"), BAD, ids=[f"{field}-{place}" for place, (_, field) in enumerate(BAD)])
def test_bad_record_names_file_line_and_field(change: dict[str, Any], field: str) -> None:
    builder = LogBuilder("day.jsonl")
    builder.append(GOOD, 1)
    with pytest.raises(UnusableLog) as caught:
        builder.append({**GOOD, "decision_id": "d2", **change}, 2)
    assert caught.value.field == field
    assert (caught.value.file, caught.value.line) == ("day.jsonl", 2)
    text = str(caught.value)
    assert text.startswith(f"day.jsonl:2: {field}: expected ")
    assert ", got " in text
    assert caught.value.remedy in text


@pytest.mark.parametrize("field", sorted(GOOD))
def test_every_required_field_is_required(field: str) -> None:
    with pytest.raises(UnusableLog) as caught:
        LogBuilder("x").append({name: value for name, value in GOOD.items() if name != field}, 1)
    assert caught.value.field == field


def test_repeated_decision_id_names_the_first_line() -> None:
    builder = LogBuilder("x")
    builder.append(GOOD, 3)
    with pytest.raises(UnusableLog, match="also on line 3"):
        builder.append(GOOD, 9)


def test_embedding_width_is_that_of_the_first_row() -> None:
    builder = LogBuilder("x")
    builder.append({**GOOD, "embedding": [1.0, 2.0]}, 1)
    with pytest.raises(UnusableLog, match="expected 2 numbers"):
        builder.append({**GOOD, "decision_id": "d2", "embedding": [1.0]}, 2)


def test_a_record_that_is_no_object_is_refused() -> None:
    with pytest.raises(UnusableLog, match="one decision a line"):
        LogBuilder("x").append([1, 2], 1)


def test_null_means_absent_and_unknown_fields_are_kept(log_of: Callable[..., Log]) -> None:
    log = log_of(
        [
            {"arm": "a", "user": None, "count": None, "context": {"x": None, "y": 1}, "weather": "rain"},
            {"arm": "b", "probabilities": [None, 0.5], "context": None},
        ]
    )
    assert log.count.tolist() == [1, 1]
    assert log.user.tolist() == [-1, -1]
    assert set(log.context) == {"y"}
    assert log.context["y"].tolist() == [1, None]
    assert log.extra["weather"].tolist() == ["rain", None]
    assert np.isnan(log.probabilities).tolist() == [True, True, True, False]


def test_repeated_outcome_ids_count_once_and_are_reported(log_of: Callable[..., Log]) -> None:
    twice = [{"type": "purchase", "value": 5, "outcome_id": "o1"}] * 2
    log = log_of([{"arm": "a", "outcomes": twice}])
    assert log.outcomes.total("purchase", 1).tolist() == [5.0]
    assert "1 repeated outcomes" in log.warnings[0]


def test_select_keeps_rows_whole(log_of: Callable[..., Log]) -> None:
    log = log_of(
        {
            "arm": arm,
            "eligible": ["a", "b", "c"][: 2 + row % 2],
            "outcomes": [{"type": "click"}] * (row == 2),
            "embedding": [float(row)],
        }
        for row, arm in enumerate(["a", "b", "a", "c"])
    )
    part = log.select(np.array([False, True, True, False]))
    assert part.decision_ids.tolist() == ["d2", "d3"]
    assert part.lengths.tolist() == [3, 2]
    assert part.outcomes.occurred("click", 2).tolist() == [0.0, 1.0]
    assert part.embedding is not None
    assert part.embedding.tolist() == [[1.0], [2.0]]
    assert [part.arms[part.eligible[at]] for at in part.chosen_at] == ["b", "a"]


def test_times_may_be_written_in_lower_case(log_of: Callable[..., Log]) -> None:
    log = log_of([{"arm": "a", "decided_at": at} for at in ("2025-03-01t12:00:00z", "2025-03-01T13:00:00+01:00")])
    assert log.decided_at[0] == log.decided_at[1]


def test_inline_arms_leave_out_what_is_null(log_of: Callable[..., Log]) -> None:
    """Parquet gives every row the fields of every arm."""
    log = log_of(
        [{"arm": "a", "arms": {"a": {"variant": "x", "slot": None, "features": {"p": 1, "q": None}}, "b": None}}]
    )
    assert log.catalogue == {"a": {"variant": "x", "features": {"p": 1}}}
