"""Models that cannot be compiled are served through Vowpal Wabbit itself."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.exploration import Floor, SquareCB
from engine.core.feature import Feature
from engine.core.learning import LearningEvent, LearningOptions
from engine.core.schema import Schema
from engine.vw import VwLearner, VwPolicy

ARMS = [
    (Feature("V", "hold", 1.0),),
    *((Feature("V", f"id=v{i}", 1.0), Feature("C", "id=email", 1.0)) for i in range(3)),
]
SCHEMA = Schema(4)
FLOOR = Floor()


def learned(extra: tuple[str, ...]) -> VwLearner:
    learner = VwLearner(LearningOptions(extra=extra, served_through_vw=True), SCHEMA)
    random = np.random.default_rng(0)
    for _ in range(300):
        chosen = int(random.integers(4))
        x = random.normal(size=4).astype(np.float32)
        learner.learn([LearningEvent(x, ARMS, chosen, -float(chosen == 2), 0.25)])
    return learner


@pytest.mark.parametrize(
    "extra", [("--nn", "3"), ("--cb_explore_adf", "--bag", "3"), ("--cb_explore_adf", "--cover", "3")]
)
def test_the_best_arm_is_preferred_among_the_eligible_and_all_keep_their_floor(extra: tuple[str, ...]) -> None:
    policy = VwPolicy("vw", learned(extra), ARMS, SquareCB(), FLOOR, np.array([0, 1, 1, 1]), 0.1, 300)
    eligible = np.array([[True, True, True, True], [True, True, False, True]])
    found = policy.probabilities(np.ones((2, 4), dtype=np.float32), eligible)
    assert found.sum(axis=1) == pytest.approx([1.0, 1.0])
    assert found[0].argmax() == 2
    assert found[0, 2] > 0.6
    assert found[1, 2] == 0.0
    assert (found >= FLOOR.shares(eligible, np.array([0, 1, 1, 1])) - 1e-12).all()
