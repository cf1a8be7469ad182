"""A calibrated estimate of the policy that logged, where propensities were not logged."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations

import numpy as np

from engine.core.errors import InvalidInput
from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.calibration import Calibration, temperature
from simulator.conditional_logit import Choices, ConditionalLogit, log_softmax
from simulator.context_features import context_features
from simulator.keyed_hash import hash_strings, mix
from simulator.log import Log

__all__ = ["LOWEST_PROPENSITY", "LoggingModel"]

LOWEST_PROPENSITY = 0.001
_FOLDS = 5
#: One to predict, one to calibrate on, one to fit.
_FEWEST_FOLDS = 3


@dataclass(frozen=True, slots=True, eq=False)
class LoggingModel:
    """P̂(arm | context, eligible arms) of every row, from models that never saw the row's user.

    A conditional logit is fitted on all folds of users but one and predicts that one. A temperature calibrates the
    predictions; it is fitted on the other folds, each predicted by a model that saw neither it nor the fold to be
    calibrated. So neither model nor calibration has seen the row, which is what keeps weighted estimates from leaning
    on their own noise. Estimates below a declared lowest one are raised
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
            log: Of several users, or decisions without one.
            folds: Number of folds of users.
            seed: Of the folds.
            lowest: Lowest estimate, above 0 and below 1 / (largest number of eligible arms).

        Raises:
            InvalidInput: When `lowest` is out of range, or there are too few users.
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
            InvalidInput: When `lowest` is out of range, or there are fewer than three folds.
        """
        most = int(np.diff(choices.offsets).max(initial=1))
        if not 0.0 < lowest * most < 1.0:
            raise InvalidInput(
                f"expected a lowest propensity above 0 and below 1/{most}, as {most} arms are eligible; got {lowest}",
                field="--lowest-propensity",
            )
        _, fold = np.unique(fold, return_inverse=True)
        if fold.max(initial=0) < _FEWEST_FOLDS - 1:
            raise InvalidInput(
                f"expected users in at least {_FEWEST_FOLDS} folds, got too few; propensities are estimated across "
                "users"
            )
        crossed = _CrossFit(features, choices, fold)
        raw = np.exp(crossed.tempered())
        probabilities = _at_least(raw, choices, lowest)
        plain = _CrossFit(np.zeros((choices.rows, 0)), choices, fold).scores
        marginal = _at_least(np.exp(log_softmax(plain, choices.offsets)), choices, lowest)
        below = raw[choices.chosen_at] < lowest
        return cls(
            probabilities=probabilities,
            propensity=probabilities[choices.chosen_at],
            calibration=Calibration.of(probabilities, marginal, choices),
            temperatures=tuple(crossed.temperatures),
            lowest=lowest,
            raised=float(np.average(below, weights=choices.weight)),
        )


class _CrossFit:
    """Scores of every eligible arm, by a model fitted on the other folds, and their calibration.

    Attributes:
        scores: Shape (m,).
        temperatures: By fold, once they are tempered.
    """

    def __init__(self, features: FloatArray, choices: Choices, fold: IntArray) -> None:
        self._features, self._choices, self._fold = features, choices, fold
        self._folds = int(fold.max()) + 1
        self._models = [self._fitted(fold != held, None) for held in range(self._folds)]
        self.scores = np.empty(choices.eligible.size)
        self.temperatures: list[float] = []
        for held, model in enumerate(self._models):
            self.scores[choices.flat(fold == held)] = self._scored(model, held)

    def tempered(self) -> FloatArray:
        """Calibrate each fold by the temperature of the others, as logarithms, shape (m,)."""
        apart = {
            pair: self._fitted(~np.isin(self._fold, pair), self._models[pair[0]])
            for pair in combinations(range(self._folds), 2)
        }
        logs = np.empty(self.scores.size)
        for held in range(self._folds):
            others = self.scores.copy()
            for fold in set(range(self._folds)) - {held}:
                model = apart[min(held, fold), max(held, fold)]
                others[self._choices.flat(self._fold == fold)] = self._scored(model, fold)
            rest, own = self._fold != held, self._fold == held
            found = temperature(others[self._choices.flat(rest)], self._choices.select(rest))
            self.temperatures.append(found)
            flat = self._choices.flat(own)
            logs[flat] = log_softmax(self.scores[flat] / found, self._choices.select(own).offsets)
        return logs

    def _fitted(self, rows: BoolArray, near: ConditionalLogit | None) -> ConditionalLogit:
        return ConditionalLogit(self._features[rows], self._choices.select(rows), near)

    def _scored(self, model: ConditionalLogit, fold: int) -> FloatArray:
        rows = self._fold == fold
        return model.scores(self._features[rows], self._choices.select(rows))


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
