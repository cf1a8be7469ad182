from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.core.decision import Decision
from engine.core.drawing import reproduce
from engine.core.errors import InvalidInput, NotFound
from engine.core.join_rule import JoinRule
from engine.core.outcome import Outcome, OutcomeType
from engine.journal import JournalReader
from engine.service.exporting import export_log
from simulator.log_reader import read_log


def export(shop, output, campaign=None, catalogues=None):
    return export_log(
        JournalReader(shop.folder / "journal"),
        campaign or shop.campaign,
        catalogues or (lambda digest: shop.catalogue),
        output,
    )


def rows_of(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_rows_are_what_the_contract_says(make_shop, tmp_path):
    shop = make_shop()
    shop.run(400)
    counts = export(shop, tmp_path / "log.jsonl")
    rows = rows_of(tmp_path / "log.jsonl")
    decisions = {
        e.record.id: e.record
        for _, e in JournalReader(shop.folder / "journal").read()
        if isinstance(e.record, Decision)
    }
    assert len({row["decision_id"] for row in rows}) == len(rows) == counts["decisions"] == 400
    for row in rows:
        decision = decisions[row["decision_id"]]
        assert row["schema"] == "armsreach.decision.v1"
        assert row["arm"] in row["eligible"]
        assert 0 < row["propensity"] <= 1
        assert sum(row["probabilities"]) == 1.0
        assert row["propensity"] == row["probabilities"][row["eligible"].index(row["arm"])]
        assert row["context"] == dict(decision.context.attributes)
        assert np.array_equal(np.float32(row["embedding"]), decision.context.embedding)
        assert (row["user"], row["mode"], row["campaign"]) == (decision.user, decision.mode, "spring")
        assert row["decided_at"].endswith("+00:00")
        assert row["observed_until"] == (shop.writers[0].recorded_at).isoformat()
        for outcome in row["outcomes"]:
            assert set(outcome) <= {"type", "value", "at", "outcome_id", "attribution", "reason"}
            if outcome["type"] in ("purchase", "refund", "cost"):
                assert outcome["value"] >= 0
    arms = json.loads((tmp_path / "log.jsonl.catalogue.json").read_text())
    assert list(arms) == list(shop.catalogue.ids)
    assert arms["v1/push/evening"]["channel"] == "push"


def test_every_draw_can_be_made_again_from_its_row(make_shop, tmp_path):
    shop = make_shop()
    shop.run(300)
    export(shop, tmp_path / "log.jsonl")
    for row in rows_of(tmp_path / "log.jsonl"):
        counts = np.array(row["probabilities"]) * 2**24
        assert np.array_equal(counts, np.round(counts))
        assert row["eligible"][reproduce(counts.astype(np.int64), row["seed"])] == row["arm"]


def test_the_simulator_reads_it(make_shop, tmp_path):
    shop = make_shop()
    shop.run(100)
    export(shop, tmp_path / "log.jsonl")
    assert len(read_log(tmp_path / "log.jsonl").decision_ids) == 100


@pytest.mark.parametrize("attribution", ["last", "all"])
def test_outcomes_are_those_that_the_rules_give(make_shop, make_campaign, tmp_path, attribution):
    shop = make_shop(make_campaign(attribution=attribution))
    shop.run(300)
    counts = export(shop, tmp_path / "log.jsonl")
    horizons = {kind: timedelta(seconds=shop.campaign.horizon_s(kind)) for kind in OutcomeType}
    rule = JoinRule(horizons, attribution)
    decisions, outcomes = [], {}
    for _, entry in JournalReader(shop.folder / "journal").read():
        if isinstance(entry.record, Decision):
            decisions.append(entry.record)
        elif isinstance(entry.record, Outcome):
            outcomes.setdefault(entry.record.id, entry.record)
    expected = Counter()
    for outcome in outcomes.values():
        if outcome.decision_id:
            taken = [
                (d, outcome.value)
                for d in decisions
                if d.id == outcome.decision_id and rule.covers(d.decided_at, outcome)
            ]
        else:
            claims = sorted(
                (
                    d
                    for d in decisions
                    if d.user == outcome.user and d.mode != "shadow" and rule.covers(d.decided_at, outcome)
                ),
                key=lambda d: (d.decided_at, d.id),
            )
            taken = [(d, outcome.value) for d in claims[-1:]]
            if attribution == "all":
                taken += [(d, outcome.value if outcome.type == "click" else 0.0) for d in claims[:-1]]
        expected.update((d.id, outcome.id, value) for d, value in taken)
    found = Counter(
        (row["decision_id"], outcome["outcome_id"], outcome["value"])
        for row in rows_of(tmp_path / "log.jsonl")
        for outcome in row["outcomes"]
    )
    assert found == expected
    assert len(expected) > 60
    assert counts["outcomes"] == len({id for _, id, _ in expected})
    assert counts["outcomes"] + counts["uncredited"] == len(outcomes)


def test_late_outcomes_are_in_the_log_and_only_once(make_shop, tmp_path):
    shop = make_shop(chains=1)
    decision = shop.decision("u1")
    shop.record(decision)
    late = Outcome("o", "spring", OutcomeType.PURCHASE, decision.decided_at + timedelta(seconds=9), 7.5, decision.id)
    for seconds in (50_000, 50_001):
        shop.record(late, seconds)
    shop.record(replace(decision), 50_002)
    shop.seconds = 60_000
    shop.commit()
    counts = export(shop, tmp_path / "log.jsonl")
    [row] = rows_of(tmp_path / "log.jsonl")
    assert [(o["outcome_id"], o["value"]) for o in row["outcomes"]] == [("o", 7.5)]
    assert counts == {"decisions": 1, "outcomes": 1, "uncredited": 0, "duplicates": 2, "unknown_catalogues": 0}


def test_probabilities_that_were_not_kept_are_null(make_shop, tmp_path):
    shop = make_shop(chains=1)
    shop.record(replace(shop.decision("u1"), counts=None))
    shop.commit()
    export(shop, tmp_path / "log.jsonl")
    [row] = rows_of(tmp_path / "log.jsonl")
    assert [p for p in row["probabilities"] if p is not None] == [row["propensity"]]
    assert len(row["probabilities"]) == len(row["eligible"])


def test_what_is_not_known_is_null_and_readable(make_shop, tmp_path):
    shop = make_shop(chains=1)
    shop.record(replace(shop.decision(""), policy=""))
    shop.commit()
    export(shop, tmp_path / "log.jsonl")
    [row] = rows_of(tmp_path / "log.jsonl")
    assert (row["user"], row["policy"], row["snapshot"]) == (None, None, None)
    assert len(read_log(tmp_path / "log.jsonl").decision_ids) == 1


def test_nothing_half_written_is_left_behind(make_shop, tmp_path):
    shop = make_shop()
    shop.run(50)

    def broken(digest):
        raise RuntimeError("the documents are gone")

    out = tmp_path / "out"
    out.mkdir()
    with pytest.raises(RuntimeError):
        export(shop, out / "log.jsonl", catalogues=broken)
    assert list(out.iterdir()) == []
    with pytest.raises(InvalidInput, match="writable path"):
        export(shop, tmp_path / "nowhere" / "log.jsonl")
    with pytest.raises(InvalidInput, match="JSON Lines"):
        export(shop, out / "log.parquet")


def test_a_catalogue_that_nobody_knows_is_counted(make_shop, tmp_path):
    shop = make_shop()
    shop.run(20)

    def unknown(digest):
        raise NotFound(digest)

    assert export(shop, tmp_path / "log.jsonl", catalogues=unknown)["unknown_catalogues"] == 1
