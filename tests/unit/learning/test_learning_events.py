from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from engine.core.campaign import Campaign
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.errors import InvalidInput, NotFound
from engine.core.joined_decision import Credit, JoinedDecision
from engine.core.objective import Objective
from engine.core.outcome import Outcome, OutcomeType
from engine.core.placement import Channel, Slot
from engine.core.schema import Attribute, Schema
from engine.core.variant import Variant
from engine.journal import Position
from engine.service.learning_events import EventMaker

NOW = datetime(2026, 1, 1, tzinfo=UTC)
CAMPAIGN = Campaign(
    id="c",
    channels=(Channel("email"), Channel("push")),
    slots=(Slot("now"),),
    schema=Schema(1, {"member": Attribute("boolean")}),
    variants=(Variant(id="v", channels={"email": {}, "push": {}}),),
    objective=Objective({"click": 1.0, "cost": -1.0}, low=-1.0, high=1.0, typical=0.1),
)
CATALOGUE = CAMPAIGN.catalogue()


def joined(*outcomes: Outcome, **changes: object) -> JoinedDecision[Position]:
    fields: dict[str, object] = {
        "id": "d", "campaign": "c", "user": "u", "decided_at": NOW, "arm": "v/push/now",
        "eligible": ("hold", "v/push/now"), "counts": None, "chosen_count": 1 << 22, "seed": 1,
        "context": Context(np.array([0.25], np.float32), {"member": True}), "mode": Mode.LIVE,
        "catalogue": CATALOGUE.digest,
    }  # fmt: skip
    credits = tuple(Credit(outcome, "id") for outcome in outcomes)
    return JoinedDecision(Position("w", 1, 1), Decision(**(fields | changes)), credits, NOW)


def maker() -> EventMaker:
    def find(digest):
        if digest != CATALOGUE.digest:
            raise NotFound(digest)
        return CATALOGUE

    return EventMaker(CAMPAIGN, find)


def test_a_decision_becomes_an_event_over_its_full_eligible_set():
    event = maker().event(joined())
    assert event.x.tolist() == [0.25, 1.0]
    assert event.x.dtype == np.float32
    assert [[f.key for f in arm] for arm in event.arms] == [
        [f.key for f in CATALOGUE.features()[0]],
        [f.key for f in CATALOGUE.features()[CATALOGUE.index("v/push/now")]],
    ]
    assert (event.chosen, event.probability, event.weight) == (1, 0.25, 1)


def test_labels_are_costs_less_the_cost_of_nothing():
    assert maker().event(joined()).cost == 0.0
    click = Outcome("o", "c", OutcomeType.CLICK, NOW, 1.0, "d")
    price = Outcome("p", "c", OutcomeType.COST, NOW, 0.5, "d")
    assert maker().event(joined(click)).cost == -0.5
    assert maker().event(joined(click, price)).cost == -0.25
    assert maker().event(joined(price)).cost == 0.25


def test_what_cannot_be_learned_says_why():
    with pytest.raises(NotFound):
        maker().event(joined(catalogue="gone"))
    with pytest.raises(InvalidInput, match="eligible"):
        maker().event(joined(eligible=("hold", "v/sms/now"), arm="hold"))
    with pytest.raises(InvalidInput, match="embedding"):
        maker().event(joined(context=Context(np.zeros(2, np.float32))))
