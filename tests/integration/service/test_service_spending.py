"""What a chain's records behind a position took, on real segments."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from engine.core.arm import HOLD, ArmId
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.outcome import Outcome, OutcomeType
from engine.core.prices import Prices
from engine.journal import Mark, SegmentWriter
from engine.service.spending import spent_behind

START = datetime(2026, 3, 1, tzinfo=UTC)
PRICES = Prices({"email": 1, "sms": 7}, {"email": 1, "sms": 5})


def decision(id_: str, arm: str, mode: Mode = Mode.LIVE, campaign: str = "c", catalogue: str = "cat") -> Decision:
    context = Context(np.zeros(0, dtype=np.float32))
    return Decision(id_, campaign, "u", START, ArmId(arm), (ArmId(arm),), None, 1 << 24, 0, context, mode, catalogue)


def not_sent(id_: str, campaign: str = "c") -> Outcome:
    return Outcome(f"o{id_}", campaign, OutcomeType.NOT_SENT, START, decision_id=id_, reason="bounced")


def arm_of(outcome: Outcome) -> ArmId | None:
    return {"1": ArmId("a/sms/now"), "2": ArmId("b/email/now")}.get(outcome.decision_id)


@pytest.fixture
def writer(tmp_path: Path) -> SegmentWriter:
    return SegmentWriter(tmp_path, "w0", segment_bytes=1_000)


def test_decisions_take_and_outcomes_give_back(tmp_path: Path, writer: SegmentWriter) -> None:
    start = writer.position
    writer.append(decision("0", "a/sms/now"), START)
    writer.commit()
    behind = writer.position
    records = [
        decision("1", "a/sms/now"),
        decision("2", "b/email/now", Mode.CONTROL),
        decision("3", HOLD),
        decision("4", "a/sms/now", Mode.SHADOW),
        decision("5", "a/sms/now", campaign="other"),
        decision("6", "a/email/now", Mode.FALLBACK),
        Mark(),
        not_sent("1"),
        not_sent("2", "other"),
        not_sent("unknown"),
        Outcome("click", "c", OutcomeType.CLICK, START, decision_id="2"),
    ]
    for record in records:
        writer.append(record, START)
    writer.close()
    found = spent_behind(tmp_path, behind, "c", PRICES, arm_of)
    assert found == {"budget": 7 + 1 + 1 - 5, "stock:a": 1, "stock:b": 1}
    assert spent_behind(tmp_path, behind, "c", PRICES)["budget"] == 9
    assert spent_behind(tmp_path, start, "c", PRICES)["budget"] == 16


def test_another_chain_does_not_count(tmp_path: Path, writer: SegmentWriter) -> None:
    other = SegmentWriter(tmp_path, "w1")
    other.append(decision("1", "a/sms/now"), START)
    other.close()
    assert spent_behind(tmp_path, writer.position, "c", PRICES) == {}
    writer.close()


def test_a_decision_that_cannot_be_read_counts_as_the_dearest(tmp_path: Path) -> None:
    arms = tuple(ArmId(f"a{i}/email/now") for i in range(100))
    writer = SegmentWriter(tmp_path, "w0", arms=lambda digest: arms)
    start = writer.position
    record = decision("1", arms[0])
    large = Decision(
        "1", "c", "u", START, arms[0], arms, None, 1 << 18, 0, record.context, Mode.LIVE, "a lost catalogue"
    )
    writer.append(large, START)
    writer.close()
    assert spent_behind(tmp_path, start, "c", PRICES)["budget"] == 7
    known = spent_behind(tmp_path, start, "c", PRICES, arms=lambda digest: arms)
    assert known == {"budget": 1, "stock:a0": 1}
