"""Detectors of change and of collapse: false alarms within their bounds, shifts found within stated windows."""

import numpy as np
import pytest

from engine.core.drawing import SCALE
from engine.core.errors import InvalidInput
from engine.core.monitoring import ChangeDetector, LowMeanDetector, relative_entropy


def detector(seed: int, columns: int = 1, run_length: float = 10_000.0, memory: int = 512) -> ChangeDetector:
    return ChangeDetector(columns, np.random.default_rng(seed), run_length, memory)


@pytest.mark.parametrize(("columns", "memory"), [(1, 512), (1, 40), (10, 512)])
def test_false_changes_within_their_bound(columns: int, memory: int) -> None:
    generator, streams, windows, run_length = np.random.default_rng(3), 400, 100, 500.0
    alarms = 0
    for seed in range(streams):
        watching = detector(seed, columns, run_length, memory)
        # Rates of 40 trials: many ties, which a careless rank would turn into false alarms.
        alarms += any(watching.add(w) for w in generator.binomial(40, 0.05, size=(windows, columns)) / 40)
    assert alarms <= streams * windows / run_length, f"{alarms} of {streams} streams without a change"


def test_ranks_are_uniform_under_ties() -> None:
    watching, generator = detector(5), np.random.default_rng(6)
    ranks = []
    for window in generator.binomial(3, 0.5, size=(500, 1)).astype(float):
        ranks.append(float(watching._ranks(window)[0]))
        watching.add(window)
    shares = np.histogram(ranks, bins=5, range=(0, 1))[0] / len(ranks)
    assert np.abs(shares - 0.2).max() < 4 * np.sqrt(0.2 * 0.8 / len(ranks))


@pytest.mark.parametrize(("columns", "shift", "median"), [(1, 3.0, 8), (1, 2.0, 14), (20, 3.0, 12)])
def test_changes_are_found(columns: int, shift: float, median: int) -> None:
    """A shift of one column, in standard deviations of a window's mean, after 100 windows."""
    generator, delays = np.random.default_rng(7), []
    for seed in range(60):
        watching = detector(seed, columns)
        windows = generator.normal(size=(200, columns))
        windows[100:, 0] += shift
        alarms = [i for i, window in enumerate(windows) if watching.add(window)]
        delays.append(alarms[0] - 99 if alarms else 101)
    assert min(delays) > 0, "an alarm before the change"
    assert np.median(delays) <= median


def test_starts_anew_after_an_alarm() -> None:
    watching = detector(8)
    calm = np.random.default_rng(9).normal(size=(60, 1))
    assert not any(watching.add(window) for window in calm)
    alarms = [i for i, window in enumerate(calm + 50.0) if watching.add(window)]
    assert len(alarms) == 1, "the new level is the new normal"
    assert watching.windows == 60 - alarms[0] - 1


def test_false_collapses_within_their_bound() -> None:
    """At the very edge: 0 or 1, with the least mean that is allowed."""
    generator, streams, numbers, run_length = np.random.default_rng(10), 500, 1_000, 10_000.0
    alarms = sum(
        LowMeanDetector(0.05, run_length).add((generator.random(numbers) < 0.05).tolist()) for _ in range(streams)
    )
    assert alarms <= streams * numbers / run_length


@pytest.mark.parametrize(("mean", "within"), [(0.0, 250), (0.02, 450), (0.03, 700)])
def test_collapses_are_found(mean: float, within: int) -> None:
    watching, generator = LowMeanDetector(0.05), np.random.default_rng(11)
    assert not watching.add(generator.beta(2, 3, size=2_000).tolist()), "a policy that explores"
    after = generator.beta(1, 1 / mean - 1, size=5_000).tolist() if mean else [0.0] * 5_000
    assert next(i for i, number in enumerate(after, 1) if watching.add([number])) <= within


def test_refuses_a_mean_that_cannot_be_kept() -> None:
    with pytest.raises(InvalidInput):
        LowMeanDetector(0.0)


def test_relative_entropy_by_hand() -> None:
    floor = np.array([0.25, 0.25, 0.0])
    counts = np.array([5 / 8, 3 / 8, 0.0]) * SCALE
    entropy = -(5 / 8 * np.log(5 / 8) + 3 / 8 * np.log(3 / 8))
    least = -(3 / 4 * np.log(3 / 4) + 1 / 4 * np.log(1 / 4))
    assert relative_entropy(counts, floor) == pytest.approx((entropy - least) / (np.log(2) - least))
    assert relative_entropy(np.array([SCALE, 0, 0]), np.array([0.05, 0.0, 0.0])) == 1.0, "nothing to choose"
