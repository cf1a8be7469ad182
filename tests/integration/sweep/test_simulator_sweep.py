"""Sweeps from a log to a leaderboard: what is better is found, what is not is not claimed, nothing depends on luck."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import InvalidInput
from simulator import Log, ReplaySettings, evaluate, sweep
from simulator.report.leaderboard import Standing
from simulator.sweep.sweep_log import SweepLog
from simulator.timestamps import microseconds


class Inline:
    """Runs tasks where it is."""

    def __init__(self):
        self.tasks = 0

    def run(self, function, shared, tasks):
        for place, task in enumerate(tasks):
            self.tasks += 1
            yield place, function(shared, task)

    def close(self):
        pass


def swept(log, space, **options):
    return sweep(log, space, **{"engine": Inline(), **options})


@pytest.fixture(scope="module")
def report(shop_log, space, tmp_path_factory):
    return swept(shop_log, space, out=tmp_path_factory.mktemp("out") / "sweep")


def test_a_better_candidate_is_found_and_confirmed(report):
    assert report.better
    winner = report.winner
    assert winner.row.verdict in ("trusted", "weak")
    assert "learning_rate" in winner.row.policy
    # The best that can be had is 0.5; uniform over three arms has (0.5 + 0.1 + 0.05) / 3.
    assert winner.row.value.low < 0.45 < winner.row.value.high + 0.03
    assert winner.row.lift.low > 0.1
    standings = {row.policy: row.standing for row in report.rows}
    assert standings["uniform"] is Standing.EVEN
    assert [rung.candidates for rung in report.rungs] == [8, 4]
    assert report.rungs[-1].decisions == report.periods["decisions"]["select"]


def test_its_value_is_that_of_its_snapshot_on_the_confirm_period(report, shop_log):
    path = f"{report.folder}/{report.winner.snapshot}"
    start = microseconds(report.periods["confirm_from"])
    log = Log.read(shop_log)
    # Rows whose clicks may still come in are left out of the sweep; a replay knows them by --delay.
    horizon = round(report.periods["embargo_s"] * 1e6)
    last = max(int(log.decided_at.max()), int(log.outcomes.at.max()))
    rows = (log.decided_at >= start) & (log.decided_at + horizon <= last)
    replayed = evaluate(
        log.select(rows), policies=[f"snapshot:{path}"], metrics=["ctr"], estimators=["dr"], settings=ReplaySettings()
    ).policies[0]
    assert report.winner.decisions == int(rows.sum())
    value, lift = report.winner.row.value, report.winner.row.lift
    assert replayed.metrics["ctr"].estimates["dr"].value == pytest.approx(value.value, rel=1e-9)
    other = replayed.versus["logged"]["ctr"]["dr"]
    assert [other.value, other.low, other.high] == pytest.approx([lift.value, lift.low, lift.high], rel=1e-9)


def test_the_log_is_parted_with_an_embargo(report):
    counts = report.periods["decisions"]
    assert sum(counts.values()) == report.log.decisions == 3000
    # The longest lag of a click is just under an hour: five decisions before each edge, up to five at the end.
    assert 3500 < report.periods["embargo_s"] < 3600
    assert 11 <= counts["left_out"] <= 15


def test_nothing_is_claimed_where_all_are_alike(tmp_path, write, records, space):
    for seed in range(3):
        log = write(tmp_path / f"{seed}.jsonl", records(1500, seed=seed, told=False))
        report = swept(log, space)
        assert not report.better
        assert not any(row.standing is Standing.BETTER for row in report.rows)
        assert report.commands == ()


def test_vw_policies_learn_train_alone_and_not_as_they_answer(shop_log):
    options = "--cb_explore_adf --epsilon 0.1 --cb_type mtr -q UV -q XV"
    space = {"metric": "ctr", "policies": [f"vw:{options}"], "halving": {"rungs": 1}}
    report = swept(shop_log, space)
    # What `replay --split` says of the same policy, learned before the same moment, on the same rows.
    log, told = Log.read(shop_log), report.periods
    edges = [microseconds(told[name]) for name in ("select_from", "confirm_from")]
    horizon = round(told["embargo_s"] * 1e6)
    last = max(int(log.decided_at.max()), int(log.outcomes.at.max()))
    rows = (log.decided_at < edges[0]) | ((log.decided_at >= edges[1]) & (log.decided_at + horizon <= last))
    split = told["confirm_from"]
    replayed = evaluate(
        log.select(rows), policies=[f"vw:{options}"], metrics=["ctr"], estimators=["ips"],
        settings=ReplaySettings(split=split),
    ).policies[0]  # fmt: skip
    again = swept(shop_log, space, estimator="ips")
    assert again.winner.row.value.value == pytest.approx(replayed.metrics["ctr"].estimates["ips"].value, rel=1e-6)
    assert report.better
    assert report.commands == ()


def test_the_same_sweep_gives_the_same_bytes_and_does_nothing_twice(report, shop_log, space):
    engine = Inline()
    again = swept(shop_log, space, out=report.folder, engine=engine)
    assert engine.tasks == 0
    assert json.dumps(again.to_json()) == json.dumps(report.to_json())


def test_further_candidates_are_all_that_is_new(shop_log, tmp_path):
    small = {"metric": "ctr", "policies": ["uniform"], "halving": {"rungs": 1}}
    swept(shop_log, small, out=tmp_path / "out")
    engine = Inline()
    swept(shop_log, {**small, "policies": ["uniform", "constant:hold"]}, out=tmp_path / "out", engine=engine)
    assert engine.tasks == 1
    engine = Inline()
    swept(shop_log, {**small, "metric": "send_rate"}, out=tmp_path / "out", engine=engine)
    assert engine.tasks >= 2


def test_several_files_are_one_log(report, shop_log, space, tmp_path, write):
    rows = [json.loads(line) for line in shop_log.read_text().splitlines()]
    folder = tmp_path / "parts"
    folder.mkdir()
    for number, start in enumerate(range(0, 3000, 800)):
        write(folder / f"part-{9 - number}.jsonl", rows[start : start + 800])
    together = swept(folder, space)
    close(together.to_json(), report.to_json())


def close(one, other, at=""):
    if isinstance(one, dict):
        for key in one.keys() | other.keys():
            if key not in ("snapshot", "campaign"):
                close(one.get(key), other.get(key), f"{at}.{key}")
    elif isinstance(one, list):
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            close(mine, theirs, f"{at}[{place}]")
    elif isinstance(one, float):
        assert one == pytest.approx(other, rel=1e-7, abs=1e-9), at
    else:
        assert one == other, at


def test_a_log_in_memory_is_swept_too(report, shop_log, space):
    close(swept(Log.read(shop_log), space).to_json(), report.to_json())


@pytest.mark.parametrize("by", ["auto", "users"])
def test_logs_without_times_or_hold(tmp_path, write, records, space, by):
    log = write(tmp_path / "plain.jsonl", records(4000, timed=False, hold=False))
    report = swept(log, {**space, "periods": {"by": by}})
    assert report.better
    assert report.periods["by"] == ("order" if by == "auto" else "users")
    assert any("in the order of the file" in note for note in report.notes)
    assert any("users" in note for note in report.notes) == (by == "users")
    assert report.winner.row.value.high > 0.4


def test_candidates_that_cannot_learn_are_told_apart_from_the_sweep(shop_log):
    space = {
        "metric": "ctr",
        "policies": ["uniform", "constant:nowhere", "vw:--cb_explore_adf --cb_type mtr --squarecb --cb_type dr"],
    }
    with pytest.raises(InvalidInput, match="--cb_type once"):
        swept(shop_log, space)
    report = swept(shop_log, {**space, "policies": space["policies"][:2]})
    failed = next(row for row in report.rows if row.policy == "constant:nowhere")
    assert failed.standing is Standing.UNJUDGED
    assert "expected an arm of the log" in failed.notes[-1]


def test_objectives_floors_and_money(tmp_path, write, records):
    random = np.random.default_rng(0)
    rows = list(records(4000))
    for row in rows:
        if row["outcomes"] and random.random() < 0.5:
            row["outcomes"].append({"type": "purchase", "value": round(float(random.lognormal(1.0, 0.5)), 2),
                                    "at": row["outcomes"][0]["at"]})  # fmt: skip
    space = {
        "exploration": {"kind": "epsilon_greedy", "floor": {"total": [0.05, 0.3]}},
        "objective": {"weights": [{"click": 1.0}, {"purchase": 1.0}]},
        "learning": {"interactions": [["XV"]], "learning_rate": 0.5, "bits": 12},
    }
    report = swept(write(tmp_path / "money.jsonl", rows), space, metric="revenue")
    assert report.metric == "revenue"
    assert report.candidates == 4
    assert report.better
    assert "floor.total=0.05" in report.winner.row.policy
    tables = report.winner.settings
    assert "[objective]" in tables
    assert "[exploration.floor]\ntotal = 0.05" in tables


def test_less_of_some_metrics_is_better(tmp_path, write, records, space):
    rows = list(records(6000))
    for row in rows:
        if row["outcomes"]:
            row["outcomes"] = [{"type": "unsubscribe", "at": row["outcomes"][0]["at"]}]
    other = {**space, "metric": "unsubscribe", "policies": ["constant:hold", "constant:warm/email/am"]}
    report = swept(write(tmp_path / "less.jsonl", rows), other)
    assert report.better
    assert report.winner.row.lift.high < 0
    standings = {row.policy: row.standing for row in report.rows}
    assert standings["constant:warm/email/am"] in (Standing.WORSE, Standing.EVEN)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"metric": "ctrr"}, "did you mean ctr"),
        ({"estimator": "mrdr"}, "expected one of"),
        ({"settings": ReplaySettings(interval="delta")}, "resamples"),
        ({"settings": ReplaySettings(where="visits > 3")}, "whole log"),
        ({"engine": "spark"}, "local, ray"),
    ],
)
def test_what_does_not_fit_is_refused(shop_log, space, change, message):
    with pytest.raises(InvalidInput, match=message):
        swept(shop_log, space, **change)


def test_results_show_themselves(report):
    frame = report.to_polars()
    assert frame["policy"].to_list() == [row.policy for row in report.rows]
    assert "is better than today" in report._repr_html_()
    assert str(report).splitlines()[1] == report.to_json()["answer"]
    assert report.to_json()["winner"]["promotable"] is False


def test_the_digest_of_a_log_is_that_of_its_content(shop_log, tmp_path):
    copied = tmp_path / "other.jsonl"
    copied.write_bytes(shop_log.read_bytes())
    one, other = SweepLog.of([shop_log]), SweepLog.of([copied])
    assert one.digest() == other.digest()
    (tmp_path / "other.jsonl.catalogue.json").write_text("{}")
    assert one.digest() != replace(other).digest()
