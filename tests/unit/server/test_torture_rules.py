"""The judge of the torture: it finds what is broken, and nothing else."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))

from benchmarks.torture_rules import broken
from engine.core.context import Context
from engine.core.decision import Decision, Mode
from engine.core.drawing import SCALE
from engine.core.outcome import Outcome, OutcomeType

START = datetime(2026, 5, 1, tzinfo=UTC)
SETTINGS: dict[str, Any] = {
    "channels": [{"id": "email", "cost_minor": 2}, {"id": "push"}],
    "variants": [{"id": "a", "stock": 2}, {"id": "b"}],
}


def sent(number: int, arm: str, at_s: float = 0.0, user: str = "u", mode: Mode = Mode.LIVE) -> Decision:
    return Decision(
        id=f"{number:032x}", campaign="c", user=user, decided_at=START + timedelta(seconds=at_s), arm=arm,
        eligible=(arm,), counts=np.array([SCALE], dtype=np.uint32), chosen_count=SCALE, seed=0,
        context=Context(np.zeros(1, dtype=np.float32)), mode=mode, catalogue="",
    )  # fmt: skip


def not_sent(number: int) -> Outcome:
    return Outcome(f"n{number}", "c", OutcomeType.NOT_SENT, START, decision_id=f"{number:032x}")


EMAILS = [sent(i, "b/email/now", 10.0 * i) for i in range(3)]


@pytest.mark.parametrize(
    ("settings", "decisions", "outcomes", "word"),
    [
        ({"budget": {"amount_minor": 6}}, EMAILS, [], ""),
        ({"budget": {"amount_minor": 5}}, EMAILS, [], "budget: 6 of 5"),
        ({"budget": {"amount_minor": 5}}, EMAILS, [not_sent(1)], ""),
        ({"budget": {"amount_minor": 5}}, [*EMAILS[:2], sent(9, "hold"), sent(8, "b/push/now")], [], ""),
        ({"budget": {"amount_minor": 5}}, [*EMAILS[:2], sent(2, "b/email/now", mode=Mode.SHADOW)], [], ""),
        ({}, [sent(i, "a/push/now") for i in range(3)], [], "stock: 3 of 2 of a"),
        ({}, [sent(i, "a/push/now") for i in range(3)], [not_sent(0)], ""),
        ({"caps": [{"most": 2, "within_s": 20.0}]}, EMAILS, [], ""),
        ({"caps": [{"most": 2, "within_s": 20.2}]}, EMAILS, [], "cap "),
        ({"caps": [{"most": 2, "within_s": 20.2}]}, EMAILS, [not_sent(1)], ""),
        ({"caps": [{"most": 2, "within_s": 20.2, "channel": "push"}]}, EMAILS, [], ""),
        ({"caps": [{"most": 1, "within_s": 9.0}]}, EMAILS[::-1], [], ""),
        ({"caps": [{"most": 1, "within_s": 11.0}]}, EMAILS[::-1], [], "cap "),
        ({"caps": [{"most": 1, "within_s": 60.0}]},
         [sent(0, "b/push/now"), sent(1, "b/push/now", user="w")], [], ""),
    ],
)  # fmt: skip
def test_the_judge(settings: dict[str, Any], decisions: list[Decision], outcomes: list[Outcome], word: str) -> None:
    found = broken({**SETTINGS, **settings}, decisions, outcomes)
    assert [text.startswith(word) for text in found] == ([True] if word else [])
