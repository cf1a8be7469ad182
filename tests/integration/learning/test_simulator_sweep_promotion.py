"""From a journal's log over a sweep to a champion that serves."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import pytest
from typer.testing import CliRunner

from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.reading import plain, read
from engine.journal import JournalReader
from engine.service.campaigns import Campaigns
from engine.service.exporting import export_log
from engine.service.models import Models
from engine.service.registry import Registry
from engine.store import DocumentStore, SnapshotStore
from simulator import Thresholds, sweep
from simulator.__main__ import application
from simulator.promotion import settings_toml
from simulator.replay_settings import ReplaySettings
from simulator.report.leaderboard import Standing
from simulator.sweep.sweep_report import Winner


class Inline:
    def run(self, function, shared, tasks):
        for place, task in enumerate(tasks):
            yield place, function(shared, task)

    def close(self):
        pass


@pytest.fixture
def shop(make_shop, make_campaign):
    """A shop whose members click what members get, so that there is something to learn."""
    shop = make_shop(make_campaign(objective=Objective({"click": 1.0}, typical=0.1)))
    shop.run(3000)
    shop.quiet(2_000)
    return shop


def test_the_winner_of_a_sweep_can_be_promoted(shop, tmp_path):
    log = tmp_path / "log.jsonl"
    export_log(JournalReader(shop.folder / "journal"), shop.campaign, lambda digest: shop.catalogue, log)
    space = {
        "exploration": [
            {"kind": "epsilon_greedy", "epsilon": 0.1, "floor": {"total": 0.1}},
            {"kind": "squarecb", "gamma_scale": 30.0, "floor": {"total": 0.5}},
        ],
        "learning": {"bits": 12, "learning_rate": [0.03, 0.3], "interactions": [["UV", "XC"]]},
        "halving": {"rungs": 1},
    }
    # What is asked here is whether the winner can be served, not whether so short a log can tell that it is better.
    lenient = Thresholds(refused_user_ess=1, refused_reward_ess=1, mean_weight_level=0.999999)
    report = sweep(
        log,
        space,
        campaign=shop.campaign,
        engine=Inline(),
        out=tmp_path / "sweep",
        settings=ReplaySettings(interval="bootstrap_t", thresholds=lenient),
    )
    assert report.metric == "ctr"
    assert report.periods["embargo_s"] == shop.campaign.training_horizon_s == 360.0
    winner = report.winner
    assert winner is not None
    assert winner.campaign == "spring"
    assert not winner.derived

    documents = Campaigns(DocumentStore(shop.folder / "state.db"))
    store = SnapshotStore(shop.folder / "snapshots", "spring")
    registry = Registry(documents, lambda _: store)
    registry.refresh()
    placed = CliRunner().invoke(application(), ["place", str(tmp_path / "sweep"), "--data", str(shop.folder)])
    assert placed.exit_code == 0
    (version,) = store.versions()
    assert f"python -m engine models promote spring {version}" in placed.output
    assert store.current() is None

    Models(documents, lambda _: store, registry).promote("spring", version)
    registry.refresh()
    assert registry["spring"].snapshot == version
    assert not registry.troubles
    manifest = store.load(version).manifest
    assert manifest.watermark is not None

    # The tables beside the snapshot are those it was learned and valued under.
    tables = tomllib.loads((tmp_path / "sweep" / "winner" / "settings.toml").read_text())
    rest = {name: value for name, value in plain(shop.campaign).items() if value is not None and name not in tables}
    taken_over = read(type(shop.campaign), {**rest, **tables})
    assert settings_toml(taken_over) == winner.settings
    assert plain(taken_over.learning) == manifest.vw["learning"]
    assert manifest.exploration["kind"] == taken_over.exploration.kind
    assert isinstance(taken_over.learning, LearningOptions)


def test_commands_name_every_step(shop, tmp_path):
    log = tmp_path / "log.jsonl"
    export_log(JournalReader(shop.folder / "journal"), shop.campaign, lambda digest: shop.catalogue, log)
    report = sweep(log, {"policies": ["uniform"], "halving": {"rungs": 1}}, campaign=shop.campaign, engine=Inline())
    row = replace(report.rows[0], policy="one")
    better = Winner(replace(row, standing=Standing.BETTER), (), 10, "spring", "winner/snapshots/spring/00000001")
    assert replace(report, winner=better, folder="out put").commands == (
        "python -m simulator place 'out put' --data DATA",
        "python -m engine models promote spring VERSION",
        "python -m engine campaign update CAMPAIGN.toml    # with the tables of out put/winner/settings.toml",
        "python -m engine learn --rebuild --campaign spring",
    )
    assert replace(report, winner=better, folder="").commands == ()
    assert replace(report, winner=replace(better, row=row), folder="out").commands == ()


def test_what_is_no_sweep_and_no_server_cannot_be_placed(tmp_path):
    nothing = CliRunner().invoke(application(), ["place", str(tmp_path), "--data", str(tmp_path)])
    assert nothing.exit_code == 2


def test_rows_are_parted_by_the_campaigns_own_horizon(shop, tmp_path):
    log = tmp_path / "log.jsonl"
    export_log(JournalReader(shop.folder / "journal"), shop.campaign, lambda digest: shop.catalogue, log)
    report = sweep(log, {"policies": ["uniform"], "halving": {"rungs": 1}}, campaign=shop.campaign, engine=Inline())
    counts = report.periods["decisions"]
    assert counts["left_out"] > 0
    assert sum(counts.values()) == sum(report.log.modes[mode] for mode in ("live", "control", "fallback"))
