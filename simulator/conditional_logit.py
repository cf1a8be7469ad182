"""Which of the eligible arms is played, by multinomial logistic regression on the context."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize
from scipy.sparse import csr_array

from simulator.arrays import BoolArray, FloatArray, IntArray
from simulator.log import Log
from simulator.runs import runs

__all__ = ["Choices", "ConditionalLogit", "log_softmax"]

_BLOCK = 2_000_000
_STEPS = 300


@dataclass(frozen=True, slots=True, eq=False)
class Choices:
    """Which arm was chosen among which; n rows, m = total number of eligible arms, K arms.

    Attributes:
        offsets: Row i's eligible arms are `eligible[offsets[i]:offsets[i + 1]]`, shape (n + 1,).
        eligible: Indices of arms, shape (m,).
        chosen: Place of the chosen arm among the row's eligible arms, shape (n,).
        weight: How many identical decisions the row stands for, shape (n,).
        arms: K.
    """

    offsets: IntArray
    eligible: IntArray
    chosen: IntArray
    weight: FloatArray
    arms: int

    @classmethod
    def of(cls, log: Log) -> Choices:
        """Take the choices of a log."""
        return cls(log.offsets, log.eligible.astype(np.int64), log.chosen, log.count.astype(np.float64), len(log.arms))

    @property
    def rows(self) -> int:
        """Number of rows, n."""
        return int(self.chosen.size)

    @property
    def chosen_at(self) -> IntArray:
        """Place of each row's chosen arm in the flat `eligible`, shape (n,)."""
        return np.asarray(self.offsets[:-1] + self.chosen)

    def flat(self, rows: BoolArray) -> IntArray:
        """Places in the flat `eligible` of the rows where `rows`, shape (n,), is true."""
        return runs(self.offsets[:-1][rows], np.diff(self.offsets)[rows])

    def select(self, rows: BoolArray) -> Choices:
        """Keep the rows where `rows`, shape (n,), is true."""
        lengths = np.diff(self.offsets)[rows]
        offsets = np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)
        return Choices(offsets, self.eligible[self.flat(rows)], self.chosen[rows], self.weight[rows], self.arms)


class ConditionalLogit:
    """P(a | x, E) = exp(αₐ + x·βₐ) / Σ_{b ∈ E} exp(α_b + x·β_b), normalised over the row's eligible arms E.

    Where all rows have the same eligible arms, this is multinomial logistic regression. The slopes β have an L2
    penalty, ½‖β‖² as in scikit-learn's default, for features that are standardised; the constants have none.

    Source: McFadden, "Conditional logit analysis of qualitative choice behavior" (1974), eq. 10.

    Args:
        features: Shape (n, d).
        choices: What was chosen, n rows.
        near: A model that is about the same, to start from; by default all coefficients start at 0.
    """

    def __init__(self, features: FloatArray, choices: Choices, near: ConditionalLogit | None = None) -> None:
        start = np.zeros((choices.arms, features.shape[1] + 1)) if near is None else near.coefficients
        found = minimize(
            _Loss(_with_constant(features), choices),
            start.ravel(),
            jac=True,
            method="L-BFGS-B",
            options={"maxiter": _STEPS, "gtol": 1e-6, "ftol": 1e-12},
        )
        #: Constant and slopes of each arm, shape (K, d + 1).
        self.coefficients: FloatArray = found.x.reshape(start.shape)

    def scores(self, features: FloatArray, choices: Choices) -> FloatArray:
        """Give αₐ + x·βₐ of every eligible arm, shape (m,)."""
        return _scores(_with_constant(features), self.coefficients, choices)


class _Loss:
    """Mean negative log-likelihood with its gradient; the penalty shares its scale."""

    def __init__(self, features: FloatArray, choices: Choices) -> None:
        self._x, self._choices = features, choices
        self._total = float(choices.weight.sum())
        self._flat_weight = np.repeat(choices.weight, np.diff(choices.offsets))

    def __call__(self, flat: FloatArray) -> tuple[float, FloatArray]:
        choices = self._choices
        coefficients = flat.reshape(choices.arms, -1)
        slopes = coefficients[:, 1:]
        logs = log_softmax(_scores(self._x, coefficients, choices), choices.offsets)
        residual = np.exp(logs) * self._flat_weight
        np.subtract.at(residual, choices.chosen_at, choices.weight)
        played = csr_array((residual, choices.eligible, choices.offsets), shape=(choices.rows, choices.arms))
        gradient = played.T @ self._x
        gradient[:, 1:] += slopes
        loss = -float(choices.weight @ logs[choices.chosen_at]) + 0.5 * float(np.sum(slopes**2))
        return loss / self._total, np.asarray(gradient).ravel() / self._total


def log_softmax(scores: FloatArray, offsets: IntArray) -> FloatArray:
    """Normalise scores over each row's eligible arms, in logarithms, shape (m,)."""
    lengths = np.diff(offsets)
    shifted = scores - np.repeat(np.maximum.reduceat(scores, offsets[:-1]), lengths)
    return np.asarray(shifted - np.repeat(np.log(np.add.reduceat(np.exp(shifted), offsets[:-1])), lengths))


def _with_constant(features: FloatArray) -> FloatArray:
    return np.column_stack((np.ones(len(features)), features))


def _scores(x: FloatArray, coefficients: FloatArray, choices: Choices) -> FloatArray:
    """Multiply in blocks of rows: all arms at once where most are eligible, else those that are."""
    scores = np.empty(choices.eligible.size)
    lengths = np.diff(choices.offsets)
    dense = choices.arms <= 4 * lengths.mean()
    width = choices.arms if dense else x.shape[1] * int(lengths.max())
    for rows in _blocks(choices.rows, width):
        flat = slice(choices.offsets[rows.start], choices.offsets[rows.stop])
        arm, row = choices.eligible[flat], np.repeat(np.arange(rows.stop - rows.start), lengths[rows])
        if dense:
            scores[flat] = (x[rows] @ coefficients.T)[row, arm]
        else:
            scores[flat] = np.einsum("ij,ij->i", x[rows][row], coefficients[arm])
    return scores


def _blocks(rows: int, width: int) -> Iterator[slice]:
    step = max(1, _BLOCK // max(1, width))
    for start in range(0, rows, step):
        yield slice(start, min(rows, start + step))
