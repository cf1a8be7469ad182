"""Candidates learned from a log: what the campaign's learner learns from the journal, and a snapshot that serves."""

from __future__ import annotations

import tomllib
from dataclasses import replace

import numpy as np
import pytest

from engine.core.errors import FailedPrecondition, InvalidInput, NotFound
from engine.core.exploration.options import ExplorationOptions
from engine.core.learning import LearningOptions
from engine.core.reading import plain, read
from engine.journal import JournalReader
from engine.service.campaigns import Campaigns
from engine.service.exporting import export_log
from engine.service.models import Models
from engine.service.registry import Registry
from engine.store import DocumentStore, Lease, SnapshotStore
from simulator import Log
from simulator.log import HOLD
from simulator.policies import SnapshotPolicy
from simulator.promotion import learned_candidate, offered, placed, settings_toml

OTHER = LearningOptions(cb_type="dr", bits=13, save_every=50, interactions=("UV", "UC", "XV"), learning_rate=0.1)


def business(shop, decisions):
    """As `Shop.run`, but every outcome is reported when it happens."""
    waiting = []
    for n in range(decisions):
        shop.seconds += float(shop.rng.exponential(2.0))
        waiting.sort(key=lambda outcome: outcome.at)
        while waiting and waiting[0].at <= shop.after(shop.seconds):
            shop.record(waiting.pop(0))
        decision = shop.decision(f"u{n % 50}", eligible=[0] if n % 17 == 0 else None)
        waiting += [o for o in shop._outcomes(decision) if o.at > decision.decided_at]
        shop.record(decision)
    shop.quiet(400)
    for outcome in sorted(waiting, key=lambda outcome: outcome.at):
        if outcome.at <= shop.after(shop.seconds - 400):
            shop.record(outcome)
    shop.quiet(2_000)


def exported(shop, path):
    export_log(JournalReader(shop.folder / "journal"), shop.campaign, lambda digest: shop.catalogue, path)
    log = Log.read(path)
    return log.take(np.argsort(log.decided_at, kind="stable"))


def chunks(log, size=97):
    return [log.take(np.arange(start, min(start + size, log.rows))) for start in range(0, log.rows, size)]


@pytest.mark.parametrize("learning", [LearningOptions(bits=12, save_every=50, interactions=("UV", "XC")), OTHER])
def test_it_learns_from_the_log_what_the_learner_learns_from_the_journal(make_shop, make_campaign, tmp_path, learning):
    shop = make_shop(make_campaign(learning=learning))
    business(shop, 500)
    learner = shop.learning()
    learner.step()
    log = exported(shop, tmp_path / "log.jsonl")
    candidate = learned_candidate(shop.campaign, chunks(log))
    assert candidate.learned == learner.learned > 400
    assert candidate.left_out == ""
    trained = candidate.trained()
    assert trained.model == learner.to_bytes()
    assert trained.matured_at == learner._last[0]
    learner.close()


def test_nothing_that_matured_later_is_learned(make_shop, tmp_path):
    shop = make_shop()
    shop.run(300)
    log = exported(shop, tmp_path / "log.jsonl")
    until = int(log.decided_at[200])
    candidate = learned_candidate(shop.campaign, chunks(log), until)
    early = log.decided_at + round(shop.campaign.training_horizon_s * 1e6) <= until
    assert 0 < candidate.learned == int((early & log.valued & (log.lengths > 1)).sum()) < 201
    trained = candidate.trained()
    assert trained.matured_at.timestamp() * 1e6 <= until
    before = learned_candidate(shop.campaign, [log.select(early)])
    assert before.trained().model == trained.model


def test_a_candidate_stands_beside_the_champion_until_it_is_promoted(make_shop, make_clock, tmp_path):
    shop = make_shop()
    business(shop, 500)
    log = exported(shop, tmp_path / "log.jsonl")
    campaigns = Campaigns(DocumentStore(shop.folder / "state.db"))
    store = SnapshotStore(shop.folder / "snapshots", "spring")
    registry = Registry(campaigns, lambda _: store)
    models = Models(campaigns, lambda _: store, registry)
    registry.refresh()
    until = int(log.decided_at[300])
    first = offered(learned_candidate(shop.campaign, [log], until), shop.folder / "snapshots", make_clock())
    assert store.current() is None
    models.promote("spring", first.version)

    changed = replace(shop.campaign, learning=OTHER)
    aside = tmp_path / "sweep"
    version = offered(learned_candidate(changed, chunks(log), until), aside, make_clock()).version
    version = placed(SnapshotStore(aside, "spring").load(version), shop.folder)
    registry.refresh()
    assert registry["spring"].snapshot == first.version
    assert store.load(version).manifest.parent == first.version

    models.promote("spring", version)
    registry.refresh()
    serving = registry["spring"]
    assert serving.snapshot == version
    assert not registry.troubles

    # What the simulator replays is what the server would have drawn, and it is not judged on what it learned.
    policy = SnapshotPolicy(str(store._path / version))
    answer, judged = policy.answer(log), policy.judges(log)
    assert (judged == (log.decided_at > np.int64(store.load(version).manifest.watermark.timestamp() * 1e6))).all()
    assert 0 < judged.sum() < log.rows
    assert serving.policy is not None
    for row in np.flatnonzero(judged)[:40]:
        codes = log.eligible[log.offsets[row] : log.offsets[row + 1]]
        columns = [serving.catalogue.index(log.arms[code]) for code in codes]
        mask = np.zeros((1, len(serving.catalogue)), dtype=bool)
        mask[0, columns] = True
        x = shop.campaign.schema.encode(log.embedding[row], {"member": log.context["member"][row]})
        expected = serving.policy.probabilities(x[None], mask)[0, columns]
        np.testing.assert_allclose(answer.probabilities[log.offsets[row] : log.offsets[row + 1]], expected, atol=1e-9)

    # The learner may publish over it: the fence has not moved past its lease.
    promoted = store.load(version)
    manifest = replace(promoted.manifest, version="", parent=version)
    assert store.publish(manifest, promoted.model, promoted.compiled, Lease("learner/spring", "h", 1)) > version


def test_a_folder_that_is_no_servers_is_refused(make_shop, make_clock, tmp_path):
    shop = make_shop()
    business(shop, 60)
    log = exported(shop, tmp_path / "log.jsonl")
    version = offered(learned_candidate(shop.campaign, [log]), tmp_path / "sweep", make_clock()).version
    with pytest.raises(NotFound, match=r"state\.db"):
        placed(SnapshotStore(tmp_path / "sweep", "spring").load(version), tmp_path / "elsewhere")


def test_logs_that_teach_nothing_or_are_of_others_are_refused(make_shop, make_campaign, tmp_path):
    shop = make_shop()
    business(shop, 60)
    log = exported(shop, tmp_path / "log.jsonl")
    with pytest.raises(FailedPrecondition, match="longer log"):
        learned_candidate(shop.campaign, [log], int(log.decided_at[0])).trained()
    strangers = tuple(replace(variant, id=f"other-{variant.id}") for variant in shop.campaign.variants)
    with pytest.raises(InvalidInput, match="own log"):
        learned_candidate(make_campaign(variants=strangers), [log])
    with pytest.raises(InvalidInput, match="order of their time"):
        learned_candidate(shop.campaign, [log.take(np.arange(log.rows)[::-1])])


def test_rows_that_do_not_fit_the_schema_are_counted(make_shop, tmp_path):
    shop = make_shop()
    business(shop, 120)
    log = exported(shop, tmp_path / "log.jsonl")
    members = log.context["member"].copy()
    members[60] = "yes"
    odd = learned_candidate(shop.campaign, [replace(log, context={**log.context, "member": members})])
    assert odd.learned == learned_candidate(shop.campaign, [log]).learned - 1
    assert odd.left_out.startswith("1 decisions do not fit the campaign: attributes.member")


def test_its_settings_can_be_written_into_the_campaigns_file(make_campaign):
    campaign = make_campaign(
        learning=replace(OTHER, extra=("--clip_p", "0.01"), initial_t=None),
        exploration=ExplorationOptions(kind="softmax", lambda_=3.0),
    )
    tables = tomllib.loads(settings_toml(campaign))
    rest = {name: value for name, value in plain(make_campaign()).items() if name not in tables}
    rest = {name: value for name, value in rest.items() if value is not None}
    again = read(type(campaign), {**rest, **tables})
    assert (again.learning, again.exploration, again.objective) == (
        campaign.learning,
        campaign.exploration,
        campaign.objective,
    )
    assert HOLD in str(tables["exploration"])
