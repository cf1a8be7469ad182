"""A campaign that is read off a log."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.arm import ChannelId, SlotId
from engine.core.campaign import Campaign
from engine.core.errors import InvalidInput
from engine.core.objective import Objective
from engine.core.outcome import OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute
from simulator.horizons import Horizons
from simulator.metric import Metric, metric_table
from simulator.sweep.log_campaign import LogCampaign, learned_terms, scaled_objective
from simulator.sweep.schema_of_log import schema_of_log


def test_columns_by_kind(log_of):
    rows = [
        {"arm": "a", "context": {"region": "north", "age": 30, "member": True, "same": 1, "mixed": "x"}},
        {"arm": "a", "context": {"region": "south", "age": 50.5, "member": False, "same": 1, "mixed": 2}},
        {"arm": "a", "context": {"age": 20}},
    ]
    schema, left_out = schema_of_log(log_of(rows))
    assert schema.attributes == {
        "region": Attribute("categorical", vocabulary=("north", "south")),
        "age": Attribute("number", low=20.0, high=50.5),
        "member": Attribute("boolean"),
    }
    assert left_out == ("mixed", "same")
    assert schema.dimension == 0


def test_many_words_are_hashed_and_embeddings_keep_their_width(log_of):
    rows = [{"arm": "a", "context": {"sku": f"s{n}"}, "embedding": [0.5, 1.0, float(n)]} for n in range(100)]
    schema, _ = schema_of_log(log_of(rows))
    assert schema.attributes["sku"].kind == "hashed"
    assert schema.dimension == 3


def test_arms_get_ids_that_a_campaign_takes(log_of):
    arms = ["Mens E-Mail", "Mens/E-Mail", "x/push/am", "hold"]
    log = log_of([{"arm": arm, "eligible": arms, "propensity": 0.25} for arm in arms])
    known = LogCampaign.of_log(log, Horizons({"click": 3_600_000_000}), Objective())
    assert known.campaign.horizon_s(OutcomeType.CLICK) == 3600.0
    assert known.campaign.horizon_s(OutcomeType.PURCHASE) == 1e-6
    seen = known.seen(log)
    named = dict(zip(log.arms, seen.arms, strict=True))
    assert named["Mens E-Mail"] == "Mens-E-Mail/any/any"
    assert named["x/push/am"] == "x/push/am"
    assert named["hold"] == "hold"
    assert len(set(seen.arms)) == 4
    ids = {str(arm) for arm in known.campaign.catalogue().ids}
    assert set(seen.arms) <= ids


def test_a_campaign_of_other_arms_is_refused(log_of):
    campaign = Campaign("spring", (Channel(ChannelId("email")),), (Slot(SlotId("am")),))
    with pytest.raises(InvalidInput, match="log of campaign 'spring'"):
        LogCampaign.given(campaign, log_of([{"arm": "a"}]))


def test_what_a_metric_teaches():
    table = metric_table(margin=0.5)
    assert learned_terms(table["ctr_per_send"], {}) == {"click": 1.0}
    assert learned_terms(table["profit"], {}) == {"purchase": 0.5, "refund": -0.5, "cost": -1.0}
    assert learned_terms(table["incremental_roi"], {}) == {"purchase": 0.5, "refund": -0.5, "cost": -1.0}
    assert learned_terms(table["unsubscribe"], {}) == {"unsubscribe": -1.0}
    own = Metric("objective", "", {"objective": 1.0}, {}, False)
    assert learned_terms(own, {"click": 0.1, "cost": -1.0}) == {"click": 0.1, "cost": -1.0}
    with pytest.raises(InvalidInput, match="can learn"):
        learned_terms(table["send_rate"], {})


def test_the_scale_is_that_of_the_rows_that_teach(log_of):
    clicks = [{"arm": "a", "outcomes": [{"type": "click"}] * (n % 4 == 0)} for n in range(100)]
    found = scaled_objective({"click": 1.0}, log_of(clicks))
    assert (found.low, found.high, found.typical) == (0.0, 1.0, 0.25)
    values = np.linspace(1.0, 100.0, 100)
    money = [{"arm": "a", "outcomes": [{"type": "purchase", "value": float(value)}]} for value in values]
    found = scaled_objective({"purchase": 1.0}, log_of(money))
    assert found.high == pytest.approx(np.quantile(values, 0.99))
    assert found.typical == pytest.approx(np.clip(values, 0, found.high).mean(), rel=1e-5)
    assert scaled_objective({"cost": -1.0}, log_of([{"arm": "a"}])).weights == {"cost": -1.0}
