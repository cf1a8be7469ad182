from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
import vowpalwabbit
from click.testing import Result

from simulator import Log, write_log

Run = Callable[..., Result]

AWKWARD = 'quotes "x", {braces], \\ back\\slashes\\, | pipes: 日本語 \t'
#: Rows with all that a log may hold, and all that dsjson has no place for.
RECORDS: list[dict[str, Any]] = [
    {
        "schema": "armsreach.decision.v1",
        "decision_id": "d1",
        "decided_at": "2025-03-01T08:00:00.250000Z",
        "observed_until": "2025-03-08T08:00:00Z",
        "campaign": "spring {sale}",
        "user": "u1",
        "arm": "x/email/am",
        "propensity": 0.7,
        "probabilities": [0.1, 0.7, 0.2],
        "eligible": ["hold", "x/email/am", "y/sms/pm"],
        "excluded": {"z/push/am": "no consent", "q/push/am": AWKWARD},
        "context": {
            "region": AWKWARD,
            "visits": 3,
            "rate": 0.5,
            "member": True,
            "mixed": 7,
            "_label_x": "l",
            "_multi": "m",
            "embedding": 2,
            "wide": 1,
        },
        "embedding": [0.5, -1.25],
        "outcomes": [
            {"type": "click", "at": "2025-03-01T09:00:00Z", "outcome_id": "o1"},
            {"type": "purchase", "value": 12.5, "outcome_id": "o2"},
        ],
        "policy": "champion",
        "snapshot": "v7",
        "seed": 2**60,
        "note": {"nested": [1, "two", None]},
    },
    {
        "decision_id": "d2",
        "arm": "hold",
        "propensity": 1.0,
        "eligible": ["hold"],
        "mode": "holdout",
        "context": {"mixed": "seven", "member": False, "wide": 2.5},
        "outcomes": [],
        "excluded": {},
        "seed": 3,
        "note": "plain",
    },
    {
        "decision_id": "d3",
        "arm": "y/sms/pm",
        "propensity": 0.25,
        "probabilities": [None, 0.25, None],
        "eligible": ["x/email/am", "y/sms/pm", "hold"],
        "count": 4,
        "position": 2,
        "outcomes": [{"type": "refund", "value": 2.0}, {"type": "cost", "value": 0.1}],
    },
    {
        "decision_id": "d4",
        "arm": "hold",
        "propensity": 0.125,
        "probabilities": [0.125, 0.875],
        "eligible": ["hold", "x/email/am"],
        "context": {"mixed": True},
        "outcomes": [{"type": "not_sent", "reason": "quiet hours"}],
        "propensity_estimated": True,
        "arms": {"hold": {"features": {"none": 1}}},
    },
]
CATALOGUE = {
    "x/email/am": {"variant": "x", "channel": "email", "slot": "am", "features": {"V^id=x": 1.0, "tone": AWKWARD}},
    "y/sms/pm": {"variant": "y", "channel": "sms", "slot": "pm", "embedding": [0.25, 0.5]},
}


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "log.jsonl"
    write_log(path, RECORDS, CATALOGUE)
    return path


def records_of(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def assert_same_logs(one: Log, other: Log) -> None:
    def arms(log: Log, codes: Any) -> list[str]:
        return [log.arms[code] for code in codes]

    for name in ("propensity", "offsets", "count", "mode", "decided_at", "observed_until", "chosen"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name), err_msg=name)
    np.testing.assert_array_equal(one.probabilities, other.probabilities)
    assert one.decision_ids.tolist() == other.decision_ids.tolist()
    assert arms(one, one.arm) == arms(other, other.arm)
    assert arms(one, one.eligible) == arms(other, other.eligible)
    assert [one.users[code] for code in one.user if code >= 0] == [
        other.users[code] for code in other.user if code >= 0
    ]
    for kind in {*one.outcomes.kinds, *other.outcomes.kinds}:
        np.testing.assert_array_equal(one.outcomes.total(kind, one.rows), other.outcomes.total(kind, other.rows))
    np.testing.assert_array_equal(one.outcomes.at, other.outcomes.at)
    assert one.catalogue == other.catalogue
    for mine, theirs in ((one.context, other.context), (one.extra, other.extra)):
        found = {name: column.tolist() for name, column in theirs.items() if any(x is not None for x in column)}
        assert {name: column.tolist() for name, column in mine.items()} == found
    np.testing.assert_array_equal(one.embedding, other.embedding)


def test_dsjson_comes_back_the_same(log: Path, simulator: Run, tmp_path: Path) -> None:
    exported, back = tmp_path / "log.dsjson", tmp_path / "back.jsonl"
    result = simulator("export", "--to", "dsjson", log, "-o", exported)
    assert result.exit_code == 0, result.output
    assert "1 rows of a mode that is not valued are marked _skipLearn" in result.output
    assert "1 rows stand for several decisions" in result.output
    result = simulator("import", "dsjson", exported, "-o", back)
    assert result.exit_code == 0, result.output
    for before, after in zip(RECORDS, records_of(back), strict=True):
        expected = {name: value for name, value in before.items() if name != "arms"}
        assert after == {"context": {}, **expected, "schema": "armsreach.decision.v1"}
    assert_same_logs(Log.read(log), Log.read(back))


def test_parquet_comes_back_the_same(log: Path, simulator: Run, tmp_path: Path) -> None:
    exported, back = tmp_path / "log.parquet", tmp_path / "back.dsjson"
    result = simulator("export", "--to", "parquet", log, "-o", exported)
    assert result.exit_code == 0, result.output
    assert_same_logs(Log.read(log), Log.read(exported))
    direct = tmp_path / "direct.dsjson"
    simulator("export", "--to", "dsjson", exported, "-o", back)
    simulator("export", "--to", "dsjson", log, "-o", direct)
    for one, other in zip(records_of(direct), records_of(back), strict=True):
        assert one["c"] == other["c"]
        assert one["_armsreach"].get("outcomes") == other["_armsreach"].get("outcomes")
        assert one["_label_cost"] == other["_label_cost"]
    assert not list(tmp_path.glob(".*"))


def seen_by_vw(path: Path, *options: str) -> list[list[tuple[int, float, float]]]:
    """Parse as VW's own reader does; give the labels of each example of each decision."""
    workspace = vowpalwabbit.Workspace(f"--dsjson --cb_explore_adf --strict_parse --quiet {' '.join(options)}")
    seen = []
    for line in path.read_text().splitlines():
        examples = workspace.parse(line)
        labels = [example.get_label(vowpalwabbit.LabelType.CONTEXTUAL_BANDIT).costs for example in examples]
        if len(examples) > 1:
            seen.append([(x[0].action, x[0].cost, x[0].probability) if x else (0, 0.0, 0.0) for x in labels[1:]])
        workspace.finish_example(examples)
    workspace.finish()
    return seen


def features_seen_by_vw(line: dict[str, Any]) -> list[int]:
    workspace = vowpalwabbit.Workspace("--dsjson --cb_explore_adf --strict_parse --quiet")
    examples = workspace.parse(orjson.dumps(line).decode())
    found = [example.get_feature_number() for example in examples]
    workspace.finish_example(examples)
    workspace.finish()
    return found


def test_vw_reads_the_export(log: Path, simulator: Run, tmp_path: Path) -> None:
    exported = tmp_path / "log.dsjson"
    assert simulator("export", "--to", "dsjson", log, "-o", exported).exit_code == 0
    seen = seen_by_vw(exported)
    valued = [record for record in RECORDS if record.get("mode", "live") == "live"]
    assert [len(labels) for labels in seen] == [len(record["eligible"]) for record in valued]
    for record, labels in zip(valued, seen, strict=True):
        chosen = record["eligible"].index(record["arm"])
        clicked = any(outcome["type"] == "click" for outcome in record["outcomes"])
        for place, (action, cost, probability) in enumerate(labels):
            if place != chosen:
                assert probability == 0.0
                continue
            assert action == chosen + 1
            assert cost == -float(clicked)
            assert probability == pytest.approx(record["propensity"], rel=1e-6)
    workspace = vowpalwabbit.Workspace(f"--dsjson --cb_explore_adf --strict_parse --quiet -d {exported}")
    assert workspace.get_weighted_examples() == len(valued)
    workspace.finish()


def test_vw_passes_over_what_is_kept_apart(log: Path, simulator: Run, tmp_path: Path) -> None:
    exported = tmp_path / "log.dsjson"
    assert simulator("export", "--to", "dsjson", log, "-o", exported).exit_code == 0
    for line in records_of(exported):
        if "_skipLearn" not in line:
            bare = {name: value for name, value in line.items() if name != "_armsreach"}
            assert features_seen_by_vw(line) == features_seen_by_vw(bare)
            assert sum(features_seen_by_vw(line)) > len(line["a"])


def test_objective_of_the_label(log: Path, simulator: Run, tmp_path: Path) -> None:
    exported = tmp_path / "log.dsjson"
    flags = ("--objective", "purchase=1,refund=-1,cost=-1")
    assert simulator("export", "--to", "dsjson", log, "-o", exported, *flags).exit_code == 0
    assert [line["_label_cost"] for line in records_of(exported)] == [-12.5, 0.0, pytest.approx(2.1), 0.0]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--to", "csv", "-o", "x"), "--to: expected one of dsjson, parquet"),
        (("--to", "parquet", "-o", "x.jsonl"), "--output: expected a name ending in .parquet"),
        (("--to", "dsjson", "-o", "x.parquet"), "--output: expected a name for lines of JSON"),
        (("--to", "parquet", "-o", "x.parquet", "--objective", "click=1"), "--objective: expected it with"),
    ],
)
def test_export_refuses(arguments: tuple[str, ...], words: str, log: Path, simulator: Run) -> None:
    result = simulator("export", log, *arguments)
    assert result.exit_code == 2, result.output
    assert words in result.output


def test_broken_log_exports_nothing(log: Path, simulator: Run, tmp_path: Path) -> None:
    lines = log.read_text().splitlines()
    log.write_text("\n".join([*lines, lines[0]]) + "\n")
    for to, name in (("dsjson", "x.dsjson"), ("parquet", "x.parquet")):
        result = simulator("export", "--to", to, log, "-o", tmp_path / name)
        assert result.exit_code == 2
        assert "decision_id: expected an id that occurs once" in result.output
        assert not (tmp_path / name).exists()
    assert not list(tmp_path.glob(".*"))
