from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from engine.core.compiled import CompiledModel
from engine.core.errors import CorruptState, FailedPrecondition
from engine.core.learning import LearningOptions
from engine.core.objective import Objective
from engine.core.outcome import Outcome, OutcomeType
from engine.core.variant import Variant, VariantState
from engine.vw import VwLearner


def test_it_learns_what_matured_and_accounts_for_every_record(make_shop):
    shop = make_shop()
    shop.run(600)
    learning = shop.learning()
    first = learning.step()
    assert 0 < first < 600  # the last five minutes wait for their outcomes
    shop.quiet(1_000)
    learning.step()
    tally, joined = learning.tally, learning.join_tally
    assert joined.decisions == 600
    assert tally.learned + tally.single_arm + tally.other_modes == 600
    assert tally.learned == learning.learned
    assert min(tally.single_arm, tally.other_modes, joined.late_outcomes, joined.duplicate_outcomes) > 0
    assert joined.outcomes > 100
    assert learning.step() == 0
    learning.close()


def test_it_learns_that_the_liked_variant_is_cheap(make_shop):
    shop = make_shop()
    shop.run(1_500)
    learning = shop.learning()
    learning.step()
    snapshot = shop.snapshots().load(shop.snapshots().current().version)
    costs = (
        CompiledModel.from_bytes(snapshot.compiled)
        .matrix(shop.catalogue.features())
        .costs(np.zeros((1, 3), np.float32))
    )
    liked = [i for i, arm in enumerate(shop.catalogue.ids) if arm.startswith("v1/")]
    others = [i for i, arm in enumerate(shop.catalogue.ids) if arm.startswith(("v0/", "v2/"))]
    assert costs[0, liked].max() < costs[0, others].min()
    # Published predictions are costs in [0, 1], although the labels were shifted.
    assert 0.5 < costs.mean() < shop.campaign.objective.resting_cost
    learning.close()


def test_a_snapshot_says_what_it_was_made_of(make_shop):
    shop = make_shop()
    shop.run(700)
    learning = shop.learning()
    learning.step()
    publication, snapshot = learning.published, shop.snapshots().load(learning.published.version)
    manifest = snapshot.manifest
    assert publication.withheld == ""
    assert publication.worst_difference < 1e-5
    assert manifest.learned % 120 == 0
    assert learning.learned - manifest.learned < 120
    assert manifest.exploration["gamma"] == pytest.approx(30 * manifest.learned**0.5)
    assert manifest.exploration["t"] == manifest.learned
    assert manifest.objective["label_shift"] == -shop.campaign.objective.resting_cost
    assert manifest.catalogue == shop.catalogue.digest
    assert sum(publication.floors.values()) == pytest.approx(0.05)
    assert publication.rows["hold"] == 100_000  # 1,000 / .01
    assert publication.rows["v0/email/now"] == int(np.ceil(1_000 / publication.floors["v0/email/now"]))
    compiled = CompiledModel.from_bytes(snapshot.compiled).matrix(shop.catalogue.features())
    row = np.array([0.3, -0.7, 1.0], np.float32)
    truth = VwLearner.from_bytes(shop.campaign.learning, shop.campaign.schema, snapshot.model).predict(
        row, shop.catalogue.features()
    )
    np.testing.assert_allclose(compiled.costs(row[None])[0], truth + shop.campaign.objective.resting_cost, atol=1e-5)
    learning.close()


@pytest.mark.parametrize("cb_type", ["mtr", "ips", "dr"])
def test_the_size_of_the_steps_changes_no_bit(make_shop, make_campaign, cb_type):
    shop = make_shop(make_campaign(learning=LearningOptions(cb_type=cb_type, bits=12, save_every=50, l2=1e-6)))
    shop.record(Outcome("nobody's", "spring", OutcomeType.CLICK, shop.after(0), 1.0, "unknown"))
    small = shop.learning("small")
    for _ in range(6):
        shop.run(60)
        while small.step(most=17):
            pass
    shop.quiet(1_000)
    for _ in range(100):
        small.step(most=17)
    whole = shop.learning("whole")
    whole.step()
    assert whole.learned == small.learned > 150
    assert whole.to_bytes() == small.to_bytes()
    assert whole.tally == small.tally
    assert whole.join_tally == small.join_tally
    letters = [(shop.folder / name / "dead_letters.jsonl").read_text() for name in ("small", "whole")]
    assert letters[0] == letters[1] != ""
    for learning in (small, whole):
        learning.close()


def test_a_new_learner_goes_on_where_the_last_one_was(make_shop):
    shop = make_shop()
    undisturbed = shop.learning("undisturbed")

    def letters_of(name):
        return (shop.folder / name / "dead_letters.jsonl").read_text()

    for i in range(8):
        shop.record(replace(shop.decision("u1"), catalogue=f"nobody-knows-{i}"))
        shop.run(60)
        learning = shop.learning()
        learning.step()
        learning.close()
        undisturbed.step()
    shop.quiet(1_000)
    learning = shop.learning()
    learning.step()
    undisturbed.step()
    assert letters_of("learner") == letters_of("undisturbed") != ""
    assert learning.to_bytes() == undisturbed.to_bytes()
    assert learning.tally == undisturbed.tally
    assert learning.join_tally == undisturbed.join_tally
    undisturbed.close()
    learning.close()


def test_a_restart_publishes_nothing_twice(make_shop):
    shop = make_shop()
    shop.run(600)
    for _ in range(3):
        learning = shop.learning()
        learning.step()
        learning.close()
    assert len(shop.snapshots().versions()) == 1


def test_a_change_of_the_objective_asks_for_a_rebuild_and_gets_it(make_shop, make_campaign):
    shop = make_shop()
    shop.run(600)
    learning = shop.learning()
    learning.step()
    learning.close()
    changed = make_campaign(objective=Objective({"click": 1.0}))
    learning = shop.learning(campaign=changed)
    with pytest.raises(FailedPrecondition, match="engine learn --rebuild --campaign spring"):
        learning.step()
    assert learning.rebuild() > 100
    assert learning.step() == 0
    manifest = shop.snapshots().load(shop.snapshots().current().version).manifest
    assert manifest.objective["weights"] == {"click": 1.0}
    assert manifest.learned == learning.learned
    fresh = shop.learning("fresh", campaign=changed)
    fresh.step()
    assert fresh.to_bytes() == learning.to_bytes()
    fresh.close()
    learning.close()
    again = shop.learning(campaign=changed)
    assert again.step() < 50
    again.close()


def test_variants_and_exploration_may_change_on_the_way(make_shop, make_campaign):
    shop = make_shop()
    learning = shop.learning()
    new = Variant(id="new", state=VariantState.APPROVED, channels={"push": {}})
    learning.adopt(shop.campaign.with_variants((*shop.campaign.variants, new)))
    shop.run(600)
    learning.step()
    assert "new/push/now" in learning.published.floors
    with pytest.raises(FailedPrecondition, match="--rebuild"):
        learning.adopt(make_campaign(attribution="all"))
    learning.close()


def test_after_a_roll_back_nothing_is_published_until_somebody_says_so(make_shop):
    shop = make_shop()
    store = shop.snapshots()
    learning = shop.learning()
    for _ in range(2):
        shop.run(600)
        learning.step()
    first, second = store.versions()[-2:]
    store.roll_back(first, "ann")
    shop.run(600)
    assert learning.step() > 0
    assert "promote" in learning.published.withheld
    assert store.current().version == first
    store.promote(second, "ann")
    shop.run(600)
    learning.step()
    assert store.current().version == learning.published.version > second
    store.roll_back(first, "ann")
    learning.rebuild()
    assert store.current().version == learning.published.version
    learning.close()


def test_only_one_learner_at_a_time(make_shop, make_clock):
    shop, clock = make_shop(), make_clock()
    learning = shop.learning(clock=clock, holder="one")
    with pytest.raises(FailedPrecondition, match="one has it"):
        shop.learning(clock=clock, holder="two")
    clock.moment += timedelta(seconds=60)
    successor = shop.learning(clock=clock, holder="two")
    shop.run(600)
    with pytest.raises(FailedPrecondition, match="holds epoch 1 no more"):
        learning.step()
    assert shop.snapshots().current() is None
    assert successor.step() > 0
    assert shop.snapshots().current().epoch == 2
    successor.close()
    learning.close()


def test_a_decision_over_an_unknown_catalogue_is_set_aside_with_its_reason(make_shop):
    shop = make_shop()
    shop.record(replace(shop.decision("u1"), catalogue="nobody-knows"))
    shop.record(replace(shop.decision("u1", eligible=[0, 1]), eligible=("hold", "gone/push/now"), arm="hold"))
    shop.quiet(2_000)
    learning = shop.learning()
    assert learning.step() == 0
    assert learning.tally.dead_letters == 2
    path = shop.folder / "learner" / "dead_letters.jsonl"
    letters = [json.loads(line) for line in path.read_text().splitlines()]
    assert ["nobody-knows" in letters[0]["reason"], "gone/push/now" in letters[1]["reason"]] == [True, True]
    learning.close()
    again = shop.learning()
    again.step()
    assert len(path.read_text().splitlines()) == 2
    again.close()


def test_records_of_other_campaigns_do_not_matter(make_shop, make_campaign):
    shop = make_shop()
    shop.run(200)
    shop.record(replace(shop.decision("u1"), campaign="other"))
    shop.quiet(1_000)
    learning = shop.learning()
    learning.step()
    assert learning.join_tally.decisions == 200
    learning.close()


@pytest.mark.parametrize("damage", [lambda b: b[:-1], lambda b: b"", lambda b: b[:100] + b"x" + b[101:]])
def test_a_damaged_checkpoint_is_named_with_the_remedy(make_shop, damage):
    shop = make_shop()
    shop.run(400)
    learning = shop.learning()
    learning.step()
    learning.close()
    path = shop.folder / "learner" / "checkpoint"
    path.write_bytes(damage(path.read_bytes()))
    learning = shop.learning()
    with pytest.raises(CorruptState, match=r"checkpoint.*--rebuild"):
        learning.step()
    assert learning.rebuild() > 0
    learning.close()
