from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulator.arrays import FloatArray
from simulator.reward_models.foldwise import Pairs
from simulator.reward_models.kept_rows import KeptRows
from simulator.reward_models.linear_scorer import LinearScorer
from simulator.reward_models.model import ModelRows


def rows(start: int, stop: int, weight: FloatArray | None = None) -> ModelRows:
    number = np.arange(start, stop)
    weights = np.ones(number.size) if weight is None else weight
    return ModelRows(number[:, None].astype(float), number % 3, number[:, None] * 2.0, weights, number % 2)


def kept(most: int, of: int, chunk: int) -> list[int]:
    keeper = KeptRows(most)
    for start in range(0, of, chunk):
        keeper.add(rows(start, min(of, start + chunk)))
    taken = keeper.taken()
    number = taken.x[:, 0].astype(int)
    assert np.array_equal(taken.arm, number % 3)
    assert np.array_equal(taken.rewards[:, 0], number * 2)
    assert np.array_equal(taken.fold, number % 2)
    return [int(one) for one in number]


def test_all_rows_are_kept_while_there_is_room() -> None:
    assert kept(100, 100, 7) == list(range(100))


def test_a_sample_is_the_same_however_the_log_is_cut() -> None:
    whole = kept(100, 10_000, 10_000)
    assert len(whole) == 100
    assert whole == sorted(whole), "in the order of the log"
    assert whole == kept(100, 10_000, 33) == kept(100, 10_000, 1_024)
    assert set(kept(50, 10_000, 33)) < set(whole), "a smaller sample is part of a larger one"


def test_a_sample_is_spread_over_the_log() -> None:
    found = np.array(kept(2_000, 40_000, 999))
    shares = np.bincount(found * 10 // 40_000) / 2_000
    assert np.abs(shares - 0.1).max() < 0.03
    assert np.mean(found % 2) == pytest.approx(0.5, abs=0.05)


def test_memory_is_bounded_while_rows_come() -> None:
    keeper = KeptRows(100)
    for start in range(0, 5_000, 50):
        keeper.add(rows(start, start + 50))
        assert keeper._held <= 125 + 50


def test_rows_of_no_weight_take_no_room() -> None:
    keeper = KeptRows(100)
    weight = (np.arange(1_000) % 10 == 0).astype(float)
    keeper.add(rows(0, 1_000, weight))
    assert keeper.taken().x[:, 0].tolist() == list(range(0, 1_000, 10))


@pytest.mark.parametrize("arms", [4, 400])
def test_linear_scores_of_any_pairs(arms: int) -> None:
    """Few arms are scored for all rows at once, many pair by pair; both give the sum by hand."""
    random = np.random.default_rng(0)
    weights, bias, x = random.normal(size=(arms, 3)), random.normal(size=arms), random.normal(size=(50, 3))
    row = np.repeat(np.arange(50), 2)
    arm = random.integers(arms, size=100)
    links: list[Any] = []

    def link(scores: FloatArray) -> FloatArray:
        links.append(scores.shape)
        return scores * 2

    found = LinearScorer(weights, bias, link).scores(x, Pairs(row, arm, None))
    expected = [2 * (bias[a] + float(x[r] @ weights[a])) for r, a in zip(row, arm, strict=True)]
    assert found == pytest.approx(expected)
    assert links == [(100,)]
