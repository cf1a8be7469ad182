"""Predicting and learning decisions as they come: one native call or two, the same bits."""

from __future__ import annotations

import numpy as np
import pytest

from engine.core.errors import InvalidInput, LearningError
from engine.vw import ArmLabel, ArmStream

ARMS = [f"|V v{i}:1 |C c{i % 2}:1" for i in range(8)]


@pytest.mark.parametrize(
    "options",
    [
        "--cb_adf --cb_type dr",
        "--cb_explore_adf --epsilon 0.1 --quadratic UV --l1 1e-3",
        "--cb_explore_adf --softmax --lambda 5 --cb_type ips --sgd",
        "--cb_explore_adf --squarecb --quadratic UV --coin",
        "--cb_explore_adf --bag 4 --quadratic UV",
        "--cb_explore_adf --cover 3 --cb_type dr",
        "--cb_explore_adf --regcbopt --cb_min_cost -1 --cb_max_cost 0",
        "--cb_explore_adf --rnd 3",
        "--cb_explore_adf --first 20",
        "--cb_explore_adf --epsilon_decay",
    ],
)
def test_one_call_gives_what_two_give(options: str) -> None:
    rng = np.random.default_rng(1)
    together, apart = (ArmStream(options.split()) for _ in range(2))
    learned = set()
    for _ in range(300):
        u = float(rng.normal())
        arms = [ARMS[i] for i in rng.permutation(8)[: 2 + int(rng.integers(6))]]
        chosen = int(rng.integers(len(arms)))
        clicked = rng.random() < (0.6 if (" v1:" in arms[chosen]) == (u > 0) else 0.1)
        label = ArmLabel(chosen, -float(clicked), 1 / len(arms))
        before = apart.predict(f"shared |U u:{u:.9g}", arms)
        assert together.predict_then_learn(f"shared |U u:{u:.9g}", arms, label) == before
        apart.learn(f"shared |U u:{u:.9g}", arms, label)
        learned.add(tuple(before))
    assert len(learned) > 6
    together.close()
    apart.close()


@pytest.mark.parametrize(
    "label", [(3, 0.0, 0.5), (-1, 0.0, 0.5), (0, float("nan"), 0.5), (0, float("inf"), 0.5), (0, 0.0, 0.0),
              (0, 0.0, 1e-60), (0, 0.0, 1.5), (0, 0.0, float("nan"))]
)  # fmt: skip
def test_labels_that_native_code_would_take_or_die_of_are_refused(label: tuple[int, float, float]) -> None:
    stream = ArmStream(["--cb_explore_adf"])
    with pytest.raises(InvalidInput):
        stream.learn("shared |U u:1", ARMS[:3], ArmLabel(*label))
    stream.close()


def test_other_kinds_of_learners_are_refused() -> None:
    for options in ("--cb 4", "--ccb_explore_adf", "--slates", "--csoaa_ldf m"):
        with pytest.raises(InvalidInput, match="contextual bandit over listed arms"):
            ArmStream(options.split())
    with pytest.raises(LearningError, match="refused its options"):
        ArmStream(["--cb_explore_adf", "--epsilon", "2"])
