from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from simulator import Log
from simulator.context_features import context_features
from simulator.reward_models import ModelRows, Ridge

ARMS = ["a", "b", "c"]


def made(log_of: Callable[..., Log], rows: int = 3000) -> tuple[Log, np.ndarray, np.ndarray]:
    """Rewards linear in context, with a level and a slope of each arm's own; returns the truth for all arms."""
    random = np.random.default_rng(2)
    x = random.normal(size=rows)
    arm = random.integers(3, size=rows)
    truth = np.array([0.5, 1.0, -0.5])[None, :] + x[:, None] * np.array([0.2, -0.3, 0.6])[None, :]
    log = log_of(
        {"arm": ARMS[arm[n]], "eligible": ARMS, "propensity": 1 / 3, "context": {"x": float(x[n])}} for n in range(rows)
    )
    reward = truth[np.arange(rows), arm] + random.normal(0, 0.3, rows)
    return log, reward, truth


def predicted(log: Log, reward: np.ndarray, fold: np.ndarray, chunk: int = 10_000) -> np.ndarray:
    """Cross-fitted predictions for all eligible arms, shape (m,), from chunks of a given size."""
    x = context_features(log)
    model = Ridge(np.bincount(log.arm, weights=log.count, minlength=len(log.arms)), int(fold.max()) + 1)
    for start in range(0, log.rows, chunk):
        rows = slice(start, start + chunk)
        weight = log.count[rows].astype(float)
        model.add(ModelRows(x[rows], log.arm[rows].astype(np.int64), reward[rows, None], weight, fold[rows]))
    folds = np.unique(fold).tolist()
    return model.fit({k: tuple(other for other in folds if other != k) for k in folds}).predict(x, fold, log)[0]


def test_it_learns_levels_and_slopes(log_of: Callable[..., Log]) -> None:
    log, reward, truth = made(log_of)
    fold = np.arange(log.rows) % 5
    found = predicted(log, reward, fold).reshape(-1, 3)
    order = [log.arms.index(arm) for arm in ARMS]
    assert order == [0, 1, 2]
    inside = np.abs(log.context["x"].astype(float)) < 1.5
    assert np.sqrt(np.mean((found - truth)[inside] ** 2)) < 0.05


def test_chunks_make_no_difference(log_of: Callable[..., Log]) -> None:
    log, reward, _ = made(log_of, 500)
    fold = np.arange(log.rows) % 4
    assert np.allclose(predicted(log, reward, fold), predicted(log, reward, fold, chunk=7), atol=1e-10)


def test_arms_that_differ_from_row_to_row_are_predicted_alike(log_of: Callable[..., Log]) -> None:
    """The same rows with a common set of arms, and with that set in another order in one row."""
    log, reward, _ = made(log_of, 400)
    fold = np.arange(log.rows) % 2
    turned = log_of(
        {
            "arm": ARMS[log.arm[n]],
            "eligible": ARMS[::-1] if n == 7 else ARMS,
            "propensity": 1 / 3,
            "context": {"x": log.context["x"][n]},
        }
        for n in range(log.rows)
    )
    ours, theirs = predicted(log, reward, fold).reshape(-1, 3), predicted(turned, reward, fold).reshape(-1, 3)
    theirs[7] = theirs[7][::-1]
    assert np.allclose(ours, theirs, atol=1e-10)


def test_a_row_never_sees_its_own_fold(log_of: Callable[..., Log]) -> None:
    log, reward, _ = made(log_of, 600)
    fold = np.arange(log.rows) % 3
    before = predicted(log, reward, fold)
    changed = reward.copy()
    changed[fold == 1] += 100.0
    after = predicted(log, changed, fold)
    held_out = np.repeat(fold == 1, 3)
    assert np.array_equal(before[held_out], after[held_out])
    assert not np.allclose(before[~held_out], after[~held_out])


def test_counts_weigh_as_rows(log_of: Callable[..., Log]) -> None:
    rows = [{"arm": "ab"[n % 2], "context": {"x": n % 7}, "count": 1 + n % 3} for n in range(90)]
    reward = np.array([float(n % 5 == 0) for n in range(90)])
    counts = np.array([row["count"] for row in rows])
    short = log_of(rows)
    long = log_of({**row, "count": 1} for row in rows for _ in range(int(str(row["count"]))))
    x_short, x_long = context_features(short), context_features(long)
    # Standardisation is of rows, so compare predictions under one scale: the model is equivariant to it but for ridge.
    assert x_short.shape[1] == x_long.shape[1] == 1
    fold = np.arange(90) % 2
    ours = predicted(short, reward, fold)
    theirs = predicted(long, np.repeat(reward, counts), np.repeat(fold, counts))
    first = np.concatenate(([0], np.cumsum(counts)[:-1]))
    assert ours.reshape(-1, 2) == pytest.approx(theirs.reshape(-1, 2)[first], abs=0.01)


def test_features_of_strings_numbers_and_wide_embeddings(log_of: Callable[..., Log]) -> None:
    random = np.random.default_rng(0)
    log = log_of(
        {
            "arm": "a",
            "context": {"region": ["n", "s"][n % 2], "age": n if n % 3 else None, "same": 1, "id": f"x{n}"},
            "embedding": random.normal(size=100).tolist(),
        }
        for n in range(50)
    )
    matrix = context_features(log)
    assert matrix.shape == (50, 1 + 2 + 32), "age, two regions, 32 projections; constants and ids say nothing"
    assert np.allclose(matrix.mean(axis=0), 0)
    assert np.allclose(matrix.std(axis=0), 1)
    assert context_features(log_of([{"arm": "a"}])).shape == (1, 0)
