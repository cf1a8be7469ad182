"""A calibrated estimate of the policy that logged, where propensities were not logged."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import FloatArray, IntArray
from simulator.calibration import Calibration, temperature
from simulator.conditional_logit import Choices, ConditionalLogit, log_softmax
from simulator.context_features import context_features
from simulator.keyed_hash import hash_strings, mix
from simulator.log import Log

__all__ = ["LOWEST_PROPENSITY", "LoggingModel"]

LOWEST_PROPENSITY = 0.001
_FOLDS = 5


@dataclass(frozen=True, slots=True, eq=False)
class LoggingModel:
    """P̂(arm | context, eligible arms) of every row, from models that never saw the row's user.

    A conditional logit is fitted on all folds of users but one and predicts that one; a temperature, fitted on the
    predictions for the other folds, calibrates them. So neither the model nor its calibration has seen the row, which
    is what keeps weighted estimates from leaning on their own noise. Estimates below a declared lowest one are raised
    to it, at the cost of the arms above.

    It can only be right if everything that the logging policy looked at is in the context. A weighted value with such
    propensities stands or falls with that, whatever the calibration says; see `simulator.sensitivity`.

    Source: van der Laan, Lin, Carone and Luedtke, "Stabilized inverse probability weighting via isotonic
    calibration" (2025), and Klaassen, Rabenseifner, Kueck and Bach, "Calibration strategies for robust causal
    estimation" (2025), for calibrating cross-fitted propensities on rows apart; Guo et al. (2017) for the
    temperature; Swaminathan and Joachims (2015), §3, for bounding propensities from below.

    Attributes:
        probabilities: Of every eligible arm, shape (m,).
        propensity: Of the arm that was played, shape (n,).
        calibration: How well the estimates agree with what was played.
        temperatures: By fold; above 1 where the model was too sure of itself.
        lowest: The declared lowest estimate.
        raised: Share of decisions whose played arm was raised to it.
    """

    probabilities: FloatArray
    propensity: FloatArray
    calibration: Calibration
    temperatures: tuple[float, ...]
    lowest: float
    raised: float

    @classmethod
    def of(cls, log: Log, *, folds: int = _FOLDS, seed: int = 0, lowest: float = LOWEST_PROPENSITY) -> LoggingModel:
        """Estimate the policy of a log from its contexts; recorded propensities are not looked at.

        Args:
            log: At least two users, or decisions without one.
            folds: Number of folds of users.
            seed: Of the folds.
            lowest: Lowest estimate, above 0 and below 1 / (largest number of eligible arms).

        Raises:
            InvalidInput: When `lowest` is out of range, or all decisions are of one user.
        """
        labels = [log.users[code] if code >= 0 else str(log.decision_ids[row]) for row, code in enumerate(log.user)]
        salt = hash_strings([f"propensity:{seed}"])[0]
        fold = (mix(hash_strings(labels, "user") ^ salt) % np.uint64(folds)).astype(np.int64)
        return cls.fit(context_features(log), Choices.of(log), fold, lowest=lowest)

    @classmethod
    def fit(
        cls, features: FloatArray, choices: Choices, fold: IntArray, *, lowest: float = LOWEST_PROPENSITY
    ) -> LoggingModel:
        """Estimate the policy behind choices.

        Args:
            features: What the policy may have looked at, standardised, shape (n, d).
            choices: What was played among what, n rows.
            fold: Fold of each row, all rows of a user in one, shape (n,).
            lowest: Lowest estimate.

        Raises:
            InvalidInput: When `lowest` is out of range, or there is one fold only.
        """
        most = int(np.diff(choices.offsets).max(initial=1))
        if not 0.0 < lowest * most < 1.0:
            raise InvalidInput(
                f"expected a lowest propensity above 0 and below 1/{most}, as {most} arms are eligible; got {lowest}",
                field="--lowest-propensity",
            )
        _, fold = np.unique(fold, return_inverse=True)
        if fold.max(initial=0) == 0:
            raise InvalidInput("expected at least two users, got one; propensities are estimated across users")
        scores = _cross_fitted(features, choices, fold)
        logs, temperatures = _tempered(scores, choices, fold)
        raw = np.exp(logs)
        probabilities = _at_least(raw, choices, lowest)
        plain = log_softmax(_cross_fitted(np.zeros((choices.rows, 0)), choices, fold), choices.offsets)
        marginal = _at_least(np.exp(plain), choices, lowest)
        below = raw[choices.chosen_at] < lowest
        return cls(
            probabilities=probabilities,
            propensity=probabilities[choices.chosen_at],
            calibration=Calibration.of(probabilities, marginal, choices),
            temperatures=temperatures,
            lowest=lowest,
            raised=float(np.average(below, weights=choices.weight)),
        )


def _cross_fitted(features: FloatArray, choices: Choices, fold: IntArray) -> FloatArray:
    """Score every eligible arm by a model fitted on the other folds, shape (m,)."""
    scores = np.empty(choices.eligible.size)
    for held in range(int(fold.max()) + 1):
        out = fold == held
        model = ConditionalLogit(features[~out], choices.select(~out))
        scores[choices.flat(out)] = model.scores(features[out], choices.select(out))
    return scores


def _tempered(scores: FloatArray, choices: Choices, fold: IntArray) -> tuple[FloatArray, tuple[float, ...]]:
    """Calibrate each fold by the temperature of the others, shape (m,)."""
    logs, found = np.empty(scores.size), []
    for held in range(int(fold.max()) + 1):
        out = fold == held
        found.append(temperature(scores[choices.flat(~out)], choices.select(~out)))
        logs[choices.flat(out)] = log_softmax(scores[choices.flat(out)] / found[-1], choices.select(out).offsets)
    return logs, tuple(found)


def _at_least(probabilities: FloatArray, choices: Choices, lowest: float) -> FloatArray:
    """Raise what is below the lowest, and scale down the rest of the row, until none is below."""
    lengths, starts = np.diff(choices.offsets), choices.offsets[:-1]
    fixed = probabilities < lowest
    while True:
        taken = np.add.reduceat(np.where(fixed, lowest, 0.0), starts)
        free = np.add.reduceat(np.where(fixed, 0.0, probabilities), starts)
        scale = np.repeat((1.0 - taken) / np.where(free > 0.0, free, 1.0), lengths)
        raised = np.where(fixed, lowest, probabilities * scale)
        below = ~fixed & (raised < lowest)
        if not below.any():
            return np.asarray(raised)
        fixed |= below
