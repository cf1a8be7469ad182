"""Records over many arms: the same bytes from columns as from ids, and back."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pytest

from engine.core.arm import HOLD, ArmId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.exclusions import Exclusions
from engine.journal import decode, encode

AT = datetime(2026, 3, 1, tzinfo=UTC)
IDS = (HOLD, *(ArmId(f"v{i:03d}/email/now") for i in range(300)))
REASONS = ("no_consent", "never", "variant_draft", "audience")


def decision(excluded, eligible) -> Decision:
    return Decision(
        id="0" * 32, campaign="c", user="u", decided_at=AT, arm=eligible[-1], eligible=eligible, counts=None,
        chosen_count=7, seed=1, context=Context(np.zeros(2, np.float32)), mode=Mode.LIVE, catalogue="d",
        excluded=excluded,
    )  # fmt: skip


def codes_of(seed: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    codes = rng.choice(np.array([0, 1, 3, 4], np.uint8), p=[0.5, 0.1, 0.3, 0.1], size=len(IDS))
    codes[0] = 0
    return codes


@pytest.mark.parametrize("seed", range(5))
def test_columns_give_the_bytes_of_ids(seed):
    exclusions = Exclusions(IDS, codes_of(seed), REASONS)
    by_column = encode(decision(exclusions, exclusions.eligible), AT, lambda _: IDS)
    by_id = encode(decision(dict(exclusions), tuple(exclusions.eligible)), AT, lambda _: IDS)
    assert by_column == by_id
    assert len(by_column) < 400
    back = decode(by_column, lambda _: IDS).record
    assert back.eligible == tuple(arm for arm, code in zip(IDS, exclusions.codes, strict=True) if code == 0)
    assert back.excluded == {arm: REASONS[code - 1] for arm, code in zip(IDS, exclusions.codes, strict=True) if code}
    assert encode(back, AT, lambda _: IDS) == by_column


def test_everything_eligible_has_one_bitmap():
    exclusions = Exclusions(IDS, np.zeros(len(IDS), np.uint8), REASONS)
    data = encode(decision(exclusions, exclusions.eligible), AT, lambda _: IDS)
    back = decode(data, lambda _: IDS).record
    assert (back.eligible, dict(back.excluded)) == (IDS, {})
    assert data.endswith(b"\xff" * 37 + b"\x1f")


def test_another_catalogue_than_the_journals_is_not_taken_on_trust():
    exclusions = Exclusions(IDS, codes_of(1), REASONS)
    other = (HOLD, *reversed(IDS[1:]))
    back = decode(encode(decision(exclusions, exclusions.eligible), AT, lambda _: other), lambda _: other).record
    assert back.eligible == exclusions.eligible
    assert back.excluded == exclusions


def test_arms_in_no_group_and_in_two_come_back_as_they_were():
    eligible, excluded = IDS[:100], dict.fromkeys(IDS[150:], "no_consent")
    back = decode(encode(decision(excluded, eligible), AT, lambda _: IDS), lambda _: IDS).record
    assert (back.eligible, back.excluded) == (eligible, excluded)
    both = dict.fromkeys(IDS[90:], "audience")
    back = decode(encode(decision(both, eligible), AT, lambda _: IDS), lambda _: IDS).record
    assert (back.eligible, back.excluded) == (eligible, both)


def test_all_but_hold():
    held = Exclusions.all_but_hold(IDS, "holdout")
    assert held.eligible == (HOLD,)
    assert held == dict.fromkeys(IDS[1:], "holdout")
    assert len(held) == 300
    assert held[IDS[5]] == "holdout"
    assert HOLD not in held
