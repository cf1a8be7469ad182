from __future__ import annotations

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest

from engine.core.arm import HOLD, ArmId, ChannelId
from engine.core.context import Context
from engine.core.decision import Decision, Mode

AT = datetime(2026, 3, 1, 12, 30, 15, 123456, tzinfo=UTC)

PLAIN = Decision(
    id="0123456789abcdef0123456789abcdef",
    campaign="spring",
    user="u-1",
    decided_at=AT,
    arm=ArmId("v1/email/evening"),
    eligible=(HOLD, ArmId("v1/email/evening"), ArmId("v2/sms/noon")),
    counts=np.array([1 << 22, 1 << 23, 1 << 22], dtype=np.uint32),
    chosen_count=1 << 23,
    seed=(1 << 63) - 1,
    context=Context(
        np.array([0.5, -1.25, 3.0], dtype=np.float32),
        {"city": "Köln", "age": 0.1, "member": True, "visits": 3},
        frozenset({ChannelId("email"), ChannelId("sms")}),
    ),
    mode=Mode.LIVE,
    catalogue="c0ffee",
    snapshot="00000007",
    policy="squarecb",
    excluded={
        ArmId("v3/email/evening"): "paused",
        ArmId("v3/email/noon"): "paused",
        ArmId("v4/push/noon"): "no_consent",
    },
    body_digest="beef",
)


@pytest.fixture
def at() -> datetime:
    return AT


@pytest.fixture
def make_decision() -> Callable[..., Decision]:
    def make(**changes: Any) -> Decision:
        return replace(PLAIN, **changes)

    return make


@pytest.fixture
def same() -> Callable[[Decision, Decision], bool]:
    """Equality that looks into arrays, bit for bit."""

    def compare(one: Decision, other: Decision) -> bool:
        return _bits(one) == _bits(other) and _scalars(one) == _scalars(other)

    return compare


def _bits(decision: Decision) -> tuple[object, ...]:
    return (
        dict(decision.excluded),
        dict(decision.context.attributes),
        decision.context.consents,
        None if decision.counts is None else decision.counts.astype("<u4").tobytes(),
        decision.context.embedding.astype("<f4").tobytes(),
    )


def _scalars(decision: Decision) -> tuple[object, ...]:
    looked_into = {"counts", "context", "excluded"}
    return tuple(getattr(decision, field.name) for field in fields(decision) if field.name not in looked_into)
