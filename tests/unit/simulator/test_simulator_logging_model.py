from __future__ import annotations

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray
from simulator.calibration import Calibration, temperature
from simulator.conditional_logit import Choices, ConditionalLogit, log_softmax
from simulator.logging_model import LoggingModel


def choices_of(eligible: list[list[int]], chosen: list[int], arms: int, weight: list[float] | None = None) -> Choices:
    lengths = [len(row) for row in eligible]
    return Choices(
        offsets=np.concatenate(([0], np.cumsum(lengths))).astype(np.int64),
        eligible=np.array([arm for row in eligible for arm in row], dtype=np.int64),
        chosen=np.array([row.index(arm) for row, arm in zip(eligible, chosen, strict=True)], dtype=np.int64),
        weight=np.ones(len(chosen)) if weight is None else np.array(weight, dtype=np.float64),
        arms=arms,
    )


def drawn(n: int, seed: int, varying: bool, scale: float = 1.0) -> tuple[FloatArray, Choices, FloatArray]:
    """Contexts, choices by a conditional logit of known slopes, and its true probabilities (flat)."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(n, 2))
    slopes = scale * np.array([[0.0, 0.8, -0.4], [0.5, -0.6, 0.1], [-0.3, 0.2, 0.9], [0.1, 0.0, -0.7]])
    eligible = [sorted(rng.choice(4, size=3, replace=False).tolist()) if varying else [0, 1, 2, 3] for _ in range(n)]
    everyone = choices_of(eligible, [row[0] for row in eligible], 4)
    scores = (np.column_stack((np.ones(n), x)) @ slopes.T)[
        np.repeat(np.arange(n), np.diff(everyone.offsets)), everyone.eligible
    ]
    truth = np.exp(log_softmax(scores, everyone.offsets))
    chosen = [
        row[int(rng.choice(len(row), p=truth[start : start + len(row)]))]
        for row, start in zip(eligible, everyone.offsets[:-1], strict=True)
    ]
    return x, choices_of(eligible, chosen, 4), truth


def test_same_as_multinomial_logistic_regression_where_all_arms_are_eligible() -> None:
    x, choices, _ = drawn(800, 1, varying=False)
    weight = np.random.default_rng(2).integers(1, 4, 800).astype(np.float64)
    weighed = Choices(choices.offsets, choices.eligible, choices.chosen, weight, 4)
    ours = np.exp(log_softmax(ConditionalLogit(x, weighed).scores(x, weighed), choices.offsets)).reshape(800, 4)
    theirs = LogisticRegression(C=1.0, tol=1e-9, max_iter=2000).fit(x, choices.chosen, sample_weight=weight)
    np.testing.assert_allclose(ours, theirs.predict_proba(x), atol=2e-4)


def test_eligible_sets_are_respected() -> None:
    x, choices, truth = drawn(20_000, 3, varying=True)
    fitted = np.exp(log_softmax(ConditionalLogit(x, choices).scores(x, choices), choices.offsets))
    assert np.abs(fitted - truth).mean() < 0.006
    assert np.abs(fitted - truth).max() < 0.08
    np.testing.assert_allclose(np.add.reduceat(fitted, choices.offsets[:-1]), 1.0)


def test_many_arms_of_which_few_are_eligible_score_alike() -> None:
    x, choices, _ = drawn(300, 4, varying=True)
    model = ConditionalLogit(x, choices)
    wide = Choices(choices.offsets, choices.eligible, choices.chosen, choices.weight, 40)
    padded = ConditionalLogit.__new__(ConditionalLogit)
    padded.coefficients = np.vstack((model.coefficients, np.zeros((36, 3))))
    np.testing.assert_allclose(padded.scores(x, wide), model.scores(x, choices), rtol=1e-12)


def test_marginal_frequencies_by_hand() -> None:
    choices = choices_of([[0, 1]] * 4, [0, 1, 1, 1], 2, [5.0, 1.0, 1.0, 1.0])
    scores = ConditionalLogit(np.zeros((4, 0)), choices).scores(np.zeros((4, 0)), choices)
    np.testing.assert_allclose(np.exp(log_softmax(scores, choices.offsets))[:2], [0.625, 0.375], atol=1e-5)


def test_temperature_undoes_overconfidence() -> None:
    _, choices, truth = drawn(20_000, 5, varying=True)
    assert temperature(3.0 * np.log(truth), choices) == pytest.approx(3.0, rel=0.05)
    assert temperature(np.log(truth), choices) == pytest.approx(1.0, rel=0.05)


def test_calibration_by_hand() -> None:
    choices = choices_of([[0, 1]] * 4, [0, 0, 0, 1], 2, [2.0, 1.0, 1.0, 1.0])
    found = Calibration.of(np.array([0.7, 0.3] * 4), np.array([0.5, 0.5] * 4), choices)
    assert [(round(e.predicted, 3), round(e.observed, 3), e.pairs) for e in found.reliability] == [
        (0.3, 0.2, 5.0),
        (0.7, 0.8, 5.0),
    ]
    assert found.largest_gap == pytest.approx(0.1)
    assert found.reliability[0].error == pytest.approx(np.sqrt(5 * 0.21) / 5)
    assert found.log_loss == pytest.approx(-(4 * np.log(0.7) + np.log(0.3)) / 5)
    assert found.marginal_log_loss == pytest.approx(np.log(2.0))
    assert found.uniform_weight == pytest.approx((4 / 1.4 + 1 / 0.6) / 5)
    assert found.lowest == 0.3


@pytest.mark.parametrize("varying", [False, True])
def test_recovers_the_policy_that_logged(varying: bool) -> None:
    x, choices, truth = drawn(12_000, 6, varying)
    model = LoggingModel.fit(x, choices, np.arange(12_000) % 5)
    assert np.abs(model.probabilities - truth).mean() < 0.01
    assert model.calibration.largest_gap < 0.025
    assert model.calibration.log_loss < model.calibration.marginal_log_loss - 0.05
    assert model.calibration.uniform_weight == pytest.approx(1.0, abs=0.03)
    np.testing.assert_allclose(np.add.reduceat(model.probabilities, choices.offsets[:-1]), 1.0)
    np.testing.assert_array_equal(model.propensity, model.probabilities[choices.chosen_at])


def test_a_row_has_no_say_in_its_own_estimate() -> None:
    x, choices, _ = drawn(400, 7, varying=False)
    fold = np.arange(400) % 4
    changed = choices.chosen.copy()
    changed[fold == 2] = (changed[fold == 2] + 1) % 4
    other = Choices(choices.offsets, choices.eligible, changed, choices.weight, 4)
    before, after = LoggingModel.fit(x, choices, fold), LoggingModel.fit(x, other, fold)
    of_two = choices.flat(fold == 2)
    # The starting points of the fits differ, nothing else.
    np.testing.assert_allclose(before.probabilities[of_two], after.probabilities[of_two], atol=1e-4)
    assert not np.allclose(np.delete(before.probabilities, of_two), np.delete(after.probabilities, of_two), atol=1e-2)


def test_noise_does_not_pass_for_knowledge() -> None:
    rng = np.random.default_rng(8)
    n = 300
    choices = choices_of([[0, 1, 2]] * n, rng.integers(0, 3, n).tolist(), 3)
    model = LoggingModel.fit(rng.normal(size=(n, 40)), choices, np.arange(n) % 5)
    assert min(model.temperatures) > 2.0
    assert model.calibration.log_loss < model.calibration.marginal_log_loss + 0.02


def test_lowest_propensity() -> None:
    x, choices, _ = drawn(3_000, 9, varying=True, scale=6.0)
    model = LoggingModel.fit(x, choices, np.arange(3_000) % 5, lowest=0.05)
    assert model.probabilities.min() == pytest.approx(0.05)
    np.testing.assert_allclose(np.add.reduceat(model.probabilities, choices.offsets[:-1]), 1.0)
    assert 0.0 < model.raised < 0.05
    for lowest in (0.0, 1 / 3, -1.0):
        with pytest.raises(InvalidInput, match="expected a lowest propensity"):
            LoggingModel.fit(x, choices, np.arange(3_000) % 5, lowest=lowest)
    with pytest.raises(InvalidInput, match="at least 3 folds"):
        LoggingModel.fit(x, choices, np.zeros(3_000, dtype=np.int64))
