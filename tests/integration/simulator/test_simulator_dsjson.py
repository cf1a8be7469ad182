from __future__ import annotations

import copy
import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from simulator import Log
from simulator.importers.flat_features import flat_features

Run = Callable[..., Result]


def event(key: str, cost: float = -1.0, **changes: Any) -> dict[str, Any]:
    """A decision as a joiner writes it: the second of three actions was drawn."""
    line = {
        "_label_cost": cost,
        "_label_probability": 0.25,
        "_label_Action": 2,
        "_labelIndex": 1,
        "o": [{"v": -cost, "EventId": key, "ActionTaken": False}],
        "Timestamp": "2021-02-04T16:31:29.2460000Z",
        "Version": "1",
        "EventId": key,
        "a": [2, 3, 1],
        "c": {
            "User": {"id": f"u-{key}", "_age": 31},
            "tags": ["new", "mobile"],
            "_multi": [
                {"_tag": "A", "i": {"id": "ia"}, "j": [{"kind": "hot"}, None]},
                {"_tag": "B", "i": {"id": "ib"}, "price": 2.5},
                {"_tag": "C", "i": {"id": "ic"}},
            ],
        },
        "p": [0.25, 0.125, 0.625],
        "VWState": {"m": "model/7"},
    }
    line.update(changes)
    return {name: value for name, value in line.items() if value is not ...}


@pytest.fixture
def imported(simulator: Run, tmp_path: Path) -> Callable[..., tuple[Result, list[dict[str, Any]]]]:
    """Import lines with flags; give the result and the records."""

    def run(lines: list[Any], *flags: str) -> tuple[Result, list[dict[str, Any]]]:
        source, out = tmp_path / "src.json", tmp_path / "out.jsonl"
        source.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + "\n")
        out.unlink(missing_ok=True)
        result = simulator("import", "dsjson", source, "-o", out, *flags)
        if result.exit_code == 2:
            assert not out.exists()
            assert not [entry for entry in tmp_path.iterdir() if entry.name.startswith(".")]
            return result, []
        assert result.exit_code == 0, result.output
        Log.read(out)
        return result, [json.loads(line) for line in out.read_text().splitlines()]

    return run


Imported = Callable[..., tuple[Result, list[dict[str, Any]]]]


def test_a_line_field_by_field(imported: Imported, tmp_path: Path) -> None:
    result, (record,) = imported([event("e1")], "--user", "User.id")
    assert record == {
        "schema": "armsreach.decision.v1",
        "decision_id": "e1",
        "arm": "B",
        "eligible": ["A", "B", "C"],
        "propensity": 0.25,
        "probabilities": [0.625, 0.25, 0.125],
        "decided_at": "2021-02-04T16:31:29.246000Z",
        "snapshot": "model/7",
        "context": {"User.id": "u-e1", "tags.new": True, "tags.mobile": True},
        "metadata": {"User._age": 31},
        "user": "u-e1",
        "outcomes": [{"type": "click", "value": 1.0}],
    }
    assert "arms are named by tag; a reward is a click" in result.output
    catalogue = json.loads((tmp_path / "out.jsonl.catalogue.json").read_text())
    assert catalogue["A"]["features"] == {"i.id": "ia", "j.kind": "hot"}
    assert catalogue["B"] == {
        "variant": "B",
        "channel": "any",
        "slot": "any",
        "features": {"i.id": "ib", "price": 2.5},
    }


def test_flat_names() -> None:
    flat = flat_features({"a": {"b": [1, None, 2.5]}, "a.b[0]": "x", "n": None, "_h": {"k": True}, "t": {"_text": "w"}})
    assert flat.features == {"a.b[0]": 1, "a.b[2]": 2.5, "a.b[0][2]": "x", "t._text": "w"}
    assert flat.metadata == {"_h.k": True}


def test_rewards_of_every_form(imported: Imported) -> None:
    lines = [
        event("zero", 0.0),
        event("label", -2.5, o=...),
        event("negative", 1.5),
        event("original", 0.0, o=..., _original_label_cost=-3.0),
        event("several", -1.0, o=[{"v": 1.0, "EventId": "several"}, {"v": 4, "EventId": "several"}]),
        event("named", -1.0, o=[{"v": {"click": True, "cost": 0.2, "gift": 0}, "EventId": "named"}]),
        event("raw", o=..., _label_cost=..., _label_probability=..., _label_Action=..., _labelIndex=...),
    ]
    result, records = imported(lines)
    assert "a reward is a purchase" in result.output
    assert "1 decisions have a label that differs from the original one" in result.output
    assert "in 1 decisions the observations do not sum to the label's reward" in result.output
    assert [[(x["type"], x["value"]) for x in record["outcomes"]] for record in records] == [
        [],
        [("purchase", 2.5)],
        [("refund", 1.5)],
        [("purchase", 3.0)],
        [("purchase", 1.0), ("purchase", 4.0)],
        [("click", 1.0), ("cost", 0.2)],
        [],
    ]
    assert [record["arm"] for record in records] == ["B"] * 7
    _, costs = imported([event("e1", 0.75)], "--outcome", "cost")
    assert costs[0]["outcomes"] == [{"type": "cost", "value": 0.75}]
    refused, _ = imported([event("e1", 1.0)], "--outcome", "click")
    assert "src.json:1: v: expected rewards that can be a click, got -1.0" in refused.output


def test_dangling_rewards_join_before_and_after(imported: Imported) -> None:
    late = {
        "RewardValue": 1.0,
        "EnqueuedTimeUtc": "2021-02-05T00:00:00.423Z",
        "EventId": "e1",
        "Observations": [{"v": 1.0, "EventId": "e1", "ActionId": None}],
    }
    lines = [
        late,
        late,
        event("e1", 0.0, o=[]),
        event("e2", 0.0),
        {"RewardValue": 1.0, "EnqueuedTimeUtc": "2021-02-05T01:00:00Z", "EventId": "e2"},
        {"EventId": "gone", "RewardValue": 1.0, "EnqueuedTimeUtc": "2021-02-05T01:00:00Z"},
        "[CHECKPOINT INFO LINE]",
        "",
    ]
    result, records = imported(lines)
    assert records[0]["outcomes"] == [{"type": "click", "value": 1.0, "at": "2021-02-05T00:00:00.423000Z"}]
    assert records[1]["outcomes"] == [{"type": "click", "value": 1.0, "at": "2021-02-05T01:00:00Z"}]
    assert "2 late rewards joined" in result.output
    assert "1 rewards of 1 decisions that are not in the source" in result.output
    assert "1 reward lines repeated another" in result.output


def test_deferred_activation(imported: Imported) -> None:
    taken = [{"EventId": "x", "ActionTaken": True}]
    lines = [
        event("skipped", 0.0, _skipLearn=True),
        event("deferred", 0.0, DeferredAction=True, o=...),
        event("active", -1.0, DeferredAction=True, o=[*taken, {"v": 1.0, "EventId": "x", "ActionTaken": False}]),
        event("later", 0.0, _skipLearn=True),
        {"EventId": "later", "ActionTaken": True},
    ]
    result, records = imported(lines)
    assert [record.get("mode") for record in records] == ["shadow", "shadow", None, None]
    assert records[2]["outcomes"] == [{"type": "click", "value": 1.0}]
    assert "2 decisions were deferred and never activated" in result.output
    _, records = imported(lines, "--inactive", "not_sent")
    assert [record["outcomes"] for record in records[:2]] == [[{"type": "not_sent", "reason": "not activated"}]] * 2
    assert all("mode" not in record for record in records)
    _, records = imported(lines, "--inactive", "drop")
    assert [record["decision_id"] for record in records] == ["active", "later"]


def test_equal_drop_rates_need_nothing(imported: Imported) -> None:
    kept = 0.25 * 0.8
    result, records = imported([event("e1", pdrop=0.2), event("e2", pdrop=0.2, _label_probability=kept)])
    assert "20% of all decisions were dropped at random, everywhere alike" in result.output
    assert [record["propensity"] for record in records] == [0.25, 0.25]
    assert [record.get("count") for record in records] == [None, None]


def test_unequal_drop_rates_are_thinned_to_one(imported: Imported) -> None:
    lines = [event(f"e{n}", pdrop=0.5 if n % 2 else 0.0) for n in range(2000)]
    refused, _ = imported(lines)
    assert "pdrop: expected decisions dropped at one rate, got pdrop from 0 to 0.5" in refused.output
    assert "--thin" in refused.output
    result, records = imported(lines, "--thin")
    odd = sum(int(record["decision_id"][1:]) % 2 for record in records)
    assert odd == 1000, "those dropped most are all kept"
    assert len(records) - odd == pytest.approx(500, abs=5 * 15.8)
    assert f"{2000 - len(records)} decisions dropped" in result.output


def without_tags(line: dict[str, Any]) -> dict[str, Any]:
    bare = copy.deepcopy(line)
    for action in bare["c"]["_multi"]:
        del action["_tag"]
    return bare


def test_arm_ids_mean_the_same_in_all_rows(imported: Imported) -> None:
    by_id, other = without_tags(event("e1")), without_tags(event("e2"))
    other["c"]["_multi"].reverse()
    _, records = imported([by_id, other])
    assert [record["arm"] for record in records] == ["ib", "ib"]
    assert [record["eligible"] for record in records] == [["ia", "ib", "ic"], ["ic", "ib", "ia"]]
    for line in (by_id, other):
        for action in line["c"]["_multi"]:
            action["f"] = action.pop("i")["id"]
    result, (first, second) = imported([by_id, other])
    assert "arms are named by features" in result.output
    assert first["arm"] == second["arm"]
    assert first["eligible"] == second["eligible"][::-1]
    by_id["c"]["_multi"] = other["c"]["_multi"]
    result, records = imported([by_id, other])
    assert "arms are named by index" in result.output
    assert records[0]["eligible"] == ["action1", "action2", "action3"]
    changing = event("e2")
    changing["c"]["_multi"][1]["price"] = 3.0
    result, _ = imported([event("e1"), changing])
    assert "1 arms had other features in other rows" in result.output
    _, records = imported([event("e1")], "--hold", "A")
    assert records[0]["eligible"] == ["hold", "B", "C"]


def test_fewer_actions_than_listed_may_be_eligible(imported: Imported) -> None:
    _, (record,) = imported([event("e1", a=[2, 1], p=[0.25, 0.75])])
    assert (record["eligible"], record["probabilities"]) == (["A", "B"], [0.75, 0.25])


def test_label_alone_has_the_propensity(imported: Imported) -> None:
    _, (record,) = imported([event("e1", p=...)])
    assert record["propensity"] == 0.25
    assert "probabilities" not in record


MULTI = event("x")["c"]["_multi"]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"p": [0.25, 0.125]}, "p: expected 3 probabilities, in the order of `a`"),
        ({"p": [0.25, 0.125, 0.6]}, "p: expected probabilities that sum to 1 within 1e-5, got a sum of 0.975"),
        ({"p": [0.25, "x", 0.625]}, "p[1]: expected a finite number"),
        ({"p": [0.0, 0.375, 0.625]}, "_label_probability: expected 0 as in `p`, got 0.25"),
        ({"_label_probability": 0.3}, "_label_probability: expected 0.25 as in `p`, got 0.3; find out"),
        ({"p": ..., "_label_probability": 0.0}, "p: expected the probabilities of the draw, got none"),
        ({"p": ..., "_label_probability": 1.5}, "_label_probability: expected a probability in (0, 1]"),
        ({"a": [2, 2, 1]}, "a: expected distinct places from 1 to 3"),
        ({"a": [4, 2, 1]}, "a: expected distinct places from 1 to 3"),
        ({"a": ..., "_label_Action": ..., "_labelIndex": ...}, "a: expected distinct places"),
        ({"_label_Action": 7}, "_label_Action: expected one of the actions in `a`"),
        ({"_labelIndex": 2}, "_labelIndex: expected 1, one below"),
        ({"EventId": "e0"}, "EventId: expected an id that occurs once among decisions, got 'e0', also on line 1"),
        ({"EventId": 5}, "EventId: expected a non-empty text"),
        ({"Timestamp": "Monday"}, "Timestamp: expected an RFC 3339 time"),
        ({"pdrop": 1.0}, "pdrop: expected a share in [0, 1)"),
        ({"o": [{"v": "many"}]}, "o[0].v: expected a finite number"),
        ({"o": {"v": 1}}, "o: expected a list of objects"),
        ({"_skipLearn": "yes"}, "_skipLearn: expected true or false"),
        ({"c": {"_multi": []}}, "c._multi: expected a list of at least one action"),
        ({"c": {"_multi": MULTI, "_slots": [{}]}}, "c._slots: expected a decision for one slot"),
        ({"_outcomes": [{"_a": [1], "_p": [1.0]}]}, "_outcomes: expected a decision for one slot among listed actions"),
        ({"_label_ca": {"action": 1.5}}, "_label_ca: expected a decision for one slot"),
        ({"c": ...}, "c: expected a context with `_multi`, or a reward"),
        ({"_armsreach": 1}, "_armsreach: expected an object"),
    ],
)
def test_bad_line_leaves_nothing(changes: dict[str, Any], words: str, imported: Imported) -> None:
    result, _ = imported([event("e0"), event("e1", **changes)])
    assert result.exit_code == 2, result.output
    assert f"src.json:2: {words}" in result.output


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--user", "User.name"), "--user: expected a context attribute, got 'User.name'"),
        (("--arm-name", "name"), "--arm-name: expected one of tag, id, index, features"),
        (("--inactive", "live"), "--inactive: expected one of shadow, not_sent, drop"),
        (("--propensity", "p"), "--propensity: expected estimate, got 'p'"),
    ],
)
def test_bad_flag_leaves_nothing(flags: tuple[str, ...], words: str, imported: Imported) -> None:
    result, _ = imported([event("e0")], *flags)
    assert result.exit_code == 2, result.output
    assert words in result.output


@pytest.mark.parametrize("text", ["{", "7", '{"EventId": "e1"}', '{"RewardValue": 1}'])
def test_other_lines_are_refused(text: str, imported: Imported) -> None:
    result, _ = imported([event("e0"), text])
    assert result.exit_code == 2
    assert "src.json:2: " in result.output


def test_estimated_where_nothing_was_logged(imported: Imported) -> None:
    lines = []
    for n in range(600):
        action = 1 + (n * 7919 % 10 >= 7) if n % 2 else 1 + (n * 7919 % 10 >= 2)
        line = event(f"e{n}", o=..., p=..., a=[action, 3 - action], _label_Action=action, _labelIndex=action - 1)
        line["_label_probability"], line["c"]["segment"] = 0, "odd" if n % 2 else "even"
        line["c"]["_multi"] = MULTI[:2]
        lines.append(line)
    lines.append(event("stated"))
    refused, _ = imported(lines)
    assert "take --propensity estimate" in refused.output
    result, records = imported(lines, "--propensity", "estimate", "--user", "segment")
    assert "expected users in at least 3 folds" in result.output
    result, records = imported(lines, "--propensity", "estimate")
    assert "600 propensities are estimated" in result.output
    assert "largest calibration gap" in result.output
    for record in records[:-1]:
        odd = record["context"]["segment"] == "odd"
        share = {"A": 0.6, "B": 0.4} if odd else {"A": 0.2, "B": 0.8}
        assert record["propensity"] == pytest.approx(share[record["arm"]], abs=0.05)
        assert record["propensity_estimated"] is True
    assert records[-1]["propensity"] == 0.25
    assert "propensity_estimated" not in records[-1]


def test_real_logs(real_data: Callable[[str], Path], simulator: Run, tmp_path: Path) -> None:
    out = tmp_path / "log.jsonl"
    assert simulator("import", "dsjson", real_data("dsjson/dsjson_cb.json"), "-o", out).exit_code == 0
    log = Log.read(out)
    assert (log.rows, len(log.arms)) == (23, 4)
    assert log.outcomes.total("click", 23).sum() == 12
    assert sorted(set(log.propensity.tolist())) == [0.05, 0.85]
    packed = tmp_path / "service.json.gz"
    packed.write_bytes(gzip.compress(real_data("dsjson/decisionservice.json").read_bytes()))
    result = simulator("import", "dsjson", packed, "-o", out)
    assert "arms are named by index" in result.output, "some of its tags occur twice"
    assert Log.read(out).lengths.tolist() == [12, 12, 12]
    result = simulator("import", "dsjson", real_data("dsjson/b1848_dsjson_parser_regression.txt"), "-o", out)
    assert "1 decisions were deferred" in result.output
    assert "5 reward lines repeated another" in result.output
    assert Log.read(out).context["Geo.city"].tolist() == ["Newington"]


def test_real_log_goes_out_and_back(real_data: Callable[[str], Path], simulator: Run, tmp_path: Path) -> None:
    first, exported, second = tmp_path / "1.jsonl", tmp_path / "x.dsjson", tmp_path / "2.jsonl"
    simulator("import", "dsjson", real_data("dsjson/dsjson_cb.json"), "-o", first)
    simulator("export", "--to", "dsjson", first, "-o", exported)
    assert simulator("import", "dsjson", exported, "-o", second).exit_code == 0
    records = [[json.loads(line) for line in path.read_text().splitlines()] for path in (first, second)]
    assert records[0] == records[1]
    assert Log.read(first).catalogue == Log.read(second).catalogue
