"""One campaign and a stream of decisions in it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from engine.core.feature import Feature
from engine.core.learning import LearningEvent
from engine.core.schema import Attribute, Schema

ARMS = [
    (
        *(Feature("V", name, 1.0) for name in (f"id=v{v}", f"tone=t{v % 2}")),
        Feature("C", f"id={c}", 1.0),
        Feature("S", f"id={s}", 1.0),
        Feature("E", "e0", float(np.float32(0.3 * v - 0.7))),
    )
    for v in range(4)
    for c in ("email", "push")
    for s in ("am", "pm")
]


@pytest.fixture
def schema() -> Schema:
    return Schema(4, {"tier": Attribute("categorical", ("gold", "tin"))})


@pytest.fixture
def arms() -> list[tuple[Feature, ...]]:
    return ARMS


@pytest.fixture
def draw_events(schema: Schema) -> Callable[[int, int], list[LearningEvent]]:
    """Decisions whose costs depend on shopper and arm, so that there is something to learn."""

    def draw(seed: int, count: int) -> list[LearningEvent]:
        rng = np.random.default_rng(seed)
        events = []
        for _ in range(count):
            size = int(rng.integers(1, 8))
            eligible = rng.choice(len(ARMS), size=size, replace=False)
            chosen = int(rng.integers(size))
            x = schema.encode(rng.normal(size=4), {"tier": str(rng.choice(["gold", "tin"]))})
            rate = 0.5 + 0.3 * np.tanh(x[eligible[chosen] % 4])
            events.append(
                LearningEvent(
                    x, [ARMS[i] for i in eligible], chosen, float(rng.random() < rate), float(rng.uniform(0.02, 1))
                )
            )
        return events

    return draw
