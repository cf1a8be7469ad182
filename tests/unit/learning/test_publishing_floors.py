from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from engine.core.campaign import Campaign
from engine.core.exploration.options import ExplorationOptions
from engine.core.placement import Channel, Slot
from engine.core.variant import Variant, VariantState
from engine.service.publishing import Publication, arm_floors, exploration_document, floor_document, rows_needed


def variant(name: str, state: VariantState, *channels: str) -> Variant:
    return Variant(id=name, state=state, channels={channel: {} for channel in channels})


CAMPAIGN = Campaign(
    id="c",
    channels=(Channel("email"), Channel("push")),
    slots=(Slot("now"),),
    variants=(
        variant("a", VariantState.APPROVED, "email", "push"),
        variant("b", VariantState.APPROVED, "email"),
        variant("c", VariantState.DRAFT, "email", "push"),
    ),
)


def test_the_floor_goes_to_cells_first_and_then_to_the_approved_variants_in_them():
    floors = arm_floors(CAMPAIGN)
    cell = 0.05 / 3
    assert floors == pytest.approx({"hold": cell, "a/email/now": cell / 2, "b/email/now": cell / 2, "a/push/now": cell})


def test_rows_needed_give_an_effective_sample_size_of_a_thousand():
    rows = rows_needed({"rare": 0.02, "common": 1.0, "never": 0.0})
    assert rows == {"rare": 50_000, "common": 1_000}
    draws = np.random.default_rng(3).random(rows["rare"]) < 0.02
    weights = draws / 0.02
    assert weights.sum() ** 2 / (weights**2).sum() == pytest.approx(1_000, rel=0.1)


def test_the_manifest_has_gamma_where_there_is_one():
    assert exploration_document(CAMPAIGN, 400)["gamma"] == 600.0
    other = replace(CAMPAIGN, exploration=ExplorationOptions("softmax"))
    assert exploration_document(other, 400)["gamma"] is None
    assert exploration_document(other, 400)["lambda"] == 1.0


def test_a_publication_prints_every_floor_with_the_rows_it_asks_for():
    floors = arm_floors(CAMPAIGN)
    text = str(Publication("00000003", "", 500, 0.0, floors, rows_needed(floors)))
    assert text.splitlines() == [
        "published 00000003 after 500 decisions",
        "  floor 0.0167, 60,000 rows to evaluate it: hold, a/push/now",
        "  floor 0.00833, 120,000 rows to evaluate it: a/email/now, b/email/now",
    ]
    assert "rolled back" in str(Publication("", "rolled back to 1", 500))


def test_the_manifest_has_the_floors_of_many_arms_by_channel_and_slot():
    variants = tuple(variant(f"v{i}", VariantState.APPROVED, "email", *["push"][: i % 2]) for i in range(200))
    floors = arm_floors(replace(CAMPAIGN, variants=variants))
    assert floor_document(dict(list(floors.items())[:256])).keys() == {"arms", "rows"}
    cells = floor_document(floors)["cells"]
    assert {name: cell["arms"] for name, cell in cells.items()} == {"hold": 1, "email/now": 200, "push/now": 100}
    for arm, floor in floors.items():
        cell = cells[arm.partition("/")[2] or arm]
        assert (cell["floor"], cell["rows"]) == (floor, rows_needed(floors)[arm])
