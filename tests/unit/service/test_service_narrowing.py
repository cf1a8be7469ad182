"""Rows come to be drawn from less; those of the holdout do not."""

from __future__ import annotations

import numpy as np

from engine.core.decision import Mode
from engine.core.eligible_set import EligibleSet
from engine.core.exclusions import Exclusions
from engine.core.repeated import Repeated
from engine.service.narrowing import Narrowing


def set_of(*codes: int) -> EligibleSet:
    return EligibleSet.of(Exclusions(list("abc"), np.array(codes, np.uint8), ("x",)), np.zeros(3))


WIDE, NARROW, HELD = set_of(0, 0, 0), set_of(0, 0, 1), set_of(0, 1, 1)
MODES = [Mode.LIVE, Mode.HOLDOUT, Mode.LIVE, Mode.LIVE]


def test_caps_change_the_rows_that_they_are_about() -> None:
    before = Repeated([WIDE, HELD], np.array([0, 1, 0, 0]))
    narrowing, asked = Narrowing(before, MODES), []

    def narrowed(eligible: EligibleSet, bits: int) -> EligibleSet:
        asked.append(bits)
        return NARROW

    narrowing.cap([(0, 1), (3, 1)], narrowed)
    assert list(narrowing.sets) == [NARROW, HELD, WIDE, NARROW]
    assert asked == [1], "once for all rows with the same caps"
    assert list(before) == [WIDE, HELD, WIDE, WIDE], "what was given stays"
    assert [narrowing.is_held(row) for row in range(4)] == [False, True, False, False]


def test_limits_leave_the_holdout_alone() -> None:
    narrowing = Narrowing(Repeated([WIDE], np.zeros(4, dtype=np.int64)), MODES)
    narrowing.limit(slice(0, 3), lambda _: NARROW)
    assert list(narrowing.sets) == [NARROW, WIDE, NARROW, WIDE]
    narrowing.limit([3], lambda _: HELD)
    assert list(narrowing.sets) == [NARROW, WIDE, NARROW, HELD]
