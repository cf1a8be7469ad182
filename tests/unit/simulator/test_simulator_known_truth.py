"""Bias and coverage against a shop whose truth is known."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log, ReplaySettings, evaluate

LOGS, USERS, ROWS = 160, 250, 3
ARMS = ["a", "b", "hold"]
ESTIMATORS = ("ips", "snips", "dr", "dm")


def shop(log_of: Callable[..., Log], seed: int) -> Log:
    """Users with a taste of their own, which ties their rows together; logging depends on context."""
    random = np.random.default_rng(seed)
    records = []
    for user in range(USERS):
        x, taste = int(random.integers(2)), float(random.normal(0, 0.1))
        for _ in range(int(random.integers(1, 2 * ROWS))):
            p = [0.5, 0.2, 0.3] if x else [0.2, 0.5, 0.3]
            arm = int(random.choice(3, p=p))
            chance = min(1.0, max(0.0, [0.3, 0.2 + 0.3 * x, 0.15][arm] + taste))
            click = random.random() < chance
            records.append(
                {
                    "arm": ARMS[arm],
                    "propensity": p[arm],
                    "probabilities": p,
                    "eligible": ARMS,
                    "user": f"u{user}",
                    "context": {"x": x},
                    "outcomes": [{"type": "click"}] if click else [],
                }
            )
    return log_of(records)


@pytest.fixture(scope="module")
def runs(log_of: Callable[..., Log]) -> dict[str, np.ndarray]:
    """Value, low and high of `constant:b` for each interval, estimator and log."""
    found: dict[str, list[list[tuple[float, float, float]]]] = {"bootstrap": [], "delta": []}
    for seed in range(LOGS):
        log = shop(log_of, seed)
        for name, kept in found.items():
            settings = ReplaySettings(interval=name, resamples=200, seed=seed)
            report = evaluate(log, policies=["constant:b"], metrics=["ctr"], estimators=ESTIMATORS, settings=settings)
            estimates = report.policies[0].metrics["ctr"].estimates
            kept.append([(e.value or 0.0, e.low or 0.0, e.high or 0.0) for e in estimates.values()])
    return {name: np.array(kept) for name, kept in found.items()}


# Mean of .2 and .5 over x, the first cut off at 0 under a taste of N(0, .1): E max(0, .2 + .1 Z) = .2 Φ(2) + .1 φ(2).
TRUTH = (0.2 * 0.9772499 + 0.1 * 0.0539910 + 0.5) / 2


def test_unbiased(runs: dict[str, np.ndarray]) -> None:
    values = runs["delta"][:, :, 0]
    error = values.mean(axis=0) - TRUTH
    standard = values.std(axis=0, ddof=1) / np.sqrt(LOGS)
    assert np.all(np.abs(error) < 4 * standard), dict(zip(ESTIMATORS, error / standard, strict=True))


@pytest.mark.parametrize("interval", ["bootstrap", "delta"])
def test_intervals_cover_the_truth_as_often_as_they_say(runs: dict[str, np.ndarray], interval: str) -> None:
    low, high = runs[interval][:, :, 1], runs[interval][:, :, 2]
    covered = ((low <= TRUTH) & (high >= TRUTH)).mean(axis=0)
    # 160 logs: a true 95 % stays within these bounds but once in thousands of draws.
    assert np.all(covered >= 0.89), covered
    assert np.all(covered <= 0.995), covered


def test_doubly_robust_is_tighter_than_ips(runs: dict[str, np.ndarray]) -> None:
    width = (runs["delta"][:, :, 2] - runs["delta"][:, :, 1]).mean(axis=0)
    assert width[2] < width[0]
    assert runs["delta"][:, 2, 0].std() < runs["delta"][:, 0, 0].std()
